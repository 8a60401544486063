use std::sync::Arc;

use super::{Origin, Policy, Store};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::Finding;

/// What a path is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// An endorsement key certificate.
    Ek,
    /// Plain RFC 5280 path validation of any certificate.
    Any,
}

/// A path that was verified. Only [`Store::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedPath {
    certificates: Vec<Arc<Certificate>>,
    anchor_origin: Origin,
    findings: Vec<Finding>,
}

/// Why there is no verified path: the most useful failure, and how far it got.
#[derive(Clone, Debug)]
pub struct PathFailure {
    /// The certificates from the end entity as far as the path was built.
    pub partial: Vec<Arc<Certificate>>,
    /// What failed; at least one is an error.
    pub findings: Vec<Finding>,
}

impl VerifiedPath {
    /// The certificates, end entity first, anchor last.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// Where the anchor came from.
    pub fn anchor_origin(&self) -> &Origin {
        &self.anchor_origin
    }

    /// What was noticed on the way, none of it an error.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Store {
    /// Builds and verifies a path from `certificate` to an anchor.
    ///
    /// # Errors
    /// The most useful failure of all paths that were tried.
    pub fn verify(
        &self,
        certificate: &Arc<Certificate>,
        policy: &Policy,
        at: Time,
        usage: Usage,
    ) -> Result<VerifiedPath, PathFailure> {
        let _ = (certificate, policy, at, usage);
        todo!()
    }
}
