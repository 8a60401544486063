//! The certificates of the service among saved files: by the rules for their roles, and
//! whether every node has the same.

use super::content::ReadFile;
use super::stores::{ATTESTATION_SIGNER, Place, StoredCertificate};
use crate::der::Time;
use crate::diagnose::certificate::{
    self, Candidate, CertificateRole, Node, Profile, ProviderHint, RuleResult, examine,
};
use crate::diagnose::commands::{ATTEST, SHOW_CLOCK};
use crate::diagnose::in_words::{named, window};
use crate::diagnose::{Basis, Definition, Diagnostic, Set, Status, Target};
use crate::ek::Certificate;
use crate::finding::{Finding, Severity};

/// The certificates of the service are fit for what they are for.
pub(super) static HGS_CERTIFICATE: Definition = Definition {
    id: "hgs-certificate",
    set: Set::HostGuardianService,
    title: "The certificates of the service meet the rules for them",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Certificate requests; Obtain certificates for HGS",
};

/// Every node has the same signing, encryption and communications certificates.
pub(super) static HGS_CERTIFICATES_SAME: Definition = Definition {
    id: "hgs-certificates-same",
    set: Set::HostGuardianService,
    title: "Every node has the same certificates",
    basis: Basis::Documented,
    source: "Managing the Host Guardian Service, Key replication between nodes",
};

/// A host's health certificate is in force.
pub(super) static HEALTH_CERTIFICATE: Definition = Definition {
    id: "health-certificate-in-force",
    set: Set::GuardedHost,
    title: "The health certificate of the host is in force",
    basis: Basis::Inferred,
    source: "Troubleshoot the Host Guardian Service, Time drift",
};

/// One diagnostic for each certificate of which it is known what it is for.
pub(super) fn diagnostics(files: &[ReadFile<'_>], at: Time) -> Vec<Diagnostic> {
    let all = files
        .iter()
        .flat_map(|file| file.certificates().iter().map(|one| (file.name, one)));
    let judged = all.filter_map(|(name, one)| {
        if is_health_certificate(&one.certificate) {
            return Some(health_certificate(name, &one.certificate, at));
        }
        Some(judge(name, one, role(&one.place)?, at))
    });
    judged.collect()
}

/// What is compared between nodes: the certificates of the service among these files. `None`
/// if there are none.
pub(super) fn of_node(target: &Target, files: &[ReadFile<'_>]) -> Option<Node> {
    let all = files.iter().flat_map(|file| file.certificates());
    let of_service = all.filter(|one| matches!(one.place, Place::Service(_)));
    let certificates: Vec<_> = of_service.map(|one| one.certificate.clone()).collect();
    (!certificates.is_empty()).then(|| Node {
        name: target.name.clone(),
        certificates,
    })
}

/// Whether nodes differ. Nothing with fewer than two nodes whose certificates were saved.
pub(super) fn compared(nodes: &[Node]) -> Option<Diagnostic> {
    let (first, others) = nodes
        .split_first()
        .filter(|(_, others)| !others.is_empty())?;
    let differences = certificate::compare_with(first, others).differences;
    let mut findings = differences.iter().map(|difference| difference.finding());
    let Some(first) = findings.next() else {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let seen = format!("the same certificates on {}", names.join(", "));
        return Some(Diagnostic::pass(&HGS_CERTIFICATES_SAME, seen));
    };
    let help = first.help;
    let mut found = Diagnostic::fail(&HGS_CERTIFICATES_SAME, first.message);
    found
        .evidence
        .extend(findings.map(|finding| finding.message));
    Some(found.then(help))
}

/// The role that the place says.
fn role(place: &Place) -> Option<CertificateRole> {
    let Place::Service(word) = place else {
        return (*place == Place::AttestationSigner).then_some(CertificateRole::AttestationSigner);
    };
    let roles = [
        CertificateRole::Signing,
        CertificateRole::Encryption,
        CertificateRole::Communications,
    ];
    roles
        .into_iter()
        .find(|role| word.eq_ignore_ascii_case(role.as_str()))
}

fn judge(file: &str, stored: &StoredCertificate, role: CertificateRole, at: Time) -> Diagnostic {
    let mut candidate = Candidate::from(&stored.certificate);
    if let Some(key) = &stored.key {
        let hint = ProviderHint::named(key.provider.clone(), "the serialized store");
        candidate.providers.push(hint);
    }
    let question = certificate::Question::new(at);
    let results = examine(&candidate, role, Profile::Minimum, &question);
    let findings: Vec<Finding> = results.iter().filter_map(RuleResult::finding).collect();
    let what = format!(
        "{file}: {}, for {}",
        named(&stored.certificate),
        role.as_str()
    );
    let worst = findings.iter().map(|finding| finding.severity).max();
    let mut found = match worst {
        Some(Severity::Error) => Diagnostic::fail(&HGS_CERTIFICATE, what),
        Some(Severity::Warning) => Diagnostic::warn(&HGS_CERTIFICATE, what),
        Some(Severity::Info) | None => Diagnostic::pass(&HGS_CERTIFICATE, what),
    };
    for finding in findings {
        found = found.seen(format!("{}: {}", finding.code.as_str(), finding.message));
        if found.status != Status::Pass && finding.severity > Severity::Info {
            found = found.then(finding.help);
        }
    }
    found
}

/// Whether the service signed it, and it is not the signer itself.
fn is_health_certificate(certificate: &Certificate) -> bool {
    let issuer = certificate.issuer().to_string();
    issuer.contains(ATTESTATION_SIGNER) && !certificate.is_self_issued()
}

fn health_certificate(file: &str, certificate: &Certificate, at: Time) -> Diagnostic {
    let seen = format!(
        "{file}: {}, {}; looked at as of {at}",
        named(certificate),
        window(certificate)
    );
    let definition = &HEALTH_CERTIFICATE;
    let clocks = "compare the clocks of the host and of every node of the service: endorse diagnose \
                  with --hgs and --ntp does";
    if at < certificate.not_before() {
        Diagnostic::fail(definition, seen)
            .seen("it is not in force yet")
            .then(clocks)
            .powershell(SHOW_CLOCK)
    } else if at > certificate.not_after() {
        Diagnostic::warn(definition, seen)
            .seen("it has expired, as it does if it was saved some time ago: a host gets a new one by itself")
            .then("give the time at which it was saved with --at")
            .then("if it had expired then, have the host attest again; if that does not help:")
            .powershell(ATTEST)
            .then(clocks)
    } else {
        Diagnostic::pass(definition, seen)
    }
}
