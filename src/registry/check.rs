use std::collections::BTreeMap;

use crate::finding::Error;
use crate::hash::{Sha256Digest, sha256};
use crate::possession::ChallengeId;

use super::audit::{
    Action, CheckReport, Entry, EntryChallenge, EntryPossession, GENESIS, Problem, chain,
    record_sha256, to_json,
};
use super::backend::{TrailRow, Transaction};
use super::model::{Host, State};
use super::name::HostName;
use super::rules::machine_key;

/// More problems than this are not listed one by one: a damaged registry could
/// have one for each row.
const MAX_PROBLEMS: usize = 1000;

/// What the trail says of one registration.
struct Told {
    name: String,
    state: State,
    record_sha256: String,
    ended: Option<String>,
    recheck: Option<[String; 6]>,
    possession: Option<EntryPossession>,
}

/// What the trail says of one challenge.
struct ToldChallenge {
    host: String,
    told: EntryChallenge,
    answered: Option<String>,
}

/// Goes through the trail and compares the hosts with what it says.
struct Checker {
    report: CheckReport,
    told: BTreeMap<i64, Told>,
    /// The challenges, by id.
    challenges: BTreeMap<String, ToldChallenge>,
    expected: Option<Sha256Digest>,
}

/// Checks the trail's chain and that the hosts are as the trail says.
pub(super) fn check(
    transaction: &dyn Transaction,
    expected: Option<Sha256Digest>,
) -> Result<CheckReport, Error> {
    let mut checker = Checker {
        report: CheckReport {
            entries: 0,
            head: GENESIS,
            hosts: 0,
            expected_at: None,
            problems: Vec::new(),
        },
        told: BTreeMap::new(),
        challenges: BTreeMap::new(),
        expected,
    };
    if expected == Some(GENESIS) {
        checker.report.expected_at = Some(0);
    }
    let walked = transaction.trail(None, &mut |row| {
        checker.entry(&row);
        Ok(())
    });
    if let Err(error) = walked {
        checker.problem(None, None, error.message);
    }
    checker.head(transaction);
    checker.hosts(transaction);
    checker.challenges(transaction);
    Ok(checker.report)
}

impl Checker {
    fn problem(&mut self, seq: Option<i64>, host: Option<&str>, message: impl Into<String>) {
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(Problem {
                seq,
                host: host.map(str::to_owned),
                message: message.into(),
            });
        }
    }

    fn entry(&mut self, row: &TrailRow) {
        let seq = Some(row.seq);
        let due = self.report.entries.saturating_add(1);
        if row.seq != due {
            self.problem(
                seq,
                None,
                format!("entry {due} should come here; one or more are missing"),
            );
        }
        let previous = self.report.head;
        if chain(&previous, &row.json) != row.hash {
            self.problem(
                seq,
                None,
                "the hash does not fit this entry and the one before it",
            );
        }
        // Going on from what is stored tells where the chain breaks, and only there.
        self.report.entries = row.seq;
        self.report.head = row.hash;
        if self.expected == Some(row.hash) {
            self.report.expected_at = Some(row.seq);
        }
        let entry: Entry = match serde_json::from_str(&row.json) {
            Ok(entry) => entry,
            Err(error) => {
                self.problem(seq, None, format!("the entry cannot be read: {error}"));
                return;
            }
        };
        if to_json(&entry).is_ok_and(|json| json != row.json) {
            self.problem(seq, None, "the entry is not in its canonical form");
        }
        let key = HostName::new(&entry.host).map(|name| name.key().to_owned());
        if entry.seq != row.seq
            || entry.host_id != row.host_id
            || key.as_deref().ok() != Some(row.name_key.as_str())
        {
            self.problem(
                seq,
                Some(&entry.host),
                "the entry is filed under another number or host",
            );
        }
        if entry.previous != previous.to_string() {
            self.problem(
                seq,
                Some(&entry.host),
                "the entry names another one before it",
            );
        }
        self.apply(entry);
    }

    fn apply(&mut self, entry: Entry) {
        let seq = Some(entry.seq);
        if let Some(id) = entry.supersedes {
            match self.told.get_mut(&id) {
                Some(old) if old.state.is_current() => {
                    old.state = State::Superseded;
                    old.ended = Some(entry.at.clone());
                }
                _ => self.problem(seq, Some(&entry.host), "it supersedes what was not current"),
            }
        }
        let known = self.told.get(&entry.host_id);
        match entry.action {
            Action::Remove | Action::Recheck | Action::Challenge | Action::Prove => {
                let fits = known.is_some_and(|told| {
                    told.state.is_current() && told.record_sha256 == entry.record_sha256
                });
                if !fits {
                    self.problem(
                        seq,
                        Some(&entry.host),
                        "it is about a host that was not so registered",
                    );
                }
            }
            _ if known.is_some() => {
                self.problem(
                    seq,
                    Some(&entry.host),
                    "it registers a number that was taken",
                );
            }
            _ => {}
        }
        // Only an answer to a challenge gives one, or a registration that takes the place of
        // one with it.
        let of = |id: i64| self.told.get(&id).and_then(|told| told.possession.clone());
        let (had, inherited) = (of(entry.host_id), entry.supersedes.and_then(of));
        let fits = match entry.action {
            Action::Prove => self.answers(&entry),
            Action::Remove | Action::Recheck | Action::Challenge => entry.possession == had,
            _ => entry.possession.is_none() || entry.possession == inherited,
        };
        if !fits {
            self.problem(
                seq,
                Some(&entry.host),
                "it has a proof of possession that nothing before it gave",
            );
        }
        let recheck = match entry.rechecked_trusted {
            Some(trusted) => Some([
                entry.at.clone(),
                entry.judged_at,
                trusted.to_string(),
                entry.rechecked_codes.join(","),
                entry.store,
                entry.policy,
            ]),
            None => self
                .told
                .get_mut(&entry.host_id)
                .and_then(|told| told.recheck.take()),
        };
        if let Some(challenge) = entry.challenge {
            self.challenges.insert(
                challenge.id.clone(),
                ToldChallenge {
                    host: entry.host.clone(),
                    told: challenge,
                    answered: None,
                },
            );
        }
        let told = Told {
            possession: entry.possession,
            name: entry.host,
            state: entry.state,
            record_sha256: entry.record_sha256,
            ended: (!entry.state.is_current()).then_some(entry.at),
            recheck,
        };
        self.told.insert(entry.host_id, told);
    }

    /// Whether a proof answers a challenge of this host that nobody answered before.
    fn answers(&mut self, entry: &Entry) -> bool {
        let Some(proof) = &entry.possession else {
            return false;
        };
        let Some(challenge) = self.challenges.get_mut(&proof.challenge) else {
            return false;
        };
        let named = |name: &str| HostName::new(name).ok();
        let fits = challenge.answered.is_none()
            && named(&challenge.host).is_some_and(|host| Some(host) == named(&entry.host))
            && challenge.told.ak_name == proof.ak_name
            && proof.proven_at == entry.at;
        challenge.answered = Some(entry.at.clone());
        fits
    }

    /// Those that were forgotten are gone; of the others all must be as it was.
    fn challenges(&mut self, transaction: &dyn Transaction) {
        for (id, challenge) in std::mem::take(&mut self.challenges) {
            let stored = match ChallengeId::from_text(&id) {
                Some(id) => transaction.challenge(id),
                None => Ok(None),
            };
            let host = Some(challenge.host.as_str());
            match stored {
                Ok(None) => {}
                Ok(Some(stored)) => {
                    if stored.kept.fingerprint().to_string() != challenge.told.kept {
                        let message = format!("the challenge {id} is not what the trail says");
                        self.problem(None, host, message);
                    }
                    if stored.used_at.map(|at| at.to_string()) != challenge.answered {
                        let message =
                            format!("the challenge {id} was not answered when the trail says");
                        self.problem(None, host, message);
                    }
                }
                Err(error) => self.problem(None, host, error.message),
            }
        }
    }

    fn head(&mut self, transaction: &dyn Transaction) {
        match transaction.head() {
            Ok((entries, hash)) => {
                if entries != self.report.entries {
                    let message = format!(
                        "the trail has {} entries, its head says {entries}: the last ones are missing or were added",
                        self.report.entries
                    );
                    self.problem(None, None, message);
                } else if hash != self.report.head {
                    self.problem(
                        None,
                        None,
                        "the trail does not end in the hash its head has",
                    );
                }
            }
            Err(error) => self.problem(None, None, error.message),
        }
        if let (Some(expected), None) = (self.expected, self.report.expected_at) {
            self.problem(
                None,
                None,
                format!(
                    "no entry has the expected hash {expected}: the trail was cut or written anew"
                ),
            );
        }
    }

    fn hosts(&mut self, transaction: &dyn Transaction) {
        let ids = match transaction.ids(true) {
            Ok(ids) => ids,
            Err(error) => {
                self.problem(None, None, error.message);
                return;
            }
        };
        let mut told = std::mem::take(&mut self.told);
        for id in ids {
            let told = told.remove(&id);
            match transaction.host(id) {
                Ok(Some(host)) => self.host(transaction, &host, told.as_ref()),
                Ok(None) => {}
                Err(error) => self.problem(
                    None,
                    told.as_ref().map(|told| told.name.as_str()),
                    error.message,
                ),
            }
        }
        for (id, told) in told {
            self.problem(
                None,
                Some(&told.name),
                format!("registration {id} is in the trail but not among the hosts"),
            );
        }
    }

    fn host(&mut self, transaction: &dyn Transaction, host: &Host, told: Option<&Told>) {
        let name = Some(host.name.as_str());
        if host.state.is_current() {
            self.report.hosts = self.report.hosts.saturating_add(1);
        }
        let Some(told) = told else {
            self.problem(
                None,
                name,
                format!("registration {} is not in the trail", host.id),
            );
            return;
        };
        if record_sha256(host).is_ok_and(|own| own.to_string() != told.record_sha256) {
            self.problem(
                None,
                name,
                "the registration is not what the trail says was registered",
            );
        }
        if host.state != told.state {
            self.problem(
                None,
                name,
                format!(
                    "the host is {}, but by the trail it is {}",
                    host.state, told.state
                ),
            );
        }
        if host.ended_at.map(|at| at.to_string()) != told.ended {
            self.problem(None, name, "the host did not end when the trail says");
        }
        let recheck = host.recheck.as_ref().map(|recheck| {
            [
                recheck.at.to_string(),
                recheck.judged_at.to_string(),
                recheck.trusted.to_string(),
                recheck.codes.join(","),
                recheck.store.to_string(),
                recheck.policy.to_string(),
            ]
        });
        if recheck != told.recheck {
            self.problem(None, name, "the last recheck is not what the trail says");
        }
        if host.possession.as_ref().map(EntryPossession::from) != told.possession {
            self.problem(
                None,
                name,
                "the proof of possession is not what the trail says",
            );
        }
        if host
            .eks
            .iter()
            .any(|ek| sha256(&ek.spki_der) != ek.spki_sha256)
            || host
                .ekcerts
                .iter()
                .any(|ekcert| sha256(&ekcert.der) != ekcert.sha256)
        {
            self.problem(
                None,
                name,
                "the digest of an EKpub or EKcert is not that of its bytes",
            );
        }
        let key = HostName::new(&host.name)
            .map(|name| name.key().to_owned())
            .ok();
        let stored = transaction.stored_keys(host.id);
        if stored.ok() != key.map(|key| (key, machine_key(host.machine.guid.as_deref()))) {
            self.problem(
                None,
                name,
                "the host is filed under another name or machine",
            );
        }
        match transaction.file(&host.file_sha256) {
            Ok(Some(file)) if sha256(&file) == host.file_sha256 => {}
            Ok(Some(_)) => {
                self.problem(None, name, "its file is not the one it was registered from")
            }
            Ok(None) => self.problem(None, name, "its file is missing"),
            Err(error) => self.problem(None, name, error.message),
        }
    }
}
