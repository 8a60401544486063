use super::pfx::{Pfx, PfxCertificate};
use super::plan::{is_certreq, read_certreq};
use super::provider::ProviderHint;
use super::request::Request;
use super::template::{self, TemplateForm, read_templates};
use super::{Candidate, CandidateKind};
use crate::der::{Reader, decode_base64, is_pem, pem_blocks, tag};
use crate::ek::{Certificate, EkPub};
use crate::finding::{Code, Error, Finding};
use crate::hash::{Sha256Digest, sha256};
use crate::trust::read_certificates;

/// The most certificates and requests of one file.
const MAX_SUBJECTS: usize = 512;

/// The labels of a request in PEM (RFC 7468 7); certreq writes the second.
const REQUEST_LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// The labels of what [`read_certificates`] reads in PEM.
const CERTIFICATE_LABELS: [&str; 4] = ["CERTIFICATE", "X509 CERTIFICATE", "PKCS7", "CMS"];

/// In what form a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Certificates, in DER, PEM or PKCS#7.
    Certificates,
    /// A PKCS#12 file, which Windows calls PFX.
    Pfx,
    /// Requests for certificates.
    Requests,
    /// A file from which Windows' certreq makes a request.
    Certreq,
    /// Certificate templates.
    Templates(TemplateForm),
}

impl DocumentKind {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Pfx => "pfx",
            Self::Requests => "requests",
            Self::Certreq => "certreq",
            Self::Templates(_) => "templates",
        }
    }
}

/// What a file holds that can be checked.
#[derive(Clone, Debug)]
pub struct Document {
    /// In what form it is.
    pub kind: DocumentKind,
    /// The certificates, requests or templates, in order. Of a PKCS#12 file, those with a
    /// private key if there are any: the rest is their chain.
    pub subjects: Vec<Subject>,
    /// What is to be said of the file as such.
    pub findings: Vec<Finding>,
}

/// One thing that can be checked.
#[derive(Clone, Debug)]
pub struct Subject {
    /// As the rules see it.
    pub candidate: Candidate,
    /// The certificate, if it is one.
    pub certificate: Option<Certificate>,
    /// SHA-256 of the key: of the canonical SubjectPublicKeyInfo, or of the one received if
    /// the key is of no kind that is read. A template has none.
    pub key: Option<Sha256Digest>,
    /// What is to be said of it beside the rules.
    pub findings: Vec<Finding>,
}

impl Document {
    /// Whether the file is one that takes a password to open.
    pub fn needs_password(bytes: &[u8]) -> bool {
        Pfx::is_likely(bytes)
    }

    /// Reads a file, whatever its name says. The password is for a PKCS#12 file.
    ///
    /// # Errors
    /// The codes of the form that it is in: `ekcert-malformed`, `csr-malformed`,
    /// `pfx-malformed`, `pfx-password` and their like, `template-malformed`.
    pub fn read(bytes: &[u8], password: Option<&str>) -> Result<Self, Error> {
        if Pfx::is_likely(bytes) {
            return of_pfx(bytes, password);
        }
        if is_request(bytes) {
            return Ok(Self::new(
                DocumentKind::Requests,
                vec![Subject::from(&Request::from_der(bytes)?)],
            ));
        }
        if bytes.first() != Some(&tag::SEQUENCE) {
            let text = String::from_utf8_lossy(bytes);
            if is_pem(&text) {
                return of_pem(bytes, &text);
            }
            if is_certreq(bytes) {
                let candidate = read_certreq(bytes)?;
                return Ok(Self::new(
                    DocumentKind::Certreq,
                    vec![Subject::without_key(candidate)],
                ));
            }
            if template::is_likely(bytes) {
                let (form, templates) = read_templates(bytes)?;
                let subjects = templates.into_iter().map(Subject::without_key).collect();
                return Ok(Self::new(DocumentKind::Templates(form), subjects));
            }
        }
        let certificates = read_certificates(bytes)?;
        let subjects = certificates.into_iter().map(Subject::from).collect();
        Ok(Self::new(DocumentKind::Certificates, subjects))
    }

    fn new(kind: DocumentKind, subjects: Vec<Subject>) -> Self {
        Self {
            kind,
            subjects,
            findings: Vec::new(),
        }
    }
}

impl From<Certificate> for Subject {
    fn from(certificate: Certificate) -> Self {
        Self {
            candidate: Candidate::from(&certificate),
            key: Some(key_sha256(certificate.spki_der())),
            certificate: Some(certificate),
            findings: Vec::new(),
        }
    }
}

impl From<&Request> for Subject {
    fn from(request: &Request) -> Self {
        Self {
            candidate: Candidate::from(request),
            certificate: None,
            key: Some(key_sha256(request.spki_der())),
            findings: request.signature_finding().into_iter().collect(),
        }
    }
}

impl Subject {
    fn without_key(candidate: Candidate) -> Self {
        Self {
            candidate,
            certificate: None,
            key: None,
            findings: Vec::new(),
        }
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> CandidateKind {
        self.candidate.kind
    }
}

/// SHA-256 of a key, the same for every encoding of it.
fn key_sha256(spki: &[u8]) -> Sha256Digest {
    EkPub::from_spki(spki).map_or_else(|_| sha256(spki), |key| key.spki_sha256())
}

/// Whether it is a CertificationRequest: its first part starts with version 0 and a Name,
/// where a certificate has its version or serial number and an AlgorithmIdentifier.
fn is_request(bytes: &[u8]) -> bool {
    let inner = || {
        let mut outer = Reader::new(bytes).expect(tag::SEQUENCE)?.reader();
        let mut info = outer.expect(tag::SEQUENCE)?.reader();
        let version = info.expect(tag::INTEGER)?.content;
        let subject = info.expect(tag::SEQUENCE)?.reader();
        Ok::<_, crate::der::TlvError>(version == [0] && subject.peek() != Some(tag::OID))
    };
    inner().unwrap_or(false)
}

fn of_pem(bytes: &[u8], text: &str) -> Result<Document, Error> {
    let malformed = |what: String| {
        Error::malformed(
            Code::CsrMalformed,
            format!("the request cannot be read: {what}"),
            "make the request again, and copy it as a file",
        )
    };
    let mut subjects = Vec::new();
    let mut has_certificates = false;
    for block in pem_blocks(text) {
        if let Ok(block) = &block {
            has_certificates |= CERTIFICATE_LABELS.contains(&block.label);
            // What is not looked at would seem to be accepted with the rest.
            if is_unread(block.label) {
                return Err(Error::malformed(
                    Code::EkcertMalformed,
                    format!(
                        "a PEM block '{}' is of a kind that is not read",
                        block.label
                    ),
                    "write it as CERTIFICATE: openssl x509 -in FILE does",
                ));
            }
        }
        let block = match block {
            Ok(block) if REQUEST_LABELS.contains(&block.label) => block,
            Err(unended) if REQUEST_LABELS.contains(&unended.label) => {
                return Err(malformed("the PEM block has no end".to_owned()));
            }
            _ => continue,
        };
        if subjects.len() >= MAX_SUBJECTS {
            return Err(malformed(format!(
                "there are more than {MAX_SUBJECTS} in the file"
            )));
        }
        let der = decode_base64(block.body)
            .map_err(|error| malformed(format!("the PEM block is not base64: {error}")))?;
        subjects.push(Subject::from(&Request::from_der(&der)?));
    }
    let kind = match subjects.is_empty() {
        true => DocumentKind::Certificates,
        false => DocumentKind::Requests,
    };
    if subjects.is_empty() || has_certificates {
        subjects.extend(read_certificates(bytes)?.into_iter().map(Subject::from));
    }
    Ok(Document::new(kind, subjects))
}

/// Whether a PEM block is a certificate or a request in a form that is not read, such as that
/// of OpenSSL with settings of trust in it.
fn is_unread(label: &str) -> bool {
    let is_one = ["CERTIFICATE", "REQUEST"]
        .iter()
        .any(|end| label.ends_with(end));
    is_one && !REQUEST_LABELS.contains(&label) && !CERTIFICATE_LABELS.contains(&label)
}

fn of_pfx(bytes: &[u8], password: Option<&str>) -> Result<Document, Error> {
    let Some(password) = password else {
        return Err(Error::malformed(
            Code::PfxPassword,
            "it is a PKCS#12 file, and no password was given",
            "give the password in a file with --password-file, or type it when asked",
        ));
    };
    let pfx = Pfx::open(bytes, password)?;
    let with_key = |certificate: &&PfxCertificate| pfx.key_of(certificate).is_some();
    let mut chosen: Vec<_> = pfx.certificates.iter().filter(with_key).collect();
    let mut findings = Vec::new();
    if chosen.is_empty() {
        chosen = pfx.certificates.iter().collect();
    }
    if !pfx.has_mac {
        findings.push(Finding::new(
            Code::PfxUnprotected,
            "the PKCS#12 file has no MAC, so nothing shows that it is as it was made",
            "export it again with a password",
        ));
    }
    if chosen.is_empty() {
        return Err(Error::malformed(
            Code::PfxMalformed,
            "there is no certificate in the PKCS#12 file",
            "export the certificate together with its private key",
        ));
    }
    let subjects = chosen.into_iter().map(|entry| {
        let mut subject = Subject::from(entry.certificate.clone());
        if let Some(key) = pfx.key_of(entry) {
            subject.candidate.with_private_key = true;
            let hint = key.provider.as_deref();
            let hint = hint.map(|name| {
                ProviderHint::named(name, "attribute of the private key in the PKCS#12 file")
            });
            subject.candidate.providers.extend(hint);
        }
        subject
    });
    Ok(Document {
        kind: DocumentKind::Pfx,
        subjects: subjects.collect(),
        findings,
    })
}
