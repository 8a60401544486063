use std::collections::HashMap;

use super::{Graph, Node, Orphan};
use crate::ek::NameKey;
use crate::finding::{Error, Fault};
use crate::trust::signature::{self, SignatureError};

/// The most pairs of certificates that are held against each other because the issuer of
/// the one has the name of the other. Microsoft's package has 2,152; many certificates of
/// one name would have the square of their number, and as many lines.
pub const MAX_GRAPH_PAIRS: usize = 200_000;

impl Graph {
    /// Finds the keys that signed each certificate.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        let mut by_subject: HashMap<&NameKey, Vec<usize>> = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let subject = node.certificate.subject();
            if !subject.is_empty() {
                by_subject.entry(subject.key()).or_default().push(index);
            }
        }
        let mut budget = MAX_GRAPH_PAIRS;
        let mut found = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let candidates = by_subject
                .get(node.certificate.issuer().key())
                .map_or(&[][..], Vec::as_slice);
            found.push(self.issuers_of(index, node, candidates, &mut budget)?);
        }
        for (index, (issuers, orphan)) in found.into_iter().enumerate() {
            for &issuer in &issuers {
                if let Some(issuer) = self.nodes.get_mut(issuer) {
                    issuer.subjects.push(index);
                }
            }
            if let Some(node) = self.nodes.get_mut(index) {
                node.issuers = issuers;
                node.orphan = orphan;
            }
        }
        Ok(())
    }

    /// Those of the candidates whose key signed the node, or why there is none.
    fn issuers_of(
        &self,
        index: usize,
        node: &Node,
        candidates: &[usize],
        budget: &mut usize,
    ) -> Result<(Vec<usize>, Option<Orphan>), Error> {
        // Editions of one CA have one key: it is tried once.
        let mut tried: HashMap<&[u8], bool> = HashMap::new();
        let mut issuers = Vec::new();
        let mut orphan = Orphan::NotHere;
        let mut self_signed = false;
        for &candidate in candidates {
            let Some(issuer) = self.nodes.get(candidate) else {
                continue;
            };
            *budget = budget.checked_sub(1).ok_or_else(too_many_pairs)?;
            let key = issuer.certificate.spki_der();
            let signed = match tried.get(key) {
                Some(&signed) => signed,
                None => {
                    let result = signature::verify(&node.certificate, &issuer.certificate);
                    if matches!(result, Err(SignatureError::Unsupported(_))) {
                        orphan = Orphan::Unsupported;
                    } else if orphan == Orphan::NotHere {
                        orphan = Orphan::OtherKey;
                    }
                    tried.insert(key, result.is_ok());
                    result.is_ok()
                }
            };
            if signed && candidate == index {
                self_signed = true;
            } else if signed {
                issuers.push(candidate);
            }
        }
        // A root's key is in its other editions as well; it needs no issuer among them.
        if self_signed {
            orphan = Orphan::SelfSigned;
            issuers.clear();
        }
        let orphan = issuers.is_empty().then_some(orphan);
        Ok((issuers, orphan))
    }
}

fn too_many_pairs() -> Error {
    Error::new(
        Fault::Unsupported,
        format!(
            "more than {MAX_GRAPH_PAIRS} pairs of certificates could be issuer and subject by \
             their names"
        ),
        "many certificates share one name: take them out of the store",
    )
}
