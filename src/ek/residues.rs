//! A modulus reduced by many small primes at once, and what the residues prove.

/// Small factors are searched below this bound, as EJBCA's key validator does.
pub(super) const BOUND: usize = 752;
/// The odd primes below [`BOUND`].
pub(super) const PRIMES: [u64; 132] = odd_primes();
/// How many products of consecutive primes below 2^63 take them all.
const GROUPS: usize = 18;
/// 32-bit words that are reduced in one go: 2048 bits.
const CHUNK: usize = 64;

/// The largest prime of the ROCA fingerprint with 39 primes.
const ROCA_LARGEST: u64 = 167;
/// The primes up to [`ROCA_LARGEST`] for which the powers of 65537 are not all
/// residues but zero, so that membership says something. A random number passes
/// all of them with probability 2^-27.8.
const INFORMATIVE: [u64; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];
/// The generator in keys made by the faulty library.
const GENERATOR: u64 = 65537;

/// A product of consecutive primes, and 2^(32 i) modulo it.
struct Group {
    product: u64,
    first: usize,
    count: usize,
    powers: [u64; CHUNK],
    /// 2^(32 * [`CHUNK`]).
    chunk: u64,
}

static TABLE: [Group; GROUPS] = table();
static SUBGROUPS: [[u64; 3]; INFORMATIVE.len()] = subgroups();

/// A number modulo each of the odd primes below 752.
pub(super) struct Residues([u64; PRIMES.len()]);

#[allow(
    clippy::arithmetic_side_effects,
    reason = "u128 holds 64 products of 32-bit words and 63-bit powers; divisors are products of primes"
)]
impl Residues {
    /// Reduces a big-endian number. Each word is multiplied by its power of two
    /// modulo a product of primes and the sum is divided once, which is several
    /// times faster than a division per word and prime.
    pub(super) fn of(number: &[u8]) -> Self {
        let words: Vec<u64> = number
            .rchunks(4)
            .map(|octets| {
                octets
                    .iter()
                    .fold(0, |word, &octet| (word << 8) | u64::from(octet))
            })
            .collect();
        let mut residues = [0; PRIMES.len()];
        for group in &TABLE {
            let product = u128::from(group.product);
            let residue = words.chunks(CHUNK).rev().fold(0u128, |residue, chunk| {
                let sum: u128 = chunk
                    .iter()
                    .zip(&group.powers)
                    .map(|(&word, &power)| u128::from(word) * u128::from(power))
                    .sum();
                (residue * u128::from(group.chunk) % product + sum) % product
            });
            let residue = u64::try_from(residue).unwrap_or(0);
            let slots = residues.iter_mut().zip(PRIMES);
            for (slot, prime) in slots.skip(group.first).take(group.count) {
                *slot = residue % prime;
            }
        }
        Self(residues)
    }

    /// The smallest of the primes that divides the number.
    pub(super) fn small_factor(&self) -> Option<u64> {
        self.pairs()
            .find_map(|(prime, residue)| (residue == 0).then_some(prime))
    }

    /// Whether the number, which has no small factor, is a power with this exponent
    /// modulo every prime for which that says anything: those that are one modulo the
    /// exponent. Each lets one in `exponent` of all numbers pass.
    pub(super) fn may_be_power(&self, exponent: u64) -> bool {
        self.pairs()
            .filter(|(prime, _)| prime % exponent == 1)
            .all(|(prime, residue)| power(residue, (prime - 1) / exponent, prime) == 1)
    }

    /// Whether the number has the ROCA fingerprint: modulo every prime up to 167
    /// it is a power of 65537, and with one common exponent, which a random number
    /// is with probability 2^-155.
    pub(super) fn is_roca(&self) -> bool {
        self.has_roca_marker() && self.has_common_logarithm()
    }

    /// Whether the number is a power of 65537 modulo every prime up to 167, whatever the
    /// exponent.
    pub(super) fn has_roca_marker(&self) -> bool {
        INFORMATIVE
            .iter()
            .zip(&SUBGROUPS)
            .all(|(&prime, subgroup)| {
                self.pairs()
                    .find(|(candidate, _)| *candidate == prime)
                    .is_some_and(|(_, residue)| contains(subgroup, residue))
            })
    }

    /// Whether one exponent x makes 65537^x the number modulo all the primes of
    /// the fingerprint: the logarithms modulo each prime must agree pairwise
    /// modulo what their orders have in common (the general Chinese remainder
    /// theorem).
    fn has_common_logarithm(&self) -> bool {
        let mut logarithms = Vec::new();
        for (prime, residue) in self.pairs().take_while(|(prime, _)| *prime <= ROCA_LARGEST) {
            let powers = || {
                let mut power = 1;
                std::iter::from_fn(move || {
                    let this = power;
                    power = power * GENERATOR % prime;
                    Some(this)
                })
            };
            let Some(order) = (1..prime).zip(powers().skip(1)).find(|(_, p)| *p == 1) else {
                return false;
            };
            let Some(log) = (0..order.0).zip(powers()).find(|(_, p)| *p == residue) else {
                return false;
            };
            logarithms.push((log.0, order.0));
        }
        logarithms.iter().enumerate().all(|(done, (log, order))| {
            logarithms.iter().skip(done).all(|(other, other_order)| {
                let common = gcd(*order, *other_order);
                log % common == other % common
            })
        })
    }

    fn pairs(&self) -> impl Iterator<Item = (u64, u64)> {
        PRIMES.into_iter().zip(self.0)
    }
}

fn contains(set: &[u64; 3], residue: u64) -> bool {
    let word = usize::try_from(residue / 64)
        .ok()
        .and_then(|index| set.get(index));
    word.is_some_and(|word| word >> (residue % 64) & 1 == 1)
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "called with moduli below 2^10, so that no product overflows"
)]
fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    let mut base = base % modulus;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "the divisor is checked to be positive"
)]
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

// What follows is evaluated by the compiler only, which refuses an index out of
// bounds and an overflow.

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "evaluated at compile time"
)]
const fn odd_primes() -> [u64; 132] {
    let mut primes = [0; 132];
    let mut found = 0;
    let mut candidate = 3;
    while candidate < BOUND as u64 {
        let mut index = 0;
        while index < found && !candidate.is_multiple_of(primes[index]) {
            index += 1;
        }
        if index == found {
            primes[found] = candidate;
            found += 1;
        }
        candidate += 2;
    }
    assert!(found == primes.len());
    primes
}

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "evaluated at compile time"
)]
const fn table() -> [Group; GROUPS] {
    const EMPTY: Group = Group {
        product: 1,
        first: 0,
        count: 0,
        powers: [0; CHUNK],
        chunk: 0,
    };
    let mut table = [EMPTY; GROUPS];
    let mut prime = 0;
    let mut group = 0;
    while prime < PRIMES.len() {
        let first = prime;
        let mut product = 1u64;
        while prime < PRIMES.len() && product < (1 << 63) / PRIMES[prime] {
            product *= PRIMES[prime];
            prime += 1;
        }
        let mut powers = [0; CHUNK];
        let mut power = 1u64;
        let mut index = 0;
        while index < CHUNK {
            powers[index] = power;
            power = ((power as u128) << 32).rem_euclid(product as u128) as u64;
            index += 1;
        }
        table[group] = Group {
            product,
            first,
            count: prime - first,
            powers,
            chunk: power,
        };
        group += 1;
    }
    assert!(group == GROUPS);
    table
}

/// For each informative prime the set of the powers of 65537 modulo it: bit r is
/// set if r is one.
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "evaluated at compile time"
)]
const fn subgroups() -> [[u64; 3]; INFORMATIVE.len()] {
    let mut sets = [[0; 3]; INFORMATIVE.len()];
    let mut index = 0;
    while index < INFORMATIVE.len() {
        let mut power = 1;
        loop {
            sets[index][(power / 64) as usize] |= 1 << (power % 64);
            power = power * GENERATOR % INFORMATIVE[index];
            if power == 1 {
                break;
            }
        }
        index += 1;
    }
    sets
}

#[cfg(test)]
#[allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may be blunt"
)]
mod tests {
    use super::*;

    fn remainder(number: &[u8], prime: u64) -> u64 {
        let step = |rest, octet: &u8| (rest * 256 + u64::from(*octet)) % prime;
        number.iter().fold(0, step)
    }

    #[test]
    fn residues_are_remainders() {
        let mut seed = 1u32;
        // Below, at and above the 256 octets that are reduced in one go.
        for length in [0, 1, 3, 4, 5, 255, 256, 257, 512, 1024, 2048] {
            let number: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed.to_be_bytes()[0]
                })
                .collect();
            for (prime, residue) in Residues::of(&number).pairs() {
                assert_eq!(residue, remainder(&number, prime), "{length} {prime}");
            }
            let largest = vec![0xff; length];
            for (prime, residue) in Residues::of(&largest).pairs() {
                assert_eq!(residue, remainder(&largest, prime), "{length} {prime}");
            }
        }
    }

    #[test]
    fn informative_primes_are_those_with_a_proper_subgroup() {
        let proper = PRIMES.into_iter().filter(|&prime| {
            let order = (1..prime)
                .find(|&exponent| power(GENERATOR, exponent, prime) == 1)
                .unwrap();
            prime <= ROCA_LARGEST && order < prime - 1
        });
        assert_eq!(proper.collect::<Vec<_>>(), INFORMATIVE);
    }

    /// Mask number 3 of the published fingerprint, for 11: 1026 is {1, 10}.
    #[test]
    fn subgroup_of_eleven() {
        assert_eq!(SUBGROUPS[0], [1026, 0, 0]);
    }

    #[test]
    fn powers() {
        assert!(Residues::of(&[1]).may_be_power(2));
        // 757^2 = 573049, 757 * 761 = 576077, 757^3 = 433798093.
        let may_be_power = |number: u32, k| Residues::of(&number.to_be_bytes()).may_be_power(k);
        assert!(may_be_power(573_049, 2));
        assert!(!may_be_power(576_077, 2));
        assert!(may_be_power(433_798_093, 3));
        assert!(!may_be_power(433_798_093, 2));
        assert!(!may_be_power(573_049, 3));
    }

    #[test]
    fn small_factors() {
        assert_eq!(Residues::of(&[21]).small_factor(), Some(3));
        assert_eq!(
            Residues::of(&751u32.to_be_bytes()).small_factor(),
            Some(751)
        );
        assert_eq!(Residues::of(&757u32.to_be_bytes()).small_factor(), None);
    }
}
