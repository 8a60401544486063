//! Importing a package as large as Microsoft's: its signature verified, unpacked, every
//! certificate read and its purpose found. The goal is a second for the whole import.
//!
//! The package is Microsoft's own where `ENDORSE_TRUSTEDTPM_CAB` names it. Without it, the
//! time is that of a generated package of the same number and size of certificates, with
//! the digest of its bytes in the place of the signature.

use criterion::{Criterion, criterion_group, criterion_main};
use endorse::der::Time;
use endorse::hash::sha256;
use endorse::trust::package::{Package, Roots};
use endorse_benches::{Chain, Kind, NOW};

fn package(criterion: &mut Criterion) {
    let roots = Roots::microsoft().unwrap();
    let at = Time::from_unix(NOW);
    if let Some(path) = std::env::var_os("ENDORSE_TRUSTEDTPM_CAB") {
        let bytes = std::fs::read(path).unwrap();
        criterion.bench_function("Microsoft's package: verified", |b| {
            b.iter(|| Package::read(&bytes).unwrap().verify(&roots, at).unwrap());
        });
        criterion.bench_function("Microsoft's package: verified and read", |b| {
            b.iter(|| {
                let package = Package::read(&bytes).unwrap();
                let signed = package.verify(&roots, at).unwrap();
                signed.contents().unwrap()
            });
        });
    }
    let bytes = generated();
    criterion.bench_function(
        "generated package of 2,189 certificates: digest and read",
        |b| {
            b.iter(|| {
                let digest = sha256(&bytes);
                let package = Package::read(&bytes).unwrap();
                let refusal = package.verify(&roots, at).unwrap_err();
                (
                    digest,
                    package.unverified(refusal).unwrap().contents().unwrap(),
                )
            });
        },
    );
}

/// A stored cabinet without a signature, as large as Microsoft's: copies of one CA, each
/// with another serial number.
fn generated() -> Vec<u8> {
    let der = Chain::new(Kind::Rsa).intermediate;
    let serial = [0x12, 0x34, 0x56, 0x78];
    let place = der.windows(4).position(|window| window == serial).unwrap();
    let mut table = Vec::new();
    let mut data = Vec::new();
    for number in 0u32..2_189 {
        let mut der = der.clone();
        der[place..place + 4].copy_from_slice(&(0x1000_0000 + number).to_be_bytes());
        table.extend((der.len() as u32).to_le_bytes());
        table.extend((data.len() as u32).to_le_bytes());
        // Folder, date, time and attributes.
        table.extend([0; 8]);
        table.extend(format!("Example\\IntermediateCA\\{number}.cer\0").bytes());
        data.extend(der);
    }
    let blocks: Vec<u8> = data
        .chunks(32 * 1024)
        .flat_map(|chunk| {
            let len = (chunk.len() as u16).to_le_bytes();
            [&[0; 4][..], &len, &len, chunk].concat()
        })
        .collect();
    let data_at = 36 + 8 + table.len();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend(((data_at + blocks.len()) as u32).to_le_bytes());
    out.extend([0; 4]);
    out.extend(44u32.to_le_bytes());
    out.extend([0, 0, 0, 0, 3, 1]);
    out.extend(1u16.to_le_bytes());
    out.extend(2_189u16.to_le_bytes());
    out.extend([0; 6]);
    out.extend((data_at as u32).to_le_bytes());
    out.extend((data.len().div_ceil(32 * 1024) as u16).to_le_bytes());
    out.extend(0u16.to_le_bytes());
    [out, table, blocks].concat()
}

criterion_group!(benches, package);
criterion_main!(benches);
