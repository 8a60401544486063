//! `diagnose`: what is wrong with a guarded fabric, as a tree.

mod alike;
mod collect;
mod gathering;
mod host;
mod html;
mod json;
mod judging;
#[cfg(unix)]
mod key_file;
#[cfg(feature = "fetch")]
mod live;
mod saved;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use super::options::now;
use crate::der::Time;
use crate::diagnose::files::ServiceAccount;
use crate::diagnose::{Question, Report, Selection, Status, diagnose};
use crate::disk::save;
use crate::finding::Error;

use gathering::{GatherArgs, Gathered, gather};

const AFTER_HELP: &str = "\
Examples:
  endorse diagnose --hgs https://hgs.bastion.test --tls-root ca.pem
  endorse diagnose --hgs http://hgs.bastion.test --wait-for-mode ad
  endorse diagnose --path traces/
  endorse diagnose --path policy.inf --html report.html
  endorse diagnose --host --detailed
  endorse diagnose --identifier hyp01.xml --registry registry.db
  endorse diagnose --key-file /etc/hgs/signing.key --account hgs
  endorse diagnose --path policy.inf --gmsa 'BASTION\\svc-hgs$'
  endorse diagnose collect --path traces/ --output fabric.json
  endorse diagnose --path fabric.json --diagnostic Https --detailed

Exit codes:
  0  nothing failed
  1  a diagnostic failed
  2  wrong usage, or a file cannot be read or written
  3  a file could not be read as what it should be";

/// This program, as bundles name it.
const PROGRAM: &str = concat!("endorse ", env!("CARGO_PKG_VERSION"));

/// Options of `diagnose`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(super) struct Diagnose {
    #[command(subcommand)]
    command: Option<Command>,
    /// The account that runs the Key Protection Service, as DOMAIN\name$ or as a SID; may be
    /// repeated with other names of the same account
    #[arg(long, value_name = "ACCOUNT_OR_SID")]
    gmsa: Vec<String>,
    /// Which set of diagnostics, as in Get-HgsTrace; may be repeated [default: All]
    #[arg(long, value_name = "SET", value_parser = selection)]
    diagnostic: Vec<Selection>,
    /// Show what passed and what does not apply as well
    #[arg(long)]
    detailed: bool,
    /// Write the report as a page of HTML to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    gather: GatherArgs,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    waiting: live::WaitArgs,
    #[command(flatten)]
    service: judging::ServiceArgs,
    #[command(flatten)]
    identifiers: host::IdentifierArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Write what there is to see to one file, to be diagnosed elsewhere
    Collect(collect::Collect),
}

/// All that the text, the JSON and the page show.
struct Run<'a> {
    report: &'a Report,
    /// The time as of which it was judged.
    at: Time,
    /// When this run is, to tell how old a bundle is.
    now: Time,
    bundles: &'a [OpenedBundle],
    errors: &'a [Error],
}

/// Where a bundle comes from.
#[derive(Debug)]
struct OpenedBundle {
    path: String,
    made_at: Time,
    made_by: String,
}

impl OpenedBundle {
    fn in_words(&self, now: Time) -> String {
        format!(
            "bundle {}: made at {} by {}, {}",
            self.path,
            self.made_at,
            self.made_by,
            words::age(self.made_at, now)
        )
    }
}

impl Diagnose {
    /// The name that the JSON of the command that was given has.
    pub(super) fn schema(&self) -> &'static str {
        match self.command {
            None => "diagnose",
            Some(Command::Collect(_)) => "diagnose-collect",
        }
    }
}

impl Gathered {
    /// What was collected is judged as of then: a certificate that has expired since was
    /// not what was wrong.
    fn judged_at(&self, now: Time) -> Time {
        let newest = self.bundles.iter().map(|bundle| bundle.made_at).max();
        newest.filter(|_| self.from_bundles_only).unwrap_or(now)
    }
}

fn selection(name: &str) -> Result<Selection, String> {
    Selection::named(name).ok_or_else(|| {
        "no such set; there are Base, BestPractices, Hardware, Https, Networking, GuardedHost, \
         HostGuardianService, GuardedFabric, GuardedFabricTpmMode, GuardedFabricADMode and All"
            .to_owned()
    })
}

/// Gathers what there is to see, judges it and shows the tree.
pub(super) fn run(args: &Diagnose, console: &mut Console<'_>) -> Result<Exit, Error> {
    if let Some(Command::Collect(args)) = &args.command {
        return collect::run(args, console);
    }
    args.gather.hosts.prepare();
    let tls_roots = args.service.tls_roots()?;
    #[cfg(feature = "fetch")]
    let waited = args.waiting.wait(&args.gather.live, console)?;
    let now = now()?;
    let gathered = gather(&args.gather, now, console)?;
    let at = args
        .identifiers
        .at()
        .unwrap_or_else(|| gathered.judged_at(now));
    let mut question = Question::new(at);
    question.service_account = ServiceAccount::new(args.gmsa.iter().cloned());
    question.tls_roots = tls_roots;
    question.expected_mode = args.service.mode();
    #[cfg(feature = "fetch")]
    {
        question.expected_mode = question.expected_mode.or(args.waiting.mode());
        question.waited = waited;
    }
    let (judgements, judged_exit) = args
        .identifiers
        .judgements(&gathered.targets, at, console)?;
    question.judgements = judgements;
    let asked = args.diagnostic.iter().cloned().reduce(Selection::and);
    if let Some(selection) = asked {
        question.selection = selection;
    }
    let report = diagnose(&gathered.targets, &question);
    let run = Run {
        report: &report,
        at,
        now,
        bundles: &gathered.bundles,
        errors: &gathered.errors,
    };
    if let Some(path) = &args.html {
        save(path, html::page(&run, args.detailed).as_bytes())?;
    }
    if console.manner.json {
        console.print(&json::document(&run));
    } else if !console.manner.quiet || report.status() == Status::Fail {
        let text = text::tree(&run, args.detailed, console.color());
        console.print(&text);
    }
    let judged = match report.status() {
        Status::Fail => Exit::Rejected,
        _ => Exit::Done,
    };
    Ok(judged.and(judged_exit).and(gathered.exit(&report)))
}
