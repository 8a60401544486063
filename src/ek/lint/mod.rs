//! The profile lint: what the TCG EK Credential Profile and RFC 5280 ask of an EKcert or
//! of a CA certificate, as a table of rules.
//!
//! Each rule has one of two levels. A certificate that fails a [`Level::Profile`] rule
//! departs from a text; genuine ones do. One that fails a [`Level::Usable`] rule is
//! refused by every judgement, whatever the stores and the policy say. What a policy
//! decides (age, SHA-1, the size of keys) and what needs other certificates (the path) is
//! no matter of the lint.
//!
//! The text of the profile was not at hand. Each rule says how it is known:
//! [`Certainty`].

mod authority;
mod frame;
mod key;
mod rule;
mod tpm;
mod usage;

pub use rule::{Certainty, Level, LintSubject, Outcome, Rule};

use super::Certificate;
use crate::finding::Finding;
use rule::Linted;

/// What the lint says of one certificate.
#[derive(Clone, Debug)]
pub struct Lint {
    /// As what it was looked at.
    pub subject: LintSubject,
    /// Every rule for such a certificate, in the order of [`lint_rules`].
    pub results: Vec<LintResult>,
}

/// One rule and what came of it.
#[derive(Clone, Debug)]
pub struct LintResult {
    /// The rule.
    pub rule: &'static Rule,
    /// What came of it.
    pub outcome: Outcome,
}

impl Lint {
    /// Looks at a certificate as an EKcert or, if it says that it is a CA and nothing of
    /// a TPM, as a CA certificate. `wrapping` is what surrounded it in its file
    /// (`profile-wrapping`).
    pub fn of(certificate: &Certificate, wrapping: &[&Finding]) -> Self {
        let linted = Linted {
            certificate,
            wrapping,
        };
        let subject = LintSubject::of(certificate);
        let results = lint_rules()
            .filter(|rule| rule.is_for(subject))
            .map(|rule| LintResult {
                rule,
                outcome: rule.check(&linted),
            })
            .collect();
        Self { subject, results }
    }

    /// The rules of this level that it fails.
    pub fn failures(&self, level: Level) -> impl Iterator<Item = &LintResult> {
        self.results.iter().filter(move |result| {
            result.rule.level == level && matches!(result.outcome, Outcome::Fail(_))
        })
    }

    /// Whether no [`Level::Usable`] rule fails.
    pub fn is_usable(&self) -> bool {
        self.failures(Level::Usable).next().is_none()
    }
}

/// Every rule, in the order of the fields of a certificate.
pub fn lint_rules() -> impl Iterator<Item = &'static Rule> {
    [
        frame::RULES,
        tpm::RULES,
        key::RULES,
        usage::RULES,
        authority::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Where an EKcert departs from the TCG EK Credential Profile in a way that genuine
/// parts do too: warnings, from those rules of the lint that have a finding's code. What
/// would let something else pass for an EKcert is judged with the path.
pub fn check_profile(certificate: &Certificate) -> Vec<Finding> {
    let linted = Linted {
        certificate,
        wrapping: &[],
    };
    let mut findings = certificate.findings();
    findings.extend(lint_rules().filter_map(|rule| rule.finding(&linted)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rules_are_told_apart_and_say_what_they_ask() {
        let mut ids = HashSet::new();
        for rule in lint_rules() {
            assert!(ids.insert(rule.id), "{} is there twice", rule.id);
            let mut characters = rule.id.chars();
            assert!(characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            for text in [rule.demand, rule.source, rule.help] {
                assert!(
                    !text.is_empty() && !text.contains("  "),
                    "{}: {text}",
                    rule.id
                );
            }
            assert!(rule.demand.ends_with('.'), "{}", rule.id);
        }
        assert!(ids.len() > 50, "{}", ids.len());
    }
}
