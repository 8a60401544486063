//! How much is read. Passing a limit is an `input-too-large` error. Together the
//! limits see to it that what is written from any input can be read again.

use crate::finding::{Code, Error};

/// The largest input of any kind, in bytes. The form that takes most room is JSON:
/// up to [`MAX_DOCUMENT_LEN`] of XML with escapes, and the keys and certificates
/// again in hex.
pub const MAX_INPUT_LEN: usize = 1024 * 1024;

/// The largest input that is EK material by itself, in bytes, and the largest sum of
/// names, attribute values and texts in a document. A genuine file has a few KiB:
/// one or two certificates of up to 2 KiB in base64.
pub const MAX_DOCUMENT_LEN: usize = 128 * 1024;

/// How deep XML elements may be nested. Genuine files need three levels. The JSON
/// form has two levels per element, and its reader stops at 128.
pub const MAX_DEPTH: usize = 32;

/// The longest name of an element or attribute, in bytes. It bounds the element
/// paths in findings.
pub const MAX_NAME_LEN: usize = 128;

/// The most elements, texts, attributes, comments and instructions together in one
/// document. Genuine files have a few dozen.
pub const MAX_NODES: usize = 2048;

/// The most EKpubs in one input, and the most EKcerts. A TPM has one per template
/// (nine at present) and seldom more than a handful of certificates with those of
/// its chain.
pub const MAX_KEYS: usize = 64;

/// The longest host name, in bytes: a DNS name (RFC 1035 2.3.4). Linux has at most 64.
pub const MAX_HOST_NAME_LEN: usize = 253;

/// The longest name of a hypervisor, in bytes. Those that are known here are shorter
/// than half of it.
pub const MAX_HYPERVISOR_LEN: usize = 64;

/// The most octets of EKcerts and EKpubs together in what Windows stores or prints: what
/// [`MAX_DOCUMENT_LEN`] of XML can hold in base64, with its elements. The stores of a
/// genuine host have a few certificates of up to 2 KiB.
pub const MAX_MATERIAL_LEN: usize = 80 * 1024;

/// How much XML of some kind is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XmlLimits {
    /// How deep elements may be nested.
    pub(crate) depth: usize,
    /// The most elements, texts, attributes, comments and instructions together.
    pub(crate) nodes: usize,
    /// The largest sum of names, attribute values and texts, in bytes.
    pub(crate) octets: usize,
}

/// How much a platform identifier may be.
pub(super) const IDENTIFIER: XmlLimits = XmlLimits {
    depth: MAX_DEPTH,
    nodes: MAX_NODES,
    octets: MAX_DOCUMENT_LEN,
};

/// An `input-too-large` error.
pub(super) fn too_large(message: String) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        message,
        "no genuine platform identifier comes near this limit; check what the file is",
    )
}
