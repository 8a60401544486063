use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::exit::Exit;
use super::input::{Input, for_each_input};
use super::json;
use super::options::{Trust, TrustArgs};
use super::report::{Detail, JsonVerdict, report_unreadable, verdict_page};
use crate::finding::Error;
use crate::identifier::Identifier;
use crate::verdict::{Outcome, Verdict, judge};

const AFTER_HELP: &str = "\
Examples:
  endorse verify hyp01.xml
  endorse verify --explain hyp01.xml
  endorse verify --json identifiers/ > verdicts.json
  endorse verify --roots vendor-root.cer --intermediates vendor-ca/ ek.der
  endorse verify --no-embedded-roots --store /srv/store hyp01.xml
  endorse verify --crls crls/ hyp01.xml
  endorse verify --at 2026-01-31 hyp01.xml

An endorsement key is trusted if its certificate chains to a trusted root, is
the certificate of the very key in the file, and nothing found is an error.
Revocation is checked as far as there are CRLs (--crls, or 'crls' in the store),
and a verdict does not prove that the host still holds the TPM.

Exit codes:
  0  every input is trusted
  1  an input was judged and rejected
  2  wrong usage, or a file or the store is missing or broken
  3  an input is not a platform identifier, EK certificate or EKpub
With many inputs the worst in the order 2, 3, 1, 0 wins.";

/// Options of `verify`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Verify {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Tell the judgement step by step
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

pub(super) fn run(args: &Verify, console: &mut Console<'_>) -> Result<Exit, Error> {
    let trust = args.trust.resolve(console)?;
    let detail = Detail {
        explain: args.explain,
        checks: console.manner.verbose,
    };
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        match judge_input(&input, &trust) {
            Ok(verdict) => {
                let rejected = verdict.outcome() == Outcome::Rejected;
                if rejected {
                    exit = exit.and(Exit::Rejected);
                }
                if console.manner.json {
                    results.push(JsonVerdict::new(&input.name, &verdict, detail));
                } else if rejected || !console.manner.quiet {
                    let page = verdict_page(&input.name, &verdict, detail, console);
                    console.print(&page);
                }
            }
            Err(error) => {
                exit = exit.and(Exit::from(&error));
                report_unreadable(console, &input.name, &error);
                if console.manner.json {
                    results.push(JsonVerdict::unreadable(&input.name, &error));
                }
            }
        }
    });
    if console.manner.json {
        console.print(&json::document("verify", &results));
    }
    Ok(exit)
}

/// Reads and judges one input.
pub(super) fn judge_input(input: &Input, trust: &Trust) -> Result<Verdict, Error> {
    let bytes = input.bytes.as_deref().map_err(Clone::clone)?;
    let identifier = Identifier::read(bytes)?;
    Ok(judge(
        &identifier,
        &trust.store,
        &trust.policy,
        trust.at,
        trust.usage,
    ))
}
