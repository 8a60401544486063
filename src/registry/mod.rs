//! Registered hosts: the rules of registration, the database, the audit trail.
//!
//! A [`Candidate`] is made from a [`Verdict`](crate::verdict::Verdict) and from
//! nothing else, so a host cannot be called verified that was not judged so. The
//! rules are pure; [`Registry`] asks the database what is there,
//! lets the rules decide and writes the answer, all in one transaction that also
//! appends to the audit trail. `docs/registry.md` tells the whole.

mod audit;
mod backend;
mod candidate;
mod challenge;
mod check;
mod document;
mod findings;
mod location;
mod model;
mod name;
mod registrar;
mod rules;
mod search;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

pub use audit::{Action, CheckReport, Entry, EntryChallenge, EntryPossession, Problem, TrailEntry};
pub use candidate::{Candidate, Provenance};
pub use challenge::{AnswerReport, MAX_CHALLENGE_SECONDS};
pub use document::MAX_DOCUMENT_LEN;
pub use location::Location;
pub use model::{
    Filter, Host, HostEk, HostEkCert, Original, PolicyVersion, Possession, Recheck, State, Trust,
    Waived,
};
pub use name::{HostName, MAX_NAME_CHARS};
pub use registrar::{ImportReport, Mode, RecheckReport, Registry};
pub use rules::{Change, MAX_REASON_CHARS, Options, Outcome, Registration};
