use std::fmt;

use super::provider::ProviderHint;
use super::{Candidate, CandidateKind, SignatureKind};
use crate::der::{SignedFrame, Tlv, TlvError, tag};
use crate::ek::{Algorithm, EkPub, Extensions, Name};
use crate::finding::{Code, Error, Finding, Severity};
use crate::trust::{SignatureAlgorithm, SignatureError, verify_message};

/// The largest request that is read, in octets. One with a key of 16384 bits and fifty names
/// has under 8 KiB.
pub const MAX_REQUEST_LEN: usize = 64 * 1024;

/// The most attributes of a request; certreq writes four.
const MAX_ATTRIBUTES: usize = 32;

/// pkcs-9-at-extensionRequest, 1.2.840.113549.1.9.14 (RFC 2985 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// The same in Microsoft's numbers, 1.3.6.1.4.1.311.2.1.14 (MS-WCCE 2.2.2.7.7).
const CERT_EXTENSIONS: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 14];
/// szOID_ENROLLMENT_CSP_PROVIDER, 1.3.6.1.4.1.311.13.2.2 (MS-WCCE 2.2.2.7.2).
const ENROLLMENT_CSP: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 13, 2, 2];

const HELP: &str = "make the request again, and copy it as a file; endorse make-request writes one";

/// A request for a certificate (PKCS#10, RFC 2986), kept as received.
#[derive(Clone)]
pub struct Request {
    der: Box<[u8]>,
    subject: Name,
    spki: Box<[u8]>,
    extensions: Extensions,
    provider: Option<ProviderHint>,
    algorithm: Box<[u8]>,
    verified: Result<(), SignatureError>,
}

impl Request {
    /// Reads one request that fills `bytes` exactly, and verifies its signature over the
    /// bytes received.
    ///
    /// # Errors
    /// `csr-malformed`, with the place where it breaks; `input-too-large` above
    /// [`MAX_REQUEST_LEN`]. That the signature is wrong is no error but a finding.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!(
                    "a request of {} bytes; at most {MAX_REQUEST_LEN} are read",
                    bytes.len()
                ),
                "no genuine request is that large: check what the file is",
            ));
        }
        read(bytes).map_err(|(place, error)| {
            Error::malformed(
                Code::CsrMalformed,
                format!("the request cannot be read: {error}"),
                HELP,
            )
            .at(place)
        })
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The SubjectPublicKeyInfo as received.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The extensions that are asked for.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// What is wrong with the signature. A request proves that its maker has the private key.
    pub fn signature_finding(&self) -> Option<Finding> {
        match &self.verified {
            Ok(()) => None,
            Err(SignatureError::Invalid) => Some(Finding::new(
                Code::CsrSignatureInvalid,
                "the key in the request did not sign it",
                HELP,
            )),
            Err(SignatureError::Unsupported(what)) => Some(
                Finding::new(
                    Code::AlgorithmUnsupported,
                    format!("the signature of the request is not verified: {what}"),
                    "sign the request with SHA-256 and a key of 2048 to 8192 bits",
                )
                .with_severity(Severity::Warning),
            ),
        }
    }
}

impl From<&Request> for Candidate {
    fn from(request: &Request) -> Self {
        let mut candidate = Self::unknown(CandidateKind::Request);
        candidate.take_key(EkPub::from_spki(&request.spki));
        candidate.take_subject(&request.subject);
        candidate.take_extensions(&request.extensions);
        candidate.signature = Some(SignatureKind::of(&request.algorithm));
        candidate.providers.extend(request.provider.clone());
        candidate
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", self.subject)
    }
}

type Placed<T> = Result<T, (&'static str, TlvError)>;

/// Reads the frame (RFC 2986 4); on failure says which field.
fn read(bytes: &[u8]) -> Placed<Request> {
    let at = |place: &'static str| move |error: TlvError| (place, error);
    let frame = SignedFrame::read(bytes, "CertificationRequest", "certificationRequestInfo")?;
    let mut fields = frame.tbs.reader();
    let version = fields.expect(tag::INTEGER).map_err(at("version"))?;
    if version.content != [0] {
        return Err(("version", TlvError::BadLength));
    }
    let subject = fields.expect(tag::SEQUENCE).map_err(at("subject"))?;
    let subject = Name::from_der(subject.whole).map_err(at("subject"))?;
    let spki = fields.expect(tag::SEQUENCE).map_err(at("subjectPKInfo"))?;
    // Some programs leave the attributes out where there are none, against the standard.
    let attributes = fields.optional(0xa0).map_err(at("attributes"))?;
    fields.finish().map_err(at("certificationRequestInfo"))?;
    let mut extensions = None;
    let mut provider = None;
    if let Some(attributes) = attributes {
        read_attributes(attributes, &mut extensions, &mut provider).map_err(at("attributes"))?;
    }
    Ok(Request {
        der: bytes.into(),
        subject,
        spki: spki.whole.into(),
        extensions: extensions.unwrap_or_default(),
        provider,
        algorithm: frame.algorithm.whole.into(),
        verified: verify(&frame, spki.whole),
    })
}

fn verify(frame: &SignedFrame<'_>, spki: &[u8]) -> Result<(), SignatureError> {
    // A key of another size would not verify anything, and that is no sign of forgery.
    if let Ok(Algorithm::Rsa(bits)) = EkPub::from_spki(spki).map(|key| key.algorithm())
        && !(2048..=8192).contains(&bits)
    {
        let what = format!("a signature with an RSA key of {bits} bits");
        return Err(SignatureError::Unsupported(what));
    }
    let algorithm = SignatureAlgorithm::read(frame.algorithm.whole)?;
    verify_message(algorithm, spki, frame.tbs.whole, frame.signature)
}

fn read_attributes(
    attributes: Tlv<'_>,
    extensions: &mut Option<Extensions>,
    provider: &mut Option<ProviderHint>,
) -> Result<(), TlvError> {
    let mut list = attributes.reader();
    let mut seen = 0usize;
    while !list.is_empty() {
        seen = seen.saturating_add(1);
        if seen > MAX_ATTRIBUTES {
            return Err(TlvError::TrailingData);
        }
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let oid = fields.expect(tag::OID)?.content;
        let mut values = fields.expect(tag::SET)?.reader();
        fields.finish()?;
        match oid {
            EXTENSION_REQUEST | CERT_EXTENSIONS => {
                let list = values.expect(tag::SEQUENCE)?;
                values.finish()?;
                // Asked for twice, it would be for the CA to choose.
                if extensions.is_some() {
                    return Err(TlvError::TrailingData);
                }
                *extensions = Some(Extensions::from_der(list.whole)?);
            }
            ENROLLMENT_CSP => {
                let mut csp = values.expect(tag::SEQUENCE)?.reader();
                csp.expect(tag::INTEGER)?;
                let name = bmp_string(csp.expect(tag::BMP_STRING)?.content);
                *provider = Some(ProviderHint::named(
                    name,
                    "attribute enrollmentCSP of the request",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The text of a BMPString: two octets a character. What is no character becomes U+FFFD.
pub(super) fn bmp_string(content: &[u8]) -> String {
    let (units, _) = content.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
    let text: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.trim_end_matches('\0').to_owned()
}
