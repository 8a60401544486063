//! What people read of it.

use super::{Asked, Checked, in_common};
use crate::cli::console::Paint;
use crate::cli::human::{Page, name_in_words};
use crate::diagnose::certificate::{
    Candidate, CandidateKind, Comparison, Document, KeyKind, Node, Outcome, key_usage_in_words,
    key_usage_octet, purposes_in_words,
};
use crate::finding::Severity;

/// The page of one file.
pub(super) fn checked(
    input: &str,
    document: &Document,
    checked: &[Checked],
    asked: &Asked,
    verbose: bool,
    color: bool,
) -> String {
    let mut page = Page::new(color);
    for (index, one) in checked.iter().enumerate() {
        let name = match checked.len() {
            1 => input.to_owned(),
            _ => format!("{input} ({})", index.saturating_add(1)),
        };
        let (paint, word) = match one.is_rejected() {
            true => (Paint::Bad, "REJECTED"),
            false => (Paint::Good, "ACCEPTED"),
        };
        let role = asked.role.map_or("", |role| role.as_str());
        let kind = one.subject.kind();
        let rest = format!(
            "{} as {role}, profile {}",
            kind.as_str(),
            asked.profile.as_str()
        );
        page.head(&name, paint, word, &rest);
        describe(&mut page, one);
        if index == 0 {
            for finding in &document.findings {
                page.finding(1, finding);
            }
        }
        for finding in &one.subject.findings {
            page.finding(1, finding);
        }
        for result in &one.results {
            let rule = result.rule;
            if let Some(finding) = result.finding() {
                page.finding(1, &finding);
                let basis = rule.basis.as_str();
                page.line(2, &format!("rule {}: {} ({basis})", rule.id, rule.source));
            } else if verbose {
                match &result.outcome {
                    Outcome::NotApplicable(why) => {
                        page.marked(1, Paint::Strong, &format!("not about {}", rule.id), why);
                    }
                    _ => page.marked(1, Paint::Good, &format!("passes {}", rule.id), rule.demand),
                }
            }
        }
        match &one.renewal {
            Some(Some(finding)) => page.finding(1, finding),
            Some(None) => page.line(1, "renews with the same key"),
            None => {}
        }
    }
    page.into_text()
}

fn describe(page: &mut Page, one: &Checked) {
    let candidate = &one.subject.candidate;
    if let Some(facts) = &candidate.template {
        page.field(1, "template", &facts.name);
        let schema = facts.schema.map(|schema| schema.to_string());
        page.optional(1, "schema", schema.as_deref());
    } else {
        let subject = match candidate.subject.is_empty() {
            true => "(empty)",
            false => &candidate.subject,
        };
        page.field(1, "subject", subject);
    }
    if let Some(certificate) = &one.subject.certificate {
        page.field(1, "issuer", &name_in_words(certificate.issuer()));
        let thumbprint = certificate.thumbprint_sha1().to_string().to_uppercase();
        page.field(1, "thumbprint", &thumbprint);
        page.field(
            1,
            "valid",
            &format!(
                "{} to {}",
                certificate.not_before(),
                certificate.not_after()
            ),
        );
    }
    page.field(1, "key", &key_in_words(candidate));
    let key = one.subject.key.map(|key| key.to_string());
    page.optional(1, "key SHA-256", key.as_deref());
    let usage = candidate.key_usage.map(|bits| {
        format!(
            "{} ({:#04x})",
            key_usage_in_words(bits),
            key_usage_octet(bits)
        )
    });
    page.optional(1, "key usage", usage.as_deref());
    let purposes = candidate.purposes.as_deref().map(purposes_in_words);
    page.optional(1, "purposes", purposes.as_deref());
    // The common names stand in the subject.
    let names = match candidate.names.has_alternatives {
        true => candidate.names.counting(),
        false => Vec::new(),
    };
    if !names.is_empty() {
        page.field(1, "names", &names.join(", "));
    }
    for hint in &candidate.providers {
        page.field(1, "provider", &format!("{} ({})", hint.name, hint.source));
    }
}

fn key_in_words(candidate: &Candidate) -> String {
    match (&candidate.key, candidate.rsa_bits, candidate.kind) {
        (KeyKind::Rsa, Some(bits), CandidateKind::Template) => format!("RSA, {bits} bits or more"),
        (KeyKind::Rsa, Some(bits), _) => format!("RSA, {bits} bits"),
        (KeyKind::Rsa, None, _) => "RSA".to_owned(),
        (KeyKind::Elliptic(curve), ..) => curve.clone(),
        (KeyKind::Other(what), ..) => what.clone(),
    }
}

/// What came of comparing nodes.
pub(super) fn compared(nodes: &[Node], comparison: &Comparison, color: bool) -> String {
    let mut page = Page::new(color);
    let count = format!("{} nodes", nodes.len());
    match in_common(nodes, comparison) {
        Some(same) => {
            page.head(
                &count,
                Paint::Good,
                "EQUAL",
                &format!("with {same} certificates each"),
            );
        }
        None => page.head(
            &count,
            Paint::Bad,
            "DIFFERENT",
            &format!("in {} pairs", comparison.differences.len()),
        ),
    }
    for node in nodes {
        page.field(
            1,
            "node",
            &match node.certificates.len() {
                1 => format!("{}: 1 certificate", node.name),
                many => format!("{}: {many} certificates", node.name),
            },
        );
        for certificate in &node.certificates {
            let thumbprint = certificate.thumbprint_sha1().to_string().to_uppercase();
            page.line(
                2,
                &format!("{thumbprint} {}", name_in_words(certificate.subject())),
            );
        }
    }
    for difference in &comparison.differences {
        page.finding(1, &difference.finding().with_severity(Severity::Error));
    }
    page.into_text()
}
