use clap::Args;
use serde::Serialize;

use super::json::JsonWaived;
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::Page;
use crate::cli::json;
use crate::cli::options::RegistryArgs;
use crate::finding::Error;
use crate::hash::{Sha256Digest, from_hex};
use crate::registry::{CheckReport, Mode, Registry, TrailEntry};

pub(super) const HISTORY: &str = "hosts-history";

/// Options of `hosts history`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts history hyp01
  endorse hosts history --check
  endorse hosts history --check --head 9c1f...e0

Every entry holds the hash of the one before it. 'hosts history --check' prints
the hash of the last entry; keep it elsewhere and give it with --head later, for
only that shows that the trail was not written anew as a whole.

Exit codes:
  0  done; with --check: nothing is wrong
  1  the check found something wrong
  2  wrong usage, or the registry is missing or broken")]
pub(super) struct History {
    /// Name of the host; without it the whole trail is shown
    #[arg(value_name = "HOST", conflicts_with = "check")]
    host: Option<String>,
    /// Check the trail, and the hosts against it, instead of showing it
    #[arg(long)]
    check: bool,
    /// Hash of an entry noted earlier, which must still be in the trail
    #[arg(long, value_name = "HEX", requires = "check", value_parser = parse_digest)]
    head: Option<Sha256Digest>,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Serialize)]
struct JsonEntry {
    seq: i64,
    at: String,
    who: String,
    action: &'static str,
    host: String,
    state: &'static str,
    trust: &'static str,
    policy_version: &'static str,
    ekpubs: Vec<String>,
    file_sha256: String,
    store: String,
    policy: String,
    waived: Vec<JsonWaived>,
    reason: Option<String>,
    rechecked_trusted: Option<bool>,
    rechecked_codes: Vec<String>,
    hash: String,
    /// The bytes that were hashed, so that others can check the chain.
    entry: String,
}

#[derive(Serialize)]
struct JsonCheck {
    outcome: &'static str,
    entries: i64,
    hosts: i64,
    head: String,
    expected_at: Option<i64>,
    problems: Vec<JsonProblem>,
}

#[derive(Serialize)]
struct JsonProblem {
    seq: Option<i64>,
    host: Option<String>,
    message: String,
}

pub(super) fn run(args: &History, console: &mut Console<'_>) -> Result<Exit, Error> {
    let registry = args.registry.open(Mode::ReadOnly)?;
    if args.check {
        return check(&registry, args.head, console);
    }
    let trail = registry.history(args.host.as_deref())?;
    if let (Some(host), true) = (&args.host, trail.is_empty()) {
        return Err(Error::misuse(
            format!("no host was ever registered as {host}"),
            "see 'endorse hosts list --all'",
        ));
    }
    if console.manner.json {
        let entries: Vec<_> = trail.iter().map(JsonEntry::from).collect();
        console.print(&json::document(HISTORY, &entries));
    } else if trail.is_empty() {
        console.note("no entry");
    } else {
        let mut page = Page::new(console.color());
        for entry in &trail {
            describe(&mut page, entry);
        }
        console.print(&page.into_text());
    }
    Ok(Exit::Done)
}

fn describe(page: &mut Page, trail: &TrailEntry) {
    let entry = &trail.entry;
    page.line(
        0,
        &format!(
            "{} {} {} {} by {} ({}, {}, {})",
            entry.seq,
            entry.at,
            entry.action.as_str(),
            entry.host,
            entry.who,
            entry.trust,
            entry.policy_version,
            entry.state
        ),
    );
    page.optional(1, "reason", entry.reason.as_deref());
    for waived in &entry.waived {
        page.field(1, "waived", &format!("{}: {}", waived.code, waived.message));
    }
    if let Some(challenge) = &entry.challenge {
        page.field(
            1,
            "challenge",
            &format!("{}, to be answered by {}", challenge.id, challenge.expires),
        );
    }
    if let Some(possession) = &entry.possession {
        page.field(
            1,
            "possession",
            &format!(
                "proven {} by the challenge {}",
                possession.proven_at, possession.challenge
            ),
        );
    }
    match entry.rechecked_trusted {
        Some(true) => page.field(1, "rechecked", "trusted"),
        Some(false) => page.field(
            1,
            "rechecked",
            &format!("not trusted [{}]", entry.rechecked_codes.join(", ")),
        ),
        None => {}
    }
    page.field(1, "hash", &trail.hash.to_string());
}

fn check(
    registry: &Registry,
    expected: Option<Sha256Digest>,
    console: &mut Console<'_>,
) -> Result<Exit, Error> {
    let report = registry.check(expected)?;
    if console.manner.json {
        console.print(&json::document(HISTORY, &[JsonCheck::from(&report)]));
    } else if !report.is_ok() || !console.manner.quiet {
        let mut page = Page::new(console.color());
        if report.is_ok() {
            page.head("audit trail", Paint::Good, "INTACT", "");
        } else {
            page.head("audit trail", Paint::Bad, "BROKEN", "");
        }
        page.field(1, "entries", &report.entries.to_string());
        page.field(1, "hosts", &report.hosts.to_string());
        page.field(1, "head", &report.head.to_string());
        if let Some(seq) = report.expected_at {
            page.field(1, "expected", &format!("found at entry {seq}"));
        }
        for problem in &report.problems {
            let mut place = Vec::new();
            place.extend(problem.seq.map(|seq| format!("entry {seq}: ")));
            place.extend(problem.host.as_ref().map(|host| format!("{host}: ")));
            page.field(
                1,
                "problem",
                &format!("{}{}", place.concat(), problem.message),
            );
        }
        console.print(&page.into_text());
    }
    Ok(if report.is_ok() {
        Exit::Done
    } else {
        Exit::Rejected
    })
}

fn parse_digest(text: &str) -> Result<Sha256Digest, String> {
    from_hex(text)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(Sha256Digest)
        .ok_or_else(|| "a hash has 64 hexadecimal digits".to_owned())
}

impl From<&TrailEntry> for JsonEntry {
    fn from(trail: &TrailEntry) -> Self {
        let entry = &trail.entry;
        Self {
            seq: entry.seq,
            at: entry.at.clone(),
            who: entry.who.clone(),
            action: entry.action.as_str(),
            host: entry.host.clone(),
            state: entry.state.as_str(),
            trust: entry.trust.as_str(),
            policy_version: entry.policy_version.as_str(),
            ekpubs: entry.ekpubs.clone(),
            file_sha256: entry.file_sha256.clone(),
            store: entry.store.clone(),
            policy: entry.policy.clone(),
            waived: entry.waived.iter().map(JsonWaived::from).collect(),
            reason: entry.reason.clone(),
            rechecked_trusted: entry.rechecked_trusted,
            rechecked_codes: entry.rechecked_codes.clone(),
            hash: trail.hash.to_string(),
            entry: trail.json.clone(),
        }
    }
}

impl From<&CheckReport> for JsonCheck {
    fn from(report: &CheckReport) -> Self {
        Self {
            outcome: if report.is_ok() { "intact" } else { "broken" },
            entries: report.entries,
            hosts: report.hosts,
            head: report.head.to_string(),
            expected_at: report.expected_at,
            problems: report
                .problems
                .iter()
                .map(|problem| JsonProblem {
                    seq: problem.seq,
                    host: problem.host.clone(),
                    message: problem.message.clone(),
                })
                .collect(),
        }
    }
}
