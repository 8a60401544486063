//! What `inspect --lint` says of a certificate, for people and as JSON.

use serde::Serialize;

use crate::cli::console::Paint;
use crate::cli::human::Page;
use crate::ek::{Level, Lint, LintResult, LintSubject, Outcome};
use crate::finding::{Code, Finding};
use crate::identifier::{EkCert, Identifier};

/// The lint of every certificate of an input, in order.
pub(super) fn lint(identifier: &Identifier) -> Vec<Lint> {
    let lint = |ekcert: &EkCert| {
        // What surrounded a certificate is told with the place it came from.
        let place = format!("(at {})", ekcert.source);
        let wrapping: Vec<&Finding> = identifier
            .findings
            .iter()
            .filter(|finding| {
                finding.code == Code::ProfileWrapping && finding.message.ends_with(&place)
            })
            .collect();
        Lint::of(&ekcert.certificate, &wrapping)
    };
    identifier.ekcerts.iter().map(lint).collect()
}

#[derive(Serialize)]
pub(super) struct JsonLint {
    subject: &'static str,
    usable: bool,
    rules: Vec<JsonRule>,
}

#[derive(Serialize)]
struct JsonRule {
    rule: &'static str,
    level: &'static str,
    outcome: &'static str,
    message: Option<String>,
    demand: &'static str,
    help: &'static str,
    source: &'static str,
    certainty: &'static str,
}

impl From<&Lint> for JsonLint {
    fn from(lint: &Lint) -> Self {
        Self {
            subject: lint.subject.as_str(),
            usable: lint.is_usable(),
            rules: lint.results.iter().map(JsonRule::from).collect(),
        }
    }
}

impl From<&LintResult> for JsonRule {
    fn from(result: &LintResult) -> Self {
        let rule = result.rule;
        Self {
            rule: rule.id,
            level: rule.level.as_str(),
            outcome: result.outcome.as_str(),
            message: match &result.outcome {
                Outcome::Pass => None,
                Outcome::Fail(message) => Some(message.clone()),
                Outcome::NotApplicable(why) => Some((*why).to_owned()),
            },
            demand: rule.demand,
            help: rule.help,
            source: rule.source,
            certainty: rule.certainty.as_str(),
        }
    }
}

/// The rules that fail and, if `all`, the others.
pub(super) fn describe(page: &mut Page, lint: &Lint, all: bool) {
    let count = |outcome: &str| {
        let results = lint.results.iter();
        results
            .filter(|result| result.outcome.as_str() == outcome)
            .count()
    };
    page.field(
        2,
        "lint",
        &format!(
            "{}; rules that fail: {} usable, {} profile; that pass: {}; not about it: {}",
            match lint.subject {
                LintSubject::EkCert => "as an EKcert",
                LintSubject::Ca => "as a CA certificate",
            },
            lint.failures(Level::Usable).count(),
            lint.failures(Level::Profile).count(),
            count("pass"),
            count("not-applicable"),
        ),
    );
    for result in &lint.results {
        let rule = result.rule;
        let label = format!("{}[{}]", rule.level.as_str(), rule.id);
        match &result.outcome {
            Outcome::Fail(message) => {
                let paint = match rule.level {
                    Level::Usable => Paint::Bad,
                    Level::Profile => Paint::Careful,
                };
                page.marked(3, paint, &format!("fails {label}"), message);
                page.line(4, &format!("rule: {}", rule.demand));
                page.line(
                    4,
                    &format!("source: {} ({})", rule.source, rule.certainty.as_str()),
                );
                page.line(4, &format!("help: {}", rule.help));
            }
            Outcome::Pass if all => {
                page.marked(3, Paint::Good, &format!("passes {label}"), rule.demand);
            }
            Outcome::NotApplicable(why) if all => {
                page.marked(3, Paint::Strong, &format!("not about {label}"), why);
            }
            Outcome::Pass | Outcome::NotApplicable(_) => {}
        }
    }
}
