//! `store`: the two certificate stores on disk, one file for each kind of work.

mod check;
mod crl;
mod edit;
mod fetch_issuers;
mod graph;
mod history;
mod import;
mod json;
mod listed;
mod network;
mod select;
mod shared;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use super::options::{now, who};
use crate::catalogue::{Attribution, Changed};
use crate::finding::Error;
use crate::trust::Pool;

const AFTER_HELP: &str = "\
Examples:
  endorse store import TrustedTpm.cab
  endorse store list --vendor Infineon
  endorse store check
  endorse store show 5f3a9c01

The store holds TrustedTPM_RootCA (anchors) and TrustedTPM_IntermediateCA, as on
a Host Guardian Service, and catalogue.json, which says of each certificate
where it came from, when and by whom it was put there, and why.

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
    /// Draw which certificate issued which
    Graph(graph::GraphArgs),
    /// Import Microsoft's package TrustedTpm.cab, a directory or a file of certificates
    Import(import::Import),
    /// Show what an import would change
    Diff(import::Diff),
    /// Tell what is wrong with the certificates of the store
    Check(check::Check),
    /// Add certificates to one of the two stores
    Add(edit::Add),
    /// Remove certificates
    Remove(edit::Remove),
    /// Fetch issuers that are missing, from the vendors' servers
    FetchIssuers(fetch_issuers::FetchIssuers),
    /// Keep certificate revocation lists: fetch, import, export, list, remove
    Crl(crl::Crl),
    /// Show who changed the store, when, how and why
    History(history::History),
}

impl Store {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::List(_) => listed::LIST,
            Command::Show(_) => listed::SHOW,
            Command::Graph(_) => graph::GRAPH,
            Command::Import(_) => import::IMPORT,
            Command::Diff(_) => import::DIFF,
            Command::Check(_) => check::CHECK,
            Command::Add(_) => edit::ADD,
            Command::Remove(_) => edit::REMOVE,
            Command::FetchIssuers(_) => fetch_issuers::FETCH_ISSUERS,
            Command::Crl(args) => args.schema(),
            Command::History(_) => history::HISTORY,
        }
    }
}

pub(super) fn run(args: &Store, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::List(args) => listed::list(args, console),
        Command::Show(args) => listed::show(args, console),
        Command::Graph(args) => graph::run(args, console),
        Command::Import(args) => import::import(args, console),
        Command::Diff(args) => import::diff(args, console),
        Command::Check(args) => check::run(args, console),
        Command::Add(args) => edit::add(args, console),
        Command::Remove(args) => edit::remove(args, console),
        Command::FetchIssuers(args) => fetch_issuers::run(args, console),
        Command::Crl(args) => crl::run(args, console),
        Command::History(args) => history::run(args, console),
    }
}

/// Who changes the store, when and why.
fn attribution(action: &str, reason: Option<&str>) -> Result<Attribution, Error> {
    Ok(Attribution {
        at: now()?,
        by: who(),
        action: action.to_owned(),
        reason: reason.map(str::to_owned),
    })
}

/// Something that changed, in a line.
fn line(changed: &Changed) -> String {
    let pool = changed.pool.map_or("crl", Pool::as_str);
    match &changed.subject {
        Some(subject) => format!("{} {pool} {subject}", changed.sha256),
        None => format!("{} {pool}", changed.sha256),
    }
}
