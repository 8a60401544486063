//! Trust: the two certificate stores, path building and validation after
//! RFC 5280, the policy, and the packages that fill the stores.

mod build;
mod ek_rules;
#[cfg(feature = "roots")]
mod embedded;
mod failure;
mod graph;
mod name_constraints;
pub mod package;
mod pkcs7;
mod policy;
mod policy_graph;
mod purpose;
mod read;
pub mod revocation;
mod search;
mod signature;
mod store;
mod supplied;
mod validate;

pub use build::{MAX_PATH_LEN, MAX_SIGNATURES, PathFailure, PolicyInputs, Usage, VerifiedPath};
pub use graph::{Graph, GraphEntry, GraphRole, MAX_GRAPH_NODES, MAX_GRAPH_PAIRS};
pub use policy::{ExpiryRule, Policy, Sha1Rule};
pub use purpose::{Pool, Purpose};
pub use read::read_certificates;
pub use revocation::{Crl, read_crls, read_readable_crls};
pub use signature::is_self_signed;
#[cfg(feature = "fetch")]
pub(crate) use signature::verify as verify_signature;
pub(crate) use signature::{
    Algorithm as SignatureAlgorithm, Hash as SignatureHash, SignatureError, verify_message,
};
pub use store::{Origin, Store};
pub use supplied::Supplied;
pub(crate) use validate::too_small;
