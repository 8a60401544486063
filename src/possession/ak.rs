use crate::ek::{Algorithm, NameAlg, Scheme, TpmPublic, check_key};
use crate::finding::{Code, Finding};

/// `TPMA_OBJECT` bits (TPM 2.0 Part 2, 8.3): what a key must have so that whatever it
/// signs was made by the TPM it is in, and what it must not have.
const DEMANDED: [(u32, &str); 5] = [
    (1 << 1, "fixedTPM"),
    (1 << 4, "fixedParent"),
    (1 << 5, "sensitiveDataOrigin"),
    (1 << 16, "restricted"),
    (1 << 18, "sign"),
];
const DECRYPT: u32 = 1 << 17;

const HELP: &str = "make the key with 'endorse challenge ask', or with tpm2_createak: the proof rests on a \
     key that the TPM made itself, never lets go of, and signs nothing with but what the TPM says";

/// The least bits of an RSA attestation key: what the TPM's own EK has.
const MIN_RSA_BITS: usize = 2048;

/// A template for attestation keys: primary keys of the endorsement hierarchy, so that
/// the same one comes out each time and nothing has to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AkTemplate {
    /// What it makes, in words.
    pub label: &'static str,
    /// The `TPMT_PUBLIC` for TPM2_CreatePrimary.
    pub public_area: &'static [u8],
}

/// The templates for attestation keys, in the order in which they are tried: RSA for
/// TPMs without elliptic curves. Both with SHA-256, restricted, for signing only,
/// usable with an empty password, and exempt from the lockout (noDA), since there is
/// no secret to guess.
pub const AK_TEMPLATES: [AkTemplate; 2] = [
    AkTemplate {
        label: "ECDSA P-256",
        public_area: &[
            0x00, 0x23, // type: ECC
            0x00, 0x0b, // nameAlg: SHA-256
            0x00, 0x05, 0x04, 0x72, // attributes
            0x00, 0x00, // authPolicy: none
            0x00, 0x10, // symmetric: NULL
            0x00, 0x18, 0x00, 0x0b, // scheme: ECDSA with SHA-256
            0x00, 0x03, // curve: NIST P-256
            0x00, 0x10, // kdf: NULL
            0x00, 0x00, 0x00, 0x00, // unique: empty
        ],
    },
    AkTemplate {
        label: "RSASSA 2048",
        public_area: &[
            0x00, 0x01, // type: RSA
            0x00, 0x0b, // nameAlg: SHA-256
            0x00, 0x05, 0x04, 0x72, // attributes
            0x00, 0x00, // authPolicy: none
            0x00, 0x10, // symmetric: NULL
            0x00, 0x14, 0x00, 0x0b, // scheme: RSASSA with SHA-256
            0x08, 0x00, // keyBits: 2048
            0x00, 0x00, 0x00, 0x00, // exponent: 65537
            0x00, 0x00, // unique: empty
        ],
    },
];

/// An attestation key that a TPM made, never lets go of, and that signs only what the
/// TPM itself says. Only [`AttestationKey::new`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationKey {
    public: TpmPublic,
    name: Vec<u8>,
}

impl AttestationKey {
    /// Looks at a public area. That a TPM really holds such a key is proven when it
    /// recovers a credential made for the Name: no TPM loads a private key with these
    /// attributes that it did not make (TPM 2.0 Part 3, TPM2_LoadExternal, TPM2_Import),
    /// and one without its private part, which it loads with any attributes, gives it no
    /// authorisation for TPM2_ActivateCredential.
    ///
    /// # Errors
    /// An `ak-unsuitable` finding that names what is wrong.
    pub fn new(public: TpmPublic) -> Result<Self, Box<Finding>> {
        let unsuitable = |what: String| {
            Box::new(Finding::new(
                Code::AkUnsuitable,
                format!("the attestation key proves nothing: {what}"),
                HELP,
            ))
        };
        let missing: Vec<&str> = DEMANDED
            .iter()
            .filter(|(bit, _)| public.attributes & bit == 0)
            .map(|(_, name)| *name)
            .collect();
        if !missing.is_empty() {
            return Err(unsuitable(format!(
                "its attributes lack {}",
                missing.join(", ")
            )));
        }
        if public.attributes & DECRYPT != 0 {
            return Err(unsuitable("it is for decryption, too".to_owned()));
        }
        let strong = |hash| matches!(hash, NameAlg::Sha256 | NameAlg::Sha384 | NameAlg::Sha512);
        let name = NameAlg::from_id(public.name_alg)
            .filter(|hash| strong(*hash))
            .and_then(|_| public.name())
            .ok_or_else(|| unsuitable("its Name is not made with SHA-2".to_owned()))?;
        match (public.key.algorithm(), public.scheme) {
            (Algorithm::Rsa(bits), Some(Scheme::RsaSsa(hash)))
                if bits >= MIN_RSA_BITS && strong(hash) => {}
            (Algorithm::Ecc(_), Some(Scheme::Ecdsa(hash))) if strong(hash) => {}
            _ => {
                return Err(unsuitable(
                    "it does not sign by RSASSA with 2048 bits or more, or by ECDSA, with SHA-2"
                        .to_owned(),
                ));
            }
        }
        if let Some(finding) = check_key(&public.key).first() {
            return Err(unsuitable(finding.message.clone()));
        }
        Ok(Self { public, name })
    }

    /// Its public area.
    pub fn public(&self) -> &TpmPublic {
        &self.public
    }

    /// Its Name (TPM 2.0 Part 1, 16): the hash's identifier, then the digest of the
    /// public area.
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::{Curve, Template};

    /// The template with a key in its unique field.
    fn area(template: &AkTemplate) -> Vec<u8> {
        let mut area = template.public_area.to_vec();
        if template.label.starts_with("RSA") {
            let _ = area.split_off(area.len().saturating_sub(2));
            area.extend([0x01, 0x00]);
            area.extend(crate::possession::tests::modulus());
        } else {
            let key = crate::possession::tests::point(Curve::P256);
            let _ = area.split_off(area.len().saturating_sub(4));
            for half in key.chunks(32) {
                area.extend([0x00, 0x20]);
                area.extend(half);
            }
        }
        area
    }

    fn judged(area: &[u8]) -> Result<AttestationKey, Box<Finding>> {
        AttestationKey::new(TpmPublic::from_tpmt(area).unwrap())
    }

    #[test]
    fn the_templates_make_keys_that_are_taken() {
        for template in &AK_TEMPLATES {
            let area = area(template);
            let key = judged(&area).unwrap();
            assert_eq!(key.public().tpmt(), area);
            assert_eq!(key.name(), NameAlg::Sha256.name_of(&area));
        }
    }

    #[test]
    fn each_attribute_counts() {
        for template in &AK_TEMPLATES {
            for (bit, name) in DEMANDED {
                let mut area = area(template);
                let attributes = 0x0005_0472 & !bit;
                area[4..8].copy_from_slice(&attributes.to_be_bytes());
                let finding = judged(&area).unwrap_err();
                assert_eq!(finding.code, Code::AkUnsuitable);
                assert!(finding.message.ends_with(&format!("lack {name}")), "{name}");
            }
            let mut area = area(template);
            area[4..8].copy_from_slice(&(0x0005_0472 | DECRYPT).to_be_bytes());
            assert_eq!(judged(&area).unwrap_err().code, Code::AkUnsuitable);
        }
    }

    #[test]
    fn weak_names_and_schemes() {
        let ecc = area(&AK_TEMPLATES[0]);
        for (offset, value) in [
            (2, 0x0004),  // nameAlg SHA-1
            (12, 0x001c), // ECSCHNORR
            (14, 0x0004), // ECDSA with SHA-1
        ] {
            let mut area = ecc.clone();
            area[offset..offset + 2].copy_from_slice(&u16::to_be_bytes(value));
            assert_eq!(judged(&area).unwrap_err().code, Code::AkUnsuitable);
        }
        // A point off the curve, and an EK.
        let mut area = ecc;
        let last = area.len() - 1;
        area[last] ^= 1;
        assert_eq!(judged(&area).unwrap_err().code, Code::AkUnsuitable);
        let key = crate::ek::EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        let ek = Template::by_label("L-1").unwrap().public_area(Some(&key));
        assert_eq!(judged(&ek.unwrap()).unwrap_err().code, Code::AkUnsuitable);
    }
}
