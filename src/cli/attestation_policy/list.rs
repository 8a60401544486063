use clap::Args;

use super::step::JsonPolicy;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::human::table;
use crate::cli::json;
use crate::diagnose::attestation::{COLUMNS, DefaultState, POLICIES};

pub(super) const SCHEMA: &str = "attestation-policy-list";

/// Options of `attestation-policy list`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy list
  endorse attestation-policy list --json | jq '.results[].name'

Exit codes:
  0  done
  2  wrong usage")]
pub(super) struct List {}

pub(super) fn run(_: &List, console: &mut Console<'_>) -> Exit {
    if console.manner.json {
        let policies: Vec<_> = POLICIES.iter().map(JsonPolicy::from).collect();
        console.print(&json::document(SCHEMA, &policies));
        return Exit::Done;
    }
    let rows: Vec<Vec<String>> = POLICIES
        .iter()
        .map(|policy| {
            let events: Vec<String> = policy.events.iter().map(u32::to_string).collect();
            let by_default = match policy.default_state {
                DefaultState::Disabled => "disabled",
                DefaultState::Unknown => "unknown",
                DefaultState::DisabledAfterUpdate => "unknown (1)",
            };
            vec![
                policy.name_or_reason().to_owned(),
                policy.sub_status.to_owned(),
                events.join(", "),
                by_default.to_owned(),
                policy.reason.to_string(),
            ]
        })
        .collect();
    let head = ["POLICY", "SUB-STATUS", "EVENTS", "BY DEFAULT", "REASON"];
    let mut text = table(&head, &rows);
    text.push_str("\n(1) disabled where the policy came with an update\n");
    text.push_str("What the columns rest on:\n");
    for column in COLUMNS {
        text.push_str(&format!(
            "  {}: {} ({})\n",
            column.name,
            column.basis.as_str(),
            column.source
        ));
    }
    console.print(&text);
    Exit::Done
}
