//! Requests for certificates that meet the rules: as a PKCS#10 file, or as configuration for
//! `openssl req` or for Windows' `certreq`.

mod certreq;
mod openssl;
mod subject;

use std::net::IpAddr;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, RsaKeySize,
    SanType,
};

use super::provider::ProviderKind;
use super::words::ADCS;
use super::{CLIENT_AUTHENTICATION, CertificateRole, SERVER_AUTHENTICATION};
use crate::diagnose::commands::RENEW_SIGNER;
use crate::ek::KeyUsage;
use crate::finding::Error;

pub(super) use certreq::is_likely as is_certreq;
pub use certreq::read_certreq;
pub use subject::{SubjectPart, parse_subject};

/// The key lengths that keys are made with, in bits.
pub const KEY_SIZES: [u16; 3] = [2048, 3072, 4096];

/// The provider that a certreq file names unless told otherwise.
pub const DEFAULT_PROVIDER: &str = "Microsoft Software Key Storage Provider";

/// The most names of one request.
const MAX_NAMES: usize = 100;

/// The longest DNS name (RFC 1035 2.3.4).
const MAX_NAME_LEN: usize = 253;

/// What is requested.
#[derive(Clone, Debug)]
pub struct RequestPlan {
    role: CertificateRole,
    subject: Vec<SubjectPart>,
    names: Vec<String>,
    key_bits: u16,
    provider: String,
}

/// A private key that signs a request.
#[derive(Debug)]
pub struct RequestKey(KeyPair);

impl RequestPlan {
    /// A request for this role.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse): the service makes the certificate of
    /// that role by itself; there is neither a subject nor a name; a name is none.
    pub fn new(
        role: CertificateRole,
        subject: Vec<SubjectPart>,
        names: Vec<String>,
    ) -> Result<Self, Error> {
        match role {
            CertificateRole::AttestationSigner => {
                return Err(Error::misuse(
                    "nobody requests the certificate of the attestation signer: the service makes \
                     and renews it by itself",
                    format!("to renew it, run on a node: {RENEW_SIGNER}"),
                ));
            }
            CertificateRole::Template => {
                return Err(Error::misuse(
                    "a template is no certificate, so there is nothing to request",
                    "name what the certificate is for: signing, encryption, communications, tls or \
                     host-key",
                ));
            }
            CertificateRole::Tls if names.is_empty() => {
                return Err(Error::misuse(
                    "a TLS certificate has to hold the names that hosts use, and none was given",
                    "give each with --service-name",
                ));
            }
            _ => {}
        }
        if names.len() > MAX_NAMES {
            return Err(Error::misuse(
                format!(
                    "{} names; at most {MAX_NAMES} go into a request",
                    names.len()
                ),
                "give fewer, or a name with a wildcard",
            ));
        }
        if let Some(bad) = names.iter().find(|name| !is_name(name)) {
            return Err(Error::misuse(
                format!("'{bad}' is neither a DNS name nor an address"),
                "write it as in a URL: hgs.bastion.test, *.bastion.test or 192.0.2.1; names beyond \
                 ASCII in their form for the DNS (xn--…)",
            ));
        }
        let subject = match (subject.is_empty(), names.first()) {
            (false, _) => subject,
            (true, Some(first)) => vec![SubjectPart::common_name(first)],
            (true, None) => {
                return Err(Error::misuse(
                    "there is neither a subject nor a name of the service",
                    "give the subject, for example --subject 'CN=HGS Signing,O=Contoso'",
                ));
            }
        };
        Ok(Self {
            role,
            subject,
            names,
            key_bits: KEY_SIZES[0],
            provider: DEFAULT_PROVIDER.to_owned(),
        })
    }

    /// The same with a key of this many bits, where a configuration asks for a new one.
    #[must_use]
    pub fn with_key_bits(mut self, bits: u16) -> Self {
        self.key_bits = bits;
        self
    }

    /// The same with the key storage provider that certreq is to use.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for a legacy provider.
    pub fn with_provider(mut self, provider: &str) -> Result<Self, Error> {
        if ProviderKind::of(provider) == ProviderKind::Legacy {
            return Err(Error::misuse(
                format!("'{provider}' is a legacy provider, which the service cannot use"),
                "name a key storage provider: certutil -csplist shows those of a machine",
            ));
        }
        provider.clone_into(&mut self.provider);
        Ok(self)
    }

    /// The bits of key usage: what every profile asks for.
    pub fn key_usage(&self) -> u16 {
        match self.role {
            CertificateRole::Tls => KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT,
            CertificateRole::Communications | CertificateRole::HostKey => {
                KeyUsage::DIGITAL_SIGNATURE
            }
            _ => ADCS,
        }
    }

    fn purpose(&self) -> ::der::oid::ObjectIdentifier {
        match self.role {
            CertificateRole::HostKey => CLIENT_AUTHENTICATION,
            _ => SERVER_AUTHENTICATION,
        }
    }

    /// The request in PEM, signed with the key.
    ///
    /// # Errors
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if it cannot be made.
    pub fn to_pem(&self, key: &RequestKey) -> Result<String, Error> {
        let fail = |error: rcgen::Error| {
            Error::environment(
                format!("the request cannot be made: {error}"),
                "check subject, names and key",
            )
        };
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        for part in &self.subject {
            let value = match part.kind.dn_type() {
                // Two letters, and a PrintableString (RFC 5280 appendix A.1).
                DnType::CountryName => {
                    rcgen::DnValue::PrintableString(part.value.as_str().try_into().map_err(fail)?)
                }
                _ => rcgen::DnValue::Utf8String(part.value.clone()),
            };
            parameters
                .distinguished_name
                .push(part.kind.dn_type(), value);
        }
        for name in &self.names {
            parameters
                .subject_alt_names
                .push(match name.parse::<IpAddr>() {
                    Ok(address) => SanType::IpAddress(address),
                    Err(_) => SanType::DnsName(name.as_str().try_into().map_err(fail)?),
                });
        }
        for (bit, purpose) in [
            (
                KeyUsage::DIGITAL_SIGNATURE,
                KeyUsagePurpose::DigitalSignature,
            ),
            (KeyUsage::KEY_ENCIPHERMENT, KeyUsagePurpose::KeyEncipherment),
            (
                KeyUsage::DATA_ENCIPHERMENT,
                KeyUsagePurpose::DataEncipherment,
            ),
        ] {
            if self.key_usage() & bit != 0 {
                parameters.key_usages.push(purpose);
            }
        }
        parameters.extended_key_usages.push(match self.role {
            CertificateRole::HostKey => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        });
        let request = parameters.serialize_request(&key.0).map_err(fail)?;
        request.pem().map_err(fail)
    }

    /// The configuration for `openssl req -new -config FILE`.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for text that would mean something
    /// else there.
    pub fn to_openssl(&self) -> Result<String, Error> {
        openssl::write(self)
    }

    /// The file for `certreq -new`.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for text that would mean something
    /// else there.
    pub fn to_certreq(&self) -> Result<String, Error> {
        certreq::write(self)
    }
}

impl RequestKey {
    /// A new RSA key of this many bits, one of [`KEY_SIZES`].
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for another length,
    /// [`Fault::Environment`](crate::finding::Fault::Environment) if none can be made.
    pub fn generate(bits: u16) -> Result<Self, Error> {
        let size = match bits {
            2048 => RsaKeySize::_2048,
            3072 => RsaKeySize::_3072,
            4096 => RsaKeySize::_4096,
            _ => {
                return Err(Error::misuse(
                    format!("keys of {bits} bits are not made"),
                    "choose 2048, 3072 or 4096",
                ));
            }
        };
        KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
            .map(Self)
            .map_err(|error| {
                Error::environment(
                    format!("no key can be made: {error}"),
                    "see that the machine has a source of random numbers",
                )
            })
    }

    /// A key in PEM, unencrypted: PKCS#8, or the older forms of OpenSSL.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if it is none.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        KeyPair::from_pem(text).map(Self).map_err(|error| {
            Error::misuse(
                format!("the private key cannot be used: {error}"),
                "give it in PEM and without encryption: openssl pkey -in FILE writes it so; what a \
                 HSM or Windows keeps cannot be used here, so take --format certreq",
            )
        })
    }

    /// The key in PEM (PKCS#8), unencrypted.
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }
}

/// Whether it is a DNS name, with a wildcard or without, or an address.
fn is_name(name: &str) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let body = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    name.len() <= MAX_NAME_LEN && body.split('.').all(is_label)
}
