use crate::diagnose::Basis;

/// An event of the attestation service that is about no single policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// Its id, in the log of `Microsoft-Windows-HostGuardianService-Attestation`.
    pub id: u32,
    /// What it says.
    pub meaning: &'static str,
    /// Whether it says that a host was turned away.
    pub is_failure: bool,
}

/// What the ids rest on: Microsoft's module GuardedFabricTools reads them so.
pub const EVENTS_BASIS: Basis = Basis::Observed;

/// The events that are about no single policy. Those about one are in
/// [`POLICIES`](super::POLICIES).
pub const EVENTS: &[EventInfo] = &[
    EventInfo {
        id: 1203,
        meaning: "the validation of a host's TCG log begins; it carries the hash of its EK",
        is_failure: false,
    },
    EventInfo {
        id: 1500,
        meaning: "the EK of a host is not registered; it carries the hash of the EK",
        is_failure: true,
    },
    EventInfo {
        id: 1519,
        meaning: "a host passed attestation in Active Directory mode",
        is_failure: false,
    },
    EventInfo {
        id: 1523,
        meaning: "a host passed attestation in TPM mode",
        is_failure: false,
    },
    EventInfo {
        id: 1524,
        meaning: "a host is in none of the groups that may attest in Active Directory mode",
        is_failure: true,
    },
];

/// The event with this id, if it is about no single policy.
pub fn event(id: u32) -> Option<&'static EventInfo> {
    EVENTS.iter().find(|event| event.id == id)
}
