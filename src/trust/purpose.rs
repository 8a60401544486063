use ::der::oid::ObjectIdentifier;

use crate::ek::Certificate;

/// tcg-kp-EKCertificate (TCG EK Credential Profile).
const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// tcg-kp-AIKCertificate.
const AIK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");

/// Which of the two stores of a Host Guardian Service a certificate belongs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// TrustedTPM_RootCA: anchors.
    Root,
    /// TrustedTPM_IntermediateCA.
    Intermediate,
}

/// What a CA certificate says it issues certificates for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Endorsement keys.
    Ek,
    /// Attestation identity keys, and not endorsement keys: no EKcert can chain over it.
    Aik,
    /// It does not say, as most vendors' CAs do not.
    Unknown,
}

impl Pool {
    /// `root` or `intermediate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
        }
    }

    /// The name of its store on a Host Guardian Service.
    pub fn store_name(self) -> &'static str {
        match self {
            Self::Root => "TrustedTPM_RootCA",
            Self::Intermediate => "TrustedTPM_IntermediateCA",
        }
    }
}

impl Purpose {
    /// By the extended key usage. Microsoft's 1,822 CAs for attestation identity keys
    /// have tcg-kp-AIKCertificate there and not tcg-kp-EKCertificate.
    pub fn of(certificate: &Certificate) -> Self {
        let usages = certificate.extensions().extended_key_usage.as_deref();
        let has = |usage| usages.is_some_and(|usages| usages.contains(&usage));
        if has(EK_CERTIFICATE) {
            Self::Ek
        } else if has(AIK_CERTIFICATE) {
            Self::Aik
        } else {
            Self::Unknown
        }
    }

    /// `ek`, `aik` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ek => "ek",
            Self::Aik => "aik",
            Self::Unknown => "unknown",
        }
    }
}
