use serde::Serialize;

use crate::catalogue::{Candidate, Changed, PackageSignature, Record, Source, StoredCertificate};
use crate::hash::hex;

/// A certificate of a store.
#[derive(Debug, Serialize)]
pub(super) struct JsonStored {
    sha256: String,
    thumbprint_sha1: String,
    store: &'static str,
    vendor: Option<String>,
    purpose: &'static str,
    subject: String,
    issuer: String,
    self_issued: bool,
    serial: String,
    not_before: String,
    not_after: String,
    key: Option<String>,
    path: String,
    #[serde(flatten)]
    provenance: JsonProvenance,
}

/// Where something came from; all `null` if somebody put it there by hand.
#[derive(Debug, Default, Serialize)]
pub(super) struct JsonProvenance {
    source: Option<JsonSource>,
    member: Option<String>,
    added_at: Option<String>,
    added_by: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum JsonSource {
    Package {
        name: String,
        sha256: String,
        edition: Option<String>,
        /// None if the signature was waived.
        signature: Option<JsonSignature>,
    },
    File {
        path: String,
        sha256: String,
    },
    Url {
        url: String,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct JsonSignature {
    signer: String,
    signer_sha256: String,
    signed_at: Option<String>,
}

impl From<&StoredCertificate> for JsonStored {
    fn from(stored: &StoredCertificate) -> Self {
        let certificate = &stored.certificate;
        Self {
            sha256: certificate.sha256().to_string(),
            thumbprint_sha1: certificate.thumbprint_sha1().to_string(),
            store: stored.pool.as_str(),
            vendor: stored.vendor.clone(),
            purpose: stored.purpose.as_str(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            self_issued: certificate.is_self_issued(),
            serial: hex(certificate.serial()),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            key: certificate
                .key_algorithm()
                .map(|algorithm| algorithm.to_string()),
            path: stored.path.display().to_string(),
            provenance: stored
                .record
                .as_ref()
                .map(JsonProvenance::from)
                .unwrap_or_default(),
        }
    }
}

impl From<&Record> for JsonProvenance {
    fn from(record: &Record) -> Self {
        Self {
            source: Some(JsonSource::from(&record.source)),
            member: record.member.clone(),
            added_at: Some(record.added_at.to_string()),
            added_by: Some(record.added_by.clone()),
            reason: record.reason.clone(),
        }
    }
}

impl From<&Source> for JsonSource {
    fn from(source: &Source) -> Self {
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
                signature: signature.as_ref().map(JsonSignature::from),
            },
            Source::File { path, sha256 } => Self::File {
                path: path.clone(),
                sha256: sha256.to_string(),
            },
            Source::Url(url) => Self::Url { url: url.clone() },
        }
    }
}

impl From<&PackageSignature> for JsonSignature {
    fn from(signature: &PackageSignature) -> Self {
        Self {
            signer: signature.signer.clone(),
            signer_sha256: signature.signer_sha256.to_string(),
            signed_at: signature.signed_at.map(|time| time.to_string()),
        }
    }
}

/// A certificate that may be imported.
#[derive(Debug, Serialize)]
pub(super) struct JsonCandidate {
    sha256: String,
    store: &'static str,
    vendor: Option<String>,
    purpose: &'static str,
    subject: String,
    member: Option<String>,
}

/// Something that was put into the store or taken out of it.
#[derive(Debug, Serialize)]
pub(super) struct JsonChanged {
    /// None for a revocation list.
    store: Option<&'static str>,
    sha256: String,
    subject: Option<String>,
}

impl From<&Candidate> for JsonCandidate {
    fn from(candidate: &Candidate) -> Self {
        Self {
            sha256: candidate.certificate.sha256().to_string(),
            store: candidate.pool.as_str(),
            vendor: candidate.vendor.clone(),
            purpose: candidate.purpose.as_str(),
            subject: candidate.certificate.subject().to_string(),
            member: candidate.member.clone(),
        }
    }
}

impl From<&Changed> for JsonChanged {
    fn from(changed: &Changed) -> Self {
        Self {
            store: changed.pool.map(crate::trust::Pool::as_str),
            sha256: changed.sha256.to_string(),
            subject: changed.subject.clone(),
        }
    }
}
