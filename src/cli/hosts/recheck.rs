use clap::Args;
use serde::Serialize;

use super::FilterArgs;
use super::json::JsonHost;
use super::shared::{self, Shared};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::human::distinct_codes;
use crate::cli::json::{self, JsonError, JsonFinding};
use crate::cli::options::{RegistryArgs, TrustArgs, now, who};
use crate::finding::{Code, Error, Finding, Severity};
use crate::identifier::Identifier;
use crate::registry::{Candidate, Host, Mode, Original, Provenance, Trust};
use crate::verdict::{Verdict, judge};

pub(super) const RECHECK: &str = "hosts-recheck";

/// Options of `hosts recheck`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts recheck
  endorse hosts recheck --what-if --at 2027-01-01
  endorse hosts recheck --trust forced --intermediates new-vendor-ca.cer
  endorse hosts recheck --batch-gcd

Every host is judged from the file it was registered from, against the store and
the policy of today, and the answer is recorded. Its registration does not
change: remove a host, or register it again, to act on the answer.

Exit codes:
  0  every verified host is still trusted
  1  a verified host is no longer trusted, or EKs share a prime
  2  wrong usage, or the store or the registry is missing or broken
  3  the file of a host can no longer be read")]
pub(super) struct Recheck {
    #[command(flatten)]
    filter: FilterArgs,
    /// Judge, but do not record the answer
    #[arg(long)]
    what_if: bool,
    /// Compare the RSA keys of all hosts, whichever are rechecked, for primes in common
    #[arg(long)]
    batch_gcd: bool,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct JsonRechecked {
    outcome: &'static str,
    changed: bool,
    was: JsonAnswer,
    now: Option<JsonAnswer>,
    recorded: bool,
    host: JsonHost,
    findings: Vec<JsonFinding>,
    error: Option<JsonError>,
}

#[derive(Clone, Serialize)]
struct JsonAnswer {
    trusted: bool,
    codes: Vec<String>,
}

pub(super) fn run(args: &Recheck, console: &mut Console<'_>) -> Result<Exit, Error> {
    let trust = args.trust.resolve(console)?;
    trust.must_be_for_ek()?;
    let mode = if args.what_if {
        Mode::ReadOnly
    } else {
        Mode::ReadWrite
    };
    let registry = args.registry.open(mode)?;
    let store = trust.store.fingerprint();
    let who = who();
    let shared = match args.batch_gcd {
        true => shared::compare(&registry)?,
        false => Shared::default(),
    };
    if args.batch_gcd && shared.findings.is_empty() {
        console.note(&format!(
            "no RSA keys of the registered hosts ({}) have a prime in common",
            shared.compared
        ));
    }
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for original in registry.originals(&args.filter.filter())? {
        let shared = shared
            .findings
            .get(&original.host.name)
            .map_or(&[][..], Vec::as_slice);
        let mut advisories = Vec::new();
        let answer = Identifier::read(&original.file).and_then(|identifier| {
            let verdict = judge(
                &identifier,
                &trust.store,
                &trust.policy,
                trust.at,
                trust.usage,
            );
            advisories.extend(warned_advisories(&verdict));
            let candidate = Candidate::from_verdict(
                &verdict,
                Provenance {
                    file: &original.file,
                    store,
                    policy: trust.policy_sha256,
                },
            )?
            .about(&original.host);
            let refused =
                |candidate: Candidate, finding: &Finding| candidate.refused(finding.clone());
            let candidate = shared.iter().fold(candidate, refused);
            if !args.what_if {
                registry.record_recheck(original.host.id, &candidate, now()?, &who)?;
            }
            Ok(candidate)
        });
        if let Err(error) = &answer {
            exit = exit.and(Exit::from(error));
            console.error(&Error {
                message: format!("{}: {}", original.host.name, error.message),
                ..error.clone()
            });
        }
        let rechecked = Rechecked::new(&original, answer, shared, advisories);
        if rechecked.is_lost() || !shared.is_empty() {
            exit = exit.and(Exit::Rejected);
        }
        if console.manner.json {
            results.push(rechecked.json(!args.what_if));
        } else {
            let page = rechecked.page(console);
            console.print(&page);
        }
    }
    if console.manner.json {
        console.print(&json::document(RECHECK, &results));
    }
    Ok(exit)
}

struct Rechecked<'a> {
    host: &'a Host,
    was: JsonAnswer,
    now: Result<Candidate, Error>,
    /// What its EKs share with those of other hosts, whatever its file says.
    shared: &'a [Finding],
    /// Published faults of the firmware that it has, or had when the file was made.
    advisories: Vec<Finding>,
}

/// That firmware is affected is a warning; that it may be is not told host by host.
fn warned_advisories(verdict: &Verdict) -> impl Iterator<Item = Finding> {
    let is_warned = |finding: &&Finding| {
        finding.code == Code::FirmwareAdvisory && finding.severity == Severity::Warning
    };
    verdict.findings().iter().filter(is_warned).cloned()
}

impl<'a> Rechecked<'a> {
    fn new(
        original: &'a Original,
        now: Result<Candidate, Error>,
        shared: &'a [Finding],
        advisories: Vec<Finding>,
    ) -> Self {
        let host = &original.host;
        let was = match &host.recheck {
            Some(recheck) => JsonAnswer {
                trusted: recheck.trusted,
                codes: recheck.codes.clone(),
            },
            None => JsonAnswer {
                trusted: host.trust == Trust::Verified,
                codes: host
                    .waived
                    .iter()
                    .map(|waived| waived.code.clone())
                    .collect(),
            },
        };
        Self {
            host,
            was,
            now,
            shared,
            advisories,
        }
    }

    fn answer(&self) -> Option<JsonAnswer> {
        self.now.as_ref().ok().map(|candidate| JsonAnswer {
            trusted: candidate.is_trusted(),
            codes: codes(candidate.errors()),
        })
    }

    /// It is registered as verified, and would not be today.
    fn is_lost(&self) -> bool {
        self.host.trust == Trust::Verified && self.answer().is_some_and(|answer| !answer.trusted)
    }

    fn changed(&self) -> bool {
        self.answer()
            .is_none_or(|answer| answer.trusted != self.was.trusted)
    }

    fn json(&self, recorded: bool) -> JsonRechecked {
        let answer = self.answer();
        JsonRechecked {
            outcome: match &answer {
                Some(answer) if answer.trusted => "trusted",
                Some(_) => "rejected",
                None => "unreadable",
            },
            changed: self.changed(),
            was: self.was.clone(),
            recorded: recorded && answer.is_some(),
            now: answer,
            host: self.host.into(),
            findings: match &self.now {
                Ok(candidate) => {
                    let found = candidate.errors().iter().chain(&self.advisories);
                    found.map(JsonFinding::from).collect()
                }
                Err(error) => {
                    let shared = self.shared.iter().map(JsonFinding::from);
                    json::findings_of(error).into_iter().chain(shared).collect()
                }
            },
            error: self.now.as_ref().err().map(JsonError::from),
        }
    }

    fn page(&self, console: &Console<'_>) -> String {
        let answer = self.answer();
        let good = answer.as_ref().is_some_and(|answer| answer.trusted);
        if console.manner.quiet && !self.is_lost() && self.shared.is_empty() {
            return String::new();
        }
        let mut page = Page::new(console.color());
        let (paint, word) = match &answer {
            Some(_) if good => (Paint::Good, "TRUSTED"),
            Some(_) => (Paint::Bad, "REJECTED"),
            None => (Paint::Bad, "UNREADABLE"),
        };
        let mut rest = match &answer {
            Some(answer) if !answer.codes.is_empty() => format!("[{}] ", answer.codes.join(", ")),
            _ => String::new(),
        };
        rest.push_str(&format!("(registered as {}", self.host.trust));
        if self.changed() {
            rest.push_str(", changed");
        }
        rest.push(')');
        page.head(&self.host.name, paint, word, &rest);
        if self.changed() {
            page.field(1, "was", &words(&self.was));
            if let Some(answer) = &answer {
                page.field(1, "now", &words(answer));
            }
        }
        let told = match &self.now {
            Ok(candidate) if self.changed() || console.manner.verbose => candidate.errors(),
            _ => self.shared,
        };
        let advisories = self.advisories.iter().filter(|_| !console.manner.quiet);
        for finding in told.iter().chain(advisories) {
            page.finding(1, finding);
        }
        page.into_text()
    }
}

fn words(answer: &JsonAnswer) -> String {
    match (answer.trusted, answer.codes.is_empty()) {
        (true, _) => "trusted".to_owned(),
        (false, true) => "not trusted".to_owned(),
        (false, false) => format!("not trusted [{}]", answer.codes.join(", ")),
    }
}

fn codes(findings: &[Finding]) -> Vec<String> {
    distinct_codes(findings)
        .into_iter()
        .map(str::to_owned)
        .collect()
}
