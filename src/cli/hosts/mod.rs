//! `hosts`: the registry, one file for each kind of work.

mod history;
mod json;
mod recheck;
mod registered;
mod shared;
mod transfer;

use clap::{Args, Subcommand, ValueEnum};

use super::console::Console;
use super::exit::Exit;
use crate::finding::Error;
use crate::registry::{Filter, PolicyVersion, State, Trust};

pub(super) use json::JsonHost;

const AFTER_HELP: &str = "\
Examples:
  endorse hosts list
  endorse hosts list --trust forced --json
  endorse hosts show hyp01
  endorse hosts remove hyp01 --reason 'TICKET-43: decommissioned'
  endorse hosts history --check
  endorse hosts export > hosts.json
  endorse hosts recheck

Exit codes:
  0  done; every host rechecked is as trusted as it was registered
  1  a check failed: a verified host is no longer trusted, EKs share a prime,
     or the audit trail is not as it was written
  2  wrong usage, no such host, or the registry is missing or broken
  3  a document to import, or the file of a host, could not be read";

/// Options of `hosts`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(super) struct Hosts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the registered hosts
    List(registered::List),
    /// Show everything that is known of one host
    Show(registered::Show),
    /// Remove hosts; their registrations stay in the history
    Remove(registered::Remove),
    /// Show the audit trail: who registered, forced or removed what, when and why
    History(history::History),
    /// Write every host, with the files it was registered from, as one document
    Export(transfer::Export),
    /// Take in the hosts of a document that 'hosts export' wrote
    Import(transfer::Import),
    /// Judge every registered host again, from the file it was registered from
    Recheck(recheck::Recheck),
}

/// Which hosts, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which hosts")]
struct FilterArgs {
    /// Those with this text in the name, in any case
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Those with an EKpub whose SHA-256 (SPKI or Windows) starts like this
    #[arg(long, value_name = "HEX", value_parser = parse_start_of_hash)]
    ek: Option<String>,
    /// Those whose registration rests on this
    #[arg(long, value_enum)]
    trust: Option<TrustArg>,
    /// Those under this policy version
    #[arg(long, value_enum, value_name = "VERSION")]
    policy_version: Option<VersionArg>,
    /// Those in this state
    #[arg(long, value_enum)]
    state: Option<StateArg>,
    /// Those that have proven that they hold their EKs, or the others
    #[arg(long, value_enum)]
    possession: Option<PossessionArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TrustArg {
    /// A vendor's certificate vouches for every EK
    Verified,
    /// Somebody waived what was missing
    Forced,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VersionArg {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    /// In force
    Active,
    /// Kept, not in force
    Staged,
    /// Another registration of the name took its place
    Superseded,
    /// Removed
    Removed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PossessionArg {
    /// A challenge was answered
    Proven,
    /// None was
    Unproven,
}

fn parse_start_of_hash(text: &str) -> Result<String, String> {
    let good = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
    good.then(|| text.to_owned())
        .ok_or_else(|| "a hash has 64 hexadecimal digits; give the first few".to_owned())
}

impl FilterArgs {
    fn filter(&self) -> Filter {
        let state = self.state.map(|state| match state {
            StateArg::Active => State::Active,
            StateArg::Staged => State::Staged,
            StateArg::Superseded => State::Superseded,
            StateArg::Removed => State::Removed,
        });
        Filter {
            name: self.name.clone(),
            ek: self.ek.clone(),
            trust: self.trust.map(|trust| match trust {
                TrustArg::Verified => Trust::Verified,
                TrustArg::Forced => Trust::Forced,
            }),
            policy_version: self.policy_version.map(|version| match version {
                VersionArg::V1 => PolicyVersion::V1,
                VersionArg::V2 => PolicyVersion::V2,
            }),
            proven: self
                .possession
                .map(|possession| matches!(possession, PossessionArg::Proven)),
            ended: state.is_some_and(|state| !state.is_current()),
            state,
        }
    }
}

impl Hosts {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::List(_) => registered::LIST,
            Command::Show(_) => registered::SHOW,
            Command::Remove(_) => registered::REMOVE,
            Command::History(_) => history::HISTORY,
            Command::Export(_) => transfer::EXPORT,
            Command::Import(_) => transfer::IMPORT,
            Command::Recheck(_) => recheck::RECHECK,
        }
    }
}

pub(super) fn run(args: &Hosts, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::List(args) => registered::list(args, console),
        Command::Show(args) => registered::show(args, console),
        Command::Remove(args) => registered::remove(args, console),
        Command::History(args) => history::run(args, console),
        Command::Export(args) => transfer::export(args, console),
        Command::Import(args) => transfer::import(args, console),
        Command::Recheck(args) => recheck::run(args, console),
    }
}
