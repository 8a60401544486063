//! The signature of a CRL.

use crate::der::{Tlv, TlvError, tag};
use crate::ek::Certificate;
use crate::trust::{Crl, SignatureAlgorithm, SignatureHash, verify_message};

/// Whether the key of `issuer` made the signature on the CRL.
pub(super) fn is_signed_by(crl: &Crl, issuer: &Certificate) -> bool {
    let Ok(parts) = parts(crl.der()) else {
        return false;
    };
    let Some(algorithm) = algorithm_of(parts.algorithm) else {
        return false;
    };
    verify_message(algorithm, issuer.spki_der(), parts.signed, parts.signature).is_ok()
}

struct Parts<'a> {
    signed: &'a [u8],
    algorithm: Tlv<'a>,
    signature: &'a [u8],
}

/// `CertificateList` (RFC 5280 5.1). The two algorithm identifiers must be the same.
fn parts(der: &[u8]) -> Result<Parts<'_>, TlvError> {
    let mut outer = Tlv::parse_all(der, tag::SEQUENCE)?.reader();
    let signed = outer.expect(tag::SEQUENCE)?;
    let algorithm = outer.expect(tag::SEQUENCE)?;
    let signature = outer.expect(tag::BIT_STRING)?;
    outer.finish()?;
    let mut fields = signed.reader();
    fields.optional(tag::INTEGER)?;
    let agree = fields.expect(tag::SEQUENCE)?.whole == algorithm.whole;
    match signature.content.split_first() {
        Some((0, signature)) if agree => Ok(Parts {
            signed: signed.whole,
            algorithm,
            signature,
        }),
        _ => Err(TlvError::BadLength),
    }
}

/// The algorithms of RFC 4055 and RFC 5758, but for SHA-1.
fn algorithm_of(identifier: Tlv<'_>) -> Option<SignatureAlgorithm> {
    const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let oid = identifier.reader().expect(tag::OID).ok()?.content;
    if let Some([last]) = oid.strip_prefix(PKCS1) {
        let hash = match last {
            11 => SignatureHash::Sha256,
            12 => SignatureHash::Sha384,
            13 => SignatureHash::Sha512,
            _ => return None,
        };
        return Some(SignatureAlgorithm::RsaPkcs1(hash));
    }
    let hash = match oid.strip_prefix(ECDSA)? {
        [2] => SignatureHash::Sha256,
        [3] => SignatureHash::Sha384,
        [4] => SignatureHash::Sha512,
        _ => return None,
    };
    Some(SignatureAlgorithm::Ecdsa(hash))
}
