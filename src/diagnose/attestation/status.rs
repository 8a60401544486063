use super::table::Step;
use crate::diagnose::commands::{
    ATTEST, MAKE_IDENTIFIER, REGISTER_HOST, RENEW_SIGNER, SHOW_CLOCK, SHOW_TPM,
};

/// A value of `AttestationStatus` or `AttestationSubStatus` (`Get-HgsClientConfiguration`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusInfo {
    /// As Windows writes it.
    pub name: &'static str,
    /// The number that the WMI class `MSFT_HgsClientConfiguration` has for it, where it is
    /// documented.
    pub number: Option<u16>,
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
        number: Some(100),
        meaning: "the host passed attestation",
        remedy: &[],
    },
    StatusInfo {
        name: "Unknown",
        number: Some(1),
        meaning: "the host has not asked for attestation yet",
        remedy: &[Step::Do("have it attest once"), Step::PowerShell(ATTEST)],
    },
    StatusInfo {
        name: "NotConfigured",
        number: Some(0),
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
        number: Some(200),
        meaning: "the host passed once, and its health certificate has expired since",
        remedy: &[
            Step::Do("bring the clocks of the host and of every node of the service together"),
            Step::PowerShell(SHOW_CLOCK),
            Step::Do("renew the certificate that signs health certificates, on a node:"),
            Step::PowerShell(RENEW_SIGNER),
            Step::Do("then have the host attest again:"),
            Step::PowerShell(ATTEST),
        ],
    },
    StatusInfo {
        name: "InsecureHostConfiguration",
        number: Some(303),
        meaning: "the host fails at least one policy; AttestationSubStatus says which",
        remedy: &[
            Step::Do("look up each sub-status: endorse attestation-policy show SUBSTATUS"),
            Step::PowerShell("(Get-HgsClientConfiguration).AttestationSubStatus"),
        ],
    },
    StatusInfo {
        name: "UnauthorizedHost",
        number: Some(301),
        meaning: "the service does not know the host: in TPM mode its EK is not registered, in \
                  Active Directory mode it is in no trusted group",
        remedy: &[
            Step::Do(
                "in TPM mode make its platform identifier in an elevated PowerShell on the host, \
                 and register it on the service",
            ),
            Step::PowerShell(MAKE_IDENTIFIER),
            Step::PowerShell(REGISTER_HOST),
            Step::Do(
                "in Active Directory mode put the computer into a trusted group and restart it",
            ),
        ],
    },
    StatusInfo {
        name: "TransientError",
        number: Some(300),
        meaning: "the last attempt failed by a network, a service or something else that passes",
        remedy: &[
            Step::Do(
                "see that the host reaches the URLs of the service and that its nodes are up (endorse diagnose --hgs tells), then try again",
            ),
            Step::PowerShell(ATTEST),
        ],
    },
    StatusInfo {
        name: "TpmError",
        number: Some(302),
        meaning: "the TPM of the host failed in the last attempt",
        remedy: &[
            Step::Do("see whether the TPM is ready and not locked out, and read its log"),
            Step::PowerShell(SHOW_TPM),
            Step::PowerShell("Get-WinEvent -ProviderName TPM -MaxEvents 50"),
        ],
    },
];

/// The values of `AttestationSubStatus` that belong to no policy. The others are in
/// [`POLICIES`](super::POLICIES).
pub const SUB_STATUSES: &[StatusInfo] = &[
    StatusInfo {
        name: "NoInformation",
        number: None,
        meaning: "the service gave no reason",
        remedy: &[
            Step::Do("read the log Microsoft-Windows-HostGuardianService-Attestation of the node"),
            Step::PowerShell("Get-HgsTrace -RunDiagnostics -Detailed"),
        ],
    },
    StatusInfo {
        name: "TcgLogVerification",
        number: None,
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

/// The `AttestationStatus` with this number.
pub fn status_number(number: u16) -> Option<&'static StatusInfo> {
    let mut all = STATUSES.iter();
    all.find(|status| status.number == Some(number))
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
