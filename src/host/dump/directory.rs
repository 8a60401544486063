//! Writing a dump.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::name::{FileName, MACHINE, PROPERTIES_FIXED, PROPERTIES_VARIABLE};
use super::{Answer, Dump, machine, properties};
use crate::disk::beside;
use crate::finding::Error;

/// In a directory that has a dump, what the names of new ones begin with, after a dot,
/// until they are whole.
pub(super) const STAGED: &str = "dump";

impl Dump {
    /// Writes it into a new directory, which is there whole or not at all, or into one
    /// that is empty or a dump; an earlier dump is replaced once this one is on the disk.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if the directory has anything
    /// else in it, [`Fault::Environment`](crate::finding::Fault::Environment) if it
    /// cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        let cannot = |error: io::Error| {
            Error::environment(
                format!("cannot write the dump {}: {error}", directory.display()),
                "name a new or an empty directory, in a place that you may write to and that has \
                 room; what was there before is unchanged",
            )
        };
        match fs::metadata(directory) {
            Ok(_) => {
                let earlier = earlier_files(directory, cannot)?;
                let staged = self.stage(&directory.join(STAGED)).map_err(cannot)?;
                self.replace(directory, earlier, &staged).map_err(|error| {
                    Error::environment(
                        format!("cannot put the dump into {}: {error}", directory.display()),
                        format!("what is not yet in it is in {}", staged.display()),
                    )
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let staged = self.stage(directory).map_err(cannot)?;
                let moved = fs::rename(&staged, directory);
                if moved.is_err() {
                    remove(&staged);
                }
                moved.map_err(cannot)
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// Writes it into a new directory beside `path`.
    pub(super) fn stage(&self, path: &Path) -> io::Result<PathBuf> {
        let (staged, ()) = beside(path, |free| fs::create_dir(free))?;
        let written = self.files().into_iter().try_for_each(|(name, content)| {
            let mut file = File::create_new(staged.join(name))?;
            file.write_all(&content)?;
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(staged),
            Err(error) => {
                remove(&staged);
                Err(error)
            }
        }
    }

    /// Puts the files in place of those of an earlier dump. The machine's goes first and
    /// comes last: a directory without it is no whole dump.
    fn replace(
        &self,
        directory: &Path,
        mut earlier: Vec<PathBuf>,
        staged: &Path,
    ) -> io::Result<()> {
        earlier.sort_by_key(|file| !file.ends_with(MACHINE));
        for file in earlier {
            fs::remove_file(file)?;
        }
        for (name, _) in self.files() {
            fs::rename(staged.join(&name), directory.join(&name))?;
        }
        fs::remove_dir(staged)
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        let mut add = |name: FileName, answer: &Answer, content: fn(&[u8]) -> Vec<u8>| {
            files.push(match answer {
                Ok(bytes) => (name.write(false), content(bytes)),
                Err(why) => (name.write(true), format!("{why}\n").into_bytes()),
            });
        };
        for (index, answer) in &self.nv {
            add(FileName::Nv(*index), answer, <[u8]>::to_vec);
        }
        for (handle, answer) in &self.persistent {
            add(FileName::Persistent(*handle), answer, tpm2b);
        }
        for (template, answer) in &self.primary {
            add(FileName::Primary(template.clone()), answer, tpm2b);
        }
        if let Some(facts) = &self.facts {
            for (name, text) in [
                (PROPERTIES_FIXED, properties::write_fixed(facts)),
                (PROPERTIES_VARIABLE, properties::write_variable(facts)),
            ] {
                files.push((name.to_owned(), text.into_bytes()));
            }
        }
        if let Some(facts) = &self.machine {
            files.push((MACHINE.to_owned(), machine::write(facts).into_bytes()));
        }
        files
    }
}

/// Removes what was begun. Nothing can be done about a directory that does not go away
/// either.
fn remove(staged: &Path) {
    let _ = fs::remove_dir_all(staged);
}

/// A `TPM2B_PUBLIC`, as tpm2-tools keeps a public area: with its length before it.
fn tpm2b(area: &[u8]) -> Vec<u8> {
    // An answer of a TPM has at most 4 KiB or so.
    let length = u16::try_from(area.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), area].concat()
}

/// The files of the dump that is in a directory.
fn earlier_files(
    directory: &Path,
    cannot: impl Fn(io::Error) -> Error,
) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut is_dump = false;
    for entry in fs::read_dir(directory).map_err(&cannot)? {
        let entry = entry.map_err(&cannot)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        refuse_broken_off(directory, &name)?;
        if !is_file || !FileName::is_of_dump(&name) {
            return Err(mixed(directory, &name));
        }
        is_dump |= name == MACHINE;
        files.push(entry.path());
    }
    match files.first() {
        Some(file) if !is_dump => Err(Error::misuse(
            format!(
                "{} has files as of a dump, but no {MACHINE} as every dump has: {}",
                directory.display(),
                file.file_name().unwrap_or_default().to_string_lossy()
            ),
            "empty it if nobody needs them, or name another directory; nothing was written",
        )),
        _ => Ok(files),
    }
}

/// Of a dump that took the place of another when the program was stopped, a part may be
/// in its own directory still: the certificate, for one.
pub(super) fn refuse_broken_off(directory: &Path, name: &str) -> Result<(), Error> {
    let rest = name
        .strip_prefix('.')
        .and_then(|name| name.strip_prefix(STAGED));
    if !rest.is_some_and(|rest| rest.starts_with('.')) {
        return Ok(());
    }
    Err(Error::misuse(
        format!(
            "a dump into {} is not finished: {name} in it has a part of it",
            directory.display()
        ),
        "if no program is writing it, make it again in a new directory",
    ))
}

fn mixed(directory: &Path, name: &str) -> Error {
    Error::misuse(
        format!(
            "{} has something in it that is of no dump: {name}",
            directory.display()
        ),
        "name a new or an empty directory; nothing was written",
    )
}
