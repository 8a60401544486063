//! Registry files (`.reg`) as regedit and `reg export` write them. What may stand in a
//! file for import but in no export, such as the deletion of a key, is refused: what is
//! in the registry after it does not show in the file.

use super::endorsement::{Data, Entry, malformed};
use crate::finding::Error;
use crate::hash::from_hex;

/// The first lines of the two versions.
const HEADERS: [&str; 2] = ["Windows Registry Editor Version 5.00", "REGEDIT4"];

pub(super) fn starts_as_reg_file(text: &str) -> bool {
    body(text).is_some()
}

/// Hands every value to `each`, in order.
pub(super) fn entries(
    text: &str,
    mut each: impl FnMut(Entry<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rest = body(text).unwrap_or_default();
    let mut line = lines_between(text, rest).saturating_add(1);
    let mut key = "";
    while !rest.is_empty() {
        let (this, after) = split_line(rest);
        let start = this.trim();
        let after = if start.is_empty() || start.starts_with(';') {
            after
        } else if let Some(path) = start.strip_prefix('[') {
            key = key_path(path).map_err(|what| malformed(what, line))?;
            after
        } else {
            let value = Value::first(rest.trim_start()).map_err(|what| malformed(what, line))?;
            if key.is_empty() {
                return Err(malformed("a value stands before the first key", line));
            }
            each(Entry {
                key,
                name: &value.name,
                data: value.data,
                line,
            })?;
            value.rest
        };
        line = line.saturating_add(lines_between(rest, after));
        rest = after;
    }
    Ok(())
}

/// What follows the header.
fn body(text: &str) -> Option<&str> {
    let (first, rest) = split_line(text.trim_start());
    HEADERS.contains(&first.trim_end()).then_some(rest)
}

/// The first line without its end, and what follows.
fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// How many lines end before `rest`, which `text` ends in.
fn lines_between(text: &str, rest: &str) -> usize {
    let before = text.len().saturating_sub(rest.len());
    let ends = text.bytes().take(before).filter(|octet| *octet == b'\n');
    ends.count()
}

fn key_path(path: &str) -> Result<&str, &'static str> {
    match path.strip_suffix(']') {
        Some(path) if path.starts_with('-') => Err("the file deletes a key, which no export does"),
        Some(path) if !path.is_empty() => Ok(path),
        _ => Err("a key is not enclosed in brackets"),
    }
}

/// A value and what follows it.
struct Value<'a> {
    name: String,
    data: Data,
    rest: &'a str,
}

impl<'a> Value<'a> {
    fn first(text: &'a str) -> Result<Self, &'static str> {
        const NEITHER: &str = "a line is neither a key nor a value";
        let (name, rest) = match text.strip_prefix('"') {
            Some(text) => quoted(text).ok_or("the name of a value has no end")?,
            None => (String::new(), text.strip_prefix('@').ok_or(NEITHER)?),
        };
        let rest = rest.strip_prefix('=').ok_or(NEITHER)?;
        // A text may have line ends in it, and what looks like keys and values.
        if let Some(text) = rest.strip_prefix('"') {
            let (_, rest) = quoted(text).ok_or("a text has no end")?;
            let (after, rest) = split_line(rest);
            return match after.trim().is_empty() {
                true => Ok(Self {
                    name,
                    data: Data::Other,
                    rest,
                }),
                false => Err("something follows a text"),
            };
        }
        let (data, rest) = continued(rest);
        let (kind, octets) = match data.split_once(':') {
            Some(parts) => parts,
            None if data.trim() == "-" => {
                return Err("the file deletes a value, which no export does");
            }
            None => return Err("a value is of no known type"),
        };
        let data = match kind {
            // Type 3 is REG_BINARY, and what stands for itself.
            "hex" | "hex(3)" => Data::Binary(octets_of(octets)),
            "dword" => Data::Other,
            kind if kind.starts_with("hex(") && kind.ends_with(')') => Data::Other,
            _ => return Err("a value is of no known type"),
        };
        Ok(Self { name, data, rest })
    }
}

/// The text up to the closing quotation mark, and what follows; a backslash stands
/// before one of its kind and before a quotation mark.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((content, chars.as_str())),
            '\\' => content.push(chars.next()?),
            c => content.push(c),
        }
    }
}

/// The lines up to the first that does not end in a backslash, and what follows.
fn continued(text: &str) -> (&str, &str) {
    let mut rest = text;
    loop {
        let (line, after) = split_line(rest);
        if after.is_empty() || !line.trim_end().ends_with('\\') {
            let length = text.len().saturating_sub(after.len());
            return text.split_at_checked(length).unwrap_or((text, ""));
        }
        rest = after;
    }
}

/// Octets of two digits, with commas between them and line ends after commas.
fn octets_of(text: &str) -> Option<Vec<u8>> {
    let between = |c: char| c == '\\' || c.is_ascii_whitespace();
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let octets = text.split(',').map(|octet| {
        let octet = octet.trim_matches(between);
        match from_hex(octet)?.as_slice() {
            [octet] => Some(*octet),
            _ => None,
        }
    });
    octets.collect()
}
