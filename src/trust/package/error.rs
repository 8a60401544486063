//! The errors of a package, each with its code.

use crate::finding::{Code, Error, Fault};

const GET_AGAIN: &str = "get the package again from where Microsoft publishes it";

/// What of a package was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Signature,
    TimeStamp,
}

/// Why a signature or a time stamp is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not what it says: damaged or forged.
    Wrong(String),
    /// It uses an algorithm that proves nothing.
    Algorithm(String),
    /// It is by somebody who is not trusted with it.
    Untrusted(String),
    /// It has something that nobody vouches for, and that is not checked here.
    Unsupported(String),
}

impl Refusal {
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::Wrong(message.into())
    }

    pub(super) fn of(self, part: Part) -> Error {
        const ALLOW: &str = "get the package from where Microsoft publishes it; if you know by other \
                             means that this one is genuine, --allow-unsigned takes it as if it had \
                             no signature";
        let (name, who, code) = match part {
            Part::Signature => ("signature", "signer", Code::PackageSignature),
            Part::TimeStamp => (
                "time stamp",
                "authority of the time stamp",
                Code::PackageTimestamp,
            ),
        };
        match self {
            Self::Wrong(why) => rejected(
                code,
                format!("the {name} of the package is not valid: {why}"),
                "it was damaged or forged: do not use the package; get it again from where Microsoft \
                 publishes it",
            ),
            Self::Algorithm(why) => rejected(
                Code::PackageAlgorithm,
                format!("the {name} of the package proves nothing: {why}"),
                ALLOW,
            ),
            Self::Untrusted(why) => rejected(
                Code::PackageSigner,
                format!("the {who} of the package is not trusted: {why}"),
                ALLOW,
            ),
            Self::Unsupported(why) => rejected(
                Code::PackageUnsupported,
                format!("the {name} of the package is of an unknown kind: {why}"),
                ALLOW,
            ),
        }
    }
}

/// The package cannot be read.
pub(super) fn malformed(message: impl Into<String>, help: impl Into<String>) -> Error {
    Error::malformed(Code::PackageMalformed, message, help)
}

/// The package may be right, but is of a kind that is not read here.
pub(super) fn unsupported(message: impl Into<String>) -> Error {
    Error {
        code: Some(Code::PackageUnsupported),
        ..Error::new(
            Fault::Unsupported,
            message,
            "unpack it with another program, judge for yourself where it comes from, and add its \
             certificates from the directory",
        )
    }
}

/// There is something that belongs to nothing, and that no signature covers.
pub(super) fn trailing(message: impl Into<String>) -> Error {
    rejected(Code::PackageTrailing, message, GET_AGAIN)
}

/// What the signature says and what is there differ.
pub(super) fn altered(message: impl Into<String>) -> Error {
    rejected(
        Code::PackageDigest,
        message,
        "the package was changed after it was signed: do not use it, and find out who changed it",
    )
}

/// The package was understood and refused.
pub(super) fn rejected(code: Code, message: impl Into<String>, help: impl Into<String>) -> Error {
    Error {
        code: Some(code),
        ..Error::new(Fault::Rejected, message, help)
    }
}
