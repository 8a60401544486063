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

A FILE of tpm2_makecredential is taken as well; then only the recovered secret
is written, as tpm2_activatecredential does. Nothing in the TPM is changed.

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

/// Says that this build cannot.
#[cfg(not(feature = "tpm"))]
pub(super) fn run(_: &Answer, _: &mut Console<'_>) -> Result<Exit, Error> {
    Err(super::output::no_tpm("the challenge is not answered"))
}

/// Answers a challenge.
#[cfg(feature = "tpm")]
pub(super) fn run(args: &Answer, console: &mut Console<'_>) -> Result<Exit, Error> {
    use super::output::deliver;
    use crate::cli::input::{read_input, to_file};
    use crate::cli::json;
    use crate::cli::software_stack::silence;
    use crate::host::{Tpm, answer, recover};
    use crate::possession::{Challenge, Credential, MAX_FILE_LEN};

    #[derive(serde::Serialize)]
    struct Answered {
        outcome: &'static str,
        host: Option<String>,
        challenge: Option<String>,
        output: Option<String>,
        /// The file itself, where it was not written to one; a bare secret in hex.
        document: Option<String>,
    }

    silence();
    let file = read_input(&args.file, console, MAX_FILE_LEN)?;
    let to = to_file(args.output.as_ref());
    let output = to.map(|path| path.display().to_string());
    let answered = if Credential::is_tpm2_tools(&file) {
        let credential = Credential::from_tpm2_tools(&file)?;
        let secret = recover(&mut Tpm::open(&args.tcti)?, &credential)?;
        deliver(&secret, to, console)?;
        Answered {
            outcome: "recovered",
            host: None,
            challenge: None,
            document: output.is_none().then(|| crate::hash::hex(&secret)),
            output,
        }
    } else {
        let challenge = Challenge::read(&file)?;
        let text = answer(&mut Tpm::open(&args.tcti)?, &challenge)?.to_json();
        deliver(text.as_bytes(), to, console)?;
        Answered {
            outcome: "answered",
            host: Some(challenge.terms.host),
            challenge: Some(challenge.terms.id.to_string()),
            document: output.is_none().then_some(text),
            output,
        }
    };
    if console.manner.json {
        console.print(&json::document(ANSWER, &[answered]));
    }
    Ok(Exit::Done)
}
