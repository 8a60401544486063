//! The judgement told step by step, for `--explain`.

use super::{Outcome, PathStep, Role};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Finding, Severity};
use crate::identifier::Identifier;
use crate::trust::Usage;

/// Sentences in the order in which things were looked at.
#[derive(Debug, Default)]
pub(super) struct Story {
    lines: Vec<String>,
}

impl Story {
    /// What is judged, for what, and when.
    pub(super) fn begin(&mut self, identifier: &Identifier, at: Time, usage: Usage) {
        let name = match &identifier.name {
            Some(name) => format!(" of '{name}'"),
            None => String::new(),
        };
        let rules = match usage {
            Usage::Ek => "as an endorsement key",
            Usage::Any => "by plain RFC 5280 path validation",
        };
        self.say(format!(
            "Read {}{name}: EKpubs {}, EKcerts {}. Judging it {rules} at {at}.",
            identifier.kind.as_str(),
            identifier.ekpubs.len(),
            identifier.ekcerts.len()
        ));
        for ekpub in &identifier.ekpubs {
            self.say(format!(
                "{} holds an EKpub, {}, SPKI SHA-256 {}.",
                ekpub.source,
                ekpub.key.algorithm(),
                ekpub.key.spki_sha256()
            ));
        }
        for ekcert in &identifier.ekcerts {
            self.say(format!(
                "{} holds an EKcert, SHA-256 {}: {}.",
                ekcert.source,
                ekcert.certificate.sha256(),
                described(&ekcert.certificate)
            ));
        }
    }

    /// The path, what was found, and the outcome.
    pub(super) fn tell(&mut self, findings: &[Finding], path: &[PathStep], outcome: Outcome) {
        for pair in path.windows(2) {
            let [below, above] = pair else { continue };
            let place = match above.role {
                Role::Anchor => "which is in the root store: the path is complete",
                _ => "which is in the intermediate store",
            };
            self.say(format!(
                "'{}' signed it: the key of SHA-256 {} verifies the signature on {}. Its issuer is found, {place}.",
                above.certificate.subject(),
                above.certificate.sha256(),
                below.certificate.sha256()
            ));
        }
        if let [only] = path {
            if only.role == Role::Ek && outcome == Outcome::Trusted {
                self.say("The certificate itself is in the root store.".to_owned());
            }
        }
        for finding in findings {
            let weight = match finding.severity {
                Severity::Error => "This rejects",
                Severity::Warning => "This is a warning",
                Severity::Info => "For information",
            };
            let clause = finding
                .clause
                .map(|clause| format!(", {clause}"))
                .unwrap_or_default();
            self.say(format!(
                "{weight} ({}{clause}): {}.",
                finding.code, finding.message
            ));
        }
        self.say(match outcome {
            Outcome::Trusted => "Every check that was made passed: the EK is trusted.".to_owned(),
            Outcome::Rejected => "At least one check failed: the EK is not trusted.".to_owned(),
        });
    }

    /// The sentences.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    fn say(&mut self, line: String) {
        self.lines.push(line);
    }
}

fn described(certificate: &Certificate) -> String {
    let tpm = &certificate.extensions().tpm;
    let vendor = match (tpm.vendor(), &tpm.manufacturer) {
        (Some(vendor), _) => format!("a TPM of {}", vendor.name),
        (None, Some(id)) => format!("a TPM of manufacturer {id}"),
        (None, None) => "no TPM named".to_owned(),
    };
    format!(
        "{vendor}, issued by '{}', valid from {} to {}",
        certificate.issuer(),
        certificate.not_before(),
        certificate.not_after()
    )
}
