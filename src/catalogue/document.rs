//! The catalogue as it is written: JSON, one entry for each file that the program put
//! into the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::{Attribution, Changed, PackageSignature, PastChange, Record, Source};
use crate::der::Time;
use crate::finding::Error;
use crate::hash::{Sha256Digest, from_hex};
use crate::trust::{Pool, Purpose};

/// Names the form of the document.
const SCHEMA: &str = "endorse.store/1";

/// What the catalogue knows, by what the files are named after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Catalogue {
    pub(super) certificates: BTreeMap<(Pool, Sha256Digest), CertificateEntry>,
    pub(super) crls: BTreeMap<Sha256Digest, Record>,
    pub(super) changes: Vec<PastChange>,
}

/// A certificate in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertificateEntry {
    pub(super) vendor: Option<String>,
    pub(super) purpose: Purpose,
    pub(super) record: Record,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    /// Named by index from the entries: a package is the source of hundreds.
    sources: Vec<DocumentSource>,
    certificates: Vec<DocumentCertificate>,
    crls: Vec<DocumentCrl>,
    changes: Vec<DocumentChange>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum DocumentSource {
    Package {
        name: String,
        sha256: String,
        edition: Option<String>,
        signature: Option<DocumentSignature>,
    },
    File {
        path: String,
        sha256: String,
    },
    Url {
        url: String,
    },
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentSignature {
    signer: String,
    signer_sha256: String,
    signed_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct DocumentCertificate {
    sha256: String,
    store: DocumentPool,
    vendor: Option<String>,
    purpose: DocumentPurpose,
    #[serde(flatten)]
    record: DocumentRecord,
}

#[derive(Serialize, Deserialize)]
struct DocumentCrl {
    sha256: String,
    #[serde(flatten)]
    record: DocumentRecord,
}

#[derive(Serialize, Deserialize)]
struct DocumentRecord {
    source: usize,
    member: Option<String>,
    added_at: String,
    added_by: String,
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentChange {
    at: String,
    by: String,
    action: String,
    reason: Option<String>,
    added: Vec<DocumentChanged>,
    removed: Vec<DocumentChanged>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vouched: Vec<DocumentChanged>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentChanged {
    /// None for a revocation list.
    store: Option<DocumentPool>,
    sha256: String,
    subject: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DocumentPool {
    Root,
    Intermediate,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DocumentPurpose {
    Ek,
    Aik,
    Unknown,
}

impl Catalogue {
    /// Reads the document.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |what: String| {
            Error::environment(
                format!("the catalogue of the store cannot be read: {what}"),
                "restore catalogue.json from a backup; or take it away, and everything that \
                 this program put into the store with it, and import again",
            )
        };
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if document.schema != SCHEMA {
            return Err(damaged(format!(
                "it says that it is '{}', not '{SCHEMA}'",
                document.schema
            )));
        }
        let sources: Vec<Source> = document
            .sources
            .into_iter()
            .map(DocumentSource::read)
            .collect::<Option<_>>()
            .ok_or_else(|| damaged("a source is malformed".to_owned()))?;
        let mut catalogue = Self::default();
        for entry in document.certificates {
            let read = || {
                let digest = digest(&entry.sha256)?;
                let record = entry.record.read(&sources)?;
                Some((digest, record))
            };
            let (digest, record) = read()
                .ok_or_else(|| damaged(format!("the entry {} is malformed", entry.sha256)))?;
            let pool = Pool::from(entry.store);
            let purpose = match entry.purpose {
                DocumentPurpose::Ek => Purpose::Ek,
                DocumentPurpose::Aik => Purpose::Aik,
                DocumentPurpose::Unknown => Purpose::Unknown,
            };
            let entry = CertificateEntry {
                vendor: entry.vendor,
                purpose,
                record,
            };
            catalogue.certificates.insert((pool, digest), entry);
        }
        for entry in document.crls {
            let read = || Some((digest(&entry.sha256)?, entry.record.read(&sources)?));
            let (digest, record) = read()
                .ok_or_else(|| damaged(format!("the entry {} is malformed", entry.sha256)))?;
            catalogue.crls.insert(digest, record);
        }
        for change in document.changes {
            let change = change
                .read()
                .ok_or_else(|| damaged("a change is malformed".to_owned()))?;
            catalogue.changes.push(change);
        }
        Ok(catalogue)
    }

    /// Writes the document.
    pub(super) fn to_json(&self) -> String {
        let mut sources = Vec::new();
        let certificates = self
            .certificates
            .iter()
            .map(|((pool, digest), entry)| DocumentCertificate {
                sha256: digest.to_string(),
                store: DocumentPool::from(*pool),
                vendor: entry.vendor.clone(),
                purpose: match entry.purpose {
                    Purpose::Ek => DocumentPurpose::Ek,
                    Purpose::Aik => DocumentPurpose::Aik,
                    Purpose::Unknown => DocumentPurpose::Unknown,
                },
                record: DocumentRecord::write(&entry.record, &mut sources),
            })
            .collect();
        let crls = self
            .crls
            .iter()
            .map(|(digest, record)| DocumentCrl {
                sha256: digest.to_string(),
                record: DocumentRecord::write(record, &mut sources),
            })
            .collect();
        let document = Document {
            schema: SCHEMA.to_owned(),
            sources,
            certificates,
            crls,
            changes: self.changes.iter().map(DocumentChange::write).collect(),
        };
        // Only a map with keys that are no strings could fail here, and there is none.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl DocumentSource {
    fn read(self) -> Option<Source> {
        Some(match self {
            Self::Package {
                name,
                sha256,
                edition,
                signature,
            } => Source::Package {
                name,
                sha256: digest(&sha256)?,
                edition,
                signature: match signature {
                    Some(signature) => Some(PackageSignature {
                        signer: signature.signer,
                        signer_sha256: digest(&signature.signer_sha256)?,
                        signed_at: match signature.signed_at {
                            Some(time) => Some(Time::parse_rfc3339(&time).ok()?),
                            None => None,
                        },
                    }),
                    None => None,
                },
            },
            Self::File { path, sha256 } => Source::File {
                path,
                sha256: digest(&sha256)?,
            },
            Self::Url { url } => Source::Url(url),
        })
    }

    fn write(source: &Source) -> Self {
        match source {
            Source::Package {
                name,
                sha256,
                edition,
                signature,
            } => Self::Package {
                name: name.clone(),
                sha256: sha256.to_string(),
                edition: edition.clone(),
                signature: signature.as_ref().map(|signature| DocumentSignature {
                    signer: signature.signer.clone(),
                    signer_sha256: signature.signer_sha256.to_string(),
                    signed_at: signature.signed_at.map(|time| time.to_string()),
                }),
            },
            Source::File { path, sha256 } => Self::File {
                path: path.clone(),
                sha256: sha256.to_string(),
            },
            Source::Url(url) => Self::Url { url: url.clone() },
        }
    }
}

impl DocumentRecord {
    fn read(&self, sources: &[Source]) -> Option<Record> {
        Some(Record {
            source: sources.get(self.source)?.clone(),
            member: self.member.clone(),
            added_at: Time::parse_rfc3339(&self.added_at).ok()?,
            added_by: self.added_by.clone(),
            reason: self.reason.clone(),
        })
    }

    fn write(record: &Record, sources: &mut Vec<DocumentSource>) -> Self {
        let source = DocumentSource::write(&record.source);
        // The latest is nearly always the one.
        let known = sources.iter().rposition(|known| *known == source);
        let index = known.unwrap_or_else(|| {
            sources.push(source);
            sources.len().saturating_sub(1)
        });
        Self {
            source: index,
            member: record.member.clone(),
            added_at: record.added_at.to_string(),
            added_by: record.added_by.clone(),
            reason: record.reason.clone(),
        }
    }
}

impl DocumentChange {
    fn read(self) -> Option<PastChange> {
        let all = |changed: Vec<DocumentChanged>| -> Option<Vec<Changed>> {
            let changed = changed.into_iter();
            changed.map(DocumentChanged::read).collect()
        };
        Some(PastChange {
            attribution: Attribution {
                at: Time::parse_rfc3339(&self.at).ok()?,
                by: self.by,
                action: self.action,
                reason: self.reason,
            },
            added: all(self.added)?,
            removed: all(self.removed)?,
            vouched: all(self.vouched)?,
        })
    }

    fn write(change: &PastChange) -> Self {
        Self {
            at: change.attribution.at.to_string(),
            by: change.attribution.by.clone(),
            action: change.attribution.action.clone(),
            reason: change.attribution.reason.clone(),
            added: change.added.iter().map(DocumentChanged::write).collect(),
            removed: change.removed.iter().map(DocumentChanged::write).collect(),
            vouched: change.vouched.iter().map(DocumentChanged::write).collect(),
        }
    }
}

impl DocumentChanged {
    fn read(self) -> Option<Changed> {
        Some(Changed {
            pool: self.store.map(Pool::from),
            sha256: digest(&self.sha256)?,
            subject: self.subject,
        })
    }

    fn write(changed: &Changed) -> Self {
        Self {
            store: changed.pool.map(DocumentPool::from),
            sha256: changed.sha256.to_string(),
            subject: changed.subject.clone(),
        }
    }
}

impl From<DocumentPool> for Pool {
    fn from(pool: DocumentPool) -> Self {
        match pool {
            DocumentPool::Root => Self::Root,
            DocumentPool::Intermediate => Self::Intermediate,
        }
    }
}

impl From<Pool> for DocumentPool {
    fn from(pool: Pool) -> Self {
        match pool {
            Pool::Root => Self::Root,
            Pool::Intermediate => Self::Intermediate,
        }
    }
}

fn digest(text: &str) -> Option<Sha256Digest> {
    let bytes: [u8; 32] = from_hex(text)?.try_into().ok()?;
    Some(Sha256Digest(bytes))
}
