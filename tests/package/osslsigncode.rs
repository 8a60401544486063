//! Another program (osslsigncode, with OpenSSL) signs packages that are verified here, and
//! judges packages that are signed here.

use std::path::Path;
use std::process::{Command, Output};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use endorse::finding::Code;

use super::cabinet::{Packing, without_room};
use super::maker::{
    AUTHORITY, Example, SIGNER, STRANGER_SERIAL, authority, cabinet, code_ca, countersign, example,
    expired, root_der, roots, signed_by, signer, stamp_ca, verify,
};
use super::microsoft;
use super::pki::{AT, ec_key};
use super::skip::skip;

/// 2023-06-01T12:00:00Z, the time of the stamps.
const STAMPED: &str = "1685620800";

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// A folder with the publisher's keys and certificates, if the program is at hand.
fn publisher(test: &str) -> Option<tempfile::TempDir> {
    if Command::new("osslsigncode")
        .arg("--version")
        .output()
        .is_err()
    {
        skip(test, "osslsigncode cannot be run");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let certificate = |der: &[u8]| pem("CERTIFICATE", der);
    let code_ca = certificate(&code_ca().der());
    write("root.pem", certificate(root_der()));
    write("signer.pem", certificate(&signer().der()) + &code_ca);
    write("expired.pem", certificate(&expired().der()) + &code_ca);
    let stamps = certificate(&authority().der()) + &certificate(&stamp_ca().der());
    write("stamp.pem", stamps);
    write("signer.key", pem("PRIVATE KEY", &ec_key(SIGNER).pkcs8()));
    write("stamp.key", pem("PRIVATE KEY", &ec_key(AUTHORITY).pkcs8()));
    write("empty.pem", certificate(root_der()));
    Some(folder)
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("osslsigncode")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Signs `from` to `to`; panics with what the program said if it does not.
fn sign(folder: &Path, from: &str, to: &str, certificates: &str, more: &[&str]) -> Vec<u8> {
    let arguments = [
        &["sign", "-certs", certificates, "-key", "signer.key"][..],
        more,
        &["-in", from, "-out", to],
    ]
    .concat();
    let output = run(folder, &arguments);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(folder.join(to)).unwrap()
}

#[test]
fn what_it_signs_is_verified() {
    let Some(folder) = publisher("package::what_it_signs_is_verified") else {
        return;
    };
    let folder = folder.path();
    let refused = |bytes: &[u8]| verify(bytes, &roots(), AT).unwrap_err();
    let stamp = [
        "-TSA-certs",
        "stamp.pem",
        "-TSA-key",
        "stamp.key",
        "-TSA-time",
        STAMPED,
    ];
    for packing in [Packing::Stored, Packing::MsZip] {
        let name = format!("{packing:?}.cab");
        let plain = without_room(&cabinet(packing).bytes());
        std::fs::write(folder.join(&name), plain).unwrap();
        let plain = sign(folder, &name, "plain.cab", "signer.pem", &["-h", "sha256"]);
        verify(&plain, &roots(), AT).unwrap();
        std::fs::remove_file(folder.join("plain.cab")).unwrap();
        // Better digests.
        for hash in ["sha384", "sha512"] {
            let better = sign(folder, &name, "better.cab", "signer.pem", &["-h", hash]);
            verify(&better, &roots(), AT).unwrap();
            std::fs::remove_file(folder.join("better.cab")).unwrap();
        }
        // A signer that has run out, with a time stamp and without.
        let late = sign(folder, &name, "late.cab", "expired.pem", &["-h", "sha256"]);
        assert_eq!(refused(&late).code, Some(Code::PackageSigner));
        let more = [&["-h", "sha256"][..], &stamp].concat();
        let stamped = sign(folder, &name, "stamped.cab", "expired.pem", &more);
        let signature = verify(&stamped, &roots(), AT).unwrap();
        let time = signature.time_stamp().unwrap().time();
        assert_eq!(time.to_string(), "2023-06-01T12:00:00Z");
        // SHA-1.
        let weak = sign(folder, &name, "weak.cab", "signer.pem", &["-h", "sha1"]);
        let weak = refused(&weak);
        assert_eq!(weak.code, Some(Code::PackageAlgorithm));
        assert!(weak.message.contains("SHA-1"), "{weak}");
        // A second signature within the first.
        let more = ["-h", "sha384", "-nest"];
        let nested = sign(folder, "stamped.cab", "nested.cab", "signer.pem", &more);
        assert_eq!(refused(&nested).code, Some(Code::PackageUnsupported));
        for file in ["late.cab", "stamped.cab", "weak.cab", "nested.cab"] {
            std::fs::remove_file(folder.join(file)).unwrap();
        }
    }
}

/// Whether the other program accepts a package at the time that the tests judge.
fn accepts(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::write(folder.join("judged.cab"), bytes).unwrap();
    let output = run(
        folder,
        &[
            "verify",
            "-in",
            "judged.cab",
            "-CAfile",
            "root.pem",
            "-TSA-CAfile",
            "root.pem",
            // 2024-06-01
            "-time",
            "1717200000",
            // There are none, and nothing is to be fetched.
            "-ignore-crl",
        ],
    );
    output.status.success()
}

/// It agrees about packages that are signed here: the good ones, and those where it looks
/// at what is wrong.
#[test]
fn it_judges_the_same() {
    let Some(folder) = publisher("package::it_judges_the_same") else {
        return;
    };
    let both = |name: &str, example: &Example, expected: bool| {
        let bytes = example.bytes();
        assert_eq!(
            verify(&bytes, &roots(), AT).is_ok(),
            expected,
            "here: {name}"
        );
        assert_eq!(accepts(folder.path(), &bytes), expected, "there: {name}");
    };
    both("plain", &example(), true);
    both("stamped", &example().stamped(|_| {}), true);
    both("countersigned", &countersign(example(), |_| {}), true);
    let late = signed_by(&expired(), &code_ca());
    both("expired, stamped", &late.clone().stamped(|_| {}), true);
    both("expired", &late, false);
    let mut other = example();
    other.cabinet = cabinet(Packing::Stored).bytes();
    both("another file", &other, false);
    let mut other = example();
    other.signer().serial = STRANGER_SERIAL.to_vec();
    both("another signer", &other, false);
    // While the signer is valid, the other program takes a broken time stamp for none.
    let other = late.stamped(|stamp| stamp.imprint[0] ^= 1);
    both("another time stamp", &other, false);
}

/// Microsoft's package, by the roots that are pinned here.
#[test]
fn it_accepts_microsofts() {
    let test = "package::it_accepts_microsofts";
    let (Some((cab, _)), Some(folder)) = (microsoft::package(test), publisher(test)) else {
        return;
    };
    let roots: String = ["2010", "2011"]
        .iter()
        .map(|year| {
            let file =
                format!("roots/authenticode/microsoft-root-certificate-authority-{year}.der");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            pem("CERTIFICATE", &std::fs::read(path).unwrap())
        })
        .collect();
    std::fs::write(folder.path().join("root.pem"), roots).unwrap();
    let cab = std::path::absolute(cab).unwrap();
    let cab = cab.to_str().unwrap();
    let output = run(
        folder.path(),
        &[
            "verify",
            "-in",
            cab,
            "-CAfile",
            "root.pem",
            "-TSA-CAfile",
            "root.pem",
            // They would have to be fetched.
            "-ignore-crl",
        ],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
