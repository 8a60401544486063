use std::sync::Arc;

use super::{Crl, Listing, RevocationRule};
use crate::der::Time;
use crate::ek::Certificate;
use crate::finding::{Code, Finding, Severity};
use crate::trust::failure::subject_or_serial;

/// What the CRLs of a store say of one certificate of a path. Only path building makes
/// one.
#[derive(Clone, Debug)]
pub struct CertificateStatus {
    pub(super) certificate: Arc<Certificate>,
    pub(super) state: RevocationState,
    pub(super) crl: Option<Arc<Crl>>,
    pub(super) unusable: Vec<(Arc<Crl>, String)>,
}

/// Whether a certificate is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationState {
    /// CRLs of its issuer that are up to date speak of it for every reason, and none
    /// lists it.
    Good,
    /// A CRL lists it.
    Revoked(Listing),
    /// No CRL that could be used speaks of it for every reason; this is why.
    Unknown(String),
    /// None lists it, but one that is needed is out of date since then; since ever, if it
    /// does not say until when it is good.
    Stale(Option<Time>),
}

impl RevocationState {
    /// `good`, `revoked`, `unknown` or `stale`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked(_) => "revoked",
            Self::Unknown(_) => "unknown",
            Self::Stale(_) => "stale",
        }
    }
}

impl CertificateStatus {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What is known of it.
    pub fn state(&self) -> &RevocationState {
        &self.state
    }

    /// The CRL that this rests on, the newest of several; none if it is unknown.
    pub fn crl(&self) -> Option<&Crl> {
        self.crl.as_deref()
    }

    /// The state in words, without a full stop.
    pub fn in_words(&self, at: Time) -> String {
        let name = subject_or_serial(&self.certificate);
        let crl = self.crl.as_deref().map(described).unwrap_or_default();
        match &self.state {
            RevocationState::Good => {
                let delta = match self.crl.as_deref().is_some_and(Crl::names_delta) {
                    true => "; it names delta CRLs, which are not read",
                    false => "",
                };
                format!("'{name}' is not revoked, says {crl}{delta}")
            }
            RevocationState::Revoked(listing) => format!(
                "'{name}' is revoked{} ({}{}), says {crl}",
                match listing.revoked_at {
                    Some(time) => format!(" since {time}"),
                    None => String::new(),
                },
                listing.reason.as_str(),
                match listing.invalid_since {
                    Some(time) => format!(", bad since {time}"),
                    None => String::new(),
                }
            ),
            RevocationState::Unknown(why) => {
                format!("whether '{name}' is revoked is not known: {why}")
            }
            RevocationState::Stale(Some(since)) => format!(
                "'{name}' is not listed by {crl}, but that ran out {} before {at}",
                span(at, *since)
            ),
            RevocationState::Stale(None) => format!(
                "'{name}' is not listed by {crl}, but that does not say until when it is good"
            ),
        }
    }

    /// What this means under the rule. Without any CRL, and if that is only for
    /// information, nothing: the list of checks says so.
    pub(in crate::trust) fn findings(
        &self,
        rule: RevocationRule,
        at: Time,
        has_crls: bool,
    ) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .unusable
            .iter()
            .map(|(crl, why)| unusable(crl, why))
            .collect();
        let words = || self.in_words(at);
        let finding = match &self.state {
            RevocationState::Good => None,
            RevocationState::Revoked(_) => Some(Finding::new(
                Code::Revoked,
                words(),
                "do not trust it: its issuer does not stand by it any more. If the issuer has taken a \
                 hold back, give its newest CRL as well",
            )),
            RevocationState::Unknown(_) if !has_crls && rule.unknown == Severity::Info => None,
            RevocationState::Unknown(_) => Some(
                Finding::new(Code::RevocationUnknown, words(), self.where_to_get_one())
                    .with_severity(rule.unknown),
            ),
            RevocationState::Stale(_) => Some(
                Finding::new(Code::RevocationStale, words(), self.where_to_get_one())
                    .with_severity(rule.stale),
            ),
        };
        findings.extend(finding.map(|finding| finding.about(self.certificate.thumbprint_sha1())));
        findings
    }

    fn where_to_get_one(&self) -> String {
        // Judging never fetches; the command that does checks what comes.
        match self.certificate.extensions().crl_urls.first() {
            Some(url) => format!(
                "endorse store crl fetch FILE (in a build with the feature fetch) gets the newest CRL of \
                 the issuer where the certificate says that it is ({url}), checks it and puts it into the store. By hand: endorse store \
                 crl import CRL (to try it first: --crls CRL)"
            ),
            None => {
                "the certificate names no URL: get the newest CRL of the issuer from the vendor of \
                 the TPM, and add it: endorse store crl import CRL (to try it first: --crls CRL)"
                    .to_owned()
            }
        }
    }
}

fn unusable(crl: &Crl, why: &str) -> Finding {
    Finding::new(
        Code::CrlUnusable,
        format!("{} is not used: {why}", described(crl)),
        "get it again from its issuer and compare; what it would revoke is not known otherwise",
    )
}

/// A CRL in words.
pub(super) fn described(crl: &Crl) -> String {
    let number = crl
        .number_in_words()
        .map(|number| format!(", number {number}"))
        .unwrap_or_default();
    format!(
        "the CRL of '{}' of {}{number} (SHA-256 {})",
        crl.issuer(),
        crl.this_update(),
        crl.sha256()
    )
}

/// How long it is from `since` to `at`, in the largest unit that says something.
fn span(at: Time, since: Time) -> String {
    let seconds = at.unix().saturating_sub(since.unix());
    match (seconds / 86_400, seconds / 3_600) {
        (0, 0) => format!("{seconds} seconds"),
        (0, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}
