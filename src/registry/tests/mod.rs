//! Tests of the room as a whole, on SQLite files. They live inside because only a
//! verdict makes a [`Candidate`]: here one is made without a PKI.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests may be blunt"
)]

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod crowd;
mod document;
#[cfg(unix)]
mod file;
mod force;
mod life;
mod possession;
mod sequence;
mod tamper;
mod upgrade;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::model::{HostEk, HostEkCert};
use super::{Candidate, Location, Mode, Options, Outcome, PolicyVersion, Registration, Registry};
use crate::der::Time;
use crate::finding::{Code, Finding};
use crate::hash::{from_hex, sha256};
use crate::identifier::Machine;

const WHO: &str = "operator";

fn at() -> Time {
    Time::parse_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// An RSA-2048 SubjectPublicKeyInfo whose modulus is made from `seed`.
fn spki(seed: &str) -> Vec<u8> {
    let mut modulus: Vec<u8> = (0..8_u8)
        .flat_map(|i| sha256(&[seed.as_bytes(), &[i]].concat()).0)
        .collect();
    modulus[0] |= 0x80;
    modulus[255] |= 1;
    let mut der =
        from_hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100").unwrap();
    der.extend(modulus);
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    der
}

fn ek(seed: &str) -> HostEk {
    let spki_der = spki(seed);
    HostEk {
        algorithm: "rsa2048".into(),
        spki_sha256: sha256(&spki_der),
        // The content of the BIT STRING follows 24 octets of SPKI header.
        windows_sha256: sha256(&spki_der[24..]),
        spki_der,
    }
}

/// A trusted host with one EK made from `seed`.
fn trusted(name: &str, seed: &str) -> Candidate {
    let file = format!("file of {name} with {seed}").into_bytes();
    let der = format!("certificate of {seed}").into_bytes();
    Candidate {
        name: Some(name.to_owned()),
        machine: Machine {
            guid: Some(format!(
                "{:0>8}-0000-4000-8000-{:0>12}",
                "ABCD",
                hex12(name)
            )),
            serial: Some(format!("SN-{name}")),
            macs: vec!["00:11:22:33:44:55".into()],
            ..Machine::default()
        },
        eks: vec![ek(seed)],
        ekcerts: vec![HostEkCert {
            sha256: sha256(&der),
            der,
        }],
        trusted: true,
        errors: Vec::new(),
        extra: Vec::new(),
        file_sha256: sha256(&file),
        file,
        store: sha256(b"store"),
        policy: sha256(b"policy"),
        judged_at: at(),
        requires_possession: false,
    }
}

fn hex12(text: &str) -> String {
    sha256(text.as_bytes()).to_string()[..12].to_uppercase()
}

/// The same host with errors instead of trust.
fn untrusted(name: &str, seed: &str, codes: &[Code]) -> Candidate {
    Candidate {
        trusted: false,
        errors: codes
            .iter()
            .map(|code| Finding::new(*code, format!("{code} it is"), "do something"))
            .collect(),
        ..trusted(name, seed)
    }
}

/// A host whose file has no EKcert.
fn bare(name: &str, seed: &str) -> Candidate {
    Candidate {
        ekcerts: Vec::new(),
        ..untrusted(name, seed, &[Code::EkcertMissing])
    }
}

fn force() -> Options {
    Options {
        force: true,
        reason: Some("lab machine, ticket 42".into()),
        ..Options::default()
    }
}

fn version(version: PolicyVersion) -> Options {
    Options {
        policy_version: Some(version),
        ..Options::default()
    }
}

fn replace() -> Options {
    Options {
        replace: true,
        ..Options::default()
    }
}

fn stage() -> Options {
    Options {
        stage: true,
        ..Options::default()
    }
}

/// A registry in a directory of its own, removed at the end.
struct Bench {
    dir: TempDir,
    registry: Registry,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = open(&dir.path().join("registry.db"), Mode::Create);
        Self { dir, registry }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("registry.db")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn register(&self, candidate: &Candidate, options: &Options) -> Registration {
        self.registry
            .register(candidate, options, at(), WHO)
            .unwrap()
    }

    /// Registers what must be registered.
    fn add(&self, candidate: &Candidate, options: &Options) -> Registration {
        let registration = self.register(candidate, options);
        assert_eq!(
            registration.outcome,
            Outcome::Registered,
            "{registration:?}"
        );
        registration
    }

    fn assert_whole(&self) {
        let report = self.registry.check(None).unwrap();
        assert!(report.is_ok(), "{:#?}", report.problems);
    }
}

fn location(path: &Path) -> Location {
    Location::Sqlite(path.to_owned())
}

fn open(path: &Path, mode: Mode) -> Registry {
    Registry::open(&location(path), mode).unwrap()
}

fn codes(registration: &Registration) -> Vec<&'static str> {
    registration
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}
