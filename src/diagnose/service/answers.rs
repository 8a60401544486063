//! What a node says of itself, and whether its two applications work.

use super::view::{Reply, Seen, status_in_words};
use super::{Answer, Exchange, Outcome};
use crate::diagnose::commands::{EXPORT_PRIVILEGES, IMPORT_PRIVILEGES};
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::diagnose::{Basis, Definition, Diagnostic, Question, Set};

pub(super) static GETINFO: Definition = Definition {
    id: "hgs-getinfo-answers",
    set: Set::HostGuardianService,
    title: "The attestation service says what it is",
    basis: Basis::Documented,
    source: "[MS-HGSA] GetInfo and ServiceInfoReply",
};

pub(super) static MODE: Definition = Definition {
    id: "hgs-operation-mode",
    set: Set::HostGuardianService,
    title: "The node attests in the mode in which it should",
    basis: Basis::Documented,
    source: "[MS-HGSA] OperationMode; Troubleshoot the Host Guardian Service, Switching Attestation \
             Modes",
};

pub(super) static MODE_SUPPORTED: Definition = Definition {
    id: "hgs-mode-not-deprecated",
    set: Set::BestPractices,
    title: "The mode is not deprecated",
    basis: Basis::Documented,
    source: "Guarded fabric deployment: Active Directory attestation is deprecated since Windows \
             Server 2019",
};

pub(super) static LEVEL: Definition = Definition {
    id: "hgs-functional-level",
    set: Set::HostGuardianService,
    title: "The functional level is one that the node supports",
    basis: Basis::Inferred,
    source: "[MS-HGSA] ServiceInfoReply has both fields; that one should hold the other is inferred",
};

pub(super) static KEY_PROTECTION: Definition = Definition {
    id: "key-protection-answers",
    set: Set::HostGuardianService,
    title: "The key protection service works",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Group managed service account (gMSA) \
             privileges; [MS-KPS] metadata",
};

/// How much of the text of an error page is looked at, in octets.
const MAX_PAGE_LEN: usize = 4096;

/// The diagnostics about what a node answers.
pub(super) fn diagnostics(seen: &Seen<'_>, question: &Question) -> Vec<Diagnostic> {
    vec![
        seen.weighed(getinfo(seen)),
        seen.weighed(mode(seen, question)),
        seen.weighed(mode_supported(seen)),
        seen.weighed(level(seen)),
        seen.weighed(key_protection(seen)),
    ]
}

fn getinfo(seen: &Seen<'_>) -> Diagnostic {
    let wrong = |why: &str| {
        Diagnostic::fail(&GETINFO, why)
            .then(
                "see on the node whether the attestation service is set up and its application \
                 pool runs",
            )
            .powershell("Get-HgsServer; Get-IISAppPool")
    };
    let info = match &seen.info {
        Reply::Read(info) => info,
        Reply::NotAsked => return not_asked(&GETINFO),
        Reply::Nothing(why) | Reply::Status(_, why) => return wrong(why),
        Reply::Unreadable(why) => {
            return wrong(why).then(
                "if another web server or a proxy answers here, see where the name and the port lead",
            );
        }
    };
    let mut said = match info.functional_level {
        Some(level) => format!("mode {}, functional level {level}", info.mode),
        None => format!("mode {}, no functional level", info.mode),
    };
    if !seen.node.service.https {
        said.push_str("; by http, where nobody vouches for who answered");
    }
    let odd = |why: String| {
        Diagnostic::warn(&GETINFO, said.as_str())
            .seen(why)
            .then("see whether something between this machine and the node changes what passes")
    };
    let answer = seen.node.service_info.as_ref().and_then(Exchange::answer);
    let kind = answer.and_then(|answer| answer.content_type.as_deref());
    match kind {
        Some(kind) if !is_json(kind) => {
            return odd(format!("the answer says that it is {kind}, not JSON"));
        }
        _ => {}
    }
    if info.reply_type.is_some() && !info.type_is_first {
        return odd("the field __type is not the first, which it must be ([MS-HGSA])".to_owned());
    }
    if let Some(kind) = &info.reply_type
        && kind.split(':').next() != Some("ServiceInfoReply")
    {
        return odd(format!(
            "the answer is of the type {kind}, not ServiceInfoReply"
        ));
    }
    Diagnostic::pass(&GETINFO, said)
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "text/json"]
        .iter()
        .any(|json| kind.eq_ignore_ascii_case(json))
}

fn mode(seen: &Seen<'_>, question: &Question) -> Diagnostic {
    match seen.info() {
        Some(info) => judge_mode(info.mode, question),
        None => unknown(&MODE, seen, "the mode"),
    }
}

/// Judges the mode that a node says it is in, over the network or in a saved file.
pub(in crate::diagnose) fn judge_mode(mode: OperationMode, question: &Question) -> Diagnostic {
    let said = format!("the mode is {mode}");
    match question.expected_mode {
        Some(expected) if expected != mode => {
            let found = Diagnostic::fail(&MODE, format!("{said}; it should be {expected}"));
            let found = match question.waited {
                None => found.then(
                    "after a change it may take ten minutes until every node works in the new \
                     mode: wait with --wait-for-mode",
                ),
                Some(waited) => found.seen(format!(
                    "the node was asked again for {} minutes and {} seconds",
                    waited.as_secs().div_euclid(60),
                    waited.as_secs().rem_euclid(60)
                )),
            };
            let found = found.then(
                "if the change was not made on this cluster yet, make it; keep the policies of the \
                 other mode until every host has attested",
            );
            match expected.command() {
                Some(command) => found.powershell(command),
                None => found,
            }
        }
        Some(_) => Diagnostic::pass(&MODE, said),
        None if mode.as_str().is_some() => Diagnostic::pass(&MODE, said),
        None => Diagnostic::fail(&MODE, said)
            .then("set the service up, and choose the mode in which it is to attest hosts")
            .powershell("Get-HgsServer"),
    }
}

fn mode_supported(seen: &Seen<'_>) -> Diagnostic {
    match seen.info() {
        None => unknown(&MODE_SUPPORTED, seen, "the mode"),
        Some(info) => judge_mode_support(info.mode),
    }
}

/// Judges whether the mode of a node or a host is one that Microsoft still recommends.
pub(in crate::diagnose) fn judge_mode_support(mode: OperationMode) -> Diagnostic {
    match mode {
        OperationMode::ActiveDirectory => Diagnostic::warn(
            &MODE_SUPPORTED,
            "attestation by Active Directory is deprecated since Windows Server 2019",
        )
        .then(
            "move to attestation by TPM, or by host key where there are no TPMs; register the hosts \
             before the change",
        ),
        mode => Diagnostic::pass(&MODE_SUPPORTED, format!("the mode is {mode}")),
    }
}

fn level(seen: &Seen<'_>) -> Diagnostic {
    let Some(info) = seen.info() else {
        return unknown(&LEVEL, seen, "the functional level");
    };
    let supported = &info.supported_functional_levels;
    let listed: Vec<_> = supported.iter().map(ToString::to_string).collect();
    let listed = listed.join(", ");
    match info.functional_level {
        None => Diagnostic::warn(&LEVEL, "the node does not say at which level it works")
            .then("see whether the node has the latest cumulative update")
            .powershell("Get-HgsServer"),
        Some(level) if supported.contains(&level) => {
            Diagnostic::pass(&LEVEL, format!("level {level}; the node supports {listed}"))
        }
        Some(level) => Diagnostic::warn(
            &LEVEL,
            format!("level {level}; the node says that it supports: {listed}"),
        )
        .then("see that every node of the cluster has the same cumulative update")
        .powershell("Get-HgsServer; Get-HotFix | Sort-Object InstalledOn | Select-Object -Last 1"),
    }
}

fn key_protection(seen: &Seen<'_>) -> Diagnostic {
    let Some(exchange) = &seen.node.key_protection else {
        return not_asked(&KEY_PROTECTION);
    };
    let answer = match &exchange.outcome {
        Outcome::Failure(trouble) => {
            return Diagnostic::fail(&KEY_PROTECTION, trouble.to_string())
                .then("see on the node whether the application pool runs")
                .powershell("Get-IISAppPool -Name KeyProtection");
        }
        Outcome::Answer(answer) => answer,
    };
    match answer.status {
        200 => metadata(answer),
        500 => no_privilege(answer),
        503 => Diagnostic::fail(&KEY_PROTECTION, status_in_words(answer))
            .then("start the application pool; if it stops again, see the Application event log")
            .powershell("Get-IISAppPool -Name KeyProtection")
            .powershell("Start-WebAppPool -Name KeyProtection"),
        _ => Diagnostic::warn(&KEY_PROTECTION, status_in_words(answer))
            .then(
                "a service that only attests, as for SQL Server, has no key protection: then this \
                 is right",
            )
            .then("otherwise see on the node whether it is set up")
            .powershell("Get-HgsKeyProtectionConfiguration"),
    }
}

fn metadata(answer: &Answer) -> Diagnostic {
    if let Some(trouble) = &answer.body_trouble {
        return Diagnostic::fail(&KEY_PROTECTION, trouble.to_string())
            .then("see who answers under this URL");
    }
    let body = &answer.body.0;
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match start.trim_ascii_start().first() {
        Some(b'<') => Diagnostic::pass(&KEY_PROTECTION, "its metadata can be had"),
        _ => Diagnostic::warn(
            &KEY_PROTECTION,
            format!(
                "what it gives as its metadata is no XML, but {} bytes",
                body.len()
            ),
        )
        .then("see who answers under this URL"),
    }
}

/// The failure of a service account without the privilege, seen from outside.
fn no_privilege(answer: &Answer) -> Diagnostic {
    let page = answer.body.0.get(..MAX_PAGE_LEN).unwrap_or(&answer.body.0);
    let page = String::from_utf8_lossy(page);
    let named = page.contains("Server Error in") && page.contains("/KeyProtection");
    let seen = match named {
        true => "the answer is HTTP 500, 'Server Error in /KeyProtection Application'",
        false => "the answer is HTTP 500",
    };
    Diagnostic::fail(&KEY_PROTECTION, seen)
        .seen(
            "documented cause: the service account (gMSA) does not hold the privilege 'Generate \
             security audits' (SeAuditPrivilege); there may be others",
        )
        .then(
            "on the node, look for 'A required privilege is not held by the client' in the \
             Application event log",
        )
        .then("on the node, find the service account and export the user rights")
        .powershell("(Get-IISAppPool -Name KeyProtection).ProcessModel.UserName")
        .powershell(EXPORT_PRIVILEGES)
        .then(
            "endorse diagnose --path secpol.inf --gmsa ACCOUNT tells whether it has the privilege, \
             and shows the line to write. The setting replaces the list, so LOCAL SERVICE \
             (S-1-5-19) and NETWORK SERVICE (S-1-5-20) stay in it",
        )
        .then(
            "bring the file back on every node (or set it by SecPol.msc or Group Policy), and \
             restart the pool",
        )
        .powershell(IMPORT_PRIVILEGES)
        .powershell("Restart-WebAppPool -Name KeyProtection")
}

/// One that has to wait until the node can be connected to. All of them say the same, so that
/// they can be shown as one.
pub(super) fn not_asked(definition: &'static Definition) -> Diagnostic {
    Diagnostic::warn(
        definition,
        "this was not found out: the node could not be connected to",
    )
    .then("settle what the set Networking says first")
}

fn unknown(definition: &'static Definition, seen: &Seen<'_>, what: &str) -> Diagnostic {
    if matches!(seen.info, Reply::NotAsked) {
        return not_asked(definition);
    }
    Diagnostic::warn(
        definition,
        format!("{what} was not found out: the node does not say it"),
    )
    .then("settle why /Attestation/Getinfo does not answer first")
}
