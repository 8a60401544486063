//! The tree as one page that needs nothing from anywhere: no script, no picture, no font.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words::{self, Step};
use super::{OpenedBundle, Run};
use crate::cli::human::copied;
use crate::diagnose::{Basis, Counts, Diagnostic, SetReport, Status, TargetReport};
use crate::hash::sha256;

const STYLE: &str = include_str!("page.css");

/// From how many targets on their list is dense.
const MANY: usize = 12;

/// The page. What passed and what does not apply is folded unless `detailed`.
pub(super) fn page(run: &Run<'_>, detailed: bool) -> String {
    let status = run.report.status();
    let (_, overall) = words::status(status);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (overall) " - guarded-fabric diagnostics" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#targets" { "To the results" }
                header {
                    p.soft { "endorse diagnose" }
                    h1 { "Guarded-fabric diagnostics: " (word(status)) }
                    p.soft { "Judged as of " time { (run.at) } "." }
                    @for bundle in run.bundles { (of_bundle(bundle, run)) }
                    @for error in run.errors {
                        p.note.said {
                            strong { "Not read: " } (copied(&error.to_string()))
                            @if !error.help.is_empty() { br; (copied(&error.help)) }
                        }
                    }
                    (counts(run.report.counts()))
                    @if run.report.targets.len() > 1 { (contents(run)) }
                }
                main #targets {
                    @for (at, one) in in_order(run).into_iter().enumerate() {
                        (target(at, one, detailed))
                    }
                }
                (legend())
            }
        }
    };
    page.into_string()
}

/// Nothing may be loaded and nothing may run; the one style sheet is known by its hash.
fn security_policy() -> String {
    let hash = STANDARD.encode(sha256(STYLE.as_bytes()).0);
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn word(status: Status) -> Markup {
    let (_, word) = words::status(status);
    html! { span class={ "word " (class(status)) } { (word) } }
}

fn class(status: Status) -> &'static str {
    match status {
        Status::NotApplicable => "none",
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
    }
}

fn of_bundle(bundle: &OpenedBundle, run: &Run<'_>) -> Markup {
    html! { p.note.said { (copied(&bundle.in_words(run.now))) } }
}

fn counts(counts: Counts) -> Markup {
    let tiles = [
        ("fail", "Failed", counts.fail),
        ("warn", "To look at", counts.warn),
        ("pass", "Passed", counts.pass),
        ("none", "Not applicable", counts.not_applicable),
    ];
    html! {
        dl.counts {
            @for (class, label, count) in tiles {
                div class=(if count == 0 { "none" } else { class }) { dt { (label) } dd { (count) } }
            }
        }
    }
}

fn in_order<'a>(run: &Run<'a>) -> Vec<&'a TargetReport> {
    words::worst_first(&run.report.targets, |one| one.status())
}

fn contents(run: &Run<'_>) -> Markup {
    // Beside each other where a list of them would fill the first screen.
    let many = run.report.targets.len() > MANY;
    html! {
        nav aria-label="Targets" {
            ul.targets.many[many] {
                @for (at, target) in in_order(run).into_iter().enumerate() {
                    li {
                        (word(target.status()))
                        a.said href={ "#target-" (at) } { (copied(&target.name)) }
                        @if !many { span.soft { (words::role(target.role)) } }
                    }
                }
            }
        }
    }
}

fn target<'a>(at: usize, target: &'a TargetReport, detailed: bool) -> Markup {
    let of_interest = |one: &&Diagnostic| words::is_trouble(one.status);
    let of_set = |set: &'a SetReport| words::worst_first(&set.diagnostics, |one| one.status);
    let sets = words::worst_first(&target.sets, |one| one.status());
    let counts = target.counts();
    html! {
        section.target id={ "target-" (at) } {
            div.head {
                h2.said { (copied(&target.name)) }
                (word(target.status()))
            }
            p.soft.said { (words::role(target.role)) ", from " (copied(&target.source)) }
            @for set in sets {
                (group(set, of_set(set).into_iter().filter(of_interest).collect()))
            }
            @if counts.pass.saturating_add(counts.not_applicable) > 0 {
                details open[detailed] {
                    summary {
                        (counts.pass) " passed, " (counts.not_applicable) " not applicable"
                    }
                    @for set in &target.sets {
                        (group(set, set.diagnostics.iter().filter(|one| !of_interest(one)).collect()))
                    }
                }
            }
        }
    }
}

fn group(set: &SetReport, diagnostics: Vec<&Diagnostic>) -> Markup {
    html! {
        @if !diagnostics.is_empty() {
            h3 { (set.set) }
            @for one in diagnostics { (diagnostic(one)) }
        }
    }
}

fn diagnostic(one: &Diagnostic) -> Markup {
    let definition = one.definition;
    let (evidence, left_out) = words::evidence(one);
    html! {
        article class={ "one " (class(one.status)) } {
            div.head {
                (word(one.status))
                h4 { (definition.title) }
            }
            ul {
                @for seen in evidence { li { (copied(seen)) } }
                @if left_out > 0 { li { "… and " (left_out) " more; --json has all" } }
            }
            @if !one.remedy.is_empty() {
                p.todo { "What to do" }
                ol {
                    @for step in words::steps(&one.remedy) { li { (remedy(&step)) } }
                }
            }
            p.soft.rule {
                code { (definition.id) } " · " (definition.source) " · " (definition.basis.as_str())
            }
        }
    }
}

fn remedy(step: &Step<'_>) -> Markup {
    match step {
        Step::Do(text) => html! { span.said { (copied(text)) } },
        Step::Commands(shell, lines) => {
            let lines: Vec<_> = lines.iter().map(|line| copied(line)).collect();
            html! {
                span.caption { (shell.caption()) }
                pre { code { (lines.join("\n")) } }
            }
        }
    }
}

fn legend() -> Markup {
    let statuses = [
        (Status::Fail, "wrong, and what to do about it"),
        (
            Status::Warn,
            "somebody should look: against a recommendation, or it could not be found out",
        ),
        (Status::Pass, "looked at and right"),
        (
            Status::NotApplicable,
            "there is nothing here that it could be about",
        ),
    ];
    let bases = [
        (
            Basis::Documented,
            "a public document states the rule; it is named",
        ),
        (
            Basis::Observed,
            "seen in a public artefact or report; no document states it",
        ),
        (Basis::Inferred, "concluded; may be wrong"),
    ];
    html! {
        footer.soft {
            p { "Commands are shown and were not run. Read them before you run them." }
            dl {
                @for (status, meaning) in statuses {
                    dt { (word(status)) } dd { (meaning) }
                }
                @for (basis, meaning) in bases {
                    dt { (basis.as_str()) } dd { (meaning) }
                }
            }
        }
    }
}
