//! Replays the fuzzers' corpus, and every test vector, through their invariants.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "../fuzz/src/invariants.rs"]
mod invariants;

use std::path::{Path, PathBuf};

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn replay(folder: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        // Names the file if the check panics.
        println!("{}", file.display());
        check(&bytes);
    }
}

#[test]
fn corpus() {
    replay("fuzz/corpus/identifier", invariants::identifier);
    replay("fuzz/corpus/ekpub", invariants::ekpub);
    replay("fuzz/corpus/certificate", invariants::certificate);
    replay("fuzz/corpus/path", invariants::path);
    replay("fuzz/corpus/json", invariants::json);
    replay("fuzz/corpus/chain", invariants::chain);
    replay("fuzz/corpus/reply", invariants::reply);
    replay("fuzz/corpus/challenge", invariants::challenge);
    replay("fuzz/corpus/cabinet", invariants::cabinet);
    replay("fuzz/corpus/pkcs7", invariants::pkcs7);
    replay("fuzz/corpus/timestamp", invariants::timestamp);
    replay("fuzz/corpus/crl", invariants::crl);
    replay("fuzz/corpus/document", invariants::document);
}

#[test]
fn test_vectors() {
    for check in [
        invariants::identifier,
        invariants::ekpub,
        invariants::certificate,
        invariants::json,
        invariants::chain,
        invariants::reply,
        invariants::challenge,
        invariants::cabinet,
        invariants::pkcs7,
        invariants::timestamp,
        invariants::crl,
        invariants::document,
    ] {
        replay("testdata", check);
        replay("roots", check);
    }
}

/// The seeds are good, so that what is changed in them is what is refused.
#[test]
fn seeds_of_signatures_are_accepted() {
    use invariants::{SIGNATURE, signed_with, with_token};
    assert!(signed_with(SIGNATURE));
    let token = std::fs::read("testdata/package/token.der").unwrap();
    let same = with_token(SIGNATURE, &token).unwrap();
    assert!(signed_with(&same));
    assert!(!signed_with(&with_token(SIGNATURE, &token[1..]).unwrap()));
}
