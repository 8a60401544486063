//! A store on disk: changing it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::directory::{
    CERTIFICATE_SUFFIX, CRL_SUFFIX, Directory, State, file_name, folder_path, named_after,
};
use super::document::{Catalogue, CertificateEntry};
use super::files::MAX_CRL_FILE_LEN;
use super::intake::Candidate;
use super::layout::{CATALOGUE, CRLS, Layout};
use super::model::{Attribution, Changed, Contents, PastChange, Record, Source};
use crate::disk::{entries_of, read_file, save};
use crate::finding::Error;
use crate::hash::{Sha256Digest, sha256};
use crate::trust::Pool;

/// Threads that write: what they wait for is the disk, not the processor.
const MAX_THREADS: usize = 16;

/// A change to a store that is being put together. Nothing is written before all of it is
/// known, and then everything or nothing takes effect.
#[derive(Debug)]
pub struct Change<'a> {
    contents: &'a Contents,
    attribution: &'a Attribution,
    added: Vec<Changed>,
    removed: Vec<Changed>,
    vouched: Vec<Changed>,
    catalogue: Catalogue,
    /// Files to write, by path.
    new: Vec<(PathBuf, Vec<u8>)>,
    /// Files to take away: of this program, or put there by hand.
    gone: Vec<PathBuf>,
    certificates: [PathBuf; 2],
    crls: PathBuf,
    /// There is no catalogue yet.
    is_first: bool,
}

impl Directory {
    /// Changes the store, while no other program does: `edit` is handed what is in it. If
    /// `edit` fails, or asks for nothing, nothing is changed.
    ///
    /// A program that is killed, or a disk that is full, at any moment leaves the store as
    /// it was or as it was to be.
    ///
    /// # Errors
    /// Those of [`read`](Self::read) and of `edit`;
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be written.
    pub fn change<T>(
        &self,
        attribution: &Attribution,
        edit: impl FnOnce(&mut Change<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.path.exists() {
            fs::create_dir_all(&self.path).map_err(|error| self.unwritable(&self.path, &error))?;
        }
        // Before anything is left in a directory that is none.
        Layout::of(&self.path)?;
        let lock = self.lock()?;
        let state = self.state()?;
        let State {
            layout,
            catalogue,
            contents,
        } = state;
        let mut change = Change {
            contents: &contents,
            attribution,
            added: Vec::new(),
            removed: Vec::new(),
            vouched: Vec::new(),
            catalogue,
            new: Vec::new(),
            gone: Vec::new(),
            certificates: [Pool::Root, Pool::Intermediate]
                .map(|pool| folder_path(&self.path, &layout, pool)),
            crls: match layout.crls.first() {
                Some(first) => first.clone(),
                None => self.path.join(CRLS),
            },
            is_first: !layout.has_catalogue,
        };
        let outcome = edit(&mut change)?;
        change.carry_out(self)?;
        // Closing it ends the lock; it is named so that it lives until here.
        drop(lock);
        Ok(outcome)
    }

    pub(super) fn unwritable(&self, path: &Path, error: &io::Error) -> Error {
        Error::environment(
            format!("cannot write {}: {error}", path.display()),
            format!(
                "see that {} is on a disk that has room and that you may write there; the store \
                 is unchanged",
                self.shown()
            ),
        )
    }
}

impl Change<'_> {
    /// What is in the store before the change.
    pub fn contents(&self) -> &Contents {
        self.contents
    }

    /// Puts a certificate into the store. One that is there already, by hand or not, stays
    /// as it is, with the provenance that it has; whether it was put there.
    pub fn add(&mut self, candidate: &Candidate) -> bool {
        let digest = candidate.certificate.sha256();
        let key = (candidate.pool, digest);
        let path = self
            .folder(candidate.pool)
            .join(file_name(digest, CERTIFICATE_SUFFIX));
        let is_there = self.contents.has(candidate.pool, &candidate.certificate);
        if (is_there && !self.gone.contains(&path))
            || self.catalogue.certificates.contains_key(&key)
        {
            return false;
        }
        self.gone.retain(|gone| *gone != path);
        self.added.push(Changed {
            pool: Some(candidate.pool),
            sha256: digest,
            subject: Some(candidate.certificate.subject().to_string()),
        });
        self.new
            .push((path, candidate.certificate.der().to_owned()));
        let record = self.record(candidate.source.clone(), candidate.member.clone());
        self.catalogue.certificates.insert(
            key,
            CertificateEntry {
                vendor: candidate.vendor.clone(),
                purpose: candidate.purpose,
                record,
            },
        );
        true
    }

    /// Gives a certificate that the catalogue lists the provenance of `candidate`, which vouches
    /// for it; whether it is listed. Its file stays as it is.
    pub fn vouch(&mut self, candidate: &Candidate) -> bool {
        let digest = candidate.certificate.sha256();
        let record = self.record(candidate.source.clone(), candidate.member.clone());
        let key = (candidate.pool, digest);
        let Some(entry) = self.catalogue.certificates.get_mut(&key) else {
            return false;
        };
        *entry = CertificateEntry {
            vendor: candidate.vendor.clone(),
            purpose: candidate.purpose,
            record,
        };
        self.vouched.push(Changed {
            pool: Some(candidate.pool),
            sha256: digest,
            subject: Some(candidate.certificate.subject().to_string()),
        });
        true
    }

    /// Takes a certificate out of one of the two stores, in however many files it is;
    /// whether it was there.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if it is in a file that somebody put
    /// there by hand and that has other certificates in it as well.
    pub fn remove(&mut self, pool: Pool, digest: Sha256Digest) -> Result<bool, Error> {
        let stored: Vec<_> = self
            .contents
            .certificates
            .iter()
            .filter(|stored| stored.pool == pool && stored.certificate.sha256() == digest)
            .collect();
        if let Some(shared) = stored.iter().find(|stored| stored.shares_file) {
            return Err(Error::misuse(
                format!(
                    "the certificate {digest} is in a file with others: {}",
                    shared.path.display()
                ),
                "take it out of that file by hand, or remove the file and add the others again",
            ));
        }
        self.catalogue.certificates.remove(&(pool, digest));
        self.gone
            .extend(stored.iter().map(|stored| stored.path.clone()));
        if let Some(first) = stored.first() {
            self.removed.push(Changed {
                pool: Some(pool),
                sha256: digest,
                subject: Some(first.certificate.subject().to_string()),
            });
        }
        Ok(!stored.is_empty())
    }

    /// Puts a certificate revocation list into the store; whether it was not there. `member`
    /// is where it is in the source.
    pub fn add_crl(&mut self, bytes: &[u8], source: Source, member: Option<String>) -> bool {
        let digest = sha256(bytes);
        let path = self.crls.join(file_name(digest, CRL_SUFFIX));
        let mut stored = self.contents.crls.iter();
        let is_there = stored.any(|stored| stored.bytes == bytes);
        if (is_there && !self.gone.contains(&path)) || self.catalogue.crls.contains_key(&digest) {
            return false;
        }
        self.gone.retain(|gone| *gone != path);
        self.added.push(of_crl(digest));
        self.new.push((path, bytes.to_owned()));
        let record = self.record(source, member);
        self.catalogue.crls.insert(digest, record);
        true
    }

    /// Takes a certificate revocation list out of the store; whether it was there.
    pub fn remove_crl(&mut self, digest: Sha256Digest) -> bool {
        if self.catalogue.crls.remove(&digest).is_some() {
            // One that was put there by this very change.
            let path = self.crls.join(file_name(digest, CRL_SUFFIX));
            self.new.retain(|(new, _)| *new != path);
            self.added.retain(|added| *added != of_crl(digest));
        }
        let before = self.gone.len();
        let stored = self.contents.crls.iter();
        self.gone.extend(
            stored
                .filter(|stored| stored.sha256() == digest)
                .map(|stored| stored.path.clone()),
        );
        let was_there = self.gone.len() > before;
        if was_there {
            self.removed.push(of_crl(digest));
        }
        was_there
    }

    /// Whether it would change anything.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty() && self.vouched.is_empty()
    }

    fn record(&self, source: Source, member: Option<String>) -> Record {
        Record {
            source,
            member,
            added_at: self.attribution.at,
            added_by: self.attribution.by.clone(),
            reason: self.attribution.reason.clone(),
        }
    }

    fn folder(&self, pool: Pool) -> &Path {
        let [roots, intermediates] = &self.certificates;
        match pool {
            Pool::Root => roots,
            Pool::Intermediate => intermediates,
        }
    }

    /// New files first, which do not count before the catalogue lists them; then the
    /// catalogue, at once; then what it lists no more is taken away.
    fn carry_out(mut self, store: &Directory) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        self.catalogue.changes.push(PastChange {
            attribution: self.attribution.clone(),
            added: std::mem::take(&mut self.added),
            removed: std::mem::take(&mut self.removed),
            vouched: std::mem::take(&mut self.vouched),
        });
        let path = store.path.join(CATALOGUE);
        let save = |catalogue: &Catalogue| save(&path, catalogue.to_json().as_bytes());
        // So that files of this program without a catalogue always mean that it was lost.
        if self.is_first {
            save(&Catalogue::default())?;
            sync_directory(&store.path).map_err(|error| store.unwritable(&store.path, &error))?;
        }
        let committed = self.write_new(store).and_then(|()| save(&self.catalogue));
        if let Err(error) = committed {
            for (path, _) in &self.new {
                // What stays does not count.
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
        sync_directory(&store.path).map_err(|error| store.unwritable(&store.path, &error))?;
        self.clear_away()
    }

    fn write_new(&self, store: &Directory) -> Result<(), Error> {
        let mut folders: Vec<&Path> = self
            .new
            .iter()
            .filter_map(|(path, _)| path.parent())
            .collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in &folders {
            fs::create_dir_all(folder).map_err(|error| store.unwritable(folder, &error))?;
        }
        let threads = thread::available_parallelism()
            .map_or(1, NonZero::get)
            .saturating_mul(4)
            .clamp(1, MAX_THREADS);
        let share = self.new.len().div_ceil(threads).max(1);
        let write = |chunk: &[(PathBuf, Vec<u8>)]| {
            chunk.iter().try_for_each(|(path, bytes)| {
                write_synced(path, bytes).map_err(|error| store.unwritable(path, &error))
            })
        };
        thread::scope(|scope| {
            let workers: Vec<_> = self
                .new
                .chunks(share)
                .map(|chunk| scope.spawn(move || write(chunk)))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| {
                    Err(Error::environment(
                        "writing the store failed inside the program",
                        "this is a fault of the program; please report it. The store is unchanged",
                    ))
                })
            })
        })?;
        folders.iter().try_for_each(|folder| {
            sync_directory(folder).map_err(|error| store.unwritable(folder, &error))
        })
    }

    /// Takes away what counts no more, and what a change that was broken off left. A file
    /// put there by hand has to go, and so does a list; the others do not count any more.
    fn clear_away(&self) -> Result<(), Error> {
        for path in &self.gone {
            let removed = fs::remove_file(path);
            // A list counts whatever its name.
            let counts = named_after(path, CERTIFICATE_SUFFIX).is_none();
            match removed {
                Err(error) if counts && error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::environment(
                        format!("cannot remove {}: {error}", path.display()),
                        "remove the file by hand: it still counts. Everything else is done",
                    ));
                }
                _ => {}
            }
        }
        let counts = |path: &Path| {
            let of_pool = |pool| {
                let digest = named_after(path, CERTIFICATE_SUFFIX)?;
                Some(self.catalogue.certificates.contains_key(&(pool, digest)))
            };
            match path.parent() {
                Some(folder) if folder == self.folder(Pool::Root) => of_pool(Pool::Root),
                Some(folder) if folder == self.folder(Pool::Intermediate) => {
                    of_pool(Pool::Intermediate)
                }
                _ => named_after(path, CRL_SUFFIX).map(|digest| {
                    // A list that is whole counts, listed or not.
                    self.catalogue.crls.contains_key(&digest)
                        || read_file(path, MAX_CRL_FILE_LEN)
                            .is_ok_and(|bytes| sha256(&bytes) == digest)
                }),
            }
        };
        let folders = self.certificates.iter().chain([&self.crls]);
        for entry in folders
            .filter_map(|folder| entries_of(folder).ok())
            .flatten()
        {
            if counts(&entry.path) == Some(false) {
                let _ = fs::remove_file(&entry.path);
            }
        }
        Ok(())
    }
}

fn of_crl(sha256: Sha256Digest) -> Changed {
    Changed {
        pool: None,
        sha256,
        subject: None,
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link that somebody put there must not lead the bytes elsewhere.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// So that the names in a directory outlive a loss of power.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Other systems do not open directories.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
