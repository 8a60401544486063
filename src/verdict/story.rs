//! The judgement told step by step, for `--explain`.

use super::{CheckStatus, Outcome, Role, Verdict};
use crate::ek::Certificate;
use crate::finding::Severity;
use crate::trust::Usage;
use crate::trust::revocation::RevocationState;

/// Sentences in the order in which things were looked at.
pub(super) fn tell(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    begin(verdict, &mut lines);
    follow_path(verdict, &mut lines);
    look_up(verdict, &mut lines);
    for finding in &verdict.findings {
        let weight = match finding.severity {
            Severity::Error => "This rejects",
            Severity::Warning => "This is a warning",
            Severity::Info => "For information",
        };
        let clause = finding
            .clause
            .map(|clause| format!(", {clause}"))
            .unwrap_or_default();
        lines.push(format!(
            "{weight} ({}{clause}): {}.",
            finding.code, finding.message
        ));
    }
    let unmade: Vec<&str> = verdict
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::NotChecked)
        .map(|check| check.name)
        .collect();
    if !unmade.is_empty() {
        lines.push(format!("Not checked: {}.", unmade.join(", ")));
    }
    let what = match verdict.usage {
        Usage::Ek => "EK",
        Usage::Any => "certificate",
    };
    lines.push(match verdict.outcome {
        Outcome::Trusted => format!("Every check that was made passed: the {what} is trusted."),
        Outcome::Rejected => format!("At least one check failed: the {what} is not trusted."),
    });
    lines
}

/// What is judged, for what, and when.
fn begin(verdict: &Verdict, lines: &mut Vec<String>) {
    let name = match &verdict.name {
        Some(name) => format!(" of '{name}'"),
        None => String::new(),
    };
    let rules = match verdict.usage {
        Usage::Ek => "as an endorsement key",
        Usage::Any => "by plain RFC 5280 path validation",
    };
    lines.push(format!(
        "Read {}{name}, and judged it {rules} at {}.",
        verdict.kind.as_str(),
        verdict.at
    ));
    for ekpub in &verdict.ekpubs {
        lines.push(format!(
            "EKpub from {}: {}, SPKI SHA-256 {}.",
            ekpub.source,
            ekpub.key.algorithm(),
            ekpub.key.spki_sha256()
        ));
    }
    for ekcert in &verdict.ekcerts {
        if ekcert.beside {
            lines.push(format!(
                "CA certificate '{}' from {}, beside the EKcerts: SHA-256 {}.",
                ekcert.certificate.subject(),
                ekcert.source,
                ekcert.certificate.sha256()
            ));
            continue;
        }
        lines.push(format!(
            "EKcert from {}: SHA-256 {}, {}.",
            ekcert.source,
            ekcert.certificate.sha256(),
            described(&ekcert.certificate)
        ));
    }
}

/// Each step from a certificate to its issuer.
fn follow_path(verdict: &Verdict, lines: &mut Vec<String>) {
    for pair in verdict.path.windows(2) {
        let [below, above] = pair else { continue };
        let place = match above.role {
            Role::Anchor => "It is in the root store, so the path is complete",
            _ if above.from_input => {
                "It came with the input, so only its own issuer can vouch for it"
            }
            _ => "It is in the intermediate store",
        };
        lines.push(format!(
            "The signature on {} is by '{}' (SHA-256 {}): its key verifies it. {place}.",
            below.certificate.sha256(),
            above.certificate.subject(),
            above.certificate.sha256()
        ));
    }
    if let ([_], true) = (verdict.path.as_slice(), verdict.path_is_complete()) {
        lines.push("The certificate itself is in the root store.".to_owned());
    }
}

/// What the CRLs say, where they say more than a finding will.
fn look_up(verdict: &Verdict, lines: &mut Vec<String>) {
    for status in &verdict.revocation {
        if *status.state() == RevocationState::Good {
            let words = status.in_words(verdict.at);
            lines.push(format!("Looked up in the CRLs: {words}."));
        }
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
