//! PKCS#7 bundles of certificates, as they are found in `.p7b` files.

use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use endorse::finding::Code;
use endorse::trust::read_certificates;

use super::maker::{DATA, example, root_der};
use super::pki::{integer, oid, sequence, set, tlv};

/// A degenerate SignedData (RFC 5652 5.1): certificates, and nothing that is signed.
fn bundle(certificates: &[&[u8]]) -> Vec<u8> {
    let fields = [
        integer(1),
        set(&[]),
        sequence(&[oid(DATA)]),
        tlv(0xa0, &certificates.concat()),
        set(&[]),
    ];
    let signed_data = sequence(&fields);
    sequence(&[oid("1.2.840.113549.1.7.2"), tlv(0xa0, &signed_data)])
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
}

fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
    read_certificates(bytes)
        .unwrap()
        .iter()
        .map(|certificate| certificate.der().to_vec())
        .collect()
}

#[test]
fn in_der_and_pem() {
    let signed = example().signed;
    let certificates = &signed.certificates;
    let [one, two] = &certificates[..] else {
        panic!("two were expected");
    };
    let der = bundle(&[one, two]);
    assert_eq!(&read(&der), certificates);
    for label in ["PKCS7", "CMS"] {
        assert_eq!(&read(&pem(label, &der)), certificates);
    }
    // Beside others, in the order of the file.
    let mixed = [
        pem("CERTIFICATE", root_der()),
        pem("PKCS7", &bundle(&[two])),
        pem("X509 CRL", b"no matter what"),
    ];
    assert_eq!(read(&mixed.concat()), [root_der(), &two[..]]);
    // A bundle that is signed is a bundle. Other kinds of certificates are passed over.
    assert_eq!(&read(&signed.der()), certificates);
    assert_eq!(read(&bundle(&[&tlv(0xa1, &[5, 0]), one])), [&one[..]]);
}

#[test]
fn what_openssl_writes() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = example().signed.certificates;
    let text: Vec<u8> = certificates
        .iter()
        .flat_map(|der| pem("CERTIFICATE", der))
        .collect();
    std::fs::write(folder.path().join("all.pem"), text).unwrap();
    for form in ["DER", "PEM"] {
        let output = Command::new("openssl")
            .current_dir(folder.path())
            .args([
                "crl2pkcs7",
                "-nocrl",
                "-certfile",
                "all.pem",
                "-outform",
                form,
            ])
            .output()
            .expect("openssl is needed");
        assert!(output.status.success());
        let mut read = read(&output.stdout);
        read.sort();
        let mut expected = certificates.clone();
        expected.sort();
        assert_eq!(read, expected, "{form}");
    }
}

#[test]
fn broken_ones_are_refused() {
    let der = bundle(&[root_der()]);
    let refused = |bytes: &[u8], words: &str| {
        let error = read_certificates(bytes).unwrap_err();
        assert_eq!(error.code, Some(Code::EkcertMalformed));
        assert!(error.message.contains(words), "{error}");
    };
    refused(&bundle(&[]), "no certificate in the PKCS#7 bundle");
    refused(
        &pem("PKCS7", &bundle(&[])),
        "no PEM block in it is a certificate",
    );
    refused(&der[..der.len() - 1], "cut short");
    refused(&[&der[..], &[0]].concat(), "left over");
    refused(&pem("PKCS7", &der[..der.len() - 1]), "cut short");
    refused(&bundle(&[&root_der()[..100]]), "cut short");
    // More elements than anybody has.
    refused(
        &bundle(&[&[5, 0].repeat(20_001)]),
        "more than 20000 elements",
    );
    // Another kind of ContentInfo: encrypted data.
    let encrypted = sequence(&[oid("1.2.840.113549.1.7.6"), tlv(0xa0, &sequence(&[]))]);
    refused(&encrypted, "contentType");
    // A length without end, as BER has it.
    let mut indefinite = vec![0x30, 0x80];
    indefinite.extend(oid("1.2.840.113549.1.7.2"));
    indefinite.extend([0, 0]);
    refused(&indefinite, "DER does not allow");
}
