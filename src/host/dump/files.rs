//! Reading a dump, or files that somebody saved with tpm2-tools.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

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

const HELP: &str = "name a directory that 'get-platform-identifier --dump' wrote, or one with files \
     saved by tpm2-tools: tpm2_nvread -o, tpm2_readpublic -o, tpm2_createek -u, \
     tpm2_getcap properties-fixed";

impl Dump {
    /// Reads the files in a directory. A file whose name has an NV index or a persistent
    /// handle in it is taken for that; any other goes by its content. What is none of it,
    /// links and directories among them, is passed over with a [note](Self::notes).
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if the directory cannot
    /// be read; `input-too-large` above any limit; `input-unrecognised` if nothing of a
    /// TPM is in it.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let mut dump = Self::default();
        let mut loose = Vec::new();
        let mut total: usize = 0;
        for name in names(directory)? {
            let content = match read_file(&directory.join(&name)) {
                Ok(Some(content)) => content,
                Ok(None) => {
                    dump.note(&name, "is no file of a dump by kind or size, passed over");
                    continue;
                }
                Err(error) => {
                    dump.note(&name, &format!("cannot be read, passed over: {error}"));
                    continue;
                }
            };
            total = total.saturating_add(content.len());
            if total > MAX_DUMP_LEN {
                return Err(too_large(
                    directory,
                    format!("more than {MAX_DUMP_LEN} bytes"),
                ));
            }
            dump.take(name, content, &mut loose);
        }
        for (name, content) in loose {
            dump.take_loose(&name, &content);
        }
        if dump.is_empty() {
            return Err(Error::malformed(
                Code::InputUnrecognised,
                format!(
                    "there is no certificate and no key of a TPM in {}",
                    directory.display()
                ),
                HELP,
            ));
        }
        Ok(dump)
    }

    fn is_empty(&self) -> bool {
        self.nv.is_empty()
            && self.persistent.is_empty()
            && self.primary.is_empty()
            && self.loose.is_empty()
    }

    fn take(&mut self, name: String, content: Vec<u8>, loose: &mut Vec<(String, Vec<u8>)>) {
        let (kind, refused) = FileName::read(&name);
        let answer = |content: &[u8], is_area: bool| -> Answer {
            match (refused, is_area) {
                (true, _) => Err(reason(content)),
                (false, true) => Ok(area_of(content).to_vec()),
                (false, false) => Ok(content.to_vec()),
            }
        };
        let twice = match kind {
            FileName::Nv(index) => self.nv.insert(index, answer(&content, false)).is_some(),
            FileName::Persistent(handle) => {
                let answer = answer(&content, true);
                self.persistent.insert(handle, answer).is_some()
            }
            FileName::Primary(template) => {
                let answer = answer(&content, true);
                self.primary.insert(template, answer).is_some()
            }
            FileName::Machine => {
                self.machine = Some(machine::read(&content).unwrap_or_else(broken_machine));
                false
            }
            FileName::Other => {
                match std::str::from_utf8(&content) {
                    Ok(text) if properties::is_properties(text) => {
                        let facts = self.facts.get_or_insert_with(TpmFacts::default);
                        properties::read(text, facts);
                    }
                    _ => loose.push((name, content)),
                }
                return;
            }
        };
        if twice {
            self.note(&name, "stands for what another file stands for; it counts");
        }
    }

    pub(super) fn note(&mut self, name: &str, what: &str) {
        self.notes.push(format!("{name} {what}"));
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
fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let cannot = |error: io::Error| {
        Error::environment(
            format!("cannot read the dump {}: {error}", directory.display()),
            HELP,
        )
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(cannot)? {
        // A name that is no text is none that a file of a dump has.
        let name = entry.map_err(cannot)?.file_name();
        if names.len() >= MAX_FILES {
            return Err(too_large(directory, format!("more than {MAX_FILES} files")));
        }
        names.extend(name.into_string());
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
