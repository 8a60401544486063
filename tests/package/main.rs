//! Packages of vendor certificates: Microsoft's own, and packages of a made-up publisher
//! with one thing wrong in each.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::missing_errors_doc,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]

mod bundles;
mod cabinet;
mod contents;
mod maker;
mod microsoft;
mod osslsigncode;
#[path = "../support/pki.rs"]
mod pki;
mod signature;
#[path = "../support/skip.rs"]
mod skip;
mod vectors;
