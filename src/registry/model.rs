use serde::{Deserialize, Serialize};

use crate::der::Time;
use crate::hash::Sha256Digest;
use crate::identifier::Machine;
use crate::possession::ChallengeId;

use super::name::HostName;

/// On what a registration rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// A vendor's certificate vouches for every EK of the host.
    Verified,
    /// Somebody waived what was missing, and gave a reason.
    Forced,
}

/// The attestation policy version, as Host Guardian Service has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyVersion {
    /// Windows Server 2016 (`PolicyVersion1503`): an EK may be forced.
    V1,
    /// Windows Server 2019 and later (`PolicyVersion1704`): an EKcert is a must.
    V2,
}

/// Where a registration is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// In force.
    Active,
    /// Judged and kept, name and EKs reserved, but not in force.
    Staged,
    /// Another registration of the same name took its place.
    Superseded,
    /// Removed.
    Removed,
}

/// One registration of one host. A host that was registered again has several,
/// of which at most one is [current](State::is_current).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Number in the registry, in order of registration; never used again.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The ForeignKey, if the file or the operator gave one.
    pub foreign_key: Option<String>,
    /// The machine, as its file describes it.
    pub machine: Machine,
    /// The EKs, in the order of the file.
    pub eks: Vec<HostEk>,
    /// The EKcerts, in the order of the file, without the CA certificates beside them.
    pub ekcerts: Vec<HostEkCert>,
    /// SHA-256 of the file it was registered from.
    pub file_sha256: Sha256Digest,
    /// On what the registration rests.
    pub trust: Trust,
    /// The policy version.
    pub policy_version: PolicyVersion,
    /// Where it is in its life.
    pub state: State,
    /// What was waived; empty unless forced.
    pub waived: Vec<Waived>,
    /// Fingerprint of the store it was judged with.
    pub store: Sha256Digest,
    /// SHA-256 of the policy it was judged with.
    pub policy: Sha256Digest,
    /// The time it was judged at.
    pub judged_at: Time,
    /// When it was registered.
    pub registered_at: Time,
    /// Who registered it.
    pub registered_by: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// It came from a document exported elsewhere, whose word was taken for its trust.
    pub imported: bool,
    /// When it was superseded or removed.
    pub ended_at: Option<Time>,
    /// The last time it was judged again.
    pub recheck: Option<Recheck>,
    /// The last time it proved that it holds its EKs; `None` if it never did.
    pub possession: Option<Possession>,
}

/// An EK of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEk {
    /// `rsa2048`, `ecc-p256`, …
    pub algorithm: String,
    /// The canonical SubjectPublicKeyInfo.
    pub spki_der: Vec<u8>,
    /// SHA-256 of it: the identity.
    pub spki_sha256: Sha256Digest,
    /// Windows' PublicKeyHash.
    pub windows_sha256: Sha256Digest,
}

/// An EKcert of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEkCert {
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
    /// The bytes as received.
    pub der: Vec<u8>,
}

/// A finding that was waived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    /// The finding's code.
    pub code: String,
    /// What it said. May hold text from the input, unescaped.
    pub message: String,
}

/// A later judgement of a registered host, from its original file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recheck {
    /// When.
    pub at: Time,
    /// The time it was judged for.
    pub judged_at: Time,
    /// Whether it would be trusted now.
    pub trusted: bool,
    /// The codes of the errors.
    pub codes: Vec<String>,
    /// Fingerprint of the store.
    pub store: Sha256Digest,
    /// SHA-256 of the policy.
    pub policy: Sha256Digest,
}

/// That a host holds every EK it is registered with. A registration that takes the
/// place of another with the same EKs, or some of them, has it from that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession {
    /// When the answer was checked.
    pub proven_at: Time,
    /// The Name of the attestation key that is in the same TPM.
    pub ak_name: Vec<u8>,
    /// The challenge that was answered.
    pub challenge: ChallengeId,
}

/// The file a host was registered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The host.
    pub host: Host,
    /// The bytes of the file.
    pub file: Vec<u8>,
}

/// Which hosts to list; the default is every current one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the name, in any case.
    pub name: Option<String>,
    /// Start of an EK's SPKI SHA-256 or of its Windows hash, in hex.
    pub ek: Option<String>,
    /// Only with this trust.
    pub trust: Option<Trust>,
    /// Only under this policy version.
    pub policy_version: Option<PolicyVersion>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only those that have proven that they hold their EKs, or only the others.
    pub proven: Option<bool>,
    /// Superseded and removed ones too.
    pub ended: bool,
}

impl Host {
    /// The identity: SPKI SHA-256 of the first EK.
    pub fn primary_ek(&self) -> Option<Sha256Digest> {
        self.eks.first().map(|ek| ek.spki_sha256)
    }

    /// Whether it has this name.
    pub fn is_named(&self, name: &HostName) -> bool {
        HostName::new(&self.name).is_ok_and(|own| own == *name)
    }

    /// Whether `ek` is one of its EKs.
    pub fn has_ek(&self, ek: &Sha256Digest) -> bool {
        self.eks.iter().any(|own| own.spki_sha256 == *ek)
    }
}

impl State {
    /// Active or staged: the name and the EKs are taken.
    pub fn is_current(self) -> bool {
        matches!(self, Self::Active | Self::Staged)
    }
}

/// Text of an enum as it is in JSON and in the database, and back.
macro_rules! texts {
    ($type:ident { $($variant:ident $text:literal,)* }) => {
        impl $type {
            /// The text, as in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value with this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use texts;

texts!(Trust { Verified "verified", Forced "forced", });
texts!(PolicyVersion { V1 "v1", V2 "v2", });
texts!(State { Active "active", Staged "staged", Superseded "superseded", Removed "removed", });
