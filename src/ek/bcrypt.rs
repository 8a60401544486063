//! Windows CNG public key blobs: `BCRYPT_RSAKEY_BLOB` and `BCRYPT_ECCKEY_BLOB`
//! (Microsoft Learn, bcrypt.h). Header fields are little-endian, numbers big-endian.

use super::public_key::{Curve, EkPub, Key, bit_length};
use super::weak::is_on_curve;
use super::wire::{HELP, Wire};
use crate::finding::{Code, Error, Fault};

/// What the first four octets of a CNG blob say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    /// `RSA1`.
    RsaPublic,
    /// `ECK1`/`ECS1` and so on.
    EccPublic(Curve),
    /// `ECKP`/`ECDP`: the blob does not name the curve.
    EccPublicGeneric,
    /// A blob with the private key in it.
    Private,
}

const RSA_PUBLIC: &[u8; 4] = b"RSA1";

impl Magic {
    /// The magic at the start of `bytes`, if there is one.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes.first_chunk::<4>()? {
            RSA_PUBLIC => Self::RsaPublic,
            b"ECK1" | b"ECS1" => Self::EccPublic(Curve::P256),
            b"ECK3" | b"ECS3" => Self::EccPublic(Curve::P384),
            b"ECK5" | b"ECS5" => Self::EccPublic(Curve::P521),
            b"ECKP" | b"ECDP" => Self::EccPublicGeneric,
            b"RSA2" | b"RSA3" | b"ECK2" | b"ECK4" | b"ECK6" | b"ECS2" | b"ECS4" | b"ECS6"
            | b"ECKV" | b"ECDV" => Self::Private,
            _ => return None,
        })
    }
}

/// Reads the blob that `bytes` is by its `magic`.
pub(super) fn read(magic: Magic, bytes: &[u8]) -> Result<EkPub, Error> {
    match magic {
        Magic::RsaPublic => read_rsa(bytes),
        Magic::EccPublic(curve) => read_ecc(Some(curve), bytes),
        Magic::EccPublicGeneric => read_ecc(None, bytes),
        Magic::Private => Err(private_key()),
    }
}

/// The error for every encoding of a private key.
pub(super) fn private_key() -> Error {
    Error::malformed(
        Code::EkpubMalformed,
        "this holds a private key; an EKpub is public only",
        "an endorsement key's private part never leaves its TPM, so this is no EK; treat the key as \
         disclosed and export the public part alone",
    )
    .at("byte 0")
}

fn read_rsa(bytes: &[u8]) -> Result<EkPub, Error> {
    let mut wire = Wire::new("a BCRYPT_RSAKEY_BLOB", bytes, 0);
    wire.take(4, "Magic")?;
    let bits = wire.length_le("BitLength")?;
    let exponent_len = wire.length_le("cbPublicExp")?;
    let modulus_len = wire.length_le("cbModulus")?;
    if wire.length_le("cbPrime1")? != 0 || wire.length_le("cbPrime2")? != 0 {
        return Err(private_key());
    }
    let exponent = wire.take(exponent_len, "PublicExponent")?;
    let modulus = wire.take(modulus_len, "Modulus")?;
    wire.finish()?;
    if bit_length(modulus) != bits {
        return Err(wire.error(format!(
            "BitLength says {bits} bits, but the modulus has {}",
            bit_length(modulus)
        )));
    }
    EkPub::from_rsa(modulus, exponent)
}

fn read_ecc(curve: Option<Curve>, bytes: &[u8]) -> Result<EkPub, Error> {
    let mut wire = Wire::new("a BCRYPT_ECCKEY_BLOB", bytes, 0);
    wire.take(4, "dwMagic")?;
    let length = wire.length_le("cbKey")?;
    let fits = |curve: &Curve| curve.field_len() == length;
    let Some(found) = curve
        .or_else(|| Curve::ALL.into_iter().find(fits))
        .filter(fits)
    else {
        return Err(wire.error(format!("no curve read here has cbKey {length}")));
    };
    let x = wire.take(length, "X")?;
    let y = wire.take(length, "Y")?;
    wire.finish()?;
    let key = EkPub::from_point(found, x, y)?;
    // Other curves have coordinates of the same length, so only the point itself
    // can tell which curve a generic blob means.
    if curve.is_none() && !is_on_curve(found, x, y) {
        return Err(Error {
            code: Some(Code::EkpubMalformed),
            ..Error::new(
                Fault::Unsupported,
                "a generic BCRYPT_ECCKEY_BLOB does not name its curve, and its point is on none \
                 that is read here",
                HELP,
            )
        });
    }
    Ok(key)
}

impl EkPub {
    /// The key as a Windows CNG blob: `BCRYPT_RSAKEY_BLOB` with magic `RSA1`, or
    /// `BCRYPT_ECCKEY_BLOB` with an ECDH public magic (`ECK1`, `ECK3`, `ECK5`).
    pub fn to_bcrypt(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let length = |out: &mut Vec<u8>, value: usize| {
            // Bounded by MAX_RSA_BITS, so it fits.
            out.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
        };
        match self.key() {
            Key::Rsa { modulus, exponent } => {
                out.extend_from_slice(RSA_PUBLIC);
                length(&mut out, bit_length(modulus));
                length(&mut out, exponent.len());
                length(&mut out, modulus.len());
                length(&mut out, 0);
                length(&mut out, 0);
                out.extend_from_slice(exponent);
                out.extend_from_slice(modulus);
            }
            Key::Ec { curve, x, y } => {
                out.extend_from_slice(match curve {
                    Curve::P256 => b"ECK1",
                    Curve::P384 => b"ECK3",
                    Curve::P521 => b"ECK5",
                });
                length(&mut out, curve.field_len());
                out.extend_from_slice(x);
                out.extend_from_slice(y);
            }
        }
        out
    }
}
