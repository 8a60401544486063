//! Certificate chains: what must be accepted, what must be refused and for which
//! reason, and whether other judges agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::missing_errors_doc,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]

mod algorithms;
mod cases;
#[path = "../support/crl.rs"]
mod crl;
mod crls;
mod inputs;
mod negative;
mod openssl_judge;
mod order;
#[path = "../support/pki.rs"]
mod pki;
mod pkits;
#[path = "../support/skip.rs"]
mod skip;
mod supplied;
mod weak;

use endorse::finding::{Code, Finding, Severity};

/// The codes of the findings that reject, in order.
fn error_codes(findings: &[Finding]) -> Vec<Code> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.code)
        .collect()
}
