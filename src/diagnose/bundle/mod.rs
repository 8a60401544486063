//! The bundle: what was seen, in one file, to be judged elsewhere (`endorse.bundle/1`).
//!
//! It begins with what it holds and what was left out, so that whoever is asked to send one
//! can read what he sends. It is not anonymised. Secrets are not in it; see [`secret_in`].

mod diagnostics;
mod read;
mod secrets;

use serde::{Deserialize, Serialize};

use super::{Observation, Target};
use crate::der::Time;
use crate::finding::{Code, Error};
use crate::hash::sha256;

pub use diagnostics::DEFINITIONS;
pub(super) use diagnostics::diagnostics;
pub use secrets::secret_in;

/// What every bundle of this version starts with.
pub const SCHEMA: &str = "endorse.bundle/1";

/// The largest bundle that is written or read, in octets. Traces and exports of a machine
/// have some hundred kilobytes, an event log up to 20 MiB; base64 adds a third.
pub const MAX_BUNDLE_LEN: usize = 64 * 1024 * 1024;

/// The most observations of all targets of a bundle. A folder of traces has some hundred
/// files, a fabric some hundred machines.
pub const MAX_ITEMS: usize = 65_536;

/// The most targets of a bundle. A cluster of hosts has up to 64 nodes.
pub const MAX_TARGETS: usize = 4096;

/// The largest observation that is no file, in octets of JSON. What is fetched from a node is
/// limited far below this.
pub const MAX_SEEN_LEN: usize = 4 * 1024 * 1024;

/// What was seen, and when and by what it was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// When it was made, by the clock of the machine that collected.
    pub made_at: Time,
    /// The program that made it, with its version.
    pub made_by: String,
    /// What was seen.
    pub targets: Vec<Target>,
}

/// One thing that a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What it is: `node`, `host` or `file`.
    pub what: String,
    /// The target that it is about.
    pub of: String,
    /// The name of a file; else where the observation comes from.
    pub name: String,
    /// When it was seen, as RFC 3339; not known of files.
    pub at: Option<String>,
    /// Its size in octets: of a file, or of the JSON of anything else.
    pub size: usize,
    /// SHA-256 of a file, in hex.
    pub sha256: Option<String>,
}

/// One thing that a bundle does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The target that it is about.
    pub of: String,
    /// What it is.
    pub name: String,
    /// Why it is not there.
    pub why: String,
}

/// Something that was there to be seen and is not there to be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What it is: the name of a file, a kind of observation, a place in the bundle.
    pub what: String,
    /// Why it is not there.
    pub why: String,
    /// What sort of reason that is.
    pub cause: Cause,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It holds a secret, or may hold one.
    Secret,
    /// It is of a kind that this version does not know.
    Newer,
    /// It is not what was collected.
    Damaged,
    /// It is a file that could not be opened or read.
    Unread,
}

#[derive(Serialize)]
struct Wire<'a> {
    schema: &'static str,
    made_at: String,
    made_by: &'a str,
    holds: Vec<Held>,
    left_out: Vec<LeftOut>,
    targets: &'a [Target],
}

impl Bundle {
    /// A bundle of what was seen, without what holds a secret: in its place is an
    /// [`Observation::Missing`].
    pub fn new(targets: Vec<Target>, made_at: Time, made_by: impl Into<String>) -> Self {
        let targets = targets.into_iter().map(without_secrets).collect();
        Self {
            made_at,
            made_by: made_by.into(),
            targets,
        }
    }

    /// A line for each thing that it holds, in order.
    pub fn holds(&self) -> Vec<Held> {
        let of = |target: &'_ Target| {
            let held = |observation| held(target, observation);
            target
                .observations
                .iter()
                .filter_map(held)
                .collect::<Vec<_>>()
        };
        self.targets.iter().flat_map(of).collect()
    }

    /// A line for each thing that it does not hold.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for target in &self.targets {
            for observation in &target.observations {
                if let Observation::Missing(missing) = observation {
                    left_out.push(LeftOut {
                        of: target.name.clone(),
                        name: missing.what.clone(),
                        why: missing.why.clone(),
                    });
                }
            }
        }
        left_out
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if it is more than
    /// [`read`](Self::read) takes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let items = self.targets.iter().map(|target| target.observations.len());
        let items = items.fold(0_usize, usize::saturating_add);
        let too_much = |what: String| {
            Error::misuse(
                format!("the bundle would have {what}"),
                "collect in several bundles; 'diagnose --path' takes several, and judges them together",
            )
        };
        if items > MAX_ITEMS || self.targets.len() > MAX_TARGETS {
            return Err(too_much(format!(
                "{items} observations of {} targets; {MAX_ITEMS} of {MAX_TARGETS} are possible",
                self.targets.len()
            )));
        }
        // Before their base64 takes memory.
        let files: usize = self.files().fold(0, usize::saturating_add);
        if files > MAX_BUNDLE_LEN {
            return Err(too_much(format!("more than {MAX_BUNDLE_LEN} bytes")));
        }
        let wire = Wire {
            schema: SCHEMA,
            made_at: self.made_at.to_string(),
            made_by: &self.made_by,
            holds: self.holds(),
            left_out: self.left_out(),
            targets: &self.targets,
        };
        let mut bytes = serde_json::to_vec_pretty(&wire).map_err(|error| {
            Error::environment(
                format!("the bundle cannot be written as JSON: {error}"),
                "this is a defect of this program; please report it",
            )
        })?;
        bytes.push(b'\n');
        if bytes.len() > MAX_BUNDLE_LEN {
            return Err(too_much(format!("more than {MAX_BUNDLE_LEN} bytes")));
        }
        Ok(bytes)
    }

    fn files(&self) -> impl Iterator<Item = usize> {
        let all = self.targets.iter().flat_map(|target| &target.observations);
        all.filter_map(|observation| match observation {
            Observation::File(file) => Some(file.bytes.len()),
            _ => None,
        })
    }

    /// Whether these bytes look like a bundle, of this version or another.
    pub fn is_one(bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rest = bytes.trim_ascii_start();
        for part in [&b"{"[..], b"\"schema\"", b":", b"\"endorse.bundle/"] {
            match rest.trim_ascii_start().strip_prefix(part) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// Reads a bundle. A part that cannot be read, or that this version does not know,
    /// is an [`Observation::Missing`] in its place, and the others are read.
    ///
    /// # Errors
    /// `input-too-large` above a limit; `json-malformed` if it is not the JSON of a bundle;
    /// [`Fault::Unsupported`](crate::finding::Fault::Unsupported) if its schema is another.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BUNDLE_LEN {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!("the bundle has more than {MAX_BUNDLE_LEN} bytes"),
                "collect in several bundles",
            ));
        }
        read::bundle(bytes)
    }
}

/// What stands in the list of what it holds for this; what is missing is not held.
fn held(target: &Target, observation: &Observation) -> Option<Held> {
    let size = |observation| serde_json::to_vec(observation).map_or(0, |bytes| bytes.len());
    let (name, at, size, hash) = match observation {
        Observation::Missing(_) => return None,
        Observation::File(file) => (
            &file.name,
            None,
            file.bytes.len(),
            Some(sha256(&file.bytes).to_string()),
        ),
        Observation::Node(node) => (&target.source, Some(node.at), size(observation), None),
        Observation::Host(host) => (&target.source, Some(host.at), size(observation), None),
        Observation::KeyFile(file) => (&file.path, None, size(observation), None),
    };
    Some(Held {
        what: kind(observation).to_owned(),
        of: target.name.clone(),
        name: name.clone(),
        at: at.map(|at| Time::from_unix(at).to_string()),
        size,
        sha256: hash,
    })
}

/// What `kind` says of it in JSON.
fn kind(observation: &Observation) -> &'static str {
    match observation {
        Observation::Node(_) => "node",
        Observation::Host(_) => "host",
        Observation::File(_) => "file",
        Observation::KeyFile(_) => "key-file",
        Observation::Missing(_) => "missing",
    }
}

fn without_secrets(mut target: Target) -> Target {
    for observation in &mut target.observations {
        let (what, secret) = match &*observation {
            Observation::Missing(_) => continue,
            Observation::File(file) => (file.name.clone(), secret_in(&file.bytes)),
            other => {
                let json = serde_json::to_vec(other).unwrap_or_default();
                (kind(other).to_owned(), secret_in(&json))
            }
        };
        if let Some(why) = secret {
            *observation = Observation::Missing(Missing {
                what,
                why: why.to_owned(),
                cause: Cause::Secret,
            });
        }
    }
    target
}

#[cfg(test)]
mod tests;
