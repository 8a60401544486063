//! The text encodings that PowerShell writes files in: UTF-8 and UTF-16, with and
//! without byte order mark.

use std::fmt;

use crate::finding::{Code, Error};

/// The encoding a text was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// Decodes text. `Ok(None)` if the bytes are no text at all.
///
/// The bytes decide, not what an XML declaration says: `Out-File` re-encodes a
/// document without touching its declaration.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<(String, TextEncoding)>, Error> {
    let (encoding, body) = match bytes {
        // The mark of UTF-32, which starts with that of UTF-16.
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(unknown("it is in UTF-32")),
        [0xef, 0xbb, 0xbf, body @ ..] => (TextEncoding::Utf8, body),
        [0xff, 0xfe, body @ ..] => (TextEncoding::Utf16Le, body),
        [0xfe, 0xff, body @ ..] => (TextEncoding::Utf16Be, body),
        // Every form of text that is read starts with an ASCII character.
        [first, 0, ..] if is_text(*first) => (TextEncoding::Utf16Le, bytes),
        [0, second, ..] if is_text(*second) => (TextEncoding::Utf16Be, bytes),
        [first, ..] if is_text(*first) => (TextEncoding::Utf8, bytes),
        _ => return Ok(None),
    };
    let text = match encoding {
        TextEncoding::Utf8 => std::str::from_utf8(body)
            .map(str::to_owned)
            .map_err(|error| {
                unknown("it is not UTF-8").at(format!("byte {}", error.valid_up_to()))
            })?,
        TextEncoding::Utf16Le => utf16(body, u16::from_le_bytes)?,
        TextEncoding::Utf16Be => utf16(body, u16::from_be_bytes)?,
    };
    Ok(Some((text, encoding)))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(unknown("it has half a UTF-16 character at its end"));
    }
    char::decode_utf16(units.iter().copied().map(unit))
        .collect::<Result<String, _>>()
        .map_err(|_| unknown("it is not UTF-16"))
}

fn is_text(octet: u8) -> bool {
    octet.is_ascii_graphic() || octet.is_ascii_whitespace()
}

fn unknown(why: &str) -> Error {
    Error::malformed(
        Code::EncodingUnknown,
        format!("the text encoding is not known: {why}"),
        "save the file as UTF-8 or UTF-16, for example with Out-File -Encoding UTF8",
    )
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, encoding: TextEncoding, mark: bool) -> Vec<u8> {
        let text = if mark {
            format!("\u{feff}{text}")
        } else {
            text.to_owned()
        };
        let units = text.encode_utf16();
        match encoding {
            TextEncoding::Utf8 => text.into_bytes(),
            TextEncoding::Utf16Le => units.flat_map(u16::to_le_bytes).collect(),
            TextEncoding::Utf16Be => units.flat_map(u16::to_be_bytes).collect(),
        }
    }

    #[test]
    fn every_encoding_with_and_without_mark() {
        for text in ["<a>ü東😀</a>", "\r\n  <a/>", "{}", "MIIB"] {
            for encoding in [
                TextEncoding::Utf8,
                TextEncoding::Utf16Le,
                TextEncoding::Utf16Be,
            ] {
                for mark in [true, false] {
                    let decoded = decode(&encoded(text, encoding, mark)).unwrap();
                    assert_eq!(decoded, Some((text.to_owned(), encoding)));
                }
            }
        }
    }

    #[test]
    fn what_is_none_of_them() {
        for bytes in [
            &b"<a>\xe9</a>"[..],
            &[0xff, 0xfe, 0, 0, b'<', 0, 0, 0],
            &[0, 0, 0xfe, 0xff],
            &[0xff, 0xfe, b'<'],
            &[b'<', 0, 0x00, 0xd8],
            &[0xef, 0xbb, 0xbf, 0xff],
        ] {
            let error = decode(bytes).unwrap_err();
            assert_eq!(error.code, Some(Code::EncodingUnknown), "{bytes:?}");
        }
        assert_eq!(decode(&[]), Ok(None));
        assert_eq!(decode(&[0x30 ^ 0x30, 0x01]), Ok(None));
        assert_eq!(decode(&[0x84, 0x41]), Ok(None));
    }
}
