//! A Host Guardian Service, seen over the network.
//!
//! A [`NodeObservation`] is what was seen of one address of a service. It is judged as of
//! the time at which it was made, whenever that is done: a signer that has been renewed since
//! was not out of date because a bundle is old.

mod answers;
mod clocks;
mod cluster;
mod health;
mod https;
mod observation;
#[cfg(feature = "fetch")]
mod observe;
mod reach;
mod signing;
mod view;
pub mod wait;

pub use observation::{
    Answer, Blob, Exchange, NodeObservation, NtpOutcome, NtpReading, Outcome, PortProbe,
    Resolution, ResolvedBy, ServiceAddress, Trouble,
};
#[cfg(feature = "fetch")]
pub use observe::{DEFAULT_NODE_TIMEOUT, KEY_PROTECTION_PATH, Looking, MAX_NODES};

use super::files::Comparable;
use super::{Definition, Diagnostic, Observation, Question, Target};
pub(super) use answers::{judge_mode, judge_mode_support};
use clocks::Clocks;
pub(super) use cluster::judge_same_mode;
use https::Roots;
pub(super) use view::Seen;

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[
    &reach::NAME_RESOLVES,
    &reach::NODE_REACHABLE,
    &https::CHAIN,
    &https::NAME,
    &https::VALIDITY,
    &https::USAGE,
    &answers::GETINFO,
    &answers::MODE,
    &answers::LEVEL,
    &signing::ANSWER,
    &signing::VALID,
    &clocks::CLOCK,
    &clocks::AD_MODE,
    &answers::KEY_PROTECTION,
    &answers::MODE_SUPPORTED,
    &clocks::REFERENCE,
    &cluster::SAME_MODE,
    &cluster::SAME_SIGNER,
    &cluster::SAME_CLOCK,
    &cluster::SAME_LEVEL,
    &cluster::SINGLE,
    &health::BY_NODE_CLOCK,
];

/// The nodes of each of these targets, with what can be read of them: read once for all that
/// is asked.
pub(super) fn seen<'a>(targets: &'a [Target], question: &Question) -> Vec<Vec<Seen<'a>>> {
    let roots = Roots::new(question);
    let of = |target| nodes(target).map(|node| Seen::new(node, &roots)).collect();
    targets.iter().map(of).collect()
}

/// What is wrong at the nodes of one target, each by itself.
pub(super) fn node_diagnostics(nodes: &[Seen<'_>], question: &Question) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for seen in nodes {
        found.extend(reach::diagnostics(seen));
        if seen.node.address.is_none() {
            continue;
        }
        let clocks = Clocks::of(seen.node);
        found.extend(https::diagnostics(seen));
        found.extend(answers::diagnostics(seen, question));
        found.extend(signing::diagnostics(seen, &clocks));
        found.push(clocks::diagnostic(seen, &clocks));
        found.extend(clocks::for_kerberos(seen, &clocks));
    }
    found
}

/// What can be seen only by comparing nodes.
pub(super) fn cluster_diagnostics(
    seen: &[Vec<Seen<'_>>],
    files: &[Comparable],
    question: &Question,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(first) = seen.iter().flatten().next() {
        found.push(clocks::of_this_machine(first.node));
    }
    for service in view::by_service(seen.iter().flatten()) {
        found.extend(cluster::diagnostics(&service, question));
    }
    found.extend(health::diagnostic(files, seen));
    found
}

fn nodes(target: &Target) -> impl Iterator<Item = &NodeObservation> {
    target.observations.iter().filter_map(|one| match one {
        Observation::Node(node) => Some(node),
        _ => None,
    })
}
