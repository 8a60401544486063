//! Targets of which the same is to be said, so that text says it once: fifty hosts with one
//! fault are one fault and fifty names.

use std::collections::HashMap;

use super::words::is_trouble;
use crate::diagnose::{Remedy, Role, Status, TargetReport};

/// From so many on they are put together. The nodes of a small cluster stay apart.
const MIN_ALIKE: usize = 4;

/// How wide a line of names gets, unless a single name is longer.
const WIDTH: usize = 76;

/// The most names that are listed; JSON has all.
const MAX_NAMES: usize = 200;

/// A target, and the others of which the same is to be said.
pub(super) struct Alike<'a> {
    pub(super) first: &'a TargetReport,
    pub(super) others: Vec<&'a TargetReport>,
}

impl Alike<'_> {
    /// Where what was seen comes from, if it is the same for all and says more than the name.
    pub(super) fn source(&self) -> Option<&str> {
        let source = &self.first.source;
        let same = self.others.iter().all(|one| one.source == *source);
        (same && *source != self.first.name).then_some(source)
    }

    /// The names of the others, in lines.
    pub(super) fn names(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for name in self.others.iter().take(MAX_NAMES).map(|one| &one.name) {
            match lines.last_mut() {
                Some(line) if line.len().saturating_add(name.len()) < WIDTH => {
                    line.push_str(", ");
                    line.push_str(name);
                }
                _ => lines.push(name.clone()),
            }
        }
        let left_out = self.others.len().saturating_sub(MAX_NAMES);
        if left_out > 0 {
            lines.push(format!("... and {left_out} more; --json has all"));
        }
        lines
    }
}

/// All that is shown of a target but what was seen.
type Said<'a> = (Role, Vec<(&'static str, Status, &'a [Remedy])>);

fn said(target: &TargetReport) -> Said<'_> {
    let all = target.sets.iter().flat_map(|set| &set.diagnostics);
    let shown = all.filter(|one| is_trouble(one.status));
    let shown = shown.map(|one| (one.definition.id, one.status, one.remedy.as_slice()));
    (target.role, shown.collect())
}

/// The targets, those of which the same is to be said together, at the place of the first.
/// Each by itself if everything is to be shown.
pub(super) fn groups<'a>(targets: &[&'a TargetReport], detailed: bool) -> Vec<Alike<'a>> {
    let alone = |first| Alike {
        first,
        others: Vec::new(),
    };
    if detailed {
        return targets.iter().map(|&one| alone(one)).collect();
    }
    let mut places: HashMap<Said<'a>, usize> = HashMap::new();
    let mut groups: Vec<Alike<'a>> = Vec::new();
    for &one in targets {
        let place = *places.entry(said(one)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.others.push(one),
            None => groups.push(alone(one)),
        }
    }
    let split = |group: Alike<'a>| match group.others.len().saturating_add(1) < MIN_ALIKE {
        true => std::iter::once(group.first)
            .chain(group.others)
            .map(alone)
            .collect(),
        false => vec![group],
    };
    groups.into_iter().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{Basis, Definition, Diagnostic, Set, SetReport};

    static SAMPLE: Definition = Definition {
        id: "sample",
        set: Set::Hardware,
        title: "There is one",
        basis: Basis::Documented,
        source: "nowhere",
    };

    fn target(name: &str, remedy: &str) -> TargetReport {
        let found = Diagnostic::fail(&SAMPLE, name.to_owned()).then(remedy);
        TargetReport {
            name: name.to_owned(),
            role: Role::GuardedHost,
            source: name.to_owned(),
            sets: vec![SetReport {
                set: Set::Hardware,
                diagnostics: vec![found],
            }],
        }
    }

    fn shown(targets: &[TargetReport], detailed: bool) -> Vec<(String, usize)> {
        let targets: Vec<_> = targets.iter().collect();
        let groups = groups(&targets, detailed);
        let of = |group: &Alike<'_>| (group.first.name.clone(), group.others.len());
        groups.iter().map(of).collect()
    }

    #[test]
    fn enough_of_them_are_one_group() {
        let hosts: Vec<_> = ["a", "b", "other", "c", "d"]
            .iter()
            .map(|name| {
                target(
                    name,
                    if *name == "other" {
                        "replace it"
                    } else {
                        "turn it on"
                    },
                )
            })
            .collect();
        assert_eq!(
            shown(&hosts, false),
            [("a".to_owned(), 3), ("other".to_owned(), 0)]
        );
        assert_eq!(shown(&hosts, true).len(), 5);
        // One less, and each is shown.
        assert_eq!(shown(&hosts[..4], false).len(), 4);
    }

    #[test]
    fn another_status_or_role_is_another_group() {
        let mut hosts: Vec<_> = ["a", "b", "c", "d"].map(|name| target(name, "x")).into();
        hosts[3].role = Role::Unknown;
        assert_eq!(shown(&hosts, false).len(), 4);
        let mut hosts: Vec<_> = ["a", "b", "c", "d"].map(|name| target(name, "x")).into();
        hosts[3].sets[0].diagnostics[0].status = Status::Warn;
        assert_eq!(shown(&hosts, false).len(), 4);
    }

    #[test]
    fn names_are_in_lines_and_not_without_end() {
        let hosts: Vec<_> = (0..250)
            .map(|n| target(&format!("hyp{n:03}"), "x"))
            .collect();
        let targets: Vec<_> = hosts.iter().collect();
        let groups = groups(&targets, false);
        let lines = groups[0].names();
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        assert!(lines[0].starts_with("hyp001, hyp002, "));
        assert_eq!(lines.last().unwrap(), "... and 49 more; --json has all");
        assert_eq!(groups[0].source(), None);
    }
}
