use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::console::{Console, Paint};
use super::exit::Exit;
use super::hosts::JsonHost;
use super::human::{Page, distinct_codes};
use super::input::{Input, for_each_input};
use super::json::{self, JsonFinding};
use super::options::{RegistryArgs, Trust, TrustArgs, now, who};
use super::report::{Detail, JsonVerdict, checks, headline, report_unreadable, story, subject};
use super::verify::judge_input;
use crate::finding::{Error, Severity};
use crate::hash::Sha256Digest;
use crate::registry::{
    self, Candidate, Change, Mode, Options, Outcome, PolicyVersion, Provenance, Registration,
    Registry,
};
use crate::verdict::{self, Verdict};

const AFTER_HELP: &str = "\
Examples:
  endorse register-host hyp01.xml
  endorse register-host --what-if identifiers/
  endorse register-host --name hyp01 ek.der
  endorse register-host --stage hyp01.xml
  endorse register-host --require-possession hyp01.xml
  endorse register-host --force --reason 'TICKET-42: vTPM without EKcert' vm.xml

A host whose endorsement key is trusted is registered as 'verified', under
policy version v2. --force registers one whose key is not proven genuine, as
'forced' and under v1 only, and writes who, when, why and what was waived into
the audit trail. It never waives an unreadable file, a key that is not the one
in its certificate, a wrong signature, an impossible key, or a key or name that
belongs to another host. Registering the same file again changes nothing.

Exit codes:
  0  every host is registered, unchanged or staged
  1  a host was judged and rejected
  2  wrong usage, or a file, the store or the registry is missing or broken
  3  an input is not a platform identifier, EK certificate or EKpub
With many inputs the worst in the order 2, 3, 1, 0 wins.";

/// Options of `register-host`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct RegisterHost {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Name of the host [default: the ForeignKey in the file]; with one file only
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// ForeignKey to record instead of the one in the file; with one file only
    #[arg(long, value_name = "TEXT")]
    foreign_key: Option<String>,
    /// Register although the endorsement key is not proven genuine; needs --reason
    #[arg(long)]
    force: bool,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Attestation policy version [default: v2 if verified, v1 if forced]
    #[arg(long, value_enum, value_name = "VERSION")]
    policy_version: Option<VersionArg>,
    /// Judge and keep the host, but not in force; register it again to activate it
    #[arg(long)]
    stage: bool,
    /// Register only a host that has proven, when staged or before, that it holds its EKs
    #[arg(long, conflicts_with = "stage")]
    require_possession: bool,
    /// Say what would happen, and change nothing
    #[arg(long)]
    what_if: bool,
    /// Take the place of the host that has this name now
    #[arg(long)]
    replace: bool,
    /// Tell the judgement step by step
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VersionArg {
    /// Windows Server 2016: an endorsement key may be forced
    V1,
    /// Windows Server 2019 and later: a trusted EKcert is a must
    V2,
}

/// A result of `register-host`.
#[derive(Serialize)]
struct JsonRegistration {
    #[serde(flatten)]
    verdict: JsonVerdict,
    /// `trusted` or `rejected`: what `verify` says of the same input.
    judgement: Option<&'static str>,
    change: Option<&'static str>,
    what_if: bool,
    host: Option<JsonHost>,
}

pub(super) fn run(args: &RegisterHost, console: &mut Console<'_>) -> Result<Exit, Error> {
    let options = args.options();
    options.validate()?;
    let one_file = matches!(args.files.as_slice(), [file] if !file.is_dir());
    if (args.name.is_some() || args.foreign_key.is_some()) && !one_file {
        return Err(Error::misuse(
            "--name and --foreign-key are about one host, but several files are named",
            "name one file, or leave them out to take the names in the files",
        ));
    }
    let trust = args.trust.resolve(console)?;
    trust.must_be_for_ek()?;
    let mode = if args.what_if {
        Mode::WhatIf
    } else {
        Mode::Create
    };
    let job = Job {
        registry: args.registry.open(mode)?,
        store: trust.store.fingerprint(),
        trust,
        options,
        who: who(),
        detail: Detail {
            explain: args.explain,
            checks: console.manner.verbose,
        },
    };
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        let result = judge_input(&input, &job.trust).map(|verdict| {
            let registration = job.register(&input, &verdict);
            (verdict, registration)
        });
        match result {
            Ok((verdict, Ok(registration))) => {
                if registration.outcome == Outcome::Rejected {
                    exit = exit.and(Exit::Rejected);
                }
                if console.manner.json {
                    results.push(job.json(&input, &verdict, &registration));
                } else {
                    let page = job.page(&input, &verdict, &registration, console);
                    console.print(&page);
                }
            }
            // The input was fine, but the registry or the options were not.
            Ok((verdict, Err(error))) => {
                exit = exit.and(Exit::from(&error));
                console.error(&Error {
                    message: format!("{} was not registered: {}", input.name, error.message),
                    ..error.clone()
                });
                if console.manner.json {
                    results.push(job.failed(&input, &verdict, &error));
                }
            }
            Err(error) => {
                exit = exit.and(Exit::from(&error));
                report_unreadable(console, &input.name, &error);
                if console.manner.json {
                    results.push(JsonRegistration {
                        verdict: JsonVerdict::unreadable(&input.name, &error),
                        judgement: None,
                        change: None,
                        what_if: job.options.what_if,
                        host: None,
                    });
                }
            }
        }
    });
    if console.manner.json {
        console.print(&json::document("register-host", &results));
    }
    Ok(exit)
}

impl RegisterHost {
    fn options(&self) -> Options {
        Options {
            name: self.name.clone(),
            foreign_key: self.foreign_key.clone(),
            force: self.force,
            reason: self.reason.clone(),
            policy_version: self.policy_version.map(|version| match version {
                VersionArg::V1 => PolicyVersion::V1,
                VersionArg::V2 => PolicyVersion::V2,
            }),
            stage: self.stage,
            what_if: self.what_if,
            replace: self.replace,
            require_possession: self.require_possession,
        }
    }
}

/// What a run works with.
struct Job {
    registry: Registry,
    trust: Trust,
    store: Sha256Digest,
    options: Options,
    who: String,
    detail: Detail,
}

impl Job {
    fn register(&self, input: &Input, verdict: &Verdict) -> Result<Registration, Error> {
        let file = input.bytes.as_deref().map_err(Clone::clone)?;
        let candidate = Candidate::from_verdict(
            verdict,
            Provenance {
                file,
                store: self.store,
                policy: self.trust.policy_sha256,
            },
        )?;
        self.registry
            .register(&candidate, &self.options, now()?, &self.who)
    }

    fn json(
        &self,
        input: &Input,
        verdict: &Verdict,
        registration: &Registration,
    ) -> JsonRegistration {
        let mut json = JsonVerdict::new(&input.name, verdict, self.detail);
        let judgement = json.outcome;
        json.outcome = outcome_text(registration.outcome);
        json.findings
            .extend(registration.findings.iter().map(JsonFinding::from));
        JsonRegistration {
            verdict: json,
            judgement: Some(judgement),
            change: registration.change.map(change_text),
            what_if: registration.what_if,
            host: registration.host.as_ref().map(JsonHost::from),
        }
    }

    fn failed(&self, input: &Input, verdict: &Verdict, error: &Error) -> JsonRegistration {
        let mut json = JsonVerdict::new(&input.name, verdict, self.detail);
        let judgement = json.outcome;
        json.outcome = outcome_text(Outcome::Rejected);
        json.error = Some(error.into());
        JsonRegistration {
            verdict: json,
            judgement: Some(judgement),
            change: None,
            what_if: self.options.what_if,
            host: None,
        }
    }

    fn page(
        &self,
        input: &Input,
        verdict: &Verdict,
        registration: &Registration,
        console: &Console<'_>,
    ) -> String {
        let quiet = console.manner.quiet;
        let mut page = Page::new(console.color());
        let (paint, word) = match registration.outcome {
            Outcome::Registered => (Paint::Good, "REGISTERED"),
            Outcome::Unchanged => (Paint::Good, "UNCHANGED"),
            Outcome::Staged => (Paint::Good, "STAGED"),
            Outcome::Rejected => (Paint::Bad, "REJECTED"),
        };
        if quiet && registration.outcome != Outcome::Rejected {
            return String::new();
        }
        page.head(
            &input.name,
            paint,
            word,
            &self.rest_of_headline(verdict, registration),
        );
        if !quiet && (console.manner.verbose || self.detail.explain) {
            subject(&mut page, verdict);
        } else if let Some(ek) = verdict.primary_ek() {
            page.field(1, "EKpub", &format!("SPKI SHA-256 {ek}"));
        }
        let forced = registration
            .host
            .as_ref()
            .is_some_and(|host| host.trust == registry::Trust::Forced);
        for finding in verdict.findings().iter().chain(&registration.findings) {
            match finding.severity {
                Severity::Error if forced => page.waived(1, finding),
                Severity::Error => page.finding(1, finding),
                Severity::Warning | Severity::Info if quiet => {}
                Severity::Warning | Severity::Info => page.finding(1, finding),
            }
        }
        if console.manner.verbose {
            checks(&mut page, verdict, self.detail);
        }
        story(&mut page, verdict, self.detail);
        page.into_text()
    }

    fn rest_of_headline(&self, verdict: &Verdict, registration: &Registration) -> String {
        let mut rest = match &registration.host {
            Some(host) => format!("as {} ({}, {})", host.name, host.trust, host.policy_version),
            None => {
                let refusals = registration
                    .findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Error);
                let codes = distinct_codes(refusals);
                match (verdict.outcome(), codes.is_empty()) {
                    (_, true) => headline(verdict),
                    (verdict::Outcome::Trusted, false) => format!("[{}]", codes.join(", ")),
                    (verdict::Outcome::Rejected, false) => {
                        format!("{} [{}]", headline(verdict), codes.join(", "))
                    }
                }
            }
        };
        if registration.what_if {
            rest.push_str(" -- what if: nothing was written");
        }
        rest
    }
}

fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Registered => "registered",
        Outcome::Unchanged => "unchanged",
        Outcome::Staged => "staged",
        Outcome::Rejected => "rejected",
    }
}

fn change_text(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Activated => "activated",
        Change::Upgraded => "upgraded",
        Change::Replaced => "replaced",
    }
}
