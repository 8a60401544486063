//! An object of PowerShell as its exports hold it, whether they are JSON or XML.

use std::collections::HashSet;

use super::super::classify::octets_of_text;

/// A value of an export.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// A number that could be an octet.
    Octet(u8),
    Text(String),
    Octets(Vec<u8>),
    List(Vec<Value>),
    /// Members in order; no two names differ in case only.
    Object(Vec<(String, Value)>),
    /// Whatever has no meaning here.
    Other,
}

impl Value {
    /// An object; the name that is there twice, if one is. PowerShell does not tell
    /// names apart by case.
    pub(super) fn object(members: Vec<(String, Self)>) -> Result<Self, String> {
        let mut names = HashSet::new();
        for (name, _) in &members {
            if !names.insert(name.to_lowercase()) {
                return Err(format!("the member {name} is there twice"));
            }
        }
        Ok(Self::Object(members))
    }

    /// The member with this name.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut members = members.iter();
        members.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The text of a member, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.member(name) {
            Some(Self::Text(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The items of a collection: `None` if it is none.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Null => Some(&[]),
            Self::List(items) => Some(items),
            // Windows PowerShell writes some lists as an object with their length.
            Self::Object(_) => match (self.member("value"), self.member("Count")) {
                (Some(Self::List(items)), Some(_)) => Some(items),
                _ => None,
            },
            _ => None,
        }
    }

    /// The octets that a value is in one of the ways in which they are exported: as
    /// such, as a list of numbers, or as text in base64, in hex, or of decimal numbers
    /// (a list beyond the depth of an export).
    pub(super) fn octets(&self) -> Option<Vec<u8>> {
        match self {
            Self::Octets(octets) => Some(octets.clone()),
            Self::Text(text) => decimal(text).or_else(|| octets_of_text(text)),
            _ => self.items()?.iter().map(Self::octet).collect(),
        }
    }

    fn octet(&self) -> Option<u8> {
        match self {
            Self::Octet(octet) => Some(*octet),
            _ => None,
        }
    }
}

/// Two or more decimal numbers with blanks between them.
fn decimal(text: &str) -> Option<Vec<u8>> {
    let octets: Option<Vec<u8>> = text
        .split_ascii_whitespace()
        .map(|number| number.parse().ok())
        .collect();
    octets.filter(|octets| octets.len() > 1)
}
