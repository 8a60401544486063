//! Diagnosing a Host Guardian Service, against a stand-in for one: three nodes on loopback
//! addresses, in which each known failure can be switched on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]
#[path = "../support/pki.rs"]
mod pki;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/skip.rs"]
mod skip;

mod certificates;
mod commands;
mod failures;
mod hostile;
mod https;
mod replies;
mod standin;
mod waiting;
