use super::IdentifierFile;
use crate::diagnose::commands::MAKE_IDENTIFIER;
use crate::diagnose::{Basis, Definition, Diagnostic, Set};
use crate::host::Fact;
use crate::identifier::Identifier;

pub(super) static IDENTIFIER_READABLE: Definition = Definition {
    id: "identifier-readable",
    set: Set::GuardedHost,
    title: "The platform identifier can be read",
    basis: Basis::Documented,
    source: "Get-PlatformIdentifier",
};

pub(super) static IDENTIFIER_EKCERT: Definition = Definition {
    id: "identifier-ekcert",
    set: Set::GuardedHost,
    title: "The platform identifier has the certificate of its endorsement key",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Endorsement Key Certificate error messages",
};

pub(super) fn diagnostics(identifier: &Fact<IdentifierFile>) -> Vec<Diagnostic> {
    let file = match identifier {
        Fact::Known(file) => file,
        Fact::Unknown(why) => {
            return vec![
                Diagnostic::warn(
                    &IDENTIFIER_READABLE,
                    format!("could not be found out: {why}"),
                )
                .then("read it on the host itself, as root")
                .sh("endorse get-platform-identifier --name HOST --output HOST.xml"),
            ];
        }
    };
    match Identifier::read(&file.bytes) {
        Ok(identifier) => {
            let keys: Vec<_> = identifier
                .ekpubs
                .iter()
                .map(|entry| entry.key.algorithm().to_string())
                .collect();
            vec![
                Diagnostic::pass(
                    &IDENTIFIER_READABLE,
                    format!("endorsement keys: {}", keys.join(", ")),
                ),
                ekcert(&identifier),
            ]
        }
        Err(error) => {
            vec![Diagnostic::fail(&IDENTIFIER_READABLE, error.to_string()).then(error.help)]
        }
    }
}

fn ekcert(identifier: &Identifier) -> Diagnostic {
    let has_certificate = identifier.ekpubs.iter().any(|entry| {
        let mut certificates = identifier.ekcerts.iter();
        certificates.any(|own| {
            own.certificate
                .public_key()
                .is_ok_and(|key| key == entry.key)
        })
    });
    if has_certificate {
        return Diagnostic::pass(&IDENTIFIER_EKCERT, "an EKcert for the EKpub is there");
    }
    let seen = match identifier.ekcerts.is_empty() {
        true => "there is no EKcert",
        false => "there is an EKcert, and it is of another key",
    };
    let mut found = Diagnostic::fail(&IDENTIFIER_EKCERT, seen);
    for message in &identifier.messages {
        found = found.seen(format!("the file says: {message}"));
    }
    found
        .then("on Windows make it again in an elevated PowerShell: without one the EKcert is left out")
        .powershell(MAKE_IDENTIFIER)
        .then("if the TPM keeps none, its vendor may have it: on Linux this asks")
        .sh("endorse get-platform-identifier --name HOST --fetch-ekcert --output HOST.xml")
        .then(
            "if the vendor makes none, register the host under policy version v1 with -Force; \
             its TPM baseline and code integrity policy have to be v1 as well",
        )
}
