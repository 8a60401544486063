use std::collections::{BTreeSet, HashSet};

use clap::Args;
use serde::Serialize;

use super::json::JsonChanged;
use super::listed::source_line;
use crate::catalogue::{Contents, PastChange};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::json;
use crate::cli::options::StoreArgs;
use crate::finding::Error;

pub(super) const HISTORY: &str = "store-history";

/// How many sources of one change are shown: a directory has one for each file.
const MAX_SOURCES: usize = 3;

/// Options of `store history`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store history
  endorse store history -v

What was changed by hand is not in it. It is a record, not a proof: who can
write the store can write this as well.

Exit codes:
  0  done
  2  wrong usage, or the store is missing or damaged")]
pub(super) struct History {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct JsonChange {
    at: String,
    by: String,
    action: String,
    reason: Option<String>,
    added: Vec<JsonChanged>,
    removed: Vec<JsonChanged>,
    vouched: Vec<JsonChanged>,
}

pub(super) fn run(args: &History, console: &mut Console<'_>) -> Result<Exit, Error> {
    let contents = args.store.read(console)?;
    if console.manner.json {
        let results: Vec<_> = contents.changes.iter().map(JsonChange::from).collect();
        console.print(&json::document(HISTORY, &results));
        return Ok(Exit::Done);
    }
    if contents.changes.is_empty() {
        console.note("no change was made with this program");
    }
    let mut page = Page::new(console.color());
    for change in &contents.changes {
        let attribution = &change.attribution;
        page.head(
            &attribution.at.to_string(),
            Paint::Strong,
            &attribution.action.to_uppercase(),
            &format!(
                "by {}: {} added, {} removed{}",
                attribution.by,
                change.added.len(),
                change.removed.len(),
                match change.vouched.len() {
                    0 => String::new(),
                    number => format!(", {number} vouched for by a signed package"),
                }
            ),
        );
        let sources = sources(change, &contents);
        for source in sources.iter().take(MAX_SOURCES) {
            page.field(1, "from", source);
        }
        if let Some(more @ 1..) = sources.len().checked_sub(MAX_SOURCES) {
            page.field(
                1,
                "from",
                &format!("{more} others; 'store show' tells each"),
            );
        }
        page.optional(1, "reason", attribution.reason.as_deref());
        // What was removed is nowhere else.
        for one in &change.removed {
            page.line(1, &format!("- {}", super::line(one)));
        }
        if console.manner.verbose {
            for one in &change.added {
                page.line(1, &format!("+ {}", super::line(one)));
            }
        }
    }
    console.print(&page.into_text());
    Ok(Exit::Done)
}

/// Where that came from which a change put into the store, as far as it is still there.
fn sources(change: &PastChange, contents: &Contents) -> BTreeSet<String> {
    let brought: HashSet<_> = change
        .added
        .iter()
        .chain(&change.vouched)
        .map(|changed| (changed.pool, changed.sha256))
        .collect();
    let certificates = contents.certificates.iter().map(|stored| {
        let key = (Some(stored.pool), stored.certificate.sha256());
        (key, stored.record.as_ref())
    });
    let crls = contents
        .crls
        .iter()
        .map(|stored| ((None, stored.sha256()), stored.record.as_ref()));
    certificates
        .chain(crls)
        .filter(|(key, _)| brought.contains(key))
        .filter_map(|(_, record)| record)
        .filter(|record| record.added_at == change.attribution.at)
        .map(|record| source_line(&record.source))
        .collect()
}

impl From<&PastChange> for JsonChange {
    fn from(change: &PastChange) -> Self {
        Self {
            at: change.attribution.at.to_string(),
            by: change.attribution.by.clone(),
            action: change.attribution.action.clone(),
            reason: change.attribution.reason.clone(),
            added: change.added.iter().map(JsonChanged::from).collect(),
            removed: change.removed.iter().map(JsonChanged::from).collect(),
            vouched: change.vouched.iter().map(JsonChanged::from).collect(),
        }
    }
}
