//! What a CA certificate is for: endorsement keys, attestation keys, or it does not say.

use std::collections::HashMap;

use ::der::oid::ObjectIdentifier;

use super::contents::PackagedCertificate;
use crate::ek::{Certificate, NameKey};

/// tcg-kp-EKCertificate (TCG EK Credential Profile 3.2.16).
const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// tcg-kp-AIKCertificate: what attestation keys have.
const AIK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");

/// The longest chain of CAs that is followed. Intel's on-die chains have eight.
const MAX_DEPTH: usize = 16;

/// What a CA certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Purpose {
    /// Certificates of endorsement keys.
    Ek,
    /// Certificates of attestation keys, and nothing else.
    Aik,
    /// It does not say. Most of these are for endorsement keys: before 2014 or so no CA
    /// said what it was for, and some vendors' still do not.
    Unknown,
}

impl Purpose {
    /// By the extended key usage of the certificate, its own claim. One for both is for
    /// endorsement keys.
    pub fn of(certificate: &Certificate) -> Self {
        let Some(usages) = &certificate.extensions().extended_key_usage else {
            return Self::Unknown;
        };
        if usages.contains(&EK_CERTIFICATE) {
            Self::Ek
        } else if usages.contains(&AIK_CERTIFICATE) {
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

    /// The purpose with this text.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Ek, Self::Aik, Self::Unknown]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// Fills in the purpose of CAs that do not say it: what all that the same vendor has below
/// them is for. One is for endorsement keys if any below it is, and for attestation keys
/// only if all are. So Microsoft's root of 2014 is one of attestation keys as Microsoft's,
/// and not as Qualcomm's.
pub(super) fn infer(certificates: &mut [PackagedCertificate]) {
    let mut below: HashMap<(String, NameKey), Vec<usize>> = HashMap::new();
    for (index, one) in certificates.iter().enumerate() {
        if !one.certificate.is_self_issued() {
            let issuer = (one.vendor.clone(), one.certificate.issuer().key().clone());
            below.entry(issuer).or_default().push(index);
        }
    }
    // One level a round, from below: each sees what the rounds before have found.
    for _ in 0..MAX_DEPTH {
        let found: Vec<(usize, Purpose)> = certificates
            .iter()
            .enumerate()
            .filter(|(_, one)| one.purpose == Purpose::Unknown)
            .filter_map(|(index, one)| {
                let subject = (one.vendor.clone(), one.certificate.subject().key().clone());
                let issued = below.get(&subject)?;
                let mut purposes = issued
                    .iter()
                    .filter_map(|&index| Some(certificates.get(index)?.purpose));
                if purposes.clone().any(|purpose| purpose == Purpose::Ek) {
                    Some((index, Purpose::Ek))
                } else if purposes.all(|purpose| purpose == Purpose::Aik) {
                    Some((index, Purpose::Aik))
                } else {
                    None
                }
            })
            .collect();
        if found.is_empty() {
            return;
        }
        for (index, purpose) in found {
            if let Some(one) = certificates.get_mut(index) {
                one.purpose = purpose;
            }
        }
    }
}
