//! Whatever is said in the place of a service: the fuzzer's corpus, and what comes of it if
//! something in it is changed.

use std::path::{Path, PathBuf};

use endorse::diagnose::hgsa::service_info::ServiceInfo;
use endorse::diagnose::hgsa::signers::Signers;
use proptest::prelude::*;

#[allow(unreachable_pub, reason = "it is a crate of its own as well")]
#[path = "../../fuzz/src/hgs.rs"]
mod hgs;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/hgs_reply");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// The seeds are good, so that what is changed in them is what is refused.
#[test]
fn seeds() {
    let seeds = corpus();
    assert!(seeds.iter().any(|seed| ServiceInfo::read(seed).is_ok()));
    let signers = seeds.iter().filter(|seed| Signers::read(seed).is_ok());
    assert!(signers.count() >= 3);
    for seed in seeds {
        hgs::reply(&seed);
        for length in (0..seed.len()).step_by(seed.len().div_ceil(50)) {
            hgs::reply(&seed[..length]);
        }
    }
}

proptest! {
    #[test]
    fn a_change_in_a_seed(index in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), octets in prop::collection::vec(any::<u8>(), 0..4)) {
        let seeds = corpus();
        let mut changed = seeds[index.index(seeds.len())].clone();
        let at = at.index(changed.len());
        changed.splice(at..=at, octets);
        hgs::reply(&changed);
    }

    #[test]
    fn any_octets(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        hgs::reply(&octets);
    }
}
