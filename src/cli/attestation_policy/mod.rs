//! `attestation-policy`: the default policies of a Host Guardian Service, explained, tried
//! on the state of a host, and found again in what the service says.

mod decode;
mod dump_key;
mod dumps;
mod list;
mod show;
mod simulate;
mod step;

use std::path::Path;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use super::input::read_input;
use crate::diagnose::attestation::{MAX_STATE_LEN, PolicyStates};
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse attestation-policy list
  endorse attestation-policy show Hgs_IommuEnabled
  endorse attestation-policy show 1540
  endorse attestation-policy simulate hyp01-state.json
  endorse attestation-policy dumps
  endorse attestation-policy dump-key dumps.cer
  endorse attestation-policy decode reply.json

All of it is about attestation in TPM mode. docs/attestation-policies.md has the
table with what each column rests on, and the forms of the files.

Exit codes:
  0  done; a host would pass, a reply is no error
  1  a host would fail or it cannot be told, a reply is an error, a key does
     not fit
  2  wrong usage, or a file cannot be read
  3  a file is not what it should be";

/// Options of `attestation-policy`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(super) struct AttestationPolicy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the default policies
    List(list::List),
    /// Show one: by name, reason (GUID), event id, sub-status or status
    Show(show::Show),
    /// Tell which policies a host in a given state would fail, and what to change
    Simulate(simulate::Simulate),
    /// Show how the three policies about memory dumps work together
    Dumps(dumps::Dumps),
    /// Compute the hash of a dump key that the service takes, from its certificate
    DumpKey(dump_key::DumpKey),
    /// Explain replies of the service that were saved
    Decode(decode::Decode),
}

impl AttestationPolicy {
    /// The name that the JSON of the command that was given has.
    pub(super) fn schema(&self) -> &'static str {
        match self.command {
            Command::List(_) => list::SCHEMA,
            Command::Show(_) => show::SCHEMA,
            Command::Simulate(_) => simulate::SCHEMA,
            Command::Dumps(_) => dumps::SCHEMA,
            Command::DumpKey(_) => dump_key::SCHEMA,
            Command::Decode(_) => decode::SCHEMA,
        }
    }
}

/// Does what was asked for.
pub(super) fn run(args: &AttestationPolicy, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::List(args) => Ok(list::run(args, console)),
        Command::Show(args) => show::run(args, console),
        Command::Simulate(args) => simulate::run(args, console),
        Command::Dumps(args) => dumps::run(args, console),
        Command::DumpKey(args) => Ok(dump_key::run(args, console)),
        Command::Decode(args) => Ok(decode::run(args, console)),
    }
}

/// The states in this file, or what is documented of a new service.
fn policy_states(path: Option<&Path>, console: &mut Console<'_>) -> Result<PolicyStates, Error> {
    let Some(path) = path else {
        return Ok(PolicyStates::default());
    };
    let bytes = read_input(path, console, MAX_STATE_LEN)?;
    PolicyStates::from_json(&bytes).map_err(|error| named(path, error))
}

/// An error that says which file it is about.
fn named(path: &Path, error: Error) -> Error {
    Error {
        message: format!("{}: {}", path.display(), error.message),
        ..error
    }
}
