use crate::ek::Certificate;
use crate::finding::Error;

/// Where a stored certificate came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, by its path.
    File(String),
    /// Embedded in the program, by vendor.
    Embedded(&'static str),
}

/// The two certificate stores of a Host Guardian Service: roots
/// (TrustedTPM_RootCA) and intermediates (TrustedTPM_IntermediateCA).
///
/// What lies among the roots is an anchor, self-signed or not. Signatures between
/// stored certificates are verified once and remembered.
#[derive(Debug, Default)]
pub struct Store {}

impl Store {
    /// A store without certificates, which trusts nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an anchor.
    pub fn add_root(&mut self, certificate: Certificate, origin: Origin) {
        let _ = (certificate, origin);
        todo!()
    }

    /// Adds an intermediate.
    pub fn add_intermediate(&mut self, certificate: Certificate, origin: Origin) {
        let _ = (certificate, origin);
        todo!()
    }

    /// Adds the vendor roots embedded in the program.
    #[cfg(feature = "roots")]
    pub fn add_embedded_roots(&mut self) {
        todo!()
    }

    /// The anchors and where they came from.
    pub fn roots(&self) -> impl Iterator<Item = (&Certificate, &Origin)> {
        std::iter::empty()
    }

    /// The intermediates and where they came from.
    pub fn intermediates(&self) -> impl Iterator<Item = (&Certificate, &Origin)> {
        std::iter::empty()
    }

    /// SHA-256 over the sorted fingerprints of both stores: names a store in the
    /// audit trail.
    pub fn fingerprint(&self) -> crate::hash::Sha256Digest {
        todo!()
    }
}

/// Reads every certificate of a file: one in DER or as it lies in NV, or any
/// number in PEM, whatever the file's name says.
///
/// # Errors
/// `ekcert-malformed` if there is none or one cannot be read.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let _ = bytes;
    todo!()
}
