//! The `Blob` of a certificate in the registry: its properties one after the other, of
//! which one is the certificate itself ([MS-GPEF] 2.2.1.1.1.1).

use super::super::classify::Material;
use super::super::gather::{add, within};
use super::super::model::{Identifier, Kind};
use super::{digest_mismatch, done};
use crate::ek::Certificate;
use crate::finding::{Code, Error};

/// The property that holds the certificate (`CERT_CERT_PROP_ID`).
const CERTIFICATE: u32 = 32;

/// The property that holds its SHA-1 digest (`CERT_SHA1_HASH_PROP_ID`).
const SHA1_HASH: u32 = 3;

/// The only encoding type: X.509 in ASN.1.
const X509_ASN: u32 = 1;

/// Whether `bytes` start as a blob: the number of a property, which is below 65,536,
/// and the encoding type. No other input that is read has zeros and a one there: text
/// would have U+0000 or U+0001 in it, a TPM public area no hash algorithm, and DER a
/// length that is none.
pub(in crate::identifier) fn starts_as_blob(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, 0, 0, 1, 0, 0, 0, ..])
}

/// Reads a blob by itself.
pub(in crate::identifier) fn read(bytes: &[u8]) -> Result<Identifier, Error> {
    let certificate = Material::EkCert(Box::new(certificate(bytes)?), Vec::new());
    let mut identifier = Identifier::empty(Kind::CertificateBlob);
    add(&mut identifier, certificate, "property 32")?;
    done(identifier)
}

/// The certificate in a blob, which must be the one that the blob's digest names.
pub(super) fn certificate(bytes: &[u8]) -> Result<Certificate, Error> {
    let mut der: Option<(&[u8], usize)> = None;
    let mut digests = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let offset = bytes.len().saturating_sub(rest.len());
        let property = Property::first(rest, offset)?;
        match (property.id, der) {
            (CERTIFICATE, Some((before, _))) if before != property.value => {
                return Err(malformed(
                    "the blob holds two different certificates",
                    offset,
                ));
            }
            (CERTIFICATE, _) => der = Some((property.value, offset)),
            (SHA1_HASH, _) => digests.push((property.value, offset)),
            _ => {}
        }
        rest = property.rest;
    }
    let (der, offset) = der.ok_or_else(|| {
        let what = "the blob has no property 32, the certificate";
        malformed(what, bytes.len())
    })?;
    let place = format!("property 32 at byte {offset}");
    let certificate = Certificate::from_der(der).map_err(|error| within(error, &place))?;
    let thumbprint = certificate.thumbprint_sha1();
    for (digest, offset) in digests {
        if digest != thumbprint.0 {
            return Err(digest_mismatch(format!(
                "the blob's SHA-1 digest is not that of its certificate, {thumbprint}"
            ))
            .at(format!("byte {offset}")));
        }
    }
    Ok(certificate)
}

/// One property and what follows it.
struct Property<'a> {
    id: u32,
    value: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Property<'a> {
    /// The first property of `bytes`, which stand at `offset` in the blob.
    fn first(bytes: &'a [u8], offset: usize) -> Result<Self, Error> {
        let Some((id, encoding, length, rest)) = head(bytes) else {
            return Err(malformed("the blob ends in the head of a property", offset));
        };
        if encoding != X509_ASN {
            let what = format!("property {id} has encoding type {encoding}, not 1 (X.509)");
            return Err(malformed(&what, offset.saturating_add(4)));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((value, rest)) = rest.split_at_checked(length) else {
            let what = format!(
                "property {id} states a length of {length} bytes, but {} follow",
                rest.len()
            );
            return Err(malformed(&what, offset.saturating_add(8)));
        };
        Ok(Self { id, value, rest })
    }
}

/// Number, encoding type and length of a property, little-endian, and what follows.
pub(crate) fn head(bytes: &[u8]) -> Option<(u32, u32, u32, &[u8])> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let (encoding, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let number = u32::from_le_bytes;
    Some((number(*id), number(*encoding), number(*length), rest))
}

fn malformed(what: &str, offset: usize) -> Error {
    Error::malformed(
        Code::EkcertMalformed,
        what,
        "export the whole value Blob of the certificate's key again; bytes may have been lost when \
         it was copied",
    )
    .at(format!("byte {offset}"))
}
