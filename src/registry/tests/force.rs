//! The table in the contract of what `--force` may and may not do, row by row.

use super::*;
use crate::finding::{Fault, Severity};
use crate::registry::{Action, Trust};

fn forced_v2() -> Options {
    Options {
        policy_version: Some(PolicyVersion::V2),
        ..force()
    }
}

#[test]
fn trusted_without_flags_is_verified_under_v2() {
    let bench = Bench::new();
    let registration = bench.add(&trusted("hv1", "a"), &Options::default());
    let host = registration.host.unwrap();
    assert_eq!(host.trust, Trust::Verified);
    assert_eq!(host.policy_version, PolicyVersion::V2);
    assert_eq!(host.registered_by, WHO);
    assert_eq!(host.registered_at, at());
    assert!(host.waived.is_empty());
    assert!(registration.findings.is_empty());
}

#[test]
fn untrusted_without_flags_is_rejected() {
    for candidate in [
        untrusted("hv1", "a", &[Code::IssuerUnknown]),
        untrusted("hv1", "a", &[Code::AnchorUntrusted, Code::Expired]),
        bare("hv1", "a"),
    ] {
        // Policy version v1 alone relaxes nothing.
        for options in [
            Options::default(),
            version(PolicyVersion::V1),
            version(PolicyVersion::V2),
        ] {
            let bench = Bench::new();
            let registration = bench.register(&candidate, &options);
            assert_eq!(registration.outcome, Outcome::Rejected);
            assert_eq!(registration.host, None);
            assert!(bench.registry.list(&Default::default()).unwrap().is_empty());
            assert!(bench.registry.history(None).unwrap().is_empty());
        }
    }
}

#[test]
fn untrusted_with_force_is_forced_under_v1_with_what_was_waived() {
    for (candidate, waived) in [
        (
            untrusted("hv1", "a", &[Code::IssuerUnknown, Code::Expired]),
            vec!["issuer-unknown", "expired"],
        ),
        (bare("hv1", "a"), vec!["ekcert-missing"]),
    ] {
        for options in [
            force(),
            Options {
                policy_version: Some(PolicyVersion::V1),
                ..force()
            },
        ] {
            let bench = Bench::new();
            let registration = bench.add(&candidate, &options);
            assert_eq!(codes(&registration), ["forced"]);
            let host = registration.host.unwrap();
            assert_eq!(host.trust, Trust::Forced);
            assert_eq!(host.policy_version, PolicyVersion::V1);
            let got: Vec<&str> = host
                .waived
                .iter()
                .map(|waived| waived.code.as_str())
                .collect();
            assert_eq!(got, waived);
            assert_eq!(host.reason.as_deref(), Some("lab machine, ticket 42"));
            // Who, when, why, on which file, against which store and policy.
            let trail = bench.registry.history(None).unwrap();
            let entry = &trail[0].entry;
            assert_eq!(trail.len(), 1);
            assert_eq!(entry.action, Action::Force);
            assert_eq!(entry.who, WHO);
            assert_eq!(entry.at, "2026-01-31T12:00:00Z");
            assert_eq!(entry.reason.as_deref(), Some("lab machine, ticket 42"));
            assert_eq!(entry.file_sha256, sha256(&candidate.file).to_string());
            assert_eq!(entry.store, sha256(b"store").to_string());
            assert_eq!(entry.policy, sha256(b"policy").to_string());
            assert_eq!(entry.waived, host.waived);
            bench.assert_whole();
        }
    }
}

#[test]
fn force_under_v2_is_not_allowed() {
    for candidate in [
        untrusted("hv1", "a", &[Code::IssuerUnknown]),
        bare("hv1", "a"),
    ] {
        let bench = Bench::new();
        let registration = bench.register(&candidate, &forced_v2());
        assert_eq!(registration.outcome, Outcome::Rejected);
        assert_eq!(codes(&registration), ["force-not-allowed"]);
        assert!(registration.findings[0].help.contains("v1"));
    }
}

#[test]
fn force_on_a_trusted_file_waives_nothing() {
    for (options, expected) in [
        (force(), PolicyVersion::V2),
        (forced_v2(), PolicyVersion::V2),
        (
            Options {
                policy_version: Some(PolicyVersion::V1),
                ..force()
            },
            PolicyVersion::V1,
        ),
    ] {
        let bench = Bench::new();
        let registration = bench.add(&trusted("hv1", "a"), &options);
        assert_eq!(codes(&registration), ["forced"]);
        assert_eq!(registration.findings[0].severity, Severity::Info);
        let host = registration.host.unwrap();
        assert_eq!(
            (host.trust, host.policy_version),
            (Trust::Verified, expected)
        );
        assert!(host.waived.is_empty());
        assert_eq!(
            bench.registry.history(None).unwrap()[0].entry.action,
            Action::Register
        );
    }
}

#[test]
fn a_trusted_file_may_go_under_v1() {
    let bench = Bench::new();
    let host = bench
        .add(&trusted("hv1", "a"), &version(PolicyVersion::V1))
        .host
        .unwrap();
    assert_eq!(
        (host.trust, host.policy_version),
        (Trust::Verified, PolicyVersion::V1)
    );
}

#[test]
fn what_force_never_waives() {
    // The contract's list, where an unreadable file has a code for each way of it.
    let never = [
        Code::XmlMalformed,
        Code::XmlDoctype,
        Code::JsonMalformed,
        Code::EncodingUnknown,
        Code::InputUnrecognised,
        Code::InputTooLarge,
        Code::EkpubMalformed,
        Code::EkcertMalformed,
        Code::NoEkpub,
        Code::KeyMismatch,
        Code::DuplicateEk,
        Code::SignatureInvalid,
        Code::Revoked,
        Code::Roca,
        // No TPM makes such a key, and anybody can compute its private part or none can.
        Code::WeakKeyExponent,
        Code::WeakKeyModulus,
        Code::WeakKeyPoint,
    ];
    for code in never {
        // Alone, and hidden among what may be waived.
        for errors in [vec![code], vec![Code::EkcertMissing, code, Code::Expired]] {
            let bench = Bench::new();
            let registration = bench.register(&untrusted("hv1", "a", &errors), &force());
            assert_eq!(registration.outcome, Outcome::Rejected, "{code}");
            assert_eq!(codes(&registration), ["force-not-allowed"], "{code}");
            assert!(
                registration.findings[0].message.contains(code.as_str()),
                "{code}"
            );
            assert!(bench.registry.history(None).unwrap().is_empty());
        }
    }
}

#[test]
fn every_other_error_can_be_waived() {
    for code in Code::ALL
        .iter()
        .filter(|code| code.default_severity() == Severity::Error && !code.is_absolute())
    {
        let bench = Bench::new();
        bench.add(&untrusted("hv1", "a", &[*code]), &force());
    }
}

#[test]
fn force_needs_a_reason() {
    let bench = Bench::new();
    for reason in [None, Some(String::new()), Some("  \t".to_owned())] {
        let options = Options { reason, ..force() };
        let error = bench
            .registry
            .register(&bare("hv1", "a"), &options, at(), WHO)
            .unwrap_err();
        assert_eq!(error.fault, Fault::Misuse);
        assert!(error.help.contains("--reason"));
    }
    let options = Options {
        reason: Some("x".repeat(4097)),
        ..force()
    };
    assert!(
        bench
            .registry
            .register(&bare("hv1", "a"), &options, at(), WHO)
            .is_err()
    );
}

#[test]
fn no_ek_or_no_error_is_nothing_that_force_can_waive() {
    // Neither comes out of a verdict; if it did, it must not pass.
    let bench = Bench::new();
    let no_ek = Candidate {
        eks: Vec::new(),
        ..bare("hv1", "a")
    };
    let no_error = untrusted("hv1", "a", &[]);
    for candidate in [no_ek, no_error] {
        let registration = bench.register(&candidate, &force());
        assert_eq!(registration.outcome, Outcome::Rejected);
        assert_eq!(codes(&registration), ["force-not-allowed"]);
    }
}
