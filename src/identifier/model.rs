use crate::ek::{Certificate, EkPub, Encoding};
use crate::finding::{Error, Finding};

/// What an input turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Microsoft's platform identifier XML.
    Xml,
    /// Our own JSON form of it.
    Json,
    /// An EK certificate by itself: DER, PEM, or as it lies in NV.
    EkCert,
    /// An EKpub by itself.
    EkPub,
}

/// What a host says about itself, in whatever file it came.
#[derive(Clone, Debug)]
pub struct Identifier {
    /// What the input was.
    pub kind: Kind,
    /// The `ForeignKey`: the name given to Get-PlatformIdentifier.
    pub name: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// EKpubs in the order of the file, without repetition.
    pub ekpubs: Vec<EkPubEntry>,
    /// EKcerts in the order of the file, without repetition.
    pub ekcerts: Vec<EkCert>,
    /// Texts that Windows put into `PlatformIdMessages`.
    pub messages: Vec<String>,
    /// The whole XML document, so that writing it again loses nothing.
    pub document: Option<Element>,
    /// What was noticed while reading.
    pub findings: Vec<Finding>,
}

/// The machine an identifier is about. What the file does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// SMBIOS UUID in upper case without braces.
    pub guid: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// MAC addresses, upper case with colons.
    pub macs: Vec<String>,
}

/// An EKpub and where it came from.
#[derive(Clone, Debug)]
pub struct EkPubEntry {
    /// The key.
    pub key: EkPub,
    /// Its encoding in the file.
    pub encoding: Encoding,
    /// The element or JSON pointer it came from, such as
    /// `PlatformIdentifiers/EKPub[1]`.
    pub source: String,
}

/// An EKcert and where it came from.
#[derive(Clone, Debug)]
pub struct EkCert {
    /// The certificate.
    pub certificate: Certificate,
    /// The element or JSON pointer it came from.
    pub source: String,
}

/// An XML element, kept so that XML to JSON to XML loses nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Name as written, with its prefix.
    pub name: String,
    /// Attributes as written, namespace declarations among them.
    pub attributes: Vec<(String, String)>,
    /// Child elements and text, in order.
    pub children: Vec<Node>,
}

/// A child of an [`Element`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped.
    Text(String),
}

impl Kind {
    /// What it is, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "a platform identifier (XML)",
            Self::Json => "a platform identifier (JSON)",
            Self::EkCert => "an EK certificate",
            Self::EkPub => "an EK public key",
        }
    }
}

impl Identifier {
    /// Reads any kind of input.
    ///
    /// # Errors
    /// A [`Fault::Malformed`](crate::finding::Fault::Malformed) error with a code
    /// of the reading group.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let _ = bytes;
        todo!()
    }

    /// The platform identifier as Microsoft's XML, as far as that is known.
    pub fn to_xml(&self) -> String {
        todo!()
    }

    /// The platform identifier in our JSON form.
    pub fn to_json(&self) -> String {
        todo!()
    }
}
