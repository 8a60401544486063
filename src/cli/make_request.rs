use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::exit::Exit;
use crate::finding::Error;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  2  wrong usage";

/// Options of `make-request`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct MakeRequest {
    /// Files
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Does nothing yet.
pub(super) fn run(args: &MakeRequest, _: &mut Console<'_>) -> Result<Exit, Error> {
    Err(Error::misuse(
        format!(
            "{} files, and nothing is done with them yet",
            args.files.len()
        ),
        "wait for the next version",
    ))
}
