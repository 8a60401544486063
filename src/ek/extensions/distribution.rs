//! CRL distribution points (RFC 5280 4.2.1.13), and the parts that the issuing
//! distribution point of a CRL has in common with them (5.2.5).

use super::GeneralName;
use super::read::{general_name, sequence, url};
use crate::der::{Reader, Tlv, TlvError, tag};
use crate::ek::{Name, NameKey};

/// One distribution point: where a CRL for the certificate is found, whose it is, and
/// for which reasons it speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint {
    /// Its names; a CRL for this point alone has one of them.
    pub name: Option<DistributionPointName>,
    /// The reasons that its CRL covers; all if absent.
    pub reasons: Option<ReasonFlags>,
    /// Who issues its CRL, if that is not the issuer of the certificate (indirect CRL).
    /// Empty if whoever it is has no name that can be read.
    pub crl_issuers: Option<Vec<Name>>,
}

/// The name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionPointName {
    /// fullName: names of the same thing, those that can be read.
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer: one RDN below the issuer of the CRL, its content.
    Relative(Vec<u8>),
}

/// A set of reasons for a revocation (`ReasonFlags`, RFC 5280 4.2.1.13): bit 0 of the
/// BIT STRING is the lowest bit here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasonFlags(pub u16);

impl ReasonFlags {
    /// Every reason: keyCompromise (1) to aACompromise (8).
    pub const ALL: Self = Self(0x1fe);

    /// The reasons in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The reasons in either set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every reason is in the set.
    pub fn is_all(self) -> bool {
        self.and(Self::ALL) == Self::ALL
    }
}

impl DistributionPoint {
    /// The URLs among its names.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let names = match &self.name {
            Some(DistributionPointName::Full(names)) => names.as_slice(),
            _ => &[],
        };
        names.iter().filter_map(|name| match name {
            GeneralName::Uri(url) => Some(url.as_str()),
            _ => None,
        })
    }
}

impl DistributionPointName {
    /// Whether one name is in both. `own_base` and `other_base` are what relative names
    /// of either are relative to. Text is compared as it stands.
    pub(crate) fn matches(&self, own_base: &Name, other: &Self, other_base: &Name) -> bool {
        let own = self.keys(own_base);
        let other = other.keys(other_base);
        own.iter().any(|name| other.contains(name))
    }

    /// Whether one of its names is the directory name `name`.
    pub(crate) fn is_directory(&self, base: &Name, name: &Name) -> bool {
        let name = Comparable::Directory(name.key().clone());
        self.keys(base).contains(&name)
    }

    fn keys(&self, base: &Name) -> Vec<Comparable<'_>> {
        match self {
            Self::Full(names) => names.iter().map(Comparable::from).collect(),
            Self::Relative(rdn) => base
                .key_with_rdn(rdn)
                .map(Comparable::Directory)
                .into_iter()
                .collect(),
        }
    }
}

/// A name in a form in which equal names are equal.
#[derive(PartialEq)]
enum Comparable<'n> {
    Directory(NameKey),
    Other(&'n GeneralName),
}

impl<'n> From<&'n GeneralName> for Comparable<'n> {
    fn from(name: &'n GeneralName) -> Self {
        match name {
            GeneralName::Directory(name) => Self::Directory(name.key().clone()),
            other => Self::Other(other),
        }
    }
}

/// The points, and the URLs of all of them. What cannot be read in a point makes it
/// match less, never more; it is no reason to refuse the certificate.
pub(super) fn read(value: &[u8]) -> Result<(Vec<DistributionPoint>, Vec<String>), TlvError> {
    let mut list = sequence(value)?;
    let mut points = Vec::new();
    let mut urls = Vec::new();
    while !list.is_empty() {
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let name = fields.optional(0xa0)?;
        if let Some(name) = name {
            read_urls(name, &mut urls)?;
        }
        points.extend(point(name, fields).ok());
    }
    Ok((points, urls))
}

fn read_urls(name: Tlv<'_>, urls: &mut Vec<String>) -> Result<(), TlvError> {
    if let Some(full_name) = name.reader().optional(0xa0)? {
        let mut names = full_name.reader();
        while !names.is_empty() {
            urls.extend(url(names.any()?));
        }
    }
    Ok(())
}

/// A point whose name was read already. One that cannot be read is left out: then no
/// CRL is taken for it.
fn point(name: Option<Tlv<'_>>, mut fields: Reader<'_>) -> Result<DistributionPoint, TlvError> {
    let name = name.map(point_name).transpose()?;
    let reasons = fields.optional(0x81)?.map(reason_flags).transpose()?;
    let crl_issuers = fields.optional(0xa2)?.map(|names| {
        readable_names(names.reader())
            .into_iter()
            .filter_map(|name| match name {
                GeneralName::Directory(name) => Some(name),
                _ => None,
            })
            .collect()
    });
    fields.finish()?;
    Ok(DistributionPoint {
        name,
        reasons,
        crl_issuers,
    })
}

/// Reads `DistributionPointName`, the content of its explicit tag [0].
pub(crate) fn point_name(explicit: Tlv<'_>) -> Result<DistributionPointName, TlvError> {
    let mut choice = explicit.reader();
    let name = choice.any()?;
    choice.finish()?;
    match name.tag {
        0xa0 => Ok(DistributionPointName::Full(readable_names(name.reader()))),
        0xa1 => Ok(DistributionPointName::Relative(name.content.to_vec())),
        other => Err(TlvError::UnexpectedTag(0xa0, other)),
    }
}

/// The names that can be read; those after one that breaks the list are lost.
fn readable_names(mut list: Reader<'_>) -> Vec<GeneralName> {
    std::iter::from_fn(|| list.any().ok())
        .filter_map(|name| general_name(name).ok())
        .collect()
}

/// Reads `ReasonFlags`, an implicitly tagged BIT STRING.
pub(crate) fn reason_flags(tlv: Tlv<'_>) -> Result<ReasonFlags, TlvError> {
    let (&unused, octets) = tlv.content.split_first().ok_or(TlvError::Truncated)?;
    if unused > 7 || octets.len() > 2 {
        return Err(TlvError::BadLength);
    }
    let bits = octets
        .iter()
        .zip([0u32, 8])
        .fold(0u16, |bits, (&octet, shift)| {
            bits | (u16::from(octet.reverse_bits()) << shift)
        });
    Ok(ReasonFlags(bits))
}
