//! Trust: the two certificate stores, path building and validation after
//! RFC 5280, and the policy.

mod policy;
mod store;
mod validate;

pub use policy::{ExpiryRule, Policy, Sha1Rule};
pub use store::{Origin, Store, read_certificates};
pub use validate::{PathFailure, Usage, VerifiedPath};
