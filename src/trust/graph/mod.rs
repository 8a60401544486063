//! The hierarchy of a store: which certificate issued which, as a graph that can be drawn.
//!
//! There is an edge only where a key made the signature: names alone do not say who
//! issued a certificate (in Microsoft's package 445 subject names belong to several keys).
//! That a path leads to an anchor does not make it valid: dates, constraints and
//! revocation are for [`Store::verify`](super::Store::verify).

mod connect;
mod dot;
mod forest;
mod svg;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Policy, Purpose, signature, too_small};
use crate::der::Time;
use crate::ek::{Certificate, NameKey, check_key, hashes_with_sha1};
use crate::finding::{Error, Fault, Severity};
use crate::hash::{Sha256Digest, sha256};

pub use connect::MAX_GRAPH_PAIRS;

/// The most certificates that are drawn: nine times Microsoft's package.
pub const MAX_GRAPH_NODES: usize = 20_000;

/// What a certificate of a graph is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GraphRole {
    /// An anchor: it is trusted as it stands.
    Root,
    /// A CA certificate that is trusted by what issued it.
    Intermediate,
    /// The certificate of an endorsement key.
    EkCert,
}

/// A certificate that goes into a graph.
#[derive(Clone, Copy, Debug)]
pub struct GraphEntry<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// What it is there for.
    pub role: GraphRole,
    /// Its vendor, where that is known.
    pub vendor: Option<&'a str>,
    /// What it issues certificates for.
    pub purpose: Purpose,
}

/// Certificates and who issued them.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In the order of their names as shown, then of SHA-256.
    nodes: Vec<Node>,
    at: Time,
}

/// A certificate of a graph.
#[derive(Clone, Debug)]
struct Node {
    certificate: Certificate,
    /// What it is called here.
    name: String,
    role: GraphRole,
    vendors: BTreeSet<String>,
    purpose: Purpose,
    /// The nodes whose key made the signature, itself apart.
    issuers: Vec<usize>,
    /// The nodes that it issued, itself apart.
    subjects: Vec<usize>,
    /// Why it has no issuer, if it has none.
    orphan: Option<Orphan>,
    /// Whether edges lead from an anchor to it, or it is one.
    anchored: bool,
    marks: Vec<Mark>,
}

/// Why a certificate has no issuer in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Orphan {
    /// It issued itself.
    SelfSigned,
    /// No certificate has the issuer's name.
    NotHere,
    /// There are certificates with the issuer's name, but none of their keys signed it.
    OtherKey,
    /// There is one with the issuer's name, but the signature cannot be verified here.
    Unsupported,
}

/// What a person should see about a certificate at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// An anchor.
    Anchor,
    /// An anchor that another CA issued.
    NotSelfIssued,
    /// Past its validity.
    Expired,
    /// Before its validity.
    NotYetValid,
    /// Signed with SHA-1.
    Sha1,
    /// A key that is too small or proven weak.
    WeakKey,
    /// Another certificate has its subject and another key.
    SharedName,
    /// Another certificate has its subject and its key.
    OtherEdition,
    /// For attestation identity keys only.
    Aik,
}

impl Graph {
    /// Puts certificates in relation. One that is there several times is one node: with
    /// all its vendors, and an anchor if it is one anywhere. `at` is the time at which a
    /// certificate is expired or not yet valid. The order of the entries does not matter.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] above [`MAX_GRAPH_NODES`] or [`MAX_GRAPH_PAIRS`].
    pub fn of<'a>(
        entries: impl IntoIterator<Item = GraphEntry<'a>>,
        at: Time,
    ) -> Result<Self, Error> {
        let mut graph = Self {
            nodes: gather(entries)?,
            at,
        };
        graph.connect()?;
        graph.find_anchored();
        graph.mark();
        Ok(graph)
    }

    /// The certificates for which `keep` is true, and all that lead from anchors to them.
    pub fn restricted(&self, keep: impl Fn(&Certificate) -> bool) -> Self {
        let mut kept: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| keep(&node.certificate))
            .collect();
        let mut queue: VecDeque<usize> = (0..kept.len())
            .filter(|&index| kept.get(index) == Some(&true))
            .collect();
        while let Some(index) = queue.pop_front() {
            for &issuer in self.nodes.get(index).map_or(&[][..], |node| &node.issuers) {
                if let Some(kept) = kept.get_mut(issuer)
                    && !*kept
                {
                    *kept = true;
                    queue.push_back(issuer);
                }
            }
        }
        let mut places = HashMap::new();
        for (index, kept) in kept.iter().enumerate() {
            if *kept {
                places.insert(index, places.len());
            }
        }
        let moved = |indices: &[usize]| {
            indices
                .iter()
                .filter_map(|index| places.get(index).copied())
                .collect()
        };
        let nodes = self.nodes.iter().zip(&kept).filter(|(_, kept)| **kept);
        Self {
            nodes: nodes
                .map(|(node, _)| Node {
                    issuers: moved(&node.issuers),
                    subjects: moved(&node.subjects),
                    ..node.clone()
                })
                .collect(),
            at: self.at,
        }
    }

    /// How many certificates there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many of them are anchors.
    pub fn anchors(&self) -> usize {
        let nodes = self.nodes.iter();
        nodes.filter(|node| node.role == GraphRole::Root).count()
    }

    /// How many of them no edge leads to from an anchor.
    pub fn unanchored(&self) -> usize {
        self.nodes.iter().filter(|node| !node.anchored).count()
    }

    /// Who issued what: (issuer, subject), each once.
    pub fn edges(&self) -> impl Iterator<Item = (Sha256Digest, Sha256Digest)> {
        self.nodes.iter().flat_map(move |node| {
            let issuers = node
                .issuers
                .iter()
                .filter_map(|&issuer| self.nodes.get(issuer));
            issuers.map(move |issuer| (issuer.certificate.sha256(), node.certificate.sha256()))
        })
    }

    /// The graph in the language of Graphviz (`dot`).
    pub fn to_dot(&self, title: &str) -> String {
        dot::write(self, title)
    }

    /// The graph as a picture in SVG, which needs nothing else to be seen.
    pub fn to_svg(&self, title: &str) -> String {
        svg::write(self, title)
    }

    /// Follows the edges from the anchors.
    fn find_anchored(&mut self) {
        let mut queue: VecDeque<usize> = VecDeque::new();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.anchored = node.role == GraphRole::Root;
            if node.anchored {
                queue.push_back(index);
            }
        }
        while let Some(index) = queue.pop_front() {
            let subjects = self.nodes.get(index).map(|node| node.subjects.clone());
            for subject in subjects.unwrap_or_default() {
                if let Some(node) = self.nodes.get_mut(subject)
                    && !node.anchored
                {
                    node.anchored = true;
                    queue.push_back(subject);
                }
            }
        }
    }

    fn mark(&mut self) {
        let mut keys: HashMap<NameKey, HashSet<Sha256Digest>> = HashMap::new();
        let mut editions: HashMap<(NameKey, Sha256Digest), usize> = HashMap::new();
        for node in &self.nodes {
            let name = node.certificate.subject().key().clone();
            let key = sha256(node.certificate.spki_der());
            keys.entry(name.clone()).or_default().insert(key);
            let count = editions.entry((name, key)).or_default();
            *count = count.saturating_add(1);
        }
        let at = self.at;
        for node in &mut self.nodes {
            let certificate = &node.certificate;
            let subject = certificate.subject();
            let key = sha256(certificate.spki_der());
            let named = !subject.is_empty();
            let shared = keys.get(subject.key()).is_some_and(|keys| keys.len() > 1);
            let several = editions
                .get(&(subject.key().clone(), key))
                .is_some_and(|&count| count > 1);
            let is_root = node.role == GraphRole::Root;
            let marks = [
                (Mark::Anchor, is_root),
                (
                    Mark::NotSelfIssued,
                    is_root && !certificate.is_self_issued(),
                ),
                (Mark::Expired, at > certificate.not_after()),
                (Mark::NotYetValid, at < certificate.not_before()),
                (
                    Mark::Sha1,
                    hashes_with_sha1(certificate.signature_algorithm_der()),
                ),
                (Mark::WeakKey, is_weak(certificate)),
                (Mark::SharedName, named && shared),
                (Mark::OtherEdition, named && several),
                (Mark::Aik, node.purpose == Purpose::Aik),
            ];
            node.marks = marks
                .into_iter()
                .filter_map(|(mark, applies)| applies.then_some(mark))
                .collect();
        }
    }
}

/// Whether the key is smaller than policies want by default, or proven weak by its numbers.
fn is_weak(certificate: &Certificate) -> bool {
    let small = signature::key_algorithm(certificate)
        .is_some_and(|algorithm| too_small(algorithm, &Policy::default()).is_some());
    small
        || certificate.public_key().is_ok_and(|key| {
            let findings = check_key(&key);
            findings
                .iter()
                .any(|finding| finding.severity == Severity::Error)
        })
}

/// One node for each certificate, in order.
fn gather<'a>(entries: impl IntoIterator<Item = GraphEntry<'a>>) -> Result<Vec<Node>, Error> {
    let mut nodes: HashMap<Sha256Digest, Node> = HashMap::new();
    for entry in entries {
        let certificate = entry.certificate;
        let node = nodes.entry(certificate.sha256()).or_insert_with(|| Node {
            certificate: certificate.clone(),
            name: String::new(),
            role: entry.role,
            vendors: BTreeSet::new(),
            purpose: entry.purpose,
            issuers: Vec::new(),
            subjects: Vec::new(),
            orphan: None,
            anchored: false,
            marks: Vec::new(),
        });
        // Root is the least of the roles.
        node.role = node.role.min(entry.role);
        node.purpose = node.purpose.min(entry.purpose);
        node.vendors.extend(entry.vendor.map(str::to_owned));
        if nodes.len() > MAX_GRAPH_NODES {
            return Err(Error::new(
                Fault::Unsupported,
                format!("more than {MAX_GRAPH_NODES} certificates are not drawn"),
                "take out of the store what no EKcert chains over",
            ));
        }
    }
    let mut nodes: Vec<Node> = nodes.into_values().collect();
    let certificates: Vec<&Certificate> = nodes.iter().map(|node| &node.certificate).collect();
    for (name, node) in words::names(&certificates).into_iter().zip(&mut nodes) {
        node.name = name;
    }
    nodes.sort_by(|a, b| {
        let digests = || a.certificate.sha256().cmp(&b.certificate.sha256());
        a.name.cmp(&b.name).then_with(digests)
    });
    Ok(nodes)
}
