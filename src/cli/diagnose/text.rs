use std::collections::HashMap;

use super::Run;
use super::alike::{self, Alike};
use super::words::{self, Step};
use crate::cli::human::Page;
use crate::diagnose::{Counts, Diagnostic, Remedy, SetReport, Status};

/// The tree for people, the worst first. What passed and what does not apply is left out unless
/// `detailed`, and so is what would be said again.
pub(super) fn tree(run: &Run<'_>, detailed: bool, color: bool) -> String {
    let mut page = Page::new(color);
    let (paint, word) = words::status(run.report.status());
    let counts = run.report.counts();
    page.result(0, "Overall Result", paint, word, &trouble(counts));
    page.line(0, &format!("judged as of {}", run.at));
    for bundle in run.bundles {
        page.copied(0, &bundle.in_words(run.now));
    }
    let targets = words::worst_first(&run.report.targets, |one| one.status());
    for one in alike::groups(&targets, detailed) {
        page.line(0, "");
        target(&mut page, &one, detailed);
    }
    page.line(0, "");
    page.line(
        0,
        &format!(
            "{} at {}: {}",
            words::number(counts.total(), "diagnostic"),
            words::number(run.report.targets.len(), "target"),
            words::counts(counts)
        ),
    );
    if !detailed && counts.pass.saturating_add(counts.not_applicable) > 0 {
        page.line(0, "what passed or does not apply is shown with --detailed");
    }
    page.into_text()
}

/// How much there is to do, if there is anything.
fn trouble(counts: Counts) -> String {
    match (counts.fail, counts.warn) {
        (0, 0) => String::new(),
        (0, warn) => format!("({warn} to look at)"),
        (fail, 0) => format!("({fail} failed)"),
        (fail, warn) => format!("({fail} failed, {warn} to look at)"),
    }
}

fn target(page: &mut Page, group: &Alike<'_>, detailed: bool) {
    let target = group.first;
    let (paint, word) = words::status(target.status());
    let rest = match group.source() {
        Some(source) => format!("({}; from {source})", words::role(target.role)),
        None => format!("({})", words::role(target.role)),
    };
    let name = match group.others.len() {
        0 => target.name.clone(),
        more => format!("{} and {more} more", target.name),
    };
    page.result(0, &name, paint, word, &rest);
    for names in group.names() {
        page.copied(1, &names);
    }
    let shown = words::worst_first(&target.sets, |one| one.status());
    let shown: Vec<_> = shown
        .into_iter()
        .filter(|one| !hidden(one.status(), detailed))
        .collect();
    if !group.others.is_empty() && !shown.is_empty() {
        page.copied(
            1,
            &format!(
                "what was seen is shown of {}; --detailed shows it of each",
                target.name
            ),
        );
    }
    for one in shown {
        set(page, one, detailed);
    }
}

fn set(page: &mut Page, set: &SetReport, detailed: bool) {
    let (paint, word) = words::status(set.status());
    page.result(1, set.set.as_str(), paint, word, "");
    let mut shown = words::worst_first(&set.diagnostics, |one| one.status);
    shown.retain(|one| !hidden(one.status, detailed));
    for same in with_one_remedy(shown, detailed) {
        diagnostics(page, &same, detailed);
    }
}

/// What ended in the same way and has the same remedy is shown together, with the remedy once.
fn with_one_remedy<'a>(shown: Vec<&'a Diagnostic>, detailed: bool) -> Vec<Vec<&'a Diagnostic>> {
    let mut places: HashMap<(Status, &[Remedy]), usize> = HashMap::new();
    let mut groups: Vec<Vec<&'a Diagnostic>> = Vec::new();
    for one in shown {
        let place = match detailed || one.remedy.is_empty() {
            true => groups.len(),
            false => *places
                .entry((one.status, &one.remedy))
                .or_insert(groups.len()),
        };
        match groups.get_mut(place) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

fn hidden(status: Status, detailed: bool) -> bool {
    !detailed && !words::is_trouble(status)
}

/// Diagnostics that have one remedy. What was seen is not said again either.
fn diagnostics(page: &mut Page, same: &[&Diagnostic], detailed: bool) {
    let mut rest = same.iter().peekable();
    while let Some(one) = rest.next() {
        title(page, one);
        if rest.peek().is_none_or(|next| next.evidence != one.evidence) {
            seen(page, one);
        }
    }
    let Some(last) = same.last() else { return };
    remedy(page, last);
    if detailed {
        let definition = last.definition;
        page.line(
            3,
            &format!(
                "rule: {} ({})",
                definition.source,
                definition.basis.as_str()
            ),
        );
    }
}

fn title(page: &mut Page, one: &Diagnostic) {
    let definition = one.definition;
    let (paint, word) = words::status(one.status);
    let mut rest = format!("[{}]", definition.id);
    if let Some(basis) = words::basis(definition.basis) {
        rest.push_str(&format!(" ({basis})"));
    }
    page.result(2, definition.title, paint, word, &rest);
}

fn seen(page: &mut Page, one: &Diagnostic) {
    let (evidence, left_out) = words::evidence(one);
    for seen in evidence {
        page.copied(3, seen);
    }
    if left_out > 0 {
        page.line(3, &format!("… and {left_out} more; --json has all"));
    }
}

fn remedy(page: &mut Page, one: &Diagnostic) {
    for step in words::steps(&one.remedy) {
        match step {
            Step::Do(text) => page.copied(3, &format!(">>> {text}")),
            Step::Commands(shell, lines) => {
                page.line(3, &format!(">>> {}", shell.caption()));
                for line in lines {
                    page.copied(5, line);
                }
            }
        }
    }
}
