use super::not_found_out;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::host::{Fact, PlatformFacts, Swap};

const COUNTERPART: &str =
    "Linux's counterpart of a policy in Managing the Host Guardian Service, Default policies";

pub(super) static KERNEL_LOCKDOWN: Definition = Definition {
    id: "kernel-lockdown",
    set: Set::GuardedHost,
    title: "The kernel keeps its own administrator out",
    basis: Basis::Inferred,
    source: COUNTERPART,
};

pub(super) static HIBERNATION: Definition = Definition {
    id: "hibernation",
    set: Set::GuardedHost,
    title: "Memory is not saved by hibernation",
    basis: Basis::Inferred,
    source: COUNTERPART,
};

pub(super) static CRASH_DUMPS: Definition = Definition {
    id: "crash-dumps",
    set: Set::GuardedHost,
    title: "Memory is not saved after a crash",
    basis: Basis::Inferred,
    source: COUNTERPART,
};

pub(super) static SWAP_ENCRYPTION: Definition = Definition {
    id: "swap-encryption",
    set: Set::GuardedHost,
    title: "Memory that is paged out is encrypted",
    basis: Basis::Inferred,
    source: COUNTERPART,
};

pub(super) fn diagnostics(platform: &PlatformFacts) -> Vec<Diagnostic> {
    vec![
        match &platform.lockdown {
            Fact::Unknown(why) => not_found_out(&KERNEL_LOCKDOWN, why),
            Fact::Known(level) => lockdown(level),
        },
        match &platform.hibernation {
            Fact::Unknown(why) => not_found_out(&HIBERNATION, why),
            Fact::Known(false) => Diagnostic::pass(&HIBERNATION, "the host cannot hibernate"),
            Fact::Known(true) => Diagnostic::warn(&HIBERNATION, "the host can hibernate")
                .seen("on Windows this is Hgs_NoHibernation")
                .then("turn hibernation off, or see that the image is encrypted")
                .sh("systemctl mask hibernate.target hybrid-sleep.target"),
        },
        match &platform.crash_kernel {
            Fact::Unknown(why) => not_found_out(&CRASH_DUMPS, why),
            Fact::Known(false) => Diagnostic::pass(&CRASH_DUMPS, "no crash kernel is loaded"),
            Fact::Known(true) => Diagnostic::warn(
                &CRASH_DUMPS,
                "a crash kernel is loaded, which may write memory out; whether encrypted cannot \
                 be seen",
            )
            .seen("on Windows these are Hgs_NoDumps, Hgs_DumpEncryption, Hgs_DumpEncryptionKey")
            .then("turn kdump off, or have it write to an encrypted place"),
        },
        match &platform.swaps {
            Fact::Unknown(why) => not_found_out(&SWAP_ENCRYPTION, why),
            Fact::Known(swaps) => swap(swaps),
        },
    ]
}

fn lockdown(level: &str) -> Diagnostic {
    let seen = format!("lockdown is '{level}'");
    match level {
        "none" => Diagnostic::warn(&KERNEL_LOCKDOWN, seen)
            .seen(
                "on Windows Hgs_HypervisorEnforcedCiPolicy and virtual secure mode are the \
                 nearest, and do more",
            )
            .then(
                "boot with Secure Boot on a distribution that locks its kernel then, or add \
                 lockdown=integrity to the kernel's command line",
            ),
        _ => Diagnostic::pass(&KERNEL_LOCKDOWN, seen),
    }
}

fn swap(swaps: &[Swap]) -> Diagnostic {
    let of = |protected| {
        let paths = swaps.iter().filter(|swap| swap.protected == protected);
        paths
            .map(|swap| swap.path.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (plain, unknown) = (of(Some(false)), of(None));
    if plain.is_empty() && unknown.is_empty() {
        let seen = match swaps.is_empty() {
            true => "nothing is paged out",
            false => "every place that memory is paged out to is encrypted or in memory",
        };
        return Diagnostic::pass(&SWAP_ENCRYPTION, seen);
    }
    let mut seen = Vec::new();
    if !plain.is_empty() {
        seen.push(format!("paged out in the clear to {plain}"));
    }
    if !unknown.is_empty() {
        seen.push(format!(
            "whether {unknown} is encrypted could not be found out"
        ));
    }
    Diagnostic::warn(&SWAP_ENCRYPTION, seen.join("; "))
        .seen("on Windows this is Hgs_PageFileEncryptionEnabled")
        .then("put swap on a device that is encrypted with a new key at each boot (crypttab: swap)")
}
