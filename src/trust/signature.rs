//! Signatures of certificates, over the bytes received.

use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use sha2::{Sha256, Sha384, Sha512};
use webpki::{RawPublicKeyEntity, aws_lc_rs as algs};

use crate::der::{Tlv, tag};
use crate::ek::{Algorithm as KeyAlgorithm, Certificate, Curve};

/// The sizes of RSA keys, in bits, whose signatures are verified: those that the
/// algorithms of webpki accept.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Why a signature was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// The key does not verify the signature.
    Invalid,
    /// An algorithm, key type or parameter that is not supported, by name.
    Unsupported(String),
}

/// How the signed data was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A signature algorithm of RFC 4055 or RFC 5758.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    RsaPkcs1(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
}

/// The kinds of key a CA has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    P521,
}

/// What is signed like a certificate: the certificate itself, or a CRL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    /// The AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    /// Whether the signed AlgorithmIdentifier is the same.
    pub(super) algorithms_agree: bool,
    /// What the signature is over.
    pub(super) message: &'a [u8],
    /// The octets of the signature.
    pub(super) signature: &'a [u8],
}

/// Whether this AlgorithmIdentifier is of a signature with SHA-1.
pub(super) fn is_sha1(algorithm: &[u8]) -> bool {
    matches!(
        Algorithm::read(algorithm),
        Ok(Algorithm::RsaPkcs1(Hash::Sha1))
    )
}

/// Whether `certificate` is self-issued and its own key signed it. That makes it no anchor.
pub fn is_self_signed(certificate: &Certificate) -> bool {
    certificate.is_self_issued() && verify(certificate, certificate).is_ok()
}

/// What kind of key `certificate` has, if it is one that may have verified a signature.
/// That is more than TPMs have: the point of a CA's key may be compressed.
pub(super) fn key_algorithm(certificate: &Certificate) -> Option<KeyAlgorithm> {
    certificate.key_algorithm().or_else(|| {
        let curve = match KeyKind::read(certificate.spki_der()).ok()? {
            KeyKind::Rsa => return None,
            KeyKind::P256 => Curve::P256,
            KeyKind::P384 => Curve::P384,
            KeyKind::P521 => Curve::P521,
        };
        Some(KeyAlgorithm::Ecc(curve))
    })
}

/// Verifies that the key in `issuer` made the signature on `certificate`.
pub(crate) fn verify(
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<(), SignatureError> {
    let signed = Signed {
        algorithm: certificate.signature_algorithm_der(),
        algorithms_agree: certificate.signature_algorithms_agree(),
        message: certificate.tbs_der(),
        signature: certificate.signature(),
    };
    verify_signed(signed, issuer)
}

/// Verifies that the key in `issuer` made the signature.
pub(super) fn verify_signed(
    signed: Signed<'_>,
    issuer: &Certificate,
) -> Result<(), SignatureError> {
    if !signed.algorithms_agree {
        return Err(SignatureError::Invalid);
    }
    let algorithm = Algorithm::read(signed.algorithm)?;
    let key = KeyKind::read(issuer.spki_der())?;
    // A key of another size would not verify anything, and that is no sign of forgery.
    if key == KeyKind::Rsa {
        match issuer.key_algorithm() {
            Some(KeyAlgorithm::Rsa(bits)) if RSA_BITS.contains(&bits) => {}
            Some(KeyAlgorithm::Rsa(bits)) => {
                return Err(SignatureError::Unsupported(format!(
                    "a signature with an RSA key of {bits} bits"
                )));
            }
            // The library reads more than RFC 3279 2.3.1 allows, such as a whole
            // SubjectPublicKeyInfo in place of the key. What is not read here is not looked
            // at for weakness and size either, so it vouches for nothing.
            _ => {
                return Err(SignatureError::Unsupported(
                    "a signature with an RSA key that cannot be read".to_owned(),
                ));
            }
        }
    }
    let Signed {
        message, signature, ..
    } = signed;
    let Some(verifier) = verifier(algorithm, key)? else {
        // SHA-1: outside webpki. Whether it is accepted is for the policy.
        return UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            key_octets(issuer.spki_der()).ok_or(SignatureError::Invalid)?,
        )
        .verify(message, signature)
        .map_err(|_| SignatureError::Invalid);
    };
    verify_by(verifier, issuer.spki_der(), message, signature)
}

/// Verifies the signature on a message that is no certificate; SHA-1 is refused. An
/// ECDSA signature is in DER (RFC 3279 2.2.3).
pub(crate) fn verify_message(
    algorithm: Algorithm,
    spki: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    match verifier(algorithm, KeyKind::read(spki)?)? {
        Some(verifier) => verify_by(verifier, spki, message, signature),
        None => Err(SignatureError::Unsupported("SHA-1".to_owned())),
    }
}

fn verify_by(
    verifier: &dyn SignatureVerificationAlgorithm,
    spki: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let spki = SubjectPublicKeyInfoDer::from(spki);
    RawPublicKeyEntity::try_from(&spki)
        .and_then(|entity| entity.verify_signature(verifier, message, signature))
        .map_err(|_| SignatureError::Invalid)
}

/// The algorithm for this combination; `None` for RSA with SHA-1.
fn verifier(
    algorithm: Algorithm,
    key: KeyKind,
) -> Result<Option<&'static dyn SignatureVerificationAlgorithm>, SignatureError> {
    use Algorithm::{Ecdsa, RsaPkcs1, RsaPss};
    use Hash::{Sha1, Sha256, Sha384, Sha512};
    Ok(Some(match (algorithm, key) {
        (RsaPkcs1(Sha1), KeyKind::Rsa) => return Ok(None),
        (RsaPkcs1(Sha256), KeyKind::Rsa) => algs::RSA_PKCS1_2048_8192_SHA256,
        (RsaPkcs1(Sha384), KeyKind::Rsa) => algs::RSA_PKCS1_2048_8192_SHA384,
        (RsaPkcs1(Sha512), KeyKind::Rsa) => algs::RSA_PKCS1_2048_8192_SHA512,
        (RsaPss(Sha256), KeyKind::Rsa) => algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        (RsaPss(Sha384), KeyKind::Rsa) => algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        (RsaPss(Sha512), KeyKind::Rsa) => algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        (Ecdsa(Sha256), KeyKind::P256) => algs::ECDSA_P256_SHA256,
        (Ecdsa(Sha384), KeyKind::P256) => algs::ECDSA_P256_SHA384,
        (Ecdsa(Sha512), KeyKind::P256) => algs::ECDSA_P256_SHA512,
        (Ecdsa(Sha256), KeyKind::P384) => algs::ECDSA_P384_SHA256,
        (Ecdsa(Sha384), KeyKind::P384) => algs::ECDSA_P384_SHA384,
        (Ecdsa(Sha512), KeyKind::P384) => algs::ECDSA_P384_SHA512,
        (Ecdsa(Sha256), KeyKind::P521) => algs::ECDSA_P521_SHA256,
        (Ecdsa(Sha384), KeyKind::P521) => algs::ECDSA_P521_SHA384,
        (Ecdsa(Sha512), KeyKind::P521) => algs::ECDSA_P521_SHA512,
        // A key of the wrong kind cannot have made the signature.
        _ => return Err(SignatureError::Invalid),
    }))
}

impl Hash {
    /// The digest of `parts`, one after another; `None` for SHA-1, which proves nothing.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        fn over<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        }
        match self {
            Self::Sha1 => None,
            Self::Sha256 => Some(over::<Sha256>(parts)),
            Self::Sha384 => Some(over::<Sha384>(parts)),
            Self::Sha512 => Some(over::<Sha512>(parts)),
        }
    }
}

impl Algorithm {
    /// Reads an AlgorithmIdentifier. NULL parameters are accepted where the
    /// standard wants none, and none where it wants NULL: they carry nothing.
    pub(crate) fn read(der: &[u8]) -> Result<Self, SignatureError> {
        // pkcs-1, 1.2.840.113549.1.1
        const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
        // ecdsa-with-SHA2, 1.2.840.10045.4.3
        const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
        let (oid, parameters) = algorithm_identifier(der).ok_or(SignatureError::Invalid)?;
        let hash = |parameters: &[u8], algorithm: Self| {
            if matches!(parameters, [] | [0x05, 0x00]) {
                Ok(algorithm)
            } else {
                Err(SignatureError::Unsupported(format!(
                    "parameters of {}",
                    dotted(oid)
                )))
            }
        };
        if let Some(last) = oid.strip_prefix(PKCS1) {
            match last {
                [5] => return hash(parameters, Self::RsaPkcs1(Hash::Sha1)),
                [11] => return hash(parameters, Self::RsaPkcs1(Hash::Sha256)),
                [12] => return hash(parameters, Self::RsaPkcs1(Hash::Sha384)),
                [13] => return hash(parameters, Self::RsaPkcs1(Hash::Sha512)),
                [10] => return Self::read_pss(der),
                _ => {}
            }
        }
        if let Some(last) = oid.strip_prefix(ECDSA) {
            match last {
                [2] => return hash(parameters, Self::Ecdsa(Hash::Sha256)),
                [3] => return hash(parameters, Self::Ecdsa(Hash::Sha384)),
                [4] => return hash(parameters, Self::Ecdsa(Hash::Sha512)),
                _ => {}
            }
        }
        Err(SignatureError::Unsupported(dotted(oid)))
    }

    /// RSASSA-PSS with the parameters that RFC 4055 recommends: MGF1 with the same
    /// hash, and a salt of its length.
    fn read_pss(der: &[u8]) -> Result<Self, SignatureError> {
        let content = Tlv::parse_all(der, tag::SEQUENCE).map(|tlv| tlv.content);
        for (hash, algorithm) in [
            (Hash::Sha256, algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY),
            (Hash::Sha384, algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY),
            (Hash::Sha512, algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY),
        ] {
            if content == Ok(algorithm.signature_alg_id().as_ref()) {
                return Ok(Self::RsaPss(hash));
            }
        }
        Err(SignatureError::Unsupported(
            "RSASSA-PSS with other parameters".to_owned(),
        ))
    }
}

impl KeyKind {
    fn read(spki: &[u8]) -> Result<Self, SignatureError> {
        const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
        const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
        let algorithm = Tlv::parse_all(spki, tag::SEQUENCE)
            .and_then(|spki| spki.reader().expect(tag::SEQUENCE))
            .map_err(|_| SignatureError::Invalid)?;
        let (oid, parameters) =
            algorithm_identifier(algorithm.whole).ok_or(SignatureError::Invalid)?;
        match (oid, parameters) {
            (RSA_ENCRYPTION, _) => Ok(Self::Rsa),
            (EC_PUBLIC_KEY, P256) => Ok(Self::P256),
            (EC_PUBLIC_KEY, P384) => Ok(Self::P384),
            (EC_PUBLIC_KEY, P521) => Ok(Self::P521),
            (EC_PUBLIC_KEY, _) => Err(SignatureError::Unsupported("an unknown curve".to_owned())),
            _ => Err(SignatureError::Unsupported(format!(
                "keys of type {}",
                dotted(oid)
            ))),
        }
    }
}

/// OID and parameters of an AlgorithmIdentifier.
pub(super) fn algorithm_identifier(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Tlv::parse_all(der, tag::SEQUENCE).ok()?.reader();
    let oid = fields.expect(tag::OID).ok()?.content;
    Some((oid, fields.rest()))
}

/// The content of the BIT STRING of a SubjectPublicKeyInfo.
fn key_octets(spki: &[u8]) -> Option<&[u8]> {
    let mut fields = Tlv::parse_all(spki, tag::SEQUENCE).ok()?.reader();
    fields.expect(tag::SEQUENCE).ok()?;
    fields
        .expect(tag::BIT_STRING)
        .ok()?
        .content
        .strip_prefix(&[0])
}

pub(super) fn dotted(oid: &[u8]) -> String {
    match ::der::oid::ObjectIdentifier::from_bytes(oid) {
        Ok(oid) => oid.to_string(),
        Err(_) => "an unreadable algorithm".to_owned(),
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("the key does not verify the signature"),
            Self::Unsupported(what) => write!(f, "{what} cannot be verified here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::signature_name;

    /// The names that the lint goes by are those of the algorithms read here, and of one
    /// that nobody's CAs use.
    #[test]
    fn what_has_a_name_can_be_verified() {
        const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
        const X9_62: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
        let mut arcs: Vec<Vec<u8>> = Vec::new();
        for last in 0..=20 {
            arcs.push([PKCS1, &[last]].concat());
            arcs.push([X9_62, &[last]].concat());
            arcs.push([X9_62, &[3, last]].concat());
        }
        let mut named = 0;
        for arcs in arcs {
            let length = u8::try_from(arcs.len()).unwrap();
            let mut der = vec![tag::SEQUENCE, length + 2, tag::OID, length];
            der.extend(arcs);
            let name = signature_name(&der);
            match name {
                // Only with the parameters of RFC 4055.
                Some("id-RSASSA-PSS") => {}
                Some("ecdsa-with-SHA1") => assert!(Algorithm::read(&der).is_err()),
                _ => assert_eq!(name.is_some(), Algorithm::read(&der).is_ok(), "{der:x?}"),
            }
            named += usize::from(name.is_some());
        }
        assert_eq!(named, 9);
    }
}
