use std::collections::BTreeMap;

use serde::Deserialize;

use super::revocation::{RevocationRules, RevocationTable};
use crate::der::Time;
use crate::finding::{Code, Error, Finding, Severity};

/// 2016-01-01T00:00:00Z, from which on CAs were to sign with SHA-1 no more
/// (CA/Browser Forum ballot 118; Microsoft's SHA-1 deprecation policy).
const YEAR_2016: Time = Time::from_unix(1_451_606_400);

/// At what time certificates must be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryRule {
    /// Every certificate of the path at the time of judgement.
    #[default]
    AtTime,
    /// The EKcert at the time of judgement; each CA when it issued the
    /// certificate below it (at that certificate's notBefore).
    WhenIssued,
}

/// When a signature with SHA-1 is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sha1Rule {
    /// Never.
    Never,
    /// On certificates whose notBefore lies before 2016.
    #[default]
    #[serde(rename = "issued-before-2016")]
    IssuedBefore2016,
    /// Always.
    Always,
}

impl Sha1Rule {
    /// Whether a signature made then is accepted.
    pub(super) fn accepts(self, made: Time) -> bool {
        match self {
            Self::Never => false,
            Self::IssuedBefore2016 => made < YEAR_2016,
            Self::Always => true,
        }
    }
}

/// What the operator accepts. The default is documented in `docs/policy.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// At what time certificates must be valid.
    pub expiry: ExpiryRule,
    /// When a signature with SHA-1 is accepted.
    pub sha1: Sha1Rule,
    /// The smallest RSA modulus, in bits, of EKs and CAs. Signatures of CA keys
    /// below 2048 bits are not accepted whatever it says.
    pub min_rsa_bits: usize,
    /// The smallest elliptic-curve field, in bits.
    pub min_ec_bits: usize,
    /// TCG vendor ids whose EKs are accepted; empty means all.
    pub vendors: Vec<String>,
    /// Whether a host must have proven that it holds its EKs before it is registered.
    pub require_possession: bool,
    /// What it weighs if revocation cannot be ruled out.
    pub revocation: RevocationRules,
    /// Severities that differ from the defaults.
    severity: BTreeMap<Code, Severity>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expiry: ExpiryRule::default(),
            sha1: Sha1Rule::default(),
            min_rsa_bits: 2048,
            min_ec_bits: 256,
            vendors: Vec::new(),
            require_possession: false,
            revocation: RevocationRules::default(),
            severity: BTreeMap::new(),
        }
    }
}

/// A policy file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    #[serde(default)]
    expiry: ExpiryRule,
    #[serde(default)]
    sha1: Sha1Rule,
    min_rsa_bits: Option<usize>,
    min_ec_bits: Option<usize>,
    #[serde(default)]
    vendors: Vec<String>,
    #[serde(default)]
    require_possession: bool,
    #[serde(default)]
    revocation: RevocationTable,
    #[serde(default)]
    severity: BTreeMap<String, SeverityText>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SeverityText {
    Error,
    Warning,
    Info,
}

impl From<SeverityText> for Severity {
    fn from(text: SeverityText) -> Self {
        match text {
            SeverityText::Error => Self::Error,
            SeverityText::Warning => Self::Warning,
            SeverityText::Info => Self::Info,
        }
    }
}

impl Policy {
    /// Reads a policy file (TOML), described in `docs/policy.md`.
    ///
    /// # Errors
    /// A [`Fault::Misuse`](crate::finding::Fault::Misuse) error that says what is
    /// wrong where: an unknown key or code, or a code that may not be weakened.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let misuse = |what: String| {
            Error::misuse(what, "docs/policy.md describes every key of a policy file")
        };
        let file: PolicyFile = toml::from_str(text).map_err(|error| {
            misuse(format!(
                "the policy cannot be read: {}",
                error.to_string().trim_end()
            ))
        })?;
        let default = Self::default();
        let mut policy = Self {
            expiry: file.expiry,
            sha1: file.sha1,
            min_rsa_bits: file.min_rsa_bits.unwrap_or(default.min_rsa_bits),
            min_ec_bits: file.min_ec_bits.unwrap_or(default.min_ec_bits),
            vendors: file.vendors,
            require_possession: file.require_possession,
            revocation: RevocationRules::read(file.revocation)?,
            severity: BTreeMap::new(),
        };
        for (text, severity) in file.severity {
            let code = Code::from_text(&text)
                .ok_or_else(|| misuse(format!("the policy names an unknown code: '{text}'")))?;
            policy.set_severity(code, severity.into())?;
        }
        Ok(policy)
    }

    /// Gives a code another severity.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) where that would weaken a
    /// security property: only codes for which [`Code::may_be_weakened`] holds can
    /// be made less than an error.
    pub fn set_severity(&mut self, code: Code, severity: Severity) -> Result<(), Error> {
        if severity < code.default_severity()
            && code.default_severity() == Severity::Error
            && !code.may_be_weakened()
        {
            let help = match code.is_absolute() {
                true => "remove it from [severity]",
                false => {
                    "remove it from [severity]; register-host --force registers a host that is not \
                     proven genuine"
                }
            };
            return Err(Error::misuse(
                format!("'{code}' is always an error; a policy cannot make it less"),
                help,
            ));
        }
        self.severity.insert(code, severity);
        Ok(())
    }

    /// The severities that differ from the defaults.
    pub fn severities(&self) -> &BTreeMap<Code, Severity> {
        &self.severity
    }

    /// The finding with the severity that this policy gives it. A severity that a
    /// check has chosen itself, above or below its code's default, is only raised.
    pub fn weigh(&self, mut finding: Finding) -> Finding {
        if let Some(&severity) = self.severity.get(&finding.code)
            && (finding.severity == finding.code.default_severity() || severity > finding.severity)
        {
            finding.severity = severity;
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Policy::from_toml("").unwrap(), Policy::default());
    }

    #[test]
    fn the_page_about_it_is_true() {
        let page = include_str!("../../docs/policy.md");
        let mut examples = page
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap());
        let default = examples.next().unwrap();
        for key in [
            "expiry",
            "sha1",
            "min_rsa_bits",
            "min_ec_bits",
            "vendors",
            "require_possession",
            "unknown",
            "stale",
            "grace_days",
        ] {
            assert!(default.contains(&format!("\n{key} = ")), "{key}");
        }
        assert_eq!(Policy::from_toml(default).unwrap(), Policy::default());
        let mut others = 0;
        for example in examples {
            Policy::from_toml(example).unwrap();
            others += 1;
        }
        assert_eq!(others, 2);
        let weakened: Vec<_> = page
            .split_once("only these can be made less: ")
            .and_then(|(_, rest)| rest.split_once('.'))
            .unwrap()
            .0
            .split('`')
            .skip(1)
            .step_by(2)
            .collect();
        let expected: Vec<_> = Code::ALL
            .iter()
            .filter(|code| code.may_be_weakened())
            .map(|code| code.as_str())
            .collect();
        assert_eq!(
            weakened.iter().collect::<std::collections::BTreeSet<_>>(),
            expected.iter().collect()
        );
    }

    #[test]
    fn every_key() {
        let policy = Policy::from_toml(
            "expiry = 'when-issued'\nsha1 = 'never'\nmin_rsa_bits = 3072\nmin_ec_bits = 384\n\
             vendors = ['IFX']\nrequire_possession = true\n[severity]\nexpired = 'warning'\nprofile-san = 'error'\n",
        )
        .unwrap();
        assert_eq!(policy.expiry, ExpiryRule::WhenIssued);
        assert_eq!(policy.sha1, Sha1Rule::Never);
        assert_eq!((policy.min_rsa_bits, policy.min_ec_bits), (3072, 384));
        assert_eq!(policy.vendors, ["IFX"]);
        assert!(policy.require_possession);
        let weighed = |code| policy.weigh(Finding::new(code, "", "")).severity;
        assert_eq!(weighed(Code::Expired), Severity::Warning);
        assert_eq!(weighed(Code::ProfileSan), Severity::Error);
        assert_eq!(weighed(Code::SignatureInvalid), Severity::Error);
    }

    #[test]
    fn refuses_what_would_open_the_door() {
        for code in Code::ALL {
            let toml = format!("[severity]\n{code} = 'info'\n");
            let weakens = code.default_severity() == Severity::Error && !code.may_be_weakened();
            assert_eq!(Policy::from_toml(&toml).is_err(), weakens, "{code}");
        }
        for toml in [
            "sha-1 = 'never'",
            "sha1 = 'sometimes'",
            "[severity]\nnonsense = 'info'",
            "min_rsa_bits = -1",
        ] {
            assert!(Policy::from_toml(toml).is_err(), "{toml}");
        }
    }
}
