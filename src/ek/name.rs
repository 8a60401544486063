use std::fmt::{self, Write as _};

use ::der::oid::ObjectIdentifier;
use unicode_normalization::UnicodeNormalization as _;

use crate::der::{Reader, Tlv, TlvError, tag};

/// A distinguished name: the bytes as received, and a key for comparison.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    raw: Box<[u8]>,
    key: NameKey,
    set_order: bool,
}

/// Two names match by RFC 5280 section 7.1 exactly if their keys are equal: string
/// types, letter case and insignificant spaces do not count, nor does the order
/// of attributes within one RDN.
///
/// The key is the sequence of RDNs, each with its length in front, so that a name
/// lies in a directoryName subtree exactly if its key starts with that of the base.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey(Box<[u8]>);

/// One attribute type and its value.
#[derive(Clone, Copy)]
struct Attribute<'a> {
    oid: &'a [u8],
    value: Tlv<'a>,
}

impl Name {
    /// Reads a `Name` (RFC 5280 4.1.2.4): the whole SEQUENCE.
    ///
    /// # Errors
    /// The structure is broken. A value that cannot be decoded as its string type
    /// says is kept and compared as it stands.
    pub fn from_der(der: &[u8]) -> Result<Self, TlvError> {
        let mut key = Vec::with_capacity(der.len());
        let mut set_order = true;
        let mut rdns = Tlv::parse_all(der, tag::SEQUENCE)?.reader();
        let mut encoded = Vec::new();
        while !rdns.is_empty() {
            let rdn = rdns.expect(tag::SET)?;
            encoded.clear();
            set_order &= encode_rdn(rdn, &mut encoded)?;
            push_with_length(&mut key, &encoded);
        }
        Ok(Self {
            raw: der.into(),
            key: NameKey(key.into_boxed_slice()),
            set_order,
        })
    }

    /// The DER as received.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The key for comparison.
    pub fn key(&self) -> &NameKey {
        &self.key
    }

    /// The key of the name that has one RDN more, of which this is the content; `None`
    /// if it is none.
    pub(crate) fn key_with_rdn(&self, content: &[u8]) -> Option<NameKey> {
        let rdn = Tlv {
            tag: tag::SET,
            content,
            whole: content,
        };
        let mut encoded = Vec::new();
        encode_rdn(rdn, &mut encoded).ok()?;
        let mut key = self.key.0.to_vec();
        push_with_length(&mut key, &encoded);
        Some(NameKey(key.into_boxed_slice()))
    }

    /// Whether the name has no attribute.
    pub fn is_empty(&self) -> bool {
        self.key.0.is_empty()
    }

    /// Whether every SET is in DER order (ITU-T X.690 11.6). Nuvoton's are not.
    pub fn is_in_set_order(&self) -> bool {
        self.set_order
    }

    /// The values of every attribute of this type, in order, where they are text.
    pub fn values(&self, oid: ObjectIdentifier) -> Vec<String> {
        let mut values = Vec::new();
        // The structure was checked when the name was read.
        let _ = for_each_attribute(&self.raw, |attribute, _| {
            if attribute.oid == oid.as_bytes() {
                values.extend(decode_string(attribute.value));
            }
        });
        values
    }
}

/// One attribute of a name, for what is said of its form.
pub(super) struct AttributeForm<'a> {
    /// Content octets of its type.
    pub(super) oid: &'a [u8],
    /// Identifier octet of its value.
    pub(super) value_tag: u8,
}

impl Name {
    /// Type and string type of every attribute, in order.
    pub(super) fn attribute_forms(&self) -> Vec<AttributeForm<'_>> {
        let mut forms = Vec::new();
        // The structure was checked when the name was read.
        let _ = for_each_attribute(&self.raw, |attribute, _| {
            forms.push(AttributeForm {
                oid: attribute.oid,
                value_tag: attribute.value.tag,
            });
        });
        forms
    }
}

impl NameKey {
    /// Whether this name lies in the subtree below `base` (RFC 5280 4.2.1.10).
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.starts_with(&base.0)
    }
}

/// Mark an RDN of one attribute and one of several, so that no two differ only in that.
const SINGLE: u8 = 1;
const SEVERAL: u8 = 2;

/// Writes the comparison form of an RDN. Returns whether the SET was in DER order.
fn encode_rdn(rdn: Tlv<'_>, out: &mut Vec<u8>) -> Result<bool, TlvError> {
    let mut reader = rdn.reader();
    let first = reader.any()?;
    if reader.is_empty() {
        out.push(SINGLE);
        encode_attribute(attribute(first)?, out);
        return Ok(true);
    }
    out.push(SEVERAL);
    let mut in_order = true;
    let mut previous = first.whole;
    let mut attributes = Vec::new();
    let mut next = Some(first);
    while let Some(element) = next {
        in_order &= previous <= element.whole;
        previous = element.whole;
        let mut encoded = Vec::new();
        encode_attribute(attribute(element)?, &mut encoded);
        attributes.push(encoded);
        next = if reader.is_empty() {
            None
        } else {
            Some(reader.any()?)
        };
    }
    attributes.sort();
    for encoded in &attributes {
        push_with_length(out, encoded);
    }
    Ok(in_order)
}

fn attribute(element: Tlv<'_>) -> Result<Attribute<'_>, TlvError> {
    if element.tag != tag::SEQUENCE {
        return Err(TlvError::UnexpectedTag(tag::SEQUENCE, element.tag));
    }
    let mut reader = element.reader();
    let oid = reader.expect(tag::OID)?.content;
    let value = reader.any()?;
    reader.finish()?;
    Ok(Attribute { oid, value })
}

/// Writes type and prepared value. A value that is text gets the tag 0, so that
/// string types do not count; any other is kept with its own tag.
fn encode_attribute(attribute: Attribute<'_>, out: &mut Vec<u8>) {
    push_with_length(out, attribute.oid);
    let value = attribute.value;
    if is_ascii_string(value) {
        out.push(0);
        push_prepared_ascii(value.content, out);
    } else if let Some(text) = decode_string(value) {
        out.push(0);
        // RFC 4518: map, normalise, fold. Folding after NFKC can leave NFKC, so
        // normalise once more.
        let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        push_prepared_text(&folded, out);
    } else {
        out.push(value.tag);
        out.extend_from_slice(value.content);
    }
}

fn is_ascii_string(value: Tlv<'_>) -> bool {
    matches!(
        value.tag,
        tag::PRINTABLE_STRING | tag::UTF8_STRING | tag::IA5_STRING | tag::TELETEX_STRING
    ) && value.content.is_ascii()
}

/// Lower case; control characters dropped; outer spaces dropped and inner runs of
/// spaces made one (RFC 4518 2.2 and 2.6.1).
fn push_prepared_ascii(bytes: &[u8], out: &mut Vec<u8>) {
    let mut pending_space = false;
    let start = out.len();
    for &byte in bytes {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => pending_space = true,
            0..=0x1f | 0x7f => {}
            _ => {
                if pending_space && out.len() > start {
                    out.push(b' ');
                }
                pending_space = false;
                out.push(byte.to_ascii_lowercase());
            }
        }
    }
}

fn push_prepared_text(text: &str, out: &mut Vec<u8>) {
    let mut pending_space = false;
    let start = out.len();
    for c in text.chars() {
        if c.is_whitespace() {
            pending_space = true;
        } else if !c.is_control() && !is_mapped_to_nothing(c) {
            if pending_space && out.len() > start {
                out.push(b' ');
            }
            pending_space = false;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// RFC 4518 2.2, control characters apart.
fn is_mapped_to_nothing(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// Length in four octets, then the bytes.
fn push_with_length(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The text of a string type; `None` if it is none or its bytes do not fit it.
pub(super) fn decode_string(value: Tlv<'_>) -> Option<String> {
    match value.tag {
        tag::PRINTABLE_STRING | tag::UTF8_STRING | tag::IA5_STRING | 0x12 | 0x1a => {
            std::str::from_utf8(value.content).ok().map(str::to_owned)
        }
        // Teletex text in certificates is Latin-1 in practice.
        tag::TELETEX_STRING => Some(value.content.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let (pairs, rest) = value.content.as_chunks::<2>();
            let units = pairs.iter().map(|&pair| u16::from_be_bytes(pair));
            rest.is_empty()
                .then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
        }
        tag::UNIVERSAL_STRING => {
            let (quads, rest) = value.content.as_chunks::<4>();
            let chars = quads
                .iter()
                .map(|&quad| char::from_u32(u32::from_be_bytes(quad)));
            rest.is_empty().then(|| chars.collect::<Option<_>>())?
        }
        _ => None,
    }
}

/// Calls `visit` for each attribute, with whether it is the first of its RDN.
fn for_each_attribute<'a>(
    der: &'a [u8],
    mut visit: impl FnMut(Attribute<'a>, bool),
) -> Result<(), TlvError> {
    let mut rdns: Reader<'a> = Tlv::parse_all(der, tag::SEQUENCE)?.reader();
    while !rdns.is_empty() {
        let mut attributes = rdns.expect(tag::SET)?.reader();
        let mut first = true;
        while !attributes.is_empty() {
            visit(attribute(attributes.any()?)?, first);
            first = false;
        }
    }
    Ok(())
}

/// As in RFC 4514, but in the order of the certificate: `C=DE, O=…, CN=…`, with
/// ` + ` within a multi-valued RDN; an empty name is an empty text. Control characters are left as they are: use
/// [`escape`](crate::finding::escape) before printing.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        let _ = for_each_attribute(&self.raw, |attribute, first_of_rdn| {
            if !text.is_empty() {
                text.push_str(if first_of_rdn { ", " } else { " + " });
            }
            push_attribute(&mut text, attribute);
        });
        f.write_str(&text)
    }
}

fn push_attribute(text: &mut String, attribute: Attribute<'_>) {
    match ObjectIdentifier::from_bytes(attribute.oid) {
        Ok(oid) => match short_name(oid) {
            Some(name) => text.push_str(name),
            None => {
                let _ = write!(text, "{oid}");
            }
        },
        Err(_) => text.push('?'),
    }
    text.push('=');
    match decode_string(attribute.value) {
        Some(value) => {
            for c in value.chars() {
                if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
                    text.push('\\');
                }
                text.push(c);
            }
        }
        None => {
            text.push('#');
            text.push_str(&crate::hash::hex(attribute.value.whole));
        }
    }
}

/// Short names of RFC 4514 section 3, and TCG's attributes of a TPM.
fn short_name(oid: ObjectIdentifier) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("2.5.4.3", "CN"),
        ("2.5.4.4", "SN"),
        ("2.5.4.5", "serialNumber"),
        ("2.5.4.6", "C"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.9", "STREET"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("2.5.4.12", "title"),
        ("2.5.4.42", "GN"),
        ("2.5.4.46", "dnQualifier"),
        ("0.9.2342.19200300.100.1.1", "UID"),
        ("0.9.2342.19200300.100.1.25", "DC"),
        ("1.2.840.113549.1.9.1", "emailAddress"),
        ("2.23.133.2.1", "tpmManufacturer"),
        ("2.23.133.2.2", "tpmModel"),
        ("2.23.133.2.3", "tpmVersion"),
    ];
    let dotted = oid.to_string();
    NAMES
        .iter()
        .find(|(text, _)| *text == dotted)
        .map(|(_, name)| *name)
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    /// A name of one RDN per (last octet of 2.5.4.x, string tag, bytes).
    fn name(attributes: &[(u8, u8, &[u8])]) -> Name {
        let mut rdns = Vec::new();
        for (arc, string_tag, bytes) in attributes {
            let mut content = tlv(tag::OID, &[0x55, 0x04, *arc]);
            content.extend(tlv(*string_tag, bytes));
            rdns.extend(tlv(tag::SET, &tlv(tag::SEQUENCE, &content)));
        }
        Name::from_der(&tlv(tag::SEQUENCE, &rdns)).unwrap()
    }

    fn same(a: &Name, b: &Name) -> bool {
        a.key() == b.key()
    }

    #[test]
    fn string_types_case_and_spaces_do_not_count() {
        let plain = name(&[(10, tag::PRINTABLE_STRING, b"STMicroelectronics NV")]);
        let utf8 = name(&[(10, tag::UTF8_STRING, b"  stmicroelectronics   NV ")]);
        let bmp: Vec<u8> = "STMICROELECTRONICS NV"
            .bytes()
            .flat_map(|b| [0, b])
            .collect();
        assert!(same(&plain, &utf8));
        assert!(same(&plain, &name(&[(10, tag::BMP_STRING, &bmp)])));
        assert!(!same(
            &plain,
            &name(&[(11, tag::UTF8_STRING, b"STMicroelectronics NV")])
        ));
        assert!(!same(
            &plain,
            &name(&[(10, tag::UTF8_STRING, b"STMicroelectronicsNV")])
        ));
        assert!(!same(
            &plain,
            &name(&[(10, 0x04, b"STMicroelectronics NV")])
        ));
    }

    #[test]
    fn non_ascii_text_is_normalised() {
        let composed = name(&[(3, tag::UTF8_STRING, "É".as_bytes())]);
        let decomposed = name(&[(3, tag::UTF8_STRING, "e\u{301}".as_bytes())]);
        let latin1 = name(&[(3, tag::TELETEX_STRING, &[0xc9])]);
        assert!(same(&composed, &decomposed));
        assert!(same(&composed, &latin1));
        // What nobody sees does not make another name, which an excluded subtree would miss.
        let plain = name(&[(3, tag::UTF8_STRING, b"Evil CA")]);
        for unseen in [
            "Ev\u{200d}il CA",
            "Evil\u{fe0f} CA",
            "\u{202e}Evil\u{a0}CA\u{e0041}",
        ] {
            let unseen = name(&[(3, tag::UTF8_STRING, unseen.as_bytes())]);
            assert!(same(&plain, &unseen), "{unseen:?}");
        }
    }

    #[test]
    fn the_order_of_rdns_counts_but_not_within_one() {
        let ab = name(&[(3, tag::UTF8_STRING, b"a"), (10, tag::UTF8_STRING, b"b")]);
        let ba = name(&[(10, tag::UTF8_STRING, b"b"), (3, tag::UTF8_STRING, b"a")]);
        assert!(!same(&ab, &ba));
        // One RDN of two attributes, in both orders.
        let a = tlv(
            tag::SEQUENCE,
            &[tlv(6, &[0x55, 4, 3]), tlv(12, b"a")].concat(),
        );
        let b = tlv(
            tag::SEQUENCE,
            &[tlv(6, &[0x55, 4, 10]), tlv(12, b"b")].concat(),
        );
        let one = |parts: &[&[u8]]| {
            Name::from_der(&tlv(tag::SEQUENCE, &tlv(tag::SET, &parts.concat()))).unwrap()
        };
        assert!(same(&one(&[&a, &b]), &one(&[&b, &a])));
        assert!(one(&[&a, &b]).is_in_set_order());
        assert!(!one(&[&b, &a]).is_in_set_order());
        assert!(!same(&one(&[&a, &b]), &ab));
    }

    #[test]
    fn subtrees() {
        let base = name(&[(6, tag::PRINTABLE_STRING, b"US")]);
        let below = name(&[(6, tag::UTF8_STRING, b"us"), (10, tag::UTF8_STRING, b"x")]);
        assert!(below.key().is_within(base.key()));
        assert!(!base.key().is_within(below.key()));
    }

    #[test]
    fn displays_with_escapes() {
        let name = name(&[
            (6, tag::PRINTABLE_STRING, b"DE"),
            (3, tag::UTF8_STRING, b"a, b=c"),
        ]);
        assert_eq!(name.to_string(), "C=DE, CN=a\\, b\\=c");
    }

    #[test]
    fn broken_names_are_refused() {
        for bytes in [
            &[0x31, 0][..],
            &[0x30, 2, 0x31, 0],
            &[0x30, 1, 0],
            &[0x30, 0, 0],
        ] {
            assert!(Name::from_der(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
