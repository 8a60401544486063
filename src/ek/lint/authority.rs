//! Rules for the certificates of CAs.

use ::der::oid::ObjectIdentifier;

use super::rule::{Certainty, Linted, Outcome, Rule};
use crate::ek::{EK_CERTIFICATE, KeyUsage};

use Certainty::{Implementers, Inferred, Text};

pub(super) const RULES: &[Rule] = &[
    Rule::usable(
        "ca-subject",
        Text,
        "RFC 5280 4.1.2.6",
        "The subject of a CA is not empty.",
        |linted| {
            Outcome::unless(
                linted.certificate.subject().is_empty(),
                "the subject is empty, so nothing can name it as its issuer",
            )
        },
    )
    .of_cas(),
    Rule::profile(
        "ca-basic-constraints",
        Text,
        "RFC 5280 4.2.1.9",
        "A CA has basic constraints, and they are critical.",
        |linted| match linted.extensions().basic_constraints {
            None => Outcome::Fail(
                "it has no basic constraints, so it can only be used as a root".to_owned(),
            ),
            Some(basic) => Outcome::unless(
                !basic.critical,
                "the basic constraints of the CA are not critical",
            ),
        },
    )
    .of_cas(),
    Rule::profile(
        "ca-key-usage",
        Text,
        "RFC 5280 4.2.1.3",
        "A CA has a key usage.",
        |linted| {
            Outcome::unless(
                linted.extensions().key_usage.is_none(),
                "it has no key usage",
            )
        },
    )
    .of_cas(),
    Rule::usable(
        "ca-key-cert-sign",
        Text,
        "RFC 5280 4.2.1.3 and 6.1.4 (n)",
        "The key usage of a CA, if there is one, has keyCertSign.",
        |linted| usage_bit(linted, KeyUsage::KEY_CERT_SIGN, "it may not sign certificates"),
    )
    .of_cas(),
    Rule::profile(
        "ca-crl-sign",
        Inferred,
        "RFC 5280 4.2.1.3: the bit that the signer of a CRL needs",
        "The key usage of a CA, if there is one, has cRLSign.",
        |linted| {
            usage_bit(
                linted,
                KeyUsage::CRL_SIGN,
                "it may not sign CRLs, so another has to say what it revoked",
            )
        },
    )
    .of_cas(),
    Rule::profile(
        "ca-subject-key-id",
        Text,
        "RFC 5280 4.2.1.2",
        "A CA has a subject key identifier.",
        |linted| {
            Outcome::unless(
                linted.extensions().subject_key_id.is_none(),
                "it has no subject key identifier",
            )
        },
    )
    .of_cas(),
    Rule::usable(
        "ca-extended-key-usage",
        Implementers,
        "what Windows' chain engine and judging here make of a CA's purposes: findings.md, eku-missing",
        "The extended key usage of a CA, if there is one, has tcg-kp-EKCertificate or anyExtendedKeyUsage.",
        |linted| match (
            &linted.extensions().extended_key_usage,
            linted.certificate.other_purposes_as_ca(),
        ) {
            (None, _) => Outcome::NotApplicable("it has no extended key usage"),
            (_, other) => Outcome::fail_with(other.map(for_others)),
        },
    )
    .of_cas(),
];

pub(super) fn for_others(usages: &[ObjectIdentifier]) -> String {
    let named: Vec<String> = usages.iter().map(ToString::to_string).collect();
    format!(
        "it is for other purposes ({}) than EK certificates ({EK_CERTIFICATE})",
        named.join(", ")
    )
}

fn usage_bit(linted: &Linted<'_>, bit: u16, lacks: &str) -> Outcome {
    match linted.extensions().key_usage {
        None => Outcome::NotApplicable("it has no key usage"),
        Some(usage) => Outcome::unless(!usage.allows(bit), lacks),
    }
}
