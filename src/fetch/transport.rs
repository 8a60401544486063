//! What every client here has in common: TLS, proxies, limits, and reading a reply.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use pki_types::CertificateDer;
use ureq::config::ConfigBuilder;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};
use ureq::{Agent, Body, Proxy};

use super::address::port;
use super::explain::{explain, quote, refusal};
use super::{Cause, Failure};
use crate::ek::Certificate;
use crate::finding::{Code, Error};

/// The largest header of a reply, in bytes. Servers commonly send less than 1 KiB,
/// and refuse requests with more than 8 KiB themselves.
pub const MAX_HEADER_LEN: usize = 16 * 1024;

/// How much is read at a time: a header that is too large must still fit, to be seen
/// as such.
const INPUT_BUFFER_LEN: usize = 2 * MAX_HEADER_LEN;

/// What the server is told of the client: no version, no system.
const USER_AGENT: &str = "endorse";

/// TLS with the roots of browsers and these.
///
/// # Errors
/// [`Fault::Misuse`](crate::finding::Fault::Misuse) for one that is no root for TLS.
pub(super) fn tls(extra_roots: &[Certificate]) -> Result<TlsConfig, Error> {
    Ok(TlsConfig::builder()
        .root_certs(roots(extra_roots)?)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build())
}

/// What makes requests: one at a time, without redirects, cookies or connections that
/// are kept.
pub(super) fn agent(
    tls: &TlsConfig,
    proxy: Option<Proxy>,
    timeout: Duration,
    resolver: impl Resolver,
) -> Agent {
    let config = config(proxy, timeout).tls_config(tls.clone()).build();
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// The same without a proxy, over connections that are made in another way.
pub(super) fn agent_over(
    connector: impl Connector,
    timeout: Duration,
    resolver: impl Resolver,
) -> Agent {
    Agent::with_parts(config(None, timeout).build(), connector, resolver)
}

fn config(proxy: Option<Proxy>, timeout: Duration) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .proxy(proxy)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .max_response_header_size(MAX_HEADER_LEN)
        .input_buffer_size(INPUT_BUFFER_LEN)
        .max_idle_connections(0)
        .user_agent(USER_AGENT)
}

/// The body of a reply, if its status is 200 and it has at most `max_len` bytes.
pub(super) fn read(
    url: &str,
    response: Response<Body>,
    max_len: usize,
) -> Result<Vec<u8>, Failure> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(refusal(url, &response));
    }
    read_body(url, response, max_len)
}

/// The body of a reply of whatever status, if it has at most `max_len` bytes.
pub(super) fn read_body(
    url: &str,
    response: Response<Body>,
    max_len: usize,
) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure {
        cause: Cause::TooLarge,
        error: Error::malformed(
            Code::InputTooLarge,
            format!(
                "the reply from {} has more than {} bytes",
                quote(url),
                max_len
            ),
            "nothing that is asked for here is that large: see who answers under this URL",
        ),
    };
    // Stated lengths only save the reading; what counts is what comes.
    let limit = u64::try_from(max_len).unwrap_or(u64::MAX);
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
    if bytes.len() > max_len {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The certificate authorities that browsers trust with servers.
///
/// # Errors
/// One that cannot be read, which the tests rule out.
pub fn browser_roots() -> Result<Vec<Certificate>, Error> {
    let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    known.map(|der| Certificate::from_der(der)).collect()
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

pub(super) fn read_proxy(url: &str) -> Result<Proxy, Error> {
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_roots_of_browsers_can_be_read() {
        assert!(super::browser_roots().unwrap().len() > 100);
    }
}
