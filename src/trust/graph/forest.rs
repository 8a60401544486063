//! The graph as trees: what is drawn has one place for each certificate.

use std::collections::{BTreeMap, VecDeque};

use super::{Graph, GraphRole, Orphan, words};

/// A tree for each certificate that hangs from nothing, and who hangs from whom in it.
pub(super) struct Forest {
    /// The roots of the trees: of those with an anchor, and of the others.
    pub(super) anchored: Vec<usize>,
    pub(super) orphans: Vec<usize>,
    /// Of each node, the nodes that hang from it.
    pub(super) children: Vec<Vec<usize>>,
    /// Of each node, the one it hangs from.
    pub(super) parents: Vec<Option<usize>>,
}

impl Forest {
    /// Each certificate hangs from the issuer that is nearest to an anchor nobody issued.
    pub(super) fn of(graph: &Graph) -> Self {
        let count = graph.nodes.len();
        let mut forest = Self {
            anchored: Vec::new(),
            orphans: Vec::new(),
            children: vec![Vec::new(); count],
            parents: vec![None; count],
        };
        let mut placed = vec![false; count];
        // Anchors that nobody issued; anchors that issued each other; certificates without
        // an anchor that nobody issued; and those that issued each other.
        for (anchored, only_without_issuer) in
            [(true, true), (true, false), (false, true), (false, false)]
        {
            let mut queue = VecDeque::new();
            for (index, node) in graph.nodes.iter().enumerate() {
                let fits = (node.role == GraphRole::Root || !anchored)
                    && (node.issuers.is_empty() || !only_without_issuer);
                if fits && placed.get(index) == Some(&false) {
                    let roots = if anchored {
                        &mut forest.anchored
                    } else {
                        &mut forest.orphans
                    };
                    roots.push(index);
                    queue.push_back(index);
                    mark(&mut placed, index);
                    if !only_without_issuer {
                        forest.hang(graph, &mut queue, &mut placed);
                    }
                }
            }
            forest.hang(graph, &mut queue, &mut placed);
        }
        forest
    }

    /// Hangs what the queued certificates issued from them, level by level.
    fn hang(&mut self, graph: &Graph, queue: &mut VecDeque<usize>, placed: &mut [bool]) {
        while let Some(index) = queue.pop_front() {
            let subjects = graph
                .nodes
                .get(index)
                .map_or(&[][..], |node| &node.subjects);
            for &subject in subjects {
                if placed.get(subject) == Some(&false) {
                    mark(placed, subject);
                    if let Some(parent) = self.parents.get_mut(subject) {
                        *parent = Some(index);
                    }
                    if let Some(children) = self.children.get_mut(index) {
                        children.push(subject);
                    }
                    queue.push_back(subject);
                }
            }
        }
    }

    /// The trees without an anchor, by why there is none and whose certificate is missing.
    pub(super) fn by_missing_issuer(
        &self,
        graph: &Graph,
    ) -> BTreeMap<(&'static str, String), Vec<usize>> {
        let mut groups: BTreeMap<(&'static str, String), Vec<usize>> = BTreeMap::new();
        for &index in &self.orphans {
            let Some(node) = graph.nodes.get(index) else {
                continue;
            };
            let group = match node.orphan {
                Some(Orphan::SelfSigned) => (Orphan::SelfSigned.words(), String::new()),
                Some(orphan) => (orphan.words(), words::issuer_of(&node.certificate)),
                None => ("they issued each other", String::new()),
            };
            groups.entry(group).or_default().push(index);
        }
        groups
    }

    /// The issuers of a node from which it does not hang.
    pub(super) fn other_issuers(&self, graph: &Graph, index: usize) -> Vec<usize> {
        let parent = self.parents.get(index).copied().flatten();
        let issuers = graph.nodes.get(index).map_or(&[][..], |node| &node.issuers);
        let others = issuers.iter().copied();
        others.filter(|issuer| Some(*issuer) != parent).collect()
    }
}

fn mark(placed: &mut [bool], index: usize) {
    if let Some(placed) = placed.get_mut(index) {
        *placed = true;
    }
}
