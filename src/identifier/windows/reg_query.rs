//! What `reg query KEY /s` prints: the path of a key at the start of a line, and its
//! values indented below it, as name, type and data with four blanks between them.

use super::endorsement::{Data, Entry};
use crate::finding::Error;
use crate::hash::from_hex;

/// How every path starts.
const ROOT: &str = "HKEY_";

/// Between name, type and data.
const GAP: &str = "    ";

pub(super) fn starts_as_query(text: &str) -> bool {
    text.trim_start().starts_with(ROOT)
}

/// Hands every value to `each`, in order. Other lines, such as how many matches there
/// were, are passed over.
pub(super) fn entries(
    text: &str,
    mut each: impl FnMut(Entry<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut key = "";
    for (line, content) in (1usize..).zip(text.lines()) {
        if content.starts_with(ROOT) {
            key = content.trim_end();
            continue;
        }
        let Some(value) = content.strip_prefix(GAP) else {
            continue;
        };
        let mut parts = value.splitn(3, GAP);
        let (Some(name), Some(kind)) = (parts.next(), parts.next()) else {
            continue;
        };
        let data = match kind.trim_end() {
            "REG_BINARY" => Data::Binary(from_hex(parts.next().unwrap_or_default().trim())),
            _ => Data::Other,
        };
        each(Entry {
            key,
            name,
            data,
            line,
        })?;
    }
    Ok(())
}
