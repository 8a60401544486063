use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::json::JsonChanged;
use super::select::{PoolArg, by_digest};
use crate::catalogue::{Candidate, Changed, Intake, MAX_CERTIFICATES_LEN, belongs_in_store};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, name_in_words};
use crate::cli::input::read_input;
use crate::cli::json;
use crate::cli::options::StoreArgs;
use crate::finding::{Error, Fault};
use crate::trust::Pool;

pub(super) const ADD: &str = "store-add";
pub(super) const REMOVE: &str = "store-remove";

/// Options of `store add`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store add --root vendor-root.cer --vendor Example
  endorse store add --root vendor-root.cer --reason 'compared by phone'
  endorse store add --intermediate issuing-ca.pem

A root is trusted for every endorsement key that chains to it: compare its
SHA-256 with the vendor's before you add it. Every certificate of a file is
added.

Exit codes:
  0  done, or all of it was there already
  2  wrong usage, or the store is damaged or cannot be written
  3  a file is no certificate")]
#[command(group = ArgGroup::new("certificates").args(["root", "intermediate"]).required(true).multiple(true))]
pub(super) struct Add {
    /// Add the certificates of this file to TrustedTPM_RootCA; may be repeated
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Add the certificates of this file to TrustedTPM_IntermediateCA; may be repeated
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// Whose they are
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `store remove`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store remove 5f3a9c01 --reason 'the vendor withdrew it'
  endorse store remove --pool root 5f3a9c01

Exit codes:
  0  done
  2  wrong usage, no such certificate, or the store is damaged or cannot be
     written")]
pub(super) struct Remove {
    /// Starts (8 digits or more) of the certificates' SHA-256 or SHA-1 thumbprints
    #[arg(value_name = "DIGEST", required = true)]
    digests: Vec<String>,
    /// Only from this of the two stores
    #[arg(long, value_enum)]
    pool: Option<PoolArg>,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct JsonEdit {
    outcome: &'static str,
    changed: Vec<JsonChanged>,
}

pub(super) fn add(args: &Add, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut candidates = Vec::new();
    for (pool, paths) in [
        (Pool::Root, &args.root),
        (Pool::Intermediate, &args.intermediate),
    ] {
        for path in paths {
            let bytes = read_input(path, console, MAX_CERTIFICATES_LEN)?;
            let name = path.display().to_string();
            let intake = Intake::of_file(&name, &bytes).map_err(|error| {
                Error::new(Fault::Malformed, format!("{name}: {error}"), error.help)
            })?;
            let taken = intake.candidates.into_iter();
            candidates.extend(taken.map(|candidate| Candidate {
                pool,
                vendor: args.vendor.clone(),
                ..candidate
            }));
        }
    }
    let no_ca = candidates
        .iter()
        .find(|candidate| !belongs_in_store(&candidate.certificate, candidate.pool));
    if let Some(no_ca) = no_ca {
        return Err(Error::misuse(
            format!(
                "'{}' (SHA-256 {}) does not say that it is a CA, so it cannot issue anything",
                name_in_words(no_ca.certificate.subject()),
                no_ca.certificate.sha256()
            ),
            "the stores hold the certificates of CAs; give an EKcert to 'endorse verify'",
        ));
    }
    let attribution = super::attribution("add", args.reason.as_deref())?;
    let directory = args.store.directory();
    let added = directory.change(&attribution, |change| {
        let mut added = Vec::new();
        for candidate in &candidates {
            let was_added = change.add(candidate);
            if was_added {
                added.push(changed(candidate.pool, &candidate.certificate));
            }
        }
        Ok(added)
    })?;
    report(
        ADD,
        "added",
        &added,
        &directory.path().display().to_string(),
        console,
    );
    Ok(Exit::Done)
}

pub(super) fn remove(args: &Remove, console: &mut Console<'_>) -> Result<Exit, Error> {
    let attribution = super::attribution("remove", args.reason.as_deref())?;
    let only = args.pool.map(Pool::from);
    let directory = args.store.directory();
    if !directory.path().exists() {
        // Nothing is made only to find nothing in it.
        args.store.read(console)?;
    }
    let removed = directory.change(&attribution, |change| {
        let mut removed = Vec::new();
        for digest in &args.digests {
            let contents = change.contents();
            let found = by_digest(contents, digest)?;
            let mut pools: Vec<_> = found
                .into_iter()
                .filter(|stored| only.is_none_or(|only| only == stored.pool))
                .map(|stored| (stored.pool, stored.certificate.clone()))
                .collect();
            pools.dedup();
            if pools.is_empty() {
                return Err(Error::misuse(
                    format!("the certificate {digest} is not in that of the two stores"),
                    "leave out --pool to remove it from where it is",
                ));
            }
            for (pool, certificate) in pools {
                if change.remove(pool, certificate.sha256())? {
                    removed.push(changed(pool, &certificate));
                }
            }
        }
        Ok(removed)
    })?;
    report(
        REMOVE,
        "removed",
        &removed,
        &directory.path().display().to_string(),
        console,
    );
    Ok(Exit::Done)
}

fn changed(pool: Pool, certificate: &crate::ek::Certificate) -> Changed {
    Changed {
        pool: Some(pool),
        sha256: certificate.sha256(),
        subject: Some(certificate.subject().to_string()),
    }
}

fn report(
    command: &str,
    word: &'static str,
    changed: &[Changed],
    store: &str,
    console: &mut Console<'_>,
) {
    let outcome = if changed.is_empty() {
        "unchanged"
    } else {
        word
    };
    if console.manner.json {
        let result = JsonEdit {
            outcome,
            changed: changed.iter().map(JsonChanged::from).collect(),
        };
        console.print(&json::document(command, &[result]));
    } else if !console.manner.quiet {
        let mut page = Page::new(console.color());
        let how_many = match changed.len() {
            0 => "everything is there already".to_owned(),
            1 => "1 certificate".to_owned(),
            many => format!("{many} certificates"),
        };
        page.head(store, Paint::Good, &outcome.to_uppercase(), &how_many);
        for one in changed {
            page.line(1, &super::line(one));
        }
        console.print(&page.into_text());
    }
}
