use std::sync::Arc;

use super::build::{MAX_SIGNATURES, MAX_STEPS};
use super::revocation::MAX_CRL_SIGNATURES;
use super::signature::{self, SignatureError};
use crate::ek::Certificate;
use crate::hash::Sha256Digest;

/// What validating one path costs, in steps: a hundred such paths are the budget of
/// an input. Constraints and policies, which the certificates themselves bring, make
/// it dearer than any step.
const STEPS_PER_VALIDATION: usize = 20;

/// Certificates that came with what is judged, such as the part of Intel's on-die
/// chain that only the TPM has: intermediates that may be tried, and that nobody
/// believes. Never an anchor, whatever they are; a store neither keeps nor remembers
/// anything of them.
///
/// One value belongs to one input. The work that its certificates cause is counted
/// here, over all paths that are built with it.
#[derive(Debug, Default)]
pub struct Supplied {
    certificates: Vec<Arc<Certificate>>,
    work: Work,
}

/// What the supplied certificates, and the CRLs, have cost so far.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Results of verifying (CRL, signer), by fingerprint.
    crls: Vec<((Sha256Digest, Sha256Digest), Result<(), SignatureError>)>,
    /// Results of verifying (certificate, issuer), by fingerprint.
    checked: Vec<((Sha256Digest, Sha256Digest), Result<(), SignatureError>)>,
    steps: usize,
}

impl Supplied {
    /// Takes of these certificates those that say they are a CA, each once. Any
    /// other, an EKcert among them, cannot issue anything.
    pub fn new(certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut supplied = Self::default();
        for certificate in certificates {
            let known = supplied.certificates.contains(&certificate);
            if certificate.is_ca() && !known {
                supplied.certificates.push(certificate);
            }
        }
        supplied
    }

    /// Those that were taken.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    pub(super) fn parts(&mut self) -> (&[Arc<Certificate>], &mut Work) {
        (&self.certificates, &mut self.work)
    }
}

impl Work {
    /// Counts a step from or to a supplied certificate. `false` if the budget is spent.
    pub(super) fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        self.steps <= MAX_STEPS && self.checked.len() < MAX_SIGNATURES
    }

    /// Counts the validation of a path with supplied certificates in it.
    pub(super) fn validation(&mut self) {
        self.steps = self.steps.saturating_add(STEPS_PER_VALIDATION);
    }

    /// Whether no more signatures of CRLs may be verified.
    pub(super) fn has_spent_crl_signatures(&self) -> bool {
        self.crls.len() >= MAX_CRL_SIGNATURES
    }

    /// Whether this signer made the signature on this CRL, which `verify` finds out once
    /// an input; `None` if the budget is spent. Those that say that another key signed them
    /// have half of it, so that namesakes, however many, leave the rest for others.
    pub(super) fn crl_signature(
        &mut self,
        crl: Sha256Digest,
        signer: Sha256Digest,
        is_likely: bool,
        verify: impl FnOnce() -> Result<(), SignatureError>,
    ) -> Option<Result<(), SignatureError>> {
        let pair = (crl, signer);
        if let Some((_, result)) = self.crls.iter().find(|(known, _)| *known == pair) {
            return Some(result.clone());
        }
        let limit = match is_likely {
            true => MAX_CRL_SIGNATURES,
            false => MAX_CRL_SIGNATURES / 2,
        };
        if self.crls.len() >= limit {
            return None;
        }
        let result = verify();
        self.crls.push((pair, result.clone()));
        Some(result)
    }

    /// Whether the key of `issuer` made the signature on `certificate`, one of which
    /// was supplied. Verified once an input.
    pub(super) fn verify(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), SignatureError> {
        let pair = (certificate.sha256(), issuer.sha256());
        if let Some((_, result)) = self.checked.iter().find(|(known, _)| *known == pair) {
            return result.clone();
        }
        let result = signature::verify(certificate, issuer);
        self.checked.push((pair, result.clone()));
        result
    }
}
