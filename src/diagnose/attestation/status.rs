use super::table::Step;

/// A value of `AttestationStatus` or `AttestationSubStatus` (`Get-HgsClientConfiguration`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusInfo {
    /// As Windows writes it.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do. Empty if nothing is wrong.
    pub remedy: &'static [Step],
}

/// Every `AttestationStatus`. The names and their meaning are documented by Microsoft
/// (Troubleshooting Guarded Hosts).
pub const STATUSES: &[StatusInfo] = &[
    StatusInfo {
        name: "Passed",
        meaning: "the host passed attestation",
        remedy: &[],
    },
    StatusInfo {
        name: "Unknown",
        meaning: "the host has not asked for attestation yet",
        remedy: &[
            Step::Do("have it attest once"),
            Step::PowerShell("Test-HgsClientConfiguration"),
        ],
    },
    StatusInfo {
        name: "NotConfigured",
        meaning: "the host uses no Host Guardian Service; it is in local mode",
        remedy: &[
            Step::Do("tell the host the URLs of the service, if it is to be a guarded host"),
            Step::PowerShell(
                "Set-HgsClientConfiguration -KeyProtectionServerUrl 'https://HGS/KeyProtection' \
                 -AttestationServerUrl 'https://HGS/Attestation'",
            ),
        ],
    },
    StatusInfo {
        name: "Expired",
        meaning: "the host passed once, and its health certificate has expired since",
        remedy: &[Step::Do(
            "compare the clocks of the host and of every node of the service, then attest again",
        )],
    },
    StatusInfo {
        name: "InsecureHostConfiguration",
        meaning: "the host fails at least one policy; AttestationSubStatus says which",
        remedy: &[
            Step::Do("look up each sub-status: endorse attestation-policy show SUBSTATUS"),
            Step::PowerShell("(Get-HgsClientConfiguration).AttestationSubStatus"),
        ],
    },
    StatusInfo {
        name: "UnauthorizedHost",
        meaning: "the service does not know the host: in TPM mode its EK is not registered, in \
                  Active Directory mode it is in no trusted group",
        remedy: &[
            Step::Do("in TPM mode register its platform identifier on the service"),
            Step::PowerShell("Add-HgsAttestationTpmHost -Path ./host.xml"),
            Step::Do(
                "in Active Directory mode put the computer into a trusted group and restart it",
            ),
        ],
    },
    StatusInfo {
        name: "TransientError",
        meaning: "the last attempt failed by a network, a service or something else that passes",
        remedy: &[
            Step::Do("try again; if it stays so, see that the host reaches every node"),
            Step::PowerShell("Test-HgsClientConfiguration"),
        ],
    },
    StatusInfo {
        name: "TpmError",
        meaning: "the TPM of the host failed in the last attempt",
        remedy: &[
            Step::Do("see that the TPM is ready and not locked out"),
            Step::PowerShell("Get-Tpm"),
        ],
    },
];

/// The values of `AttestationSubStatus` that belong to no policy. The others are in
/// [`POLICIES`](super::POLICIES).
pub const SUB_STATUSES: &[StatusInfo] = &[
    StatusInfo {
        name: "NoInformation",
        meaning: "the service gave no reason",
        remedy: &[
            Step::Do("read the log Microsoft-Windows-HostGuardianService-Attestation of the node"),
            Step::PowerShell("Get-HgsTrace -RunDiagnostics -Detailed"),
        ],
    },
    StatusInfo {
        name: "TcgLogVerification",
        meaning: "the measured boot log of the host could not be had or does not fit its TPM",
        remedy: &[
            Step::Do("update the firmware of the host and of its TPM, and restart it"),
            Step::Do(
                "if the host tries PXE before its disk, update every network boot program: an old \
                 one is a known cause",
            ),
        ],
    },
];

/// The `AttestationStatus` with this name, in any case.
pub fn status(name: &str) -> Option<&'static StatusInfo> {
    find(STATUSES, name)
}

/// The `AttestationSubStatus` with this name, in any case, if it belongs to no policy.
pub fn sub_status(name: &str) -> Option<&'static StatusInfo> {
    find(SUB_STATUSES, name)
}

fn find(table: &'static [StatusInfo], name: &str) -> Option<&'static StatusInfo> {
    table
        .iter()
        .find(|status| status.name.eq_ignore_ascii_case(name))
}
