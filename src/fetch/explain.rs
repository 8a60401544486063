//! What went wrong with a request, in words.

use ureq::Body;
use ureq::http::Response;
use ureq::http::header::LOCATION;

use super::transport::MAX_HEADER_LEN;
use super::{Cause, Failure};
use crate::finding::{Error, Fault};

/// How much of what a server says is repeated in a message, in characters.
const MAX_QUOTE_LEN: usize = 200;

/// A status other than 200.
pub(super) fn refusal(url: &str, response: &Response<Body>) -> Failure {
    let status = response.status();
    let url = quote(url);
    let (cause, message, help) = match status.as_u16() {
        404 | 410 => (
            Cause::NotFound,
            format!("there is nothing at {url} ({status})"),
            "it may have moved, or not be published yet: see what the vendor says, and whether the URL \
             is right",
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
pub(super) fn explain(url: &str, error: ureq::Error) -> Failure {
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
pub(super) fn quote(text: &str) -> String {
    let mut out: String = text.chars().take(MAX_QUOTE_LEN).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
