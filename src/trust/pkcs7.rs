//! PKCS#7 and CMS SignedData (RFC 2315 section 9, RFC 5652 section 5), in DER: the frame
//! alone, over the bytes received. Nothing is verified here.

use std::fmt;

use crate::der::{Reader, Tlv, TlvError, tag};

/// The OIDs of content and attribute types, as content octets.
pub(super) mod oid {
    /// data, 1.2.840.113549.1.7.1
    pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    /// signedData, 1.2.840.113549.1.7.2
    pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
}

/// The most certificates, attributes or signers that are read of one structure. All of
/// Microsoft's package has 2,189 certificates; what is counted here is kept apart, and
/// takes more memory than it takes bytes.
const MAX_ELEMENTS: usize = 20_000;

/// Where the structure breaks, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    place: &'static str,
    trouble: Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Tlv(TlvError),
    /// There is another value than the one there has to be.
    OtherValue,
    TooMany,
}

/// SignedData within its ContentInfo.
#[derive(Clone, Debug)]
pub(super) struct SignedData<'a> {
    /// The content octets of the version.
    pub(super) version: &'a [u8],
    /// The AlgorithmIdentifiers that are said to be used for digests.
    pub(super) digest_algorithms: Vec<&'a [u8]>,
    /// The OID of what is signed.
    pub(super) content_type: &'a [u8],
    /// What is signed: the one element within its explicit tag.
    pub(super) content: Option<Tlv<'a>>,
    /// The certificates that came with it; other kinds than X.509 have other tags.
    pub(super) certificates: Vec<Tlv<'a>>,
    /// Whether CRLs came with it.
    pub(super) has_crls: bool,
    /// Who signed, each a SignerInfo: none in a bundle of certificates.
    pub(super) signers: Vec<Tlv<'a>>,
}

/// One signer of a SignedData, or a countersigner. The signer is named by issuer and
/// serial number.
#[derive(Clone, Debug)]
pub(super) struct SignerInfo<'a> {
    /// The issuer's name, whole.
    pub(super) issuer: &'a [u8],
    /// The content octets of the serial number.
    pub(super) serial: &'a [u8],
    /// The AlgorithmIdentifier of the digest.
    pub(super) digest_algorithm: &'a [u8],
    /// The signed attributes, with their implicit tag.
    pub(super) signed: Option<Tlv<'a>>,
    /// The AlgorithmIdentifier of the signature.
    pub(super) signature_algorithm: &'a [u8],
    /// The octets of the signature.
    pub(super) signature: &'a [u8],
    /// Attributes that nobody signed.
    pub(super) unsigned: Vec<Attribute<'a>>,
}

/// An attribute with its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// The content octets of its type.
    pub(super) kind: &'a [u8],
    values: Tlv<'a>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo that holds a SignedData and fills `bytes` exactly.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let whole = Tlv::parse_all(bytes, tag::SEQUENCE).map_err(at("ContentInfo"))?;
        Self::of(whole)
    }

    /// Reads a ContentInfo that holds a SignedData from the start of `bytes`, and gives
    /// what follows it.
    pub(super) fn read_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Broken> {
        let mut reader = Reader::new(bytes);
        let whole = reader.expect(tag::SEQUENCE).map_err(at("ContentInfo"))?;
        Ok((Self::of(whole)?, reader.rest()))
    }

    fn of(content_info: Tlv<'a>) -> Result<Self, Broken> {
        let mut info = content_info.reader();
        let kind = info.expect(tag::OID).map_err(at("contentType"))?.content;
        if kind != oid::SIGNED_DATA {
            return Err(other_value("contentType"));
        }
        let explicit = info.expect(0xa0).map_err(at("content"))?;
        info.finish().map_err(at("ContentInfo"))?;
        let mut fields = Tlv::parse_all(explicit.content, tag::SEQUENCE)
            .map_err(at("SignedData"))?
            .reader();

        let version = fields.expect(tag::INTEGER).map_err(at("version"))?.content;
        let digest_algorithms = fields.expect(tag::SET).map_err(at("digestAlgorithms"))?;
        let digest_algorithms = elements(digest_algorithms, "digestAlgorithms")?
            .into_iter()
            .map(|algorithm| algorithm.whole)
            .collect();
        let mut encapsulated = fields
            .expect(tag::SEQUENCE)
            .map_err(at("encapContentInfo"))?
            .reader();
        let content_type = encapsulated
            .expect(tag::OID)
            .map_err(at("eContentType"))?
            .content;
        let content = match encapsulated.optional(0xa0).map_err(at("eContent"))? {
            Some(explicit) => {
                let mut inner = explicit.reader();
                let content = inner.any().map_err(at("eContent"))?;
                inner.finish().map_err(at("eContent"))?;
                Some(content)
            }
            None => None,
        };
        encapsulated.finish().map_err(at("encapContentInfo"))?;
        let certificates = match fields.optional(0xa0).map_err(at("certificates"))? {
            Some(set) => elements(set, "certificates")?,
            None => Vec::new(),
        };
        let has_crls = fields.optional(0xa1).map_err(at("crls"))?.is_some();
        let signers = fields.expect(tag::SET).map_err(at("signerInfos"))?;
        let signers = elements(signers, "signerInfos")?;
        fields.finish().map_err(at("SignedData"))?;
        Ok(Self {
            version,
            digest_algorithms,
            content_type,
            content,
            certificates,
            has_crls,
            signers,
        })
    }
}

impl<'a> SignerInfo<'a> {
    /// Reads a SignerInfo (RFC 5652 5.3) of version 1.
    pub(super) fn read(whole: Tlv<'a>) -> Result<Self, Broken> {
        let mut fields = Tlv::parse_all(whole.whole, tag::SEQUENCE)
            .map_err(at("SignerInfo"))?
            .reader();
        let version = fields
            .expect(tag::INTEGER)
            .map_err(at("SignerInfo/version"))?;
        if version.content != [1] {
            return Err(other_value("SignerInfo/version"));
        }
        let mut signer = fields
            .expect(tag::SEQUENCE)
            .map_err(at("issuerAndSerialNumber"))?
            .reader();
        let issuer = signer.expect(tag::SEQUENCE).map_err(at("issuer"))?.whole;
        let serial = signer
            .expect(tag::INTEGER)
            .map_err(at("serialNumber"))?
            .content;
        signer.finish().map_err(at("issuerAndSerialNumber"))?;
        let digest_algorithm = fields
            .expect(tag::SEQUENCE)
            .map_err(at("digestAlgorithm"))?
            .whole;
        let signed = fields.optional(0xa0).map_err(at("signedAttrs"))?;
        let signature_algorithm = fields
            .expect(tag::SEQUENCE)
            .map_err(at("signatureAlgorithm"))?
            .whole;
        let signature = fields
            .expect(tag::OCTET_STRING)
            .map_err(at("signature"))?
            .content;
        let unsigned = match fields.optional(0xa1).map_err(at("unsignedAttrs"))? {
            Some(set) => attributes(set, "unsignedAttrs")?,
            None => Vec::new(),
        };
        fields.finish().map_err(at("SignerInfo"))?;
        Ok(Self {
            issuer,
            serial,
            digest_algorithm,
            signed,
            signature_algorithm,
            signature,
            unsigned,
        })
    }
}

impl<'a> Attribute<'a> {
    /// The value, of an attribute that has exactly one.
    pub(super) fn value(&self) -> Result<Tlv<'a>, TlvError> {
        let mut values = self.values.reader();
        let value = values.any()?;
        values.finish()?;
        Ok(value)
    }
}

/// The attributes of a SET of them, whatever its tag is here.
pub(super) fn attributes<'a>(
    set: Tlv<'a>,
    place: &'static str,
) -> Result<Vec<Attribute<'a>>, Broken> {
    elements(set, place)?
        .into_iter()
        .map(|attribute| {
            let mut fields = Tlv::parse_all(attribute.whole, tag::SEQUENCE)?.reader();
            let kind = fields.expect(tag::OID)?.content;
            let values = fields.expect(tag::SET)?;
            fields.finish()?;
            Ok(Attribute { kind, values })
        })
        .collect::<Result<_, _>>()
        .map_err(at(place))
}

fn elements<'a>(set: Tlv<'a>, place: &'static str) -> Result<Vec<Tlv<'a>>, Broken> {
    let mut reader = set.reader();
    let mut elements = Vec::new();
    while !reader.is_empty() {
        if elements.len() >= MAX_ELEMENTS {
            return Err(Broken {
                place,
                trouble: Trouble::TooMany,
            });
        }
        elements.push(reader.any().map_err(at(place))?);
    }
    Ok(elements)
}

fn at(place: &'static str) -> impl Fn(TlvError) -> Broken {
    move |error| Broken {
        place,
        trouble: Trouble::Tlv(error),
    }
}

fn other_value(place: &'static str) -> Broken {
    Broken {
        place,
        trouble: Trouble::OtherValue,
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place;
        match self.trouble {
            Trouble::Tlv(error) => write!(f, "{error} ({place})"),
            Trouble::OtherValue => write!(f, "another value than is read here ({place})"),
            Trouble::TooMany => write!(f, "more than {MAX_ELEMENTS} elements ({place})"),
        }
    }
}
