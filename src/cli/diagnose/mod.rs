//! `diagnose`: what is wrong with a guarded fabric, as a tree.

mod collect;
mod gather;
mod html;
mod json;
#[cfg(unix)]
mod key_file;
mod text;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use super::options::now;
use crate::diagnose::files::ServiceAccount;
use crate::diagnose::{Question, Selection, Status, diagnose};
use crate::disk::save;
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse diagnose --path traces/
  endorse diagnose --path policy.inf --html report.html
  endorse diagnose --key-file /etc/hgs/signing.key --account hgs
  endorse diagnose --path policy.inf --gmsa 'BASTION\\svc-hgs$'

Exit codes:
  0  nothing failed
  1  a diagnostic failed
  2  wrong usage, or a file cannot be read or written
  3  a file could not be read as what it should be";

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
    /// The account that runs the Key Protection Service, as DOMAIN\name$ or as a SID; may be
    /// repeated with other names of the same account
    #[arg(long, value_name = "ACCOUNT_OR_SID")]
    gmsa: Vec<String>,
    /// Look at this file of a private key on this machine, and at the directories on the way; may be
    /// repeated
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", requires = "account")]
    key_file: Vec<PathBuf>,
    /// Who has to be able to read the key files: a name in /etc/passwd, or UID:GID,GID
    #[cfg(unix)]
    #[arg(long, value_name = "USER", requires = "key_file")]
    account: Option<String>,
    /// Which set of diagnostics, as in Get-HgsTrace; may be repeated [default: All]
    #[arg(long, value_name = "SET", value_parser = selection)]
    diagnostic: Vec<Selection>,
    /// Show what passed and what does not apply as well
    #[arg(long)]
    detailed: bool,
    /// Write the report as a page of HTML to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
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
    #[cfg_attr(
        not(unix),
        expect(unused_mut, reason = "there are no key files to add")
    )]
    let mut gathered = gather::gather(&args.path)?;
    #[cfg(unix)]
    if let Some(account) = &args.account {
        gathered
            .targets
            .push(key_file::look(&args.key_file, account)?);
    }
    let mut question = Question::new(now()?);
    question.service_account = ServiceAccount::new(args.gmsa.iter().cloned());
    let asked = args.diagnostic.iter().cloned().reduce(Selection::and);
    if let Some(selection) = asked {
        question.selection = selection;
    }
    let report = diagnose(&gathered.targets, &question);
    if let Some(path) = &args.html {
        save(path, html::page(&report, args.detailed).as_bytes())?;
    }
    if console.manner.json {
        console.print(&json::document(&report));
    } else {
        let text = text::tree(&report, args.detailed, console.color());
        console.print(&text);
    }
    Ok(gathered.exit(&report).and(match report.status() {
        Status::Fail => Exit::Rejected,
        _ => Exit::Done,
    }))
}
