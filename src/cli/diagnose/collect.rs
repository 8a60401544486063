use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::gathering::{GatherArgs, gather};
use super::words;
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::json::{self, JsonError};
use crate::cli::options::now;
use crate::diagnose::Bundle;
use crate::diagnose::bundle::{Held, LeftOut};
use crate::disk::save_private;
use crate::finding::Error;

const AFTER_HELP: &str = "\
The bundle is not anonymised: it shows names, addresses, certificates and
settings. It holds no private keys, passwords and tokens; a file with one is
left out and named. On Unix only you may read the bundle.

Examples:
  endorse diagnose collect --path traces/ --output fabric.json
  endorse diagnose --path fabric.json

Exit codes:
  0  written
  2  wrong usage, or a file cannot be read or written
  3  a bundle could not be read as what it should be";

/// Options of `diagnose collect`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Collect {
    #[command(flatten)]
    gather: GatherArgs,
    /// Write the bundle to this file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Serialize)]
struct JsonCollected {
    output: String,
    made_at: String,
    size: usize,
    holds: Vec<Held>,
    left_out: Vec<LeftOut>,
    errors: Vec<JsonError>,
}

/// Writes what there is to see to one file. What could not be looked at is told, and the rest
/// is written.
pub(super) fn run(args: &Collect, console: &mut Console<'_>) -> Result<Exit, Error> {
    args.gather.hosts.prepare();
    let now = now()?;
    let gathered = gather(&args.gather, now, console)?;
    let exit = gathered.exit_of_gathering();
    // What comes from bundles alone is as old as they are.
    let made_at = gathered.judged_at(now);
    let bundle = Bundle::new(gathered.targets, made_at, super::PROGRAM);
    let bytes = bundle.to_bytes()?;
    save_private(&args.output, &bytes)?;
    let collected = JsonCollected {
        output: args.output.display().to_string(),
        made_at: made_at.to_string(),
        size: bytes.len(),
        holds: bundle.holds(),
        left_out: bundle.left_out(),
        errors: gathered.errors.iter().map(JsonError::from).collect(),
    };
    if console.manner.json {
        console.print(&json::document("diagnose-collect", &[collected]));
    } else if !console.manner.quiet {
        console.print(&text(&collected, console.color()));
    }
    Ok(exit)
}

/// What it holds and what it does not, for whoever is going to send it.
fn text(collected: &JsonCollected, color: bool) -> String {
    let mut page = Page::new(color);
    let size = format!("({} bytes)", collected.size);
    page.result(0, &collected.output, Paint::Good, "written", &size);
    page.line(
        1,
        &format!("holds {}", words::number(collected.holds.len(), "thing")),
    );
    for held in &collected.holds {
        let mut line = format!("{} of {}", held.what, held.of);
        if held.name != held.of {
            line.push_str(&format!(": {}", held.name));
        }
        if let Some(at) = &held.at {
            line.push_str(&format!(", seen at {at}"));
        }
        page.copied(2, &format!("{line}, {} bytes", held.size));
    }
    if !collected.left_out.is_empty() {
        let left_out = words::number(collected.left_out.len(), "thing");
        page.line(1, &format!("leaves out {left_out}"));
        for left_out in &collected.left_out {
            page.copied(
                2,
                &format!("{} of {}: {}", left_out.name, left_out.of, left_out.why),
            );
        }
    }
    page.line(
        1,
        "it is not anonymised: give it only to those who may see names, addresses and settings",
    );
    page.into_text()
}
