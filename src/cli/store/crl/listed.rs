use clap::Args;
use serde::Serialize;

use super::super::json::JsonProvenance;
use crate::catalogue::{Contents, Source, StoredCrl};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, table};
use crate::cli::json::{self, JsonCrl};
use crate::cli::options::{StoreArgs, tell};
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::trust::Crl;

pub(super) const LIST: &str = "store-crl-list";
pub(super) const REMOVE: &str = "store-crl-remove";

/// The fewest digits by which a list is named.
const MIN_DIGITS: usize = 8;

/// Options of `store crl list`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store crl list
  endorse store crl list --json

Exit codes:
  0  done, even if there is none
  2  wrong usage, or the store is missing or damaged")]
pub(super) struct List {
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `store crl remove`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store crl remove 5f3a9c01 --reason 'the CA is not trusted any more'

What a list says is revoked counts no more without it.

Exit codes:
  0  done
  2  wrong usage, no such list, or the store is damaged or cannot be written")]
pub(super) struct Remove {
    /// Starts (8 digits or more) of the lists' SHA-256
    #[arg(value_name = "DIGEST", required = true)]
    digests: Vec<String>,
    /// Why, for the catalogue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// A list of the store.
#[derive(Debug, Serialize)]
pub(super) struct JsonStoredCrl {
    #[serde(flatten)]
    crl: JsonCrl,
    path: String,
    #[serde(flatten)]
    provenance: JsonProvenance,
}

#[derive(Debug, Serialize)]
struct JsonRemoved {
    outcome: &'static str,
    removed: Vec<String>,
}

pub(super) fn list(args: &List, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.store.read(console)?;
    let crls = read_all(&contents, console);
    if console.manner.json {
        let results: Vec<_> = crls
            .iter()
            .map(|(stored, crl)| JsonStoredCrl {
                crl: JsonCrl::from(crl),
                path: stored.path.display().to_string(),
                provenance: stored
                    .record
                    .as_ref()
                    .map(JsonProvenance::from)
                    .unwrap_or_default(),
            })
            .collect();
        console.print(&json::document(LIST, &results));
    } else if crls.is_empty() {
        console.note("no revocation list");
    } else {
        let head = [
            "SHA-256", "ISSUED", "NEXT", "NUMBER", "ENTRIES", "FROM", "ISSUER",
        ];
        let rows: Vec<_> = crls.iter().map(|(stored, crl)| row(stored, crl)).collect();
        console.print(&table(&head, &rows));
    }
    Ok(Exit::Done)
}

fn row(stored: &StoredCrl, crl: &Crl) -> Vec<String> {
    /// Digits that are shown: enough to name it with.
    const SHOWN: usize = 16;
    let date = |time: crate::der::Time| {
        let text = time.to_string();
        text.split('T').next().unwrap_or_default().to_owned()
    };
    vec![
        crl.sha256().to_string().chars().take(SHOWN).collect(),
        date(crl.this_update()),
        crl.next_update().map_or_else(|| "-".to_owned(), date),
        crl.number_in_words().unwrap_or_else(|| "-".to_owned()),
        crl.entry_count().to_string(),
        match stored.record.as_ref().map(|record| &record.source) {
            None => "by hand",
            Some(Source::Url(_)) => "url",
            Some(_) => "file",
        }
        .to_owned(),
        crl.issuer().to_string(),
    ]
}

/// The lists of a store that can be read; of the others a note.
pub(super) fn read_all<'c>(
    contents: &'c Contents,
    console: &mut Console<'_>,
) -> Vec<(&'c StoredCrl, Crl)> {
    let mut all = Vec::new();
    for stored in &contents.crls {
        let (crls, error) = stored.read();
        let in_part = !crls.is_empty();
        all.extend(crls.into_iter().map(|crl| (stored, crl)));
        if let Some(error) = error {
            tell(&[stored.passed_over(&error, in_part)], console);
        }
    }
    all
}

pub(super) fn remove(args: &Remove, console: &mut Console<'_>) -> Result<Exit, Error> {
    let attribution = super::super::attribution("crl remove", args.reason.as_deref())?;
    // One that is not there is not made.
    args.store.read(console)?;
    let directory = args.store.directory();
    let removed = directory.change(&attribution, |change| {
        let mut removed = Vec::new();
        for text in &args.digests {
            let digest = by_digest(change.contents(), text)?;
            if change.remove_crl(digest) {
                removed.push(digest.to_string());
            }
        }
        Ok(removed)
    })?;
    if console.manner.json {
        let result = JsonRemoved {
            outcome: "removed",
            removed,
        };
        console.print(&json::document(REMOVE, &[result]));
    } else if !console.manner.quiet {
        let mut page = Page::new(console.color());
        let store = directory.path().display().to_string();
        page.head(&store, Paint::Good, "REMOVED", "");
        for digest in removed {
            page.line(1, &format!("{digest} crl"));
        }
        console.print(&page.into_text());
    }
    Ok(Exit::Done)
}

fn by_digest(contents: &Contents, text: &str) -> Result<Sha256Digest, Error> {
    let wanted = text.to_ascii_lowercase();
    let mut found: Vec<Sha256Digest> = contents
        .crls
        .iter()
        .map(StoredCrl::sha256)
        .filter(|digest| digest.to_string().starts_with(&wanted))
        .collect();
    found.dedup();
    match found[..] {
        [digest] if wanted.len() >= MIN_DIGITS => Ok(digest),
        _ => Err(Error::misuse(
            format!("'{text}' does not name one file of revocation lists in the store"),
            format!(
                "give the start of the SHA-256 of one, {MIN_DIGITS} digits or more: 'endorse store crl \
                 list' shows them; a file with several lists is removed by hand"
            ),
        )),
    }
}
