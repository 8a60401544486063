use crate::der::Time;
use crate::finding::{Error, Finding};
use crate::hash::Sha256Digest;

use super::audit::{Action, CheckReport, Event, TrailEntry, append};
use super::backend::{Backend, Transaction};
use super::candidate::Candidate;
use super::check;
use super::document;
use super::location::Location;
use super::model::{Filter, Host, Original, Recheck, State, Trust};
use super::name::HostName;
use super::rules::{
    Change, Decision, Existing, Options, Outcome, Registration, Write, decide, machine_key, refusal,
};
use super::search::find;

/// How a registry is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read only; it must exist.
    ReadOnly,
    /// Read and write; it must exist.
    ReadWrite,
    /// Read and write; made if it does not exist.
    Create,
    /// For what-ifs: a copy in memory, empty if there is none. Each answer counts for
    /// those that follow, as it would in earnest; the registry itself is only read.
    WhatIf,
}

/// The registered hosts and the audit trail of every change to them.
#[derive(Debug)]
pub struct Registry {
    pub(super) backend: Box<dyn Backend>,
    /// It is a copy that goes away.
    copy: bool,
}

/// What an import did. Nothing was imported if a finding is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The hosts that were imported.
    pub imported: Vec<Host>,
    /// Names of those that were there already, just so.
    pub unchanged: Vec<String>,
    /// Duplicates and warnings.
    pub findings: Vec<Finding>,
    /// Nothing was written because the question was what if.
    pub what_if: bool,
}

/// What a recheck says against what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecheckReport {
    /// The host, the recheck recorded in it.
    pub host: Host,
    /// The recheck before this one.
    pub before: Option<Recheck>,
    /// Whether it would be trusted now.
    pub trusted: bool,
    /// The answer differs from the last one: that of the recheck before or, without
    /// one, of the registration.
    pub changed: bool,
}

impl Registry {
    /// Opens a registry.
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) naming the place:
    /// missing, no registry, damaged, not writable, written by a newer version.
    /// [`Fault::Unsupported`](crate::finding::Fault::Unsupported) if this build
    /// lacks the database.
    pub fn open(location: &Location, mode: Mode) -> Result<Self, Error> {
        match location {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => Ok(Self {
                backend: Box::new(super::sqlite::Sqlite::open(path, mode)?),
                copy: mode == Mode::WhatIf,
            }),
            #[cfg(not(feature = "sqlite"))]
            Location::Sqlite(path) => {
                let _ = mode;
                Err(Error::new(
                    crate::finding::Fault::Unsupported,
                    format!(
                        "the registry {} cannot be opened: SQLite is not in this build",
                        path.display()
                    ),
                    "use a build with the feature sqlite",
                ))
            }
        }
    }

    #[cfg(test)]
    pub(super) fn over(backend: Box<dyn Backend>) -> Self {
        Self {
            backend,
            copy: false,
        }
    }

    /// Registers a candidate by the rules. `at` and `who` go into the registry and
    /// the trail.
    ///
    /// # Errors
    /// Misuse (options that make no sense, no name), or trouble with the database.
    /// A refusal by the rules is no error but [`Outcome::Rejected`].
    pub fn register(
        &self,
        candidate: &Candidate,
        options: &Options,
        at: Time,
        who: &str,
    ) -> Result<Registration, Error> {
        options.validate()?;
        self.accepts(options.what_if)?;
        let answer = |outcome, change, host, findings| Registration {
            outcome,
            change,
            host,
            findings,
            what_if: options.what_if,
        };
        let name = match (options.host_name(candidate), refusal(candidate, options)) {
            (Ok(name), _) => name,
            // What is refused in any case needs no name first.
            (Err(_), Some(findings)) if options.name.is_none() => {
                return Ok(answer(Outcome::Rejected, None, None, findings));
            }
            (Err(error), _) => return Err(error),
        };
        let transaction = self.backend.write()?;
        let existing = existing(&*transaction, candidate, &name)?;
        Ok(match decide(candidate, &name, options, &existing) {
            Decision::Reject(findings) => answer(Outcome::Rejected, None, None, findings),
            Decision::Unchanged(host, findings) => {
                answer(Outcome::Unchanged, None, Some(*host), findings)
            }
            Decision::Write(write) => {
                let host = new_host(candidate, &name, options, &write, at, who);
                let event = Event {
                    reason: host.reason.as_deref(),
                    supersedes: write.supersedes,
                    ..Event::new(action(&write), at, who)
                };
                let host = insert(&*transaction, &host, &candidate.file, &event)?;
                self.finish(transaction, options.what_if)?;
                let outcome = match host.state {
                    State::Staged => Outcome::Staged,
                    _ => Outcome::Registered,
                };
                answer(outcome, Some(write.change), Some(host), write.findings)
            }
        })
    }

    /// The hosts that `filter` lets through, by name.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Host>, Error> {
        let transaction = self.backend.read()?;
        let ended = filter.ended || filter.state.is_some_and(|state| !state.is_current());
        let mut hosts = Vec::new();
        for id in transaction.ids(ended)? {
            hosts.extend(
                transaction
                    .host(id)?
                    .filter(|host| filter.lets_through(host)),
            );
        }
        Ok(hosts)
    }

    /// The current host with this name or with an EK whose SHA-256 (of the SPKI or
    /// as Windows has it) starts with this hex text of at least 8 digits.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if there is none or more than
    /// one; trouble with the database.
    pub fn show(&self, name_or_ek: &str) -> Result<Host, Error> {
        find(&*self.backend.read()?, name_or_ek)
    }

    /// Removes the current host that [`show`](Self::show) finds. Its registration
    /// is kept as removed. With `what_if` nothing is written.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub fn remove(
        &self,
        name_or_ek: &str,
        reason: Option<&str>,
        at: Time,
        who: &str,
        what_if: bool,
    ) -> Result<Host, Error> {
        self.accepts(what_if)?;
        let transaction = self.backend.write()?;
        let mut host = find(&*transaction, name_or_ek)?;
        transaction.end(host.id, State::Removed, at)?;
        host.state = State::Removed;
        host.ended_at = Some(at);
        let event = Event {
            reason,
            ..Event::new(Action::Remove, at, who)
        };
        append(&*transaction, &host, &event)?;
        self.finish(transaction, what_if)?;
        Ok(host)
    }

    /// The trail of every registration that the name ever had, or of all, oldest first.
    ///
    /// # Errors
    /// An entry that cannot be read; trouble with the database.
    pub fn history(&self, name: Option<&str>) -> Result<Vec<TrailEntry>, Error> {
        let name = name.map(HostName::new).transpose()?;
        let transaction = self.backend.read()?;
        let mut entries = Vec::new();
        transaction.trail(name.as_ref().map(HostName::key), &mut |row| {
            entries.push(TrailEntry::from_row(row)?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Checks the whole registry: the database's own structure, the chain of the
    /// trail, and that the hosts are as the trail says. `expected` is a head hash
    /// noted earlier, which must still be in the chain.
    ///
    /// # Errors
    /// Trouble with the database other than what it is here to find.
    pub fn check(&self, expected: Option<Sha256Digest>) -> Result<CheckReport, Error> {
        let mut problems = self.backend.inspect();
        let mut report = check::check(&*self.backend.read()?, expected)?;
        problems.append(&mut report.problems);
        report.problems = problems;
        Ok(report)
    }

    /// Every current host as one JSON document, files and EKcerts included.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn export(&self, at: Time) -> Result<String, Error> {
        document::export(&*self.backend.read()?, at)
    }

    /// Takes in a document that [`export`](Self::export) made: all of it or nothing.
    ///
    /// # Errors
    /// A document that is not of that form; trouble with the database.
    pub fn import(
        &self,
        document: &str,
        reason: Option<&str>,
        at: Time,
        who: &str,
        what_if: bool,
    ) -> Result<ImportReport, Error> {
        self.accepts(what_if)?;
        let hosts = document::read(document)?;
        let transaction = self.backend.write()?;
        let report = document::import(&*transaction, hosts, reason, at, who, what_if)?;
        // Refused as a whole, or nothing to do: the transaction ends without a commit.
        if !report.imported.is_empty() {
            self.finish(transaction, what_if)?;
        }
        Ok(report)
    }

    /// The current hosts that `filter` lets through, with the files they were
    /// registered from, to judge again.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn originals(&self, filter: &Filter) -> Result<Vec<Original>, Error> {
        let transaction = self.backend.read()?;
        let mut originals = Vec::new();
        for id in transaction.ids(false)? {
            let Some(host) = transaction
                .host(id)?
                .filter(|host| filter.lets_through(host))
            else {
                continue;
            };
            let file = transaction.file(&host.file_sha256)?.unwrap_or_default();
            originals.push(Original { host, file });
        }
        Ok(originals)
    }

    /// Records that the current host `id` was judged again. Changes neither its
    /// trust nor its state. The candidate is taken as an answer
    /// [about](Candidate::about) that host.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if there is no such current
    /// host or the candidate is of another file; trouble with the database.
    pub fn record_recheck(
        &self,
        id: i64,
        candidate: &Candidate,
        at: Time,
        who: &str,
    ) -> Result<RecheckReport, Error> {
        self.accepts(false)?;
        let transaction = self.backend.write()?;
        let host = transaction
            .host(id)?
            .filter(|host| host.state.is_current() && host.file_sha256 == candidate.file_sha256);
        let Some(mut host) = host else {
            return Err(Error::misuse(
                format!("no current host has the number {id} and this file"),
                "it may have been removed or registered anew meanwhile; run the recheck again",
            ));
        };
        let candidate = candidate.clone().about(&host);
        let mut codes: Vec<String> = candidate
            .errors
            .iter()
            .map(|error| error.code.to_string())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        let recheck = Recheck {
            at,
            judged_at: candidate.judged_at,
            trusted: candidate.trusted,
            codes,
            store: candidate.store,
            policy: candidate.policy,
        };
        transaction.set_recheck(id, &recheck)?;
        let event = Event {
            recheck: Some(&recheck),
            ..Event::new(Action::Recheck, at, who)
        };
        append(&*transaction, &host, &event)?;
        self.finish(transaction, false)?;
        let before = host.recheck.replace(recheck);
        let was_trusted = before
            .as_ref()
            .map_or(host.trust == Trust::Verified, |before| before.trusted);
        Ok(RecheckReport {
            trusted: candidate.trusted,
            changed: was_trusted != candidate.trusted,
            before,
            host,
        })
    }

    /// A change in earnest is not for a copy, where it would be lost.
    pub(super) fn accepts(&self, what_if: bool) -> Result<(), Error> {
        if self.copy && !what_if {
            return Err(Error::misuse(
                "this registry was opened for what-ifs only",
                "open it for writing",
            ));
        }
        Ok(())
    }

    /// Ends a transaction: a what-if leaves no trace, but in a copy it counts.
    pub(super) fn finish(
        &self,
        transaction: Box<dyn Transaction + '_>,
        what_if: bool,
    ) -> Result<(), Error> {
        if !what_if || self.copy {
            transaction.commit()?;
        }
        Ok(())
    }
}

/// Stores `host`, ending what it supersedes, with an entry in the trail.
pub(super) fn insert(
    transaction: &dyn Transaction,
    host: &Host,
    file: &[u8],
    event: &Event<'_>,
) -> Result<Host, Error> {
    if let Some(id) = event.supersedes {
        transaction.end(id, State::Superseded, event.at)?;
    }
    let name = HostName::new(&host.name)?;
    let machine = machine_key(host.machine.guid.as_deref());
    let id = transaction.insert(host, name.key(), machine.as_deref(), file)?;
    let host = Host { id, ..host.clone() };
    append(transaction, &host, event)?;
    Ok(host)
}

fn existing(
    transaction: &dyn Transaction,
    candidate: &Candidate,
    name: &HostName,
) -> Result<Existing, Error> {
    let mut existing = Existing {
        by_name: transaction.current_by_name(name.key())?,
        ..Existing::default()
    };
    for ek in &candidate.eks {
        let owner = transaction.current_by_ek(&ek.spki_sha256)?;
        existing
            .by_ek
            .extend(owner.filter(|owner| existing.by_ek.iter().all(|known| known.id != owner.id)));
    }
    if let Some(key) = machine_key(candidate.machine.guid.as_deref()) {
        existing.by_machine = transaction.current_by_machine(&key)?;
    }
    Ok(existing)
}

fn new_host(
    candidate: &Candidate,
    name: &HostName,
    options: &Options,
    write: &Write,
    at: Time,
    who: &str,
) -> Host {
    let reason = options.reason.as_deref().map(str::trim);
    Host {
        id: 0,
        name: name.as_str().to_owned(),
        foreign_key: options
            .foreign_key
            .clone()
            .or_else(|| candidate.name.clone()),
        machine: candidate.machine.clone(),
        eks: candidate.eks.clone(),
        ekcerts: candidate.ekcerts.clone(),
        file_sha256: candidate.file_sha256,
        trust: write.trust,
        policy_version: write.policy_version,
        state: write.state,
        waived: write.waived.clone(),
        store: candidate.store,
        policy: candidate.policy,
        judged_at: candidate.judged_at,
        registered_at: at,
        registered_by: who.to_owned(),
        reason: reason
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        imported: false,
        ended_at: None,
        recheck: None,
        possession: write.possession.clone(),
    }
}

fn action(write: &Write) -> Action {
    match (write.change, write.state, write.trust) {
        (Change::Replaced, ..) => Action::Replace,
        (Change::Upgraded, ..) => Action::Upgrade,
        (Change::Activated, ..) => Action::Activate,
        (Change::New, State::Staged, _) => Action::Stage,
        (Change::New, _, Trust::Forced) => Action::Force,
        (Change::New, _, Trust::Verified) => Action::Register,
    }
}
