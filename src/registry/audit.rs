use serde::{Deserialize, Serialize};

use crate::der::Time;
use crate::finding::{Error, Fault};
use crate::hash::{Sha256Digest, hex, sha256};
use crate::possession::Kept;

use super::backend::{TrailRow, Transaction};
use super::model::{Host, PolicyVersion, Possession, Recheck, State, Trust, Waived, texts};
use super::name::HostName;

/// What an entry of the trail records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A verified host was registered.
    Register,
    /// A host was registered by force.
    Force,
    /// A host was staged.
    Stage,
    /// A staged host came into force.
    Activate,
    /// A forced host became a verified one.
    Upgrade,
    /// A registration took the place of another of the same name.
    Replace,
    /// A host was removed.
    Remove,
    /// A host came from a document exported elsewhere.
    Import,
    /// A host was judged again from its original file.
    Recheck,
    /// A host was challenged to prove that it holds its EKs.
    Challenge,
    /// It did.
    Prove,
}

texts!(Action {
    Register "register",
    Force "force",
    Stage "stage",
    Activate "activate",
    Upgrade "upgrade",
    Replace "replace",
    Remove "remove",
    Import "import",
    Recheck "recheck",
    Challenge "challenge",
    Prove "prove",
});

/// One entry of the audit trail. The order of the fields is the order in the
/// stored JSON; every field is always there, but for the two that came with
/// challenges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// 1 for the first entry, then without a gap.
    pub seq: i64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who.
    pub who: String,
    /// What was done.
    pub action: Action,
    /// The host's name.
    pub host: String,
    /// The registration's number.
    pub host_id: i64,
    /// The number of the registration that it ended.
    pub supersedes: Option<i64>,
    /// The state of the registration from here on.
    pub state: State,
    /// On what the registration rests.
    pub trust: Trust,
    /// The policy version.
    pub policy_version: PolicyVersion,
    /// SPKI SHA-256 of every EK.
    pub ekpubs: Vec<String>,
    /// SHA-256 of the file.
    pub file_sha256: String,
    /// The time it was judged for, RFC 3339 in UTC.
    pub judged_at: String,
    /// Fingerprint of the store it was judged with.
    pub store: String,
    /// SHA-256 of the policy it was judged with.
    pub policy: String,
    /// What was waived.
    pub waived: Vec<Waived>,
    /// Why.
    pub reason: Option<String>,
    /// A recheck's answer: whether the host would be trusted now.
    pub rechecked_trusted: Option<bool>,
    /// A recheck's answer: the codes of the errors.
    pub rechecked_codes: Vec<String>,
    /// The challenge that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<EntryChallenge>,
    /// The proof of possession that the registration has from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possession: Option<EntryPossession>,
    /// SHA-256 over the registration as stored.
    pub record_sha256: String,
    /// The hash of the entry before; zeros for the first.
    pub previous: String,
}

/// A challenge in an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryChallenge {
    /// Its id.
    pub id: String,
    /// The Name of the attestation key that it is made for.
    pub ak_name: String,
    /// Until when it may be answered, RFC 3339 in UTC.
    pub expires: String,
    /// SHA-256 over what is kept of it ([`Kept::fingerprint`]).
    pub kept: String,
}

/// A proof of possession in an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPossession {
    /// When it was checked, RFC 3339 in UTC.
    pub proven_at: String,
    /// The Name of the attestation key.
    pub ak_name: String,
    /// The id of the challenge.
    pub challenge: String,
}

/// An entry, with the bytes that were hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEntry {
    /// The entry.
    pub entry: Entry,
    /// Its canonical JSON, as stored.
    pub json: String,
    /// SHA-256 over the previous hash and the JSON.
    pub hash: Sha256Digest,
}

/// Something that [`Registry::check`](super::Registry::check) found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry it is about, if it is about one.
    pub seq: Option<i64>,
    /// The host it is about, if it is about one.
    pub host: Option<String>,
    /// What is wrong. May hold text from the database, unescaped.
    pub message: String,
}

/// What [`Registry::check`](super::Registry::check) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// How many entries the trail has.
    pub entries: i64,
    /// The hash of the last one; zeros for an empty trail. Keep it elsewhere: it
    /// is what shows that the whole trail was not written anew.
    pub head: Sha256Digest,
    /// How many current hosts there are.
    pub hosts: i64,
    /// The entry that has the expected hash, if one was expected and found.
    pub expected_at: Option<i64>,
    /// What is wrong; empty if all is well.
    pub problems: Vec<Problem>,
}

/// What stands before the first entry.
pub(super) const GENESIS: Sha256Digest = Sha256Digest([0; 32]);

/// The hash of an entry: SHA-256 over the previous hash and the entry's bytes.
pub(super) fn chain(previous: &Sha256Digest, json: &str) -> Sha256Digest {
    let mut bytes = Vec::with_capacity(json.len().saturating_add(32));
    bytes.extend_from_slice(&previous.0);
    bytes.extend_from_slice(json.as_bytes());
    sha256(&bytes)
}

/// What an entry says besides the host.
pub(super) struct Event<'a> {
    pub(super) action: Action,
    pub(super) at: Time,
    pub(super) who: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) supersedes: Option<i64>,
    pub(super) recheck: Option<&'a Recheck>,
    pub(super) challenge: Option<&'a Kept>,
}

impl<'a> Event<'a> {
    /// An event without what only some have.
    pub(super) fn new(action: Action, at: Time, who: &'a str) -> Self {
        Self {
            action,
            at,
            who,
            reason: None,
            supersedes: None,
            recheck: None,
            challenge: None,
        }
    }
}

/// Appends an entry about `host`, as it stands now, to the trail.
pub(super) fn append(
    transaction: &dyn Transaction,
    host: &Host,
    event: &Event<'_>,
) -> Result<(), Error> {
    let (entries, previous) = transaction.head()?;
    let seq = entries.saturating_add(1);
    // A recheck is of the registered file, but with a store and a policy of its own.
    let (judged_at, store, policy) = match event.recheck {
        Some(recheck) => (recheck.judged_at, recheck.store, recheck.policy),
        None => (host.judged_at, host.store, host.policy),
    };
    let entry = Entry {
        seq,
        at: event.at.to_string(),
        who: event.who.to_owned(),
        action: event.action,
        host: host.name.clone(),
        host_id: host.id,
        supersedes: event.supersedes,
        state: host.state,
        trust: host.trust,
        policy_version: host.policy_version,
        ekpubs: host
            .eks
            .iter()
            .map(|ek| ek.spki_sha256.to_string())
            .collect(),
        file_sha256: host.file_sha256.to_string(),
        judged_at: judged_at.to_string(),
        store: store.to_string(),
        policy: policy.to_string(),
        waived: host.waived.clone(),
        reason: event.reason.map(str::to_owned),
        rechecked_trusted: event.recheck.map(|recheck| recheck.trusted),
        rechecked_codes: event
            .recheck
            .map_or_else(Vec::new, |recheck| recheck.codes.clone()),
        challenge: event.challenge.map(|kept| EntryChallenge {
            id: kept.terms.id.to_string(),
            ak_name: hex(&kept.terms.ak_name),
            expires: kept.terms.expires.to_string(),
            kept: kept.fingerprint().to_string(),
        }),
        possession: host.possession.as_ref().map(EntryPossession::from),
        record_sha256: record_sha256(host)?.to_string(),
        previous: previous.to_string(),
    };
    let json = to_json(&entry)?;
    transaction.append(&TrailRow {
        seq,
        host_id: host.id,
        name_key: HostName::new(&host.name)?.key().to_owned(),
        hash: chain(&previous, &json),
        json,
    })
}

impl From<&Possession> for EntryPossession {
    fn from(possession: &Possession) -> Self {
        Self {
            proven_at: possession.proven_at.to_string(),
            ak_name: hex(&possession.ak_name),
            challenge: possession.challenge.to_string(),
        }
    }
}

/// SHA-256 over everything of a registration that never changes: all but its
/// state, when it ended, its last recheck and its proof of possession.
pub(super) fn record_sha256(host: &Host) -> Result<Sha256Digest, Error> {
    #[derive(Serialize)]
    struct Record<'a> {
        id: i64,
        name: &'a str,
        foreign_key: Option<&'a str>,
        guid: Option<&'a str>,
        serial: Option<&'a str>,
        macs: &'a [String],
        eks: Vec<[String; 4]>,
        ekcerts: Vec<String>,
        file_sha256: String,
        trust: Trust,
        policy_version: PolicyVersion,
        waived: &'a [Waived],
        store: String,
        policy: String,
        judged_at: i64,
        registered_at: i64,
        registered_by: &'a str,
        reason: Option<&'a str>,
        imported: bool,
    }
    let record = Record {
        id: host.id,
        name: &host.name,
        foreign_key: host.foreign_key.as_deref(),
        guid: host.machine.guid.as_deref(),
        serial: host.machine.serial.as_deref(),
        macs: &host.machine.macs,
        eks: host
            .eks
            .iter()
            .map(|ek| {
                [
                    ek.algorithm.clone(),
                    hex(&ek.spki_der),
                    ek.spki_sha256.to_string(),
                    ek.windows_sha256.to_string(),
                ]
            })
            .collect(),
        // Over the bytes, so that the stored digest need not be believed.
        ekcerts: host
            .ekcerts
            .iter()
            .map(|ekcert| sha256(&ekcert.der).to_string())
            .collect(),
        file_sha256: host.file_sha256.to_string(),
        trust: host.trust,
        policy_version: host.policy_version,
        waived: &host.waived,
        store: host.store.to_string(),
        policy: host.policy.to_string(),
        judged_at: host.judged_at.unix(),
        registered_at: host.registered_at.unix(),
        registered_by: &host.registered_by,
        reason: host.reason.as_deref(),
        imported: host.imported,
    };
    Ok(sha256(to_json(&record)?.as_bytes()))
}

impl TrailEntry {
    /// Reads a stored entry.
    pub(super) fn from_row(row: TrailRow) -> Result<Self, Error> {
        let entry = serde_json::from_str(&row.json).map_err(|error| {
            Error::environment(
                format!(
                    "entry {} of the audit trail cannot be read: {error}",
                    row.seq
                ),
                "run 'endorse hosts history --check' to see what else is wrong",
            )
        })?;
        Ok(Self {
            entry,
            json: row.json,
            hash: row.hash,
        })
    }
}

/// Canonical JSON: the fields in the order of the type, no white space.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(
            Fault::Unsupported,
            format!("a record cannot be written as JSON: {error}"),
            "report this as a fault of the program",
        )
    })
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}
