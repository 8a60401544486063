use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::json::{JsonCandidate, JsonSource, JsonStored};
use crate::catalogue::{
    Candidate, Contents, Filter, Intake, LeftOut, MAX_CERTIFICATES_LEN, Plan, PurposeFilter, Source,
};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::input::read_input;
use crate::cli::json;
use crate::cli::options::{StoreArgs, now, tell};
use crate::finding::Error;
use crate::trust::Pool;
use crate::trust::package::{self, MAX_PACKAGE_LEN, Package, Roots};

pub(super) const IMPORT: &str = "store-import";
pub(super) const DIFF: &str = "store-diff";

/// Options of `store import`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store import TrustedTpm.cab
  endorse store import --vendor Infineon --vendor STMicro TrustedTpm.cab
  endorse store import --mirror TrustedTpm.cab
  endorse store import --with-roots unpacked/ --reason 'verified on Windows'
  endorse store import vendor-cas.p7b

A SOURCE is Microsoft's package TrustedTpm.cab, of which the signature is
verified; a directory: another store, an unpacked package, or any directory of
certificates such as keylime's tpm_cert_store; or a file of certificates in DER,
PEM or PKCS#7. 'endorse store diff' shows beforehand what would be done.

Everything is imported or nothing: a program that is killed and a disk that is
full leave the store as it was.

Exit codes:
  0  done, or everything was there already
  1  the package is not signed as it should be
  2  wrong usage, or the store is damaged or cannot be written
  3  a source could not be read as what it should be")]
pub(super) struct Import {
    #[command(flatten)]
    sources: SourceArgs,
    /// Also remove what an earlier package had put into the store and this one no longer has, of the
    /// vendors that are imported
    #[arg(long)]
    mirror: bool,
    /// Say what would happen, and change nothing
    #[arg(long)]
    what_if: bool,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `store diff`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store diff TrustedTpm.cab
  endorse store diff --vendor AMD --json TrustedTpm.cab

'+' is in the source and not in the store, '-' came from an earlier package and
is not in this one.

Exit codes:
  0  done, whether there is a difference or not
  1  the package is not signed as it should be
  2  wrong usage, or the store is damaged
  3  a source could not be read as what it should be")]
pub(super) struct Diff {
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// What is imported, as typed.
#[derive(Args, Debug)]
struct SourceArgs {
    /// Packages, directories, files of certificates, or '-' for standard input
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,
    /// Only the certificates of this vendor, named as its directory in the source, in any case; may be
    /// repeated
    #[arg(long, value_name = "NAME", help_heading = "Which certificates")]
    vendor: Vec<String>,
    /// Not those of this vendor; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Which certificates")]
    exclude_vendor: Vec<String>,
    /// Only the certificates that are for this
    #[arg(long, value_enum, default_value_t = PurposeArg::Ek, help_heading = "Which certificates")]
    purpose: PurposeArg,
    /// Take roots from a directory or a file, for which no signature vouches
    #[arg(long, help_heading = "What is believed")]
    with_roots: bool,
    /// Take a package that has no signature, or one of somebody else than Microsoft. Anybody may have
    /// made it; the catalogue says so of each of its certificates. One that was altered after it was
    /// signed is refused all the same
    #[arg(long, help_heading = "What is believed")]
    allow_unsigned: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PurposeArg {
    /// To judge endorsement keys: all but those for attestation identity keys alone
    Ek,
    /// Those for attestation identity keys alone
    Aik,
    /// All
    All,
}

#[derive(Serialize)]
struct JsonImport {
    outcome: &'static str,
    what_if: bool,
    /// The packages among the sources.
    packages: Vec<JsonSource>,
    added: Vec<JsonCandidate>,
    /// How many are there already.
    unchanged: usize,
    /// What of that had come from a package that nobody vouched for, and now has the
    /// provenance of this one.
    vouched: Vec<JsonCandidate>,
    /// How many are left out, by reason.
    left_out: Vec<JsonLeftOut>,
    dropped: Vec<JsonStored>,
    /// Whether what was dropped is removed.
    removed: bool,
}

#[derive(Serialize)]
struct JsonLeftOut {
    reason: &'static str,
    certificates: Vec<JsonCandidate>,
}

/// What is to be reported.
struct Outcome<'a> {
    command: &'static str,
    plan: &'a Plan,
    named: &'a [PathBuf],
    packages: Vec<Source>,
    mirror: bool,
    what_if: bool,
}

impl SourceArgs {
    fn filter(&self) -> Filter {
        Filter {
            vendors: self.vendor.clone(),
            without_vendors: self.exclude_vendor.clone(),
            purpose: match self.purpose {
                PurposeArg::Ek => PurposeFilter::Ek,
                PurposeArg::Aik => PurposeFilter::Aik,
                PurposeArg::All => PurposeFilter::All,
            },
            with_roots: self.with_roots,
        }
    }

    fn read(&self, console: &mut Console<'_>) -> Result<Vec<Candidate>, Error> {
        let mut all = Intake::default();
        for path in &self.sources {
            let intake = self.read_one(path, console)?;
            tell(&intake.notes, console);
            if intake.candidates.is_empty() {
                return Err(Error::environment(
                    format!("there is no certificate in {}", path.display()),
                    "name TrustedTpm.cab, a directory with certificates or a file of them",
                ));
            }
            all.candidates.extend(intake.candidates);
        }
        self.check_vendors(&all)?;
        Ok(all.candidates)
    }

    fn read_one(&self, path: &Path, console: &mut Console<'_>) -> Result<Intake, Error> {
        if path.is_dir() {
            return Intake::of_directory(path);
        }
        let bytes = read_input(path, console, MAX_CERTIFICATES_LEN.max(MAX_PACKAGE_LEN))?;
        let name = path.display().to_string();
        if bytes.starts_with(package::MAGIC) {
            let contents = self.open_package(&name, &bytes, console)?;
            return Ok(Intake::of_package(&name, &contents));
        }
        Intake::of_file(&name, &bytes).map_err(|error| Error {
            message: format!("{name}: {}", error.message),
            ..error
        })
    }

    /// Verifies the signature of a package and unpacks it.
    fn open_package(
        &self,
        name: &str,
        bytes: &[u8],
        console: &mut Console<'_>,
    ) -> Result<package::Contents, Error> {
        let place = |error: Error| Error {
            message: format!("{name}: {}", error.message),
            ..error
        };
        let package = Package::read(bytes).map_err(place)?;
        let refusal = match package.verify(&Roots::microsoft()?, now()?) {
            Ok(signed) => return signed.contents().map_err(place),
            Err(refusal) if !self.allow_unsigned => return Err(place(refusal)),
            Err(refusal) => refusal,
        };
        let unverified = package.unverified(refusal).map_err(place)?;
        console.warn(&format!(
            "{name}: {}. It is read all the same because --allow-unsigned was given: anybody may \
             have made it, and once they are imported its roots are trusted like all others. The \
             catalogue says so of each of its certificates",
            unverified.refusal()
        ));
        unverified.contents().map_err(place)
    }

    /// A vendor that the sources do not have is a spelling mistake.
    fn check_vendors(&self, intake: &Intake) -> Result<(), Error> {
        let there = intake.vendors();
        let mut named = self.vendor.iter().chain(&self.exclude_vendor);
        let missing = named.find(|name| !there.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let Some(missing) = missing else {
            return Ok(());
        };
        let there: Vec<&str> = there.into_iter().collect();
        Err(Error::misuse(
            format!("there is no vendor '{missing}' in the source"),
            match there.is_empty() {
                true => "it does not say whose its certificates are; leave out --vendor and \
                         --exclude-vendor"
                    .to_owned(),
                false => format!("there are {}", there.join(", ")),
            },
        ))
    }
}

pub(super) fn import(args: &Import, console: &mut Console<'_>) -> Result<Exit, Error> {
    let candidates = args.sources.read(console)?;
    let packages = packages_of(&candidates);
    if args.mirror && packages.is_empty() {
        return Err(Error::misuse(
            "--mirror is for packages: what a directory or a file does not have was not dropped",
            "leave out --mirror; 'endorse store remove' takes certificates out of the store",
        ));
    }
    let filter = args.sources.filter();
    let directory = args.store.directory();
    let plan = if args.what_if {
        let contents = contents_so_far(&args.store, console)?;
        Plan::of(candidates, &filter, &contents)
    } else {
        let attribution = super::attribution("import", args.reason.as_deref())?;
        directory.change(&attribution, |change| {
            let plan = Plan::of(candidates, &filter, change.contents());
            plan.carry_out(change, args.mirror)?;
            Ok(plan)
        })?
    };
    report(
        &Outcome {
            command: IMPORT,
            plan: &plan,
            named: &args.sources.sources,
            packages,
            mirror: args.mirror,
            what_if: args.what_if,
        },
        console,
    );
    Ok(Exit::Done)
}

pub(super) fn diff(args: &Diff, console: &mut Console<'_>) -> Result<Exit, Error> {
    let candidates = args.sources.read(console)?;
    let packages = packages_of(&candidates);
    let contents = contents_so_far(&args.store, console)?;
    let plan = Plan::of(candidates, &args.sources.filter(), &contents);
    report(
        &Outcome {
            command: DIFF,
            plan: &plan,
            named: &args.sources.sources,
            packages,
            mirror: false,
            what_if: true,
        },
        console,
    );
    Ok(Exit::Done)
}

/// What is in the store. Nothing if there is none: an import makes it.
fn contents_so_far(store: &StoreArgs, console: &mut Console<'_>) -> Result<Contents, Error> {
    let directory = store.directory();
    if directory.path().exists() {
        return store.read(console);
    }
    console.note(&format!(
        "there is no store at {} yet; an import makes it",
        directory.path().display()
    ));
    Ok(Contents::default())
}

/// The packages that candidates come from, each once.
fn packages_of(candidates: &[Candidate]) -> Vec<Source> {
    let mut packages: Vec<Source> = Vec::new();
    for candidate in candidates {
        let source = &candidate.source;
        if matches!(source, Source::Package { .. }) && !packages.contains(source) {
            packages.push(source.clone());
        }
    }
    packages
}

fn report(outcome: &Outcome<'_>, console: &mut Console<'_>) {
    if let Some(there) = outcome.plan.newer_there {
        console.warn(&format!(
            "the package was signed before one that is in the store, which is of {there}: roots that \
             were dropped since are among those of this one. Get the newest package"
        ));
    }
    if console.manner.json {
        console.print(&json::document(outcome.command, &[json_of(outcome)]));
    } else if outcome.command == DIFF {
        let page = difference(outcome.plan, console);
        console.print(&page);
    } else if !console.manner.quiet {
        let page = summary(outcome, console);
        console.print(&page);
    }
    let refused: Vec<&Candidate> = outcome
        .plan
        .left_out
        .iter()
        .filter(|(_, why)| *why == LeftOut::Root)
        .map(|(candidate, _)| candidate)
        .collect();
    if let Some(first) = refused.first() {
        console.note(&format!(
            "{} left out, such as '{}' (SHA-256 {}): nothing vouches for them. If you know that they \
             are the vendors' (compare the SHA-256 with theirs), give --with-roots, or add one \
             with 'endorse store add --root FILE'",
            count(refused.len(), "root"),
            first.certificate.subject(),
            first.certificate.sha256()
        ));
    }
}

fn json_of(outcome: &Outcome<'_>) -> JsonImport {
    let plan = outcome.plan;
    let mut left_out: BTreeMap<LeftOut, Vec<JsonCandidate>> = BTreeMap::new();
    for (candidate, why) in &plan.left_out {
        left_out.entry(*why).or_default().push(candidate.into());
    }
    JsonImport {
        outcome: word(outcome),
        what_if: outcome.what_if,
        packages: outcome.packages.iter().map(JsonSource::from).collect(),
        added: plan.add.iter().map(JsonCandidate::from).collect(),
        unchanged: plan.unchanged.len(),
        vouched: plan.vouched.iter().map(JsonCandidate::from).collect(),
        left_out: left_out
            .into_iter()
            .map(|(why, certificates)| JsonLeftOut {
                reason: why.as_str(),
                certificates,
            })
            .collect(),
        dropped: plan.dropped.iter().map(JsonStored::from).collect(),
        removed: outcome.mirror,
    }
}

fn word(outcome: &Outcome<'_>) -> &'static str {
    let removes = outcome.mirror && !outcome.plan.dropped.is_empty();
    match outcome.plan.add.is_empty() && outcome.plan.vouched.is_empty() && !removes {
        true => "unchanged",
        false => "imported",
    }
}

fn summary(outcome: &Outcome<'_>, console: &Console<'_>) -> String {
    let plan = outcome.plan;
    let mut page = Page::new(console.color());
    let mut rest = in_pools(plan.add.iter().map(|candidate| candidate.pool));
    if outcome.mirror && !plan.dropped.is_empty() {
        rest.push_str(&format!(", {} removed", plan.dropped.len()));
    }
    if outcome.what_if {
        rest.push_str(" -- what if: nothing was written");
    }
    let of = match outcome.named {
        [one] => one.display().to_string(),
        many => count(many.len(), "source"),
    };
    page.head(&of, Paint::Good, &word(outcome).to_uppercase(), &rest);
    for source in &outcome.packages {
        if let Source::Package {
            name,
            sha256,
            signature,
            edition,
        } = source
        {
            if outcome.named.len() > 1 {
                page.field(1, "package", name);
            }
            page.field(1, "SHA-256", &sha256.to_string());
            page.optional(1, "edition", edition.as_deref());
            page.field(1, "signed", &super::listed::signed(signature.as_ref()));
        }
    }
    for (vendor, pools) in by_vendor(&plan.add) {
        page.field(
            1,
            "added",
            &format!("{vendor}: {}", in_pools(pools.into_iter())),
        );
    }
    if console.manner.verbose {
        for candidate in &plan.add {
            page.line(2, &candidate_line(candidate));
        }
    }
    if !plan.unchanged.is_empty() {
        page.field(
            1,
            "unchanged",
            &in_pools(plan.unchanged.iter().map(|candidate| candidate.pool)),
        );
    }
    if !plan.vouched.is_empty() {
        page.field(
            1,
            "vouched",
            &format!(
                "{} of them, which had come from a package that was not verified",
                in_pools(plan.vouched.iter().map(|candidate| candidate.pool))
            ),
        );
    }
    let mut left_out: BTreeMap<LeftOut, usize> = BTreeMap::new();
    for (_, why) in &plan.left_out {
        let number = left_out.entry(*why).or_default();
        *number = number.saturating_add(1);
    }
    for (why, number) in left_out {
        page.field(1, "left out", &format!("{number}, {}", why.as_str()));
    }
    if !plan.dropped.is_empty() {
        let (label, rest) = match outcome.mirror {
            true => ("removed", "which the package no longer has"),
            false => (
                "kept",
                "which the package no longer has; --mirror removes them",
            ),
        };
        page.field(1, label, &format!("{}, {rest}", plan.dropped.len()));
        for stored in &plan.dropped {
            page.line(2, &stored_line(stored));
        }
    }
    page.into_text()
}

fn difference(plan: &Plan, console: &Console<'_>) -> String {
    let mut page = Page::new(console.color());
    for candidate in &plan.add {
        page.line(0, &format!("+ {}", candidate_line(candidate)));
    }
    for stored in &plan.dropped {
        page.line(0, &format!("- {}", stored_line(stored)));
    }
    let left_out = plan.left_out.len();
    page.line(
        0,
        &format!(
            "{} to add, {} dropped, {} unchanged, {left_out} left out",
            plan.add.len(),
            plan.dropped.len(),
            plan.unchanged.len()
        ),
    );
    page.into_text()
}

fn candidate_line(candidate: &Candidate) -> String {
    format!(
        "{} {} {} {}",
        candidate.certificate.sha256(),
        candidate.pool.as_str(),
        candidate.vendor.as_deref().unwrap_or("-"),
        candidate.certificate.subject()
    )
}

fn stored_line(stored: &crate::catalogue::StoredCertificate) -> String {
    format!(
        "{} {} {} {}",
        stored.certificate.sha256(),
        stored.pool.as_str(),
        stored.vendor.as_deref().unwrap_or("-"),
        stored.certificate.subject()
    )
}

fn by_vendor(candidates: &[Candidate]) -> BTreeMap<String, Vec<Pool>> {
    let mut vendors: BTreeMap<String, Vec<Pool>> = BTreeMap::new();
    for candidate in candidates {
        let vendor = candidate.vendor.clone();
        let vendor = vendor.unwrap_or_else(|| "vendor not stated".to_owned());
        vendors.entry(vendor).or_default().push(candidate.pool);
    }
    vendors
}

fn in_pools(pools: impl Iterator<Item = Pool>) -> String {
    let (mut roots, mut intermediates) = (0usize, 0usize);
    for pool in pools {
        match pool {
            Pool::Root => roots = roots.saturating_add(1),
            Pool::Intermediate => intermediates = intermediates.saturating_add(1),
        }
    }
    match (roots, intermediates) {
        (0, 0) => "nothing new".to_owned(),
        (0, _) => count(intermediates, "intermediate"),
        (_, 0) => count(roots, "root"),
        _ => format!(
            "{}, {}",
            count(roots, "root"),
            count(intermediates, "intermediate")
        ),
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
