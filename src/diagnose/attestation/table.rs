use super::Guid;
use crate::diagnose::{Basis, Diagnostic};

/// One thing that a host is judged by in TPM mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInfo {
    /// Its name among the default policies. One reason, that virtual secure mode does not
    /// run, has no policy of its own.
    pub name: Option<&'static str>,
    /// The value of `-PolicyType` of `Get-HgsAttestationPolicy`.
    pub policy_type: Option<&'static str>,
    /// The reason in a `PolicyEvaluationErrorReply` ([MS-HGSA]).
    pub reason: Guid,
    /// The value of `AttestationSubStatus` on the host.
    pub sub_status: &'static str,
    /// The events in the log of the service; none are known for some.
    pub events: &'static [u32],
    /// Its state on a new service.
    pub default_state: DefaultState,
    /// Whether it is a negative policy: it fails a host that matches none of the policies
    /// that an administrator added.
    pub is_negative: bool,
    /// What it demands of a host.
    pub demands: &'static str,
    /// What to change, in order. On the host unless it says otherwise.
    pub remedy: &'static [Step],
}

/// The state of a default policy on a new service, as far as it is known. Some are locked,
/// which means that they cannot be disabled; no public text says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultState {
    /// Documented: it is off until somebody enables it.
    Disabled,
    /// No public text tells it.
    Unknown,
    /// No public text tells it for a new service. On a service that got the policy with an
    /// update it is documented to be off.
    DisabledAfterUpdate,
}

impl DefaultState {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
            Self::DisabledAfterUpdate => "unknown; disabled where it came with an update",
        }
    }
}

/// One step of a remedy, as [`Remedy`](crate::diagnose::Remedy) in a table. Paths have
/// slashes: PowerShell takes both, and a backslash is shown escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Something to do or to know.
    Do(&'static str),
    /// A command for an elevated PowerShell, which is shown and never run.
    PowerShell(&'static str),
}

impl Step {
    /// The diagnostic with this step.
    pub fn add_to(self, diagnostic: Diagnostic) -> Diagnostic {
        match self {
            Self::Do(text) => diagnostic.then(text),
            Self::PowerShell(line) => diagnostic.powershell(line),
        }
    }
}

/// What a column of the table rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name of the column.
    pub name: &'static str,
    /// What its values rest on, each by itself.
    pub basis: Basis,
    /// Where they stand.
    pub source: &'static str,
}

/// The columns of [`POLICIES`].
pub const COLUMNS: &[Column] = &[
    Column {
        name: "policy",
        basis: Basis::Documented,
        source: "Managing the Host Guardian Service, Default policies",
    },
    Column {
        name: "policy type",
        basis: Basis::Documented,
        source: "Get-HgsAttestationPolicy, -PolicyType",
    },
    Column {
        name: "reason",
        basis: Basis::Documented,
        source: "[MS-HGSA] v9.0, EvaluationLog",
    },
    Column {
        name: "sub-status",
        basis: Basis::Documented,
        source: "Troubleshooting Guarded Hosts, AttestationSubStatus; DebugMode, which is not there, \
                 is observed",
    },
    Column {
        name: "events",
        basis: Basis::Observed,
        source: "GuardedFabricTools, AttestationReport",
    },
    Column {
        name: "default state",
        basis: Basis::Documented,
        source: "Managing the Host Guardian Service, Default policies; Updates requiring policy \
                 activation",
    },
    Column {
        name: "what belongs together in a row",
        basis: Basis::Inferred,
        source: "the names are alike",
    },
];

const NO_EVENT: &[u32] = &[];

/// The default policies of TPM mode, in the order of Microsoft's list, with what stands for
/// each elsewhere.
pub const POLICIES: &[PolicyInfo] = &[
    PolicyInfo {
        name: Some("Hgs_SecureBootEnabled"),
        policy_type: Some("SecureBootEnabled"),
        reason: Guid(0x6a46_0ee1_62ea_416f_ae6c_04e2_9634_506d),
        sub_status: "SecureBoot",
        events: &[1508],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "Secure Boot is on",
        remedy: &[
            Step::Do(
                "turn Secure Boot on in the firmware setup, with the Microsoft template of keys",
            ),
            Step::PowerShell("Confirm-SecureBootUEFI"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_UefiDebugDisabled"),
        policy_type: Some("UefiDebugDisabled"),
        reason: Guid(0x2018_8fda_d40b_460d_b078_2e78_98a4_2ae9),
        sub_status: "DebugMode",
        events: &[1510],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "no kernel debugger is enabled",
        remedy: &[
            Step::Do("turn kernel and boot debugging off, and restart"),
            Step::PowerShell("bcdedit /debug off; bcdedit /bootdebug off"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_SecureBootSettings"),
        policy_type: Some("SecureBootSettings"),
        reason: Guid(0x756d_c455_9528_479a_a86a_c646_4173_16c9),
        sub_status: "SecureBootSettings",
        events: NO_EVENT,
        default_state: DefaultState::Unknown,
        is_negative: true,
        demands: "the TPM baseline is one that an administrator added",
        remedy: &[
            Step::Do(
                "find out what changed in the firmware, the boot loaders or the Secure Boot \
                 variables; undo it, or take a new baseline if it is trusted",
            ),
            Step::PowerShell("Get-HgsAttestationBaselinePolicy -Path .\\baseline.tcglog"),
            Step::Do("then add the baseline on the service"),
            Step::PowerShell("Add-HgsAttestationTpmPolicy -Name 'NAME' -Path .\\baseline.tcglog"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_CiPolicy"),
        policy_type: Some("CiPolicy"),
        reason: Guid(0x81f1_10ba_53c5_4064_9d64_5102_9fa2_4f49),
        sub_status: "CodeIntegrityPolicy",
        events: &[1513, 1538],
        default_state: DefaultState::Unknown,
        is_negative: true,
        demands: "the code integrity policy is one that an administrator added",
        remedy: &[
            Step::Do(
                "see that a code integrity policy is in place and that the host was restarted \
                 since",
            ),
            Step::Do("add that very policy on the service, if it is not there"),
            Step::PowerShell("Add-HgsAttestationCiPolicy -Name 'NAME' -Path .\\SIPolicy.p7b"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_HypervisorEnforcedCiPolicy"),
        policy_type: Some("HypervisorEnforcedCiPolicy"),
        reason: Guid(0x5408_bd30_3250_4ac1_a150_c410_af75_6699),
        sub_status: "HypervisorEnforcedCodeIntegrityPolicy",
        events: &[1537],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "the hypervisor enforces the code integrity policy",
        remedy: &[Step::Do(
            "enable hypervisor-protected code integrity (HVCI) and restart",
        )],
    },
    PolicyInfo {
        name: Some("Hgs_FullBoot"),
        policy_type: Some("FullBoot"),
        reason: Guid(0x75ad_09c9_7254_4d00_96f3_3b09_d0aa_ac54),
        sub_status: "FullBoot",
        events: NO_EVENT,
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "the host did not come back from sleep or hibernation",
        remedy: &[
            Step::Do("restart the host"),
            Step::PowerShell("Restart-Computer"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_VsmIdkPresent"),
        policy_type: Some("VsmIdkPresent"),
        reason: Guid(0x75d5_95de_12f5_41e9_a61e_469d_3205_ecca),
        sub_status: "VirtualSecureMode",
        events: &[1534],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "virtual secure mode has its identity key",
        remedy: VIRTUAL_SECURE_MODE,
    },
    PolicyInfo {
        name: None,
        policy_type: None,
        reason: Guid(0x6c0a_6d29_5bcb_4f28_bafb_f71e_b60f_dae0),
        sub_status: "VirtualSecureMode",
        events: &[1534],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "virtual secure mode runs",
        remedy: VIRTUAL_SECURE_MODE,
    },
    PolicyInfo {
        name: Some("Hgs_PageFileEncryptionEnabled"),
        policy_type: Some("PagefileEncryptionEnabled"),
        reason: Guid(0x12df_0ee9_b38e_4086_90f8_703d_9e7c_b878),
        sub_status: "PagefileEncryption",
        events: &[1535],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "page files are encrypted",
        remedy: &[
            Step::Do("turn the encryption of page files on, and restart"),
            Step::PowerShell("fsutil behavior set encryptpagingfile 1"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_BitLockerEnabled"),
        policy_type: Some("BitLockerEnabled"),
        reason: Guid(0x347d_a547_d266_4939_bf3d_9ec7_3a90_bdbc),
        sub_status: "BitLocker",
        events: &[1536],
        default_state: DefaultState::Disabled,
        is_negative: false,
        demands: "the volume of the operating system is encrypted by BitLocker",
        remedy: &[
            Step::Do("encrypt the volume of the operating system"),
            Step::PowerShell("Enable-BitLocker -MountPoint $env:SystemDrive -TpmProtector"),
            Step::Do(
                "or disable the policy on the service: it is off by default, Microsoft does not \
                 recommend it, and shielded VMs are encrypted without it",
            ),
            Step::PowerShell("Disable-HgsAttestationPolicy -Name 'Hgs_BitLockerEnabled'"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_IommuEnabled"),
        policy_type: Some("IommuEnabled"),
        reason: Guid(0xda07_76e5_6570_44b3_9a17_7e95_b4fc_7779),
        sub_status: "Iommu",
        events: &[1533],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "an IOMMU is in use against direct memory access",
        remedy: &[Step::Do(
            "turn the IOMMU (VT-d, AMD-Vi) on in the firmware setup, have virtualization based \
             security require DMA protection, and restart",
        )],
    },
    PolicyInfo {
        name: Some("Hgs_NoHibernation"),
        policy_type: Some("NoHibernation"),
        reason: Guid(0xa320_22c6_dccd_4bf5_be76_3b5c_a154_2559),
        sub_status: "HibernationEnabled",
        events: &[1539],
        default_state: DefaultState::Unknown,
        is_negative: false,
        demands: "hibernation is off",
        remedy: &[
            Step::Do("turn hibernation off, and restart"),
            Step::PowerShell("powercfg /hibernate off"),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_NoDumps"),
        policy_type: Some("NoDumps"),
        reason: Guid(0x2a79_6e36_e918_454f_b610_60f0_86e8_d334),
        sub_status: "DumpsEnabled",
        events: &[1540],
        default_state: DefaultState::DisabledAfterUpdate,
        is_negative: false,
        demands: "memory dumps are off",
        remedy: &[
            Step::Do("turn crash dumps and live dumps off, and restart"),
            Step::PowerShell(
                "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\CrashControl\\\
                 ForceDumpsDisabled GuardedHost 1",
            ),
            Step::Do(
                "or disable this policy on the service and demand encrypted dumps in its place",
            ),
            Step::PowerShell(
                "Disable-HgsAttestationPolicy -Name 'Hgs_NoDumps'; Enable-HgsAttestationPolicy \
                 -Name 'Hgs_DumpEncryption'",
            ),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_DumpEncryption"),
        policy_type: Some("DumpEncryption"),
        reason: Guid(0x6f39_0a71_753c_43aa_a326_74e3_0aed_cd9d),
        sub_status: "DumpEncryption",
        events: &[1541],
        default_state: DefaultState::DisabledAfterUpdate,
        is_negative: false,
        demands: "memory dumps, if there are any, are encrypted",
        remedy: &[
            Step::Do("turn memory dumps off, or have them encrypted, and restart"),
            Step::PowerShell(
                "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\CrashControl \
                 DumpEncryptionEnabled 1",
            ),
            Step::Do(
                "encryption also needs the public key, as a BCRYPT_RSAKEY_BLOB, in \
                 EncryptionCertificates\\Certificate.1 below that key of the registry",
            ),
        ],
    },
    PolicyInfo {
        name: Some("Hgs_DumpEncryptionKey"),
        policy_type: Some("DumpEncryptionKey"),
        reason: Guid(0x85da_c0a4_8ba9_4a7f_a342_2118_62ce_0be8),
        sub_status: "DumpEncryptionKey",
        events: &[1542],
        default_state: DefaultState::DisabledAfterUpdate,
        is_negative: true,
        demands: "encrypted memory dumps are for a key that an administrator added",
        remedy: &[
            Step::Do("have the host encrypt its dumps for a key that the service knows"),
            Step::Do(
                "or add the host's key on the service, by its hash: endorse attestation-policy \
                 dump-key CERT",
            ),
            Step::PowerShell("Add-HgsAttestationDumpPolicy -Name 'NAME' -PublicKeyHash 'HASH'"),
        ],
    },
];

const VIRTUAL_SECURE_MODE: &[Step] = &[
    Step::Do(
        "enable virtualization based security, see that the machine has what it is configured to \
         require (Secure Boot, DMA protection), and restart",
    ),
    Step::PowerShell("Install-WindowsFeature HostGuardian -Restart"),
    Step::PowerShell(
        "Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard Win32_DeviceGuard",
    ),
];

impl PolicyInfo {
    /// Its name, or what stands for one that has none.
    pub fn name_or_reason(&self) -> &'static str {
        self.name.unwrap_or("(virtual secure mode runs)")
    }
}

/// The policy with this name, in any case. `Hgs_DumpsEnabled`, which one guide of Microsoft's
/// writes for it, finds `Hgs_NoDumps`.
pub fn by_name(name: &str) -> Option<&'static PolicyInfo> {
    let name = match name.eq_ignore_ascii_case("Hgs_DumpsEnabled") {
        true => "Hgs_NoDumps",
        false => name,
    };
    POLICIES.iter().find(|policy| {
        policy
            .name
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    })
}

/// The policy, or the reason without one, with this GUID.
pub fn by_reason(reason: Guid) -> Option<&'static PolicyInfo> {
    POLICIES.iter().find(|policy| policy.reason == reason)
}

/// The policies that this event of the service may be about.
pub fn by_event(id: u32) -> impl Iterator<Item = &'static PolicyInfo> {
    POLICIES
        .iter()
        .filter(move |policy| policy.events.contains(&id))
}

/// The policies that this value of `AttestationSubStatus`, in any case, may be about.
pub fn by_substatus(name: &str) -> impl Iterator<Item = &'static PolicyInfo> {
    POLICIES
        .iter()
        .filter(move |policy| policy.sub_status.eq_ignore_ascii_case(name))
}
