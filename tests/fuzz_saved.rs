//! Replays the corpus of saved files, and every test vector, through their invariants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "../fuzz/src/saved.rs"]
mod saved;

use std::path::{Path, PathBuf};

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, files),
            false => files.push(path),
        }
    }
}

fn replay(folder: &str, check: fn(&[u8])) {
    let mut files = Vec::new();
    files_below(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        &mut files,
    );
    assert!(!files.is_empty(), "{folder} is empty");
    for file in files {
        // Names the file if the check panics.
        println!("{}", file.display());
        check(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn corpus() {
    replay("fuzz/corpus/saved_any", saved::any);
    replay("fuzz/corpus/saved_policy", saved::policy);
    replay("fuzz/corpus/saved_objects", saved::objects);
    replay("fuzz/corpus/saved_access", saved::access);
    replay("fuzz/corpus/saved_store", saved::store);
    replay("fuzz/corpus/saved_events", saved::events);
    replay("fuzz/corpus/saved_log", saved::log);
}

#[test]
fn test_vectors() {
    for folder in ["testdata/diagnose", "testdata/cli", "testdata/windows"] {
        for check in [
            saved::any,
            saved::policy,
            saved::objects,
            saved::access,
            saved::store,
            saved::events,
            saved::log,
        ] {
            replay(folder, check);
        }
    }
}

/// The seeds are read as what they are, so that what is changed in them is what is refused.
#[test]
fn seeds_are_read() {
    use endorse::diagnose::files::{SavedFile, is_readable};
    use endorse::diagnose::{Observation, Role, Target};
    let heads: [(&str, &[u8], &[u8]); 6] = [
        ("policy", b"[Unicode]\r\n[Privilege Rights]\r\n", b""),
        (
            "objects",
            b"<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">",
            b"</Objs>",
        ),
        ("access", b"", b""),
        ("store", b"\0\0\0\0CERT", b""),
        ("events", b"<Events>", b"</Events>"),
        ("log", b"", b""),
    ];
    for (target, head, tail) in heads {
        let mut files = Vec::new();
        files_below(
            &Path::new("fuzz/corpus").join(format!("saved_{target}")),
            &mut files,
        );
        let readable = files.iter().filter(|file| {
            let bytes = [head, &std::fs::read(file).unwrap(), tail].concat();
            is_readable(&Target {
                name: String::new(),
                role: Role::Unknown,
                source: String::new(),
                observations: vec![Observation::File(SavedFile {
                    name: String::new(),
                    bytes,
                })],
            })
        });
        let readable = readable.count();
        assert!(readable > 0, "{target}");
    }
}
