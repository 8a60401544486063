//! XML text to an [`Element`] tree and back. A document type, an entity of its
//! own, or anything that is not XML 1.0 is refused.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::Error as XmlError;
use quick_xml::escape::{EscapeError, resolve_predefined_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::limits::{MAX_DEPTH, MAX_DOCUMENT_LEN, MAX_NAME_LEN, MAX_NODES, too_large};
use super::model::{Element, Node};
use crate::finding::{Code, Error};

/// A document: its root, and the encoding that its declaration claims.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Element,
    pub(super) declared_encoding: Option<String>,
}

/// Reads a document. Iterative, so that nesting costs no stack.
pub(super) fn parse(text: &str) -> Result<Document, Error> {
    if let Some((offset, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        return Err(malformed(
            text,
            offset,
            format!("character U+{:04X} is not allowed in XML", u32::from(c)),
        ));
    }
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    let mut builder = Builder::default();
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| {
            let offset = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
            malformed(text, offset, error.to_string())
        })?;
        if matches!(event, Event::Eof) {
            return builder
                .finish()
                .map_err(|what| malformed(text, offset, what));
        }
        builder.take(event).map_err(|trouble| match trouble {
            Trouble::Malformed(what) => malformed(text, offset, what),
            Trouble::Doctype(what) => Error::malformed(
                Code::XmlDoctype,
                what,
                "Get-PlatformIdentifier writes neither; get the file from the host again",
            )
            .at(place(text, offset)),
            Trouble::TooLarge(what) => too_large(what).at(place(text, offset)),
        })?;
    }
}

/// Writes an element and all that is in it. Characters that XML cannot hold come
/// out as U+FFFD.
pub(super) fn write(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape_into(value, true, out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(child, out),
            Node::Text(text) => escape_into(text, false, out),
            Node::Comment(text) => {
                out.push_str("<!--");
                out.push_str(text);
                out.push_str("-->");
            }
            Node::Instruction(text) => {
                out.push_str("<?");
                out.push_str(text);
                out.push_str("?>");
            }
        }
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
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

/// The part of a name after its prefix.
pub(super) fn local_name(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Whether a tree that was not read from XML is one that could have been.
pub(super) fn check_tree(root: &Element) -> Result<(), String> {
    let mut size = Size::default();
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
#[derive(Default)]
struct Size {
    nodes: usize,
    octets: usize,
    /// Whether it was a limit that was passed.
    too_large: bool,
}

impl Size {
    fn name(&mut self, name: &str) -> Result<(), String> {
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
    fn node(&mut self, text: &str) -> Result<(), String> {
        self.add(1, 0)?;
        self.text(text)
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        if !text.chars().all(is_xml_char) {
            return Err("there is a character that XML does not allow".to_owned());
        }
        self.add(0, text.len())
    }

    fn add(&mut self, nodes: usize, octets: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.octets = self.octets.saturating_add(octets);
        self.too_large = true;
        if self.nodes > MAX_NODES {
            return Err(format!(
                "there are more than {MAX_NODES} elements, attributes and texts"
            ));
        }
        if self.octets > MAX_DOCUMENT_LEN {
            return Err(format!(
                "names, attributes and texts have more than {MAX_DOCUMENT_LEN} bytes"
            ));
        }
        self.too_large = false;
        Ok(())
    }
}

/// XML 1.0, 2.5.
fn check_comment(text: &str) -> Result<(), String> {
    if text.contains("--") || text.ends_with('-') || text.contains('\r') {
        return Err("a comment is not well formed".to_owned());
    }
    Ok(())
}

/// A target that is not `xml`, and data without `?>` (XML 1.0, 2.6).
fn check_instruction(text: &str) -> Result<(), String> {
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

/// Builds the tree from events.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    declared_encoding: Option<String>,
    size: Size,
    events: usize,
}

enum Trouble {
    Malformed(String),
    Doctype(String),
    TooLarge(String),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), Trouble> {
        let first = self.events == 0;
        self.events = self.events.saturating_add(1);
        match event {
            Event::Decl(declaration) => {
                if !first {
                    return Err(Trouble::Malformed(
                        "the XML declaration is not at the start".to_owned(),
                    ));
                }
                if declaration.version().is_ok_and(|version| version != "1.0") {
                    return Err(Trouble::Malformed("it is not XML 1.0".to_owned()));
                }
                self.declared_encoding = declaration
                    .encoding()
                    .and_then(Result::ok)
                    .map(|encoding| encoding.into_owned());
                Ok(())
            }
            Event::DocType(_) => Err(Trouble::Doctype("the XML has a DOCTYPE".to_owned())),
            Event::Start(start) | Event::Empty(start) => self.start(&start),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                let text = resolve(&reference, &mut buffer)?;
                self.text(text)
            }
            Event::Comment(text) => {
                let text = text.xml10_content().into_owned();
                check_comment(&text).map_err(Trouble::Malformed)?;
                self.node(Node::Comment(text))
            }
            Event::PI(text) => {
                let text = text.replace("\r\n", "\n").replace('\r', "\n");
                check_instruction(&text).map_err(Trouble::Malformed)?;
                self.node(Node::Instruction(text))
            }
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Trouble> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Trouble::Malformed(
                "a second element follows the root".to_owned(),
            ));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Trouble::TooLarge(format!(
                "elements are nested deeper than {MAX_DEPTH}"
            )));
        }
        let name = start.name().as_ref().to_owned();
        self.sized(|size| size.name(&name))?;
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| Trouble::Malformed(error.to_string()))?;
            let name = attribute.key.as_ref().to_owned();
            self.sized(|size| size.name(&name))?;
            if attribute.value.contains('<') {
                return Err(Trouble::Malformed(
                    "an attribute has a '<' in its value".to_owned(),
                ));
            }
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|error| match error {
                    XmlError::Escape(EscapeError::UnrecognizedEntity(_, entity)) => {
                        own_entity(&entity)
                    }
                    other => Trouble::Malformed(other.to_string()),
                })?;
            self.sized(|size| size.text(&value))?;
            attributes.push((name, value.into_owned()));
        }
        self.open.push(Element {
            name,
            attributes,
            children: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Trouble> {
        let Some(done) = self.open.pop() else {
            return Err(Trouble::Malformed("an end tag without a start".to_owned()));
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(done)),
            None => self.root = Some(done),
        }
        Ok(())
    }

    /// Adds text, to the text before it if there is one.
    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        let Some(parent) = self.open.last_mut() else {
            return if text.trim_ascii().is_empty() {
                Ok(())
            } else {
                Err(Trouble::Malformed(
                    "there is text outside the root element".to_owned(),
                ))
            };
        };
        if text.is_empty() {
            return Ok(());
        }
        if let Some(Node::Text(before)) = parent.children.last_mut() {
            before.push_str(text);
            return self.sized(|size| size.text(text));
        }
        self.node(Node::Text(text.to_owned()))
    }

    /// Adds a node; comments and instructions outside the root are dropped.
    fn node(&mut self, node: Node) -> Result<(), Trouble> {
        if let Node::Text(text) | Node::Comment(text) | Node::Instruction(text) = &node {
            self.sized(|size| size.node(text))?;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(node);
        }
        Ok(())
    }

    fn sized(
        &mut self,
        count: impl FnOnce(&mut Size) -> Result<(), String>,
    ) -> Result<(), Trouble> {
        count(&mut self.size).map_err(|what| match self.size.too_large {
            true => Trouble::TooLarge(what),
            false => Trouble::Malformed(what),
        })
    }

    fn finish(self) -> Result<Document, String> {
        if let Some(open) = self.open.last() {
            return Err(format!("the element {} is not closed", open.name));
        }
        Ok(Document {
            root: self.root.ok_or("there is no element in it")?,
            declared_encoding: self.declared_encoding,
        })
    }
}

/// What a reference in text stands for: a character, or one of the five entities
/// that XML itself defines.
fn resolve<'a>(reference: &BytesRef<'_>, buffer: &'a mut [u8; 4]) -> Result<&'a str, Trouble> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) if is_xml_char(c) => Ok(c.encode_utf8(buffer)),
        Ok(None) => resolve_predefined_entity(reference).ok_or_else(|| own_entity(reference)),
        _ => Err(Trouble::Malformed(
            "a character reference stands for a character that XML does not allow".to_owned(),
        )),
    }
}

fn own_entity(name: &str) -> Trouble {
    Trouble::Doctype(format!("the XML uses an entity of its own, '{name}'"))
}

/// XML 1.0, 2.2.
fn is_xml_char(c: char) -> bool {
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

fn escape_into(text: &str, attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            // What a reader would normalise (XML 1.0, 2.11 and 3.3.3).
            '\r' => out.push_str("&#13;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' if attribute => out.push_str("&#10;"),
            c if is_xml_char(c) => out.push(c),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

fn malformed(text: &str, offset: usize, what: impl AsRef<str>) -> Error {
    Error::malformed(
        Code::XmlMalformed,
        format!("the XML is not well formed: {}", what.as_ref()),
        "get the file from the host again; it may have been cut or edited",
    )
    .at(place(text, offset))
}

/// A place in the text that means the same in every encoding of it.
fn place(text: &str, offset: usize) -> String {
    let before = text.char_indices().take_while(|(at, _)| *at < offset);
    format!("character {}", before.count())
}
