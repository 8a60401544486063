//! Certificates and keys by themselves, and what is nothing.

use super::*;
use crate::ek::vectors::EKCERT_P384;

#[test]
fn nothing_at_all() {
    for bytes in [&b""[..], b" \r\n\t"] {
        let error = refused(bytes);
        assert_eq!(error.code, Some(Code::InputUnrecognised));
        assert_eq!(error.message, "the input is empty");
    }
}

#[test]
fn certificates_by_themselves() {
    let der = cert_der();
    let length = u16::try_from(der.len()).unwrap().to_be_bytes();
    for (bytes, findings) in [
        (der.clone(), 0),
        ([&der[..], &[0xff; 200]].concat(), 1),
        ([&[0x10, 1, 0], &length[..], &der].concat(), 1),
        (to_base64(&der).into_bytes(), 0),
        (crate::hash::hex(&der).into_bytes(), 0),
    ] {
        let identifier = Identifier::read(&bytes).unwrap();
        assert_eq!(identifier.kind, Kind::EkCert);
        assert_eq!(identifier.ekcerts[0].certificate.der(), der);
        assert!(identifier.ekpubs.is_empty());
        assert_eq!(codes(&identifier), vec![Code::ProfileWrapping; findings]);
    }
    for (bytes, place) in [
        (der[..der.len() - 1].to_vec(), "byte 1015"),
        ([&der[..], &[1]].concat(), "byte 1016"),
        ([&[0x10, 1, 0, 0xff, 0xff], &der[..]].concat(), "byte 0"),
    ] {
        let error = refused(&bytes);
        assert_eq!(error.code, Some(Code::EkcertMalformed));
        assert_eq!(error.location.as_deref(), Some(place));
    }
}

fn pem(label: &str, bytes: &[u8], width: usize, end: &str) -> String {
    let base64 = to_base64(bytes);
    let lines = base64.as_bytes().chunks(width);
    let lines: Vec<&str> = lines
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----{end}{}{end}-----END {label}-----{end}",
        lines.join(end)
    )
}

#[test]
fn pem_files() {
    let der = cert_der();
    let key = key();
    for (width, end) in [(64, "\n"), (64, "\r\n"), (5000, "\n"), (1, "\n")] {
        let identifier = read(&pem("CERTIFICATE", &der, width, end));
        assert_eq!(identifier.ekcerts[0].certificate.der(), der);
    }
    let several = [
        "Subject: what openssl prints before it\n".to_owned(),
        pem("CERTIFICATE", &der, 64, "\n"),
        pem("X509 CRL", &[1, 2, 3], 64, "\n"),
        pem("CERTIFICATE", &from_hex(EKCERT_P384).unwrap(), 64, "\n"),
        pem("PUBLIC KEY", key.spki_der(), 64, "\n"),
        pem("RSA PUBLIC KEY", key.subject_public_key(), 64, "\n"),
    ]
    .concat();
    let identifier = read(&several);
    assert_eq!(identifier.kind, Kind::EkCert);
    assert_eq!((identifier.ekpubs.len(), identifier.ekcerts.len()), (1, 2));
    for (text, expected) in [
        (pem("PRIVATE KEY", &[1], 64, "\n"), Code::EkpubMalformed),
        (pem("X509 CRL", &[1], 64, "\n"), Code::InputUnrecognised),
        (pem("CERTIFICATE", &[1], 64, "\n"), Code::EkcertMalformed),
        (
            pem("CERTIFICATE", &der[..99], 64, "\n"),
            Code::EkcertMalformed,
        ),
        (pem("PUBLIC KEY", &[1], 64, "\n"), Code::EkpubMalformed),
        (
            "-----BEGIN CERTIFICATE-----\nAA".to_owned(),
            Code::EkcertMalformed,
        ),
        (
            pem("CERTIFICATE", &der, 64, "\n").replacen("MII", "M*I", 1),
            Code::EkcertMalformed,
        ),
    ] {
        assert_eq!(code(&text), Some(expected), "{text}");
    }
}

#[test]
fn other_inputs() {
    for bytes in [
        &b""[..],
        b"   ",
        b"hello",
        b"MIIB",
        &[0x7f, b'E', b'L', b'F'],
        &[0xff; 64],
        b"[]",
        b"0001",
    ] {
        assert_eq!(
            refused(bytes).code,
            Some(Code::InputUnrecognised),
            "{bytes:?}"
        );
    }
    let private = refused(b"RSA2aaaaaaaaaaaaaaaaaaaa");
    assert_eq!(private.code, Some(Code::EkpubMalformed));
}
