use super::classify::to_base64;
use super::model::{Element, Identifier, Node};
use super::wellformed::clean;
use super::xml;

/// The XML namespace of a genuine file, as observed.
pub const NAMESPACE: &str = "http://microsoft.com/windows/ptp/platformidentifier/2016/04";

/// How it is known that an element has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Microsoft's documentation says so.
    Documented,
    /// It was seen in a genuine file.
    Observed,
    /// Microsoft documents that the fact is in the file, but the name is not known,
    /// so this one was made up here.
    Ours,
}

/// The name of an element that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlName {
    /// The local name.
    pub name: &'static str,
    /// How it is known.
    pub provenance: Provenance,
    /// What is in it.
    pub holds: &'static str,
}

/// Every element that is written. Whether a Host Guardian Service accepts the names
/// that are ours is not known; change them here once a whole genuine file is known.
pub const NAMES: &[XmlName] = &[
    ROOT,
    MESSAGES,
    MESSAGE,
    VERSION,
    FOREIGN_KEY,
    GUID,
    SERIAL,
    MACS,
    MAC,
    EKPUB,
    EKCERT,
];

const ROOT: XmlName = observed("PlatformIdentifiers", "the document");
const MESSAGES: XmlName = observed("PlatformIdMessages", "messages, usually none");
const MESSAGE: XmlName = ours("Message", "one message");
const VERSION: XmlName = observed("Version", "1.0.0.0");
const FOREIGN_KEY: XmlName = observed("ForeignKey", "the name given to the host");
const GUID: XmlName = observed("MachineGuid", "the SMBIOS UUID, upper case, no braces");
const SERIAL: XmlName = ours("MachineSerialNumber", "the machine's serial number");
const MACS: XmlName = ours("MacAddresses", "the MAC addresses");
const MAC: XmlName = ours("MacAddress", "one MAC address, upper case with colons");
const EKPUB: XmlName = ours(
    "EKPub",
    "an EKpub: base64 of a BCRYPT_RSAKEY_BLOB or BCRYPT_ECCKEY_BLOB",
);
const EKCERT: XmlName = ours("EKCert", "an EKcert: base64 of the DER certificate");

/// The only version that has been observed.
const FORMAT_VERSION: &str = "1.0.0.0";

impl Identifier {
    /// The platform identifier as Microsoft's XML, as far as that is known: the
    /// document it was read from, where there is one, so that nothing in it is
    /// lost; else a new one with the names of [`NAMES`]. Ends in a line feed.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        match &self.document {
            Some(document) => xml::write(document, &mut out),
            None => xml::write(&self.new_document(), &mut out),
        }
        out.push('\n');
        out
    }

    /// One line per element, indented by two spaces a level.
    pub(super) fn new_document(&self) -> Element {
        let messages = self.messages.iter();
        let messages = messages.filter_map(|text| leaf(MESSAGE, text)).collect();
        let mut children = vec![parent(MESSAGES, messages, 1)];
        let mut add = |name: XmlName, text: Option<&str>| {
            children.extend(text.and_then(|text| leaf(name, text)));
        };
        add(VERSION, Some(FORMAT_VERSION));
        add(FOREIGN_KEY, self.name.as_deref());
        add(GUID, self.machine.guid.as_deref());
        add(SERIAL, self.machine.serial.as_deref());
        let macs = self.machine.macs.iter();
        let macs: Vec<Element> = macs.filter_map(|mac| leaf(MAC, mac)).collect();
        if !macs.is_empty() {
            children.push(parent(MACS, macs, 1));
        }
        for entry in &self.ekpubs {
            children.extend(leaf(EKPUB, &to_base64(&entry.key.to_bcrypt())));
        }
        for entry in &self.ekcerts {
            children.extend(leaf(EKCERT, &to_base64(entry.certificate.der())));
        }
        let mut root = parent(ROOT, children, 0);
        root.attributes = vec![("xmlns".to_owned(), NAMESPACE.to_owned())];
        root
    }
}

const fn observed(name: &'static str, holds: &'static str) -> XmlName {
    XmlName {
        name,
        provenance: Provenance::Observed,
        holds,
    }
}

const fn ours(name: &'static str, holds: &'static str) -> XmlName {
    XmlName {
        name,
        provenance: Provenance::Ours,
        holds,
    }
}

/// An element with text in it, if there is any.
fn leaf(name: XmlName, text: &str) -> Option<Element> {
    Some(Element {
        name: name.name.to_owned(),
        attributes: Vec::new(),
        children: vec![Node::Text(clean(text)?)],
    })
}

/// An element whose children stand on lines of their own.
fn parent(name: XmlName, children: Vec<Element>, level: usize) -> Element {
    let line = |level: usize| Node::Text(format!("\n{}", "  ".repeat(level)));
    let mut nodes = Vec::new();
    for child in children {
        nodes.push(line(level.saturating_add(1)));
        nodes.push(Node::Element(child));
    }
    if !nodes.is_empty() {
        nodes.push(line(level));
    }
    Element {
        name: name.name.to_owned(),
        attributes: Vec::new(),
        children: nodes,
    }
}
