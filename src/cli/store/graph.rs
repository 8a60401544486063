use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::import::count;
use super::select::SelectArgs;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::input::to_file;
use crate::cli::json;
use crate::cli::options::{StoreArgs, now, parse_time};
use crate::der::Time;
use crate::disk::save;
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::trust::{Graph, GraphEntry, GraphRole, Pool};

pub(super) const GRAPH: &str = "store-graph";

/// Options of `store graph`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse store graph -o store.svg
  endorse store graph --vendor Infineon -o infineon.svg
  endorse store graph --purpose ek --format dot | dot -Tpdf -o store.pdf

There is a line from one certificate to another only if the key of the one made
the signature of the other. Dates are compared with --at and shown, nothing else
is judged; 'endorse verify' does that. What leads from an anchor to a
certificate that was chosen is drawn as well.

Exit codes:
  0  done
  2  wrong usage, or the store is missing or damaged, or has too much to draw")]
pub(super) struct GraphArgs {
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Svg)]
    format: Format,
    /// The file to write, '-' for standard output [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show what is expired or not yet valid at this time [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    at: Option<Time>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The language of Graphviz
    Dot,
    /// A picture, for browsers
    Svg,
}

/// A result of `store graph`.
#[derive(Serialize)]
struct JsonGraph {
    outcome: &'static str,
    format: &'static str,
    at: String,
    certificates: usize,
    anchors: usize,
    /// Without a path to an anchor.
    unanchored: usize,
    output: Option<String>,
    document: Option<String>,
}

pub(super) fn run(args: &GraphArgs, console: &mut Console<'_>) -> Result<Exit, Error> {
    let at = match args.at {
        Some(at) => at,
        None => now()?,
    };
    let contents = args.store.read(console)?;
    let entries = contents.certificates.iter().map(|stored| GraphEntry {
        certificate: &stored.certificate,
        role: match stored.pool {
            Pool::Root => GraphRole::Root,
            Pool::Intermediate => GraphRole::Intermediate,
        },
        vendor: stored.vendor.as_deref(),
        purpose: stored.purpose,
    });
    // A certificate may be in the store more than once, as somebody else's too.
    let chosen: HashSet<Sha256Digest> = contents
        .certificates
        .iter()
        .filter(|stored| args.select.takes(stored))
        .map(|stored| stored.certificate.sha256())
        .collect();
    let graph =
        Graph::of(entries, at)?.restricted(|certificate| chosen.contains(&certificate.sha256()));
    if graph.is_empty() {
        console.note(&super::listed::none_selected(&contents));
    }
    let title = match args.select.vendors() {
        [] => "TPM vendor certificates".to_owned(),
        vendors => format!("TPM vendor certificates: {}", vendors.join(", ")),
    };
    let (format, document) = match args.format {
        Format::Dot => ("dot", graph.to_dot(&title)),
        Format::Svg => ("svg", graph.to_svg(&title)),
    };
    let output = to_file(args.output.as_ref());
    if let Some(path) = output {
        save(path, document.as_bytes())?;
    }
    let to_stdout = output.is_none().then_some(document);
    if console.manner.json {
        let result = JsonGraph {
            outcome: "drawn",
            format,
            at: at.to_string(),
            certificates: graph.len(),
            anchors: graph.anchors(),
            unanchored: graph.unanchored(),
            output: output.map(|path| path.display().to_string()),
            document: to_stdout,
        };
        console.print(&json::document(GRAPH, &[result]));
    } else if let Some(document) = to_stdout {
        console.print(&document);
    } else if let Some(path) = output {
        console.note(&format!(
            "{} drawn, among them {}; {} without a path to one: {}",
            count(graph.len(), "certificate"),
            count(graph.anchors(), "anchor"),
            graph.unanchored(),
            path.display()
        ));
    }
    Ok(Exit::Done)
}
