//! Trust: the two certificate stores, path building and validation after
//! RFC 5280, the policy, and the packages that fill the stores.

mod build;
mod ek_rules;
#[cfg(feature = "roots")]
mod embedded;
mod failure;
mod name_constraints;
pub mod package;
mod pkcs7;
mod policy;
mod policy_graph;
mod read;
mod search;
mod signature;
mod store;
mod supplied;
mod validate;

pub use build::{MAX_PATH_LEN, MAX_SIGNATURES, PathFailure, PolicyInputs, Usage, VerifiedPath};
pub use policy::{ExpiryRule, Policy, Sha1Rule};
pub use read::read_certificates;
pub(crate) use signature::{
    Algorithm as SignatureAlgorithm, Hash as SignatureHash, SignatureError, verify_message,
};
pub use store::{Origin, Store};
pub use supplied::Supplied;
pub(crate) use validate::too_small;
