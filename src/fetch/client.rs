use std::time::Duration;

use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;

use super::address::Address;
use super::explain::{explain, quote};
use super::transport::{agent, read, read_proxy, tls};
use super::{Cause, Failure};
use crate::ek::Certificate;
use crate::finding::Error;

/// How long one fetch may take in all, from the name of the host to the last byte.
/// The services answer within a second or two.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest reply that is read, in bytes; that of a service has some 2 KiB.
pub const DEFAULT_MAX_BODY_LEN: usize = crate::ek::MAX_SERVICE_REPLY_LEN;

/// What a client may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The only hosts that are connected to: `host`, for port 443, or `host:port`.
    pub hosts: Vec<String>,
    /// How long one fetch may take in all.
    pub timeout: Duration,
    /// The largest reply, in bytes.
    pub max_body_len: usize,
    /// Certificate authorities for TLS beside those that browsers trust, such as the
    /// one of an organisation.
    pub extra_roots: Vec<Certificate>,
    /// An HTTP proxy, through which everything but connections to the machine itself
    /// goes (by CONNECT): `http://host:port`.
    pub proxy: Option<String>,
}

/// Gets bytes from URLs: HTTPS only (plain HTTP to a loopback address), from the hosts
/// on its list only, without redirects, within limits of time and size.
#[derive(Debug)]
pub struct Client {
    hosts: Vec<Address>,
    max_body_len: usize,
    /// For other machines, through the proxy if there is one.
    agent: Agent,
    /// For the machine itself.
    local: Agent,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            max_body_len: DEFAULT_MAX_BODY_LEN,
            extra_roots: Vec::new(),
            proxy: None,
        }
    }
}

impl Client {
    /// A client with these settings. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for an entry of the list that names no host, a root that is
    /// no certificate authority for TLS, or a proxy that is none.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let hosts = settings.hosts.iter().map(|entry| {
            Address::of_entry(entry).map_err(|why| {
                Error::misuse(
                    format!("'{entry}' in the list of hosts {why}"),
                    "write host or host:port",
                )
            })
        });
        let hosts = hosts.collect::<Result<_, _>>()?;
        let proxy = settings.proxy.as_deref().map(read_proxy).transpose()?;
        let tls = tls(&settings.extra_roots)?;
        let agent = |proxy| agent(&tls, proxy, settings.timeout, DefaultResolver::default());
        Ok(Self {
            hosts,
            max_body_len: settings.max_body_len,
            agent: agent(proxy),
            local: agent(None),
        })
    }

    /// The body of the answer to GET, if its status is 200.
    ///
    /// # Errors
    /// [`Failure`], with its cause.
    pub fn get(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let address = self.allowed(url)?;
        let agent = if address.is_loopback() {
            &self.local
        } else {
            &self.agent
        };
        let response = agent.get(url).call().map_err(|error| explain(url, error))?;
        read(url, response, self.max_body_len)
    }

    fn allowed(&self, url: &str) -> Result<Address, Failure> {
        let refused = |why: String, help: &str| Failure {
            cause: Cause::NotAllowed,
            error: Error::misuse(format!("{} {why}, so nothing was asked", quote(url)), help),
        };
        let address = Address::of_url(url).map_err(|why| {
            refused(
                why.to_owned(),
                "give a URL that begins with https://; plain http is for 127.0.0.1 and [::1] only",
            )
        })?;
        if !self.hosts.contains(&address) {
            return Err(refused(
                format!("leads to {address}, which is not on the list of hosts"),
                "only hosts that were named beforehand are connected to",
            ));
        }
        Ok(address)
    }
}
