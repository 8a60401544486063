//! The files that are committed as data are listed, unchanged, and what they are
//! said to be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::missing_errors_doc,
    unreachable_pub,
    missing_docs,
    reason = "tests may be blunt"
)]

mod roots;
mod testdata;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn top(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Every file below `folder`, as paths relative to it with `/` between the parts.
fn files_below(folder: &Path) -> BTreeSet<String> {
    fn walk(top: &Path, folder: &Path, files: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, files);
            } else {
                let relative = path.strip_prefix(top).unwrap().to_str().unwrap();
                files.insert(relative.replace('\\', "/"));
            }
        }
    }
    let mut files = BTreeSet::new();
    walk(folder, folder, &mut files);
    files
}
