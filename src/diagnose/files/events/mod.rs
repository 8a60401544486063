//! Event logs: as XML (`wevtutil`, the Event Viewer), through PowerShell, and in the binary
//! form of Windows. Only events that say something here are kept.

mod binary;
mod powershell;
mod xml;

pub(super) use binary::{is_evtx, read as read_evtx};
pub(super) use powershell::read as read_objects;
pub(super) use xml::{is_events, read as read_xml};

use super::limits::{MAX_BROKEN, MAX_EVENTS, MAX_KEPT_EVENTS, MAX_KEPT_OCTETS, too_large};
use crate::finding::Error;

/// The provider of the events of the Attestation Service.
pub(super) const ATTESTATION: &str = "Microsoft-Windows-HostGuardianService-Attestation";

/// What providers of a Host Guardian Service and its clients have in their names.
const HOST_GUARDIAN: &str = "HostGuardian";

/// An event, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Who wrote it.
    pub(super) provider: String,
    /// Its number, which has a meaning together with the provider only.
    pub(super) id: u32,
    /// When, as the log has it.
    pub(super) time: String,
    /// What belongs to one request has one of these.
    pub(super) activity: Option<String>,
    /// The machine that it was logged on.
    pub(super) computer: String,
    /// What it carries, with names where the log has them.
    pub(super) data: Vec<(String, String)>,
    /// Its text, where the log has it; in the language of the machine.
    pub(super) message: Option<String>,
}

/// What was read of a log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The events that say something here.
    pub(super) events: Vec<Event>,
    /// How many events there are in all.
    pub(super) count: usize,
    /// The events that could not be read, and why the first could not.
    pub(super) broken: usize,
    /// Why.
    pub(super) why: Option<String>,
    octets: usize,
}

impl Event {
    /// All the text of it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let data = self.data.iter().map(|(_, value)| value.as_str());
        data.chain(self.message.as_deref())
    }

    /// Whether it may say something here.
    fn matters(&self) -> bool {
        self.provider.contains(HOST_GUARDIAN) || self.texts().any(super::message::is_known)
    }
}

impl Log {
    /// Counts an event, and keeps it if it matters.
    fn take(&mut self, event: Result<Event, String>) -> Result<(), Error> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_EVENTS {
            return Err(too_large(format!(
                "the log has more than {MAX_EVENTS} events"
            )));
        }
        match event {
            Ok(event) if event.matters() => {
                let octets = event.texts().map(str::len).fold(0, usize::saturating_add);
                self.octets = self.octets.saturating_add(octets);
                if self.events.len() >= MAX_KEPT_EVENTS || self.octets > MAX_KEPT_OCTETS {
                    return Err(too_large(format!(
                        "more than {MAX_KEPT_EVENTS} events of the log, or more than \
                         {MAX_KEPT_OCTETS} bytes, are about a Host Guardian Service"
                    )));
                }
                self.events.push(event);
            }
            Ok(_) => {}
            Err(why) => {
                self.broken = self.broken.saturating_add(1);
                if self.broken > MAX_BROKEN {
                    return Err(too_large(format!(
                        "more than {MAX_BROKEN} events of the log cannot be read: {why}"
                    )));
                }
                self.why.get_or_insert(why);
            }
        }
        Ok(())
    }
}
