mod distribution;
mod read;

pub use distribution::{DistributionPoint, DistributionPointName, ReasonFlags};
pub(crate) use distribution::{point_name, reason_flags};
pub(crate) use read::authority_key_id;
pub(super) use read::read;

use ::der::oid::ObjectIdentifier;

use super::{Name, TpmAttributes};
use crate::der::{Tlv, TlvError, tag};

/// The extensions of a certificate that are understood here, and what else was there.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Extensions {
    /// Basic constraints and whether they are critical.
    pub basic_constraints: Option<BasicConstraints>,
    /// Key usage and whether it is critical.
    pub key_usage: Option<KeyUsage>,
    /// Extended key usage.
    pub extended_key_usage: Option<Vec<ObjectIdentifier>>,
    /// Whether the extended key usage is critical.
    pub extended_key_usage_critical: bool,
    /// Subject key identifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// Authority key identifier: a hint, never a reason to refuse.
    pub authority_key_id: Option<AuthorityKeyIdentifier>,
    /// Subject alternative names.
    pub subject_alt_names: Vec<GeneralName>,
    /// Whether the subject alternative name is critical.
    pub subject_alt_name_critical: bool,
    /// Name constraints.
    pub name_constraints: Option<NameConstraints>,
    /// Certificate policies, in order.
    pub policies: Option<Vec<ObjectIdentifier>>,
    /// Policy mappings.
    pub policy_mappings: Vec<PolicyMapping>,
    /// Policy constraints.
    pub policy_constraints: Option<PolicyConstraints>,
    /// Inhibit anyPolicy: the number of certificates that may follow.
    pub inhibit_any_policy: Option<u32>,
    /// URLs of the issuer's certificate (authorityInfoAccess, caIssuers).
    pub ca_issuer_urls: Vec<String>,
    /// URLs of CRLs, of all distribution points.
    pub crl_urls: Vec<String>,
    /// CRL distribution points, those that can be read.
    pub distribution_points: Vec<DistributionPoint>,
    /// What the certificate says of its TPM.
    pub tpm: TpmAttributes,
    /// Critical extensions that are not understood.
    pub unknown_critical: Vec<ObjectIdentifier>,
    /// Extensions that are understood by name, but not readable or there twice.
    pub faulty: Vec<String>,
    /// Every extension in order, understood or not, and whether it is critical.
    pub present: Vec<(ObjectIdentifier, bool)>,
}

impl Extensions {
    /// Reads `Extensions` (RFC 5280 4.1), the whole SEQUENCE, as a request for a certificate
    /// has them too. What cannot be understood of one is in [`faulty`](Self::faulty).
    ///
    /// # Errors
    /// The list itself is broken.
    pub fn from_der(der: &[u8]) -> Result<Self, TlvError> {
        read(
            Tlv::parse_all(der, tag::SEQUENCE)?.reader(),
            &mut Vec::new(),
        )
    }

    /// Whether the extension is critical; `None` if it is not there.
    pub fn criticality(&self, extension: ObjectIdentifier) -> Option<bool> {
        self.present
            .iter()
            .find_map(|&(oid, critical)| (oid == extension).then_some(critical))
    }
}

/// Basic constraints (RFC 5280 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many intermediates may follow.
    pub path_len: Option<u32>,
    /// Whether the extension is critical.
    pub critical: bool,
}

/// Key usage (RFC 5280 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// Bit 0 of the BIT STRING is the lowest bit here.
    pub bits: u16,
    /// Whether the extension is critical.
    pub critical: bool,
}

/// Authority key identifier (RFC 5280 4.2.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyIdentifier {
    /// The issuer's subject key identifier.
    pub key_id: Option<Vec<u8>>,
    /// The issuer's serial number.
    pub serial: Option<Vec<u8>>,
}

/// A general name, as far as name constraints and TPM attributes need it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// rfc822Name.
    Email(String),
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// directoryName.
    Directory(Name),
    /// iPAddress, octets as they stand.
    Ip(Vec<u8>),
    /// Any other: its context tag number and the whole element.
    Other(u8, Vec<u8>),
}

/// A general subtree; minimum and maximum are refused on reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralSubtree {
    /// The base of the subtree.
    pub base: GeneralName,
}

/// Name constraints (RFC 5280 4.2.1.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// Permitted subtrees.
    pub permitted: Vec<GeneralSubtree>,
    /// Excluded subtrees.
    pub excluded: Vec<GeneralSubtree>,
}

/// One policy mapping (RFC 5280 4.2.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyMapping {
    /// The issuer's policy.
    pub issuer_domain: ObjectIdentifier,
    /// The subject's policy that counts as it.
    pub subject_domain: ObjectIdentifier,
}

/// Policy constraints (RFC 5280 4.2.1.11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy.
    pub require_explicit_policy: Option<u32>,
    /// inhibitPolicyMapping.
    pub inhibit_policy_mapping: Option<u32>,
}

impl GeneralName {
    /// The name, if it is a directoryName.
    pub fn directory(&self) -> Option<&Name> {
        match self {
            Self::Directory(name) => Some(name),
            _ => None,
        }
    }
}

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 1;
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: u16 = 1 << 2;
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: u16 = 1 << 3;
    /// keyAgreement.
    pub const KEY_AGREEMENT: u16 = 1 << 4;
    /// keyCertSign.
    pub const KEY_CERT_SIGN: u16 = 1 << 5;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 1 << 6;

    /// The names of the bits (RFC 5280 4.2.1.3), bit 0 first.
    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// The names of those of these bits that are set.
    pub fn names(bits: u16) -> Vec<&'static str> {
        let named = Self::NAMES.iter().enumerate();
        let set = named.filter(|(bit, _)| (bits >> bit) & 1 == 1);
        set.map(|(_, name)| *name).collect()
    }

    /// Whether any of these bits is set.
    pub fn allows(self, any_of: u16) -> bool {
        self.bits & any_of != 0
    }
}
