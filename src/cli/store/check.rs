use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::import::count;
use super::json::JsonStored;
use crate::catalogue::{Contents, StoreReport, StoredCertificate, check_store, unused_anchors};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::json::{self, JsonError, JsonFinding};
use crate::cli::options::{RegistryArgs, Trust, TrustArgs};
use crate::finding::{Error, Finding, Severity};
use crate::hash::Sha256Digest;
use crate::identifier::Identifier;
use crate::registry::{Filter, Mode};
use crate::trust::{PolicyInputs, Supplied, Usage};

pub(super) const CHECK: &str = "store-check";

/// Options of `store check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store check
  endorse store check --at 2027-01-01
  endorse store check --unused --registry /var/lib/endorse/registry.db
  endorse store check --batch-gcd identifiers/

Tells of each certificate of the store: run out, not yet valid, signed with
SHA-1, a weak key, no path to a root, a name that other keys have as well, a
root that another CA issued. The roots embedded in this program count as roots
for the paths.

Exit codes:
  0  nothing found is an error
  1  something is: it should not be in a store, or keys share a prime
  2  wrong usage, or the store or the registry is missing or damaged
  3  a FILE could not be read as what it should be")]
pub(super) struct Check {
    /// Also tell which roots no registered host rests on
    #[arg(long)]
    unused: bool,
    /// Also compare the RSA keys of the store, and of the FILEs, for primes in common
    #[arg(long)]
    batch_gcd: bool,
    /// Files whose keys are compared as well: platform identifiers, EKcerts, EKpubs, directories of
    /// them, or '-' for standard input
    #[arg(value_name = "FILE", requires = "batch_gcd")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Default, Serialize)]
struct JsonChecked {
    /// None for what is about the store as a whole.
    certificate: Option<JsonStored>,
    findings: Vec<JsonFinding>,
    /// A FILE that could not be read.
    input: Option<String>,
    error: Option<JsonError>,
}

impl JsonChecked {
    fn unreadable((input, error): &(String, Error)) -> Self {
        Self {
            input: Some(input.clone()),
            findings: json::findings_of(error),
            error: Some(error.into()),
            ..Self::default()
        }
    }
}

pub(super) fn run(args: &Check, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.trust.contents_there(console)?;
    let trust = args.trust.resolve_with(&contents, console)?;
    let mut report = check_store(&contents, &trust.store, &trust.policy, trust.at);
    if args.unused {
        let used = used_anchors(&args.registry, &trust)?;
        report.findings.extend(unused_anchors(&contents, &used));
    }
    let mut unreadable = Vec::new();
    if args.batch_gcd {
        let shared = super::shared::compare(&contents, &args.files, console)?;
        report.findings.extend(shared.findings);
        unreadable = shared.unreadable;
    }
    let found = match all_findings(&report).any(|finding| finding.severity == Severity::Error) {
        true => Exit::Rejected,
        false => Exit::Done,
    };
    let exit = unreadable
        .iter()
        .fold(found, |exit, (_, error)| exit.and(Exit::from(error)));
    if console.manner.json {
        let mut results = json_of(&report);
        results.extend(unreadable.iter().map(JsonChecked::unreadable));
        console.print(&json::document(CHECK, &results));
    } else {
        let page = page(&report, &contents, console);
        console.print(&page);
    }
    Ok(exit)
}

/// The anchors that the EKcerts of registered hosts lead to, whatever is wrong on the way.
fn used_anchors(registry: &RegistryArgs, trust: &Trust) -> Result<HashSet<Sha256Digest>, Error> {
    let registry = registry.open(Mode::ReadOnly)?;
    let mut used = HashSet::new();
    for original in registry.originals(&Filter::default())? {
        // One that cannot be read any more leads nowhere; 'hosts recheck' tells.
        let Ok(identifier) = Identifier::read(&original.file) else {
            continue;
        };
        let certificates: Vec<_> = identifier
            .ekcerts
            .iter()
            .map(|ekcert| Arc::new(ekcert.certificate.clone()))
            .collect();
        let mut supplied = Supplied::new(certificates.iter().cloned());
        for certificate in &certificates {
            let path = trust.store.verify_with(
                certificate,
                &trust.policy,
                trust.at,
                Usage::Any,
                &PolicyInputs::default(),
                &mut supplied,
            );
            let last = match &path {
                Ok(path) => path.certificates().last(),
                Err(failure) if failure.reached_anchor => failure.partial.last(),
                Err(_) => None,
            };
            used.extend(last.map(|anchor| anchor.sha256()));
        }
    }
    Ok(used)
}

fn all_findings(report: &StoreReport) -> impl Iterator<Item = &Finding> {
    let of_certificates = report.certificates.iter().flat_map(|(_, found)| found);
    of_certificates.chain(&report.findings)
}

fn json_of(report: &StoreReport) -> Vec<JsonChecked> {
    let mut results: Vec<_> = report
        .certificates
        .iter()
        .map(|(stored, findings)| JsonChecked {
            certificate: Some(JsonStored::from(stored)),
            findings: findings.iter().map(JsonFinding::from).collect(),
            ..JsonChecked::default()
        })
        .collect();
    if !report.findings.is_empty() {
        results.push(JsonChecked {
            certificate: None,
            findings: report.findings.iter().map(JsonFinding::from).collect(),
            ..JsonChecked::default()
        });
    }
    results
}

fn page(report: &StoreReport, contents: &Contents, console: &Console<'_>) -> String {
    let mut page = Page::new(console.color());
    let mut counts = [0usize; 3];
    let mut hides = false;
    let mut told = HashSet::new();
    for (stored, findings) in &report.certificates {
        let Some(worst) = findings.iter().map(|finding| finding.severity).max() else {
            continue;
        };
        // What is only worth knowing is told in sum unless asked for.
        if worst == Severity::Info && !console.manner.verbose {
            hides = true;
            continue;
        }
        if console.manner.quiet && worst != Severity::Error {
            continue;
        }
        let (paint, word) = match worst {
            Severity::Error => (Paint::Bad, "ERROR"),
            Severity::Warning => (Paint::Careful, "WARNING"),
            Severity::Info => (Paint::Strong, "INFO"),
        };
        page.head(&called(stored), paint, word, &place(stored));
        for finding in findings {
            // A store has one thing wrong with dozens of its certificates; what to do about
            // it is told once.
            let is_new = told.insert((finding.code, finding.help.clone()));
            match is_new {
                true => page.finding(1, finding),
                false => page.finding_alone(1, finding),
            }
        }
    }
    for finding in &report.findings {
        if !console.manner.quiet || finding.severity == Severity::Error {
            page.finding(0, finding);
        }
    }
    for finding in all_findings(report) {
        let [errors, warnings, infos] = &mut counts;
        let count = match finding.severity {
            Severity::Error => errors,
            Severity::Warning => warnings,
            Severity::Info => infos,
        };
        *count = count.saturating_add(1);
    }
    if !console.manner.quiet {
        let [errors, warnings, infos] = counts;
        page.line(
            0,
            &format!(
                "{}: {}, {}, {}{}",
                count(contents.certificates.len(), "certificate"),
                count(errors, "error"),
                count(warnings, "warning"),
                count(infos, "remark"),
                match hides {
                    true => " (-v shows those)",
                    false => "",
                }
            ),
        );
    }
    page.into_text()
}

fn called(stored: &StoredCertificate) -> String {
    stored.certificate.subject().to_string()
}

fn place(stored: &StoredCertificate) -> String {
    format!(
        "{} of {}, SHA-256 {}",
        stored.pool.as_str(),
        stored.vendor.as_deref().unwrap_or("a vendor not stated"),
        stored.certificate.sha256()
    )
}
