//! Name constraints (RFC 5280 4.2.1.10, 6.1.3 (b) and (c), 6.1.4 (g)).

use ::der::oid::ObjectIdentifier;

use crate::ek::{Certificate, GeneralName, GeneralSubtree, NameConstraints};

/// emailAddress (PKCS #9), for subjects that carry it.
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// The most comparisons of a name with a subtree along one path: the limit that
/// webpki took after quadratic blow-up was reported against several verifiers.
const MAX_COMPARISONS: usize = 250_000;

/// The constraints gathered along a path. Each permitted list must be met by
/// itself: that is their intersection.
#[derive(Debug, Default)]
pub(super) struct ConstraintState<'a> {
    gathered: Vec<&'a NameConstraints>,
    comparisons: usize,
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameFailure {
    /// This name lies outside what may be certified.
    Outside(String),
    /// Too many comparisons.
    Budget,
}

impl<'a> ConstraintState<'a> {
    /// Adds the constraints of a CA certificate.
    pub(super) fn add(&mut self, certificate: &'a Certificate) {
        self.gathered
            .extend(&certificate.extensions().name_constraints);
    }

    /// Checks the names of a certificate.
    pub(super) fn check(&mut self, certificate: &Certificate) -> Result<(), NameFailure> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let subject = certificate.subject();
        if !subject.is_empty() {
            self.check_name(&GeneralName::Directory(subject.clone()))?;
        }
        let alt_names = &certificate.extensions().subject_alt_names;
        // RFC 5280 4.2.1.10: without an rfc822Name, addresses in the subject count.
        if !alt_names
            .iter()
            .any(|name| matches!(name, GeneralName::Email(_)))
        {
            for address in subject.values(EMAIL_ADDRESS) {
                self.check_name(&GeneralName::Email(address))?;
            }
        }
        for name in alt_names {
            self.check_name(name)?;
        }
        Ok(())
    }

    fn check_name(&mut self, name: &GeneralName) -> Result<(), NameFailure> {
        let outside = || NameFailure::Outside(display(name));
        let per_name: usize = self
            .gathered
            .iter()
            .map(|c| c.permitted.len().saturating_add(c.excluded.len()))
            .fold(0, usize::saturating_add);
        self.comparisons = self.comparisons.saturating_add(per_name);
        if self.comparisons > MAX_COMPARISONS {
            return Err(NameFailure::Budget);
        }
        for constraints in &self.gathered {
            let mut constrained = false;
            let mut permitted = false;
            for subtree in of_form(&constraints.permitted, name) {
                constrained = true;
                permitted |= matches(name, &subtree.base).ok_or_else(outside)?;
            }
            if constrained && !permitted {
                return Err(outside());
            }
            for subtree in of_form(&constraints.excluded, name) {
                if matches(name, &subtree.base).ok_or_else(outside)? {
                    return Err(outside());
                }
            }
        }
        Ok(())
    }
}

fn of_form<'s>(
    subtrees: &'s [GeneralSubtree],
    name: &'s GeneralName,
) -> impl Iterator<Item = &'s GeneralSubtree> {
    subtrees
        .iter()
        .filter(move |subtree| match (name, &subtree.base) {
            (GeneralName::Other(a, _), GeneralName::Other(b, _)) => a == b,
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        })
}

/// Whether `name` lies in the subtree of `base`, both of the same form; `None`
/// where that cannot be told, which refuses.
fn matches(name: &GeneralName, base: &GeneralName) -> Option<bool> {
    match (name, base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => {
            Some(name.key().is_within(base.key()))
        }
        (GeneralName::Dns(name), GeneralName::Dns(base)) => Some(dns(name, base)),
        (GeneralName::Email(name), GeneralName::Email(base)) => email(name, base),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => {
            Some(host_or_domain(uri_host(name)?, base))
        }
        (GeneralName::Ip(name), GeneralName::Ip(base)) => ip(name, base),
        _ => None,
    }
}

/// `base` with any number of labels to its left.
fn dns(name: &str, base: &str) -> bool {
    let name = without_root(name);
    let base = base.strip_prefix('.').unwrap_or(base);
    base.is_empty() || eq(name, base) || ends_with_label(name, base)
}

/// A mailbox, a host, or with a leading dot any host in a domain.
fn email(name: &str, base: &str) -> Option<bool> {
    let (mailbox, host) = name.rsplit_once('@')?;
    Some(match base.rsplit_once('@') {
        Some((base_mailbox, base_host)) => mailbox == base_mailbox && eq(host, base_host),
        None => host_or_domain(host, base),
    })
}

fn host_or_domain(host: &str, base: &str) -> bool {
    let host = without_root(host);
    match base.strip_prefix('.') {
        Some(domain) => ends_with_label(host, domain),
        None => eq(host, base),
    }
}

/// A name with a dot at its end is the same name to a resolver, and must not escape an
/// excluded subtree.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The host of a URI (RFC 3986 3.2.2); `None` if it has none or it is an address.
fn uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    (!host.is_empty() && !is_address).then_some(host)
}

/// An address in the network given by address and mask.
fn ip(address: &[u8], base: &[u8]) -> Option<bool> {
    match (address.len(), base.len()) {
        (4, 8) | (16, 32) => {
            let (network, mask) = base.split_at_checked(address.len())?;
            let mut octets = address.iter().zip(network).zip(mask);
            Some(octets.all(|((address, network), mask)| address & mask == network & mask))
        }
        // An IPv4 address is in no IPv6 network, nor the other way round.
        (4, 32) | (16, 8) => Some(false),
        _ => None,
    }
}

fn ends_with_label(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name.strip_suffix(domain.as_str())
        .is_some_and(|front| front.ends_with('.'))
}

fn eq(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn display(name: &GeneralName) -> String {
    match name {
        GeneralName::Directory(name) => name.to_string(),
        GeneralName::Dns(text) | GeneralName::Email(text) | GeneralName::Uri(text) => text.clone(),
        GeneralName::Ip(octets) => format!("address {}", crate::hash::hex(octets)),
        _ => "a name of a form that is not supported".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(dns("a.example.com", "example.com"));
        assert!(dns("EXAMPLE.com", "example.com"));
        assert!(!dns("badexample.com", "example.com"));
        assert!(dns("a.example.com.", "example.com"));
        assert!(host_or_domain("a.example.com.", ".example.com"));
        assert_eq!(email("a@b.example.com", ".example.com"), Some(true));
        assert_eq!(email("a@example.com", ".example.com"), Some(false));
        assert_eq!(email("a@example.com", "A@example.com"), Some(false));
        assert_eq!(email("no address", "example.com"), None);
        assert_eq!(
            uri_host("http://u@h.example.com:80/x"),
            Some("h.example.com")
        );
        assert_eq!(uri_host("http://[::1]/"), None);
        assert_eq!(uri_host("urn:x"), None);
        assert_eq!(ip(&[10, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]), Some(true));
        assert_eq!(
            ip(&[11, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]),
            Some(false)
        );
        assert_eq!(ip(&[10, 1, 2, 3], &[10, 0, 0]), None);
        assert_eq!(ip(&[1; 16], &[10, 0, 0, 0, 255, 0, 0, 0]), Some(false));
        assert_eq!(ip(&[1; 4], &[0; 32]), Some(false));
    }
}
