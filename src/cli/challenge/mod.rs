//! `challenge`: proof that a host holds its endorsement keys, one file for each step.

mod answer;
mod ask;
mod check;
mod make;
mod output;

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Exit;
use crate::finding::Error;

const AFTER_HELP: &str = "\
The four steps, two on the host and two where the registry is:
  host      endorse challenge ask --name hyp01 --output hyp01.ask
  registry  endorse challenge make hyp01.ask --output hyp01.challenge
  host      endorse challenge answer hyp01.challenge --output hyp01.answer
  registry  endorse challenge check hyp01.answer

The host must be registered or staged. What the host answers proves that its TPM
holds every endorsement key that it is registered with. 'endorse hosts show'
then says so, and 'register-host --require-possession' can rely on it. The files
are JSON, hold no secret of the TPM, and may travel by any way: who changes one
only makes the check fail. docs/challenge.md tells the whole, tpm2-tools
included.

Exit codes:
  0  done; with check: every host has proven it
  1  an answer was checked and is wrong, or a key is not suitable
  2  wrong usage, no TPM, no such host, or the registry is missing or broken
  3  a file is not what it should be";

/// Options of `challenge`.
#[derive(Args, Debug)]
#[command(
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(super) struct Challenge {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// On the host: make an attestation key and ask to be challenged
    Ask(ask::Ask),
    /// Where the registry is: make challenges for hosts that asked
    Make(make::Make),
    /// On the host: answer a challenge
    Answer(answer::Answer),
    /// Where the registry is: check answers, and record what they prove
    Check(check::Check),
}

impl Challenge {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::Ask(_) => ask::ASK,
            Command::Make(_) => make::MAKE,
            Command::Answer(_) => answer::ANSWER,
            Command::Check(_) => check::CHECK,
        }
    }
}

pub(super) fn run(args: &Challenge, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::Ask(args) => ask::run(args, console),
        Command::Make(args) => make::run(args, console),
        Command::Answer(args) => answer::run(args, console),
        Command::Check(args) => check::run(args, console),
    }
}
