//! Primes that RSA-2048 keys have in common, sought in sets of several sizes on two
//! threads: time, how it grows from the size before, and the most memory that the
//! process has had (Linux).
//!
//! `cargo bench --bench shared_primes -- 100000` takes the sizes from the command line.

use std::num::NonZeroUsize;
use std::time::Instant;

use dashu_int::UBig;
use endorse::ek::{EkPub, shared_primes};

const THREADS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn main() {
    let given: Vec<usize> = std::env::args()
        .filter_map(|size| size.parse().ok())
        .collect();
    let sizes = match given.as_slice() {
        [] => vec![1_000, 2_000, 4_000, 8_000, 16_000],
        given => given.to_vec(),
    };
    let mut before: Option<(usize, f64)> = None;
    for size in sizes {
        let mut moduli = moduli(size);
        // Two that share a prime, for something to find.
        let shared = UBig::from(752_000_001u64 | 1);
        for index in [0, size - 1] {
            moduli[index] *= &shared;
        }
        let keys: Vec<EkPub> = moduli
            .iter()
            .map(|modulus| EkPub::from_rsa(&modulus.to_be_bytes(), &[1, 0, 1]).unwrap())
            .collect();
        drop(moduli);
        let start = Instant::now();
        let found = shared_primes(keys.iter().enumerate(), THREADS).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(found.moduli, size);
        assert_eq!(found.factors.len(), 1);
        assert_eq!(found.factors[0].keys, [0, size - 1]);
        let growth = before.map_or(String::new(), |(size_before, before)| {
            let ratio = size as f64 / size_before as f64;
            format!(
                ", {:.2} times the time for {ratio:.2} times the keys (n^{:.2})",
                seconds / before,
                (seconds / before).ln() / ratio.ln()
            )
        });
        println!("{size:7} keys: {seconds:7.2} s{growth}; {}", peak());
        before = Some((size, seconds));
    }
}

/// Numbers of some 2,048 bits without a common factor: each the product of 51 primes
/// above 2^40 that no other has. The trees do not mind how many primes there are, and
/// that many primes of 1,024 bits would take hours to find.
fn moduli(count: usize) -> Vec<UBig> {
    const PRIMES_EACH: usize = 51;
    let primes = primes_above(1 << 40, count * PRIMES_EACH);
    primes
        .chunks(PRIMES_EACH)
        .map(|primes| primes.iter().map(|&prime| UBig::from(prime)).product())
        .collect()
}

/// A sieve of Eratosthenes in segments.
fn primes_above(start: u64, count: usize) -> Vec<u64> {
    const SEGMENT: u64 = 1 << 20;
    let small = small_primes(1 << 21);
    let mut primes = Vec::with_capacity(count);
    let mut first = start;
    while primes.len() < count {
        let mut composite = vec![false; SEGMENT as usize];
        for &prime in &small {
            let mut multiple = first.next_multiple_of(prime) - first;
            while multiple < SEGMENT {
                composite[multiple as usize] = true;
                multiple += prime;
            }
        }
        let found = (first..).zip(composite).filter(|(_, composite)| !composite);
        primes.extend(found.map(|(number, _)| number));
        first += SEGMENT;
    }
    primes.truncate(count);
    primes
}

fn small_primes(bound: usize) -> Vec<u64> {
    let mut composite = vec![false; bound];
    let mut primes = Vec::new();
    for number in 2..bound {
        if !composite[number] {
            primes.push(number as u64);
            for multiple in (number * number..bound).step_by(number) {
                composite[multiple] = true;
            }
        }
    }
    primes
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or("peak memory unknown".to_owned(), |line| {
        format!("peak {}", line.trim_start_matches("VmHWM:").trim())
    })
}
