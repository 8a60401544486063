use serde::{Deserialize, Serialize};

use super::bundle::Missing;
use super::files::SavedFile;
use super::host::HostObservation;
use super::key_file::KeyFileObservation;
use super::service::NodeObservation;

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A node of the service.
    HostGuardianService,
    /// A host.
    GuardedHost,
    /// All of them together: what can be seen only by comparing.
    Fabric,
    /// It is not known which.
    Unknown,
}

impl Role {
    /// As in JSON, and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostGuardianService => "host-guardian-service",
            Self::GuardedHost => "guarded-host",
            Self::Fabric => "fabric",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was seen at a target. This is what a bundle holds, so a field that is
/// added later has to have a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "there are a few a run, and each is handed on by reference"
)]
pub enum Observation {
    /// A node of the service, seen over the network.
    Node(NodeObservation),
    /// A machine, seen from inside.
    Host(HostObservation),
    /// A file that was saved on the machine in question.
    File(SavedFile),
    /// Something that was there to be seen and could not be.
    Missing(Missing),
    /// The file of a private key on a machine with POSIX access rights.
    KeyFile(KeyFileObservation),
}

/// A machine, or the fabric, with what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Where the observations come from: a URL, a path, "this machine".
    pub source: String,
    /// What was seen.
    pub observations: Vec<Observation>,
}
