use serde_json::Value;

use super::{json, malformed};
use crate::der::decode_base64;
use crate::diagnose::attestation::{Guid, PolicyInfo, Step, by_reason};
use crate::ek::Certificate;
use crate::finding::Error;

/// What a reply says, by its type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReplyContent {
    /// `OperationModeErrorReply`: the service is in another mode.
    OperationMode {
        /// The number of the mode that it is in; see [`mode_in_words`](Self::mode_in_words).
        expected: Option<u64>,
    },
    /// `PayloadErrorReply`: the request cannot be read.
    Payload,
    /// `PolicyEvaluationErrorReply`: the host fails a policy.
    PolicyEvaluation {
        /// What was evaluated.
        reasons: Vec<Reason>,
    },
    /// `RtpmErrorReply`: the conversation with the TPM failed.
    Rtpm,
    /// `TcgLogValidationErrorReply`: the boot log cannot be validated.
    TcgLogValidation,
    /// `UnauthorizedErrorReply`: the host is not known.
    Unauthorized,
    /// `UnavailableErrorReply`: the service cannot answer now.
    Unavailable,
    /// `VirtualSecureModeErrorReply`: something about virtual secure mode.
    VirtualSecureMode,
    /// `VsmReportValidationErrorReply`: the report of virtual secure mode is not valid.
    VsmReportValidation,
    /// `HealthCertificateReply`: the host passed.
    HealthCertificate {
        /// The certificates.
        certificates: Vec<HealthCertificate>,
    },
    /// `TpmReplyContinue`: the conversation with the TPM goes on.
    TpmContinue {
        /// How many octets the context has, where it is in base64.
        context_len: Option<usize>,
    },
    /// A type that the specification does not have.
    Unrecognised,
}

/// One entry of a `PolicyEvaluationErrorReply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `Result`, as it came.
    pub result: bool,
    /// `Reason`.
    pub reason: Guid,
    /// In which order the octets of `Reason` stand.
    pub order: ReasonOrder,
    /// What is known of it.
    pub policy: Option<&'static PolicyInfo>,
}

/// The order of the octets of a GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonOrder {
    /// As .NET writes them.
    Dotnet,
    /// As in the text of the GUID.
    Text,
    /// Neither gives a GUID that is known; told as .NET's.
    Unknown,
}

/// A certificate in a `HealthCertificateReply`.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCertificate {
    /// The number of its kind; see [`kind_in_words`](Self::kind_in_words).
    pub kind: u64,
    /// The certificate, or why it cannot be read.
    pub certificate: Result<Certificate, Error>,
}

impl HealthCertificate {
    /// The kind, as [MS-HGSA] names it.
    pub fn kind_in_words(&self) -> &'static str {
        match self.kind {
            1 => "for the encryption key of virtual secure mode",
            2 => "for the signing key of virtual secure mode",
            3 => "intermediate CA of virtual secure mode",
            _ => "of a kind that the specification does not have",
        }
    }
}

/// Reads what belongs to this type; what else there is stays in `members`.
pub(super) fn read(
    type_name: &str,
    members: &mut Vec<(String, Value)>,
    notes: &mut Vec<String>,
) -> Result<ReplyContent, Error> {
    Ok(match type_name {
        "OperationModeErrorReply" => ReplyContent::OperationMode {
            expected: expected_mode(members, notes)?,
        },
        "PayloadErrorReply" => ReplyContent::Payload,
        "PolicyEvaluationErrorReply" => ReplyContent::PolicyEvaluation {
            reasons: reasons(members, notes)?,
        },
        "RtpmErrorReply" => ReplyContent::Rtpm,
        "TcgLogValidationErrorReply" => ReplyContent::TcgLogValidation,
        "UnauthorizedErrorReply" => ReplyContent::Unauthorized,
        "UnavailableErrorReply" => ReplyContent::Unavailable,
        "VirtualSecureModeErrorReply" => {
            notes.push(
                "the specification shows this type for VsmReportValidationErrorReply as well, so \
                 it may be either"
                    .to_owned(),
            );
            ReplyContent::VirtualSecureMode
        }
        "VsmReportValidationErrorReply" => {
            notes.push(
                "the specification shows VirtualSecureModeErrorReply as the type of this reply"
                    .to_owned(),
            );
            ReplyContent::VsmReportValidation
        }
        "HealthCertificateReply" => ReplyContent::HealthCertificate {
            certificates: certificates(members, notes)?,
        },
        "TpmReplyContinue" => ReplyContent::TpmContinue {
            context_len: context_len(members, notes),
        },
        _ => {
            notes.push("[MS-HGSA] v9.0 has no reply of this type".to_owned());
            ReplyContent::Unrecognised
        }
    })
}

fn expected_mode(
    members: &mut Vec<(String, Value)>,
    notes: &mut Vec<String>,
) -> Result<Option<u64>, Error> {
    match json::take(members, "ExpectedOperationMode") {
        None => {
            notes.push("'ExpectedOperationMode' is missing".to_owned());
            Ok(None)
        }
        Some(value) => match value.as_u64() {
            Some(mode) => Ok(Some(mode)),
            None => Err(malformed("it is no number").at("/ExpectedOperationMode")),
        },
    }
}

fn reasons(
    members: &mut Vec<(String, Value)>,
    notes: &mut Vec<String>,
) -> Result<Vec<Reason>, Error> {
    let entries = list(members, "Reasons")?;
    let mut reasons = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let place = format!("/Reasons/{index}");
        reasons.push(reason(entry, &place, members)?);
    }
    if reasons.is_empty() {
        notes.push("the host fails, and no reason is given".to_owned());
    } else if reasons.iter().all(|reason| reason.result) {
        notes.push(
            "every 'Result' is true; that false means a failure is concluded from the name"
                .to_owned(),
        );
    }
    if reasons.iter().any(|one| one.order == ReasonOrder::Text) {
        notes.push(
            "a 'Reason' has its octets in the order of the text, not as .NET writes them"
                .to_owned(),
        );
    }
    if reasons.iter().any(|one| one.order == ReasonOrder::Unknown) {
        notes.push("a 'Reason' is none of those that are published".to_owned());
    }
    Ok(reasons)
}

fn reason(entry: Value, place: &str, unknown: &mut Vec<(String, Value)>) -> Result<Reason, Error> {
    let at = |what: &str, within: &str| malformed(what).at(format!("{place}{within}"));
    let Value::Object(mut entry) = entry else {
        return Err(at("it is no object", ""));
    };
    let result = match entry.remove("Result") {
        Some(Value::Bool(result)) => result,
        _ => return Err(at("it is neither true nor false", "/Result")),
    };
    let octets = match entry.remove("Reason") {
        Some(Value::String(text)) => decode_base64(&text).ok(),
        _ => None,
    };
    let octets: [u8; 16] = octets
        .and_then(|octets| octets.try_into().ok())
        .ok_or_else(|| at("it is not 16 octets in base64", "/Reason"))?;
    keep(entry, place, unknown);
    let (dotnet, text) = (Guid::from_dotnet(octets), Guid::from_text_order(octets));
    let (reason, order, policy) = match (by_reason(dotnet), by_reason(text)) {
        (Some(policy), _) => (dotnet, ReasonOrder::Dotnet, Some(policy)),
        (None, Some(policy)) => (text, ReasonOrder::Text, Some(policy)),
        (None, None) => (dotnet, ReasonOrder::Unknown, None),
    };
    Ok(Reason {
        result,
        reason,
        order,
        policy,
    })
}

fn certificates(
    members: &mut Vec<(String, Value)>,
    notes: &mut Vec<String>,
) -> Result<Vec<HealthCertificate>, Error> {
    let mut certificates = Vec::new();
    for (index, entry) in list(members, "Content")?.into_iter().enumerate() {
        let place = |within: &str| format!("/Content/{index}{within}");
        let Value::Object(mut entry) = entry else {
            return Err(malformed("it is no object").at(place("")));
        };
        let kind = entry.remove("m_Item1").and_then(|kind| kind.as_u64());
        let kind = kind.ok_or_else(|| malformed("it is no number").at(place("/m_Item1")))?;
        let octets = match entry.remove("m_Item2") {
            Some(Value::String(text)) => decode_base64(&text).ok(),
            _ => None,
        };
        let octets = octets.ok_or_else(|| malformed("it is no base64").at(place("/m_Item2")))?;
        keep(entry, &place(""), members);
        certificates.push(HealthCertificate {
            kind,
            certificate: Certificate::from_der(&octets),
        });
    }
    if certificates.is_empty() {
        notes.push("the host passed, and no certificate is given".to_owned());
    }
    Ok(certificates)
}

fn context_len(members: &mut Vec<(String, Value)>, notes: &mut Vec<String>) -> Option<usize> {
    let length = match json::take(members, "RtpmActiveContext") {
        Some(Value::String(text)) => decode_base64(&text).ok().map(|octets| octets.len()),
        Some(Value::Array(octets)) => Some(octets.len()),
        _ => None,
    };
    if length.is_none() {
        notes.push("'RtpmActiveContext' is missing, or is no base64".to_owned());
    }
    length
}

/// Keeps what an entry holds beyond what is specified.
fn keep(entry: serde_json::Map<String, Value>, place: &str, unknown: &mut Vec<(String, Value)>) {
    let rest = entry.into_iter();
    unknown.extend(rest.map(|(name, value)| (format!("{place}/{name}"), value)));
}

fn list(members: &mut Vec<(String, Value)>, name: &str) -> Result<Vec<Value>, Error> {
    match json::take(members, name) {
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(malformed("it is no list").at(format!("/{name}"))),
        None => Err(malformed(format!("'{name}' is missing"))),
    }
}

impl ReplyContent {
    /// Whether it turns the host away.
    pub fn is_error(&self) -> bool {
        !matches!(
            self,
            Self::HealthCertificate { .. } | Self::TpmContinue { .. } | Self::Unrecognised
        )
    }

    /// The mode of the service with this number ([MS-HGSA]).
    pub fn mode_in_words(mode: u64) -> &'static str {
        match mode {
            0 => "unknown",
            1 => "TPM",
            2 => "Active Directory",
            3 => "host key",
            _ => "a mode that the specification does not have",
        }
    }

    /// What it means for the host.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::OperationMode { .. } => {
                "the host attested in one mode, and the service is in another"
            }
            Self::Payload => "the service could not read the request of the host",
            Self::PolicyEvaluation { .. } => "the host fails policies of the service",
            Self::Rtpm => "the conversation between the service and the TPM of the host failed",
            Self::TcgLogValidation => {
                "the measured boot log of the host could not be validated against its TPM"
            }
            Self::Unauthorized => {
                "the service does not know the host: in TPM mode its EK is not registered, in \
                 Active Directory mode it is in no trusted group, in host key mode its key is not \
                 registered"
            }
            Self::Unavailable => "the service cannot answer at present",
            Self::VirtualSecureMode => {
                "virtual secure mode of the host does not run, or gave no key or no valid report"
            }
            Self::VsmReportValidation => "the report of virtual secure mode is not valid",
            Self::HealthCertificate { .. } => "the host passed attestation",
            Self::TpmContinue { .. } => "the attestation goes on; this is no error",
            Self::Unrecognised => "this type of reply is not known",
        }
    }

    /// What to do about it.
    pub(super) fn remedy(&self) -> Vec<Step> {
        let fixed: &[Step] = match self {
            Self::PolicyEvaluation { reasons } => {
                let failed = reasons.iter().filter(|reason| !reason.result);
                let policies = failed.filter_map(|reason| reason.policy);
                // Both reasons about virtual secure mode have the same steps, and a reply may
                // repeat one reason without end.
                let mut steps: Vec<Step> = Vec::new();
                for step in policies.flat_map(|policy| policy.remedy) {
                    if !steps.contains(step) {
                        steps.push(*step);
                    }
                }
                if steps.is_empty() {
                    steps.push(Step::Do(
                        "read the log Microsoft-Windows-HostGuardianService-Attestation of the \
                         node",
                    ));
                }
                return steps;
            }
            Self::OperationMode { .. } => &[
                Step::Do(
                    "compare the mode of every node: after a switch it takes up to ten minutes \
                     until all agree",
                ),
                Step::PowerShell("Get-HgsServer"),
                Step::Do("then have the host attest again"),
                Step::PowerShell("Test-HgsClientConfiguration"),
            ],
            Self::Payload => &[Step::Do(
                "update host and service to the same cumulative update, and see that no proxy \
                 changes the request",
            )],
            Self::Rtpm => &[
                Step::Do("see that the TPM of the host is 2.0, ready and not locked out"),
                Step::PowerShell("Get-Tpm"),
                Step::Do("restart the host, and update the firmware of its TPM if it stays so"),
            ],
            Self::TcgLogValidation => &[
                Step::Do("update the firmware of the host and of its TPM, and restart it"),
                Step::Do(
                    "if the host tries PXE before its disk, update every network boot program: an \
                     old one is a known cause",
                ),
            ],
            Self::Unauthorized => &[
                Step::Do("in TPM mode register the platform identifier of the host"),
                Step::PowerShell("Add-HgsAttestationTpmHost -Path ./host.xml"),
                Step::Do(
                    "in Active Directory mode put the computer into a trusted group and restart \
                     it; in host key mode register its key",
                ),
                Step::PowerShell("Add-HgsAttestationHostKey -Name 'NAME' -Path ./hostkey.cer"),
            ],
            Self::Unavailable => &[
                Step::Do("try again; if it stays so, look at the application pool and the cluster"),
                Step::PowerShell("Get-HgsTrace -RunDiagnostics"),
            ],
            Self::VirtualSecureMode | Self::VsmReportValidation => &[
                Step::Do(
                    "see that virtualization based security runs on the host, and restart it; \
                     update host and service to the same cumulative update",
                ),
                Step::PowerShell(
                    "Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard \
                     Win32_DeviceGuard",
                ),
            ],
            Self::HealthCertificate { .. } | Self::TpmContinue { .. } => &[],
            Self::Unrecognised => &[Step::Do(
                "see whether a newer version of this program or of [MS-HGSA] knows it",
            )],
        };
        fixed.to_vec()
    }
}
