use crate::der::Time;
use crate::finding::{Code, Error, Finding, Severity};
use crate::hash::{Sha256Digest, sha256};
use crate::identifier::Machine;
use crate::trust::Usage;
use crate::verdict::{Outcome, Verdict};

use super::findings::possession_missing;
use super::model::{Host, HostEk, HostEkCert};

/// With what a verdict was reached.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The bytes of the file that was judged.
    pub file: &'a [u8],
    /// The store's fingerprint.
    pub store: Sha256Digest,
    /// SHA-256 of the policy.
    pub policy: Sha256Digest,
}

/// A host that may be registered: what a verdict says of it. Only
/// [`from_verdict`](Self::from_verdict) makes one, so trust cannot be claimed.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub(super) name: Option<String>,
    pub(super) machine: Machine,
    pub(super) eks: Vec<HostEk>,
    pub(super) ekcerts: Vec<HostEkCert>,
    pub(super) trusted: bool,
    pub(super) errors: Vec<Finding>,
    /// Those errors that the verdict does not have.
    pub(super) extra: Vec<Finding>,
    pub(super) file: Vec<u8>,
    pub(super) file_sha256: Sha256Digest,
    pub(super) store: Sha256Digest,
    pub(super) policy: Sha256Digest,
    pub(super) judged_at: Time,
    /// Whether the policy demands that the host prove that it holds its EKs.
    pub(super) requires_possession: bool,
}

impl Candidate {
    /// Takes from a verdict what registration needs.
    ///
    /// It is trusted only if the verdict is, and if a verified EKcert vouches for
    /// every EK: whatever severity a finding has, without an EKcert no key is proven
    /// genuine.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for a verdict of another
    /// usage than EK.
    pub fn from_verdict(verdict: &Verdict, provenance: Provenance<'_>) -> Result<Self, Error> {
        if verdict.usage() != Usage::Ek {
            return Err(Error::misuse(
                "a host cannot be registered on a judgement for any usage",
                "judge it with --usage ek",
            ));
        }
        let mut errors: Vec<Finding> = verdict.errors().cloned().collect();
        let mut extra = Vec::new();
        let mut eks: Vec<HostEk> = Vec::new();
        let mut unvouched = Vec::new();
        for judged in verdict.ekpubs() {
            let spki_der = judged.key.spki_der();
            let spki_sha256 = judged.key.spki_sha256();
            if !judged.vouched {
                unvouched.push(spki_sha256);
            }
            if !eks.iter().any(|ek| ek.spki_sha256 == spki_sha256) {
                eks.push(HostEk {
                    algorithm: judged.key.algorithm().to_string(),
                    spki_der: spki_der.to_vec(),
                    spki_sha256,
                    windows_sha256: judged.key.windows_sha256(),
                });
            }
        }
        if eks.is_empty() && !errors.iter().any(|error| error.code == Code::NoEkpub) {
            extra.push(Finding::new(
                Code::NoEkpub,
                "there is no EKpub to register",
                "make the file again with get-platform-identifier, as administrator",
            ));
        }
        let judged_trusted =
            verdict.outcome() == Outcome::Trusted && errors.is_empty() && extra.is_empty();
        if let Some(ek) = unvouched.first().filter(|_| judged_trusted) {
            extra.push(
                Finding::new(
                    Code::EkcertMissing,
                    format!("no verified EKcert vouches for the EKpub {ek}"),
                    "give the EKcert: only with one a host is registered as verified",
                )
                .with_severity(Severity::Error),
            );
        }
        errors.extend(extra.iter().cloned());
        let mut ekcerts: Vec<HostEkCert> = Vec::new();
        // The chain beside the EKcerts is none of the host's; it stays in the file.
        for judged in verdict.ekcerts().iter().filter(|judged| !judged.beside) {
            let sha256 = judged.certificate.sha256();
            if !ekcerts.iter().any(|ekcert| ekcert.sha256 == sha256) {
                ekcerts.push(HostEkCert {
                    sha256,
                    der: judged.certificate.der().to_vec(),
                });
            }
        }
        Ok(Self {
            name: verdict.name().map(str::to_owned),
            machine: verdict.machine().clone(),
            eks,
            ekcerts,
            trusted: judged_trusted && unvouched.is_empty(),
            errors,
            extra,
            file: provenance.file.to_vec(),
            file_sha256: sha256(provenance.file),
            store: provenance.store,
            policy: provenance.policy,
            judged_at: verdict.at(),
            requires_possession: verdict.requires_possession(),
        })
    }

    /// The same, as an answer about `host`, which was registered from this file. If one
    /// of the host's EKs is not in the file, the file proves nothing about the host,
    /// and the answer is `key-mismatch`: an imported document may name one key and hold
    /// the file of another.
    ///
    /// If the policy demands proof of possession and the host has given none, that is
    /// an error, too.
    pub fn about(mut self, host: &Host) -> Self {
        if self.requires_possession && host.possession.is_none() {
            self.refuse(possession_missing(&host.name));
        }
        let missing = host
            .eks
            .iter()
            .find(|ek| !self.eks.iter().any(|own| own.spki_sha256 == ek.spki_sha256));
        if let Some(ek) = missing {
            let finding = Finding::new(
                Code::KeyMismatch,
                format!(
                    "the host is registered with the EKpub {}, which is not in the file that is kept \
                     of it",
                    ek.spki_sha256
                ),
                "the registration was altered, or imported from a document that was: remove the host \
                 and register it again from its own file",
            )
            .with_severity(Severity::Error);
            self.refuse(finding);
        }
        self
    }

    /// The same with an error that was found in comparing it with other hosts.
    pub fn refused(mut self, finding: Finding) -> Self {
        self.refuse(finding.with_severity(Severity::Error));
        self
    }

    fn refuse(&mut self, finding: Finding) {
        if !self.extra.contains(&finding) {
            self.errors.push(finding.clone());
            self.extra.push(finding);
        }
        self.trusted = false;
    }

    /// Whether a verified EKcert vouches for every EK and nothing was found wrong.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// What keeps it from being trusted.
    pub fn errors(&self) -> &[Finding] {
        &self.errors
    }
}
