use std::path::PathBuf;
use std::sync::Arc;

use super::files::{looks_like_a_crl, skipped, skipped_in_part};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::Error;
use crate::hash::{Sha256Digest, sha256};
use crate::trust::{Crl, Pool, Purpose, read_readable_crls};

/// Where something in a store came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A package such as TrustedTpm.cab.
    Package {
        /// The name of its file.
        name: String,
        /// SHA-256 of its file.
        sha256: Sha256Digest,
        /// What the package says of its own edition.
        edition: Option<String>,
        /// Who signed it; none if its signature was waived.
        signature: Option<PackageSignature>,
    },
    /// A file, or a file in a directory.
    File {
        /// Its path, as it was given.
        path: String,
        /// SHA-256 of the file.
        sha256: Sha256Digest,
    },
    /// It was fetched.
    Url(String),
}

/// Who signed a package, and when, as far as it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSignature {
    /// The subject of the signer's certificate.
    pub signer: String,
    /// SHA-256 of the signer's certificate.
    pub signer_sha256: Sha256Digest,
    /// The time that a time-stamping authority vouches for.
    pub signed_at: Option<Time>,
}

/// What is known of something in a store beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it came from.
    pub source: Source,
    /// Its path inside the package or directory.
    pub member: Option<String>,
    /// When it was put there.
    pub added_at: Time,
    /// By whom.
    pub added_by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Who changes a store, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The time.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// What was asked for, such as `import`.
    pub action: String,
    /// Why.
    pub reason: Option<String>,
}

/// A change that was made to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// Who, when and why.
    pub attribution: Attribution,
    /// What was put into the store.
    pub added: Vec<Changed>,
    /// What was taken out of it.
    pub removed: Vec<Changed>,
    /// What was in it, from a package that nobody vouched for, and was vouched for now.
    pub vouched: Vec<Changed>,
}

/// Something that was put into a store or taken out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// In which of the two stores; none for a revocation list.
    pub pool: Option<Pool>,
    /// SHA-256 of the certificate or list.
    pub sha256: Sha256Digest,
    /// The subject of the certificate; none for a list.
    pub subject: Option<String>,
}

/// A certificate of a store on disk.
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// In which of the two stores it is.
    pub pool: Pool,
    /// The vendor, by the directory it came from.
    pub vendor: Option<String>,
    /// What it issues certificates for.
    pub purpose: Purpose,
    /// The file it is in.
    pub path: PathBuf,
    /// Whether the file has other certificates in it as well.
    pub shares_file: bool,
    /// Its provenance; none if somebody put the file there without this program.
    pub record: Option<Record>,
}

/// A certificate revocation list of a store on disk, not yet read.
#[derive(Clone, Debug)]
pub struct StoredCrl {
    /// The file as it is.
    pub bytes: Vec<u8>,
    /// Its path.
    pub path: PathBuf,
    /// Its provenance; none if somebody put the file there without this program.
    pub record: Option<Record>,
}

/// Something to tell about a store that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub text: String,
    /// Whether it is worth a word unasked.
    pub important: bool,
}

/// A store on disk, read.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its certificates. One may be there in both stores, or in several files.
    pub certificates: Vec<StoredCertificate>,
    /// Its certificate revocation lists.
    pub crls: Vec<StoredCrl>,
    /// The changes that were made with this program, oldest first.
    pub changes: Vec<PastChange>,
    /// What was passed over, and why.
    pub notes: Vec<Note>,
}

impl StoredCrl {
    /// The lists in the file, as far as they can be read, and why the first other cannot: one
    /// that the program put there has one, another may have more.
    pub fn read(&self) -> (Vec<Crl>, Option<Error>) {
        read_readable_crls(&self.bytes)
    }

    /// That the file, or a part of it, was passed over because of this error. One that is a
    /// list by the look of it is worth a word.
    pub fn passed_over(&self, error: &Error, in_part: bool) -> Note {
        match in_part {
            true => skipped_in_part(&self.path, error),
            false => skipped(&self.path, error, looks_like_a_crl(&self.bytes)),
        }
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> Sha256Digest {
        sha256(&self.bytes)
    }
}

impl Contents {
    /// Whether this very certificate is in this of the two stores.
    pub fn has(&self, pool: Pool, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|stored| {
            stored.pool == pool && stored.certificate.sha256() == certificate.sha256()
        })
    }
}
