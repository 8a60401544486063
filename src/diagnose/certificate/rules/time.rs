//! Rules about the time in which a certificate is valid.

use super::super::CertificateRole;
use super::super::rule::{Asked, Outcome, Rule};
use super::{EVERY, HOST_KEY, PAIR, SIGNER, TLS, source};
use crate::diagnose::Basis;
use crate::finding::{Code, Severity};

const NOT_STATED: &str = "only a certificate states when it is valid";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "validity-ignored",
        code: Code::HgsValidity,
        severity: Severity::Info,
        roles: PAIR,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: the service uses the certificate whether it is valid or not, and does \
                 not ask whether it is revoked.",
        basis: Basis::Documented,
        source: source::RENEWING,
        help: "nothing has to be done for the service to work; if it is renewed, then with the \
               same key",
        check: |asked| told(asked, "the service uses it all the same"),
    },
    Rule {
        id: "host-key-validity",
        code: Code::HgsValidity,
        severity: Severity::Info,
        roles: HOST_KEY,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing: the service keeps the public key alone and does not look at the dates.",
        basis: Basis::Documented,
        source: source::HOST_KEY,
        help: "nothing has to be done",
        check: |asked| told(asked, "the service keeps the public key alone"),
    },
    Rule {
        id: "communications-validity",
        code: Code::HgsValidity,
        severity: Severity::Warning,
        roles: &[CertificateRole::Communications],
        profiles: EVERY,
        told_in: &[],
        demand: "It is valid.",
        basis: Basis::Inferred,
        source: "inferred: no document says whether the dates of this certificate count",
        help: "no document says whether the service goes on with it; renew it",
        check: in_time,
    },
    Rule {
        id: "signer-validity",
        code: Code::HgsValidity,
        severity: Severity::Error,
        roles: SIGNER,
        profiles: EVERY,
        told_in: &[],
        demand: "It is valid: hosts and nodes refuse health certificates outside its time.",
        basis: Basis::Documented,
        source: source::DRIFT,
        help: "compare the clocks of nodes and hosts, set them right, and run on a node: \
               Start-ScheduledTask -TaskPath \\Microsoft\\Windows\\HGSServer -TaskName \
               AttestationSignerCertRenewalTask",
        check: in_time,
    },
    Rule {
        id: "tls-validity",
        code: Code::HgsValidity,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "It is valid.",
        basis: Basis::Documented,
        source: "RFC 5280 6.1.3 (a)(2)",
        help: "renew it, and see that the clock is right; install it on every node with \
               Set-HgsServer -Http -Https -HttpsCertificateThumbprint",
        check: in_time,
    },
];

/// In what way the time is outside of its dates, both of which are in it.
fn out_of_time(asked: &Asked<'_>) -> Result<Option<String>, Outcome> {
    let Some((from, to)) = asked.candidate.validity else {
        return Err(Outcome::NotApplicable(NOT_STATED));
    };
    let at = asked.question.at;
    Ok(if at < from {
        Some(format!("it is not valid before {from} (now: {at})"))
    } else if at > to {
        Some(format!("it expired at {to} (now: {at})"))
    } else {
        None
    })
}

fn in_time(asked: &Asked<'_>) -> Outcome {
    match out_of_time(asked) {
        Ok(None) => Outcome::Pass,
        Ok(Some(how)) => Outcome::Fail(how),
        Err(outcome) => outcome,
    }
}

fn told(asked: &Asked<'_>, all_the_same: &str) -> Outcome {
    match out_of_time(asked) {
        Ok(None) => Outcome::Pass,
        Ok(Some(how)) => Outcome::Tell(format!("{how}; {all_the_same}")),
        Err(outcome) => outcome,
    }
}
