//! Path building: from a certificate, over names and key identifiers, to an anchor.

use std::sync::Arc;

pub use super::policy_graph::PolicyInputs;
use super::revocation::CertificateStatus;
use super::search::{Search, Task};
use super::{Origin, Policy, Store, Supplied};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::Finding;

/// The most certificates in a path, anchor and end entity included. Intel's on-die
/// chains have eight.
pub const MAX_PATH_LEN: usize = 16;

/// The most signatures that are verified in one search for a path, and the most that
/// are verified because of [`Supplied`] certificates, for all end entities that came with
/// them: webpki's limit, set after CVE-2018-16875 (Go) and its own like it.
pub const MAX_SIGNATURES: usize = 100;

/// The most steps from a certificate to a candidate issuer, with the same two
/// meanings. A signature is verified once, but the paths through many
/// cross-certificates still multiply.
pub(super) const MAX_STEPS: usize = 2_000;

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
    pub(super) certificates: Vec<Arc<Certificate>>,
    pub(super) anchor_origin: Origin,
    pub(super) findings: Vec<Finding>,
    pub(super) revocation: Vec<CertificateStatus>,
}

/// Why there is no verified path: the most useful failure, and how far it got.
#[derive(Clone, Debug)]
pub struct PathFailure {
    /// The certificates from the end entity as far as the path was built.
    pub partial: Vec<Arc<Certificate>>,
    /// Whether the last of them is an anchor.
    pub reached_anchor: bool,
    /// What failed; at least one is an error.
    pub findings: Vec<Finding>,
    /// What the CRLs say of the certificates, if an anchor was reached.
    pub revocation: Vec<CertificateStatus>,
}

impl VerifiedPath {
    /// The certificates, end entity first, anchor last. One alone is its own anchor.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// Where the anchor came from.
    pub fn anchor_origin(&self) -> &Origin {
        &self.anchor_origin
    }

    /// What the CRLs of the store say of each certificate, end entity first. The anchor is
    /// not among them: it is not looked up.
    pub fn revocation(&self) -> &[CertificateStatus] {
        &self.revocation
    }

    /// What was noticed on the way, none of it an error.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Store {
    /// Builds and verifies a path from `certificate` to an anchor, over certificates
    /// of the store alone, accepting any certificate policy.
    ///
    /// # Errors
    /// The most useful failure of all paths that were tried.
    pub fn verify(
        &self,
        certificate: &Arc<Certificate>,
        policy: &Policy,
        at: Time,
        usage: Usage,
    ) -> Result<VerifiedPath, Box<PathFailure>> {
        let mut nothing = Supplied::default();
        self.verify_with(
            certificate,
            policy,
            at,
            usage,
            &PolicyInputs::default(),
            &mut nothing,
        )
    }

    /// The same with the certificate policy inputs of RFC 5280 6.1.1, and with
    /// certificates that came with the input as intermediates where those of the store
    /// do not suffice. They are validated like any other, and a path that needs some says
    /// which: `intermediate-from-input`.
    ///
    /// # Errors
    /// The most useful failure of all paths that were tried.
    pub fn verify_with(
        &self,
        certificate: &Arc<Certificate>,
        policy: &Policy,
        at: Time,
        usage: Usage,
        inputs: &PolicyInputs,
        supplied: &mut Supplied,
    ) -> Result<VerifiedPath, Box<PathFailure>> {
        let task = Task {
            store: self,
            policy,
            at,
            usage,
            inputs,
        };
        let (supplied, work) = supplied.parts();
        // What the store can do alone it does alone, whatever came with the input.
        let mut search = Search::new(task, &[], work);
        if let Some(path) = search.run(certificate) {
            return Ok(path);
        }
        // One that is stored as well is the stored one.
        let supplied: Vec<&Arc<Certificate>> = supplied
            .iter()
            .filter(|certificate| !self.contains(certificate))
            .collect();
        if supplied.is_empty() {
            return Err(Box::new(search.failure(None)));
        }
        let alone = search.into_best();
        let mut search = Search::new(task, &supplied, work);
        match search.run(certificate) {
            Some(path) => Ok(path),
            None => Err(Box::new(search.failure(alone))),
        }
    }
}
