//! Moduli that anybody can factor at once: powers of one number, and products of two
//! that are close to each other.

use dashu_int::UBig;
use dashu_int::ops::{BitTest as _, SquareRoot as _, SquareRootRem as _};

use super::public_key::bit_length;
use super::residues::{BOUND, PRIMES, Residues};

/// How many candidates of Fermat's method are tried. Primes that were chosen apart are
/// so far from each other that no number of steps would find them; those of the faulty
/// library of CVE-2022-26320 needed one or two.
pub(super) const FERMAT_STEPS: usize = 100;

/// The bits of a root that a residue modulo at most 2^64 can tell, with [`SPARE_BITS`].
const ROOT_BITS: u64 = 64 - SPARE_BITS;
/// Of numbers that are no power one in 2^13 passes.
const SPARE_BITS: u64 = 14;

/// The smallest exponent above one of which an odd number without a factor below
/// [`BOUND`] is a power.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "exponents are positive, and below the bits of a modulus"
)]
pub(super) fn perfect_power(modulus: &[u8], residues: &Residues) -> Option<u64> {
    let bits = u64::try_from(bit_length(modulus)).unwrap_or(u64::MAX);
    let low = modulus
        .iter()
        .rev()
        .take(8)
        .rev()
        .fold(0u64, |low, &octet| low << 8 | u64::from(octet));
    // The smallest base is more than BOUND. Composite exponents do no harm.
    let largest = bits / u64::from(BOUND.ilog2());
    let odd = PRIMES
        .into_iter()
        .chain((u64::try_from(BOUND).unwrap_or(0) | 1..=largest).step_by(2))
        .take_while(|exponent| *exponent <= largest);
    // What is no power fails the first of these tests but for one in many.
    let may_be_power = |exponent: &u64| {
        if bits / exponent < ROOT_BITS {
            let root = odd_root(low, *exponent, bits / exponent + SPARE_BITS);
            root >> (bits / exponent + 1) == 0
        } else {
            residues.may_be_power(*exponent)
        }
    };
    std::iter::once(2)
        .filter(|_| residues.may_be_power(2))
        .chain(odd.filter(may_be_power))
        .find(|exponent| {
            usize::try_from(*exponent)
                .is_ok_and(|exponent| is_power(&UBig::from_be_bytes(modulus), exponent))
        })
}

/// Whether a number is a power with this exponent: its root, bit by bit. Newton's method
/// would be slow where the exponent is large.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "UBig grows instead of overflowing, and exponents are positive"
)]
fn is_power(number: &UBig, exponent: usize) -> bool {
    if exponent == 2 {
        return number.sqrt().sqr() == *number;
    }
    let mut root = UBig::ZERO;
    for bit in (0..=number.bit_len() / exponent).rev() {
        root.set_bit(bit);
        if root.pow(exponent) > *number {
            root.clear_bit(bit);
        }
    }
    root.pow(exponent) == *number
}

/// The root of an odd number for an odd exponent modulo 2^bits, of at most 64: there is
/// one, and of a power it is the base modulo that.
fn odd_root(number: u64, exponent: u64, bits: u64) -> u64 {
    // Newton's iteration for the inverse; each step doubles the bits that are right,
    // three at first. The order of the group divides 2^(bits - 2).
    let mut inverse = exponent;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(exponent.wrapping_mul(inverse)));
    }
    let mask = u64::MAX >> 64u64.saturating_sub(bits);
    inverse &= mask >> 2;
    let (mut result, mut base) = (1u64, number);
    while inverse > 0 {
        if inverse & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        inverse >>= 1;
    }
    result & mask
}

/// Whether Fermat's method factors an odd number within [`FERMAT_STEPS`]: with the
/// smallest numbers a whose square is not below n, it looks whether a² - n is a square
/// b², since then n = (a + b)(a - b).
#[allow(
    clippy::arithmetic_side_effects,
    reason = "UBig grows instead of overflowing, a² is not below n, and FILTER is below 2^60, so \
              that the sum of two residues fits"
)]
pub(super) fn has_close_factors(modulus: &[u8]) -> bool {
    let n = UBig::from_be_bytes(modulus);
    let (mut first, rest) = n.sqrt_rem();
    // a² - n, without squaring a long number.
    let mut start = rest;
    if !start.is_zero() {
        start = &first * 2u8 + 1u8 - start;
        first += 1u8;
    }
    // Most of the differences are no square modulo a few small primes, and their
    // residues take no long arithmetic: each is 2a + 1 more than the one before.
    let mut difference = residue(&start);
    let mut growth = residue(&(&first * 2u8 + 1u8));
    let reduce = |sum: u64| sum.checked_sub(FILTER).unwrap_or(sum);
    for step in 0..FERMAT_STEPS {
        if may_be_square(difference) {
            let difference = (&first + step).sqr() - &n;
            if difference.sqrt().sqr() == difference {
                return true;
            }
        }
        difference = reduce(difference + growth);
        growth = reduce(growth + 2);
    }
    false
}

/// The odd primes below 48, whose product is [`FILTER`].
const FILTER_PRIMES: [u64; 14] = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47];
const FILTER: u64 = filter();
/// For each of them the set of squares, zero among them.
const SQUARES: [u64; FILTER_PRIMES.len()] = squares();

#[allow(clippy::arithmetic_side_effects, reason = "the divisor is positive")]
fn residue(number: &UBig) -> u64 {
    u64::try_from(number % UBig::from(FILTER)).unwrap_or(0)
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "the divisors are primes below 64"
)]
fn may_be_square(residue: u64) -> bool {
    FILTER_PRIMES
        .iter()
        .zip(&SQUARES)
        .all(|(prime, squares)| squares >> (residue % prime) & 1 == 1)
}

// Evaluated by the compiler only, which refuses an overflow.

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "evaluated at compile time"
)]
const fn filter() -> u64 {
    let mut product = 1;
    let mut index = 0;
    while index < FILTER_PRIMES.len() {
        product *= FILTER_PRIMES[index];
        index += 1;
    }
    assert!(product < 1 << 60);
    product
}

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "evaluated at compile time"
)]
const fn squares() -> [u64; FILTER_PRIMES.len()] {
    let mut sets = [0; FILTER_PRIMES.len()];
    let mut index = 0;
    while index < FILTER_PRIMES.len() {
        let mut root = 0;
        while root < FILTER_PRIMES[index] {
            sets[index] |= 1 << (root * root % FILTER_PRIMES[index]);
            root += 1;
        }
        index += 1;
    }
    sets
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may be blunt")]
mod tests {
    use super::*;

    /// Odd numbers that follow no system: xorshift64.
    fn random(bits: usize, seed: &mut u64) -> UBig {
        let octets: Vec<u8> = (0..bits.div_ceil(64))
            .flat_map(|_| {
                *seed ^= *seed << 13;
                *seed ^= *seed >> 7;
                *seed ^= *seed << 17;
                seed.to_be_bytes()
            })
            .collect();
        let mut number = UBig::from_be_bytes(&octets) >> (octets.len() * 8 - bits);
        number |= (UBig::from(1u8) << (bits - 1)) + UBig::from(1u8);
        number
    }

    fn has_small_factor(number: &UBig) -> bool {
        Residues::of(&number.to_be_bytes()).small_factor().is_some()
    }

    fn power_of(number: &UBig) -> Option<u64> {
        let octets = number.to_be_bytes();
        perfect_power(&octets, &Residues::of(&octets))
    }

    #[test]
    fn every_power_is_found() {
        let mut seed = 11;
        let all = |bits: usize| (2..=bits / 10).collect();
        // Large numbers take their time.
        let some = |bits: usize| vec![2, 3, 5, 37, 293, bits / 11, bits / 10];
        for (bits, exponents) in [
            (1024usize, all(1024)),
            (2048, all(2048)),
            (4096, some(4096)),
            (16384, some(16384)),
        ] {
            for exponent in exponents {
                let base = loop {
                    let base = random(bits / exponent, &mut seed);
                    if !has_small_factor(&base) {
                        break base;
                    }
                };
                let power = base.pow(exponent);
                let found = power_of(&power).unwrap_or_else(|| panic!("{base}^{exponent}"));
                // The smallest exponent, unless the base is a power itself.
                let smallest = (2..=exponent).find(|k| exponent % k == 0).unwrap();
                assert!(found == u64::try_from(smallest).unwrap() || power_of(&base).is_some());
                assert_eq!(
                    power_of(&(power + UBig::from(2u8))),
                    None,
                    "{base}^{exponent} + 2"
                );
            }
        }
    }

    /// (a + b)(a - b) with the smallest or the largest b for which a comes `steps` after
    /// the first candidate.
    fn at_distance(steps: usize, nearest: bool, seed: &mut u64) -> UBig {
        loop {
            let a = random(1024, seed);
            // n > (a - steps - 1)², so that the root rounded up is a - steps.
            let square =
                |steps: usize| (UBig::from(2u8) * &a - UBig::from(steps)) * UBig::from(steps);
            let b = if nearest {
                (square(steps) - UBig::from(1u8)).sqrt() + UBig::from(1u8)
            } else {
                (square(steps + 1) - UBig::from(1u8)).sqrt()
            };
            let n = (&a + &b) * (&a - &b);
            let root = (&n - UBig::from(1u8)).sqrt() + UBig::from(1u8);
            assert_eq!(root + UBig::from(steps), a);
            if !has_small_factor(&n) && n.bit(0) {
                return n;
            }
        }
    }

    #[test]
    fn close_factors_are_found_within_a_hundred_steps() {
        let mut seed = 5;
        for nearest in [true, false] {
            for (steps, found) in [
                (1, true),
                (50, true),
                (99, true),
                (100, false),
                (101, false),
            ] {
                let n = at_distance(steps, nearest, &mut seed);
                assert_eq!(
                    has_close_factors(&n.to_be_bytes()),
                    found,
                    "{steps} {nearest}"
                );
            }
        }
    }
}
