use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::step::{JsonStep, show};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, name_in_words};
use crate::cli::input::{Input, for_each_input};
use crate::cli::json::{self, JsonError};
use crate::cli::report::report_unreadable;
use crate::diagnose::Basis;
use crate::diagnose::hgsa::{Reason, ReasonOrder, Reply, ReplyContent};
use crate::finding::Error;

pub(super) const SCHEMA: &str = "attestation-policy-decode";

/// The most reasons, certificates or other members that are shown to people. There are
/// fewer reasons than this; a reply of a megabyte must not push the rest off the screen.
const MAX_SHOWN: usize = 32;

/// Options of `attestation-policy decode`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy decode reply.json
  endorse attestation-policy decode replies/ --json

REPLY.json is the body of a reply of the attestation service ([MS-HGSA]), as a
proxy or a trace saved it: an error reply with its reasons, a health
certificate, or the reply in the middle of an attestation.

Exit codes:
  0  no reply is an error
  1  a reply is an error
  2  wrong usage, or a file cannot be read
  3  a file is no reply, one of a type that is not known, or one with a
     certificate that cannot be read
With many inputs the worst in the order 2, 3, 1, 0 wins.")]
pub(super) struct Decode {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "REPLY.json", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct JsonReply {
    input: String,
    outcome: &'static str,
    #[serde(rename = "type")]
    type_name: Option<String>,
    retryable: Option<bool>,
    cause: Option<&'static str>,
    expected_mode: Option<&'static str>,
    reasons: Vec<JsonReason>,
    certificates: Vec<JsonCertificate>,
    context_len: Option<usize>,
    notes: Vec<String>,
    unknown: serde_json::Map<String, Value>,
    remedy: Vec<JsonStep>,
    error: Option<JsonError>,
}

#[derive(Serialize)]
struct JsonReason {
    result: bool,
    reason: String,
    order: &'static str,
    policy: Option<&'static str>,
    sub_status: Option<&'static str>,
    /// Of `policy` and `sub_status`.
    basis: Option<&'static str>,
}

#[derive(Serialize)]
struct JsonCertificate {
    kind: u64,
    meaning: &'static str,
    subject: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    thumbprint_sha1: Option<String>,
    error: Option<JsonError>,
}

pub(super) fn run(args: &Decode, console: &mut Console<'_>) -> Exit {
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for_each_input(&args.files, console, |console, input| match read(&input) {
        Ok(reply) => {
            if reply.content == ReplyContent::Unrecognised {
                exit = exit.and(Exit::Unreadable);
            } else if reply.content.is_error() {
                exit = exit.and(Exit::Rejected);
            } else if has_unreadable(&reply) {
                exit = exit.and(Exit::Unreadable);
            }
            if console.manner.json {
                results.push(json_reply(&input.name, &reply));
            } else if is_bad(&reply) || !console.manner.quiet {
                let page = page(&input.name, &reply, console);
                console.print(&page);
            }
        }
        Err(error) => {
            exit = exit.and(Exit::from(&error));
            report_unreadable(console, &input.name, &error);
            results.push(unreadable(&input.name, &error));
        }
    });
    if console.manner.json {
        console.print(&json::document(SCHEMA, &results));
    }
    exit
}

fn read(input: &Input) -> Result<Reply, Error> {
    Reply::read(input.bytes.as_deref().map_err(Clone::clone)?)
}

/// Whether it is an error, or nobody knows.
fn is_bad(reply: &Reply) -> bool {
    reply.content.is_error() || reply.content == ReplyContent::Unrecognised || has_unreadable(reply)
}

/// Whether it says that the host passed, with a certificate that is none.
fn has_unreadable(reply: &Reply) -> bool {
    matches!(&reply.content, ReplyContent::HealthCertificate { certificates }
        if certificates.iter().any(|one| one.certificate.is_err()))
}

fn outcome(reply: &Reply) -> &'static str {
    match &reply.content {
        ReplyContent::HealthCertificate { .. } => "passed",
        ReplyContent::TpmContinue { .. } => "continues",
        ReplyContent::Unrecognised => "unrecognised",
        _ => "error",
    }
}

fn page(input: &str, reply: &Reply, console: &Console<'_>) -> String {
    let mut page = Page::new(console.color());
    let paint = if is_bad(reply) {
        Paint::Bad
    } else {
        Paint::Good
    };
    page.head(input, paint, &reply.type_name, "");
    page.field(1, "means", reply.cause());
    if let Some(retryable) = reply.retryable {
        let words = match retryable {
            true => "yes, the host may try again",
            false => "no, the host need not try again before something changes",
        };
        page.field(1, "retryable", words);
    }
    match &reply.content {
        ReplyContent::OperationMode {
            expected: Some(mode),
        } => {
            let words = ReplyContent::mode_in_words(*mode);
            page.field(1, "expected", &format!("mode {mode}: {words}"));
        }
        ReplyContent::PolicyEvaluation { reasons } => {
            for reason in reasons.iter().take(MAX_SHOWN) {
                let (paint, word) = match reason.result {
                    true => (Paint::Good, "passed"),
                    false => (Paint::Bad, "FAILED"),
                };
                page.marked(1, paint, word, &reason_in_words(reason));
            }
            left_out(&mut page, reasons.len());
        }
        ReplyContent::HealthCertificate { certificates } => {
            for one in certificates.iter().take(MAX_SHOWN) {
                page.field(1, "certificate", one.kind_in_words());
                match &one.certificate {
                    Ok(certificate) => {
                        page.field(2, "subject", &name_in_words(certificate.subject()));
                        let (from, to) = (certificate.not_before(), certificate.not_after());
                        page.field(2, "valid", &format!("{from} to {to}"));
                    }
                    Err(error) => page.field(2, "unreadable", &error.to_string()),
                }
            }
            left_out(&mut page, certificates.len());
        }
        ReplyContent::TpmContinue {
            context_len: Some(length),
        } => page.field(1, "context", &format!("{length} octets")),
        _ => {}
    }
    for (name, value) in reply.unknown.iter().take(MAX_SHOWN) {
        page.field(1, "also", &format!("{name}: {value}"));
    }
    left_out(&mut page, reply.unknown.len());
    for note in &reply.notes {
        page.field(1, "note", note);
    }
    let steps: Vec<_> = reply.remedy().iter().map(JsonStep::from).collect();
    show(&mut page, 1, &steps);
    page.into_text()
}

fn left_out(page: &mut Page, number: usize) {
    if number > MAX_SHOWN {
        let more = number.saturating_sub(MAX_SHOWN);
        page.line(1, &format!("(and {more} more; --json has all)"));
    }
}

fn reason_in_words(reason: &Reason) -> String {
    match reason.policy {
        Some(policy) => format!(
            "{}: {} ({}, sub-status {})",
            policy.name_or_reason(),
            policy.demands,
            reason.reason,
            policy.sub_status
        ),
        None => format!("{}, which is not published", reason.reason),
    }
}

fn json_reply(input: &str, reply: &Reply) -> JsonReply {
    let mut json = JsonReply {
        input: input.to_owned(),
        outcome: outcome(reply),
        type_name: Some(reply.type_name.clone()),
        retryable: reply.retryable,
        cause: Some(reply.cause()),
        expected_mode: None,
        reasons: Vec::new(),
        certificates: Vec::new(),
        context_len: None,
        notes: reply.notes.clone(),
        unknown: reply.unknown.iter().cloned().collect(),
        remedy: reply.remedy().iter().map(JsonStep::from).collect(),
        error: None,
    };
    match &reply.content {
        ReplyContent::OperationMode { expected } => {
            json.expected_mode = expected.map(ReplyContent::mode_in_words);
        }
        ReplyContent::PolicyEvaluation { reasons } => {
            json.reasons = reasons.iter().map(json_reason).collect();
        }
        ReplyContent::HealthCertificate { certificates } => {
            let certificates = certificates.iter().map(|one| {
                let read = one.certificate.as_ref().ok();
                JsonCertificate {
                    kind: one.kind,
                    meaning: one.kind_in_words(),
                    subject: read.map(|certificate| certificate.subject().to_string()),
                    not_before: read.map(|certificate| certificate.not_before().to_string()),
                    not_after: read.map(|certificate| certificate.not_after().to_string()),
                    thumbprint_sha1: read
                        .map(|certificate| certificate.thumbprint_sha1().to_string()),
                    error: one.certificate.as_ref().err().map(JsonError::from),
                }
            });
            json.certificates = certificates.collect();
        }
        ReplyContent::TpmContinue { context_len } => json.context_len = *context_len,
        _ => {}
    }
    json
}

fn json_reason(reason: &Reason) -> JsonReason {
    JsonReason {
        result: reason.result,
        reason: reason.reason.to_string(),
        order: match reason.order {
            ReasonOrder::Dotnet => "dotnet",
            ReasonOrder::Text => "text",
            ReasonOrder::Unknown => "unknown",
        },
        policy: reason.policy.and_then(|policy| policy.name),
        sub_status: reason.policy.map(|policy| policy.sub_status),
        basis: reason.policy.map(|_| Basis::Inferred.as_str()),
    }
}

fn unreadable(input: &str, error: &Error) -> JsonReply {
    JsonReply {
        input: input.to_owned(),
        outcome: "unreadable",
        type_name: None,
        retryable: None,
        cause: None,
        expected_mode: None,
        reasons: Vec::new(),
        certificates: Vec::new(),
        context_len: None,
        notes: Vec::new(),
        unknown: serde_json::Map::new(),
        remedy: Vec::new(),
        error: Some(error.into()),
    }
}
