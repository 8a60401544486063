use std::fmt::Display;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::finding::{Code, Error};

/// Reads a file, but never more than `limit` octets of it.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be opened or
/// read; `input-too-large` above the limit.
pub fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let name = path.display();
    let file = File::open(path).map_err(|error| {
        Error::environment(
            format!("cannot open {name}: {error}"),
            "see that the path is right and that you may read it",
        )
    })?;
    // A pipe or a device states no length; `take` bounds what it gives.
    let length = file.metadata().as_ref().map_or(0, Metadata::len);
    match usize::try_from(length) {
        Ok(length) if length <= limit => read_limited(file, &name, limit, length),
        _ => Err(too_large(&name, limit)),
    }
}

/// Reads to the end, but never more than `limit` octets; `expected` many are
/// likely to come. `name` is what messages call it.
///
/// # Errors
/// As for [`read_file`].
pub fn read_limited(
    reader: impl Read,
    name: &dyn Display,
    limit: usize,
    expected: usize,
) -> Result<Vec<u8>, Error> {
    // One more than expected, so that the end is seen without growing.
    let mut bytes = Vec::with_capacity(expected.min(limit).saturating_add(1));
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

fn too_large(name: &dyn Display, limit: usize) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        format!("{name} has more than {limit} bytes"),
        "see that the right file was named",
    )
}

/// Something in a directory.
#[derive(Debug)]
pub struct Entry {
    /// The directory's path with its name.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
}

/// What it is, or what it links to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory, or a link to one.
    Directory,
    /// A file, or a link to one.
    File,
    /// Anything else, such as a pipe or a link that leads nowhere.
    Other,
}

/// Everything in a directory, in the order of the names.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be listed.
pub fn entries_of(directory: &Path) -> Result<Vec<Entry>, Error> {
    let fail = |error: std::io::Error| {
        Error::environment(
            format!("cannot list the directory {}: {error}", directory.display()),
            "see that you may read it",
        )
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        // The listing tells what an entry is, except where a link leads.
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_file() => EntryKind::File,
            Ok(kind) if kind.is_dir() => EntryKind::Directory,
            Ok(kind) if kind.is_symlink() && path.is_file() => EntryKind::File,
            Ok(kind) if kind.is_symlink() && path.is_dir() => EntryKind::Directory,
            _ => EntryKind::Other,
        };
        entries.push(Entry { path, kind });
    }
    // All are in one directory, so comparing the whole text orders by name.
    entries.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    Ok(entries)
}
