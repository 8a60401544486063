use std::fmt;
use std::ops::Range;

/// Identifier octets of the types that certificates use (ITU-T X.690 8.1.2).
pub mod tag {
    #![allow(missing_docs, reason = "the names are those of ASN.1")]
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const TELETEX_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
}

/// One element: identifier octet, content, and both together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The identifier octet. Tags above 30 are refused.
    pub tag: u8,
    /// The content octets.
    pub content: &'a [u8],
    /// Identifier, length and content octets.
    pub whole: &'a [u8],
}

/// Why an element could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvError {
    /// The input ends before the element does.
    Truncated,
    /// A length in a form that is not read here: indefinite, or over four octets.
    BadLength,
    /// A tag number above 30.
    BadTag,
    /// Another type was expected: (expected, found).
    UnexpectedTag(u8, u8),
    /// Octets are left over.
    TrailingData,
}

impl fmt::Display for TlvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the element is cut short"),
            Self::BadLength => f.write_str("a length that DER does not allow"),
            Self::BadTag => f.write_str("a tag number above 30"),
            Self::UnexpectedTag(expected, found) => {
                write!(f, "tag {found:#04x} where {expected:#04x} was expected")
            }
            Self::TrailingData => f.write_str("octets are left over after the element"),
        }
    }
}

impl std::error::Error for TlvError {}

/// Reads elements one after another.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next identifier octet, without reading it.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next element, whatever it is.
    ///
    /// # Errors
    /// What is wrong with its identifier or length octets, or that it is cut short.
    pub fn any(&mut self) -> Result<Tlv<'a>, TlvError> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(TlvError::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(TlvError::BadTag);
        }
        let (&first, after_length) = after_tag.split_first().ok_or(TlvError::Truncated)?;
        let (length, content_and_rest) = match first {
            0..=0x7f => (usize::from(first), after_length),
            0x81..=0x84 => {
                let (octets, after) = after_length
                    .split_at_checked(usize::from(first & 0x7f))
                    .ok_or(TlvError::Truncated)?;
                let length = octets.iter().try_fold(0usize, |length, &octet| {
                    length.checked_mul(256)?.checked_add(usize::from(octet))
                });
                (length.ok_or(TlvError::BadLength)?, after)
            }
            _ => return Err(TlvError::BadLength),
        };
        let (content, rest) = content_and_rest
            .split_at_checked(length)
            .ok_or(TlvError::Truncated)?;
        let whole_length = self.rest.len().saturating_sub(rest.len());
        let whole = self.rest.get(..whole_length).ok_or(TlvError::Truncated)?;
        self.rest = rest;
        Ok(Tlv {
            tag,
            content,
            whole,
        })
    }

    /// Reads the next element, which must have this identifier octet.
    ///
    /// # Errors
    /// [`TlvError::UnexpectedTag`], and as [`any`](Self::any).
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, TlvError> {
        match self.peek() {
            None => Err(TlvError::Truncated),
            Some(found) if found != tag => Err(TlvError::UnexpectedTag(tag, found)),
            Some(_) => self.any(),
        }
    }

    /// Reads the next element if it has this identifier octet.
    ///
    /// # Errors
    /// As [`any`](Self::any).
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, TlvError> {
        if self.peek() == Some(tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Fails if anything is left.
    ///
    /// # Errors
    /// [`TlvError::TrailingData`].
    pub fn finish(self) -> Result<(), TlvError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(TlvError::TrailingData)
        }
    }
}

impl<'a> Tlv<'a> {
    /// A reader of the content.
    pub fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The one element that `bytes` consists of, with this identifier octet.
    ///
    /// # Errors
    /// As [`Reader::expect`] and [`Reader::finish`].
    pub fn parse_all(bytes: &'a [u8], tag: u8) -> Result<Self, TlvError> {
        let mut reader = Reader::new(bytes);
        let tlv = reader.expect(tag)?;
        reader.finish()?;
        Ok(tlv)
    }
}

/// Where `inner` lies in `outer`, if it is a part of it.
pub fn subrange(outer: &[u8], inner: &[u8]) -> Option<Range<usize>> {
    let start = inner.as_ptr().addr().checked_sub(outer.as_ptr().addr())?;
    let end = start.checked_add(inner.len())?;
    (end <= outer.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_and_long_lengths() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x05, 0x04, 0x81, 0x01, 0xff]);
        assert_eq!(
            reader.expect(tag::INTEGER).map(|t| t.content),
            Ok(&[5u8][..])
        );
        assert_eq!(reader.any().map(|t| t.content), Ok(&[0xffu8][..]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn refuses_what_lies_about_its_length() {
        assert_eq!(Reader::new(&[0x30]).any(), Err(TlvError::Truncated));
        assert_eq!(
            Reader::new(&[0x30, 0x02, 0x00]).any(),
            Err(TlvError::Truncated)
        );
        assert_eq!(
            Reader::new(&[0x30, 0x80, 0, 0]).any(),
            Err(TlvError::BadLength)
        );
        assert_eq!(
            Reader::new(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).any(),
            Err(TlvError::Truncated)
        );
        assert_eq!(
            Reader::new(&[0x30, 0x85, 0, 0, 0, 0, 1, 0]).any(),
            Err(TlvError::BadLength)
        );
        assert_eq!(Reader::new(&[0x1f, 0x01, 0]).any(), Err(TlvError::BadTag));
    }

    #[test]
    fn subranges() {
        let outer = [1u8, 2, 3, 4];
        assert_eq!(subrange(&outer, &outer[1..3]), Some(1..3));
        assert_eq!(subrange(&outer[..2], &outer[1..3]), None);
    }
}
