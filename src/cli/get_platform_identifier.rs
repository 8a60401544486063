use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::Exit;
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse get-platform-identifier --name hyp01 --output hyp01.xml
  endorse get-platform-identifier --name hyp01 --tcti swtpm:port=2321 --format json

Run it on the host itself, as a user who may open the TPM (root, or a member of
the group tss). The file it writes goes to 'endorse register-host'.

Exit codes:
  0  the platform identifier was written
  2  wrong usage, no TPM, or it cannot be opened";

/// Options of `get-platform-identifier`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct GetPlatformIdentifier {
    /// Name to give the host, usually its host name (the ForeignKey of the file)
    #[arg(long, value_name = "HOST")]
    pub(super) name: String,
    /// How to reach the TPM, as the TCG software stack writes it
    #[arg(long, value_name = "TCTI", default_value = "device:/dev/tpmrm0")]
    pub(super) tcti: String,
    /// Form of the file
    #[arg(long, value_enum, default_value_t = Format::Xml)]
    pub(super) format: Format,
    /// File to write; without it the identifier goes to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Which endorsement key; 'auto' takes the first that has a certificate
    #[arg(long, value_enum, default_value_t = EkChoice::Auto)]
    pub(super) ek: EkChoice,
}

/// The forms of a platform identifier file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Microsoft's XML
    Xml,
    /// The JSON form of this program
    Json,
}

/// The endorsement keys of the TCG's default templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EkChoice {
    /// The first that has a certificate
    Auto,
    /// RSA 2048
    Rsa2048,
    /// NIST P-256
    EccP256,
    /// NIST P-384
    EccP384,
    /// NIST P-521
    EccP521,
    /// RSA 3072
    Rsa3072,
    /// RSA 4096
    Rsa4096,
}

/// Reads the TPM and the machine and writes a platform identifier.
pub(super) fn run(args: &GetPlatformIdentifier, console: &mut Console<'_>) -> Result<Exit, Error> {
    let _ = (args, console);
    Err(Error::environment(
        "this build of endorse cannot read a TPM",
        "build it with the feature 'tpm' (needs the TCG software stack, libtss2)",
    ))
}
