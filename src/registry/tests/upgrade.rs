//! A registry of an older schema, written by the program of that time.

use rusqlite::Connection;

use super::*;
use crate::finding::Fault;
use crate::possession::Request;
use crate::registry::{Filter, State, Trust};

/// What `hosts history --check` said of it then.
const ENTRIES: i64 = 4;
const HEAD: &str = "2da88c19079d5d74f33b4e055bb1d1cbec5b0182c3a1b5412d5eacf315391c8d";

fn version_1() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(include_str!("../../../testdata/registry/version-1.sql"))
        .unwrap();
    (dir, path)
}

#[test]
fn reading_changes_nothing_and_says_what_to_do() {
    let (_dir, path) = version_1();
    let before = std::fs::read(&path).unwrap();
    let error = Registry::open(&location(&path), Mode::ReadOnly).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("the older schema 1"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn writing_brings_it_up_to_date_with_all_that_is_in_it() {
    let (_dir, path) = version_1();
    drop(open(&path, Mode::ReadWrite));
    // From here on it can be read.
    let registry = open(&path, Mode::ReadOnly);
    let report = registry.check(None).unwrap();
    assert!(report.is_ok(), "{:#?}", report.problems);
    assert_eq!(report.entries, ENTRIES);
    assert_eq!(report.head.to_string(), HEAD);
    let hosts: Vec<_> = registry
        .list(&Filter::default())
        .unwrap()
        .into_iter()
        .map(|host| (host.name, host.trust, host.state, host.possession.is_some()))
        .collect();
    assert_eq!(
        hosts,
        [
            ("hyp01".to_owned(), Trust::Verified, State::Active, false),
            ("lab01".to_owned(), Trust::Forced, State::Active, false),
        ]
    );
}

#[test]
fn its_hosts_can_be_challenged() {
    let (_dir, path) = version_1();
    let registry = open(&path, Mode::ReadWrite);
    let request =
        Request::read(include_bytes!("../../../testdata/challenge/request.json")).unwrap();
    let challenge = registry
        .challenge(&request, Some("lab01"), 3600, at(), WHO)
        .unwrap();
    assert_eq!(challenge.terms.host, "lab01");
    let report = registry.check(None).unwrap();
    assert!(report.is_ok(), "{:#?}", report.problems);
    assert_eq!(report.entries, ENTRIES + 1);
}
