use std::fmt;

use crate::finding::Error;
use crate::hash::{Sha256Digest, sha256};

/// An elliptic curve that TPMs use for endorsement keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256, `TPM_ECC_NIST_P256`.
    P256,
    /// NIST P-384, `TPM_ECC_NIST_P384`.
    P384,
    /// NIST P-521, `TPM_ECC_NIST_P521`.
    P521,
}

/// What kind of key an EK is. Displays as in JSON: `rsa2048`, `ecc-p256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA with a modulus of this many bits.
    Rsa(usize),
    /// Elliptic curve.
    Ecc(Curve),
}

/// The numbers of a public key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// RSA: both big-endian without leading zeros.
    Rsa {
        /// The modulus n.
        modulus: Vec<u8>,
        /// The public exponent e.
        exponent: Vec<u8>,
    },
    /// A point on a curve, both coordinates padded to the size of the field.
    Ec {
        /// The curve.
        curve: Curve,
        /// The x coordinate, big-endian.
        x: Vec<u8>,
        /// The y coordinate, big-endian.
        y: Vec<u8>,
    },
}

/// The encodings in which an EKpub is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// X.509 SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
    SubjectPublicKeyInfo,
    /// RSAPublicKey (RFC 8017 A.1.1).
    Pkcs1,
    /// Windows CNG `BCRYPT_RSAKEY_BLOB`.
    BcryptRsaKeyBlob,
    /// Windows CNG `BCRYPT_ECCKEY_BLOB`.
    BcryptEccKeyBlob,
    /// `TPM2B_PUBLIC` (TPM 2.0 Part 2).
    Tpm2bPublic,
    /// `TPMT_PUBLIC` (TPM 2.0 Part 2).
    TpmtPublic,
}

/// The public part of an endorsement key. Two are equal if the key is the same,
/// whatever encodings they came in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EkPub {
    key: Key,
}

impl EkPub {
    /// Recognises an EKpub in any encoding: `None` if `bytes` is none of them at
    /// all, an error if it starts as one and then breaks.
    ///
    /// # Errors
    /// `ekpub-malformed`, with the place where it breaks.
    pub fn recognise(bytes: &[u8]) -> Result<Option<(Self, Encoding)>, Error> {
        let _ = bytes;
        todo!()
    }

    /// Reads a SubjectPublicKeyInfo. The algorithm may be rsaEncryption,
    /// id-RSAES-OAEP (old EKs), or id-ecPublicKey with a named curve.
    ///
    /// # Errors
    /// `ekpub-malformed`.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let _ = der;
        todo!()
    }

    /// The numbers of the key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The kind of key.
    pub fn algorithm(&self) -> Algorithm {
        match &self.key {
            Key::Rsa { modulus, .. } => Algorithm::Rsa(bit_length(modulus)),
            Key::Ec { curve, .. } => Algorithm::Ecc(*curve),
        }
    }

    /// The canonical SubjectPublicKeyInfo: rsaEncryption with NULL parameters, or
    /// id-ecPublicKey with a named curve and an uncompressed point.
    pub fn spki_der(&self) -> Vec<u8> {
        todo!()
    }

    /// SHA-256 of [`spki_der`](Self::spki_der): the identity under which a host is
    /// registered, and the one that spire-tpm-plugin uses.
    pub fn spki_sha256(&self) -> Sha256Digest {
        sha256(&self.spki_der())
    }

    /// Windows' `PublicKeyHash` (Get-TpmEndorsementKeyInfo): SHA-256 of the
    /// content of the SPKI's BIT STRING, for RSA the RSAPublicKey.
    pub fn windows_sha256(&self) -> Sha256Digest {
        todo!()
    }
}

fn bit_length(number: &[u8]) -> usize {
    let _ = number;
    todo!()
}

impl Curve {
    /// The size of a coordinate in octets.
    pub fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "rsa{bits}"),
            Self::Ecc(Curve::P256) => f.write_str("ecc-p256"),
            Self::Ecc(Curve::P384) => f.write_str("ecc-p384"),
            Self::Ecc(Curve::P521) => f.write_str("ecc-p521"),
        }
    }
}

impl fmt::Debug for EkPub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EkPub({} {})", self.algorithm(), self.spki_sha256())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa { .. } => "Rsa",
            Self::Ec { .. } => "Ec",
        })
    }
}
