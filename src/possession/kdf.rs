use aws_lc_rs::hmac;

use crate::ek::NameAlg;

/// What separates label and context (TPM 2.0 Part 1, 11.4.10.2): the NUL that ends the
/// label.
const SEPARATOR: &[u8] = &[0];

/// The hashes that protect credentials here: those of the EK templates.
pub(super) fn hmac_algorithm(hash: NameAlg) -> Option<hmac::Algorithm> {
    match hash {
        NameAlg::Sha256 => Some(hmac::HMAC_SHA256),
        NameAlg::Sha384 => Some(hmac::HMAC_SHA384),
        NameAlg::Sha512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

/// KDFa (TPM 2.0 Part 1, 11.4.10.2; SP 800-108 in counter mode): `bits` bits, a
/// multiple of eight, from a key, for a purpose.
pub(super) fn kdfa(
    algorithm: hmac::Algorithm,
    key: &[u8],
    label: &str,
    context: &[u8],
    bits: u16,
) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, key);
    blocks(bits, |counter| {
        let mut block = hmac::Context::with_key(&key);
        for part in [
            &counter.to_be_bytes()[..],
            label.as_bytes(),
            SEPARATOR,
            context,
            &u32::from(bits).to_be_bytes(),
        ] {
            block.update(part);
        }
        block.sign().as_ref().to_vec()
    })
}

/// KDFe (TPM 2.0 Part 1, 11.4.10.3; SP 800-56A): `bits` bits, a multiple of eight, from
/// the x coordinate of a shared point and those of the two public points.
pub(super) fn kdfe(
    hash: NameAlg,
    shared_x: &[u8],
    label: &str,
    party_u_x: &[u8],
    party_v_x: &[u8],
    bits: u16,
) -> Vec<u8> {
    blocks(bits, |counter| {
        let block = [
            &counter.to_be_bytes()[..],
            shared_x,
            label.as_bytes(),
            SEPARATOR,
            party_u_x,
            party_v_x,
        ];
        hash.digest(&block.concat())
    })
}

/// Blocks, counted from one, until there are enough bits.
fn blocks(bits: u16, block: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let length = usize::from(bits.div_ceil(8));
    let mut out = Vec::new();
    for counter in 1.. {
        if out.len() >= length {
            break;
        }
        out.extend_from_slice(&block(counter));
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{from_hex, hex};

    /// Computed by another implementation, whose credentials a TPM emulator (swtpm)
    /// activated. The ephemeral key is 1, so that its point is the generator and the
    /// shared point is the EK, twice the generator.
    #[test]
    fn the_vector_of_kdfe() {
        let generator_x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
        let double_x = "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978";
        let seed = kdfe(
            NameAlg::Sha256,
            &from_hex(double_x).unwrap(),
            "IDENTITY",
            &from_hex(generator_x).unwrap(),
            &from_hex(double_x).unwrap(),
            256,
        );
        assert_eq!(
            hex(&seed),
            "85f4f4b4b6b2e58fe2354caca895239a640d88b6b8cf19ab22387b2b76d93750"
        );
    }

    #[test]
    fn more_than_one_block() {
        let long = kdfa(hmac::HMAC_SHA256, b"key", "STORAGE", b"name", 512);
        let short = kdfa(hmac::HMAC_SHA256, b"key", "STORAGE", b"name", 256);
        assert_eq!(long.len(), 64);
        // The number of bits goes in, so that one is no start of the other.
        assert_ne!(long[..32], short[..]);
        assert!(kdfa(hmac::HMAC_SHA256, b"key", "", b"", 0).is_empty());
    }
}
