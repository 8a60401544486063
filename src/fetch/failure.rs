use std::fmt;

use crate::finding::Error;

/// Why nothing was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The URL is not HTTPS, or leads to a host that is not on the list. Nothing was
    /// sent.
    NotAllowed,
    /// The host is at an address inside, such as a private one. It was not connected to.
    Inside,
    /// The run has used up its time or its number of requests.
    Spent,
    /// The host has no address, or nobody answers there.
    Unreachable,
    /// The server has no certificate that counts here, or TLS failed otherwise.
    Tls,
    /// It took longer than the limit.
    TimedOut,
    /// The server says that there is nothing at this URL (404, 410).
    NotFound,
    /// The server sends the client elsewhere, where it does not go.
    Redirect,
    /// Another status than 200.
    Status(u16),
    /// The reply is larger than the limit.
    TooLarge,
    /// What came is no whole HTTP reply.
    Broken,
}

impl Cause {
    /// In a word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::Inside => "inside",
            Self::Spent => "spent",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::TimedOut => "timed-out",
            Self::NotFound => "not-found",
            Self::Redirect => "redirect",
            Self::Status(_) => "status",
            Self::TooLarge => "too-large",
            Self::Broken => "broken",
        }
    }
}

/// A fetch that came to nothing: why, and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// What failed and what to do next.
    pub error: Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
