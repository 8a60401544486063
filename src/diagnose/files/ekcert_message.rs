//! The error messages about endorsement key certificates that a service gives when a host is
//! registered.

use super::content::{Content, ReadFile};
use super::message::{Message, chain_status, messages, thumbprint};
use super::object::texts;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// No error about an EKcert was saved.
pub(super) static EKCERT_MESSAGE: Definition = Definition {
    id: "ekcert-message",
    set: Set::GuardedFabricTpmMode,
    title: "The service accepted the EKcert of every host",
    basis: Basis::Observed,
    source: "Troubleshoot the Host Guardian Service, Endorsement Key Certificate error messages; the \
             words of one message were seen in a public report (MicrosoftDocs/windowsserverdocs#2045), \
             those of the other are not public",
};

/// The most messages that are reported.
const MAX_MESSAGES: usize = 50;

/// One diagnostic for each message.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for file in files {
        let all: Vec<&str> = match &file.content {
            Ok(Content::Text(text)) => vec![text.as_str()],
            Ok(Content::Objects { values, .. }) => texts(values),
            Ok(Content::Events(log)) => log.events.iter().flat_map(|event| event.texts()).collect(),
            Ok(Content::Identifier(identifier)) => {
                identifier.messages.iter().map(String::as_str).collect()
            }
            _ => continue,
        };
        for text in all {
            for message in messages(text) {
                let diagnostic = match message {
                    Message::EkcertUntrusted => untrusted(file.name, text),
                    Message::EkcertMissing => missing(file.name),
                    Message::AuditPrivilege { .. } => continue,
                };
                // An error record says the same thing in several of its properties.
                if !found.contains(&diagnostic) && found.len() < MAX_MESSAGES {
                    found.push(diagnostic);
                }
            }
        }
    }
    found
}

fn untrusted(file: &str, text: &str) -> Diagnostic {
    let of = thumbprint(text).map_or_else(String::new, |found| format!(" with thumbprint {found}"));
    let status = chain_status(text).unwrap_or("a status that is not known here");
    let diagnostic = Diagnostic::fail(
        &EKCERT_MESSAGE,
        format!("{file}: the certificate{of} is not trusted, for {status}"),
    );
    let diagnostic = match status {
        "UntrustedRoot" | "PartialChain" => diagnostic
            .then(
                "install the package of trusted TPM roots on every node: the vendor's root into \
                 TrustedTPM_RootCA, its intermediates into TrustedTPM_IntermediateCA",
            )
            .then("the same stores can be filled and tried here:")
            .sh("endorse store import TrustedTpm.cab"),
        "NotTimeValid" => diagnostic.then(
            "see that the clock of the node is right; an EKcert that has expired may still be \
             registered by decision of the administrator",
        ),
        "NotSignatureValid" => diagnostic.then(
            "the certificate or its issuer was altered, or another CA has the same name: read the \
             EKcert from the TPM again",
        ),
        "Revoked" | "ExplicitDistrust" => diagnostic.then(
            "somebody withdrew the trust in it, the vendor or an administrator of the node: find \
             out why, and do not register the host before",
        ),
        _ => diagnostic.then("see whether the node can reach the revocation lists of the vendor"),
    };
    let is_withdrawn = ["Revoked", "ExplicitDistrust"].contains(&status);
    let diagnostic = diagnostic
        .then("judge the platform identifier of the host here; it tells which issuer is missing:")
        .sh("endorse verify '<HOST>.xml'");
    match is_withdrawn {
        true => diagnostic,
        false => diagnostic.then(
            "only if the TPM is known to be genuine by other means: Add-HgsAttestationTpmHost \
             -PolicyVersion v1 -Force on the service (v2 does not honour -Force), endorse \
             register-host --force here; the reason is kept",
        ),
    }
}

fn missing(file: &str) -> Diagnostic {
    Diagnostic::fail(
        &EKCERT_MESSAGE,
        format!("{file}: a platform identifier has no EKcert"),
    )
    .then(
        "run Get-PlatformIdentifier again in an elevated PowerShell on the host: without elevation \
         it finds no EKcert",
    )
    .then("ask the maker of the machine whether its TPM has an EKcert at all; on Linux, look for it with:")
    .sh("endorse get-platform-identifier --name '<HOST>'")
    .then(
        "if it has none: Add-HgsAttestationTpmHost -PolicyVersion v1 -Force on the service (v2 takes \
         no host without one), endorse register-host --force here; the host is then known by its \
         EKpub alone, and its TPM baseline and code integrity policy have to be v1 as well",
    )
}
