//! What a piece of an input is: an EKcert, an EKpub, or neither.

use base64::Engine as _;

use super::pem;
use crate::der::{BASE64, Reader, is_pem, tag};
use crate::ek::{Certificate, EkPub, Encoding, unwrap_nv};
use crate::finding::{Code, Error, Finding};
use crate::hash::from_hex;

/// The shortest encoding of an EKpub in octets: a `BCRYPT_ECCKEY_BLOB` of a P-256
/// key. Whatever is shorter, such as a MAC address, is no EK material.
pub(super) const MIN_MATERIAL_LEN: usize = 72;

/// An EKcert or an EKpub.
#[derive(Debug)]
pub(super) enum Material {
    EkPub(EkPub, Encoding),
    /// The certificate, and what surrounded it.
    EkCert(Box<Certificate>, Vec<Finding>),
}

/// What is known of a text.
#[derive(Debug)]
pub(super) enum Classified {
    /// EK material. More than one piece only from PEM.
    Found(Vec<Material>),
    /// Base64 or hex of something else.
    OtherData,
    /// Neither base64 nor hex; why not.
    NoData(String),
}

/// Classifies bytes: `None` if they start as no EK material at all, an error if
/// they do and then break.
pub(super) fn bytes(bytes: &[u8]) -> Result<Option<Material>, Error> {
    if let Some((key, encoding)) = EkPub::recognise(bytes)? {
        return Ok(Some(Material::EkPub(key, encoding)));
    }
    if !starts_as_certificate(bytes) {
        return Ok(None);
    }
    let unwrapped = unwrap_nv(bytes).ok_or_else(|| not_unwrapped(bytes))?;
    let certificate = Certificate::from_der(unwrapped.der)?;
    Ok(Some(Material::EkCert(
        Box::new(certificate),
        unwrapped.findings,
    )))
}

/// Classifies text: PEM, hex or base64, white space anywhere.
pub(super) fn text(text: &str) -> Result<Classified, Error> {
    if is_pem(text) {
        return pem::materials(text).map(Classified::Found);
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let base64 = BASE64.decode(&compact);
    let hex = from_hex(&compact);
    // No EK material is hex and base64 at once: its first octets rule that out.
    for candidate in [hex.as_ref(), base64.as_ref().ok()].into_iter().flatten() {
        if let Some(material) = bytes(candidate)? {
            return Ok(Classified::Found(vec![material]));
        }
    }
    Ok(match (base64, hex) {
        (Err(error), None) => Classified::NoData(error.to_string()),
        _ => Classified::OtherData,
    })
}

/// The octets that a text is hex or base64 of, white space anywhere. What is both is
/// taken as hex.
pub(super) fn octets_of_text(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    from_hex(&compact).or_else(|| BASE64.decode(&compact).ok())
}

/// Base64 as it is written: one line, padded.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Whether `bytes` start as a certificate, wrapped or not, complete or not: a
/// SEQUENCE in a SEQUENCE, and in that the version or the serial number.
fn starts_as_certificate(bytes: &[u8]) -> bool {
    const TCG_HEADER: [u8; 3] = [0x10, 0x01, 0x00];
    if bytes.starts_with(&TCG_HEADER) {
        return true;
    }
    let Some((outer, content)) = split_long(bytes) else {
        return false;
    };
    match outer {
        tag::OCTET_STRING => content.first() == Some(&tag::SEQUENCE),
        tag::SEQUENCE => match split_long(content) {
            Some((tag::SEQUENCE, tbs)) => {
                const EXPLICIT_VERSION: u8 = 0xa0;
                matches!(tbs.first(), None | Some(&EXPLICIT_VERSION | &tag::INTEGER))
            }
            _ => false,
        },
        _ => false,
    }
}

/// The identifier octet and what follows the length octets, for a length in long
/// form, as every certificate and its TBSCertificate have.
fn split_long(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let header = match bytes.get(1)? {
        0x81 => 3,
        0x82 => 4,
        0x83 => 5,
        _ => return None,
    };
    let (head, rest) = bytes.split_at_checked(header)?;
    Some((*head.first()?, rest))
}

/// Why a certificate could not be taken out of its wrapping.
fn not_unwrapped(bytes: &[u8]) -> Error {
    let (what, place) = match Reader::new(bytes).any() {
        Ok(element) if element.tag == tag::SEQUENCE => (
            "is followed by octets that are neither padding nor part of it",
            element.whole.len(),
        ),
        Ok(_) => ("is not whole in its TCG header or OCTET STRING", 0),
        Err(_) => ("is cut short", bytes.len()),
    };
    Error::malformed(
        Code::EkcertMalformed,
        format!("the certificate {what}"),
        "read the certificate from the TPM again; bytes may have been lost when it was copied or \
         cut out",
    )
    .at(format!("byte {place}"))
}
