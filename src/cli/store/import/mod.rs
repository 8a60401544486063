//! `store import` and `store diff`: what comes from outside into a store.

mod report;
mod sources;

use clap::Args;

use super::attribution;
use crate::catalogue::{Contents, Plan};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::options::StoreArgs;
use crate::finding::Error;

pub(super) use report::count;
use report::{Outcome, report};
use sources::{SourceArgs, packages_of};

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
        let attribution = attribution("import", args.reason.as_deref())?;
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
