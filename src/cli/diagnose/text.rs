use super::Run;
use super::words::{self, Step};
use crate::cli::human::Page;
use crate::diagnose::{Diagnostic, SetReport, Status, TargetReport};

/// The tree for people. What passed and what does not apply is left out unless `detailed`.
pub(super) fn tree(run: &Run<'_>, detailed: bool, color: bool) -> String {
    let mut page = Page::new(color);
    let (paint, word) = words::status(run.report.status());
    page.result(0, "Overall Result", paint, word, "");
    page.line(0, &format!("judged as of {}", run.at));
    for bundle in run.bundles {
        page.copied(0, &bundle.in_words(run.now));
    }
    for one in &run.report.targets {
        page.line(0, "");
        target(&mut page, one, detailed);
    }
    page.line(0, "");
    let counts = run.report.counts();
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

fn target(page: &mut Page, target: &TargetReport, detailed: bool) {
    let (paint, word) = words::status(target.status());
    let rest = match target.source == target.name {
        true => format!("({})", words::role(target.role)),
        false => format!("({}; from {})", words::role(target.role), target.source),
    };
    page.result(0, &target.name, paint, word, &rest);
    for one in &target.sets {
        set(page, one, detailed);
    }
}

fn set(page: &mut Page, set: &SetReport, detailed: bool) {
    if hidden(set.status(), detailed) {
        return;
    }
    let (paint, word) = words::status(set.status());
    page.result(1, set.set.as_str(), paint, word, "");
    for one in &set.diagnostics {
        if !hidden(one.status, detailed) {
            diagnostic(page, one, detailed);
        }
    }
}

fn hidden(status: Status, detailed: bool) -> bool {
    !detailed && matches!(status, Status::Pass | Status::NotApplicable)
}

fn diagnostic(page: &mut Page, one: &Diagnostic, detailed: bool) {
    let definition = one.definition;
    let (paint, word) = words::status(one.status);
    let mut rest = format!("[{}]", definition.id);
    if let Some(basis) = words::basis(definition.basis) {
        rest.push_str(&format!(" ({basis})"));
    }
    page.result(2, definition.title, paint, word, &rest);
    let (evidence, left_out) = words::evidence(one);
    for seen in evidence {
        page.copied(3, seen);
    }
    if left_out > 0 {
        page.line(3, &format!("… and {left_out} more; --json has all"));
    }
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
    if detailed {
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
