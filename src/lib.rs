//! Judges TPM endorsement keys (EKs) and the platform identifier files that name
//! them, and registers the hosts they belong to.
//!
//! The rooms, each of which needs only those above it:
//!
//! | module | what lives there |
//! |---|---|
//! | [`finding`], [`der`], [`hash`] | coded findings and errors, DER reading, time, digests |
//! | [`ek`] | endorsement keys: EKpub in every encoding, EKcert, TPM attributes, vendor ids, profile lint, weak keys, advisories |
//! | [`identifier`] | platform identifier files: text encodings, XML, JSON |
//! | [`trust`] | the two stores, path building and validation, signatures, revocation, policy, packages that fill the stores |
//! | [`verdict`] | one judgement of one identifier |
//! | [`possession`] | proof that a host holds its EK: challenges and their answers |
//! | [`registry`] | registered hosts, the rules of registration, the audit trail |
//! | [`disk`] | files: read within limits, written whole or not at all |
//! | `fetch` | what other machines say, where asked for: certificates, CRLs, a Host Guardian Service, clocks (feature `fetch`) |
//! | [`catalogue`] | the stores on disk, with the provenance of what is in them |
//! | `host` | reading a real TPM, its machine and its platform (feature `tpm` for the TPM) |
//! | `diagnose` | guarded-fabric diagnostics, the rules for HGS certificates (feature `diagnose`) |
//! | `cli` | the command line (feature `cli`) |
//!
//! `finding` to `verdict` are pure: they take bytes, a time and a policy, and
//! return values. They do not touch files, the network, the clock or the
//! environment, and they do not print.

pub mod catalogue;
pub mod der;
#[cfg(feature = "diagnose")]
pub mod diagnose;
pub mod disk;
pub mod ek;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod finding;
pub mod hash;
pub mod host;
pub mod identifier;
pub mod possession;
pub mod registry;
pub mod trust;
pub mod verdict;

#[cfg(feature = "cli")]
pub mod cli;
