//! Diagnostics of a guarded fabric, and the rules for the certificates of a Host Guardian
//! Service (HGS).
//!
//! What was seen comes first and judging it second. Whoever looks at a service, a machine or
//! saved files makes [`Observation`]s, with the time at which they were made; [`diagnose`] is
//! a pure function from these to a [`Report`]. So what was collected on one machine is
//! diagnosed on another with the same result.
//!
//! The names of the sets are those of Microsoft's `Get-HgsTrace`. Messages keep apart what
//! Microsoft documents from what was observed or inferred: see [`Basis`].

mod base64_bytes;
mod commands;
mod definition;
mod evaluate;
mod in_words;
mod observation;
mod quote;
mod report;
mod server_names;

pub mod attestation;
pub mod bundle;
pub mod certificate;
pub mod files;
pub mod hgsa;
pub mod host;
pub mod key_file;
pub mod service;

pub use bundle::Bundle;
pub use definition::{Basis, Definition, Selection, Set};
pub use evaluate::{DEFINITIONS, Question, diagnose};
pub use observation::{Observation, Role, Target};
pub use quote::{powershell_quoted, sh_quoted};
pub use report::{Counts, Diagnostic, Remedy, Report, SetReport, Status, TargetReport};
pub use server_names::ServerNames;
