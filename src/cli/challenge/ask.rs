use std::path::PathBuf;

use clap::Args;

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::finding::Error;

pub(super) const ASK: &str = "challenge-ask";

/// Options of `challenge ask`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse challenge ask --name hyp01 --output hyp01.ask
  endorse challenge ask --tcti swtpm:port=2321 | ssh registry endorse challenge make -

Nothing is kept in the TPM: the attestation key comes out the same each time. The
file holds public keys only.

Exit codes:
  0  the request was written
  2  wrong usage, no TPM, or it cannot be opened")]
pub(super) struct Ask {
    /// Name that the host is registered under; without it the registry's side must know
    #[arg(long, value_name = "HOST")]
    pub(super) name: Option<String>,
    /// How to reach the TPM, as the TCG software stack writes it
    #[arg(long, value_name = "TCTI", default_value = crate::host::DEFAULT_TCTI)]
    pub(super) tcti: String,
    /// File to write; without it the request goes to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

pub(super) fn run(args: &Ask, console: &mut Console<'_>) -> Result<Exit, Error> {
    let _ = (args, console);
    Err(Error::environment("not yet", "wait"))
}
