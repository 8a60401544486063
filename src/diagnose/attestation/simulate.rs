//! Which policies a host would pass, as far as its state is known.

use super::dumps::{
    DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY, DumpAnswer, DumpPolicies, HostDumps, NO_DUMPS,
    judge_dumps,
};
use super::state::{HostState, PolicyState, PolicyStates};
use super::table::{POLICIES, PolicyInfo, Step};

/// What a host is asked for in TPM mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// To pass a default policy, or what has a reason without one.
    Policy(&'static PolicyInfo),
    /// To match at least one TPM identifier on the service.
    Identifier,
    /// To match at least one TPM baseline.
    Baseline,
    /// To match at least one code integrity policy.
    CiPolicy,
}

/// How a host would fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It would pass.
    Pass,
    /// It would fail.
    Fail,
    /// It would fail if the policy is in force, which is not known.
    FailIfInForce,
    /// Too little is known.
    CannotTell,
    /// The policy is not in force.
    NotInForce,
    /// The policy does not apply to this host.
    NotApplicable,
}

impl Fate {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::FailIfInForce => "fail-if-in-force",
            Self::CannotTell => "cannot-tell",
            Self::NotInForce => "not-in-force",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// One demand and how the host would fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What is asked.
    pub demand: Demand,
    /// The state of the policy, where it is one.
    pub state: Option<PolicyState>,
    /// How the host would fare.
    pub fate: Fate,
    /// The field of the state of the host that decides.
    pub field: &'static str,
}

impl Demand {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy(policy) => policy.name_or_reason(),
            Self::Identifier => "(a TPM identifier)",
            Self::Baseline => "(a TPM baseline)",
            Self::CiPolicy => "(a code integrity policy)",
        }
    }

    /// What it asks.
    pub fn demands(self) -> &'static str {
        match self {
            Self::Policy(policy) => policy.demands,
            Self::Identifier => "the EK of the host is registered on the service",
            Self::Baseline => "the TPM baseline is one of those on the service",
            Self::CiPolicy => "the code integrity policy is one of those on the service",
        }
    }

    /// What to change.
    pub fn remedy(self) -> &'static [Step] {
        let of = |name| super::by_name(name).map_or(&[][..], |policy| policy.remedy);
        match self {
            Self::Policy(policy) => policy.remedy,
            Self::Identifier => &[
                Step::Do("register the platform identifier of the host on the service"),
                Step::PowerShell("Add-HgsAttestationTpmHost -Path ./host.xml"),
            ],
            Self::Baseline => of("Hgs_SecureBootSettings"),
            Self::CiPolicy => of("Hgs_CiPolicy"),
        }
    }
}

/// How a host would fare on a service in TPM mode: first what it has to match, then the
/// policies in the order of [`POLICIES`].
///
/// This is a judgement of what the states say, not of the host: nothing is measured.
pub fn simulate(host: &HostState, states: &PolicyStates) -> Vec<Judged> {
    let matched = |demand, known: Option<bool>, field| Judged {
        demand,
        state: None,
        fate: fate(known),
        field,
    };
    let mut judged = vec![
        matched(
            Demand::Identifier,
            host.identifier_registered,
            "identifier_registered",
        ),
        matched(
            Demand::Baseline,
            host.baseline_registered,
            "baseline_registered",
        ),
        matched(
            Demand::CiPolicy,
            host.ci_policy_registered,
            "ci_policy_registered",
        ),
    ];
    judged.extend(POLICIES.iter().map(|policy| one(policy, host, states)));
    judged
}

/// The whole: `Fail` if the host fails anything, `CannotTell` if anything is open, else
/// `Pass`.
pub fn overall(judged: &[Judged]) -> Fate {
    let has = |fates: &[Fate]| judged.iter().any(|one| fates.contains(&one.fate));
    if has(&[Fate::Fail]) {
        Fate::Fail
    } else if has(&[Fate::CannotTell, Fate::FailIfInForce]) {
        Fate::CannotTell
    } else {
        Fate::Pass
    }
}

fn one(policy: &'static PolicyInfo, host: &HostState, states: &PolicyStates) -> Judged {
    let no = |known: Option<bool>| known.map(|known| !known);
    // Virtual secure mode has no policy that could be disabled.
    let state = policy.name.map(|name| states.of(name));
    let (if_in_force, field) = match policy.name.unwrap_or_default() {
        "Hgs_SecureBootEnabled" => (fate(host.secure_boot), "secure_boot"),
        "Hgs_UefiDebugDisabled" => (fate(no(host.kernel_debugging)), "kernel_debugging"),
        "Hgs_SecureBootSettings" => (fate(host.baseline_registered), "baseline_registered"),
        "Hgs_CiPolicy" => (fate(host.ci_policy_registered), "ci_policy_registered"),
        "Hgs_HypervisorEnforcedCiPolicy" => {
            (fate(host.hypervisor_enforced_ci), "hypervisor_enforced_ci")
        }
        "Hgs_FullBoot" => (fate(host.full_boot), "full_boot"),
        "Hgs_VsmIdkPresent" => (fate(host.vsm_identity_key), "vsm_identity_key"),
        "" => (fate(host.vsm_running), "vsm_running"),
        "Hgs_PageFileEncryptionEnabled" => (fate(host.pagefile_encrypted), "pagefile_encrypted"),
        "Hgs_BitLockerEnabled" => (fate(host.bitlocker), "bitlocker"),
        "Hgs_IommuEnabled" => (fate(host.iommu_in_use), "iommu_in_use"),
        "Hgs_NoHibernation" => (fate(no(host.hibernation_enabled)), "hibernation_enabled"),
        name @ NO_DUMPS => (dumps(name, host, states), "dumps_enabled"),
        name @ DUMP_ENCRYPTION => (dumps(name, host, states), "dumps_encrypted"),
        name @ DUMP_ENCRYPTION_KEY => (dumps(name, host, states), "dump_key_registered"),
        _ => (Fate::CannotTell, ""),
    };
    let fate = match (state.map(PolicyState::in_force), if_in_force) {
        (Some(Some(false)), _) => Fate::NotInForce,
        (Some(None), Fate::Fail) => Fate::FailIfInForce,
        (_, fate) => fate,
    };
    Judged {
        demand: Demand::Policy(policy),
        state,
        fate,
        field,
    }
}

fn fate(right: Option<bool>) -> Fate {
    match right {
        Some(true) => Fate::Pass,
        Some(false) => Fate::Fail,
        None => Fate::CannotTell,
    }
}

/// What a policy about memory dumps says if it is in force. Whatever the host may be, and
/// whatever the other policies may be, is tried.
fn dumps(name: &str, host: &HostState, states: &PolicyStates) -> Fate {
    let possible = |other: &str, on: bool| match other == name {
        true => on,
        false => states.of(other).in_force().is_none_or(|known| known == on),
    };
    let policies = DumpPolicies::ALL.into_iter().filter(|policies| {
        possible(NO_DUMPS, policies.no_dumps)
            && possible(DUMP_ENCRYPTION, policies.encryption)
            && possible(DUMP_ENCRYPTION_KEY, policies.key)
    });
    let mut answers = policies.flat_map(|policies| {
        let hosts = HostDumps::ALL
            .into_iter()
            .filter(|dumps| may_be(host, *dumps));
        hosts.filter_map(move |dumps| {
            let verdict = judge_dumps(policies, dumps);
            let mut named = verdict.named().into_iter();
            named
                .find(|(own, _)| *own == name)
                .map(|(_, answer)| answer)
        })
    });
    let Some(first) = answers.next() else {
        return Fate::CannotTell;
    };
    let together = answers.try_fold(first, |so_far, answer| match (so_far, answer) {
        (a, b) if a == b => Some(a),
        // It passes either way.
        (DumpAnswer::Pass | DumpAnswer::NotApplicable, DumpAnswer::Pass)
        | (DumpAnswer::Pass, DumpAnswer::NotApplicable) => Some(DumpAnswer::Pass),
        _ => None,
    });
    match together {
        Some(DumpAnswer::Pass) => Fate::Pass,
        Some(DumpAnswer::Fail) => Fate::Fail,
        Some(DumpAnswer::NotApplicable) => Fate::NotApplicable,
        Some(DumpAnswer::NotInForce) => Fate::NotInForce,
        Some(DumpAnswer::CannotTell) | None => Fate::CannotTell,
    }
}

/// Whether the memory dumps of the host may be these, by what is known of it.
fn may_be(host: &HostState, dumps: HostDumps) -> bool {
    let agrees = |known: Option<bool>, is: bool| known.is_none_or(|known| known == is);
    match dumps {
        HostDumps::Off => agrees(host.dumps_enabled, false),
        HostDumps::Plain => agrees(host.dumps_enabled, true) && agrees(host.dumps_encrypted, false),
        HostDumps::UnknownKey | HostDumps::KnownKey => {
            agrees(host.dumps_enabled, true)
                && agrees(host.dumps_encrypted, true)
                && agrees(host.dump_key_registered, dumps == HostDumps::KnownKey)
        }
    }
}
