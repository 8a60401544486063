//! Requests for certificates; openssl is the judge of their signatures.

use std::process::{Command, Stdio};

use endorse::diagnose::certificate::{
    CertificateRole, Document, DocumentKind, Profile, ProviderKind, Request, examine,
};
use endorse::finding::{Code, Finding};

use super::{at, bytes, data, grave, openssl};

fn der(pem: &[u8]) -> Vec<u8> {
    openssl(&["req", "-outform", "DER"], pem)
}

/// Whether openssl takes the signature of a request.
fn openssl_verifies(der: &[u8]) -> bool {
    use std::io::Write as _;
    let mut child = Command::new("openssl")
        .args(["req", "-verify", "-noout", "-inform", "DER"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(der).unwrap();
    let output = child.wait_with_output().unwrap();
    // OpenSSL 3.0 ends with 0 whether the signature is right or not.
    output.status.success() && String::from_utf8_lossy(&output.stderr).contains("verify OK")
}

fn findings(document: &Document, role: CertificateRole) -> Vec<Finding> {
    let subject = &document.subjects[0];
    let results = examine(&subject.candidate, role, Profile::Recommended, &at());
    let rules = results
        .iter()
        .filter_map(endorse::diagnose::certificate::RuleResult::finding);
    subject.findings.iter().cloned().chain(rules).collect()
}

#[test]
fn a_request_is_held_against_the_rules() {
    let pem = bytes("signing.csr");
    for bytes in [der(&pem), pem.clone()] {
        let document = Document::read(&bytes, None).unwrap();
        assert_eq!(document.kind, DocumentKind::Requests);
        assert_eq!(findings(&document, CertificateRole::Signing), []);
        let host = findings(&document, CertificateRole::HostKey);
        assert_eq!(
            grave(&host),
            [(Code::HgsEku, endorse::finding::Severity::Error)]
        );
    }
    let new = String::from_utf8(pem)
        .unwrap()
        .replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(
        Document::read(new.as_bytes(), None).unwrap().kind,
        DocumentKind::Requests
    );
}

/// openssl and we agree of every bit of a request whether its signature still holds.
#[test]
fn a_flipped_bit_breaks_the_signature() {
    let der = der(&bytes("signing.csr"));
    assert!(openssl_verifies(&der));
    let mut invalid = 0;
    // Every eleventh byte, so that openssl is started some eighty times.
    for at in (0..der.len()).step_by(11) {
        let mut broken = der.clone();
        broken[at] ^= 1;
        let ours = match Request::from_der(&broken) {
            Ok(request) => request.signature_finding().map(|finding| finding.code),
            Err(error) => error.code,
        };
        assert!(ours.is_some(), "byte {at} changes nothing");
        assert!(!openssl_verifies(&broken), "byte {at}");
        invalid += usize::from(ours == Some(Code::CsrSignatureInvalid));
    }
    assert!(invalid > 50, "{invalid}");
}

#[test]
fn a_signature_that_is_not_verified_is_a_warning() {
    let key = data("rsa2047.key");
    let key = key.to_str().unwrap();
    let short = openssl(
        &[
            "req", "-new", "-key", key, "-subj", "/CN=a", "-outform", "DER",
        ],
        b"",
    );
    let finding = Request::from_der(&short)
        .unwrap()
        .signature_finding()
        .unwrap();
    assert_eq!(finding.code, Code::AlgorithmUnsupported);
    assert_eq!(finding.severity, endorse::finding::Severity::Warning);
}

/// Adds an attribute to the request in DER, by hand; the signature is broken by it.
fn with_attribute(der: &[u8], attribute: &[u8]) -> Vec<u8> {
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    }
    use endorse::der::Reader;
    let mut outer = Reader::new(der).any().unwrap().reader();
    let mut info = outer.any().unwrap().reader();
    let mut fields: Vec<Vec<u8>> = (0..3).map(|_| info.any().unwrap().whole.to_vec()).collect();
    let attributes = info.any().unwrap().content;
    fields.push(tlv(0xa0, &[attributes, attribute].concat()));
    let rest = outer.rest();
    tlv(0x30, &[tlv(0x30, &fields.concat()), rest.to_vec()].concat())
}

/// The attribute enrollmentCSP: 1.3.6.1.4.1.311.13.2.2, with a key specification, the name
/// of a provider and an empty signature.
fn enrollment_csp(provider: &str) -> Vec<u8> {
    let name: Vec<u8> = provider.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let short = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        match length {
            0..=0x7f => [&[tag, length], content].concat(),
            _ => [&[tag, 0x81, length], content].concat(),
        }
    };
    let csp = short(
        0x30,
        &[short(2, &[0]), short(0x1e, &name), short(3, &[0])].concat(),
    );
    let oid = [0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 13, 2, 2];
    short(0x30, &[oid.to_vec(), short(0x31, &csp)].concat())
}

#[test]
fn the_provider_of_a_request() {
    let der = der(&bytes("signing.csr"));
    for (name, kind, expected) in [
        (
            "Microsoft Software Key Storage Provider",
            ProviderKind::KeyStorage,
            None,
        ),
        (
            "Microsoft Strong Cryptographic Provider",
            ProviderKind::Legacy,
            Some(Code::HgsProvider),
        ),
    ] {
        let request = with_attribute(&der, &enrollment_csp(name));
        let document = Document::read(&request, None).unwrap();
        let hint = &document.subjects[0].candidate.providers[0];
        assert_eq!((hint.name.as_str(), hint.kind), (name, kind));
        let found = findings(&document, CertificateRole::Signing);
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        // What was added by hand was not signed.
        let mut all = vec![Code::CsrSignatureInvalid];
        all.extend(expected);
        assert_eq!(codes, all);
    }
}

#[test]
fn extensions_asked_for_twice_are_refused() {
    let der = der(&bytes("signing.csr"));
    let oid = [
        0x30, 15, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e, 0x31, 2, 0x30,
        0,
    ];
    let error = Document::read(&with_attribute(&der, &oid), None).unwrap_err();
    assert_eq!(error.code, Some(Code::CsrMalformed));
    assert_eq!(error.location.as_deref(), Some("attributes"));
}

#[test]
fn limits() {
    let error = Request::from_der(&vec![0x30; 65 * 1024]).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge));
    let pem = b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n";
    assert_eq!(
        Document::read(pem, None).unwrap_err().code,
        Some(Code::CsrMalformed)
    );
    let der = der(&bytes("signing.csr"));
    let many: Vec<u8> = (0..40).flat_map(|_| enrollment_csp("x")).collect();
    let error = Document::read(&with_attribute(&der, &many), None).unwrap_err();
    assert_eq!(error.code, Some(Code::CsrMalformed));
}
