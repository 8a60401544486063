use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{MAX_REPLY_DEPTH, malformed, too_large};
use crate::finding::Error;

/// The members of an object in the order in which they stand.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut seen = std::collections::BTreeSet::new();
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format!("'{name}' stands twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(InOrder)
    }
}

/// Reads one object. The reader itself stops at a depth of 128.
pub(super) fn members(text: &str) -> Result<Vec<(String, Value)>, Error> {
    let Members(members) = serde_json::from_str(text)
        .map_err(|error| malformed(format!("the reply is no JSON object: {error}")))?;
    let deepest = members.iter().map(|(_, value)| depth(value)).max();
    if deepest.unwrap_or(0) >= MAX_REPLY_DEPTH {
        return Err(too_large(format!(
            "the reply is nested deeper than {MAX_REPLY_DEPTH} levels"
        )));
    }
    Ok(members)
}

/// How many objects and arrays lie within each other.
fn depth(value: &Value) -> usize {
    let within = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    within.unwrap_or(0).saturating_add(1)
}

/// Takes the member with this name out.
pub(super) fn take(members: &mut Vec<(String, Value)>, name: &str) -> Option<Value> {
    let place = members.iter().position(|(own, _)| own == name)?;
    Some(members.remove(place).1)
}
