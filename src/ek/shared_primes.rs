//! Primes that RSA keys have in common. Two moduli with a common prime are both
//! factored by their greatest common divisor, and bad random numbers have made such
//! keys by the thousand (Heninger, Durumeric, Wustrow and Halderman, "Mining Your Ps
//! and Qs", USENIX Security 2012).
//!
//! All moduli are compared at once after Bernstein ("How to find smooth parts of
//! integers", 2004; "Scaled remainder trees", 2004): with P the product of all and
//! D = P/n1 + P/n2 + …, D modulo n1 is P/n1 modulo n1, which has with n1 exactly those
//! primes in common that another modulus has. Both trees take quasi-linear time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroUsize;

use dashu_int::UBig;
use dashu_int::ops::{BitTest as _, Gcd as _};

use super::public_key::{EkPub, Key, bit_length};
use crate::finding::{Code, Error, Finding};

/// The most bits that the moduli may have in all: a quarter of a million keys of 2048
/// bits. The trees take some 100 times the space of the moduli, 6 GiB for as many.
pub const MAX_SHARED_PRIMES_BITS: usize = 1 << 29;

/// The most pairs of affected moduli that are compared one by one, where the trees
/// alone do not tell who shares what: some seconds' work.
const MAX_PAIRS: usize = 200_000;

/// What a set of keys has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedPrimes<L> {
    /// How many different RSA moduli were compared.
    pub moduli: usize,
    /// The factors that several moduli have.
    pub factors: Vec<SharedFactor<L>>,
    /// The labels of each modulus that came more than once: one key, not two that share
    /// a prime. It may have been certified twice, or cloned.
    pub repeated: Vec<Vec<L>>,
}

/// A factor that several RSA moduli have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedFactor<L> {
    /// The factor, big-endian: a prime, or a product of primes where the moduli have
    /// several in common.
    pub factor: Vec<u8>,
    /// The labels of the keys with the factor, in the order given. It is one alone (or
    /// several of one modulus) only where more keys share primes than can be compared
    /// one by one: then its partners are not known.
    pub keys: Vec<L>,
}

impl<L: fmt::Display + Clone + PartialEq> SharedPrimes<L> {
    /// A `shared-prime` for each key and factor, with the label of the key. The factor is
    /// not told: it is the private key.
    pub fn findings(&self) -> Vec<(L, Finding)> {
        let mut findings = Vec::new();
        for shared in &self.factors {
            for (index, label) in shared.keys.iter().enumerate() {
                if shared
                    .keys
                    .iter()
                    .take(index)
                    .any(|earlier| earlier == label)
                {
                    continue;
                }
                let others = shared.keys.iter().filter(|other| *other != label);
                let message = format!(
                    "the RSA modulus has a factor of {} bits in common with that of {}: whoever has \
                     both public keys can compute the private keys",
                    bit_length(&shared.factor),
                    in_words(others),
                );
                findings.push((
                    label.clone(),
                    Finding::new(Code::SharedPrime, message, HELP),
                ));
            }
        }
        findings
    }
}

const HELP: &str = "refuse the keys: whatever made them had bad random numbers; let the TPM make a new \
                    endorsement key from a new seed, or replace it, and tell its manufacturer";

/// As many others are named in a message.
const MAX_NAMED: usize = 5;

fn in_words<'a, L: fmt::Display + 'a>(others: impl Iterator<Item = &'a L>) -> String {
    let mut names = Vec::new();
    let mut more = 0usize;
    for other in others {
        if names.len() < MAX_NAMED {
            names.push(other.to_string());
        } else {
            more = more.saturating_add(1);
        }
    }
    match (names.is_empty(), more) {
        (true, _) => "another key (too many share primes to say which)".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// Finds the primes that the RSA keys of a set have in common, and the moduli that are
/// there twice. Keys of other kinds are passed over. The work is shared among as many
/// threads as given, this one included; they end before it returns.
///
/// # Errors
/// `input-too-large` beyond [`MAX_SHARED_PRIMES_BITS`].
pub fn shared_primes<'k, L: Clone>(
    keys: impl IntoIterator<Item = (L, &'k EkPub)>,
    threads: NonZeroUsize,
) -> Result<SharedPrimes<L>, Error> {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut moduli: Vec<(&[u8], Vec<L>)> = Vec::new();
    let mut bits = 0usize;
    for (label, key) in keys {
        let Key::Rsa { modulus, .. } = key.key() else {
            continue;
        };
        let place = *places.entry(modulus).or_insert(moduli.len());
        match moduli.get_mut(place) {
            Some((_, labels)) => labels.push(label),
            None => {
                bits = bits.saturating_add(bit_length(modulus));
                moduli.push((modulus, vec![label]));
            }
        }
    }
    if bits > MAX_SHARED_PRIMES_BITS {
        return Err(too_many(bits));
    }
    let numbers: Vec<UBig> = moduli
        .iter()
        .map(|(modulus, _)| UBig::from_be_bytes(modulus))
        .collect();
    let groups = group(&numbers, &common_factors(&numbers, threads));
    let labels = |index: &usize| moduli.get(*index).into_iter().flat_map(|(_, l)| l).cloned();
    Ok(SharedPrimes {
        moduli: moduli.len(),
        factors: groups
            .into_iter()
            .map(|(factor, members)| SharedFactor {
                factor: factor.to_be_bytes().into_vec(),
                keys: members.iter().flat_map(labels).collect(),
            })
            .collect(),
        repeated: moduli
            .iter()
            .filter(|(_, labels)| labels.len() > 1)
            .map(|(_, labels)| labels.clone())
            .collect(),
    })
}

fn too_many(bits: usize) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        format!(
            "the RSA keys have {bits} bits in all; primes are sought in {MAX_SHARED_PRIMES_BITS} \
             bits at a time"
        ),
        "compare fewer keys at a time, those of one manufacturer for example; primes that keys of \
         two runs share are then not seen",
    )
}

/// For each modulus that shares a factor with another, by index, the greatest such
/// factor. The moduli are different and none is zero.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "UBig grows instead of overflowing, and the product is positive"
)]
fn common_factors(moduli: &[UBig], threads: NonZeroUsize) -> BTreeMap<usize, UBig> {
    let indices: Vec<usize> = (0..moduli.len()).collect();
    let Some((tree, cofactors)) = Tree::over(&indices, moduli, threads.get()) else {
        return BTreeMap::new();
    };
    let fraction = (cofactors << tree.precision) / &tree.product;
    tree.descend(&fraction, threads.get()).into_iter().collect()
}

/// Bits kept beyond those of the modulus. Every level of the tree loses less than one,
/// so 64 leave many to tell an integer by.
const GUARD_BITS: usize = 64;

/// A product tree: moduli at its leaves.
struct Tree {
    product: UBig,
    /// The bits of all moduli below, which may be more than the product has.
    bits: usize,
    /// The bits after the point of the fraction that goes down to here.
    precision: usize,
    below: Below,
}

enum Below {
    Modulus(usize),
    Halves(Box<Tree>, Box<Tree>),
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "UBig grows instead of overflowing, products are positive, and bits are bounded by \
              MAX_SHARED_PRIMES_BITS"
)]
impl Tree {
    /// The tree over some moduli, with the sum of each one's cofactor in the product.
    fn over(indices: &[usize], moduli: &[UBig], threads: usize) -> Option<(Self, UBig)> {
        if indices.is_empty() {
            return None;
        }
        if let [index] = indices {
            let product = moduli.get(*index)?.clone();
            let bits = product.bit_len();
            let leaf = Self {
                product,
                bits,
                precision: bits + GUARD_BITS,
                below: Below::Modulus(*index),
            };
            return Some((leaf, UBig::ONE));
        }
        let (left, right) = indices.split_at_checked(indices.len() / 2)?;
        let (left, right) = join(
            threads,
            |threads| Self::over(left, moduli, threads),
            |threads| Self::over(right, moduli, threads),
        );
        let ((left, left_sum), (right, right_sum)) = (left?, right?);
        let (product, sum) = join(
            threads,
            |_| &left.product * &right.product,
            |_| &left_sum * &right.product + &right_sum * &left.product,
        );
        let bits = left.bits + right.bits;
        let tree = Self {
            product,
            bits,
            precision: bits + GUARD_BITS,
            below: Below::Halves(Box::new(left), Box::new(right)),
        };
        Some((tree, sum))
    }

    /// The factors at the leaves. `fraction` is that of the cofactors' sum over the
    /// product, with as many bits after the point as [`precision`](Self::precision)
    /// says, rounded down. Times one half's product it is, but for an integer, that of
    /// the sum over the other half's product, of which fewer bits are needed.
    fn descend(&self, fraction: &UBig, threads: usize) -> Vec<(usize, UBig)> {
        match &self.below {
            Below::Modulus(index) => {
                let half = UBig::ONE << (self.precision - 1);
                let cofactor = (fraction * &self.product + half) >> self.precision;
                let factor = cofactor.gcd(&self.product);
                if factor == UBig::ONE {
                    Vec::new()
                } else {
                    vec![(*index, factor)]
                }
            }
            Below::Halves(left, right) => {
                let descend = |half: &Self, other: &Self, threads| {
                    let mut product = fraction * &other.product;
                    product.clear_high_bits(self.precision);
                    half.descend(&(product >> other.bits), threads)
                };
                let (mut found, more) = join(
                    threads,
                    |threads| descend(left, right, threads),
                    |threads| descend(right, left, threads),
                );
                found.extend(more);
                found
            }
        }
    }
}

/// Both results. With more than one thread to use, they are computed at the same time,
/// each with its share of the threads.
fn join<A, B: Send>(
    threads: usize,
    left: impl Fn(usize) -> A,
    right: impl Fn(usize) -> B + Sync,
) -> (A, B) {
    let other = threads / 2;
    if other == 0 {
        return (left(1), right(1));
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || right(other));
        let left = left(threads.saturating_sub(other));
        let right = match thread {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // The system gives no more threads.
            Err(_) => right(1),
        };
        (left, right)
    })
}

/// The factors, each with the indices of the moduli that have it.
///
/// Moduli of two primes that share one have the same factor, and are found by it. One
/// of which both primes are shared, and one that nobody else's factor equals, are
/// compared with the others one by one.
fn group(moduli: &[UBig], factors: &BTreeMap<usize, UBig>) -> BTreeMap<UBig, BTreeSet<usize>> {
    let mut groups: BTreeMap<UBig, BTreeSet<usize>> = BTreeMap::new();
    for (index, factor) in factors {
        if moduli.get(*index) != Some(factor) {
            groups.entry(factor.clone()).or_default().insert(*index);
        }
    }
    groups.retain(|_, members| members.len() > 1);
    let mut pairs = 0usize;
    for (index, factor) in factors {
        if groups
            .get(factor)
            .is_some_and(|members| members.contains(index))
        {
            continue;
        }
        let mut is_alone = true;
        for other in factors.keys().filter(|other| *other != index) {
            pairs = pairs.saturating_add(1);
            if pairs > MAX_PAIRS {
                break;
            }
            let common = moduli.get(*other).map(|modulus| modulus.gcd(factor));
            if let Some(common) = common.filter(|common| *common != UBig::ONE) {
                groups.entry(common).or_default().extend([*index, *other]);
                is_alone = false;
            }
        }
        if is_alone {
            groups.entry(factor.clone()).or_default().insert(*index);
        }
    }
    groups
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may be blunt")]
mod tests {
    use super::*;

    /// Random numbers without a system: xorshift64.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn bits(&mut self, bits: usize) -> UBig {
            let words: Vec<u8> = (0..bits / 64)
                .flat_map(|_| self.next().to_be_bytes())
                .collect();
            let mut number = UBig::from_be_bytes(&words);
            number.set_bit(bits - 1);
            number.set_bit(bits - 2);
            number.set_bit(0);
            number
        }
    }

    /// Against the greatest common divisor of every pair.
    #[test]
    fn planted_factors() {
        let mut random = Random(7);
        // Odd numbers are coprime seldom enough that something is found in any case.
        for size in [0usize, 1, 2, 3, 5, 17, 64] {
            let moduli: Vec<UBig> = (0..size).map(|_| random.bits(1024)).collect();
            let expected: BTreeMap<usize, UBig> = moduli
                .iter()
                .enumerate()
                .filter_map(|(index, modulus)| {
                    let others = moduli
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != index);
                    let cofactor = others.fold(UBig::ONE, |product, (_, m)| product * m % modulus);
                    let factor = cofactor.gcd(modulus);
                    (factor != UBig::ONE).then_some((index, factor))
                })
                .collect();
            for threads in [1, 2, 3, 8] {
                let threads = NonZeroUsize::new(threads).unwrap();
                assert_eq!(common_factors(&moduli, threads), expected, "{size}");
            }
        }
    }

    /// As many numbers of some 1,050 bits without a common factor: powers of different
    /// primes. To the trees they are as good as any.
    fn coprime_moduli(count: usize) -> Vec<UBig> {
        let is_prime = |n: &u64| {
            (3..)
                .step_by(2)
                .take_while(|d| d * d <= *n)
                .all(|d| !n.is_multiple_of(d))
        };
        ((1u64 << 21) + 1..)
            .step_by(2)
            .filter(is_prime)
            .map(|prime| UBig::from(prime).pow(50))
            .take(count)
            .collect()
    }

    /// What is planted among ten thousand keys that share nothing is found, all of it and
    /// nothing else.
    #[test]
    fn planted_primes() {
        let primes: Vec<UBig> = include_str!("../../testdata/weak-keys/primes.txt")
            .lines()
            .map(|line| UBig::from_str_radix(line, 16).unwrap())
            .collect();
        let product = |indices: &[usize]| {
            let factors = indices.iter().map(|index| &primes[*index]);
            factors.fold(UBig::ONE, |product, prime| product * prime)
        };
        let mut moduli = coprime_moduli(10_000);
        let planted: [(usize, &[usize]); 14] = [
            // One prime in common, twice and three times.
            (0, &[0, 1]),
            (9_999, &[0, 2]),
            (17, &[3, 4]),
            (4_999, &[3, 5]),
            (5_000, &[6, 3]),
            // Each prime of each is in another.
            (100, &[10, 11]),
            (200, &[11, 12]),
            (300, &[12, 10]),
            // A square, and one that has the same prime.
            (400, &[20, 20]),
            (500, &[20, 21]),
            // One divides the other.
            (600, &[30, 31]),
            (700, &[30, 31, 32]),
            // The same key twice.
            (800, &[40, 41]),
            (900, &[41, 40]),
        ];
        for (place, factors) in planted {
            moduli[place] = product(factors);
        }
        let keys: Vec<EkPub> = moduli
            .iter()
            .map(|modulus| EkPub::from_rsa(&modulus.to_be_bytes(), &[1, 0, 1]).unwrap())
            .collect();
        let threads = NonZeroUsize::new(2).unwrap();
        let found = shared_primes(keys.iter().enumerate(), threads).unwrap();
        assert_eq!(found.moduli, 9_999);
        assert_eq!(found.repeated, [[800, 900]]);
        let mut expected = vec![
            (product(&[0]), vec![0, 9_999]),
            (product(&[3]), vec![17, 4_999, 5_000]),
            (product(&[10]), vec![100, 300]),
            (product(&[11]), vec![100, 200]),
            (product(&[12]), vec![200, 300]),
            (product(&[20]), vec![400, 500]),
            (product(&[30, 31]), vec![600, 700]),
        ];
        expected.sort();
        let told = found.findings();
        // Each of the three whose primes are both shared has two.
        assert_eq!(told.len(), 15);
        let (label, finding) = told.iter().find(|(label, _)| *label == 4_999).unwrap();
        assert_eq!((label, finding.code), (&4_999, Code::SharedPrime));
        assert!(
            finding
                .message
                .contains("1024 bits in common with that of 17, 5000:")
        );
        let factors: Vec<(UBig, Vec<usize>)> = found
            .factors
            .into_iter()
            .map(|shared| (UBig::from_be_bytes(&shared.factor), shared.keys))
            .collect();
        assert_eq!(factors, expected);
    }

    #[test]
    fn other_keys_are_passed_over() {
        let point = EkPub::from_point(super::super::Curve::P256, &[1], &[2]).unwrap();
        let found = shared_primes([((), &point), ((), &point)], NonZeroUsize::MIN).unwrap();
        assert_eq!(
            (found.moduli, found.factors, found.repeated),
            (0, vec![], vec![])
        );
    }

    /// More keys that share both primes than are compared one by one are still all told.
    #[test]
    fn none_is_lost_beyond_the_limit_of_pairs() {
        let primes: Vec<UBig> = coprime_moduli(40);
        let moduli: Vec<UBig> = (0..40)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| &primes[i] * &primes[j])
            .collect();
        let factors = common_factors(&moduli, NonZeroUsize::MIN);
        assert_eq!(factors.len(), moduli.len());
        assert!(moduli.len() * moduli.len() > MAX_PAIRS);
        let groups = group(&moduli, &factors);
        let told: BTreeSet<usize> = groups.into_values().flatten().collect();
        assert_eq!(told.len(), moduli.len());
    }

    #[test]
    fn the_limit_is_an_error_of_its_own() {
        let moduli = (0..MAX_SHARED_PRIMES_BITS / 16384 + 1).map(|number| {
            let mut modulus = vec![0xff; 2048];
            modulus[1..9].copy_from_slice(&number.to_be_bytes());
            EkPub::from_rsa(&modulus, &[1, 0, 1]).unwrap()
        });
        let keys: Vec<EkPub> = moduli.collect();
        let error = shared_primes(keys.iter().enumerate(), NonZeroUsize::MIN).unwrap_err();
        assert_eq!(error.code, Some(Code::InputTooLarge));
    }
}
