//! Primes that the RSA keys of a store, and those of files beside it, have in common.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::catalogue::Contents;
use crate::cli::console::Console;
use crate::cli::input::for_each_input;
use crate::cli::report::report_unreadable;
use crate::ek::{EkPub, shared_primes};
use crate::finding::{Code, Error, Finding};
use crate::identifier::Identifier;

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    /// A certificate of the store.
    Stored(String),
    /// A file.
    File(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(name) | Self::File(name) => f.write_str(name),
        }
    }
}

/// What was found out about the keys of a store and of files.
pub(super) struct Shared {
    pub(super) findings: Vec<Finding>,
    /// Files that could not be read.
    pub(super) unreadable: Vec<(String, Error)>,
}

/// What the keys have in common.
pub(super) fn compare(
    contents: &Contents,
    files: &[PathBuf],
    console: &mut Console<'_>,
) -> Result<Shared, Error> {
    let mut keys: Vec<(Owner, EkPub)> = Vec::new();
    for stored in &contents.certificates {
        let certificate = &stored.certificate;
        if let Ok(key) = certificate.public_key() {
            let name = format!(
                "'{}' (SHA-256 {})",
                certificate.subject(),
                certificate.sha256()
            );
            keys.push((Owner::Stored(name), key));
        }
    }
    let mut unreadable = Vec::new();
    for_each_input(files, console, |console, input| {
        let bytes = input.bytes.as_deref().map_err(Clone::clone);
        match bytes.and_then(Identifier::read) {
            Ok(identifier) => {
                let listed = identifier.ekpubs.into_iter().map(|entry| entry.key);
                let certified = identifier
                    .ekcerts
                    .into_iter()
                    .filter_map(|entry| entry.certificate.public_key().ok());
                let mut own: Vec<EkPub> = Vec::new();
                for key in listed.chain(certified) {
                    // An EKpub and its EKcert are one key.
                    if !own.contains(&key) {
                        own.push(key);
                    }
                }
                let owner = Owner::File(input.name);
                keys.extend(own.into_iter().map(|key| (owner.clone(), key)));
            }
            Err(error) => {
                report_unreadable(console, &input.name, &error);
                unreadable.push((input.name, error));
            }
        }
    });
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let shared = shared_primes(keys.iter().map(|(owner, key)| (owner, key)), threads)?;
    let mut findings: Vec<Finding> = shared
        .findings()
        .into_iter()
        .map(|(owner, finding)| Finding {
            message: format!("{owner}: {}", finding.message),
            ..finding
        })
        .collect();
    // Certificates of a CA for one key are nothing to tell of; EKs are one machine's.
    for owners in &shared.repeated {
        let is_file = |owner: &&&Owner| matches!(owner, Owner::File(_));
        if owners.iter().any(|owner| is_file(&owner)) {
            let names: Vec<String> = owners.iter().map(ToString::to_string).collect();
            findings.push(same_key(&names));
        }
    }
    Ok(Shared {
        findings,
        unreadable,
    })
}

fn same_key(names: &[String]) -> Finding {
    Finding::new(
        Code::SameKey,
        format!("the same RSA key is in {}", names.join(", ")),
        "one key is one TPM: see whether these are files of one machine, or whether a virtual TPM \
         was copied with its machine",
    )
}
