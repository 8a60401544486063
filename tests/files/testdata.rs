//! `testdata/` and its manifest: every file belongs to a set whose origin, licence
//! and expectation are stated, and has the digest that is listed.

use std::collections::BTreeMap;

use endorse::hash::sha256;
use serde::Deserialize;

use super::{files_below, top};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    set: Vec<Set>,
}

/// Files of one origin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    /// What their paths below `testdata/` start with.
    prefix: String,
    /// Where they come from.
    origin: String,
    /// How to make or get them again.
    recipe: String,
    licence: String,
    /// What is expected of them, or where that is stated.
    expectation: String,
}

/// The lists themselves.
const LISTS: [&str; 2] = ["manifest.toml", "SHA256SUMS"];

const UPDATE: &str = "after a change that is meant, run testdata/update-sums.sh";

fn sums() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(top("testdata/SHA256SUMS")).unwrap();
    let sums: BTreeMap<String, String> = text
        .lines()
        .map(|line| {
            let (sum, file) = line.split_once("  ").unwrap();
            (file.to_owned(), sum.to_owned())
        })
        .collect();
    assert_eq!(sums.len(), text.lines().count(), "listed twice");
    sums
}

#[test]
fn every_file_is_listed_and_unchanged() {
    let mut sums = sums();
    let mut wrong = Vec::new();
    for file in files_below(&top("testdata")) {
        if LISTS.contains(&file.as_str()) {
            continue;
        }
        let actual = sha256(&std::fs::read(top("testdata").join(&file)).unwrap()).to_string();
        match sums.remove(&file) {
            Some(listed) if listed == actual => {}
            Some(_) => wrong.push(format!("{file}: changed")),
            None => wrong.push(format!("{file}: not listed")),
        }
    }
    wrong.extend(
        sums.into_keys()
            .map(|file| format!("{file}: listed, not there")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}\n{UPDATE}");
}

#[test]
fn every_file_has_an_origin_and_an_expectation() {
    let text = std::fs::read_to_string(top("testdata/manifest.toml")).unwrap();
    let manifest: Manifest = toml::from_str(&text).unwrap();
    let files = sums();
    for file in files.keys() {
        let sets = manifest
            .set
            .iter()
            .filter(|set| file.starts_with(&set.prefix))
            .count();
        assert_eq!(
            sets, 1,
            "testdata/{file} must belong to one set of testdata/manifest.toml"
        );
    }
    for set in &manifest.set {
        assert!(
            files.keys().any(|file| file.starts_with(&set.prefix)),
            "no file is in the set {}",
            set.prefix
        );
        for text in [&set.origin, &set.recipe, &set.licence, &set.expectation] {
            assert!(!text.is_empty(), "{}", set.prefix);
        }
    }
}
