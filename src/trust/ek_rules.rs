//! Rules for the path of an EKcert beyond RFC 5280 (`--usage ek`).

use ::der::oid::ObjectIdentifier;

use super::failure::subject_or_serial;
use crate::ek::{Certificate, EK_CERTIFICATE};
use crate::finding::{Code, Finding, Severity};

/// Checks `path`, end entity first.
pub(super) fn check(path: &[&Certificate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((end_entity, issuers)) = path.split_first() else {
        return findings;
    };
    if let Some(usages) = end_entity.other_purposes() {
        findings.push(eku_missing(end_entity, usages));
    }
    for issuer in issuers {
        if let Some(usages) = issuer.other_purposes_as_ca() {
            findings.push(eku_missing(issuer, usages));
        }
    }
    let what = if issuers.is_empty() && end_entity.extensions().basic_constraints.is_none() {
        Some("is in the root store and does not say that it is no CA")
    } else {
        end_entity.not_an_ekcert()
    };
    findings.extend(what.map(|what| {
        Finding::new(
            Code::ProfileCa,
            format!("'{}' {what}", subject_or_serial(end_entity)),
            "give the TPM's own EK certificate",
        )
        .about(end_entity.thumbprint_sha1())
    }));
    if end_entity.key_usage_is_not_for_an_ek() {
        findings.push(
            Finding::new(
                Code::ProfileKeyUsage,
                format!(
                    "'{}' allows neither key encipherment nor key agreement, which an EK is for",
                    subject_or_serial(end_entity)
                ),
                "give the certificate of the endorsement key, not that of an attestation key",
            )
            .with_severity(Severity::Error),
        );
    }
    findings
}

/// Checks a path with certificates that came with the input. The CAs of a store are
/// chosen for issuing EKcerts, and some of those say nothing of it; of the other CAs
/// below the same root nobody knows what they issue. There the EKcert has to say it.
pub(super) fn check_beyond_store(path: &[&Certificate]) -> Option<Finding> {
    let end_entity = path.first()?;
    (!end_entity.speaks_of_a_tpm()).then(|| {
        Finding::new(
            Code::EkuMissing,
            format!(
                "'{}' says neither that it is for an EK nor for a TPM, and its issuers are not all \
                 in the store",
                subject_or_serial(end_entity)
            ),
            "if it is an EKcert, put the issuers into TrustedTPM_IntermediateCA of the store, or name \
             them with --intermediates",
        )
        .about(end_entity.thumbprint_sha1())
    })
}

fn eku_missing(certificate: &Certificate, usages: &[ObjectIdentifier]) -> Finding {
    let named: Vec<String> = usages.iter().map(ToString::to_string).collect();
    Finding::new(
        Code::EkuMissing,
        format!(
            "'{}' is for other purposes ({}) than EK certificates ({EK_CERTIFICATE})",
            subject_or_serial(certificate),
            named.join(", ")
        ),
        "give the certificate of the endorsement key; --usage any validates other certificates",
    )
    .about(certificate.thumbprint_sha1())
}
