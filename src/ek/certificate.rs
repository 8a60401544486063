use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use x509_parser::certificate::Validity;
use x509_parser::prelude::FromDer as _;

use super::{Algorithm, EkPub, Extensions, GeneralName, Name, check_key, extensions};
use crate::der::{Reader, SignedFrame, Time, Tlv, TlvError, subrange, tag};
use crate::finding::{Code, Error, Finding};
use crate::hash::{Sha1Thumbprint, Sha256Digest, sha1_thumbprint, sha256};

/// The largest certificate that is read. Genuine EK and CA certificates have about
/// 2 KiB; the largest in Microsoft's package of 2,189 CA certificates has under 3 KiB.
pub const MAX_CERTIFICATE_LEN: usize = 64 * 1024;

/// An X.509 certificate, kept as received. Read tolerantly: what is not DER but
/// can be understood is recorded in [`findings`](Self::findings).
#[derive(Clone)]
pub struct Certificate {
    der: Box<[u8]>,
    tbs: Range<usize>,
    serial: Range<usize>,
    spki: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    algorithms_agree: bool,
    version: u32,
    issuer: Name,
    subject: Name,
    not_before: Time,
    not_after: Time,
    extensions: Extensions,
    quirks: Vec<Quirk>,
    sha256: Sha256Digest,
    /// Read when it is first asked for: most certificates of a store never are.
    key: OnceLock<Result<EkPub, Error>>,
    /// What the numbers of the key say against it, looked at when it is first asked for.
    key_findings: OnceLock<Box<[Finding]>>,
}

/// Ways in which genuine certificates break DER or the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    /// A default value is written out.
    ExplicitDefault,
    /// TRUE is not FF.
    Boolean,
    /// The count of unused bits of a BIT STRING is not that of DER.
    UnusedBits,
    /// A SET is out of order.
    SetOrder,
    /// The serial number has leading octets that say nothing.
    SerialNotMinimal,
    /// The serial number is zero or negative.
    SerialNotPositive,
    /// An ECDSA AlgorithmIdentifier has parameters.
    EcdsaParameters,
    /// Extensions in a certificate that is not version 3.
    ExtensionsBeforeV3,
}

impl Certificate {
    /// Reads one certificate that fills `bytes` exactly.
    ///
    /// # Errors
    /// `ekcert-malformed`, with the place where it breaks; `input-too-large` above
    /// [`MAX_CERTIFICATE_LEN`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_CERTIFICATE_LEN {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!(
                    "a certificate of {} bytes; at most {MAX_CERTIFICATE_LEN} are read",
                    bytes.len()
                ),
                "no genuine EK or CA certificate is that large: check what the file is",
            ));
        }
        read(bytes).map_err(|(place, error)| {
            Error::malformed(
                Code::EkcertMalformed,
                format!("the certificate cannot be read: {error}"),
                "check that the file is an X.509 certificate and was copied whole",
            )
            .at(place)
        })
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes as received.
    pub fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    /// SHA-1 of the bytes as received: the thumbprint that Windows shows.
    pub fn thumbprint_sha1(&self) -> Sha1Thumbprint {
        sha1_thumbprint(&self.der)
    }

    /// 1, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The content octets of the serial number, as received.
    pub fn serial(&self) -> &[u8] {
        self.part(&self.serial)
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The subject; EKcerts often have an empty one.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Whether subject and issuer are the same name (RFC 5280 3.2).
    pub fn is_self_issued(&self) -> bool {
        self.subject.key() == self.issuer.key()
    }

    /// Whether its basic constraints say that it is a CA. A claim, as all of it is.
    pub fn is_ca(&self) -> bool {
        let constraints = self.extensions.basic_constraints;
        constraints.is_some_and(|basic| basic.ca)
    }

    /// The first second at which it is valid.
    pub fn not_before(&self) -> Time {
        self.not_before
    }

    /// The last second at which it is valid.
    pub fn not_after(&self) -> Time {
        self.not_after
    }

    /// The SubjectPublicKeyInfo as received.
    pub fn spki_der(&self) -> &[u8] {
        self.part(&self.spki)
    }

    /// The key, if it is of a kind that TPMs use.
    ///
    /// # Errors
    /// `ekpub-malformed`.
    pub fn public_key(&self) -> Result<EkPub, Error> {
        self.key().clone()
    }

    /// What kind of key it is, if it is one that TPMs use.
    pub fn key_algorithm(&self) -> Option<Algorithm> {
        self.key().as_ref().ok().map(EkPub::algorithm)
    }

    /// What [`check_key`] says of the key, which is looked at once; nothing for a key that
    /// cannot be read.
    pub fn key_findings(&self) -> &[Finding] {
        self.key_findings.get_or_init(|| {
            let key = self.key().as_ref();
            key.map_or_else(|_| Vec::new(), check_key).into()
        })
    }

    fn key(&self) -> &Result<EkPub, Error> {
        self.key.get_or_init(|| EkPub::from_spki(self.spki_der()))
    }

    /// The extensions.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The bytes that the signature is over: tbsCertificate as received.
    pub fn tbs_der(&self) -> &[u8] {
        self.part(&self.tbs)
    }

    /// The AlgorithmIdentifier of the signature, as received.
    pub fn signature_algorithm_der(&self) -> &[u8] {
        self.part(&self.signature_algorithm)
    }

    /// Whether the signed and the outer AlgorithmIdentifier are the same, as
    /// RFC 5280 4.1.1.2 demands.
    pub fn signature_algorithms_agree(&self) -> bool {
        self.algorithms_agree
    }

    /// The octets of the signature.
    pub fn signature(&self) -> &[u8] {
        self.part(&self.signature)
    }

    /// What was not DER, or not as RFC 5280 has it, while reading. None of it
    /// makes the certificate untrustworthy by itself.
    pub fn findings(&self) -> Vec<Finding> {
        let mut quirks: Vec<Quirk> = Vec::new();
        for &quirk in &self.quirks {
            if !quirks.contains(&quirk) {
                quirks.push(quirk);
            }
        }
        quirks.into_iter().map(Quirk::finding).collect()
    }

    /// What is said of this quirk, if the certificate has it.
    pub(super) fn quirk(&self, quirk: Quirk) -> Option<&'static str> {
        self.quirks.contains(&quirk).then(|| quirk.words().1)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        // The ranges were made from this very slice.
        self.der.get(range.clone()).unwrap_or_default()
    }
}

/// Reads the certificate's frame (RFC 5280 4.1); on failure says which field.
fn read(bytes: &[u8]) -> Result<Certificate, (&'static str, TlvError)> {
    let at = |place: &'static str| move |error: TlvError| (place, error);
    let mut quirks = Vec::new();

    let SignedFrame {
        tbs,
        algorithm: signature_algorithm,
        signature,
    } = SignedFrame::read(bytes, "Certificate", "tbsCertificate")?;

    let mut fields = tbs.reader();
    let version = match fields.optional(0xa0).map_err(at("version"))? {
        Some(explicit) => version(explicit, &mut quirks).map_err(at("version"))?,
        None => 1,
    };
    let serial = fields
        .expect(tag::INTEGER)
        .map_err(at("serialNumber"))?
        .content;
    check_serial(serial, &mut quirks).map_err(at("serialNumber"))?;
    let inner_algorithm = fields.expect(tag::SEQUENCE).map_err(at("signature"))?;
    check_algorithm(inner_algorithm, &mut quirks).map_err(at("signature"))?;
    let issuer = fields.expect(tag::SEQUENCE).map_err(at("issuer"))?;
    let issuer = Name::from_der(issuer.whole).map_err(at("issuer"))?;
    let validity = fields.expect(tag::SEQUENCE).map_err(at("validity"))?;
    let (not_before, not_after) = validity_of(validity).map_err(at("validity"))?;
    let subject = fields.expect(tag::SEQUENCE).map_err(at("subject"))?;
    let subject = Name::from_der(subject.whole).map_err(at("subject"))?;
    let spki = fields
        .expect(tag::SEQUENCE)
        .map_err(at("subjectPublicKeyInfo"))?;
    fields.optional(0x81).map_err(at("issuerUniqueID"))?;
    fields.optional(0x82).map_err(at("subjectUniqueID"))?;
    let extensions = match fields.optional(0xa3).map_err(at("extensions"))? {
        Some(explicit) => {
            if version != 3 {
                quirks.push(Quirk::ExtensionsBeforeV3);
            }
            let list = Tlv::parse_all(explicit.content, tag::SEQUENCE).map_err(at("extensions"))?;
            extensions::read(list.reader(), &mut quirks).map_err(at("extensions"))?
        }
        None => Extensions::default(),
    };
    fields.finish().map_err(at("tbsCertificate"))?;

    let alt_names = extensions.subject_alt_names.iter();
    if !issuer.is_in_set_order()
        || !subject.is_in_set_order()
        || alt_names
            .filter_map(GeneralName::directory)
            .any(|name| !name.is_in_set_order())
    {
        quirks.push(Quirk::SetOrder);
    }
    // Every part is a slice of `bytes`, so none of these can fail.
    let range = |part: &[u8]| subrange(bytes, part).ok_or(("Certificate", TlvError::Truncated));
    Ok(Certificate {
        der: bytes.into(),
        tbs: range(tbs.whole)?,
        serial: range(serial)?,
        spki: range(spki.whole)?,
        signature_algorithm: range(signature_algorithm.whole)?,
        signature: range(signature)?,
        algorithms_agree: inner_algorithm.whole == signature_algorithm.whole,
        version,
        issuer,
        subject,
        not_before,
        not_after,
        extensions,
        quirks,
        sha256: sha256(bytes),
        key: OnceLock::new(),
        key_findings: OnceLock::new(),
    })
}

fn version(explicit: Tlv<'_>, quirks: &mut Vec<Quirk>) -> Result<u32, TlvError> {
    match Tlv::parse_all(explicit.content, tag::INTEGER)?.content {
        [0] => {
            quirks.push(Quirk::ExplicitDefault);
            Ok(1)
        }
        [1] => Ok(2),
        [2] => Ok(3),
        _ => Err(TlvError::BadLength),
    }
}

/// RFC 5280 4.1.2.2 wants a positive serial number of at most 20 octets. Six of ST's
/// intermediates and many of Nuvoton's EKcerts have leading zeros that DER forbids.
fn check_serial(serial: &[u8], quirks: &mut Vec<Quirk>) -> Result<(), TlvError> {
    match serial {
        [] => return Err(TlvError::BadLength),
        [0, next, ..] if next & 0x80 == 0 => quirks.push(Quirk::SerialNotMinimal),
        [0xff, next, ..] if next & 0x80 != 0 => quirks.push(Quirk::SerialNotMinimal),
        _ => {}
    }
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    if negative || serial.iter().all(|&octet| octet == 0) {
        quirks.push(Quirk::SerialNotPositive);
    }
    Ok(())
}

/// Intel's on-die CAs write NULL parameters with ECDSA, which RFC 5758 3.2 forbids.
fn check_algorithm(algorithm: Tlv<'_>, quirks: &mut Vec<Quirk>) -> Result<(), TlvError> {
    // ecdsa-with-SHA2, 1.2.840.10045.4.3
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let mut fields = algorithm.reader();
    let oid = fields.expect(tag::OID)?.content;
    if oid.starts_with(ECDSA) && !fields.is_empty() {
        quirks.push(Quirk::EcdsaParameters);
    }
    Ok(())
}

/// x509-parser reads the two forms of time (RFC 5280 4.1.2.5). It also takes a
/// GeneralizedTime before 2050, which NationZ writes.
fn validity_of(validity: Tlv<'_>) -> Result<(Time, Time), TlvError> {
    let mut fields: Reader<'_> = validity.reader();
    fields.any()?;
    fields.any()?;
    fields.finish()?;
    let (_, validity) = Validity::from_der(validity.whole).map_err(|_| TlvError::BadLength)?;
    Ok((
        Time::from_unix(validity.not_before.timestamp()),
        Time::from_unix(validity.not_after.timestamp()),
    ))
}

impl Quirk {
    /// The code of the finding, and what it says.
    fn words(self) -> (Code, &'static str) {
        match self {
            Self::ExplicitDefault => (
                Code::ProfileEncoding,
                "a default value is written out, which DER forbids",
            ),
            Self::Boolean => (Code::ProfileEncoding, "a BOOLEAN TRUE is not written as FF"),
            Self::UnusedBits => (
                Code::ProfileEncoding,
                "the key usage states a wrong number of unused bits",
            ),
            Self::SetOrder => (
                Code::ProfileEncoding,
                "a multi-valued RDN is not in the order of DER",
            ),
            Self::SerialNotMinimal => (
                Code::ProfileSerial,
                "the serial number has needless leading octets",
            ),
            Self::SerialNotPositive => {
                (Code::ProfileSerial, "the serial number is zero or negative")
            }
            Self::EcdsaParameters => (
                Code::ProfileEncoding,
                "an ECDSA algorithm identifier has parameters",
            ),
            Self::ExtensionsBeforeV3 => (
                Code::ProfileVersion,
                "the certificate has extensions but is not version 3",
            ),
        }
    }

    fn finding(self) -> Finding {
        let (code, message) = self.words();
        Finding::new(
            code,
            message,
            "nothing to do: some vendors' genuine certificates have this",
        )
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.sha256)
    }
}
