//! Every prefix and many flipped bits of every form: read or refused, never a panic.

use endorse::der::Time;
use endorse::diagnose::certificate::{CertificateRole, Document, Profile, Question, examine};

use super::{bytes, openssl};

fn look(bytes: &[u8], password: &str) {
    let Ok(document) = Document::read(bytes, Some(password)) else {
        return;
    };
    let question = Question::new(Time::from_unix(0)).with_names(["a".to_owned()]);
    for subject in &document.subjects {
        for role in CertificateRole::ALL {
            examine(&subject.candidate, role, Profile::Adcs, &question);
        }
    }
}

/// Each prefix, and each byte with one bit flipped, another bit in each place.
fn torment(whole: &[u8], step: usize, password: &str) {
    for end in (0..whole.len()).step_by(step) {
        look(&whole[..end], password);
    }
    for place in (0..whole.len()).step_by(step) {
        let mut broken = whole.to_vec();
        broken[place] ^= 1 << (place % 8);
        look(&broken, password);
    }
}

#[test]
fn requests_and_templates() {
    let csr = bytes("signing.csr");
    torment(&openssl(&["req", "-outform", "DER"], &csr), 1, "");
    torment(&csr, 3, "");
    for name in [
        "../hgs-templates/template.ldf",
        "../hgs-templates/template.json",
        "../hgs-templates/template.txt",
        "../hgs-templates/webserver.ldf",
        "tls.cer",
    ] {
        torment(&bytes(name), 3, "");
    }
}

/// What is cut short is never taken for the whole.
#[test]
fn no_beginning_is_enough() {
    let request = openssl(&["req", "-outform", "DER"], &bytes("signing.csr"));
    for whole in [
        bytes("plain.pfx"),
        bytes("nomac.pfx"),
        request,
        bytes("tls.cer"),
    ] {
        for end in 0..whole.len() {
            let read = Document::read(&whole[..end], Some("a pass phrase"));
            assert!(read.is_err(), "{end} of {} bytes", whole.len());
        }
    }
}

#[test]
fn pkcs12_files() {
    for (name, password) in [
        ("plain.pfx", "a pass phrase"),
        ("nomac.pfx", "a pass phrase"),
        ("legacy.pfx", "a pass phrase"),
    ] {
        torment(&bytes(name), 3, password);
    }
    // Bare of any cryptography every byte can be looked at.
    torment(&bytes("plain.pfx")[..80], 1, "");
}

/// Nothing of a file is accepted unseen: a certificate behind a request, and one in a form that
/// is not read.
#[test]
fn what_stands_beside_it_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let made = [
        "make-request",
        "--role",
        "signing",
        "--subject",
        "CN=a",
        "--new-key",
        "k",
        "-o",
        "r.csr",
    ];
    assert_eq!(super::endorse(&made, here).0, 0);
    let request = std::fs::read_to_string(here.join("r.csr")).unwrap();
    let weak = openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:1024",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/CN=b",
        ],
        b"",
    );
    let weak = String::from_utf8(weak).unwrap();
    let trusted = weak.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    for (text, code) in [
        (request.clone(), 0),
        (request.clone() + &weak, 1),
        (weak.clone() + &request, 1),
        (request.clone() + &trusted, 3),
        (weak + &trusted, 3),
    ] {
        std::fs::write(here.join("x.pem"), &text).unwrap();
        let (exit, output, _) =
            super::endorse(&["check-certificate", "--role", "signing", "x.pem"], here);
        assert_eq!(exit, code, "{output}");
    }
}
