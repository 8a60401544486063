//! Certificates for the stand-in: an authority for HTTPS, and signers of health certificates.

use std::sync::Arc;

use pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use time::{Duration, OffsetDateTime};

use crate::pki;

/// An authority for HTTPS.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One that may issue for names below this one alone.
    pub(crate) fn for_names_below(name: &str) -> Self {
        Self::with(|params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
                excluded_subtrees: Vec::new(),
            });
        })
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Bastion TLS CA");
        (params.not_before, params.not_after) = days(-100, 1000);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// The settings of a server with a certificate from it for these names, changed as told.
    pub(crate) fn server(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = server_params(names, change);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        config(vec![certificate.der().clone()], &key)
    }

    /// The same with the certificate of the authority so many times after its own.
    pub(crate) fn server_with_chain(&self, names: &[&str], more: usize) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = server_params(names, |_| {});
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.resize(more + 1, CertificateDer::from(self.der.clone()));
        config(chain, &key)
    }
}

/// The settings of a server whose certificate signed itself, and that certificate.
pub(crate) fn self_signed(names: &[&str]) -> (ServerConfig, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = server_params(names, |_| {}).self_signed(&key).unwrap();
    (
        config(vec![certificate.der().clone()], &key),
        certificate.pem(),
    )
}

fn server_params(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "hgs.bastion.test");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = days(-1, 90);
    change(&mut params);
    params
}

fn config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap()
}

/// A signer of health certificates, valid from and until so many days from now.
pub(crate) fn signer(from: i64, until: i64) -> Vec<u8> {
    signer_within(days(from, until))
}

/// One that becomes valid in so many seconds.
pub(crate) fn signer_in_seconds(seconds: i64) -> Vec<u8> {
    let (now, end) = days(0, 300);
    signer_within((now + Duration::seconds(seconds), end))
}

fn signer_within(validity: (OffsetDateTime, OffsetDateTime)) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Microsoft Remote Attestation Service");
    (params.not_before, params.not_after) = validity;
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

/// A health certificate of a host, valid from and until so many seconds from now.
pub(crate) fn health(from: i64, until: i64) -> Vec<u8> {
    let now = OffsetDateTime::now_utc();
    let named = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let issuer = named("Microsoft Remote Attestation Service");
    let issuer = Issuer::new(issuer, KeyPair::generate().unwrap());
    let mut params = named("hyp01");
    params.not_before = now + Duration::seconds(from);
    params.not_after = now + Duration::seconds(until);
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, &issuer).unwrap().der().to_vec()
}

/// These certificates as a PKCS#7 bundle that nobody signed (RFC 2315 section 9).
pub(crate) fn bundle(certificates: &[Vec<u8>]) -> Vec<u8> {
    let signed_data = pki::sequence(&[
        pki::integer(1),
        pki::set(&[]),
        pki::sequence(&[pki::oid("1.2.840.113549.1.7.1")]),
        pki::tlv(0xa0, &certificates.concat()),
        pki::set(&[]),
    ]);
    pki::sequence(&[
        pki::oid("1.2.840.113549.1.7.2"),
        pki::tlv(0xa0, &signed_data),
    ])
}

/// Octets as an array of numbers in JSON.
pub(crate) fn numbers(octets: &[u8]) -> Vec<u8> {
    let numbers: Vec<_> = octets.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(",")).into_bytes()
}

pub(crate) fn days(from: i64, until: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now + Duration::days(from), now + Duration::days(until))
}
