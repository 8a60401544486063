//! From a file to the registry: what a verdict is worth there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]
#![cfg(feature = "sqlite")]

use std::fs;

use endorse::der::Time;
use endorse::finding::{Code, Fault, Severity};
use endorse::hash::sha256;
use endorse::identifier::Identifier;
use endorse::registry::{
    Candidate, Filter, Location, Mode, Options, Outcome, PolicyVersion, Provenance, Registration,
    Registry, Trust,
};
use endorse::trust::{Origin, Policy, Store, Usage, read_certificates};
use endorse::verdict::{self, judge};

/// A file of testdata/cli, whose certificates `make.sh` there made.
fn file(name: &str) -> Vec<u8> {
    fs::read(format!(
        "{}/testdata/cli/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn at() -> Time {
    Time::parse_rfc3339("2027-01-01").unwrap()
}

fn store() -> Store {
    let mut store = Store::new();
    let origin = || Origin::File("test".into());
    for certificate in read_certificates(&file("root.pem")).unwrap() {
        store.add_root(certificate, origin());
    }
    for certificate in read_certificates(&file("intermediate.der")).unwrap() {
        store.add_intermediate(certificate, origin());
    }
    store
}

/// As lenient as a policy can be.
fn lenient() -> Policy {
    let mut policy = Policy::default();
    for code in Code::ALL.iter().filter(|code| code.may_be_weakened()) {
        policy.set_severity(*code, Severity::Warning).unwrap();
    }
    policy
}

fn candidate(name: &str, store: &Store, policy: &Policy) -> Candidate {
    let bytes = file(name);
    let identifier = Identifier::read(&bytes).unwrap();
    let verdict = judge(&identifier, store, policy, at(), Usage::Ek);
    let provenance = Provenance {
        file: &bytes,
        store: store.fingerprint(),
        policy: sha256(b"policy"),
    };
    Candidate::from_verdict(&verdict, provenance).unwrap()
}

fn register(candidate: &Candidate, options: &Options) -> (Registration, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::parse(dir.path().join("registry.db").to_str().unwrap()).unwrap();
    let registry = Registry::open(&location, Mode::Create).unwrap();
    let registration = registry
        .register(candidate, options, at(), "tester")
        .unwrap();
    assert!(registry.check(None).unwrap().is_ok());
    let hosts = registry.list(&Filter::default()).unwrap();
    assert_eq!(
        hosts.len(),
        usize::from(registration.outcome == Outcome::Registered)
    );
    (registration, dir)
}

fn named() -> Options {
    Options {
        name: Some("hv1".into()),
        ..Options::default()
    }
}

fn forced() -> Options {
    Options {
        force: true,
        reason: Some("because".into()),
        ..named()
    }
}

/// The chain that comes with an EKcert is not the host's; it stays in the file, from which
/// the host is judged again.
#[test]
fn a_chain_beside_the_ekcert_is_kept_in_the_file() {
    let mut roots = Store::new();
    for certificate in read_certificates(&file("root.pem")).unwrap() {
        roots.add_root(certificate, Origin::File("test".into()));
    }
    let name = "ek-with-chain.pem";
    let (registration, dir) = register(&candidate(name, &roots, &Policy::default()), &named());
    assert_eq!(registration.outcome, Outcome::Registered);
    let host = registration.host.unwrap();
    assert_eq!(host.trust, Trust::Verified);
    assert_eq!(host.store, roots.fingerprint());
    let ekcerts: Vec<_> = host.ekcerts.iter().map(|ekcert| ekcert.sha256).collect();
    assert_eq!(ekcerts, [sha256(&file("ek.der"))]);
    assert_eq!(host.eks.len(), 1);

    let location = Location::parse(dir.path().join("registry.db").to_str().unwrap()).unwrap();
    let registry = Registry::open(&location, Mode::ReadOnly).unwrap();
    let originals = registry.originals(&Filter::default()).unwrap();
    assert_eq!(originals[0].file, file(name));
    let again = Identifier::read(&originals[0].file).unwrap();
    let verdict = judge(&again, &roots, &Policy::default(), at(), Usage::Ek);
    assert_eq!(verdict.outcome(), verdict::Outcome::Trusted);
}

#[test]
fn a_trusted_file_becomes_a_verified_host() {
    for name in [
        "hyp01.xml",
        "hyp01-utf16.xml",
        "ek.der",
        "ek.pem",
        "ek-nv.bin",
    ] {
        let candidate = candidate(name, &store(), &Policy::default());
        assert!(candidate.is_trusted(), "{name}: {:?}", candidate.errors());
        let (registration, _dir) = register(&candidate, &named());
        assert_eq!(registration.outcome, Outcome::Registered, "{name}");
        let host = registration.host.unwrap();
        assert_eq!(
            (host.trust, host.policy_version),
            (Trust::Verified, PolicyVersion::V2)
        );
        assert_eq!(host.file_sha256, sha256(&file(name)));
        assert_eq!(host.store, store().fingerprint());
        assert_eq!(host.ekcerts.len(), 1);
    }
}

#[test]
fn without_the_root_it_can_only_be_forced() {
    let candidate = candidate("hyp01.xml", &Store::new(), &Policy::default());
    assert!(!candidate.is_trusted());
    let (registration, _dir) = register(&candidate, &named());
    assert_eq!(registration.outcome, Outcome::Rejected);
    let (registration, _dir) = register(&candidate, &forced());
    let host = registration.host.unwrap();
    assert_eq!(
        (host.trust, host.policy_version),
        (Trust::Forced, PolicyVersion::V1)
    );
    assert_eq!(host.waived[0].code, "issuer-unknown");
}

#[test]
fn without_an_ekcert_it_can_only_be_forced() {
    for policy in [Policy::default(), lenient()] {
        let candidate = candidate("no-ekcert.xml", &store(), &policy);
        assert!(!candidate.is_trusted());
        let (registration, _dir) = register(&candidate, &named());
        assert_eq!(registration.outcome, Outcome::Rejected);
        let (registration, _dir) = register(&candidate, &forced());
        let host = registration.host.unwrap();
        assert_eq!(host.trust, Trust::Forced);
        assert_eq!(host.waived[0].code, "ekcert-missing");
    }
}

#[test]
fn lies_are_not_forced_in_whatever_the_policy_says() {
    for policy in [Policy::default(), lenient()] {
        for (name, code) in [
            ("key-mismatch.xml", "key-mismatch"),
            ("forged.xml", "signature-invalid"),
            ("forged.der", "signature-invalid"),
            ("even-modulus.bin", "weak-key-modulus"),
            ("exponent-one.bin", "weak-key-exponent"),
            ("off-curve.bin", "weak-key-point"),
        ] {
            let candidate = candidate(name, &store(), &policy);
            assert!(!candidate.is_trusted(), "{name}");
            let (registration, _dir) = register(&candidate, &forced());
            assert_eq!(registration.outcome, Outcome::Rejected, "{name}");
            let finding = &registration.findings[0];
            assert_eq!(finding.code, Code::ForceNotAllowed, "{name}");
            assert!(
                finding.message.contains(code),
                "{name}: {}",
                finding.message
            );
        }
    }
}

#[test]
fn a_judgement_for_any_usage_registers_nobody() {
    let bytes = file("ek.der");
    let identifier = Identifier::read(&bytes).unwrap();
    let verdict = judge(&identifier, &store(), &Policy::default(), at(), Usage::Any);
    assert_eq!(verdict.outcome(), verdict::Outcome::Trusted);
    let provenance = Provenance {
        file: &bytes,
        store: store().fingerprint(),
        policy: sha256(b"policy"),
    };
    let error = Candidate::from_verdict(&verdict, provenance).unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
}
