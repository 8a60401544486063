use std::fmt;
use std::hash::{Hash, Hasher};

use super::spki;
use super::wire::HELP;
use crate::der::{Reader, tag};
use crate::finding::{Code, Error};
use crate::hash::{Sha256Digest, sha256};

/// The smallest RSA modulus that is read, in bits. TPM 1.2 had EKs of 2048 bits;
/// anything below 1024 bits is no key of a TPM. What is strong enough is for the
/// policy to say.
pub const MIN_RSA_BITS: usize = 1024;

/// The largest RSA modulus that is read, in bits: four times the largest TPM key
/// (H-7), and what common verifiers accept, so that nothing grows without bound.
pub const MAX_RSA_BITS: usize = 16384;

/// The longest RSA public exponent that is read, in octets. A TPM's exponent is a
/// 32-bit field (TPM 2.0 Part 2, `TPMS_RSA_PARMS`).
pub const MAX_RSA_EXPONENT_LEN: usize = 8;

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

/// The public part of an endorsement key. Two are equal if the key is the same,
/// whatever encodings they came in.
#[derive(Clone)]
pub struct EkPub {
    key: Key,
    /// The canonical SubjectPublicKeyInfo: made once, since everything that
    /// compares or names keys uses it.
    spki: Box<[u8]>,
}

impl EkPub {
    /// An RSA key; both numbers big-endian, leading zeros ignored.
    ///
    /// # Errors
    /// `ekpub-malformed` if the modulus is shorter than [`MIN_RSA_BITS`] or longer
    /// than [`MAX_RSA_BITS`], or the exponent longer than [`MAX_RSA_EXPONENT_LEN`].
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let modulus = strip_zeros(modulus);
        let exponent = strip_zeros(exponent);
        let bits = bit_length(modulus);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(unusable(format!(
                "an RSA modulus of {bits} bits is no endorsement key; {MIN_RSA_BITS} to \
                 {MAX_RSA_BITS} bits are read"
            )));
        }
        if exponent.len() > MAX_RSA_EXPONENT_LEN {
            return Err(unusable(format!(
                "an RSA exponent of {} octets is no endorsement key; TPMs have at most 4",
                exponent.len()
            )));
        }
        Ok(Self {
            spki: spki::encode_rsa(modulus, exponent).into(),
            key: Key::Rsa {
                modulus: modulus.to_vec(),
                exponent: exponent.to_vec(),
            },
        })
    }

    /// A point on a curve; both coordinates big-endian, shorter ones padded (TPMs
    /// may return them without leading zeros). Whether the point is on the curve
    /// is for [`check_key`](super::check_key).
    ///
    /// # Errors
    /// `ekpub-malformed` if a coordinate is longer than the field.
    pub fn from_point(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, Error> {
        let x = pad(curve, x)?;
        let y = pad(curve, y)?;
        Ok(Self {
            spki: spki::encode_ec(curve, &x, &y).into(),
            key: Key::Ec { curve, x, y },
        })
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
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`spki_der`](Self::spki_der): the identity under which a host is
    /// registered, and the one that spire-tpm-plugin uses.
    pub fn spki_sha256(&self) -> Sha256Digest {
        sha256(&self.spki)
    }

    /// The content of the SPKI's BIT STRING: for RSA the RSAPublicKey of RFC 8017
    /// A.1.1 in DER, for elliptic curves `04 ‖ x ‖ y`.
    pub fn subject_public_key(&self) -> &[u8] {
        let bit_string = || {
            let mut spki = Reader::new(&self.spki).any().ok()?.reader();
            spki.any().ok()?;
            spki.expect(tag::BIT_STRING).ok()?.content.get(1..)
        };
        // The structure is our own, so the reading cannot fail.
        bit_string().unwrap_or_default()
    }

    /// Windows' `PublicKeyHash` (Get-TpmEndorsementKeyInfo): SHA-256 of
    /// [`subject_public_key`](Self::subject_public_key). Measured for RSA only;
    /// what Windows hashes of an elliptic-curve key is not publicly known.
    pub fn windows_sha256(&self) -> Sha256Digest {
        sha256(self.subject_public_key())
    }
}

impl Curve {
    /// Every curve that is read here.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The size of a coordinate in octets.
    pub fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The number without its leading zero octets.
pub(super) fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&octet| octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The number of bits of a big-endian number.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let number = strip_zeros(number);
    let unused = number.first().map_or(0, |octet| {
        usize::try_from(octet.leading_zeros()).unwrap_or(0)
    });
    number.len().saturating_mul(8).saturating_sub(unused)
}

fn pad(curve: Curve, coordinate: &[u8]) -> Result<Vec<u8>, Error> {
    let number = strip_zeros(coordinate);
    let length = curve.field_len();
    let Some(zeros) = length.checked_sub(number.len()) else {
        return Err(unusable(format!(
            "a coordinate of {} octets on {}, whose coordinates have {length}",
            number.len(),
            Algorithm::Ecc(curve),
        )));
    };
    let mut out = vec![0; zeros];
    out.extend_from_slice(number);
    Ok(out)
}

fn unusable(message: String) -> Error {
    Error::malformed(Code::EkpubMalformed, message, HELP)
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

/// Algorithm and SPKI SHA-256.
impl fmt::Display for EkPub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.spki_sha256())
    }
}

impl fmt::Debug for EkPub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EkPub({self})")
    }
}

// The canonical SPKI is a function of the numbers and the other way round.
impl PartialEq for EkPub {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for EkPub {}

impl Hash for EkPub {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_lengths() {
        assert_eq!(bit_length(&[]), 0);
        assert_eq!(bit_length(&[0, 0]), 0);
        assert_eq!(bit_length(&[1]), 1);
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
    }

    #[test]
    fn sizes_are_bounded() {
        let refused = |modulus: &[u8], exponent: &[u8]| {
            EkPub::from_rsa(modulus, exponent).unwrap_err().code == Some(Code::EkpubMalformed)
        };
        assert!(refused(&[0xff; 127], &[1, 0, 1]));
        assert!(EkPub::from_rsa(&[0xff; 128], &[1, 0, 1]).is_ok());
        assert!(EkPub::from_rsa(&[0xff; 2048], &[1, 0, 1]).is_ok());
        assert!(refused(&[0xff; 2049], &[1, 0, 1]));
        assert!(EkPub::from_rsa(&[0xff; 256], &[1; 8]).is_ok());
        assert!(refused(&[0xff; 256], &[1; 9]));
        assert!(EkPub::from_point(Curve::P256, &[1; 33], &[1; 32]).is_err());
    }

    #[test]
    fn leading_zeros_do_not_make_another_key() {
        let mut padded = vec![0, 0];
        padded.extend_from_slice(&[0xff; 256]);
        assert_eq!(
            EkPub::from_rsa(&padded, &[0, 1, 0, 1]).unwrap(),
            EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap()
        );
        assert_eq!(
            EkPub::from_point(Curve::P384, &[7], &[0, 8]).unwrap(),
            EkPub::from_point(Curve::P384, &[0, 7], &[8]).unwrap()
        );
    }
}
