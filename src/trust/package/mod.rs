//! Packages of vendor certificates as Microsoft publishes them (`TrustedTpm.cab`): a
//! cabinet with an Authenticode signature.
//!
//! [`Package::read`] reads the frame alone and gives nothing of what is in it.
//! [`Package::verify`] makes a [`SignedPackage`]; [`Package::unverified`] is the way around
//! it, and what it gives says so for ever after.
//!
//! The cabinet is read here rather than with the crate `cab`: that one reads lazily
//! through a stream, so it neither tells whether every byte of the file belongs to
//! something nor bounds what is unpacked, which a signed file needs.

mod authenticode;
mod cabinet;
mod contents;
mod error;
mod members;
mod purpose;
mod roots;
mod signer;
mod timestamp;
mod unpack;

pub use authenticode::PackageSignature;
pub use cabinet::{MAGIC, MAX_PACKAGE_LEN};
pub use contents::{Contents, PackagedCertificate, Skipped};
pub use members::{MAX_FILES, MAX_FOLDERS, MAX_UNPACKED_LEN};
pub use roots::Roots;
pub use timestamp::TimeStamp;

use crate::der::Time;
use crate::finding::{Code, Error};
use crate::hash::{Sha256Digest, sha256};

use super::signature::Hash;
use cabinet::Frame;

/// A package of which the frame was read. It gives away nothing of what is in it.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    bytes: &'a [u8],
    frame: Frame,
}

/// A package whose signature was verified. Only [`Package::verify`] makes one.
#[derive(Clone, Debug)]
pub struct SignedPackage<'a> {
    package: Package<'a>,
    signature: PackageSignature,
}

/// A package that is used although nobody trusted signed it.
#[derive(Clone, Debug)]
pub struct UnverifiedPackage<'a> {
    package: Package<'a>,
    refusal: Error,
}

/// What vouches for the contents of a package.
#[derive(Clone, Debug)]
pub enum Authenticity {
    /// A verified signature.
    Signed(Box<PackageSignature>),
    /// Nothing: the package was taken in spite of this.
    Unverified(Error),
}

impl<'a> Package<'a> {
    /// Reads the frame of a package.
    ///
    /// # Errors
    /// `package-malformed`, `package-unsupported` (one of a set of cabinets),
    /// `package-trailing` (bytes that belong to nothing), `input-too-large` above
    /// [`MAX_PACKAGE_LEN`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self {
            bytes,
            frame: Frame::read(bytes)?,
        })
    }

    /// SHA-256 of the whole file.
    pub fn sha256(&self) -> Sha256Digest {
        sha256(self.bytes)
    }

    /// Verifies the signature: that it is over this very file, made by the publisher that
    /// `roots` name, whose chain was valid at the time of the time stamp; without a time
    /// stamp, at the time `at`.
    ///
    /// # Errors
    /// `package-unsigned`, `package-signature`, `package-digest`, `package-algorithm`,
    /// `package-timestamp`, `package-signer`, `package-unsupported`, `package-trailing`.
    pub fn verify(&self, roots: &Roots, at: Time) -> Result<SignedPackage<'a>, Error> {
        let signature = authenticode::verify(self, roots, at)?;
        Ok(SignedPackage {
            package: self.clone(),
            signature,
        })
    }

    /// Takes the package although [`verify`](Self::verify) refused it, because the
    /// operator says so.
    ///
    /// # Errors
    /// The refusal itself, if it says that the file was damaged or forged: it has then no
    /// signature to do without, but one that speaks against it.
    pub fn unverified(&self, refusal: Error) -> Result<UnverifiedPackage<'a>, Error> {
        if refusal.code.is_none_or(Code::is_absolute) {
            return Err(refusal);
        }
        Ok(UnverifiedPackage {
            package: self.clone(),
            refusal,
        })
    }

    fn signature_bytes(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.frame.signature.clone()?)
    }

    fn digest(&self, hash: Hash) -> Option<Vec<u8>> {
        self.frame.digest(self.bytes, hash)
    }
}

impl SignedPackage<'_> {
    /// The signature.
    pub fn signature(&self) -> &PackageSignature {
        &self.signature
    }

    /// Unpacks the package and says what is in it.
    ///
    /// # Errors
    /// `package-malformed`, `package-unsupported` (LZX, Quantum), `package-trailing`,
    /// `input-too-large`.
    pub fn contents(&self) -> Result<Contents, Error> {
        let authenticity = Authenticity::Signed(Box::new(self.signature.clone()));
        Contents::read(&self.package, authenticity)
    }
}

impl UnverifiedPackage<'_> {
    /// Why the signature was not accepted.
    pub fn refusal(&self) -> &Error {
        &self.refusal
    }

    /// Unpacks the package and says what is in it.
    ///
    /// # Errors
    /// As [`SignedPackage::contents`].
    pub fn contents(&self) -> Result<Contents, Error> {
        Contents::read(
            &self.package,
            Authenticity::Unverified(self.refusal.clone()),
        )
    }
}
