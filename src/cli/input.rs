use std::path::{Path, PathBuf};

use super::console::Console;
use crate::disk::{EntryKind, entries_of, read_file, read_limited};
use crate::finding::Error;

/// The largest input that is read, in octets: what the reader of identifiers takes
/// in any form. It is the reader that knows each form's own limit.
const MAX_INPUT_LEN: usize = crate::identifier::MAX_INPUT_LEN;

/// One input: its name as the user would write it, and its bytes.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: Result<Vec<u8>, Error>,
}

/// Standard input's name among the inputs, and standard output's as an output.
const STDIN: &str = "-";

/// The file that an output goes to; none for standard output, which is also `-`.
pub(super) fn to_file(output: Option<&PathBuf>) -> Option<&Path> {
    output
        .map(PathBuf::as_path)
        .filter(|path| path.as_os_str() != STDIN)
}

/// Reads the inputs named on the command line one after the other and hands each
/// to `each`: a file, `-`, or a directory, which stands for the files in it.
pub(super) fn for_each_input(
    paths: &[PathBuf],
    console: &mut Console<'_>,
    mut each: impl FnMut(&mut Console<'_>, Input),
) {
    let mut stdin_was_read = false;
    for path in paths {
        if path.as_os_str() == STDIN {
            let bytes = if stdin_was_read {
                Err(Error::misuse(
                    "standard input is named twice",
                    "write '-' once only",
                ))
            } else {
                read_limited(console.stdin(), &STDIN, MAX_INPUT_LEN, 0)
            };
            stdin_was_read = true;
            each(
                console,
                Input {
                    name: STDIN.to_owned(),
                    bytes,
                },
            );
        } else if path.is_dir() {
            match files_of(path, console) {
                Ok(files) => {
                    for file in files {
                        let bytes = read_file(&file, MAX_INPUT_LEN);
                        each(console, Input::new(&file, bytes));
                    }
                }
                Err(error) => each(console, Input::new(path, Err(error))),
            }
        } else {
            let bytes = read_file(path, MAX_INPUT_LEN);
            each(console, Input::new(path, bytes));
        }
    }
}

impl Input {
    fn new(path: &Path, bytes: Result<Vec<u8>, Error>) -> Self {
        Self {
            name: path.display().to_string(),
            bytes,
        }
    }
}

/// Reads one file or standard input, but never more than `limit` octets.
pub(super) fn read_input(
    path: &Path,
    console: &mut Console<'_>,
    limit: usize,
) -> Result<Vec<u8>, Error> {
    if path.as_os_str() == STDIN {
        read_limited(console.stdin(), &STDIN, limit, 0)
    } else {
        read_file(path, limit)
    }
}

/// The files in a directory, not below it, in the order of their names.
fn files_of(directory: &Path, console: &mut Console<'_>) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in entries_of(directory)? {
        if is_hidden(&entry.path) {
            console.detail(&format!("{} is hidden, skipped", entry.path.display()));
        } else if entry.kind == EntryKind::File {
            files.push(entry.path);
        } else {
            console.detail(&format!("{} is no file, skipped", entry.path.display()));
        }
    }
    if files.is_empty() {
        return Err(Error::environment(
            format!("the directory {} has no files in it", directory.display()),
            "name a file, or a directory with files directly in it (directories below it are not searched)",
        ));
    }
    Ok(files)
}

/// Whether it is one of those that a listing leaves out. What was being written when the
/// program was killed has such a name.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}
