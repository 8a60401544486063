//! What stands in the columns: certificates that issued nothing.

use std::collections::BTreeMap;

use super::class_of;
use super::draw::Badge;
use crate::trust::graph::words::{self, year};
use crate::trust::graph::{Graph, Node};

/// From so many certificates under one issuer on, those with like names share a cell.
const COLLAPSE_FROM: usize = 200;
/// So many with like names.
const COLLAPSED_FROM: usize = 3;

/// A place in the columns.
pub(super) enum Cell {
    One(usize),
    /// What their names have in common, and which they are.
    Many(String, Vec<usize>),
}

impl Cell {
    pub(super) fn first<'g>(&self, graph: &'g Graph) -> Option<&'g Node> {
        match self {
            Self::One(index) => graph.nodes.get(*index),
            Self::Many(_, indices) => graph.nodes.get(*indices.first()?),
        }
    }
}

/// One for each, or fewer where there are too many.
pub(super) fn cells(graph: &Graph, leaves: &[usize]) -> Vec<Cell> {
    if leaves.len() < COLLAPSE_FROM {
        return leaves.iter().copied().map(Cell::One).collect();
    }
    let mut by_stem: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &leaf in leaves {
        let name = graph
            .nodes
            .get(leaf)
            .map(|node| node.name.clone())
            .unwrap_or_default();
        by_stem.entry(words::stem(&name)).or_default().push(leaf);
    }
    let mut cells = Vec::new();
    for (stem, indices) in by_stem {
        if indices.len() < COLLAPSED_FROM {
            cells.extend(indices.into_iter().map(Cell::One));
        } else {
            cells.push(Cell::Many(stem, indices));
        }
    }
    cells
}

/// What certificates with like names have in common, and how many have which mark.
pub(super) fn of_many(graph: &Graph, indices: &[usize]) -> (String, Vec<Badge>) {
    let nodes: Vec<&Node> = indices
        .iter()
        .filter_map(|&index| graph.nodes.get(index))
        .collect();
    let mut keys: Vec<String> = nodes.iter().map(|node| node.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    let ends = || nodes.iter().map(|node| node.certificate.not_after());
    let mut facts = keys.join(", ");
    if let (Some(first), Some(last)) = (ends().min(), ends().max()) {
        facts.push_str(&format!(" · to {}", year(first)));
        if year(first) != year(last) {
            facts.push_str(&format!(" … {}", year(last)));
        }
    }
    let badges = words::MARKS
        .iter()
        .filter_map(|&(mark, word, _)| {
            let marked = nodes.iter().filter(|node| node.marks.contains(&mark));
            let count = marked.count();
            let word = match count {
                0 => return None,
                all if all == nodes.len() => word.to_owned(),
                some => format!("{some} {word}"),
            };
            Some(Badge {
                word,
                class: class_of(mark),
            })
        })
        .collect();
    (facts, badges)
}
