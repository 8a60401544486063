//! What the logs of the Attestation Service say of each attempt of a host to attest.

use std::collections::{BTreeMap, BTreeSet};

use super::content::{Content, ReadFile};
use super::events::{ATTESTATION, Event};
use super::reason::{Outcome, outcome};
use crate::der::decode_base64;
use crate::diagnose::attestation::Step;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::hash::{from_hex, hex};

/// No host was refused.
pub(super) static ATTESTATION_EVENT: Definition = Definition {
    id: "attestation-event",
    set: Set::HostGuardianService,
    title: "No host was refused by the Attestation Service",
    basis: Basis::Observed,
    source: "GuardedFabricTools, Get-HgsAttestationReport; Troubleshooting Guarded Hosts, Attestation failures",
};

/// No host was refused in AD mode.
pub(super) static AD_ATTESTATION_EVENT: Definition = Definition {
    id: "ad-attestation-event",
    set: Set::GuardedFabricADMode,
    title: "No host was refused by the Attestation Service in AD mode",
    basis: Basis::Observed,
    source: "GuardedFabricTools, Get-HgsAttestationReport",
};

/// Logs can be read in full.
pub(super) static EVENT_LOG_WHOLE: Definition = Definition {
    id: "event-log-whole",
    set: Set::Base,
    title: "Every event of the saved logs can be read",
    basis: Basis::Observed,
    source: "[MS-EVEN6]",
};

/// The most attempts that are shown one by one; keys that have to be registered all are.
const MAX_SHOWN: usize = 20;

/// The diagnostics from logs.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = files.iter().filter_map(whole).collect();
    found.extend(attempts(files));
    found
}

/// The hosts whose platform identifiers are among the files, by each digest of their EK that
/// a service may write.
fn hosts(files: &[ReadFile<'_>]) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for file in files {
        let Ok(Content::Identifier(identifier)) = &file.content else {
            continue;
        };
        let name = identifier
            .name
            .as_deref()
            .unwrap_or("a host without a name");
        let host = format!("{name}, whose platform identifier is {}", file.name);
        for entry in &identifier.ekpubs {
            for digest in [entry.key.windows_sha256(), entry.key.spki_sha256()] {
                hosts.insert(digest.to_string(), host.clone());
            }
        }
    }
    hosts
}

/// Whether a log could be read in full; nothing is said where it could.
fn whole(file: &ReadFile<'_>) -> Option<Diagnostic> {
    let log = file.log()?;
    let why = log.why.as_ref()?;
    let seen = format!(
        "{}: {} of {} events cannot be read; the first: {why}",
        file.name, log.broken, log.count
    );
    Some(
        Diagnostic::warn(&EVENT_LOG_WHOLE, seen)
            .then("save the log again; what these events say is not diagnosed"),
    )
}

/// The events of one request.
#[derive(Default)]
struct Attempt<'a> {
    time: &'a str,
    computer: &'a str,
    ek: Option<String>,
    outcomes: Vec<Outcome>,
    hosts: BTreeSet<String>,
}

fn attempts(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut by_activity: BTreeMap<String, Attempt<'_>> = BTreeMap::new();
    let logs = files.iter().filter_map(ReadFile::log);
    let events = logs.flat_map(|log| &log.events);
    for event in events.filter(|event| event.provider == ATTESTATION) {
        let Some(what) = outcome(event.id) else {
            continue;
        };
        // An event without an activity is an attempt by itself.
        let alone = || format!("without ActivityId ({})", by_activity.len());
        let key = event.activity.clone().unwrap_or_else(alone);
        by_activity.entry(key).or_default().take(event, what);
    }
    // Those in AD mode say so themselves.
    let (in_ad, others): (BTreeMap<_, _>, BTreeMap<_, _>) = by_activity
        .into_iter()
        .partition(|(_, attempt)| attempt.is_in_ad_mode());
    let hosts = hosts(files);
    let mut found = of_mode(&ATTESTATION_EVENT, &others, &hosts);
    found.extend(of_mode(&AD_ATTESTATION_EVENT, &in_ad, &hosts));
    found
}

/// The diagnostics from the attempts of one mode: one for those that were refused for the
/// same reasons, or one for all if none was.
fn of_mode(
    definition: &'static Definition,
    by_activity: &BTreeMap<String, Attempt<'_>>,
    hosts: &BTreeMap<String, String>,
) -> Vec<Diagnostic> {
    if by_activity.is_empty() {
        return Vec::new();
    }
    // Attempts that were refused for the same reasons.
    let mut refused: BTreeMap<Vec<Refusal>, Vec<(&String, &Attempt<'_>)>> = BTreeMap::new();
    for (activity, attempt) in by_activity {
        let refusals = attempt.refusals();
        if !refusals.is_empty() {
            refused
                .entry(refusals)
                .or_default()
                .push((activity, attempt));
        }
    }
    if refused.is_empty() {
        return vec![none_refused(definition, by_activity)];
    }
    let refused = refused.into_iter();
    refused
        .map(|(refusals, attempts)| diagnostic(definition, &refusals, &attempts, hosts))
        .collect()
}

fn none_refused(
    definition: &'static Definition,
    attempts: &BTreeMap<String, Attempt<'_>>,
) -> Diagnostic {
    let passed = attempts.values().filter(|one| one.has_passed()).count();
    let seen = format!(
        "{} attempts to attest, of which {passed} passed and none was refused",
        attempts.len()
    );
    match passed {
        0 => Diagnostic::warn(definition, seen).then(
            "save the log of a longer time, from every node of the service; the end of these \
             attempts is not in it",
        ),
        _ => Diagnostic::pass(definition, seen),
    }
}

fn diagnostic(
    definition: &'static Definition,
    refusals: &[Refusal],
    attempts: &[(&String, &Attempt<'_>)],
    hosts: &BTreeMap<String, String>,
) -> Diagnostic {
    let reasons: Vec<&str> = refusals.iter().map(|one| one.reason.as_str()).collect();
    let seen = match attempts.len() {
        1 => format!("1 attempt: {}", reasons.join("; ")),
        many => format!("{many} attempts: {}", reasons.join("; ")),
    };
    let mut found = Diagnostic::fail(definition, seen);
    for (activity, attempt) in attempts.iter().take(MAX_SHOWN) {
        found = found.seen(attempt.shown(activity));
    }
    let more = attempts.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        found = found.seen(format!("and {more} more"));
    }
    let unknown = attempts
        .iter()
        .filter(|(_, attempt)| attempt.outcomes.contains(&Outcome::UnknownEk))
        .filter_map(|(_, attempt)| attempt.ek.as_ref());
    for ek in unknown.collect::<BTreeSet<_>>() {
        let host = hosts.get(ek);
        let host = host.map_or_else(String::new, |host| format!(": {host}"));
        found = found.seen(format!("an EK that is not registered: {ek}{host}"));
    }
    let steps = refusals.iter().flat_map(|one| one.remedy);
    steps.fold(found, |found, step| step.add_to(found))
}

/// A reason for which an attempt was refused, in words, and what to do.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Refusal {
    reason: String,
    remedy: &'static [Step],
}

impl<'a> Attempt<'a> {
    fn take(&mut self, event: &'a Event, what: Outcome) {
        if self.time.is_empty() || event.time.as_str() < self.time {
            self.time = &event.time;
        }
        self.computer = &event.computer;
        if matches!(what, Outcome::Started | Outcome::UnknownEk) {
            self.ek = self.ek.take().or_else(|| ek_digest(event));
        }
        if matches!(what, Outcome::UnknownHost | Outcome::PassedAd) {
            self.hosts
                .extend(event.data.iter().map(|(_, value)| value.clone()));
        }
        if !self.outcomes.contains(&what) {
            self.outcomes.push(what);
        }
    }

    fn is_in_ad_mode(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|one| matches!(one, Outcome::UnknownHost | Outcome::PassedAd))
    }

    fn has_passed(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|one| matches!(one, Outcome::PassedTpm | Outcome::PassedAd))
    }

    /// What it was refused for, in the order of the names.
    fn refusals(&self) -> Vec<Refusal> {
        let refusal = |one: &Outcome| match one {
            Outcome::UnknownEk => Some(Refusal {
                reason: "UnauthorizedHost (1500): the EK of the host is not registered".to_owned(),
                remedy: &[Step::Do(
                    "register the host from its platform identifier: Add-HgsAttestationTpmHost on \
                     the service, endorse register-host here; the digest tells which host it is",
                )],
            }),
            Outcome::UnknownHost => Some(Refusal {
                reason: "UnauthorizedHost (1524): the host is in no group that the service trusts"
                    .to_owned(),
                remedy: &[
                    Step::Do(
                        "add the computer account of the host to a trusted group and restart the \
                         host, or add the group: Add-HgsAttestationHostGroup",
                    ),
                    Step::Do(
                        "see that the trust between the domains holds, and that the clocks are \
                         within the five minutes that Kerberos tolerates by default",
                    ),
                    Step::Do(
                        "AD mode is deprecated since Windows Server 2019: plan for TPM mode, or \
                         for host keys",
                    ),
                ],
            }),
            Outcome::Refused(reason) => Some(Refusal {
                reason: reason.with_events(),
                remedy: reason.remedy(),
            }),
            Outcome::Started | Outcome::PassedTpm | Outcome::PassedAd => None,
        };
        let mut found: Vec<Refusal> = self.outcomes.iter().filter_map(refusal).collect();
        found.sort();
        found
    }

    fn shown(&self, activity: &str) -> String {
        let mut shown = format!("at {} on {}, activity {activity}", self.time, self.computer);
        if let Some(ek) = &self.ek {
            shown.push_str(&format!(", EK {ek}"));
        }
        for host in &self.hosts {
            shown.push_str(&format!(", host {host}"));
        }
        shown
    }
}

/// The digest of the EK that an event carries: 32 octets in hex or base64, the first there
/// are. How Windows writes it is not documented.
fn ek_digest(event: &Event) -> Option<String> {
    const LENGTH: usize = 32;
    let digest = |text: &str| {
        let text = text.trim();
        let octets = from_hex(text).or_else(|| decode_base64(text).ok());
        octets
            .filter(|octets| octets.len() == LENGTH)
            .map(|octets| hex(&octets))
    };
    let mut words = event.texts().flat_map(|text| {
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '(' | ')'))
    });
    words.find_map(digest)
}
