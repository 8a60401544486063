use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPublicEncryptingKey, PublicEncryptingKey,
};

use super::kdf::{hmac_algorithm, kdfa, kdfe};
use super::{HELP, malformed, refused_by_cryptography};
use crate::ek::{Curve, EkPub, Key, NameAlg, Template, TpmPublic, Wire};
use crate::finding::{Code, Error, Fault};

/// The longest secret that is put into a credential, in octets. The TPM takes as many
/// as the digest of the EK's Name has; 32 fit every EK.
pub const MAX_CREDENTIAL_LEN: usize = 32;

/// The label of the seed (TPM 2.0 Part 1, 24). For OAEP the NUL at its end counts.
const IDENTITY: &str = "IDENTITY";
const OAEP_LABEL: &[u8] = b"IDENTITY\0";

/// How an EK protects what is encrypted to it: from its public area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protection {
    name_alg: NameAlg,
    aes_bits: u16,
}

/// A credential for one TPM and one object in it (TPM2_MakeCredential).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// `TPM2B_ID_OBJECT`: the protected secret.
    pub id_object: Vec<u8>,
    /// `TPM2B_ENCRYPTED_SECRET`: the seed, encrypted to the EK.
    pub encrypted_secret: Vec<u8>,
}

impl Protection {
    /// The protection with this hash and AES in CFB mode with keys of so many bits.
    /// `None` for what is not made here: SHA-1, SM3, other ciphers.
    pub fn new(name_alg: NameAlg, aes_bits: u16) -> Option<Self> {
        (hmac_algorithm(name_alg).is_some() && matches!(aes_bits, 128 | 256))
            .then_some(Self { name_alg, aes_bits })
    }

    /// The protection of the EK with this public area.
    pub fn of(public: &TpmPublic) -> Option<Self> {
        Self::new(NameAlg::from_id(public.name_alg)?, public.aes_cfb_bits?)
    }

    /// The protections that the EK has under the templates that make keys of its kind,
    /// without repetition. Which template was used cannot be seen from the key alone,
    /// but all for one kind have the same, except those for RSA 4096.
    pub fn of_templates(key: &EkPub) -> Vec<Self> {
        let mut all = Vec::new();
        let fitting = Template::ALL
            .iter()
            .filter(|template| template.algorithm == key.algorithm());
        for template in fitting {
            let protection = Self::new(template.name_alg, template.aes_bits);
            all.extend(protection.filter(|protection| !all.contains(protection)));
        }
        all
    }

    /// The hash of the EK's Name.
    pub fn name_alg(self) -> NameAlg {
        self.name_alg
    }

    /// The bits of the AES key.
    pub fn aes_bits(self) -> u16 {
        self.aes_bits
    }

    fn digest_len(self) -> usize {
        match self.name_alg {
            NameAlg::Sha384 => 48,
            NameAlg::Sha512 => 64,
            _ => 32,
        }
    }

    fn digest_bits(self) -> u16 {
        match self.name_alg {
            NameAlg::Sha384 => 384,
            NameAlg::Sha512 => 512,
            _ => 256,
        }
    }

    fn hmac(self) -> Result<hmac::Algorithm, Error> {
        hmac_algorithm(self.name_alg).ok_or_else(|| refused_by_cryptography("find the hash"))
    }
}

/// Makes a credential: `secret` can be recovered only by a TPM that holds the private
/// part of `ek` and has an object loaded whose Name is `name` (TPM 2.0 Part 1, 24).
///
/// # Errors
/// [`Fault::Misuse`] for a secret longer than [`MAX_CREDENTIAL_LEN`], `ekpub-malformed`
/// for a key that is none (a point off its curve, an RSA key of an impossible length).
pub fn make_credential(
    ek: &EkPub,
    protection: Protection,
    name: &[u8],
    secret: &[u8],
) -> Result<Credential, Error> {
    let (seed, encrypted_secret) = match ek.key() {
        Key::Rsa { .. } => {
            let mut seed = vec![0; protection.digest_len()];
            rand::fill(&mut seed).map_err(|_| refused_by_cryptography("give random numbers"))?;
            let encrypted = encrypt_seed(ek, protection, &seed)?;
            (seed, encrypted)
        }
        Key::Ec { curve, x, y } => {
            let ephemeral = PrivateKey::generate(curve_algorithm(*curve))
                .map_err(|_| refused_by_cryptography("make an ephemeral key"))?;
            agree_on_seed(&ephemeral, *curve, x, y, protection)?
        }
    };
    Ok(Credential {
        id_object: protect(protection, &seed, name, secret)?,
        encrypted_secret: sized(&encrypted_secret)?,
    })
}

/// The seed under RSAES-OAEP (TPM 2.0 Part 1, B.4).
fn encrypt_seed(ek: &EkPub, protection: Protection, seed: &[u8]) -> Result<Vec<u8>, Error> {
    let algorithm: &'static OaepAlgorithm = match protection.name_alg {
        NameAlg::Sha384 => &OAEP_SHA384_MGF1SHA384,
        NameAlg::Sha512 => &OAEP_SHA512_MGF1SHA512,
        _ => &OAEP_SHA256_MGF1SHA256,
    };
    let key = PublicEncryptingKey::from_der(ek.spki_der())
        .map_err(|_| unusable(ek))
        .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| unusable(ek)))?;
    let mut out = vec![0; key.ciphertext_size()];
    let length = key
        .encrypt(algorithm, seed, &mut out, Some(OAEP_LABEL))
        .map_err(|_| unusable(ek))?
        .len();
    out.truncate(length);
    Ok(out)
}

/// The seed by one-pass Diffie-Hellman, and the ephemeral point that goes to the TPM
/// (TPM 2.0 Part 1, C.6.1 and C.8).
fn agree_on_seed(
    ephemeral: &PrivateKey,
    curve: Curve,
    x: &[u8],
    y: &[u8],
    protection: Protection,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let algorithm = curve_algorithm(curve);
    let public = ephemeral
        .compute_public_key()
        .map_err(|_| refused_by_cryptography("compute a public key"))?;
    // 04, then both coordinates padded to the size of the field (SEC 1, 2.3.3).
    let (own_x, own_y) = public
        .as_ref()
        .get(1..)
        .and_then(|point| point.split_at_checked(curve.field_len()))
        .ok_or_else(|| refused_by_cryptography("give a public key in its usual form"))?;
    let point = [&[0x04][..], x, y].concat();
    let seed = agree(
        ephemeral,
        UnparsedPublicKey::new(algorithm, point),
        Error::malformed(
            Code::EkpubMalformed,
            "no credential can be made for the EK: its point is not on its curve",
            "no TPM makes such a key; do not register it",
        ),
        |shared_x| {
            Ok(kdfe(
                protection.name_alg,
                shared_x,
                IDENTITY,
                own_x,
                x,
                protection.digest_bits(),
            ))
        },
    )?;
    let mut encrypted = sized(own_x)?;
    encrypted.extend(sized(own_y)?);
    Ok((seed, encrypted))
}

/// The secret, encrypted and bound to the Name with keys from the seed: a
/// `TPM2B_ID_OBJECT` (TPM 2.0 Part 1, 24).
fn protect(
    protection: Protection,
    seed: &[u8],
    name: &[u8],
    secret: &[u8],
) -> Result<Vec<u8>, Error> {
    if secret.len() > MAX_CREDENTIAL_LEN {
        return Err(Error::misuse(
            format!("a secret of {} octets is too long", secret.len()),
            format!("a credential holds at most {MAX_CREDENTIAL_LEN} octets"),
        ));
    }
    let hmac = protection.hmac()?;
    let aes_key = kdfa(hmac, seed, "STORAGE", name, protection.aes_bits);
    let mut identity = sized(secret)?;
    encrypt(&aes_key, &mut identity)
        .ok_or_else(|| refused_by_cryptography("encrypt with AES in CFB mode"))?;
    let hmac_key = kdfa(hmac, seed, "INTEGRITY", &[], protection.digest_bits());
    let mut integrity = hmac::Context::with_key(&hmac::Key::new(hmac, &hmac_key));
    integrity.update(&identity);
    integrity.update(name);
    let mut object = sized(integrity.sign().as_ref())?;
    object.extend(identity);
    sized(&object)
}

/// AES in CFB mode, in place. The initialisation vector is zero, as each key is used
/// for one message only.
fn encrypt(key: &[u8], message: &mut [u8]) -> Option<()> {
    let algorithm = match key.len() {
        16 => &AES_128,
        _ => &AES_256,
    };
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    EncryptingKey::cfb128(key)
        .ok()?
        .less_safe_encrypt(
            message,
            EncryptionContext::Iv128(FixedLength::from([0; 16])),
        )
        .ok()?;
    Some(())
}

impl Credential {
    /// Magic number and version of the file of tpm2_makecredential.
    const TPM2_TOOLS: [u8; 8] = [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1];

    /// Whether the seed is as long as one that is encrypted to this key: one of another
    /// length is for another kind of key.
    pub fn is_for_a_key_like(&self, key: &EkPub) -> bool {
        /// How many leading zeros a TPM may leave out of two coordinates, at the most.
        const LEFT_OUT: usize = 8;
        let lengths = match key.key() {
            Key::Rsa { modulus, .. } => modulus.len()..=modulus.len(),
            Key::Ec { curve, .. } => {
                let whole = curve.field_len().saturating_add(2).saturating_mul(2);
                whole.saturating_sub(LEFT_OUT)..=whole
            }
        };
        lengths.contains(&self.encrypted_secret.len().saturating_sub(2))
    }

    /// The file that tpm2_activatecredential takes.
    pub fn to_tpm2_tools(&self) -> Vec<u8> {
        [
            &Self::TPM2_TOOLS[..],
            &self.id_object,
            &self.encrypted_secret,
        ]
        .concat()
    }

    /// Whether `bytes` start as a file of tpm2_makecredential.
    pub fn is_tpm2_tools(bytes: &[u8]) -> bool {
        bytes.starts_with(&Self::TPM2_TOOLS)
    }

    /// Reads a file of tpm2_makecredential.
    ///
    /// # Errors
    /// `challenge-malformed`, with the place where it breaks.
    pub fn from_tpm2_tools(bytes: &[u8]) -> Result<Self, Error> {
        let body = bytes
            .strip_prefix(&Self::TPM2_TOOLS)
            .ok_or_else(|| malformed("it is no file of tpm2_makecredential"))?;
        let mut wire = Wire::of("the credential file", body, Code::ChallengeMalformed, HELP);
        let id_object = wire.sized("TPM2B_ID_OBJECT")?;
        let encrypted_secret = wire.sized("TPM2B_ENCRYPTED_SECRET")?;
        wire.finish()?;
        Ok(Self {
            id_object: sized(id_object)?,
            encrypted_secret: sized(encrypted_secret)?,
        })
    }
}

/// A TPM2B: the length in two octets, then the octets.
fn sized(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u16::try_from(bytes.len()).map_err(|_| {
        Error::new(
            Fault::Unsupported,
            format!("{} octets do not fit in a structure of a TPM", bytes.len()),
            "no TPM has such a key; see that the right file was given",
        )
    })?;
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    Ok(out)
}

fn curve_algorithm(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => &agreement::ECDH_P521,
    }
}

fn unusable(ek: &EkPub) -> Error {
    Error::malformed(
        Code::EkpubMalformed,
        format!(
            "no credential can be made for the EK: nothing can be encrypted to its {} key",
            ek.algorithm()
        ),
        "RSA keys of 2048 to 8192 bits with an odd exponent are used here; no TPM 2.0 has another",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{from_hex, hex};

    const SECRET: &str = "00112233445566778899aabbccddeeff";

    fn name() -> Vec<u8> {
        [0x00, 0x0b].into_iter().chain(0..32).collect()
    }

    /// Computed by another implementation, whose credentials a TPM emulator (swtpm)
    /// activated. Name `000b` and 00 to 1f, seed from 40 up.
    #[test]
    fn the_vectors() {
        for (name_alg, aes_bits, seed_end, aes_key, hmac_key, object) in [
            (
                NameAlg::Sha256,
                128,
                0x60,
                "ddfdf2bd440eafc20e055ca5cf54e559",
                "01927eb72a10a617a5f9166fc789e6a5acbac94d27180042441cada7147483e2",
                "00340020aa5c3764f306bbc943976b11dbf6cd52a242cc3739d9028f8dcdf431e1b3cdff9aa37d445b\
                 d4b3e7f7c81df1d9be498f9a70",
            ),
            (
                NameAlg::Sha384,
                256,
                0x70,
                "69b6f5c16fad984985279ee46a6ac7b77d2401d4f08d93b6bae4015978070a87",
                "446b9ed6c87394b01b507ecbd01ba66e169dbe565fdd93c9319f623489dd8f9e0f2938ab84f1a3c012\
                 0cf9afe4256438",
                "00440030db5c1cb07295cf9c0c21bd78364c1939403c7b0098329d37c2424b43e16d03e014e9373ffc\
                 7267850ee0c9887c2aa2b1eca858ebb116f6baf11ec64eb294cc45b01b",
            ),
        ] {
            let protection = Protection::new(name_alg, aes_bits).unwrap();
            let seed: Vec<u8> = (0x40..seed_end).collect();
            let hmac = protection.hmac().unwrap();
            assert_eq!(
                hex(&kdfa(hmac, &seed, "STORAGE", &name(), aes_bits)),
                aes_key
            );
            assert_eq!(
                hex(&kdfa(
                    hmac,
                    &seed,
                    "INTEGRITY",
                    &[],
                    protection.digest_bits()
                )),
                hmac_key
            );
            let secret = from_hex(SECRET).unwrap();
            assert_eq!(
                hex(&protect(protection, &seed, &name(), &secret).unwrap()),
                object
            );
        }
    }

    /// The ephemeral key 1 and the EK 2G.
    #[test]
    fn the_vector_of_an_elliptic_curve() {
        let mut one = [0; 32];
        one[31] = 1;
        let ephemeral = PrivateKey::from_private_key(&agreement::ECDH_P256, &one).unwrap();
        let x =
            from_hex("7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978").unwrap();
        let y =
            from_hex("07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1").unwrap();
        let protection = Protection::new(NameAlg::Sha256, 128).unwrap();
        let (seed, encrypted) = agree_on_seed(&ephemeral, Curve::P256, &x, &y, protection).unwrap();
        assert_eq!(
            hex(&seed),
            "85f4f4b4b6b2e58fe2354caca895239a640d88b6b8cf19ab22387b2b76d93750"
        );
        // The generator.
        assert!(hex(&encrypted).starts_with("00206b17d1f2e12c4247"));
        assert_eq!(encrypted.len(), 68);
    }

    #[test]
    fn points_off_the_curve_and_odd_keys() {
        let protection = Protection::new(NameAlg::Sha256, 128).unwrap();
        let off = EkPub::from_point(Curve::P256, &[1], &[2]).unwrap();
        let even = EkPub::from_rsa(&[0xff; 256], &[2]).unwrap();
        let short = EkPub::from_rsa(&[0xff; 128], &[1, 0, 1]).unwrap();
        for key in [off, even, short] {
            let error = make_credential(&key, protection, &name(), &[1; 16]).unwrap_err();
            assert_eq!(error.code, Some(Code::EkpubMalformed), "{key:?}");
        }
        assert_eq!(Protection::new(NameAlg::Sha1, 128), None);
        assert_eq!(Protection::new(NameAlg::Sha256, 192), None);
    }

    #[test]
    fn a_secret_that_is_too_long() {
        let protection = Protection::new(NameAlg::Sha256, 128).unwrap();
        let error = protect(protection, &[0; 32], &name(), &[0; 33]).unwrap_err();
        assert_eq!(error.fault, Fault::Misuse);
    }

    #[test]
    fn the_file_of_tpm2_tools() {
        let credential = Credential {
            id_object: vec![0, 2, 1, 2],
            encrypted_secret: vec![0, 1, 9],
        };
        let file = credential.to_tpm2_tools();
        assert_eq!(hex(&file), "badcc0de0000000100020102000109");
        assert_eq!(Credential::from_tpm2_tools(&file).unwrap(), credential);
        for length in 0..file.len() {
            let error = Credential::from_tpm2_tools(&file[..length]).unwrap_err();
            assert_eq!(error.code, Some(Code::ChallengeMalformed));
        }
        let longer = [&file[..], &[0]].concat();
        assert!(Credential::from_tpm2_tools(&longer).is_err());
    }

    #[test]
    fn one_protection_for_each_kind_of_key_but_one() {
        for (template, count) in [("L-1", 1), ("L-2", 1), ("H-3", 1), ("H-4", 1), ("H-7", 2)] {
            let template = Template::by_label(template).unwrap();
            let key = match template.algorithm {
                crate::ek::Algorithm::Rsa(bits) => {
                    EkPub::from_rsa(&vec![0xff; bits / 8], &[1, 0, 1])
                }
                crate::ek::Algorithm::Ecc(curve) => EkPub::from_point(curve, &[1], &[2]),
            };
            let all = Protection::of_templates(&key.unwrap());
            assert_eq!(all.len(), count, "{template:?}");
            assert!(all.contains(&Protection {
                name_alg: template.name_alg,
                aes_bits: template.aes_bits
            }));
        }
    }
}
