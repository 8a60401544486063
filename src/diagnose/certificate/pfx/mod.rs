//! PKCS#12 files (RFC 7292), which Windows calls PFX: the certificates in them, and what they
//! say of the private keys. Private keys are never decrypted.

mod protection;

use super::request::bmp_string;
use crate::der::{Reader, Tlv, TlvError, tag};
use crate::ek::Certificate;
use crate::finding::{Code, Error, Fault};

use protection::Password;

/// The largest PKCS#12 file that is read, in octets. One with a key of 4096 bits and a chain
/// of four certificates has under 12 KiB.
pub const MAX_PFX_LEN: usize = 256 * 1024;

/// How much work is done to open one file, in rounds of hashing. Windows asks for 2,000
/// rounds for each part, OpenSSL for 2,048, Java for 10,000; this is some seconds of work.
pub const MAX_PFX_ROUNDS: u64 = 5_000_000;

/// The most parts and bags that are looked at, all together.
const MAX_BAGS: usize = 256;

/// How deep bags may lie in bags. Nobody nests them, though RFC 7292 4.2.6 allows it.
const MAX_DEPTH: usize = 3;

/// pkcs-7, 1.2.840.113549.1.7
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// bagtypes, 1.2.840.113549.1.12.10.1
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// pkcs-9, 1.2.840.113549.1.9
const PKCS9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09];
/// x509Certificate, 1.2.840.113549.1.9.22.1
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// szOID_PKCS_12_KEY_PROVIDER_NAME_ATTR, 1.3.6.1.4.1.311.17.1
const PROVIDER_NAME: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 17, 1];

const HELP: &str = "export the certificate with its private key again, and copy it as a file";

/// What is in a PKCS#12 file.
#[derive(Clone, Debug, Default)]
pub struct Pfx {
    /// The certificates, in order.
    pub certificates: Vec<PfxCertificate>,
    /// The private keys, which stay encrypted.
    pub keys: Vec<PfxKey>,
    /// Whether a MAC protects the file. If so, it was verified with the password.
    pub has_mac: bool,
}

/// A certificate of a PKCS#12 file.
#[derive(Clone, Debug)]
pub struct PfxCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// What links it to its private key.
    pub local_key_id: Option<Vec<u8>>,
}

/// What a PKCS#12 file says of a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PfxKey {
    /// What links it to its certificate.
    pub local_key_id: Option<Vec<u8>>,
    /// The provider that kept it where it was exported, in an attribute of Microsoft's.
    pub provider: Option<String>,
}

impl Pfx {
    /// Whether `bytes` start like a PKCS#12 file: a SEQUENCE with version 3 in front.
    pub fn is_likely(bytes: &[u8]) -> bool {
        let body = match bytes {
            [tag::SEQUENCE, 0..=0x80, body @ ..]
            | [tag::SEQUENCE, 0x81, _, body @ ..]
            | [tag::SEQUENCE, 0x82, _, _, body @ ..]
            | [tag::SEQUENCE, 0x83, _, _, _, body @ ..] => body,
            _ => return false,
        };
        body.starts_with(&[tag::INTEGER, 1, 3])
    }

    /// Opens a file with its password. What that costs is known, and bounded by
    /// [`MAX_PFX_ROUNDS`], before any key is derived.
    ///
    /// # Errors
    /// `pfx-malformed`, `pfx-password`, `pfx-work`, `pfx-unsupported`; `ekcert-malformed` for
    /// a certificate that cannot be read, `input-too-large` above [`MAX_PFX_LEN`].
    pub fn open(bytes: &[u8], password: &str) -> Result<Self, Error> {
        if bytes.len() > MAX_PFX_LEN {
            return Err(Error::malformed(
                Code::InputTooLarge,
                format!(
                    "a PKCS#12 file of {} bytes; at most {MAX_PFX_LEN} are read",
                    bytes.len()
                ),
                "check what the file is",
            ));
        }
        let mut opener = Opener {
            password: Password::new(password),
            bags: 0,
            pfx: Self::default(),
        };
        opener.file(bytes)?;
        Ok(opener.pfx)
    }

    /// The key that belongs to a certificate: the one with its id, or the only one if
    /// neither has any.
    pub fn key_of(&self, certificate: &PfxCertificate) -> Option<&PfxKey> {
        match &certificate.local_key_id {
            Some(id) => {
                let mut keys = self.keys.iter();
                keys.find(|key| key.local_key_id.as_ref() == Some(id))
            }
            None => match (self.keys.as_slice(), self.certificates.as_slice()) {
                ([key], [_]) if key.local_key_id.is_none() => Some(key),
                _ => None,
            },
        }
    }
}

struct Opener {
    password: Password,
    bags: usize,
    pfx: Pfx,
}

pub(super) fn malformed(place: &'static str) -> impl Fn(TlvError) -> Error {
    move |error| broken(error.to_string()).at(place)
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::malformed(
        Code::PfxMalformed,
        format!("the PKCS#12 file cannot be read: {what}"),
        HELP,
    )
}

pub(super) fn unsupported(what: impl std::fmt::Display) -> Error {
    Error {
        code: Some(Code::PfxUnsupported),
        ..Error::new(
            Fault::Unsupported,
            format!("the PKCS#12 file uses what is not read here: {what}"),
            "export it with a password; AES-256 with SHA-256 and 3DES with SHA-1 are both read",
        )
    }
}

impl Opener {
    /// PFX (RFC 7292 4).
    fn file(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let at = malformed("PFX");
        let mut fields = Tlv::parse_all(bytes, tag::SEQUENCE).map_err(&at)?.reader();
        if fields.expect(tag::INTEGER).map_err(&at)?.content != [3] {
            return Err(broken("it is not version 3"));
        }
        let (kind, content) = content_info(&mut fields).map_err(malformed("authSafe"))?;
        let mac = fields
            .optional(tag::SEQUENCE)
            .map_err(malformed("macData"))?;
        fields.finish().map_err(&at)?;
        match kind {
            Some(1) => {}
            Some(2) => return Err(unsupported("a signature in place of a password")),
            _ => return Err(broken("its content is of an unknown type")),
        }
        let content = Tlv::parse_all(content, tag::OCTET_STRING).map_err(malformed("authSafe"))?;
        let safes = Tlv::parse_all(content.content, tag::SEQUENCE)
            .map_err(malformed("AuthenticatedSafe"))?;
        self.price(mac, safes)?;
        if let Some(mac) = mac {
            self.password.verify_mac(mac, content.content)?;
            self.pfx.has_mac = true;
        }
        let mut list = safes.reader();
        while !list.is_empty() {
            self.count()?;
            let at = malformed("ContentInfo");
            let mut info = list.expect(tag::SEQUENCE).map_err(&at)?;
            let (kind, content) = content_info_of(&mut info).map_err(&at)?;
            match kind {
                Some(1) => {
                    let data = Tlv::parse_all(content, tag::OCTET_STRING).map_err(&at)?;
                    self.safe(data.content, 0)?;
                }
                Some(6) => {
                    let (algorithm, data) =
                        encrypted_data(content).map_err(malformed("EncryptedData"))?;
                    let plain = self.password.decrypt(algorithm, &data)?;
                    self.safe(&plain, 0)?;
                }
                Some(3) => return Err(unsupported("encryption for a certificate")),
                _ => return Err(broken("a part of it is of an unknown type")),
            }
        }
        Ok(())
    }

    /// Adds up what every derivation costs, before there is one.
    fn price(&mut self, mac: Option<Tlv<'_>>, safes: Tlv<'_>) -> Result<(), Error> {
        let mut rounds = match mac {
            Some(mac) => protection::mac_rounds(mac)?,
            None => 0,
        };
        let at = malformed("ContentInfo");
        let mut list = safes.reader();
        while !list.is_empty() {
            let mut info = list.expect(tag::SEQUENCE).map_err(&at)?;
            let (kind, content) = content_info_of(&mut info).map_err(&at)?;
            if kind == Some(6) {
                let (algorithm, _) = encrypted_data(content).map_err(malformed("EncryptedData"))?;
                rounds = rounds.saturating_add(protection::rounds(algorithm)?);
            }
        }
        // The empty password has two forms, and both are tried.
        let rounds = rounds.saturating_mul(self.password.forms());
        if rounds > MAX_PFX_ROUNDS {
            return Err(Error::malformed(
                Code::PfxWork,
                format!(
                    "to open the PKCS#12 file takes {rounds} rounds of hashing; at most \
                     {MAX_PFX_ROUNDS} are done"
                ),
                "find out who made it; export the certificate again",
            ));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Error> {
        self.bags = self.bags.saturating_add(1);
        match self.bags > MAX_BAGS {
            true => Err(broken(format!(
                "there are more than {MAX_BAGS} parts in it"
            ))),
            false => Ok(()),
        }
    }

    /// SafeContents (RFC 7292 4.2).
    fn safe(&mut self, bytes: &[u8], depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(broken(format!(
                "bags lie in bags more than {MAX_DEPTH} deep"
            )));
        }
        let at = malformed("SafeContents");
        let mut list = Tlv::parse_all(bytes, tag::SEQUENCE).map_err(&at)?.reader();
        while !list.is_empty() {
            self.count()?;
            let mut fields = list.expect(tag::SEQUENCE).map_err(&at)?.reader();
            let kind = fields.expect(tag::OID).map_err(&at)?.content;
            let value = fields.expect(0xa0).map_err(&at)?;
            let attributes = fields.optional(tag::SET).map_err(&at)?;
            fields.finish().map_err(&at)?;
            let attributes = Attributes::read(attributes).map_err(malformed("bagAttributes"))?;
            match kind.strip_prefix(BAGS) {
                Some([1 | 2]) => self.pfx.keys.push(PfxKey {
                    local_key_id: attributes.local_key_id,
                    provider: attributes.provider,
                }),
                Some([3]) => {
                    let der = certificate_of(value).map_err(malformed("CertBag"))?;
                    if let Some(der) = der {
                        self.pfx.certificates.push(PfxCertificate {
                            certificate: Certificate::from_der(der)?,
                            local_key_id: attributes.local_key_id,
                        });
                    }
                }
                Some([6]) => self.safe(value.content, depth.saturating_add(1))?,
                // CRLs, secrets, and what came later.
                _ => {}
            }
        }
        Ok(())
    }
}

/// The last arc of a content type of PKCS#7, and the content; reads a ContentInfo.
fn content_info<'a>(fields: &mut Reader<'a>) -> Result<(Option<u8>, &'a [u8]), TlvError> {
    let mut info = fields.expect(tag::SEQUENCE)?;
    content_info_of(&mut info)
}

fn content_info_of<'a>(info: &mut Tlv<'a>) -> Result<(Option<u8>, &'a [u8]), TlvError> {
    let mut fields = info.reader();
    let oid = fields.expect(tag::OID)?.content;
    let content = fields.expect(0xa0)?.content;
    fields.finish()?;
    let last = match oid.strip_prefix(PKCS7) {
        Some([last]) => Some(*last),
        _ => None,
    };
    Ok((last, content))
}

/// The algorithm and the octets of EncryptedData (RFC 5652 8).
fn encrypted_data(content: &[u8]) -> Result<(Tlv<'_>, Vec<u8>), TlvError> {
    let mut fields = Tlv::parse_all(content, tag::SEQUENCE)?.reader();
    fields.expect(tag::INTEGER)?;
    let mut info = fields.expect(tag::SEQUENCE)?.reader();
    info.expect(tag::OID)?;
    let algorithm = info.expect(tag::SEQUENCE)?;
    // Implicitly tagged; in pieces where a writer used BER.
    let data = match info.any()? {
        whole if whole.tag == 0x80 => whole.content.to_vec(),
        pieces if pieces.tag == 0xa0 => {
            let mut reader = pieces.reader();
            let mut data = Vec::new();
            while !reader.is_empty() {
                data.extend_from_slice(reader.expect(tag::OCTET_STRING)?.content);
            }
            data
        }
        other => return Err(TlvError::UnexpectedTag(0x80, other.tag)),
    };
    info.finish()?;
    Ok((algorithm, data))
}

/// The certificate in a CertBag, if it is an X.509 one.
fn certificate_of(value: Tlv<'_>) -> Result<Option<&[u8]>, TlvError> {
    let mut bag = Tlv::parse_all(value.content, tag::SEQUENCE)?.reader();
    let kind = bag.expect(tag::OID)?.content;
    let content = bag.expect(0xa0)?.content;
    bag.finish()?;
    if kind != X509_CERTIFICATE {
        return Ok(None);
    }
    Tlv::parse_all(content, tag::OCTET_STRING).map(|octets| Some(octets.content))
}

#[derive(Default)]
struct Attributes {
    local_key_id: Option<Vec<u8>>,
    provider: Option<String>,
}

impl Attributes {
    fn read(set: Option<Tlv<'_>>) -> Result<Self, TlvError> {
        let mut attributes = Self::default();
        let Some(set) = set else {
            return Ok(attributes);
        };
        let mut list = set.reader();
        while !list.is_empty() {
            let mut fields = list.expect(tag::SEQUENCE)?.reader();
            let oid = fields.expect(tag::OID)?.content;
            let mut values = fields.expect(tag::SET)?.reader();
            fields.finish()?;
            if oid == PROVIDER_NAME {
                let name = values.expect(tag::BMP_STRING)?;
                attributes.provider = Some(bmp_string(name.content));
            } else if oid.strip_prefix(PKCS9) == Some(&[21]) {
                let id = values.expect(tag::OCTET_STRING)?;
                attributes.local_key_id = Some(id.content.to_vec());
            }
        }
        Ok(attributes)
    }
}
