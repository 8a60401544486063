use super::public_key::{Algorithm, Curve, EkPub, Key};
use super::tpm_public::{Area, NameAlg, Unique, exponent_field};

/// A TCG default EK template (EK Credential Profile for TPM 2.0, appendix B). All
/// have AES in CFB mode, scheme and KDF NULL and the exponent 65537.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// `L-1`, `H-3` …
    pub label: &'static str,
    /// The kind of key it makes.
    pub algorithm: Algorithm,
    /// The hash of Name and policy.
    pub name_alg: NameAlg,
    /// `TPMA_OBJECT`.
    pub attributes: u32,
    /// The authorisation policy: policy A for the low range, B for the high range.
    pub policy: &'static [u8],
    /// The bits of the AES key that protects what is encrypted to the EK.
    pub aes_bits: u16,
    /// The NV index of the certificate for a key made from it.
    pub certificate_index: u32,
}

/// The Name that a TPM gives the key if it was made from a template: the name
/// algorithm's identifier followed by the digest of the public area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmName {
    /// The template, such as `L-1`.
    pub template: &'static str,
    /// Two octets of algorithm identifier, then the digest.
    pub name: Vec<u8>,
}

/// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
const LOW_ATTRIBUTES: u32 = 0x0003_00b2;
/// The same and userWithAuth.
const HIGH_ATTRIBUTES: u32 = 0x0003_00f2;

impl Template {
    /// The templates for the keys that are read here. H-5 (SM2) is not among them.
    /// H-7 is there twice, since implementers differ on its hash: go-tpm has
    /// SHA-384, tpm2-tools SHA-512.
    pub const ALL: &'static [Self] = &[
        low("L-1", Algorithm::Rsa(2048), 0x01c0_0002),
        low("L-2", Algorithm::Ecc(Curve::P256), 0x01c0_000a),
        high("H-1", Algorithm::Rsa(2048), NameAlg::Sha256, 0x01c0_0012),
        high(
            "H-2",
            Algorithm::Ecc(Curve::P256),
            NameAlg::Sha256,
            0x01c0_0014,
        ),
        high(
            "H-3",
            Algorithm::Ecc(Curve::P384),
            NameAlg::Sha384,
            0x01c0_0016,
        ),
        high(
            "H-4",
            Algorithm::Ecc(Curve::P521),
            NameAlg::Sha512,
            0x01c0_0018,
        ),
        high("H-6", Algorithm::Rsa(3072), NameAlg::Sha384, 0x01c0_001c),
        high("H-7", Algorithm::Rsa(4096), NameAlg::Sha384, 0x01c0_001e),
        high(
            "H-7 with SHA-512",
            Algorithm::Rsa(4096),
            NameAlg::Sha512,
            0x01c0_001e,
        ),
    ];

    /// The template with this label.
    pub fn by_label(label: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|template| template.label == label)
    }

    /// The `TPMT_PUBLIC` of a key made from this template or, without a key, the
    /// one to make it with (TPM2_CreatePrimary): its `unique` field is then zero in
    /// the low range and empty in the high range. `None` if the template makes no
    /// keys of that kind.
    pub fn public_area(&self, key: Option<&EkPub>) -> Option<Vec<u8>> {
        if key.is_some_and(|key| key.algorithm() != self.algorithm) {
            return None;
        }
        let zeros = [0; 256];
        let zeros = |length: usize| match self.is_low() {
            true => zeros.get(..length),
            false => Some(&[][..]),
        };
        let unique = match (self.algorithm, key.map(EkPub::key)) {
            (Algorithm::Rsa(bits), Some(Key::Rsa { modulus, exponent })) => Unique::Rsa {
                bits: u16::try_from(bits).ok()?,
                exponent: exponent_field(exponent)?,
                modulus,
            },
            (Algorithm::Rsa(bits), None) => Unique::Rsa {
                bits: u16::try_from(bits).ok()?,
                exponent: 0,
                modulus: zeros(bits.div_ceil(8))?,
            },
            (Algorithm::Ecc(_), Some(Key::Ec { curve, x, y })) => Unique::Ecc {
                curve: *curve,
                x,
                y,
            },
            (Algorithm::Ecc(curve), None) => Unique::Ecc {
                curve,
                x: zeros(curve.field_len())?,
                y: zeros(curve.field_len())?,
            },
            _ => return None,
        };
        let area = Area {
            name_alg: self.name_alg,
            attributes: self.attributes,
            auth_policy: self.policy,
            aes_cfb_bits: self.aes_bits,
            unique,
        };
        Some(area.to_tpmt())
    }

    /// Whether it is of the low range, whose keys are used under policy A only.
    pub fn is_low(&self) -> bool {
        self.attributes == LOW_ATTRIBUTES
    }
}

impl EkPub {
    /// The Name of this key under every template that makes keys of its kind.
    /// Which of them the TPM used cannot be seen from the key alone.
    pub fn tpm_names(&self) -> Vec<TpmName> {
        let names = Template::ALL.iter().filter_map(|template| {
            let area = template.public_area(Some(self))?;
            Some(TpmName {
                template: template.label,
                name: template.name_alg.name_of(&area),
            })
        });
        names.collect()
    }
}

const fn low(label: &'static str, algorithm: Algorithm, certificate_index: u32) -> Template {
    Template {
        label,
        algorithm,
        name_alg: NameAlg::Sha256,
        attributes: LOW_ATTRIBUTES,
        policy: &POLICY_A_SHA256,
        aes_bits: 128,
        certificate_index,
    }
}

const fn high(
    label: &'static str,
    algorithm: Algorithm,
    name_alg: NameAlg,
    certificate_index: u32,
) -> Template {
    let (policy, aes_bits): (&'static [u8], u16) = match name_alg {
        NameAlg::Sha384 => (&POLICY_B_SHA384, 256),
        NameAlg::Sha512 => (&POLICY_B_SHA512, 256),
        _ => (&POLICY_B_SHA256, 128),
    };
    Template {
        label,
        algorithm,
        name_alg,
        attributes: HIGH_ATTRIBUTES,
        policy,
        aes_bits,
        certificate_index,
    }
}

/// Policy A: PolicySecret(TPM_RH_ENDORSEMENT). It and the others are recomputed in the
/// tests of `policy`.
pub(super) const POLICY_A_SHA256: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];
/// Policy B: PolicyOR of policy A and of policy C, which is PolicyAuthorizeNV.
pub(super) const POLICY_B_SHA256: [u8; 32] = [
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
    0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
];
/// Policy B with SHA-384.
pub(super) const POLICY_B_SHA384: [u8; 48] = [
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
];
/// Policy B with SHA-512.
pub(super) const POLICY_B_SHA512: [u8; 64] = [
    0xb8, 0x22, 0x1c, 0xa6, 0x9e, 0x85, 0x50, 0xa4, 0x91, 0x4d, 0xe3, 0xfa, 0xa6, 0xa1, 0x8c, 0x07,
    0x2c, 0xc0, 0x12, 0x08, 0x07, 0x3a, 0x92, 0x8d, 0x5d, 0x66, 0xd5, 0x9e, 0xf7, 0x9e, 0x49, 0xa4,
    0x29, 0xc4, 0x1a, 0x6b, 0x26, 0x95, 0x71, 0xd5, 0x7e, 0xdb, 0x25, 0xfb, 0xdb, 0x18, 0x38, 0x42,
    0x56, 0x08, 0xb4, 0x13, 0xcd, 0x61, 0x6a, 0x5f, 0x6d, 0xb5, 0xb6, 0x07, 0x1a, 0xf9, 0x9b, 0xea,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::TpmPublic;
    use crate::ek::vectors::VECTORS;
    use crate::hash::from_hex;

    #[test]
    fn names_are_those_of_a_tpm() {
        for vector in &VECTORS {
            let tpm2b = from_hex(vector.tpm2b).unwrap();
            let area = TpmPublic::from_tpm2b(&tpm2b).unwrap();
            let template = Template::by_label(vector.template).unwrap();
            assert_eq!(
                template.public_area(Some(&area.key)).unwrap(),
                area.tpmt(),
                "{}",
                vector.template
            );
            for other in Template::ALL {
                let made_from = other.public_area(None).unwrap();
                assert_eq!(area.fits(&made_from), other == template, "{}", other.label);
            }
            let name = from_hex(vector.name).unwrap();
            assert_eq!(area.name(), Some(name.clone()));
            let names = area.key.tpm_names();
            assert!(names.contains(&TpmName {
                template: template.label,
                name,
            }));
        }
    }

    #[test]
    fn one_name_per_matching_template() {
        let labels = |algorithm| {
            let key = match algorithm {
                Algorithm::Rsa(bits) => EkPub::from_rsa(&vec![0xff; bits / 8], &[1, 0, 1]),
                Algorithm::Ecc(curve) => EkPub::from_point(curve, &[1], &[2]),
            };
            let names = key.unwrap().tpm_names().into_iter();
            names.map(|name| name.template).collect::<Vec<_>>()
        };
        assert_eq!(labels(Algorithm::Rsa(2048)), ["L-1", "H-1"]);
        assert_eq!(labels(Algorithm::Ecc(Curve::P256)), ["L-2", "H-2"]);
        assert_eq!(labels(Algorithm::Rsa(3072)), ["H-6"]);
        assert_eq!(labels(Algorithm::Rsa(4096)), ["H-7", "H-7 with SHA-512"]);
        assert!(labels(Algorithm::Rsa(1024)).is_empty());
    }

    /// Lengths of the public areas to create keys with (EK Credential Profile
    /// appendix B, counted field by field).
    #[test]
    fn areas_without_a_key() {
        for (label, length) in [
            ("L-1", 314),
            ("L-2", 122),
            ("H-1", 58),
            ("H-2", 58),
            ("H-3", 74),
            ("H-4", 90),
            ("H-6", 74),
            ("H-7", 74),
        ] {
            let area = Template::by_label(label).unwrap().public_area(None);
            assert_eq!(area.map(|area| area.len()), Some(length), "{label}");
        }
        let key = EkPub::from_point(Curve::P256, &[1], &[2]).unwrap();
        assert_eq!(
            Template::by_label("L-1").unwrap().public_area(Some(&key)),
            None
        );
    }
}
