use crate::der::Time;
use crate::finding::{Error, Finding};
use crate::hash::Sha256Digest;

use super::audit::{CheckReport, TrailEntry};
use super::candidate::Candidate;
use super::location::Location;
use super::model::{Filter, Host, Original, Recheck};
use super::rules::{Options, Registration};

/// How a registry is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read only; it must exist.
    ReadOnly,
    /// Read and write; it must exist.
    ReadWrite,
    /// Read and write; made if it does not exist.
    Create,
    /// For a what-if: opened as it is, or an empty one in memory if there is none.
    WhatIf,
}

/// The registered hosts and the audit trail of every change to them.
#[derive(Debug)]
pub struct Registry {}

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
        let _ = (location, mode);
        todo!()
    }

    /// Registers a candidate by the rules. `at` and `who` go into the registry and
    /// the trail.
    ///
    /// # Errors
    /// Misuse (options that make no sense, no name), or trouble with the database.
    /// A refusal by the rules is no error but [`Outcome::Rejected`](super::Outcome).
    pub fn register(
        &self,
        candidate: &Candidate,
        options: &Options,
        at: Time,
        who: &str,
    ) -> Result<Registration, Error> {
        let _ = (candidate, options, at, who);
        todo!()
    }

    /// The hosts that `filter` lets through, by name.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Host>, Error> {
        let _ = filter;
        todo!()
    }

    /// The current host with this name or with an EK whose SHA-256 (of the SPKI or
    /// as Windows has it) starts with this hex text of at least 8 digits.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if there is none or more than
    /// one; trouble with the database.
    pub fn show(&self, name_or_ek: &str) -> Result<Host, Error> {
        let _ = name_or_ek;
        todo!()
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
        let _ = (name_or_ek, reason, at, who, what_if);
        todo!()
    }

    /// The trail of every registration that the name ever had, or of all, oldest first.
    ///
    /// # Errors
    /// An entry that cannot be read; trouble with the database.
    pub fn history(&self, name: Option<&str>) -> Result<Vec<TrailEntry>, Error> {
        let _ = name;
        todo!()
    }

    /// Checks the whole registry: the database's own structure, the chain of the
    /// trail, and that the hosts are as the trail says. `expected` is a head hash
    /// noted earlier, which must still be in the chain.
    ///
    /// # Errors
    /// Trouble with the database other than what it is here to find.
    pub fn check(&self, expected: Option<Sha256Digest>) -> Result<CheckReport, Error> {
        let _ = expected;
        todo!()
    }

    /// Every current host as one JSON document, files and EKcerts included.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn export(&self, at: Time) -> Result<String, Error> {
        let _ = at;
        todo!()
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
        let _ = (document, reason, at, who, what_if);
        todo!()
    }

    /// The current hosts that `filter` lets through, with the files they were
    /// registered from, to judge again.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn originals(&self, filter: &Filter) -> Result<Vec<Original>, Error> {
        let _ = filter;
        todo!()
    }

    /// Records that the current host `id` was judged again. Changes neither its
    /// trust nor its state.
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
        let _ = (id, candidate, at, who);
        todo!()
    }
}
