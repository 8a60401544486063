//! Graphviz: one box for each certificate, one arrow for each signature.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::forest::Forest;
use super::words;
use super::{Graph, Mark, Node};
use crate::finding::escape;

pub(super) fn write(graph: &Graph, title: &str) -> String {
    let forest = Forest::of(graph);
    let mut dot = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        dot,
        "digraph store {{\n\
         \x20 graph [label={}, labelloc=t, rankdir=LR, fontname=\"sans-serif\", bgcolor=white];\n\
         \x20 node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#57606a\", \
         fontname=\"sans-serif\", fontsize=10];\n\
         \x20 edge [color=\"#57606a\"];\n",
        quoted(&[title.to_owned(), words::summary(graph)])
    );
    let mut by_vendor: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for node in &graph.nodes {
        by_vendor.entry(node.vendor()).or_default().push(node);
    }
    for (number, (vendor, nodes)) in by_vendor.iter().enumerate() {
        if vendor.is_empty() {
            nodes
                .iter()
                .for_each(|node| write_node(&mut dot, node, "  "));
            continue;
        }
        let _ = write!(
            dot,
            "  subgraph cluster_{number} {{\n    label={};\n    color=\"#d0d7de\";\n",
            quoted(&[words::cut(vendor, 80)])
        );
        nodes
            .iter()
            .for_each(|node| write_node(&mut dot, node, "    "));
        dot.push_str("  }\n");
    }
    write_missing(&mut dot, graph, &forest);
    for (index, node) in graph.nodes.iter().enumerate() {
        let others = forest.other_issuers(graph, index);
        for &issuer_index in &node.issuers {
            let Some(issuer) = graph.nodes.get(issuer_index) else {
                continue;
            };
            let style = if others.contains(&issuer_index) {
                " [style=dashed]"
            } else {
                ""
            };
            let _ = writeln!(dot, "  {} -> {}{style};", id(issuer), id(node));
        }
    }
    write_legend(&mut dot, graph);
    dot.push_str("}\n");
    dot
}

fn id(node: &Node) -> String {
    format!("c{}", node.certificate.sha256())
}

fn write_node(dot: &mut String, node: &Node, indent: &str) {
    let mut lines = vec![
        words::cut(&node.name, 80),
        format!("{} · {}", node.key(), node.digest()),
        node.validity(),
    ];
    let badges = node.badges();
    if !badges.is_empty() {
        lines.push(badges.join(" · "));
    }
    let _ = writeln!(
        dot,
        "{indent}{} [label={}, tooltip={}{}];",
        id(node),
        quoted(&lines),
        quoted(&node.details()),
        style(node)
    );
}

/// The gravest mark decides on the colour; each is also there as a word.
fn style(node: &Node) -> &'static str {
    let has = |mark| node.marks.contains(&mark);
    if has(Mark::WeakKey) {
        ", fillcolor=\"#ffebe9\", color=\"#cf222e\", penwidth=2"
    } else if has(Mark::Expired) || has(Mark::NotYetValid) {
        ", fillcolor=\"#eaeef2\", color=\"#6e7781\", style=\"rounded,filled,dashed\""
    } else if has(Mark::Sha1) {
        ", fillcolor=\"#fff8c5\", color=\"#9a6700\""
    } else if has(Mark::Anchor) {
        ", fillcolor=\"#ddf4ff\", color=\"#0969da\", penwidth=2"
    } else if node.role == super::GraphRole::EkCert {
        ", fillcolor=\"#dafbe1\", color=\"#1a7f37\""
    } else {
        ""
    }
}

/// A box for each issuer that is not here, with arrows that nobody verified.
fn write_missing(dot: &mut String, graph: &Graph, forest: &Forest) {
    for (number, ((why, issuer), roots)) in forest.by_missing_issuer(graph).iter().enumerate() {
        let mut lines = vec![(*why).to_owned()];
        if !issuer.is_empty() {
            lines.push(words::cut(issuer, 80));
        }
        let _ = writeln!(
            dot,
            "  missing_{number} [label={}, style=\"dashed\", color=\"#cf222e\", fontcolor=\"#cf222e\"];",
            quoted(&lines)
        );
        for &root in roots {
            if let Some(node) = graph.nodes.get(root) {
                let _ = writeln!(
                    dot,
                    "  missing_{number} -> {} [style=dotted, color=\"#cf222e\", arrowhead=none];",
                    id(node)
                );
            }
        }
    }
}

fn write_legend(dot: &mut String, graph: &Graph) {
    let mut lines = vec![
        "An arrow leads from a key to what it signed, as was verified; a dashed one where \
         several certificates have such a key."
            .to_owned(),
    ];
    for (mark, word, meaning) in words::MARKS {
        if graph.nodes.iter().any(|node| node.marks.contains(&mark)) {
            lines.push(format!("{word}: {meaning}"));
        }
    }
    let _ = writeln!(
        dot,
        "  legend [shape=plaintext, style=\"\", label={}];",
        left(&lines)
    );
}

/// A quoted string of these lines, centred. In one, only the quote and the backslash are
/// special; `escape` takes care of control characters.
fn quoted(lines: &[String]) -> String {
    joined(lines, "\\n", "")
}

/// The same, each line at the left.
fn left(lines: &[String]) -> String {
    joined(lines, "\\l", "\\l")
}

fn joined(lines: &[String], separator: &str, end: &str) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            escape(line)
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                // What looks like an entity would be taken for one.
                .replace('&', "&amp;")
        })
        .collect();
    format!("\"{}{end}\"", lines.join(separator))
}
