//! A Host Guardian Service, seen over the network.

mod observation;
#[cfg(feature = "fetch")]
mod observe;

pub use observation::{
    Answer, Blob, Exchange, NodeObservation, NtpOutcome, NtpReading, Outcome, PortProbe,
    Resolution, ResolvedBy, ServiceAddress, Trouble,
};
#[cfg(feature = "fetch")]
pub use observe::{DEFAULT_NODE_TIMEOUT, KEY_PROTECTION_PATH, Looking, MAX_NODES};

use super::{Definition, Diagnostic, Question, Target};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[];

/// What is wrong at one node.
pub(super) fn node_diagnostics(_target: &Target, _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
}

/// What can be seen only by comparing nodes, and nodes with hosts.
pub(super) fn cluster_diagnostics(_targets: &[Target], _question: &Question) -> Vec<Diagnostic> {
    Vec::new()
}
