use serde::Serialize;

use crate::cli::human::Page;
use crate::diagnose::Remedy;
use crate::diagnose::attestation::{PolicyInfo, Step};

/// A step of a remedy, as `diagnose` writes it.
#[derive(Serialize)]
pub(super) struct JsonStep {
    kind: &'static str,
    text: String,
}

impl From<&Step> for JsonStep {
    fn from(step: &Step) -> Self {
        let (kind, text) = match step {
            Step::Do(text) => ("do", *text),
            Step::PowerShell(line) => ("powershell", *line),
        };
        Self {
            kind,
            text: text.to_owned(),
        }
    }
}

impl From<&Remedy> for JsonStep {
    fn from(remedy: &Remedy) -> Self {
        let (kind, text) = match remedy {
            Remedy::Do(text) => ("do", text),
            Remedy::PowerShell(line) => ("powershell", line),
            Remedy::Sh(line) => ("sh", line),
        };
        Self {
            kind,
            text: text.clone(),
        }
    }
}

/// Shows the steps.
pub(super) fn show(page: &mut Page, depth: usize, steps: &[JsonStep]) {
    for step in steps {
        let prompt = match step.kind {
            "powershell" => "PS> ",
            "sh" => "$ ",
            _ => "",
        };
        page.copied(depth, &format!(">>> {prompt}{}", step.text));
    }
}

/// A row of the table.
#[derive(Serialize)]
pub(super) struct JsonPolicy {
    name: Option<&'static str>,
    policy_type: Option<&'static str>,
    reason: String,
    sub_status: &'static str,
    events: &'static [u32],
    default_state: &'static str,
    negative: bool,
    demands: &'static str,
    remedy: Vec<JsonStep>,
}

impl From<&PolicyInfo> for JsonPolicy {
    fn from(policy: &PolicyInfo) -> Self {
        Self {
            name: policy.name,
            policy_type: policy.policy_type,
            reason: policy.reason.to_string(),
            sub_status: policy.sub_status,
            events: policy.events,
            default_state: policy.default_state.as_str(),
            negative: policy.is_negative,
            demands: policy.demands,
            remedy: policy.remedy.iter().map(JsonStep::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command is there to be copied.
    #[test]
    fn a_command_is_shown_as_it_is() {
        let mut page = Page::new(false);
        let line = r"Get-Item HKLM:\SYSTEM";
        show(&mut page, 1, &[JsonStep::from(&Step::PowerShell(line))]);
        assert_eq!(page.into_text(), format!("  >>> PS> {line}\n"));
    }
}
