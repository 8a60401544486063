//! CAs with weak keys, in the stores and beside the EKcert. Their certificates are made
//! by testdata/weak-keys/make.py.

use std::sync::Arc;

use endorse::ek::Certificate;
use endorse::finding::{Code, Finding, Severity};
use endorse::hash::from_hex;
use endorse::identifier::Identifier;
use endorse::trust::{Policy, Store, Usage};
use endorse::verdict::{Outcome, judge};

use crate::cases::{EK, Pki, ROOT, intermediate_name, root_name};
use crate::error_codes;
use crate::negative::{at, codes_of, file, store};
use crate::pki::*;

fn read(name: &str) -> Certificate {
    let path = format!(
        "{}/testdata/weak-keys/{name}.der",
        env!("CARGO_MANIFEST_DIR")
    );
    Certificate::from_der(&std::fs::read(path).unwrap()).unwrap()
}

/// A time within the validity of all of them.
fn now(certificate: &Certificate) -> endorse::der::Time {
    certificate.not_before()
}

fn verify(roots: &[&str], intermediates: &[&str], leaf: &str) -> Vec<Finding> {
    let mut store = Store::new();
    for name in roots {
        store.add_root(read(name), file(name));
    }
    for name in intermediates {
        store.add_intermediate(read(name), file(name));
    }
    let leaf = Arc::new(read(leaf));
    // Twice: the second answer is a remembered one.
    let mut answers =
        (0..2).map(
            |_| match store.verify(&leaf, &Policy::default(), now(&leaf), Usage::Ek) {
                Ok(path) => path.findings().to_vec(),
                Err(failure) => failure.findings,
            },
        );
    let (first, second) = (answers.next().unwrap(), answers.next().unwrap());
    assert_eq!(first, second);
    first
}

#[test]
fn an_intermediate_with_a_weak_key() {
    for (name, code) in [("roca-ca", Code::Roca), ("close-ca", Code::WeakKeyModulus)] {
        let findings = verify(&["good-root"], &[name], &format!("ek-of-{name}"));
        assert_eq!(error_codes(&findings), [code], "{findings:?}");
        let finding = findings
            .iter()
            .find(|finding| finding.code == code)
            .unwrap();
        assert!(
            finding.message.contains(&format!("CN={name}")),
            "{}",
            finding.message
        );
    }
}

#[test]
fn an_anchor_with_a_weak_key() {
    let findings = verify(&["roca-root"], &[], "ek-of-roca-root");
    assert_eq!(error_codes(&findings), [Code::Roca]);
    // An intermediate that the operator trusts as an anchor is no better.
    let findings = verify(&["close-ca"], &[], "ek-of-close-ca");
    assert_eq!(error_codes(&findings), [Code::WeakKeyModulus]);
}

#[test]
fn a_small_exponent_of_a_ca_is_told() {
    let findings = verify(&["good-root"], &["exponent-3-ca"], "ek-of-exponent-3-ca");
    assert_eq!(error_codes(&findings), []);
    let told: Vec<_> = findings.iter().map(|f| (f.code, f.severity)).collect();
    assert_eq!(told, [(Code::WeakKeyExponent, Severity::Warning)]);
}

/// Neither a file that brings the CA itself, nor `--usage any`, gets around it.
#[test]
fn no_way_around() {
    let mut store = Store::new();
    store.add_root(read("good-root"), file("good-root"));
    let leaf = read("ek-of-roca-ca");
    let text: String = [&leaf, &read("roca-ca")]
        .iter()
        .map(|certificate| pem(certificate.der()))
        .collect();
    let identifier = Identifier::read(text.as_bytes()).unwrap();
    for usage in [Usage::Ek, Usage::Any] {
        let verdict = judge(&identifier, &store, &Policy::default(), now(&leaf), usage);
        assert_eq!(verdict.outcome(), Outcome::Rejected);
        let errors: Vec<Code> = verdict.errors().map(|finding| finding.code).collect();
        assert_eq!(errors, [Code::Roca], "{usage:?}");
    }
}

/// A genuine signature over a key that is none.
#[test]
fn an_ekcert_with_the_point_at_infinity() {
    let mut pki = Pki::valid();
    pki.leaf.spki = from_hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000").unwrap();
    let identifier = Identifier::read(&pki.leaf.der()).unwrap();
    let verdict = judge(&identifier, &store(&pki), &pki.policy, at(), Usage::Ek);
    assert_eq!(codes_of(&verdict), [Code::WeakKeyPoint]);
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// The library that verifies signatures takes a whole SubjectPublicKeyInfo where the RSA key
/// should be. Nobody would look whether such a key is weak.
#[test]
fn a_key_that_is_not_looked_at_vouches_for_nothing() {
    for key in ["as it should be", "wrapped once more"] {
        let mut pki = Pki::valid();
        let mut ca = Spec::ca(intermediate_name(), rsa_key(0), root_name(), ec_key(ROOT));
        let wrapped = key != "as it should be";
        if wrapped {
            let rsa_encryption = [oid("1.2.840.113549.1.1.1"), vec![0x05, 0x00]];
            ca.spki = spki(&rsa_encryption, &rsa_key(0).spki());
        }
        pki.intermediates[0] = ca;
        pki.leaf = Spec::ek(ec_key(EK), intermediate_name(), rsa_key(0));
        let leaf = Arc::new(Certificate::from_der(&pki.leaf.der()).unwrap());
        let errors = match store(&pki).verify(&leaf, &pki.policy, at(), Usage::Ek) {
            Ok(_) => Vec::new(),
            Err(failure) => error_codes(&failure.findings),
        };
        let expected: &[Code] = match wrapped {
            true => &[Code::AlgorithmUnsupported],
            false => &[],
        };
        assert_eq!(errors, expected, "{key}");
    }
}
