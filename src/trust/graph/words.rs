//! What is written about a certificate in a drawing. Everything returned here may hold
//! text from the input: the renderers escape it.

use std::collections::{HashMap, HashSet};

use ::der::oid::ObjectIdentifier;

use super::{Graph, GraphRole, Mark, Node, Orphan};
use crate::der::Time;
use crate::ek::{Certificate, Name, NameKey};
use crate::hash::hex;
use crate::trust::signature::key_algorithm;

/// The most characters of a subject; genuine ones have under 120.
const MAX_NAME: usize = 200;

/// Digits of a SHA-256 that are shown: enough to name the certificate with.
pub(super) const SHOWN_DIGITS: usize = 8;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// The mark in a word, and what it means.
pub(super) const MARKS: [(Mark, &str, &str); 9] = [
    (
        Mark::Anchor,
        "anchor",
        "trusted as it stands: it is in the root store",
    ),
    (
        Mark::NotSelfIssued,
        "not self-issued",
        "an anchor that another CA issued",
    ),
    (Mark::Expired, "expired", "past its validity at this time"),
    (
        Mark::NotYetValid,
        "not yet valid",
        "before its validity at this time",
    ),
    (Mark::Sha1, "SHA-1", "its signature uses SHA-1"),
    (
        Mark::WeakKey,
        "weak key",
        "its key is smaller than 2048 bits (RSA) or 256 (EC), or its numbers prove it weak",
    ),
    (
        Mark::SharedName,
        "shared name",
        "another certificate has the same subject and another key",
    ),
    (
        Mark::OtherEdition,
        "editions",
        "another certificate has the same subject and the same key, such as a cross-certificate",
    ),
    (
        Mark::Aik,
        "AIK",
        "it issues certificates for attestation identity keys, not for EKs",
    ),
];

impl Mark {
    pub(super) fn word(self) -> &'static str {
        let found = MARKS.iter().find(|(mark, ..)| *mark == self);
        found.map_or("", |(_, word, _)| word)
    }
}

impl Node {
    pub(super) fn vendor(&self) -> String {
        let vendors: Vec<&str> = self.vendors.iter().map(String::as_str).collect();
        vendors.join(", ")
    }

    /// The first digits of its SHA-256.
    pub(super) fn digest(&self) -> String {
        let digits = self.certificate.sha256().to_string();
        digits.chars().take(SHOWN_DIGITS).collect()
    }

    pub(super) fn key(&self) -> String {
        key_algorithm(&self.certificate)
            .map_or_else(|| "other key".to_owned(), |key| key.to_string())
    }

    pub(super) fn validity(&self) -> String {
        format!(
            "{} to {}",
            day(self.certificate.not_before()),
            day(self.certificate.not_after())
        )
    }

    /// The marks that are no matter of course where it stands.
    pub(super) fn badges(&self) -> Vec<&'static str> {
        let marks = self.marks.iter();
        marks.map(|mark| mark.word()).collect()
    }

    pub(super) fn role_word(&self) -> &'static str {
        match self.role {
            GraphRole::Root => "anchor",
            GraphRole::Intermediate => "intermediate",
            GraphRole::EkCert => "EKcert",
        }
    }

    /// All there is to say, for who asks: line by line.
    pub(super) fn details(&self) -> Vec<String> {
        let certificate = &self.certificate;
        let mut lines = vec![cut(&subject_of(certificate), MAX_NAME)];
        lines.push(format!(
            "issuer {}",
            cut(&certificate.issuer().to_string(), MAX_NAME)
        ));
        lines.push(format!("SHA-256 {}", certificate.sha256()));
        lines.push(format!(
            "{}, {}, valid {}",
            self.role_word(),
            self.key(),
            self.validity()
        ));
        if !self.vendors.is_empty() {
            lines.push(format!("vendor {}", cut(&self.vendor(), MAX_NAME)));
        }
        if !self.marks.is_empty() {
            lines.push(self.badges().join(", "));
        }
        lines
    }
}

impl Orphan {
    /// What stands above a certificate without an issuer.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::SelfSigned => "self-signed, but no anchor",
            Self::NotHere => "the issuer is not here",
            Self::OtherKey => "the issuer's name is here, but none of its keys made the signature",
            Self::Unsupported => "the issuer's name is here, but the signature cannot be verified",
        }
    }
}

/// A name for each certificate: its common name, or the organizational unit where that is
/// what tells apart those with one common name (all CAs of Intel's are called
/// www.intel.com). The whole subject if there is no common name, the serial number if that
/// is empty.
pub(super) fn names(certificates: &[&Certificate]) -> Vec<String> {
    let mut subjects: HashMap<(String, Option<String>), HashSet<&NameKey>> = HashMap::new();
    for certificate in certificates {
        let subject = certificate.subject();
        let Some(name) = last(subject, COMMON_NAME) else {
            continue;
        };
        for key in [(name.clone(), None), (name, last(subject, UNIT))] {
            subjects.entry(key).or_default().insert(subject.key());
        }
    }
    let are_several = |name: &str, unit: Option<&str>| {
        let key = (name.to_owned(), unit.map(str::to_owned));
        subjects.get(&key).is_some_and(|found| found.len() > 1)
    };
    let name = |certificate: &&Certificate| {
        let subject = certificate.subject();
        let Some(name) = last(subject, COMMON_NAME) else {
            return if subject.is_empty() {
                format!("serial {}", hex(certificate.serial()))
            } else {
                subject.to_string()
            };
        };
        match last(subject, UNIT).filter(|_| are_several(&name, None)) {
            Some(unit) if are_several(&name, Some(&unit)) => format!("{unit}, {name}"),
            Some(unit) => unit,
            None => name,
        }
    };
    let names = certificates.iter().map(name);
    names.map(|name| cut(&name, MAX_NAME)).collect()
}

/// The last value of an attribute, which is the most specific, if it says anything.
fn last(name: &Name, attribute: ObjectIdentifier) -> Option<String> {
    name.values(attribute)
        .pop()
        .filter(|value| !value.is_empty())
}

/// The issuer's name, as far as it is shown.
pub(super) fn issuer_of(certificate: &Certificate) -> String {
    let issuer = certificate.issuer();
    let name = last(issuer, COMMON_NAME).unwrap_or_else(|| issuer.to_string());
    cut(&name, MAX_NAME)
}

fn subject_of(certificate: &Certificate) -> String {
    if certificate.subject().is_empty() {
        "(empty subject)".to_owned()
    } else {
        certificate.subject().to_string()
    }
}

pub(super) fn day(time: Time) -> String {
    let text = time.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

pub(super) fn year(time: Time) -> String {
    let text = time.to_string();
    text.split('-').next().unwrap_or_default().to_owned()
}

/// The graph in numbers.
pub(super) fn summary(graph: &Graph) -> String {
    format!(
        "certificates: {} · anchors: {} · without a path to an anchor: {} · as of {}",
        graph.len(),
        graph.anchors(),
        graph.unanchored(),
        graph.at
    )
}

/// At most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What many names have in common: each run of eight hexadecimal digits or more, and each
/// of decimal digits, is one `…`.
pub(super) fn stem(name: &str) -> String {
    /// Fewer are likely to be a word or a number that matters.
    const MIN_DIGITS: usize = 8;
    let mut stem = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, stem: &mut String| {
        if run.chars().count() >= MIN_DIGITS {
            stem.push('…');
        } else {
            stem.push_str(run);
        }
        run.clear();
    };
    for c in name.chars() {
        if c.is_ascii_hexdigit() {
            run.push(c);
        } else {
            flush(&mut run, &mut stem);
            stem.push(c);
        }
    }
    flush(&mut run, &mut stem);
    stem
}
