use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::policy_states;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::human::table;
use crate::cli::json;
use crate::diagnose::attestation::{
    DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY, DumpAnswer, DumpPolicies, HostDumps, IF_MISSING,
    NO_DUMPS, PolicyState, PolicyStates, judge_dumps,
};
use crate::finding::Error;

pub(super) const SCHEMA: &str = "attestation-policy-dumps";

/// Options of `attestation-policy dumps`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy dumps
  endorse attestation-policy dumps --policies policies.json

The table has every combination of policies in force (enabled or locked) with
the memory dumps that a host may write. With --policies it has those that the
states in the file leave.

Exit codes:
  0  done
  2  wrong usage, or a file cannot be read
  3  a file is not what it should be")]
pub(super) struct Dumps {
    /// States of the policies [default: every combination]
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
}

#[derive(Serialize)]
struct JsonRow {
    no_dumps: bool,
    dump_encryption: bool,
    dump_encryption_key: bool,
    host: &'static str,
    outcome: &'static str,
    failed: Vec<&'static str>,
    plain_dumps_possible: bool,
}

pub(super) fn run(args: &Dumps, console: &mut Console<'_>) -> Result<Exit, Error> {
    let states = policy_states(args.policies.as_deref(), console)?;
    let rows: Vec<JsonRow> = DumpPolicies::ALL
        .into_iter()
        .filter(|policies| may_be(&states, *policies))
        .flat_map(|policies| HostDumps::ALL.map(|host| row(policies, host)))
        .collect();
    if console.manner.json {
        console.print(&json::document(SCHEMA, &rows));
        return Ok(Exit::Done);
    }
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut failed = row.failed.join(", ");
            if row.plain_dumps_possible {
                failed = "(memory may be saved in the clear)".to_owned();
            }
            vec![
                on(row.no_dumps),
                on(row.dump_encryption),
                on(row.dump_encryption_key),
                row.host.to_owned(),
                row.outcome.to_owned(),
                failed,
            ]
        })
        .collect();
    let head = [
        "NoDumps",
        "DumpEncryption",
        "DumpEncryptionKey",
        "DUMPS OF THE HOST",
        "HOST",
        "FAILS",
    ];
    let mut text = table(&head, &cells);
    let missing = [NO_DUMPS, DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY]
        .into_iter()
        .filter(|name| states.of(name) == PolicyState::Missing)
        .collect::<Vec<_>>();
    text.push('\n');
    match missing.as_slice() {
        [] => text.push_str("If the service does not have these policies:\n"),
        missing => text.push_str(&format!("Missing: {}\n", missing.join(", "))),
    }
    for step in IF_MISSING {
        text.push_str(&format!("  >>> {step}\n"));
    }
    console.print(&text);
    Ok(Exit::Done)
}

fn may_be(states: &PolicyStates, policies: DumpPolicies) -> bool {
    let agrees = |name, on: bool| states.of(name).in_force().is_none_or(|known| known == on);
    agrees(NO_DUMPS, policies.no_dumps)
        && agrees(DUMP_ENCRYPTION, policies.encryption)
        && agrees(DUMP_ENCRYPTION_KEY, policies.key)
}

fn row(policies: DumpPolicies, host: HostDumps) -> JsonRow {
    let verdict = judge_dumps(policies, host);
    JsonRow {
        no_dumps: policies.no_dumps,
        dump_encryption: policies.encryption,
        dump_encryption_key: policies.key,
        host: host.as_str(),
        outcome: match verdict.overall() {
            DumpAnswer::Fail => "fails",
            DumpAnswer::CannotTell => "cannot tell",
            _ => "passes",
        },
        failed: verdict.failed(),
        plain_dumps_possible: host == HostDumps::Plain && verdict.overall() == DumpAnswer::Pass,
    }
}
