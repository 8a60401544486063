use super::classify::{self, Classified, Material};
use super::gather::{add, finish, gather};
use super::limits::{MAX_DOCUMENT_LEN, MAX_INPUT_LEN, too_large};
use super::model::{Identifier, Kind};
use super::text::{self, TextEncoding};
use super::{json, windows, xml};
use crate::finding::{Code, Error, Finding};

impl Identifier {
    /// Reads any kind of input: Microsoft's XML, our JSON, an EK certificate (DER,
    /// PEM, or as it lies in NV) or an EKpub in any encoding, also either of them as
    /// hex or base64 text, and what Windows stores and prints about an EK: the blob of
    /// a certificate, an export of its registry, the output of
    /// Get-TpmEndorsementKeyInfo. Text may be UTF-8 or UTF-16. What it is, its content
    /// says.
    ///
    /// # Errors
    /// A [`Fault::Malformed`](crate::finding::Fault::Malformed) error with a code
    /// of the reading group; [`Fault::Unsupported`](crate::finding::Fault::Unsupported)
    /// for kinds of keys that are not read here.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.trim_ascii().is_empty() {
            return Err(Error::malformed(
                Code::InputUnrecognised,
                "the input is empty",
                "see that what should have written it ran to its end",
            ));
        }
        if bytes.len() > MAX_INPUT_LEN {
            return Err(length(bytes.len(), MAX_INPUT_LEN));
        }
        // No text starts as a binary structure does, so these come first.
        if windows::starts_as_blob(bytes) {
            if bytes.len() > MAX_DOCUMENT_LEN {
                return Err(length(bytes.len(), MAX_DOCUMENT_LEN));
            }
            return windows::read_blob(bytes);
        }
        if bytes.len() <= MAX_DOCUMENT_LEN
            && let Some(material) = classify::bytes(bytes)?
        {
            return bare(vec![material]);
        }
        let Some((text, encoding)) = text::decode(bytes)? else {
            return Err(unrecognised());
        };
        if text.trim_start().starts_with('{') {
            return match windows::is_ek_info(&text) {
                true => windows::read_json(&text),
                false => json::read(&text),
            };
        }
        if text.trim_start().starts_with('<') {
            return read_xml(&text, encoding);
        }
        if windows::is_export(&text) {
            return windows::read_export(&text);
        }
        if bytes.len() > MAX_DOCUMENT_LEN {
            return Err(length(bytes.len(), MAX_DOCUMENT_LEN));
        }
        match classify::text(&text)? {
            Classified::Found(materials) if !materials.is_empty() => bare(materials),
            Classified::OtherData => match classify::octets_of_text(&text) {
                Some(blob) if windows::starts_as_blob(&blob) => windows::read_blob(&blob),
                _ => Err(unrecognised()),
            },
            _ => Err(windows::explain_text(&text).unwrap_or_else(unrecognised)),
        }
    }
}

fn read_xml(text: &str, encoding: TextEncoding) -> Result<Identifier, Error> {
    let document = xml::parse(text)?;
    let mut identifier = match windows::is_clixml(&document.root) {
        true => windows::read_clixml(&document.root)?,
        false => gather(document.root, Kind::Xml)?,
    };
    let claimed = document.declared_encoding.as_deref().unwrap_or("utf-8");
    if !means_the_same(claimed, text) {
        return Err(Error::malformed(
            Code::EncodingUnknown,
            format!(
                "the XML declaration says '{claimed}', in which the file could mean something else"
            ),
            "save the file as UTF-8 or UTF-16, with a declaration that says so or none",
        ));
    }
    let agrees = match encoding {
        TextEncoding::Utf8 => claimed.eq_ignore_ascii_case("utf-8"),
        _ => {
            document.declared_encoding.is_none()
                || claimed
                    .get(..6)
                    .is_some_and(|head| head.eq_ignore_ascii_case("utf-16"))
        }
    };
    if !agrees {
        identifier.findings.push(Finding {
            clause: None,
            ..Finding::new(
                Code::ProfileEncoding,
                format!("the XML declaration says '{claimed}', but the text is {encoding}"),
                "",
            )
        });
    }
    Ok(identifier)
}

/// Whether a reader that believes a declared encoding sees the same text. UTF-8 and
/// UTF-16 cannot be mistaken for each other, so there the bytes decide; ASCII is the same
/// in what Windows' editors save. In UTF-7 or EBCDIC it is not.
fn means_the_same(declared: &str, text: &str) -> bool {
    let declared = declared.to_ascii_lowercase();
    matches!(
        declared.as_str(),
        "utf-8" | "utf-16" | "utf-16le" | "utf-16be"
    ) || (text.is_ascii()
        && (declared == "us-ascii"
            || declared.starts_with("iso-8859-")
            || declared.starts_with("windows-125")))
}

/// An input that is nothing but EK material.
fn bare(materials: Vec<Material>) -> Result<Identifier, Error> {
    let has_certificate = materials
        .iter()
        .any(|material| matches!(material, Material::EkCert(..)));
    let kind = match has_certificate {
        true => Kind::EkCert,
        false => Kind::EkPub,
    };
    let single = materials.len() == 1;
    let mut identifier = Identifier::empty(kind);
    for (index, material) in materials.into_iter().enumerate() {
        let source = match single {
            true => "the input".to_owned(),
            false => format!("PEM block {}", index.saturating_add(1)),
        };
        add(&mut identifier, material, &source)?;
    }
    finish(identifier)
}

fn length(found: usize, limit: usize) -> Error {
    too_large(format!(
        "the input has {found} bytes; at most {limit} are read"
    ))
}

fn unrecognised() -> Error {
    Error::malformed(
        Code::InputUnrecognised,
        "the input is no platform identifier, EK certificate or EKpub",
        "give a platform identifier (the XML of Get-PlatformIdentifier, or JSON), an EK certificate \
         (DER, PEM, or as it lies in NV), or an EKpub (SubjectPublicKeyInfo, RSAPublicKey, \
         BCRYPT_RSAKEY_BLOB, BCRYPT_ECCKEY_BLOB, TPM2B_PUBLIC, TPMT_PUBLIC); certificates and keys \
         also as hex or base64; or, from Windows, an export of the registry's key TPM, WMI, \
         Endorsement, or Get-TpmEndorsementKeyInfo as JSON or Clixml",
    )
}
