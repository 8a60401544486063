//! What is worth knowing of how a certificate is kept: who replicates it, who trusts it.

use super::super::rule::{Asked, Outcome, Rule};
use super::super::{CandidateKind, CertificateRole, Hsm};
use super::{EVERY, TLS, source};
use crate::diagnose::Basis;
use crate::finding::{Code, Severity};

const NO_CERTIFICATE: &str = "it is no certificate yet";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "replication",
        code: Code::HgsReplicate,
        severity: Severity::Info,
        roles: &[
            CertificateRole::Signing,
            CertificateRole::Encryption,
            CertificateRole::Communications,
        ],
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: it tells how certificate and key get to the other nodes.",
        basis: Basis::Documented,
        source: source::REPLICATION,
        help: "on each node, see that the service account may read the private key: \
               (Get-IISAppPool -Name KeyProtection).ProcessModel.UserName names it",
        check: replication,
    },
    Rule {
        id: "tls-replication",
        code: Code::HgsReplicate,
        severity: Severity::Info,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: it tells how certificate and key get to the other nodes.",
        basis: Basis::Documented,
        source: source::REPLICATION,
        help: "install it on each node, and name it there with Set-HgsServer -Http -Https \
               -HttpsCertificateThumbprint",
        check: |asked| {
            match asked.candidate.kind {
            CandidateKind::Certificate => Outcome::Tell(
                "a TLS certificate is never replicated: every node needs the same one, with its key"
                    .to_owned(),
            ),
            _ => Outcome::NotApplicable(NO_CERTIFICATE),
        }
        },
    },
    Rule {
        id: "self-signed",
        code: Code::HgsSelfSigned,
        severity: Severity::Info,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: it tells that hosts do not trust a self-signed certificate by themselves.",
        basis: Basis::Documented,
        source: source::SSL,
        help: "import it into the trusted roots of every host and every node",
        check: |asked| {
            if asked.candidate.kind != CandidateKind::Certificate {
                return Outcome::NotApplicable("only a certificate has an issuer");
            }
            match asked.candidate.self_issued {
                true => Outcome::Tell("it is self-signed, so no host trusts it yet".to_owned()),
                false => Outcome::Pass,
            }
        },
    },
];

fn replication(asked: &Asked<'_>) -> Outcome {
    let candidate = asked.candidate;
    if candidate.kind != CandidateKind::Certificate {
        return Outcome::NotApplicable(NO_CERTIFICATE);
    }
    if let Some(hsm) = asked.question.hsm {
        let world = match hsm {
            Hsm::Nshield => "; every node has to reach the security world with the keys",
            Hsm::Safenet => "; the service account needs to read the private key on each",
            Hsm::Utimaco => "",
        };
        return Outcome::Tell(format!(
            "with its key in an HSM it is added by thumbprint, and that is not replicated: install \
             it on every node{world}"
        ));
    }
    match candidate.with_private_key {
        true => Outcome::Tell(
            "added from this PFX file, it is replicated by the service; added by its thumbprint, \
             it has to be installed on every node by hand"
                .to_owned(),
        ),
        false => Outcome::Tell(
            "there is no private key in the file, so it can be added by its thumbprint alone, and \
             that is not replicated: install it with its key on every node by hand"
                .to_owned(),
        ),
    }
}
