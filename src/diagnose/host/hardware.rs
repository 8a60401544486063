use super::{TpmAnswer, TpmSeen, not_found_out};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::host::{Fact, Iommu, KernelTpm, PlatformFacts, SecureBoot, Virtualisation};

const REQUIREMENTS: &str = "Prerequisites for guarded hosts, TPM-trusted attestation";

pub(super) static TPM_PRESENT: Definition = Definition {
    id: "tpm-present",
    set: Set::Hardware,
    title: "The host has a TPM",
    basis: Basis::Documented,
    source: REQUIREMENTS,
};

pub(super) static TPM_VERSION: Definition = Definition {
    id: "tpm-version",
    set: Set::Hardware,
    title: "The TPM is a TPM 2.0",
    basis: Basis::Documented,
    source: REQUIREMENTS,
};

pub(super) static TPM_READY: Definition = Definition {
    id: "tpm-ready",
    set: Set::Hardware,
    title: "The TPM answers and shows an endorsement key",
    basis: Basis::Inferred,
    source: "stands for 'Ready' of Get-Tpm, which only Windows knows",
};

pub(super) static TPM_LOCKOUT: Definition = Definition {
    id: "tpm-lockout",
    set: Set::Hardware,
    title: "The TPM is not locked out",
    basis: Basis::Documented,
    source: "TPM 2.0 Library Part 2, 8.6 TPMA_PERMANENT",
};

pub(super) static SECURE_BOOT: Definition = Definition {
    id: "secure-boot",
    set: Set::Hardware,
    title: "The host was booted with Secure Boot",
    basis: Basis::Documented,
    source: REQUIREMENTS,
};

pub(super) static IOMMU: Definition = Definition {
    id: "iommu",
    set: Set::Hardware,
    title: "An IOMMU keeps devices from memory that is not theirs",
    basis: Basis::Documented,
    source: REQUIREMENTS,
};

pub(super) static VIRTUALIZATION: Definition = Definition {
    id: "virtualization",
    set: Set::Hardware,
    title: "The processor has virtualisation with second level address translation",
    basis: Basis::Documented,
    source: REQUIREMENTS,
};

/// The oldest revision of the TPM 2.0 specification that Microsoft asks for with SQL Server,
/// times a hundred.
const OLDEST_REVISION: u32 = 116;

pub(super) fn of_platform(platform: &PlatformFacts) -> Vec<Diagnostic> {
    let mut found = match &platform.tpm {
        Fact::Unknown(why) => vec![not_found_out(&TPM_PRESENT, why)],
        Fact::Known(None) => vec![no_tpm(platform)],
        Fact::Known(Some(tpm)) => vec![
            Diagnostic::pass(&TPM_PRESENT, format!("the kernel has {}", tpm.name)),
            version(tpm),
        ],
    };
    found.push(match &platform.secure_boot {
        Fact::Unknown(why) => not_found_out(&SECURE_BOOT, why),
        Fact::Known(boot) => secure_boot(*boot),
    });
    found.push(match &platform.iommu {
        Fact::Unknown(why) => not_found_out(&IOMMU, why),
        Fact::Known(facts) => iommu(facts, platform),
    });
    found.push(match &platform.virtualisation {
        Fact::Unknown(why) => not_found_out(&VIRTUALIZATION, why),
        Fact::Known(facts) => virtualisation(facts, platform),
    });
    found
}

fn no_tpm(platform: &PlatformFacts) -> Diagnostic {
    let found = Diagnostic::fail(&TPM_PRESENT, "the kernel shows no TPM");
    match &platform.hypervisor {
        Some(hypervisor) => found
            .seen(format!("this is a virtual machine ({hypervisor})"))
            .then("give the virtual machine a TPM 2.0, or run this on the host itself"),
        None => found.then(
            "turn the TPM on in the firmware setup; it may be called PTT, fTPM, security device \
             or trusted computing",
        ),
    }
}

fn version(tpm: &KernelTpm) -> Diagnostic {
    match tpm.major {
        Some(2) if tpm.resource_manager => {
            Diagnostic::pass(&TPM_VERSION, "TPM 2.0, with the kernel's resource manager")
        }
        Some(2) => Diagnostic::warn(
            &TPM_VERSION,
            "TPM 2.0, without the kernel's resource manager (/dev/tpmrm0)",
        )
        .then("use Linux 4.12 or later, or tpm2-abrmd, so that programs can share the TPM"),
        Some(major) => Diagnostic::fail(&TPM_VERSION, format!("the TPM is version {major}")).then(
            "a TPM 2.0 is needed; some machines can switch theirs in the firmware setup or by a \
             firmware update",
        ),
        None => not_found_out(
            &TPM_VERSION,
            "the kernel does not say it, and has no resource manager for it",
        ),
    }
}

fn secure_boot(boot: SecureBoot) -> Diagnostic {
    let on_windows = "on Windows this is Hgs_SecureBootEnabled";
    match boot {
        SecureBoot::On => Diagnostic::pass(&SECURE_BOOT, "Secure Boot is on"),
        SecureBoot::Off => Diagnostic::fail(&SECURE_BOOT, "Secure Boot is off")
            .seen(on_windows)
            .then("turn Secure Boot on in the firmware setup"),
        SecureBoot::SetupMode => Diagnostic::fail(
            &SECURE_BOOT,
            "the firmware is in set-up mode: it has no platform key, so nothing is enforced",
        )
        .seen(on_windows)
        .then("restore the factory keys in the firmware setup, then turn Secure Boot on"),
        SecureBoot::NoUefi => Diagnostic::fail(
            &SECURE_BOOT,
            "the host was not booted by UEFI, so it has no Secure Boot",
        )
        .seen(on_windows)
        .then(
            "have the firmware boot by UEFI without its compatibility module (CSM); the system \
             may have to be installed anew",
        ),
    }
}

fn iommu(facts: &Iommu, platform: &PlatformFacts) -> Diagnostic {
    let on_windows = "on Windows this is Hgs_IommuEnabled";
    if facts.groups == 0 {
        let found = Diagnostic::fail(&IOMMU, "no IOMMU is in use").seen(on_windows);
        return if facts.in_firmware {
            found
                .seen("the firmware describes one")
                .then("see that nothing turns it off, and turn it on at boot")
                .sh("cat /proc/cmdline")
                .then("add intel_iommu=on, or remove amd_iommu=off or iommu=off, and restart")
        } else if platform.hypervisor.is_some() {
            found.then("give the virtual machine an IOMMU, or run this on the host itself")
        } else {
            found.then("turn VT-d, AMD-Vi or SMMU on in the firmware setup")
        };
    }
    let seen = format!(
        "{} IOMMUs keep {} groups of devices apart",
        facts.units, facts.groups
    );
    match facts.passthrough {
        0 => Diagnostic::pass(&IOMMU, seen),
        some => Diagnostic::warn(&IOMMU, seen)
            .seen(format!("in {some} of them devices reach all memory"))
            .then("remove iommu=pt from the kernel's command line, unless it is meant"),
    }
}

fn virtualisation(facts: &Virtualisation, platform: &PlatformFacts) -> Diagnostic {
    let inside = platform.hypervisor.as_ref();
    let inside = inside.map(|name| format!("this is a virtual machine ({name})"));
    let mut found = if !facts.extensions {
        Diagnostic::fail(
            &VIRTUALIZATION,
            "the processor shows neither VT-x nor AMD-V",
        )
        .then(match inside {
            Some(_) => "turn nested virtualisation on, or run this on the host itself",
            None => "turn virtualisation on in the firmware setup (VT-x, AMD-V, SVM)",
        })
    } else if !facts.slat {
        Diagnostic::fail(&VIRTUALIZATION, "the processor shows neither EPT nor NPT")
            .then("a processor with second level address translation is needed")
    } else {
        let kvm = match facts.kvm {
            true => "KVM is there",
            false => "KVM is not there, which attestation does not need",
        };
        Diagnostic::pass(&VIRTUALIZATION, "VT-x with EPT, or AMD-V with NPT").seen(kvm)
    };
    found.evidence.extend(inside);
    found
}

pub(super) fn of_tpm(tpm: &TpmSeen) -> Vec<Diagnostic> {
    match tpm {
        TpmSeen::Answered(answer) => vec![ready(answer), lockout(answer)],
        TpmSeen::Failed { message, help } => {
            vec![Diagnostic::fail(&TPM_READY, message).then(help)]
        }
        TpmSeen::NotReached { message, help } => vec![
            Diagnostic::warn(&TPM_READY, format!("could not be found out: {message}")).then(help),
            Diagnostic::warn(
                &TPM_LOCKOUT,
                "could not be found out: the TPM was not reached",
            )
            .then(help),
        ],
    }
}

fn ready(answer: &TpmAnswer) -> Diagnostic {
    if answer.keys == 0 {
        return Diagnostic::fail(&TPM_READY, "the TPM answers, and shows no endorsement key").then(
            "the endorsement hierarchy may be disabled or have a password (tpm2_getcap \
             properties-variable); clear it in the firmware setup",
        );
    }
    let keys = format!(
        "the TPM answers, and shows {} endorsement keys",
        answer.keys
    );
    let Some(revision) = answer.revision else {
        return Diagnostic::pass(&TPM_READY, keys).seen("it does not tell its revision");
    };
    let words = format!("revision {}.{:02}", revision / 100, revision % 100);
    match revision < OLDEST_REVISION {
        true => Diagnostic::warn(&TPM_READY, keys)
            .seen(format!(
                "{words} of the specification; Microsoft asks for 1.16 with SQL Server"
            ))
            .then("update the firmware of the TPM"),
        false => Diagnostic::pass(&TPM_READY, keys).seen(words),
    }
}

fn lockout(answer: &TpmAnswer) -> Diagnostic {
    match answer.in_lockout {
        Some(false) => Diagnostic::pass(&TPM_LOCKOUT, "it takes passwords"),
        Some(true) => {
            let wait = answer.lockout_interval.map_or_else(String::new, |seconds| {
                format!("; it forgives one wrong password every {seconds} seconds")
            });
            Diagnostic::fail(
                &TPM_LOCKOUT,
                format!("wrong passwords have locked the TPM{wait}"),
            )
            .then("wait, or have the owner of the lockout password reset it")
            .sh("tpm2_dictionarylockout --clear-lockout")
        }
        None => Diagnostic::warn(
            &TPM_LOCKOUT,
            "could not be found out: the TPM does not tell its permanent attributes",
        )
        .then("ask it by hand")
        .sh("tpm2_getcap properties-variable"),
    }
}
