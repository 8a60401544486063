use std::fmt;

use super::{Code, Finding};

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The input is not what it should be.
    Malformed,
    /// The input may be right, but this program does not handle it.
    Unsupported,
    /// The input was understood and refused.
    Rejected,
    /// The caller asked for something that makes no sense.
    Misuse,
    /// A file, device, database or permission is missing or broken.
    Environment,
}

/// An error: who is at fault, what failed, where, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Who has to act.
    pub fault: Fault,
    /// The finding code, where the error is about an input.
    pub code: Option<Code>,
    /// What failed. May hold text from the input, unescaped.
    pub message: String,
    /// Where in the input, such as `PlatformIdentifiers/EKPub` or `byte 17`.
    pub location: Option<String>,
    /// What to do next.
    pub help: String,
}

impl Error {
    /// The input is not what it should be.
    pub fn malformed(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(Fault::Malformed, message, help)
        }
    }

    /// The caller asked for something that makes no sense.
    pub fn misuse(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Fault::Misuse, message, help)
    }

    /// A file, device, database or permission is missing or broken.
    pub fn environment(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Fault::Environment, message, help)
    }

    /// An error without a code or a location.
    pub fn new(fault: Fault, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            fault,
            code: None,
            message: message.into(),
            location: None,
            help: help.into(),
        }
    }

    /// The same error with a place in the input.
    pub fn at(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{} (at {location})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Finding {
    fn from(error: Error) -> Self {
        Self::new(
            error.code.unwrap_or(Code::InputUnrecognised),
            error.to_string(),
            error.help,
        )
    }
}
