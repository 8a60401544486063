//! Opening a store of as many CA certificates as Microsoft's package has (2,189):
//! parsing and indexing them from memory. Copies of one generated CA would be found
//! to be the same, so each gets another serial number; signatures do not matter here.

use criterion::{Criterion, criterion_group, criterion_main};
use endorse::ek::Certificate;
use endorse::trust::{Origin, Store};
use endorse_benches::{Chain, Kind};

fn store(criterion: &mut Criterion) {
    let chain = Chain::new(Kind::Rsa);
    let serial = [0x12, 0x34, 0x56, 0x78];
    let place = chain
        .intermediate
        .windows(4)
        .position(|window| window == serial)
        .unwrap();
    let certificates: Vec<Vec<u8>> = (0u32..2_189)
        .map(|number| {
            let mut der = chain.intermediate.clone();
            der[place..place + 4].copy_from_slice(&(0x1000_0000 + number).to_be_bytes());
            der
        })
        .collect();
    criterion.bench_function("store of 2,189 CA certificates, from memory", |b| {
        b.iter(|| {
            let mut store = Store::new();
            for der in &certificates {
                let certificate = Certificate::from_der(der).unwrap();
                store.add_intermediate(certificate, Origin::File("bench".into()));
            }
            assert_eq!(store.intermediates().count(), 2_189);
            store
        });
    });
}

criterion_group!(benches, store);
criterion_main!(benches);
