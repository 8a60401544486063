//! Files that are no registry, or cannot be used as one: each has a clear error.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;
use crate::finding::{Error, Fault};
use crate::registry::Filter;

const MODES: [Mode; 4] = [Mode::ReadOnly, Mode::ReadWrite, Mode::Create, Mode::WhatIf];

fn refused(path: &Path, mode: Mode) -> Error {
    let error = Registry::open(&location(path), mode).unwrap_err();
    assert_eq!(error.fault, Fault::Environment, "{error}");
    assert!(
        error.message.contains(&path.display().to_string()),
        "{error}"
    );
    assert!(!error.help.is_empty());
    error
}

fn sqlite(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn no_registry_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    for mode in [Mode::ReadOnly, Mode::ReadWrite] {
        assert!(
            refused(&path, mode)
                .message
                .contains("there is no registry")
        );
        assert!(!path.exists());
    }
    let path = dir.path().join("missing").join("registry.db");
    for mode in MODES {
        let error = refused(&path, mode);
        assert!(error.message.contains("no directory"), "{error}");
        assert!(error.help.contains("mkdir"), "{error:?}");
    }
    for mode in MODES {
        assert!(refused(dir.path(), mode).message.contains("is a directory"));
    }
    // A file where a directory should be.
    fs::write(dir.path().join("plain"), "x").unwrap();
    for mode in MODES {
        refused(&dir.path().join("plain").join("registry.db"), mode);
    }
}

#[test]
fn no_sqlite_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    for bytes in [
        &b"x"[..],
        b"<PlatformIdentifiers/>",
        b"SQLite format 2\0xxxx",
        &[0; 4096],
    ] {
        fs::write(&path, bytes).unwrap();
        for mode in MODES {
            assert!(
                refused(&path, mode)
                    .message
                    .contains("not an SQLite database")
            );
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }
    // The right start alone does not make one.
    let bytes = [b"SQLite format 3\0", &[0xff; 2000][..]].concat();
    fs::write(&path, &bytes).unwrap();
    for mode in MODES {
        refused(&path, mode);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_database_of_another_program() {
    for sql in [
        "CREATE TABLE host (name TEXT)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (x)",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.db");
        sqlite(&path, sql);
        let bytes = fs::read(&path).unwrap();
        for mode in MODES {
            assert!(
                refused(&path, mode).message.contains("another program"),
                "{sql}"
            );
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }
}

#[test]
fn a_newer_or_versionless_schema() {
    for (version, text) in [
        (3, "newer version"),
        (i32::MAX, "newer version"),
        (0, "damaged"),
        (-1, "damaged"),
    ] {
        let bench = Bench::new();
        sqlite(&bench.path(), &format!("PRAGMA user_version = {version}"));
        for mode in MODES {
            let error = refused(&bench.path(), mode);
            assert!(error.message.contains(text), "{error}");
        }
    }
}

#[test]
fn an_empty_file_becomes_a_registry_when_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    fs::write(&path, "").unwrap();
    assert!(refused(&path, Mode::ReadOnly).message.contains("empty"));
    drop(open(&path, Mode::WhatIf));
    assert_eq!(fs::read(&path).unwrap(), b"");
    let registry = open(&path, Mode::ReadWrite);
    registry
        .register(&trusted("hv1", "a"), &Options::default(), at(), WHO)
        .unwrap();
    assert!(registry.check(None).unwrap().is_ok());
}

#[test]
fn odd_paths_are_files() {
    let dir = tempfile::tempdir().unwrap();
    // SQLite would take these for a database in memory and for a URI with options.
    for name in [":memory:", "file:registry.db?mode=memory", "ü 東 '\"%20.db"] {
        let path = dir.path().join(name);
        let registry = open(&path, Mode::Create);
        registry
            .register(&trusted("hv1", "a"), &Options::default(), at(), WHO)
            .unwrap();
        assert_eq!(&fs::read(&path).unwrap()[..6], b"SQLite");
    }
}

#[test]
fn a_truncated_file_is_never_taken_for_whole() {
    let bench = Bench::new();
    for i in 0..20 {
        bench.add(
            &trusted(&format!("hv{i}"), &format!("{i}")),
            &Options::default(),
        );
    }
    let whole = bench.bytes();
    let path = bench.dir.path().join("cut.db");
    let mut cuts: Vec<usize> = (1..whole.len() / 4096).map(|page| page * 4096).collect();
    cuts.extend([1, 15, 16, 99, 100, 1000, whole.len() - 1]);
    for cut in cuts {
        fs::write(&path, &whole[..cut]).unwrap();
        for mode in [Mode::ReadOnly, Mode::ReadWrite] {
            let found = Registry::open(&location(&path), mode)
                .and_then(|registry| registry.check(None))
                .map(|report| report.is_ok());
            match found {
                Ok(ok) => assert!(!ok, "cut at {cut}"),
                Err(error) => assert_eq!(error.fault, Fault::Environment, "cut at {cut}: {error}"),
            }
        }
    }
}

#[test]
fn one_flipped_byte_is_harmless_or_found() {
    let bench = Bench::new();
    for i in 0..5 {
        bench.add(
            &trusted(&format!("hv{i}"), &format!("{i}")),
            &Options::default(),
        );
    }
    bench.add(&bare("forced", "f"), &force());
    bench.add(&trusted("hv0", "again"), &replace());
    let everything = |registry: &Registry| -> Result<_, Error> {
        let filter = Filter {
            ended: true,
            ..Filter::default()
        };
        let hosts = registry.list(&filter)?;
        Ok((
            hosts,
            registry.originals(&Filter::default())?,
            registry.history(None)?,
        ))
    };
    let told = everything(&bench.registry).unwrap();
    let whole = bench.bytes();
    let path = bench.dir.path().join("flipped.db");
    let mut found = 0;
    for position in (0..whole.len()).step_by(211) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x01;
        fs::write(&path, &bytes).unwrap();
        let Ok(registry) = Registry::open(&location(&path), Mode::ReadOnly) else {
            found += 1;
            continue;
        };
        let sound = registry.check(None).is_ok_and(|report| report.is_ok());
        if sound {
            assert_eq!(everything(&registry).as_ref(), Ok(&told), "byte {position}");
        } else {
            found += 1;
        }
    }
    assert!(found > 50, "only {found} of the flips were found");
}

/// What `kill -9` leaves in the middle of a change: a copy of a registry, in which hv1
/// is registered, and of the journal that undoes a change which is half in it.
fn interrupted(dir: &Path) -> (PathBuf, Vec<u8>) {
    let path = dir.join("whole.db");
    open(&path, Mode::Create)
        .register(&trusted("hv1", "a"), &Options::default(), at(), WHO)
        .unwrap();
    let whole = fs::read(&path).unwrap();
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA cache_size = 2;
             BEGIN IMMEDIATE;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
             INSERT INTO file SELECT randomblob(32), randomblob(3000) FROM n;",
        )
        .unwrap();
    let copy = dir.join("registry.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(
        dir.join("whole.db-journal"),
        dir.join("registry.db-journal"),
    )
    .unwrap();
    assert_ne!(fs::read(&copy).unwrap(), whole);
    (copy, whole)
}

#[test]
fn a_change_that_was_interrupted_is_undone() {
    for mode in MODES {
        let dir = tempfile::tempdir().unwrap();
        let (path, whole) = interrupted(dir.path());
        let registry = open(&path, mode);
        assert!(registry.check(None).unwrap().is_ok(), "{mode:?}");
        assert_eq!(registry.show("hv1").unwrap().name, "hv1", "{mode:?}");
        assert_eq!(fs::read(&path).unwrap(), whole, "{mode:?}");
        assert!(!dir.path().join("registry.db-journal").exists());
    }
}

#[test]
fn a_change_that_was_interrupted_where_nothing_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = interrupted(dir.path());
    for path in [&path, &dir.path().join("registry.db-journal")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    }
    let before = fs::read(&path).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    child::unprivileged("no_undoing", &path);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Run by the test above in a process that is not root.
pub(super) fn no_undoing(path: &Path) {
    for mode in [Mode::ReadOnly, Mode::WhatIf] {
        let error = refused(path, mode);
        assert!(error.message.contains("was interrupted"), "{error}");
        assert!(error.help.contains("may write"), "{error:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("registry.db");
    let registry = open(&path, Mode::Create);
    registry
        .register(&trusted("hv1", "a"), &Options::default(), at(), WHO)
        .unwrap();
    drop(registry);
    // First the file may not be written, then only the directory.
    for mode in [0o444, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let before = fs::read(&path).unwrap();
        child::unprivileged("no_writing", &path);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Run by the test above in a process that is not root.
pub(super) fn no_writing(path: &Path) {
    let registry = open(path, Mode::ReadOnly);
    assert_eq!(registry.show("hv1").unwrap().name, "hv1");
    assert!(registry.check(None).unwrap().is_ok());
    let what_if = Options {
        what_if: true,
        ..Options::default()
    };
    let answer = open(path, Mode::WhatIf)
        .register(&trusted("hv2", "b"), &what_if, at(), WHO)
        .unwrap();
    assert_eq!(answer.outcome, Outcome::Registered);
    let error = registry
        .register(&trusted("hv2", "b"), &Options::default(), at(), WHO)
        .unwrap_err();
    assert!(
        error.message.contains(&path.display().to_string()),
        "{error}"
    );

    let error = Registry::open(&location(path), Mode::ReadWrite)
        .and_then(|registry| {
            registry.register(&trusted("hv2", "b"), &Options::default(), at(), WHO)
        })
        .unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(
        error.message.contains(&path.display().to_string()),
        "{error}"
    );
    assert!(error.help.contains("directory"), "{error:?}");

    let new = path.with_file_name("new.db");
    let error = Registry::open(&location(&new), Mode::Create).unwrap_err();
    assert!(error.message.contains("new.db"), "{error}");
    assert!(error.help.contains("directory"), "{error:?}");
}
