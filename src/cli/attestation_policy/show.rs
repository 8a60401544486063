use clap::Args;
use serde::Serialize;

use super::step::{JsonPolicy, JsonStep, show};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::json;
use crate::diagnose::Basis;
use crate::diagnose::attestation::{
    EVENTS_BASIS, EventInfo, Guid, PolicyInfo, StatusInfo, by_event, by_name, by_reason,
    by_substatus, event, status, sub_status,
};
use crate::finding::Error;

pub(super) const SCHEMA: &str = "attestation-policy-show";

/// Options of `attestation-policy show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy show Hgs_NoDumps
  endorse attestation-policy show da0776e5-6570-44b3-9a17-7e95b4fc7779
  endorse attestation-policy show 1534
  endorse attestation-policy show VirtualSecureMode
  endorse attestation-policy show UnauthorizedHost

Exit codes:
  0  done
  2  wrong usage, or nothing is known by that name or number")]
pub(super) struct Show {
    /// Name of a policy, a reason (GUID), an event id, an AttestationSubStatus or
    /// an AttestationStatus
    #[arg(value_name = "WHAT")]
    what: String,
}

/// What there is by that name.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Known {
    Policy {
        /// How the row was found: that the columns of a row belong together is inferred,
        /// so only a name tells the policy for certain.
        basis: &'static str,
        #[serde(flatten)]
        policy: JsonPolicy,
    },
    Status {
        name: &'static str,
        meaning: &'static str,
        basis: &'static str,
        remedy: Vec<JsonStep>,
    },
    Event {
        id: u32,
        meaning: &'static str,
        basis: &'static str,
    },
}

pub(super) fn run(args: &Show, console: &mut Console<'_>) -> Result<Exit, Error> {
    let what = args.what.trim();
    let found = find(what);
    if found.is_empty() {
        return Err(Error::misuse(
            format!("nothing is known as '{what}'"),
            "see 'endorse attestation-policy list' for names and numbers",
        ));
    }
    if console.manner.json {
        let known: Vec<_> = found.iter().map(Found::known).collect();
        console.print(&json::document(SCHEMA, &known));
        return Ok(Exit::Done);
    }
    let mut page = Page::new(console.color());
    for one in &found {
        one.show(&mut page);
    }
    console.print(&page.into_text());
    Ok(Exit::Done)
}

enum Found {
    Policy(Basis, &'static PolicyInfo),
    Status(&'static StatusInfo),
    Event(&'static EventInfo),
}

fn find(what: &str) -> Vec<Found> {
    let inferred = |policy| Found::Policy(Basis::Inferred, policy);
    if let Some(policy) = by_name(what) {
        return vec![Found::Policy(Basis::Documented, policy)];
    }
    if let Ok(reason) = what.parse::<Guid>() {
        return by_reason(reason).map(inferred).into_iter().collect();
    }
    if let Ok(id) = what.parse() {
        return match event(id) {
            Some(event) => vec![Found::Event(event)],
            None => by_event(id).map(inferred).collect(),
        };
    }
    match sub_status(what).or_else(|| status(what)) {
        Some(status) => vec![Found::Status(status)],
        None => by_substatus(what).map(inferred).collect(),
    }
}

impl Found {
    fn known(&self) -> Known {
        match *self {
            Self::Policy(basis, policy) => Known::Policy {
                basis: basis.as_str(),
                policy: policy.into(),
            },
            Self::Status(status) => Known::Status {
                name: status.name,
                meaning: status.meaning,
                basis: Basis::Documented.as_str(),
                remedy: status.remedy.iter().map(JsonStep::from).collect(),
            },
            Self::Event(event) => Known::Event {
                id: event.id,
                meaning: event.meaning,
                basis: EVENTS_BASIS.as_str(),
            },
        }
    }

    fn show(&self, page: &mut Page) {
        match *self {
            Self::Policy(basis, policy) => {
                page.head(policy.name_or_reason(), Paint::Strong, policy.demands, "");
                page.optional(1, "type", policy.policy_type);
                page.field(1, "sub-status", policy.sub_status);
                page.field(1, "reason", &policy.reason.to_string());
                if !policy.events.is_empty() {
                    let events: Vec<_> = policy.events.iter().map(u32::to_string).collect();
                    page.field(1, "events", &events.join(", "));
                }
                page.field(1, "by default", policy.default_state.as_str());
                if policy.is_negative {
                    page.field(
                        1,
                        "negative",
                        "it fails a host that matches none of those that were added",
                    );
                }
                if basis == Basis::Inferred {
                    page.field(
                        1,
                        "basis",
                        "inferred: that this name or number is about it is concluded from names",
                    );
                }
                let steps: Vec<_> = policy.remedy.iter().map(JsonStep::from).collect();
                show(page, 1, &steps);
            }
            Self::Status(status) => {
                page.head(status.name, Paint::Strong, status.meaning, "");
                let steps: Vec<_> = status.remedy.iter().map(JsonStep::from).collect();
                show(page, 1, &steps);
            }
            Self::Event(event) => {
                let name = format!("event {}", event.id);
                page.head(&name, Paint::Strong, event.meaning, "");
                page.field(1, "basis", EVENTS_BASIS.as_str());
            }
        }
    }
}
