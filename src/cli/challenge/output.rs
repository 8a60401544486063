use std::path::Path;

use crate::cli::console::Console;
use crate::disk::save;
use crate::finding::Error;

/// Writes a file of the exchange to where it was asked for, and says so; without a
/// path to standard output, unless that is for JSON.
pub(super) fn deliver(
    content: &[u8],
    path: Option<&Path>,
    console: &mut Console<'_>,
) -> Result<(), Error> {
    match path {
        Some(path) => {
            save(path, content)?;
            if !console.manner.json {
                console.note(&format!("wrote {}", path.display()));
            }
        }
        None if !console.manner.json => console.write(content),
        None => {}
    }
    Ok(())
}

/// A step on the host, in a build that cannot read a TPM.
#[cfg(not(feature = "tpm"))]
pub(super) fn no_tpm(so: &str) -> Error {
    Error::environment(
        format!("this build of endorse cannot use a TPM, so {so}"),
        "build it with the feature 'tpm': cargo install --locked --path . --features tpm (needs libtss2: \
         apt-get install libtss2-dev pkg-config)",
    )
}
