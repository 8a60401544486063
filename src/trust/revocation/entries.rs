//! The entries of a CRL: checked and indexed once, and read where they lie.
//!
//! A CRL may have hundreds of thousands of entries, so the index has 16 octets for each
//! and nothing is allocated by entry.

use super::crl::{Extension, GENERALIZED_TIME, Trouble, UTC_TIME, dotted, time_of};
use super::{MAX_CRL_ENTRIES, MAX_CRL_ISSUERS};
use crate::der::{Reader, Time, Tlv, TlvError, subrange, tag};
use crate::ek::{Name, NameKey};

/// Why a certificate was revoked (reasonCode, RFC 5280 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of RFC 5280")]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// The only one that may be taken back.
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

/// An entry of a CRL about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// When it was revoked; `None` if the date cannot be read.
    pub revoked_at: Option<Time>,
    /// Why; unspecified if the entry does not say, or not so that it can be read.
    pub reason: Reason,
    /// Since when it may have been bad (invalidityDate, RFC 5280 5.3.2).
    pub invalid_since: Option<Time>,
}

/// The entries of a CRL, which stay in its bytes.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    /// In the order of serial numbers, see [`compare`].
    index: Box<[Indexed]>,
    /// Of whose certificates the entries speak: first the issuer of the CRL, then those
    /// that an indirect CRL names, in order.
    issuers: Vec<NameKey>,
    unusable: Option<String>,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
struct Indexed {
    /// The last eight octets of the serial number; the first are often alike.
    key: u64,
    /// Where the entry begins in the CRL. [`MAX_CRL_LEN`](super::MAX_CRL_LEN) fits.
    offset: u32,
    /// Whose certificate it is about, in [`Entries::issuers`].
    issuer: u32,
}

/// One entry (RFC 5280 5.1.2.6).
struct Entry<'a> {
    serial: &'a [u8],
    date: Tlv<'a>,
    extensions: Option<Tlv<'a>>,
}

/// What its extensions say (RFC 5280 5.3).
#[derive(Default)]
struct EntryExtensions<'a> {
    reason: Option<&'a [u8]>,
    invalid_since: Option<&'a [u8]>,
    certificate_issuer: Option<&'a [u8]>,
    unknown_critical: Option<&'a [u8]>,
}

impl Entries {
    /// Checks and indexes the entries in `list`, a part of the CRL `der`.
    pub(super) fn read(
        der: &[u8],
        list: Option<Tlv<'_>>,
        issuer: &Name,
        is_indirect: bool,
    ) -> Result<Self, Trouble> {
        let at = |error| Trouble::Der("revokedCertificates", error);
        let mut entries = Vec::new();
        let mut issuers = vec![issuer.key().clone()];
        let mut unusable = None;
        let mut current = 0u32;
        let mut list = list.map_or(Reader::new(&[]), |list| list.reader());
        while !list.is_empty() {
            let offset = subrange(der, list.rest())
                .and_then(|rest| u32::try_from(rest.start).ok())
                .ok_or_else(|| at(TlvError::BadLength))?;
            let entry = Entry::read(&mut list).map_err(at)?;
            if let Some(extensions) = entry.extensions {
                let extensions = EntryExtensions::read(extensions).map_err(at)?;
                if let Some(oid) = extensions.unknown_critical {
                    unusable.get_or_insert_with(|| {
                        format!(
                            "an entry has a critical extension that is not understood: {}",
                            dotted(oid)
                        )
                    });
                }
                if let Some(names) = extensions.certificate_issuer {
                    if !is_indirect {
                        unusable.get_or_insert_with(|| {
                            "an entry names the issuer of its certificate, though the CRL is not \
                             indirect"
                                .to_owned()
                        });
                    }
                    // It holds for the entries that follow, up to the next one that says
                    // otherwise (RFC 5280 5.3.3).
                    let name = certificate_issuer(names).map_err(at)?;
                    if issuers.len() > MAX_CRL_ISSUERS {
                        return Err(Trouble::too_many("changes of issuer", MAX_CRL_ISSUERS));
                    }
                    if issuers.last() != Some(name.key()) {
                        issuers.push(name.key().clone());
                    }
                    current = u32::try_from(issuers.len().saturating_sub(1))
                        .map_err(|_| at(TlvError::BadLength))?;
                }
            }
            if entries.len() >= MAX_CRL_ENTRIES {
                return Err(Trouble::too_many("entries", MAX_CRL_ENTRIES));
            }
            entries.push(Indexed {
                key: short_key(serial_value(entry.serial)),
                offset,
                issuer: current,
            });
        }
        entries.sort_unstable_by(|a, b| {
            a.key
                .cmp(&b.key)
                .then_with(|| serial_at(der, *a).cmp(serial_at(der, *b)))
                .then_with(|| a.offset.cmp(&b.offset))
        });
        Ok(Self {
            index: entries.into_boxed_slice(),
            issuers,
            unusable,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn unusable(&self) -> Option<&str> {
        self.unusable.as_deref()
    }

    /// What is said of the certificate with this serial number and issuer. Of several
    /// entries the one counts that cannot be taken back, then the one that can.
    pub(super) fn find(&self, der: &[u8], serial: &[u8], issuer: &NameKey) -> Option<Listing> {
        let serial = serial_value(serial);
        let key = short_key(serial);
        let order = |indexed: &Indexed| {
            indexed
                .key
                .cmp(&key)
                .then_with(|| serial_at(der, *indexed).cmp(serial))
        };
        let start = self.index.partition_point(|indexed| order(indexed).is_lt());
        let mut found: Option<Listing> = None;
        for indexed in self.index.get(start..).unwrap_or_default() {
            if order(indexed).is_ne() {
                break;
            }
            if self.is_about(*indexed, issuer) {
                let listing = listing_at(der, *indexed);
                if found.is_none_or(|found| listing.reason.weight() > found.reason.weight()) {
                    found = Some(listing);
                }
            }
        }
        found
    }

    /// Whether everything that `other` revokes for good is revoked for good here.
    pub(super) fn keep(&self, der: &[u8], other: &Self, other_der: &[u8]) -> bool {
        other.index.iter().all(|&indexed| {
            !listing_at(other_der, indexed).reason.is_for_good()
                || other
                    .issuer_of(indexed)
                    .and_then(|issuer| self.find(der, serial_at(other_der, indexed), issuer))
                    .is_some_and(|listing| listing.reason.is_for_good())
        })
    }

    fn is_about(&self, indexed: Indexed, issuer: &NameKey) -> bool {
        self.issuer_of(indexed) == Some(issuer)
    }

    fn issuer_of(&self, indexed: Indexed) -> Option<&NameKey> {
        self.issuers.get(usize::try_from(indexed.issuer).ok()?)
    }
}

impl<'a> Entry<'a> {
    fn read(list: &mut Reader<'a>) -> Result<Self, TlvError> {
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let serial = fields.expect(tag::INTEGER)?.content;
        if serial.is_empty() {
            return Err(TlvError::BadLength);
        }
        let date = fields.any()?;
        if !matches!(date.tag, UTC_TIME | GENERALIZED_TIME) {
            return Err(TlvError::UnexpectedTag(UTC_TIME, date.tag));
        }
        let extensions = fields.optional(tag::SEQUENCE)?;
        fields.finish()?;
        Ok(Self {
            serial,
            date,
            extensions,
        })
    }
}

impl<'a> EntryExtensions<'a> {
    fn read(list: Tlv<'a>) -> Result<Self, TlvError> {
        let mut list = list.reader();
        let mut extensions = Self::default();
        while !list.is_empty() {
            let extension = Extension::read(&mut list)?;
            let place = match extension.oid {
                // id-ce, 2.5.29
                [0x55, 0x1d, 21] => &mut extensions.reason,
                [0x55, 0x1d, 24] => &mut extensions.invalid_since,
                [0x55, 0x1d, 29] => &mut extensions.certificate_issuer,
                oid if extension.critical => {
                    extensions.unknown_critical.get_or_insert(oid);
                    continue;
                }
                _ => continue,
            };
            if place.is_some() {
                return Err(TlvError::TrailingData);
            }
            *place = Some(extension.value);
        }
        Ok(extensions)
    }
}

impl Reason {
    fn read(value: &[u8]) -> Self {
        let code = Tlv::parse_all(value, tag::ENUMERATED).map(|tlv| tlv.content);
        match code {
            Ok([1]) => Self::KeyCompromise,
            Ok([2]) => Self::CaCompromise,
            Ok([3]) => Self::AffiliationChanged,
            Ok([4]) => Self::Superseded,
            Ok([5]) => Self::CessationOfOperation,
            Ok([6]) => Self::CertificateHold,
            Ok([8]) => Self::RemoveFromCrl,
            Ok([9]) => Self::PrivilegeWithdrawn,
            Ok([10]) => Self::AaCompromise,
            // A reason that is not understood is no reason to overlook the entry.
            _ => Self::Unspecified,
        }
    }

    /// As RFC 5280 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// Whether it is never taken back (RFC 5280 5.3.1).
    pub(super) fn is_for_good(self) -> bool {
        self.weight() == Self::Unspecified.weight()
    }

    /// Nothing, for an entry that takes a hold back; a hold; a revocation for good.
    fn weight(self) -> u8 {
        match self {
            Self::RemoveFromCrl => 0,
            Self::CertificateHold => 1,
            _ => 2,
        }
    }
}

/// The name in certificateIssuer: exactly one directory name, or it is not known whose
/// certificate an entry is about.
fn certificate_issuer(value: &[u8]) -> Result<Name, TlvError> {
    let mut names = Tlv::parse_all(value, tag::SEQUENCE)?.reader();
    let mut found = None;
    while !names.is_empty() {
        let name = names.any()?;
        if name.tag == 0xa4 {
            if found.is_some() {
                return Err(TlvError::TrailingData);
            }
            found = Some(Name::from_der(name.content)?);
        }
    }
    found.ok_or(TlvError::Truncated)
}

/// A serial number in a form in which equal values are equal: without the octets that DER
/// leaves out, and that six of ST's intermediates have. The zero before a high bit is not
/// one of them: 255 is another number than -1.
fn serial_value(mut serial: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = serial
        && let Some(&next) = rest.first()
        && ((*first == 0 && next < 0x80) || (*first == 0xff && next >= 0x80))
    {
        serial = rest;
    }
    serial
}

fn short_key(serial: &[u8]) -> u64 {
    serial
        .iter()
        .fold(0u64, |key, &octet| (key << 8) | u64::from(octet))
}

/// The entry that was read at this place before.
fn entry_at(der: &[u8], indexed: Indexed) -> Option<Entry<'_>> {
    let offset = usize::try_from(indexed.offset).ok()?;
    Entry::read(&mut Reader::new(der.get(offset..)?)).ok()
}

fn serial_at(der: &[u8], indexed: Indexed) -> &[u8] {
    entry_at(der, indexed).map_or(&[], |entry| serial_value(entry.serial))
}

fn listing_at(der: &[u8], indexed: Indexed) -> Listing {
    let entry = entry_at(der, indexed);
    let extensions = entry
        .as_ref()
        .and_then(|entry| EntryExtensions::read(entry.extensions?).ok())
        .unwrap_or_default();
    Listing {
        revoked_at: entry.and_then(|entry| time_of(entry.date).ok()),
        reason: extensions.reason.map_or(Reason::Unspecified, Reason::read),
        invalid_since: extensions.invalid_since.and_then(|value| {
            let time = Reader::new(value).any().ok()?;
            time_of(time).ok()
        }),
    }
}
