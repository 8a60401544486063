//! A CRL of 500,000 entries: reading it, its signature, and a question to it. The same
//! questions go to OpenSSL, which reads and sorts the same CRL.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::trust::{Crl, Origin, Policy, Store, Usage};
use endorse_benches::{Chain, Kind, NOW};

const ENTRIES: u32 = 500_000;

/// The best of three runs.
fn best<T>(mut run: impl FnMut() -> T) -> f64 {
    (0..3)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn crl(criterion: &mut Criterion) {
    let chain = Chain::new(Kind::Ec);
    let der = chain.crl(ENTRIES);
    let read = Crl::from_der(der.clone()).unwrap();
    assert_eq!(read.entry_count(), ENTRIES as usize);
    // Whoever verifies the signature has to hash it; whoever reads the file, to copy it.
    let hash = best(|| endorse::hash::sha256(&der));
    let ours = best(|| Crl::from_der(der.clone()).unwrap());
    let theirs = best(|| openssl::x509::X509Crl::from_der(&der).unwrap());
    println!(
        "{} octets: read and indexed in {:.0} ms, {:.1} times as long as its SHA-256 takes, and {:.2} \
         times as long as OpenSSL takes to read it",
        der.len(),
        ours * 1e3,
        ours / hash,
        ours / theirs
    );
    let leaf = Certificate::from_der(&chain.leaf).unwrap();
    assert_eq!(read.find(&leaf), None);

    let mut group = criterion.benchmark_group("crl of 500,000 entries");
    group.sample_size(10);
    group.bench_function("endorse: read and index", |b| {
        b.iter_batched(
            || der.clone(),
            |der| Crl::from_der(der).unwrap(),
            criterion::BatchSize::PerIteration,
        );
    });
    group.bench_function("endorse: read, index and look up once", |b| {
        b.iter_batched(
            || der.clone(),
            |der| Crl::from_der(der).unwrap().find(&leaf),
            criterion::BatchSize::PerIteration,
        );
    });
    group.bench_function("OpenSSL: read and look up once", |b| {
        let serial = openssl::x509::X509::from_der(&chain.leaf).unwrap();
        b.iter(|| {
            let crl = openssl::x509::X509Crl::from_der(&der).unwrap();
            matches!(
                crl.get_by_serial(serial.serial_number()),
                openssl::x509::CrlStatus::NotRevoked
            )
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("a question to it");
    group.bench_function("endorse", |b| {
        b.iter(|| black_box(&read).find(black_box(&leaf)))
    });
    let theirs = openssl::x509::X509Crl::from_der(&der).unwrap();
    let serial = openssl::x509::X509::from_der(&chain.leaf).unwrap();
    group.bench_function("OpenSSL", |b| {
        b.iter(|| {
            matches!(
                theirs.get_by_serial(black_box(serial.serial_number())),
                openssl::x509::CrlStatus::NotRevoked
            )
        });
    });
    group.finish();

    let mut store = Store::new();
    let file = || Origin::File("bench".into());
    store.add_root(Certificate::from_der(&chain.root).unwrap(), file());
    store.add_intermediate(Certificate::from_der(&chain.intermediate).unwrap(), file());
    let leaf = std::sync::Arc::new(leaf);
    let at = Time::from_unix(NOW);
    let verify = |store: &Store| {
        store
            .verify(&leaf, &Policy::default(), at, Usage::Ek)
            .unwrap()
    };
    let mut group = criterion.benchmark_group("a path");
    group.bench_function("without CRLs", |b| b.iter(|| verify(&store)));
    let mut with = Store::new();
    with.add_root(Certificate::from_der(&chain.root).unwrap(), file());
    with.add_intermediate(Certificate::from_der(&chain.intermediate).unwrap(), file());
    with.add_crl(read, file()).unwrap();
    assert_eq!(verify(&with).revocation()[0].state().as_str(), "good");
    group.bench_function("with the CRL, its signature verified before", |b| {
        b.iter(|| verify(&with));
    });
    group.finish();
}

criterion_group!(benches, crl);
criterion_main!(benches);
