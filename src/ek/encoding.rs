use std::fmt;

use super::bcrypt::{self, Magic};
use super::public_key::EkPub;
use super::tpm_public::{TpmPublic, starts_as_tpmt};
use crate::der::tag;
use crate::finding::Error;

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

impl EkPub {
    /// Recognises an EKpub in any encoding: `None` if `bytes` is none of them at
    /// all, an error if it starts as one and then breaks. A key that is read took
    /// up all of `bytes`.
    ///
    /// # Errors
    /// `ekpub-malformed`, with the place where it breaks; also for private keys.
    pub fn recognise(bytes: &[u8]) -> Result<Option<(Self, Encoding)>, Error> {
        let read = |key: Result<Self, Error>, encoding| key.map(|key| Some((key, encoding)));
        if let Some(magic) = Magic::of(bytes) {
            let encoding = match magic {
                Magic::RsaPublic => Encoding::BcryptRsaKeyBlob,
                _ => Encoding::BcryptEccKeyBlob,
            };
            return read(bcrypt::read(magic, bytes), encoding);
        }
        match DerKind::of(bytes) {
            Some(DerKind::Spki) => {
                return read(Self::from_spki(bytes), Encoding::SubjectPublicKeyInfo);
            }
            Some(DerKind::Pkcs1) => return read(Self::from_pkcs1(bytes), Encoding::Pkcs1),
            Some(DerKind::Private) => return Err(bcrypt::private_key()),
            None => {}
        }
        if starts_as_tpmt(bytes) {
            let area = TpmPublic::from_tpmt(bytes);
            return read(area.map(|area| area.key), Encoding::TpmtPublic);
        }
        if bytes.get(2..).is_some_and(starts_as_tpmt) {
            let area = TpmPublic::from_tpm2b(bytes);
            return read(area.map(|area| area.key), Encoding::Tpm2bPublic);
        }
        Ok(None)
    }
}

/// Which structure around a key a DER SEQUENCE starts as.
enum DerKind {
    Spki,
    Pkcs1,
    Private,
}

impl DerKind {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (inner_tag, inner) = first_in_sequence(bytes)?;
        match inner_tag {
            tag::SEQUENCE => {
                let (_, content) = split_header(inner)?;
                (content.first() == Some(&tag::OID)).then_some(Self::Spki)
            }
            // PKCS#8 and PKCS#1 private keys start with version 0, SEC 1 ones with
            // version 1; then comes an algorithm, a modulus or the secret itself.
            tag::INTEGER => match inner.get(1..)? {
                [1, 0, tag::SEQUENCE | tag::INTEGER, ..] | [1, 1, tag::OCTET_STRING, ..] => {
                    Some(Self::Private)
                }
                // A number of 128 octets or more: a modulus of 1024 bits or more.
                [0x81 | 0x82, ..] => Some(Self::Pkcs1),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The identifier octet of the first element in a SEQUENCE that `bytes` start
/// with, and that element with what follows. The SEQUENCE may be cut short.
fn first_in_sequence(bytes: &[u8]) -> Option<(u8, &[u8])> {
    if bytes.first() != Some(&tag::SEQUENCE) {
        return None;
    }
    let (_, content) = split_header(bytes)?;
    Some((*content.first()?, content))
}

/// Splits identifier and length octets from what follows them.
fn split_header(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = match bytes.get(1)? {
        0..=0x7f => 2,
        0x81 => 3,
        0x82 => 4,
        _ => return None,
    };
    bytes.split_at_checked(header)
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 6] = [
        Self::SubjectPublicKeyInfo,
        Self::Pkcs1,
        Self::BcryptRsaKeyBlob,
        Self::BcryptEccKeyBlob,
        Self::Tpm2bPublic,
        Self::TpmtPublic,
    ];

    /// The encoding that displays as `text`.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.to_string() == text)
    }
}

/// `spki`, `pkcs1`, `bcrypt-rsa`, `bcrypt-ecc`, `tpm2b-public`, `tpmt-public`.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubjectPublicKeyInfo => "spki",
            Self::Pkcs1 => "pkcs1",
            Self::BcryptRsaKeyBlob => "bcrypt-rsa",
            Self::BcryptEccKeyBlob => "bcrypt-ecc",
            Self::Tpm2bPublic => "tpm2b-public",
            Self::TpmtPublic => "tpmt-public",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::vectors::VECTORS;
    use crate::ek::{Curve, Key, Template};
    use crate::finding::{Code, Fault};
    use crate::hash::from_hex;

    /// Every encoding of a key, written from its numbers.
    fn encodings(key: &EkPub) -> Vec<(Encoding, Vec<u8>)> {
        let mut all = vec![(Encoding::SubjectPublicKeyInfo, key.spki_der().to_vec())];
        match key.key() {
            Key::Rsa { .. } => {
                all.push((Encoding::Pkcs1, key.subject_public_key().to_vec()));
                all.push((Encoding::BcryptRsaKeyBlob, key.to_bcrypt()));
            }
            Key::Ec { .. } => all.push((Encoding::BcryptEccKeyBlob, key.to_bcrypt())),
        }
        for area in Template::ALL
            .iter()
            .filter_map(|t| t.public_area(Some(key)))
        {
            let size = u16::try_from(area.len()).unwrap().to_be_bytes();
            all.push((Encoding::Tpm2bPublic, [&size[..], &area].concat()));
            all.push((Encoding::TpmtPublic, area));
        }
        all
    }

    fn keys() -> Vec<EkPub> {
        let keys = VECTORS.iter().map(|vector| {
            let bytes = from_hex(vector.tpm2b).unwrap();
            let (key, encoding) = EkPub::recognise(&bytes).unwrap().unwrap();
            assert_eq!(encoding, Encoding::Tpm2bPublic);
            assert_eq!(key.spki_sha256().to_string(), vector.spki_sha256);
            key
        });
        keys.collect()
    }

    #[test]
    fn every_encoding_gives_the_same_key() {
        for key in keys() {
            for (encoding, bytes) in encodings(&key) {
                assert_eq!(
                    EkPub::recognise(&bytes).unwrap(),
                    Some((key.clone(), encoding))
                );
            }
        }
    }

    #[test]
    fn a_key_is_all_of_the_bytes() {
        for key in keys() {
            for (encoding, mut bytes) in encodings(&key) {
                for length in 0..bytes.len() {
                    match EkPub::recognise(&bytes[..length]) {
                        Ok(found) => {
                            assert!(found.is_none(), "{encoding} of {length}");
                            assert!(length < 8, "{encoding} of {length}");
                        }
                        Err(error) => {
                            assert_eq!(error.code, Some(Code::EkpubMalformed));
                            assert!(error.location.is_some(), "{encoding} of {length}: {error}");
                            assert!(!error.help.is_empty());
                        }
                    }
                }
                bytes.push(0);
                assert_eq!(
                    EkPub::recognise(&bytes).unwrap_err().code,
                    Some(Code::EkpubMalformed)
                );
            }
        }
    }

    #[test]
    fn bcrypt_heads_of_rsa2048() {
        // The head that a 2048-bit key with 65537 has in BCRYPT_RSAKEY_BLOB.
        let key = EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        let blob = key.to_bcrypt();
        assert_eq!(blob.len(), 283);
        assert_eq!(
            blob[..27],
            from_hex("525341310008000003000000000100000000000000000000010001").unwrap()
        );
        let key = EkPub::from_point(Curve::P384, &[1], &[2]).unwrap();
        assert_eq!(key.to_bcrypt()[..8], *b"ECK3\x30\0\0\0");
    }

    fn refusal(bytes: &[u8]) -> crate::finding::Error {
        EkPub::recognise(bytes).unwrap_err()
    }

    #[test]
    fn private_keys_are_refused() {
        let key = EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        let mut blob = key.to_bcrypt();
        blob[3] = b'2';
        assert!(refusal(&blob).message.contains("private key"));
        let mut blob = key.to_bcrypt();
        blob[16] = 128;
        assert!(refusal(&blob).message.contains("private key"));
        // PKCS#1, PKCS#8 and SEC 1, as far as their heads.
        for head in [
            "308204a40201000282010100ff",
            "308204be020100300d06",
            "30770201010420ff",
        ] {
            assert!(
                refusal(&from_hex(head).unwrap())
                    .message
                    .contains("private key")
            );
        }
    }

    #[test]
    fn lengths_that_lie() {
        let key = EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        for (offset, value) in [(4, 1), (8, 4), (11, 0xff), (12, 1), (15, 0xff)] {
            let mut blob = key.to_bcrypt();
            blob[offset] = value;
            assert_eq!(refusal(&blob).code, Some(Code::EkpubMalformed), "{offset}");
        }
        let area = Template::ALL[0].public_area(Some(&key)).unwrap();
        // keyBits one less.
        let at = area.len() - 256 - 2 - 4 - 2;
        let mut wrong = area.clone();
        wrong[at..at + 2].copy_from_slice(&2047u16.to_be_bytes());
        assert!(refusal(&wrong).message.contains("2047"));
    }

    #[test]
    fn templates_hold_no_key() {
        for template in Template::ALL {
            let error = refusal(&template.public_area(None).unwrap());
            assert!(error.help.contains("template"), "{}", template.label);
        }
    }

    #[test]
    fn tpm_schemes_and_short_coordinates() {
        // An ECDSA key without symmetric algorithm, x with its leading zero dropped.
        let tpmt = from_hex(&format!(
            "0023000b00040072000000100018000b000300100002{}0020{}",
            "0a0b",
            "11".repeat(32)
        ))
        .unwrap();
        let (key, _) = EkPub::recognise(&tpmt).unwrap().unwrap();
        assert_eq!(
            key,
            EkPub::from_point(Curve::P256, &[0x0a, 0x0b], &[0x11; 32]).unwrap()
        );
        // RSASSA with SHA-256, an exponent of its own.
        let tpmt = from_hex(&format!(
            "0001000b000400720000001000140\
             00b0800000000030100{}",
            "ff".repeat(256)
        ))
        .unwrap();
        let (key, _) = EkPub::recognise(&tpmt).unwrap().unwrap();
        assert_eq!(key, EkPub::from_rsa(&[0xff; 256], &[3]).unwrap());
        // TPM_ECC_SM2_P256.
        let sm2 = from_hex("0023000b000300b2000000100010002000100000000000000000").unwrap();
        assert_eq!(refusal(&sm2[..24]).fault, Fault::Unsupported);
    }

    #[test]
    fn kinds_of_spki() {
        let spki = |oid: &str, parameters: &str, key: &str| {
            let inner = format!("{oid}{parameters}");
            let algorithm = format!("30{:02x}{inner}", inner.len() / 2);
            let bits = format!("0382{:04x}00{key}", key.len() / 2 + 1);
            let body = format!("{algorithm}{bits}");
            from_hex(&format!("3082{:04x}{body}", body.len() / 2)).unwrap()
        };
        let key = EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        let pkcs1 = crate::hash::hex(key.subject_public_key());
        let oaep = "06092a864886f70d010107";
        // Without, with NULL, with none, and as in TPM 1.2: pSource "TCPA".
        let psource = "3015a213301106092a864886f70d010109040454435041";
        for parameters in ["", "0500", "3000", psource] {
            assert_eq!(
                EkPub::from_spki(&spki(oaep, parameters, &pkcs1)).unwrap(),
                key
            );
        }
        let pss = refusal(&spki("06092a864886f70d01010a", "", &pkcs1));
        assert_eq!(pss.fault, Fault::Unsupported);
        assert!(pss.message.contains("PSS"));

        let ec = "06072a8648ce3d0201";
        let p256 = "06082a8648ce3d030107";
        let compressed = refusal(&spki(ec, p256, &format!("02{}", "11".repeat(32))));
        assert!(compressed.message.contains("compressed"));
        // secp256k1.
        let other = refusal(&spki(
            ec,
            "06052b8104000a",
            &format!("04{}", "11".repeat(64)),
        ));
        assert_eq!(other.fault, Fault::Unsupported);
        assert!(other.message.contains("1.3.132.0.10"));
        let infinity = refusal(&spki(ec, p256, "00"));
        assert_eq!(infinity.fault, Fault::Malformed);
        // A negative modulus, that is one without its leading zero.
        let negative = format!("30820108028200ff{}0203010001", "ff".repeat(255));
        assert!(
            refusal(&from_hex(&negative).unwrap())
                .message
                .contains("negative")
        );
    }

    #[test]
    fn generic_ecc_blobs() {
        let key = keys().into_iter().nth(1).unwrap();
        let mut blob = key.to_bcrypt();
        blob[3] = b'P';
        assert_eq!(EkPub::recognise(&blob).unwrap().unwrap().0, key);
        let last = blob.len() - 1;
        blob[last] ^= 1;
        let error = refusal(&blob);
        assert!(error.message.contains("does not name its curve"));
        blob[4] = 28;
        assert_eq!(refusal(&blob).code, Some(Code::EkpubMalformed));
        // A named one is read as it stands; check_key judges the point.
        blob[4] = 32;
        blob[3] = b'1';
        assert!(EkPub::recognise(&blob).unwrap().is_some());
    }

    #[test]
    fn other_things_are_not_keys() {
        for bytes in [
            &b""[..],
            b"RSA",
            b"hello world, this is no key",
            &[0x30],
            &[0x30, 0x45, 0x02, 0x20, 1],
            &[0x30, 0x82, 3, 0x10, 0x30, 0x82, 1, 0xf8, 0xa0, 3, 2, 1, 2],
            &[0, 0, 0, 0, 0, 0],
            &[0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1],
        ] {
            assert_eq!(EkPub::recognise(bytes).unwrap(), None, "{bytes:?}");
        }
    }
}
