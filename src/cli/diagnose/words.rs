//! Words that the text and the page share.

use crate::cli::console::Paint;
use crate::der::Time;
use crate::diagnose::{Basis, Counts, Diagnostic, Remedy, Role, Status};

/// The most pieces of evidence of one diagnostic that are shown; JSON has all.
pub(super) const MAX_EVIDENCE: usize = 100;

/// How it ended, for people. The colour only repeats the word.
pub(super) fn status(status: Status) -> (Paint, &'static str) {
    match status {
        Status::NotApplicable => (Paint::Strong, "Not applicable"),
        Status::Pass => (Paint::Good, "Pass"),
        Status::Warn => (Paint::Careful, "Warn"),
        Status::Fail => (Paint::Bad, "Fail"),
    }
}

/// Whether somebody has to do something.
pub(super) fn is_trouble(status: Status) -> bool {
    matches!(status, Status::Fail | Status::Warn)
}

/// These with the worst first; what is alike stays in its order, in which causes are before
/// what follows from them.
pub(super) fn worst_first<T>(all: &[T], status: impl Fn(&T) -> Status) -> Vec<&T> {
    let mut all: Vec<&T> = all.iter().collect();
    all.sort_by_key(|one| std::cmp::Reverse(status(one)));
    all
}

/// What a target is, for people.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::HostGuardianService => "node of the Host Guardian Service",
        Role::GuardedHost => "guarded host",
        Role::Fabric => "compared with each other",
        Role::Unknown => "role not known",
    }
}

/// What a diagnostic rests on, where no public document states it.
pub(super) fn basis(basis: Basis) -> Option<&'static str> {
    match basis {
        Basis::Documented => None,
        Basis::Observed => Some("observed"),
        Basis::Inferred => Some("inferred"),
    }
}

/// `2 failed, 1 to look at, 8 passed, 1 not applicable`.
pub(super) fn counts(counts: Counts) -> String {
    format!(
        "{} failed, {} to look at, {} passed, {} not applicable",
        counts.fail, counts.warn, counts.pass, counts.not_applicable
    )
}

/// `1 target`, `2 targets`.
pub(super) fn number(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

/// How long before `now` it was: `3 days and 4 hours before this run`.
pub(super) fn age(then: Time, now: Time) -> String {
    let seconds = now.unix().saturating_sub(then.unix());
    if seconds < 0 {
        return "after this run by the clock here, so one of the two clocks is wrong".to_owned();
    }
    let part = |unit: i64, word: &str, below: Option<i64>| {
        let whole = seconds.checked_div(unit).unwrap_or(0);
        let count = below.map_or(whole, |below| whole.checked_rem(below).unwrap_or(0));
        number(usize::try_from(count).unwrap_or(usize::MAX), word)
    };
    let (days, hours) = (part(86_400, "day", None), part(3600, "hour", Some(24)));
    match seconds {
        0..60 => "less than a minute before this run".to_owned(),
        60..3600 => format!("{} before this run", part(60, "minute", None)),
        3600..86_400 => format!("{hours} before this run"),
        _ => format!("{days} and {hours} before this run"),
    }
}

/// The pieces of evidence that are shown, and how many are not.
pub(super) fn evidence(one: &Diagnostic) -> (&[String], usize) {
    let (shown, rest) = one
        .evidence
        .split_at_checked(MAX_EVIDENCE)
        .unwrap_or((&one.evidence, &[]));
    (shown, rest.len())
}

/// A step of a remedy as it is shown: commands that follow each other belong together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Do(&'a str),
    Commands(Shell, Vec<&'a str>),
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    PowerShell,
    Posix,
}

impl Shell {
    /// What stands above the commands.
    pub(super) fn caption(self) -> &'static str {
        match self {
            Self::PowerShell => "in an elevated PowerShell (shown, not run):",
            Self::Posix => "in a shell (shown, not run):",
        }
    }
}

/// The steps in order.
pub(super) fn steps(remedy: &[Remedy]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for step in remedy {
        let (shell, line) = match step {
            Remedy::Do(text) => {
                steps.push(Step::Do(text));
                continue;
            }
            Remedy::PowerShell(line) => (Shell::PowerShell, line.as_str()),
            Remedy::Sh(line) => (Shell::Posix, line.as_str()),
        };
        match steps.last_mut() {
            Some(Step::Commands(before, lines)) if *before == shell => lines.push(line),
            _ => steps.push(Step::Commands(shell, vec![line])),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let now = Time::from_unix(10_000_000);
        let before = |seconds: i64| age(Time::from_unix(10_000_000 - seconds), now);
        for (seconds, expected) in [
            (0, "less than a minute before this run"),
            (59, "less than a minute before this run"),
            (60, "1 minute before this run"),
            (3_599, "59 minutes before this run"),
            (3_600, "1 hour before this run"),
            (86_399, "23 hours before this run"),
            (86_400, "1 day and 0 hours before this run"),
            (273_600, "3 days and 4 hours before this run"),
        ] {
            assert_eq!(before(seconds), expected);
        }
        assert!(before(-1).starts_with("after this run"));
        assert!(!age(Time::from_unix(i64::MIN), Time::from_unix(i64::MAX)).is_empty());
    }

    #[test]
    fn commands_that_follow_each_other_belong_together() {
        let remedy = [
            Remedy::Do("a".to_owned()),
            Remedy::PowerShell("b".to_owned()),
            Remedy::PowerShell("c".to_owned()),
            Remedy::Sh("d".to_owned()),
            Remedy::Do("e".to_owned()),
            Remedy::Sh("f".to_owned()),
        ];
        assert_eq!(
            steps(&remedy),
            [
                Step::Do("a"),
                Step::Commands(Shell::PowerShell, vec!["b", "c"]),
                Step::Commands(Shell::Posix, vec!["d"]),
                Step::Do("e"),
                Step::Commands(Shell::Posix, vec!["f"]),
            ]
        );
    }
}
