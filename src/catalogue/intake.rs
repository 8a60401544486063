//! Reading what is to be imported: directories, files of certificates, packages.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::files::{
    Candidate as FileCandidate, MAX_CERTIFICATES_LEN, in_parallel, looks_like_one, walk,
};
use super::layout::Layout;
use super::model::{Note, PackageSignature, Source};
use crate::disk::{entries_of, read_file};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::hash::sha256;
use crate::trust::package::{self, Authenticity};
use crate::trust::{Pool, Purpose, is_self_signed, read_certificates};

/// A certificate that may be imported.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Into which of the two stores it would go: as its place in the source says or, where
    /// that says nothing, a self-signed one among the roots.
    pub pool: Pool,
    /// The vendor, if its place in the source says so.
    pub vendor: Option<String>,
    /// What it issues certificates for.
    pub purpose: Purpose,
    /// Where it is from.
    pub source: Source,
    /// Its path inside the source.
    pub member: Option<String>,
}

/// What a source has in it.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// The certificates.
    pub candidates: Vec<Candidate>,
    /// What was passed over, and why.
    pub notes: Vec<Note>,
}

impl Intake {
    /// Reads a directory: a store, an unpacked TrustedTpm.cab, or any directory with
    /// certificates in it and below it, such as keylime's `tpm_cert_store`.
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be read.
    pub fn of_directory(path: &Path) -> Result<Self, Error> {
        let mut files = Vec::new();
        // By their places, where they say something.
        let layout = Layout::of(path).unwrap_or_default();
        for folder in &layout.folders {
            let vendor = folder.vendor.as_deref();
            walk(&folder.path, folder.pool, vendor, &mut files)?;
        }
        let placed = !files.is_empty();
        if !placed {
            entries_of(path)?;
            walk(path, Pool::Intermediate, None, &mut files)?;
        }
        let mut intake = Self::default();
        let reads = in_parallel(&files, |file| read_one(file, path, placed))?;
        for (file, read) in files.iter().zip(reads) {
            match read {
                Ok(candidates) => intake.candidates.extend(candidates),
                Err((error, important)) => intake.notes.push(Note {
                    text: format!("{} was skipped: {error}", file.path.display()),
                    important,
                }),
            }
        }
        Ok(intake)
    }

    /// What is in a package. `name` is that of its file.
    pub fn of_package(name: &str, contents: &package::Contents) -> Self {
        let source = Source::Package {
            name: name.to_owned(),
            sha256: contents.package_sha256(),
            edition: contents.edition().map(str::to_owned),
            signature: match contents.authenticity() {
                Authenticity::Signed(signature) => Some(PackageSignature {
                    signer: signature.signer().subject().to_string(),
                    signer_sha256: signature.signer().sha256(),
                    signed_at: signature.time_stamp().map(|stamp| stamp.time()),
                }),
                Authenticity::Unverified(_) => None,
            },
        };
        Self {
            candidates: contents
                .certificates()
                .iter()
                .map(|packaged| Candidate {
                    certificate: Arc::new(packaged.certificate.clone()),
                    pool: packaged.pool,
                    vendor: Some(packaged.vendor.clone()),
                    purpose: packaged.purpose,
                    source: source.clone(),
                    member: Some(packaged.path.clone()),
                })
                .collect(),
            notes: contents
                .skipped()
                .iter()
                .map(|skipped| Note {
                    text: format!("{name}: {} was skipped: {}", skipped.path, skipped.reason),
                    important: false,
                })
                .collect(),
        }
    }

    /// Reads a file of certificates: DER, PEM with any number of them, or PKCS#7.
    ///
    /// # Errors
    /// Those of [`read_certificates`].
    pub fn of_file(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let source = Source::File {
            path: name.to_owned(),
            sha256: sha256(bytes),
        };
        let certificates = read_certificates(bytes)?;
        Ok(Self {
            candidates: certificates
                .into_iter()
                .map(|certificate| Candidate {
                    pool: pool_of(&certificate),
                    vendor: None,
                    purpose: Purpose::of(&certificate),
                    source: source.clone(),
                    member: None,
                    certificate: Arc::new(certificate),
                })
                .collect(),
            notes: Vec::new(),
        })
    }

    /// The vendors that the source names, sorted.
    pub fn vendors(&self) -> BTreeSet<&str> {
        let candidates = self.candidates.iter();
        candidates
            .filter_map(|candidate| candidate.vendor.as_deref())
            .collect()
    }
}

/// Where a certificate goes whose place says nothing. Nobody but an operator makes it an
/// anchor: see [`Filter::with_roots`](super::Filter::with_roots).
fn pool_of(certificate: &Certificate) -> Pool {
    match is_self_signed(certificate) {
        true => Pool::Root,
        false => Pool::Intermediate,
    }
}

fn read_one(
    file: &FileCandidate,
    top: &Path,
    placed: bool,
) -> Result<Vec<Candidate>, (Error, bool)> {
    let bytes = read_file(&file.path, MAX_CERTIFICATES_LEN).map_err(|error| (error, true))?;
    let certificates =
        read_certificates(&bytes).map_err(|error| (error, looks_like_one(&bytes)))?;
    let source = Source::File {
        path: file.path.display().to_string(),
        sha256: sha256(&bytes),
    };
    let member = file.path.strip_prefix(top).ok();
    let member = member.map(|member| member.display().to_string());
    Ok(certificates
        .into_iter()
        .map(|certificate| Candidate {
            pool: match placed {
                true => file.pool,
                false => pool_of(&certificate),
            },
            vendor: file.vendor.clone(),
            purpose: Purpose::of(&certificate),
            source: source.clone(),
            member: member.clone(),
            certificate: Arc::new(certificate),
        })
        .collect())
}
