use super::template::{POLICY_A_SHA256, POLICY_B_SHA256, POLICY_B_SHA384, POLICY_B_SHA512};
use super::tpm_public::NameAlg;

/// How the authorisation policy of an EK is met (EK Credential Profile, appendix B):
/// PolicySecret with the endorsement hierarchy and, for policy B, then PolicyOR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EkPolicy {
    /// The hash of the policy session.
    pub hash: NameAlg,
    /// The digests of PolicyOR: policy A, and policy C (PolicyAuthorizeNV). Empty for
    /// policy A, which PolicySecret alone meets.
    pub alternatives: Vec<Vec<u8>>,
}

impl EkPolicy {
    /// How the policy with this digest is met by a key whose Name has this hash; `None`
    /// if it is not one of the profile's.
    pub fn of(hash: NameAlg, digest: &[u8]) -> Option<Self> {
        if digest == policy_a(hash) {
            return Some(Self {
                hash,
                alternatives: Vec::new(),
            });
        }
        let b: &[u8] = match hash {
            NameAlg::Sha256 => &POLICY_B_SHA256,
            NameAlg::Sha384 => &POLICY_B_SHA384,
            NameAlg::Sha512 => &POLICY_B_SHA512,
            NameAlg::Sha1 => return None,
        };
        (digest == b).then(|| Self {
            hash,
            alternatives: vec![policy_a(hash), policy_c(hash)],
        })
    }
}

/// Policy A: PolicySecret(TPM_RH_ENDORSEMENT) with an empty policyRef (TPM 2.0 Part 3,
/// TPM2_PolicySecret: the digest is extended by code and Name, then by the policyRef).
fn policy_a(hash: NameAlg) -> Vec<u8> {
    /// `TPM_CC_PolicySecret`, `TPM_RH_ENDORSEMENT`.
    const COMMAND: [u8; 8] = [0, 0, 0x01, 0x51, 0x40, 0, 0, 0x0b];
    if hash == NameAlg::Sha256 {
        return POLICY_A_SHA256.to_vec();
    }
    let zeros = vec![0; hash.digest(&[]).len()];
    hash.digest(&hash.digest(&[&zeros[..], &COMMAND].concat()))
}

/// Policy C: PolicyAuthorizeNV with the policy index of the hash (I-1 to I-3), which
/// holds a policy and is itself under policy A.
fn policy_c(hash: NameAlg) -> Vec<u8> {
    /// `TPM_CC_PolicyAuthorizeNV`.
    const COMMAND: [u8; 4] = [0, 0, 0x01, 0x92];
    /// The attributes that the profile gives the index.
    const ATTRIBUTES: [u8; 4] = [0x22, 0x0f, 0x10, 0x08];
    let index: u32 = match hash {
        NameAlg::Sha384 => 0x01c0_7f02,
        NameAlg::Sha512 => 0x01c0_7f03,
        _ => 0x01c0_7f01,
    };
    let a = policy_a(hash);
    // Digests have 64 octets at most.
    let length = u16::try_from(a.len()).unwrap_or(u16::MAX);
    let nv_public = [
        &index.to_be_bytes()[..],
        &hash.id().to_be_bytes(),
        &ATTRIBUTES,
        &length.to_be_bytes(),
        &a,
        &length.saturating_add(2).to_be_bytes(),
    ]
    .concat();
    let zeros = vec![0; a.len()];
    hash.digest(&[&zeros[..], &COMMAND, &hash.name_of(&nv_public)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    /// TPM 2.0 Part 3: PolicySecret, PolicyAuthorizeNV and PolicyOR extend a digest that
    /// starts as zeros. So the constants of the templates are held to account.
    #[test]
    fn policies_follow_from_their_commands() {
        for (hash, b) in [
            (NameAlg::Sha256, &POLICY_B_SHA256[..]),
            (NameAlg::Sha384, &POLICY_B_SHA384),
            (NameAlg::Sha512, &POLICY_B_SHA512),
        ] {
            let policy = EkPolicy::of(hash, b).unwrap();
            let zeros = vec![0; b.len()];
            let or = [&zeros[..], &[0, 0, 1, 0x71], &policy.alternatives.concat()].concat();
            assert_eq!(hash.digest(&or), b);
            let a = EkPolicy::of(hash, &policy.alternatives[0]).unwrap();
            assert!(a.alternatives.is_empty());
        }
        let secret = [&[0; 32][..], &[0, 0, 1, 0x51, 0x40, 0, 0, 0x0b]].concat();
        let sha256 = NameAlg::Sha256;
        assert_eq!(sha256.digest(&sha256.digest(&secret)), POLICY_A_SHA256);
        assert_eq!(
            hex(&policy_c(sha256)),
            "3767e2edd43ff45a3a7e1eaefcef78643dca964632e7aad82c673a30d8633fde"
        );
        assert_eq!(EkPolicy::of(sha256, &[0; 32]), None);
        assert_eq!(EkPolicy::of(NameAlg::Sha384, &POLICY_B_SHA256), None);
        assert_eq!(EkPolicy::of(sha256, &[]), None);
    }
}
