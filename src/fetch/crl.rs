//! As much of a CRL as fetching needs: whose it is, when it was issued, and whether a key
//! signed it. What it says of certificates is not read here.

use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use crate::der::{Reader, Time, Tlv, TlvError, decode_base64, is_pem, pem_blocks, tag};
use crate::ek::{Certificate, Name};
use crate::finding::{Code, Error};
use crate::hash::{Sha256Digest, sha256};
use crate::trust::{SignatureAlgorithm, SignatureHash, verify_message};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A complete CRL (RFC 5280 5.1), kept as received. Nothing in it is true before its
/// signature was verified.
#[derive(Clone, Debug)]
pub struct Crl {
    der: Vec<u8>,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    number: Option<Vec<u8>>,
    scope: Option<Vec<u8>>,
    signed: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
}

impl Crl {
    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes as received.
    pub fn sha256(&self) -> Sha256Digest {
        sha256(&self.der)
    }

    /// Who issued it, by its own word.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was issued.
    pub fn this_update(&self) -> Time {
        self.this_update
    }

    /// By when there is to be a newer one.
    pub fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// Its number (RFC 5280 5.2.3): the octets of the INTEGER, without leading zeros.
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// What it speaks of, where that is not all certificates of its issuer (RFC 5280
    /// 5.2.5): the octets of the extension.
    pub(super) fn scope(&self) -> Option<&[u8]> {
        self.scope.as_deref()
    }
}

/// Whether the key of `issuer` made the signature on the CRL.
pub(super) fn is_signed_by(crl: &Crl, issuer: &Certificate) -> bool {
    crl.algorithm.is_some_and(|algorithm| {
        verify_message(algorithm, issuer.spki_der(), &crl.signed, &crl.signature).is_ok()
    })
}

/// Reads every CRL of a reply: one in DER, or any number in PEM.
///
/// # Errors
/// One that cannot be read, or there is none.
pub(super) fn read_crls(bytes: &[u8]) -> Result<Vec<Crl>, Error> {
    let malformed = |what: String| {
        Error::malformed(
            Code::CrlRefused,
            what,
            "fetch the URL by hand and see what the server says",
        )
    };
    let read_one = |der: &[u8]| {
        read(der).map_err(|error| malformed(format!("the CRL cannot be read: {error}")))
    };
    let text = match bytes.first() {
        Some(&tag::SEQUENCE) | None => None,
        Some(_) => std::str::from_utf8(bytes).ok().filter(|text| is_pem(text)),
    };
    let Some(text) = text else {
        return Ok(vec![read_one(bytes)?]);
    };
    let mut crls = Vec::new();
    for block in pem_blocks(text) {
        let block = block.map_err(|_| malformed("a PEM block has no end".to_owned()))?;
        if matches!(block.label, "X509 CRL" | "CRL") {
            let der = decode_base64(block.body)
                .map_err(|error| malformed(format!("a PEM block is not base64: {error}")))?;
            crls.push(read_one(&der)?);
        }
    }
    if crls.is_empty() {
        return Err(malformed("no PEM block in it is a CRL".to_owned()));
    }
    Ok(crls)
}

fn read(bytes: &[u8]) -> Result<Crl, TlvError> {
    let mut outer = Tlv::parse_all(bytes, tag::SEQUENCE)?.reader();
    let signed = outer.expect(tag::SEQUENCE)?;
    let algorithm = outer.expect(tag::SEQUENCE)?;
    let signature = outer.expect(tag::BIT_STRING)?;
    outer.finish()?;
    let Some((0, signature)) = signature.content.split_first() else {
        return Err(TlvError::BadLength);
    };
    let mut fields = signed.reader();
    fields.optional(tag::INTEGER)?;
    let inner_algorithm = fields.expect(tag::SEQUENCE)?;
    let issuer = Name::from_der(fields.expect(tag::SEQUENCE)?.whole)?;
    let this_update = time_of(fields.any()?)?;
    let next_update = match fields.peek() {
        Some(UTC_TIME | GENERALIZED_TIME) => Some(time_of(fields.any()?)?),
        _ => None,
    };
    fields.optional(tag::SEQUENCE)?;
    let mut crl = Crl {
        der: bytes.to_vec(),
        issuer,
        this_update,
        next_update,
        number: None,
        scope: None,
        signed: signed.whole.to_vec(),
        algorithm: (inner_algorithm.whole == algorithm.whole)
            .then(|| algorithm_of(algorithm))
            .flatten(),
        signature: signature.to_vec(),
    };
    if let Some(extensions) = fields.optional(0xa0)? {
        crl.read_extensions(Tlv::parse_all(extensions.content, tag::SEQUENCE)?.reader())?;
    }
    fields.finish()?;
    Ok(crl)
}

impl Crl {
    fn read_extensions(&mut self, mut list: Reader<'_>) -> Result<(), TlvError> {
        while !list.is_empty() {
            let mut fields = list.expect(tag::SEQUENCE)?.reader();
            let oid = fields.expect(tag::OID)?.content;
            fields.optional(tag::BOOLEAN)?;
            let value = fields.expect(tag::OCTET_STRING)?.content;
            match oid {
                [0x55, 0x1d, 20] => {
                    let number = Tlv::parse_all(value, tag::INTEGER)?.content;
                    let start = number.iter().take_while(|octet| **octet == 0).count();
                    self.number = Some(number.get(start..).unwrap_or_default().to_vec());
                }
                // A delta CRL is no complete one.
                [0x55, 0x1d, 27] => return Err(TlvError::BadTag),
                [0x55, 0x1d, 28] => self.scope = Some(value.to_vec()),
                _ => {}
            }
        }
        Ok(())
    }
}

fn time_of(tlv: Tlv<'_>) -> Result<Time, TlvError> {
    let (_, time) = ASN1Time::from_der(tlv.whole).map_err(|_| TlvError::BadLength)?;
    Ok(Time::from_unix(time.timestamp()))
}

/// The algorithms of RFC 4055 and RFC 5758 that CAs of TPM vendors sign CRLs with.
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
