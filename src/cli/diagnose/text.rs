use crate::cli::console::Paint;
use crate::cli::human::Page;
use crate::diagnose::{Remedy, Report, Status};

/// The tree for people. What passed and what does not apply is left out unless `detailed`.
pub(super) fn tree(report: &Report, detailed: bool, color: bool) -> String {
    let mut page = Page::new(color);
    for target in &report.targets {
        let (paint, word) = shown(target.status());
        page.head(&target.name, paint, word, "");
        for set in &target.sets {
            page.line(1, &format!("{}: {}", set.set, set.status().as_str()));
            for one in &set.diagnostics {
                if !detailed && matches!(one.status, Status::Pass | Status::NotApplicable) {
                    continue;
                }
                page.line(
                    2,
                    &format!("{}: {}", one.definition.title, one.status.as_str()),
                );
                for seen in &one.evidence {
                    page.line(3, seen);
                }
                for step in &one.remedy {
                    let (Remedy::Do(text) | Remedy::PowerShell(text) | Remedy::Sh(text)) = step;
                    page.line(3, &format!(">>> {text}"));
                }
            }
        }
    }
    page.into_text()
}

fn shown(status: Status) -> (Paint, &'static str) {
    match status {
        Status::NotApplicable => (Paint::Strong, "not applicable"),
        Status::Pass => (Paint::Good, "pass"),
        Status::Warn => (Paint::Careful, "warn"),
        Status::Fail => (Paint::Bad, "fail"),
    }
}
