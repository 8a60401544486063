use std::fmt;

use serde::Serialize;

/// The sets of diagnostics, named as the values of `-Diagnostic` of Microsoft's
/// `Get-HgsTrace`, where they make sense away from Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    /// What every other set rests on; always part of a run.
    Base,
    /// Recommended, not required.
    BestPractices,
    /// The machine of a guarded host: TPM, IOMMU, Secure Boot.
    Hardware,
    /// The HTTPS certificate of the service.
    Https,
    /// Names, addresses and whether anybody answers there.
    Networking,
    /// The host's own role.
    GuardedHost,
    /// The role of a node of the service.
    HostGuardianService,
    /// Whether hosts would pass attestation in TPM mode.
    GuardedFabricTpmMode,
    /// Whether the fabric is fit for AD mode.
    GuardedFabricADMode,
}

impl Set {
    /// Every set, in the order in which they are shown.
    pub const ALL: &'static [Self] = &[
        Self::Base,
        Self::Networking,
        Self::Https,
        Self::HostGuardianService,
        Self::GuardedHost,
        Self::Hardware,
        Self::GuardedFabricTpmMode,
        Self::GuardedFabricADMode,
        Self::BestPractices,
    ];

    /// The name, as `Get-HgsTrace` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "Base",
            Self::BestPractices => "BestPractices",
            Self::Hardware => "Hardware",
            Self::Https => "Https",
            Self::Networking => "Networking",
            Self::GuardedHost => "GuardedHost",
            Self::HostGuardianService => "HostGuardianService",
            Self::GuardedFabricTpmMode => "GuardedFabricTpmMode",
            Self::GuardedFabricADMode => "GuardedFabricADMode",
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which sets are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<Set>);

impl Selection {
    /// Everything that applies.
    pub fn all() -> Self {
        Self(Set::ALL.to_vec())
    }

    /// The sets that this value of `-Diagnostic` stands for: the name of a set, `All`, or
    /// `GuardedFabric` (hosts and service together). Case does not count, as in PowerShell.
    pub fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("All") {
            return Some(Self::all());
        }
        if name.eq_ignore_ascii_case("GuardedFabric") {
            return Some(Self(vec![
                Set::Base,
                Set::Networking,
                Set::Https,
                Set::HostGuardianService,
                Set::GuardedHost,
                Set::GuardedFabricTpmMode,
                Set::GuardedFabricADMode,
            ]));
        }
        let named = |set: &&Set| name.eq_ignore_ascii_case(set.as_str());
        Set::ALL.iter().find(named).map(|set| Self(vec![*set]))
    }

    /// Both selections together.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether diagnostics of this set are asked for. `Base` always is.
    pub fn holds(&self, set: Set) -> bool {
        set == Set::Base || self.0.contains(&set)
    }
}

/// What the knowledge behind a diagnostic rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Basis {
    /// A public document states it: Microsoft's, an RFC, a TCG specification.
    Documented,
    /// Seen in a public artefact or report; no document states it.
    Observed,
    /// Concluded; may be wrong.
    Inferred,
}

impl Basis {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }
}

/// What one diagnostic is, whoever it is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// Stable and kebab-case; `docs/troubleshooting.md` names it.
    pub id: &'static str,
    /// The set it belongs to.
    pub set: Set,
    /// What is right if it passes, in a few words: "The service answers at every node".
    pub title: &'static str,
    /// What the rule rests on.
    pub basis: Basis,
    /// Where the rule stands: `Troubleshoot the Host Guardian Service, Time drift`.
    pub source: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `-Diagnostic` that the help of `Get-HgsTrace` has, all of them.
    #[test]
    fn every_value_of_the_cmdlet_is_one_here() {
        let sets = |name: &str| {
            let selection = Selection::named(name)?;
            Some(Set::ALL.iter().filter(|set| selection.holds(**set)).count())
        };
        for (name, count) in [
            ("Base", 1),
            ("All", 9),
            ("GuardedFabric", 7),
            ("GuardedFabricTpmMode", 2),
            ("GuardedFabricADMode", 2),
            ("BestPractices", 2),
            ("GuardedHost", 2),
            ("HostGuardianService", 2),
            ("Networking", 2),
            ("Https", 2),
            ("Hardware", 2),
        ] {
            assert_eq!(sets(name), Some(count), "{name}");
            assert_eq!(sets(&name.to_lowercase()), Some(count), "{name}");
        }
        assert_eq!(sets("None"), None);
    }

    /// No set is there in name only.
    #[test]
    fn every_set_has_a_diagnostic() {
        let all: Vec<_> = crate::diagnose::DEFINITIONS
            .iter()
            .copied()
            .flatten()
            .collect();
        for set in Set::ALL {
            assert!(all.iter().any(|one| one.set == *set), "{set}");
        }
    }
}
