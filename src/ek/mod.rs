//! Endorsement keys: the public part in every encoding, the certificate and its
//! chain, the TPM's attributes, its vendor and what it says of itself.

mod advisory;
mod attributes;
mod bcrypt;
mod certificate;
mod chain;
mod encoding;
mod extensions;
mod factoring;
mod facts;
mod fitness;
mod lint;
mod name;
mod nv;
mod policy;
mod public_key;
mod reply;
mod residues;
mod service;
mod shared_primes;
mod signature_name;
mod spki;
mod template;
mod tpm_public;
#[cfg(test)]
pub(crate) mod vectors;
mod vendor;
mod weak;
mod wire;

pub use advisory::{AdvisorySubject, check_advisories};
pub use attributes::{SecurityAssertions, TpmAttributes, TpmSpecification};
pub use certificate::{Certificate, MAX_CERTIFICATE_LEN};
pub use chain::{
    ChainArea, ChainPart, MAX_CHAIN_CERTIFICATES, MAX_CHAIN_LEN, order_chain, split_chain,
};
pub use encoding::Encoding;
pub use extensions::{
    AuthorityKeyIdentifier, BasicConstraints, DistributionPoint, DistributionPointName, Extensions,
    GeneralName, GeneralSubtree, KeyUsage, NameConstraints, PolicyConstraints, PolicyMapping,
    ReasonFlags,
};
pub(crate) use extensions::{authority_key_id, point_name, reason_flags};
pub use facts::{MAX_VENDOR_STRING_LEN, TpmFacts};
pub(crate) use fitness::EK_CERTIFICATE;
pub use lint::{
    Certainty, Level, Lint, LintResult, LintSubject, Outcome, Rule, check_profile, lint_rules,
};
pub use name::{Name, NameKey};
pub use nv::{Unwrapped, unwrap_nv};
pub use policy::EkPolicy;
pub use public_key::{
    Algorithm, Curve, EkPub, Key, MAX_RSA_BITS, MAX_RSA_EXPONENT_LEN, MIN_RSA_BITS,
};
pub use reply::{MAX_SERVICE_REPLY_LEN, read_service_reply};
pub use service::EkCertService;
pub use shared_primes::{MAX_SHARED_PRIMES_BITS, SharedFactor, SharedPrimes, shared_primes};
pub(crate) use signature_name::{hashes_with_sha1, signature_name};
pub use template::{Template, TpmName};
pub use tpm_public::{NameAlg, Scheme, TpmPublic};
pub(crate) use vendor::is_vendor_id;
pub use vendor::{Vendor, vendor_by_id};
pub use weak::check_key;
pub(crate) use wire::Wire;
