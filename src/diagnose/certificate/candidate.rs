use ::der::oid::ObjectIdentifier;

use super::provider::ProviderHint;
use crate::der::Time;
use crate::diagnose::ServerNames;
use crate::ek::{Algorithm, Certificate, Extensions, Name};
use crate::ek::{EkPub, check_key, signature_name};
use crate::finding::{Error, Finding, Severity};
use crate::trust::{SignatureAlgorithm, SignatureHash};

/// What kind of thing is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// A certificate.
    Certificate,
    /// A request for one (PKCS#10).
    Request,
    /// A template that a CA issues certificates by.
    Template,
}

impl CandidateKind {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Request => "request",
            Self::Template => "template",
        }
    }
}

/// What kind of key it has, or demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// An elliptic curve, by name.
    Elliptic(String),
    /// Something else, or it cannot be read: what.
    Other(String),
}

/// A certificate, a request or a template as the rules see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// What it is.
    pub kind: CandidateKind,
    /// The kind of key.
    pub key: KeyKind,
    /// The length of an RSA key in bits; of a template, the least that it allows.
    pub rsa_bits: Option<usize>,
    /// What the numbers of the key prove against it.
    pub weaknesses: Vec<Finding>,
    /// The bits of key usage, if it states any; bit 0 is the lowest.
    pub key_usage: Option<u16>,
    /// The purposes, if it states any.
    pub purposes: Option<Vec<ObjectIdentifier>>,
    /// The subject in words; empty if it is.
    pub subject: String,
    /// The names of a server that it holds.
    pub names: ServerNames,
    /// The first and the last second at which it is valid; a certificate has them.
    pub validity: Option<(Time, Time)>,
    /// The algorithm of its signature; a template has none.
    pub signature: Option<SignatureKind>,
    /// The version of a certificate.
    pub version: Option<u32>,
    /// Whether subject and issuer of a certificate are the same.
    pub self_issued: bool,
    /// What was said of the provider of the key, wherever it was said.
    pub providers: Vec<ProviderHint>,
    /// Whether the private key came along, as it may in a PFX.
    pub with_private_key: bool,
    /// What a template says of renewal, of purpose and of the key, beyond all this.
    pub template: Option<TemplateFacts>,
    /// Extensions that could not be read, or are there twice.
    pub faulty: Vec<String>,
}

/// The algorithm of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureKind {
    /// Its name, or that it is not known.
    pub name: String,
    /// Whether it is known, and hashes with SHA-256 or better.
    pub is_sound: bool,
}

/// What only a template says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateFacts {
    /// Its name.
    pub name: String,
    /// `msPKI-Template-Schema-Version`.
    pub schema: Option<u32>,
    /// Whether a renewal has to be with the same key; `None` if it does not say.
    pub same_key_renewal: Option<bool>,
    /// Whether the private key may be exported.
    pub exportable: Option<bool>,
    /// Whether the request brings the subject.
    pub subject_in_request: Option<bool>,
    /// What a CNG key may be used for (`msPKI-Key-Usage`).
    pub cng_usage: Option<u32>,
    /// `pKIDefaultKeySpec`: 1 for a key that may encrypt, 2 for one that may only sign.
    pub key_spec: Option<u32>,
    /// The hash that requests are signed with (`msPKI-Hash-Algorithm`).
    pub hash: Option<String>,
}

impl SignatureKind {
    /// From an AlgorithmIdentifier.
    pub(super) fn of(identifier: &[u8]) -> Self {
        let name = signature_name(identifier);
        let is_sound = match SignatureAlgorithm::read(identifier) {
            Ok(
                SignatureAlgorithm::RsaPkcs1(hash)
                | SignatureAlgorithm::RsaPss(hash)
                | SignatureAlgorithm::Ecdsa(hash),
            ) => hash != SignatureHash::Sha1,
            Err(_) => false,
        };
        Self {
            name: name
                .unwrap_or("an algorithm that is not known here")
                .to_owned(),
            is_sound,
        }
    }
}

impl Candidate {
    /// Something of which nothing is known.
    pub(super) fn unknown(kind: CandidateKind) -> Self {
        Self {
            kind,
            key: KeyKind::Other("not stated".to_owned()),
            rsa_bits: None,
            weaknesses: Vec::new(),
            key_usage: None,
            purposes: None,
            subject: String::new(),
            names: ServerNames::default(),
            validity: None,
            signature: None,
            version: None,
            self_issued: false,
            providers: Vec::new(),
            with_private_key: false,
            template: None,
            faulty: Vec::new(),
        }
    }

    /// With what a key says.
    pub(super) fn take_key(&mut self, key: Result<EkPub, Error>) {
        match key {
            Ok(key) => {
                match key.algorithm() {
                    Algorithm::Rsa(bits) => {
                        self.key = KeyKind::Rsa;
                        self.rsa_bits = Some(bits);
                    }
                    other => self.key = KeyKind::Elliptic(other.to_string()),
                }
                // What it only warns of is about TPMs.
                self.weaknesses = check_key(&key);
                self.weaknesses
                    .retain(|finding| finding.severity == Severity::Error);
            }
            Err(error) => self.key = KeyKind::Other(error.message),
        }
    }

    /// With what the subject says.
    pub(super) fn take_subject(&mut self, subject: &Name) {
        self.subject = match subject.is_empty() {
            true => String::new(),
            false => subject.to_string(),
        };
        self.names.take_subject(subject);
    }

    /// With a subject as somebody wrote it: `CN=hgs.bastion.test,O=Contoso`.
    pub(super) fn take_written_subject(&mut self, text: &str) {
        text.clone_into(&mut self.subject);
        let parts = text.split(',').filter_map(|part| part.split_once('='));
        let names = parts.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("CN"));
        self.names.common = names.map(|(_, name)| name.trim().to_owned()).collect();
    }

    /// With what extensions say.
    pub(super) fn take_extensions(&mut self, extensions: &Extensions) {
        self.key_usage = extensions.key_usage.map(|usage| usage.bits);
        self.purposes.clone_from(&extensions.extended_key_usage);
        self.names.take_extensions(extensions);
        self.faulty.clone_from(&extensions.faulty);
    }
}

impl From<&Certificate> for Candidate {
    fn from(certificate: &Certificate) -> Self {
        let mut candidate = Self::unknown(CandidateKind::Certificate);
        candidate.take_key(certificate.public_key());
        candidate.take_subject(certificate.subject());
        candidate.take_extensions(certificate.extensions());
        candidate.validity = Some((certificate.not_before(), certificate.not_after()));
        candidate.signature = Some(SignatureKind::of(certificate.signature_algorithm_der()));
        candidate.version = Some(certificate.version());
        candidate.self_issued = certificate.is_self_issued();
        candidate
    }
}
