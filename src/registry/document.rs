use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::der::Time;
use crate::ek::EkPub;
use crate::finding::{Code, Error, Severity};
use crate::hash::{Sha256Digest, from_hex, hex, sha256};
use crate::identifier::Machine;

use super::audit::{Action, Event, to_json};
use super::backend::Transaction;
use super::findings::{duplicate_ek, duplicate_machine, duplicate_name};
use super::model::{Host, HostEk, HostEkCert, PolicyVersion, State, Trust, Waived};
use super::name::HostName;
use super::registrar::{ImportReport, insert};
use super::rules::{MAX_REASON_CHARS, machine_key};

/// The largest document that is read: a hundred thousand hosts of 10 KiB each.
pub const MAX_DOCUMENT_LEN: usize = 1024 * 1024 * 1024;

/// Names the form of the document.
const SCHEMA: &str = "endorse.registry/1";

/// The document. The order of the fields is the order in the JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    schema: Cow<'a, str>,
    exported_at: String,
    /// Where the trail stood, to be compared with the registry it came from.
    trail: DocumentTrail,
    hosts: Vec<DocumentHost>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentTrail {
    entries: i64,
    head: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentHost {
    name: String,
    foreign_key: Option<String>,
    machine: DocumentMachine,
    ekpubs: Vec<DocumentEk>,
    /// DER.
    ekcerts: Vec<String>,
    trust: Trust,
    policy_version: PolicyVersion,
    state: State,
    waived: Vec<Waived>,
    store: String,
    policy: String,
    judged_at: String,
    registered_at: String,
    registered_by: String,
    reason: Option<String>,
    imported: bool,
    file_sha256: String,
    file: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentMachine {
    guid: Option<String>,
    serial: Option<String>,
    macs: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentEk {
    algorithm: String,
    spki_sha256: String,
    windows_sha256: String,
    spki: String,
}

/// A host of a document, read and found consistent in itself.
pub(super) struct Incoming {
    host: Host,
    file: Vec<u8>,
}

/// Every current host as a document.
pub(super) fn export(transaction: &dyn Transaction, at: Time) -> Result<String, Error> {
    let (entries, head) = transaction.head()?;
    let mut hosts = Vec::new();
    for id in transaction.ids(false)? {
        let Some(host) = transaction.host(id)? else {
            continue;
        };
        let file = transaction.file(&host.file_sha256)?.ok_or_else(|| {
            Error::environment(
                format!("the file of the host {} is missing", host.name),
                "run 'endorse hosts history --check'",
            )
        })?;
        hosts.push(DocumentHost::new(host, &file));
    }
    to_json(&Document {
        schema: SCHEMA.into(),
        exported_at: at.to_string(),
        trail: DocumentTrail {
            entries,
            head: head.to_string(),
        },
        hosts,
    })
}

/// Reads a document. Digests and keys are computed anew, not believed; trust is
/// believed, as there is no verdict in a document.
pub(super) fn read(text: &str) -> Result<Vec<Incoming>, Error> {
    if text.len() > MAX_DOCUMENT_LEN {
        return Err(Error::malformed(
            Code::InputTooLarge,
            format!("the document is larger than {MAX_DOCUMENT_LEN} bytes"),
            "split it",
        ));
    }
    let document: Document<'_> = serde_json::from_str(text)
        .map_err(|error| malformed(format!("the document is not an exported registry: {error}")))?;
    if document.schema != SCHEMA {
        return Err(malformed(format!(
            "the document is of the form '{}', not {SCHEMA}",
            document.schema
        )));
    }
    document
        .hosts
        .into_iter()
        .enumerate()
        .map(|(index, host)| {
            host.read()
                .map_err(|error| error.at(format!("/hosts/{index}")))
        })
        .collect()
}

/// Takes hosts in. If a finding is an error, `imported` is empty and the
/// transaction must not be committed.
pub(super) fn import(
    transaction: &dyn Transaction,
    incoming: Vec<Incoming>,
    reason: Option<&str>,
    at: Time,
    who: &str,
    what_if: bool,
) -> Result<ImportReport, Error> {
    let mut report = ImportReport {
        imported: Vec::new(),
        unchanged: Vec::new(),
        findings: Vec::new(),
        what_if,
    };
    for Incoming { host, file } in incoming {
        let name = HostName::new(&host.name)?;
        let mut conflicts = Vec::new();
        for ek in &host.eks {
            let owner = transaction.current_by_ek(&ek.spki_sha256)?;
            if let Some(owner) = owner.filter(|owner| !owner.is_named(&name)) {
                conflicts.push(duplicate_ek(&owner, ek));
            }
        }
        if let Some(own) = transaction.current_by_name(name.key())? {
            if conflicts.is_empty() && same(&own, &host) {
                report.unchanged.push(own.name);
                continue;
            }
            conflicts.push(duplicate_name(
                &own,
                "differently from the document",
                "remove it first, or take it out of the document",
            ));
        }
        if !conflicts.is_empty() {
            report.findings.append(&mut conflicts);
            continue;
        }
        if let Some(key) = machine_key(host.machine.guid.as_deref()) {
            for other in transaction.current_by_machine(&key)? {
                report.findings.push(duplicate_machine(&other, &key));
            }
        }
        let event = Event {
            reason,
            ..Event::new(Action::Import, at, who)
        };
        report
            .imported
            .push(insert(transaction, &host, &file, &event)?);
    }
    if report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        report.imported.clear();
    }
    Ok(report)
}

fn same(own: &Host, host: &Host) -> bool {
    own.eks == host.eks
        && own.ekcerts == host.ekcerts
        && own.file_sha256 == host.file_sha256
        && own.trust == host.trust
        && own.policy_version == host.policy_version
        && own.state == host.state
}

impl DocumentHost {
    fn new(host: Host, file: &[u8]) -> Self {
        Self {
            name: host.name,
            foreign_key: host.foreign_key,
            machine: DocumentMachine {
                guid: host.machine.guid,
                serial: host.machine.serial,
                macs: host.machine.macs,
            },
            ekpubs: host
                .eks
                .into_iter()
                .map(|ek| DocumentEk {
                    algorithm: ek.algorithm,
                    spki_sha256: ek.spki_sha256.to_string(),
                    windows_sha256: ek.windows_sha256.to_string(),
                    spki: hex(&ek.spki_der),
                })
                .collect(),
            ekcerts: host.ekcerts.iter().map(|ekcert| hex(&ekcert.der)).collect(),
            trust: host.trust,
            policy_version: host.policy_version,
            state: host.state,
            waived: host.waived,
            store: host.store.to_string(),
            policy: host.policy.to_string(),
            judged_at: host.judged_at.to_string(),
            registered_at: host.registered_at.to_string(),
            registered_by: host.registered_by,
            reason: host.reason,
            imported: host.imported,
            file_sha256: host.file_sha256.to_string(),
            file: hex(file),
        }
    }

    fn read(self) -> Result<Incoming, Error> {
        let name = HostName::new(&self.name).map_err(|error| malformed(error.message))?;
        if !self.state.is_current() {
            return Err(malformed(format!("the host {name} is {}", self.state)));
        }
        let reason = self
            .reason
            .as_deref()
            .map_or(0, |reason| reason.trim().chars().count());
        if reason > MAX_REASON_CHARS {
            return Err(malformed(format!(
                "the reason of the host {name} is too long"
            )));
        }
        match self.trust {
            Trust::Forced if self.policy_version != PolicyVersion::V1 || reason == 0 => {
                return Err(malformed(format!(
                    "the host {name} is forced, but not under v1 with a reason"
                )));
            }
            Trust::Forced if self.waived.iter().any(waives_the_absolute) => {
                return Err(malformed(format!(
                    "the host {name} is forced, waiving what is never waived"
                )));
            }
            Trust::Verified if !self.waived.is_empty() || self.ekcerts.is_empty() => {
                return Err(malformed(format!(
                    "the host {name} is verified, but something was waived or it has no EKcert"
                )));
            }
            _ => {}
        }
        let file = bytes(&self.file, "file")?;
        let file_sha256 = digest(&self.file_sha256, "file_sha256")?;
        if sha256(&file) != file_sha256 {
            return Err(malformed(format!(
                "the file of the host {name} does not have the SHA-256 {file_sha256}"
            )));
        }
        let eks = self
            .ekpubs
            .into_iter()
            .map(DocumentEk::read)
            .collect::<Result<Vec<_>, _>>()?;
        if eks.is_empty() {
            return Err(malformed(format!("the host {name} has no EKpub")));
        }
        let ekcerts = self
            .ekcerts
            .iter()
            .map(|text| {
                let der = bytes(text, "ekcerts")?;
                Ok(HostEkCert {
                    sha256: sha256(&der),
                    der,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let host = Host {
            id: 0,
            name: name.as_str().to_owned(),
            foreign_key: self.foreign_key,
            machine: Machine {
                guid: self.machine.guid,
                serial: self.machine.serial,
                macs: self.machine.macs,
                ..Machine::default()
            },
            eks,
            ekcerts,
            file_sha256,
            trust: self.trust,
            policy_version: self.policy_version,
            state: self.state,
            waived: self.waived,
            store: digest(&self.store, "store")?,
            policy: digest(&self.policy, "policy")?,
            judged_at: time(&self.judged_at)?,
            registered_at: time(&self.registered_at)?,
            registered_by: self.registered_by,
            reason: self.reason,
            imported: true,
            ended_at: None,
            recheck: None,
            // Nothing in a document shows it; the host proves it to this registry.
            possession: None,
        };
        Ok(Incoming { host, file })
    }
}

fn waives_the_absolute(waived: &Waived) -> bool {
    Code::from_text(&waived.code).is_some_and(Code::is_absolute)
}

impl DocumentEk {
    fn read(self) -> Result<HostEk, Error> {
        let spki = bytes(&self.spki, "spki")?;
        let key = EkPub::from_spki(&spki)?;
        let ek = HostEk {
            algorithm: key.algorithm().to_string(),
            spki_sha256: key.spki_sha256(),
            windows_sha256: key.windows_sha256(),
            spki_der: key.spki_der().to_vec(),
        };
        let told = (self.algorithm, self.spki_sha256, self.windows_sha256);
        let own = (
            ek.algorithm.clone(),
            ek.spki_sha256.to_string(),
            ek.windows_sha256.to_string(),
        );
        if told != own {
            return Err(malformed(format!(
                "the EKpub {} does not have the algorithm and digests that stand with it",
                ek.spki_sha256
            )));
        }
        Ok(ek)
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(
        Code::JsonMalformed,
        message,
        "give a document as 'endorse hosts export' wrote it",
    )
}

fn bytes(text: &str, field: &str) -> Result<Vec<u8>, Error> {
    from_hex(text).ok_or_else(|| malformed(format!("'{field}' is not hex")))
}

fn digest(text: &str, field: &str) -> Result<Sha256Digest, Error> {
    bytes(text, field)?
        .try_into()
        .map(Sha256Digest)
        .map_err(|_| malformed(format!("'{field}' is no SHA-256")))
}

fn time(text: &str) -> Result<Time, Error> {
    Time::parse_rfc3339(text).map_err(|error| malformed(error.message))
}
