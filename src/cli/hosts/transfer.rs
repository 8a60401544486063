use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::json::JsonHost;
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::input::read_input;
use crate::cli::json::{self, JsonFinding};
use crate::cli::options::{RegistryArgs, now, who};
use crate::disk::save;
use crate::finding::{Error, Fault, Severity};
use crate::registry::Mode;

pub(super) const EXPORT: &str = "hosts-export";
pub(super) const IMPORT: &str = "hosts-import";

/// The largest document that is imported, in octets: 50,000 hosts of 10 KiB each.
const MAX_DOCUMENT_LEN: usize = 512 * 1024 * 1024;

/// Options of `hosts export`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts export > hosts.json
  endorse hosts export --output hosts.json

The document holds every current host with its files and EKcerts, always in
JSON. It does not hold the audit trail; to keep that, copy the registry's file.

Exit codes:
  0  done
  2  wrong usage, or the registry is missing or broken")]
pub(super) struct Export {
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Options of `hosts import`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts import hosts.json --reason 'moved from the old server'
  endorse hosts import --what-if hosts.json

All hosts of the document are imported or none. The document's word is taken
for their trust, and they are marked as imported; run 'endorse hosts recheck'
to judge them here.

Exit codes:
  0  done
  1  a host of the document conflicts with a registered one
  2  wrong usage, or the registry is missing or broken
  3  the document could not be read")]
pub(super) struct Import {
    /// Document that 'hosts export' wrote, or '-' for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Say what would happen, and change nothing
    #[arg(long)]
    what_if: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Serialize)]
struct JsonImport {
    outcome: &'static str,
    what_if: bool,
    imported: Vec<JsonHost>,
    unchanged: Vec<String>,
    findings: Vec<JsonFinding>,
}

pub(super) fn export(args: &Export, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut document = args.registry.open(Mode::ReadOnly)?.export(now()?)?;
    if !document.ends_with('\n') {
        document.push('\n');
    }
    match &args.output {
        None => console.print(&document),
        Some(path) => save(path, document.as_bytes())?,
    }
    Ok(Exit::Done)
}

pub(super) fn import(args: &Import, console: &mut Console<'_>) -> Result<Exit, Error> {
    let bytes = read_input(&args.file, console, MAX_DOCUMENT_LEN)?;
    let document = std::str::from_utf8(&bytes).map_err(|error| {
        Error::new(
            Fault::Malformed,
            format!("{} is not text: {error}", args.file.display()),
            "name a document that 'endorse hosts export' wrote",
        )
    })?;
    let mode = if args.what_if {
        Mode::WhatIf
    } else {
        Mode::Create
    };
    let registry = args.registry.open(mode)?;
    let report = registry.import(
        document,
        args.reason.as_deref(),
        now()?,
        &who(),
        args.what_if,
    )?;
    let refused = report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    if console.manner.json {
        console.print(&json::document(
            IMPORT,
            &[JsonImport {
                outcome: if refused { "rejected" } else { "imported" },
                what_if: report.what_if,
                imported: report.imported.iter().map(JsonHost::from).collect(),
                unchanged: report.unchanged.clone(),
                findings: report.findings.iter().map(JsonFinding::from).collect(),
            }],
        ));
    } else if refused || !console.manner.quiet {
        let mut page = Page::new(console.color());
        let mut rest = format!(
            "{} hosts, {} were there already",
            report.imported.len(),
            report.unchanged.len()
        );
        if report.what_if {
            rest.push_str(" -- what if: nothing was written");
        }
        let input = args.file.display().to_string();
        if refused {
            page.head(&input, Paint::Bad, "REJECTED", "nothing was imported");
        } else {
            page.head(&input, Paint::Good, "IMPORTED", &rest);
        }
        for finding in &report.findings {
            page.finding(1, finding);
        }
        console.print(&page.into_text());
    }
    Ok(if refused { Exit::Rejected } else { Exit::Done })
}
