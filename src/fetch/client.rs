use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use pki_types::CertificateDer;
use ureq::http::header::LOCATION;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::address::{Address, port};
use super::{Cause, Failure};
use crate::ek::Certificate;
use crate::finding::{Code, Error, Fault};

/// How long one fetch may take in all, from the name of the host to the last byte.
/// The services answer within a second or two.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest reply that is read, in bytes; that of a service has some 2 KiB.
pub const DEFAULT_MAX_BODY_LEN: usize = crate::ek::MAX_SERVICE_REPLY_LEN;

/// The largest header of a reply, in bytes. Servers commonly send less than 1 KiB,
/// and refuse requests with more than 8 KiB themselves.
pub const MAX_HEADER_LEN: usize = 16 * 1024;

/// How much is read at a time: a header that is too large must still fit, to be seen
/// as such.
const INPUT_BUFFER_LEN: usize = 2 * MAX_HEADER_LEN;

/// How much of what a server says is repeated in a message, in characters.
const MAX_QUOTE_LEN: usize = 200;

/// What the server is told of the client: no version, no system.
const USER_AGENT: &str = "endorse";

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
    /// [`Fault::Misuse`] for an entry of the list that names no host, a root that is
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
        let tls = TlsConfig::builder()
            .root_certs(roots(&settings.extra_roots)?)
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .build();
        let agent = |proxy: Option<Proxy>| {
            Agent::config_builder()
                .tls_config(tls.clone())
                .proxy(proxy)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .timeout_global(Some(settings.timeout))
                .max_response_header_size(MAX_HEADER_LEN)
                .input_buffer_size(INPUT_BUFFER_LEN)
                .max_idle_connections(0)
                .user_agent(USER_AGENT)
                .build()
                .new_agent()
        };
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
        self.read(url, response)
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

    fn read(&self, url: &str, response: Response<Body>) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        if status != StatusCode::OK {
            return Err(refusal(url, &response));
        }
        let too_large = || Failure {
            cause: Cause::TooLarge,
            error: Error::malformed(
                Code::InputTooLarge,
                format!(
                    "the reply from {} has more than {} bytes",
                    quote(url),
                    self.max_body_len
                ),
                "nothing that is asked for here is that large: see who answers under this URL",
            ),
        };
        // Stated lengths only save the reading; what counts is what comes.
        let limit = u64::try_from(self.max_body_len).unwrap_or(u64::MAX);
        let stated = response.body().content_length();
        if stated.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        response
            .into_body()
            .into_reader()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| explain(url, error.into()))?;
        if bytes.len() > self.max_body_len {
            return Err(too_large());
        }
        Ok(bytes)
    }
}

/// The roots of browsers, and the extra ones.
fn roots(extra: &[Certificate]) -> Result<RootCerts, Error> {
    for certificate in extra {
        webpki::anchor_from_trusted_cert(&CertificateDer::from(certificate.der())).map_err(
            |error| {
                Error::misuse(
                    format!(
                        "the certificate {} is no root for TLS: {error}",
                        certificate.sha256()
                    ),
                    "give the certificate of the authority that issued the server's",
                )
            },
        )?;
    }
    let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let all: Vec<_> = known
        .map(AsRef::as_ref)
        .chain(extra.iter().map(Certificate::der))
        .map(|der| ureq::tls::Certificate::from_der(der).to_owned())
        .collect();
    Ok(RootCerts::new_with_certs(&all))
}

fn read_proxy(url: &str) -> Result<Proxy, Error> {
    // It may have a password in it, which no message repeats.
    let misuse = || {
        Error::misuse(
            "the URL of the proxy cannot be used",
            "write http://host:port, with --proxy or in HTTPS_PROXY; SOCKS proxies are not supported",
        )
    };
    let proxy = Proxy::new(url).map_err(|_| misuse())?;
    let authority = proxy.uri().authority().ok_or_else(misuse)?;
    let place = authority.as_str();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    port(place, authority.host(), proxy.port()).map_err(|_| misuse())?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(misuse()),
    }
}

/// A status other than 200.
fn refusal(url: &str, response: &Response<Body>) -> Failure {
    let status = response.status();
    let url = quote(url);
    let (cause, message, help) = match status.as_u16() {
        404 | 410 => (
            Cause::NotFound,
            format!("there is nothing at {url} ({status})"),
            "check the URL",
        ),
        300..=399 => {
            let target = response.headers().get(LOCATION);
            let target = target.map_or_else(
                || "elsewhere".to_owned(),
                |value| format!("to {}", quote(&String::from_utf8_lossy(value.as_bytes()))),
            );
            (
                Cause::Redirect,
                format!("{url} sends us {target} ({status}), which is not followed"),
                "a page where one has to sign in, or a server that has moved: fetch the URL by hand",
            )
        }
        code @ 500..=599 => (
            Cause::Status(code),
            format!("the server of {url} failed ({status})"),
            "try again later",
        ),
        code => (
            Cause::Status(code),
            format!("the server of {url} refused ({status})"),
            "fetch the URL by hand (curl -i URL) and see what the server says",
        ),
    };
    Failure {
        cause,
        error: Error::environment(message, help),
    }
}

/// What went wrong before there was a whole reply.
fn explain(url: &str, error: ureq::Error) -> Failure {
    let url = quote(url);
    if let Some(error) = rustls_error(&error) {
        return tls_failure(&url, error);
    }
    let failure = |cause, message: String, help: &str| Failure {
        cause,
        error: Error::new(Fault::Environment, message, help),
    };
    match error {
        ureq::Error::Timeout(_) => failure(
            Cause::TimedOut,
            format!("{url} did not answer in time"),
            "try again later; behind a proxy, name it with --proxy",
        ),
        ureq::Error::HostNotFound => failure(
            Cause::Unreachable,
            format!("the host of {url} is not found"),
            HELP_NOT_FOUND,
        ),
        // Of the proxy as well, which the error does not tell apart.
        ureq::Error::Io(error) if is_no_name(&error) => failure(
            Cause::Unreachable,
            format!("the host of {url}, or its proxy, is not found: {error}"),
            HELP_NOT_FOUND,
        ),
        ureq::Error::LargeResponseHeader(..) => failure(
            Cause::TooLarge,
            format!("the reply from {url} has a header of more than {MAX_HEADER_LEN} bytes"),
            "see who answers under this URL",
        ),
        ureq::Error::ConnectProxyFailed(why) => failure(
            Cause::Unreachable,
            format!("the proxy does not connect to {url}: {}", quote(&why)),
            "ask who runs the proxy to let this host through",
        ),
        ureq::Error::Tls(why) => failure(
            Cause::Tls,
            format!("no protected connection to {url}: {why}"),
            HELP_TLS,
        ),
        ureq::Error::Io(error) if is_no_connection(&error) => failure(
            Cause::Unreachable,
            format!("{url} cannot be reached: {error}"),
            "check that this machine may connect there; behind a proxy, name it with --proxy",
        ),
        other => failure(
            Cause::Broken,
            format!(
                "the reply from {url} is broken: {}",
                quote(&other.to_string())
            ),
            "try again; if it stays, see who answers under this URL",
        ),
    }
}

const HELP_NOT_FOUND: &str =
    "check the name and this machine's DNS; behind a proxy, name it with --proxy";

const HELP_TLS: &str = "if something on the way opens TLS (a proxy of the organisation, or a \
     mirror), name its certificate authority with --tls-roots; the check cannot be turned off";

fn tls_failure(url: &str, error: &rustls::Error) -> Failure {
    Failure {
        cause: Cause::Tls,
        error: Error::environment(
            format!(
                "no protected connection to {url}: {}",
                quote(&error.to_string())
            ),
            HELP_TLS,
        ),
    }
}

/// The TLS error, by itself or in an I/O error.
fn rustls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn is_no_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    )
}

/// Whether a name has no address. The standard library has no kind for it, only this text.
fn is_no_name(error: &std::io::Error) -> bool {
    let text = error.to_string();
    text.starts_with("failed to lookup address information")
}

/// The start of a text that somebody else wrote.
fn quote(text: &str) -> String {
    let mut out: String = text.chars().take(MAX_QUOTE_LEN).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
