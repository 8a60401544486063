//! Our JSON form, specified in `docs/identifier.md` and, for programs, in
//! `docs/identifier.schema.json`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::classify::{self, Material};
use super::facts::{FileMachine, FileTpm};
use super::gather::{add, finish, gather, within};
use super::limits::{MAX_DEPTH, MAX_INPUT_LEN, MAX_NAME_LEN};
use super::model::{Element, Identifier, Kind, Node};
use super::object;
use super::wellformed::{check_tree, clean};
use crate::ek::Encoding;
use crate::finding::{Code, Error};
use crate::hash::{from_hex, hex};

/// The only schema that is read and written.
const SCHEMA: &str = "endorse.platform-identifier/1";

impl Identifier {
    /// The platform identifier in our JSON form. Holds the whole XML document where
    /// it was read from one. Ends in a line feed.
    pub fn to_json(&self) -> String {
        let file = self.to_file();
        // Writing to a String fails only for maps with other keys than strings, of
        // which there are none.
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        if text.len() >= MAX_INPUT_LEN {
            // The blanks before deeply nested elements.
            text = serde_json::to_string(&file).unwrap_or_default();
        }
        text.push('\n');
        text
    }

    fn to_file(&self) -> File {
        // What was made here may need cleaning, so that it can be read again; what was
        // read does not.
        let clean = |text: &String| clean(text);
        File {
            schema: SCHEMA.to_owned(),
            name: self.name.as_ref().and_then(clean),
            machine: FileMachine::from(&self.machine),
            tpm: self.tpm.as_ref().map(FileTpm::from),
            ekpubs: self
                .ekpubs
                .iter()
                .map(|entry| FileEkPub {
                    algorithm: Some(entry.key.algorithm().to_string()),
                    spki_sha256: Some(entry.key.spki_sha256().to_string()),
                    encoding: Some(entry.encoding.to_string()),
                    source: Some(entry.source.clone()),
                    spki: hex(entry.key.spki_der()),
                })
                .collect(),
            ekcerts: self
                .ekcerts
                .iter()
                .map(|entry| FileEkCert {
                    sha256: Some(entry.certificate.sha256().to_string()),
                    source: Some(entry.source.clone()),
                    der: hex(entry.certificate.der()),
                })
                .collect(),
            messages: self.messages.iter().filter_map(clean).collect(),
            document: self.document.as_ref().map(FileElement::from),
            _extensions: None,
        }
    }
}

/// Reads our JSON form.
pub(super) fn read(text: &str) -> Result<Identifier, Error> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = error.to_string();
        let what = what.strip_suffix(&format!(" at {place}")).unwrap_or(&what);
        malformed(format!("the JSON is not a platform identifier: {what}")).at(place)
    })?;
    if file.schema != SCHEMA {
        return Err(malformed(format!(
            "the JSON has schema '{}'; this program reads '{SCHEMA}'",
            file.schema
        ))
        .at("/schema"));
    }
    let stated = stated(&file)?;
    let Some(document) = file.document else {
        // It must be possible to write as XML what is said here, and to read it
        // back: no name with blanks around it, no serial number that is a key.
        let root = stated.new_document();
        check_tree(&root).map_err(|what| {
            malformed(format!(
                "what the file says cannot be written as XML: {what}"
            ))
        })?;
        let mut told = gather(root, Kind::Json)?;
        for (told, stated) in told.ekpubs.iter_mut().zip(&stated.ekpubs) {
            told.encoding = stated.encoding;
        }
        agree(&stated, &told)?;
        return finish(stated);
    };
    let root = Element::from(document);
    check_tree(&root).map_err(|what| {
        malformed(format!("the document cannot be written as XML: {what}")).at("/document")
    })?;
    let mut told = gather(root, Kind::Json).map_err(|error| within(error, "/document"))?;
    agree(&stated, &told)?;
    // What XML does not carry is as it is stated beside the document.
    told.machine = stated.machine;
    told.tpm = stated.tpm;
    Ok(told)
}

/// What the file says by itself, its document aside.
fn stated(file: &File) -> Result<Identifier, Error> {
    let mut identifier = Identifier::empty(Kind::Json);
    identifier.name.clone_from(&file.name);
    identifier.machine = file.machine.read()?;
    identifier.tpm = file.tpm.as_ref().map(FileTpm::read).transpose()?;
    identifier.messages.clone_from(&file.messages);
    for (index, entry) in file.ekpubs.iter().enumerate() {
        let place = format!("/ekpubs/{index}");
        let key = match decode(&entry.spki, &format!("{place}/spki"))? {
            Some(Material::EkPub(key, Encoding::SubjectPublicKeyInfo)) => key,
            _ => return Err(malformed("it is no SubjectPublicKeyInfo").at(format!("{place}/spki"))),
        };
        same(&entry.algorithm, &key.algorithm().to_string(), &place)?;
        same(&entry.spki_sha256, &key.spki_sha256().to_string(), &place)?;
        let encoding = match &entry.encoding {
            None => Encoding::SubjectPublicKeyInfo,
            Some(text) => Encoding::from_text(text).ok_or_else(|| {
                malformed("the encoding is not a known one").at(format!("{place}/encoding"))
            })?,
        };
        let source = source(&entry.source, &place)?;
        add(&mut identifier, Material::EkPub(key, encoding), source)?;
    }
    for (index, entry) in file.ekcerts.iter().enumerate() {
        let place = format!("/ekcerts/{index}");
        let certificate = match decode(&entry.der, &format!("{place}/der"))? {
            Some(Material::EkCert(certificate, wrapping)) if wrapping.is_empty() => certificate,
            _ => return Err(malformed("it is no DER certificate").at(format!("{place}/der"))),
        };
        same(&entry.sha256, &certificate.sha256().to_string(), &place)?;
        let source = source(&entry.source, &place)?;
        let material = Material::EkCert(certificate, Vec::new());
        add(&mut identifier, material, source)?;
    }
    Ok(identifier)
}

/// The document and what stands beside it must say the same, or two readers of the
/// file could see different keys.
fn agree(stated: &Identifier, told: &Identifier) -> Result<(), Error> {
    let keys = |identifier: &Identifier| -> Vec<_> {
        let keys = identifier.ekpubs.iter();
        keys.map(|entry| (entry.key.clone(), entry.encoding))
            .collect()
    };
    let certificates = |identifier: &Identifier| -> Vec<_> {
        let certificates = identifier.ekcerts.iter();
        certificates
            .map(|entry| entry.certificate.sha256())
            .collect()
    };
    let differs = if stated.name != told.name {
        "/name"
    } else if stated.machine.in_xml() != told.machine.in_xml() {
        "/machine"
    } else if keys(stated) != keys(told) {
        "/ekpubs"
    } else if certificates(stated) != certificates(told) {
        "/ekcerts"
    } else if stated.messages != told.messages {
        "/messages"
    } else {
        return Ok(());
    };
    Err(malformed(
        "the file says one thing here and another in its document, or something that cannot be \
         written as XML",
    )
    .at(differs))
}

/// Where an entry says that it came from, or its place in the file.
fn source<'a>(stated: &'a Option<String>, place: &'a str) -> Result<&'a str, Error> {
    // The longest element path there can be.
    const MAX_SOURCE_LEN: usize = MAX_DEPTH.saturating_mul(MAX_NAME_LEN.saturating_add(8));
    match stated {
        Some(source) if source.len() > MAX_SOURCE_LEN => Err(malformed(format!(
            "the source is longer than {MAX_SOURCE_LEN} bytes"
        ))
        .at(format!("{place}/source"))),
        Some(source) => Ok(source),
        None => Ok(place),
    }
}

fn decode(text: &str, place: &str) -> Result<Option<Material>, Error> {
    let bytes = from_hex(text).ok_or_else(|| malformed("it is not hex").at(place))?;
    classify::bytes(&bytes).map_err(|error| within(error, place))
}

fn same(stated: &Option<String>, computed: &str, place: &str) -> Result<(), Error> {
    match stated {
        Some(stated) if stated != computed => Err(malformed(format!(
            "'{stated}' is stated, but the bytes give '{computed}'"
        ))
        .at(place)),
        _ => Ok(()),
    }
}

pub(super) fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(
        Code::JsonMalformed,
        message,
        "write the file again, or correct it by docs/identifier.md",
    )
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "object::object")]
    machine: FileMachine,
    #[serde(default, deserialize_with = "object::nullable")]
    tpm: Option<FileTpm>,
    #[serde(default, deserialize_with = "object::list")]
    ekpubs: Vec<FileEkPub>,
    #[serde(default, deserialize_with = "object::list")]
    ekcerts: Vec<FileEkCert>,
    #[serde(default)]
    messages: Vec<String>,
    #[serde(default, deserialize_with = "object::nullable")]
    document: Option<FileElement>,
    /// For other programs; read and dropped.
    #[serde(default, rename = "extensions", skip_serializing)]
    _extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEkPub {
    #[serde(default)]
    algorithm: Option<String>,
    #[serde(default)]
    spki_sha256: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    source: Option<String>,
    spki: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEkCert {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    source: Option<String>,
    der: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileElement {
    name: String,
    #[serde(default)]
    attributes: Vec<(String, String)>,
    #[serde(default)]
    children: Vec<FileNode>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FileNode {
    Text(String),
    Element(FileElement),
    Comment { comment: String },
    Instruction { instruction: String },
}

/// Any node but a text, to be told apart by its members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyNode {
    #[serde(default, deserialize_with = "there")]
    name: Option<String>,
    #[serde(default, deserialize_with = "there")]
    attributes: Option<Vec<(String, String)>>,
    #[serde(default, deserialize_with = "there")]
    children: Option<Vec<FileNode>>,
    #[serde(default, deserialize_with = "there")]
    comment: Option<String>,
    #[serde(default, deserialize_with = "there")]
    instruction: Option<String>,
}

/// A member that may be left out, but not be null.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Not derived: serde copies all that is in an untagged enum once a level, which makes
/// a gigabyte of a nested megabyte.
impl<'de> Deserialize<'de> for FileNode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Node;

        impl<'de> Visitor<'de> for Node {
            type Value = FileNode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, an element, a comment or an instruction")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FileNode, E> {
                Ok(FileNode::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FileNode, A::Error> {
                match AnyNode::deserialize(MapAccessDeserializer::new(map))? {
                    AnyNode {
                        name: Some(name),
                        attributes,
                        children,
                        comment: None,
                        instruction: None,
                    } => Ok(FileNode::Element(FileElement {
                        name,
                        attributes: attributes.unwrap_or_default(),
                        children: children.unwrap_or_default(),
                    })),
                    AnyNode {
                        name: None,
                        attributes: None,
                        children: None,
                        comment: Some(comment),
                        instruction: None,
                    } => Ok(FileNode::Comment { comment }),
                    AnyNode {
                        name: None,
                        attributes: None,
                        children: None,
                        comment: None,
                        instruction: Some(instruction),
                    } => Ok(FileNode::Instruction { instruction }),
                    _ => Err(de::Error::custom(
                        "a node is neither an element, a comment nor an instruction",
                    )),
                }
            }
        }

        from.deserialize_any(Node)
    }
}

impl From<&Element> for FileElement {
    fn from(element: &Element) -> Self {
        let children = element.children.iter().map(|child| match child {
            Node::Element(child) => FileNode::Element(child.into()),
            Node::Text(text) => FileNode::Text(text.clone()),
            Node::Comment(text) => FileNode::Comment {
                comment: text.clone(),
            },
            Node::Instruction(text) => FileNode::Instruction {
                instruction: text.clone(),
            },
        });
        Self {
            name: element.name.clone(),
            attributes: element.attributes.clone(),
            children: children.collect(),
        }
    }
}

impl From<FileElement> for Element {
    fn from(file: FileElement) -> Self {
        let children = file.children.into_iter().map(|child| match child {
            FileNode::Element(child) => Node::Element(child.into()),
            FileNode::Text(text) => Node::Text(text),
            FileNode::Comment { comment } => Node::Comment(comment),
            FileNode::Instruction { instruction } => Node::Instruction(instruction),
        });
        Self {
            name: file.name,
            attributes: file.attributes,
            children: children.collect(),
        }
    }
}
