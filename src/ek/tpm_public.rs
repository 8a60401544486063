use std::fmt;

use super::public_key::{Curve, EkPub, bit_length};
use super::wire::{HELP, Wire};
use crate::finding::{Code, Error, Fault};
use crate::hash::{sha1_thumbprint, sha256, sha384, sha512};

/// `TPM_ALG_ID` values (TCG Algorithm Registry).
mod alg {
    pub(super) const RSA: u16 = 0x0001;
    pub(super) const TDES: u16 = 0x0003;
    pub(super) const SHA1: u16 = 0x0004;
    pub(super) const AES: u16 = 0x0006;
    pub(super) const MGF1: u16 = 0x0007;
    pub(super) const SHA256: u16 = 0x000b;
    pub(super) const SHA384: u16 = 0x000c;
    pub(super) const SHA512: u16 = 0x000d;
    pub(super) const NULL: u16 = 0x0010;
    pub(super) const SM3_256: u16 = 0x0012;
    pub(super) const SM4: u16 = 0x0013;
    pub(super) const RSASSA: u16 = 0x0014;
    pub(super) const RSAES: u16 = 0x0015;
    pub(super) const RSAPSS: u16 = 0x0016;
    pub(super) const OAEP: u16 = 0x0017;
    pub(super) const ECDSA: u16 = 0x0018;
    pub(super) const ECDH: u16 = 0x0019;
    pub(super) const ECDAA: u16 = 0x001a;
    pub(super) const SM2: u16 = 0x001b;
    pub(super) const ECSCHNORR: u16 = 0x001c;
    pub(super) const ECMQV: u16 = 0x001d;
    pub(super) const KDF1_SP800_56A: u16 = 0x0020;
    pub(super) const KDF2: u16 = 0x0021;
    pub(super) const KDF1_SP800_108: u16 = 0x0022;
    pub(super) const ECC: u16 = 0x0023;
    pub(super) const CAMELLIA: u16 = 0x0026;
    pub(super) const SHA3_256: u16 = 0x0027;
    pub(super) const SHA3_512: u16 = 0x0029;
    pub(super) const CFB: u16 = 0x0043;
}

/// The public exponent that a TPM means when the field is zero (TPM 2.0 Part 2,
/// `TPMS_RSA_PARMS`).
const DEFAULT_EXPONENT: u32 = 65537;

/// The hash algorithm of an object's Name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameAlg {
    /// `TPM_ALG_SHA1`.
    Sha1,
    /// `TPM_ALG_SHA256`.
    Sha256,
    /// `TPM_ALG_SHA384`.
    Sha384,
    /// `TPM_ALG_SHA512`.
    Sha512,
}

/// A `TPMT_PUBLIC` of an RSA or elliptic-curve key (TPM 2.0 Part 2, 12.2.4).
#[derive(Clone, PartialEq, Eq)]
pub struct TpmPublic {
    /// The key.
    pub key: EkPub,
    /// The `TPM_ALG_ID` of the hash in its Name.
    pub name_alg: u16,
    /// `TPMA_OBJECT`.
    pub attributes: u32,
    /// The authorisation policy's digest, empty if there is none.
    pub auth_policy: Vec<u8>,
    /// The bits of the symmetric key that protects its children: 128 or 256 for an
    /// EK. `None` for keys that are no storage keys, or that do not use AES in CFB
    /// mode.
    pub aes_cfb_bits: Option<u16>,
    /// The signature scheme that the key is bound to; `None` for EKs, and for keys
    /// that leave the choice to whoever signs.
    pub scheme: Option<Scheme>,
    area: Vec<u8>,
    /// Where in `area` the unique field starts.
    unique_at: usize,
}

/// The scheme of an asymmetric key (TPM 2.0 Part 2, 11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `TPM_ALG_RSASSA`: RSASSA-PKCS1-v1_5 with this hash.
    RsaSsa(NameAlg),
    /// `TPM_ALG_ECDSA` with this hash.
    Ecdsa(NameAlg),
    /// Any other, by its `TPM_ALG_ID`.
    Other(u16),
}

impl TpmPublic {
    /// Reads a `TPMT_PUBLIC` that fills `bytes` exactly.
    ///
    /// # Errors
    /// `ekpub-malformed`, with the place where it breaks.
    pub fn from_tpmt(bytes: &[u8]) -> Result<Self, Error> {
        read_area(bytes, 0)
    }

    /// Reads a `TPM2B_PUBLIC` that fills `bytes` exactly.
    ///
    /// # Errors
    /// `ekpub-malformed`, with the place where it breaks.
    pub fn from_tpm2b(bytes: &[u8]) -> Result<Self, Error> {
        let mut wire = Wire::new("a TPM2B_PUBLIC", bytes, 0);
        let area = wire.sized("publicArea")?;
        wire.finish()?;
        read_area(area, 2)
    }

    /// The `TPMT_PUBLIC` as received.
    pub fn tpmt(&self) -> &[u8] {
        &self.area
    }

    /// Whether a key with this public area can have been made from this template
    /// (TPM2_CreatePrimary): whether they are the same but for the `unique` field.
    pub fn fits(&self, template: &[u8]) -> bool {
        let parameters = self.area.get(..self.unique_at);
        parameters.is_some_and(|parameters| template.starts_with(parameters))
    }

    /// The Name (TPM 2.0 Part 1, 16): the algorithm's identifier, then the digest
    /// of the public area. `None` if the hash is not computed here.
    pub fn name(&self) -> Option<Vec<u8>> {
        NameAlg::from_id(self.name_alg).map(|alg| alg.name_of(&self.area))
    }
}

impl NameAlg {
    /// The algorithm with this `TPM_ALG_ID`.
    pub fn from_id(id: u16) -> Option<Self> {
        Some(match id {
            alg::SHA1 => Self::Sha1,
            alg::SHA256 => Self::Sha256,
            alg::SHA384 => Self::Sha384,
            alg::SHA512 => Self::Sha512,
            _ => return None,
        })
    }

    /// Its `TPM_ALG_ID`.
    pub fn id(self) -> u16 {
        match self {
            Self::Sha1 => alg::SHA1,
            Self::Sha256 => alg::SHA256,
            Self::Sha384 => alg::SHA384,
            Self::Sha512 => alg::SHA512,
        }
    }

    /// The digest of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1_thumbprint(data).0.to_vec(),
            Self::Sha256 => sha256(data).0.to_vec(),
            Self::Sha384 => sha384(data).to_vec(),
            Self::Sha512 => sha512(data).to_vec(),
        }
    }

    /// The Name of the object with this `TPMT_PUBLIC`.
    pub fn name_of(self, tpmt: &[u8]) -> Vec<u8> {
        let mut name = self.id().to_be_bytes().to_vec();
        name.extend_from_slice(&self.digest(tpmt));
        name
    }
}

/// Whether `bytes` start as a `TPMT_PUBLIC` of a key: a key type, then a hash.
pub(super) fn starts_as_tpmt(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_first_chunk::<2>() else {
        return false;
    };
    let Some((name_alg, _)) = rest.split_first_chunk::<2>() else {
        return false;
    };
    matches!(u16::from_be_bytes(*kind), alg::RSA | alg::ECC)
        && matches!(
            u16::from_be_bytes(*name_alg),
            alg::SHA1 | alg::SHA256 | alg::SHA384 | alg::SHA512 | alg::SM3_256 | alg::SHA3_256
                ..=alg::SHA3_512
        )
}

/// The parameters of an EK's public area, for writing one.
pub(super) struct Area<'a> {
    pub(super) name_alg: NameAlg,
    pub(super) attributes: u32,
    pub(super) auth_policy: &'a [u8],
    pub(super) aes_cfb_bits: u16,
    pub(super) unique: Unique<'a>,
}

/// What stands in the place of the key.
pub(super) enum Unique<'a> {
    Rsa {
        bits: u16,
        /// Zero for 65537.
        exponent: u32,
        modulus: &'a [u8],
    },
    Ecc {
        curve: Curve,
        x: &'a [u8],
        y: &'a [u8],
    },
}

impl Area<'_> {
    /// The `TPMT_PUBLIC`, with scheme and KDF NULL as every EK has them.
    pub(super) fn to_tpmt(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let put = |out: &mut Vec<u8>, value: u16| out.extend_from_slice(&value.to_be_bytes());
        let sized = |out: &mut Vec<u8>, bytes: &[u8]| {
            // Policies and numbers of TPM keys are far below 64 KiB.
            put(out, u16::try_from(bytes.len()).unwrap_or(u16::MAX));
            out.extend_from_slice(bytes);
        };
        put(
            &mut out,
            match self.unique {
                Unique::Rsa { .. } => alg::RSA,
                Unique::Ecc { .. } => alg::ECC,
            },
        );
        put(&mut out, self.name_alg.id());
        out.extend_from_slice(&self.attributes.to_be_bytes());
        sized(&mut out, self.auth_policy);
        put(&mut out, alg::AES);
        put(&mut out, self.aes_cfb_bits);
        put(&mut out, alg::CFB);
        put(&mut out, alg::NULL);
        match self.unique {
            Unique::Rsa {
                bits,
                exponent,
                modulus,
            } => {
                put(&mut out, bits);
                out.extend_from_slice(&exponent.to_be_bytes());
                sized(&mut out, modulus);
            }
            Unique::Ecc { curve, x, y } => {
                put(&mut out, curve_id(curve));
                put(&mut out, alg::NULL);
                sized(&mut out, x);
                sized(&mut out, y);
            }
        }
        out
    }
}

/// The 32-bit exponent field for a key: zero where it is the default. `None` if
/// the exponent does not fit in the field.
pub(super) fn exponent_field(exponent: &[u8]) -> Option<u32> {
    let value = exponent.iter().try_fold(0u32, |value, &octet| {
        value.checked_mul(256)?.checked_add(u32::from(octet))
    })?;
    Some(if value == DEFAULT_EXPONENT { 0 } else { value })
}

fn read_area(bytes: &[u8], offset: usize) -> Result<TpmPublic, Error> {
    let mut wire = Wire::new("a TPMT_PUBLIC", bytes, offset);
    let kind = wire.u16_be("type")?;
    let name_alg = wire.u16_be("nameAlg")?;
    let attributes = wire.u32_be("objectAttributes")?;
    let auth_policy = wire.sized("authPolicy")?.to_vec();
    let aes_cfb_bits = read_symmetric(&mut wire)?;
    let scheme = read_scheme(&mut wire, "scheme")?;
    let (key, unique_len) = match kind {
        alg::RSA => read_rsa(&mut wire)?,
        alg::ECC => read_ecc(&mut wire)?,
        other => return Err(wire.error(format!("type {other:#06x} is no RSA or ECC key"))),
    };
    wire.finish()?;
    Ok(TpmPublic {
        key,
        name_alg,
        attributes,
        auth_policy,
        aes_cfb_bits,
        scheme,
        area: bytes.to_vec(),
        unique_at: bytes.len().saturating_sub(unique_len),
    })
}

/// The key, and the length of its unique field.
fn read_rsa(wire: &mut Wire<'_>) -> Result<(EkPub, usize), Error> {
    let bits = wire.u16_be("keyBits")?;
    let exponent = match wire.u32_be("exponent")? {
        0 => DEFAULT_EXPONENT,
        exponent => exponent,
    };
    let unique_len = wire.remaining();
    let modulus = wire.sized("unique")?;
    if modulus.iter().all(|&octet| octet == 0) {
        return Err(no_key(wire));
    }
    if bit_length(modulus) != usize::from(bits) {
        return Err(wire.error(format!(
            "keyBits says {bits} bits, but the modulus has {}",
            bit_length(modulus)
        )));
    }
    Ok((
        EkPub::from_rsa(modulus, &exponent.to_be_bytes())?,
        unique_len,
    ))
}

/// The key, and the length of its unique field.
fn read_ecc(wire: &mut Wire<'_>) -> Result<(EkPub, usize), Error> {
    let id = wire.u16_be("curveID")?;
    read_scheme(wire, "kdf")?;
    let unique_len = wire.remaining();
    let x = wire.sized("unique.x")?;
    let y = wire.sized("unique.y")?;
    let Some(curve) = Curve::ALL.into_iter().find(|curve| curve_id(*curve) == id) else {
        return Err(Error {
            code: Some(Code::EkpubMalformed),
            ..Error::new(
                Fault::Unsupported,
                format!(
                    "a TPM key on curve {id:#06x}; keys on NIST P-256, P-384 and P-521 are read"
                ),
                HELP,
            )
        });
    };
    if x.iter().chain(y).all(|&octet| octet == 0) {
        return Err(no_key(wire));
    }
    Ok((EkPub::from_point(curve, x, y)?, unique_len))
}

fn no_key(wire: &Wire<'_>) -> Error {
    Error {
        help:
            "this looks like a template; take the public area of the EK itself, for example with \
               tpm2_readpublic or tpm2_createek"
                .to_owned(),
        ..wire.error("its unique field holds no key")
    }
}

/// `TPMT_SYM_DEF_OBJECT+` (TPM 2.0 Part 2, 11.1.7).
fn read_symmetric(wire: &mut Wire<'_>) -> Result<Option<u16>, Error> {
    match wire.u16_be("symmetric.algorithm")? {
        alg::NULL => Ok(None),
        cipher @ (alg::AES | alg::SM4 | alg::CAMELLIA | alg::TDES) => {
            let bits = wire.u16_be("symmetric.keyBits")?;
            let mode = wire.u16_be("symmetric.mode")?;
            Ok((cipher == alg::AES && mode == alg::CFB).then_some(bits))
        }
        other => Err(wire.error(format!("symmetric algorithm {other:#06x} is not one"))),
    }
}

/// `TPMT_RSA_SCHEME+`, `TPMT_ECC_SCHEME+` and `TPMT_KDF_SCHEME+` (TPM 2.0 Part 2,
/// 11.2): an algorithm, and a hash for most.
fn read_scheme(wire: &mut Wire<'_>, field: &'static str) -> Result<Option<Scheme>, Error> {
    let id = wire.u16_be(field)?;
    match id {
        alg::NULL => return Ok(None),
        alg::RSAES => {}
        alg::ECDAA => {
            wire.u16_be(field)?;
            wire.u16_be(field)?;
        }
        alg::RSASSA | alg::ECDSA => {
            let hash = NameAlg::from_id(wire.u16_be(field)?);
            return Ok(Some(match hash {
                Some(hash) if id == alg::RSASSA => Scheme::RsaSsa(hash),
                Some(hash) => Scheme::Ecdsa(hash),
                None => Scheme::Other(id),
            }));
        }
        alg::RSAPSS
        | alg::OAEP
        | alg::ECDH
        | alg::SM2
        | alg::ECSCHNORR
        | alg::ECMQV
        | alg::MGF1
        | alg::KDF1_SP800_56A
        | alg::KDF2
        | alg::KDF1_SP800_108 => {
            wire.u16_be(field)?;
        }
        other => return Err(wire.error(format!("{field} {other:#06x} is not one"))),
    }
    Ok(Some(Scheme::Other(id)))
}

/// `TPM_ECC_CURVE` (TCG Algorithm Registry).
fn curve_id(curve: Curve) -> u16 {
    match curve {
        Curve::P256 => 0x0003,
        Curve::P384 => 0x0004,
        Curve::P521 => 0x0005,
    }
}

impl fmt::Debug for TpmPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TpmPublic")
            .field("key", &self.key)
            .field("name_alg", &self.name_alg)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}
