//! What people read. Text from an input is escaped here and nowhere else.

use super::console::Paint;
use crate::ek::{Certificate, Name, TpmFacts};
use crate::finding::{Finding, Severity, escape};
use crate::identifier::Machine;

/// Lines of text for a person.
pub(super) struct Page {
    text: String,
    color: bool,
}

/// The most characters of one text. An input of a megabyte must not push the verdict off
/// the screen; what the program itself says is far shorter.
const MAX_SHOWN: usize = 4096;

/// A text as a person may see it: escaped, and cut if it is too long.
fn shown(text: &str) -> String {
    cut(escape(text))
}

/// A text that somebody may copy, such as a command or a path of Windows. Where nothing in
/// it needs an escape, its backslashes stay single.
#[cfg_attr(
    not(feature = "diagnose"),
    allow(dead_code, reason = "only reports have something to copy")
)]
pub(super) fn copied(text: &str) -> String {
    let plain = text.chars().all(|c| matches!(c, ' '..='~')) && !text.contains("\\u{");
    cut(if plain { text.to_owned() } else { escape(text) })
}

fn cut(mut escaped: String) -> String {
    if let Some((end, _)) = escaped.char_indices().nth(MAX_SHOWN) {
        let left_out = escaped.chars().count().saturating_sub(MAX_SHOWN);
        escaped.truncate(end);
        escaped.push_str(&format!(
            " … (and {left_out} characters more; --json has all)"
        ));
    }
    escaped
}

/// Width of the column of labels.
const LABEL: usize = 13;

impl Page {
    pub(super) fn new(color: bool) -> Self {
        Self {
            text: String::new(),
            color,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The first line about an input.
    pub(super) fn head(&mut self, input: &str, paint: Paint, word: &str, rest: &str) {
        self.text.push_str(&shown(input));
        self.text.push_str(": ");
        self.text.push_str(&paint.on(self.color, &shown(word)));
        if !rest.is_empty() {
            self.text.push(' ');
            self.text.push_str(&shown(rest));
        }
        self.text.push('\n');
    }

    /// A line by itself, `depth` steps to the right.
    pub(super) fn line(&mut self, depth: usize, text: &str) {
        self.indent(depth);
        self.text.push_str(&shown(text));
        self.text.push('\n');
    }

    /// The same for a text that somebody may copy.
    #[cfg_attr(
        not(feature = "diagnose"),
        allow(dead_code, reason = "only reports have something to copy")
    )]
    pub(super) fn copied(&mut self, depth: usize, text: &str) {
        self.indent(depth);
        self.text.push_str(&copied(text));
        self.text.push('\n');
    }

    /// What was looked at, and how it ended.
    #[cfg_attr(
        not(feature = "diagnose"),
        allow(dead_code, reason = "only reports have something to copy")
    )]
    pub(super) fn result(
        &mut self,
        depth: usize,
        what: &str,
        paint: Paint,
        word: &str,
        rest: &str,
    ) {
        self.indent(depth);
        self.text.push_str(&copied(what));
        self.text.push_str(": ");
        self.text.push_str(&paint.on(self.color, word));
        if !rest.is_empty() {
            self.text.push(' ');
            self.text.push_str(&copied(rest));
        }
        self.text.push('\n');
    }

    /// A label and what it stands for.
    pub(super) fn field(&mut self, depth: usize, label: &str, value: &str) {
        self.indent(depth);
        self.text.push_str(label);
        let gap = LABEL.saturating_sub(label.chars().count()).max(1);
        self.text.extend(std::iter::repeat_n(' ', gap));
        self.text.push_str(&shown(value));
        self.text.push('\n');
    }

    /// [`field`](Self::field), if there is a value.
    pub(super) fn optional(&mut self, depth: usize, label: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(depth, label, value);
        }
    }

    /// A finding: what, what to do, and what a Host Guardian Service would say.
    pub(super) fn finding(&mut self, depth: usize, finding: &Finding) {
        let paint = match finding.severity {
            Severity::Error => Paint::Bad,
            Severity::Warning => Paint::Careful,
            Severity::Info => Paint::Strong,
        };
        self.finding_as(depth, paint, finding.severity.as_str(), finding);
    }

    /// The same without what to do about it, where that was told already.
    pub(super) fn finding_alone(&mut self, depth: usize, finding: &Finding) {
        let finding = Finding {
            help: String::new(),
            ..finding.clone()
        };
        self.finding(depth, &finding);
    }

    /// An error that `--force` waived.
    pub(super) fn waived(&mut self, depth: usize, finding: &Finding) {
        self.finding_as(depth, Paint::Careful, "waived", finding);
    }

    /// A word in colour, and a text.
    pub(super) fn marked(&mut self, depth: usize, paint: Paint, word: &str, text: &str) {
        self.indent(depth);
        self.text.push_str(&paint.on(self.color, word));
        self.text.push_str(": ");
        self.text.push_str(&shown(text));
        self.text.push('\n');
    }

    fn finding_as(&mut self, depth: usize, paint: Paint, word: &str, finding: &Finding) {
        let word = format!("{word}[{}]", finding.code);
        self.marked(depth, paint, &word, &finding.message);
        let below = depth.saturating_add(1);
        if !finding.help.is_empty() {
            self.line(below, &format!("help: {}", finding.help));
        }
        if let Some(status) = &finding.chain_status
            && finding.severity == Severity::Error
        {
            self.line(
                below,
                &format!(
                    "a Host Guardian Service may say: Certificate with thumbprint {} cannot be trusted because of error {}.",
                    status.thumbprint, status.status
                ),
            );
        }
    }

    pub(super) fn machine(&mut self, depth: usize, machine: &Machine) {
        let mut parts = Vec::new();
        if let Some(guid) = &machine.guid {
            parts.push(format!("GUID {guid}"));
        }
        if let Some(serial) = &machine.serial {
            parts.push(format!("serial {serial}"));
        }
        if !machine.macs.is_empty() {
            parts.push(format!("MAC {}", machine.macs.join(", ")));
        }
        if !parts.is_empty() {
            self.field(depth, "machine", &parts.join("; "));
        }
    }

    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }
}

/// What a TPM says about itself, on one line.
pub(super) fn tpm_facts_in_words(facts: &TpmFacts) -> String {
    let mut words = Vec::new();
    let vendor = facts.vendor().map(|vendor| vendor.name.to_owned());
    words.extend(vendor.or_else(|| facts.manufacturer_in_words()));
    words.extend(facts.vendor_string.clone());
    let firmware = facts.firmware_in_words();
    words.extend(firmware.map(|version| format!("firmware {version}")));
    let revision = facts.revision.map(|revision| {
        let (whole, hundredths) = (revision / 100, revision % 100);
        format!("specification revision {whole}.{hundredths:02}")
    });
    words.extend(revision);
    if facts.generated_eps == Some(true) {
        words.push("made its endorsement seed itself".to_owned());
    }
    if words.is_empty() {
        return "says nothing of itself".to_owned();
    }
    words.join(", ")
}

/// Columns under a head, each as wide as its widest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(|cell| escape(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let gap = width.saturating_sub(cell.chars().count()).saturating_add(2);
            line.extend(std::iter::repeat_n(' ', gap));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A name that can be seen: EKcerts often have an empty subject.
pub(super) fn name_in_words(name: &Name) -> String {
    if name.is_empty() {
        "(empty)".to_owned()
    } else {
        name.to_string()
    }
}

/// The codes of findings, each once, in order.
pub(super) fn distinct_codes<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for finding in findings {
        let code = finding.code.as_str();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// The TPM in a few words: vendor, model, version.
pub(super) fn tpm_in_words(certificate: &Certificate) -> Option<String> {
    let tpm = &certificate.extensions().tpm;
    let mut parts = Vec::new();
    match (tpm.vendor(), &tpm.manufacturer) {
        (Some(vendor), Some(id)) => parts.push(format!("{} ({id})", vendor.name)),
        (None, Some(id)) => parts.push(id.clone()),
        _ => {}
    }
    if let Some(model) = &tpm.model {
        parts.push(format!("model {model}"));
    }
    if let Some(version) = &tpm.version {
        parts.push(format!("version {version}"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Code;

    #[test]
    fn text_from_an_input_cannot_drive_the_terminal() {
        let attack = "a\x1b[2J\u{202e}b\nc\u{9b}31m";
        let mut page = Page::new(false);
        page.head(attack, Paint::Bad, "REJECTED", attack);
        page.line(1, attack);
        page.field(1, "name", attack);
        page.copied(1, attack);
        page.result(1, attack, Paint::Bad, "Fail", attack);
        page.finding(1, &Finding::new(Code::Expired, attack, attack));
        let text = page.into_text();
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
        assert!(!text.contains('\u{202e}'));
        assert_eq!(text.lines().count(), 7);
    }

    #[test]
    fn what_is_copied_keeps_its_backslashes() {
        let command = r"Get-Item 'Cert:\LocalMachine\My'";
        assert_eq!(copied(command), command);
        // Not where somebody could take it for an escape, or beside one.
        assert_eq!(copied(r"a\u{1b}"), r"a\\u{1b}");
        assert_eq!(copied("a\\b\u{1b}"), r"a\\b\u{1b}");
    }

    #[test]
    fn a_long_text_does_not_push_the_verdict_off_the_screen() {
        let mut page = Page::new(false);
        page.finding(
            1,
            &Finding::new(Code::Expired, "ü".repeat(60_000), "x\x1b".repeat(60_000)),
        );
        let text = page.into_text();
        assert!(text.chars().count() < 10_000);
        assert!(text.contains("55904 characters more"), "{}", text.len());
    }

    #[test]
    fn colour_only_where_asked_for() {
        let mut page = Page::new(true);
        page.head("f", Paint::Good, "TRUSTED", "");
        assert_eq!(page.into_text(), "f: \x1b[1;32mTRUSTED\x1b[0m\n");
    }
}
