//! What keeps the Key Protection Service from starting, by the warnings in the log of
//! applications and in saved texts.

use super::content::{Content, ReadFile};
use super::message::{Message, messages};
use super::object::texts;
use crate::diagnose::commands::EXPORT_PRIVILEGES;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// The Key Protection Service could register its source of security audits.
pub(super) static GMSA_AUDIT_EVENT: Definition = Definition {
    id: "gmsa-audit-event",
    set: Set::HostGuardianService,
    title: "The Key Protection Service may write security audits",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Group managed service account (gMSA) privileges",
};

/// The most warnings that are shown one by one.
const MAX_SHOWN: usize = 20;

/// The warning of the article, in logs and in saved texts.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Option<Diagnostic> {
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
    for file in files {
        for event in file.log().map_or(&[][..], |log| &log.events) {
            let place = format!(
                "{}: event {} of {} at {}",
                file.name, event.id, event.provider, event.time
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
            .powershell(EXPORT_PRIVILEGES),
    )
}
