use serde::Serialize;

use super::crl::InspectedCrl;
use super::lint::JsonLint;
use super::words::{
    authority_key_id, encoding_code, key_algorithm, kind_code, signature_algorithm, texts,
};
use crate::cli::input::Input;
use crate::cli::json::{
    self, JsonEkCert, JsonEkPub, JsonError, JsonFinding, JsonHostMachine, JsonTpmFacts,
};
use crate::ek::{Certificate, EkPub, KeyUsage, Lint};
use crate::finding::Error;
use crate::hash::hex;
use crate::identifier::Identifier;

/// A result of `inspect`.
#[derive(Serialize)]
pub(super) struct Inspected {
    input: String,
    outcome: &'static str,
    kind: Option<&'static str>,
    name: Option<String>,
    machine: Option<JsonHostMachine>,
    tpm: Option<JsonTpmFacts>,
    ekpubs: Vec<InspectedKey>,
    ekcerts: Vec<InspectedCertificate>,
    crls: Vec<InspectedCrl>,
    messages: Vec<String>,
    findings: Vec<JsonFinding>,
    error: Option<JsonError>,
}

#[derive(Serialize)]
struct InspectedKey {
    #[serde(flatten)]
    key: JsonEkPub,
    encoding: &'static str,
    spki: String,
    tpm_names: Vec<JsonTpmName>,
}

#[derive(Serialize)]
struct JsonTpmName {
    template: &'static str,
    name: String,
}

#[derive(Serialize)]
struct InspectedCertificate {
    #[serde(flatten)]
    certificate: JsonEkCert,
    version: u32,
    algorithm: Option<String>,
    signature_algorithm: Option<String>,
    ca: Option<bool>,
    path_len: Option<u32>,
    key_usage: Option<Vec<&'static str>>,
    extended_key_usage: Option<Vec<String>>,
    policies: Option<Vec<String>>,
    subject_key_id: Option<String>,
    authority_key_id: Option<String>,
    ca_issuer_urls: Vec<String>,
    crl_urls: Vec<String>,
    unknown_critical: Vec<String>,
    faulty: Vec<String>,
    findings: Vec<JsonFinding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lint: Option<JsonLint>,
}

impl Inspected {
    fn empty(input: &Input, outcome: &'static str) -> Self {
        Self {
            input: input.name.clone(),
            outcome,
            kind: None,
            name: None,
            machine: None,
            tpm: None,
            ekpubs: Vec::new(),
            ekcerts: Vec::new(),
            crls: Vec::new(),
            messages: Vec::new(),
            findings: Vec::new(),
            error: None,
        }
    }

    pub(super) fn of_crls(input: &Input, crls: Vec<InspectedCrl>) -> Self {
        Self {
            kind: Some("crl"),
            crls,
            ..Self::empty(input, "read")
        }
    }
}

pub(super) fn unreadable(input: &Input, error: &Error) -> Inspected {
    Inspected {
        findings: json::findings_of(error),
        error: Some(error.into()),
        ..Inspected::empty(input, "unreadable")
    }
}

/// `lints` are those of the certificates in order, if they were asked for.
pub(super) fn inspected(
    input: &Input,
    identifier: &Identifier,
    lints: Option<&[Lint]>,
) -> Inspected {
    let mut lints = lints.unwrap_or_default().iter();
    Inspected {
        kind: Some(kind_code(identifier.kind)),
        name: identifier.name.clone(),
        machine: Some((&identifier.machine).into()),
        tpm: identifier.tpm.as_ref().map(JsonTpmFacts::from),
        ekpubs: identifier
            .ekpubs
            .iter()
            .map(|entry| InspectedKey {
                key: JsonEkPub::new(&entry.key, &entry.source),
                encoding: encoding_code(entry.encoding),
                spki: hex(entry.key.spki_der()),
                tpm_names: tpm_names(&entry.key),
            })
            .collect(),
        ekcerts: identifier
            .ekcerts
            .iter()
            .map(|entry| inspected_certificate(&entry.certificate, &entry.source, lints.next()))
            .collect(),
        messages: identifier.messages.clone(),
        findings: identifier.findings.iter().map(JsonFinding::from).collect(),
        ..Inspected::empty(input, "read")
    }
}

fn tpm_names(key: &EkPub) -> Vec<JsonTpmName> {
    key.tpm_names()
        .into_iter()
        .map(|name| JsonTpmName {
            template: name.template,
            name: hex(&name.name),
        })
        .collect()
}

fn inspected_certificate(
    certificate: &Certificate,
    source: &str,
    lint: Option<&Lint>,
) -> InspectedCertificate {
    let extensions = certificate.extensions();
    InspectedCertificate {
        certificate: JsonEkCert::new(certificate, source),
        version: certificate.version(),
        algorithm: key_algorithm(certificate),
        signature_algorithm: signature_algorithm(certificate),
        ca: extensions
            .basic_constraints
            .map(|constraints| constraints.ca),
        path_len: extensions
            .basic_constraints
            .and_then(|constraints| constraints.path_len),
        key_usage: extensions
            .key_usage
            .map(|usage| KeyUsage::names(usage.bits)),
        extended_key_usage: extensions.extended_key_usage.as_deref().map(texts),
        policies: extensions.policies.as_deref().map(texts),
        subject_key_id: extensions.subject_key_id.as_deref().map(hex),
        authority_key_id: authority_key_id(extensions),
        ca_issuer_urls: extensions.ca_issuer_urls.clone(),
        crl_urls: extensions.crl_urls.clone(),
        unknown_critical: texts(&extensions.unknown_critical),
        faulty: extensions.faulty.clone(),
        findings: certificate
            .findings()
            .iter()
            .map(JsonFinding::from)
            .collect(),
        lint: lint.map(JsonLint::from),
    }
}
