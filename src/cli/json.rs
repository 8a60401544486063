//! The JSON that programs read, apart from the types of the library so that
//! neither hinders the other. `docs/cli.md` describes it: bytes are lower-case
//! hex, times RFC 3339 in UTC, and what is unknown is `null`.

use serde::Serialize;

use crate::ek::{Certificate, EkPub, SecurityAssertions, TpmFacts, TpmSpecification};
use crate::finding::{Error, Finding};
use crate::hash::{hex, sha256};
use crate::identifier::Machine;
use crate::trust::Crl;

#[derive(Serialize)]
struct Envelope<'a, T, S> {
    schema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<S>,
    results: &'a [T],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JsonError>,
}

/// An error about the whole run, or about one input.
#[derive(Debug, Serialize)]
pub(super) struct JsonError {
    code: Option<&'static str>,
    message: String,
    help: String,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonMachine {
    guid: Option<String>,
    serial: Option<String>,
    macs: Vec<String>,
}

/// A machine with what only the JSON form of an identifier carries.
#[derive(Debug, Serialize)]
pub(super) struct JsonHostMachine {
    #[serde(flatten)]
    machine: JsonMachine,
    host_name: Option<String>,
    hypervisor: Option<String>,
}

/// What a TPM says about itself.
#[derive(Debug, Serialize)]
pub(super) struct JsonTpmFacts {
    manufacturer: Option<String>,
    vendor: Option<&'static str>,
    vendor_string: Option<String>,
    firmware: Option<String>,
    revision: Option<u32>,
    generated_eps: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonEkPub {
    algorithm: String,
    spki_sha256: String,
    windows_sha256: String,
    source: String,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonEkCert {
    sha256: String,
    thumbprint_sha1: String,
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    tpm: JsonTpm,
    spki_sha256: String,
    source: String,
}

/// A CRL.
#[derive(Debug, Serialize)]
pub(super) struct JsonCrl {
    sha256: String,
    issuer: String,
    this_update: String,
    next_update: Option<String>,
    number: Option<String>,
    entries: usize,
    indirect: bool,
}

impl From<&Crl> for JsonCrl {
    fn from(crl: &Crl) -> Self {
        Self {
            sha256: crl.sha256().to_string(),
            issuer: crl.issuer().to_string(),
            this_update: crl.this_update().to_string(),
            next_update: crl.next_update().map(|time| time.to_string()),
            number: crl.number_in_words(),
            entries: crl.entry_count(),
            indirect: crl.is_indirect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct JsonTpm {
    manufacturer: Option<String>,
    vendor: Option<&'static str>,
    model: Option<String>,
    version: Option<String>,
    specification: Option<JsonSpecification>,
    security: Option<JsonSecurity>,
}

#[derive(Debug, Serialize)]
struct JsonSpecification {
    family: String,
    level: u64,
    revision: u64,
}

#[derive(Debug, Serialize)]
struct JsonSecurity {
    field_upgradable: bool,
    ek_generation: Option<&'static str>,
    ek_generation_location: Option<&'static str>,
    ek_certificate_generation_location: Option<&'static str>,
    cc_assurance_level: Option<u8>,
    fips_level: Option<u8>,
    iso9000: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonFinding {
    code: &'static str,
    severity: &'static str,
    message: String,
    help: String,
    clause: Option<&'static str>,
    chain_status: Option<JsonChainStatus>,
}

#[derive(Debug, Serialize)]
struct JsonChainStatus {
    status: &'static str,
    thumbprint: String,
}

/// The document of a command that came to results.
pub(super) fn document<T: Serialize>(command: &str, results: &[T]) -> String {
    write::<T, ()>(command, results, None, None)
}

/// The same with something about all results together.
#[cfg(feature = "diagnose")]
pub(super) fn document_with<T: Serialize, S: Serialize>(
    command: &str,
    summary: S,
    results: &[T],
) -> String {
    write(command, results, Some(summary), None)
}

/// The document of a command that failed before it came to any result.
pub(super) fn failure(command: &str, error: &Error) -> String {
    write::<(), ()>(command, &[], None, Some(error.into()))
}

fn write<T: Serialize, S: Serialize>(
    command: &str,
    results: &[T],
    summary: Option<S>,
    error: Option<JsonError>,
) -> String {
    let envelope = Envelope {
        schema: format!("endorse.{command}/1"),
        summary,
        results,
        error,
    };
    // Only a map with keys that are no strings could fail here, and there is none.
    let mut text = serde_json::to_string_pretty(&envelope).unwrap_or_default();
    text.push('\n');
    text
}

/// The canonical hash of a certificate's key: the one that its EKpub has, or that
/// of the SubjectPublicKeyInfo as it stands if the key is of no kind TPMs use.
pub(super) fn key_sha256(certificate: &Certificate) -> String {
    certificate
        .public_key()
        .map_or_else(|_| sha256(certificate.spki_der()), |key| key.spki_sha256())
        .to_string()
}

impl JsonEkPub {
    pub(super) fn new(key: &EkPub, source: &str) -> Self {
        Self {
            algorithm: key.algorithm().to_string(),
            spki_sha256: key.spki_sha256().to_string(),
            windows_sha256: key.windows_sha256().to_string(),
            source: source.to_owned(),
        }
    }
}

impl JsonEkCert {
    pub(super) fn new(certificate: &Certificate, source: &str) -> Self {
        let tpm = &certificate.extensions().tpm;
        Self {
            sha256: certificate.sha256().to_string(),
            thumbprint_sha1: certificate.thumbprint_sha1().to_string(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex(certificate.serial()),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            tpm: JsonTpm {
                manufacturer: tpm.manufacturer.clone(),
                vendor: tpm.vendor().map(|vendor| vendor.name),
                model: tpm.model.clone(),
                version: tpm.version.clone(),
                specification: tpm.specification.as_ref().map(JsonSpecification::from),
                security: tpm.security.as_ref().map(JsonSecurity::from),
            },
            spki_sha256: key_sha256(certificate),
            source: source.to_owned(),
        }
    }
}

impl From<&TpmSpecification> for JsonSpecification {
    fn from(specification: &TpmSpecification) -> Self {
        Self {
            family: specification.family.clone(),
            level: specification.level,
            revision: specification.revision,
        }
    }
}

impl From<&SecurityAssertions> for JsonSecurity {
    fn from(security: &SecurityAssertions) -> Self {
        Self {
            field_upgradable: security.field_upgradable,
            ek_generation: security.ek_generation,
            ek_generation_location: security.ek_generation_location,
            ek_certificate_generation_location: security.ek_certificate_generation_location,
            cc_assurance_level: security.cc_assurance_level,
            fips_level: security.fips_level,
            iso9000: security.iso9000,
        }
    }
}

impl From<&Machine> for JsonMachine {
    fn from(machine: &Machine) -> Self {
        Self {
            guid: machine.guid.clone(),
            serial: machine.serial.clone(),
            macs: machine.macs.clone(),
        }
    }
}

impl From<&Machine> for JsonHostMachine {
    fn from(machine: &Machine) -> Self {
        Self {
            machine: machine.into(),
            host_name: machine.host_name.clone(),
            hypervisor: machine.hypervisor.clone(),
        }
    }
}

impl From<&TpmFacts> for JsonTpmFacts {
    fn from(facts: &TpmFacts) -> Self {
        Self {
            manufacturer: facts.manufacturer_in_words(),
            vendor: facts.vendor().map(|vendor| vendor.name),
            vendor_string: facts.vendor_string.clone(),
            firmware: facts.firmware_in_words(),
            revision: facts.revision,
            generated_eps: facts.generated_eps,
        }
    }
}

impl From<&Error> for JsonError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code.map(crate::finding::Code::as_str),
            message: error.to_string(),
            help: error.help.clone(),
        }
    }
}

impl From<&Finding> for JsonFinding {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.as_str(),
            severity: finding.severity.as_str(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            clause: finding.clause,
            chain_status: finding.chain_status.as_ref().map(|status| JsonChainStatus {
                status: status.status,
                thumbprint: status.thumbprint.clone(),
            }),
        }
    }
}

/// The findings of an input that could not be read: the one that says why, if it
/// is about the input rather than about the machine we run on.
pub(super) fn findings_of(error: &Error) -> Vec<JsonFinding> {
    match error.code {
        Some(_) => vec![JsonFinding::from(&Finding::from(error.clone()))],
        None => Vec::new(),
    }
}
