use super::*;
use crate::ek::vectors::EKCERT_P384;

#[test]
fn a_blob_in_every_form() {
    let der = cert_der();
    let bytes = blob(&der);
    for input in [
        bytes.clone(),
        to_base64(&bytes).into_bytes(),
        hex(&bytes).into_bytes(),
        // Properties in another order, the certificate twice, no digest at all.
        [property(32, &der), property(3, &sha1_thumbprint(&der).0)].concat(),
        [property(32, &der), property(32, &der)].concat(),
        property(32, &der),
        // A number whose octets start like text, or like the header of NV memory.
        [property(0x5c, b""), property(32, &der)].concat(),
        [property(0x0110, b""), property(32, &der)].concat(),
    ] {
        let identifier = Identifier::read(&input).unwrap();
        assert_eq!(identifier.kind, Kind::CertificateBlob);
        assert_eq!(identifier.ekcerts.len(), 1);
        assert_eq!(identifier.ekcerts[0].certificate.der(), der);
        assert_eq!(identifier.ekcerts[0].source, "property 32");
        assert_survives(&identifier);
    }
}

#[test]
fn broken_blobs_say_where() {
    let der = cert_der();
    let other = from_hex(EKCERT_P384).unwrap();
    let whole = blob(&der);
    let at_certificate = whole.len() - der.len() - 12;
    let mut wrong_encoding = whole.clone();
    wrong_encoding[36] = 2;
    let mut beyond = whole.clone();
    beyond[at_certificate + 11] = 0xff;
    for (bytes, code, place) in [
        (property(3, &[0; 20]), Code::EkcertMalformed, "byte 32"),
        (
            [property(32, &der), property(32, &other)].concat(),
            Code::EkcertMalformed,
            "byte 1028",
        ),
        (
            whole[..whole.len() - 1].to_vec(),
            Code::EkcertMalformed,
            "byte 56",
        ),
        (whole[..35].to_vec(), Code::EkcertMalformed, "byte 32"),
        (beyond, Code::EkcertMalformed, "byte 56"),
        (wrong_encoding, Code::EkcertMalformed, "byte 36"),
        (
            [&whole[..], &[0; 7]].concat(),
            Code::EkcertMalformed,
            "byte 1076",
        ),
        (
            [property(32, &der), property(3, &[0; 20])].concat(),
            Code::DigestMismatch,
            "byte 1028",
        ),
        (
            [property(32, &der), property(3, &[])].concat(),
            Code::DigestMismatch,
            "byte 1028",
        ),
        (
            property(32, &der[..99]),
            Code::EkcertMalformed,
            "property 32 at byte 0, Certificate",
        ),
        (
            property(32, &[&der[..], &[0]].concat()),
            Code::EkcertMalformed,
            "property 32 at byte 0, Certificate",
        ),
    ] {
        let error = refused(&bytes);
        assert_eq!(error.code, Some(code), "{error}");
        assert_eq!(error.location.as_deref(), Some(place), "{error}");
    }
    // Every cut is refused, and none is taken for anything else.
    for length in 8..whole.len() {
        assert_eq!(
            refused(&whole[..length]).code,
            Some(Code::EkcertMalformed),
            "{length}"
        );
    }
    let large = [property(92, &vec![0; MAX_DOCUMENT_LEN]), whole].concat();
    assert_eq!(refused(&large).code, Some(Code::InputTooLarge));
}

/// No other kind of input starts as a blob does, and no blob as another.
#[test]
fn blobs_are_nothing_else() {
    for vector in VECTORS {
        let tpm2b = from_hex(vector.tpm2b).unwrap();
        assert_ne!(tpm2b[2..8], [0, 0, 1, 0, 0, 0]);
        assert_ne!(tpm2b[4..10], [0, 0, 1, 0, 0, 0]);
    }
    for id in 0..=u16::MAX {
        let bytes = [&u32::from(id).to_le_bytes()[..], &[1, 0, 0, 0]].concat();
        let error = refused(&bytes);
        assert_eq!(error.message, "the blob ends in the head of a property");
    }
}
