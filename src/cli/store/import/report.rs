use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::super::json::{JsonCandidate, JsonSource, JsonStored};
use super::super::listed;
use super::DIFF;
use crate::catalogue::{Candidate, LeftOut, Plan, Source, StoredCertificate};
use crate::cli::console::{Console, Paint};
use crate::cli::human::Page;
use crate::cli::json;
use crate::trust::Pool;

#[derive(Serialize)]
struct JsonImport {
    outcome: &'static str,
    what_if: bool,
    /// The packages among the sources.
    packages: Vec<JsonSource>,
    added: Vec<JsonCandidate>,
    /// How many are there already.
    unchanged: usize,
    /// What of that had come from a package that nobody vouched for, and now has the
    /// provenance of this one.
    vouched: Vec<JsonCandidate>,
    /// How many are left out, by reason.
    left_out: Vec<JsonLeftOut>,
    dropped: Vec<JsonStored>,
    /// Whether what was dropped is removed.
    removed: bool,
}

#[derive(Serialize)]
struct JsonLeftOut {
    reason: &'static str,
    certificates: Vec<JsonCandidate>,
}

/// What is to be reported.
pub(super) struct Outcome<'a> {
    pub(super) command: &'static str,
    pub(super) plan: &'a Plan,
    pub(super) named: &'a [PathBuf],
    pub(super) packages: Vec<Source>,
    pub(super) mirror: bool,
    pub(super) what_if: bool,
}

pub(super) fn report(outcome: &Outcome<'_>, console: &mut Console<'_>) {
    if let Some(there) = outcome.plan.newer_there {
        console.warn(&format!(
            "the package was signed before one that is in the store, which is of {there}: roots that \
             were dropped since are among those of this one. Get the newest package"
        ));
    }
    if console.manner.json {
        console.print(&json::document(outcome.command, &[json_of(outcome)]));
    } else if outcome.command == DIFF {
        let page = difference(outcome.plan, console);
        console.print(&page);
    } else if !console.manner.quiet {
        let page = summary(outcome, console);
        console.print(&page);
    }
    let refused: Vec<&Candidate> = outcome
        .plan
        .left_out
        .iter()
        .filter(|(_, why)| *why == LeftOut::Root)
        .map(|(candidate, _)| candidate)
        .collect();
    if let Some(first) = refused.first() {
        console.note(&format!(
            "{} left out, such as '{}' (SHA-256 {}): nothing vouches for them. If you know that they \
             are the vendors' (compare the SHA-256 with theirs), give --with-roots, or add one \
             with 'endorse store add --root FILE'",
            count(refused.len(), "root"),
            first.certificate.subject(),
            first.certificate.sha256()
        ));
    }
}

fn json_of(outcome: &Outcome<'_>) -> JsonImport {
    let plan = outcome.plan;
    let mut left_out: BTreeMap<LeftOut, Vec<JsonCandidate>> = BTreeMap::new();
    for (candidate, why) in &plan.left_out {
        left_out.entry(*why).or_default().push(candidate.into());
    }
    JsonImport {
        outcome: word(outcome),
        what_if: outcome.what_if,
        packages: outcome.packages.iter().map(JsonSource::from).collect(),
        added: plan.add.iter().map(JsonCandidate::from).collect(),
        unchanged: plan.unchanged.len(),
        vouched: plan.vouched.iter().map(JsonCandidate::from).collect(),
        left_out: left_out
            .into_iter()
            .map(|(why, certificates)| JsonLeftOut {
                reason: why.as_str(),
                certificates,
            })
            .collect(),
        dropped: plan.dropped.iter().map(JsonStored::from).collect(),
        removed: outcome.mirror,
    }
}

fn word(outcome: &Outcome<'_>) -> &'static str {
    let removes = outcome.mirror && !outcome.plan.dropped.is_empty();
    match outcome.plan.add.is_empty() && outcome.plan.vouched.is_empty() && !removes {
        true => "unchanged",
        false => "imported",
    }
}

fn summary(outcome: &Outcome<'_>, console: &Console<'_>) -> String {
    let plan = outcome.plan;
    let mut page = Page::new(console.color());
    let mut rest = in_pools(plan.add.iter().map(|candidate| candidate.pool));
    if outcome.mirror && !plan.dropped.is_empty() {
        rest.push_str(&format!(", {} removed", plan.dropped.len()));
    }
    if outcome.what_if {
        rest.push_str(" -- what if: nothing was written");
    }
    let of = match outcome.named {
        [one] => one.display().to_string(),
        many => count(many.len(), "source"),
    };
    page.head(&of, Paint::Good, &word(outcome).to_uppercase(), &rest);
    for source in &outcome.packages {
        if let Source::Package {
            name,
            sha256,
            signature,
            edition,
        } = source
        {
            if outcome.named.len() > 1 {
                page.field(1, "package", name);
            }
            page.field(1, "SHA-256", &sha256.to_string());
            page.optional(1, "edition", edition.as_deref());
            page.field(1, "signed", &listed::signed(signature.as_ref()));
        }
    }
    for (vendor, pools) in by_vendor(&plan.add) {
        page.field(
            1,
            "added",
            &format!("{vendor}: {}", in_pools(pools.into_iter())),
        );
    }
    if console.manner.verbose {
        for candidate in &plan.add {
            page.line(2, &candidate_line(candidate));
        }
    }
    if !plan.unchanged.is_empty() {
        page.field(
            1,
            "unchanged",
            &in_pools(plan.unchanged.iter().map(|candidate| candidate.pool)),
        );
    }
    if !plan.vouched.is_empty() {
        page.field(
            1,
            "vouched",
            &format!(
                "{} of them, which had come from a package that was not verified",
                in_pools(plan.vouched.iter().map(|candidate| candidate.pool))
            ),
        );
    }
    let mut left_out: BTreeMap<LeftOut, usize> = BTreeMap::new();
    for (_, why) in &plan.left_out {
        let number = left_out.entry(*why).or_default();
        *number = number.saturating_add(1);
    }
    for (why, number) in left_out {
        page.field(1, "left out", &format!("{number}, {}", why.as_str()));
    }
    if !plan.dropped.is_empty() {
        let (label, rest) = match outcome.mirror {
            true => ("removed", "which the package no longer has"),
            false => (
                "kept",
                "which the package no longer has; --mirror removes them",
            ),
        };
        page.field(1, label, &format!("{}, {rest}", plan.dropped.len()));
        for stored in &plan.dropped {
            page.line(2, &stored_line(stored));
        }
    }
    page.into_text()
}

fn difference(plan: &Plan, console: &Console<'_>) -> String {
    let mut page = Page::new(console.color());
    for candidate in &plan.add {
        page.line(0, &format!("+ {}", candidate_line(candidate)));
    }
    for stored in &plan.dropped {
        page.line(0, &format!("- {}", stored_line(stored)));
    }
    let left_out = plan.left_out.len();
    page.line(
        0,
        &format!(
            "{} to add, {} dropped, {} unchanged, {left_out} left out",
            plan.add.len(),
            plan.dropped.len(),
            plan.unchanged.len()
        ),
    );
    page.into_text()
}

fn candidate_line(candidate: &Candidate) -> String {
    format!(
        "{} {} {} {}",
        candidate.certificate.sha256(),
        candidate.pool.as_str(),
        candidate.vendor.as_deref().unwrap_or("-"),
        candidate.certificate.subject()
    )
}

fn stored_line(stored: &StoredCertificate) -> String {
    format!(
        "{} {} {} {}",
        stored.certificate.sha256(),
        stored.pool.as_str(),
        stored.vendor.as_deref().unwrap_or("-"),
        stored.certificate.subject()
    )
}

fn by_vendor(candidates: &[Candidate]) -> BTreeMap<String, Vec<Pool>> {
    let mut vendors: BTreeMap<String, Vec<Pool>> = BTreeMap::new();
    for candidate in candidates {
        let vendor = candidate.vendor.clone();
        let vendor = vendor.unwrap_or_else(|| "vendor not stated".to_owned());
        vendors.entry(vendor).or_default().push(candidate.pool);
    }
    vendors
}

fn in_pools(pools: impl Iterator<Item = Pool>) -> String {
    let (mut roots, mut intermediates) = (0usize, 0usize);
    for pool in pools {
        match pool {
            Pool::Root => roots = roots.saturating_add(1),
            Pool::Intermediate => intermediates = intermediates.saturating_add(1),
        }
    }
    match (roots, intermediates) {
        (0, 0) => "nothing new".to_owned(),
        (0, _) => count(intermediates, "intermediate"),
        (_, 0) => count(roots, "root"),
        _ => format!(
            "{}, {}",
            count(roots, "root"),
            count(intermediates, "intermediate")
        ),
    }
}

pub(in super::super) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
