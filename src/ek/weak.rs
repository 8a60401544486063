use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey,
};

use super::factoring::{FERMAT_STEPS, has_close_factors, perfect_power};
use super::public_key::{Curve, EkPub, Key, bit_length};
use super::residues::Residues;
use crate::finding::{Code, Finding, Severity};

/// What the numbers of a key alone prove against it: `weak-key-exponent`,
/// `weak-key-modulus`, `weak-key-point`, `roca`. Sizes are for the policy.
pub fn check_key(key: &EkPub) -> Vec<Finding> {
    let mut findings = Vec::new();
    match key.key() {
        Key::Rsa { modulus, exponent } => {
            findings.extend(check_exponent(exponent));
            findings.extend(check_length(modulus));
            findings.extend(check_modulus(modulus));
        }
        Key::Ec { curve, x, y } => {
            // Forms with coordinates alone write the point at infinity so, and templates
            // an unknown one.
            let is_empty = x.iter().chain(y).all(|octet| *octet == 0);
            let what = if is_empty {
                Some("has coordinates of zero only: it is the point at infinity, or a template's")
            } else if !is_on_curve(*curve, x, y) {
                Some("is not on the curve of the key")
            } else {
                None
            };
            findings.extend(what.map(|what| {
                Finding::new(
                    Code::WeakKeyPoint,
                    format!("the point of the {} key {what}", key.algorithm()),
                    "no TPM makes such a key; take the EKpub from the TPM again",
                )
            }));
        }
    }
    findings
}

/// Whether a point is on the curve. The point at infinity has no coordinates, so
/// it is never given here.
pub(super) fn is_on_curve(curve: Curve, x: &[u8], y: &[u8]) -> bool {
    let algorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1,
        Curve::P521 => &ECDSA_P521_SHA512_ASN1,
    };
    // SEC 1 2.3.3; reading the point, the library checks the curve equation.
    ParsedPublicKey::new(algorithm, [&[4], x, y].concat()).is_ok()
}

/// The exponent of every TCG EK template.
const F4: &[u8] = &[1, 0, 1];

/// RSA key lengths that TPMs have had.
const TPM_RSA_BITS: [usize; 4] = [1024, 2048, 3072, 4096];

fn check_exponent(exponent: &[u8]) -> Option<Finding> {
    let odd = exponent.last().is_some_and(|last| last & 1 == 1);
    if !odd || exponent == [1] {
        return Some(Finding::new(
            Code::WeakKeyExponent,
            "the RSA public exponent is even or below 3, so nothing encrypted with the key is safe",
            "no TPM makes such a key; take the EKpub from the TPM again",
        ));
    }
    (exponent != F4).then(|| {
        Finding::new(
            Code::WeakKeyExponent,
            format!(
                "the RSA public exponent is 0x{}, while every TCG template has 65537",
                crate::hash::hex(exponent)
            ),
            "ask the TPM's manufacturer whether the model makes endorsement keys with this exponent",
        )
        .with_severity(Severity::Warning)
    })
}

fn check_length(modulus: &[u8]) -> Option<Finding> {
    let bits = bit_length(modulus);
    (!TPM_RSA_BITS.contains(&bits)).then(|| {
        Finding::new(
            Code::WeakKeyModulus,
            format!("the RSA modulus has {bits} bits, a length that no TPM makes"),
            "compare the key with the one that the TPM itself shows",
        )
        .with_severity(Severity::Warning)
    })
}

fn check_modulus(modulus: &[u8]) -> Option<Finding> {
    let weak = |what: String| {
        Some(Finding::new(
            Code::WeakKeyModulus,
            format!("the RSA modulus {what}, so anybody can compute the private key"),
            "refuse the key; the EKpub is damaged, or the TPM that made it is broken",
        ))
    };
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return weak("is even".to_owned());
    }
    let residues = Residues::of(modulus);
    if let Some(factor) = residues.small_factor() {
        return weak(format!("is divisible by {factor}"));
    }
    if let Some(exponent) = perfect_power(modulus, &residues) {
        return weak(match exponent {
            2 => "is a perfect square".to_owned(),
            _ => format!("is a perfect power, with exponent {exponent}"),
        });
    }
    if has_close_factors(modulus) {
        return weak(format!(
            "is the product of two numbers so close to each other that Fermat's method finds them \
             within {FERMAT_STEPS} steps"
        ));
    }
    residues.is_roca().then(|| {
        Finding::new(
            Code::Roca,
            "the RSA modulus has the structure of keys made by the faulty Infineon library \
             (CVE-2017-15361, ROCA): its private key can be computed",
            "refuse the key; upgrade the TPM's firmware and let it make a new endorsement key, or \
             replace the TPM",
        )
    })
}

#[cfg(test)]
#[path = "weak_tests.rs"]
mod tests;
