//! Validation of a whole path (RFC 5280 section 6.1), signatures apart: path
//! building has verified those.
//!
//! Beyond RFC 5280 the anchor is held to its own certificate: validity, basic
//! constraints, key usage, name constraints and critical extensions. Windows does
//! the same, and an operator who puts a certificate among the roots means it as
//! it stands.

use super::failure::subject_or_serial;
use super::name_constraints::{ConstraintState, NameFailure};
use super::policy_graph::{PolicyFailure, PolicyInputs, PolicyState};
use super::{ExpiryRule, Policy, signature};
use crate::der::Time;
use crate::ek::{Algorithm, Certificate, Curve, KeyUsage};
use crate::finding::{Code, Finding, Severity};

/// Validates `path`, end entity first and anchor last, and returns everything found.
pub(super) fn validate(
    path: &[&Certificate],
    policy: &Policy,
    at: Time,
    inputs: &PolicyInputs,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((anchor, below)) = path.split_last() else {
        return findings;
    };
    let mut state = State::new(anchor, below.len(), inputs);

    let child = below.last().copied();
    check_always(anchor, child, policy, at, &mut findings);
    if child.is_some() {
        check_anchor(anchor, &mut findings);
    }
    for (position, certificate) in below.iter().enumerate().rev() {
        let child = position
            .checked_sub(1)
            .and_then(|index| below.get(index))
            .copied();
        check_always(certificate, child, policy, at, &mut findings);
        check_sha1(certificate, policy, &mut findings);
        state.check(certificate, child.is_none(), &mut findings);
        if child.is_some() {
            state.prepare_next(certificate, &mut findings);
        }
    }
    if let Some(end_entity) = below.first()
        && let Err(failure) = state.policies.wrap_up(end_entity, inputs)
    {
        findings.extend(
            state
                .policy_failed
                .is_none()
                .then(|| policy_finding(end_entity, failure)),
        );
    }
    findings
}

/// What RFC 5280 carries from one certificate to the next.
struct State<'a> {
    max_path_len: u32,
    names: ConstraintState<'a>,
    policies: PolicyState,
    policy_failed: Option<PolicyFailure>,
}

impl<'a> State<'a> {
    fn new(anchor: &'a Certificate, path_len: usize, inputs: &PolicyInputs) -> Self {
        let mut names = ConstraintState::default();
        names.add(anchor);
        let own = anchor
            .extensions()
            .basic_constraints
            .and_then(|basic| basic.path_len);
        Self {
            max_path_len: own.unwrap_or(u32::MAX),
            names,
            policies: PolicyState::new(inputs, path_len),
            policy_failed: None,
        }
    }

    /// RFC 5280 6.1.3 (b) to (f).
    fn check(&mut self, certificate: &Certificate, is_last: bool, findings: &mut Vec<Finding>) {
        if is_last || !certificate.is_self_issued() {
            match self.names.check(certificate) {
                Ok(()) => {}
                Err(NameFailure::Outside(name)) => findings.push(name_finding(certificate, &name)),
                Err(NameFailure::Budget) => findings.push(super::failure::budget()),
            }
        }
        let result = self.policies.process(certificate, is_last);
        self.note_policy(certificate, result, findings);
    }

    /// RFC 5280 6.1.4, for a certificate that issued the next one.
    fn prepare_next(&mut self, certificate: &'a Certificate, findings: &mut Vec<Finding>) {
        let result = self.policies.prepare_next(certificate);
        self.note_policy(certificate, result, findings);
        self.names.add(certificate);
        check_is_ca(certificate, findings);
        // (l), (m)
        if !certificate.is_self_issued() {
            match self.max_path_len.checked_sub(1) {
                Some(left) => self.max_path_len = left,
                None => findings.push(too_long(certificate)),
            }
        }
        if let Some(own) = certificate
            .extensions()
            .basic_constraints
            .and_then(|b| b.path_len)
        {
            self.max_path_len = self.max_path_len.min(own);
        }
    }

    /// Policies fail once: what follows is a consequence.
    fn note_policy(
        &mut self,
        certificate: &Certificate,
        result: Result<(), PolicyFailure>,
        findings: &mut Vec<Finding>,
    ) {
        if let (Err(failure), None) = (result, self.policy_failed) {
            self.policy_failed = Some(failure);
            findings.push(policy_finding(certificate, failure));
        }
    }
}

/// What holds for every certificate of a path: extensions, validity, key size.
fn check_always(
    certificate: &Certificate,
    child: Option<&Certificate>,
    policy: &Policy,
    at: Time,
    findings: &mut Vec<Finding>,
) {
    check_extensions(certificate, findings);
    // The end entity is valid now or not at all.
    let at = match (policy.expiry, child) {
        (ExpiryRule::WhenIssued, Some(child)) => child.not_before(),
        _ => at,
    };
    check_validity(certificate, at, findings);
    // The end entity's own size is judged with its EKpub.
    if child.is_some() {
        check_size(certificate, policy, findings);
        check_numbers(certificate, findings);
    }
}

/// What the numbers of a CA's key prove against it: whoever can compute the private key
/// can issue what the CA could. An anchor is no exception.
fn check_numbers(certificate: &Certificate, findings: &mut Vec<Finding>) {
    for found in certificate.key_findings() {
        let help = match (found.code, found.severity) {
            // Which lengths CAs may have is for the policy to say, and the key may be of a
            // length that no TPM has.
            (Code::WeakKeyModulus, Severity::Warning) => continue,
            (_, Severity::Error) => {
                "anybody can issue in the name of this CA: take it out of the stores, trust nothing \
                 that it issued, and tell the vendor"
            }
            _ => "compare the certificate with the one that the vendor publishes",
        };
        findings.push(
            Finding::new(
                found.code,
                format!(
                    "the key of the CA '{}' is weak: {}",
                    subject_or_serial(certificate),
                    found.message
                ),
                help,
            )
            .with_severity(found.severity)
            .about(certificate.thumbprint_sha1()),
        );
    }
}

/// RFC 5280 4.2: a critical extension that is not understood refuses; so does any
/// that is understood but cannot be read, since a constraint may hide in it.
fn check_extensions(certificate: &Certificate, findings: &mut Vec<Finding>) {
    let extensions = certificate.extensions();
    let unknown = extensions
        .unknown_critical
        .iter()
        .map(|oid| format!("has a critical extension that is not understood: {oid}"));
    let faulty = extensions
        .faulty
        .iter()
        .map(|what| format!("has an extension that cannot be read: {what}"));
    for what in unknown.chain(faulty) {
        findings.push(
            Finding::new(
                Code::CriticalExtension,
                format!("'{}' {what}", subject_or_serial(certificate)),
                "do not trust it as it stands; ask the vendor what the extension means, or use a \
                 version of this program that knows it",
            )
            .about(certificate.thumbprint_sha1()),
        );
    }
}

/// RFC 5280 6.1.3 (a)(2).
fn check_validity(certificate: &Certificate, at: Time, findings: &mut Vec<Finding>) {
    let subject = || subject_or_serial(certificate);
    if at < certificate.not_before() {
        findings.push(
            Finding::new(
                Code::NotYetValid,
                format!(
                    "'{}' is valid from {}, after {at}",
                    subject(),
                    certificate.not_before()
                ),
                "check the clock, or the time given with --at",
            )
            .about(certificate.thumbprint_sha1()),
        );
    } else if at > certificate.not_after() {
        findings.push(
            Finding::new(
                Code::Expired,
                format!(
                    "'{}' was valid until {}, before {at}",
                    subject(),
                    certificate.not_after()
                ),
                "check the clock; where a vendor let a CA run out, a policy with \
                 expiry = \"when-issued\" or severity.expired = \"warning\" accepts it",
            )
            .about(certificate.thumbprint_sha1()),
        );
    }
}

fn check_size(certificate: &Certificate, policy: &Policy, findings: &mut Vec<Finding>) {
    // A key of another kind has verified a signature or the path would not stand.
    let Some(algorithm) = signature::key_algorithm(certificate) else {
        return;
    };
    if let Some(what) = too_small(algorithm, policy) {
        findings.push(
            Finding::new(
                Code::WeakKeySize,
                format!(
                    "the key of '{}' is too small: {what}",
                    subject_or_serial(certificate)
                ),
                "the policy's min_rsa_bits and min_ec_bits say what is accepted",
            )
            .about(certificate.thumbprint_sha1()),
        );
    }
}

/// What is too small about a key under this policy, if it is.
pub(crate) fn too_small(algorithm: Algorithm, policy: &Policy) -> Option<String> {
    let (bits, least) = match algorithm {
        Algorithm::Rsa(bits) => (bits, policy.min_rsa_bits),
        Algorithm::Ecc(Curve::P256) => (256, policy.min_ec_bits),
        Algorithm::Ecc(Curve::P384) => (384, policy.min_ec_bits),
        Algorithm::Ecc(Curve::P521) => (521, policy.min_ec_bits),
    };
    (bits < least).then(|| format!("{algorithm}, {bits} bits where the policy wants {least}"))
}

/// SHA-1 under the policy. One that is accepted is still told.
fn check_sha1(certificate: &Certificate, policy: &Policy, findings: &mut Vec<Finding>) {
    if !signature::is_sha1(certificate.signature_algorithm_der()) {
        return;
    }
    let accepted = policy.sha1.accepts(certificate.not_before());
    let finding = Finding::new(
        Code::Sha1Signature,
        format!(
            "'{}' is signed with SHA-1{}",
            subject_or_serial(certificate),
            if accepted {
                ", accepted under the policy"
            } else {
                ""
            }
        ),
        "SHA-1 signatures can be forged by collision since 2017; the policy's sha1 rule says \
         when they are accepted",
    )
    .about(certificate.thumbprint_sha1());
    findings.push(if accepted {
        finding.with_severity(Severity::Warning)
    } else {
        finding
    });
}

/// RFC 5280 6.1.4 (k) and (n).
fn check_is_ca(certificate: &Certificate, findings: &mut Vec<Finding>) {
    let what = match certificate.extensions().basic_constraints {
        _ if certificate.version() != 3 => {
            Some("is not version 3, so nothing says that it is a CA")
        }
        None => Some("has no basic constraints, so nothing says that it is a CA"),
        Some(basic) if !basic.ca => Some("says that it is no CA"),
        Some(_) => None,
    };
    findings.extend(what.map(|what| not_a_ca(certificate, what)));
    check_may_sign(certificate, findings);
}

/// An anchor may be an old root without basic constraints, but not one that denies
/// being a CA.
fn check_anchor(certificate: &Certificate, findings: &mut Vec<Finding>) {
    if certificate
        .extensions()
        .basic_constraints
        .is_some_and(|basic| !basic.ca)
    {
        findings.push(not_a_ca(certificate, "says that it is no CA"));
    }
    check_may_sign(certificate, findings);
}

fn check_may_sign(certificate: &Certificate, findings: &mut Vec<Finding>) {
    let usage = certificate.extensions().key_usage;
    if usage.is_some_and(|usage| !usage.allows(KeyUsage::KEY_CERT_SIGN)) {
        findings.push(not_a_ca(
            certificate,
            "may not sign certificates (key usage)",
        ));
    }
}

fn not_a_ca(certificate: &Certificate, what: &str) -> Finding {
    Finding::new(
        Code::NotACa,
        format!(
            "'{}' issued a certificate, but {what}",
            subject_or_serial(certificate)
        ),
        "do not trust what it issued; find the genuine issuer's certificate",
    )
    .about(certificate.thumbprint_sha1())
}

fn too_long(certificate: &Certificate) -> Finding {
    Finding::new(
        Code::PathTooLong,
        format!(
            "'{}' is one CA more than a path length constraint above it permits",
            subject_or_serial(certificate)
        ),
        "do not trust what it issued; ask the vendor about this CA",
    )
    .about(certificate.thumbprint_sha1())
}

fn name_finding(certificate: &Certificate, name: &str) -> Finding {
    Finding::new(
        Code::NameConstraint,
        format!(
            "'{}' has the name '{name}', which a CA above it may not certify",
            subject_or_serial(certificate)
        ),
        "do not trust it; ask the vendor about this certificate",
    )
    .about(certificate.thumbprint_sha1())
}

fn policy_finding(certificate: &Certificate, failure: PolicyFailure) -> Finding {
    let what = match failure {
        PolicyFailure::NoValidPolicy => "leaves no valid certificate policy where one is required",
        PolicyFailure::MapsAnyPolicy => "maps anyPolicy, which is forbidden",
    };
    Finding::new(
        Code::PolicyConstraint,
        format!("'{}' {what}", subject_or_serial(certificate)),
        "do not trust it; ask the vendor about this certificate",
    )
    .about(certificate.thumbprint_sha1())
}
