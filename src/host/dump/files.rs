//! Reading a dump, or files that somebody saved with tpm2-tools.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::directory::refuse_broken_off;
use super::loose::is_bare_key;
use super::name::FileName;
use super::{Answer, Dump, machine, properties};
use crate::finding::{Code, Error, Finding};
use crate::host::{MachineFacts, TpmFacts};
use crate::identifier::Machine;

/// The largest file that is read: an NV index, whose size has 16 bits. All others are
/// smaller.
const MAX_FILE_LEN: u64 = 65_535;
/// The most files that a directory may have. A TPM has room for some dozens of NV
/// indices and objects.
const MAX_FILES: usize = 1024;
/// The most bytes that are read of all files together. TPMs have some 100 KiB.
const MAX_DUMP_LEN: usize = 4 * 1024 * 1024;
/// The longest reason of a refusal that is kept, in bytes.
const MAX_REASON_LEN: usize = 1024;
/// What stands before the notes that go into the error that there is nothing in a
/// directory; there are no more than these.
const BEFORE_NOTES: [&str; 3] = [": ", "; ", "; "];

const HELP: &str = "name a directory that 'get-platform-identifier --dump' wrote, or one with files \
     saved by tpm2-tools: tpm2_nvread -o, tpm2_readpublic -o, tpm2_createek -u, \
     tpm2_getcap properties-fixed";

impl Dump {
    /// Reads the files in a directory. A file whose name has an NV index or a persistent
    /// handle in it is taken for that; any other goes by its content. What is none of it,
    /// links and directories among them, is passed over with a [note](Self::notes).
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if the directory or a
    /// file in it cannot be read; [`Fault::Misuse`](crate::finding::Fault::Misuse) if two
    /// files say different things of one index or handle, or if the dump is not finished; `input-too-large` above any
    /// limit; `input-unrecognised` if nothing of a TPM is in it.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let mut dump = Self::default();
        let mut loose = Vec::new();
        let mut taken = BTreeMap::new();
        let mut total: usize = 0;
        for name in names(directory)? {
            // A name that is no text is none that a file of a dump has.
            let name = match name.into_string() {
                Ok(name) => name,
                Err(name) => {
                    dump.note(
                        &name.to_string_lossy(),
                        "has a name that is no text, passed over",
                    );
                    continue;
                }
            };
            refuse_broken_off(directory, &name)?;
            // What cannot be read may be the certificate that everything hangs on.
            let Some(content) = read_file(&directory.join(&name)).map_err(|error| {
                Error::environment(
                    format!(
                        "cannot read the dump {}: {name}: {error}",
                        directory.display()
                    ),
                    "see that you may read every file in it, or take out what is not of the TPM",
                )
            })?
            else {
                dump.note(&name, "is no file of a dump by kind or size, passed over");
                continue;
            };
            total = total.saturating_add(content.len());
            if total > MAX_DUMP_LEN {
                return Err(too_large(
                    directory,
                    format!("more than {MAX_DUMP_LEN} bytes"),
                ));
            }
            let (kind, refused) = FileName::read(&name);
            if !dump.take(&kind, refused, &name, content, &mut loose) {
                let earlier = taken.get(&kind).unwrap_or(&name);
                return Err(contradiction(directory, earlier, &name));
            }
            taken.insert(kind, name);
        }
        for (name, content) in loose {
            dump.take_loose(&name, &content);
        }
        if dump.is_empty() {
            return Err(dump.nothing(directory));
        }
        Ok(dump)
    }

    fn is_empty(&self) -> bool {
        self.nv.is_empty()
            && self.persistent.is_empty()
            && self.primary.is_empty()
            && self.loose.is_empty()
    }

    /// Takes a file; not if another that stands for the same thing says something else.
    fn take(
        &mut self,
        kind: &FileName,
        refused: bool,
        name: &str,
        content: Vec<u8>,
        loose: &mut Vec<(String, Vec<u8>)>,
    ) -> bool {
        let answer = |content: Vec<u8>| match refused {
            true => Err(reason(&content)),
            false => Ok(content),
        };
        let area = |content: &[u8]| area_of(content).to_vec();
        match kind {
            FileName::Nv(index) => keep(&mut self.nv, *index, answer(content)),
            // It is told by content then, as what it is.
            FileName::Persistent(_) | FileName::Primary(_) if !refused && is_bare_key(&content) => {
                loose.push((name.to_owned(), content));
                true
            }
            FileName::Persistent(handle) => {
                keep(&mut self.persistent, *handle, answer(area(&content)))
            }
            FileName::Primary(template) => {
                keep(&mut self.primary, template.clone(), answer(area(&content)))
            }
            FileName::Machine => {
                self.machine = Some(machine::read(&content).unwrap_or_else(broken_machine));
                true
            }
            FileName::Other => {
                match std::str::from_utf8(&content) {
                    Ok(text) if properties::is_properties(text) => {
                        let facts = self.facts.get_or_insert_with(TpmFacts::default);
                        properties::read(text, facts);
                    }
                    _ => loose.push((name.to_owned(), content)),
                }
                true
            }
        }
    }

    /// That nothing of a TPM is in a directory, and why the files in it are none.
    fn nothing(&self, directory: &Path) -> Error {
        let mut message = format!(
            "there is no certificate and no key of a TPM in {}",
            directory.display()
        );
        for (mark, note) in BEFORE_NOTES.into_iter().zip(&self.notes) {
            message.push_str(mark);
            message.push_str(note);
        }
        if self.notes.len() > BEFORE_NOTES.len() {
            message.push_str("; …");
        }
        Error::malformed(Code::InputUnrecognised, message, HELP)
    }

    pub(super) fn note(&mut self, name: &str, what: &str) {
        self.notes.push(format!("{name} {what}"));
    }
}

/// Keeps the first answer; whether this one is the same.
fn keep<K: Ord>(answers: &mut BTreeMap<K, Answer>, of: K, answer: Answer) -> bool {
    match answers.entry(of) {
        Entry::Vacant(entry) => {
            entry.insert(answer);
            true
        }
        Entry::Occupied(entry) => *entry.get() == answer,
    }
}

/// A `TPMT_PUBLIC`, whether its length stands before it or not.
pub(super) fn area_of(content: &[u8]) -> &[u8] {
    match content.split_first_chunk::<2>() {
        Some((length, area)) if usize::from(u16::from_be_bytes(*length)) == area.len() => area,
        _ => content,
    }
}

fn reason(content: &[u8]) -> String {
    let start = content.get(..MAX_REASON_LEN).unwrap_or(content);
    String::from_utf8_lossy(start).trim().to_owned()
}

fn broken_machine(error: Error) -> MachineFacts {
    MachineFacts {
        machine: Machine::default(),
        findings: vec![Finding::new(
            Code::MachineIncomplete,
            format!("the dump's machine.json cannot be read: {error}"),
            error.help,
        )],
    }
}

/// The names in a directory, in order.
fn names(directory: &Path) -> Result<Vec<OsString>, Error> {
    let cannot = |error: io::Error| {
        Error::environment(
            format!("cannot read the dump {}: {error}", directory.display()),
            HELP,
        )
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(cannot)? {
        if names.len() >= MAX_FILES {
            return Err(too_large(directory, format!("more than {MAX_FILES} files")));
        }
        names.push(entry.map_err(cannot)?.file_name());
    }
    names.sort();
    Ok(names)
}

/// `None` for what is no ordinary file, a link among them, or too long.
fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let there = fs::symlink_metadata(path)?;
    if !there.is_file() || there.len() > MAX_FILE_LEN {
        return Ok(None);
    }
    let mut content = Vec::new();
    // It may have grown meanwhile.
    let read = File::open(path)?
        .take(MAX_FILE_LEN.saturating_add(1))
        .read_to_end(&mut content)?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= MAX_FILE_LEN).then_some(content))
}

fn contradiction(directory: &Path, one: &str, other: &str) -> Error {
    Error::misuse(
        format!(
            "in {} the files {one} and {other} stand for the same thing and differ",
            directory.display()
        ),
        "leave the one that is of this TPM; a dump is of one TPM at one time",
    )
}

fn too_large(directory: &Path, what: String) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        format!(
            "{} has {what}, which no dump of a TPM has",
            directory.display()
        ),
        HELP,
    )
}
