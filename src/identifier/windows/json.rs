//! The output of Get-TpmEndorsementKeyInfo through ConvertTo-Json.

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::model::Identifier;
use super::ek_info::{self, MEMBERS};
use super::value::Value;
use crate::finding::{Code, Error};

/// Whether a JSON text is the output of Get-TpmEndorsementKeyInfo, by the names of its
/// members as far as it can be read. Our own form has a schema.
pub(in crate::identifier) fn is_ek_info(text: &str) -> bool {
    let mut names = Names::default();
    // A text that breaks is still told by what comes before.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(&mut names);
    names.known && !names.schema
}

/// Reads it.
pub(in crate::identifier) fn read(text: &str) -> Result<Identifier, Error> {
    let info: Value = serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = error.to_string();
        let what = what.strip_suffix(&format!(" at {place}")).unwrap_or(&what);
        Error::malformed(
            Code::JsonMalformed,
            format!("the JSON of Get-TpmEndorsementKeyInfo cannot be read: {what}"),
            "make the file again, and do not edit it",
        )
        .at(place)
    })?;
    ek_info::read(&info)
}

/// What the names of an object's members tell.
#[derive(Default)]
struct Names {
    schema: bool,
    known: bool,
}

impl<'de> Visitor<'de> for &mut Names {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.schema |= name == "schema";
            self.known |= MEMBERS.iter().any(|known| name.eq_ignore_ascii_case(known));
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
                Ok(u8::try_from(number).map_or(Value::Other, Value::Octet))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Value, E> {
                Ok(Value::Other)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Value::object(members).map_err(de::Error::custom)
            }
        }

        from.deserialize_any(Any)
    }
}
