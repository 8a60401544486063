//! A host, seen from inside, and what a service would say to its identifier.
//!
//! A Linux host is no guarded host: what is asked of one (TPM 2.0, Secure Boot, IOMMU) is
//! asked of it too, and the evidence says what Windows would look at in its place.

mod attestation;
mod duplicates;
mod hardware;
mod identifier;
mod memory;

use serde::{Deserialize, Serialize};

pub use attestation::{Judgement, Lookup};

use super::{Definition, Diagnostic, Observation, Question, Target};
use crate::der::Time;
use crate::host::{Fact, PlatformFacts, TpmContents};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[
    &hardware::TPM_PRESENT,
    &hardware::TPM_VERSION,
    &hardware::TPM_READY,
    &hardware::TPM_LOCKOUT,
    &hardware::SECURE_BOOT,
    &hardware::IOMMU,
    &hardware::VIRTUALIZATION,
    &memory::KERNEL_LOCKDOWN,
    &memory::HIBERNATION,
    &memory::CRASH_DUMPS,
    &memory::SWAP_ENCRYPTION,
    &identifier::IDENTIFIER_READABLE,
    &identifier::IDENTIFIER_EKCERT,
    &attestation::IDENTIFIER_TRUSTED,
    &attestation::WOULD_AUTHORIZE,
    &duplicates::IDENTIFIER_DUPLICATES,
];

/// What a machine says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostObservation {
    /// When this was seen, in seconds of Unix time.
    pub at: i64,
    /// What the system says of the platform; none if it was not looked at.
    #[serde(default)]
    pub platform: Option<Box<PlatformFacts>>,
    /// What the TPM said; none if it was not asked.
    #[serde(default)]
    pub tpm: Option<TpmSeen>,
    /// Its platform identifier, or why there is none; none if it was not asked for.
    #[serde(default)]
    pub identifier: Option<Fact<IdentifierFile>>,
}

/// How the TPM answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TpmSeen {
    /// It answered.
    Answered(TpmAnswer),
    /// It was reached, and did not answer as a TPM that is ready does.
    Failed {
        /// What failed.
        message: String,
        /// What to do.
        help: String,
    },
    /// It could not be reached.
    NotReached {
        /// Why.
        message: String,
        /// What to do.
        help: String,
    },
}

/// What a TPM that answers says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TpmAnswer {
    /// The revision of the library specification times a hundred.
    pub revision: Option<u32>,
    /// Whether wrong passwords have locked it.
    pub in_lockout: Option<bool>,
    /// The seconds after which one wrong password is forgiven.
    pub lockout_interval: Option<u32>,
    /// How many endorsement keys it shows.
    pub keys: usize,
}

/// A platform identifier as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierFile {
    /// Its bytes, in base64 where this is JSON.
    #[serde(with = "crate::diagnose::base64_bytes")]
    pub bytes: Vec<u8>,
}

impl HostObservation {
    /// Nothing but the time.
    pub fn new(at: Time) -> Self {
        Self {
            at: at.unix(),
            platform: None,
            tpm: None,
            identifier: None,
        }
    }
}

impl From<&TpmContents> for TpmAnswer {
    fn from(contents: &TpmContents) -> Self {
        Self {
            revision: contents.facts.revision,
            in_lockout: contents.facts.in_lockout,
            lockout_interval: contents.facts.lockout_interval,
            keys: contents.keys.len(),
        }
    }
}

/// What is wrong with one host.
pub(super) fn diagnostics(target: &Target, question: &Question) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for host in hosts(target) {
        if let Some(platform) = &host.platform {
            found.extend(hardware::of_platform(platform));
        }
        if let Some(tpm) = &host.tpm {
            found.extend(hardware::of_tpm(tpm));
        }
        if let Some(platform) = &host.platform {
            found.extend(memory::diagnostics(platform));
        }
        if let Some(identifier) = &host.identifier {
            found.extend(identifier::diagnostics(identifier));
            if let Fact::Known(file) = identifier {
                found.extend(attestation::diagnostics(file, question));
            }
        }
    }
    found
}

/// What can be seen only by comparing hosts.
pub(super) fn fabric_diagnostics(targets: &[Target]) -> Vec<Diagnostic> {
    duplicates::diagnostics(targets)
}

/// The observations of a target that are about the host.
fn hosts(target: &Target) -> impl Iterator<Item = &HostObservation> {
    target.observations.iter().filter_map(|one| match one {
        Observation::Host(host) => Some(host),
        _ => None,
    })
}

/// A diagnostic for a fact that could not be found out.
fn not_found_out(definition: &'static Definition, why: &str) -> Diagnostic {
    Diagnostic::warn(definition, format!("could not be found out: {why}")).then(
        "run it as root on the host itself, and not in a container, with sysfs, efivarfs and \
         securityfs mounted",
    )
}

#[cfg(test)]
mod tests;
