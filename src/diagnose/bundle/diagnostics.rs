use super::{Cause, Missing};
use crate::diagnose::{Basis, Definition, Diagnostic, Observation, Set, Target};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[&PARTS_READ, &NOTHING_LEFT_OUT];

static PARTS_READ: Definition = Definition {
    id: "bundle-parts-read",
    set: Set::Base,
    title: "All that the bundle holds could be read",
    basis: Basis::Documented,
    source: "endorse.bundle/1 (docs/diagnose.md)",
};

static NOTHING_LEFT_OUT: Definition = Definition {
    id: "bundle-complete",
    set: Set::Base,
    title: "Nothing was left out of the bundle",
    basis: Basis::Documented,
    source: "endorse.bundle/1 (docs/diagnose.md)",
};

/// What a bundle does not show of this target. Silent if that is nothing: what was collected
/// is judged as if it had been seen here.
pub(in crate::diagnose) fn diagnostics(target: &Target) -> Vec<Diagnostic> {
    let missing = |cause: &[Cause]| -> Vec<&Missing> {
        let all = target
            .observations
            .iter()
            .filter_map(|observation| match observation {
                Observation::Missing(missing) => Some(missing),
                _ => None,
            });
        all.filter(|missing| cause.contains(&missing.cause))
            .collect()
    };
    let mut found = Vec::new();
    if let Some(one) = warn(&PARTS_READ, &missing(&[Cause::Newer, Cause::Damaged])) {
        let one = if missing(&[Cause::Newer]).is_empty() {
            one
        } else {
            one.then("Diagnose the bundle with the version that made it, or a later one.")
        };
        found.push(if missing(&[Cause::Damaged]).is_empty() {
            one
        } else {
            one.then("Copy the bundle again as a file, or collect again on the machine.")
        });
    }
    found.extend(
        warn(&NOTHING_LEFT_OUT, &missing(&[Cause::Secret])).map(|one| {
            one.then(
                "What these files say was not looked at. If it matters, run 'endorse diagnose' where they are, \
             or give their certificates alone.",
            )
        }),
    );
    found
}

fn warn(definition: &'static Definition, missing: &[&Missing]) -> Option<Diagnostic> {
    let mut lines = missing
        .iter()
        .map(|missing| format!("{}: {}", missing.what, missing.why));
    let first = Diagnostic::warn(definition, lines.next()?);
    Some(lines.fold(first, Diagnostic::seen))
}
