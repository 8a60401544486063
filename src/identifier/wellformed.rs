//! What XML 1.0 allows, and how much of it is read.

use super::limits::{IDENTIFIER, MAX_DEPTH, MAX_NAME_LEN, XmlLimits};
use super::model::{Element, Node};

/// Whether a tree that was not read from XML is one that could have been.
pub(super) fn check_tree(root: &Element) -> Result<(), String> {
    let mut size = Size::within(IDENTIFIER);
    // Elements still to be looked at, with their depth.
    let mut open = vec![(root, 1usize)];
    while let Some((element, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
        }
        size.name(&element.name)?;
        for (index, (name, value)) in element.attributes.iter().enumerate() {
            size.name(name)?;
            size.text(value)?;
            let others = element.attributes.iter().skip(index.saturating_add(1));
            if others.into_iter().any(|(other, _)| other == name) {
                return Err(format!("the attribute {name} is there twice"));
            }
        }
        let mut after_text = false;
        for child in &element.children {
            match child {
                Node::Element(child) => open.push((child, depth.saturating_add(1))),
                // Read back as one, or as none.
                Node::Text(text) if after_text || text.is_empty() => {
                    return Err("a text is empty or follows another".to_owned());
                }
                Node::Text(text) => size.node(text)?,
                Node::Comment(text) => {
                    check_comment(text)?;
                    size.node(text)?;
                }
                Node::Instruction(text) => {
                    check_instruction(text)?;
                    size.node(text)?;
                }
            }
            after_text = matches!(child, Node::Text(_));
        }
    }
    Ok(())
}

/// Counts what is in a document, and checks names and characters on the way.
pub(super) struct Size {
    limits: XmlLimits,
    nodes: usize,
    octets: usize,
    /// Whether it was a limit that was passed.
    pub(super) too_large: bool,
}

impl Size {
    pub(super) fn within(limits: XmlLimits) -> Self {
        Self {
            limits,
            nodes: 0,
            octets: 0,
            too_large: false,
        }
    }

    /// How deep elements may be nested.
    pub(super) fn max_depth(&self) -> usize {
        self.limits.depth
    }

    pub(super) fn name(&mut self, name: &str) -> Result<(), String> {
        if name.len() > MAX_NAME_LEN {
            self.too_large = true;
            return Err(format!("a name is longer than {MAX_NAME_LEN} bytes"));
        }
        if !is_name(name) {
            return Err("an element or attribute has a name that XML does not allow".to_owned());
        }
        // In the start tag and in the end tag.
        self.add(1, name.len().saturating_mul(2))
    }

    /// A node that is no element.
    pub(super) fn node(&mut self, text: &str) -> Result<(), String> {
        self.add(1, 0)?;
        self.text(text)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), String> {
        if !text.chars().all(is_xml_char) {
            return Err("there is a character that XML does not allow".to_owned());
        }
        self.add(0, text.len())
    }

    fn add(&mut self, nodes: usize, octets: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.octets = self.octets.saturating_add(octets);
        self.too_large = true;
        let XmlLimits { nodes, octets, .. } = self.limits;
        if self.nodes > nodes {
            return Err(format!(
                "there are more than {nodes} elements, attributes and texts"
            ));
        }
        if self.octets > octets {
            return Err(format!(
                "names, attributes and texts have more than {octets} bytes"
            ));
        }
        self.too_large = false;
        Ok(())
    }
}

/// XML 1.0, 2.5.
pub(super) fn check_comment(text: &str) -> Result<(), String> {
    if text.contains("--") || text.ends_with('-') || text.contains('\r') {
        return Err("a comment is not well formed".to_owned());
    }
    Ok(())
}

/// A target that is not `xml`, and data without `?>` (XML 1.0, 2.6).
pub(super) fn check_instruction(text: &str) -> Result<(), String> {
    let target = text.split_ascii_whitespace().next().unwrap_or_default();
    let well_formed = text.starts_with(target)
        && is_name(target)
        && !target.eq_ignore_ascii_case("xml")
        && !text.contains("?>")
        && !text.contains('\r');
    if !well_formed {
        return Err("a processing instruction is not well formed".to_owned());
    }
    Ok(())
}

/// Text as it can stand in XML and come back the same: without white space around
/// it, and with U+FFFD for what XML does not allow. `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let replaced = |c: char| match is_xml_char(c) {
        true => c,
        false => char::REPLACEMENT_CHARACTER,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().map(replaced).collect())
}

/// XML 1.0, 2.2.
pub(super) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// XML 1.0, 2.3.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = |c: char| {
        matches!(c,
            ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
            | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
            | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}')
    };
    let goes_on = |c: char| {
        starts(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
    };
    chars.next().is_some_and(starts) && chars.all(goes_on)
}
