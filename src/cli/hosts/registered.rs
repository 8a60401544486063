use clap::Args;
use serde::Serialize;

use super::FilterArgs;
use super::json::JsonHost;
use crate::cli::console::{Console, Paint};
use crate::cli::exit::Exit;
use crate::cli::human::{Page, table};
use crate::cli::json;
use crate::cli::options::{RegistryArgs, now, who};
use crate::finding::Error;
use crate::hash::hex;
use crate::registry::{Host, Mode};

pub(super) const LIST: &str = "hosts-list";
pub(super) const SHOW: &str = "hosts-show";
pub(super) const REMOVE: &str = "hosts-remove";

/// Options of `hosts list`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts list
  endorse hosts list --trust forced
  endorse hosts list --ek 5f3a9c01 --all

Exit codes:
  0  done, even if no host is registered
  2  wrong usage, or the registry is missing or broken")]
pub(super) struct List {
    #[command(flatten)]
    filter: FilterArgs,
    /// Superseded and removed registrations as well
    #[arg(long, help_heading = "Which hosts")]
    all: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Options of `hosts show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts show hyp01
  endorse hosts show 5f3a9c01

Exit codes:
  0  done
  2  wrong usage, no such host, or the registry is missing or broken")]
pub(super) struct Show {
    /// Name of the host, or the start (8 digits or more) of its EKpub's SHA-256
    #[arg(value_name = "HOST")]
    host: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Options of `hosts remove`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endorse hosts remove hyp01 --reason 'TICKET-43: decommissioned'
  endorse hosts remove --what-if hyp01 hyp02

Exit codes:
  0  done
  2  wrong usage, no such host, or the registry is missing or broken")]
pub(super) struct Remove {
    /// Names of the hosts, or the starts of their EKpubs' SHA-256
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Say what would happen, and change nothing
    #[arg(long)]
    what_if: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Serialize)]
struct JsonRemoved {
    outcome: &'static str,
    what_if: bool,
    host: Option<JsonHost>,
    error: Option<json::JsonError>,
}

pub(super) fn list(args: &List, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut filter = args.filter.filter();
    filter.ended = filter.ended || args.all;
    let hosts = args.registry.open(Mode::ReadOnly)?.list(&filter)?;
    if console.manner.json {
        let hosts: Vec<_> = hosts.iter().map(JsonHost::from).collect();
        console.print(&json::document(LIST, &hosts));
    } else if hosts.is_empty() {
        console.note("no host");
    } else {
        let head = [
            "NAME",
            "TRUST",
            "VERSION",
            "STATE",
            "EK",
            "SPKI SHA-256",
            "REGISTERED",
            "BY",
        ];
        let rows: Vec<_> = hosts.iter().map(row).collect();
        console.print(&table(&head, &rows));
    }
    Ok(Exit::Done)
}

fn row(host: &Host) -> Vec<String> {
    /// Digits of the EK that are shown: enough to name a host with.
    const SHOWN: usize = 16;
    let (algorithm, digits) = host.eks.first().map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |ek| {
            let digits = ek.spki_sha256.to_string().chars().take(SHOWN).collect();
            (ek.algorithm.clone(), digits)
        },
    );
    vec![
        host.name.clone(),
        host.trust.to_string(),
        host.policy_version.to_string(),
        host.state.to_string(),
        algorithm,
        digits,
        host.registered_at.to_string(),
        host.registered_by.clone(),
    ]
}

pub(super) fn show(args: &Show, console: &mut Console<'_>) -> Result<Exit, Error> {
    let host = args.registry.open(Mode::ReadOnly)?.show(&args.host)?;
    if console.manner.json {
        console.print(&json::document(SHOW, &[JsonHost::from(&host)]));
    } else {
        let mut page = Page::new(console.color());
        describe(&mut page, &host);
        console.print(&page.into_text());
    }
    Ok(Exit::Done)
}

fn describe(page: &mut Page, host: &Host) {
    let paint = match host.trust {
        crate::registry::Trust::Verified => Paint::Good,
        crate::registry::Trust::Forced => Paint::Careful,
    };
    page.head(
        &host.name,
        paint,
        &host.trust.as_str().to_uppercase(),
        &format!("({}, {})", host.policy_version, host.state),
    );
    page.optional(1, "foreign key", host.foreign_key.as_deref());
    page.machine(1, &host.machine);
    for ek in &host.eks {
        page.field(1, "EKpub", &ek.algorithm);
        page.line(2, &format!("SPKI SHA-256           {}", ek.spki_sha256));
        page.line(2, &format!("Windows PublicKeyHash  {}", ek.windows_sha256));
    }
    for ekcert in &host.ekcerts {
        page.field(1, "EKcert", &format!("SHA-256 {}", ekcert.sha256));
    }
    page.field(
        1,
        "registered",
        &format!(
            "{} by {}{}",
            host.registered_at,
            host.registered_by,
            if host.imported { ", imported" } else { "" }
        ),
    );
    page.optional(1, "reason", host.reason.as_deref());
    for waived in &host.waived {
        page.field(1, "waived", &format!("{}: {}", waived.code, waived.message));
    }
    page.field(1, "judged as of", &host.judged_at.to_string());
    page.field(1, "file", &format!("SHA-256 {}", host.file_sha256));
    page.field(1, "store", &host.store.to_string());
    page.field(1, "policy", &host.policy.to_string());
    if let Some(recheck) = &host.recheck {
        let answer = if recheck.trusted {
            "trusted".to_owned()
        } else {
            format!("not trusted [{}]", recheck.codes.join(", "))
        };
        page.field(1, "rechecked", &format!("{}: {answer}", recheck.at));
    }
    let possession = match &host.possession {
        Some(possession) => format!(
            "proven {}, attestation key {}",
            possession.proven_at,
            hex(&possession.ak_name)
        ),
        None => "not proven".to_owned(),
    };
    page.field(1, "possession", &possession);
    if let Some(ended) = host.ended_at {
        page.field(1, "ended", &ended.to_string());
    }
}

pub(super) fn remove(args: &Remove, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mode = if args.what_if {
        Mode::WhatIf
    } else {
        Mode::ReadWrite
    };
    let registry = args.registry.open(mode)?;
    let who = who();
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for name in &args.hosts {
        let removed = now()
            .and_then(|at| registry.remove(name, args.reason.as_deref(), at, &who, args.what_if));
        match removed {
            Ok(host) => {
                if console.manner.json {
                    results.push(JsonRemoved {
                        outcome: "removed",
                        what_if: args.what_if,
                        host: Some((&host).into()),
                        error: None,
                    });
                } else if !console.manner.quiet {
                    let mut page = Page::new(console.color());
                    let rest = if args.what_if {
                        "-- what if: nothing was written"
                    } else {
                        ""
                    };
                    page.head(&host.name, Paint::Strong, "REMOVED", rest);
                    console.print(&page.into_text());
                }
            }
            Err(error) => {
                exit = exit.and(Exit::from(&error));
                console.error(&error);
                results.push(JsonRemoved {
                    outcome: "failed",
                    what_if: args.what_if,
                    host: None,
                    error: Some((&error).into()),
                });
            }
        }
    }
    if console.manner.json {
        console.print(&json::document(REMOVE, &results));
    }
    Ok(exit)
}
