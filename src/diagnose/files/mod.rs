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
mod status;
mod stores;

use serde::{Deserialize, Serialize};

use super::bundle::{Cause, Missing};
use super::{Definition, Diagnostic, Observation, Question, Role, Status, Target, TargetReport};
use crate::identifier::Identifier;
use content::ReadFile;

pub use access::KEY_FILE_READABLE;
pub use account::ServiceAccount;
pub use attempts::{ATTESTATION_EVENT, EVENT_LOG_WHOLE};
pub use audit_event::GMSA_AUDIT_EVENT;
pub use dump_policies::DUMP_POLICIES_PRESENT;
pub use ekcert_message::EKCERT_MESSAGE;
pub use privilege::GMSA_AUDIT_PRIVILEGE;
pub use readable::TRACE_READABLE;
pub use results::HGS_TRACE_RESULT;
use service_certificates::{HEALTH_CERTIFICATE, HGS_CERTIFICATE, HGS_CERTIFICATES_SAME};
pub use status::ATTESTATION_STATUS;
pub use stores::{KeyProvider, Place, StoredCertificate, TRUSTED_TPM_STORES};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[
    &TRACE_READABLE,
    &EVENT_LOG_WHOLE,
    &HGS_TRACE_RESULT,
    &GMSA_AUDIT_PRIVILEGE,
    &GMSA_AUDIT_EVENT,
    &KEY_FILE_READABLE,
    &ATTESTATION_EVENT,
    &DUMP_POLICIES_PRESENT,
    &ATTESTATION_STATUS,
    &EKCERT_MESSAGE,
    &TRUSTED_TPM_STORES,
    &HGS_CERTIFICATE,
    &HGS_CERTIFICATES_SAME,
    &HEALTH_CERTIFICATE,
];

/// A file as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its path, as given.
    pub name: String,
    /// Its bytes, in base64 where this is JSON.
    #[serde(with = "super::files::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// What is wrong by what the files of one target say.
pub(super) fn diagnostics(target: &Target, question: &Question) -> Vec<Diagnostic> {
    let files = content::read_all(target);
    if files.is_empty() && unread(target).next().is_none() {
        return Vec::new();
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
    let is_something_known = !found.is_empty() || !files.iter().all(ReadFile::is_plain_objects);
    let mut all = match is_something_known || files.is_empty() {
        true => readable,
        false => readable::of_nothing_known(&files),
    };
    all.append(&mut found);
    all
}

/// What can be seen only by comparing the files of several targets.
pub(super) fn fabric_diagnostics(targets: &[Target]) -> Vec<Diagnostic> {
    service_certificates::compared(targets)
        .into_iter()
        .collect()
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

/// Every platform identifier in the files of a target, with the name of its file.
pub fn identifiers(target: &Target) -> Vec<(String, Identifier)> {
    let files = content::read_all(target).into_iter();
    let of = |file: content::ReadFile<'_>| match file.content {
        Ok(content::Content::Identifier(identifier)) => Some((file.name.to_owned(), *identifier)),
        _ => None,
    };
    files.filter_map(of).collect()
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

/// What a target is, where a file of its folder of traces says so. Only small files are
/// looked at.
pub fn role_of(target: &Target) -> Role {
    /// Far more than what describes a target.
    const MAX_LEN: usize = 64 * 1024;
    let files = target.observations.iter().filter_map(|one| match one {
        Observation::File(file) if file.bytes.len() <= MAX_LEN => Some(file),
        _ => None,
    });
    let mut roles = files.filter_map(|file| {
        let content = content::read(&file.name, &file.bytes).ok()?;
        let content::Content::Objects { values, .. } = content else {
            return None;
        };
        let mut objects = object::objects(&values).into_iter();
        objects.find_map(|object| {
            object.text("HostName")?;
            match object.text("Role")?.as_str() {
                "HostGuardianService" => Some(Role::HostGuardianService),
                "GuardedHost" => Some(Role::GuardedHost),
                _ => None,
            }
        })
    });
    roles.next().unwrap_or(Role::Unknown)
}

fn unread(target: &Target) -> impl Iterator<Item = &Missing> {
    target.observations.iter().filter_map(|one| match one {
        Observation::Missing(file) if file.cause == Cause::Unread => Some(file),
        _ => None,
    })
}

/// Bytes in base64.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
