use std::path::PathBuf;

use clap::Args;

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::finding::Error;

pub(super) const ANSWER: &str = "challenge-answer";

/// Options of `challenge answer`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse challenge answer hyp01.challenge --output hyp01.answer
  ssh registry cat hyp01.challenge | endorse challenge answer -

A FILE of tpm2_makecredential is taken as well; then only the recovered secret is
written, as tpm2_activatecredential does. Nothing in the TPM is changed.

Exit codes:
  0  the answer was written
  1  the TPM cannot answer: it holds another key
  2  wrong usage, no TPM, or it cannot be opened
  3  the file is not a challenge")]
pub(super) struct Answer {
    /// The challenge, or '-' for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// How to reach the TPM, as the TCG software stack writes it
    #[arg(long, value_name = "TCTI", default_value = crate::host::DEFAULT_TCTI)]
    pub(super) tcti: String,
    /// File to write; without it the answer goes to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

pub(super) fn run(args: &Answer, console: &mut Console<'_>) -> Result<Exit, Error> {
    let _ = (args, console);
    Err(Error::environment("not yet", "wait"))
}
