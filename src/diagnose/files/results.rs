//! The tree that `Get-HgsTrace -RunDiagnostics` prints, saved as text: names with `Pass` or
//! `Fail`, and `>>>` before what to do.

use super::content::{Content, ReadFile};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// The results of Microsoft's own diagnostics have no failure.
pub(super) static HGS_TRACE_RESULT: Definition = Definition {
    id: "hgs-trace-result",
    set: Set::Base,
    title: "The saved results of Get-HgsTrace have no failure",
    basis: Basis::Observed,
    source: "Troubleshooting Using the Guarded Fabric Diagnostic Tool",
};

/// Failures that are known to be wrong, by words of their line, and why.
const KNOWN_WRONG: &[(&str, &str)] = &[
    (
        "Code Integrity Policy Active",
        "on Windows Server 2019 and Windows 10 1809 and later this is a known false failure; if it \
         is the only one it may be ignored",
    ),
    (
        "host key",
        "Get-HgsTrace does not know attestation by host keys, and fails where nothing is wrong",
    ),
    (
        "Https",
        "on a host this fails falsely where the trust between the domains is broken",
    ),
];

/// Failures that are real for most, by words of their line, and where they are not.
const WRONG_FOR_SOME: &[(&str, &str)] = &[(
    "Certificate Permissions",
    "with a key in a hardware security module this may be ignored: its rights cannot be seen from \
     outside",
)];

/// Where results are known to be wrong of which no line says so.
const KNOWN_WRONG_ANYWHERE: &str = "from Windows Server 2019 and Windows 10 1809 on, results are known to \
     be wrong with attestation by host keys, with a service that only attests (as for SQL Server), and \
     with v1 artefacts on a v2 service";

/// The first line of the tree.
const HEAD: &str = "Overall Result";

/// The most failures that are shown.
const MAX_SHOWN: usize = 50;

/// Whether a text is such a tree.
pub(super) fn is_tree(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line.starts_with(HEAD) && result(line).is_some())
}

/// One diagnostic for each tree.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let trees = files.iter().filter_map(|file| match &file.content {
        Ok(Content::Text(text)) if is_tree(text) => Some((file.name, text)),
        _ => None,
    });
    trees.map(|(name, text)| judge(name, text)).collect()
}

fn judge(name: &str, text: &str) -> Diagnostic {
    let failures = failures(text);
    let definition = &HGS_TRACE_RESULT;
    let among = |known: &'static [(&str, &str)], failure: &Failure| {
        let line = failure.line.to_lowercase();
        let mut known = known.iter();
        known.find(|(words, _)| line.contains(&words.to_lowercase()))
    };
    let wrong = failures.iter().map(|failure| among(KNOWN_WRONG, failure));
    let wrong: Vec<_> = wrong.collect();
    // One of them may be ignored only if no other diagnostic failed; that holds for several
    // hosts.
    let same = wrong.windows(2).all(|pair| match pair {
        [one, other] => one == other,
        _ => true,
    });
    let count = match failures.len() {
        1 => format!("{name}: 1 failure"),
        many => format!("{name}: {many} failures"),
    };
    let mut diagnostic = match same && wrong.iter().all(Option::is_some) {
        true if failures.is_empty() => return Diagnostic::pass(definition, count),
        true => Diagnostic::warn(definition, count),
        false => Diagnostic::fail(definition, count),
    };
    for failure in failures.iter().take(MAX_SHOWN) {
        diagnostic = diagnostic.seen(failure.line.clone());
        let why = [KNOWN_WRONG, WRONG_FOR_SOME];
        for (_, why) in why.into_iter().filter_map(|known| among(known, failure)) {
            diagnostic = diagnostic.seen(format!("perhaps not so: {why}"));
        }
    }
    diagnostic = diagnostic.seen(KNOWN_WRONG_ANYWHERE);
    let advice = failures
        .iter()
        .take(MAX_SHOWN)
        .filter(|one| !one.advice.is_empty());
    for failure in advice {
        diagnostic = diagnostic.then(format!("Get-HgsTrace says: {}", failure.advice));
    }
    diagnostic.then(
        "diagnose the traces themselves as well: endorse diagnose --path with the folder that \
         Get-HgsTrace wrote",
    )
}

/// A line that failed, with what is said to be done.
struct Failure {
    line: String,
    advice: String,
}

/// The failures of single diagnostics: a line that failed, followed by no deeper line that
/// failed as well.
fn failures(text: &str) -> Vec<Failure> {
    let mut found: Vec<(usize, Failure)> = Vec::new();
    for line in text.lines() {
        let indent = line.len().saturating_sub(line.trim_start().len());
        let line = line.trim();
        if let Some(advice) = line.strip_prefix(">>>") {
            if let Some((_, last)) = found.last_mut() {
                last.advice.push(' ');
                last.advice.push_str(advice.trim());
            }
            continue;
        }
        if result(line) != Some(false) {
            continue;
        }
        // The one above is only the sum of this one.
        if found
            .last()
            .is_some_and(|(above, one)| *above < indent && one.advice.is_empty())
        {
            found.pop();
        }
        let failure = Failure {
            line: line.to_owned(),
            advice: String::new(),
        };
        found.push((indent, failure));
    }
    let found = found.into_iter().map(|(_, mut failure)| {
        failure.advice = failure.advice.trim().to_owned();
        failure
    });
    found.collect()
}

/// Whether a line says that something passed or failed. The name before may have colons in it,
/// as that of a file has; a failure counts wherever it stands.
fn result(line: &str) -> Option<bool> {
    let (_, rest) = line.split_once(':')?;
    let words = rest.split(':').filter_map(|part| {
        let word = part.trim_start();
        let end = word.find(|c: char| !c.is_ascii_alphabetic());
        match word.get(..end.unwrap_or(word.len()))? {
            "Pass" | "Passed" => Some(true),
            "Fail" | "Failed" => Some(false),
            _ => None,
        }
    });
    words.reduce(|all, one| all && one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Status;

    const TREE: &str = "Overall Result: Fail\n    hyp01: Fail\n        Guarded Host: Fail\n\
        \x20           Check Attestation Status: Fail\n            >>> The host cannot attest.\n            >>> Ask.\n\
        \x20           Other: Pass\n";

    #[test]
    fn failures_are_those_of_single_diagnostics() {
        assert!(is_tree(TREE));
        let found = judge("x", TREE);
        assert_eq!(found.status, Status::Fail);
        assert_eq!(
            found.evidence,
            [
                "x: 1 failure",
                "Check Attestation Status: Fail",
                KNOWN_WRONG_ANYWHERE
            ]
        );
        let text = "Overall Result: Pass\n  a: Pass\n";
        assert_eq!(judge("x", text).status, Status::Pass);
        assert!(!is_tree("Overall Result: maybe\n"));
    }

    #[test]
    fn known_wrong_results_are_softened() {
        for name in ["Code Integrity Policy Active", "Host Key Present", "Https"] {
            let text = format!("Overall Result: Fail\n  h: Fail\n    {name}: Fail\n");
            let found = judge("x", &text);
            assert_eq!(found.status, Status::Warn, "{name}");
            assert!(found.evidence[2].starts_with("perhaps not so: "));
        }
        // On two hosts it is still the only one; beside another it is not.
        let two = |one: &str, other: &str| {
            let text = format!(
                "Overall Result: Fail\n  h: Fail\n    {one}: Fail\n  i: Fail\n    {other}: Fail\n"
            );
            judge("x", &text).status
        };
        let name = "Code Integrity Policy Active";
        assert_eq!(
            (two(name, name), two(name, "Https")),
            (Status::Warn, Status::Fail)
        );
        // Wrong with a module alone, and which key it is, nobody says.
        let text = "Overall Result: Fail\n  h: Fail\n    Attestation Certificate Permissions: Fail - The user\n";
        let found = judge("x", text);
        assert_eq!(found.status, Status::Fail);
        assert!(found.evidence[2].starts_with("perhaps not so: "));
        let text = TREE.to_owned() + "            Code Integrity Policy Active: Fail\n";
        assert_eq!(judge("x", &text).status, Status::Fail);
    }

    #[test]
    fn a_failure_is_seen_wherever_it_stands() {
        for (line, expected) in [
            ("x: Pass", Some(true)),
            ("x: Fail - y", Some(false)),
            ("C:\\keys\\a: Fail", Some(false)),
            ("x: Failed", Some(false)),
            ("x: Fail.", Some(false)),
            ("a: Pass: b: Fail", Some(false)),
            ("https://hgs.bastion.test:443: Pass", Some(true)),
            ("x: Failure", None),
            ("Fail", None),
        ] {
            assert_eq!(result(line), expected, "{line}");
        }
    }
}
