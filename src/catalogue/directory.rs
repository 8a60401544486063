//! A store on disk: reading it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::document::Catalogue;
use super::files::{Candidate, Folder, MAX_CRL_FILE_LEN, Read, read_all, walk};
use super::layout::{CATALOGUE, Layout};
use super::lock::PATIENCE;
use super::model::{Contents, Note, StoredCertificate, StoredCrl};
use crate::disk::read_file;
use crate::finding::Error;
use crate::hash::{Sha256Digest, from_hex, sha256};
use crate::trust::{Pool, Purpose};

/// The largest catalogue that is read, in octets: that of 50,000 certificates.
const MAX_CATALOGUE_LEN: usize = 64 * 1024 * 1024;
/// How often reading is begun anew because the store was changed meanwhile.
const MAX_ATTEMPTS: usize = 5;

/// A store on disk.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) path: PathBuf,
    pub(super) patience: Duration,
}

/// What was read of a store, with what is needed to change it.
pub(super) struct State {
    pub(super) layout: Layout,
    pub(super) catalogue: Catalogue,
    pub(super) contents: Contents,
}

impl Directory {
    /// The store in this directory, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            patience: PATIENCE,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    ///
    /// Files that this program wrote are named after their SHA-256 and listed in the
    /// catalogue. Such a certificate counts only if the catalogue lists it, so that a change
    /// that was broken off changes nothing; and what is listed has to be there,
    /// unaltered. Files with other names were put there by hand, and count as they are;
    /// so do revocation lists that are whole, whatever their names.
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if there is no store,
    /// or it is damaged.
    pub fn read(&self) -> Result<Contents, Error> {
        self.state().map(|state| state.contents)
    }

    pub(super) fn state(&self) -> Result<State, Error> {
        let mut attempts: usize = 0;
        loop {
            attempts = attempts.saturating_add(1);
            let layout = Layout::of(&self.path)?;
            let written = self.catalogue(&layout)?;
            let result = self.read_with(layout, &written);
            // Another program may have removed what the catalogue listed a moment ago.
            if result.is_err()
                && attempts < MAX_ATTEMPTS
                && self.catalogue(&Layout::of(&self.path)?)? != written
            {
                continue;
            }
            return result;
        }
    }

    fn catalogue(&self, layout: &Layout) -> Result<Option<Vec<u8>>, Error> {
        if !layout.has_catalogue {
            return Ok(None);
        }
        read_file(&self.path.join(CATALOGUE), MAX_CATALOGUE_LEN).map(Some)
    }

    fn read_with(&self, layout: Layout, catalogue: &Option<Vec<u8>>) -> Result<State, Error> {
        let catalogue = match catalogue {
            Some(bytes) => Catalogue::from_json(bytes).map_err(|error| error.at(self.shown()))?,
            None => Catalogue::default(),
        };
        let mut contents = Contents {
            notes: layout.notes.clone(),
            changes: catalogue.changes.clone(),
            ..Contents::default()
        };
        self.read_certificates(&layout, &catalogue, &mut contents)?;
        self.read_crls(&layout, &catalogue, &mut contents)?;
        Ok(State {
            layout,
            catalogue,
            contents,
        })
    }

    fn read_certificates(
        &self,
        layout: &Layout,
        catalogue: &Catalogue,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let mut candidates = Vec::new();
        let mut listed = BTreeSet::new();
        for folder in &layout.folders {
            let first = candidates.len();
            walk(
                &folder.path,
                folder.pool,
                folder.vendor.as_deref(),
                &mut candidates,
            )?;
            let found = candidates.split_off(first);
            for candidate in found {
                match managed(folder, &candidate) {
                    Some(digest) if catalogue.certificates.contains_key(&(folder.pool, digest)) => {
                        listed.insert((folder.pool, digest));
                    }
                    // A change writes the catalogue before anything else.
                    Some(_) if !layout.has_catalogue => {
                        return Err(self.damaged(&format!(
                            "catalogue.json is not there, which has to list {}",
                            candidate.path.display()
                        )));
                    }
                    Some(_) => {
                        contents.notes.push(left_over(&candidate.path));
                        continue;
                    }
                    None => {}
                }
                candidates.push(candidate);
            }
        }
        let mut missing = catalogue
            .certificates
            .keys()
            .filter(|key| !listed.contains(key));
        if let Some((pool, digest)) = missing.next() {
            return Err(self.damaged(&format!(
                "the {} certificate {digest} is not there",
                pool.as_str()
            )));
        }
        let reads = read_all(&candidates)?;
        for (candidate, read) in candidates.into_iter().zip(reads) {
            let folder = layout
                .folders
                .iter()
                .find(|folder| candidate.path.parent() == Some(&folder.path));
            match folder.and_then(|folder| managed(folder, &candidate)) {
                Some(digest) => self.take_listed(digest, candidate, read, catalogue, contents)?,
                None => take_unlisted(&candidate, read, contents),
            }
        }
        Ok(())
    }

    fn take_listed(
        &self,
        digest: Sha256Digest,
        candidate: Candidate,
        read: Read,
        catalogue: &Catalogue,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let only = read.certificates.ok().and_then(|mut certificates| {
            let last = certificates.pop()?;
            certificates.is_empty().then_some(last)
        });
        let entry = catalogue.certificates.get(&(candidate.pool, digest));
        match (only, entry) {
            (Some(certificate), Some(entry)) if certificate.sha256() == digest => {
                contents.certificates.push(StoredCertificate {
                    certificate: Arc::new(certificate),
                    pool: candidate.pool,
                    vendor: entry.vendor.clone(),
                    purpose: entry.purpose,
                    path: candidate.path,
                    shares_file: false,
                    record: Some(entry.record.clone()),
                });
                Ok(())
            }
            _ => Err(self.damaged(&format!(
                "{} is not the certificate that it is named after",
                candidate.path.display()
            ))),
        }
    }

    fn read_crls(
        &self,
        layout: &Layout,
        catalogue: &Catalogue,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let mut listed = BTreeSet::new();
        let mut candidates = Vec::new();
        for directory in &layout.crls {
            walk(directory, Pool::Intermediate, None, &mut candidates)?;
        }
        for Candidate { path, .. } in candidates {
            let is_top = layout
                .crls
                .iter()
                .any(|folder| path.parent() == Some(folder));
            let digest = named_after(&path, CRL_SUFFIX).filter(|_| is_top);
            let record = digest.and_then(|digest| catalogue.crls.get(&digest));
            let bytes = read_file(&path, MAX_CRL_FILE_LEN)?;
            if let Some(digest) = digest {
                let is_whole = sha256(&bytes) == digest;
                match record {
                    Some(_) if is_whole => {
                        listed.insert(digest);
                    }
                    Some(_) => {
                        return Err(self.damaged(&format!(
                            "{} is not the list that it is named after",
                            path.display()
                        )));
                    }
                    // A list proves itself. One too many hides nothing, one too few might.
                    None if is_whole => {}
                    None => {
                        contents.notes.push(left_over(&path));
                        continue;
                    }
                }
            }
            contents.crls.push(StoredCrl {
                bytes,
                path,
                record: record.cloned(),
            });
        }
        match catalogue
            .crls
            .keys()
            .find(|digest| !listed.contains(*digest))
        {
            Some(digest) => {
                Err(self.damaged(&format!("the revocation list {digest} is not there")))
            }
            None => Ok(()),
        }
    }

    fn damaged(&self, what: &str) -> Error {
        Error::environment(
            format!("the store {} is damaged: {what}", self.shown()),
            "restore the store from a backup, or make a new one and import again what \
             catalogue.json names as sources; nothing is judged against half a store",
        )
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// What the files of certificates that the program writes end in.
pub(super) const CERTIFICATE_SUFFIX: &str = ".cer";
/// What the files of revocation lists that the program writes end in.
pub(super) const CRL_SUFFIX: &str = ".crl";

/// The digest that a file is named after, if the program wrote it.
fn managed(folder: &Folder, candidate: &Candidate) -> Option<Sha256Digest> {
    let directly_in = candidate.path.parent() == Some(&folder.path);
    (folder.is_top && directly_in)
        .then(|| named_after(&candidate.path, CERTIFICATE_SUFFIX))
        .flatten()
}

pub(super) fn named_after(path: &Path, suffix: &str) -> Option<Sha256Digest> {
    let name = path.file_name()?.to_str()?.strip_suffix(suffix)?;
    let digest = from_hex(name)?.try_into().ok().map(Sha256Digest)?;
    // Lower case only: that is what the program writes.
    (digest.to_string() == name).then_some(digest)
}

fn left_over(path: &Path) -> Note {
    Note {
        text: format!(
            "{} is left over from a change that was not finished, passed over",
            path.display()
        ),
        important: false,
    }
}

fn take_unlisted(candidate: &Candidate, read: Read, contents: &mut Contents) {
    contents.notes.extend(read.note(&candidate.path));
    let certificates = read.certificates.unwrap_or_default();
    let shares_file = certificates.len() > 1;
    for certificate in certificates {
        contents.certificates.push(StoredCertificate {
            purpose: Purpose::of(&certificate),
            certificate: Arc::new(certificate),
            pool: candidate.pool,
            vendor: candidate.vendor.clone(),
            path: candidate.path.clone(),
            shares_file,
            record: None,
        });
    }
}

/// The name of the file for a certificate of this store.
pub(super) fn file_name(digest: Sha256Digest, suffix: &str) -> String {
    format!("{digest}{suffix}")
}

/// The directory of one of the two stores.
pub(super) fn folder_path(store: &Path, layout: &Layout, pool: Pool) -> PathBuf {
    match layout.top(pool) {
        Some(path) => path.to_owned(),
        None => store.join(pool.store_name()),
    }
}
