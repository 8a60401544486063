//! Files that were saved on the machine in question, recognised by their content: traces,
//! security policies, certificate stores, event logs, listings of access rights.

use serde::{Deserialize, Serialize};

use super::{Definition, Diagnostic, Question, Target};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[];

/// A file as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its path, as given.
    pub name: String,
    /// Its bytes, in base64 where this is JSON.
    #[serde(with = "super::files::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// What is wrong by what the files of one target say.
pub(super) fn diagnostics(_target: &Target, _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
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
