//! One judgement of one identifier: the outcome, the path, what was checked and
//! what was found.

mod chain;
mod checks;
mod judge;
mod story;
mod wording;

pub use judge::judge;

use std::borrow::Cow;
use std::sync::Arc;

use crate::der::Time;
use crate::ek::{Certificate, EkPub};
use crate::finding::{Finding, Severity};
use crate::hash::Sha256Digest;
use crate::identifier::{Kind, Machine};
use crate::trust::Usage;
use crate::trust::revocation::CertificateStatus;

/// The outcome of a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every check that was made passed.
    Trusted,
    /// At least one finding is an error.
    Rejected,
}

/// A judgement. Only [`judge`] makes one.
#[derive(Clone, Debug)]
pub struct Verdict {
    outcome: Outcome,
    usage: Usage,
    at: Time,
    name: Option<String>,
    machine: Machine,
    ekpubs: Vec<JudgedEkPub>,
    ekcerts: Vec<JudgedEkCert>,
    path: Vec<PathStep>,
    revocation: Vec<CertificateStatus>,
    findings: Vec<Finding>,
    checks: Vec<Check>,
    kind: Kind,
    requires_possession: bool,
}

/// An EKpub of the identifier.
#[derive(Clone, Debug)]
pub struct JudgedEkPub {
    /// The key.
    pub key: EkPub,
    /// Where it was found: an element path, or the EKcert it was taken from.
    pub source: String,
    /// Whether an EKcert with a verified path vouches for it.
    pub vouched: bool,
}

/// An EKcert of the identifier, or a CA certificate beside one.
#[derive(Clone, Debug)]
pub struct JudgedEkCert {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Where it was found.
    pub source: String,
    /// Whether it has a verified path as what the identifier was judged for: for EKs, a
    /// CA certificate never has.
    pub trusted: bool,
    /// It is a CA certificate beside the EKcerts. If a path leads over it, it is in that.
    pub beside: bool,
}

/// What a certificate is in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end entity.
    Ek,
    /// Between end entity and anchor.
    Intermediate,
    /// From the root store.
    Anchor,
}

/// One certificate of the path.
#[derive(Clone, Debug)]
pub struct PathStep {
    /// What it is in the path.
    pub role: Role,
    /// It came with the input and is not in the store. Never so for an anchor.
    pub from_input: bool,
    /// The certificate.
    pub certificate: Arc<Certificate>,
}

/// One check, made or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable kebab-case name.
    pub name: &'static str,
    /// How it went.
    pub status: CheckStatus,
    /// Why it failed or was not made; what it rests on where it passed.
    pub reason: Cow<'static, str>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// Made, and fine.
    Passed,
    /// Made, and not fine.
    Failed,
    /// Not made.
    NotChecked,
}

impl Role {
    /// `ek`, `intermediate` or `anchor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ek => "ek",
            Self::Intermediate => "intermediate",
            Self::Anchor => "anchor",
        }
    }
}

impl CheckStatus {
    /// `passed`, `failed` or `not-checked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotChecked => "not-checked",
        }
    }
}

impl Verdict {
    /// Trusted or rejected.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the identifier was judged for.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The time it was judged at.
    pub fn at(&self) -> Time {
        self.at
    }

    /// The name in the file (its ForeignKey).
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The machine in the file.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The keys that a host would be registered with: the EKpubs of the file or,
    /// if it has none, the keys of its EKcerts.
    pub fn ekpubs(&self) -> &[JudgedEkPub] {
        &self.ekpubs
    }

    /// The EKcerts, and the CA certificates beside them.
    pub fn ekcerts(&self) -> &[JudgedEkCert] {
        &self.ekcerts
    }

    /// The path of the first EKcert, end entity first; empty if none was built.
    pub fn path(&self) -> &[PathStep] {
        &self.path
    }

    /// Whether [`path`](Self::path) ends in an anchor, whatever became of it there.
    pub fn path_is_complete(&self) -> bool {
        self.path
            .last()
            .is_some_and(|step| step.role == Role::Anchor)
    }

    /// What the CRLs of the store say of each certificate of [`path`](Self::path), if that
    /// ends in an anchor; of the anchor only if it revokes itself.
    pub fn revocation(&self) -> &[CertificateStatus] {
        &self.revocation
    }

    /// Everything that was found, errors first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Checks made and not made.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The judgement told step by step.
    pub fn story(&self) -> Vec<String> {
        story::tell(self)
    }

    /// Whether the policy demands proof that the host holds its EKs before it is
    /// registered. No judgement of a file can give that.
    pub fn requires_possession(&self) -> bool {
        self.requires_possession
    }

    /// The findings that reject.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// The identity a host is registered under: SPKI SHA-256 of the first EKpub.
    pub fn primary_ek(&self) -> Option<Sha256Digest> {
        self.ekpubs.first().map(|ekpub| ekpub.key.spki_sha256())
    }
}
