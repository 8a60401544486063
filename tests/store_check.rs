//! `store check`: each thing that is to be told of a store, in a store that somebody filled
//! by hand, and nothing else told of it. And what `store list` knows of where each came from.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

#[path = "support/pki.rs"]
mod pki;
use pki::*;

const ROOTS: &str = "TrustedTPM_RootCA";
const INTERMEDIATES: &str = "TrustedTPM_IntermediateCA";
/// What is told of every store that was filled by hand.
const BY_HAND: &str = "provenance-unknown";

struct Filled {
    folder: tempfile::TempDir,
}

impl Filled {
    fn new(roots: &[&[u8]], intermediates: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (pool, certificates) in [(ROOTS, roots), (INTERMEDIATES, intermediates)] {
            let pool = folder.path().join("store").join(pool);
            fs::create_dir_all(&pool).unwrap();
            for (index, certificate) in certificates.iter().enumerate() {
                fs::write(pool.join(format!("{index}.cer")), certificate).unwrap();
            }
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs it on this store and a registry beside it; the results.
    fn run(&self, code: i32, args: &[&str]) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_endorse"))
            .args(args)
            .arg("--json")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("ENDORSE_STORE", self.path("store"))
            .env("ENDORSE_REGISTRY", self.path("registry.db"))
            .env("USER", "tester")
            .env_remove("SUDO_USER")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}{told}");
        let document: Value = serde_json::from_str(&said).unwrap();
        document["results"].as_array().unwrap().clone()
    }

    /// What is told: of which file (none: of the store), the code and how grave it is.
    fn check(&self, code: i32, at: &str, more: &[&str]) -> Vec<(String, String, String)> {
        let args = [&["store", "check", "--no-embedded-roots", "--at", at], more].concat();
        let mut told = Vec::new();
        for result in self.run(code, &args) {
            let file = match result["certificate"]["path"].as_str() {
                Some(path) => {
                    let path = Path::new(path).strip_prefix(self.path("store")).unwrap();
                    path.to_str().unwrap().to_owned()
                }
                None => "store".to_owned(),
            };
            for finding in result["findings"].as_array().unwrap() {
                let text = |key: &str| finding[key].as_str().unwrap().to_owned();
                told.push((file.clone(), text("code"), text("severity")));
            }
        }
        told.sort();
        told
    }
}

/// Asserts what is told, beside what is told of every store here.
#[track_caller]
fn assert_told(told: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let told: Vec<_> = told
        .iter()
        .map(|(file, code, severity)| (file.as_str(), code.as_str(), severity.as_str()))
        .filter(|(_, code, _)| *code != BY_HAND)
        .collect();
    assert_eq!(told, expected);
}

fn named(cn: &str) -> Vec<u8> {
    dn("Vendor", cn)
}

fn root() -> Spec {
    Spec::ca(named("Root"), ec_key(0), named("Root"), ec_key(0))
}

fn intermediate() -> Spec {
    Spec::ca(named("CA"), ec_key(1), named("Root"), ec_key(0))
}

fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn a_good_store() {
    let filled = Filled::new(&[&root().der()], &[&intermediate().der()]);
    let told = filled.check(0, AT, &[]);
    let by_hand = ("store".to_owned(), BY_HAND.to_owned(), "info".to_owned());
    assert_eq!(told, [by_hand]);
}

#[test]
fn dates() {
    let mut old = intermediate();
    old.not_after = utc(EARLIER);
    let mut new = intermediate();
    new.not_before = utc(LATER);
    let filled = Filled::new(&[&root().der()], &[&old.der(), &new.der()]);
    assert_told(
        &filled.check(0, AT, &[]),
        &[
            ("TrustedTPM_IntermediateCA/0.cer", "expired", "warning"),
            (
                "TrustedTPM_IntermediateCA/1.cer",
                "not-yet-valid",
                "warning",
            ),
        ],
    );
}

/// A root that has run out is told once, and not of everything below it as well.
#[test]
fn what_is_wrong_above_is_told_above() {
    let mut old = root();
    old.not_after = utc(EARLIER);
    let filled = Filled::new(&[&old.der()], &[&intermediate().der()]);
    assert_told(
        &filled.check(0, AT, &[]),
        &[("TrustedTPM_RootCA/0.cer", "expired", "warning")],
    );
}

#[test]
fn sha1() {
    let filled = Filled::new(
        &[&file("testdata/generated/sha1-root.der")],
        &[&file("testdata/generated/sha1-ca.der")],
    );
    assert_told(
        &filled.check(0, AT, &[]),
        &[(
            "TrustedTPM_IntermediateCA/0.cer",
            "sha1-signature",
            "warning",
        )],
    );
}

#[test]
fn weak_keys() {
    let weak = |name: &str| file(&format!("testdata/weak-keys/{name}.der"));
    let filled = Filled::new(
        &[&weak("good-root"), &weak("roca-root")],
        &[&weak("roca-ca"), &weak("close-ca"), &weak("exponent-3-ca")],
    );
    assert_told(
        &filled.check(1, "2027-01-01", &[]),
        &[
            ("TrustedTPM_IntermediateCA/0.cer", "roca", "error"),
            (
                "TrustedTPM_IntermediateCA/1.cer",
                "weak-key-modulus",
                "error",
            ),
            (
                "TrustedTPM_IntermediateCA/2.cer",
                "weak-key-exponent",
                "warning",
            ),
            ("TrustedTPM_RootCA/1.cer", "roca", "error"),
        ],
    );
}

#[test]
fn no_path_to_a_root() {
    let stray = Spec::ca(named("Stray"), ec_key(2), named("Absent"), ec_key(3));
    let lonely = Spec::ca(named("Lonely"), ec_key(3), named("Lonely"), ec_key(3));
    let filled = Filled::new(&[&root().der()], &[&stray.der(), &lonely.der()]);
    assert_told(
        &filled.check(0, AT, &[]),
        &[
            (
                "TrustedTPM_IntermediateCA/0.cer",
                "issuer-unknown",
                "warning",
            ),
            (
                "TrustedTPM_IntermediateCA/1.cer",
                "anchor-untrusted",
                "warning",
            ),
        ],
    );
    // A signature that is not the issuer's is no matter of a path that is missing.
    let mut forged = intermediate();
    forged.corrupt_signature = true;
    let filled = Filled::new(&[&root().der()], &[&forged.der()]);
    assert_told(
        &filled.check(1, AT, &[]),
        &[(
            "TrustedTPM_IntermediateCA/0.cer",
            "signature-invalid",
            "error",
        )],
    );
}

#[test]
fn one_name_with_two_keys() {
    let twin = Spec::ca(named("CA"), ec_key(2), named("Root"), ec_key(0));
    let filled = Filled::new(&[&root().der()], &[&intermediate().der(), &twin.der()]);
    let same = "same-subject";
    assert_told(
        &filled.check(0, AT, &[]),
        &[
            ("TrustedTPM_IntermediateCA/0.cer", same, "info"),
            ("TrustedTPM_IntermediateCA/1.cer", same, "info"),
        ],
    );
    // Two certificates of one key are no two keys.
    let mut again = intermediate();
    again.serial = vec![0x77];
    let filled = Filled::new(&[&root().der()], &[&intermediate().der(), &again.der()]);
    assert_told(&filled.check(0, AT, &[]), &[]);
}

#[test]
fn a_root_that_another_ca_issued() {
    let filled = Filled::new(&[&intermediate().der()], &[]);
    assert_told(
        &filled.check(0, AT, &[]),
        &[("TrustedTPM_RootCA/0.cer", "anchor-not-self-issued", "info")],
    );
}

/// An EKcert among the roots is trusted as it stands, and is no root.
#[test]
fn what_is_no_ca() {
    let ek = file("testdata/cli/ek.der");
    let ca = file("testdata/cli/intermediate.der");
    let root = file("testdata/cli/root.pem");
    let filled = Filled::new(&[&ek, &root], &[&ca, &ek]);
    assert_told(
        &filled.check(0, "2027-01-01", &[]),
        &[
            ("TrustedTPM_IntermediateCA/1.cer", "not-a-ca", "warning"),
            ("TrustedTPM_RootCA/0.cer", "anchor-not-self-issued", "info"),
            ("TrustedTPM_RootCA/0.cer", "not-a-ca", "warning"),
        ],
    );
}

/// Of two roots a registered host rests on one; what is told is the other.
#[test]
fn anchors_that_nobody_uses() {
    let at = "2027-01-01";
    let filled = Filled::new(
        &[
            &file("testdata/cli/root.pem"),
            &file("testdata/cli/other-root.pem"),
        ],
        &[&file("testdata/cli/intermediate.der")],
    );
    let register = [
        "register-host",
        "--no-embedded-roots",
        "--at",
        at,
        "testdata/cli/hyp01.xml",
    ];
    filled.run(0, &register);
    assert_told(&filled.check(0, at, &[]), &[]);
    let args = [
        "store",
        "check",
        "--no-embedded-roots",
        "--at",
        at,
        "--unused",
    ];
    let unused: Vec<String> = filled
        .run(0, &args)
        .iter()
        .filter(|result| result["certificate"].is_null())
        .flat_map(|result| result["findings"].as_array().unwrap().clone())
        .filter(|finding| finding["code"] == "anchor-unused")
        .map(|finding| finding["message"].as_str().unwrap().to_owned())
        .collect();
    let [unused] = unused.as_slice() else {
        panic!("{unused:?}");
    };
    assert!(unused.contains("CN=Other Root CA"), "{unused}");
}

/// A file, a directory and somebody's hand; packages and URLs have their own tests.
#[test]
fn where_each_came_from() {
    let filled = Filled::new(&[&root().der()], &[]);
    let folder = filled.path("tpm_cert_store");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("ca.pem"), intermediate().der()).unwrap();
    let folder = folder.to_str().unwrap();
    let single = "testdata/cli/other-root.pem";
    let because = ["--reason", "TICKET-7"];
    filled.run(0, &[&["store", "import", folder], &because[..]].concat());
    filled.run(0, &["store", "add", "--root", single]);
    let listed = filled.run(0, &["store", "list"]);
    let of = |subject: &str| {
        let mut all = listed.iter();
        let ends = |one: &&Value| one["subject"].as_str().unwrap().ends_with(subject);
        all.find(ends).unwrap()
    };
    let digest = |bytes: &[u8]| endorse::hash::sha256(bytes).to_string();

    let from_directory = of("CN=CA");
    assert_eq!(from_directory["source"]["kind"], "file");
    assert_eq!(
        from_directory["source"]["sha256"],
        digest(&intermediate_of(folder))
    );
    assert_eq!(from_directory["reason"], "TICKET-7");
    assert_eq!(from_directory["added_by"], "tester");
    assert!(from_directory["added_at"].is_string());
    let path = from_directory["source"]["path"].as_str().unwrap();
    assert!(path.starts_with(folder), "{path}");

    let from_file = of("CN=Other Root CA");
    assert_eq!(from_file["source"]["kind"], "file");
    assert_eq!(from_file["source"]["path"], single);
    assert_eq!(from_file["source"]["sha256"], digest(&file(single)));
    assert!(from_file["reason"].is_null());

    let by_hand = of("CN=Root");
    for unknown in ["source", "member", "added_at", "added_by", "reason"] {
        assert!(by_hand[unknown].is_null(), "{unknown}");
    }
}

fn intermediate_of(folder: &str) -> Vec<u8> {
    fs::read(Path::new(folder).join("ca.pem")).unwrap()
}
