//! What the logs of the Attestation Service say of each attempt of a host to attest, and of
//! what keeps the Key Protection Service from starting.

use std::collections::{BTreeMap, BTreeSet};

use super::content::{Content, ReadFile};
use super::events::{ATTESTATION, Event, Log};
use super::message::{Message, messages};
use super::object::texts;
use super::reason::{Outcome, outcome};
use crate::der::decode_base64;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::hash::{from_hex, hex};

/// No host was refused.
pub static ATTESTATION_EVENT: Definition = Definition {
    id: "attestation-event",
    set: Set::HostGuardianService,
    title: "No host was refused by the Attestation Service",
    basis: Basis::Observed,
    source: "GuardedFabricTools, Get-HgsAttestationReport; Troubleshooting Guarded Hosts, Attestation failures",
};

/// The Key Protection Service could register its source of security audits.
pub static GMSA_AUDIT_EVENT: Definition = Definition {
    id: "gmsa-audit-event",
    set: Set::HostGuardianService,
    title: "The Key Protection Service may write security audits",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Group managed service account (gMSA) privileges",
};

/// Logs can be read in full.
pub static EVENT_LOG_WHOLE: Definition = Definition {
    id: "event-log-whole",
    set: Set::Base,
    title: "Every event of the saved logs can be read",
    basis: Basis::Observed,
    source: "[MS-EVEN6]",
};

/// The most attempts and keys that are shown one by one.
const MAX_SHOWN: usize = 20;

/// The diagnostics from logs, and from texts that say the same.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let logs: Vec<(&str, &Log)> = files
        .iter()
        .filter_map(|file| match &file.content {
            Ok(Content::Events(log)) => Some((file.name, log)),
            Ok(Content::Objects { log: Some(log), .. }) => Some((file.name, log)),
            _ => None,
        })
        .collect();
    let mut found: Vec<Diagnostic> = logs
        .iter()
        .filter_map(|(name, log)| whole(name, log))
        .collect();
    found.extend(audit(files, &logs));
    found.extend(attempts(&logs, &hosts(files)));
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

fn whole(name: &str, log: &Log) -> Option<Diagnostic> {
    let why = log.why.as_ref()?;
    let seen = format!(
        "{name}: {} of {} events cannot be read; the first: {why}",
        log.broken, log.count
    );
    Some(
        Diagnostic::warn(&EVENT_LOG_WHOLE, seen)
            .then("save the log again; what these events say is not diagnosed"),
    )
}

/// The warning of the article, in logs and in saved texts.
fn audit(files: &[ReadFile<'_>], logs: &[(&str, &Log)]) -> Option<Diagnostic> {
    let mut seen = Vec::new();
    let mut certain = false;
    let mut look = |place: String, text: &str| {
        for message in messages(text) {
            if let Message::AuditPrivilege { by_name } = message {
                certain |= by_name;
                let how = match by_name {
                    true => {
                        "the stack trace names RegisterAuditSource of the Key Protection Service"
                    }
                    false => {
                        "only words say so, which are translated on other machines; no name in a stack trace was there"
                    }
                };
                seen.push(format!("{place}: {how}"));
            }
        }
    };
    for (name, log) in logs {
        for event in &log.events {
            let place = format!(
                "{name}: event {} of {} at {}",
                event.id, event.provider, event.time
            );
            for text in event.texts() {
                look(place.clone(), text);
            }
        }
    }
    for file in files {
        match &file.content {
            Ok(Content::Text(text)) => look(file.name.to_owned(), text),
            Ok(Content::Objects {
                values, log: None, ..
            }) => {
                texts(values)
                    .into_iter()
                    .for_each(|text| look(file.name.to_owned(), text));
            }
            _ => {}
        }
    }
    seen.dedup();
    let count = seen.len();
    let mut seen = seen.into_iter();
    let first = seen.next()?;
    let mut diagnostic = match certain {
        true => Diagnostic::fail(&GMSA_AUDIT_EVENT, first),
        false => Diagnostic::warn(&GMSA_AUDIT_EVENT, first),
    };
    diagnostic
        .evidence
        .extend(seen.take(MAX_SHOWN.saturating_sub(1)));
    if count > MAX_SHOWN {
        diagnostic = diagnostic.seen(format!("and {} more", count.saturating_sub(MAX_SHOWN)));
    }
    Some(
        diagnostic
            .then(
                "the service account lacks 'Generate security audits' (SeAuditPrivilege): grant it \
                 on every node, beside LOCAL SERVICE and NETWORK SERVICE; the setting replaces the \
                 list",
            )
            .then("export the policy of each node, and diagnose it with --gmsa for the line to write:")
            .powershell("secedit /export /cfg C:\\secpol.inf /areas USER_RIGHTS"),
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

fn attempts(logs: &[(&str, &Log)], hosts: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let mut by_activity: BTreeMap<String, Attempt<'_>> = BTreeMap::new();
    let mut alone = 0usize;
    let events = logs.iter().flat_map(|(_, log)| &log.events);
    let events = events.filter(|event| event.provider == ATTESTATION);
    for event in events {
        let Some(what) = outcome(event.id) else {
            continue;
        };
        // An event without an activity is an attempt by itself.
        let key = event.activity.clone().unwrap_or_else(|| {
            alone = alone.saturating_add(1);
            format!("event {alone} without ActivityId")
        });
        by_activity.entry(key).or_default().take(event, what);
    }
    if by_activity.is_empty() {
        return Vec::new();
    }
    let mut passed = 0usize;
    let mut refused: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    let mut remedies: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    let mut unknown_eks = BTreeSet::new();
    for (activity, attempt) in &by_activity {
        let reasons = attempt.reasons();
        if reasons.is_empty() {
            passed = passed.saturating_add(usize::from(attempt.has_passed()));
            continue;
        }
        if attempt.outcomes.contains(&Outcome::UnknownEk) {
            unknown_eks.extend(attempt.ek.clone());
        }
        let names: Vec<String> = reasons.iter().map(|(name, _)| name.clone()).collect();
        remedies
            .entry(names.clone())
            .or_insert_with(|| reasons.into_iter().map(|(_, remedy)| remedy).collect());
        refused
            .entry(names)
            .or_default()
            .push(attempt.shown(activity));
    }
    if refused.is_empty() {
        let seen = format!(
            "{} attempts to attest, of which {passed} passed and none was refused",
            by_activity.len()
        );
        return vec![match passed {
            0 => Diagnostic::warn(&ATTESTATION_EVENT, seen).then(
                "save the log of a longer time, from every node of the service; the end of these \
                 attempts is not in it",
            ),
            _ => Diagnostic::pass(&ATTESTATION_EVENT, seen),
        }];
    }
    refused
        .into_iter()
        .map(|(names, attempts)| {
            let unknown = names
                .iter()
                .any(|name| name.starts_with("UnauthorizedHost (1500"));
            let seen = format!("{} attempts: {}", attempts.len(), names.join("; "));
            let mut diagnostic = Diagnostic::fail(&ATTESTATION_EVENT, seen);
            let more = attempts.len().saturating_sub(MAX_SHOWN);
            diagnostic
                .evidence
                .extend(attempts.into_iter().take(MAX_SHOWN));
            if more > 0 {
                diagnostic = diagnostic.seen(format!("and {more} more"));
            }
            if unknown {
                for ek in &unknown_eks {
                    let host = hosts
                        .get(ek)
                        .map_or_else(String::new, |host| format!(": {host}"));
                    diagnostic =
                        diagnostic.seen(format!("an EK that is not registered: {ek}{host}"));
                }
            }
            for remedy in remedies.remove(&names).unwrap_or_default() {
                diagnostic = diagnostic.then(remedy);
            }
            diagnostic
        })
        .collect()
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

    fn has_passed(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|one| matches!(one, Outcome::PassedTpm | Outcome::PassedAd))
    }

    /// What it was refused for, each with what to do.
    fn reasons(&self) -> Vec<(String, String)> {
        let reason = |one: &Outcome| match one {
            Outcome::UnknownEk => Some((
                "UnauthorizedHost (1500): the EK of the host is not registered".to_owned(),
                "register the host from its platform identifier: Add-HgsAttestationTpmHost on the \
                 service, endorse register-host here; the digest tells which host it is"
                    .to_owned(),
            )),
            Outcome::UnknownHost => Some((
                "UnauthorizedHost (1524): the host is in no group that the service trusts"
                    .to_owned(),
                "add the computer account of the host to a trusted group and restart the host, or \
                 add the group: Add-HgsAttestationHostGroup"
                    .to_owned(),
            )),
            Outcome::Refused(reason) => {
                let policy = match reason.policy {
                    "" => String::new(),
                    policy => format!(", policy {policy}"),
                };
                let events: Vec<String> = reason.events.iter().map(u32::to_string).collect();
                Some((
                    format!(
                        "{} ({}{policy}): {}",
                        reason.name,
                        events.join(" or "),
                        reason.cause
                    ),
                    reason.remedy.to_owned(),
                ))
            }
            Outcome::Started | Outcome::PassedTpm | Outcome::PassedAd => None,
        };
        self.outcomes.iter().filter_map(reason).collect()
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
