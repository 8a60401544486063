//! Many writers at once, writers that die, and disks that are full.

use std::sync::Barrier;
use std::thread;

use super::super::sqlite::Sqlite;
use super::*;
use crate::finding::Fault;
use crate::registry::Filter;

#[test]
fn one_ek_under_many_names_at_once_goes_to_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let barrier = Barrier::new(8);
    let registrations: Vec<Registration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|i| {
                let (path, barrier) = (&path, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    // All of them make the registry, too.
                    let registry = open(path, Mode::Create);
                    registry
                        .register(
                            &trusted(&format!("hv{i}"), "a"),
                            &Options::default(),
                            at(),
                            WHO,
                        )
                        .unwrap()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = registrations
        .iter()
        .partition(|registration| registration.outcome == Outcome::Registered);
    assert_eq!((won.len(), lost.len()), (1, 7));
    let name = &won[0].host.as_ref().unwrap().name;
    for registration in lost {
        assert_eq!(codes(registration), ["duplicate-ek"]);
        assert!(registration.findings[0].message.contains(name));
    }
    let registry = open(&path, Mode::ReadOnly);
    assert_eq!(registry.list(&Filter::default()).unwrap().len(), 1);
    assert!(registry.check(None).unwrap().is_ok());
}

#[test]
fn eight_processes_with_fifty_hosts_each() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| child::finish(child::this(), "fifty", &path));
        }
        // Readers in between see a whole registry.
        for _ in 0..20 {
            if let Ok(registry) = Registry::open(&location(&path), Mode::ReadOnly) {
                assert!(registry.check(None).unwrap().is_ok());
            }
        }
    });
    let registry = open(&path, Mode::ReadOnly);
    assert_eq!(registry.list(&Filter::default()).unwrap().len(), 400);
    let report = registry.check(None).unwrap();
    assert!(report.is_ok());
    assert_eq!((report.hosts, report.entries), (400, 400));
}

/// Fifty hosts of this process's own.
pub(super) fn fifty(path: &Path) {
    let registry = open(path, Mode::Create);
    let me = std::process::id();
    for i in 0..50 {
        let name = format!("hv-{me}-{i}");
        let registration = registry
            .register(&trusted(&name, &name), &Options::default(), at(), WHO)
            .unwrap();
        assert_eq!(registration.outcome, Outcome::Registered);
    }
}

#[test]
fn what_a_killed_writer_said_was_registered_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    drop(open(&path, Mode::Create));
    let mut before = 0;
    for round in 1..=8 {
        let (mut child, lines) = child::start(child::this(), "write_for_ever", &path);
        let said = lines
            .filter(|line| line == "registered")
            .take(round * 5)
            .count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(said, round * 5);

        let registry = open(&path, Mode::ReadWrite);
        let report = registry.check(None).unwrap();
        assert!(report.is_ok(), "{:#?}", report.problems);
        let hosts = registry.list(&Filter::default()).unwrap().len();
        assert!(hosts >= before + said, "{hosts} of {before} and {said}");
        let name = format!("after-{round}");
        let registration = registry
            .register(&trusted(&name, &name), &Options::default(), at(), WHO)
            .unwrap();
        assert_eq!(registration.outcome, Outcome::Registered);
        before = hosts + 1;
    }
}

/// Registers host after host until it is killed.
pub(super) fn write_for_ever(path: &Path) {
    let registry = open(path, Mode::ReadWrite);
    let me = std::process::id();
    for i in 0.. {
        let name = format!("hv-{me}-{i}");
        let registration = registry
            .register(&trusted(&name, &name), &Options::default(), at(), WHO)
            .unwrap();
        assert_eq!(registration.outcome, Outcome::Registered);
        println!("registered");
    }
}

/// A host with a file of 64 KiB.
fn large(name: &str) -> Candidate {
    let file = name.as_bytes().repeat(65_536 / name.len());
    Candidate {
        file_sha256: sha256(&file),
        file,
        ..trusted(name, name)
    }
}

#[test]
fn a_limit_on_the_file_leaves_the_old_registry_whole() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let units = bench.bytes().len() / 512 + 64;
    child::finish(child::limited(units), "fill", &bench.path());
    bench.assert_whole();
    assert!(bench.registry.show("hv1").is_ok());
    assert!(bench.registry.show("large-9").is_err());
    bench.add(&large("large-9"), &Options::default());
    bench.assert_whole();
}

#[test]
fn a_full_disk_leaves_the_old_registry_whole() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let before = bench.bytes();
    let sqlite = Sqlite::open(&bench.path(), Mode::ReadWrite).unwrap();
    sqlite.limit_pages(u32::try_from(before.len() / 4096 + 3).unwrap());
    let registry = Registry::over(Box::new(sqlite));
    let error = registry
        .register(&large("large"), &Options::default(), at(), WHO)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("full"), "{error}");
    assert!(
        error.message.contains(&bench.path().display().to_string()),
        "{error}"
    );
    assert_eq!(bench.bytes(), before);
    bench.assert_whole();
    bench.add(&large("large"), &Options::default());
    bench.assert_whole();
}

#[test]
fn a_lock_that_is_not_given_up_is_told() {
    let bench = Bench::new();
    let other = rusqlite::Connection::open(bench.path()).unwrap();
    let sqlite = Sqlite::open(&bench.path(), Mode::ReadWrite).unwrap();
    sqlite.wait_for_nobody();
    let registry = Registry::over(Box::new(sqlite));
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = registry
        .register(&trusted("hv1", "a"), &Options::default(), at(), WHO)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("in use"), "{error}");
    // Reading goes on beside a writer.
    assert!(registry.list(&Filter::default()).unwrap().is_empty());
    other.execute_batch("ROLLBACK").unwrap();
    let done = registry.register(&trusted("hv1", "a"), &Options::default(), at(), WHO);
    assert_eq!(done.unwrap().outcome, Outcome::Registered);
    bench.assert_whole();
}

/// Registers large hosts until that fails, as it must.
pub(super) fn fill(path: &Path) {
    let registry = open(path, Mode::ReadWrite);
    let error = (0..10)
        .find_map(|i| {
            let candidate = large(&format!("large-{i}"));
            registry
                .register(&candidate, &Options::default(), at(), WHO)
                .err()
        })
        .unwrap();
    assert_eq!(error.fault, Fault::Environment);
    assert!(
        error.message.contains(&path.display().to_string()),
        "{error}"
    );
    assert!(
        error.help.contains("nothing of this change was kept"),
        "{error:?}"
    );
    // The same connection still reads.
    assert!(registry.check(None).unwrap().is_ok());
    assert!(registry.show("hv1").is_ok());
}
