//! What a file is, by its content.

use super::access::{self, Listing};
use super::events::{self, Log};
use super::limits::{DOCUMENT, MAX_CERTIFICATES, too_large};
use super::object::{self, Value};
use super::stores::{self, StoredCertificate};
use super::{dump_policies, inf, message, results, saved, serialized_store};
use crate::der::tag;
use crate::diagnose::Target;
use crate::finding::{Code, Error};
use crate::identifier::{
    Element, Identifier, MAX_INPUT_LEN, XmlLimits, decode_text, is_clixml, local_name, namespace,
    parse_within,
};
use crate::trust::read_certificates;

/// What was read from a file.
#[derive(Debug)]
pub(super) enum Content {
    /// A security policy.
    Policy(String),
    /// An event log.
    Events(Log),
    /// Objects with properties, and what is among them.
    Objects {
        /// In what form they were saved.
        form: Form,
        /// The objects.
        values: Vec<Value>,
        /// The events among them.
        log: Option<Log>,
        /// The listings of access rights among them.
        listings: Vec<Listing>,
        /// The certificates among them.
        certificates: Vec<StoredCertificate>,
    },
    /// Listings of access rights.
    Access(Vec<Listing>),
    /// Certificates.
    Certificates(Vec<StoredCertificate>),
    /// A platform identifier.
    Identifier(Box<Identifier>),
    /// A text with a message in it that is known, or with the results of `Get-HgsTrace`.
    Text(String),
    /// Nothing that is known here.
    Unknown,
}

/// In what form objects were saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PowerShell's XML for objects.
    Clixml,
    /// Other XML.
    Xml,
    /// What `Format-List` prints.
    List,
}

/// A file with what was read from it.
#[derive(Debug)]
pub(super) struct ReadFile<'a> {
    /// Its path, as given.
    pub(super) name: &'a str,
    /// What is in it.
    pub(super) bytes: &'a [u8],
    /// What it is; why not, if it starts as something and then breaks.
    pub(super) content: Result<Content, Error>,
}

impl ReadFile<'_> {
    /// Whether anything could be read from it.
    pub(super) fn is_recognised(&self) -> bool {
        !matches!(self.content, Err(_) | Ok(Content::Unknown))
    }

    /// Whether there are objects in it, and nothing that is known among them.
    pub(super) fn is_plain_objects(&self) -> bool {
        let Ok(Content::Objects {
            log,
            listings,
            certificates,
            ..
        }) = &self.content
        else {
            return false;
        };
        log.is_none() && listings.is_empty() && certificates.is_empty()
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Ok(Content::Policy(_)) => "a security policy",
            Ok(Content::Events(_)) => "an event log",
            Ok(Content::Objects { form, .. }) => match form {
                Form::Clixml => "an export of PowerShell",
                Form::Xml => "XML",
                Form::List => "a list that PowerShell printed",
            },
            Ok(Content::Access(_)) => "a listing of access rights",
            Ok(Content::Certificates(_)) => "certificates",
            Ok(Content::Identifier(identifier)) => identifier.kind.as_str(),
            Ok(Content::Text(_)) => "a text with messages that are known",
            Ok(Content::Unknown) | Err(_) => "not known",
        }
    }

    /// The certificates in it.
    pub(super) fn certificates(&self) -> &[StoredCertificate] {
        match &self.content {
            Ok(Content::Certificates(certificates) | Content::Objects { certificates, .. }) => {
                certificates
            }
            _ => &[],
        }
    }

    /// The event log that it is, or that is among its objects.
    pub(super) fn log(&self) -> Option<&Log> {
        match &self.content {
            Ok(Content::Events(log) | Content::Objects { log: Some(log), .. }) => Some(log),
            _ => None,
        }
    }

    /// The objects in it.
    pub(super) fn values(&self) -> &[Value] {
        match &self.content {
            Ok(Content::Objects { values, .. }) => values,
            _ => &[],
        }
    }
}

/// The tag that a certificate starts with, and much else in DER.
const SEQUENCE: u8 = tag::SEQUENCE;

/// Reads the files of a target.
pub(super) fn read_all(target: &Target) -> Vec<ReadFile<'_>> {
    saved(target)
        .map(|file| ReadFile {
            name: &file.name,
            bytes: &file.bytes,
            content: read(&file.name, &file.bytes),
        })
        .collect()
}

/// What these bytes are. `name` says only which store an export is of.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Content, Error> {
    if events::is_evtx(bytes) {
        return events::read_evtx(bytes).map(Content::Events);
    }
    if serialized_store::is_store(bytes) {
        let certificates = serialized_store::read(bytes)?;
        return Ok(Content::Certificates(stores::placed(name, certificates)));
    }
    if let Some(certificates) = certificates(name, bytes)? {
        return Ok(certificates);
    }
    let text = match decode_text(bytes) {
        Ok(Some((text, _))) => without_quote_marks(text),
        // No text: a blob of the registry, a key, or something that is not known.
        Ok(None) => return Ok(identifier(bytes).unwrap_or(Content::Unknown)),
        Err(_) if bytes.first() == Some(&SEQUENCE) => {
            return Ok(identifier(bytes).unwrap_or(Content::Unknown));
        }
        Err(_) if is_mostly_ascii(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(error) => return Err(error),
    };
    if text.trim_start().starts_with('<') {
        return document(name, bytes, &text);
    }
    if inf::is_policy(&text) {
        return Ok(Content::Policy(text));
    }
    if access::is_sddl(&text) {
        return Ok(Content::Access(
            access::read_sddl(&text).into_iter().collect(),
        ));
    }
    if let Some(listings) = access::of_saved(&text).or_else(|| access::of_printed(&text)) {
        return Ok(Content::Access(listings));
    }
    if let Some(values) = object::of_list(&text) {
        return objects(name, Form::List, values);
    }
    if let Some(identifier) = identifier(bytes) {
        return Ok(identifier);
    }
    if message::is_known(&text) || results::is_tree(&text) || dump_policies::is_list(&text) {
        return Ok(Content::Text(text));
    }
    Ok(Content::Unknown)
}

/// What was copied from a mail that quotes it, without the marks before its lines. Nothing that
/// is read here starts with one.
fn without_quote_marks(text: String) -> String {
    if !text.trim_start().starts_with('>') {
        return text;
    }
    let plain = |line| {
        let line: &str = line;
        let rest = line.strip_prefix('>');
        rest.map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
            .or_else(|| line.trim().is_empty().then_some(line))
    };
    let lines: Option<Vec<&str>> = text.lines().map(plain).collect();
    lines.map(|lines| lines.join("\n")).unwrap_or(text)
}

/// Whether it is text of a code page of Windows, as its command prompt writes: what is looked
/// for in it is ASCII, and other characters come out as replacements.
fn is_mostly_ascii(bytes: &[u8]) -> bool {
    /// One in twenty may be another character.
    const SHARE: usize = 20;
    let others = bytes.iter().filter(|octet| !octet.is_ascii()).count();
    let is_text = |octet: &u8| !octet.is_ascii_control() || octet.is_ascii_whitespace();
    bytes.iter().all(is_text) && others.saturating_mul(SHARE) <= bytes.len()
}

/// Certificates in DER, PEM or PKCS#7; `None` if the bytes are something else.
fn certificates(name: &str, bytes: &[u8]) -> Result<Option<Content>, Error> {
    let labels: [&[u8]; 2] = [b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PKCS7-----"];
    // In XML it would be the value of something.
    let is_xml = bytes.trim_ascii_start().starts_with(b"<");
    let is_pem = !is_xml && labels.iter().any(|label| contains(bytes, label));
    if !is_pem && bytes.first() != Some(&SEQUENCE) {
        return Ok(None);
    }
    match read_certificates(bytes) {
        Ok(found) if found.len() > MAX_CERTIFICATES => Err(too_large(format!(
            "there are more than {MAX_CERTIFICATES} certificates"
        ))),
        Ok(found) => {
            let found = found.into_iter().map(StoredCertificate::bare).collect();
            Ok(Some(Content::Certificates(stores::placed(name, found))))
        }
        // Other structures in DER, such as a request, start alike.
        Err(error) if is_pem || starts_as_certificate(bytes) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether DER starts as a certificate does: in its first element an explicit version.
fn starts_as_certificate(bytes: &[u8]) -> bool {
    const VERSION: u8 = 0xa0;
    matches!(
        bytes,
        [SEQUENCE, 0x82, _, _, SEQUENCE, 0x82, _, _, VERSION, ..]
    )
}

/// Whether it is worth reading if only a platform identifier is looked for.
pub(super) fn may_be_identifier(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_INPUT_LEN && !events::is_evtx(bytes)
}

/// A platform identifier, or what else says something about the EK of a host.
fn identifier(bytes: &[u8]) -> Option<Content> {
    let read = Identifier::read(bytes).ok()?;
    Some(Content::Identifier(Box::new(read)))
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn document(name: &str, bytes: &[u8], text: &str) -> Result<Content, Error> {
    if events::is_events(text) {
        return events::read_xml(text).map(Content::Events);
    }
    let root = xml(text)?;
    if is_clixml(&root) {
        // The output of Get-TpmEndorsementKeyInfo is an identifier.
        if let Some(identifier) = identifier(bytes) {
            return Ok(identifier);
        }
        return objects(name, Form::Clixml, object::of_document(&root));
    }
    let is_identifier = local_name(&root.name) == "PlatformIdentifiers"
        || namespace(&root).is_some_and(|uri| uri == crate::identifier::NAMESPACE);
    if is_identifier {
        return Identifier::read(bytes).map(|read| Content::Identifier(Box::new(read)));
    }
    objects(name, Form::Xml, object::of_document(&root))
}

fn objects(name: &str, form: Form, values: Vec<Value>) -> Result<Content, Error> {
    Ok(Content::Objects {
        form,
        log: events::read_objects(&values)?,
        listings: access::of_objects(&values),
        certificates: stores::placed(name, stores::of_objects(&values)?),
        values,
    })
}

/// XML of the size of a saved trace.
pub(super) fn xml(text: &str) -> Result<Element, Error> {
    xml_within(text, DOCUMENT)
}

/// XML within limits. The errors of the reader speak of platform identifiers.
pub(super) fn xml_within(text: &str, limits: XmlLimits) -> Result<Element, Error> {
    let read = parse_within(text, limits).map(|document| document.root);
    read.map_err(|error| Error {
        help: match error.code {
            Some(Code::XmlDoctype) => {
                "neither Windows nor PowerShell writes this; find out who edited the file"
                    .to_owned()
            }
            _ => "save it on the machine again, and copy it whole".to_owned(),
        },
        ..error
    })
}
