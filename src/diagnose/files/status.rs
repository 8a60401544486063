//! What a host says of its last attempt to attest: `Get-HgsClientConfiguration`, saved in
//! any form.

use super::content::ReadFile;
use super::object::{Object, Value, objects};
use super::reason::{Reason, by_name};
use super::service_exports::mode as mode_of;
use crate::diagnose::attestation::{self, StatusInfo};
use crate::diagnose::commands::{MAKE_IDENTIFIER, REGISTER_HOST};
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::service::judge_mode_support;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// The host attested.
pub(super) static ATTESTATION_STATUS: Definition = Definition {
    id: "attestation-status",
    set: Set::GuardedHost,
    title: "The host attested to the service",
    basis: Basis::Documented,
    source: "Troubleshooting Guarded Hosts, Attestation failures",
};

/// One diagnostic for each saved configuration of a client.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        for object in objects(file.values()) {
            if let Some(status) = field(object, "AttestationStatus") {
                found.push(judge(file.name, &status, object));
                let mode = field(object, "AttestationOperationMode");
                if let Some(mode) = mode.and_then(|text| mode_of(&text)) {
                    found.push(judge_mode_support(mode).seen(format!("by {}", file.name)));
                }
            }
        }
    }
    found
}

/// Whether only a host says this of itself.
pub(super) fn is_of_host(values: &[Value]) -> bool {
    let mut all = objects(values).into_iter();
    all.any(|object| field(object, "AttestationStatus").is_some())
}

/// A property of a client. One that is longer than all names together says nothing.
fn field(client: &Object, name: &str) -> Option<String> {
    const MAX_LEN: usize = 512;
    client.text(name).filter(|text| text.len() <= MAX_LEN)
}

fn judge(file: &str, status: &str, client: &Object) -> Diagnostic {
    let definition = &ATTESTATION_STATUS;
    let by_number = || attestation::status_number(status.parse().ok()?);
    let known = attestation::status(status).or_else(by_number);
    let mut seen = format!("{file}: AttestationStatus is {status}");
    if let Some(known) = known.filter(|known| known.name != status) {
        seen.push_str(&format!(", which is {}", known.name));
    }
    let mode = field(client, "AttestationOperationMode");
    if let Some(mode) = &mode {
        seen.push_str(&format!("; AttestationOperationMode is {mode}"));
    }
    let diagnostic = match known {
        None => Diagnostic::warn(definition, seen)
            .seen("this status is not documented")
            .then("save the output of Get-HgsClientConfiguration again and look at its text"),
        Some(known) => match known.name {
            "Passed" => passed(client, seen),
            "InsecureHostConfiguration" => insecure(client, seen),
            "UnauthorizedHost" => unauthorized(mode.as_deref(), seen),
            "NotConfigured" | "Unknown" => advised(Diagnostic::warn(definition, seen), known),
            _ => advised(Diagnostic::fail(definition, seen), known),
        },
    };
    let fallback = field(client, "IsFallbackInUse");
    match fallback.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        true => diagnostic.seen("the host uses the fallback service, not its primary one"),
        false => diagnostic,
    }
}

/// With what the status means, and what to do.
fn advised(diagnostic: Diagnostic, status: &StatusInfo) -> Diagnostic {
    let steps = status.remedy.iter();
    steps.fold(diagnostic.seen(status.meaning), |found, step| {
        step.add_to(found)
    })
}

fn passed(client: &Object, seen: String) -> Diagnostic {
    let guarded = field(client, "IsHostGuarded");
    match guarded.as_deref() {
        Some(text) if text.eq_ignore_ascii_case("false") => {
            Diagnostic::warn(&ATTESTATION_STATUS, seen)
                .seen("yet IsHostGuarded is False")
                .then("see that the feature Host Guardian Hyper-V Support is there, and restart:")
                .powershell("Get-WindowsFeature HostGuardian")
        }
        _ => Diagnostic::pass(&ATTESTATION_STATUS, seen),
    }
}

fn unauthorized(mode: Option<&str>, seen: String) -> Diagnostic {
    let diagnostic = Diagnostic::fail(&ATTESTATION_STATUS, seen);
    let known = mode.and_then(mode_of);
    let in_tpm_mode = !matches!(
        known,
        Some(OperationMode::ActiveDirectory | OperationMode::HostKey)
    );
    let in_ad_mode = !matches!(known, Some(OperationMode::Tpm | OperationMode::HostKey));
    let in_host_key_mode = !matches!(
        known,
        Some(OperationMode::Tpm | OperationMode::ActiveDirectory)
    );
    let diagnostic = match in_tpm_mode {
        true => diagnostic
            .then(
                "in TPM mode: the EK of the host is not registered. Make its platform identifier \
                 in an elevated PowerShell, and register it on the service; endorse register-host \
                 judges the same file",
            )
            .powershell(MAKE_IDENTIFIER)
            .powershell(REGISTER_HOST),
        false => diagnostic,
    };
    let diagnostic = match in_host_key_mode {
        true => diagnostic
            .then("in host key mode: the service does not know the key of the host; add it there:")
            .powershell("Get-HgsClientHostKey -Path \"$env:COMPUTERNAME.cer\"")
            .powershell("Add-HgsAttestationHostKey -Name '<HOST>' -Path '<HOST>.cer'"),
        false => diagnostic,
    };
    match in_ad_mode {
        false => diagnostic,
        true => diagnostic.then(
            "in AD mode: the host is in no group that the service trusts. Add its computer account \
             to such a group and restart it; see that the trust between the domains holds, and that \
             the clocks are within the five minutes that Kerberos tolerates by default",
        ),
    }
}

fn insecure(client: &Object, seen: String) -> Diagnostic {
    let mut diagnostic = Diagnostic::fail(&ATTESTATION_STATUS, seen);
    let substatus = field(client, "AttestationSubstatus").unwrap_or_default();
    let names = substatus.split([',', ';', '|']).map(str::trim);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let mut known = false;
    for name in &names {
        // GuardedFabricTools writes them one after the other without anything between.
        let reasons = by_name(name).map_or_else(|| run_together(name), |reason| vec![reason]);
        if reasons.is_empty() {
            diagnostic = diagnostic.seen(match name.bytes().all(|octet| octet.is_ascii_digit()) {
                true => format!(
                    "AttestationSubstatus is the number {name}; what its bits mean is not public"
                ),
                false => format!("the sub-status {name} is not known here"),
            });
        }
        for reason in reasons {
            known = true;
            diagnostic = diagnostic.seen(reason.in_words());
            for step in reason.remedy() {
                diagnostic = step.add_to(diagnostic);
            }
        }
    }
    if names.is_empty() {
        diagnostic = diagnostic.seen("no AttestationSubstatus was saved");
    }
    match known {
        true => diagnostic,
        false => diagnostic
            .then("look at the names of the sub-statuses on the host:")
            .powershell("(Get-HgsClientConfiguration).AttestationSubstatus"),
    }
}

/// The reasons that a word is made of, if it is made of nothing else.
fn run_together(word: &str) -> Vec<Reason> {
    let mut found = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let lengths = (1..=rest.len()).rev();
        let next = lengths.into_iter().find_map(|length| {
            let (head, tail) = rest.split_at_checked(length)?;
            Some((by_name(head)?, tail))
        });
        let Some((reason, tail)) = next else {
            return Vec::new();
        };
        found.push(reason);
        rest = tail;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::object::of_list;
    use super::*;
    use crate::diagnose::Status;

    fn judged(status: &str, more: &str) -> Diagnostic {
        let text = format!("Mode : HostGuardianService\nAttestationStatus : {status}\n{more}");
        let values = of_list(&text).unwrap();
        let all = objects(&values);
        judge("x", &all[0].text("AttestationStatus").unwrap(), all[0])
    }

    #[test]
    fn every_status_by_name_and_number() {
        for status in attestation::STATUSES {
            let name = status.name;
            let number = status.number.unwrap().to_string();
            let expected = match name {
                "Passed" => Status::Pass,
                "NotConfigured" | "Unknown" => Status::Warn,
                _ => Status::Fail,
            };
            assert_eq!(judged(name, "").status, expected, "{name}");
            assert_eq!(judged(&number, "").status, expected, "{number}");
        }
        assert_eq!(judged("101", "").status, Status::Warn);
        assert_eq!(
            judged("Passed", "IsHostGuarded : False\n").status,
            Status::Warn
        );
    }

    /// What an unknown host has to do depends on the mode, if that is known.
    #[test]
    fn each_mode_knows_hosts_by_something_else() {
        const WORDS: [&str; 3] = ["in TPM mode", "in AD mode", "in host key mode"];
        for (mode, expected) in [
            ("Tpm", [true, false, false]),
            ("1", [true, false, false]),
            ("AD", [false, true, false]),
            ("ActiveDirectory", [false, true, false]),
            ("2", [false, true, false]),
            ("HostKey", [false, false, true]),
            ("Unknown", [true, true, true]),
        ] {
            let more = format!("AttestationOperationMode : {mode}\n");
            let remedy = format!("{:?}", judged("UnauthorizedHost", &more).remedy);
            assert_eq!(
                WORDS.map(|words| remedy.contains(words)),
                expected,
                "{mode}"
            );
        }
    }

    #[test]
    fn how_long_a_property_may_be() {
        let with = |count: usize| {
            let found = judged(
                "303",
                &format!("AttestationSubstatus : {}\n", "Iommu".repeat(count)),
            );
            found
                .evidence
                .iter()
                .filter(|line| line.contains("Hgs_IommuEnabled"))
                .count()
        };
        assert_eq!((with(102), with(103)), (102, 0));
    }

    #[test]
    fn sub_statuses_lead_to_policies() {
        for text in ["BitLocker, Iommu", "BitLockerIommu", "bitlocker,IOMMU"] {
            let found = judged("303", &format!("AttestationSubstatus : {text}\n"));
            let all = found.evidence.join("\n");
            assert!(
                all.contains("Hgs_BitLockerEnabled") && all.contains("Hgs_IommuEnabled"),
                "{all}"
            );
        }
        let found = judged("303", "AttestationSubstatus : 48\n");
        assert!(found.evidence[1].contains("not public"));
        // The longest name counts.
        let names: Vec<_> = run_together("DumpEncryptionKeyDumpEncryption")
            .iter()
            .map(|one| one.in_words().split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["DumpEncryptionKey", "DumpEncryption"]);
        assert!(run_together("BitLockerX").is_empty());
    }
}
