use std::path::Path;

use crate::cli::console::Console;
use crate::finding::Error;
use crate::host::save;

/// Writes a file of the exchange to where it was asked for, and says so; without a
/// path to standard output, unless that is for JSON.
pub(super) fn deliver(
    text: &str,
    path: Option<&Path>,
    console: &mut Console<'_>,
) -> Result<(), Error> {
    match path {
        Some(path) => {
            save(path, text.as_bytes())?;
            if !console.manner.json {
                console.note(&format!("wrote {}", path.display()));
            }
        }
        None if !console.manner.json => console.print(text),
        None => {}
    }
    Ok(())
}
