#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may be blunt"
)]

use dashu_int::UBig;

use super::super::residues::Residues;
use super::*;
use crate::ek::TpmPublic;
use crate::ek::vectors::{MARKED_MODULUS, ORDINARY_MODULUS, ROCA_MODULUS, SQUARE_MODULUS, VECTORS};
use crate::hash::from_hex;

fn rsa(modulus: &str, exponent: &[u8]) -> Vec<(Code, Severity)> {
    codes(&EkPub::from_rsa(&from_hex(modulus).unwrap(), exponent).unwrap())
}

fn codes(key: &EkPub) -> Vec<(Code, Severity)> {
    let findings = check_key(key).into_iter();
    findings
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

#[test]
fn genuine_keys_pass() {
    for vector in &VECTORS {
        let area = TpmPublic::from_tpm2b(&from_hex(vector.tpm2b).unwrap()).unwrap();
        assert_eq!(codes(&area.key), [], "{}", vector.template);
    }
    assert_eq!(rsa(ORDINARY_MODULUS, F4), []);
}

#[test]
fn exponents() {
    for (exponent, expected) in [
        (&[][..], Some(Severity::Error)),
        (&[1], Some(Severity::Error)),
        (&[1, 0, 0], Some(Severity::Error)),
        (&[3], Some(Severity::Warning)),
        (&[1, 0, 3], Some(Severity::Warning)),
        (F4, None),
    ] {
        let expected: Vec<_> = expected
            .map(|severity| (Code::WeakKeyExponent, severity))
            .into_iter()
            .collect();
        assert_eq!(rsa(ORDINARY_MODULUS, exponent), expected, "{exponent:?}");
    }
}

#[test]
fn moduli() {
    let error = [(Code::WeakKeyModulus, Severity::Error)];
    assert_eq!(rsa(SQUARE_MODULUS, F4), error);
    let even = format!("{}0", &ORDINARY_MODULUS[..511]);
    assert_eq!(rsa(&even, F4), error);
    // 2^2048 - 1 is divisible by 3.
    assert_eq!(rsa(&"f".repeat(512), F4), error);
    // One bit short.
    let short = format!("5{}", &ORDINARY_MODULUS[1..]);
    assert!(rsa(&short, F4).contains(&(Code::WeakKeyModulus, Severity::Warning)));
}

#[test]
fn roca() {
    assert_eq!(rsa(ROCA_MODULUS, F4), [(Code::Roca, Severity::Error)]);
    assert_eq!(rsa(MARKED_MODULUS, F4), []);
    assert!(
        !codes(&EkPub::from_rsa(&[0xfb; 256], F4).unwrap())
            .contains(&(Code::Roca, Severity::Error))
    );
}

#[test]
fn points() {
    for curve in Curve::ALL {
        let key = EkPub::from_point(curve, &[1], &[2]).unwrap();
        assert_eq!(codes(&key), [(Code::WeakKeyPoint, Severity::Error)]);
        let key = EkPub::from_point(curve, &[], &[]).unwrap();
        assert_eq!(codes(&key), [(Code::WeakKeyPoint, Severity::Error)]);
    }
}

/// Moduli, and what a second implementation says of them: testdata/weak-keys/make.py.
const MODULI: &str = include_str!("../../testdata/weak-keys/moduli.txt");
/// Primes of 1024 bits.
const SOME_PRIMES: &str = include_str!("../../testdata/weak-keys/primes.txt");

fn octets(hex: &str) -> Vec<u8> {
    from_hex(&format!(
        "{hex:0>width$}",
        width = hex.len().next_multiple_of(2)
    ))
    .unwrap()
}

#[test]
fn a_second_implementation_agrees_on_the_fingerprint() {
    let mut seen = [0; 3];
    for line in MODULI.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let (bits, marker, logarithm) = (fields[0], fields[1] == "1", fields[2] == "1");
        let modulus = octets(fields[3]);
        assert_eq!(bit_length(&modulus).to_string(), bits);
        let residues = Residues::of(&modulus);
        assert_eq!(residues.has_roca_marker(), marker, "{line}");
        assert_eq!(residues.is_roca(), marker && logarithm, "{line}");
        // Below 1024 bits nothing is a key here.
        if let Ok(key) = EkPub::from_rsa(&modulus, F4) {
            let found = codes(&key).contains(&(Code::Roca, Severity::Error));
            assert_eq!(found, marker && logarithm, "{line}");
        }
        seen[usize::from(marker) + usize::from(logarithm)] += 1;
    }
    // Ordinary, with the marker by chance, and of the faulty form.
    assert_eq!(seen, [20, 20, 22]);
}

/// Every key of 512 to 4096 bits whose primes have the published form
/// k·M + (65537^a mod M). That they are prime does not matter to the fingerprint.
#[test]
fn every_modulus_of_the_faulty_form_is_found() {
    let mut seed = 3;
    for (bits, primes) in [(512, 39), (1024, 71), (2048, 126), (3072, 126), (4096, 225)] {
        let product = (2u64..)
            .filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
            .take(primes)
            .fold(UBig::ONE, |product, prime| product * prime);
        for _ in 0..40 {
            let mut factor = || {
                let k = random(bits / 2, &mut seed) / &product;
                let a = random(64, &mut seed);
                let power = (0..64).rev().fold(UBig::ONE, |power, bit| {
                    let square = power.sqr() % &product;
                    match dashu_int::ops::BitTest::bit(&a, bit) {
                        true => square * 65537u32 % &product,
                        false => square,
                    }
                });
                k * &product + power
            };
            let modulus = (factor() * factor()).to_be_bytes();
            assert!(Residues::of(&modulus).is_roca(), "{bits}");
        }
    }
}

/// Products of two primes of 1024 bits, as ordinary keys are.
#[test]
fn ten_thousand_ordinary_keys_are_not_flagged() {
    let primes: Vec<UBig> = SOME_PRIMES
        .lines()
        .take(142)
        .map(|line| UBig::from_be_bytes(&octets(line)))
        .collect();
    let mut keys = 0;
    for (index, p) in primes.iter().enumerate() {
        for q in &primes[..index] {
            let key = EkPub::from_rsa(&(p * q).to_be_bytes(), F4).unwrap();
            assert_eq!(codes(&key), [], "{p} {q}");
            keys += 1;
        }
    }
    assert!(keys >= 10_000, "{keys}");
}

fn random(bits: usize, seed: &mut u64) -> UBig {
    let words: Vec<u8> = (0..bits / 64)
        .flat_map(|_| {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            seed.to_be_bytes()
        })
        .collect();
    UBig::from_be_bytes(&words)
}

#[test]
fn powers_and_close_primes() {
    let prime = UBig::from_be_bytes(&octets(SOME_PRIMES.lines().next().unwrap()));
    let message = |modulus: &UBig| {
        let findings = check_key(&EkPub::from_rsa(&modulus.to_be_bytes(), F4).unwrap());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}");
        };
        assert_eq!(
            (finding.code, finding.severity),
            (Code::WeakKeyModulus, Severity::Error)
        );
        finding.message.clone()
    };
    assert!(message(&prime.sqr()).contains("is a perfect square"));
    let near = (1u32..)
        .map(|n| &prime + UBig::from(2 * n))
        .find(|n| Residues::of(&n.to_be_bytes()).small_factor().is_none());
    let close = &prime * near.unwrap();
    assert!(message(&close).contains("within 100 steps"));
    for (exponent, bits) in [(3, 682), (5, 409), (7, 292), (37, 55), (97, 21), (199, 10)] {
        // The lengths are not those of TPMs, which is another finding.
        let modulus = base(bits).pow(exponent);
        let findings = check_key(&EkPub::from_rsa(&modulus.to_be_bytes(), F4).unwrap());
        let expected = format!("is a perfect power, with exponent {exponent}, so anybody");
        assert!(
            findings
                .iter()
                .any(|finding| finding.severity == Severity::Error
                    && finding.message.contains(&expected)),
            "{exponent}: {findings:?}"
        );
    }
    // The fourth power of a prime is a square.
    let fourth = check_key(&EkPub::from_rsa(&prime.pow(4).to_be_bytes(), F4).unwrap());
    assert!(
        fourth
            .iter()
            .any(|finding| finding.message.contains("is a perfect square"))
    );
}

/// A number of so many bits without a small factor.
fn base(bits: usize) -> UBig {
    (0u32..)
        .map(|n| (UBig::ONE << (bits - 1)) + UBig::from(2 * n + 1))
        .find(|n| Residues::of(&n.to_be_bytes()).small_factor().is_none())
        .unwrap()
}

/// SEC 1 2.3.3 writes the point at infinity as one octet of zero.
#[test]
fn the_point_at_infinity_is_an_error_of_its_own() {
    let spki = from_hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000").unwrap();
    let error = EkPub::from_spki(&spki).unwrap_err();
    assert_eq!(error.code, Some(Code::WeakKeyPoint));
    assert!(error.message.contains("point at infinity"), "{error}");
    // Where there are coordinates only, they are zero.
    let key = EkPub::from_point(Curve::P256, &[], &[]).unwrap();
    let findings = check_key(&key);
    assert!(findings[0].message.contains("point at infinity"));
    // One octet more is no point at all.
    let spki = from_hex("301a301306072a8648ce3d020106082a8648ce3d0301070303000000").unwrap();
    assert_eq!(
        EkPub::from_spki(&spki).unwrap_err().code,
        Some(Code::EkpubMalformed)
    );
}
