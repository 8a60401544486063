//! Exports of certificate templates of Active Directory Certificate Services. The attributes
//! of the object are the same in each form (MS-CRTD 2); the forms differ in how they write
//! text, numbers and octets.

mod certutil;
mod json;
mod ldif;

use std::collections::BTreeMap;

use ::der::oid::ObjectIdentifier;

use super::provider::{ProviderHint, ProviderKind};
use super::words::key_usage_of_octets;
use super::{Candidate, CandidateKind, KeyKind, TemplateFacts};
use crate::finding::{Code, Error};
use crate::identifier::decode_text;

/// The largest export that is read, in octets. One of all 33 templates that Windows brings
/// has about 150 KiB.
pub const MAX_TEMPLATES_LEN: usize = 1024 * 1024;

/// The most templates of one export.
pub const MAX_TEMPLATES: usize = 512;

/// The most values of one template, of all its attributes together; one has under 60.
const MAX_VALUES: usize = 2048;

// MS-CRTD 2.27, msPKI-Private-Key-Flag.
const EXPORTABLE_KEY: u32 = 0x10;
const REQUIRE_SAME_KEY_RENEWAL: u32 = 0x80;
const USE_LEGACY_PROVIDER: u32 = 0x100;
/// MS-CRTD 2.28, msPKI-Certificate-Name-Flag: CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT.
const ENROLLEE_SUPPLIES_SUBJECT: u32 = 1;

const SCHEMA: &str = "msPKI-Template-Schema-Version";
const PRIVATE_KEY_FLAG: &str = "msPKI-Private-Key-Flag";
const DEFAULT_CSPS: &str = "pKIDefaultCSPs";

const HELP: &str = "export it again: ldifde -f t.ldf -d \"CN=NAME,CN=Certificate Templates,CN=Public Key \
     Services,CN=Services,CN=Configuration,DC=…\", Export-ADCSTemplate of the module ADCSTemplate, \
     or certutil -v -dstemplate NAME";

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateForm {
    /// LDIF (RFC 2849), as `ldifde` writes it.
    Ldif,
    /// A JSON object of the attributes, as `Export-ADCSTemplate` writes it.
    Json,
    /// The text of `certutil -dstemplate`.
    Certutil,
}

impl TemplateForm {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ldif => "ldif",
            Self::Json => "json",
            Self::Certutil => "certutil",
        }
    }
}

/// One value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Octets(Vec<u8>),
}

/// The attributes of one object, by their names in lower case.
#[derive(Clone, Debug, Default)]
struct Object {
    attributes: BTreeMap<String, Vec<Value>>,
    values: usize,
}

/// Reads the templates of an export, in whichever form it is.
///
/// # Errors
/// `template-malformed`; `encoding-unknown` for text that is none.
pub fn read_templates(bytes: &[u8]) -> Result<(TemplateForm, Vec<Candidate>), Error> {
    if bytes.len() > MAX_TEMPLATES_LEN {
        return Err(Error::malformed(
            Code::InputTooLarge,
            format!(
                "an export of {} bytes; at most {MAX_TEMPLATES_LEN} are read",
                bytes.len()
            ),
            "export the one template that matters",
        ));
    }
    let Some((text, _)) = decode_text(bytes)? else {
        return Err(malformed("it is no text"));
    };
    let (form, objects) = match form_of(&text) {
        Some(TemplateForm::Json) => (TemplateForm::Json, json::read(&text)?),
        Some(TemplateForm::Ldif) => (TemplateForm::Ldif, ldif::read(&text)?),
        Some(TemplateForm::Certutil) => (TemplateForm::Certutil, certutil::read(&text)?),
        None => return Err(malformed("it is in no form of export that is known")),
    };
    let templates = objects.iter().filter(|object| object.is_template());
    let candidates = templates
        .map(Object::candidate)
        .collect::<Result<Vec<_>, _>>()?;
    match candidates.is_empty() {
        true => Err(malformed("no certificate template is in it")),
        false => Ok((form, candidates)),
    }
}

/// Whether a text looks like an export of templates, so that what is wrong with it is said
/// of it as one.
pub(super) fn is_likely(bytes: &[u8]) -> bool {
    matches!(decode_text(bytes), Ok(Some((text, _))) if form_of(&text).is_some())
}

fn form_of(text: &str) -> Option<TemplateForm> {
    let start = text.trim_start();
    if start.starts_with('{') {
        return Some(TemplateForm::Json);
    }
    if let Some(rest) = start.strip_prefix('[') {
        // A list of objects, or the name of a template in brackets.
        return match rest.trim_start().starts_with('{') {
            true => Some(TemplateForm::Json),
            false => rest.contains("pKI").then_some(TemplateForm::Certutil),
        };
    }
    let starts = |line: &str, prefix: &str| {
        let start = line.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if text.lines().any(|line| starts(line, "dn:")) {
        return Some(TemplateForm::Ldif);
    }
    let mut lines = text.lines().map(str::trim_start);
    lines
        .any(|line| line.starts_with("pKIKeyUsage =") || line.starts_with("msPKI-"))
        .then_some(TemplateForm::Certutil)
}

fn malformed(what: impl std::fmt::Display) -> Error {
    Error::malformed(
        Code::TemplateMalformed,
        format!("the export of a certificate template cannot be read: {what}"),
        HELP,
    )
}

impl Object {
    fn add(&mut self, name: &str, value: Value) -> Result<(), Error> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(malformed(format!(
                "an object has more than {MAX_VALUES} values"
            )));
        }
        // Options of an attribute follow a semicolon (RFC 2849).
        let name = name.split(';').next().unwrap_or(name);
        let values = self
            .attributes
            .entry(name.to_ascii_lowercase())
            .or_default();
        values.push(value);
        Ok(())
    }

    fn values(&self, name: &str) -> &[Value] {
        let values = self.attributes.get(&name.to_ascii_lowercase());
        values.map_or(&[], Vec::as_slice)
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        let values = self.values(name).iter();
        let texts = values.filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            Value::Octets(octets) => std::str::from_utf8(octets).ok(),
        });
        texts
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// An INTEGER of the directory: 32 bits, which some forms write with a sign.
    fn number(&self, name: &str) -> Result<Option<u32>, Error> {
        let Some(text) = self.texts(name).first().copied() else {
            return Ok(None);
        };
        let unsigned = text.parse::<u32>().ok();
        let number = unsigned.or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned));
        number
            .map(Some)
            .ok_or_else(|| malformed(format!("{name} is no number of 32 bits: '{text}'")))
    }

    /// Octets, which forms of text write in hexadecimal: `b0 00`.
    fn octets(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(value) = self.values(name).first() else {
            return Ok(None);
        };
        match value {
            Value::Octets(octets) => Ok(Some(octets.clone())),
            Value::Text(text) => {
                let digits: String = text.split_whitespace().collect();
                let octets = crate::hash::from_hex(&digits.to_ascii_lowercase());
                octets
                    .map(Some)
                    .ok_or_else(|| malformed(format!("{name} is not octets: '{text}'")))
            }
        }
    }

    fn is_template(&self) -> bool {
        let classes = self.texts("objectClass");
        match classes.is_empty() {
            true => !self.values(SCHEMA).is_empty() || !self.values("pKIKeyUsage").is_empty(),
            false => classes
                .iter()
                .any(|class| class.eq_ignore_ascii_case("pKICertificateTemplate")),
        }
    }

    fn candidate(&self) -> Result<Candidate, Error> {
        let mut candidate = Candidate::unknown(CandidateKind::Template);
        let schema = self.number(SCHEMA)?;
        let flags = self.number(PRIVATE_KEY_FLAG)?;
        let properties = self.properties(schema, flags);
        let property = |name: &str| {
            let mut all = properties.iter();
            all.find_map(|(known, value)| (*known == name).then(|| (*value).to_owned()))
        };
        candidate.key = match property("msPKI-Asymmetric-Algorithm") {
            None => KeyKind::Rsa,
            Some(name) if name.eq_ignore_ascii_case("RSA") => KeyKind::Rsa,
            Some(name) if name.to_ascii_uppercase().starts_with("ECD") => KeyKind::Elliptic(name),
            Some(name) => KeyKind::Other(name),
        };
        let size = self.number("msPKI-Minimal-Key-Size")?;
        candidate.rsa_bits = size.and_then(|bits| usize::try_from(bits).ok());
        candidate.key_usage = self.octets("pKIKeyUsage")?.map(|octets| {
            let mut octets = octets.into_iter();
            let first = octets.next().unwrap_or(0);
            key_usage_of_octets(first, octets.next().unwrap_or(0))
        });
        candidate.purposes = self.purposes()?;
        let name = ["displayName", "cn", "name"]
            .iter()
            .find_map(|attribute| self.texts(attribute).first().map(|name| (*name).to_owned()));
        candidate.providers = self.providers(schema, flags);
        let has = |flag: u32| flags.map(|flags| flags & flag != 0);
        let name_flags = self.number("msPKI-Certificate-Name-Flag")?;
        candidate.template = Some(TemplateFacts {
            name: name.unwrap_or_default(),
            schema,
            same_key_renewal: has(REQUIRE_SAME_KEY_RENEWAL),
            exportable: has(EXPORTABLE_KEY),
            subject_in_request: name_flags.map(|flags| flags & ENROLLEE_SUPPLIES_SUBJECT != 0),
            cng_usage: property("msPKI-Key-Usage").and_then(|usage| usage.parse().ok()),
            key_spec: self.number("pKIDefaultKeySpec")?,
            hash: property("msPKI-Hash-Algorithm"),
        });
        Ok(candidate)
    }

    /// The purposes: application policies where there are any, else those for older clients.
    fn purposes(&self) -> Result<Option<Vec<ObjectIdentifier>>, Error> {
        for attribute in [
            "pKIExtendedKeyUsage",
            "msPKI-Certificate-Application-Policy",
        ] {
            let texts = self.texts(attribute);
            if texts.is_empty() {
                continue;
            }
            let purposes = texts.iter().map(|text| {
                ObjectIdentifier::new(text)
                    .map_err(|_| malformed(format!("{attribute} is no OID: '{text}'")))
            });
            return purposes.collect::<Result<Vec<_>, _>>().map(Some);
        }
        Ok(None)
    }

    /// Whether the key is made with a legacy provider (MS-CRTD 2.27): always by version 1 and
    /// 2 of the schema, never by 3, and by 4 if its flag says so.
    fn is_legacy(schema: Option<u32>, flags: Option<u32>) -> Option<bool> {
        match schema? {
            1 | 2 => Some(true),
            3 => Some(false),
            _ => flags.map(|flags| flags & USE_LEGACY_PROVIDER != 0),
        }
    }

    fn providers(&self, schema: Option<u32>, flags: Option<u32>) -> Vec<ProviderHint> {
        let mut hints = Vec::new();
        match Self::is_legacy(schema, flags) {
            Some(true) => hints.push(ProviderHint {
                name: match schema {
                    Some(version @ 1..=2) => {
                        format!("templates of version {version} know no others")
                    }
                    _ => "CT_FLAG_USE_LEGACY_PROVIDER is set".to_owned(),
                },
                source: "msPKI-Template-Schema-Version and msPKI-Private-Key-Flag of the template",
                kind: ProviderKind::Legacy,
            }),
            Some(false) => hints.push(ProviderHint {
                name: "any key storage provider".to_owned(),
                source: "msPKI-Template-Schema-Version and msPKI-Private-Key-Flag of the template",
                kind: ProviderKind::KeyStorage,
            }),
            None => {}
        }
        // In front of each name stands its rank: "1,Microsoft Software Key Storage Provider".
        for entry in self.texts(DEFAULT_CSPS) {
            let name = entry.split_once(',').map_or(entry, |(_, name)| name);
            hints.push(ProviderHint::named(
                name.trim(),
                "pKIDefaultCSPs of the template",
            ));
        }
        hints
    }

    /// The settings that CNG templates keep in `msPKI-RA-Application-Policies` (MS-CRTD
    /// 2.23.2): name, type and value again and again, with a grave accent after each.
    fn properties(&self, schema: Option<u32>, flags: Option<u32>) -> Vec<(&str, &str)> {
        if Self::is_legacy(schema, flags) == Some(true) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for text in self.texts("msPKI-RA-Application-Policies") {
            let mut parts = text.split('`');
            while let (Some(name), Some(_), Some(value)) =
                (parts.next(), parts.next(), parts.next())
            {
                found.push((name, value));
            }
        }
        found
    }
}
