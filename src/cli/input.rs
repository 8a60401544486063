use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::console::Console;
use crate::finding::{Code, Error};

/// The largest input that is read, in octets: what the reader of identifiers takes
/// in any form. It is the reader that knows each form's own limit.
const MAX_INPUT_LEN: usize = crate::identifier::MAX_INPUT_LEN;

/// One input: its name as the user would write it, and its bytes.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: Result<Vec<u8>, Error>,
}

/// Standard input's name among the inputs.
const STDIN: &str = "-";

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
                read_limited(console.stdin(), STDIN, MAX_INPUT_LEN)
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
        read_limited(console.stdin(), STDIN, limit)
    } else {
        read_file(path, limit)
    }
}

/// Reads a file, but never more than `limit` octets of it.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|error| {
        Error::environment(
            format!("cannot open {name}: {error}"),
            "see that the path is right and that you may read it",
        )
    })?;
    // A pipe or a device states no length; `read_limited` bounds what it gives.
    let length = file.metadata().as_ref().map_or(0, Metadata::len);
    if usize::try_from(length).map_or(true, |length| length > limit) {
        return Err(too_large(&name, limit));
    }
    read_limited(&mut file, &name, limit)
}

fn read_limited(reader: &mut dyn Read, name: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = reader
        .take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Error::environment(
                format!("cannot read {name}: {error}"),
                "see that it is a file and that its disk is in order",
            )
        })?;
    if read <= limit {
        Ok(bytes)
    } else {
        Err(too_large(name, limit))
    }
}

fn too_large(name: &str, limit: usize) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        format!("{name} has more than {limit} bytes"),
        "see that the right file was named",
    )
}

/// The files in a directory, not below it, in the order of their names.
fn files_of(directory: &Path, console: &mut Console<'_>) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in entries_of(directory)? {
        if path.is_file() {
            files.push(path);
        } else {
            console.detail(&format!("{} is no file, skipped", path.display()));
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

/// Everything in a directory, in the order of the names.
pub(super) fn entries_of(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |error: std::io::Error| {
        Error::environment(
            format!("cannot list the directory {}: {error}", directory.display()),
            "see that you may read it",
        )
    };
    let mut paths = fs::read_dir(directory)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    paths.sort();
    Ok(paths)
}
