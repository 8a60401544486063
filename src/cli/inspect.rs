use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::console::{Console, Paint};
use super::exit::Exit;
use super::human::{Page, name_in_words};
use super::input::{Input, for_each_input};
use super::json::{self, JsonEkCert, JsonEkPub, JsonError, JsonFinding, JsonMachine};
use super::report::report_unreadable;
use crate::ek::{Certificate, EkPub, Encoding, Extensions, KeyUsage, SecurityAssertions};
use crate::finding::Error;
use crate::hash::hex;
use crate::identifier::{Identifier, Kind};

const AFTER_HELP: &str = "\
Examples:
  endorse inspect hyp01.xml
  endorse inspect --json ek.der
  tpm2_getekcertificate | endorse inspect -
  endorse inspect --format json hyp01.xml > hyp01.json

Nothing is judged: no path is built, no date compared, no signature verified.
Use 'endorse verify' for that.

Exit codes:
  0  every file could be read
  2  wrong usage, or a file is missing
  3  a file is not a platform identifier, EK certificate or EKpub";

/// Options of `inspect`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Inspect {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write the one file given as a platform identifier in this form instead
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Microsoft's XML, as far as it is publicly known
    Xml,
    /// The JSON form of this program
    Json,
}

#[derive(Serialize)]
struct Inspected {
    input: String,
    outcome: &'static str,
    kind: Option<&'static str>,
    name: Option<String>,
    machine: Option<JsonMachine>,
    ekpubs: Vec<InspectedKey>,
    ekcerts: Vec<InspectedCertificate>,
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
}

pub(super) fn run(args: &Inspect, console: &mut Console<'_>) -> Result<Exit, Error> {
    if let Some(format) = args.format {
        return convert(args, format, console);
    }
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| {
        let read = input
            .bytes
            .as_deref()
            .map_err(Clone::clone)
            .and_then(|bytes| Identifier::read(bytes).map(|identifier| (identifier, bytes.len())));
        match &read {
            Ok(_) if console.manner.quiet && !console.manner.json => {}
            Ok((identifier, length)) if !console.manner.json => {
                let mut page = Page::new(console.color());
                describe(&mut page, &input, identifier, *length);
                console.print(&page.into_text());
            }
            Ok((identifier, _)) => results.push(inspected(&input, identifier)),
            Err(error) => {
                exit = exit.and(Exit::from(error));
                report_unreadable(console, &input.name, error);
                results.push(unreadable(&input, error));
            }
        }
    });
    if console.manner.json {
        console.print(&json::document("inspect", &results));
    }
    Ok(exit)
}

fn convert(args: &Inspect, format: Format, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut identifiers = Vec::new();
    for_each_input(&args.files, console, |_, input| {
        identifiers.push(input.bytes.and_then(|bytes| Identifier::read(&bytes)));
    });
    let mut identifiers = identifiers.into_iter();
    let (Some(identifier), None) = (identifiers.next(), identifiers.next()) else {
        return Err(Error::misuse(
            "--format converts one file at a time",
            "name one file, and run the command once for each",
        ));
    };
    let identifier = identifier?;
    let mut text = match format {
        Format::Xml => identifier.to_xml(),
        Format::Json => identifier.to_json(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    console.print(&text);
    Ok(Exit::Done)
}

fn unreadable(input: &Input, error: &Error) -> Inspected {
    Inspected {
        input: input.name.clone(),
        outcome: "unreadable",
        kind: None,
        name: None,
        machine: None,
        ekpubs: Vec::new(),
        ekcerts: Vec::new(),
        messages: Vec::new(),
        findings: json::findings_of(error),
        error: Some(error.into()),
    }
}

fn inspected(input: &Input, identifier: &Identifier) -> Inspected {
    Inspected {
        input: input.name.clone(),
        outcome: "read",
        kind: Some(kind_code(identifier.kind)),
        name: identifier.name.clone(),
        machine: Some((&identifier.machine).into()),
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
            .map(|entry| inspected_certificate(&entry.certificate, &entry.source))
            .collect(),
        messages: identifier.messages.clone(),
        findings: identifier.findings.iter().map(JsonFinding::from).collect(),
        error: None,
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

fn inspected_certificate(certificate: &Certificate, source: &str) -> InspectedCertificate {
    let extensions = certificate.extensions();
    InspectedCertificate {
        certificate: JsonEkCert::new(certificate, source),
        version: certificate.version(),
        algorithm: key_algorithm(certificate),
        ca: extensions
            .basic_constraints
            .map(|constraints| constraints.ca),
        path_len: extensions
            .basic_constraints
            .and_then(|constraints| constraints.path_len),
        key_usage: extensions.key_usage.map(key_usage_names),
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
    }
}

fn describe(page: &mut Page, input: &Input, identifier: &Identifier, length: usize) {
    page.head(
        &input.name,
        Paint::Strong,
        kind_words(identifier.kind),
        &format!("({length} bytes)"),
    );
    page.optional(1, "name", identifier.name.as_deref());
    page.machine(1, &identifier.machine);
    for entry in &identifier.ekpubs {
        page.field(
            1,
            "EKpub",
            &format!(
                "{}, as {}, from {}",
                entry.key.algorithm(),
                encoding_words(entry.encoding),
                entry.source
            ),
        );
        page.line(
            2,
            &format!("SPKI SHA-256           {}", entry.key.spki_sha256()),
        );
        page.line(
            2,
            &format!("Windows PublicKeyHash  {}", entry.key.windows_sha256()),
        );
        for name in entry.key.tpm_names() {
            page.line(
                2,
                &format!("TPM name if from {:<5} {}", name.template, hex(&name.name)),
            );
        }
    }
    for entry in &identifier.ekcerts {
        page.field(1, "EKcert", &format!("from {}", entry.source));
        describe_certificate(page, &entry.certificate);
    }
    for message in &identifier.messages {
        page.field(1, "from host", message);
    }
    for finding in &identifier.findings {
        page.finding(1, finding);
    }
}

fn describe_certificate(page: &mut Page, certificate: &Certificate) {
    let extensions = certificate.extensions();
    page.field(2, "subject", &name_in_words(certificate.subject()));
    page.field(2, "issuer", &name_in_words(certificate.issuer()));
    page.field(2, "serial", &hex(certificate.serial()));
    page.field(
        2,
        "valid",
        &format!(
            "{} to {}",
            certificate.not_before(),
            certificate.not_after()
        ),
    );
    page.field(2, "SHA-256", &certificate.sha256().to_string());
    page.field(2, "SHA-1", &certificate.thumbprint_sha1().to_string());
    page.field(
        2,
        "key",
        &format!(
            "{}, SPKI SHA-256 {}",
            key_algorithm(certificate)
                .as_deref()
                .unwrap_or("of no kind that TPMs use"),
            json::key_sha256(certificate)
        ),
    );
    page.optional(2, "TPM", super::human::tpm_in_words(certificate).as_deref());
    if let Some(specification) = &extensions.tpm.specification {
        page.field(
            2,
            "TPM spec",
            &format!(
                "family {}, level {}, revision {}",
                specification.family, specification.level, specification.revision
            ),
        );
    }
    if let Some(security) = &extensions.tpm.security {
        page.field(2, "assertions", &assertions(security));
    }
    if let Some(constraints) = &extensions.basic_constraints {
        let ca = match (constraints.ca, constraints.path_len) {
            (false, _) => "no".to_owned(),
            (true, None) => "yes".to_owned(),
            (true, Some(length)) => format!("yes, path length {length}"),
        };
        page.field(2, "CA", &ca);
    }
    if let Some(usage) = extensions.key_usage {
        page.field(2, "key usage", &key_usage_names(usage).join(", "));
    }
    if let Some(usages) = &extensions.extended_key_usage {
        let usages: Vec<_> = usages
            .iter()
            .map(|oid| usage_words(&oid.to_string()))
            .collect();
        page.field(2, "ext. usage", &usages.join(", "));
    }
    if let Some(policies) = &extensions.policies {
        page.field(2, "policies", &texts(policies).join(", "));
    }
    page.optional(
        2,
        "key id",
        extensions.subject_key_id.as_deref().map(hex).as_deref(),
    );
    page.optional(2, "issuer key", authority_key_id(extensions).as_deref());
    for url in &extensions.ca_issuer_urls {
        page.field(2, "issuer at", url);
    }
    for url in &extensions.crl_urls {
        page.field(2, "CRL at", url);
    }
    for oid in &extensions.unknown_critical {
        page.field(2, "critical", &format!("{oid} (not understood)"));
    }
    for text in &extensions.faulty {
        page.field(2, "faulty", text);
    }
    for finding in certificate.findings() {
        page.finding(2, &finding);
    }
}

fn key_algorithm(certificate: &Certificate) -> Option<String> {
    certificate
        .public_key()
        .ok()
        .map(|key| key.algorithm().to_string())
}

fn authority_key_id(extensions: &Extensions) -> Option<String> {
    extensions
        .authority_key_id
        .as_ref()?
        .key_id
        .as_deref()
        .map(hex)
}

fn assertions(security: &SecurityAssertions) -> String {
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

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// RFC 5280 section 4.2.1.3, bit 0 first.
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

fn key_usage_names(usage: KeyUsage) -> Vec<&'static str> {
    KEY_USAGES
        .iter()
        .enumerate()
        .filter(|(bit, _)| (usage.bits >> bit) & 1 == 1)
        .map(|(_, name)| *name)
        .collect()
}

fn usage_words(oid: &str) -> String {
    match oid {
        "2.23.133.8.1" => "tcg-kp-EKCertificate (2.23.133.8.1)".to_owned(),
        "2.23.133.8.2" => "tcg-kp-PlatformAttributeCertificate (2.23.133.8.2)".to_owned(),
        "2.23.133.8.3" => "tcg-kp-AIKCertificate (2.23.133.8.3)".to_owned(),
        "2.5.29.37.0" => "anyExtendedKeyUsage (2.5.29.37.0)".to_owned(),
        _ => oid.to_owned(),
    }
}

fn kind_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Xml => "platform-identifier-xml",
        Kind::Json => "platform-identifier-json",
        Kind::EkCert => "ekcert",
        Kind::EkPub => "ekpub",
    }
}

fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Xml => "platform identifier, XML",
        Kind::Json => "platform identifier, JSON",
        Kind::EkCert => "certificate",
        Kind::EkPub => "EKpub",
    }
}

fn encoding_code(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::SubjectPublicKeyInfo => "spki",
        Encoding::Pkcs1 => "pkcs1",
        Encoding::BcryptRsaKeyBlob => "bcrypt-rsa",
        Encoding::BcryptEccKeyBlob => "bcrypt-ecc",
        Encoding::Tpm2bPublic => "tpm2b-public",
        Encoding::TpmtPublic => "tpmt-public",
    }
}

fn encoding_words(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::SubjectPublicKeyInfo => "SubjectPublicKeyInfo",
        Encoding::Pkcs1 => "RSAPublicKey (PKCS #1)",
        Encoding::BcryptRsaKeyBlob => "BCRYPT_RSAKEY_BLOB",
        Encoding::BcryptEccKeyBlob => "BCRYPT_ECCKEY_BLOB",
        Encoding::Tpm2bPublic => "TPM2B_PUBLIC",
        Encoding::TpmtPublic => "TPMT_PUBLIC",
    }
}
