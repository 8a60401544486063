//! What a certificate says against itself as an EKcert, whatever its path: one wording
//! of each question for the path rules of `trust` and for the lint.

use ::der::oid::ObjectIdentifier;

use super::{Certificate, KeyUsage};

/// tcg-kp-EKCertificate (TCG EK Credential Profile 3.2.16).
pub(crate) const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// anyExtendedKeyUsage (RFC 5280 4.2.1.12).
pub(crate) const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

impl Certificate {
    /// The purposes that an EKcert names, if that of an EK is not among them. An EKcert
    /// says what it is for, or nothing; anyExtendedKeyUsage says nothing.
    pub(crate) fn other_purposes(&self) -> Option<&[ObjectIdentifier]> {
        let usages = self.extensions().extended_key_usage.as_deref()?;
        (!usages.contains(&EK_CERTIFICATE)).then_some(usages)
    }

    /// The purposes that a CA names, if it may not issue EKcerts by them. A CA that names
    /// purposes vouches for those alone, as Windows has it. This is what keeps
    /// Microsoft's attestation-key CAs from issuing EKcerts.
    pub(crate) fn other_purposes_as_ca(&self) -> Option<&[ObjectIdentifier]> {
        self.other_purposes()
            .filter(|usages| !usages.contains(&ANY_USAGE))
    }

    /// Whether the key usage is there and has none of the three bits that an EK is for.
    /// AMD's EC EKs say keyEncipherment, so which of them does not matter; a certificate
    /// for signing alone is not an EK's.
    pub(crate) fn key_usage_is_not_for_an_ek(&self) -> bool {
        const FOR_AN_EK: u16 =
            KeyUsage::KEY_ENCIPHERMENT | KeyUsage::DATA_ENCIPHERMENT | KeyUsage::KEY_AGREEMENT;
        let usage = self.extensions().key_usage;
        usage.is_some_and(|usage| !usage.allows(FOR_AN_EK))
    }

    /// Whether it says that it is for an EK, or names a TPM.
    pub(crate) fn speaks_of_a_tpm(&self) -> bool {
        let extensions = self.extensions();
        extensions.extended_key_usage.is_some() || extensions.tpm.manufacturer.is_some()
    }

    /// Why it is not taken for an EKcert, if it is not. A root of old may say nothing of
    /// being a CA. Anyone can hand it in as an EKcert, and as an anchor it would need no
    /// signature. The same goes for its other editions and for old CAs below it: a
    /// certificate that says neither that it is no CA nor anything of a TPM or an EK is
    /// not taken for an EKcert.
    pub(crate) fn not_an_ekcert(&self) -> Option<&'static str> {
        match self.extensions().basic_constraints {
            Some(basic) => basic.ca.then_some("is a CA certificate, not an EKcert"),
            None if !self.subject().is_empty() && self.is_self_issued() => {
                Some("is self-issued and does not say that it is no CA")
            }
            None => (!self.speaks_of_a_tpm())
                .then_some("says neither that it is no CA nor that it is for an EK or a TPM"),
        }
    }
}
