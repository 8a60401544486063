//! `diagnose`: what is wrong with a guarded fabric, as a tree.

mod collect;
mod html;
mod json;
mod judging;
#[cfg(feature = "fetch")]
mod live;
mod text;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use super::options::now;
use crate::diagnose::files::SavedFile;
use crate::diagnose::{Observation, Question, Role, Selection, Status, Target, diagnose};
use crate::disk::{read_file, save};
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse diagnose --path traces/
  endorse diagnose --path policy.inf --html report.html

Exit codes:
  0  nothing failed
  1  a diagnostic failed
  2  wrong usage, or a file cannot be read or written
  3  a file could not be read as what it should be";

/// The largest saved file that is read, in octets.
const MAX_FILE_LEN: usize = 64 * 1024 * 1024;

/// Options of `diagnose`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(super) struct Diagnose {
    #[command(subcommand)]
    command: Option<Command>,
    /// Read what was saved on the machine in question: a file or a directory; may be repeated
    #[arg(long, value_name = "PATH")]
    path: Vec<PathBuf>,
    /// Which set of diagnostics, as in Get-HgsTrace; may be repeated [default: All]
    #[arg(long, value_name = "SET", value_parser = selection)]
    diagnostic: Vec<Selection>,
    /// Show what passed and what does not apply as well
    #[arg(long)]
    detailed: bool,
    /// Write the report as a page of HTML to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    live: live::LiveArgs,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    waiting: live::WaitArgs,
    #[command(flatten)]
    judging: judging::JudgingArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Write what there is to see to one file, to be diagnosed elsewhere
    Collect(collect::Collect),
}

impl Diagnose {
    /// The name that the JSON of the command that was given has.
    pub(super) fn schema(&self) -> &'static str {
        match self.command {
            None => "diagnose",
            Some(Command::Collect(_)) => "diagnose.collect",
        }
    }
}

fn selection(name: &str) -> Result<Selection, String> {
    Selection::named(name).ok_or_else(|| {
        "no such set; there are Base, BestPractices, Hardware, Https, Networking, GuardedHost, \
         HostGuardianService, GuardedFabric, GuardedFabricTpmMode, GuardedFabricADMode and All"
            .to_owned()
    })
}

/// Gathers what there is to see, judges it and shows the tree.
pub(super) fn run(args: &Diagnose, console: &mut Console<'_>) -> Result<Exit, Error> {
    if let Some(Command::Collect(args)) = &args.command {
        return collect::run(args, console);
    }
    let mut targets = Vec::new();
    let tls_roots = args.judging.tls_roots()?;
    #[cfg(feature = "fetch")]
    let waited = args.waiting.wait(&args.live, console)?;
    #[cfg(feature = "fetch")]
    targets.extend(args.live.gather()?);
    for path in &args.path {
        let name = path.display().to_string();
        let bytes = read_file(path, MAX_FILE_LEN)?;
        targets.push(Target {
            name: name.clone(),
            role: Role::Unknown,
            source: name.clone(),
            observations: vec![Observation::File(SavedFile { name, bytes })],
        });
    }
    let mut question = Question::new(now()?);
    let asked = args.diagnostic.iter().cloned().reduce(Selection::and);
    if let Some(selection) = asked {
        question.selection = selection;
    }
    question.tls_roots = tls_roots;
    question.expected_mode = args.judging.mode();
    #[cfg(feature = "fetch")]
    {
        question.expected_mode = question.expected_mode.or(args.waiting.mode());
        question.waited = waited;
    }
    let report = diagnose(&targets, &question);
    if let Some(path) = &args.html {
        save(path, html::page(&report, args.detailed).as_bytes())?;
    }
    if console.manner.json {
        console.print(&json::document(&report));
    } else {
        let text = text::tree(&report, args.detailed, console.color());
        console.print(&text);
    }
    Ok(match report.status() {
        Status::Fail => Exit::Rejected,
        _ => Exit::Done,
    })
}
