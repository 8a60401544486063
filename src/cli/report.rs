//! How a verdict is shown: to people, and as JSON.

use serde::Serialize;

use super::console::{Console, Paint};
use super::human::{Page, distinct_codes, name_in_words, tpm_in_words};
use super::json::{
    JsonCrl, JsonEkCert, JsonEkPub, JsonError, JsonFinding, JsonMachine, findings_of,
};
use crate::der::Time;
use crate::finding::{Error, Severity};
use crate::trust::Usage;
use crate::trust::revocation::{CertificateStatus, RevocationState};
use crate::verdict::{CheckStatus, Outcome, PathStep, Role, Verdict};

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Detail {
    /// The story, step by step.
    pub(super) explain: bool,
    /// Every check, not only those that were not made.
    pub(super) checks: bool,
}

/// A result of `verify`.
#[derive(Debug, Serialize)]
pub(super) struct JsonVerdict {
    pub(super) input: String,
    pub(super) outcome: &'static str,
    name: Option<String>,
    machine: Option<JsonMachine>,
    ekpubs: Vec<JudgedKey>,
    ekcerts: Vec<JudgedCertificate>,
    path: Vec<JsonStep>,
    /// As far as a path was built, if it reached no anchor.
    partial_path: Vec<JsonStep>,
    revocation: Vec<JsonRevocation>,
    pub(super) findings: Vec<JsonFinding>,
    checks: Vec<JsonCheck>,
    at: Option<String>,
    usage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<Vec<String>>,
    pub(super) error: Option<JsonError>,
}

#[derive(Debug, Serialize)]
struct JudgedKey {
    #[serde(flatten)]
    key: JsonEkPub,
    vouched: bool,
}

#[derive(Debug, Serialize)]
struct JudgedCertificate {
    #[serde(flatten)]
    certificate: JsonEkCert,
    trusted: bool,
}

#[derive(Debug, Serialize)]
struct JsonStep {
    role: &'static str,
    subject: String,
    sha256: String,
}

/// What the CRLs say of a certificate of the path.
#[derive(Debug, Serialize)]
struct JsonRevocation {
    subject: String,
    sha256: String,
    state: &'static str,
    reason: Option<String>,
    revoked_at: Option<String>,
    invalid_since: Option<String>,
    crl: Option<JsonCrl>,
}

impl JsonRevocation {
    fn new(status: &CertificateStatus, at: Time) -> Self {
        let listing = match status.state() {
            RevocationState::Revoked(listing) => Some(listing),
            _ => None,
        };
        let reason = match status.state() {
            RevocationState::Good => None,
            RevocationState::Revoked(listing) => Some(listing.reason.as_str().to_owned()),
            RevocationState::Unknown(why) => Some(why.clone()),
            RevocationState::Stale(_) => Some(status.in_words(at)),
        };
        let time = |time: Time| time.to_string();
        Self {
            subject: status.certificate().subject().to_string(),
            sha256: status.certificate().sha256().to_string(),
            state: status.state().as_str(),
            reason,
            revoked_at: listing.and_then(|listing| listing.revoked_at).map(time),
            invalid_since: listing.and_then(|listing| listing.invalid_since).map(time),
            crl: status.crl().map(JsonCrl::from),
        }
    }
}

#[derive(Debug, Serialize)]
struct JsonCheck {
    name: &'static str,
    status: &'static str,
    reason: String,
}

impl JsonVerdict {
    pub(super) fn new(input: &str, verdict: &Verdict, detail: Detail) -> Self {
        let steps = verdict.path().iter().map(JsonStep::from).collect();
        let (path, partial_path) = if verdict.path_is_complete() {
            (steps, Vec::new())
        } else {
            (Vec::new(), steps)
        };
        Self {
            input: input.to_owned(),
            outcome: match verdict.outcome() {
                Outcome::Trusted => "trusted",
                Outcome::Rejected => "rejected",
            },
            name: verdict.name().map(str::to_owned),
            machine: Some(verdict.machine().into()),
            ekpubs: verdict
                .ekpubs()
                .iter()
                .map(|judged| JudgedKey {
                    key: JsonEkPub::new(&judged.key, &judged.source),
                    vouched: judged.vouched,
                })
                .collect(),
            ekcerts: verdict
                .ekcerts()
                .iter()
                .map(|judged| JudgedCertificate {
                    certificate: JsonEkCert::new(&judged.certificate, &judged.source),
                    trusted: judged.trusted,
                })
                .collect(),
            path,
            partial_path,
            revocation: verdict
                .revocation()
                .iter()
                .map(|status| JsonRevocation::new(status, verdict.at()))
                .collect(),
            findings: verdict.findings().iter().map(JsonFinding::from).collect(),
            checks: verdict
                .checks()
                .iter()
                .map(|check| JsonCheck {
                    name: check.name,
                    status: check.status.as_str(),
                    reason: check.reason.to_string(),
                })
                .collect(),
            at: Some(verdict.at().to_string()),
            usage: Some(usage_text(verdict.usage())),
            story: detail.explain.then(|| verdict.story().to_vec()),
            error: None,
        }
    }

    pub(super) fn unreadable(input: &str, error: &Error) -> Self {
        Self {
            input: input.to_owned(),
            outcome: "unreadable",
            name: None,
            machine: None,
            ekpubs: Vec::new(),
            ekcerts: Vec::new(),
            path: Vec::new(),
            partial_path: Vec::new(),
            revocation: Vec::new(),
            findings: findings_of(error),
            checks: Vec::new(),
            at: None,
            usage: None,
            story: None,
            error: Some(error.into()),
        }
    }
}

impl From<&PathStep> for JsonStep {
    fn from(step: &PathStep) -> Self {
        Self {
            role: step.role.as_str(),
            subject: step.certificate.subject().to_string(),
            sha256: step.certificate.sha256().to_string(),
        }
    }
}

fn usage_text(usage: Usage) -> &'static str {
    match usage {
        Usage::Ek => "ek",
        Usage::Any => "any",
    }
}

/// Says that an input could not be read.
pub(super) fn report_unreadable(console: &mut Console<'_>, input: &str, error: &Error) {
    if !console.manner.json {
        let mut page = Page::new(console.color());
        let code = error.code.map_or(String::new(), |code| format!("[{code}]"));
        page.head(input, Paint::Bad, "UNREADABLE", &code);
        console.print(&page.into_text());
    }
    let mut error = error.clone();
    if !error.message.contains(input) {
        error.message = format!("{input}: {}", error.message);
    }
    console.error(&error);
}

/// A verdict for people.
pub(super) fn verdict_page(
    input: &str,
    verdict: &Verdict,
    detail: Detail,
    console: &Console<'_>,
) -> String {
    let mut page = Page::new(console.color());
    match verdict.outcome() {
        Outcome::Trusted => page.head(input, Paint::Good, "TRUSTED", &headline(verdict)),
        Outcome::Rejected => page.head(input, Paint::Bad, "REJECTED", &headline(verdict)),
    }
    let quiet = console.manner.quiet;
    if !quiet {
        subject(&mut page, verdict);
    }
    for finding in verdict.findings() {
        if !quiet || finding.severity == Severity::Error {
            page.finding(1, finding);
        }
    }
    if !quiet {
        checks(&mut page, verdict, detail);
    }
    story(&mut page, verdict, detail);
    page.into_text()
}

/// What was judged: name, machine, keys, certificates, path.
pub(super) fn subject(page: &mut Page, verdict: &Verdict) {
    page.optional(1, "name", verdict.name());
    page.machine(1, verdict.machine());
    keys(page, verdict);
}

/// The story, if it was asked for.
pub(super) fn story(page: &mut Page, verdict: &Verdict, detail: Detail) {
    if detail.explain {
        page.line(1, "step by step:");
        for (number, step) in (1_usize..).zip(verdict.story()) {
            page.line(2, &format!("{number}. {step}"));
        }
    }
}

/// The one line that says it all: the errors' codes, or what it is that is trusted.
pub(super) fn headline(verdict: &Verdict) -> String {
    let codes = distinct_codes(verdict.errors());
    if !codes.is_empty() {
        return format!("[{}]", codes.join(", "));
    }
    let mut parts: Vec<String> = verdict
        .ekpubs()
        .first()
        .map(|judged| judged.key.algorithm().to_string())
        .into_iter()
        .collect();
    // What a certificate without a verified path says of itself is nobody's word.
    if let Some(judged) = verdict.ekcerts().iter().find(|judged| judged.trusted)
        && let Some(words) = tpm_in_words(&judged.certificate)
    {
        parts.push(words);
    }
    parts.join(", ")
}

fn keys(page: &mut Page, verdict: &Verdict) {
    let (key, certificate) = match verdict.usage() {
        Usage::Ek => ("EKpub", "EKcert"),
        Usage::Any => ("key", "certificate"),
    };
    for judged in verdict.ekpubs() {
        let vouched = match (verdict.usage(), judged.vouched) {
            (Usage::Any, _) => "",
            (Usage::Ek, true) => ", a verified EKcert vouches for it",
            (Usage::Ek, false) => ", no verified EKcert vouches for it",
        };
        page.field(1, key, &format!("{}{vouched}", judged.key.algorithm()));
        page.line(
            2,
            &format!("SPKI SHA-256           {}", judged.key.spki_sha256()),
        );
        page.line(
            2,
            &format!("Windows PublicKeyHash  {}", judged.key.windows_sha256()),
        );
    }
    for judged in verdict.ekcerts() {
        if judged.beside {
            let subject = name_in_words(judged.certificate.subject());
            page.field(1, "CA beside it", &subject);
            continue;
        }
        let mut words = tpm_in_words(&judged.certificate)
            .unwrap_or_else(|| "says nothing of its TPM".to_owned());
        if verdict.outcome() == Outcome::Trusted && !judged.trusted {
            words.push_str(", but has no verified path");
        }
        page.field(1, certificate, &words);
        let certificate = &judged.certificate;
        page.line(
            2,
            &format!(
                "issuer                 {}",
                name_in_words(certificate.issuer())
            ),
        );
        page.line(
            2,
            &format!(
                "valid                  {} to {}",
                certificate.not_before(),
                certificate.not_after()
            ),
        );
        page.line(
            2,
            &format!("SHA-1 thumbprint       {}", certificate.thumbprint_sha1()),
        );
    }
    for (number, step) in (0_usize..).zip(verdict.path()) {
        let label = match (number, verdict.path_is_complete()) {
            (0, true) => "path",
            (0, false) => "path so far",
            _ => "",
        };
        let role = match (step.role, verdict.usage()) {
            (Role::Ek, Usage::Any) => "end entity",
            (role, _) => role.as_str(),
        };
        let subject = name_in_words(step.certificate.subject());
        page.field(1, label, &format!("{role:<12} {subject}"));
    }
}

pub(super) fn checks(page: &mut Page, verdict: &Verdict, detail: Detail) {
    for check in verdict.checks() {
        let label = match check.status {
            CheckStatus::NotChecked => "not checked",
            CheckStatus::Passed if detail.checks => "passed",
            CheckStatus::Failed if detail.checks => "failed",
            CheckStatus::Passed | CheckStatus::Failed => continue,
        };
        let text = if check.reason.is_empty() {
            check.name.to_owned()
        } else {
            format!("{}: {}", check.name, check.reason)
        };
        page.field(1, label, &text);
    }
}
