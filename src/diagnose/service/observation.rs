use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::der::Time;

/// What was seen of one node of a service: of one address at which it answers, or of the
/// name alone if it has none. Nothing is judged yet, and what came is kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeObservation {
    /// When this was seen, by the clock of the machine that looked, in seconds of Unix time.
    pub at: i64,
    /// The service that the node belongs to.
    pub service: ServiceAddress,
    /// What the name of the service was found to stand for.
    #[serde(default)]
    pub resolution: Resolution,
    /// The node. `None` if there is no address for the name.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// The port at which it was asked; that of the service unless another was given by hand.
    #[serde(default)]
    pub port: u16,
    /// Why the node was not asked, if it was not.
    #[serde(default)]
    pub refused: Option<String>,
    /// Whether the ports of the service accept connections.
    #[serde(default)]
    pub ports: Vec<PortProbe>,
    /// `GET /Attestation/Getinfo`.
    #[serde(default)]
    pub service_info: Option<Exchange>,
    /// `GET /Attestation/v2.0/signingCertificates`.
    #[serde(default)]
    pub signers: Option<Exchange>,
    /// `GET /keyprotection/service/metadata/2014-07/metadata.xml`.
    #[serde(default)]
    pub key_protection: Option<Exchange>,
    /// What the node said by NTP, if it was asked.
    #[serde(default)]
    pub ntp: Option<NtpReading>,
    /// What a reference clock said by NTP, if one was asked.
    #[serde(default)]
    pub reference: Option<NtpReading>,
}

/// A service, as its clients name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServiceAddress {
    /// Whether it is reached by HTTPS.
    pub https: bool,
    /// The name in lower case, or the address; an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What a name was found to stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resolution {
    /// How the addresses were found.
    pub by: ResolvedBy,
    /// The addresses, each once.
    pub addresses: Vec<IpAddr>,
    /// Nodes that were given by hand besides.
    pub by_hand: Vec<IpAddr>,
    /// Why there are no addresses, if the search failed.
    pub failure: Option<String>,
}

/// How the addresses of a name were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolvedBy {
    /// By the resolver of the machine that looked.
    #[default]
    System,
    /// They were given by hand.
    Hand,
    /// The service is named by its address.
    Literal,
}

/// Whether a port accepted a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortProbe {
    /// The port.
    pub port: u16,
    /// Why it did not. `None` if it did.
    pub failure: Option<Trouble>,
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked for.
    pub path: String,
    /// The clock of the machine that looked before it connected, in milliseconds of Unix
    /// time.
    pub asked_ms: i64,
    /// The same after the header of the answer had come, or when it was given up.
    pub answered_ms: i64,
    /// The certificates that the server sent, its own first. `None` if there was no TLS, or
    /// it did not get that far.
    #[serde(default)]
    pub tls_chain: Option<Vec<Blob>>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The header of an answer came.
    Answer(Answer),
    /// None came.
    Failure(Trouble),
}

/// An answer by HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The header `Date`.
    #[serde(default)]
    pub date: Option<String>,
    /// The header `Location`, which is not followed.
    #[serde(default)]
    pub location: Option<String>,
    /// The body, within the limit.
    pub body: Blob,
    /// Why the body is not there, if it is not.
    #[serde(default)]
    pub body_trouble: Option<Trouble>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In a word: `unreachable`, `tls`, `timed-out`, `too-large`, `broken`.
    pub cause: String,
    /// In a sentence. May hold what a server wrote.
    pub message: String,
}

/// A clock, asked by NTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NtpReading {
    /// Who was asked: an address or a name, and the port.
    pub server: String,
    /// What it said.
    pub outcome: NtpOutcome,
}

/// What a clock said by NTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NtpOutcome {
    /// How far it is ahead of the clock of the machine that looked.
    Offset {
        /// In milliseconds; less than zero if it is behind.
        ahead_ms: i64,
        /// How far off that may be, in milliseconds: half of the time that the packets took.
        uncertainty_ms: i64,
    },
    /// Nothing that can be used.
    Failure(String),
}

/// Bytes that came, in base64 where this is JSON.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blob(#[serde(with = "crate::diagnose::base64_bytes")] pub Vec<u8>);

impl NodeObservation {
    /// A node of which nothing was seen yet.
    pub fn new(at: Time, service: ServiceAddress) -> Self {
        Self {
            at: at.unix(),
            port: service.port,
            service,
            resolution: Resolution::default(),
            address: None,
            refused: None,
            ports: Vec::new(),
            service_info: None,
            signers: None,
            key_protection: None,
            ntp: None,
            reference: None,
        }
    }

    /// When it was seen.
    pub fn time(&self) -> Time {
        Time::from_unix(self.at)
    }

    /// What the node is called: its address, with the port if it is not that of the service.
    pub fn name(&self) -> String {
        match self.address {
            None => self.service.host.clone(),
            Some(address) if self.port == self.service.port => address.to_string(),
            Some(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            Some(address) => format!("{address}:{}", self.port),
        }
    }

    /// The requests that were made of it, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        [&self.service_info, &self.signers, &self.key_protection]
            .into_iter()
            .flatten()
    }
}

impl Exchange {
    /// The answer, if one came.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answer(answer) => Some(answer),
            Outcome::Failure(_) => None,
        }
    }
}

/// The URL that clients are given.
impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = match self.https {
            true => ("https", 443),
            false => ("http", 80),
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default {
            write!(f, ":{}", self.port)?;
        }
        f.write_str("/Attestation")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The number of bytes alone: they may be many.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
