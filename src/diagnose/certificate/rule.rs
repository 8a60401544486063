use super::{Candidate, CandidateKind, CertificateRole, Profile, Question, rules};
use crate::diagnose::Basis;
use crate::finding::{Code, Finding, Severity};

/// One rule for the certificates of a Host Guardian Service.
#[derive(Debug)]
pub struct Rule {
    /// Stable and kebab-case; `docs/hgs-certificates.md` has a row for it.
    pub id: &'static str,
    /// The code of the finding that is made of it.
    pub code: Code,
    /// How much a breach of it weighs.
    pub severity: Severity,
    /// For which roles it is.
    pub roles: &'static [CertificateRole],
    /// In which profiles it is.
    pub profiles: &'static [Profile],
    /// In which of these a breach is only told.
    pub told_in: &'static [Profile],
    /// What it asks for, in one sentence.
    pub demand: &'static str,
    /// What it rests on.
    pub basis: Basis,
    /// Where it stands.
    pub source: &'static str,
    /// What to do about a breach.
    pub help: &'static str,
    pub(super) check: fn(&Asked<'_>) -> Outcome,
}

/// What a rule is held against.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) role: CertificateRole,
    pub(super) profile: Profile,
    pub(super) question: &'a Question,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as the rule asks.
    Pass,
    /// It is not: how. May hold text from the input, unescaped.
    Fail(String),
    /// Nothing is wrong, and this is worth knowing. May hold text from the input, unescaped.
    Tell(String),
    /// The rule is about something that is not there, or was not asked about: what.
    NotApplicable(&'static str),
}

impl Outcome {
    /// As in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Tell(_) => "told",
            Self::NotApplicable(_) => "not-applicable",
        }
    }

    /// It passes if this holds; else it fails, for this reason.
    pub(super) fn if_else(holds: bool, why: impl FnOnce() -> String) -> Self {
        match holds {
            true => Self::Pass,
            false => Self::Fail(why()),
        }
    }
}

/// A rule with what came of it.
#[derive(Clone, Debug)]
pub struct RuleResult {
    /// The rule.
    pub rule: &'static Rule,
    /// What came of it.
    pub outcome: Outcome,
    /// How much it weighs, if there is something to say.
    pub severity: Severity,
}

impl RuleResult {
    /// The finding, if there is something to say.
    pub fn finding(&self) -> Option<Finding> {
        let message = match &self.outcome {
            Outcome::Fail(message) | Outcome::Tell(message) => message,
            Outcome::Pass | Outcome::NotApplicable(_) => return None,
        };
        let mut finding =
            Finding::new(self.rule.code, message, self.rule.help).with_severity(self.severity);
        finding.clause = Some(self.rule.source);
        Some(finding)
    }
}

/// Every rule, in the order in which they are held.
pub fn all_rules() -> impl Iterator<Item = &'static Rule> {
    let common = rules::COMMON.iter().copied().flatten();
    common.chain(rules::OF_TEMPLATES)
}

/// Holds a candidate against every rule for this role in this profile.
pub fn examine(
    candidate: &Candidate,
    role: CertificateRole,
    profile: Profile,
    question: &Question,
) -> Vec<RuleResult> {
    let asked = Asked {
        candidate,
        role,
        profile,
        question,
    };
    let of_templates: &[Rule] = match candidate.kind {
        CandidateKind::Template => rules::OF_TEMPLATES,
        _ => &[],
    };
    let held = rules::COMMON.iter().copied().flatten().chain(of_templates);
    let ours = held.filter(|rule| rule.roles.contains(&role) && rule.profiles.contains(&profile));
    ours.map(|rule| {
        let outcome = (rule.check)(&asked);
        let severity = match outcome {
            Outcome::Fail(_) if !rule.told_in.contains(&profile) => rule.severity,
            _ => Severity::Info,
        };
        RuleResult {
            rule,
            outcome,
            severity,
        }
    })
    .collect()
}
