use super::IdentifierFile;
use crate::diagnose::commands::{REGISTER_HERE, REGISTER_HOST};
use crate::diagnose::{Basis, Definition, Diagnostic, Question, Set, powershell_quoted, sh_quoted};
use crate::hash::{Sha256Digest, sha256};
use crate::identifier::Identifier;
use crate::registry::{Host, PolicyVersion, State, Trust};
use crate::verdict::{Outcome, Verdict};

pub(super) static IDENTIFIER_TRUSTED: Definition = Definition {
    id: "identifier-trusted",
    set: Set::GuardedFabricTpmMode,
    title: "The endorsement key is vouched for by a trusted vendor",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Endorsement Key Certificate error messages",
};

pub(super) static WOULD_AUTHORIZE: Definition = Definition {
    id: "attestation-would-authorize",
    set: Set::GuardedFabricTpmMode,
    title: "A service with this registry would know the host",
    basis: Basis::Documented,
    source: "Get-HgsTrace -Diagnostic GuardedFabricTpmMode; [MS-HGSA] UnauthorizedErrorReply",
};

/// What is judged here and what is not.
const SCOPE: &str = "only the TPM identifier is looked at: the TPM baseline, the code integrity policy and the other \
     policies are not (see endorse attestation-policy simulate)";

/// What a store and a registry say of an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// SHA-256 of the file that was judged.
    pub file_sha256: Sha256Digest,
    /// Whether it is trusted.
    pub is_trusted: bool,
    /// What was wrong and what to do, with the code of each.
    pub errors: Vec<(String, String)>,
    /// What the registry says.
    pub lookup: Lookup,
}

/// What a registry says of the EKs of an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It was not asked, for this reason.
    NotAsked(String),
    /// No current host has any of them.
    NotRegistered,
    /// They are registered for this host.
    Registered {
        /// Its name.
        name: String,
        /// Kept, and not in force.
        is_staged: bool,
        /// Registered although it was not trusted.
        is_forced: bool,
        /// The policy version.
        version: PolicyVersion,
        /// Who registered it, and when.
        by: String,
        /// The SHA-256 of those of the EKs that are not registered for it.
        others: Vec<Sha256Digest>,
    },
}

impl Judgement {
    /// Of the bytes of an identifier, what a verdict said of them, and what the registry did.
    pub fn new(bytes: &[u8], verdict: &Verdict, lookup: Lookup) -> Self {
        Self {
            file_sha256: sha256(bytes),
            is_trusted: verdict.outcome() == Outcome::Trusted,
            errors: verdict
                .errors()
                .map(|error| {
                    let message = format!("{} [{}]", error.message, error.code);
                    (message, error.help.clone())
                })
                .collect(),
            lookup,
        }
    }
}

impl Lookup {
    /// Of the EKs of an identifier, by what finds the host that has an EK.
    pub fn of<'a>(
        identifier: &Identifier,
        owner: impl Fn(&Sha256Digest) -> Option<&'a Host>,
    ) -> Self {
        let keys = identifier.ekpubs.iter();
        let mut keys: Vec<_> = keys.map(|entry| entry.key.spki_sha256()).collect();
        let Some(host) = keys.iter().find_map(owner) else {
            return Self::NotRegistered;
        };
        keys.retain(|key| !host.has_ek(key));
        Self::Registered {
            name: host.name.clone(),
            is_staged: host.state == State::Staged,
            is_forced: host.trust == Trust::Forced,
            version: host.policy_version,
            by: format!("{} on {}", host.registered_by, host.registered_at),
            others: keys,
        }
    }
}

pub(super) fn diagnostics(file: &IdentifierFile, question: &Question) -> Vec<Diagnostic> {
    if Identifier::read(&file.bytes).is_err() {
        let nothing =
            |definition| Diagnostic::not_applicable(definition, "the identifier cannot be read");
        return vec![nothing(&IDENTIFIER_TRUSTED), nothing(&WOULD_AUTHORIZE)];
    }
    let digest = sha256(&file.bytes);
    let judged = question
        .judgements
        .iter()
        .find(|judged| judged.file_sha256 == digest);
    let Some(judged) = judged else {
        let unknown = |definition| {
            Diagnostic::warn(
                definition,
                "could not be found out: the identifier was not judged",
            )
            .then("judge it with a store and a registry")
            .sh("endorse diagnose --identifier HOST.xml --registry registry.db")
        };
        return vec![unknown(&IDENTIFIER_TRUSTED), unknown(&WOULD_AUTHORIZE)];
    };
    vec![trusted(judged), authorized(judged)]
}

fn trusted(judged: &Judgement) -> Diagnostic {
    if judged.is_trusted {
        return Diagnostic::pass(
            &IDENTIFIER_TRUSTED,
            "the EKcert chains to a trusted root: it can be registered under v2, without -Force",
        );
    }
    let mut found = Diagnostic::fail(
        &IDENTIFIER_TRUSTED,
        "it is not trusted: it cannot be registered under v2; under v1 only with -Force, if at all",
    );
    for (message, _) in &judged.errors {
        found = found.seen(message);
    }
    let mut told: Vec<&str> = Vec::new();
    for (_, help) in &judged.errors {
        if !help.is_empty() && !told.contains(&help.as_str()) {
            told.push(help);
            found = found.then(help);
        }
    }
    found
}

fn authorized(judged: &Judgement) -> Diagnostic {
    let register = |found: Diagnostic| {
        found
            .sh(REGISTER_HERE)
            .then("or on a node of the service")
            .powershell(REGISTER_HOST)
    };
    match &judged.lookup {
        Lookup::NotAsked(why) => {
            Diagnostic::warn(&WOULD_AUTHORIZE, format!("could not be found out: {why}"))
                .then("name the registry of hosts with --registry")
        }
        Lookup::NotRegistered => register(
            Diagnostic::fail(
                &WOULD_AUTHORIZE,
                "no registered host has this endorsement key: the service would answer \
                 UnauthorizedErrorReply, and the host would show UnauthorizedHost (event 1500)",
            )
            .then("register the host, here"),
        )
        .seen(SCOPE),
        Lookup::Registered {
            name,
            is_staged,
            is_forced,
            version,
            by,
            others,
        } => {
            let version = version.as_str();
            let found = if *is_staged {
                Diagnostic::fail(
                    &WOULD_AUTHORIZE,
                    format!("registered as {name}, but only staged, which is not in force"),
                )
                .then("register it again without --stage")
                .sh(format!(
                    "endorse register-host --name {} HOST.xml",
                    sh_quoted(name)
                ))
            } else if *is_forced {
                Diagnostic::warn(
                    &WOULD_AUTHORIZE,
                    format!("registered by force as {name}, under {version}"),
                )
                .then(
                    "see that the TPM baseline and the code integrity policy of this host are of \
                     the same version: all three have to be",
                )
                .powershell(format!(
                    "Get-HgsAttestationTpmHost -Name {} -PolicyVersion {version}",
                    powershell_quoted(name)
                ))
            } else if !others.is_empty() {
                // Which of its keys a host shows is not said in the file.
                register(
                    Diagnostic::warn(
                        &WOULD_AUTHORIZE,
                        format!("registered as {name}, under {version}, but not with every key"),
                    )
                    .then("find out whose keys these are; if all are of this host, register it anew, here"),
                )
            } else {
                Diagnostic::pass(
                    &WOULD_AUTHORIZE,
                    format!("registered as {name}, under {version}"),
                )
            };
            let found = others.iter().fold(found, |found, key| {
                found.seen(format!(
                    "an endorsement key that is not registered for it: {key}"
                ))
            });
            found.seen(format!("registered by {by}")).seen(SCOPE)
        }
    }
}
