//! Paths to targets: a folder for each host, or a file by itself.

use std::path::{Path, PathBuf};

use crate::cli::exit::Exit;
use crate::diagnose::bundle::{Cause, Missing};
use crate::diagnose::files::{SavedFile, role_of};
use crate::diagnose::{Observation, Role, Target};
use crate::disk::{Entry, EntryKind, entries_of, read_file};
use crate::finding::Error;

/// The largest saved file that is read, in octets. Windows keeps 20 MiB of most logs.
const MAX_FILE_LEN: usize = 64 * 1024 * 1024;

/// The most octets of all files together: they are kept in memory.
const MAX_TOTAL_LEN: usize = 512 * 1024 * 1024;

/// The most files of one run. A trace folder has some dozens.
const MAX_FILES: usize = 10_000;

/// The most directories of one path. Links to directories are followed, and some dozens in each
/// of a few levels would be billions of ways to a file, or to none.
const MAX_DIRECTORIES: usize = 10_000;

/// How deep below a given directory files are looked for.
const MAX_DEPTH: usize = 8;

/// The file that tells a folder of traces, as `Get-HgsTrace` names it. It decides only what
/// belongs together, not what a file is.
const TRACE_MARK: &str = "TargetMetadata.xml";

/// Reads what was saved, within limits that hold for all paths together.
#[derive(Debug, Default)]
pub(super) struct Saved {
    /// The worst of what happened to files that cannot be opened.
    pub(super) exit: Exit,
    targets: Vec<Target>,
    files: usize,
    octets: usize,
}

impl Saved {
    /// What a path holds: a target for each folder of a host, each other directory, and each
    /// file. What cannot be read is reported with its target.
    ///
    /// # Errors
    /// More files or octets than are read.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<Target>, Error> {
        match targets_of(path) {
            Ok(targets) => {
                for (name, files) in targets {
                    self.add(path, name, &files)?;
                }
            }
            Err(error) => self.add_unread(path, &error),
        }
        Ok(std::mem::take(&mut self.targets))
    }

    fn add(&mut self, path: &Path, name: String, files: &[PathBuf]) -> Result<(), Error> {
        let mut observations = Vec::new();
        for file in files {
            self.files = self.files.saturating_add(1);
            let room = MAX_TOTAL_LEN.saturating_sub(self.octets);
            if self.files > MAX_FILES || room == 0 {
                return Err(Error::misuse(
                    format!(
                        "there are more than {MAX_FILES} files, or more than {MAX_TOTAL_LEN} bytes \
                         in them"
                    ),
                    "diagnose fewer hosts at a time",
                ));
            }
            let name = file.display().to_string();
            observations.push(match read_file(file, MAX_FILE_LEN.min(room)) {
                Ok(bytes) => {
                    self.octets = self.octets.saturating_add(bytes.len());
                    Observation::File(SavedFile { name, bytes })
                }
                Err(error) => {
                    self.exit = self.exit.and(Exit::from(&error));
                    unread(name, &error)
                }
            });
        }
        self.push(path, name, observations);
        Ok(())
    }

    /// A path that stands for nothing.
    fn add_unread(&mut self, path: &Path, error: &Error) {
        self.exit = self.exit.and(Exit::from(error));
        let name = path.display().to_string();
        self.push(path, name.clone(), vec![unread(name, error)]);
    }

    fn push(&mut self, path: &Path, name: String, observations: Vec<Observation>) {
        let mut target = Target {
            name,
            role: Role::Unknown,
            source: path.display().to_string(),
            observations,
        };
        target.role = role_of(&target);
        self.targets.push(target);
    }
}

fn unread(what: String, error: &Error) -> Observation {
    Observation::Missing(Missing {
        what,
        why: error.to_string(),
        cause: Cause::Unread,
    })
}

/// The targets that a path stands for, each with its files.
fn targets_of(path: &Path) -> Result<Vec<(String, Vec<PathBuf>)>, Error> {
    if !path.is_dir() {
        return Ok(vec![(path.display().to_string(), vec![path.to_owned()])]);
    }
    let entries = entries_of(path)?;
    let (folders, rest): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .filter(|entry| entry.kind != EntryKind::Other)
        .partition(|entry| entry.kind == EntryKind::Directory);
    let has_traces = folders
        .iter()
        .any(|entry| entry.path.join(TRACE_MARK).is_file());
    let direct: Vec<PathBuf> = rest.into_iter().map(|entry| entry.path).collect();
    let mut left = MAX_DIRECTORIES;
    let one_per_folder = !folders.is_empty() && (has_traces || direct.is_empty());
    if !one_per_folder {
        let mut files = direct;
        for folder in &folders {
            files_below(&folder.path, MAX_DEPTH, &mut left, &mut files)?;
        }
        if files.is_empty() {
            return Err(Error::environment(
                format!("the directory {} has no files in it", path.display()),
                "name the directory that Get-HgsTrace wrote, or a file",
            ));
        }
        return Ok(vec![(name_of(path), files)]);
    }
    let mut targets = Vec::new();
    if !direct.is_empty() {
        targets.push((name_of(path), direct));
    }
    for folder in &folders {
        let mut files = Vec::new();
        files_below(&folder.path, MAX_DEPTH, &mut left, &mut files)?;
        targets.push((name_of(&folder.path), files));
    }
    Ok(targets)
}

/// The files in a directory and below it, in the order of their names; `left` is how many
/// directories may still be listed.
fn files_below(
    directory: &Path,
    depth: usize,
    left: &mut usize,
    files: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    *left = left.checked_sub(1).ok_or_else(|| {
        Error::misuse(
            format!(
                "there are more than {MAX_DIRECTORIES} directories up to {}",
                directory.display()
            ),
            "name the directory of the traces itself; see whether links lead back and forth in it",
        )
    })?;
    let Some(below) = depth.checked_sub(1) else {
        return Err(Error::misuse(
            format!(
                "{} is more than {MAX_DEPTH} directories deep",
                directory.display()
            ),
            "name the directory of the traces itself",
        ));
    };
    for entry in entries_of(directory)? {
        match entry.kind {
            EntryKind::File => files.push(entry.path),
            EntryKind::Directory => files_below(&entry.path, below, left, files)?,
            EntryKind::Other => {}
        }
        if files.len() > MAX_FILES {
            return Err(Error::misuse(
                format!(
                    "there are more than {MAX_FILES} files below {}",
                    directory.display()
                ),
                "name the directory of the traces itself",
            ));
        }
    }
    Ok(())
}

/// The name of a host's folder is that of the host.
fn name_of(directory: &Path) -> String {
    match directory.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => directory.display().to_string(),
    }
}
