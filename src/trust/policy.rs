use std::collections::BTreeMap;

use crate::finding::{Code, Error, Severity};

/// At what time certificates must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryRule {
    /// Every certificate of the path at the time of judgement.
    AtTime,
    /// The EKcert at the time of judgement; each CA when it issued the
    /// certificate below it (at that certificate's notBefore).
    WhenIssued,
}

/// When a signature with SHA-1 is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha1Rule {
    /// Never.
    Never,
    /// On certificates whose notBefore lies before 2016.
    IssuedBefore2016,
    /// Always.
    Always,
}

/// What the operator accepts. [`Policy::default`] is documented in `docs/policy.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// At what time certificates must be valid.
    pub expiry: ExpiryRule,
    /// When a signature with SHA-1 is accepted.
    pub sha1: Sha1Rule,
    /// The smallest RSA modulus, in bits, of EKs and CAs.
    pub min_rsa_bits: usize,
    /// The smallest elliptic-curve field, in bits.
    pub min_ec_bits: usize,
    /// TCG vendor ids whose EKs are accepted; empty means all.
    pub vendors: Vec<String>,
    /// Severities that differ from the defaults.
    pub severity: BTreeMap<Code, Severity>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expiry: ExpiryRule::AtTime,
            sha1: Sha1Rule::IssuedBefore2016,
            min_rsa_bits: 2048,
            min_ec_bits: 256,
            vendors: Vec::new(),
            severity: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Reads a policy file (TOML).
    ///
    /// # Errors
    /// A [`Fault::Misuse`](crate::finding::Fault::Misuse) error that names the line.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let _ = text;
        todo!()
    }
}
