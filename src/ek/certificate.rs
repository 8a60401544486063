use std::fmt;

use super::{EkPub, Extensions, Name};
use crate::der::Time;
use crate::finding::{Error, Finding};
use crate::hash::{Sha1Thumbprint, Sha256Digest};

/// The largest certificate that is read. The largest genuine EK or CA certificate
/// known has about 2 KiB; TPM NV indices hold at most 2 KiB to 4 KiB each.
pub const MAX_CERTIFICATE_LEN: usize = 64 * 1024;

/// An X.509 certificate, kept as received. Read tolerantly: what is not DER but
/// can be understood is recorded in [`findings`](Self::findings).
#[derive(Clone)]
pub struct Certificate {
    der: Box<[u8]>,
}

impl Certificate {
    /// Reads one certificate that fills `bytes` exactly.
    ///
    /// # Errors
    /// `ekcert-malformed`, with the place where it breaks.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let _ = bytes;
        todo!()
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes as received.
    pub fn sha256(&self) -> Sha256Digest {
        todo!()
    }

    /// SHA-1 of the bytes as received: the thumbprint that Windows shows.
    pub fn thumbprint_sha1(&self) -> Sha1Thumbprint {
        todo!()
    }

    /// 1, 2 or 3.
    pub fn version(&self) -> u32 {
        todo!()
    }

    /// The content octets of the serial number, as received.
    pub fn serial(&self) -> &[u8] {
        todo!()
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        todo!()
    }

    /// The subject; EKcerts often have an empty one.
    pub fn subject(&self) -> &Name {
        todo!()
    }

    /// The first second at which it is valid.
    pub fn not_before(&self) -> Time {
        todo!()
    }

    /// The last second at which it is valid.
    pub fn not_after(&self) -> Time {
        todo!()
    }

    /// The SubjectPublicKeyInfo as received.
    pub fn spki_der(&self) -> &[u8] {
        todo!()
    }

    /// The key, if it is of a kind that TPMs use.
    ///
    /// # Errors
    /// `ekpub-malformed`.
    pub fn public_key(&self) -> Result<EkPub, Error> {
        EkPub::from_spki(self.spki_der())
    }

    /// The extensions.
    pub fn extensions(&self) -> &Extensions {
        todo!()
    }

    /// What was not DER, or not as the profile has it, while reading.
    pub fn findings(&self) -> &[Finding] {
        todo!()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.sha256())
    }
}
