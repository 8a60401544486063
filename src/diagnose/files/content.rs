//! What a file is, by its content.

use super::inf;
use crate::diagnose::{Observation, Target};
use crate::finding::Error;
use crate::identifier::decode_text;

/// What was read from a file.
#[derive(Debug)]
pub(super) enum Content {
    /// A security policy.
    Policy(String),
    /// Nothing that is known here.
    Unknown,
}

/// A file with what was read from it.
#[derive(Debug)]
pub(super) struct ReadFile<'a> {
    /// Its path, as given.
    pub(super) name: &'a str,
    /// What it is; why not, if it starts as something and then breaks.
    pub(super) content: Result<Content, Error>,
}

impl ReadFile<'_> {
    /// Whether anything could be read from it.
    pub(super) fn is_recognised(&self) -> bool {
        !matches!(self.content, Err(_) | Ok(Content::Unknown))
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Ok(Content::Policy(_)) => "a security policy",
            Ok(Content::Unknown) | Err(_) => "not known",
        }
    }
}

/// Reads the files of a target.
pub(super) fn read_all(target: &Target) -> Vec<ReadFile<'_>> {
    let files = target.observations.iter().filter_map(|one| match one {
        Observation::File(file) => Some(file),
        _ => None,
    });
    files
        .map(|file| ReadFile {
            name: &file.name,
            content: read(&file.bytes),
        })
        .collect()
}

/// What these bytes are.
fn read(bytes: &[u8]) -> Result<Content, Error> {
    let Some((text, _)) = decode_text(bytes)? else {
        return Ok(Content::Unknown);
    };
    if inf::is_policy(&text) {
        return Ok(Content::Policy(text));
    }
    Ok(Content::Unknown)
}
