use std::collections::{BTreeMap, BTreeSet};

use super::hosts;
use crate::diagnose::{Basis, Definition, Diagnostic, Set, Target};
use crate::hash::Sha256Digest;
use crate::host::Fact;
use crate::identifier::Identifier;

pub(super) static IDENTIFIER_DUPLICATES: Definition = Definition {
    id: "identifier-duplicates",
    set: Set::GuardedFabricTpmMode,
    title: "Every host has an endorsement key of its own",
    basis: Basis::Observed,
    source: "stefanberger/swtpm#1068: virtual machines cloned with their TPM",
};

/// One identifier, with the target that it is of.
struct Seen<'a> {
    target: &'a str,
    identifier: Identifier,
}

impl Seen<'_> {
    /// What tells hosts apart besides the EK: the same host may be named twice.
    fn host(&self) -> (Option<&str>, Option<&str>) {
        let machine = &self.identifier.machine;
        (self.identifier.name.as_deref(), machine.guid.as_deref())
    }
}

pub(super) fn diagnostics(targets: &[Target]) -> Vec<Diagnostic> {
    let seen: Vec<Seen<'_>> = targets
        .iter()
        .flat_map(|target| hosts(target).map(move |host| (target, host)))
        .filter_map(|(target, host)| match &host.identifier {
            Some(Fact::Known(file)) => Some(Seen {
                target: &target.name,
                identifier: Identifier::read(&file.bytes).ok()?,
            }),
            _ => None,
        })
        .collect();
    if seen.len() < 2 {
        return Vec::new();
    }
    let mut by_key: BTreeMap<Sha256Digest, Vec<&Seen<'_>>> = BTreeMap::new();
    let mut by_machine: BTreeMap<&str, Vec<&Seen<'_>>> = BTreeMap::new();
    for one in &seen {
        let keys = one.identifier.ekpubs.iter();
        let keys: BTreeSet<_> = keys.map(|entry| entry.key.spki_sha256()).collect();
        for key in keys {
            by_key.entry(key).or_default().push(one);
        }
        if let Some(guid) = &one.identifier.machine.guid {
            by_machine.entry(guid).or_default().push(one);
        }
    }
    let mut clones = Vec::new();
    for (key, owners) in &by_key {
        let hosts: BTreeSet<_> = owners.iter().map(|one| one.host()).collect();
        if hosts.len() > 1 {
            clones.push(format!("{} have the endorsement key {key}", names(owners)));
        }
    }
    let mut changed = Vec::new();
    for (guid, owners) in &by_machine {
        let share_one = owners.iter().all(|one| {
            let first = owners
                .first()
                .map(|first| keys_of(first))
                .unwrap_or_default();
            keys_of(one).iter().any(|key| first.contains(key))
        });
        if !share_one {
            changed.push(format!(
                "{} have the machine GUID {guid}, and different endorsement keys",
                names(owners)
            ));
        }
    }
    let found = match (clones.is_empty(), changed.is_empty()) {
        (true, true) => Diagnostic::pass(
            &IDENTIFIER_DUPLICATES,
            format!("{} identifiers were compared", seen.len()),
        ),
        (false, _) => {
            let lines = clones.into_iter().chain(changed);
            with(lines, |first| {
                Diagnostic::fail(&IDENTIFIER_DUPLICATES, first)
            })
            .then(
                "virtual machines were cloned with their TPM, or a file was saved under two \
                 names: give each machine a TPM of its own, and read its identifier anew",
            )
        }
        (true, false) => with(changed.into_iter(), |first| {
            Diagnostic::warn(&IDENTIFIER_DUPLICATES, first)
        })
        .then(
            "find out whether a machine was cloned without its GUID being changed, or its TPM was \
             replaced; then register the one that is in use",
        ),
    };
    vec![found]
}

fn keys_of(one: &Seen<'_>) -> Vec<Sha256Digest> {
    let keys = one.identifier.ekpubs.iter();
    keys.map(|entry| entry.key.spki_sha256()).collect()
}

fn names(owners: &[&Seen<'_>]) -> String {
    let names: BTreeSet<&str> = owners.iter().map(|one| one.target).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn with(
    mut lines: impl Iterator<Item = String>,
    first: impl FnOnce(String) -> Diagnostic,
) -> Diagnostic {
    let found = first(lines.next().unwrap_or_default());
    lines.fold(found, Diagnostic::seen)
}
