//! `store`: the two certificate stores on disk, one file for each kind of work.

mod json;
mod listed;
mod select;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse store list
  endorse store show 5f3a9c01

The store holds TrustedTPM_RootCA (anchors) and TrustedTPM_IntermediateCA, as on a
Host Guardian Service, and catalogue.json, which says of each certificate where
it came from, when and by whom it was put there, and why.

Exit codes:
  0  done; nothing was found wrong
  1  a check failed, or something was refused
  2  wrong usage, or the store is missing, damaged or cannot be written
  3  a file could not be read as what it should be";

/// Options of `store`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(super) struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the certificates of the store
    List(listed::List),
    /// Show everything that is known of one certificate
    Show(listed::Show),
}

impl Store {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::List(_) => listed::LIST,
            Command::Show(_) => listed::SHOW,
        }
    }
}

pub(super) fn run(args: &Store, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::List(args) => listed::list(args, console),
        Command::Show(args) => listed::show(args, console),
    }
}
