//! CA certificates that come with the input: tried as intermediates, believed by
//! nobody. The store of these tests has the root alone unless a test says otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use endorse::ek::Certificate;
use endorse::finding::{Code, Severity};
use endorse::identifier::{Identifier, Machine};
use endorse::trust::{MAX_PATH_LEN, MAX_SIGNATURES, Policy, PolicyInputs, Store, Supplied, Usage};
use endorse::verdict::{Outcome, Role, Verdict, judge};

use super::cases::{self, EK, Expect, INTERMEDIATE, OTHER, OTHER2, Pki, ROOT};
use super::inputs::{Input, fake, inputs, stores};
use super::negative::{at, codes_of, ekcert, ekpub, status_of, store};
use super::pki::*;

/// An identifier of these keys and certificates.
fn input(keys: &[&Key], certificates: &[Vec<u8>]) -> Identifier {
    Identifier::new(
        "host",
        Machine::default(),
        keys.iter().map(|key| ekpub(key)).collect(),
        certificates.iter().map(|der| ekcert(der)).collect(),
    )
}

fn judged(identifier: &Identifier, store: &Store) -> Verdict {
    judge(identifier, store, &Policy::default(), at(), Usage::Ek)
}

/// The certificates of `pki` but for its roots, which are the store's: the leaf, then
/// the intermediates.
fn moved_into_the_input(pki: &mut Pki) -> Vec<Vec<u8>> {
    let mut certificates = vec![pki.leaf.der()];
    certificates.extend(pki.intermediates.drain(..).map(|spec| spec.der()));
    certificates
}

fn codes_with(verdict: &Verdict, severity: Severity) -> Vec<Code> {
    let findings = verdict.findings().iter();
    findings
        .filter(|finding| finding.severity == severity)
        .map(|finding| finding.code)
        .collect()
}

/// Root -> CSME intermediate -> issuing CA, all stored; then in the TPM's NV memory
/// ROM CA -> Kernel CA -> SVN CA, which issued the EKcert.
struct OnDie {
    store: Store,
    leaf: Spec,
    chain: [Spec; 3],
}

const ROM: usize = 5;
const KERNEL: usize = 6;
const SVN: usize = 7;

impl OnDie {
    fn new() -> Self {
        let name = |cn| dn("On-die", cn);
        let mut pki = Pki::valid();
        pki.sub_intermediate();
        let issuing = pki.intermediates[1].subject.clone();
        let rom = Spec::ca(name("ROM CA"), ec_key(ROM), issuing, ec_key(OTHER));
        let kernel = Spec::ca(
            name("Kernel CA"),
            ec_key(KERNEL),
            name("ROM CA"),
            ec_key(ROM),
        );
        let svn = Spec::ca(
            name("SVN CA"),
            ec_key(SVN),
            name("Kernel CA"),
            ec_key(KERNEL),
        );
        Self {
            store: store(&pki),
            leaf: Spec::ek(ec_key(EK), name("SVN CA"), ec_key(SVN)),
            chain: [rom, kernel, svn],
        }
    }

    fn with_chain(&self, order: &[usize]) -> Identifier {
        let mut certificates = vec![self.leaf.der()];
        let chain: Vec<Vec<u8>> = self.chain.iter().map(Spec::der).collect();
        certificates.extend(order.iter().map(|&index| chain[index].clone()));
        input(&[ec_key(EK)], &certificates)
    }
}

/// A chain from the TPM leads up to a stored CA, in any order and with copies.
#[test]
fn an_on_die_chain() {
    let on_die = OnDie::new();
    for order in [
        &[0, 1, 2][..],
        &[0, 2, 1],
        &[1, 0, 2],
        &[1, 2, 0],
        &[2, 0, 1],
        &[2, 1, 0],
        &[2, 2, 1, 0, 0, 1, 2, 0],
    ] {
        let verdict = judged(&on_die.with_chain(order), &on_die.store);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
        let roles: Vec<Role> = verdict.path().iter().map(|step| step.role).collect();
        let mut expected = [Role::Intermediate; 7];
        (expected[0], expected[6]) = (Role::Ek, Role::Anchor);
        assert_eq!(roles, expected);
        let from_input: Vec<bool> = verdict.path().iter().map(|step| step.from_input).collect();
        assert_eq!(from_input, [false, true, true, true, false, false, false]);
        assert_eq!(
            verdict.findings().len(),
            1,
            "one finding for the whole chain"
        );
        let told = &verdict.findings()[0];
        assert_eq!(told.code, Code::IntermediateFromInput);
        assert_eq!(told.severity, Severity::Info);
        for step in &verdict.path()[1..4] {
            assert!(
                told.message
                    .contains(&step.certificate.sha256().to_string())
            );
        }
        assert!(told.help.contains("TrustedTPM_IntermediateCA"));
        assert!(
            verdict
                .story()
                .iter()
                .any(|line| line.contains("It came with the input"))
        );
        // The EK is registered, and no CA's key.
        assert_eq!(verdict.ekpubs().len(), 1);
        assert!(verdict.ekcerts().iter().skip(1).all(|c| c.beside));
    }
    // With a link missing there is no chain, and where it broke is told.
    for missing in 0..3 {
        let order: Vec<usize> = (0..3).filter(|&index| index != missing).collect();
        let verdict = judged(&on_die.with_chain(&order), &on_die.store);
        assert_eq!(codes_of(&verdict), [Code::IssuerUnknown], "{missing}");
        assert_eq!(verdict.path().len(), 3 - missing);
    }
}

fn identifier_of(case: &Input) -> Identifier {
    let mut certificates = vec![case.leaf.clone()];
    certificates.extend_from_slice(&case.beside);
    input(&[ec_key(EK)], &certificates)
}

/// The CAs of every machine may have the same names, and no key identifiers. Those of one
/// machine in the store, where a Host Guardian Service wants them, are no evidence that
/// those of another are forged.
#[test]
fn the_chain_of_another_machine_in_the_store() {
    let mut ours = OnDie::new();
    let mut theirs = OnDie::new().chain;
    theirs[0].spki = ec_key(OTHER2).spki();
    theirs[1].spki = ec_key(OTHER2).spki();
    theirs[1].signer = ec_key(OTHER2);
    for spec in ours.chain.iter_mut().chain(&mut theirs) {
        spec.remove(AUTHORITY_KEY_ID);
        spec.remove(SUBJECT_KEY_ID);
    }
    ours.leaf.remove(AUTHORITY_KEY_ID);
    for spec in &theirs[..2] {
        let certificate = Certificate::from_der(&spec.der()).unwrap();
        ours.store
            .add_intermediate(certificate, super::negative::file("theirs"));
    }
    let verdict = judged(&ours.with_chain(&[0, 1, 2]), &ours.store);
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
    // Nor are they if something else is wrong, which an operator may waive.
    let mut old = ours.leaf.clone();
    old.not_after = utc(EARLIER);
    let mut identifier = ours.with_chain(&[0, 1, 2]);
    identifier.ekcerts[0] = ekcert(&old.der());
    let verdict = judged(&identifier, &ours.store);
    assert_eq!(codes_of(&verdict), [Code::Expired]);
    let policy = Policy::from_toml("[severity]\nintermediate-from-input = 'error'\n").unwrap();
    let identifier = ours.with_chain(&[0, 1, 2]);
    let verdict = judge(&identifier, &ours.store, &policy, at(), Usage::Ek);
    assert_eq!(codes_of(&verdict), [Code::IntermediateFromInput]);
    // Nobody's CA of that name is told as what it is.
    let mut forged = ours.chain[1].clone();
    forged.signer = ec_key(INTERMEDIATE);
    forged.serial = vec![0x44];
    let mut identifier = ours.with_chain(&[0, 1, 2]);
    identifier.ekcerts.push(ekcert(&forged.der()));
    let verdict = judged(&identifier, &ours.store);
    assert_eq!(codes_of(&verdict), [Code::SignatureInvalid]);
}

/// An anchor is what the store says; nothing that an input brings becomes one.
#[test]
fn an_input_brings_no_authority() {
    for case in inputs() {
        let mut identifier = identifier_of(&case);
        let before = case.store.fingerprint();
        for _ in 0..2 {
            let verdict = judged(&identifier, &case.store);
            let mut codes = codes_of(&verdict);
            codes.sort_unstable();
            assert_eq!(codes, case.errors, "{}", case.name);
            let trusted = verdict.outcome() == Outcome::Trusted;
            assert_eq!(trusted, case.errors.is_empty(), "{}", case.name);
            assert_eq!(verdict.ekpubs()[0].vouched, trusted, "{}", case.name);
            if let Some(anchor) = verdict.path().iter().find(|s| s.role == Role::Anchor) {
                let mut roots = case.store.roots();
                assert!(roots.any(|(root, _)| *root == *anchor.certificate));
                assert!(!anchor.from_input);
            }
            // In any order, and without a list of keys.
            identifier.ekcerts.reverse();
        }
        identifier.ekpubs.clear();
        let verdict = judged(&identifier, &case.store);
        let trusted = verdict.outcome() == Outcome::Trusted;
        assert!(!trusted || case.errors.is_empty(), "{}", case.name);
        assert_eq!(case.store.fingerprint(), before);
    }
}

/// What was judged before makes no difference: every input after every other, by the
/// same store, is judged as by a fresh one.
#[test]
fn an_input_does_not_depend_on_those_before_it() {
    let cases: Vec<(&str, Identifier)> = inputs()
        .iter()
        .map(|case| (case.name, identifier_of(case)))
        .collect();
    let told = |input: &Identifier, store: &Store| format!("{:?}", judged(input, store));
    for (store, _) in stores() {
        let alone: Vec<String> = cases
            .iter()
            .map(|(_, input)| told(input, &copy(&store)))
            .collect();
        for (before, hostile) in &cases {
            judged(hostile, &store);
            for ((name, input), alone) in cases.iter().zip(&alone) {
                assert!(told(input, &store) == *alone, "{name} after {before}");
            }
        }
        assert_eq!(store.fingerprint(), copy(&store).fingerprint());
    }
}

fn copy(store: &Store) -> Store {
    let mut copy = Store::new();
    for (root, origin) in store.roots() {
        copy.add_root(root.clone(), origin.clone());
    }
    for (ca, origin) in store.intermediates() {
        copy.add_intermediate(ca.clone(), origin.clone());
    }
    copy
}

/// What the store has is taken from the store, and before anything of the input.
#[test]
fn the_store_comes_first() {
    let mut pki = Pki::valid();
    let full = store(&pki);
    // Another genuine edition of the intermediate: either would do.
    let mut edition = pki.intermediates[0].clone();
    edition.serial = vec![0x66];
    let verdict = judged(&input(&[], &[pki.leaf.der(), edition.der()]), &full);
    assert_eq!(verdict.outcome(), Outcome::Trusted);
    assert!(verdict.path().iter().all(|step| !step.from_input));
    assert_eq!(
        codes_with(&verdict, Severity::Info),
        [Code::CertificateUnused]
    );
    // The stored one has run out, and the input brings its successor.
    pki.intermediate().not_after = utc(EARLIER);
    let verdict = judged(&input(&[], &[pki.leaf.der(), edition.der()]), &store(&pki));
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
    assert!(verdict.path()[1].from_input);
    // Byte for byte the same as the stored ones: nothing is from the input.
    let beside: Vec<Vec<u8>> = full
        .roots()
        .chain(full.intermediates())
        .map(|(certificate, _)| certificate.der().to_vec())
        .collect();
    let leaf = Pki::valid().leaf.der();
    let verdict = judged(
        &input(&[], &[leaf, beside[1].clone(), beside[0].clone()]),
        &full,
    );
    assert_eq!(verdict.outcome(), Outcome::Trusted);
    assert!(verdict.path().iter().all(|step| !step.from_input));
    assert_eq!(verdict.findings(), []);
}

/// A certificate is an EKcert or part of a chain, not both.
#[test]
fn a_ca_whose_key_is_said_to_be_an_ek() {
    let pki = Pki::valid();
    let certificates = [pki.leaf.der(), pki.intermediates[0].der()];
    let both = [ec_key(EK), ec_key(INTERMEDIATE)];
    let [(root_only, _), (full, _)] = stores();
    let verdict = judged(&input(&both, &certificates), &root_only);
    assert_eq!(
        codes_of(&verdict),
        [Code::IssuerUnknown, Code::ProfileCa, Code::ProfileKeyUsage]
    );
    assert!(verdict.ekpubs().iter().all(|key| !key.vouched));
    let verdict = judged(&input(&both, &certificates), &full);
    assert_eq!(codes_of(&verdict), [Code::ProfileCa, Code::ProfileKeyUsage]);
    assert!(!verdict.ekpubs()[1].vouched);
    // Nor is a chain alone anything.
    for keys in [&[][..], &[ec_key(INTERMEDIATE)]] {
        let verdict = judged(&input(keys, &certificates[1..]), &root_only);
        assert_eq!(codes_of(&verdict), [Code::ProfileCa, Code::ProfileKeyUsage]);
    }
}

/// The key of a CA beside the EKcert is not in question, so neither is whether it can be
/// read as that of a TPM.
#[test]
fn a_ca_whose_key_cannot_be_read() {
    let pki = Pki::valid();
    let [(root_only, _), _] = stores();
    let p256 = [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")];
    let rsa = [oid("1.2.840.113549.1.1.1"), tlv(0x05, &[])];
    let rsa512 = sequence(&[tlv(0x02, &[0x7f; 64]), integer(3)]);
    for spki in [
        spki(&[oid("1.3.101.112")], &[7; 32]),
        spki(&rsa, &rsa512),
        spki(&p256, &[4; 3]),
    ] {
        let mut odd = Spec::ca(
            dn("Odd", "CA"),
            ec_key(OTHER),
            dn("Odd", "Root"),
            ec_key(OTHER2),
        );
        odd.spki = spki;
        let certificates = [pki.leaf.der(), odd.der(), pki.intermediates[0].der()];
        for keys in [&[][..], &[ec_key(EK)]] {
            let verdict = judged(&input(keys, &certificates), &root_only);
            assert_eq!(codes_of(&verdict), []);
            assert_eq!(verdict.outcome(), Outcome::Trusted);
            assert!(verdict.ekcerts()[1].beside);
        }
        // Alone it is what it is.
        let verdict = judged(&input(&[], &certificates[1..2]), &root_only);
        assert_eq!(codes_of(&verdict)[0], Code::EkcertMalformed);
    }
}

/// `--usage any`: the certificates of a bundle, each by itself.
#[test]
fn a_bundle_for_any_usage() {
    let on_die = OnDie::new();
    let any = |identifier: &Identifier| {
        judge(
            identifier,
            &on_die.store,
            &Policy::default(),
            at(),
            Usage::Any,
        )
    };
    let verdict = any(&on_die.with_chain(&[2, 0, 1]));
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
    assert_eq!(verdict.path().len(), 7);
    let verdict = any(&on_die.with_chain(&[2, 0]));
    assert_eq!(codes_of(&verdict), [Code::IssuerUnknown]);
}

/// A policy may refuse what rests on certificates of the input; the search goes on.
#[test]
fn a_policy_may_refuse_them() {
    let on_die = OnDie::new();
    let policy = Policy::from_toml("[severity]\nintermediate-from-input = 'error'\n").unwrap();
    let identifier = on_die.with_chain(&[0, 1, 2]);
    let verdict = judge(&identifier, &on_die.store, &policy, at(), Usage::Ek);
    assert_eq!(codes_of(&verdict), [Code::IntermediateFromInput]);
    assert_eq!(status_of(&verdict, "path"), "failed");
    let mut full = copy(&on_die.store);
    for spec in &on_die.chain {
        let origin = full.roots().next().unwrap().1.clone();
        full.add_intermediate(Certificate::from_der(&spec.der()).unwrap(), origin);
    }
    let verdict = judge(&identifier, &full, &policy, at(), Usage::Ek);
    assert_eq!(verdict.outcome(), Outcome::Trusted);
}

/// The policy's ages, strengths and hashes hold for them.
#[test]
fn old_and_weak_intermediates() {
    let generated = |name: &str| {
        let path = format!("{}/testdata/generated/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    // SHA-1 on the intermediate, made with the OpenSSL command line.
    let mut sha1 = Store::new();
    sha1.add_root(
        Certificate::from_der(&generated("sha1-root.der")).unwrap(),
        super::negative::file("root"),
    );
    let identifier = input(
        &[],
        &[generated("ek-of-sha1-ca.der"), generated("sha1-ca.der")],
    );
    for (rule, errors) in [
        ("never", &[Code::Sha1Signature][..]),
        ("issued-before-2016", &[Code::Sha1Signature]),
        ("always", &[]),
    ] {
        let policy = Policy::from_toml(&format!("sha1 = '{rule}'\n")).unwrap();
        let verdict = judge(&identifier, &sha1, &policy, at(), Usage::Ek);
        assert_eq!(codes_of(&verdict), errors, "{rule}");
    }
    // A key of 1024 bits, which issued the EKcert: nothing it signed is believed.
    let weak = [generated("rsa1024-ek.der"), generated("rsa1024-root.der")];
    let verdict = judged(&input(&[], &weak), &sha1);
    assert_eq!(codes_of(&verdict), [Code::AlgorithmUnsupported]);
    // A key below what the policy wants.
    let mut pki = Pki::valid();
    pki.with_stable_bytes();
    let certificates = moved_into_the_input(&mut pki);
    *pki.root() = Spec::ca(
        cases::root_name(),
        rsa_key(0),
        cases::root_name(),
        rsa_key(0),
    );
    let policy = Policy::from_toml("min_rsa_bits = 3072\n").unwrap();
    let verdict = judge(
        &input(&[], &certificates),
        &store(&pki),
        &policy,
        at(),
        Usage::Ek,
    );
    assert_eq!(codes_of(&verdict), [Code::WeakKeySize]);
    // Expired when the EKcert was issued, and after.
    let when_issued = Policy::from_toml("expiry = 'when-issued'\n").unwrap();
    for (not_after, errors) in [("191231000000Z", &[Code::Expired][..]), (EARLIER, &[])] {
        let mut pki = Pki::valid();
        pki.intermediate().not_before = utc("150101000000Z");
        pki.intermediate().not_after = utc(not_after);
        let mut roots = pki.roots.clone();
        roots[0].not_before = utc("150101000000Z");
        pki.roots = roots;
        let certificates = moved_into_the_input(&mut pki);
        let verdict = judge(
            &input(&[], &certificates),
            &store(&pki),
            &when_issued,
            at(),
            Usage::Ek,
        );
        assert_eq!(codes_of(&verdict), errors, "{not_after}");
    }
}

/// CAs of one name and seven keys, each certified by every other.
fn mesh_of_one_name() -> Vec<Vec<u8>> {
    let name = || dn("Mesh", "CA");
    let keys: Vec<usize> = (0..8).filter(|key| *key != EK).collect();
    let mut mesh = Vec::new();
    for subject in &keys {
        for issuer in keys.iter().filter(|issuer| *issuer != subject) {
            let mut ca = Spec::ca(name(), ec_key(*subject), name(), ec_key(*issuer));
            ca.remove(AUTHORITY_KEY_ID);
            ca.remove(SUBJECT_KEY_ID);
            mesh.push(ca.der());
        }
    }
    mesh
}

/// However many certificates an input has, the work they cause is bounded, for all its
/// EKcerts together; what does not need them is judged all the same.
#[test]
fn the_work_that_an_input_causes_is_bounded() {
    let mesh = mesh_of_one_name();
    assert_eq!(mesh.len(), 42);
    let read = |der: &Vec<u8>| Arc::new(Certificate::from_der(der).unwrap());
    let mut leaf = Spec::ek(ec_key(EK), dn("Mesh", "CA"), ec_key(0));
    leaf.remove(AUTHORITY_KEY_ID);
    let pki = Pki::valid();
    let [(root_only, _), (full, _)] = stores();
    let chain: Vec<Vec<u8>> = pki.intermediates.iter().map(Spec::der).collect();
    let mut supplied = Supplied::new(mesh.iter().chain(&chain).map(read));
    let mut codes = |store: &Store, leaf: &Spec| match store.verify_with(
        &read(&leaf.der()),
        &Policy::default(),
        at(),
        Usage::Ek,
        &PolicyInputs::default(),
        &mut supplied,
    ) {
        Ok(_) => Vec::new(),
        Err(failure) => super::error_codes(&failure.findings),
    };
    assert_eq!(codes(&root_only, &pki.leaf), [], "the budget is not spent");
    let exhausted = codes(&root_only, &leaf);
    assert_eq!(exhausted[0], Code::BudgetExhausted, "{exhausted:?}");
    assert_eq!(codes(&root_only, &pki.leaf)[0], Code::BudgetExhausted);
    assert_eq!(codes(&full, &pki.leaf), [], "the store needs none of them");

    let mut certificates = vec![leaf.der()];
    certificates.extend(mesh);
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &root_only);
    assert!(codes_of(&verdict).contains(&Code::BudgetExhausted));
    assert_eq!(verdict.outcome(), Outcome::Rejected);
}

/// Signatures on certificates of the input count as well where the issuer is stored.
#[test]
fn what_the_store_is_asked_about_an_input_is_bounded() {
    let name = || dn("Vendor", "Old CA");
    let mut pki = Pki::valid();
    for serial in 0..60 {
        let mut ca = Spec::ca(name(), ec_key(OTHER), cases::root_name(), ec_key(ROOT));
        ca.serial = vec![1, serial];
        ca.remove(SUBJECT_KEY_ID);
        pki.intermediates.push(ca);
    }
    let store = store(&pki);
    let read = |spec: &Spec| Arc::new(Certificate::from_der(&spec.der()).unwrap());
    let below = |number: usize| dn("Below", &format!("{number}"));
    let mut supplied = Supplied::new((0..2).map(|number| {
        let mut ca = Spec::ca(below(number), ec_key(number), name(), ec_key(OTHER2));
        ca.remove(AUTHORITY_KEY_ID);
        read(&ca)
    }));
    let codes: Vec<Code> = (0..2)
        .map(|number| {
            let leaf = Spec::ek(ec_key(EK), below(number), ec_key(number));
            let failure = store.verify_with(
                &read(&leaf),
                &Policy::default(),
                at(),
                Usage::Ek,
                &PolicyInputs::default(),
                &mut supplied,
            );
            failure.unwrap_err().findings[0].code
        })
        .collect();
    assert_eq!(codes, [Code::SignatureInvalid, Code::BudgetExhausted]);
}

/// Nor does somebody get to have paths validated without end who holds a CA below a root,
/// though one that may certify nothing but end entities.
#[test]
fn refused_paths_are_bounded() {
    let level = |number: usize| dn("Level", &format!("{number}"));
    let key = |number: usize| ec_key(OTHER + number);
    let mut limited = Spec::ca(level(0), key(0), cases::root_name(), ec_key(ROOT));
    limited.replace(basic_constraints(true, Some(0)));
    // Six editions of each of three CAs: 216 paths, with 85 signatures.
    let paths = |editions: u8| {
        let mut certificates = vec![Spec::ek(ec_key(EK), level(3), key(3)).der(), limited.der()];
        for number in 1..4 {
            for serial in 0..editions {
                let mut ca = Spec::ca(
                    level(number),
                    key(number),
                    level(number - 1),
                    key(number - 1),
                );
                ca.serial = vec![1, serial];
                certificates.push(ca.der());
            }
        }
        let [(root_only, _), _] = stores();
        codes_of(&judged(&input(&[ec_key(EK)], &certificates), &root_only))
    };
    assert_eq!(paths(1), [Code::PathTooLong]);
    assert_eq!(paths(4), [Code::PathTooLong]);
    assert_eq!(paths(6), [Code::BudgetExhausted, Code::PathTooLong]);
}

/// What the store can do alone it does, whatever the input brings to lead it astray.
#[test]
fn an_input_takes_no_path_away() {
    let mut pki = Pki::valid();
    // A stored edition of the intermediate, tried first, whose issuer is not stored.
    let mut edition = Spec::ca(
        cases::intermediate_name(),
        ec_key(INTERMEDIATE),
        dn("Mesh", "CA"),
        ec_key(0),
    );
    edition.remove(AUTHORITY_KEY_ID);
    pki.intermediates.insert(0, edition);
    let mut certificates = vec![pki.leaf.der()];
    certificates.extend(mesh_of_one_name());
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &store(&pki));
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
    // Only because of that: without the genuine one the mesh is what is left.
    pki.intermediates.pop();
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &store(&pki));
    assert!(codes_of(&verdict).contains(&Code::BudgetExhausted));
}

/// A way that is too long is no reason to give up the others.
#[test]
fn a_chain_that_is_too_long_beside_a_genuine_one() {
    let pki = Pki::valid();
    let level = |number: usize| dn("Level", &format!("{number}"));
    let key = |number: usize| ec_key(OTHER + number % 2);
    // An edition of the intermediate that it never had, with its name and its key.
    let mut edition = Spec::ca(
        cases::intermediate_name(),
        ec_key(INTERMEDIATE),
        level(0),
        key(0),
    );
    edition.serial = vec![0x77];
    let mut certificates = vec![pki.leaf.der(), edition.der()];
    certificates.extend((0..MAX_PATH_LEN).map(|number| {
        let above = number + 1;
        Spec::ca(level(number), key(number), level(above), key(above)).der()
    }));
    let [(root_only, _), _] = stores();
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &root_only);
    assert_eq!(codes_of(&verdict), [Code::BudgetExhausted]);
    assert_eq!(verdict.path().len(), MAX_PATH_LEN);
    certificates.push(pki.intermediates[0].der());
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &root_only);
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
}

/// A signature that did not verify is not asked for again, so an input of as many
/// fakes as there may be leaves enough for its genuine chain.
#[test]
fn many_fakes_beside_a_genuine_chain() {
    let pki = Pki::valid();
    let mut certificates = vec![pki.leaf.der()];
    for serial in 0..62 {
        let mut ca = fake(
            cases::intermediate_name(),
            dn("Evil", "Root"),
            ec_key(OTHER2),
            [ec_key(INTERMEDIATE), ec_key(OTHER)],
        );
        ca.serial = vec![1, serial];
        certificates.push(ca.der());
    }
    certificates.push(pki.intermediates[0].der());
    assert!(certificates.len() < MAX_SIGNATURES);
    let [(root_only, _), _] = stores();
    let verdict = judged(&input(&[ec_key(EK)], &certificates), &root_only);
    assert_eq!(
        verdict.outcome(),
        Outcome::Trusted,
        "{:?}",
        verdict.findings()
    );
}

/// What does not say that it is a CA is not even a candidate.
#[test]
fn only_cas_are_supplied() {
    let pki = Pki::valid();
    let read = |spec: &Spec| Arc::new(Certificate::from_der(&spec.der()).unwrap());
    let ca = read(&pki.intermediates[0]);
    let supplied = Supplied::new([read(&pki.leaf), Arc::clone(&ca), Arc::clone(&ca)]);
    assert_eq!(supplied.certificates(), [ca]);
}

/// What a stored intermediate is held to, one from the input is: every case of the
/// matrix, with its intermediates in the input instead of the store.
#[test]
fn intermediates_of_the_input_are_held_to_the_same_rules() {
    // Where it comes out otherwise, and why.
    const OTHERWISE: &[(&str, &[Code], &str)] = &[
        ("intermediate is no CA", &[Code::IssuerUnknown], NO_CA),
        (
            "intermediate without basic constraints",
            &[Code::IssuerUnknown],
            NO_CA,
        ),
        ("intermediate of version 1", &[Code::IssuerUnknown], NO_CA),
        (
            "basic constraints there twice, the second says CA",
            &[Code::IssuerUnknown],
            NO_CA,
        ),
        (
            "unreadable basic constraints",
            &[Code::IssuerUnknown],
            NO_CA,
        ),
        (
            "octets after basic constraints",
            &[Code::IssuerUnknown],
            NO_CA,
        ),
        ("leaf issued by another EK", &[Code::IssuerUnknown], NO_CA),
        (
            "leaf without alternative names and usages",
            &[Code::EkuMissing],
            "whom a CA that nobody chose issues to is not known, so the EKcert has to say it",
        ),
        (
            "more extensions than are read",
            &[Code::CriticalExtension, Code::ProfileCa, Code::EkuMissing],
            "as above: it may say it in one that is not read",
        ),
        (
            "leaf is the intermediate",
            &[Code::ProfileCa, Code::ProfileKeyUsage, Code::ProfileCa],
            "there are two certificates for its key",
        ),
    ];
    const NO_CA: &str = "a certificate of the input that does not say it is a CA is no candidate";
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let mut from_input = 0;
    for case in cases::accepted().iter().chain(&cases::refused()) {
        let mut pki = Pki::valid();
        (case.change)(&mut pki);
        let key = pki.leaf.spki.clone();
        let certificates = moved_into_the_input(&mut pki);
        let Ok(leaf) = Identifier::read(&certificates[0]) else {
            panic!("{}: the leaf cannot be read", case.name);
        };
        let store = store(&pki);
        let mut identifier = leaf;
        identifier
            .ekcerts
            .extend(certificates[1..].iter().map(|der| ekcert(der)));
        // Listed, so that it is plain which certificate is the EKcert.
        identifier.ekpubs = endorse::ek::EkPub::from_spki(&key)
            .map(|key| endorse::identifier::EkPubEntry {
                key,
                encoding: endorse::ek::Encoding::SubjectPublicKeyInfo,
                source: "EKPub".to_owned(),
            })
            .into_iter()
            .collect();
        let verdict = judge(&identifier, &store, &pki.policy, at(), Usage::Ek);
        let expected = match OTHERWISE.iter().find(|(name, ..)| *name == case.name) {
            Some((name, codes, _)) => {
                seen.insert(*name);
                *codes
            }
            None => match case.expect {
                Expect::Trusted => &[],
                Expect::Refused(codes) => codes,
            },
        };
        if codes_of(&verdict) != expected {
            wrong.push(format!(
                "{}: expected {expected:?}, got {:?}",
                case.name,
                codes_of(&verdict)
            ));
        }
        let trusted = verdict.outcome() == Outcome::Trusted;
        assert_eq!(trusted, expected.is_empty(), "{}", case.name);
        let steps = verdict.path().iter().filter(|step| step.from_input);
        from_input += usize::from(trusted && steps.count() > 0);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(seen.len(), OTHERWISE.len(), "a case is gone");
    assert!(from_input > 30, "{from_input}");
}
