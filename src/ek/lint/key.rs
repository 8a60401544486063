//! Rules about the key of an EKcert.

use super::rule::{Certainty, Outcome, Rule};
use crate::ek::public_key::Key;
use crate::ek::{Algorithm, check_key, spki};
use crate::finding::{Code, Severity};

use Certainty::{Implementers, Inferred};

const NO_KEY: &str = "its key is of no kind that TPMs use";
const NO_RSA_KEY: &str = "its key is no RSA key";

pub(super) const RULES: &[Rule] = &[
    Rule::usable(
        "key-readable",
        Inferred,
        "the EK templates of the TCG EK Credential Profile, appendix B",
        "The key is RSA, or on P-256, P-384 or P-521, in a form that can be read.",
        |linted| Outcome::fail_with(linted.certificate.public_key().err().map(|e| e.to_string())),
    )
    .of_ekcerts(),
    Rule::usable(
        "key-sound",
        Inferred,
        "what judging asks of a key: findings.md, weak-key-exponent to roca",
        "The numbers of the key prove no weakness.",
        |linted| {
            let Ok(key) = linted.certificate.public_key() else {
                return Outcome::NotApplicable(NO_KEY);
            };
            let findings = check_key(&key);
            let mut errors = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error);
            Outcome::fail_with(
                errors
                    .next()
                    .map(|finding| format!("{} [{}]", finding.message, finding.code)),
            )
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "key-algorithm",
        Implementers,
        "google/go-attestation on old EKcerts: their algorithm is id-RSAES-OAEP",
        "The algorithm of an RSA key is rsaEncryption.",
        |linted| match linted.certificate.key_algorithm() {
            Some(Algorithm::Rsa(_)) => Outcome::unless(
                spki::is_oaep(linted.certificate.spki_der()),
                "the key is restricted to RSAES-OAEP, as in the days of TPM 1.2",
            ),
            _ => Outcome::NotApplicable(NO_RSA_KEY),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "key-size",
        Implementers,
        "the EK templates of the TCG EK Credential Profile, appendix B, as google/go-tpm has them",
        "The key has the size of a template: RSA with 2048, 3072 or 4096 bits, P-256, P-384 or P-521.",
        |linted| match linted.certificate.key_algorithm() {
            None => Outcome::NotApplicable(NO_KEY),
            Some(Algorithm::Rsa(2048 | 3072 | 4096) | Algorithm::Ecc(_)) => Outcome::Pass,
            Some(other) => Outcome::Fail(format!("no template makes a key of kind {other}")),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "key-exponent",
        Implementers,
        "the EK templates of the TCG EK Credential Profile, appendix B, as google/go-tpm has them",
        "The public exponent of an RSA key is 65537.",
        |linted| {
            let key = linted.certificate.public_key();
            match key.as_ref().map(|key| key.key()) {
                Ok(Key::Rsa { exponent, .. }) => Outcome::fail_with(
                    (*exponent != [1, 0, 1])
                        .then(|| format!("it is 0x{}", crate::hash::hex(exponent))),
                ),
                _ => Outcome::NotApplicable(NO_RSA_KEY),
            }
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "basic-constraints",
        Implementers,
        "TCG EK Credential Profile 3.2 as google/go-attestation, go-tpm-kit and swtpm have it",
        "There are basic constraints.",
        |linted| {
            Outcome::unless(
                linted.extensions().basic_constraints.is_none(),
                "the EKcert has no basic constraints",
            )
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileBasicConstraints),
    Rule::profile(
        "basic-constraints-critical",
        Implementers,
        "TCG EK Credential Profile 3.2 as google/go-attestation, go-tpm-kit and swtpm have it",
        "The basic constraints are critical.",
        |linted| match linted.extensions().basic_constraints {
            None => Outcome::NotApplicable("it has no basic constraints"),
            Some(basic) => Outcome::unless(
                !basic.critical,
                "the EKcert's basic constraints are not critical",
            ),
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileBasicConstraints),
];
