use std::fmt::Debug;

use crate::der::Time;
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::possession::{ChallengeId, Kept};

use super::audit::Problem;
use super::model::{Host, Possession, Recheck, State};

/// A database that can hold a registry. The rules and the trail are the same for
/// all; a backend only stores.
pub(super) trait Backend: Debug + Send {
    /// Begins a transaction that sees one state of the registry and writes nothing.
    fn read(&self) -> Result<Box<dyn Transaction + '_>, Error>;

    /// Begins a transaction that excludes every other writer until it ends.
    fn write(&self) -> Result<Box<dyn Transaction + '_>, Error>;

    /// What is wrong with the database's own structure.
    fn inspect(&self) -> Vec<Problem>;
}

/// A transaction. Dropped without [`commit`](Self::commit) it leaves no trace.
pub(super) trait Transaction {
    /// The current host with this name key.
    fn current_by_name(&self, name_key: &str) -> Result<Option<Host>, Error>;

    /// The current host with this EK.
    fn current_by_ek(&self, spki_sha256: &Sha256Digest) -> Result<Option<Host>, Error>;

    /// Current hosts with an EK whose SPKI SHA-256 or Windows hash lies between the
    /// two digests, both included.
    fn current_by_ek_range(
        &self,
        low: &Sha256Digest,
        high: &Sha256Digest,
    ) -> Result<Vec<Host>, Error>;

    /// Current hosts with this machine key.
    fn current_by_machine(&self, machine_key: &str) -> Result<Vec<Host>, Error>;

    /// The numbers of all hosts, or of current ones, in order of name and number.
    fn ids(&self, ended: bool) -> Result<Vec<i64>, Error>;

    /// A host by number.
    fn host(&self, id: i64) -> Result<Option<Host>, Error>;

    /// The keys that a host is stored under, to be checked: name key, machine key.
    fn stored_keys(&self, id: i64) -> Result<(String, Option<String>), Error>;

    /// The file with this digest.
    fn file(&self, sha256: &Sha256Digest) -> Result<Option<Vec<u8>>, Error>;

    /// Stores a new registration, whatever `host.id` is, and returns its number.
    fn insert(
        &self,
        host: &Host,
        name_key: &str,
        machine_key: Option<&str>,
        file: &[u8],
    ) -> Result<i64, Error>;

    /// Ends a registration.
    fn end(&self, id: i64, state: State, at: Time) -> Result<(), Error>;

    /// Stores the last recheck of a host.
    fn set_recheck(&self, id: i64, recheck: &Recheck) -> Result<(), Error>;

    /// Stores that a host has proven that it holds its EKs.
    fn set_possession(&self, id: i64, possession: &Possession) -> Result<(), Error>;

    /// Stores a challenge.
    fn insert_challenge(&self, kept: &Kept, made_at: Time) -> Result<(), Error>;

    /// The challenge with this id, and when it was answered.
    fn challenge(&self, id: ChallengeId) -> Result<Option<StoredChallenge>, Error>;

    /// Marks a challenge as answered.
    fn use_challenge(&self, id: ChallengeId, at: Time) -> Result<(), Error>;

    /// Deletes the challenges that expired before this time.
    fn forget_challenges(&self, before: Time) -> Result<(), Error>;

    /// How many entries the trail has, and the hash of the last.
    fn head(&self) -> Result<(i64, Sha256Digest), Error>;

    /// Appends to the trail and moves the head.
    fn append(&self, row: &TrailRow) -> Result<(), Error>;

    /// Goes through the trail in order, all of it or that of one name key.
    fn trail(
        &self,
        name_key: Option<&str>,
        visit: &mut dyn FnMut(TrailRow) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Makes everything durable.
    fn commit(self: Box<Self>) -> Result<(), Error>;
}

/// A challenge as stored.
#[derive(Clone, Debug)]
pub(super) struct StoredChallenge {
    pub(super) kept: Kept,
    /// When it was answered rightly.
    pub(super) used_at: Option<Time>,
}

/// An entry of the trail as stored.
#[derive(Clone, Debug)]
pub(super) struct TrailRow {
    pub(super) seq: i64,
    pub(super) host_id: i64,
    pub(super) name_key: String,
    pub(super) json: String,
    pub(super) hash: Sha256Digest,
}
