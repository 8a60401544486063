use std::collections::HashSet;

use super::Subject;
use crate::diagnose::in_words::named;
use crate::ek::Certificate;
use crate::finding::{Code, Finding};
use crate::hash::Sha256Digest;

/// The certificates of one node of the service.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the node is called.
    pub name: String,
    /// Its certificates, in any order.
    pub certificates: Vec<Certificate>,
}

/// What came of comparing the nodes, each with each.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The pairs of nodes that differ, by the place of each among the nodes.
    pub differences: Vec<PairDifference>,
}

/// Two nodes whose certificates are not the same.
#[derive(Clone, Debug)]
pub struct PairDifference {
    /// One of them.
    pub left: String,
    /// The other.
    pub right: String,
    /// What only the one has.
    pub only_left: Vec<Certificate>,
    /// What only the other has.
    pub only_right: Vec<Certificate>,
    /// The keys that both have in certificates that are not the same: one was renewed.
    pub renewed: Vec<Sha256Digest>,
}

const HELP: &str = "install the same certificates with their private keys on both nodes; what was added \
     as a PFX file is replicated by the service, what was added by its thumbprint is not";

/// Compares the certificates of the nodes, each with each. Every node has to have the same
/// ones; the order does not count.
pub fn compare(nodes: &[Node]) -> Comparison {
    let mut differences = Vec::new();
    for (index, left) in nodes.iter().enumerate() {
        for right in nodes.iter().skip(index.saturating_add(1)) {
            differences.extend(difference(left, right));
        }
    }
    Comparison { differences }
}

/// Compares each of these nodes with one that is the measure: as telling as [`compare`]
/// whether they differ, and not more work than there are nodes.
pub fn compare_with(measure: &Node, others: &[Node]) -> Comparison {
    let differences = others.iter().filter_map(|other| difference(measure, other));
    Comparison {
        differences: differences.collect(),
    }
}

fn difference(left: &Node, right: &Node) -> Option<PairDifference> {
    let only = |of: &Node, other: &Node| -> Vec<Certificate> {
        let known: HashSet<&[u8]> = other.certificates.iter().map(Certificate::der).collect();
        let certificates = of.certificates.iter();
        let missing = certificates.filter(|certificate| !known.contains(certificate.der()));
        missing.cloned().collect()
    };
    let (only_left, only_right) = (only(left, right), only(right, left));
    if only_left.is_empty() && only_right.is_empty() {
        return None;
    }
    let key =
        |certificate: &Certificate| certificate.public_key().ok().map(|key| key.spki_sha256());
    let keys: HashSet<_> = only_right.iter().filter_map(key).collect();
    let renewed = only_left
        .iter()
        .filter_map(key)
        .filter(|key| keys.contains(key));
    Some(PairDifference {
        left: left.name.clone(),
        right: right.name.clone(),
        renewed: renewed.collect(),
        only_left,
        only_right,
    })
}

impl PairDifference {
    /// In words.
    pub fn finding(&self) -> Finding {
        let listed = |certificates: &[Certificate]| {
            let each = certificates.iter().map(named);
            each.collect::<Vec<_>>().join("; ")
        };
        let mut parts = Vec::new();
        if !self.only_left.is_empty() {
            parts.push(format!(
                "only {} has {}",
                self.left,
                listed(&self.only_left)
            ));
        }
        if !self.only_right.is_empty() {
            parts.push(format!(
                "only {} has {}",
                self.right,
                listed(&self.only_right)
            ));
        }
        if !self.renewed.is_empty() {
            parts.push(
                "there is the same key in certificates that are not the same, so one was renewed on \
                 one node alone"
                    .to_owned(),
            );
        }
        Finding::new(
            Code::HgsPairDiffers,
            format!(
                "{} and {} differ: {}",
                self.left,
                self.right,
                parts.join("; ")
            ),
            HELP,
        )
    }
}

/// What is wrong with a renewal: nothing if the key is that of one of the old certificates.
/// Equal keys are proved by their SubjectPublicKeyInfo.
pub fn renewal_finding(new: &Subject, old: &[Subject]) -> Option<Finding> {
    let key = new.key?;
    if old.iter().any(|old| old.key == Some(key)) {
        return None;
    }
    let keys = old.iter().filter_map(|old| old.key);
    let keys: Vec<_> = keys.map(|key| key.to_string()).collect();
    Some(Finding::new(
        Code::HgsRenewedKey,
        format!("the key is a new one: {key}, and not {}", keys.join(", ")),
        "request the renewal with the old key (endorse make-request --key, or \"Renew certificate \
         with the same key\"); with a new key shielded VMs do not start, so keep the old \
         certificate enabled until every VM is moved",
    ))
}
