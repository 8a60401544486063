use crate::ek::{Certificate, EkPub, Encoding, TpmFacts};
use crate::finding::Finding;

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
    /// The `Blob` of a certificate in the registry of Windows.
    CertificateBlob,
    /// An export of the registry of Windows.
    RegistryExport,
    /// The output of Get-TpmEndorsementKeyInfo, as JSON or PowerShell's XML.
    EkInfo,
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
    /// What the TPM says about itself. Only our JSON form carries it, and of it only
    /// what lasts: neither lockout nor its interval.
    pub tpm: Option<TpmFacts>,
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
    /// The host name that the system gives itself. Only our JSON form carries it.
    pub host_name: Option<String>,
    /// What runs the machine, such as `QEMU/KVM`, if it says that it is a virtual one.
    /// Only our JSON form carries it.
    pub hypervisor: Option<String>,
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
#[non_exhaustive]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped, CDATA sections included.
    Text(String),
    /// A comment, without its delimiters.
    Comment(String),
    /// A processing instruction, without its delimiters.
    Instruction(String),
}

impl Kind {
    /// What it is, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "a platform identifier (XML)",
            Self::Json => "a platform identifier (JSON)",
            Self::EkCert => "an EK certificate",
            Self::EkPub => "an EK public key",
            Self::CertificateBlob => "a certificate blob of Windows",
            Self::RegistryExport => "a registry export of Windows",
            Self::EkInfo => "the output of Get-TpmEndorsementKeyInfo",
        }
    }
}

impl Machine {
    /// What of it the XML form carries.
    pub fn in_xml(&self) -> Self {
        Self {
            host_name: None,
            hypervisor: None,
            ..self.clone()
        }
    }
}

impl Identifier {
    /// What a host says about itself, for writing it to a file.
    pub fn new(
        name: impl Into<String>,
        machine: Machine,
        ekpubs: Vec<EkPubEntry>,
        ekcerts: Vec<EkCert>,
    ) -> Self {
        Self {
            name: Some(name.into()),
            machine,
            ekpubs,
            ekcerts,
            ..Self::empty(Kind::Xml)
        }
    }

    pub(super) fn empty(kind: Kind) -> Self {
        Self {
            kind,
            name: None,
            machine: Machine::default(),
            tpm: None,
            ekpubs: Vec::new(),
            ekcerts: Vec::new(),
            messages: Vec::new(),
            document: None,
            findings: Vec::new(),
        }
    }
}
