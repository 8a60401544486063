//! Rules about what only a template says.

use super::super::CertificateRole;
use super::super::rule::{Outcome, Rule};
use super::{EVERY, TABLES, source};
use crate::diagnose::Basis;
use crate::finding::{Code, Severity};

/// `NCRYPT_ALLOW_DECRYPT_FLAG` and `NCRYPT_ALLOW_SIGNING_FLAG` (MS-CRTD 2.23.2).
const DECRYPT: u32 = 1;
const SIGN: u32 = 2;
/// `AT_SIGNATURE` (MS-CRTD 2.10).
const AT_SIGNATURE: u32 = 2;

const NO_TEMPLATE: &str = "it is no template";
const SHOWN: &[CertificateRole] = TABLES;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "template-purpose",
        code: Code::HgsTemplate,
        severity: Severity::Error,
        roles: SHOWN,
        profiles: EVERY,
        told_in: &[],
        demand: "The purpose of the template is \"Signature and encryption\": keys may do both.",
        basis: Basis::Documented,
        source: source::ADCS,
        help: "set the purpose \"Signature and encryption\" in the template",
        check: |asked| {
            let Some(facts) = &asked.candidate.template else {
                return Outcome::NotApplicable(NO_TEMPLATE);
            };
            if let Some(usage) = facts.cng_usage {
                let both = DECRYPT | SIGN;
                return Outcome::if_else(usage & both == both, || {
                    format!("keys may not both sign and decrypt: msPKI-Key-Usage is {usage:#x}")
                });
            }
            match facts.key_spec {
                Some(AT_SIGNATURE) => Outcome::Fail(
                    "keys may only sign: pKIDefaultKeySpec is 2 (AT_SIGNATURE)".to_owned(),
                ),
                _ => Outcome::Pass,
            }
        },
    },
    Rule {
        id: "template-renewal",
        code: Code::HgsRenewedKey,
        severity: Severity::Warning,
        roles: SHOWN,
        profiles: EVERY,
        told_in: &[],
        demand: "A renewal is with the same key.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: "tick \"Renew with the same key\" in the template, or see to it at each renewal; \
               with a new key shielded VMs do not start",
        check: |asked| match &asked.candidate.template {
            None => Outcome::NotApplicable(NO_TEMPLATE),
            Some(facts) => Outcome::if_else(facts.same_key_renewal == Some(true), || {
                "the template does not ask for the same key on renewal".to_owned()
            }),
        },
    },
    Rule {
        id: "template-subject",
        code: Code::HgsTemplate,
        severity: Severity::Info,
        roles: SHOWN,
        profiles: EVERY,
        told_in: &[],
        demand: "The subject comes with the request, so that it can name the company.",
        basis: Basis::Inferred,
        source: source::OBTAIN,
        help: "choose \"Supply in the request\" for the subject name in the template",
        check: |asked| {
            match &asked.candidate.template {
            None => Outcome::NotApplicable(NO_TEMPLATE),
            Some(facts) => match facts.subject_in_request {
                Some(true) => Outcome::Pass,
                _ => Outcome::Fail(
                    "the CA builds the subject from Active Directory, so it cannot name the company"
                        .to_owned(),
                ),
            },
        }
        },
    },
    Rule {
        id: "template-export",
        code: Code::HgsReplicate,
        severity: Severity::Info,
        roles: SHOWN,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: it tells whether keys can be put into a PFX file, which the service \
                 replicates.",
        basis: Basis::Documented,
        source: source::REPLICATION,
        help: "tick \"Allow private key to be exported\" if the service is to replicate the \
               certificate; leave it if keys are to stay where they are",
        check: |asked| match &asked.candidate.template {
            None => Outcome::NotApplicable(NO_TEMPLATE),
            Some(facts) => match facts.exportable {
                Some(true) => Outcome::Pass,
                _ => Outcome::Tell(
                    "private keys cannot be exported, so each certificate has to be installed on \
                     every node by hand"
                        .to_owned(),
                ),
            },
        },
    },
];
