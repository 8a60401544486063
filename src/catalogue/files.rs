//! Certificates and revocation lists from files and directories.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::model::Note;
use crate::disk::{Entry, EntryKind, entries_of, read_file};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::trust::revocation::MAX_CRL_LEN;
use crate::trust::{Crl, Pool, read_certificates, read_readable_crls};

/// The largest file of certificates, in octets. Microsoft's whole package, more
/// than 2,000 certificates, has 4 MiB as one PEM file.
pub const MAX_CERTIFICATES_LEN: usize = 16 * 1024 * 1024;
/// The largest file of CRLs, in octets: the largest CRL that is read, as PEM.
pub(super) const MAX_CRL_FILE_LEN: usize = MAX_CRL_LEN / 2 * 3;
/// How deep directories are searched: vendor, kind and a little more. It also ends
/// the walk in a loop of links.
const MAX_DEPTH: usize = 8;
/// The largest number of files, twenty times that of Microsoft's package.
const MAX_FILES: usize = 50_000;
/// Threads that read and parse; more gain nothing, because files are small.
const MAX_THREADS: usize = 4;

/// A directory of a store.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) pool: Pool,
    pub(super) path: PathBuf,
    pub(super) vendor: Option<String>,
    /// One of the two directories of a Host Guardian Service, where the program writes.
    pub(super) is_top: bool,
}

/// A file that may have certificates in it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) pool: Pool,
    pub(super) path: PathBuf,
    pub(super) vendor: Option<String>,
}

/// What a file had in it.
pub(super) struct Read {
    pub(super) certificates: Result<Vec<Certificate>, Error>,
    /// It is a certificate by the look of it, so that it is worth a word if it
    /// cannot be read.
    looks_like_one: bool,
}

/// What was read of a file, or of the files in a directory and below it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// Each with the file that it is in.
    pub items: Vec<(T, PathBuf)>,
    /// What was passed over, and why.
    pub notes: Vec<Note>,
}

/// What can be read of a file, and why the rest cannot.
type Readable<T> = (Vec<T>, Option<Error>);

/// A kind of file.
struct Kind<T> {
    name: &'static str,
    max_len: usize,
    read: fn(&[u8]) -> Readable<T>,
    looks_like_one: fn(&[u8]) -> bool,
}

/// Reads every certificate of a file, or of the files in a directory and below it.
///
/// What is no certificate is passed over in directories, with a note; a file that was
/// named itself must be one.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if something cannot be
/// read, or a directory of intermediates lies among what is to be roots.
pub fn load_certificates(path: &Path, pool: Pool) -> Result<Loaded<Certificate>, Error> {
    let kind = Kind {
        name: "certificate",
        max_len: MAX_CERTIFICATES_LEN,
        read: |bytes| match read_certificates(bytes) {
            Ok(certificates) => (certificates, None),
            Err(error) => (Vec::new(), Some(error)),
        },
        looks_like_one,
    };
    load(path, pool, &kind)
}

/// Reads every certificate revocation list, likewise.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if something cannot be read.
pub fn load_crls(path: &Path) -> Result<Loaded<Crl>, Error> {
    let kind = Kind {
        name: "revocation list",
        max_len: MAX_CRL_FILE_LEN,
        read: read_readable_crls,
        looks_like_one: looks_like_a_crl,
    };
    load(path, Pool::Intermediate, &kind)
}

fn load<T: Send>(path: &Path, pool: Pool, kind: &Kind<T>) -> Result<Loaded<T>, Error> {
    let mut loaded = Loaded {
        items: Vec::new(),
        notes: Vec::new(),
    };
    if !path.is_dir() {
        let bytes = read_file(path, kind.max_len)?;
        let (items, error) = (kind.read)(&bytes);
        if let Some(error) = error {
            return Err(Error::environment(
                format!("{}: {error}", path.display()),
                error.help,
            ));
        }
        loaded
            .items
            .extend(items.into_iter().map(|item| (item, path.to_owned())));
        return Ok(loaded);
    }
    let mut candidates = Vec::new();
    walk(path, pool, None, &mut candidates)?;
    if candidates.is_empty() {
        loaded.notes.push(Note {
            text: format!("{} has no files in it", path.display()),
            important: true,
        });
    }
    let reads = in_parallel(&candidates, |candidate| {
        // A file that may not be read could be the one that is needed.
        match read_file(&candidate.path, kind.max_len) {
            Ok(bytes) => {
                let (items, error) = (kind.read)(&bytes);
                (
                    items,
                    error.map(|error| (error, (kind.looks_like_one)(&bytes))),
                )
            }
            Err(error) => (Vec::new(), Some((error, true))),
        }
    })?;
    let searched = candidates.len();
    for (candidate, read) in candidates.into_iter().zip(reads) {
        let (items, error) = read;
        if let Some((error, important)) = error {
            let note = match items.is_empty() {
                true => skipped(&candidate.path, &error, important),
                false => skipped_in_part(&candidate.path, &error),
            };
            loaded.notes.push(note);
        }
        let items = items.into_iter();
        loaded
            .items
            .extend(items.map(|item| (item, candidate.path.clone())));
    }
    // Somebody named this directory and believes that something in it counts.
    if loaded.items.is_empty() && searched > 0 {
        loaded.notes.push(Note {
            text: format!(
                "no file in {} is a {} ({searched} were looked at)",
                path.display(),
                kind.name
            ),
            important: true,
        });
    }
    Ok(loaded)
}

impl Read {
    /// That the file was passed over, if it was.
    pub(super) fn note(&self, path: &Path) -> Option<Note> {
        let error = self.certificates.as_ref().err()?;
        Some(skipped(path, error, self.looks_like_one))
    }
}

pub(super) fn skipped(path: &Path, error: &Error, important: bool) -> Note {
    Note {
        text: format!("{} was skipped: {error}", path.display()),
        important,
    }
}

pub(super) fn skipped_in_part(path: &Path, error: &Error) -> Note {
    Note {
        text: format!("a part of {} was skipped: {error}", path.display()),
        important: true,
    }
}

/// The files in a directory and below it.
pub(super) fn walk(
    directory: &Path,
    pool: Pool,
    vendor: Option<&str>,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Error> {
    walk_to(directory, pool, vendor, MAX_DEPTH, candidates)
}

fn walk_to(
    directory: &Path,
    pool: Pool,
    vendor: Option<&str>,
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
        if pool == Pool::Root && kind == EntryKind::Directory && is_for_intermediates(&path) {
            return Err(Error::environment(
                format!(
                    "{} lies among the roots, where its certificates would be trusted as roots",
                    path.display()
                ),
                "name a store, or an unpacked TrustedTpm.cab, with --store; name the directory of roots in it with --roots",
            ));
        }
        match kind {
            EntryKind::Directory => walk_to(&path, pool, vendor, depth, candidates)?,
            _ if candidates.len() >= MAX_FILES => return Err(too_many()),
            // A link that leads nowhere is a file that cannot be read, and told as one.
            EntryKind::Other if !path.is_symlink() || path.exists() => {}
            EntryKind::File | EntryKind::Other => candidates.push(Candidate {
                pool,
                path,
                vendor: vendor.map(str::to_owned),
            }),
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
pub(super) fn read_all(candidates: &[Candidate]) -> Result<Vec<Read>, Error> {
    in_parallel(candidates, read_one)
}

/// What `read` makes of each candidate, in their order.
pub(super) fn in_parallel<T: Send>(
    candidates: &[Candidate],
    read: impl Fn(&Candidate) -> T + Sync,
) -> Result<Vec<T>, Error> {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .clamp(1, MAX_THREADS);
    let share = candidates.len().div_ceil(threads).max(1);
    let read = |chunk: &[Candidate]| chunk.iter().map(&read).collect::<Vec<_>>();
    let mut chunks = candidates.chunks(share);
    let own = chunks.next().unwrap_or_default();
    thread::scope(|scope| {
        let workers: Vec<_> = chunks.map(|chunk| scope.spawn(|| read(chunk))).collect();
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
    match read_file(&candidate.path, MAX_CERTIFICATES_LEN) {
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

pub(super) fn looks_like_one(bytes: &[u8]) -> bool {
    const PEM: [&[u8]; 2] = [b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PKCS7-----"];
    let has = |start: &[u8]| bytes.windows(start.len()).any(|window| window == start);
    bytes.starts_with(&[0x30, 0x82]) || PEM.into_iter().any(has)
}

/// Whether a file may have been meant to be a CRL, whole or not. Lengths are passed over:
/// one that was cut off is what has to be told.
pub(super) fn looks_like_a_crl(bytes: &[u8]) -> bool {
    const PEM: &[u8] = b"-----BEGIN X509 CRL-----";
    bytes.windows(PEM.len()).any(|window| window == PEM)
        || in_sequence(bytes)
            .and_then(in_sequence)
            // A version or the algorithm of the signature (RFC 5280 5.1). A certificate has a
            // tagged version here, a public key an object identifier.
            .is_some_and(|inner| matches!(inner, [0x02, 0x01, 0x00..=0x01, ..] | [0x30, ..]))
}

/// What follows the header of a SEQUENCE, whatever length it states.
fn in_sequence(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0x00..=0x7F, rest @ ..]
        | [0x30, 0x81, _, rest @ ..]
        | [0x30, 0x82, _, _, rest @ ..]
        | [0x30, 0x83, _, _, _, rest @ ..]
        | [0x30, 0x84, _, _, _, _, rest @ ..] => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_crl_that_was_cut_off_looks_like_one_and_a_certificate_does_not() {
        let crl = fs::read("testdata/pkits/crls/GoodCACRL.crl").unwrap();
        for len in [11, 100, crl.len() - 1, crl.len()] {
            assert!(looks_like_a_crl(&crl[..len]), "{len}");
        }
        // Without a version (RFC 5280 5.1.2.1).
        assert!(looks_like_a_crl(&[
            0x30,
            0x80 | 1,
            0xF0,
            0x30,
            0x81,
            0x90,
            0x30,
            0x0D
        ]));
        for other in [
            "testdata/cli/ek.der",
            "testdata/cli/intermediate.der",
            "testdata/cli/root.pem",
            "testdata/weak-keys/shared-1.spki",
            "README.md",
        ] {
            assert!(!looks_like_a_crl(&fs::read(other).unwrap()), "{other}");
        }
    }
}
