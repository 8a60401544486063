//! One EKcert, warm: against the work that cannot be avoided, and against OpenSSL.
//! Prints the ratios at the end, measured in alternating rounds of one run.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group};
use endorse_benches::{Chain, Kind};

fn verify(criterion: &mut Criterion) {
    for kind in [Kind::Rsa, Kind::Ec] {
        let chain = Chain::new(kind);
        let mut group = criterion.benchmark_group(format!("verify-{kind:?}"));
        group.bench_function("parse + one signature", |b| {
            b.iter(|| chain.parse_and_verify_once())
        });
        group.bench_function("endorse, path", |b| b.iter(|| chain.endorse_path()));
        group.bench_function("endorse, every check", |b| b.iter(|| chain.endorse_judge()));
        group.bench_function("openssl X509_verify_cert", |b| b.iter(|| chain.openssl()));
        group.finish();
    }
}

/// Best of several alternating rounds: what a noisy neighbour takes, it takes from all.
fn ratios() {
    const ROUNDS: usize = 25;
    const PER_ROUND: u32 = 200;
    let mut both = [0.0; 4];
    for kind in [Kind::Rsa, Kind::Ec] {
        let chain = Chain::new(kind);
        let contenders: [(&str, &dyn Fn()); 4] = [
            ("parse + one signature", &|| chain.parse_and_verify_once()),
            ("endorse, path", &|| chain.endorse_path()),
            ("endorse, every check", &|| chain.endorse_judge()),
            ("openssl X509_verify_cert", &|| chain.openssl()),
        ];
        let mut best = [f64::INFINITY; 4];
        for _ in 0..ROUNDS {
            for ((_, run), best) in contenders.iter().zip(&mut best) {
                let start = Instant::now();
                for _ in 0..PER_ROUND {
                    black_box(run)();
                }
                *best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(PER_ROUND));
            }
        }
        println!("\n{kind:?}:");
        for ((name, _), time) in contenders.iter().zip(best) {
            println!("  {name:26} {time:8.1} µs");
        }
        report(best);
        for (sum, time) in both.iter_mut().zip(best) {
            *sum += time;
        }
    }
    println!("\none of each:");
    report(both);
}

fn report([baseline, path, judge, openssl]: [f64; 4]) {
    println!(
        " rate of endorse (path) to parse + one signature: {:.2}",
        baseline / path
    );
    println!(
        " rate of endorse (every check) to the same: {:.2} (goal: 0.7)",
        baseline / judge
    );
    println!(
        " rate of endorse (every check) to OpenSSL: {:.1} (goal: 6)",
        openssl / judge
    );
}

criterion_group!(benches, verify);

fn main() {
    benches();
    ratios();
}
