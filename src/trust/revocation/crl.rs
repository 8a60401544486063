use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::entries::{Entries, Listing};
use super::scope::IssuingDistributionPoint;
use super::{MAX_CRL_ENTRIES, MAX_CRL_ISSUERS, MAX_CRL_LEN};
use crate::der::{Reader, SignedFrame, Time, Tlv, TlvError, subrange, tag};
use crate::ek::{AuthorityKeyIdentifier, Certificate, Name, authority_key_id};
use crate::finding::{Code, Error};
use crate::hash::{Sha256Digest, hex, sha256};

pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;

/// A complete CRL (RFC 5280 5.1), kept as received. Nothing in it is true before its
/// signature was verified.
#[derive(Clone)]
pub struct Crl {
    der: Box<[u8]>,
    tbs: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    algorithms_agree: bool,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    extensions: Extensions,
    entries: Entries,
    sha256: Sha256Digest,
}

/// What the extensions of a CRL say (RFC 5280 5.2).
#[derive(Clone, Debug, Default)]
struct Extensions {
    number: Option<Vec<u8>>,
    authority_key_id: Option<AuthorityKeyIdentifier>,
    scope: Option<IssuingDistributionPoint>,
    names_delta: bool,
    is_delta: bool,
    unknown_critical: Option<String>,
}

/// Why a CRL cannot be read: the place, and what is wrong there.
pub(super) enum Trouble {
    Der(&'static str, TlvError),
    Delta,
    TooLarge(String),
}

impl Crl {
    /// Reads one CRL that fills `bytes` exactly.
    ///
    /// # Errors
    /// `crl-malformed`, with the place where it breaks; `crl-delta-unsupported`;
    /// `input-too-large` above [`MAX_CRL_LEN`], [`MAX_CRL_ENTRIES`] or
    /// [`MAX_CRL_ISSUERS`].
    pub fn from_der(bytes: impl Into<Box<[u8]>>) -> Result<Self, Error> {
        read(bytes.into()).map_err(|trouble| match trouble {
            Trouble::Der(place, error) => {
                malformed(&format!("the CRL cannot be read: {error}")).at(place)
            }
            Trouble::Delta => Error {
                fault: crate::finding::Fault::Unsupported,
                ..Error::malformed(
                    Code::CrlDeltaUnsupported,
                    "this is a delta CRL, which tells only what changed since another CRL",
                    "give the complete CRL of the same issuer, which says everything that a delta says",
                )
            },
            Trouble::TooLarge(what) => Error::malformed(
                Code::InputTooLarge,
                what,
                "check what the file is; a CRL this large is not read, so that nobody can exhaust memory \
                 with one",
            ),
        })
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes as received.
    pub fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    /// Who issued it, by its own word.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was issued.
    pub fn this_update(&self) -> Time {
        self.this_update
    }

    /// By when there is to be a newer one. RFC 5280 5.1.2.5 demands it.
    pub fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// Its number (RFC 5280 5.2.3): the octets of the INTEGER, without leading zeros.
    pub fn number(&self) -> Option<&[u8]> {
        self.extensions.number.as_deref()
    }

    /// Its number in hex.
    pub fn number_in_words(&self) -> Option<String> {
        self.number().map(hex)
    }

    /// The key that signed it, as it names it: a hint.
    pub fn authority_key_id(&self) -> Option<&AuthorityKeyIdentifier> {
        self.extensions.authority_key_id.as_ref()
    }

    /// What it speaks of, where that is not all certificates of its issuer.
    pub fn scope(&self) -> Option<&IssuingDistributionPoint> {
        self.extensions.scope.as_ref()
    }

    /// Whether it has entries about certificates of other issuers.
    pub fn is_indirect(&self) -> bool {
        self.scope().is_some_and(|scope| scope.indirect)
    }

    /// Whether it says where delta CRLs to it are (freshestCRL, RFC 5280 5.2.6). Those
    /// are not read.
    pub fn names_delta(&self) -> bool {
        self.extensions.names_delta
    }

    /// How many entries it has.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// Why it must not be used, whoever signed it: a critical extension, of it or of an
    /// entry, that is not understood (RFC 5280 5.2, 5.3).
    pub fn unusable(&self) -> Option<&str> {
        self.extensions
            .unknown_critical
            .as_deref()
            .or_else(|| self.entries.unusable())
    }

    /// What it says of this certificate: its entry for serial number and issuer, if it
    /// has one. That means nothing unless the CRL is verified and speaks of such
    /// certificates.
    pub fn find(&self, certificate: &Certificate) -> Option<Listing> {
        self.entries
            .find(&self.der, certificate.serial(), certificate.issuer().key())
    }

    /// Whether everything that `other` revokes for good is revoked here too.
    pub(super) fn keeps_revocations_of(&self, other: &Self) -> bool {
        self.entries.keep(&self.der, &other.entries, &other.der)
    }

    pub(super) fn tbs_der(&self) -> &[u8] {
        self.part(&self.tbs)
    }

    pub(super) fn signature_algorithm_der(&self) -> &[u8] {
        self.part(&self.signature_algorithm)
    }

    pub(super) fn signature_algorithms_agree(&self) -> bool {
        self.algorithms_agree
    }

    pub(super) fn signature(&self) -> &[u8] {
        self.part(&self.signature)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        // The ranges were made from this very slice.
        self.der.get(range.clone()).unwrap_or_default()
    }
}

/// What every failure to read one has in common.
pub(super) fn malformed(what: &str) -> Error {
    Error::malformed(
        Code::CrlMalformed,
        what,
        "check that the file is a CRL (X.509 version 1 or 2) and was copied whole; get it again from \
         its issuer",
    )
}

fn read(der: Box<[u8]>) -> Result<Crl, Trouble> {
    if der.len() > MAX_CRL_LEN {
        return Err(Trouble::TooLarge(format!(
            "a CRL of {} bytes; at most {MAX_CRL_LEN} are read",
            der.len()
        )));
    }
    let at = |place: &'static str| move |error: TlvError| Trouble::Der(place, error);
    let bytes: &[u8] = &der;
    let SignedFrame {
        tbs,
        algorithm: signature_algorithm,
        signature,
    } = SignedFrame::read(bytes, "CertificateList", "tbsCertList")
        .map_err(|(place, error)| Trouble::Der(place, error))?;

    let mut fields = tbs.reader();
    fields.optional(tag::INTEGER).map_err(at("version"))?;
    let inner_algorithm = fields.expect(tag::SEQUENCE).map_err(at("signature"))?;
    let issuer = fields.expect(tag::SEQUENCE).map_err(at("issuer"))?;
    let issuer = Name::from_der(issuer.whole).map_err(at("issuer"))?;
    let this_update = fields.any().and_then(time_of).map_err(at("thisUpdate"))?;
    let next_update = match fields.peek() {
        Some(UTC_TIME | GENERALIZED_TIME) => {
            Some(fields.any().and_then(time_of).map_err(at("nextUpdate"))?)
        }
        _ => None,
    };
    let revoked = fields
        .optional(tag::SEQUENCE)
        .map_err(at("revokedCertificates"))?;
    let extensions = match fields.optional(0xa0).map_err(at("crlExtensions"))? {
        Some(explicit) => {
            let list =
                Tlv::parse_all(explicit.content, tag::SEQUENCE).map_err(at("crlExtensions"))?;
            extensions(list.reader()).map_err(at("crlExtensions"))?
        }
        None => Extensions::default(),
    };
    fields.finish().map_err(at("tbsCertList"))?;
    if extensions.is_delta {
        return Err(Trouble::Delta);
    }
    let is_indirect = extensions
        .scope
        .as_ref()
        .is_some_and(|scope| scope.indirect);
    let entries = Entries::read(bytes, revoked, &issuer, is_indirect)?;

    // Every part is a slice of `bytes`, so none of these can fail.
    let range = |part: &[u8]| {
        subrange(bytes, part).ok_or(Trouble::Der("CertificateList", TlvError::Truncated))
    };
    Ok(Crl {
        tbs: range(tbs.whole)?,
        signature_algorithm: range(signature_algorithm.whole)?,
        signature: range(signature)?,
        algorithms_agree: inner_algorithm.whole == signature_algorithm.whole,
        issuer,
        this_update,
        next_update,
        extensions,
        entries,
        sha256: sha256(bytes),
        der,
    })
}

/// UTCTime or GeneralizedTime, in whatever years: some write the one where RFC 5280
/// 5.1.2.4 wants the other.
pub(super) fn time_of(tlv: Tlv<'_>) -> Result<Time, TlvError> {
    let (_, time) = ASN1Time::from_der(tlv.whole).map_err(|_| TlvError::BadLength)?;
    Ok(Time::from_unix(time.timestamp()))
}

fn extensions(mut list: Reader<'_>) -> Result<Extensions, TlvError> {
    let mut extensions = Extensions::default();
    // There may be millions, for nobody vouches for what is read here.
    let mut seen: HashSet<&[u8]> = HashSet::new();
    while !list.is_empty() {
        let extension = Extension::read(&mut list)?;
        // A second one could say the opposite of the first.
        if !seen.insert(extension.oid) {
            return Err(TlvError::TrailingData);
        }
        let value = extension.value;
        match extension.oid {
            // id-ce, 2.5.29
            [0x55, 0x1d, 20] => extensions.number = Some(number(value)?),
            [0x55, 0x1d, 27] => extensions.is_delta = true,
            [0x55, 0x1d, 28] => extensions.scope = Some(IssuingDistributionPoint::read(value)?),
            // A hint, so one that cannot be read does not matter.
            [0x55, 0x1d, 35] => extensions.authority_key_id = authority_key_id(value).ok(),
            [0x55, 0x1d, 46] => extensions.names_delta = true,
            // issuerAltName says nothing that is used here.
            [0x55, 0x1d, 18] => {}
            oid if extension.critical => {
                extensions.unknown_critical.get_or_insert_with(|| {
                    format!(
                        "it has a critical extension that is not understood: {}",
                        dotted(oid)
                    )
                });
            }
            _ => {}
        }
    }
    Ok(extensions)
}

/// An extension of a CRL or of an entry.
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

impl<'a> Extension<'a> {
    pub(super) fn read(list: &mut Reader<'a>) -> Result<Self, TlvError> {
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let oid = fields.expect(tag::OID)?.content;
        // Anything but zero counts as TRUE: more is refused then, not less.
        let critical = fields
            .optional(tag::BOOLEAN)?
            .is_some_and(|flag| flag.content != [0]);
        let value = fields.expect(tag::OCTET_STRING)?.content;
        fields.finish()?;
        Ok(Self {
            oid,
            critical,
            value,
        })
    }
}

fn number(value: &[u8]) -> Result<Vec<u8>, TlvError> {
    let content = Tlv::parse_all(value, tag::INTEGER)?.content;
    let start = content.iter().position(|&octet| octet != 0);
    Ok(start
        .and_then(|start| content.get(start..))
        .unwrap_or(&[0])
        .to_vec())
}

pub(super) fn dotted(oid: &[u8]) -> String {
    match ::der::oid::ObjectIdentifier::from_bytes(oid) {
        Ok(oid) => oid.to_string(),
        Err(_) => format!("an OID that is not one ({})", hex(oid)),
    }
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({})", self.sha256)
    }
}

impl Trouble {
    pub(super) fn too_many(what: &str, limit: usize) -> Self {
        debug_assert!(limit == MAX_CRL_ENTRIES || limit == MAX_CRL_ISSUERS);
        Self::TooLarge(format!("a CRL with more than {limit} {what}"))
    }
}
