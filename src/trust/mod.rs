//! Trust: the two certificate stores, path building and validation after
//! RFC 5280, and the policy.

mod build;
mod ek_rules;
#[cfg(feature = "roots")]
mod embedded;
mod failure;
mod graph;
mod name_constraints;
mod policy;
mod policy_graph;
mod purpose;
mod search;
mod signature;
mod store;
mod supplied;
mod validate;

pub use build::{MAX_PATH_LEN, MAX_SIGNATURES, PathFailure, PolicyInputs, Usage, VerifiedPath};
pub use graph::{Graph, GraphEntry, GraphRole, MAX_GRAPH_NODES, MAX_GRAPH_PAIRS};
pub use policy::{ExpiryRule, Policy, Sha1Rule};
pub use purpose::{Pool, Purpose};
pub use signature::is_self_signed;
pub(crate) use signature::{
    Algorithm as SignatureAlgorithm, Hash as SignatureHash, SignatureError, verify_message,
};
pub use store::{Origin, Store, read_certificates};
pub use supplied::Supplied;
pub(crate) use validate::too_small;
