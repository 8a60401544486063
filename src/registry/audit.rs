use serde::{Deserialize, Serialize};

use crate::hash::{Sha256Digest, sha256};

use super::model::{PolicyVersion, State, Trust, Waived, texts};

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
});

/// One entry of the audit trail. The order of the fields is the order in the
/// stored JSON; every field is always there.
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
    /// SHA-256 over the registration as stored.
    pub record_sha256: String,
    /// The hash of the entry before; zeros for the first.
    pub previous: String,
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

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}
