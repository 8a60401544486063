//! OpenSSL as a second judge: the same leaf, certificates and time. Where the two
//! differ, the table says so and why; it must be exact.
//!
//! Compared is plain path validation (`--usage any`): OpenSSL knows nothing of EKs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endorse::ek::Certificate;
use endorse::trust::{Policy, PolicyInputs, Store, Supplied, Usage, read_certificates};

use super::cases::{self, Pki};
use super::inputs;
use super::negative::{at, store};
use super::skip::skip;

/// Cases that only this program accepts, or only OpenSSL.
const DIFFERENCES: &[(&str, Judge, &str)] = &[
    (
        "anchor without basic constraints and key usage",
        Judge::Endorse,
        "what the operator puts among the roots is an anchor unless it denies being a CA; old roots \
         have no basic constraints",
    ),
    (
        "authority key identifier of another key",
        Judge::Endorse,
        "the identifier is a hint for path building (RFC 5280 4.2.1.1), OpenSSL demands a match",
    ),
    (
        "authority key identifier of another edition",
        Judge::Endorse,
        "as above: 17 of Infineon's intermediates name another edition of their issuer",
    ),
    (
        "serial with leading zeros",
        Judge::Endorse,
        "OpenSSL does not read it; six of STMicroelectronics' intermediates are like that",
    ),
    (
        "an attacker's intermediate of the same name and key identifier",
        Judge::Endorse,
        "OpenSSL takes the first certificate that looks like the issuer and does not go back",
    ),
    ("cross-certificates in a circle", Judge::Endorse, "as above"),
    ("a mesh of cross-certificates", Judge::Endorse, "as above"),
    (
        "policy mappings that would make a tree grow without bound",
        Judge::Endorse,
        "OpenSSL builds the tree of RFC 5280 and gives up at a limit; the graph of RFC 9618 stays small",
    ),
    (
        "intermediate of version 1 with extensions",
        Judge::OpenSsl,
        "RFC 5280 6.1.4 (k) believes extensions of version 3 certificates alone",
    ),
    (
        "intermediate of version 2 with extensions",
        Judge::OpenSsl,
        "as above",
    ),
    (
        "constraints that are empty",
        Judge::OpenSsl,
        "RFC 5280 4.2.1.10 forbids it: GeneralSubtrees has at least one element",
    ),
    (
        "octets after basic constraints",
        Judge::OpenSsl,
        "OpenSSL ignores what follows an extension's value",
    ),
    (
        "more extensions than are read",
        Judge::OpenSsl,
        "a limit of this program",
    ),
    (
        "leaf is an old edition of the root, signed by the new one",
        Judge::Endorse,
        "OpenSSL takes a certificate of the same subject and issuer for self-signed; as an EKcert it \
         is refused here too",
    ),
    (
        "a chain of twenty CAs",
        Judge::OpenSsl,
        "a limit of this program; OpenSSL's is a hundred",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judge {
    Endorse,
    OpenSsl,
}

fn pem<'c>(certificates: impl IntoIterator<Item = &'c Certificate>) -> String {
    certificates
        .into_iter()
        .map(|certificate| {
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                STANDARD.encode(certificate.der())
            )
        })
        .collect()
}

/// Whether OpenSSL accepts, and what it says.
fn openssl(
    folder: &Path,
    leaf: &Certificate,
    store: &Store,
    supplied: &[Arc<Certificate>],
) -> (bool, String) {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let leaf = write("leaf.pem", pem([leaf]));
    let mut command = Command::new("openssl");
    command
        .arg("verify")
        .args([
            "-no-CApath",
            "-no-CAstore",
            "-partial_chain",
            "-policy_check",
            "-policy",
            "anyPolicy",
        ])
        .args(["-attime", &at().unix().to_string()]);
    if store.roots().next().is_some() {
        let roots = pem(store.roots().map(|(root, _)| root));
        command.arg("-CAfile").arg(write("roots.pem", roots));
    } else {
        command.arg("-no-CAfile");
    }
    // OpenSSL makes no difference between a store's intermediates and an input's.
    let intermediates = pem(store
        .intermediates()
        .map(|(ca, _)| ca)
        .chain(supplied.iter().map(AsRef::as_ref)));
    if !intermediates.is_empty() {
        command
            .arg("-untrusted")
            .arg(write("intermediates.pem", intermediates));
    }
    let output = command.arg(leaf).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// Where the intermediates of a case are.
#[derive(Clone, Copy, Debug)]
enum Intermediates {
    Stored,
    Supplied,
}

#[test]
fn agrees_with_openssl_but_for_the_table() {
    compare(
        "chain::openssl_judge::agrees_with_openssl_but_for_the_table",
        Intermediates::Stored,
    );
}

#[test]
fn agrees_with_openssl_where_intermediates_came_with_the_input() {
    compare(
        "chain::openssl_judge::agrees_with_openssl_where_intermediates_came_with_the_input",
        Intermediates::Supplied,
    );
}

fn compare(test: &str, intermediates: Intermediates) {
    if Command::new("openssl").arg("version").output().is_err() {
        skip(test, "the openssl command is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut differences = Vec::new();
    let mut unexpected = Vec::new();
    let mut both_accept = 0;
    let mut both_refuse = 0;
    for case in cases::accepted().iter().chain(&cases::refused()) {
        let mut pki = Pki::valid();
        (case.change)(&mut pki);
        let leaf = Arc::new(read_certificates(&pki.leaf.der()).unwrap().remove(0));
        let untrusted: Vec<Arc<Certificate>> = match intermediates {
            Intermediates::Stored => Vec::new(),
            Intermediates::Supplied => std::mem::take(&mut pki.intermediates)
                .iter()
                .map(|spec| Arc::new(Certificate::from_der(&spec.der()).unwrap()))
                .collect(),
        };
        let store = store(&pki);
        let ours = store.verify_with(
            &leaf,
            &pki.policy,
            at(),
            Usage::Any,
            &PolicyInputs::default(),
            &mut Supplied::new(untrusted.clone()),
        );
        let (theirs, said) = openssl(folder.path(), &leaf, &store, &untrusted);
        let only = match (ours.is_ok(), theirs) {
            (true, true) => {
                both_accept += 1;
                continue;
            }
            (false, false) => {
                both_refuse += 1;
                continue;
            }
            (true, false) => Judge::Endorse,
            (false, true) => Judge::OpenSsl,
        };
        differences.push((case.name, only));
        let listed = DIFFERENCES
            .iter()
            .any(|(name, judge, _)| (*name, *judge) == (case.name, only));
        if !listed {
            unexpected.push(format!("{}: only {only:?} accepts: {said}", case.name));
        }
    }
    println!(
        "{intermediates:?}: both accept {both_accept}, both refuse {both_refuse}, they differ on \
         {differences:?}"
    );
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let listed: Vec<(&str, Judge)> = DIFFERENCES.iter().map(|(n, j, _)| (*n, *j)).collect();
    assert_eq!(differences, listed, "the table is not exact");
    assert!(DIFFERENCES.iter().all(|(_, _, reason)| !reason.is_empty()));
    assert!(both_accept > 0 && both_refuse > 0);
}

/// What an attacker puts beside an EKcert is refused by both, and the genuine chains
/// beside them are accepted by both.
#[test]
fn agrees_with_openssl_on_what_an_input_brings() {
    if Command::new("openssl").arg("version").output().is_err() {
        skip(
            "chain::openssl_judge::agrees_with_openssl_on_what_an_input_brings",
            "the openssl command is not installed",
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut accepted = 0;
    for case in inputs::inputs() {
        let read = |der: &Vec<u8>| Arc::new(Certificate::from_der(der).unwrap());
        let beside: Vec<Arc<Certificate>> = case.beside.iter().map(read).collect();
        let leaf = read(&case.leaf);
        let ours = case.store.verify_with(
            &leaf,
            &Policy::default(),
            at(),
            Usage::Any,
            &PolicyInputs::default(),
            &mut Supplied::new(beside.clone()),
        );
        let (theirs, said) = openssl(folder.path(), &leaf, &case.store, &beside);
        assert_eq!(ours.is_ok(), case.errors.is_empty(), "{}", case.name);
        assert_eq!(theirs, case.openssl, "{}: {said}", case.name);
        accepted += usize::from(theirs);
    }
    assert!(accepted > 2);
}
