use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;

use super::address::{MAX_URL_LEN, port};

/// Where something is published, as it is asked for: http or https. The text is from a
/// certificate that nobody vouches for, or from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    url: String,
    is_https: bool,
    /// In lower case; an IPv6 address in brackets and in its canonical form.
    host: String,
    port: u16,
}

impl Location {
    /// Reads a URL as vendors write them: upper-case schemes, and spaces (Nuvoton),
    /// which are escaped.
    ///
    /// # Errors
    /// What is wrong with it, to be said after the URL.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL_LEN {
            return Err("is too long");
        }
        if text.chars().any(char::is_control) {
            return Err("has control characters in it");
        }
        if !text.is_ascii() || text.contains('\\') {
            return Err("has characters in it that no URL has");
        }
        let (scheme, rest) = text.split_once(':').ok_or("is no whole URL")?;
        let (is_https, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err("is neither http nor https"),
        };
        let rest = rest.strip_prefix("//").ok_or("is no whole URL")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or("is no URL")?;
        if authority.contains('@') {
            return Err("has a user name in it");
        }
        // A fragment is for whoever asks, not for the server.
        let path = path.split('#').next().unwrap_or_default();
        let path = path.replace(' ', "%20");
        let (name, host) = read_host(authority)?;
        let port = port(authority, name, default_port)?;
        let scheme = if is_https { "https" } else { "http" };
        let slash = if path.starts_with('/') { "" } else { "/" };
        let place = if port == default_port {
            host.clone()
        } else {
            format!("{host}:{port}")
        };
        let url = format!("{scheme}://{place}{slash}{path}");
        // What the client itself makes of it must be the same.
        let uri: Uri = url.parse().map_err(|_| "is no URL")?;
        if uri.host() != Some(host.as_str()) {
            return Err("is no URL");
        }
        Ok(Self {
            url,
            is_https,
            host,
            port,
        })
    }

    /// Where a redirect leads (RFC 3986 5.2). Dots in paths are for the server.
    ///
    /// # Errors
    /// What is wrong with the target.
    pub(super) fn join(&self, target: &str) -> Result<Self, &'static str> {
        let scheme = if self.is_https { "https" } else { "http" };
        let has_scheme = target
            .split_once(':')
            .is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?', '#']));
        if has_scheme {
            return Self::read(target);
        }
        if target.starts_with("//") {
            return Self::read(&format!("{scheme}:{target}"));
        }
        let start = scheme.len().saturating_add("://".len());
        let path_at = self
            .url
            .get(start..)
            .and_then(|rest| rest.find('/'))
            .and_then(|at| at.checked_add(start))
            .ok_or("is no URL")?;
        let (place, path) = self.url.split_at_checked(path_at).ok_or("is no URL")?;
        let path = path.split('?').next().unwrap_or_default();
        let directory = path
            .rfind('/')
            .and_then(|at| path.get(..=at))
            .unwrap_or("/");
        match target.chars().next() {
            None => Err("is empty"),
            Some('/') => Self::read(&format!("{place}{target}")),
            Some('?') => Self::read(&format!("{place}{path}{target}")),
            Some(_) => Self::read(&format!("{place}{directory}{target}")),
        }
    }

    /// The URL, as it is asked for.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether nobody on the way can change what comes.
    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host, in lower case; an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The address that the host is, if it is no name.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare.parse().ok()
    }
}

/// The host as it stands in an authority, and as it is compared.
fn read_host(authority: &str) -> Result<(&str, String), &'static str> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("names no host")?;
        let name = authority.get(..=end).ok_or("names no host")?;
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let address: Ipv6Addr = bare.parse().map_err(|_| "names no host")?;
        return Ok((name, format!("[{address}]")));
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let name = authority.get(..end).ok_or("names no host")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("names no host");
    }
    let host = name.to_ascii_lowercase();
    // Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses, each in its own way.
    let labels = host.strip_suffix('.').unwrap_or(&host);
    let last = labels.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|octet| octet.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()));
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err("has a number for a host that is no address");
    }
    Ok((name, host))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_vendors_write_them() {
        for (text, url, host, port) in [
            (
                "http://pki.infineon.com/OptigaRsaRootCA/OptigaRsaRootCA.crt",
                "http://pki.infineon.com/OptigaRsaRootCA/OptigaRsaRootCA.crt",
                "pki.infineon.com",
                80,
            ),
            (
                "HTTPS://www.Nuvoton.com/security/NTC TPM Root.cer",
                "https://www.nuvoton.com/security/NTC%20TPM%20Root.cer",
                "www.nuvoton.com",
                443,
            ),
            ("http://h.example", "http://h.example/", "h.example", 80),
            (
                "http://h.example?a#b",
                "http://h.example/?a",
                "h.example",
                80,
            ),
            ("http://h.example:80/", "http://h.example/", "h.example", 80),
            (
                "https://h.example:80/",
                "https://h.example:80/",
                "h.example",
                80,
            ),
            (
                "http://127.0.0.1:8/x",
                "http://127.0.0.1:8/x",
                "127.0.0.1",
                8,
            ),
            ("http://[0:0::1]:8/x", "http://[::1]:8/x", "[::1]", 8),
            (
                "http://[::ffff:127.0.0.1]/",
                "http://[::ffff:127.0.0.1]/",
                "[::ffff:127.0.0.1]",
                80,
            ),
        ] {
            let location = Location::read(text).unwrap();
            assert_eq!(
                (location.url(), location.host(), location.port()),
                (url, host, port)
            );
            assert_eq!(Location::read(url).unwrap(), location);
        }
    }

    #[test]
    fn what_is_no_place() {
        for (text, why) in [
            ("", "is no whole URL"),
            ("h.example/x", "is no whole URL"),
            ("//h.example/x", "is no whole URL"),
            ("http:h.example", "is no whole URL"),
            (
                "ldap://h.example/cn=CA?cACertificate",
                "is neither http nor https",
            ),
            ("ldap:///CN=x", "is neither http nor https"),
            ("file:///etc/passwd", "is neither http nor https"),
            ("ftp://h.example/", "is neither http nor https"),
            ("http://", "names no host"),
            ("http:///x", "names no host"),
            ("http://a b.example/", "names no host"),
            ("http://a%2eexample/", "names no host"),
            ("http://[::1", "names no host"),
            ("http://[::1%25eth0]/", "names no host"),
            ("http://[v1.x]/", "names no host"),
            ("http://u@h.example/", "has a user name in it"),
            (
                "http://pki.infineon.com:80@h.example/",
                "has a user name in it",
            ),
            ("http://h.example:/", "has a port that is no number"),
            ("http://h.example:0/", "has a port that is no number"),
            ("http://h.example:65536/", "has a port that is no number"),
            ("http://h.example:8x/", "has a port that is no number"),
            ("http://[::1]x/", "has a port that is no number"),
            (
                "http://2130706433/",
                "has a number for a host that is no address",
            ),
            (
                "http://127.1/",
                "has a number for a host that is no address",
            ),
            (
                "http://0x7f.1/",
                "has a number for a host that is no address",
            ),
            (
                "http://0x7f000001/",
                "has a number for a host that is no address",
            ),
            (
                "http://127.0.0.1./",
                "has a number for a host that is no address",
            ),
            (
                "http://0177.0.0.1/",
                "has a number for a host that is no address",
            ),
            (
                "http://h.example\\@x/",
                "has characters in it that no URL has",
            ),
            ("http://h.éxample/", "has characters in it that no URL has"),
            ("http://h.example/é", "has characters in it that no URL has"),
            (
                "http://h.example/\r\nHost: x",
                "has control characters in it",
            ),
            ("http://h.example/\t", "has control characters in it"),
            ("http://h.example/\0", "has control characters in it"),
        ] {
            assert_eq!(Location::read(text), Err(why), "{text}");
        }
        let long = format!("http://h.example/{}", "x".repeat(MAX_URL_LEN));
        assert_eq!(Location::read(&long), Err("is too long"));
    }

    proptest! {
        /// What is read can be written and read again, is what the client makes of it, and
        /// has nothing in it that could end a line of a request.
        #[test]
        fn whatever_a_certificate_says(
            text in "((?i)https?|ldap)?(://|:|//)?[ -~é\r\n]{0,40}"
        ) {
            if let Ok(location) = Location::read(&text) {
                prop_assert!(location.url().bytes().all(|octet| octet.is_ascii_graphic()));
                let uri: Uri = location.url().parse().unwrap();
                prop_assert_eq!(uri.host(), Some(location.host()));
                let port = uri.port_u16().unwrap_or(if location.is_https() { 443 } else { 80 });
                prop_assert_eq!(port, location.port());
                prop_assert_eq!(Location::read(location.url()), Ok(location));
            }
        }

        /// A target without a scheme stays with the scheme, one without a host with the host.
        #[test]
        fn wherever_a_server_sends_us(target in "[ -~]{0,40}") {
            let base = Location::read("https://h.example/a/b").unwrap();
            if let Ok(location) = base.join(&target) {
                let has_scheme = target.to_ascii_lowercase().starts_with("http");
                prop_assert!(has_scheme || location.is_https());
                let has_host = has_scheme || target.starts_with("//");
                prop_assert!(has_host || location.host() == "h.example");
            }
        }
    }

    #[test]
    fn where_redirects_lead() {
        let base = Location::read("http://h.example:8/a/b?c").unwrap();
        for (target, url) in [
            ("http://x.example/y", "http://x.example/y"),
            ("HTTPS://x.example", "https://x.example/"),
            ("//x.example/y", "http://x.example/y"),
            ("/y", "http://h.example:8/y"),
            ("y", "http://h.example:8/a/y"),
            ("../y", "http://h.example:8/a/../y"),
            ("?y", "http://h.example:8/a/b?y"),
            ("y?u=http://z", "http://h.example:8/a/y?u=http://z"),
        ] {
            assert_eq!(base.join(target).unwrap().url(), url, "{target}");
        }
        assert_eq!(base.join(""), Err("is empty"));
        assert_eq!(base.join("file:///x"), Err("is neither http nor https"));
        assert_eq!(base.join("/\r\nX: y"), Err("has control characters in it"));
    }
}
