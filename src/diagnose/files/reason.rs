//! Why a host was refused: the sub-statuses of attestation with policy, event and remedy.
//! The only place in this room that knows them.

/// A reason for which a host is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// As in `AttestationSubstatus`.
    pub(super) name: &'static str,
    /// The policy that it belongs to, by their names alike; empty where there is none.
    pub(super) policy: &'static str,
    /// The events of the Attestation Service that say so.
    pub(super) events: &'static [u32],
    /// What is the matter.
    pub(super) cause: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// How an attestation ended, by its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The validation of a TCG log starts; the event carries the digest of the EK.
    Started,
    /// Passed, in TPM mode.
    PassedTpm,
    /// Passed, in AD mode.
    PassedAd,
    /// The EK is not registered; the event carries its digest.
    UnknownEk,
    /// The host is in no group that is trusted.
    UnknownHost,
    /// A policy was not met.
    Refused(&'static Reason),
}

/// What an event of the Attestation Service says. The numbers are those that Microsoft's own
/// GuardedFabricTools reads.
pub(super) fn outcome(event: u32) -> Option<Outcome> {
    Some(match event {
        1203 => Outcome::Started,
        1500 => Outcome::UnknownEk,
        1519 => Outcome::PassedAd,
        1523 => Outcome::PassedTpm,
        1524 => Outcome::UnknownHost,
        _ => {
            let mut reasons = REASONS.iter();
            Outcome::Refused(reasons.find(|reason| reason.events.contains(&event))?)
        }
    })
}

/// A reason by its name, whose case does not count.
pub(super) fn by_name(name: &str) -> Option<&'static Reason> {
    let mut reasons = REASONS.iter();
    reasons.find(|reason| reason.name.eq_ignore_ascii_case(name))
}

const REASONS: &[Reason] = &[
    Reason {
        name: "SecureBoot",
        policy: "Hgs_SecureBootEnabled",
        events: &[1508],
        cause: "Secure Boot is off, or does not use the template of Microsoft",
        remedy: "turn Secure Boot on in the firmware, with the template of Microsoft, and restart the host",
    },
    Reason {
        name: "DebugMode",
        policy: "Hgs_UefiDebugDisabled",
        events: &[1510],
        cause: "the firmware or the boot loader was started for debugging",
        remedy: "turn debugging off (bcdedit /debug off, and the debug switch of the firmware) and restart the host",
    },
    Reason {
        name: "SecureBootSettings",
        policy: "Hgs_SecureBootSettings",
        events: &[],
        cause: "the TPM baseline of the host is none of those that the service trusts; new hardware, firmware, launch authorities or a new DBX change it",
        remedy: "if the change is meant, capture the baseline on the host (Get-HgsAttestationBaselinePolicy) and add it on the service (Add-HgsAttestationTpmPolicy)",
    },
    Reason {
        name: "CodeIntegrityPolicy",
        policy: "Hgs_CiPolicy",
        events: &[1513, 1538],
        cause: "the host has no code integrity policy, or none that the service knows",
        remedy: "see that a code integrity policy is in force on the host, restart it, and add the policy on the service (Add-HgsAttestationCIPolicy)",
    },
    Reason {
        name: "HypervisorEnforcedCodeIntegrityPolicy",
        policy: "Hgs_HypervisorEnforcedCiPolicy",
        events: &[1537],
        cause: "the hypervisor does not enforce the code integrity policy",
        remedy: "turn on code integrity that the hypervisor enforces (HVCI) and restart the host",
    },
    Reason {
        name: "FullBoot",
        policy: "Hgs_FullBoot",
        events: &[],
        cause: "the host came back from sleep or hibernation",
        remedy: "restart the host, so that it boots in full",
    },
    Reason {
        name: "VirtualSecureMode",
        policy: "Hgs_VsmIdkPresent",
        events: &[1534],
        cause: "Virtualization Based Security does not run on the host, or has no identity key",
        remedy: "turn Virtualization Based Security on, see that the machine is a physical one that meets its demands, and restart it",
    },
    Reason {
        name: "Iommu",
        policy: "Hgs_IommuEnabled",
        events: &[1533],
        cause: "Virtualization Based Security does not ask for an IOMMU against DMA",
        remedy: "turn the IOMMU on in the firmware, and have Device Guard require secure boot and DMA protection",
    },
    Reason {
        name: "BitLocker",
        policy: "Hgs_BitLockerEnabled",
        events: &[1536],
        cause: "the volume of the operating system is not encrypted by BitLocker",
        remedy: "turn BitLocker on for that volume, or disable the policy on the service; it is off by default",
    },
    Reason {
        name: "PagefileEncryption",
        policy: "Hgs_PageFileEncryptionEnabled",
        events: &[1535],
        cause: "the page file is not encrypted",
        remedy: "run fsutil behavior set encryptpagingfile 1 on the host and restart it",
    },
    Reason {
        name: "HibernationEnabled",
        policy: "Hgs_NoHibernation",
        events: &[1539],
        cause: "the host may hibernate without encrypting what it writes",
        remedy: "run powercfg /hibernate off on the host and restart it, or set up dump encryption",
    },
    Reason {
        name: "DumpsEnabled",
        policy: "Hgs_NoDumps",
        events: &[1540],
        cause: "the host may write memory dumps, which the policy forbids",
        remedy: "turn dumps off on the host; or disable Hgs_NoDumps and have dumps encrypted (Hgs_DumpEncryption)",
    },
    Reason {
        name: "DumpEncryption",
        policy: "Hgs_DumpEncryption",
        events: &[1541],
        cause: "the host may write memory dumps and does not encrypt them",
        remedy: "turn dumps off on the host, or set up dump encryption",
    },
    Reason {
        name: "DumpEncryptionKey",
        policy: "Hgs_DumpEncryptionKey",
        events: &[1542],
        cause: "the host encrypts memory dumps with a key that the service does not know",
        remedy: "use the right key on the host, or add it on the service (Add-HgsAttestationDumpPolicy)",
    },
    Reason {
        name: "TcgLogVerification",
        policy: "",
        events: &[],
        cause: "the TCG log cannot be obtained or verified: firmware, TPM, or an outdated network boot program where PXE comes first",
        remedy: "update the firmware and every network boot program, or take PXE out of the boot order, and restart the host",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_and_name_has_one_meaning() {
        for (index, reason) in REASONS.iter().enumerate() {
            assert_eq!(by_name(reason.name), Some(reason));
            for event in reason.events {
                assert_eq!(outcome(*event), Some(Outcome::Refused(reason)));
            }
            let others = &REASONS[index + 1..];
            assert!(others.iter().all(|other| other.name != reason.name));
        }
        assert_eq!(outcome(1500), Some(Outcome::UnknownEk));
        assert_eq!(outcome(1501), None);
        assert_eq!(by_name("NoInformation"), None);
    }
}
