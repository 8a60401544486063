//! `store crl`: the certificate revocation lists of a store.

use clap::{Args, Subcommand};

use super::crl_fetch;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::finding::Error;

/// Options of `store crl`.
#[derive(Args, Debug)]
#[command(
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
    /// Fetch the revocation lists that certificates name
    Fetch(crl_fetch::CrlFetch),
}

impl Crl {
    /// The name in the JSON schema.
    pub(super) fn schema(&self) -> &'static str {
        match &self.command {
            Command::Fetch(_) => crl_fetch::CRL_FETCH,
        }
    }
}

pub(super) fn run(args: &Crl, console: &mut Console<'_>) -> Result<Exit, Error> {
    match &args.command {
        Command::Fetch(args) => crl_fetch::run(args, console),
    }
}
