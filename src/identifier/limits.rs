//! How much is read. Passing a limit is an `input-too-large` error.

use crate::finding::{Code, Error};

/// The largest input in any form but JSON, in bytes. A platform identifier has a
/// few KiB: one or two certificates of up to 2 KiB in base64, twice that in UTF-16.
pub const MAX_INPUT_LEN: usize = 128 * 1024;

/// The largest JSON input, in bytes: enough for the JSON form of the largest XML
/// that is read, so that XML to JSON to XML never fails.
pub const MAX_JSON_LEN: usize = 1024 * 1024;

/// How deep XML elements may be nested. Genuine files need three levels. The JSON
/// form has two levels per element, and its reader stops at 128.
pub const MAX_DEPTH: usize = 60;

/// The most elements, texts, attributes, comments and instructions together in one
/// document. Genuine files have a few dozen.
pub const MAX_NODES: usize = 2048;

/// The most EKpubs in one input, and the most EKcerts. A TPM has one per template
/// (nine at present) and seldom more than a handful of certificates with those of
/// its chain.
pub const MAX_KEYS: usize = 64;

/// An `input-too-large` error.
pub(super) fn too_large(message: String) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        message,
        "no genuine platform identifier comes near this limit; check what the file is",
    )
}
