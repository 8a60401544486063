//! The attestation policies of a Host Guardian Service as a model: what each demands, what a
//! host that fails it is told, and which of them a host in a given state would fail.
//!
//! The names in the columns of the table ([`POLICIES`]) are documented or observed each by
//! itself. That a policy, a reason, a sub-status and an event belong together is concluded
//! from their names: see [`COLUMNS`].

mod dump_key;
mod dumps;
mod event;
mod guid;
mod simulate;
mod state;
mod status;
mod table;

pub use dump_key::{DUMP_KEY_SOURCE, DumpKey, dump_key};
pub use dumps::{
    DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY, DumpAnswer, DumpPolicies, DumpVerdict, HostDumps,
    IF_MISSING, NO_DUMPS, judge_dumps,
};
pub use event::{EVENTS, EVENTS_BASIS, EventInfo, event};
pub use guid::{Guid, NoGuid};
pub use simulate::{Demand, Fate, Judged, overall, simulate};
pub use state::{HostSchema, HostState, MAX_STATE_LEN, PolicyState, PolicyStates};
pub use status::{STATUSES, SUB_STATUSES, StatusInfo, status, status_number, sub_status};
pub use table::{
    COLUMNS, Column, DefaultState, POLICIES, PolicyInfo, Step, by_event, by_name, by_reason,
    by_substatus,
};
