//! A host, seen from inside.

use serde::{Deserialize, Serialize};

use super::{Definition, Diagnostic, Question, Target};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[];

/// What a machine says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostObservation {
    /// When this was seen, in seconds of Unix time.
    pub at: i64,
}

/// What is wrong with one host.
pub(super) fn diagnostics(_target: &Target, _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
}
