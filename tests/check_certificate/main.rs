//! Certificates, requests and templates for a Host Guardian Service, on both sides of each
//! limit. OpenSSL makes them, and is the judge of requests.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]

mod command;
mod made;
mod pfx;
mod requests;
mod robust;
mod rules;
mod templates;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use endorse::der::Time;
use endorse::diagnose::certificate::{CertificateRole, Profile, Question, check};
use endorse::ek::Certificate;
use endorse::finding::{Code, Finding, Severity};

/// A file of the test data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/hgs-certificates")
        .join(name)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

/// What openssl writes, given this on its standard input. It has to succeed.
pub fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need openssl");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {said}");
    output.stdout
}

/// A certificate that a key of the test data signs itself, with these lines of extensions.
pub fn certify(key: &str, subject: &str, extensions: &str, hash: &str) -> Certificate {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.cnf");
    let text = format!("[req]\nprompt=no\ndistinguished_name=dn\n[dn]\n[x]\n{extensions}\n");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let key = data(key);
    let key = key.to_str().unwrap();
    let request = openssl(
        &[
            "req", "-new", "-key", key, "-subj", subject, "-config", file,
        ],
        b"",
    );
    let mut args = vec![
        "x509", "-req", "-signkey", key, hash, "-days", "365", "-outform", "DER",
    ];
    if !extensions.is_empty() {
        args.extend(["-extfile", file, "-extensions", "x"]);
    }
    Certificate::from_der(&openssl(&args, &request)).unwrap()
}

/// One that every rule for signing and encryption is content with.
pub const GOOD: &str = "keyUsage=critical,digitalSignature,keyEncipherment,dataEncipherment\n\
                        extendedKeyUsage=serverAuth";

pub fn at() -> Question {
    Question::new(Time::parse_rfc3339("2030-01-01").unwrap())
}

/// The codes that are errors and warnings, in order.
pub fn grave(findings: &[Finding]) -> Vec<(Code, Severity)> {
    let grave = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Info);
    grave
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

pub fn judged(
    certificate: &Certificate,
    role: CertificateRole,
    profile: Profile,
) -> Vec<(Code, Severity)> {
    let question = Question::new(certificate.not_before());
    grave(&check(certificate, role, profile, &question))
}

/// How the program ended, and what it wrote.
pub fn endorse(args: &[&str], directory: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
