use crate::ek::{Certificate, Extensions};
use crate::finding::{Code, Finding};

/// How much it matters that a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// A text asks for it. Genuine certificates break some of these rules.
    Profile,
    /// Judging asks for it: without it no judgement takes the certificate for what it is.
    Usable,
}

/// How a rule is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// It stands in a public standard (RFC, ITU-T), in the clause that is named.
    Text,
    /// Implementers of a text that was not at hand enforce or quote it.
    Implementers,
    /// It follows from other rules, from how TPMs work, or from what judging does.
    Inferred,
}

/// As what a certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LintSubject {
    /// As the certificate of an endorsement key.
    EkCert,
    /// As the certificate of a CA.
    Ca,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The certificate is as the rule asks.
    Pass,
    /// It is not: how. May hold text from the input, unescaped.
    Fail(String),
    /// The rule is about something that the certificate does not have: what.
    NotApplicable(&'static str),
}

/// One rule of the lint.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Stable, kebab-case; `docs/lint.md` has a heading for it.
    pub id: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What it asks for, in one sentence.
    pub demand: &'static str,
    /// The text or the program that it comes from.
    pub source: &'static str,
    /// How sure that is.
    pub certainty: Certainty,
    /// What to do about it.
    pub help: &'static str,
    /// For which certificates it is; `None` for all.
    subject: Option<LintSubject>,
    /// The code of the finding that a judgement makes of it, if it makes one.
    code: Option<Code>,
    check: fn(&Linted<'_>) -> Outcome,
}

/// A certificate as the rules see it.
pub(super) struct Linted<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) wrapping: &'a [&'a Finding],
}

impl Linted<'_> {
    pub(super) fn extensions(&self) -> &Extensions {
        self.certificate.extensions()
    }
}

const PROFILE_HELP: &str =
    "nothing to do if the chain is trusted: some vendors' genuine certificates have this";
const PROFILE_HELP_CA: &str =
    "nothing to do if it came from the vendor itself: some genuine CA certificates have this";
const USABLE_HELP: &str = "no judgement accepts it as it stands: take the EKcert from the TPM or \
                           its vendor again, or give the one that is meant";
const USABLE_HELP_CA: &str = "nothing that it issued is accepted: get the CA's certificate from the vendor again, or \
     leave it out of the store";

impl Rule {
    /// A rule that a text has, for every certificate.
    pub(super) const fn profile(
        id: &'static str,
        certainty: Certainty,
        source: &'static str,
        demand: &'static str,
        check: fn(&Linted<'_>) -> Outcome,
    ) -> Self {
        Self {
            id,
            level: Level::Profile,
            demand,
            source,
            certainty,
            help: PROFILE_HELP,
            subject: None,
            code: None,
            check,
        }
    }

    /// A rule that judging has, for every certificate.
    pub(super) const fn usable(
        id: &'static str,
        certainty: Certainty,
        source: &'static str,
        demand: &'static str,
        check: fn(&Linted<'_>) -> Outcome,
    ) -> Self {
        Self {
            level: Level::Usable,
            help: USABLE_HELP,
            ..Self::profile(id, certainty, source, demand, check)
        }
    }

    /// The same for EKcerts alone.
    pub(super) const fn of_ekcerts(self) -> Self {
        Self {
            subject: Some(LintSubject::EkCert),
            ..self
        }
    }

    /// The same for CA certificates alone.
    pub(super) const fn of_cas(self) -> Self {
        Self {
            subject: Some(LintSubject::Ca),
            help: match self.level {
                Level::Profile => PROFILE_HELP_CA,
                Level::Usable => USABLE_HELP_CA,
            },
            ..self
        }
    }

    /// The same with a finding that a judgement makes of it, where it is an EKcert's.
    pub(super) const fn found_as(self, code: Code) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// For which certificates it is; `None` for all.
    pub fn subject(&self) -> Option<LintSubject> {
        self.subject
    }

    /// The code of the finding that a judgement makes of it, if it makes one.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    pub(super) fn is_for(&self, subject: LintSubject) -> bool {
        self.subject.is_none_or(|own| own == subject)
    }

    pub(super) fn check(&self, linted: &Linted<'_>) -> Outcome {
        (self.check)(linted)
    }

    /// What a judgement says of an EKcert that breaks it.
    pub(super) fn finding(&self, linted: &Linted<'_>) -> Option<Finding> {
        let code = self.code.filter(|_| self.is_for(LintSubject::EkCert))?;
        match self.check(linted) {
            Outcome::Fail(message) => Some(Finding::new(code, message, self.help)),
            Outcome::Pass | Outcome::NotApplicable(_) => None,
        }
    }
}

impl Outcome {
    /// Pass, or a failure with this text.
    pub(super) fn unless(broken: bool, message: &str) -> Self {
        if broken {
            Self::Fail(message.to_owned())
        } else {
            Self::Pass
        }
    }

    /// A failure with this text, or pass.
    pub(super) fn fail_with(message: Option<impl Into<String>>) -> Self {
        message.map_or(Self::Pass, |message| Self::Fail(message.into()))
    }

    /// `pass`, `fail` or `not-applicable`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::NotApplicable(_) => "not-applicable",
        }
    }
}

impl Level {
    /// `profile` or `usable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Usable => "usable",
        }
    }
}

impl Certainty {
    /// `text`, `implementers` or `inferred`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Implementers => "implementers",
            Self::Inferred => "inferred",
        }
    }
}

impl LintSubject {
    /// A CA if it says so, and nothing of a TPM: an EKcert that says it is a CA is still
    /// meant as an EKcert.
    pub(super) fn of(certificate: &Certificate) -> Self {
        let extensions = certificate.extensions();
        let ca = match extensions.basic_constraints {
            Some(basic) => basic.ca,
            // Roots of old say nothing of it.
            None => !certificate.subject().is_empty() && certificate.is_self_issued(),
        };
        if ca && extensions.tpm.manufacturer.is_none() {
            Self::Ca
        } else {
            Self::EkCert
        }
    }

    /// `ekcert` or `ca`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EkCert => "ekcert",
            Self::Ca => "ca",
        }
    }
}
