//! Names, addresses, and whether anybody is there.

use super::view::{Seen, has_address};
use super::{NodeObservation, ResolvedBy};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

pub(super) static NAME_RESOLVES: Definition = Definition {
    id: "hgs-name-resolves",
    set: Set::Networking,
    title: "The name of the service leads to the node",
    basis: Basis::Documented,
    source: "Configure the fabric DNS for guarded hosts: hosts find the service by its name",
};

pub(super) static NODE_REACHABLE: Definition = Definition {
    id: "hgs-node-reachable",
    set: Set::Networking,
    title: "The node accepts connections at the port of the service",
    basis: Basis::Documented,
    source: "Obtain certificates for HGS: the service is at ports 80 and 443",
};

/// The diagnostics of the set Networking at one node.
pub(super) fn diagnostics(seen: &Seen<'_>) -> Vec<Diagnostic> {
    let mut found = vec![name_resolves(seen.node)];
    if seen.node.address.is_some() {
        found.push(reachable(seen.node));
    }
    found
}

fn name_resolves(node: &NodeObservation) -> Diagnostic {
    let host = &node.service.host;
    let resolution = &node.resolution;
    match resolution.by {
        ResolvedBy::Literal => {
            return Diagnostic::not_applicable(
                &NAME_RESOLVES,
                format!("the service is named by its address, {host}"),
            );
        }
        ResolvedBy::Hand => {
            return Diagnostic::not_applicable(
                &NAME_RESOLVES,
                format!("the addresses of {host} were given by hand; nobody asked DNS"),
            );
        }
        ResolvedBy::System => {}
    }
    let repair = |found: Diagnostic| {
        found
            .then(format!(
                "see that this machine and every host find {host}: the DNS servers of the fabric \
                 need a conditional forwarder to those of the service's forest, or the records \
                 themselves"
            ))
            .powershell(format!(
                "Resolve-DnsName -Name {}",
                crate::diagnose::powershell_quoted(host)
            ))
    };
    match (&resolution.failure, node.address) {
        (Some(failure), _) => {
            let mut found = Diagnostic::fail(&NAME_RESOLVES, failure.as_str());
            if has_address(resolution) {
                found = found.seen("the node was given by hand");
            }
            repair(found)
        }
        (None, Some(address)) if resolution.addresses.contains(&address) => {
            Diagnostic::pass(&NAME_RESOLVES, format!("{host} leads to {address}"))
        }
        (None, _) => repair(Diagnostic::warn(
            &NAME_RESOLVES,
            format!(
                "{host} does not lead to {}, which was given by hand: hosts never ask this node",
                node.name()
            ),
        )),
    }
}

fn reachable(node: &NodeObservation) -> Diagnostic {
    if let Some(kind) = &node.refused {
        return Diagnostic::warn(
            &NODE_REACHABLE,
            format!("{} was not connected to: it is {kind}", node.name()),
        )
        .then("if it is right, name the node by its address with --node or --resolve");
    }
    let Some(port) = node.ports.iter().find(|probe| probe.port == node.port) else {
        return Diagnostic::warn(&NODE_REACHABLE, "nobody tried to connect")
            .then("look at the service once more");
    };
    let mut found = match &port.failure {
        None => Diagnostic::pass(
            &NODE_REACHABLE,
            format!("port {} of {} accepts connections", port.port, node.name()),
        ),
        Some(trouble) => Diagnostic::fail(&NODE_REACHABLE, trouble.to_string())
            .then(
                "see that the node runs, that its site is started, and that no firewall on the way \
                 keeps this machine off",
            )
            .powershell("Get-Service W3SVC, clussvc; Get-ClusterNode"),
    };
    // The other one of the two usual ports: other clients may be given the other URL.
    for other in node.ports.iter().filter(|probe| probe.port != node.port) {
        found = found.seen(match other.failure {
            None => format!("port {} accepts connections as well", other.port),
            Some(_) => format!("port {} does not accept connections", other.port),
        });
    }
    found
}
