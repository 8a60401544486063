//! Files that were saved on the machine in question, recognised by their content: traces,
//! security policies, certificate stores, event logs, listings of access rights.
//!
//! What a file is, its content says; its name is used only in messages, and as the name of
//! the store or the key that it is an export of. A file that is damaged fails what would
//! have been read from it, and nothing else.

mod account;
mod content;
mod inf;
mod privilege;
mod readable;

use serde::{Deserialize, Serialize};

use super::{Definition, Diagnostic, Observation, Question, Target};

pub use account::ServiceAccount;
pub use readable::TRACE_READABLE;

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[&TRACE_READABLE, &privilege::GMSA_AUDIT_PRIVILEGE];

/// A file as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its path, as given.
    pub name: String,
    /// Its bytes, in base64 where this is JSON.
    #[serde(with = "super::files::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// A file that is there and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadFile {
    /// Its path, as given.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// What is wrong by what the files of one target say.
pub(super) fn diagnostics(target: &Target, question: &Question) -> Vec<Diagnostic> {
    let files = content::read_all(target);
    if files.is_empty() && unread(target).next().is_none() {
        return Vec::new();
    }
    let mut found = readable::diagnostics(target, &files);
    found.extend(privilege::diagnostics(&files, &question.service_account));
    found
}

/// Whether anything could be read from the files of this target. True of one that has no
/// files.
pub fn is_readable(target: &Target) -> bool {
    let files = content::read_all(target);
    let none = files.is_empty() && unread(target).next().is_none();
    none || files.iter().any(|file| file.is_recognised())
}

fn unread(target: &Target) -> impl Iterator<Item = &UnreadFile> {
    target.observations.iter().filter_map(|one| match one {
        Observation::Unread(file) => Some(file),
        _ => None,
    })
}

/// Bytes in base64.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
