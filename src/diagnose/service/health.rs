//! The health certificates that hosts saved, by the clocks of the nodes that take them.

use super::clocks::Clocks;
use super::view::Seen;
use crate::der::Time;
use crate::diagnose::files::Comparable;
use crate::diagnose::in_words::is_valid;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::ek::Certificate;

pub(super) static BY_NODE_CLOCK: Definition = Definition {
    id: "health-certificate-by-node-clock",
    set: Set::HostGuardianService,
    title: "The health certificates of hosts are in force by the clock of every node",
    basis: Basis::Inferred,
    source: "Troubleshoot the Host Guardian Service, Time Drift; what a node does with a health \
             certificate that is not in force by its clock is not documented",
};

/// The most certificates that are shown one by one.
const MAX_SHOWN: usize = 20;

/// One diagnostic, if there are both nodes that tell the time and health certificates.
pub(super) fn diagnostic(files: &[Comparable], nodes: &[Vec<Seen<'_>>]) -> Option<Diagnostic> {
    let certificates: Vec<_> = files.iter().flat_map(|one| &one.health).collect();
    let clocks = nodes
        .iter()
        .flatten()
        .map(|seen| (seen, Clocks::of(seen.node)));
    let clocks: Vec<_> = clocks.filter(|(_, clocks)| clocks.node.is_some()).collect();
    if certificates.is_empty() || clocks.is_empty() {
        return None;
    }
    let (mut wrong, mut old) = (Vec::new(), Vec::new());
    for (seen, clocks) in &clocks {
        let times = clocks.times(seen.node.time());
        for (file, certificate) in &certificates {
            let mut by_clock = times.iter().map(|(_, times)| in_force(certificate, times));
            let (Some(right), Some(node)) = (by_clock.next(), by_clock.next()) else {
                continue;
            };
            let what = format!(
                "{file}: {}, from {} to {}",
                certificate.thumbprint_sha1(),
                certificate.not_before(),
                certificate.not_after()
            );
            match (right, node) {
                (true, false) => wrong.push(format!(
                    "{what}: it is in force, and by the clock of {} it is not",
                    seen.node.name()
                )),
                (false, true) => wrong.push(format!(
                    "{what}: it is in force by the clock of {} alone",
                    seen.node.name()
                )),
                (false, false) => old.push(format!("{what}: it is in force by no clock")),
                (true, true) => {}
            }
        }
    }
    old.dedup();
    let seen = format!(
        "{} health certificates by the clocks of {} nodes",
        certificates.len(),
        clocks.len()
    );
    let mut found = match (wrong.is_empty(), old.is_empty()) {
        (true, true) => return Some(Diagnostic::pass(&BY_NODE_CLOCK, seen)),
        (true, false) => Diagnostic::warn(&BY_NODE_CLOCK, seen)
            .then("save the health certificates of the hosts again, and look at once"),
        // What is concluded is no more than a warning.
        (false, _) => Diagnostic::warn(&BY_NODE_CLOCK, seen)
            .then("set the clock right on the nodes that are off, then have hosts attest again")
            .powershell("w32tm /resync"),
    };
    let more = wrong
        .len()
        .saturating_add(old.len())
        .saturating_sub(MAX_SHOWN);
    found
        .evidence
        .extend(wrong.into_iter().chain(old).take(MAX_SHOWN));
    if more > 0 {
        found = found.seen(format!("and {more} more"));
    }
    Some(found)
}

/// Whether it is in force at any moment that a clock may show.
fn in_force(certificate: &Certificate, times: &[Time; 2]) -> bool {
    times.iter().any(|at| is_valid(certificate, *at))
}
