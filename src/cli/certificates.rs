//! Certificates from files and directories, for the two stores.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::console::Console;
use super::input::{Entry, EntryKind, entries_of, read_file};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::trust::read_certificates;

/// The largest file of certificates, in octets. Microsoft's whole package, more
/// than 2,000 certificates, has 4 MiB as one PEM file.
const MAX_FILE_LEN: usize = 16 * 1024 * 1024;
/// How deep directories are searched: vendor, kind and a little more. It also ends
/// the walk in a loop of links.
const MAX_DEPTH: usize = 8;
/// The largest number of files, twenty times that of Microsoft's package.
const MAX_FILES: usize = 50_000;
/// Threads that read and parse; more gain nothing, because files are small.
const MAX_THREADS: usize = 4;

/// In which of the two stores a certificate belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    Roots,
    Intermediates,
}

/// A file or directory that was named for a store.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) pool: Pool,
    pub(super) path: PathBuf,
    /// Named itself, not as a part of a store: then something should be in it.
    pub(super) named: bool,
}

struct Candidate {
    pool: Pool,
    path: PathBuf,
    /// Named itself, not found in a directory: then it must be what it should be.
    named: bool,
}

struct Read {
    certificates: Result<Vec<Certificate>, Error>,
    /// It is a certificate by the look of it, so that it is worth a word if it
    /// cannot be read.
    looks_like_one: bool,
}

/// Reads every certificate of `sources` and hands each to `add`.
///
/// What is no certificate is passed over in directories, with a note; a file that
/// was named itself must be one.
pub(super) fn load(
    sources: &[Source],
    console: &mut Console<'_>,
    mut add: impl FnMut(Pool, Certificate, &Path),
) -> Result<(), Error> {
    let mut candidates = Vec::new();
    for source in sources {
        let before = candidates.len();
        if source.path.is_dir() {
            walk(&source.path, source.pool, MAX_DEPTH, &mut candidates)?;
        } else {
            candidates.push(Candidate {
                pool: source.pool,
                path: source.path.clone(),
                named: true,
            });
        }
        if source.named && candidates.len() == before {
            console.note(&format!("{} has no files in it", source.path.display()));
        }
    }
    for (candidate, read) in candidates.iter().zip(read_all(&candidates)?) {
        match read.certificates {
            Ok(certificates) => {
                for certificate in certificates {
                    add(candidate.pool, certificate, &candidate.path);
                }
            }
            Err(error) if candidate.named => {
                let name = candidate.path.display().to_string();
                let message = if error.message.contains(&name) {
                    error.to_string()
                } else {
                    format!("{name}: {error}")
                };
                return Err(Error::environment(message, error.help));
            }
            Err(error) => {
                let text = format!("{} was skipped: {error}", candidate.path.display());
                if read.looks_like_one {
                    console.note(&text);
                } else {
                    console.detail(&text);
                }
            }
        }
    }
    Ok(())
}

fn walk(
    directory: &Path,
    pool: Pool,
    depth: usize,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Error> {
    let too_many = || {
        Error::environment(
            format!(
                "{} has more than {MAX_FILES} files or directories more than {MAX_DEPTH} deep",
                directory.display()
            ),
            "name the directory that holds the certificates, not one above it",
        )
    };
    let Some(depth) = depth.checked_sub(1) else {
        return Err(too_many());
    };
    for Entry { path, kind } in entries_of(directory)? {
        if pool == Pool::Roots && kind == EntryKind::Directory && is_for_intermediates(&path) {
            return Err(Error::environment(
                format!(
                    "{} lies among the roots, where its certificates would be trusted as roots",
                    path.display()
                ),
                "name a store, or an unpacked TrustedTpm.cab, with --store; name the directory of roots in it with --roots",
            ));
        }
        match kind {
            EntryKind::Directory => walk(&path, pool, depth, candidates)?,
            EntryKind::File if candidates.len() >= MAX_FILES => return Err(too_many()),
            EntryKind::File => candidates.push(Candidate {
                pool,
                path,
                named: false,
            }),
            EntryKind::Other => {}
        }
    }
    Ok(())
}

/// Whether a directory says by its name that the certificates in it are no roots.
fn is_for_intermediates(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| {
            ["IntermediateCA", "TrustedTPM_IntermediateCA"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        })
}

/// Reads and parses on a few threads; the results are in the order of `candidates`.
fn read_all(candidates: &[Candidate]) -> Result<Vec<Read>, Error> {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .clamp(1, MAX_THREADS);
    let share = candidates.len().div_ceil(threads).max(1);
    let read = |chunk: &[Candidate]| chunk.iter().map(read_one).collect::<Vec<_>>();
    let mut chunks = candidates.chunks(share);
    let own = chunks.next().unwrap_or_default();
    thread::scope(|scope| {
        let workers: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || read(chunk)))
            .collect();
        let mut all = read(own);
        for worker in workers {
            all.extend(worker.join().map_err(|_| {
                Error::environment(
                    "reading the certificates failed inside the program",
                    "this is a fault of the program; please report it with the store that shows it",
                )
            })?);
        }
        Ok(all)
    })
}

fn read_one(candidate: &Candidate) -> Read {
    match read_file(&candidate.path, MAX_FILE_LEN) {
        Ok(bytes) => Read {
            certificates: read_certificates(&bytes),
            looks_like_one: looks_like_one(&bytes),
        },
        Err(error) => Read {
            certificates: Err(error),
            // A file that may not be read could be the one that is needed.
            looks_like_one: true,
        },
    }
}

fn looks_like_one(bytes: &[u8]) -> bool {
    const PEM: [&[u8]; 2] = [b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PKCS7-----"];
    let has = |start: &[u8]| bytes.windows(start.len()).any(|window| window == start);
    bytes.starts_with(&[0x30, 0x82]) || PEM.into_iter().any(has)
}
