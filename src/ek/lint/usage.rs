//! Rules about what the certificate is for, and about its other extensions.

use ::der::oid::ObjectIdentifier;

use super::rule::{Certainty, Linted, Outcome, Rule};
use crate::ek::{Algorithm, KeyUsage};
use crate::finding::Code;

use Certainty::{Implementers, Inferred, Text};

// id-ce and id-pe (RFC 5280 4.2).
const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");

const NO_KEY_USAGE: &str = "it has no key usage";

pub(super) const RULES: &[Rule] = &[
    Rule::usable(
        "no-ca",
        Implementers,
        "TCG EK Credential Profile 3.2 as every implementer has it; RFC 5280 4.2.1.9",
        "The EKcert does not say that it is a CA.",
        |linted| {
            Outcome::unless(
                linted.certificate.is_ca(),
                "the basic constraints say that it is a CA",
            )
        },
    )
    .of_ekcerts(),
    Rule::usable(
        "recognisable",
        Inferred,
        "what judging asks of an EKcert: findings.md, profile-ca",
        "It says that it is no CA, or speaks of an EK or a TPM.",
        |linted| {
            if linted.certificate.is_ca() {
                return Outcome::NotApplicable("it says that it is a CA");
            }
            Outcome::fail_with(
                linted
                    .certificate
                    .not_an_ekcert()
                    .map(|what| format!("it {what}")),
            )
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "path-length",
        Text,
        "RFC 5280 4.2.1.9",
        "Only a CA states a path length.",
        |linted| match linted.extensions().basic_constraints {
            None => Outcome::NotApplicable("it has no basic constraints"),
            Some(basic) => Outcome::unless(
                !basic.ca && basic.path_len.is_some(),
                "it states a path length, but is no CA",
            ),
        },
    ),
    Rule::profile(
        "key-usage",
        Implementers,
        "TCG EK Credential Profile 3.2 as google/go-attestation and go-tpm-kit enforce it",
        "There is a key usage.",
        |linted| {
            Outcome::unless(
                linted.extensions().key_usage.is_none(),
                "the EKcert has no key usage",
            )
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileKeyUsage),
    Rule::profile(
        "key-usage-for-key",
        Implementers,
        "TCG EK Credential Profile 3.2 as google/go-attestation and go-tpm-kit enforce it",
        "The key usage is keyEncipherment for an RSA key, keyAgreement for an elliptic-curve key.",
        |linted| match (linted.extensions().key_usage, own_usage(linted)) {
            (None, _) => Outcome::NotApplicable(NO_KEY_USAGE),
            (_, None) => Outcome::NotApplicable("its key is of no kind that TPMs use"),
            (Some(usage), Some((bit, lacks))) => Outcome::unless(!usage.allows(bit), lacks),
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileKeyUsage),
    Rule::usable(
        "key-usage-for-ek",
        Inferred,
        "what judging asks of an EKcert: findings.md, profile-key-usage",
        "The key usage, if there is one, has keyEncipherment, dataEncipherment or keyAgreement.",
        |linted| match linted.extensions().key_usage {
            None => Outcome::NotApplicable(NO_KEY_USAGE),
            Some(_) => Outcome::unless(
                linted.certificate.key_usage_is_not_for_an_ek(),
                "the key usage has nothing that an EK is for",
            ),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "key-usage-only",
        Inferred,
        "the profile names one bit for each kind of key",
        "The key usage has no bits beside the one for the key.",
        |linted| match (linted.extensions().key_usage, own_usage(linted)) {
            (None, _) => Outcome::NotApplicable(NO_KEY_USAGE),
            (_, None) => Outcome::NotApplicable("its key is of no kind that TPMs use"),
            (Some(usage), Some((bit, _))) => {
                Outcome::unless(usage.bits & !bit != 0, "the key usage has further bits")
            }
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "key-usage-critical",
        Implementers,
        "TCG EK Credential Profile 3.2 as google/go-attestation and go-tpm-kit enforce it; RFC 5280 4.2.1.3 (should)",
        "The key usage is critical.",
        |linted| match linted.extensions().key_usage {
            None => Outcome::NotApplicable(NO_KEY_USAGE),
            Some(usage) => Outcome::unless(!usage.critical, "the key usage is not critical"),
        },
    ),
    Rule::usable(
        "extended-key-usage",
        Implementers,
        "TCG EK Credential Profile 3.2.16 as every implementer has it; RFC 5280 4.2.1.12",
        "The extended key usage, if there is one, has tcg-kp-EKCertificate (2.23.133.8.1).",
        |linted| match (
            &linted.extensions().extended_key_usage,
            linted.certificate.other_purposes(),
        ) {
            (None, _) => Outcome::NotApplicable("it has no extended key usage"),
            (_, other) => Outcome::fail_with(other.map(super::authority::for_others)),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "extended-key-usage-not-critical",
        Implementers,
        "TCG EK Credential Profile 3.2.16 as google/go-attestation enforces it",
        "The extended key usage is not critical.",
        |linted| not_critical(linted, EXTENDED_KEY_USAGE),
    )
    .of_ekcerts(),
    Rule::profile(
        "authority-key-id",
        Text,
        "RFC 5280 4.2.1.1",
        "There is an authority key identifier with a key identifier, except in a self-issued certificate.",
        |linted| {
            if linted.certificate.is_self_issued() && !linted.certificate.subject().is_empty() {
                return Outcome::NotApplicable("it is self-issued");
            }
            let key_id = linted
                .extensions()
                .authority_key_id
                .as_ref()
                .and_then(|identifier| identifier.key_id.as_deref());
            Outcome::unless(
                key_id.is_none_or(<[u8]>::is_empty),
                "it does not say by which key it is issued",
            )
        },
    ),
    Rule::profile(
        "authority-key-id-not-critical",
        Text,
        "RFC 5280 4.2.1.1",
        "The authority key identifier is not critical.",
        |linted| not_critical(linted, AUTHORITY_KEY_ID),
    ),
    Rule::profile(
        "subject-key-id-not-critical",
        Text,
        "RFC 5280 4.2.1.2",
        "The subject key identifier is not critical.",
        |linted| not_critical(linted, SUBJECT_KEY_ID),
    ),
    Rule::profile(
        "crl-points-not-critical",
        Text,
        "RFC 5280 4.2.1.13 (should)",
        "The CRL distribution points are not critical.",
        |linted| not_critical(linted, CRL_DISTRIBUTION_POINTS),
    ),
    Rule::profile(
        "info-access-not-critical",
        Text,
        "RFC 5280 4.2.2.1",
        "The authority information access is not critical.",
        |linted| not_critical(linted, AUTHORITY_INFO_ACCESS),
    ),
    Rule::usable(
        "extensions-readable",
        Text,
        "RFC 5280 4.2",
        "Every extension that is known by name can be read, and is there once.",
        |linted| {
            let faulty = &linted.extensions().faulty;
            Outcome::fail_with((!faulty.is_empty()).then(|| faulty.join("; ")))
        },
    ),
    Rule::usable(
        "critical-extensions",
        Text,
        "RFC 5280 4.2",
        "Every critical extension is one that is understood here.",
        |linted| {
            let unknown = &linted.extensions().unknown_critical;
            let named: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            Outcome::fail_with(
                (!named.is_empty())
                    .then(|| format!("critical, but not understood here: {}", named.join(", "))),
            )
        },
    ),
];

/// The bit for the kind of key, and what is said if it is not there.
fn own_usage(linted: &Linted<'_>) -> Option<(u16, &'static str)> {
    Some(match linted.certificate.key_algorithm()? {
        Algorithm::Rsa(_) => (
            KeyUsage::KEY_ENCIPHERMENT,
            "the key usage of this RSA EK lacks keyEncipherment",
        ),
        Algorithm::Ecc(_) => (
            KeyUsage::KEY_AGREEMENT,
            "the key usage of this ECC EK lacks keyAgreement",
        ),
    })
}

pub(super) fn not_critical(linted: &Linted<'_>, extension: ObjectIdentifier) -> Outcome {
    match linted.extensions().criticality(extension) {
        None => Outcome::NotApplicable("it has no such extension"),
        Some(critical) => Outcome::unless(critical, "the extension is critical"),
    }
}
