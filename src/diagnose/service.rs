//! A Host Guardian Service, seen over the network.

use serde::{Deserialize, Serialize};

use super::{Definition, Diagnostic, Question, Target};
use crate::der::Time;

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[];

/// What was seen of one node of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeObservation {
    /// When this was seen, by the clock of the machine that looked, in seconds of Unix time.
    pub at: i64,
}

impl NodeObservation {
    /// When it was seen.
    pub fn time(&self) -> Time {
        Time::from_unix(self.at)
    }
}

/// What is wrong at one node.
pub(super) fn node_diagnostics(_target: &Target, _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
}

/// What can be seen only by comparing nodes, and nodes with hosts.
pub(super) fn cluster_diagnostics(_targets: &[Target], _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
}
