//! Coded findings and errors: the one way in which every room says what it saw.

mod code;
mod error;
mod escape;

pub use code::Code;
pub use error::{Error, Fault};
pub use escape::escape;

/// How much a finding weighs. Any error rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; changes nothing.
    Info,
    /// Something a person should look at; does not reject.
    Warning,
    /// Rejects.
    Error,
}

impl Severity {
    /// `error`, `warning` or `info`, as in JSON and policy files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The .NET `X509ChainStatusFlags` name that a Host Guardian Service would print
/// for the same trouble, with the thumbprint of the certificate it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainStatus {
    /// For example `UntrustedRoot` or `PartialChain`.
    pub status: &'static str,
    /// Upper-case hex SHA-1 thumbprint, as Windows shows it.
    pub thumbprint: String,
}

/// One thing that was noticed, with a stable code and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code; `docs/findings.md` has a heading for it.
    pub code: Code,
    /// Its weight under the policy in force.
    pub severity: Severity,
    /// What was found. May hold text from the input, unescaped.
    pub message: String,
    /// What to do next. Empty only for `info`.
    pub help: String,
    /// The rule it rests on, such as `RFC 5280 6.1.3`.
    pub clause: Option<&'static str>,
    /// What a Host Guardian Service would call it, for findings about trust.
    pub chain_status: Option<ChainStatus>,
}

impl Finding {
    /// A finding with the code's default severity and clause.
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.default_severity(),
            message: message.into(),
            help: help.into(),
            clause: code.clause(),
            chain_status: None,
        }
    }

    /// The same finding with another severity.
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding with the .NET chain status that matches its code, for the
    /// certificate with this SHA-1 thumbprint.
    pub fn about(mut self, thumbprint: crate::hash::Sha1Thumbprint) -> Self {
        self.chain_status = self.code.chain_status().map(|status| ChainStatus {
            status,
            thumbprint: thumbprint.to_string().to_uppercase(),
        });
        self
    }
}
