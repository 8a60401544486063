//! A picture: for each vendor its trees, from left to right and from top to bottom.
//!
//! A certificate that issued others has a box of its own. Those that issued nothing stand
//! in columns under their issuer, and where they are very many, those with like names
//! share a cell. Everything is placed by counting characters: no font is measured.

use std::collections::BTreeMap;

use super::forest::Forest;
use super::words::{self, cut, day};
use super::{Graph, GraphRole, Mark, Node};

mod cells;
mod draw;

use cells::{Cell, cells, of_many};
use draw::{Badge, Drawing};

/// Widths and heights in pixels.
const WIDTH: usize = 1200;
const MARGIN: usize = 24;
const INDENT: usize = 28;
const GAP: usize = 8;
const BOX_HEIGHT: usize = 42;
/// What badges add to it.
const BADGES_HEIGHT: usize = 18;
const BOX_WIDTH: usize = 620;
const CELL_HEIGHT: usize = 38;
const CELL_WIDTH: usize = 360;
/// From one cell to the next.
const CELL_STEP: usize = CELL_WIDTH + GAP;
/// Deeper trees are drawn no further to the right. Genuine hierarchies have four levels.
const MAX_INDENT: usize = 12;

pub(super) fn write(graph: &Graph, title: &str) -> String {
    let forest = Forest::of(graph);
    let mut picture = Picture {
        graph,
        forest: &forest,
        drawing: Drawing::default(),
        y: MARGIN,
    };
    picture.head(title);
    for (vendor, section) in sections(graph, &forest) {
        picture.vendor(&vendor, &section);
    }
    if graph.is_empty() {
        picture
            .drawing
            .text(MARGIN, picture.y, "text", "There is no certificate.");
        picture.down(GAP.saturating_mul(3));
    }
    let description = description(graph);
    let height = picture.y.saturating_add(MARGIN);
    picture.drawing.into_svg(WIDTH, height, title, &description)
}

/// The trees of a vendor.
#[derive(Default)]
struct Section {
    anchored: Vec<usize>,
    /// By why there is no issuer, and its name.
    orphans: BTreeMap<(&'static str, String), Vec<usize>>,
}

/// By vendor; what has none comes last.
fn sections(graph: &Graph, forest: &Forest) -> Vec<(String, Section)> {
    let mut sections: BTreeMap<(bool, String), Section> = BTreeMap::new();
    let vendor_of = |index: usize| {
        let vendor = graph.nodes.get(index).map(Node::vendor).unwrap_or_default();
        (vendor.is_empty(), vendor)
    };
    for &index in &forest.anchored {
        let section = sections.entry(vendor_of(index)).or_default();
        section.anchored.push(index);
    }
    for (group, roots) in forest.by_missing_issuer(graph) {
        for index in roots {
            let section = sections.entry(vendor_of(index)).or_default();
            section
                .orphans
                .entry(group.clone())
                .or_default()
                .push(index);
        }
    }
    let named = sections.into_iter();
    named
        .map(|((_, vendor), section)| (vendor, section))
        .collect()
}

fn description(graph: &Graph) -> String {
    format!(
        "{}. Each certificate stands below the one whose key made its signature.",
        words::summary(graph)
    )
}

/// A drawing under way.
struct Picture<'a> {
    graph: &'a Graph,
    forest: &'a Forest,
    drawing: Drawing,
    /// Where the next thing goes.
    y: usize,
}

/// What is still to be drawn of a tree.
struct Pending {
    index: usize,
    depth: usize,
    /// Where the line from its issuer begins: x, y.
    from: Option<(usize, usize)>,
}

impl Picture<'_> {
    fn down(&mut self, pixels: usize) {
        self.y = self.y.saturating_add(pixels);
    }

    /// Title, numbers, legend.
    fn head(&mut self, title: &str) {
        self.down(12);
        self.drawing.text(MARGIN, self.y, "title", &cut(title, 110));
        self.down(22);
        self.drawing
            .text(MARGIN, self.y, "text", &words::summary(self.graph));
        self.down(18);
        self.drawing.text(
            MARGIN,
            self.y,
            "text",
            "Each certificate hangs from the one whose key made its signature, as was verified; what issued nothing stands in columns.",
        );
        self.down(16);
        self.drawing.text(
            MARGIN,
            self.y,
            "text",
            "That one hangs from an anchor says nothing of dates, constraints and revocation.",
        );
        self.down(10);
        let nodes = &self.graph.nodes;
        for (mark, word, meaning) in words::MARKS {
            if nodes.iter().any(|node| node.marks.contains(&mark)) {
                let badge = Badge {
                    word: word.to_owned(),
                    class: class_of(mark),
                };
                let width = self.drawing.badge(MARGIN, self.y, &badge);
                let x = MARGIN.saturating_add(width).saturating_add(GAP);
                self.drawing
                    .text(x, self.y.saturating_add(12), "text", meaning);
                self.down(20);
            }
        }
        self.down(GAP);
    }

    fn vendor(&mut self, vendor: &str, section: &Section) {
        self.down(24);
        let name = if vendor.is_empty() {
            "No vendor stated"
        } else {
            vendor
        };
        self.drawing.text(MARGIN, self.y, "vendor", &cut(name, 100));
        self.down(6);
        self.drawing
            .line(MARGIN, self.y, WIDTH.saturating_sub(MARGIN), self.y);
        self.down(10);
        self.trees(&section.anchored, 0, None);
        for ((why, issuer), roots) in &section.orphans {
            self.down(GAP);
            let text = if issuer.is_empty() {
                format!("No path to an anchor: {why}")
            } else {
                format!("No path to an anchor: {why}: {}", cut(issuer, 100))
            };
            self.drawing
                .text(MARGIN, self.y.saturating_add(12), "missing", &text);
            let from = (MARGIN.saturating_add(12), self.y.saturating_add(18));
            self.down(24);
            self.trees(roots, 1, Some(from));
        }
    }

    /// Draws trees whose roots stand at this depth. A stack in place of recursion: how
    /// deep a tree is, its certificates say.
    fn trees(&mut self, roots: &[usize], depth: usize, from: Option<(usize, usize)>) {
        // Orphans that issued nothing stand in columns as well.
        let (leaves, inner): (Vec<usize>, Vec<usize>) = roots
            .iter()
            .partition(|&&root| from.is_some() && self.is_leaf(root));
        self.leaves(&leaves, depth, from);
        let pending = |&index: &usize| Pending { index, depth, from };
        let mut stack: Vec<Pending> = inner.iter().rev().map(pending).collect();
        while let Some(next) = stack.pop() {
            let Some(from) = self.node(&next) else {
                continue;
            };
            let children = self.children(next.index);
            let (leaves, inner): (Vec<usize>, Vec<usize>) =
                children.iter().partition(|&&child| self.is_leaf(child));
            let depth = next.depth.saturating_add(1);
            self.leaves(&leaves, depth, Some(from));
            stack.extend(inner.iter().rev().map(|&index| Pending {
                index,
                depth,
                from: Some(from),
            }));
        }
    }

    fn children(&self, index: usize) -> Vec<usize> {
        self.forest.children.get(index).cloned().unwrap_or_default()
    }

    /// Whether it has no box of its own: it issued nothing, and is no anchor.
    fn is_leaf(&self, index: usize) -> bool {
        let anchor = self
            .graph
            .nodes
            .get(index)
            .is_some_and(|node| node.role == GraphRole::Root);
        !anchor && self.children(index).is_empty()
    }

    /// The box of a certificate; returns where the lines to what it issued begin.
    fn node(&mut self, pending: &Pending) -> Option<(usize, usize)> {
        let graph = self.graph;
        let node = graph.nodes.get(pending.index)?;
        if pending.from.is_none() {
            self.down(GAP);
        }
        let x = indented(pending.depth);
        let y = self.y;
        let others = self.forest.other_issuers(graph, pending.index);
        let badges = self.badges(node, &others);
        let height = if badges.is_empty() {
            BOX_HEIGHT
        } else {
            BOX_HEIGHT.saturating_add(BADGES_HEIGHT)
        };
        let width = BOX_WIDTH.min(WIDTH.saturating_sub(MARGIN).saturating_sub(x));
        if let Some(from) = pending.from {
            self.drawing.elbow(from, x, y.saturating_add(height / 2));
        }
        self.drawing.open_group(&node.details());
        self.drawing
            .rectangle(x, y, width, height, class_of_box(node));
        let text_x = x.saturating_add(14);
        let room = width.saturating_sub(28);
        self.drawing
            .fitted(text_x, y.saturating_add(19), "name", &node.name, room);
        let mut facts = format!("{} · {} · {}", node.key(), node.digest(), node.validity());
        let issued = self.children(pending.index).len();
        if issued > 0 {
            facts.push_str(&format!(" · issued {issued}"));
        }
        self.drawing
            .fitted(text_x, y.saturating_add(34), "text", &facts, room);
        self.badge_row(text_x, y.saturating_add(40), room, &badges);
        self.drawing.close_group();
        self.down(height.saturating_add(GAP));
        Some((x.saturating_add(12), y.saturating_add(height)))
    }

    /// The marks, and further issuers.
    fn badges(&self, node: &Node, others: &[usize]) -> Vec<Badge> {
        let mut badges: Vec<Badge> = node
            .marks
            .iter()
            .map(|&mark| Badge {
                word: mark.word().to_owned(),
                class: class_of(mark),
            })
            .collect();
        let issuers = others
            .iter()
            .filter_map(|&issuer| self.graph.nodes.get(issuer));
        let digests: Vec<String> = issuers.map(Node::digest).collect();
        if let Some((first, more)) = digests.split_first() {
            let mut word = format!("also issued by {first}");
            if !more.is_empty() {
                word.push_str(&format!(" and {} more", more.len()));
            }
            badges.push(Badge {
                word,
                class: "quiet",
            });
        }
        badges
    }

    /// As many badges as there is room for, and how many there are more.
    fn badge_row(&mut self, x: usize, y: usize, room: usize, badges: &[Badge]) {
        const BETWEEN: usize = 5;
        let end = x.saturating_add(room);
        let mut at = x;
        for (drawn, badge) in badges.iter().enumerate() {
            let left = badges.len().saturating_sub(drawn);
            let more = Badge {
                word: format!("+{left}"),
                class: "quiet",
            };
            let mut needed = badge.width();
            if left > 1 {
                needed = needed.saturating_add(BETWEEN).saturating_add(more.width());
            }
            if at.saturating_add(needed) > end {
                self.drawing.badge(at, y, &more);
                return;
            }
            let width = self.drawing.badge(at, y, badge);
            at = at.saturating_add(width).saturating_add(BETWEEN);
        }
    }

    /// What issued nothing, in columns.
    fn leaves(&mut self, leaves: &[usize], depth: usize, from: Option<(usize, usize)>) {
        if leaves.is_empty() {
            return;
        }
        let x = indented(depth);
        let room = WIDTH.saturating_sub(MARGIN).saturating_sub(x);
        let columns = (room.saturating_add(GAP) / CELL_STEP).max(1);
        if let Some(from) = from {
            self.drawing
                .elbow(from, x, self.y.saturating_add(CELL_HEIGHT / 2));
        }
        let cells = cells(self.graph, leaves);
        for row in cells.chunks(columns) {
            let mut cell_x = x;
            for cell in row {
                self.cell(cell, cell_x);
                cell_x = cell_x.saturating_add(CELL_STEP);
            }
            self.down(CELL_HEIGHT.saturating_add(6));
        }
        self.down(GAP.saturating_sub(6));
    }

    fn cell(&mut self, cell: &Cell, x: usize) {
        let y = self.y;
        let graph = self.graph;
        let Some(node) = cell.first(graph) else {
            return;
        };
        let text_x = x.saturating_add(10);
        let room = CELL_WIDTH.saturating_sub(18);
        let (details, name, facts, badges) = match cell {
            Cell::One(index) => {
                let others = self.forest.other_issuers(graph, *index);
                (
                    node.details(),
                    node.name.clone(),
                    format!(
                        "{} · {} · to {}",
                        node.key(),
                        node.digest(),
                        day(node.certificate.not_after())
                    ),
                    self.badges(node, &others),
                )
            }
            Cell::Many(stem, indices) => {
                let (facts, badges) = of_many(graph, indices);
                let details = vec![
                    format!("{} certificates like", indices.len()),
                    node.name.clone(),
                ];
                (
                    details,
                    format!("{} × {stem}", indices.len()),
                    facts,
                    badges,
                )
            }
        };
        self.drawing.open_group(&details);
        let class = match cell {
            Cell::One(_) => class_of_box(node),
            Cell::Many(..) => "box many",
        };
        self.drawing.rectangle(x, y, CELL_WIDTH, CELL_HEIGHT, class);
        self.drawing
            .fitted(text_x, y.saturating_add(15), "name", &name, room);
        let written = self
            .drawing
            .fitted(text_x, y.saturating_add(30), "text", &facts, room);
        let badge_x = text_x.saturating_add(written).saturating_add(GAP);
        let room = room.saturating_sub(written.saturating_add(GAP));
        self.badge_row(badge_x, y.saturating_add(20), room, &badges);
        self.drawing.close_group();
    }
}

fn indented(depth: usize) -> usize {
    MARGIN.saturating_add(depth.min(MAX_INDENT).saturating_mul(INDENT))
}

fn class_of(mark: Mark) -> &'static str {
    match mark {
        Mark::WeakKey => "bad",
        Mark::Sha1 => "careful",
        Mark::Anchor => "good",
        Mark::Expired
        | Mark::NotYetValid
        | Mark::NotSelfIssued
        | Mark::SharedName
        | Mark::OtherEdition
        | Mark::Aik => "quiet",
    }
}

fn class_of_box(node: &Node) -> &'static str {
    let has = |mark| node.marks.contains(&mark);
    if has(Mark::WeakKey) {
        "box weak"
    } else if has(Mark::Expired) || has(Mark::NotYetValid) {
        "box past"
    } else {
        match node.role {
            GraphRole::Root => "box root",
            GraphRole::Intermediate => "box",
            GraphRole::EkCert => "box ek",
        }
    }
}
