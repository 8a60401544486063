//! A JSON object of the attributes, or a list of such objects, as PowerShell's `ConvertTo-Json`
//! writes what the directory has.

use serde_json::{Map, Value as Json};

use super::{MAX_TEMPLATES, Object, Value, malformed};
use crate::finding::Error;

/// The attributes that are octets, which PowerShell writes as a list of numbers.
const OCTETS: [&str; 3] = ["pKIKeyUsage", "pKIExpirationPeriod", "pKIOverlapPeriod"];

pub(super) fn read(text: &str) -> Result<Vec<Object>, Error> {
    // serde_json bounds the depth by itself.
    let document: Json = serde_json::from_str(text).map_err(malformed)?;
    let list = match document {
        Json::Object(object) => vec![object],
        Json::Array(list) => {
            let objects = list.into_iter().map(|entry| match entry {
                Json::Object(object) => Ok(object),
                _ => Err(malformed("an entry of the list is no object")),
            });
            objects.collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(malformed("it is no object")),
    };
    if list.len() > MAX_TEMPLATES {
        return Err(malformed(format!(
            "there are more than {MAX_TEMPLATES} objects in it"
        )));
    }
    list.iter().map(object).collect()
}

fn object(map: &Map<String, Json>) -> Result<Object, Error> {
    let mut object = Object::default();
    for (name, value) in map {
        let octets = OCTETS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let (true, Some(octets)) = (octets, octets_of(value)) {
            object.add(name, Value::Octets(octets))?;
            continue;
        }
        match value {
            Json::Array(list) => {
                for entry in list {
                    add_scalar(&mut object, name, entry)?;
                }
            }
            // PowerShell 5 wraps some lists: {"value": […], "Count": 2}.
            Json::Object(wrapped) => {
                if let Some(Json::Array(list)) = wrapped.get("value") {
                    for entry in list {
                        add_scalar(&mut object, name, entry)?;
                    }
                }
            }
            scalar => add_scalar(&mut object, name, scalar)?,
        }
    }
    Ok(object)
}

fn add_scalar(object: &mut Object, name: &str, value: &Json) -> Result<(), Error> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        // Dates, access lists and the like do not matter here.
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return Ok(()),
    };
    object.add(name, Value::Text(text))
}

fn octets_of(value: &Json) -> Option<Vec<u8>> {
    let list = match value {
        Json::Array(list) => list,
        Json::Object(wrapped) => wrapped.get("value")?.as_array()?,
        _ => return None,
    };
    let octets = list.iter().map(|entry| u8::try_from(entry.as_u64()?).ok());
    octets.collect()
}
