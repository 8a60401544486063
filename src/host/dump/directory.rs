//! Writing a dump.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::name::{FileName, MACHINE, PROPERTIES_FIXED, PROPERTIES_VARIABLE};
use super::{Answer, Dump, machine, properties};
use crate::finding::Error;
use crate::host::save;

/// How many names are tried for the temporary directory beside the one to be made.
const MAX_NAMES: u32 = 100;

impl Dump {
    /// Writes it into a new directory, which is there whole or not at all, or into one
    /// that is empty or a dump; an earlier dump is replaced.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if the directory has anything
    /// else in it, [`Fault::Environment`](crate::finding::Fault::Environment) if it
    /// cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        let cannot = |error: io::Error| {
            Error::environment(
                format!("cannot write the dump {}: {error}", directory.display()),
                "name a new or an empty directory, in a place where you may write",
            )
        };
        match fs::metadata(directory) {
            Ok(_) => {
                for file in earlier_files(directory, cannot)? {
                    fs::remove_file(file).map_err(cannot)?;
                }
                self.write_files(directory)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let staged = create_beside(directory).map_err(cannot)?;
                let written = self
                    .write_files(&staged)
                    .and_then(|()| fs::rename(&staged, directory).map_err(cannot));
                if written.is_err() {
                    // Nothing can be done about a directory that does not go away either.
                    let _ = fs::remove_dir_all(&staged);
                }
                written
            }
            Err(error) => Err(cannot(error)),
        }
    }

    /// The machine's file comes last: a directory without it is no whole dump.
    fn write_files(&self, directory: &Path) -> Result<(), Error> {
        for (name, content) in self.files() {
            save(&directory.join(name), &content)?;
        }
        Ok(())
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
        if !is_file || !FileName::is_of_dump(&name) {
            return Err(mixed(directory, &name));
        }
        is_dump |= name == MACHINE;
        files.push(entry.path());
    }
    match files.first() {
        Some(file) if !is_dump => Err(mixed(
            directory,
            &file.file_name().unwrap_or_default().to_string_lossy(),
        )),
        _ => Ok(files),
    }
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

/// A new directory beside the one to be made, since a rename does not cross file
/// systems.
fn create_beside(directory: &Path) -> io::Result<PathBuf> {
    let name = directory
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?
        .to_string_lossy();
    for attempt in 0..MAX_NAMES {
        let staged = directory.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        match fs::create_dir(&staged) {
            Ok(()) => return Ok(staged),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}
