//! Rules for the path of an EKcert beyond RFC 5280 (`--usage ek`).

use ::der::oid::ObjectIdentifier;

use super::failure::subject_or_serial;
use crate::ek::{Certificate, KeyUsage};
use crate::finding::{Code, Finding, Severity};

/// tcg-kp-EKCertificate (TCG EK Credential Profile 3.2.16).
const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// anyExtendedKeyUsage (RFC 5280 4.2.1.12).
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Checks `path`, end entity first.
pub(super) fn check(path: &[&Certificate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((end_entity, issuers)) = path.split_first() else {
        return findings;
    };
    // An EKcert says what it is for, or nothing; anyExtendedKeyUsage says nothing.
    if let Some(usages) = &end_entity.extensions().extended_key_usage
        && !usages.contains(&EK_CERTIFICATE)
    {
        findings.push(eku_missing(end_entity, usages));
    }
    // A CA that names purposes vouches for those alone, as Windows has it. This is
    // what keeps Microsoft's attestation-key CAs from issuing EKcerts.
    for issuer in issuers {
        if let Some(usages) = &issuer.extensions().extended_key_usage
            && !usages.contains(&EK_CERTIFICATE)
            && !usages.contains(&ANY_USAGE)
        {
            findings.push(eku_missing(issuer, usages));
        }
    }
    // A root of old may say nothing of being a CA. Anyone can hand it in as an EKcert,
    // and as an anchor it would need no signature. The same goes for its other editions
    // and for old CAs below it: a certificate that says neither that it is no CA nor
    // anything of a TPM or an EK is not taken for an EKcert.
    let extensions = end_entity.extensions();
    let what = match extensions.basic_constraints {
        Some(basic) => basic.ca.then_some("is a CA certificate, not an EKcert"),
        None if issuers.is_empty() => {
            Some("is in the root store and does not say that it is no CA")
        }
        None if !end_entity.subject().is_empty() && end_entity.is_self_issued() => {
            Some("is self-issued and does not say that it is no CA")
        }
        None => (!speaks_of_a_tpm(end_entity))
            .then_some("says neither that it is no CA nor that it is for an EK or a TPM"),
    };
    findings.extend(what.map(|what| {
        Finding::new(
            Code::ProfileCa,
            format!("'{}' {what}", subject_or_serial(end_entity)),
            "give the TPM's own EK certificate",
        )
        .about(end_entity.thumbprint_sha1())
    }));
    // AMD's EC EKs say keyEncipherment, so which of the three does not matter; a
    // certificate for signing alone is not an EK's.
    const FOR_AN_EK: u16 =
        KeyUsage::KEY_ENCIPHERMENT | KeyUsage::DATA_ENCIPHERMENT | KeyUsage::KEY_AGREEMENT;
    if end_entity
        .extensions()
        .key_usage
        .is_some_and(|usage| !usage.allows(FOR_AN_EK))
    {
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
    (!speaks_of_a_tpm(end_entity)).then(|| {
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

fn speaks_of_a_tpm(end_entity: &Certificate) -> bool {
    let extensions = end_entity.extensions();
    extensions.extended_key_usage.is_some() || extensions.tpm.manufacturer.is_some()
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
