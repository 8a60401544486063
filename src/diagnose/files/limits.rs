//! How much of a saved file is read. Passing a limit is an error of that file.

use crate::finding::{Code, Error};
use crate::identifier::XmlLimits;

/// A saved trace, or an export of PowerShell. Deep ones hold objects in objects; recursion
/// over this depth takes some hundred KiB of stack at most.
pub(super) const DOCUMENT: XmlLimits = XmlLimits {
    depth: 64,
    nodes: 500_000,
    octets: 32 * 1024 * 1024,
};

/// One event. A genuine one has some dozen elements; a stack trace in it some KiB.
pub(super) const EVENT: XmlLimits = XmlLimits {
    depth: 32,
    nodes: 2_048,
    octets: 256 * 1024,
};

/// The most events that are read of one log: 64 MiB hold fewer.
pub(super) const MAX_EVENTS: usize = 200_000;

/// The most events that are kept of one log: those that say something here.
pub(super) const MAX_KEPT_EVENTS: usize = 10_000;

/// The most octets of the texts of all that is kept of one log. The binary form can repeat a
/// value for a few octets each time.
pub(super) const MAX_KEPT_OCTETS: usize = 16 * 1024 * 1024;

/// The most octets of XML that a binary log becomes. The largest file that is read has 64 MiB;
/// a genuine one grows some five times.
pub(super) const MAX_RENDERED: usize = 512 * 1024 * 1024;

/// The most events of one log that cannot be read. Trying is work, and a log with more of them
/// is no log.
pub(super) const MAX_BROKEN: usize = 1_000;

/// The most certificates of one file, as of the package of Microsoft.
pub(super) const MAX_CERTIFICATES: usize = 20_000;

/// An `input-too-large` error.
pub(super) fn too_large(message: impl Into<String>) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        message,
        "save less of it: a shorter time, or one machine",
    )
}
