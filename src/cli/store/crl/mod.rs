//! `store crl`: the certificate revocation lists of a store.

mod fetch;
mod import;
mod listed;
mod pack;

use clap::{Args, Subcommand};

use crate::catalogue::{Attribution, Change, Directory, Source, StoredCrl};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::options::Trust;
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::trust::Crl as List;
use crate::trust::revocation::Admission;

const AFTER_HELP: &str = "\
Examples:
  endorse store crl fetch
  endorse store crl list
  endorse store crl export --output crls.json
  endorse store crl import crls.json

The commands that judge look certificates up in the lists of the store. A
machine without a network gets them as one file: 'export' on one that fetches,
'import' on the other.

Exit codes:
  0  done
  1  a list was not got, or was refused
  2  wrong usage, or the store is missing, damaged or cannot be written
  3  a file could not be read as what it should be";

/// Options of `store crl`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(super) struct Crl {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the revocation lists of the store
    List(listed::List),
    /// Fetch the revocation lists that certificates name
    Fetch(fetch::CrlFetch),
    /// Take in revocation lists from files, or those that 'export' wrote
    Import(import::Import),
    /// Write all revocation lists as one file, for a machine without a network
    Export(pack::Export),
    /// Remove revocation lists
    Remove(listed::Remove),
}

impl Crl {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::List(_) => listed::LIST,
            Command::Fetch(_) => fetch::CRL_FETCH,
            Command::Import(_) => import::IMPORT,
            Command::Export(_) => pack::EXPORT,
            Command::Remove(_) => listed::REMOVE,
        }
    }
}

pub(super) fn run(args: &Crl, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::List(args) => listed::list(args, console),
        Command::Fetch(args) => fetch::run(args, console),
        Command::Import(args) => import::run(args, console),
        Command::Export(args) => pack::export(args, console),
        Command::Remove(args) => listed::remove(args, console),
    }
}

/// A list that is to be kept, and where it came from.
struct Arrival {
    crl: List,
    source: Source,
    member: Option<String>,
}

/// Puts lists into the store, in the place of those that they are newer than. Each is
/// compared with what is there by now: another program may have changed the store since it
/// was found to be new.
fn take_in(
    arrivals: &[Arrival],
    trust: &Trust,
    directory: &Directory,
    attribution: &Attribution,
) -> Result<(), Error> {
    directory.change(attribution, |change| {
        let stored = change.contents().crls.iter();
        let mut there: Vec<List> = stored.flat_map(|stored| stored.read().0).collect();
        for arrival in arrivals {
            let crl = &arrival.crl;
            let admission = trust.store.admit_crl(crl, &there, &trust.policy, trust.at);
            if let Ok(Admission::New { replaces }) = admission {
                change.add_crl(crl.der(), arrival.source.clone(), arrival.member.clone());
                for replaced in replaces {
                    remove_written(change, replaced);
                }
                there.push(crl.clone());
            }
        }
        Ok(())
    })
}

/// Removes a list, unless somebody put it there by hand: that is left to them.
fn remove_written(change: &mut Change<'_>, digest: Sha256Digest) {
    let mut stored = change.contents().crls.iter();
    let by_hand = |stored: &StoredCrl| stored.sha256() == digest && stored.record.is_none();
    if !stored.any(by_hand) {
        change.remove_crl(digest);
    }
}
