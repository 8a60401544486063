use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// The longest URL that is asked for; those of the services have 90 characters.
pub(super) const MAX_URL_LEN: usize = 2048;

/// Whom a URL leads to, as far as it decides whether to go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// In lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

impl Address {
    /// The address of a URL that this client may use at all: HTTPS, or plain HTTP to
    /// the machine itself by its number, without a name or a password in it.
    ///
    /// # Errors
    /// What is wrong with it, to be said after the URL.
    pub(super) fn of_url(url: &str) -> Result<Self, &'static str> {
        if url.len() > MAX_URL_LEN {
            return Err("is too long");
        }
        let uri: Uri = url.parse().map_err(|_| "is no URL")?;
        let authority = uri.authority().ok_or("is no whole URL")?;
        if authority.as_str().contains('@') {
            return Err("has a user name in it");
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err("names no host");
        }
        let default_port = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") if is_loopback(&host) => 80,
            Some("http") => return Err("is not protected: it is http, not https"),
            _ => return Err("is not https"),
        };
        let port = port(authority.as_str(), &host, default_port)?;
        Ok(Self { host, port })
    }

    /// An entry of the list of allowed hosts: `host`, for port 443, or `host:port`.
    ///
    /// # Errors
    /// What is wrong with it, to be said after the entry.
    pub(super) fn of_entry(entry: &str) -> Result<Self, &'static str> {
        if entry.contains(['/', '@', '?', '#']) {
            return Err("is not the name of a host");
        }
        Self::of_url(&format!("https://{entry}/")).map_err(|_| "is not the name of a host")
    }

    /// Whether the host is this machine itself, named by a number that is nobody
    /// else's. A name such as `localhost` is what some resolver makes of it.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// As an entry of the list of allowed hosts.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            443 => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// The port, which the reader of URLs passes over in silence if it is no number.
pub(super) fn port(authority: &str, host: &str, default: u16) -> Result<u16, &'static str> {
    match authority.get(host.len()..) {
        Some("") => Ok(default),
        Some(rest) => rest
            .strip_prefix(':')
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|port| *port != 0)
            .ok_or("has a port that is no number"),
        None => Err("is no URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_urls_lead() {
        for (url, address) in [
            (
                "https://ekop.intel.com/ekcertservice/x%3D",
                "ekop.intel.com",
            ),
            ("https://FTPM.amd.com:443/", "ftpm.amd.com"),
            ("https://mirror.example:8443/ek?x", "mirror.example:8443"),
            ("https://192.0.2.7/", "192.0.2.7"),
            ("https://[2001:db8::1]:444/", "[2001:db8::1]:444"),
            ("http://127.0.0.1/", "127.0.0.1:80"),
            ("http://127.9.9.9:8080/x", "127.9.9.9:8080"),
            ("http://[::1]:8080/x", "[::1]:8080"),
        ] {
            assert_eq!(Address::of_url(url).unwrap().to_string(), address);
        }
    }

    #[test]
    fn urls_that_are_not_used() {
        for (url, why) in [
            ("", "is no URL"),
            ("ekop.intel.com", "is not https"),
            ("/path", "is no whole URL"),
            ("ftp://ekop.intel.com/", "is not https"),
            ("file:///etc/passwd", "is no URL"),
            (
                "http://ekop.intel.com/",
                "is not protected: it is http, not https",
            ),
            (
                "http://localhost/",
                "is not protected: it is http, not https",
            ),
            (
                "http://127.0.0.1.example/",
                "is not protected: it is http, not https",
            ),
            (
                "http://2130706433/",
                "is not protected: it is http, not https",
            ),
            ("http://[::2]/", "is not protected: it is http, not https"),
            (
                "https://ekop.intel.com@evil.example/",
                "has a user name in it",
            ),
            ("https://a:b@ekop.intel.com/", "has a user name in it"),
            ("https://ekop.intel.com:/", "has a port that is no number"),
            ("https://ekop.intel.com:0/", "has a port that is no number"),
            (
                "https://ekop.intel.com:70000/",
                "has a port that is no number",
            ),
            ("https://ekop.intel.com\\@evil.example/", "is no URL"),
            ("https://ekop.intel.com/ x", "is no URL"),
            ("https://ekop.intel.com/\r\nHost: x", "is no URL"),
            ("https:///x", "is no URL"),
        ] {
            assert_eq!(Address::of_url(url), Err(why), "{url}");
        }
        let long = format!("https://ekop.intel.com/{}", "x".repeat(MAX_URL_LEN));
        assert_eq!(Address::of_url(&long), Err("is too long"));
    }

    #[test]
    fn entries_of_the_list() {
        let entry = |text| Address::of_entry(text).map(|address| address.to_string());
        assert_eq!(entry("Mirror.example"), Ok("mirror.example".to_owned()));
        assert_eq!(entry("[::1]:8"), Ok("[::1]:8".to_owned()));
        for text in ["", "https://x", "x/y", "a@b", "x:y", "x y", ":443"] {
            assert!(entry(text).is_err(), "{text}");
        }
    }
}
