//! Textual encodings of DER (RFC 7468), read tolerantly: lines of any length (AMD
//! publishes certificates on one line of 1,233 characters), CRLF, text around the
//! blocks.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Standard alphabet, padded or not: what was copied by hand may have lost its `=`.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One block: its label, such as `CERTIFICATE`, and its text, not decoded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PemBlock<'a> {
    /// What stands after `BEGIN`.
    pub label: &'a str,
    /// The base64 text, white space included.
    pub body: &'a str,
}

/// A block has no end, or one with another label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnendedBlock<'a> {
    /// What stands after `BEGIN`, as far as it goes.
    pub label: &'a str,
}

/// Whether there is a block in the text.
pub fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The blocks of a text, in order. After an error there are no more.
pub fn pem_blocks(text: &str) -> impl Iterator<Item = Result<PemBlock<'_>, UnendedBlock<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(BEGIN)?;
        let block = after.split_once(DASHES).and_then(|(label, after)| {
            let (body, after) = after.split_once(END)?;
            let (end_label, after) = after.split_once(DASHES)?;
            rest = after;
            (label == end_label).then_some(PemBlock { label, body })
        });
        if block.is_none() {
            rest = "";
        }
        let label = || after.split(DASHES).next().unwrap_or_default();
        Some(block.ok_or_else(|| UnendedBlock { label: label() }))
    })
}

/// Decodes base64 with white space anywhere in it.
///
/// # Errors
/// Why it is none.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    let mut compact = Vec::with_capacity(text.len());
    compact.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    BASE64.decode(compact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_what_is_around_them() {
        let text = "x\r\n-----BEGIN A-----\r\nAQ\r\n==\r\n-----END A-----\n-----BEGIN B-----AQI-----END B-----";
        let blocks: Vec<_> = pem_blocks(text).map(Result::unwrap).collect();
        assert_eq!(
            blocks.iter().map(|b| b.label).collect::<Vec<_>>(),
            ["A", "B"]
        );
        assert_eq!(decode_base64(blocks[0].body), Ok(vec![1]));
        assert_eq!(decode_base64(blocks[1].body), Ok(vec![1, 2]));
        assert!(is_pem(text) && !is_pem("x"));
    }

    #[test]
    fn broken_blocks_end_the_text() {
        for text in [
            "-----BEGIN A-----AQ",
            "-----BEGIN A",
            "-----BEGIN A-----AQ-----END B-----",
            "-----BEGIN A-----AQ-----END A",
        ] {
            assert_eq!(
                pem_blocks(text).collect::<Vec<_>>(),
                [Err(UnendedBlock { label: "A" })],
                "{text}"
            );
        }
        assert!(decode_base64("A").is_err());
        assert!(decode_base64("AQ\u{e9}").is_err());
    }
}
