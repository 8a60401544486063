//! LDIF (RFC 2849): lines of `name: text` or `name:: base64`, an empty line between objects.

use super::{MAX_TEMPLATES, Object, Value, malformed};
use crate::der::decode_base64;
use crate::finding::Error;

pub(super) fn read(text: &str) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut object = Object::default();
    for line in unfolded(text) {
        if line.trim().is_empty() {
            push(&mut objects, &mut object)?;
            continue;
        }
        if line.starts_with('#') || line.starts_with('-') {
            continue;
        }
        let (name, rest) = line
            .split_once(':')
            .ok_or_else(|| malformed(format!("a line without a colon: '{line}'")))?;
        // What a file holds is not fetched from anywhere.
        if rest.starts_with('<') {
            return Err(malformed(format!("the value of {name} is in another file")));
        }
        let value = match rest.strip_prefix(':') {
            Some(encoded) => Value::Octets(
                decode_base64(encoded)
                    .map_err(|error| malformed(format!("the value of {name}: {error}")))?,
            ),
            None => Value::Text(rest.trim_start().to_owned()),
        };
        object.add(name, value)?;
    }
    push(&mut objects, &mut object)?;
    Ok(objects)
}

fn push(objects: &mut Vec<Object>, object: &mut Object) -> Result<(), Error> {
    if object.values > 0 {
        if objects.len() >= MAX_TEMPLATES {
            return Err(malformed(format!(
                "there are more than {MAX_TEMPLATES} objects in it"
            )));
        }
        objects.push(std::mem::take(object));
    }
    Ok(())
}

/// The lines, with those that were folded put together: what starts with a space goes on.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(' '), lines.last_mut()) {
            (Some(rest), Some(last)) if !last.is_empty() => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}
