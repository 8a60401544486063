//! What protects a PKCS#12 file: the MAC, and encryption with a password.

use ::der::Decode as _;
use aws_lc_rs::hmac;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use des::TdesEde3;
use pkcs5::pbes2;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::{malformed, unsupported};
use crate::der::{Tlv, TlvError, tag};
use crate::finding::{Code, Error};

/// id-PBES2, 1.2.840.113549.1.5.13 (RFC 8018 A.4).
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
/// id-PBMAC1, 1.2.840.113549.1.5.14 (RFC 9579).
const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0e];
/// pkcs-12PbeIds, 1.2.840.113549.1.12.1 (RFC 7292 appendix C).
const PBES1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// id-sha1, 1.3.14.3.2.26.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// nistAlgorithm hashAlgs, 2.16.840.1.101.3.4.2.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// The longest salt that is read, in octets; genuine ones have 8 to 32.
const MAX_SALT_LEN: usize = 1024;

/// A password in the forms in which it protects: as it is, and as RFC 7292 B.1 has it.
pub(super) struct Password {
    text: String,
    /// UTF-16, big-endian, with two zero octets at the end; an empty password also as nothing.
    wide: Vec<Vec<u8>>,
}

impl Password {
    pub(super) fn new(text: &str) -> Self {
        let mut wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        wide.extend([0, 0]);
        let mut forms = vec![wide];
        if text.is_empty() {
            forms.push(Vec::new());
        }
        Self {
            text: text.to_owned(),
            wide: forms,
        }
    }

    /// How many forms of it may have to be tried.
    pub(super) fn forms(&self) -> u64 {
        u64::try_from(self.wide.len()).unwrap_or(u64::MAX)
    }

    /// Verifies MacData (RFC 7292 4) over the content.
    pub(super) fn verify_mac(&mut self, mac: Tlv<'_>, content: &[u8]) -> Result<(), Error> {
        let mac = Mac::read(mac)?;
        let verifies = |password: &Vec<u8>| {
            let derived = mac
                .hash
                .derive(password, mac.salt, Pkcs12KeyType::Mac, mac.rounds);
            let key = hmac::Key::new(mac.hash.hmac(), &derived);
            hmac::verify(&key, content, mac.digest).is_ok()
        };
        // What verifies is the form for the rest of the file.
        match self.wide.iter().position(verifies) {
            Some(position) => {
                self.wide = vec![self.wide.swap_remove(position)];
                Ok(())
            }
            None => Err(wrong_password()),
        }
    }

    /// Decrypts with the algorithm that is named, whose rounds were counted before.
    pub(super) fn decrypt(&self, algorithm: Tlv<'_>, data: &[u8]) -> Result<Vec<u8>, Error> {
        match Encryption::read(algorithm)? {
            Encryption::Pbes2(parameters) => parameters
                .decrypt(self.text.as_bytes(), data)
                .map_err(|_| wrong_password()),
            Encryption::Pbes1 {
                cipher,
                salt,
                rounds,
            } => {
                let open = |password: &Vec<u8>| {
                    let derive = |purpose, length| {
                        derive_key::<Sha1>(password, salt, purpose, rounds, length)
                    };
                    let iv = derive(Pkcs12KeyType::Iv, 8);
                    let key = derive(Pkcs12KeyType::EncryptionKey, cipher.key_len());
                    match cipher {
                        Cipher::TripleDes => decrypt_cbc::<TdesEde3>(&key, &iv, data),
                        Cipher::Rc2Of128 | Cipher::Rc2Of40 => decrypt_cbc::<Rc2>(&key, &iv, data),
                    }
                };
                self.wide.iter().find_map(open).ok_or_else(wrong_password)
            }
        }
    }
}

fn wrong_password() -> Error {
    Error::malformed(
        Code::PfxPassword,
        "the password does not open the PKCS#12 file",
        "give the right one in a file with --password-file, or type it when asked; if it is \
         right, the file is damaged",
    )
}

fn decrypt_cbc<C: KeyInit + BlockCipherDecrypt>(
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    cipher.decrypt_padded_vec::<Pkcs7>(data).ok()
}

/// What the MAC costs, in rounds of hashing.
pub(super) fn mac_rounds(mac: Tlv<'_>) -> Result<u64, Error> {
    Ok(count(Mac::read(mac)?.rounds))
}

/// What decrypting costs, in rounds of hashing.
pub(super) fn rounds(algorithm: Tlv<'_>) -> Result<u64, Error> {
    Ok(match Encryption::read(algorithm)? {
        // HMAC hashes twice, and a long key may take two blocks.
        Encryption::Pbes2(parameters) => match parameters.kdf {
            pbes2::Kdf::Pbkdf2(kdf) => u64::from(kdf.iteration_count).saturating_mul(4),
            // Its cost is memory, and no program is known to write it into a PFX.
            pbes2::Kdf::Scrypt(_) => return Err(unsupported("key derivation with scrypt")),
            _ => return Err(unsupported("an unknown key derivation")),
        },
        // One for the IV, two for the key.
        Encryption::Pbes1 { rounds, .. } => count(rounds).saturating_mul(3),
    })
}

fn count(rounds: i32) -> u64 {
    u64::try_from(rounds).unwrap_or(0)
}

enum Encryption<'a> {
    Pbes2(Box<pbes2::Parameters>),
    Pbes1 {
        cipher: Cipher,
        salt: &'a [u8],
        rounds: i32,
    },
}

#[derive(Clone, Copy)]
enum Cipher {
    TripleDes,
    Rc2Of128,
    Rc2Of40,
}

impl Cipher {
    fn key_len(self) -> usize {
        match self {
            Self::TripleDes => 24,
            Self::Rc2Of128 => 16,
            Self::Rc2Of40 => 5,
        }
    }
}

impl<'a> Encryption<'a> {
    fn read(algorithm: Tlv<'a>) -> Result<Self, Error> {
        let at = malformed("AlgorithmIdentifier");
        let mut fields = algorithm.reader();
        let oid = fields.expect(tag::OID).map_err(&at)?.content;
        let parameters = fields.rest();
        if oid == PBES2 {
            let parameters = pbes2::Parameters::from_der(parameters)
                .map_err(|error| unsupported(format!("PBES2 with other parameters ({error})")))?;
            return Ok(Self::Pbes2(Box::new(parameters)));
        }
        let cipher = match oid.strip_prefix(PBES1) {
            Some([3]) => Cipher::TripleDes,
            Some([5]) => Cipher::Rc2Of128,
            Some([6]) => Cipher::Rc2Of40,
            Some(_) => return Err(unsupported("RC4, or 3DES with two keys")),
            None => return Err(unsupported("an unknown encryption")),
        };
        let at = malformed("pkcs-12PbeParams");
        let mut fields = Tlv::parse_all(parameters, tag::SEQUENCE)
            .map_err(&at)?
            .reader();
        let salt = salt(fields.expect(tag::OCTET_STRING).map_err(&at)?).map_err(&at)?;
        let rounds = number(fields.expect(tag::INTEGER).map_err(&at)?).map_err(&at)?;
        fields.finish().map_err(&at)?;
        Ok(Self::Pbes1 {
            cipher,
            salt,
            rounds,
        })
    }
}

struct Mac<'a> {
    hash: MacHash,
    digest: &'a [u8],
    salt: &'a [u8],
    rounds: i32,
}

#[derive(Clone, Copy)]
enum MacHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl MacHash {
    fn derive(self, password: &[u8], salt: &[u8], purpose: Pkcs12KeyType, rounds: i32) -> Vec<u8> {
        match self {
            Self::Sha1 => derive_key::<Sha1>(password, salt, purpose, rounds, 20),
            Self::Sha256 => derive_key::<Sha256>(password, salt, purpose, rounds, 32),
            Self::Sha384 => derive_key::<Sha384>(password, salt, purpose, rounds, 48),
            Self::Sha512 => derive_key::<Sha512>(password, salt, purpose, rounds, 64),
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

impl<'a> Mac<'a> {
    fn read(mac: Tlv<'a>) -> Result<Self, Error> {
        let at = malformed("macData");
        let mut fields = mac.reader();
        let mut info = fields.expect(tag::SEQUENCE).map_err(&at)?.reader();
        let algorithm = info.expect(tag::SEQUENCE).map_err(&at)?;
        let digest = info.expect(tag::OCTET_STRING).map_err(&at)?.content;
        info.finish().map_err(&at)?;
        let salt = salt(fields.expect(tag::OCTET_STRING).map_err(&at)?).map_err(&at)?;
        let rounds = match fields.optional(tag::INTEGER).map_err(&at)? {
            Some(rounds) => number(rounds).map_err(&at)?,
            None => 1,
        };
        fields.finish().map_err(&at)?;
        let oid = algorithm.reader().expect(tag::OID).map_err(&at)?.content;
        let hash = match oid {
            SHA1 => MacHash::Sha1,
            PBMAC1 => return Err(unsupported("a MAC by RFC 9579 (PBMAC1)")),
            other => match other.strip_prefix(SHA2) {
                Some([1]) => MacHash::Sha256,
                Some([2]) => MacHash::Sha384,
                Some([3]) => MacHash::Sha512,
                _ => return Err(unsupported("a MAC with an unknown hash")),
            },
        };
        Ok(Self {
            hash,
            digest,
            salt,
            rounds,
        })
    }
}

/// A salt: not empty, and of a length that salts have.
fn salt<'a>(octets: Tlv<'a>) -> Result<&'a [u8], TlvError> {
    match octets.content.len() {
        1..=MAX_SALT_LEN => Ok(octets.content),
        _ => Err(TlvError::BadLength),
    }
}

/// A count that is positive and fits 31 bits, as those of the library do.
fn number(integer: Tlv<'_>) -> Result<i32, TlvError> {
    let octets = integer.content;
    if octets.is_empty() || octets.len() > 5 {
        return Err(TlvError::BadLength);
    }
    let number = octets.iter().try_fold(0i32, |number, &octet| {
        number.checked_mul(256)?.checked_add(i32::from(octet))
    });
    let negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    match number {
        Some(number) if number > 0 && !negative => Ok(number),
        // More than there can be is the most: the price is refused then.
        None if !negative => Ok(i32::MAX),
        _ => Err(TlvError::BadLength),
    }
}
