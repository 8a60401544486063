use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::hosts::JsonHost;
use crate::cli::human::{Page, distinct_codes};
use crate::cli::input::for_each_input;
use crate::cli::json::{self, JsonError, JsonFinding};
use crate::cli::options::{RegistryArgs, now, who};
use crate::cli::report::report_unreadable;
use crate::disk::read_file;
use crate::finding::{Error, Fault, Finding};
use crate::hash::hex;
use crate::possession::{Answer, Challenge, MAX_FILE_LEN, Request};
use crate::registry::{AnswerReport, Mode, Registry};

pub(super) const CHECK: &str = "challenge-check";

/// Options of `challenge check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse challenge check hyp01.answer
  endorse challenge check answers/
  endorse challenge check --challenge hyp01/challenge.json --ak ak.pub \\
      --secret secret --quote quote.msg --signature quote.sig

The second form is for hosts that answered with tpm2-tools: --secret is what
tpm2_activatecredential wrote, once for each numbered credential and in their
order; --quote and --signature are what tpm2_quote wrote with -m and -s.
A right answer is recorded in the registry, once.

Exit codes:
  0  every host has proven that it holds its endorsement keys
  1  an answer is wrong, late, or was given before
  2  wrong usage, or the registry is missing or broken
  3  a file is not an answer")]
pub(super) struct Check {
    /// Answers, directories of them, or '-' for standard input
    #[arg(value_name = "FILE", required_unless_present = "challenge")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    tpm2_tools: Tpm2ToolsArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The files of a host that answered with tpm2-tools.
#[derive(Args, Debug)]
#[command(next_help_heading = "Answered with tpm2-tools")]
struct Tpm2ToolsArgs {
    /// The challenge that tpm2-tools answered
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "files",
        requires_all = ["ak", "secret", "quote", "signature"]
    )]
    challenge: Option<PathBuf>,
    /// Public area of the attestation key (tpm2_createak -u)
    #[arg(long, value_name = "FILE", requires = "challenge")]
    ak: Option<PathBuf>,
    /// Recovered secret (tpm2_activatecredential -o); may be repeated
    #[arg(long, value_name = "FILE", requires = "challenge")]
    secret: Vec<PathBuf>,
    /// The quote (tpm2_quote -m)
    #[arg(long, value_name = "FILE", requires = "challenge")]
    quote: Option<PathBuf>,
    /// Its signature (tpm2_quote -s)
    #[arg(long, value_name = "FILE", requires = "challenge")]
    signature: Option<PathBuf>,
}

#[derive(Serialize)]
struct JsonChecked {
    input: String,
    /// `proven`, `rejected` or `unreadable`.
    outcome: &'static str,
    host: Option<JsonHost>,
    findings: Vec<JsonFinding>,
    error: Option<JsonError>,
}

pub(super) fn run(args: &Check, console: &mut Console<'_>) -> Result<Exit, Error> {
    let registry = args.registry.open(Mode::ReadWrite)?;
    let mut job = Job {
        registry,
        who: who(),
        exit: Exit::Done,
        results: Vec::new(),
    };
    if let Some(challenge) = &args.tpm2_tools.challenge {
        let name = challenge.display().to_string();
        job.check(&name, args.tpm2_tools.answer(), console);
    }
    for_each_input(&args.files, console, |console, input| {
        let answer = input.bytes.and_then(|bytes| Answer::read(&bytes));
        job.check(&input.name, answer, console);
    });
    if console.manner.json {
        console.print(&json::document(CHECK, &job.results));
    }
    Ok(job.exit)
}

impl Tpm2ToolsArgs {
    /// The files, put together.
    fn answer(&self) -> Result<Answer, Error> {
        let read = |path: &Option<PathBuf>| match path {
            Some(path) => read_file(path, MAX_FILE_LEN),
            None => Ok(Vec::new()),
        };
        let challenge = Challenge::read(&read(&self.challenge)?)?;
        let mut eks = Vec::new();
        for credential in &challenge.credentials {
            if !eks.contains(&credential.ek) {
                eks.push(credential.ek);
            }
        }
        if self.secret.len() != eks.len() {
            return Err(Error::misuse(
                format!(
                    "the challenge is for {} EKs, but {} secrets are given",
                    eks.len(),
                    self.secret.len()
                ),
                "give --secret once for each numbered credential, in their order",
            ));
        }
        let mut secrets = Vec::new();
        for (ek, path) in eks.into_iter().zip(&self.secret) {
            secrets.push((ek, read_file(path, MAX_FILE_LEN)?));
        }
        Ok(Answer {
            challenge: challenge.terms.id,
            ak: Request::read(&read(&self.ak)?)?.ak.public().clone(),
            secrets,
            quote: read(&self.quote)?,
            signature: read(&self.signature)?,
        })
    }
}

/// A run of the command.
struct Job {
    registry: Registry,
    who: String,
    exit: Exit,
    results: Vec<JsonChecked>,
}

impl Job {
    fn check(&mut self, name: &str, answer: Result<Answer, Error>, console: &mut Console<'_>) {
        let checked = answer.and_then(|answer| self.registry.answer(&answer, now()?, &self.who));
        let report = match checked {
            Ok(report) => report,
            // A key that proves nothing is a wrong answer, not an unreadable one.
            Err(error) if error.fault == Fault::Rejected => AnswerReport {
                host: None,
                findings: vec![Finding::from(error)],
            },
            Err(error) => return self.failed(name, &error, console),
        };
        if !report.is_proven() {
            self.exit = self.exit.and(Exit::Rejected);
        }
        if console.manner.json {
            self.results.push(JsonChecked {
                input: name.to_owned(),
                outcome: if report.is_proven() {
                    "proven"
                } else {
                    "rejected"
                },
                host: report.host.as_ref().map(JsonHost::from),
                findings: report.findings.iter().map(JsonFinding::from).collect(),
                error: None,
            });
        } else if !(report.is_proven() && console.manner.quiet) {
            console.print(&page(name, &report, console.color()));
        }
    }

    fn failed(&mut self, name: &str, error: &Error, console: &mut Console<'_>) {
        self.exit = self.exit.and(Exit::from(error));
        if error.fault == Fault::Malformed {
            report_unreadable(console, name, error);
        } else {
            console.error(&Error {
                message: format!("{name} was not checked: {}", error.message),
                ..error.clone()
            });
        }
        self.results.push(JsonChecked {
            input: name.to_owned(),
            outcome: "unreadable",
            host: None,
            findings: Vec::new(),
            error: Some(error.into()),
        });
    }
}

fn page(name: &str, report: &AnswerReport, color: bool) -> String {
    let mut page = Page::new(color);
    match &report.host {
        Some(host) if report.is_proven() => {
            page.head(
                name,
                Paint::Good,
                "PROVEN",
                &format!("{} holds its endorsement keys", host.name),
            );
            for ek in &host.eks {
                page.field(1, "EKpub", &format!("{} {}", ek.algorithm, ek.spki_sha256));
            }
            if let Some(possession) = &host.possession {
                page.field(1, "AK name", &hex(&possession.ak_name));
            }
        }
        host => {
            let codes = distinct_codes(report.findings.iter());
            let of = host
                .as_ref()
                .map_or_else(String::new, |host| format!("{} ", host.name));
            page.head(
                name,
                Paint::Bad,
                "REJECTED",
                &format!("{of}[{}]", codes.join(", ")),
            );
        }
    }
    for finding in &report.findings {
        page.finding(1, finding);
    }
    page.into_text()
}
