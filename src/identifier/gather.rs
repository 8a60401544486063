//! Takes what a document says out of its tree, by content where its names are not
//! publicly known.

use std::collections::HashMap;

use super::classify::{self, Classified, MIN_MATERIAL_LEN, Material};
use super::hint::{
    Hint, Strength, looks_like_data, names_mac, names_serial, normal_guid, normal_mac,
};
use super::limits::{MAX_KEYS, too_large};
use super::model::{EkCert, EkPubEntry, Element, Identifier, Kind, Node};
use super::write::NAMESPACE;
use super::xml::local_name;
use crate::finding::{Code, Error, Finding};

/// What the document with this root says. The tree is known to be within
/// [`MAX_DEPTH`](super::MAX_DEPTH), so it may be walked by recursion.
pub(super) fn gather(root: Element, kind: Kind) -> Result<Identifier, Error> {
    let local = local_name(&root.name);
    if !ROOTS.contains(&local) && namespace(&root) != Some(NAMESPACE) {
        return Err(Error::malformed(
            Code::InputUnrecognised,
            format!("the XML is no platform identifier: its root element is '{local}'"),
            "give the file that Get-PlatformIdentifier wrote; its root is PlatformIdentifiers",
        )
        .at(local));
    }
    let mut identifier = Identifier::empty(kind);
    Walk {
        identifier: &mut identifier,
    }
    .element(&root, local, None, Level::Root)?;
    identifier.document = Some(root);
    finish(identifier)
}

/// Adds one piece of EK material; a repetition counts once, under its first source.
pub(super) fn add(
    identifier: &mut Identifier,
    material: Material,
    source: &str,
) -> Result<(), Error> {
    match material {
        Material::EkPub(key, encoding) => {
            if identifier.ekpubs.iter().all(|entry| entry.key != key) {
                identifier.ekpubs.push(EkPubEntry {
                    key,
                    encoding,
                    source: source.to_owned(),
                });
            }
        }
        Material::EkCert(certificate, findings) => {
            if identifier
                .ekcerts
                .iter()
                .all(|entry| entry.certificate != *certificate)
            {
                identifier
                    .findings
                    .extend(findings.into_iter().map(|finding| Finding {
                        message: format!("{} (at {source})", finding.message),
                        ..finding
                    }));
                identifier.ekcerts.push(EkCert {
                    certificate: *certificate,
                    source: source.to_owned(),
                });
            }
        }
    }
    if identifier.ekpubs.len() > MAX_KEYS || identifier.ekcerts.len() > MAX_KEYS {
        return Err(too_large(format!(
            "there are more than {MAX_KEYS} EKpubs or EKcerts"
        )));
    }
    Ok(())
}

/// The last step of every reader: something to judge must be there, and what the
/// host said is passed on.
pub(super) fn finish(mut identifier: Identifier) -> Result<Identifier, Error> {
    if identifier.ekpubs.is_empty() && identifier.ekcerts.is_empty() {
        let said = match identifier.messages.as_slice() {
            [] => String::new(),
            messages => format!("; the host says: {}", messages.join("; ")),
        };
        return Err(Error::malformed(
            Code::NoEkpub,
            format!("there is no EKpub and no EKcert in the input{said}"),
            "run Get-PlatformIdentifier on the host again, elevated and with the TPM ready \
             (Get-Tpm), or give the EK certificate or EKpub itself",
        ));
    }
    for message in &identifier.messages {
        identifier.findings.push(Finding::new(
            Code::MessageFromHost,
            format!("the host says: {message}"),
            "see to it on the host, then make the file again",
        ));
    }
    Ok(identifier)
}

/// Puts the place of an error inside a larger one.
pub(super) fn within(error: Error, place: &str) -> Error {
    let location = match &error.location {
        Some(inner) => format!("{place}, {inner}"),
        None => place.to_owned(),
    };
    error.at(location)
}

/// The root elements of platform identifiers: as observed, and its singular.
const ROOTS: [&str; 2] = ["PlatformIdentifiers", "PlatformIdentifier"];

/// The namespace of an element by its own declarations.
pub(crate) fn namespace(element: &Element) -> Option<&str> {
    let declaration = match element.name.split_once(':') {
        Some((prefix, _)) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    let mut attributes = element.attributes.iter();
    attributes.find_map(|(name, value)| (*name == declaration).then_some(value.as_str()))
}

/// How far below the root an element is, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Child,
    Deeper,
}

struct Walk<'a> {
    identifier: &'a mut Identifier,
}

impl Walk<'_> {
    fn element(
        &mut self,
        element: &Element,
        path: &str,
        parent: Option<&str>,
        level: Level,
    ) -> Result<(), Error> {
        let local = local_name(&element.name);
        if local == "PlatformIdMessages" {
            self.messages(element);
            return Ok(());
        }
        for (name, value) in &element.attributes {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let name = local_name(name);
            let place = format!("{path}/@{name}");
            self.text(value, name, Some(local), &place, Level::Deeper)?;
        }
        self.text(&own_text(element), local, parent, path, level)?;
        let below = match level {
            Level::Root => Level::Child,
            _ => Level::Deeper,
        };
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for child in &element.children {
            let Node::Element(child) = child else {
                continue;
            };
            let name = local_name(&child.name);
            let number = numbers.entry(name).or_default();
            *number = number.saturating_add(1);
            let place = format!("{path}/{name}[{number}]");
            self.element(child, &place, Some(local), below)?;
        }
        Ok(())
    }

    /// Every text below PlatformIdMessages.
    fn messages(&mut self, element: &Element) {
        let text = own_text(element);
        if !text.trim().is_empty() {
            self.identifier.messages.push(text.trim().to_owned());
        }
        for child in &element.children {
            if let Node::Element(child) = child {
                self.messages(child);
            }
        }
    }

    /// One text: the content of an element, or the value of an attribute.
    fn text(
        &mut self,
        text: &str,
        local: &str,
        parent: Option<&str>,
        path: &str,
        level: Level,
    ) -> Result<(), Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        match local {
            "ForeignKey" if level == Level::Child => {
                return set_once(&mut self.identifier.name, text.to_owned(), path);
            }
            "MachineGuid" if level == Level::Child => {
                return match normal_guid(text) {
                    Some(guid) => set_once(&mut self.identifier.machine.guid, guid, path),
                    None => {
                        self.incomplete("the MachineGuid is no GUID", path);
                        Ok(())
                    }
                };
            }
            "Version" if level == Level::Child => return Ok(()),
            _ => {}
        }
        if self.material(text, Hint::of(local, parent), path)? {
            return Ok(());
        }
        if names_mac(local) || parent.is_some_and(names_mac) {
            self.macs(text, path);
        } else if names_serial(local) && self.identifier.machine.serial.is_none() {
            self.identifier.machine.serial = Some(text.to_owned());
        }
        Ok(())
    }

    /// Adds the EK material that a text is, if it is any.
    fn material(&mut self, text: &str, hint: Hint, path: &str) -> Result<bool, Error> {
        // The shortest that could be EK material, in base64 and unpadded.
        const MIN_CHARS: usize = MIN_MATERIAL_LEN.div_ceil(3).saturating_mul(4);
        let long = text.len() >= MIN_CHARS;
        if !long && hint.strength != Strength::Certain {
            return Ok(false);
        }
        let why = match classify::text(text) {
            Ok(Classified::Found(materials)) if !materials.is_empty() => {
                for material in materials {
                    add(self.identifier, material, path)?;
                }
                return Ok(true);
            }
            Ok(Classified::Found(_) | Classified::OtherData) => {
                "it is in no encoding that is known".to_owned()
            }
            Ok(Classified::NoData(why)) => why,
            Err(error) => return Err(within(error, path)),
        };
        let expected = match hint.strength {
            Strength::Certain => true,
            // A hash of a key is not a key, and a sentence is no data.
            Strength::Likely => looks_like_data(text),
            Strength::None => false,
        };
        if !expected {
            return Ok(false);
        }
        let what = match hint.code {
            Code::EkcertMalformed => "an EKcert",
            _ => "an EKpub",
        };
        Err(Error::malformed(
            hint.code,
            format!("{what} is named here, but its content is none: {why}"),
            "get the file from the host again; it may have been cut, or changed by a mail program",
        )
        .at(path))
    }

    fn macs(&mut self, text: &str, path: &str) {
        let parts = || text.split(|c: char| matches!(c, ',' | ';' | '|') || c.is_whitespace());
        // One address may be written with spaces, several may be separated by them.
        let macs: Vec<Option<String>> = match normal_mac(text) {
            Some(mac) => vec![Some(mac)],
            None => parts()
                .filter(|part| !part.is_empty())
                .map(normal_mac)
                .collect(),
        };
        for mac in macs {
            match mac {
                Some(mac) if !self.identifier.machine.macs.contains(&mac) => {
                    self.identifier.machine.macs.push(mac);
                }
                Some(_) => {}
                None => {
                    self.incomplete("a MAC address is none", path);
                    return;
                }
            }
        }
    }

    fn incomplete(&mut self, what: &str, path: &str) {
        self.identifier.findings.push(Finding::new(
            Code::MachineIncomplete,
            format!("{what} (at {path})"),
            "compare with the machine itself if the host must be told from others by it",
        ));
    }
}

/// The texts directly in an element, joined: what .NET calls its InnerText, without
/// that of its children.
pub(crate) fn own_text(element: &Element) -> String {
    let texts = element.children.iter().filter_map(|child| match child {
        Node::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Two readers of a file that says two things could each take another.
fn set_once(slot: &mut Option<String>, value: String, path: &str) -> Result<(), Error> {
    if slot.as_ref().is_some_and(|known| *known != value) {
        return Err(Error::malformed(
            Code::XmlMalformed,
            "the file says two different things where it may say one",
            "get the file from the host again; it has been edited",
        )
        .at(path));
    }
    *slot = Some(value);
    Ok(())
}
