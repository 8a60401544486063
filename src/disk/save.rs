use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::finding::Error;

/// How many names are tried for what is made beside the path to be written.
const MAX_NAMES: u32 = 100;

/// Writes a file whole or not at all: what was there stays until the new content
/// is on the disk. A path that is no ordinary file, such as `/dev/stdout` or a
/// named pipe, is written to as it is.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be
/// written.
pub fn save(path: &Path, content: &[u8]) -> Result<(), Error> {
    save_as(path, content, |free| File::create_new(free))
}

/// The same for what only its owner may read, from its first byte on.
///
/// # Errors
/// As for [`save`].
pub fn save_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    save_as(path, content, create_private)
}

#[cfg(unix)]
fn create_private(free: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(free)
}

/// Elsewhere a file has the access rights of its directory.
#[cfg(not(unix))]
fn create_private(free: &Path) -> io::Result<File> {
    File::create_new(free)
}

fn save_as(
    path: &Path,
    content: &[u8],
    make: impl Fn(&Path) -> io::Result<File>,
) -> Result<(), Error> {
    let result = match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(there) if !there.is_file() => fs::write(path, content),
        // A link is followed, so that what it points to is replaced.
        Ok(_) => fs::canonicalize(path).and_then(|target| replace(&target, content, make)),
        Err(_) => replace(path, content, make),
    };
    result.map_err(|error| {
        Error::environment(
            format!("cannot write {}: {error}", path.display()),
            "name a file in a directory that exists and that you may write to; \
             what was there before is unchanged",
        )
    })
}

fn replace(
    path: &Path,
    content: &[u8],
    make: impl Fn(&Path) -> io::Result<File>,
) -> io::Result<()> {
    let (temporary, mut file) = beside(path, make)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nothing can be done about a file that does not go away either.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// What `make` makes under a free name beside `path`, since a rename does not cross
/// file systems. `make` has to refuse a name that is taken.
pub(crate) fn beside<T>(
    path: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?
        .to_string_lossy();
    for attempt in 0..MAX_NAMES {
        let temporary = path.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        match make(&temporary) {
            Ok(made) => return Ok((temporary, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hyp01.xml");
        save(&path, b"first").unwrap();
        save(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(dir.path()), ["hyp01.xml"]);
    }

    #[test]
    fn nothing_is_left_behind_when_it_fails() {
        let dir = tempfile::tempdir().unwrap();
        let error = save(dir.path(), b"x").unwrap_err();
        assert!(error.message.starts_with("cannot write "), "{error}");
        assert!(!error.help.is_empty());
        assert!(save(&dir.path().join("none/x"), b"x").is_err());
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_so_even_where_it_was_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bundle.json");
        save(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        save_private(&path, b"new").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        let link = dir.path().join("link");
        fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        save(&link, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
