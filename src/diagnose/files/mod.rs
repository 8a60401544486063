//! Files that were saved on the machine in question, recognised by their content: traces,
//! security policies, certificate stores, event logs, listings of access rights.
//!
//! What a file is, its content says; its name is used only in messages, and as the name of
//! the store or the key that it is an export of. A file that is damaged fails what would
//! have been read from it, and nothing else.

mod access;
mod account;
mod attempts;
mod audit_event;
mod content;
mod dump_policies;
mod ekcert_message;
mod events;
mod inf;
mod limits;
mod message;
mod object;
mod privilege;
mod readable;
mod reason;
mod results;
mod serialized_store;
mod service_certificates;
mod service_exports;
mod status;
mod stores;

use serde::{Deserialize, Serialize};

use super::bundle::{Cause, Missing};
use super::certificate::CertificateRole;
use super::hgsa::service_info::OperationMode;
use super::{Definition, Diagnostic, Observation, Question, Role, Status, Target, TargetReport};
use crate::ek::Certificate;
use crate::identifier::Identifier;
use content::ReadFile;

use access::KEY_FILE_READABLE;
pub use account::ServiceAccount;
use attempts::{AD_ATTESTATION_EVENT, ATTESTATION_EVENT, EVENT_LOG_WHOLE};
use audit_event::GMSA_AUDIT_EVENT;
use dump_policies::DUMP_POLICIES_PRESENT;
use ekcert_message::EKCERT_MESSAGE;
use privilege::GMSA_AUDIT_PRIVILEGE;
use readable::TRACE_READABLE;
use results::HGS_TRACE_RESULT;
use service_certificates::{HEALTH_CERTIFICATE, HGS_CERTIFICATE, HGS_CERTIFICATES_SAME};
use status::ATTESTATION_STATUS;
use stores::TRUSTED_TPM_STORES;
pub use stores::{KeyProvider, Place, StoredCertificate};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[
    &TRACE_READABLE,
    &EVENT_LOG_WHOLE,
    &HGS_TRACE_RESULT,
    &GMSA_AUDIT_PRIVILEGE,
    &GMSA_AUDIT_EVENT,
    &KEY_FILE_READABLE,
    &ATTESTATION_EVENT,
    &AD_ATTESTATION_EVENT,
    &DUMP_POLICIES_PRESENT,
    &ATTESTATION_STATUS,
    &EKCERT_MESSAGE,
    &TRUSTED_TPM_STORES,
    &HGS_CERTIFICATE,
    &HGS_CERTIFICATES_SAME,
    &HEALTH_CERTIFICATE,
    &service_exports::REPLICATED,
    &service_exports::PRIMARY,
];

/// A file as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its path, as given.
    pub name: String,
    /// Its bytes, in base64 where this is JSON.
    #[serde(with = "crate::diagnose::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// What the files of one target say that is compared with what those of others say.
pub(super) struct Comparable {
    /// The name of the target.
    pub(super) name: String,
    /// The signing and encryption certificates that the node lists.
    pub(super) listed: Vec<Certificate>,
    /// The communications certificates that the node has.
    pub(super) configured: Vec<Certificate>,
    /// The mode that the node says it is in.
    pub(super) mode: Option<OperationMode>,
    /// The health certificates of a host, each with the name of its file.
    pub(super) health: Vec<(String, Certificate)>,
}

impl Comparable {
    fn of(target: &Target, files: &[ReadFile<'_>]) -> Self {
        Self {
            name: target.name.clone(),
            listed: service_certificates::of_roles(
                files,
                &[CertificateRole::Signing, CertificateRole::Encryption],
            ),
            configured: service_certificates::of_roles(files, &[CertificateRole::Communications]),
            mode: service_exports::mode_of(files),
            health: service_certificates::health_certificates(files),
        }
    }
}

/// What is wrong by what the files of one target say, and what of it is compared with other
/// targets: each file is read once.
pub(super) fn diagnostics(
    target: &Target,
    question: &Question,
) -> (Vec<Diagnostic>, Option<Comparable>) {
    let files = content::read_all(target);
    if files.is_empty() && unread(target).next().is_none() {
        return (Vec::new(), None);
    }
    let readable = readable::diagnostics(target, &files);
    let mut found = Vec::new();
    let account = &question.service_account;
    found.extend(privilege::diagnostics(&files, account));
    found.extend(audit_event::diagnostics(&files));
    found.extend(attempts::diagnostics(&files));
    found.extend(access::diagnostics(&files, account));
    found.extend(dump_policies::diagnostics(&files));
    found.extend(results::diagnostics(&files));
    found.extend(status::diagnostics(&files));
    found.extend(ekcert_message::diagnostics(&files));
    found.extend(stores::diagnostics(&files));
    found.extend(service_certificates::diagnostics(&files, question.at));
    found.extend(service_exports::diagnostics(&files, question));
    let is_something_known = !found.is_empty() || !files.iter().all(ReadFile::is_plain_objects);
    let mut all = match is_something_known || files.is_empty() {
        true => readable,
        false => readable::of_nothing_known(&files),
    };
    all.append(&mut found);
    (all, Some(Comparable::of(target, &files)))
}

/// What can be seen only by comparing the files of several targets.
pub(super) fn fabric_diagnostics(all: &[Comparable], question: &Question) -> Vec<Diagnostic> {
    let mut found = Vec::from_iter(service_certificates::compared(all));
    found.extend(service_exports::compared(all, question));
    found
}

/// Every certificate in the files of a target, with the name of its file: those of the
/// service are judged by the rules for certificates.
pub fn certificates(target: &Target) -> Vec<(String, StoredCertificate)> {
    let files = content::read_all(target);
    let of = |file: &content::ReadFile<'_>| {
        let name = file.name.to_owned();
        let all = file.certificates().iter().cloned();
        all.map(|one| (name.clone(), one)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

/// Every platform identifier among the files of a target, with its file. What is too large
/// for one is not read.
pub fn identifiers(target: &Target) -> Vec<(&SavedFile, Identifier)> {
    let files = saved(target).filter(|file| content::may_be_identifier(&file.bytes));
    let of = |file: &SavedFile| match content::read(&file.name, &file.bytes) {
        Ok(content::Content::Identifier(identifier)) => Some(*identifier),
        _ => None,
    };
    files.filter_map(|file| Some((file, of(file)?))).collect()
}

fn saved(target: &Target) -> impl Iterator<Item = &SavedFile> {
    target.observations.iter().filter_map(|one| match one {
        Observation::File(file) => Some(file),
        _ => None,
    })
}

/// Whether anything could be read from the files of this target. True of one that has no
/// files.
pub fn is_readable(target: &Target) -> bool {
    let files = content::read_all(target);
    let none = files.is_empty() && unread(target).next().is_none();
    none || files.iter().any(|file| file.is_recognised())
}

/// Whether nothing at all could be read from the files of a target, by the report on it.
pub fn nothing_was_read(report: &TargetReport) -> bool {
    let sets = report.sets.iter().flat_map(|set| &set.diagnostics);
    let mut readable = sets
        .filter(|one| one.definition == &TRACE_READABLE)
        .peekable();
    readable.peek().is_some() && readable.all(|one| one.status != Status::Pass)
}

/// What a target is, where a file of its folder of traces says so, or else one with what only a
/// node or only a host says of itself. Only small files are looked at.
pub fn role_of(target: &Target) -> Role {
    /// Far more than what describes a target.
    const MAX_LEN: usize = 64 * 1024;
    let files = saved(target).filter(|file| file.bytes.len() <= MAX_LEN);
    let mut inferred = None;
    for file in files {
        let content = content::read(&file.name, &file.bytes);
        let Ok(content::Content::Objects { values, .. }) = content else {
            continue;
        };
        let stated = object::objects(&values).into_iter().find_map(|object| {
            object.text("HostName")?;
            match object.text("Role")?.as_str() {
                "HostGuardianService" => Some(Role::HostGuardianService),
                "GuardedHost" => Some(Role::GuardedHost),
                _ => None,
            }
        });
        if let Some(role) = stated {
            return role;
        }
        inferred = inferred.or_else(|| {
            if service_exports::is_of_node(&values) {
                Some(Role::HostGuardianService)
            } else {
                status::is_of_host(&values).then_some(Role::GuardedHost)
            }
        });
    }
    inferred.unwrap_or(Role::Unknown)
}

fn unread(target: &Target) -> impl Iterator<Item = &Missing> {
    target.observations.iter().filter_map(|one| match one {
        Observation::Missing(file) if file.cause == Cause::Unread => Some(file),
        _ => None,
    })
}
