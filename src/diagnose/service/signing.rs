//! Who signs health certificates, and until when.

use super::Exchange;
use super::answers::not_asked;
use super::clocks::Clocks;
use super::view::{Reply, Seen};
use crate::diagnose::commands::{RENEW_SIGNER, SET_CLOCK, SHOW_CLOCK};
use crate::diagnose::hgsa::signers::{SUBJECT, Signers};
use crate::diagnose::in_words::{is_valid, named, window};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::ek::Certificate;

pub(super) static ANSWER: Definition = Definition {
    id: "hgs-signers-answer",
    set: Set::HostGuardianService,
    title: "The node publishes who signs health certificates",
    basis: Basis::Documented,
    source: "[MS-HGSA] signingCertificates; that it is an array of numbers in JSON was observed",
};

pub(super) static VALID: Definition = Definition {
    id: "hgs-signer-valid",
    set: Set::HostGuardianService,
    title: "The signer of health certificates is within its validity",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Time Drift",
};

/// The diagnostics about the signers at one node.
pub(super) fn diagnostics(seen: &Seen<'_>, clocks: &Clocks) -> Vec<Diagnostic> {
    vec![
        seen.weighed(answer(seen)),
        seen.weighed(valid(seen, clocks)),
    ]
}

fn answer(seen: &Seen<'_>) -> Diagnostic {
    let wrong = |why: &str| {
        Diagnostic::fail(&ANSWER, why)
            .then("see on the node who signs, and whether the attestation service runs")
            .powershell("Get-HgsAttestationSignerCertificate")
    };
    let signers = match &seen.signers {
        Reply::Read(signers) => signers,
        Reply::NotAsked => return not_asked(&ANSWER),
        Reply::Status(404, why) if seen.info().is_some() => {
            return Diagnostic::warn(&ANSWER, why.as_str())
                .seen(
                    "a service before version 2 of the protocol (Windows Server 2016) does not \
                     publish it; this is inferred from the version in the path",
                )
                .then("see on the node who signs")
                .powershell("Get-HgsAttestationSignerCertificate");
        }
        Reply::Nothing(why) | Reply::Status(_, why) | Reply::Unreadable(why) => return wrong(why),
    };
    let list = signers.certificates.iter().map(described);
    let list: Vec<_> = list.collect();
    let answer = seen.node.signers.as_ref().and_then(Exchange::answer);
    let kind = answer.and_then(|answer| answer.content_type.as_deref());
    if let Some(kind) = kind
        && kind.to_ascii_lowercase().starts_with("text/html")
    {
        let mut found = Diagnostic::warn(&ANSWER, format!("the answer says that it is {kind}"));
        found.evidence.extend(list);
        return found
            .then("see whether something between this machine and the node answers for it");
    }
    let mut found = Diagnostic::pass(&ANSWER, format!("certificates: {}", list.len()));
    found.evidence.extend(list);
    found
}

fn valid(seen: &Seen<'_>, clocks: &Clocks) -> Diagnostic {
    let signers = match &seen.signers {
        Reply::Read(signers) => signers,
        Reply::NotAsked => return not_asked(&VALID),
        _ => {
            return Diagnostic::warn(&VALID, "it was not found out who signs")
                .then("settle why the node does not publish it first");
        }
    };
    let mut wrong = Vec::new();
    for (whose, times) in clocks.times(seen.node.time()) {
        let any = |at| signers.signing().iter().any(|one| is_valid(one, at));
        if !times.into_iter().any(any) {
            let [at, _] = times;
            wrong.push(format!(
                "by {whose}, it is {at}, and no signer is within its validity"
            ));
        }
    }
    let list = known(signers);
    if wrong.is_empty() {
        let mut found = Diagnostic::pass(&VALID, format!("as of {}", seen.node.time()));
        found.evidence.extend(list);
        return found;
    }
    let mut found = Diagnostic::fail(&VALID, wrong.join("; "));
    found.evidence.extend(list);
    found
        .seen(
            "hosts whose clock says so refuse their health certificate: AttestationStatus Expired",
        )
        .then("see first that the clocks of the nodes and hosts are right")
        .powershell(SHOW_CLOCK)
        .powershell(SET_CLOCK)
        .then("then have the service make a new signer, on a node")
        .powershell(RENEW_SIGNER)
}

/// The signers in words, with a word if none has the subject that HGS itself gives them.
fn known(signers: &Signers) -> Vec<String> {
    let signing = signers.signing();
    let mut list: Vec<_> = signing.iter().map(|one| described(one)).collect();
    let is_usual = |one: &&Certificate| one.subject().to_string().contains(SUBJECT);
    if !signing.iter().any(is_usual) {
        list.push(format!(
            "none of them is CN={SUBJECT}, which the service makes itself"
        ));
    }
    list
}

fn described(certificate: &Certificate) -> String {
    format!("{}, {}", named(certificate), window(certificate))
}
