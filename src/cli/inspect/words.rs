use x509_parser::prelude::FromDer as _;
use x509_parser::x509::AlgorithmIdentifier;

use crate::ek::{Certificate, Encoding, Extensions, SecurityAssertions, signature_name};
use crate::hash::hex;
use crate::identifier::Kind;

pub(super) fn key_algorithm(certificate: &Certificate) -> Option<String> {
    certificate
        .public_key()
        .ok()
        .map(|key| key.algorithm().to_string())
}

/// The algorithm that the certificate says it is signed with: a name, or its number.
pub(super) fn signature_algorithm(certificate: &Certificate) -> Option<String> {
    if let Some(name) = signature_name(certificate.signature_algorithm_der()) {
        return Some(name.to_owned());
    }
    let (_, algorithm) =
        AlgorithmIdentifier::from_der(certificate.signature_algorithm_der()).ok()?;
    Some(algorithm.algorithm.to_id_string())
}

pub(super) fn authority_key_id(extensions: &Extensions) -> Option<String> {
    extensions
        .authority_key_id
        .as_ref()?
        .key_id
        .as_deref()
        .map(hex)
}

pub(super) fn assertions(security: &SecurityAssertions) -> String {
    let mut parts = vec![
        if security.field_upgradable {
            "field upgradable"
        } else {
            "not field upgradable"
        }
        .to_owned(),
    ];
    if let Some(how) = security.ek_generation {
        parts.push(format!("EK {how}"));
    }
    if let Some(place) = security.ek_generation_location {
        parts.push(format!("EK made by {place}"));
    }
    if let Some(place) = security.ek_certificate_generation_location {
        parts.push(format!("EKcert made by {place}"));
    }
    if let Some(level) = security.cc_assurance_level {
        parts.push(format!("Common Criteria EAL {level}"));
    }
    if let Some(level) = security.fips_level {
        parts.push(format!("FIPS 140 level {level}"));
    }
    if security.iso9000 {
        parts.push("ISO 9000".to_owned());
    }
    parts.join(", ")
}

pub(super) fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

pub(super) fn usage_words(oid: &str) -> String {
    match oid {
        "2.23.133.8.1" => "tcg-kp-EKCertificate (2.23.133.8.1)".to_owned(),
        "2.23.133.8.2" => "tcg-kp-PlatformAttributeCertificate (2.23.133.8.2)".to_owned(),
        "2.23.133.8.3" => "tcg-kp-AIKCertificate (2.23.133.8.3)".to_owned(),
        "2.5.29.37.0" => "anyExtendedKeyUsage (2.5.29.37.0)".to_owned(),
        _ => oid.to_owned(),
    }
}

pub(super) fn kind_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Xml => "platform-identifier-xml",
        Kind::Json => "platform-identifier-json",
        Kind::EkCert => "ekcert",
        Kind::EkPub => "ekpub",
        Kind::CertificateBlob => "windows-certificate-blob",
        Kind::RegistryExport => "windows-registry-export",
        Kind::EkInfo => "windows-ek-info",
    }
}

pub(super) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Xml => "platform identifier, XML",
        Kind::Json => "platform identifier, JSON",
        Kind::EkCert => "certificate",
        Kind::EkPub => "EKpub",
        Kind::CertificateBlob => "certificate blob of Windows",
        Kind::RegistryExport => "registry export of Windows",
        Kind::EkInfo => "output of Get-TpmEndorsementKeyInfo",
    }
}

pub(super) fn encoding_code(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::SubjectPublicKeyInfo => "spki",
        Encoding::Pkcs1 => "pkcs1",
        Encoding::BcryptRsaKeyBlob => "bcrypt-rsa",
        Encoding::BcryptEccKeyBlob => "bcrypt-ecc",
        Encoding::Tpm2bPublic => "tpm2b-public",
        Encoding::TpmtPublic => "tpmt-public",
    }
}

pub(super) fn encoding_words(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::SubjectPublicKeyInfo => "SubjectPublicKeyInfo",
        Encoding::Pkcs1 => "RSAPublicKey (PKCS #1)",
        Encoding::BcryptRsaKeyBlob => "BCRYPT_RSAKEY_BLOB",
        Encoding::BcryptEccKeyBlob => "BCRYPT_ECCKEY_BLOB",
        Encoding::Tpm2bPublic => "TPM2B_PUBLIC",
        Encoding::TpmtPublic => "TPMT_PUBLIC",
    }
}
