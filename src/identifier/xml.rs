//! XML text to an [`Element`] tree and back. A document type, an entity of its
//! own, or anything that is not XML 1.0 is refused.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::Error as XmlError;
use quick_xml::escape::{EscapeError, resolve_predefined_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::limits::{IDENTIFIER, XmlLimits, too_large};
use super::model::{Element, Node};
use super::wellformed::{Size, check_comment, check_instruction, is_xml_char};
use crate::finding::{Code, Error};

/// A document: its root, and the encoding that its declaration claims.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Element,
    pub(super) declared_encoding: Option<String>,
}

/// Reads a document of the size of a platform identifier.
pub(super) fn parse(text: &str) -> Result<Document, Error> {
    parse_within(text, IDENTIFIER)
}

/// Reads a document. Iterative, so that nesting costs no stack.
pub(crate) fn parse_within(text: &str, limits: XmlLimits) -> Result<Document, Error> {
    if let Some((offset, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        return Err(malformed(
            text,
            offset,
            format!("character U+{:04X} is not allowed in XML", u32::from(c)),
        ));
    }
    // Blank lines before a declaration are an error in XML, and common in files that
    // were pasted together.
    let document = text.trim_start();
    let blank = text.len().saturating_sub(document.len());
    let position = |offset: u64| {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        offset.saturating_add(blank)
    };
    let mut reader = Reader::from_str(document);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    let mut builder = Builder {
        open: Vec::new(),
        root: None,
        declared_encoding: None,
        size: Size::within(limits),
        events: 0,
    };
    loop {
        let offset = position(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            malformed(text, position(reader.error_position()), error.to_string())
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

/// The part of a name after its prefix.
pub(crate) fn local_name(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Builds the tree from events.
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
        let depth = self.size.max_depth();
        if self.open.len() >= depth {
            return Err(Trouble::TooLarge(format!(
                "elements are nested deeper than {depth}"
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
