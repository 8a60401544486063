//! The negative matrix: a valid chain is trusted; with one thing changed it is
//! refused, for the reason that is named. And what genuine vendors encode oddly is
//! accepted.

use std::collections::BTreeSet;
use std::sync::Arc;

use endorse::der::Time;
use endorse::ek::{Certificate, EkPub, Encoding};
use endorse::finding::Code;
use endorse::identifier::{EkCert, EkPubEntry, Identifier, Machine};
use endorse::trust::{ExpiryRule, Origin, Policy, Sha1Rule, Store, Usage, read_certificates};
use endorse::verdict::{Outcome, Verdict, judge};

use super::cases::{self, Case, EK, Expect, INTERMEDIATE, OTHER, Pki};
use super::error_codes;
use super::pki::*;

pub fn file(name: &str) -> Origin {
    Origin::File(name.to_owned())
}

pub fn at() -> Time {
    Time::parse_rfc3339(AT).unwrap()
}

pub fn store(pki: &Pki) -> Store {
    let mut store = Store::new();
    let read = |spec: &Spec| read_certificates(&spec.der()).unwrap().remove(0);
    for spec in &pki.roots {
        store.add_root(read(spec), file("root"));
    }
    for spec in &pki.intermediates {
        store.add_intermediate(read(spec), file("intermediate"));
    }
    store
}

pub fn codes_of(verdict: &Verdict) -> Vec<Code> {
    let mut codes = error_codes(verdict.findings());
    codes.dedup();
    codes
}

/// Judges the leaf as a file of its own, and checks that path and verdict agree.
fn run(case: &Case) -> (Outcome, Vec<Code>) {
    let mut pki = Pki::valid();
    (case.change)(&mut pki);
    let store = store(&pki);
    let identifier = Identifier::read(&pki.leaf.der()).unwrap();
    let verdict = judge(&identifier, &store, &pki.policy, at(), Usage::Ek);
    let certificate = Arc::new(identifier.ekcerts[0].certificate.clone());
    match store.verify(&certificate, &pki.policy, at(), Usage::Ek) {
        Ok(path) => {
            assert_eq!(error_codes(path.findings()), [], "{}", case.name);
            let roots: Vec<_> = store.roots().map(|(root, _)| root.clone()).collect();
            assert!(
                roots.contains(path.certificates().last().unwrap()),
                "{}: the path ends in no anchor",
                case.name
            );
            assert_eq!(*path.certificates()[0], *certificate);
        }
        Err(failure) => {
            assert_ne!(error_codes(&failure.findings), [], "{}", case.name);
            assert_eq!(verdict.outcome(), Outcome::Rejected, "{}", case.name);
            let complete = verdict.path_is_complete();
            assert_eq!(complete, failure.reached_anchor, "{}", case.name);
            assert!(
                verdict.ekpubs().iter().all(|key| !key.vouched),
                "{}",
                case.name
            );
        }
    }
    (verdict.outcome(), codes_of(&verdict))
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let (outcome, codes) = run(case);
        let (expected_outcome, expected): (Outcome, &[Code]) = match case.expect {
            Expect::Trusted => (Outcome::Trusted, &[]),
            Expect::Refused(codes) => (Outcome::Rejected, codes),
        };
        if (outcome, codes.as_slice()) != (expected_outcome, expected) {
            wrong.push(format!(
                "{}: expected {expected:?}, got {codes:?}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
}

#[test]
fn what_genuine_certificates_are_like_is_accepted() {
    check(&cases::accepted());
}

#[test]
fn one_thing_wrong_is_refused_for_that_reason() {
    check(&cases::refused());
}

// Files with more than one certificate or key.

pub fn ekcert(der: &[u8]) -> EkCert {
    EkCert {
        certificate: Certificate::from_der(der).unwrap(),
        source: "EKcert".to_owned(),
    }
}

pub fn ekpub(key: &Key) -> EkPubEntry {
    EkPubEntry {
        key: EkPub::from_spki(&key.spki()).unwrap(),
        encoding: Encoding::SubjectPublicKeyInfo,
        source: "EKPub".to_owned(),
    }
}

fn judge_file(keys: &[&Key], certificates: &[Vec<u8>]) -> Verdict {
    let identifier = Identifier::new(
        "host",
        Machine::default(),
        keys.iter().map(|key| ekpub(key)).collect(),
        certificates.iter().map(|der| ekcert(der)).collect(),
    );
    let pki = Pki::valid();
    judge(&identifier, &store(&pki), &pki.policy, at(), Usage::Ek)
}

#[test]
fn the_keys_of_a_file_and_its_certificates() {
    let genuine = Pki::valid().leaf.der();
    let verdict = judge_file(&[ec_key(EK)], std::slice::from_ref(&genuine));
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
    assert_eq!(verdict.path().len(), 3);

    // A genuine certificate, and the attacker's key beside it.
    let verdict = judge_file(&[ec_key(OTHER)], std::slice::from_ref(&genuine));
    assert_eq!(verdict.outcome(), Outcome::Rejected);
    assert_eq!(codes_of(&verdict), [Code::KeyMismatch, Code::EkcertMissing]);
    assert!(!verdict.ekpubs()[0].vouched);

    // The genuine key vouched for, and the attacker's smuggled in after it.
    for keys in [[ec_key(EK), ec_key(OTHER)], [ec_key(OTHER), ec_key(EK)]] {
        let verdict = judge_file(&keys, std::slice::from_ref(&genuine));
        assert_eq!(verdict.outcome(), Outcome::Rejected);
        assert_eq!(codes_of(&verdict), [Code::EkcertMissing]);
    }
    // The same with a key of another kind.
    let verdict = judge_file(&[ec_key(EK), rsa_key(1)], std::slice::from_ref(&genuine));
    assert_eq!(codes_of(&verdict), [Code::EkcertMissing]);
    let verdict = judge_file(&[rsa_key(1)], std::slice::from_ref(&genuine));
    assert_eq!(codes_of(&verdict), [Code::EkcertMissing]);

    // A second EKcert of the TPM, for a key that is not listed: the low and the high
    // range can both hold one of a kind. It vouches for nothing.
    let mut second = Pki::valid().leaf;
    second.spki = ec_key(OTHER).spki();
    for certificates in [
        [genuine.clone(), second.der()],
        [second.der(), genuine.clone()],
    ] {
        let verdict = judge_file(&[ec_key(EK)], &certificates);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
        assert!(
            verdict
                .findings()
                .iter()
                .any(|f| f.code == Code::EkpubUnlisted)
        );
        assert_eq!(verdict.ekpubs().len(), 1);
        assert_eq!(
            verdict.ekpubs()[0].key.spki_sha256(),
            ekpub(ec_key(EK)).key.spki_sha256()
        );
    }

    // No certificate; no key; nothing.
    assert_eq!(
        codes_of(&judge_file(&[ec_key(EK)], &[])),
        [Code::EkcertMissing]
    );
    assert_eq!(judge_file(&[], &[genuine]).outcome(), Outcome::Trusted);
    assert_eq!(codes_of(&judge_file(&[], &[])), [Code::NoEkpub]);
}

/// Certificates of the file itself never vouch for anything: `supplied.rs` has more.
#[test]
fn the_file_cannot_bring_its_own_authority() {
    let evil_root = Spec::ca(
        dn("Evil", "Root"),
        ec_key(OTHER),
        dn("Evil", "Root"),
        ec_key(OTHER),
    );
    let evil_leaf = Spec::ek(ec_key(EK), dn("Evil", "Root"), ec_key(OTHER));
    for files in [
        vec![evil_leaf.der(), evil_root.der()],
        vec![evil_root.der(), evil_leaf.der()],
    ] {
        let verdict = judge_file(&[ec_key(EK)], &files);
        assert_eq!(verdict.outcome(), Outcome::Rejected);
        assert_eq!(codes_of(&verdict), [Code::AnchorUntrusted]);
        assert!(!verdict.ekpubs()[0].vouched);
    }
}

pub fn status_of(verdict: &Verdict, name: &str) -> &'static str {
    let check = verdict.checks().iter().find(|check| check.name == name);
    check.unwrap().status.as_str()
}

/// A file of an EKcert and the CAs above it is judged by its EKcert.
#[test]
fn an_ekcert_with_its_chain() {
    let pki = Pki::valid();
    let chain = [
        pki.leaf.der(),
        pki.intermediates[0].der(),
        pki.roots[0].der(),
    ];
    for keys in [&[][..], &[ec_key(EK)]] {
        let verdict = judge_file(keys, &chain);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
        assert_eq!(verdict.ekpubs().len(), 1);
        // The path went over those of the store, which are signed once more.
        let codes: Vec<Code> = verdict.findings().iter().map(|f| f.code).collect();
        assert_eq!(codes, [Code::CertificateUnused; 2]);
        let beside: Vec<bool> = verdict.ekcerts().iter().map(|c| c.beside).collect();
        assert_eq!(beside, [false, true, true]);
    }
    // A CA's key is no EK, whether it is listed or alone.
    for keys in [&[][..], &[ec_key(cases::INTERMEDIATE)]] {
        let verdict = judge_file(keys, &chain[1..2]);
        assert_eq!(
            codes_of(&verdict),
            [Code::ProfileCa, Code::ProfileKeyUsage],
            "{}",
            keys.len()
        );
    }
    // A CA certificate is no certificate for another key.
    let verdict = judge_file(&[ec_key(EK)], &chain[1..]);
    assert_eq!(codes_of(&verdict), [Code::EkcertMissing]);
    // That somebody forged one is told.
    let mut forged = pki.intermediates[0].clone();
    forged.corrupt_signature = true;
    let verdict = judge_file(&[ec_key(EK)], &[pki.leaf.der(), forged.der()]);
    assert_eq!(codes_of(&verdict), [Code::SignatureInvalid]);
}

/// An EKcert for a key of a kind that is not read (SM2) is of no use, and no harm
/// to the others.
#[test]
fn an_ekcert_for_a_kind_of_key_that_is_not_read() {
    let pki = Pki::valid();
    let mut sm2 = pki.leaf.clone();
    sm2.spki = spki(
        &[oid("1.2.840.10045.2.1"), oid("1.2.156.10197.1.301")],
        &[&[4][..], &[7; 64]].concat(),
    );
    for keys in [&[][..], &[ec_key(EK)]] {
        let verdict = judge_file(keys, &[sm2.der(), pki.leaf.der()]);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
        assert_eq!(verdict.ekpubs().len(), 1);
    }
    assert_eq!(
        codes_of(&judge_file(&[], &[sm2.der()])),
        [Code::EkcertMalformed]
    );
    assert_eq!(
        codes_of(&judge_file(&[ec_key(EK)], &[sm2.der()])),
        [Code::EkcertMissing]
    );
}

/// A check says that it was made only if it was.
#[test]
fn checks_that_were_not_made() {
    let pki = Pki::valid();
    let verdict = judge_file(&[rsa_key(1)], &[pki.leaf.der()]);
    assert_eq!(codes_of(&verdict), [Code::EkcertMissing]);
    for name in ["key-match", "path", "signatures", "validity", "usage"] {
        assert_eq!(status_of(&verdict, name), "not-checked", "{name}");
    }
    // What a policy let pass is not told as if it had been fine.
    let mut expired = Pki::valid();
    expired.leaf.not_after = utc(EARLIER);
    let policy = Policy::from_toml("[severity]\nexpired = 'warning'\n").unwrap();
    let identifier = Identifier::read(&expired.leaf.der()).unwrap();
    let verdict = judge(&identifier, &store(&expired), &policy, at(), Usage::Ek);
    assert_eq!(verdict.outcome(), Outcome::Trusted);
    let mut checks = verdict.checks().iter();
    let validity = checks.find(|check| check.name == "validity").unwrap();
    assert!(validity.reason.contains("warning"), "{}", validity.reason);
    let verdict = judge_file(&[ec_key(EK), rsa_key(1)], &[pki.leaf.der()]);
    assert_eq!(status_of(&verdict, "key-match"), "not-checked");
    assert_eq!(status_of(&verdict, "path"), "passed");
}

/// The path is complete where it reached an anchor, also if it was refused there.
#[test]
fn complete_paths() {
    let judged = |pki: &Pki| {
        let identifier = Identifier::read(&pki.leaf.der()).unwrap();
        judge(&identifier, &store(pki), &pki.policy, at(), Usage::Ek)
    };
    let mut pki = Pki::valid();
    pki.root().not_after = utc(EARLIER);
    let verdict = judged(&pki);
    assert_eq!(verdict.outcome(), Outcome::Rejected);
    assert_eq!(
        (verdict.path().len(), verdict.path_is_complete()),
        (3, true)
    );
    pki.roots.clear();
    let verdict = judged(&pki);
    assert_eq!(
        (verdict.path().len(), verdict.path_is_complete()),
        (2, false)
    );
    let mut pinned = Pki::valid();
    pinned.leaf = Spec::ek(rsa_key(0), dn("Host", "vTPM"), rsa_key(0));
    pinned.roots = vec![pinned.leaf.clone()];
    let verdict = judged(&pinned);
    assert_eq!(verdict.outcome(), Outcome::Trusted);
    assert_eq!(
        (verdict.path().len(), verdict.path_is_complete()),
        (1, true)
    );
}

/// A verdict does not depend on what the store remembers of those before it.
#[test]
fn the_limit_of_work_is_the_same_every_time() {
    let mut pki = Pki::valid();
    let mut roots = Vec::new();
    for serial in 0..120 {
        let mut other = Spec::ca(
            cases::root_name(),
            ec_key(OTHER),
            cases::root_name(),
            ec_key(OTHER),
        );
        other.serial = vec![1, serial];
        other.remove(SUBJECT_KEY_ID);
        roots.push(other);
    }
    pki.root().remove(SUBJECT_KEY_ID);
    roots.push(pki.roots.remove(0));
    pki.roots = roots;
    let store = store(&pki);
    let identifier = Identifier::read(&pki.leaf.der()).unwrap();
    for _ in 0..3 {
        let verdict = judge(&identifier, &store, &pki.policy, at(), Usage::Ek);
        assert_eq!(codes_of(&verdict), [Code::BudgetExhausted]);
    }
}

/// A forged certificate beside a genuine one for the same key does not pass in silence.
#[test]
fn a_forged_certificate_beside_a_genuine_one() {
    let pki = Pki::valid();
    let mut forged = pki.leaf.clone();
    forged.corrupt_signature = true;
    let verdict = judge_file(&[ec_key(EK)], &[pki.leaf.der(), forged.der()]);
    assert_eq!(verdict.outcome(), Outcome::Rejected);
    assert_eq!(codes_of(&verdict), [Code::SignatureInvalid]);
}

#[test]
fn bytes_after_a_certificate() {
    let der = Pki::valid().leaf.der();
    for trailing in [&b"\x42"[..], b"\0\xff", b"\x30\x00"] {
        let longer = [&der[..], trailing].concat();
        assert!(Certificate::from_der(&longer).is_err());
        assert!(read_certificates(&longer).is_err(), "{trailing:02x?}");
        assert!(Identifier::read(&longer).is_err(), "{trailing:02x?}");
    }
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err(), "{length}");
    }
}

/// No single bit of the leaf or of the intermediate can be turned over unnoticed.
#[test]
fn every_bit_counts() {
    let pki = Pki::valid();
    let genuine_leaf = pki.leaf.der();
    let genuine_ca = pki.intermediates[0].der();
    let root = pki.roots[0].der();
    let trusts = |leaf: &[u8], ca: &[u8]| {
        let (Ok(leaf), Ok(ca)) = (Certificate::from_der(leaf), Certificate::from_der(ca)) else {
            return false;
        };
        let mut store = Store::new();
        store.add_root(Certificate::from_der(&root).unwrap(), file("root"));
        store.add_intermediate(ca, file("intermediate"));
        store
            .verify(&Arc::new(leaf), &pki.policy, at(), Usage::Ek)
            .is_ok()
    };
    assert!(trusts(&genuine_leaf, &genuine_ca));
    for bit in 0..genuine_leaf.len() * 8 {
        let mut altered = genuine_leaf.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(!trusts(&altered, &genuine_ca), "bit {bit} of the leaf");
    }
    for bit in 0..genuine_ca.len() * 8 {
        let mut altered = genuine_ca.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(
            !trusts(&genuine_leaf, &altered),
            "bit {bit} of the intermediate"
        );
    }
}

// Policies.

fn errors_with(pki: &Pki, policy: &Policy) -> Vec<Code> {
    let identifier = Identifier::read(&pki.leaf.der()).unwrap();
    codes_of(&judge(&identifier, &store(pki), policy, at(), Usage::Ek))
}

#[test]
fn expiry_when_issued() {
    let mut policy = Policy::default();
    policy.expiry = ExpiryRule::WhenIssued;
    let mut pki = Pki::valid();
    pki.root().not_after = utc(EARLIER);
    pki.intermediate().not_after = utc(EARLIER);
    assert_eq!(errors_with(&pki, &policy), []);
    // The EKcert itself must be valid now.
    pki.leaf.not_after = utc(EARLIER);
    assert_eq!(errors_with(&pki, &policy), [Code::Expired]);
    // A CA must have been valid when it issued.
    let mut pki = Pki::valid();
    pki.intermediate().not_after = utc("191231000000Z");
    pki.intermediate().not_before = utc("180101000000Z");
    pki.root().not_before = utc("180101000000Z");
    assert_eq!(errors_with(&pki, &policy), [Code::Expired]);
}

#[test]
fn small_keys() {
    // 1024 bits, by `openssl genrsa 1024`.
    const RSA_1024: &str = "30819f300d06092a864886f70d010101050003818d0030818902818100b1cf8f6a1d1c\
        50003a54ad76e44f0e9dc00fccb15b9f250e14de4f9505d30a83bc7200d5eddeb832c6c1e8fefe5e829e1a3734\
        89d4008865d151d2b21307e4d88caa0290927bb625c674241be03afbefdd1354e86cb01751e2d402fc9b10adc8\
        e29cf472dc2e25550dbb10e0ea61fcd79305c69ff9a48972d4aab03fd3f07ebf0203010001";
    let mut pki = Pki::valid();
    pki.leaf.spki = endorse::hash::from_hex(RSA_1024).unwrap();
    assert_eq!(errors_with(&pki, &Policy::default()), [Code::WeakKeySize]);
    let mut policy = Policy::default();
    policy.min_rsa_bits = 1024;
    assert_eq!(errors_with(&pki, &policy), []);
    // The policy asks for more of CAs too.
    let pki = Pki::valid();
    let mut policy = Policy::default();
    policy.min_ec_bits = 384;
    assert_eq!(errors_with(&pki, &policy), [Code::WeakKeySize]);
    // However a CA's point is written: no EK has a compressed one, but it verifies.
    let mut pki = Pki::valid();
    let large = Box::leak(Box::new(Key::ec(Curve::P384)));
    *pki.root() = Spec::ca(cases::root_name(), large, cases::root_name(), large);
    *pki.intermediate() = Spec::ca(
        cases::intermediate_name(),
        ec_key(INTERMEDIATE),
        cases::root_name(),
        large,
    );
    pki.leaf.spki = Key::ec(Curve::P384).spki();
    let uncompressed = pki.intermediate().spki.clone();
    let point = &uncompressed[uncompressed.len() - 65..];
    let compressed = [&[2 + point[64] % 2], &point[1..33]].concat();
    pki.intermediate().spki = spki(
        &[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")],
        &compressed,
    );
    assert_eq!(errors_with(&pki, &Policy::default()), []);
    assert_eq!(errors_with(&pki, &policy), [Code::WeakKeySize]);
}

#[test]
fn a_point_off_its_curve_and_a_key_of_another_kind() {
    let mut pki = Pki::valid();
    *pki.leaf.spki.last_mut().unwrap() ^= 1;
    assert_eq!(errors_with(&pki, &Policy::default()), [Code::WeakKeyPoint]);
    // Ed25519.
    let mut pki = Pki::valid();
    pki.leaf.spki = spki(&[oid("1.3.101.112")], &[7; 32]);
    assert!(errors_with(&pki, &Policy::default()).contains(&Code::EkcertMalformed));
}

/// SHA-1 signatures, which only the OpenSSL command line makes: see
/// testdata/generated/make.sh.
#[test]
fn sha1_under_three_policies() {
    let read = |name: &str| {
        let path = format!("{}/testdata/generated/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let mut store = Store::new();
    store.add_root(
        Certificate::from_der(&read("sha1-root.der")).unwrap(),
        file("root"),
    );
    let errors = |name: &str, rule| {
        let mut policy = Policy::default();
        policy.sha1 = rule;
        let identifier = Identifier::read(&read(name)).unwrap();
        let verdict = judge(&identifier, &store, &policy, at(), Usage::Ek);
        let told = verdict
            .findings()
            .iter()
            .any(|finding| finding.code == Code::Sha1Signature);
        (codes_of(&verdict), told)
    };
    let refused = (vec![Code::Sha1Signature], true);
    let accepted = (vec![], true);
    for (name, rule, expected) in [
        ("sha1-ek-2015.der", Sha1Rule::Never, &refused),
        ("sha1-ek-2015.der", Sha1Rule::IssuedBefore2016, &accepted),
        ("sha1-ek-2015.der", Sha1Rule::Always, &accepted),
        ("sha1-ek-2016.der", Sha1Rule::Never, &refused),
        ("sha1-ek-2016.der", Sha1Rule::IssuedBefore2016, &refused),
        ("sha1-ek-2016.der", Sha1Rule::Always, &accepted),
    ] {
        assert_eq!(&errors(name, rule), expected, "{name} {rule:?}");
    }
    // The root's own signature is SHA-1 too and does not count; the signature on a
    // leaf must still be right.
    let mut forged = read("sha1-ek-2015.der");
    *forged.last_mut().unwrap() ^= 1;
    let identifier = Identifier::read(&forged).unwrap();
    let verdict = judge(&identifier, &store, &Policy::default(), at(), Usage::Ek);
    assert_eq!(codes_of(&verdict), [Code::SignatureInvalid]);
}

/// A CA with a key of 1024 bits, made with the OpenSSL command line.
#[test]
fn a_ca_with_a_small_key() {
    let read = |name: &str| {
        let path = format!("{}/testdata/generated/{name}", env!("CARGO_MANIFEST_DIR"));
        Certificate::from_der(&std::fs::read(path).unwrap()).unwrap()
    };
    let mut store = Store::new();
    store.add_root(read("rsa1024-root.der"), file("root"));
    let leaf = Arc::new(read("rsa1024-ek.der"));
    let failure = store
        .verify(&leaf, &Policy::default(), at(), Usage::Ek)
        .unwrap_err();
    assert_eq!(error_codes(&failure.findings), [Code::AlgorithmUnsupported]);
}

// Anchors.

#[test]
#[cfg(feature = "roots")]
fn an_embedded_anchor_is_told() {
    let mut store = Store::new();
    store.add_embedded_roots().unwrap();
    let der = store.roots().next().unwrap().0.der().to_vec();
    let identifier = Identifier::read(&der).unwrap();
    let told = |store: &Store| {
        let verdict = judge(&identifier, store, &Policy::default(), at(), Usage::Any);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
        verdict
            .findings()
            .iter()
            .any(|finding| finding.code == Code::AnchorEmbedded)
    };
    assert!(told(&store));
    // The operator's own copy of it takes precedence.
    store.add_root(Certificate::from_der(&der).unwrap(), file("root.crt"));
    assert!(!told(&store));
}

/// Embedded roots do not make anything trusted that the store's roots would not.
#[test]
#[cfg(feature = "roots")]
fn an_attacker_cannot_borrow_the_name_of_an_embedded_root() {
    let mut store = Store::new();
    store.add_embedded_roots().unwrap();
    let roots: Vec<Certificate> = store.roots().map(|(root, _)| root.clone()).collect();
    for root in &roots {
        let mut leaf = Spec::ek(ec_key(EK), root.subject().raw().to_vec(), ec_key(OTHER));
        let identifier = Identifier::read(&leaf.der()).unwrap();
        let verdict = judge(&identifier, &store, &Policy::default(), at(), Usage::Ek);
        assert_eq!(verdict.outcome(), Outcome::Rejected, "{}", root.subject());
        // With the root's key identifier the forgery is plain.
        if let Some(key_id) = &root.extensions().subject_key_id {
            leaf.replace(extension(
                AUTHORITY_KEY_ID,
                false,
                sequence(&[tlv(0x80, key_id)]),
            ));
            let identifier = Identifier::read(&leaf.der()).unwrap();
            let verdict = judge(&identifier, &store, &Policy::default(), at(), Usage::Ek);
            assert_eq!(
                codes_of(&verdict),
                [Code::SignatureInvalid],
                "{}",
                root.subject()
            );
        }
    }
}

/// What is remembered of one judgement does not leak into the next.
#[test]
fn remembered_signatures_are_of_the_very_certificates() {
    let mut pki = Pki::valid();
    let genuine = pki.intermediates.remove(0);
    let mut forged = genuine.clone();
    forged.corrupt_signature = true;
    let (genuine, forged) = (genuine.der(), forged.der());
    let mut store = store(&pki);
    for der in [&forged, &genuine] {
        store.add_intermediate(Certificate::from_der(der).unwrap(), file("intermediate"));
    }
    let leaf = Arc::new(Certificate::from_der(&pki.leaf.der()).unwrap());
    let forged = Arc::new(Certificate::from_der(&forged).unwrap());
    for _ in 0..3 {
        let path = store.verify(&leaf, &pki.policy, at(), Usage::Ek).unwrap();
        assert_eq!(path.certificates()[1].der(), genuine);
        let failure = store
            .verify(&forged, &pki.policy, at(), Usage::Any)
            .unwrap_err();
        assert_eq!(error_codes(&failure.findings), [Code::SignatureInvalid]);
    }
}

/// What is wrong stays wrong in company: every change that refuses, on top of every
/// oddity that is accepted and leaves one intermediate.
#[test]
fn an_oddity_does_not_excuse_anything() {
    // Here the oddity makes the change right: (oddity, change).
    const RIGHTED: [(&str, &str); 17] = [
        // The change names the algorithm that the oddity signs with.
        (
            "rsa pkcs1 sha256",
            "RSA algorithm under an elliptic-curve key",
        ),
        ("p384 sha384", "algorithm of the outer field"),
        ("p384 sha384", "algorithm of the signed field"),
        ("p384 sha384", "another hash than that of the signature"),
        ("p521 sha384", "algorithm of the outer field"),
        ("p521 sha384", "algorithm of the signed field"),
        ("p521 sha384", "another hash than that of the signature"),
        (
            "ECDSA with NULL parameters",
            "parameters of the outer field",
        ),
        // There is nothing to be there twice.
        (
            "leaf without extended key usage",
            "extension there twice in the leaf",
        ),
        (
            "leaf without alternative names and usages",
            "extension there twice in the leaf",
        ),
        // Nor a name to be excluded.
        (
            "leaf without alternative names and usages",
            "TPM name in an excluded directory name",
        ),
        (
            "leaf without alternative names and usages",
            "TPM name outside the permitted directory names",
        ),
        // A name of one RDN is not below a name of two (RFC 5280 4.2.1.10).
        (
            "issuer as a SET out of order",
            "subject in an excluded directory name",
        ),
        // The other CAs have the usual name, the issuer has not.
        (
            "issuer as a SET out of order",
            "a hundred CAs of the same name, with nothing to tell them apart",
        ),
        // The oddity gives the policy that the change misses.
        (
            "critical certificate policies",
            "explicit policy, and the intermediate has none",
        ),
        (
            "explicit policy, and every certificate has it",
            "explicit policy, and the leaf has none",
        ),
        (
            "explicit policy, and every certificate has it",
            "explicit policy, and the intermediate has none",
        ),
    ];
    let mut trusted = Vec::new();
    let mut combinations = 0;
    for odd in &cases::accepted() {
        for wrong in &cases::refused() {
            let mut pki = Pki::valid();
            (odd.change)(&mut pki);
            if pki.roots.len() != 1 || pki.intermediates.len() != 1 {
                continue;
            }
            (wrong.change)(&mut pki);
            combinations += 1;
            let Ok(identifier) = Identifier::read(&pki.leaf.der()) else {
                continue;
            };
            let verdict = judge(&identifier, &store(&pki), &pki.policy, at(), Usage::Ek);
            if verdict.outcome() == Outcome::Trusted {
                trusted.push((odd.name, wrong.name));
            }
        }
    }
    println!("{combinations} combinations");
    assert!(combinations > 3_000);
    let righted: BTreeSet<_> = RIGHTED.into();
    let trusted: BTreeSet<_> = trusted.into_iter().collect();
    assert_eq!(trusted, righted);
}
