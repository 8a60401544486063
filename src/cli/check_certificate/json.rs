//! What programs read of it.

use serde::Serialize;

use super::{Asked, Checked};
use crate::cli::json::{JsonError, JsonFinding, findings_of};
use crate::diagnose::certificate::{
    Comparison, Document, KeyKind, Node, Outcome, RuleResult, key_usage_in_words, key_usage_octet,
    purpose_in_words,
};
use crate::ek::Certificate;
use crate::finding::Error;

/// A result: a file, or the comparison of the nodes.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum JsonResult {
    File(Box<JsonFile>),
    Comparison(JsonComparison),
}

#[derive(Serialize)]
pub(super) struct JsonFile {
    input: String,
    outcome: &'static str,
    kind: Option<&'static str>,
    role: Option<&'static str>,
    profile: Option<&'static str>,
    at: Option<String>,
    subjects: Vec<JsonSubject>,
    findings: Vec<JsonFinding>,
    error: Option<JsonError>,
}

#[derive(Serialize)]
struct JsonSubject {
    kind: &'static str,
    outcome: &'static str,
    subject: String,
    issuer: Option<String>,
    sha256: Option<String>,
    thumbprint_sha1: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    key: String,
    rsa_bits: Option<usize>,
    key_sha256: Option<String>,
    key_usage: Option<JsonUsage>,
    extended_key_usage: Option<Vec<String>>,
    dns_names: Vec<String>,
    addresses: Vec<String>,
    providers: Vec<JsonProvider>,
    with_private_key: bool,
    same_key_as_renewed: Option<bool>,
    findings: Vec<JsonFinding>,
    rules: Vec<JsonRule>,
}

#[derive(Serialize)]
struct JsonUsage {
    /// The first octet of the BIT STRING.
    octet: String,
    names: String,
}

#[derive(Serialize)]
struct JsonProvider {
    name: String,
    kind: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
struct JsonRule {
    rule: &'static str,
    code: &'static str,
    outcome: &'static str,
    message: Option<String>,
    demand: &'static str,
    basis: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
pub(super) struct JsonComparison {
    outcome: &'static str,
    nodes: Vec<JsonNode>,
    differences: Vec<JsonDifference>,
}

#[derive(Serialize)]
struct JsonNode {
    node: String,
    certificates: Vec<String>,
}

#[derive(Serialize)]
struct JsonDifference {
    left: String,
    right: String,
    only_left: Vec<String>,
    only_right: Vec<String>,
    renewed_keys: Vec<String>,
    findings: Vec<JsonFinding>,
}

fn outcome(rejected: bool) -> &'static str {
    match rejected {
        true => "rejected",
        false => "accepted",
    }
}

/// The result of a file.
pub(super) fn checked(
    input: &str,
    document: &Document,
    checked: &[Checked],
    asked: &Asked,
) -> JsonResult {
    JsonResult::File(Box::new(JsonFile {
        input: input.to_owned(),
        outcome: outcome(checked.iter().any(Checked::is_rejected)),
        kind: Some(document.kind.as_str()),
        role: asked.role.map(|role| role.as_str()),
        profile: asked.role.map(|_| asked.profile.as_str()),
        at: Some(asked.question.at.to_string()),
        subjects: checked.iter().map(subject).collect(),
        findings: document.findings.iter().map(JsonFinding::from).collect(),
        error: None,
    }))
}

/// The result of a file that cannot be read.
pub(super) fn unreadable(input: &str, error: &Error) -> JsonResult {
    JsonResult::File(Box::new(JsonFile {
        input: input.to_owned(),
        outcome: "unreadable",
        kind: None,
        role: None,
        profile: None,
        at: None,
        subjects: Vec::new(),
        findings: findings_of(error),
        error: Some(error.into()),
    }))
}

fn subject(one: &Checked) -> JsonSubject {
    let candidate = &one.subject.candidate;
    let certificate = one.subject.certificate.as_ref();
    let (key, rsa_bits) = match &candidate.key {
        KeyKind::Rsa => ("rsa".to_owned(), candidate.rsa_bits),
        KeyKind::Elliptic(curve) => (curve.clone(), None),
        KeyKind::Other(what) => (what.clone(), None),
    };
    JsonSubject {
        kind: candidate.kind.as_str(),
        outcome: outcome(one.is_rejected()),
        subject: match &candidate.template {
            Some(facts) => facts.name.clone(),
            None => candidate.subject.clone(),
        },
        issuer: certificate.map(|certificate| certificate.issuer().to_string()),
        sha256: certificate.map(|certificate| certificate.sha256().to_string()),
        thumbprint_sha1: certificate.map(|certificate| certificate.thumbprint_sha1().to_string()),
        not_before: certificate.map(|certificate| certificate.not_before().to_string()),
        not_after: certificate.map(|certificate| certificate.not_after().to_string()),
        key,
        rsa_bits,
        key_sha256: one.subject.key.map(|key| key.to_string()),
        key_usage: candidate.key_usage.map(|bits| JsonUsage {
            octet: format!("{:02x}", key_usage_octet(bits)),
            names: key_usage_in_words(bits),
        }),
        extended_key_usage: candidate
            .purposes
            .as_ref()
            .map(|purposes| purposes.iter().map(purpose_in_words).collect()),
        dns_names: candidate.names.dns.clone(),
        addresses: candidate
            .names
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect(),
        providers: candidate
            .providers
            .iter()
            .map(|hint| JsonProvider {
                name: hint.name.clone(),
                kind: hint.kind.as_str(),
                source: hint.source,
            })
            .collect(),
        with_private_key: candidate.with_private_key,
        same_key_as_renewed: one.renewal.as_ref().map(Option::is_none),
        findings: one.findings().iter().map(JsonFinding::from).collect(),
        rules: one.results.iter().map(rule).collect(),
    }
}

fn rule(result: &RuleResult) -> JsonRule {
    JsonRule {
        rule: result.rule.id,
        code: result.rule.code.as_str(),
        outcome: result.outcome.as_str(),
        message: match &result.outcome {
            Outcome::Pass => None,
            Outcome::Fail(message) | Outcome::Tell(message) => Some(message.clone()),
            Outcome::NotApplicable(why) => Some((*why).to_owned()),
        },
        demand: result.rule.demand,
        basis: result.rule.basis.as_str(),
        source: result.rule.source,
    }
}

/// The result of comparing nodes.
pub(super) fn compared(nodes: &[Node], comparison: &Comparison) -> JsonResult {
    let digests = |certificates: &[Certificate]| -> Vec<String> {
        certificates
            .iter()
            .map(|certificate| certificate.sha256().to_string())
            .collect()
    };
    let differences = comparison
        .differences
        .iter()
        .map(|difference| JsonDifference {
            left: difference.left.clone(),
            right: difference.right.clone(),
            only_left: digests(&difference.only_left),
            only_right: digests(&difference.only_right),
            renewed_keys: difference.renewed.iter().map(ToString::to_string).collect(),
            findings: vec![JsonFinding::from(&difference.finding())],
        });
    JsonResult::Comparison(JsonComparison {
        outcome: match comparison.differences.is_empty() {
            true => "equal",
            false => "different",
        },
        nodes: nodes
            .iter()
            .map(|node| JsonNode {
                node: node.name.clone(),
                certificates: digests(&node.certificates),
            })
            .collect(),
        differences: differences.collect(),
    })
}
