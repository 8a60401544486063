//! The text of `certutil -dstemplate`: a name in brackets, then `attribute = "value", "value"`,
//! with remarks after the quotes and values that go on over several lines.

use super::{MAX_TEMPLATES, Object, Value, malformed};
use crate::finding::Error;

pub(super) fn read(text: &str) -> Result<Vec<Object>, Error> {
    let mut objects: Vec<Object> = Vec::new();
    let mut attribute: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            if objects.len() >= MAX_TEMPLATES {
                return Err(malformed(format!(
                    "there are more than {MAX_TEMPLATES} objects in it"
                )));
            }
            let mut object = Object::default();
            object.add("name", Value::Text(name.to_owned()))?;
            objects.push(object);
            attribute = None;
            continue;
        }
        let values = match line.split_once(" =") {
            Some((name, values)) if is_attribute(name) => {
                attribute = Some(name.trim_start_matches('*').to_owned());
                values
            }
            _ => line,
        };
        let Some(name) = &attribute else { continue };
        if objects.is_empty() {
            objects.push(Object::default());
        }
        let Some(object) = objects.last_mut() else {
            continue;
        };
        for value in quoted(values) {
            object.add(name, Value::Text(value.to_owned()))?;
        }
    }
    Ok(objects)
}

/// Whether it is the name of an attribute of the directory, and not a remark.
fn is_attribute(name: &str) -> bool {
    let name = name.trim_start_matches('*');
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// What stands between quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    let mut parts = line.split('"').skip(1);
    std::iter::from_fn(move || {
        let value = parts.next()?;
        // Without a quote at its end it is no value.
        parts.next()?;
        Some(value)
    })
}
