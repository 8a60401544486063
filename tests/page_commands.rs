//! The commands on the page about hosts are ones that the program has.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "support/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

const PAGE: &str = "docs/hosts.md";

/// What the page has in blocks of code, a line each, continued ones joined; YAML lists of
/// arguments become one line as well.
fn code_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fenced = false;
    for line in page.replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            lines.push(line.trim().to_owned());
        }
    }
    lines
        .join("\n")
        .replace("\n- ", " ")
        .lines()
        .map(str::to_owned)
        .collect()
}

fn help(subcommand: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(subcommand.split(' '))
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success(), "there is no '{subcommand}'");
    String::from_utf8(output.stdout).unwrap()
}

/// Fails if there is no such subcommand or option.
fn check_command(words: &[&str], seen: &mut BTreeMap<String, usize>) {
    let endorse = |word: &&str| *word == "endorse" || word.ends_with("/bin/endorse");
    let Some(at) = words.iter().position(endorse) else {
        return;
    };
    let arguments = words.get(at + 1..).unwrap_or_default();
    let subcommand = match arguments {
        ["challenge", step, ..] => format!("challenge {step}"),
        // A path in a list of files is no command.
        [word, ..] if !word.starts_with('/') && word.contains('-') => (*word).to_owned(),
        [word @ ("verify" | "inspect"), ..] => (*word).to_owned(),
        _ => return,
    };
    let help = help(&subcommand);
    for option in arguments.iter().filter(|word| word.starts_with("--")) {
        let known = help
            .split(|c: char| c.is_whitespace() || c == ',')
            .any(|word| word == *option);
        assert!(known, "{subcommand} has no {option}: {words:?}");
    }
    *seen.entry(subcommand).or_default() += 1;
}

#[test]
fn every_command_and_option_exists() {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in code_lines(&page) {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A pipeline has several.
        for command in words.split(|word| *word == "|") {
            check_command(command, &mut seen);
        }
    }
    let expected = [
        "challenge answer",
        "challenge ask",
        "challenge check",
        "challenge make",
        "get-platform-identifier",
        "register-host",
        "verify",
    ];
    assert_eq!(seen.keys().collect::<Vec<_>>(), expected);
    // Dumps, ssh, Ansible, systemd, container.
    assert!(seen["get-platform-identifier"] >= 6, "{seen:?}");
}

#[test]
fn the_playbook_is_yaml() {
    let page = fs::read_to_string(PAGE).unwrap();
    let playbook = page.split("```yaml\n").nth(1).unwrap();
    let playbook = playbook.split("```").next().unwrap();
    let check = "import sys, yaml\n\
        [play] = yaml.safe_load(sys.stdin)\n\
        tasks = play['tasks']\n\
        assert tasks[0]['ansible.builtin.command']['argv'][0] == 'endorse'\n\
        assert tasks[1]['ansible.builtin.fetch']['flat'] is True\n";
    let has_yaml = Command::new("python3")
        .args(["-c", "import yaml"])
        .stderr(Stdio::null())
        .status();
    if !has_yaml.is_ok_and(|status| status.success()) {
        return skip::skip(
            "the_playbook_is_yaml",
            "python3 with its yaml module is missing",
        );
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), playbook).unwrap();
    let output = Command::new("python3")
        .args(["-c", check])
        .stdin(fs::File::open(file.path()).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
