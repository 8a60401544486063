//! What is to be said of the certificates of a store: pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::{Contents, Source, StoredCertificate};
use super::plan::belongs_in_store;
use crate::der::Time;
use crate::ek::check_key;
use crate::finding::{Code, Finding, Severity};
use crate::hash::Sha256Digest;
use crate::trust::{Policy, Pool, Store, Usage};

/// What was found out about a store.
#[derive(Clone, Debug, Default)]
pub struct StoreReport {
    /// About one certificate each, in the order of the store; those without a finding are
    /// there as well.
    pub certificates: Vec<(StoredCertificate, Vec<Finding>)>,
    /// About the store as a whole.
    pub findings: Vec<Finding>,
}

/// Looks at every certificate of a store: its dates and key, whether it leads to a root of
/// `trusted`, its name beside those of others, and where it came from.
///
/// `trusted` is the store as it judges: what is on disk and, if they are trusted, the
/// embedded roots.
pub fn check_store(contents: &Contents, trusted: &Store, policy: &Policy, at: Time) -> StoreReport {
    let names = same_names(contents);
    let mut report = StoreReport::default();
    for stored in &contents.certificates {
        let mut findings = Vec::new();
        check_path(stored, trusted, policy, at, &mut findings);
        check_key_of(stored, &mut findings);
        check_place(stored, &mut findings);
        if let Some(others) = names.get(&stored.certificate.sha256()) {
            findings.push(same_name(*others));
        }
        let findings = findings
            .into_iter()
            .map(|finding| policy.weigh(finding))
            .collect();
        report.certificates.push((stored.clone(), findings));
    }
    report.findings.extend(provenance(contents));
    report
}

/// The anchors that no EKcert of any host leads to. `used` are the anchors that some do.
pub fn unused_anchors(contents: &Contents, used: &HashSet<Sha256Digest>) -> Vec<Finding> {
    contents
        .certificates
        .iter()
        .filter(|stored| stored.pool == Pool::Root && !used.contains(&stored.certificate.sha256()))
        .map(|stored| {
            Finding::new(
                Code::AnchorUnused,
                format!(
                    "no registered host rests on the root '{}' (SHA-256 {})",
                    stored.certificate.subject(),
                    stored.certificate.sha256()
                ),
                "what is not trusted cannot be abused: if no host with this vendor's TPMs is \
                 expected, take the root out with 'endorse store remove'",
            )
        })
        .collect()
}

/// Validates the path as any CA's. Nothing that has run out or leads nowhere can do harm:
/// judging refuses it. So that is a warning here.
fn check_path(
    stored: &StoredCertificate,
    trusted: &Store,
    policy: &Policy,
    at: Time,
    findings: &mut Vec<Finding>,
) {
    let found = match trusted.verify(&stored.certificate, policy, at, Usage::Any) {
        Ok(path) => path.findings().to_vec(),
        Err(failure) => failure.findings,
    };
    for finding in found {
        let harmless = matches!(
            finding.code,
            Code::Expired
                | Code::NotYetValid
                | Code::Sha1Signature
                | Code::IssuerUnknown
                | Code::AnchorUntrusted
                | Code::AlgorithmUnsupported
        );
        // Of what is wrong above, the certificate above tells.
        let own = finding.chain_status.as_ref().is_none_or(|status| {
            status.thumbprint
                == stored
                    .certificate
                    .thumbprint_sha1()
                    .to_string()
                    .to_uppercase()
        });
        let severity = match harmless {
            true => finding.severity.min(Severity::Warning),
            false => finding.severity,
        };
        if own || !harmless {
            findings.push(finding.with_severity(severity));
        }
    }
}

fn check_key_of(stored: &StoredCertificate, findings: &mut Vec<Finding>) {
    if let Ok(key) = stored.certificate.public_key() {
        findings.extend(check_key(&key));
    }
}

fn check_place(stored: &StoredCertificate, findings: &mut Vec<Finding>) {
    if !belongs_in_store(&stored.certificate, stored.pool) {
        let message = match stored.pool {
            Pool::Root => "it does not say that it is a CA: as a root it vouches for itself alone",
            Pool::Intermediate => "it does not say that it is a CA, so nothing leads over it",
        };
        let finding = Finding::new(
            Code::NotACa,
            message,
            "take it out with 'endorse store remove', unless exactly this certificate is meant to be \
             trusted as it stands",
        );
        findings.push(finding.with_severity(Severity::Warning));
    }
    if stored.pool == Pool::Root && !stored.certificate.is_self_issued() {
        findings.push(Finding::new(
            Code::AnchorNotSelfIssued,
            format!(
                "the root was issued by '{}', and is trusted whatever became of that",
                stored.certificate.issuer()
            ),
            "nothing to do if it is meant as a root: Microsoft's package has six of these. \
             Otherwise move it to TrustedTPM_IntermediateCA and add its issuer's root",
        ));
    }
}

/// For each certificate whose subject has other keys as well, how many other keys.
fn same_names(contents: &Contents) -> HashMap<Sha256Digest, usize> {
    let mut keys: HashMap<_, HashSet<&[u8]>> = HashMap::new();
    for stored in &contents.certificates {
        let certificate = &stored.certificate;
        keys.entry(certificate.subject().key())
            .or_default()
            .insert(certificate.spki_der());
    }
    contents
        .certificates
        .iter()
        .filter_map(|stored| {
            let keys = keys.get(stored.certificate.subject().key())?;
            let others = keys.len().checked_sub(1).filter(|others| *others > 0)?;
            Some((stored.certificate.sha256(), others))
        })
        .collect()
}

fn same_name(others: usize) -> Finding {
    Finding::new(
        Code::SameSubject,
        match others {
            1 => "another certificate of the store has this subject with another key".to_owned(),
            _ => format!("certificates with {others} other keys have this subject"),
        },
        "nothing to do: key identifiers and signatures tell them apart. Where the vendor has \
         replaced a key, the old certificate may be in use for TPMs made before",
    )
}

/// Where the certificates came from, in sum.
fn provenance(contents: &Contents) -> Vec<Finding> {
    let mut by_hand = 0usize;
    let mut unsigned: BTreeMap<&str, usize> = BTreeMap::new();
    for stored in &contents.certificates {
        match stored.record.as_ref().map(|record| &record.source) {
            None => by_hand = by_hand.saturating_add(1),
            Some(Source::Package {
                name,
                signature: None,
                ..
            }) => {
                let number = unsigned.entry(name).or_default();
                *number = number.saturating_add(1);
            }
            Some(_) => {}
        }
    }
    let mut findings = Vec::new();
    if by_hand > 0 {
        findings.push(Finding::new(
            Code::ProvenanceUnknown,
            format!(
                "nothing is recorded of where {} came from",
                of_certificates(by_hand)
            ),
            "they were put there by hand. Import them with 'endorse store import', which records \
             where they are from, and remove the files",
        ));
    }
    for (name, number) in unsigned {
        findings.push(Finding::new(
            Code::PackageNotVerified,
            format!(
                "{} came from the package {name}, whose signature was not accepted",
                of_certificates(number)
            ),
            "'endorse store import --mirror' of the package that Microsoft signed vouches for those \
             that it has and removes the others; until then 'endorse store list' shows them as \
             UNSIGNED",
        ));
    }
    findings
}

fn of_certificates(number: usize) -> String {
    match number {
        1 => "1 certificate".to_owned(),
        _ => format!("{number} certificates"),
    }
}
