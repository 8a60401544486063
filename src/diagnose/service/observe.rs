//! Looking at a service over the network: makes observations and judges nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{
    Answer, Blob, Exchange, NodeObservation, NtpOutcome, NtpReading, Outcome, PortProbe,
    Resolution, ResolvedBy, ServiceAddress, Trouble,
};
use crate::der::Time;
use crate::diagnose::hgsa::{service_info, signers};
use crate::fetch::{
    Failure, HgsExchange, HgsNode, HgsService, Named, ask_clock, look_up, now_ms, probe,
    refused_address,
};
use crate::finding::Error;

/// How long one request, one connection or one look-up may take, unless another time is
/// given. A node answers within milliseconds, or after some seconds if its application pool
/// has to start.
pub const DEFAULT_NODE_TIMEOUT: Duration = Duration::from_secs(15);

/// The most addresses that a service is given by name, and the most that it should be given by
/// hand: a Windows failover cluster has at most 64 nodes.
pub const MAX_NODES: usize = crate::fetch::MAX_ADDRESSES;

/// Where the metadata of the Key Protection Service are.
pub const KEY_PROTECTION_PATH: &str = "/keyprotection/service/metadata/2014-07/metadata.xml";

/// The longest metadata that are read, in octets: some certificates and a signature.
const MAX_METADATA_LEN: usize = 256 * 1024;

/// How a service is looked at.
#[derive(Clone, Debug)]
pub struct Looking {
    /// How long one request, one connection or one look-up may take.
    pub timeout: Duration,
    /// Nodes beside those that the name of the service stands for.
    pub nodes: Vec<(IpAddr, Option<u16>)>,
    /// Names whose addresses are these, without asking a resolver.
    pub resolve: Vec<(String, Vec<IpAddr>)>,
    /// A reference clock: a name or an address, and the UDP port.
    pub reference: Option<(String, u16)>,
    /// Ask each node for the time by NTP as well, at this UDP port.
    pub node_ntp: Option<u16>,
}

impl Default for Looking {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_NODE_TIMEOUT,
            nodes: Vec::new(),
            resolve: Vec::new(),
            reference: None,
            node_ntp: None,
        }
    }
}

impl Looking {
    /// Looks at every node of a service once, all at the same time. There is one observation a
    /// node, in the order of their addresses as they were found and given; one without an
    /// address if there is none. What cannot be reached is part of it, never an error.
    pub fn observe(&self, service: &HgsService) -> Vec<NodeObservation> {
        let nodes = self.nodes_of(service);
        let reference = self
            .reference
            .as_ref()
            .map(|(name, port)| self.ask_reference(name, *port));
        let mut seen = in_parallel(nodes, |node| self.look(service, node));
        for node in &mut seen {
            node.reference.clone_from(&reference);
        }
        seen
    }

    /// Asks every node of a service for its mode and nothing else: what [`observe`](Self::observe)
    /// sees, without what is not needed for that.
    pub fn observe_mode(&self, service: &HgsService) -> Vec<NodeObservation> {
        in_parallel(self.nodes_of(service), |mut node| {
            if let Some(asked) = self.client(service, &node) {
                node.service_info = Some(get_service_info(&asked));
            }
            node
        })
    }

    /// The nodes, none of them asked yet.
    fn nodes_of(&self, service: &HgsService) -> Vec<NodeObservation> {
        let resolution = self.resolve(service);
        let address = ServiceAddress {
            https: service.is_https(),
            host: service.host().to_owned(),
            port: service.port(),
        };
        let found = resolution.addresses.iter();
        let mut places: Vec<(IpAddr, u16)> = found.map(|ip| (*ip, address.port)).collect();
        for (ip, port) in &self.nodes {
            let place = (*ip, port.unwrap_or(address.port));
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let at = Time::from_unix(now_ms().div_euclid(1000));
        let blank = NodeObservation {
            resolution: resolution.clone(),
            ..NodeObservation::new(at, address)
        };
        if places.is_empty() {
            return vec![blank];
        }
        let node = |(ip, port): (IpAddr, u16)| {
            let named = match resolution.by {
                ResolvedBy::System if resolution.addresses.contains(&ip) => Named::ByResolver,
                _ => Named::ByHand,
            };
            NodeObservation {
                address: Some(ip),
                port,
                refused: refused_address(ip, named).map(str::to_owned),
                ..blank.clone()
            }
        };
        places.into_iter().map(node).collect()
    }

    fn resolve(&self, service: &HgsService) -> Resolution {
        let by_hand: Vec<IpAddr> = self.nodes.iter().map(|(ip, _)| *ip).collect();
        let given = |by, addresses| Resolution {
            by,
            addresses,
            by_hand: by_hand.clone(),
            failure: None,
        };
        if let Some(ip) = service.ip() {
            return given(ResolvedBy::Literal, vec![ip]);
        }
        if let Some(addresses) = self.given_for(service.host()) {
            return given(ResolvedBy::Hand, addresses);
        }
        match look_up(service.host(), self.timeout) {
            Ok(addresses) => given(ResolvedBy::System, addresses),
            Err(failure) => Resolution {
                failure: Some(failure.error.message),
                ..given(ResolvedBy::System, Vec::new())
            },
        }
    }

    fn given_for(&self, name: &str) -> Option<Vec<IpAddr>> {
        let given = self
            .resolve
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(given.1.clone())
    }

    fn client(&self, service: &HgsService, node: &NodeObservation) -> Option<HgsNode> {
        let address = node.address.filter(|_| node.refused.is_none())?;
        let address = SocketAddr::new(address, node.port);
        Some(HgsNode::new(service.clone(), address, self.timeout))
    }

    fn look(&self, service: &HgsService, mut node: NodeObservation) -> NodeObservation {
        let Some(asked) = self.client(service, &node) else {
            return node;
        };
        let Some(ip) = node.address else {
            return node;
        };
        let mut ports = vec![node.port];
        // Where one of the two usual ports is used, the other tells whether clients with the
        // other URL would get anywhere.
        match node.port {
            80 => ports.push(443),
            443 => ports.push(80),
            _ => {}
        }
        for port in ports {
            let failure = probe(SocketAddr::new(ip, port), self.timeout);
            node.ports.push(PortProbe {
                port,
                failure: failure.err().map(Trouble::from),
            });
        }
        if let Some(port) = self.node_ntp {
            node.ntp = Some(self.ask(SocketAddr::new(ip, port)));
        }
        let reached = node
            .ports
            .first()
            .is_some_and(|port| port.failure.is_none());
        if reached {
            node.service_info = Some(get_service_info(&asked));
            node.signers = Some(get(&asked, signers::PATH, signers::MAX_REPLY_LEN));
            node.key_protection = Some(get(&asked, KEY_PROTECTION_PATH, MAX_METADATA_LEN));
        }
        node
    }

    fn ask(&self, server: SocketAddr) -> NtpReading {
        NtpReading {
            server: server.to_string(),
            outcome: match ask_clock(server, self.timeout) {
                Ok(clock) => NtpOutcome::Offset {
                    ahead_ms: clock.ahead_ms,
                    uncertainty_ms: clock.uncertainty_ms,
                },
                Err(failure) => NtpOutcome::Failure(failure.error.message),
            },
        }
    }

    fn ask_reference(&self, name: &str, port: u16) -> NtpReading {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let found = match (bare.parse(), self.given_for(name)) {
            (Ok(ip), _) => Ok(vec![ip]),
            (_, Some(addresses)) => Ok(addresses),
            _ => look_up(name, self.timeout),
        };
        let first = found.map(|addresses| addresses.first().copied());
        match first {
            Ok(Some(ip)) => self.ask(SocketAddr::new(ip, port)),
            other => NtpReading {
                server: format!("{name}:{port}"),
                outcome: NtpOutcome::Failure(other.err().map_or_else(
                    || format!("there is no address for {name}"),
                    |failure| failure.error.message,
                )),
            },
        }
    }
}

fn get_service_info(node: &HgsNode) -> Exchange {
    get(node, service_info::PATH, service_info::MAX_REPLY_LEN)
}

fn get(node: &HgsNode, path: &str, max_len: usize) -> Exchange {
    let seen = node.get(path, max_len);
    let HgsExchange {
        asked_ms,
        answered_ms,
        chain,
        result,
    } = seen;
    let outcome = match result {
        Err(failure) => Outcome::Failure(failure.into()),
        Ok(answer) => {
            let (body, body_trouble) = match answer.body {
                Ok(body) => (body, None),
                Err(failure) => (Vec::new(), Some(failure.into())),
            };
            Outcome::Answer(Answer {
                status: answer.status,
                content_type: answer.content_type,
                date: answer.date,
                location: answer.location,
                body: Blob(body),
                body_trouble,
            })
        }
    };
    Exchange {
        path: path.to_owned(),
        asked_ms,
        answered_ms,
        tls_chain: chain.map(|chain| chain.into_iter().map(Blob).collect()),
        outcome,
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let Error { message, .. } = failure.error;
        Self {
            cause: failure.cause.as_str().to_owned(),
            message,
        }
    }
}

/// All at the same time: a node that does not answer keeps no other waiting.
fn in_parallel(
    nodes: Vec<NodeObservation>,
    look: impl Fn(NodeObservation) -> NodeObservation + Sync,
) -> Vec<NodeObservation> {
    let look = &look;
    std::thread::scope(|scope| {
        let start = |node: NodeObservation| {
            let blank = node.clone();
            let thread = std::thread::Builder::new().spawn_scoped(scope, move || look(node));
            (blank, thread)
        };
        let threads: Vec<_> = nodes.into_iter().map(start).collect();
        let finish = |(blank, thread): (NodeObservation, std::io::Result<_>)| match thread {
            Ok(thread) => std::thread::ScopedJoinHandle::join(thread).unwrap_or(blank),
            // The machine has no more threads to give: one after the other, then.
            Err(_) => look(blank),
        };
        threads.into_iter().map(finish).collect()
    })
}
