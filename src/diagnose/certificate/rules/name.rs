//! Rules about names.

use super::super::CandidateKind;
use super::super::Profile;
use super::super::rule::{Asked, Outcome, Rule};
use super::{EVERY, OBTAIN, PAIR, SIGNER, TLS, source};
use crate::diagnose::Basis;
use crate::finding::{Code, Severity};

/// The subject of the attestation signer, as the diagnostics of Microsoft name it.
const SIGNER_NAME: &str = "Microsoft Remote Attestation Service";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "subject",
        code: Code::HgsName,
        severity: Severity::Warning,
        roles: PAIR,
        profiles: OBTAIN,
        told_in: &[Profile::Microsoft2016],
        demand: "The subject says whose service it is: the name or web address of the company.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: "put the company's name or web address into the subject: whoever makes shielded \
               VMs sees it there",
        check: |asked| {
            Outcome::if_else(!asked.candidate.subject.is_empty(), || {
                "the subject is empty".to_owned()
            })
        },
    },
    Rule {
        id: "service-name",
        code: Code::HgsName,
        severity: Severity::Info,
        roles: PAIR,
        profiles: OBTAIN,
        told_in: &[],
        demand: "The subject or the subject alternative name has a name of the service, if names \
                 are given.",
        basis: Basis::Inferred,
        source: source::OBTAIN,
        help: "nothing has to be done: only a TLS certificate has to hold the names; in the \
               subject of this one the company's name or web address is recommended",
        check: |asked| {
            let names = &asked.question.names;
            let held = &asked.candidate.names;
            if names.is_empty() {
                Outcome::NotApplicable("no name of the service was given (--service-name)")
            } else if names
                .iter()
                .any(|name| held.have_common(name) || held.hold(name))
            {
                Outcome::Pass
            } else {
                Outcome::Tell(format!(
                    "neither subject nor subject alternative name has {}",
                    listed(names)
                ))
            }
        },
    },
    Rule {
        id: "signer-subject",
        code: Code::HgsName,
        severity: Severity::Warning,
        roles: SIGNER,
        profiles: EVERY,
        told_in: &[],
        demand: "The common name is \"Microsoft Remote Attestation Service\".",
        basis: Basis::Observed,
        source: "output of Get-HgsTrace in Microsoft's GuardedFabricTools",
        help: "see with Get-HgsAttestationSignerCertificate which certificate signs",
        check: |asked| {
            let names = &asked.candidate.names.common;
            Outcome::if_else(names.iter().any(|name| name == SIGNER_NAME), || {
                format!(
                    "the common name is {}, not \"{SIGNER_NAME}\"",
                    listed(names)
                )
            })
        },
    },
    Rule {
        id: "tls-names",
        code: Code::HgsName,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "It holds every name that hosts use, in the subject alternative name if there is \
                 one, else in the subject.",
        basis: Basis::Documented,
        source: source::SSL,
        help: "have it issued with a subject alternative name that holds every name of the \
               service, the one in the subject among them",
        check: names,
    },
    Rule {
        id: "tls-alternative-name",
        code: Code::HgsName,
        severity: Severity::Warning,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "The names are in the subject alternative name.",
        basis: Basis::Documented,
        source: "RFC 9525 2, 6.3",
        help: "Windows takes the name from the subject then, other clients do not: have it issued \
               with a subject alternative name",
        check: |asked| {
            Outcome::if_else(asked.candidate.names.has_alternatives, || {
                "it has no subject alternative name".to_owned()
            })
        },
    },
];

fn names(asked: &Asked<'_>) -> Outcome {
    let candidate = asked.candidate;
    if asked.question.names.is_empty() {
        return Outcome::NotApplicable("no name of the service was given (--service-name)");
    }
    let wanted = asked.question.names.iter();
    let missing: Vec<_> = wanted.filter(|name| !candidate.names.hold(name)).collect();
    if missing.is_empty() {
        return Outcome::Pass;
    }
    let missing = listed(&missing);
    if candidate.names.has_alternatives {
        let ignored = asked.question.names.iter().any(|name| {
            let names = &candidate.names;
            !names.hold(name) && names.have_common(name)
        });
        let ignored = match ignored {
            true => {
                "; the subject has it, and is ignored where there is a subject alternative name"
            }
            false => "",
        };
        return Outcome::Fail(format!(
            "the subject alternative name holds {} and not {missing}{ignored}",
            listed(&candidate.names.counting())
        ));
    }
    let what = match candidate.kind {
        CandidateKind::Template => "the template",
        _ => "the subject",
    };
    Outcome::Fail(format!(
        "{what} holds {} and not {missing}; there is no subject alternative name",
        listed(&candidate.names.counting())
    ))
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<_> = names
        .iter()
        .map(|name| format!("'{}'", name.as_ref()))
        .collect();
    match quoted.is_empty() {
        true => "nothing".to_owned(),
        false => quoted.join(", "),
    }
}
