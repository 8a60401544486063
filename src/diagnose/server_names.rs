//! Which names of a server a certificate holds (RFC 9525 section 6).

use std::net::IpAddr;

use ::der::oid::ObjectIdentifier;

use crate::ek::{Extensions, GeneralName, Name};

/// commonName (RFC 4519 2.3).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// subjectAltName (RFC 5280 4.2.1.6).
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// What can name a server in a certificate, a request for one or a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    /// The common names of the subject.
    pub common: Vec<String>,
    /// Whether there is a subject alternative name of any kind: then the subject does not
    /// count.
    pub has_alternatives: bool,
    /// The DNS names among the alternatives.
    pub dns: Vec<String>,
    /// The addresses among the alternatives.
    pub addresses: Vec<IpAddr>,
}

impl ServerNames {
    /// The names in a subject and in extensions.
    pub fn new(subject: &Name, extensions: &Extensions) -> Self {
        let mut names = Self::default();
        names.take_subject(subject);
        names.take_extensions(extensions);
        names
    }

    pub(super) fn take_subject(&mut self, subject: &Name) {
        self.common = subject.values(COMMON_NAME);
    }

    pub(super) fn take_extensions(&mut self, extensions: &Extensions) {
        self.has_alternatives = extensions.criticality(SUBJECT_ALT_NAME).is_some();
        self.dns.clear();
        self.addresses.clear();
        for name in &extensions.subject_alt_names {
            match name {
                GeneralName::Dns(name) => self.dns.push(name.clone()),
                GeneralName::Ip(octets) => self.addresses.extend(address(octets)),
                _ => {}
            }
        }
    }

    /// Whether this name, or this address (IPv6 in brackets or without), is among those that
    /// count.
    pub fn hold(&self, name: &str) -> bool {
        match (address_in(name), self.has_alternatives) {
            (Some(address), true) => self.addresses.contains(&address),
            (Some(address), false) => {
                let mut common = self.common.iter();
                common.any(|known| known.parse() == Ok(address))
            }
            (None, true) => self.dns.iter().any(|known| stands_for(known, name)),
            (None, false) => self.have_common(name),
        }
    }

    /// Whether the subject has this name, be it that it counts or not.
    pub fn have_common(&self, name: &str) -> bool {
        self.common.iter().any(|known| stands_for(known, name))
    }

    /// Those that count, in words: the common names only if there is no alternative.
    pub fn counting(&self) -> Vec<String> {
        if !self.has_alternatives {
            return self.common.clone();
        }
        let addresses = self.addresses.iter().map(IpAddr::to_string);
        self.dns.iter().cloned().chain(addresses).collect()
    }
}

fn address_in(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(octets).map(IpAddr::from);
    v4.or(v6).ok()
}

/// Whether a name as it stands in a certificate stands for this one, without regard to case.
/// A wildcard is a whole label, the first and the only one, and stands for exactly one
/// (RFC 9525 6.3); it does not stand before a single label. Names in other characters than
/// ASCII have a form in ASCII, which is the one that counts (RFC 5280 7.2).
fn stands_for(pattern: &str, name: &str) -> bool {
    let pattern = pattern.strip_suffix('.').unwrap_or(pattern);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || !pattern.is_ascii() {
        return false;
    }
    let Some(below) = pattern.strip_prefix("*.") else {
        return !pattern.contains('*') && pattern.eq_ignore_ascii_case(name);
    };
    let Some((first, parent)) = name.split_once('.') else {
        return false;
    };
    !first.is_empty()
        && below.contains('.')
        && !below.contains('*')
        && below.eq_ignore_ascii_case(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns() {
        for (pattern, name, is_match) in [
            ("hgs.bastion.test", "hgs.bastion.test", true),
            ("HGS.Bastion.test", "hgs.bastion.test", true),
            ("hgs.bastion.test.", "hgs.bastion.test", true),
            ("hgs.bastion.test", "HGS.bastion.test.", true),
            ("hgs.bastion.test", "hgs.bastion.tes", false),
            ("*.bastion.test", "hgs.bastion.test", true),
            ("*.bastion.test", "a.hgs.bastion.test", false),
            ("*.bastion.test", "bastion.test", false),
            ("*.bastion.test", ".bastion.test", false),
            ("*.test", "bastion.test", false),
            ("*", "hgs", false),
            ("*", "*", false),
            ("*.*.test", "hgs.bastion.test", false),
            ("*.*.test", "hgs.*.test", false),
            ("h*.bastion.test", "hgs.bastion.test", false),
            ("hgs", "hgs.bastion.test", false),
            ("hgs.bastion.test", "hgs", false),
            ("h\u{fc}s.bastion.test", "h\u{fc}s.bastion.test", false),
            ("", "", false),
        ] {
            assert_eq!(stands_for(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn addresses() {
        for (octets, shown) in [
            (&[127, 0, 0, 1][..], Some("127.0.0.1")),
            (&[0; 16], Some("::")),
            (&[], None),
            (&[0; 5], None),
        ] {
            let shown = shown.map(|shown| shown.parse().unwrap());
            assert_eq!(address(octets), shown);
        }
        let names = ServerNames {
            has_alternatives: true,
            addresses: vec!["::1".parse().unwrap()],
            common: vec!["127.0.0.1".to_owned()],
            ..ServerNames::default()
        };
        for (name, held) in [
            ("::1", true),
            ("[::1]", true),
            ("[::1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(names.hold(name), held, "{name}");
        }
        let common = ServerNames {
            has_alternatives: false,
            ..names
        };
        assert!(common.hold("127.0.0.1") && !common.hold("::1"));
    }

    #[test]
    fn the_subject_counts_only_without_alternatives() {
        let mut names = ServerNames {
            common: vec!["hgs.bastion.test".to_owned()],
            ..ServerNames::default()
        };
        assert!(names.hold("hgs.bastion.test"));
        names.has_alternatives = true;
        assert!(!names.hold("hgs.bastion.test") && names.have_common("hgs.bastion.test"));
        assert!(names.counting().is_empty());
    }
}
