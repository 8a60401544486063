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
  endorse challenge ask --name hyp01 | ssh registry endorse challenge make -

Nothing is kept in the TPM: the attestation key comes out the same each time.
The file holds public keys only.

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

/// Says that this build cannot.
#[cfg(not(feature = "tpm"))]
pub(super) fn run(_: &Ask, _: &mut Console<'_>) -> Result<Exit, Error> {
    Err(super::output::no_tpm("there is no request of this host"))
}

/// Makes the attestation key and writes the request.
#[cfg(feature = "tpm")]
pub(super) fn run(args: &Ask, console: &mut Console<'_>) -> Result<Exit, Error> {
    use super::output::deliver;
    use crate::cli::input::to_file;
    use crate::cli::json;
    use crate::cli::software_stack::silence;
    use crate::hash::hex;
    use crate::host::{Tpm, ask};

    #[derive(serde::Serialize)]
    struct Asked {
        outcome: &'static str,
        name: Option<String>,
        ak_name: String,
        ekpubs: Vec<String>,
        output: Option<String>,
        /// The file itself, where it was not written to one.
        document: Option<String>,
    }

    silence();
    let request = ask(&mut Tpm::open(&args.tcti)?, args.name.as_deref())?;
    let text = request.to_json();
    let file = to_file(args.output.as_ref());
    deliver(text.as_bytes(), file, console)?;
    console.detail(&format!("attestation key {}", hex(request.ak.name())));
    if console.manner.json {
        let asked = Asked {
            outcome: "asked",
            ak_name: hex(request.ak.name()),
            ekpubs: request
                .eks
                .iter()
                .map(|ek| ek.key.spki_sha256().to_string())
                .collect(),
            output: file.map(|path| path.display().to_string()),
            document: file.is_none().then_some(text),
            name: request.name,
        };
        console.print(&json::document(ASK, &[asked]));
    }
    Ok(Exit::Done)
}
