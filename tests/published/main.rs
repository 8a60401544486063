//! Fetching what CAs publish under the URLs in certificates, from servers on the loopback
//! interface that behave well and badly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
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
#[path = "../support/tls.rs"]
mod tls;

mod client;
#[cfg(feature = "cli")]
mod commands;
mod crls;
mod issuers;
mod vendor;

use endorse::fetch::{Repository, RepositorySettings};
use server::Server;

/// A client that knows no vendors, and these servers by the operator's word.
fn settings(servers: &[&Server]) -> RepositorySettings {
    RepositorySettings {
        hosts: Vec::new(),
        named_hosts: servers.iter().map(|server| server.host()).collect(),
        ..RepositorySettings::default()
    }
}

fn repository(servers: &[&Server]) -> Repository {
    Repository::new(&settings(servers)).unwrap()
}
