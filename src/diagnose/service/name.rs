//! Whether a certificate is for a service of this name (RFC 9525, RFC 6125).

use std::net::IpAddr;

use ::der::oid::ObjectIdentifier;

use crate::ek::{Certificate, GeneralName};

const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What names a certificate has for servers, and whether one is that of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerNames {
    /// Whether one of them is it.
    pub(crate) cover: bool,
    /// The names, as they stand there.
    pub(crate) names: Vec<String>,
    /// Whether they are from the subject, since there are no alternative names.
    pub(crate) from_subject: bool,
}

impl ServerNames {
    /// Looks for the name of a service, or its address (IPv6 in brackets). If there are any
    /// alternative names the subject does not count.
    pub(crate) fn of(certificate: &Certificate, host: &str) -> Self {
        let extensions = certificate.extensions();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<IpAddr> = bare.parse().ok();
        let alternatives = &extensions.subject_alt_names;
        if extensions.criticality(SUBJECT_ALT_NAME).is_some() || !alternatives.is_empty() {
            return Self {
                cover: alternatives.iter().any(|name| match (name, ip) {
                    (GeneralName::Dns(pattern), None) => matches(pattern, bare),
                    (GeneralName::Ip(octets), Some(ip)) => is_address(octets, ip),
                    _ => false,
                }),
                names: alternatives.iter().filter_map(shown).collect(),
                from_subject: false,
            };
        }
        let names = certificate.subject().values(COMMON_NAME);
        Self {
            cover: match ip {
                None => names.iter().any(|pattern| matches(pattern, bare)),
                Some(ip) => names.iter().any(|name| name.parse() == Ok(ip)),
            },
            names,
            from_subject: true,
        }
    }
}

/// Whether a name as it stands in a certificate stands for this one: without regard to case,
/// with `*` for the first label alone.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.strip_suffix('.').unwrap_or(pattern);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || !pattern.is_ascii() {
        return false;
    }
    if let Some(rest) = pattern.strip_prefix("*.") {
        // Not of a whole top-level domain, and not for deeper names.
        let Some((first, parent)) = name.split_once('.') else {
            return false;
        };
        return !first.is_empty()
            && rest.contains('.')
            && !rest.contains('*')
            && rest.eq_ignore_ascii_case(parent);
    }
    pattern.eq_ignore_ascii_case(name)
}

fn is_address(octets: &[u8], ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => octets == ip.octets(),
        IpAddr::V6(ip) => octets == ip.octets(),
    }
}

fn shown(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Dns(name) => Some(name.clone()),
        GeneralName::Ip(octets) => {
            let v4 = <[u8; 4]>::try_from(octets.as_slice()).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(octets.as_slice()).map(IpAddr::from);
            v4.or(v6).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
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
            ("hgs.bastion.test", "hgs.bastion.test.", true),
            ("*.bastion.test", "hgs.bastion.test", true),
            ("*.bastion.test", "a.hgs.bastion.test", false),
            ("*.bastion.test", "bastion.test", false),
            ("*.bastion.test", ".bastion.test", false),
            ("*.test", "bastion.test", false),
            ("*", "hgs", false),
            ("*.*.test", "hgs.bastion.test", false),
            ("h*.bastion.test", "hgs.bastion.test", false),
            ("hgs", "hgs.bastion.test", false),
            ("hgs.bastion.test", "hgs", false),
            ("", "", false),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn addresses() {
        assert!(is_address(&[127, 0, 0, 1], "127.0.0.1".parse().unwrap()));
        assert!(!is_address(&[127, 0, 0, 1], "127.0.0.2".parse().unwrap()));
        assert!(!is_address(&[127, 0, 0, 1], "::1".parse().unwrap()));
        assert!(!is_address(&[], "::1".parse().unwrap()));
    }
}
