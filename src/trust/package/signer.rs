//! One signature of a SignedData (RFC 5652 5.4): from the signed content, over the signed
//! attributes, to the key of a certificate that came with it.

use std::sync::Arc;

use super::error::Refusal;
use crate::der::{Tlv, tag};
use crate::ek::Certificate;
use crate::trust::pkcs7::{Attribute, SignerInfo, attributes};
use crate::trust::signature::{
    Algorithm, Hash, SignatureError, algorithm_identifier, dotted, verify_message,
};

/// contentType, 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// messageDigest, 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// rsaEncryption, 1.2.840.113549.1.1.1: the hash is the one of the digest algorithm.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A signature that was verified, of a signer of whom nothing is known yet.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    pub(super) certificate: Arc<Certificate>,
    /// Every signed attribute, each kind once.
    pub(super) attributes: Vec<Attribute<'a>>,
}

impl<'a> Signed<'a> {
    /// Verifies that `signer` signed `content`, which is of this type: with signed
    /// attributes that name its type and its digest, by the key of the one certificate in
    /// `bag` that it names.
    pub(super) fn verify(
        signer: &SignerInfo<'a>,
        content_type: &[u8],
        content: &[u8],
        bag: &[Arc<Certificate>],
    ) -> Result<Self, Refusal> {
        let hash = digest_algorithm(signer.digest_algorithm)?;
        let set = signer
            .signed
            .ok_or_else(|| Refusal::wrong("it has no signed attributes"))?;
        let signed = Self {
            certificate: find(signer, bag)?,
            attributes: attributes(set, "signedAttrs")
                .map_err(|error| Refusal::Wrong(error.to_string()))?,
        };
        let twice = signed.attributes.iter().enumerate().any(|(at, one)| {
            let others = signed.attributes.iter().take(at);
            others.into_iter().any(|other| other.kind == one.kind)
        });
        if twice {
            return Err(Refusal::wrong("a signed attribute is there twice"));
        }
        if signed.value(CONTENT_TYPE, tag::OID)? != content_type {
            return Err(Refusal::wrong(
                "its signed attributes name another type of content",
            ));
        }
        if signed.value(MESSAGE_DIGEST, tag::OCTET_STRING)?
            != hash.digest(&[content]).unwrap_or_default()
        {
            return Err(Refusal::wrong(
                "its signed attributes have the digest of something else",
            ));
        }
        // The signature is over the attributes as a SET, not under their implicit tag
        // (RFC 5652 5.4).
        let mut message = set.whole.to_vec();
        if let Some(first) = message.first_mut() {
            *first = tag::SET;
        }
        let algorithm = signature_algorithm(signer.signature_algorithm, hash)?;
        verify_message(
            algorithm,
            signed.certificate.spki_der(),
            &message,
            signer.signature,
        )
        .map_err(|error| match error {
            SignatureError::Invalid => Refusal::Wrong(format!(
                "the key of '{}' did not make it",
                signed.certificate.subject()
            )),
            SignatureError::Unsupported(_) => Refusal::Algorithm(error.to_string()),
        })?;
        Ok(signed)
    }

    /// The attribute of a kind, if there is one.
    pub(super) fn attribute(&self, kind: &[u8]) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|one| one.kind == kind)
    }

    /// The content of the one value of an attribute that has to be there.
    pub(super) fn value(&self, kind: &[u8], tag: u8) -> Result<&'a [u8], Refusal> {
        let attribute = self.attribute(kind).ok_or_else(|| {
            Refusal::Wrong(format!("its signed attributes lack {}", dotted(kind)))
        })?;
        let value = attribute
            .value()
            .and_then(|value| Tlv::parse_all(value.whole, tag))
            .map_err(|error| {
                Refusal::Wrong(format!("its signed attribute {}: {error}", dotted(kind)))
            })?;
        Ok(value.content)
    }
}

/// The certificate that a signer names, by the very bytes of issuer and serial number.
fn find(signer: &SignerInfo<'_>, bag: &[Arc<Certificate>]) -> Result<Arc<Certificate>, Refusal> {
    let mut named = bag.iter().filter(|certificate| {
        certificate.issuer().raw() == signer.issuer && certificate.serial() == signer.serial
    });
    match (named.next(), named.next()) {
        (Some(certificate), None) => Ok(Arc::clone(certificate)),
        (None, _) => Err(Refusal::wrong("the certificate that it names is not in it")),
        (Some(_), Some(_)) => Err(Refusal::wrong(
            "two certificates in it could be the signer's",
        )),
    }
}

/// Reads the AlgorithmIdentifier of a digest, one that is good enough to prove anything.
pub(super) fn digest_algorithm(der: &[u8]) -> Result<Hash, Refusal> {
    // id-sha256 is 2.16.840.1.101.3.4.2.1 (RFC 5754 2.2), the others follow it.
    const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
    const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
    let (oid, parameters) = algorithm_identifier(der)
        .ok_or_else(|| Refusal::wrong("its digest algorithm cannot be read"))?;
    if !matches!(parameters, [] | [0x05, 0x00]) {
        return Err(Refusal::wrong("its digest algorithm has parameters"));
    }
    match oid.strip_prefix(SHA2) {
        Some([1]) => return Ok(Hash::Sha256),
        Some([2]) => return Ok(Hash::Sha384),
        Some([3]) => return Ok(Hash::Sha512),
        _ => {}
    }
    let name = match oid {
        SHA1 => "SHA-1".to_owned(),
        MD5 => "MD5".to_owned(),
        _ => dotted(oid),
    };
    Err(Refusal::Algorithm(format!(
        "its digest is {name}; nothing weaker than SHA-256 is accepted"
    )))
}

/// The signature algorithm, whose hash has to be the one that digested the attributes.
fn signature_algorithm(der: &[u8], hash: Hash) -> Result<Algorithm, Refusal> {
    if let Some((RSA_ENCRYPTION, [] | [0x05, 0x00])) = algorithm_identifier(der) {
        return Ok(Algorithm::RsaPkcs1(hash));
    }
    let algorithm = Algorithm::read(der).map_err(|error| match error {
        SignatureError::Invalid => Refusal::wrong("its signature algorithm cannot be read"),
        SignatureError::Unsupported(_) => Refusal::Algorithm(error.to_string()),
    })?;
    let (Algorithm::RsaPkcs1(own) | Algorithm::RsaPss(own) | Algorithm::Ecdsa(own)) = algorithm;
    if own == Hash::Sha1 {
        return Err(Refusal::Algorithm(
            "it is made with SHA-1; nothing weaker than SHA-256 is accepted".to_owned(),
        ));
    }
    if own != hash {
        return Err(Refusal::wrong(
            "its signature algorithm and its digest algorithm differ",
        ));
    }
    Ok(algorithm)
}
