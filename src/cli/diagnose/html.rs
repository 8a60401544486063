use maud::{DOCTYPE, html};

use crate::diagnose::Report;

/// The tree as one page that needs nothing from anywhere.
pub(super) fn page(report: &Report, _detailed: bool) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "endorse diagnose" } }
            body {
                @for target in &report.targets {
                    h2 { (target.name) }
                }
            }
        }
    };
    page.into_string()
}
