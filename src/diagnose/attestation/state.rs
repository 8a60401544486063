//! The states of the policies and the state of a host, as they come in JSON.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::table::{DefaultState, POLICIES, PolicyInfo, by_name};
use crate::finding::{Code, Error};
use crate::identifier::decode_text;

/// The largest document that is read, in octets. Both kinds have less than 2 KiB.
pub const MAX_STATE_LEN: usize = 64 * 1024;

const HOST_SCHEMA: &str = "endorse.host-state/1";
const POLICIES_SCHEMA: &str = "endorse.policy-states/1";

/// The state of a policy on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyState {
    /// Every host has to pass it.
    Enabled,
    /// No host has to.
    Disabled,
    /// Every host has to, and it cannot be disabled.
    Locked,
    /// The service does not have it: it lacks an update.
    Missing,
    /// Nobody told.
    Unknown,
}

impl PolicyState {
    /// Whether hosts have to pass it, if that is known.
    pub fn in_force(self) -> Option<bool> {
        match self {
            Self::Enabled | Self::Locked => Some(true),
            Self::Disabled | Self::Missing => Some(false),
            Self::Unknown => None,
        }
    }

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// The states of the default policies on a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStates(Vec<(&'static str, PolicyState)>);

impl Default for PolicyStates {
    /// What is documented of a new service, and unknown for the rest.
    fn default() -> Self {
        let state = |policy: &PolicyInfo| match policy.default_state {
            DefaultState::Disabled => PolicyState::Disabled,
            DefaultState::Unknown | DefaultState::DisabledAfterUpdate => PolicyState::Unknown,
        };
        let states = POLICIES
            .iter()
            .filter_map(|policy| Some((policy.name?, state(policy))));
        Self(states.collect())
    }
}

impl PolicyStates {
    /// Reads the JSON that `docs/attestation-policies.md` describes. What it does not name
    /// has its default state.
    ///
    /// # Errors
    /// `json-malformed` if it is something else, or names a policy that is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let file: PoliciesFile = read(bytes, "list of states of policies")?;
        let mut states = Self::default();
        let mut named: Vec<&str> = Vec::new();
        for (name, state) in file.policies.0 {
            let policy = by_name(&name).and_then(|policy| policy.name);
            let Some(policy) = policy else {
                return Err(
                    malformed(format!("there is no default policy '{name}'")).at("/policies")
                );
            };
            if named.contains(&policy) {
                return Err(malformed(format!("{policy} is named twice")).at("/policies"));
            }
            named.push(policy);
            states.set(policy, state.unwrap_or(PolicyState::Unknown));
        }
        Ok(states)
    }

    /// The state of the policy with this name.
    pub fn of(&self, name: &str) -> PolicyState {
        self.0
            .iter()
            .find(|(own, _)| *own == name)
            .map_or(PolicyState::Unknown, |(_, state)| *state)
    }

    /// Sets the state of the policy with this name, if there is one.
    pub fn set(&mut self, name: &str, state: PolicyState) {
        if let Some((_, own)) = self.0.iter_mut().find(|(own, _)| *own == name) {
            *own = state;
        }
    }
}

/// What is known of a host. `None` is unknown, which is neither a pass nor a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostState {
    /// The name of the form.
    pub schema: HostSchema,
    /// Which host.
    pub name: Option<String>,
    /// Whether its EK is registered on the service.
    pub identifier_registered: Option<bool>,
    /// Whether its TPM baseline is one of those on the service.
    pub baseline_registered: Option<bool>,
    /// Whether its code integrity policy is one of those on the service.
    pub ci_policy_registered: Option<bool>,
    /// Whether Secure Boot is on.
    pub secure_boot: Option<bool>,
    /// Whether a kernel debugger is enabled.
    pub kernel_debugging: Option<bool>,
    /// Whether the hypervisor enforces the code integrity policy.
    pub hypervisor_enforced_ci: Option<bool>,
    /// Whether it was booted, and did not come back from sleep or hibernation.
    pub full_boot: Option<bool>,
    /// Whether virtual secure mode runs.
    pub vsm_running: Option<bool>,
    /// Whether virtual secure mode has its identity key.
    pub vsm_identity_key: Option<bool>,
    /// Whether an IOMMU is in use against direct memory access.
    pub iommu_in_use: Option<bool>,
    /// Whether the volume of the operating system is encrypted by BitLocker.
    pub bitlocker: Option<bool>,
    /// Whether page files are encrypted.
    pub pagefile_encrypted: Option<bool>,
    /// Whether the host may hibernate.
    pub hibernation_enabled: Option<bool>,
    /// Whether the host may write memory dumps.
    pub dumps_enabled: Option<bool>,
    /// Whether its memory dumps are encrypted.
    pub dumps_encrypted: Option<bool>,
    /// Whether the key that they are encrypted for is one of those on the service.
    pub dump_key_registered: Option<bool>,
}

impl HostState {
    /// Reads the JSON that `docs/host-state.schema.json` describes. A field that is missing
    /// is unknown; one that is not known here is an error, for it may be a slip of the pen.
    ///
    /// # Errors
    /// `json-malformed` if it is something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        read(bytes, "state of a host")
    }
}

/// The text `endorse.host-state/1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSchema;

impl Serialize for HostSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HOST_SCHEMA)
    }
}

impl<'de> Deserialize<'de> for HostSchema {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        schema(from, HOST_SCHEMA).map(|()| Self)
    }
}

struct PoliciesSchema;

impl<'de> Deserialize<'de> for PoliciesSchema {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        schema(from, POLICIES_SCHEMA).map(|()| Self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoliciesFile {
    #[serde(rename = "schema")]
    _schema: PoliciesSchema,
    policies: Named,
}

/// The members of an object in order, so that one that stands twice is seen.
struct Named(Vec<(String, Option<PolicyState>)>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and states")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut named = Vec::new();
                while let Some(member) = map.next_entry()? {
                    named.push(member);
                }
                Ok(Named(named))
            }
        }

        from.deserialize_map(Members)
    }
}

/// The member `schema` of a document: the text that it has to be.
fn schema<'de, D: Deserializer<'de>>(from: D, expected: &str) -> Result<(), D::Error> {
    let found = String::deserialize(from)?;
    match found == expected {
        true => Ok(()),
        false => Err(de::Error::custom(format!(
            "its schema is '{found}', not '{expected}'"
        ))),
    }
}

fn read<T: for<'de> Deserialize<'de>>(bytes: &[u8], what: &str) -> Result<T, Error> {
    if bytes.len() > MAX_STATE_LEN {
        return Err(Error::malformed(
            Code::InputTooLarge,
            format!(
                "it has {} octets, and at most {MAX_STATE_LEN} are read",
                bytes.len()
            ),
            format!("{what} has less than 2 KiB; check what the file is"),
        ));
    }
    // PowerShell 5 writes UTF-16 where it is not told otherwise.
    let text = decode_text(bytes)?.map(|(text, _)| text);
    let text = text.ok_or_else(|| malformed(format!("the JSON is no {what}: it is no text")))?;
    serde_json::from_str(&text)
        .map_err(|error| malformed(format!("the JSON is no {what}: {error}")))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(
        Code::JsonMalformed,
        message,
        "see docs/attestation-policies.md for the form",
    )
}
