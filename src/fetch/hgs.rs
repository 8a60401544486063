//! Asking the nodes of a Host Guardian Service, each by itself.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::Body;
use ureq::config::Config;
use ureq::http::header::{CONTENT_TYPE, DATE, HeaderName, LOCATION};
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector as _, NextTimeout, TcpConnector};

use super::explain::{explain, quote};
use super::location::Location;
use super::recorder::{Recorded, RecordingConnector};
use super::transport::{agent_over, read_body};
use super::{Cause, Failure};
use crate::finding::Error;

/// A service, as its clients name it: `http://hgs.bastion.test/Attestation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HgsService(Location);

/// One address at which a service answers, or should.
#[derive(Clone, Debug)]
pub struct HgsNode {
    service: HgsService,
    address: SocketAddr,
    timeout: Duration,
}

/// One request and what came of it.
#[derive(Clone, Debug)]
pub struct HgsExchange {
    /// The clock of this machine before it connected, in milliseconds of Unix time.
    pub asked_ms: i64,
    /// The same after the header of the answer had come, or when it was given up.
    pub answered_ms: i64,
    /// The certificates that the server sent, its own first; that it has the key of the
    /// first was verified, and nothing else. `None` if there was no TLS, or it did not get
    /// that far.
    pub chain: Option<Vec<Vec<u8>>>,
    /// What came.
    pub result: Result<HgsAnswer, Failure>,
}

/// An answer, from whoever is there.
#[derive(Clone, Debug)]
pub struct HgsAnswer {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `Location`, which is not followed.
    pub location: Option<String>,
    /// The body, whatever the status.
    pub body: Result<Vec<u8>, Failure>,
}

impl HgsService {
    /// Reads the URL that clients are given. The path may be left away.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for what is no such URL.
    pub fn read(url: &str) -> Result<Self, Error> {
        let misuse = |why: &str| {
            Error::misuse(
                format!("'{}' {why}", quote(url)),
                "write the URL of the service as http://NAME or https://NAME, with /Attestation or \
                 without",
            )
        };
        let location = Location::read(url).map_err(misuse)?;
        let path = location.url().splitn(4, '/').nth(3).unwrap_or_default();
        let path = path.trim_end_matches('/');
        if !path.is_empty() && !path.eq_ignore_ascii_case("attestation") {
            return Err(misuse("has another path than /Attestation"));
        }
        Ok(Self(location))
    }

    /// Whether it is reached by HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }

    /// Its name in lower case, or its address; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Its address, if it is named by that.
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        self.0.ip()
    }
}

impl HgsNode {
    /// The node of this service at this address. One request may take as long as `timeout`,
    /// from the connection to the last byte.
    pub fn new(service: HgsService, address: SocketAddr, timeout: Duration) -> Self {
        Self {
            service,
            address,
            timeout,
        }
    }

    /// GET for a path, such as `/Attestation/Getinfo`, with the name of the service in the
    /// request and at this address and no other. Redirects are not followed, nothing is
    /// decompressed, and a body of more than `max_len` bytes is not read.
    pub fn get(&self, path: &str, max_len: usize) -> HgsExchange {
        let recorded = Recorded::default();
        let asked_ms = now_ms();
        let response = self.call(path, &recorded);
        let answered_ms = now_ms();
        let result = response.map(|response| self.answer(path, response, max_len));
        HgsExchange {
            asked_ms,
            answered_ms,
            chain: recorded.take(),
            result,
        }
    }

    fn call(&self, path: &str, recorded: &Recorded) -> Result<Response<Body>, Failure> {
        let tls = RecordingConnector::new(recorded.clone()).map_err(|error| Failure {
            cause: Cause::Tls,
            error: Error::environment(
                format!("TLS cannot be used here: {error}"),
                "report this; the cryptography that is built in should do",
            ),
        })?;
        let agent = agent_over(
            ().chain(TcpConnector::default()).chain(tls),
            self.timeout,
            Only(self.address),
        );
        let url = self.url(path);
        agent.get(&url).call().map_err(|error| explain(&url, error))
    }

    fn answer(&self, path: &str, response: Response<Body>, max_len: usize) -> HgsAnswer {
        let status = response.status().as_u16();
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?;
            Some(quote(&String::from_utf8_lossy(value.as_bytes())))
        };
        HgsAnswer {
            status,
            content_type: header(CONTENT_TYPE),
            date: header(DATE),
            location: header(LOCATION),
            body: read_body(&self.url(path), response, max_len),
        }
    }

    /// The port is that of the address: a node that was given with a port of its own is asked
    /// as one that is reached there.
    fn url(&self, path: &str) -> String {
        let (scheme, default) = match self.service.is_https() {
            true => ("https", 443),
            false => ("http", 80),
        };
        let host = self.service.host();
        match self.address.port() {
            port if port == default => format!("{scheme}://{host}{path}"),
            port => format!("{scheme}://{host}:{port}{path}"),
        }
    }
}

/// The clock of this machine, in milliseconds of Unix time.
#[allow(
    clippy::disallowed_methods,
    reason = "when something was asked is read where it is asked"
)]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Any name is at this address.
struct Only(SocketAddr);

impl Resolver for Only {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

impl fmt::Debug for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_of_a_service() {
        for (url, https, host, port) in [
            ("http://HGS.bastion.test", false, "hgs.bastion.test", 80),
            ("https://hgs.bastion.test/", true, "hgs.bastion.test", 443),
            (
                "http://hgs.bastion.test/Attestation",
                false,
                "hgs.bastion.test",
                80,
            ),
            (
                "https://hgs.bastion.test:8443/attestation/",
                true,
                "hgs.bastion.test",
                8443,
            ),
            ("http://[::1]:81", false, "[::1]", 81),
        ] {
            let service = HgsService::read(url).unwrap();
            assert_eq!(
                (service.is_https(), service.host(), service.port()),
                (https, host, port)
            );
        }
        for url in [
            "hgs.bastion.test",
            "ftp://hgs.bastion.test",
            "http://hgs.bastion.test/KeyProtection",
            "http://hgs.bastion.test/Attestation?x",
            "http://a:b@hgs.bastion.test/",
            "http:///Attestation",
        ] {
            assert!(HgsService::read(url).is_err(), "{url}");
        }
    }
}
