//! The rules for the certificates of a Host Guardian Service, for requests for them and for
//! the templates that they are issued by.
//!
//! [`check`] holds a certificate against the rules for its role; `docs/hgs-certificates.md`
//! has all of them. What Microsoft documents may be an error; what is only inferred is never
//! more than a warning.

mod candidate;
mod document;
mod pair;
pub mod pfx;
mod plan;
mod provider;
mod request;
mod role;
mod rule;
mod rules;
mod template;
mod words;

pub use candidate::{Candidate, CandidateKind, KeyKind, SignatureKind, TemplateFacts};
pub use document::{Document, DocumentKind, Subject};
pub use pair::{Comparison, Node, PairDifference, compare, compare_with, renewal_finding};
pub use plan::{
    DEFAULT_PROVIDER, KEY_SIZES, RequestKey, RequestPlan, SubjectPart, parse_subject, read_certreq,
};
pub use provider::{ProviderHint, ProviderKind};
pub use request::{MAX_REQUEST_LEN, Request};
pub use role::{CertificateRole, Hsm, Profile, Question};
pub use rule::{Outcome, Rule, RuleResult, all_rules, examine};
pub use template::{MAX_TEMPLATES, MAX_TEMPLATES_LEN, TemplateForm, read_templates};
pub(super) use words::ANY_PURPOSE;
pub use words::{
    CLIENT_AUTHENTICATION, SERVER_AUTHENTICATION, cng_usage_in_words, key_usage_in_words,
    key_usage_octet, purpose_in_words, purposes_in_words,
};

use crate::ek::Certificate;
use crate::finding::Finding;

/// Holds a certificate against the rules for this role. What is only worth knowing is among
/// the findings, with the severity `info`.
pub fn check(
    certificate: &Certificate,
    role: CertificateRole,
    profile: Profile,
    question: &Question,
) -> Vec<Finding> {
    let results = examine(&Candidate::from(certificate), role, profile, question);
    results.iter().filter_map(RuleResult::finding).collect()
}
