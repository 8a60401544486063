use std::sync::Arc;

use super::wording::{
    anchor_embedded, ekcert_key_unreadable, ekcert_missing, ekpub_unlisted, key_mismatch,
    nothing_to_judge,
};
use super::{JudgedEkCert, JudgedEkPub, Outcome, PathStep, Role, Verdict};
use crate::der::Time;
use crate::ek::{AdvisorySubject, Certificate, EkPub, check_advisories, check_key, check_profile};
use crate::finding::{Code, Finding, Severity};
use crate::identifier::Identifier;
use crate::trust::revocation::CertificateStatus;
use crate::trust::{Origin, PathFailure, Policy, Store, Usage, VerifiedPath, too_small};

/// Judges an identifier against a store and a policy at a time.
///
/// The keys in question are the EKpubs of the identifier or, if it has none, the
/// keys of its EKcerts. Each must be sound, and be the key in an EKcert that has a
/// verified path. An EKcert that no key in question needs is looked at too, but
/// what is wrong with its chain is then only a warning.
///
/// CA certificates beside the EKcerts are tried as intermediates where the store has
/// none. Only an anchor of the store makes a path trusted, and nothing of one input is
/// remembered for the next.
///
/// With [`Usage::Any`] the certificates are validated as such, and nothing is asked
/// of their keys.
pub fn judge(
    identifier: &Identifier,
    store: &Store,
    policy: &Policy,
    at: Time,
    usage: Usage,
) -> Verdict {
    let mut judgement = Judgement {
        policy,
        usage,
        ekpubs: Vec::new(),
        ekcerts: Vec::new(),
        supplied: Vec::new(),
        findings: Vec::new(),
    };
    for finding in &identifier.findings {
        judgement.find(finding.clone());
    }
    judgement.verify_certificates(identifier, store, at);
    judgement.gather_keys(identifier);
    if usage == Usage::Ek {
        judgement.bind_keys(identifier);
        judgement.check_keys();
        judgement.check_firmware(identifier);
        judgement.check_certificates();
    }
    judgement.report_paths();
    if usage == Usage::Ek {
        judgement.report_unused_cas();
    }
    judgement.into_verdict(identifier, store, at)
}

/// An EKcert, its key, and what became of its path.
pub(super) struct CertificateUnderJudgement {
    pub(super) certificate: Arc<Certificate>,
    pub(super) source: String,
    pub(super) key: Option<EkPub>,
    /// Whether the key is of a kind that is not read here, rather than broken.
    pub(super) key_unsupported: bool,
    pub(super) path: Result<VerifiedPath, Box<PathFailure>>,
    /// Whether a key in question rests on this certificate.
    pub(super) needed: bool,
    /// It is a CA certificate beside the EKcerts: part of a chain at best.
    pub(super) passed_over: bool,
}

/// A key in question.
pub(super) struct KeyUnderJudgement {
    pub(super) key: EkPub,
    pub(super) source: String,
    vouched: bool,
}

/// A judgement under way.
pub(super) struct Judgement<'a> {
    pub(super) policy: &'a Policy,
    pub(super) usage: Usage,
    pub(super) ekpubs: Vec<KeyUnderJudgement>,
    pub(super) ekcerts: Vec<CertificateUnderJudgement>,
    /// The CA certificates of the input that are not in the store.
    pub(super) supplied: Vec<Arc<Certificate>>,
    pub(super) findings: Vec<Finding>,
}

impl CertificateUnderJudgement {
    pub(super) fn is_ca(&self) -> bool {
        self.certificate.is_ca()
    }

    /// What the CRLs say of the certificates of its path, if that reached an anchor.
    pub(super) fn revocation(&self) -> &[CertificateStatus] {
        match &self.path {
            Ok(path) => path.revocation(),
            Err(failure) => &failure.revocation,
        }
    }
}

impl Judgement<'_> {
    pub(super) fn find(&mut self, finding: Finding) {
        let finding = self.policy.weigh(finding);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The keys in question.
    fn gather_keys(&mut self, identifier: &Identifier) {
        let listed = identifier
            .ekpubs
            .iter()
            .map(|entry| (entry.key.clone(), entry.source.clone()));
        // A file of an EKcert and its chain: the keys of CAs are not in question unless
        // there is nothing else.
        let only_cas =
            self.usage == Usage::Any || self.ekcerts.iter().all(CertificateUnderJudgement::is_ca);
        let of_certificates = self.ekcerts.iter().filter_map(|ekcert| {
            let key = ekcert.key.clone().filter(|_| only_cas || !ekcert.is_ca())?;
            Some((key, format!("the key in {}", ekcert.source)))
        });
        let keys: Vec<(EkPub, String)> = if identifier.ekpubs.is_empty() {
            of_certificates.collect()
        } else {
            listed.collect()
        };
        for (key, source) in keys {
            if !self.ekpubs.iter().any(|known| known.key == key) {
                self.ekpubs.push(KeyUnderJudgement {
                    key,
                    source,
                    vouched: false,
                });
            }
        }
    }

    /// Finds the EKcerts of each key in question. An EKcert whose key is not in
    /// question, although a key of its kind is that no other EKcert is for, is of
    /// another TPM. What is no EKcert, or is for a key that is not listed or not read
    /// here, is left aside: it vouches for nothing.
    fn bind_keys(&mut self, identifier: &Identifier) {
        let tpm = identifier.tpm.as_ref();
        let made_its_seed = tpm.is_some_and(|tpm| tpm.generated_eps == Some(true));
        let certified: Vec<EkPub> = self
            .ekcerts
            .iter()
            .filter_map(|ekcert| ekcert.key.clone())
            .collect();
        for ekcert in &mut self.ekcerts {
            let Some(key) = &ekcert.key else {
                if !self.ekpubs.is_empty() && ekcert.is_ca() {
                    ekcert.passed_over = true;
                    continue;
                }
                if !self.ekpubs.is_empty() && ekcert.key_unsupported {
                    let finding = ekpub_unlisted(ekcert, "of a kind that is not read here");
                    self.findings.push(self.policy.weigh(finding));
                    continue;
                }
                let finding = ekcert_key_unreadable(&ekcert.certificate);
                self.findings.push(finding);
                ekcert.needed = true;
                continue;
            };
            let mut bound = false;
            for ekpub in self.ekpubs.iter_mut().filter(|ekpub| ekpub.key == *key) {
                bound = true;
                ekpub.vouched |= ekcert.path.is_ok();
            }
            ekcert.needed = bound;
            ekcert.passed_over = !bound && ekcert.is_ca();
            if !bound && !ekcert.passed_over {
                let same_kind = self.ekpubs.iter().find(|ekpub| {
                    ekpub.key.algorithm() == key.algorithm() && !certified.contains(&ekpub.key)
                });
                let finding = match same_kind {
                    Some(ekpub) => key_mismatch(ekcert, key, ekpub, made_its_seed),
                    None => ekpub_unlisted(ekcert, &key.algorithm().to_string()),
                };
                self.findings.push(self.policy.weigh(finding));
            }
        }
        // A second certificate for a key that is vouched for already is not needed.
        for ekcert in &mut self.ekcerts {
            let vouched = self
                .ekpubs
                .iter()
                .any(|ekpub| ekpub.vouched && Some(&ekpub.key) == ekcert.key.as_ref());
            ekcert.needed &= ekcert.path.is_ok() || !vouched;
        }
        let missing: Vec<Finding> = self
            .ekpubs
            .iter()
            .filter(|ekpub| {
                !self
                    .ekcerts
                    .iter()
                    .any(|c| c.key.as_ref() == Some(&ekpub.key))
            })
            .map(|ekpub| {
                ekcert_missing(
                    ekpub,
                    self.ekcerts.iter().all(CertificateUnderJudgement::is_ca),
                )
            })
            .collect();
        for finding in missing {
            self.find(finding);
        }
    }

    /// What the numbers of a key say, and its size.
    fn check_keys(&mut self) {
        let mut found = Vec::new();
        for ekpub in &self.ekpubs {
            found.extend(check_key(&ekpub.key));
            if let Some(what) = too_small(ekpub.key.algorithm(), self.policy) {
                found.push(Finding::new(
                    Code::WeakKeySize,
                    format!("the EKpub of {} is too small: {what}", ekpub.source),
                    "the policy's min_rsa_bits and min_ec_bits say what is accepted",
                ));
            }
        }
        for finding in found {
            self.find(finding);
        }
    }

    /// Advisories about the TPM's firmware: of what the TPM says of itself or, where it
    /// says nothing, of the EKcerts that the keys rest on.
    fn check_firmware(&mut self, identifier: &Identifier) {
        let algorithms: Vec<_> = self
            .ekpubs
            .iter()
            .map(|ekpub| ekpub.key.algorithm())
            .collect();
        let needed = self.ekcerts.iter().filter(|ekcert| ekcert.needed);
        let ekcerts: Vec<&Certificate> = needed.map(|ekcert| &*ekcert.certificate).collect();
        let found = check_advisories(&AdvisorySubject {
            tpm: identifier.tpm.as_ref(),
            ekcerts: &ekcerts,
            algorithms: &algorithms,
        });
        for finding in found {
            self.find(finding);
        }
    }

    /// The profile and the vendor of each EKcert.
    fn check_certificates(&mut self) {
        let mut found = Vec::new();
        for ekcert in self.ekcerts.iter().filter(|ekcert| !ekcert.passed_over) {
            found.extend(check_profile(&ekcert.certificate));
            if ekcert.needed {
                found.extend(self.vendor_not_allowed(&ekcert.certificate));
            }
        }
        for finding in found {
            self.find(finding);
        }
    }

    fn vendor_not_allowed(&self, certificate: &Certificate) -> Option<Finding> {
        if self.policy.vendors.is_empty() {
            return None;
        }
        let vendor = certificate.extensions().tpm.vendor();
        let allowed = vendor
            .is_some_and(|vendor| self.policy.vendors.iter().any(|id| id.trim() == vendor.id));
        let name = vendor.map_or_else(
            || "not stated, or not in the registry".to_owned(),
            |vendor| format!("{} ({})", vendor.name, vendor.id),
        );
        (!allowed).then(|| {
            Finding::new(
                Code::VendorNotAllowed,
                format!(
                    "the TPM's manufacturer is {name}; the policy allows {}",
                    self.policy.vendors.join(", ")
                ),
                "add the vendor's id to 'vendors' in the policy, if its TPMs are to be accepted",
            )
        })
    }

    /// The findings of each path. Where nothing rests on a certificate, what is
    /// wrong with its chain is a warning, unless it says that somebody is lying.
    fn report_paths(&mut self) {
        let mut found = Vec::new();
        for ekcert in &self.ekcerts {
            let needed = ekcert.needed || self.usage == Usage::Any;
            match &ekcert.path {
                Ok(_) if ekcert.passed_over => {}
                Err(_) if ekcert.passed_over && self.is_in_signed_path(&ekcert.certificate) => {}
                Ok(path) => {
                    found.extend(path.findings().iter().cloned());
                    if let Origin::Embedded(vendor) = path.anchor_origin() {
                        found.push(anchor_embedded(path, vendor));
                    }
                }
                Err(failure) => {
                    for finding in failure.findings.iter().cloned() {
                        if needed || finding.code.is_absolute() {
                            found.push(finding);
                        } else if !ekcert.passed_over {
                            let severity = finding.severity.min(Severity::Warning);
                            found.push(finding.with_severity(severity));
                        }
                    }
                }
            }
        }
        for finding in found {
            // Paths have weighed their findings already.
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    fn into_verdict(mut self, identifier: &Identifier, store: &Store, at: Time) -> Verdict {
        let nothing_judged = match self.usage {
            Usage::Any => self.ekcerts.is_empty(),
            Usage::Ek => self.ekpubs.is_empty(),
        };
        if nothing_judged && !self.findings.iter().any(|f| f.severity == Severity::Error) {
            self.find(nothing_to_judge(self.usage));
        }
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let rejected = self
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        // Belt and braces: no key without a voucher leaves as trusted.
        let unvouched = self.usage == Usage::Ek && self.ekpubs.iter().any(|ekpub| !ekpub.vouched);
        let outcome = if rejected || unvouched {
            Outcome::Rejected
        } else {
            Outcome::Trusted
        };
        let checks = self.checks(identifier, store);
        let path = self.shown_path();
        let revocation = self
            .shown()
            .map_or(&[][..], CertificateUnderJudgement::revocation)
            .to_vec();
        Verdict {
            outcome,
            usage: self.usage,
            at,
            name: identifier.name.clone(),
            machine: identifier.machine.clone(),
            ekpubs: self
                .ekpubs
                .into_iter()
                .map(|ekpub| JudgedEkPub {
                    key: ekpub.key,
                    source: ekpub.source,
                    vouched: ekpub.vouched,
                })
                .collect(),
            ekcerts: self
                .ekcerts
                .into_iter()
                .map(|ekcert| JudgedEkCert {
                    trusted: ekcert.path.is_ok(),
                    beside: ekcert.passed_over,
                    certificate: ekcert.certificate,
                    source: ekcert.source,
                })
                .collect(),
            path,
            revocation,
            findings: self.findings,
            checks,
            kind: identifier.kind,
            requires_possession: self.policy.require_possession,
        }
    }

    /// The first EKcert that a key rests on.
    fn shown(&self) -> Option<&CertificateUnderJudgement> {
        self.ekcerts
            .iter()
            .find(|ekcert| ekcert.needed)
            .or_else(|| self.ekcerts.iter().find(|ekcert| !ekcert.passed_over))
    }

    /// Its path.
    fn shown_path(&self) -> Vec<PathStep> {
        let (certificates, ends_in_anchor) = match self.shown().map(|ekcert| &ekcert.path) {
            Some(Ok(path)) => (path.certificates(), true),
            Some(Err(failure)) => (failure.partial.as_slice(), failure.reached_anchor),
            None => (&[][..], false),
        };
        let last = certificates.len().saturating_sub(1);
        certificates
            .iter()
            .enumerate()
            .map(|(index, certificate)| PathStep {
                role: match index {
                    // First, for an EKcert that is itself in the root store.
                    index if index == last && ends_in_anchor => Role::Anchor,
                    0 => Role::Ek,
                    _ => Role::Intermediate,
                },
                from_input: index > 0 && self.supplied.contains(certificate),
                certificate: Arc::clone(certificate),
            })
            .collect()
    }
}
