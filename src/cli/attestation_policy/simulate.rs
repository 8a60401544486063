use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::step::{JsonStep, show};
use super::{named, policy_states};
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::input::read_input;
use crate::cli::json;
use crate::diagnose::attestation::{
    Fate, HostState, IF_MISSING, Judged, MAX_STATE_LEN, PolicyState, overall, simulate,
};
use crate::finding::Error;

pub(super) const SCHEMA: &str = "attestation-policy-simulate";

/// Options of `attestation-policy simulate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse attestation-policy simulate hyp01-state.json
  endorse attestation-policy simulate hyp01-state.json --policies policies.json
  endorse attestation-policy simulate - --json < hyp01-state.json

HOST.json says what is known of a host: {\"schema\": \"endorse.host-state/1\",
\"secure_boot\": true, ...}; docs/attestation-policies.md has every field. What
is not said there, or null, is unknown, and no pass. Of the states of the
policies only what is documented is taken for granted; name a file of them with
--policies. Nothing is measured: the answer is as good as what the files say.

Exit codes:
  0  the host would pass
  1  it would fail, or it cannot be told
  2  wrong usage, or a file cannot be read
  3  a file is not what it should be")]
pub(super) struct Simulate {
    /// State of the host, or '-' for standard input
    #[arg(value_name = "HOST.json")]
    host: PathBuf,
    /// States of the policies [default: what is documented of a new service]
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
}

#[derive(Serialize)]
struct JsonSimulation {
    input: String,
    name: Option<String>,
    outcome: &'static str,
    demands: Vec<JsonDemand>,
}

#[derive(Serialize)]
struct JsonDemand {
    name: &'static str,
    demands: &'static str,
    state: Option<&'static str>,
    outcome: &'static str,
    field: &'static str,
    remedy: Vec<JsonStep>,
}

pub(super) fn run(args: &Simulate, console: &mut Console<'_>) -> Result<Exit, Error> {
    let states = policy_states(args.policies.as_deref(), console)?;
    let bytes = read_input(&args.host, console, MAX_STATE_LEN)?;
    let host = HostState::from_json(&bytes).map_err(|error| named(&args.host, error))?;
    let judged = simulate(&host, &states);
    let outcome = overall(&judged);
    let input = args.host.display().to_string();
    if console.manner.json {
        let simulation = JsonSimulation {
            input,
            name: host.name,
            outcome: outcome.as_str(),
            demands: judged.iter().map(demand).collect(),
        };
        console.print(&json::document(SCHEMA, &[simulation]));
    } else if outcome != Fate::Pass || !console.manner.quiet {
        let page = page(&input, host.name.as_deref(), &judged, outcome, console);
        console.print(&page);
    }
    Ok(match outcome {
        Fate::Pass => Exit::Done,
        _ => Exit::Rejected,
    })
}

fn demand(judged: &Judged) -> JsonDemand {
    JsonDemand {
        name: judged.demand.name(),
        demands: judged.demand.demands(),
        state: judged.state.map(PolicyState::as_str),
        outcome: judged.fate.as_str(),
        field: judged.field,
        remedy: remedy(judged),
    }
}

/// What to change; for what is not known, what to find out.
fn remedy(judged: &Judged) -> Vec<JsonStep> {
    match judged.fate {
        Fate::Fail | Fate::FailIfInForce => {
            judged.demand.remedy().iter().map(JsonStep::from).collect()
        }
        _ => Vec::new(),
    }
}

/// What is to be changed, then what is to be found out, then the rest.
fn worst_first(judged: &[Judged]) -> Vec<&Judged> {
    let mut judged: Vec<_> = judged.iter().collect();
    judged.sort_by_key(|one| match one.fate {
        Fate::Fail => 0,
        Fate::FailIfInForce => 1,
        Fate::CannotTell => 2,
        Fate::Pass | Fate::NotInForce | Fate::NotApplicable => 3,
    });
    judged
}

fn page(
    input: &str,
    name: Option<&str>,
    judged: &[Judged],
    outcome: Fate,
    console: &Console<'_>,
) -> String {
    let mut page = Page::new(console.color());
    let (paint, word) = match outcome {
        Fate::Pass => (Paint::Good, "WOULD PASS"),
        Fate::Fail => (Paint::Bad, "WOULD FAIL"),
        _ => (Paint::Careful, "CANNOT BE TOLD"),
    };
    page.head(input, paint, word, "(by what the file says)");
    page.optional(1, "name", name);
    // To match a baseline is asked twice: as such, and by a negative policy.
    let mut told = Vec::new();
    for one in worst_first(judged) {
        let (paint, word) = match one.fate {
            Fate::Pass => (Paint::Good, "pass"),
            Fate::Fail => (Paint::Bad, "FAIL"),
            Fate::FailIfInForce => (Paint::Careful, "FAIL if in force"),
            Fate::CannotTell => (Paint::Careful, "cannot tell"),
            Fate::NotInForce => (Paint::Strong, "not in force"),
            Fate::NotApplicable => (Paint::Strong, "does not apply"),
        };
        let mut text = format!("{}: {}", one.demand.name(), one.demand.demands());
        if one.fate == Fate::CannotTell {
            text.push_str(&format!("; depends on '{}'", one.field));
        }
        if one.fate == Fate::FailIfInForce {
            text.push_str("; whether the policy is in force is not known");
        }
        page.marked(1, paint, word, &text);
        let steps = one.demand.remedy();
        if !told.contains(&steps) {
            let remedy = remedy(one);
            if !remedy.is_empty() {
                told.push(steps);
            }
            show(&mut page, 2, &remedy);
        }
    }
    if judged
        .iter()
        .any(|one| one.state == Some(PolicyState::Missing))
    {
        page.line(1, "policies are missing:");
        for step in IF_MISSING {
            page.line(2, &format!(">>> {step}"));
        }
    }
    page.into_text()
}
