use super::Verdict;
use crate::der::Time;
use crate::identifier::Identifier;
use crate::trust::{Policy, Store, Usage};

/// Judges an identifier against a store and a policy at a time.
pub fn judge(
    identifier: &Identifier,
    store: &Store,
    policy: &Policy,
    at: Time,
    usage: Usage,
) -> Verdict {
    let _ = (identifier, store, policy, at, usage);
    todo!()
}
