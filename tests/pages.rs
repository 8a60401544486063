//! What the pages of the documentation say of codes, and where their links lead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

use std::collections::BTreeMap;
use std::fs;

use endorse::finding::{Code, Severity};

#[test]
fn every_finding_code_has_one_heading() {
    let text = fs::read_to_string("docs/findings.md").unwrap();
    let mut facts: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(code) = line.strip_prefix("### ") {
            assert_eq!(lines.next(), Some(""));
            let earlier = facts.insert(code, lines.next().unwrap());
            assert_eq!(earlier, None, "{code} has two headings");
        }
    }
    for code in Code::ALL {
        let facts = facts
            .remove(code.as_str())
            .unwrap_or_else(|| panic!("{code} has no heading in docs/findings.md"));
        let force = match code.default_severity() {
            _ if code.is_absolute() => "never",
            Severity::Error => "may be waived",
            Severity::Warning | Severity::Info => "nothing to waive",
        };
        let mut expected = format!(
            "Severity: {} · Force: {force}",
            code.default_severity().as_str()
        );
        if code.may_be_weakened() {
            expected.push_str(" · Policy: may be weakened");
        }
        if let Some(status) = code.chain_status() {
            expected.push_str(&format!(" · HGS: `{status}`"));
        }
        if let Some(clause) = code.clause() {
            expected.push_str(&format!(" · Rule: {clause}"));
        }
        assert_eq!(facts, expected, "{code}");
    }
    assert!(facts.is_empty(), "no such codes: {facts:?}");
}

/// The anchor that a heading gets where pages are shown.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = vec![];
    for folder in [".", "docs", "docs/decisions", "roots"] {
        let entries = fs::read_dir(folder).unwrap();
        pages.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
        );
    }
    let mut links = 0;
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.with_file_name("").join(file),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading),
                    "{}: {link}",
                    page.display()
                );
            }
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links were found");
}
