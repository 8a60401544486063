//! The certificates of the service among saved files: by the rules for their roles, and
//! whether every node has the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Comparable;
use super::content::ReadFile;
use super::stores::{ATTESTATION_SIGNER, Place, StoredCertificate};
use crate::der::Time;
use crate::diagnose::certificate::{
    self, Candidate, CertificateRole, Node, Profile, ProviderHint, RuleResult, examine,
};
use crate::diagnose::commands::{ATTEST, SHOW_CLOCK};
use crate::diagnose::in_words::{named, window};
use crate::diagnose::{Basis, Definition, Diagnostic, Set, Status};
use crate::ek::Certificate;
use crate::finding::{Code, Finding, Severity};

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
    // The export of a store says who has the key, and only a list of the service says what the
    // certificate is for.
    let listed = all.clone();
    let listed: BTreeMap<&[u8], CertificateRole> = listed
        .filter_map(|(_, one)| Some((one.certificate.der(), role(&one.place)?)))
        .collect();
    let judged = all.filter_map(|(name, one)| {
        if is_health_certificate(&one.certificate) {
            return Some(health_certificate(name, &one.certificate, at));
        }
        let role = match (role(&one.place), &one.key) {
            (None, Some(_)) => listed.get(one.certificate.der()).copied(),
            (own, _) => own,
        }?;
        Some(judge(name, one, role, at))
    });
    judged.collect()
}

/// The certificates of the service for these roles among the files of a target.
pub(super) fn of_roles(files: &[ReadFile<'_>], roles: &[CertificateRole]) -> Vec<Certificate> {
    let all = files.iter().flat_map(|file| file.certificates());
    let of_role = all.filter(|one| {
        matches!(one.place, Place::Service(_))
            && role(&one.place).is_some_and(|role| roles.contains(&role))
    });
    of_role.map(|one| one.certificate.clone()).collect()
}

/// The health certificates of a host among its files, each with the name of its file.
pub(super) fn health_certificates(files: &[ReadFile<'_>]) -> Vec<(String, Certificate)> {
    let all = files
        .iter()
        .flat_map(|file| file.certificates().iter().map(|one| (file.name, one)));
    let of_hosts = all.filter(|(_, one)| is_health_certificate(&one.certificate));
    of_hosts
        .map(|(name, one)| (name.to_owned(), one.certificate.clone()))
        .collect()
}

/// Whether nodes differ, by the files of each. Nothing with fewer than two nodes whose
/// certificates are among them.
pub(super) fn compared(all: &[Comparable]) -> Option<Diagnostic> {
    // What one cmdlet gives is compared with what the same one gives on another node: both may
    // not have been saved everywhere.
    let of_cmdlet = |certificates: fn(&Comparable) -> &[Certificate]| -> Vec<Node> {
        let nodes = all.iter().map(|one| Node {
            name: one.name.clone(),
            certificates: certificates(one).to_vec(),
        });
        let nodes: Vec<Node> = nodes.filter(|one| !one.certificates.is_empty()).collect();
        if nodes.len() < 2 { Vec::new() } else { nodes }
    };
    let listed = of_cmdlet(|one| &one.listed);
    let configured = of_cmdlet(|one| &one.configured);
    if listed.is_empty() && configured.is_empty() {
        return None;
    }
    let mut differences = Vec::new();
    for nodes in [&listed, &configured] {
        if let Some((measure, others)) = nodes.split_first() {
            differences.extend(certificate::compare_with(measure, others).differences);
        }
    }
    let mut findings = differences.iter().map(|difference| difference.finding());
    let Some(first) = findings.next() else {
        let nodes = listed.iter().chain(&configured);
        let names: BTreeSet<&str> = nodes.map(|node| node.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
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
    // A certificate that serves need not be as recommended, but a legacy provider is not
    // supported at all.
    let minimum = examine(&candidate, role, Profile::Minimum, &question);
    let recommended = examine(&candidate, role, Profile::Recommended, &question);
    let provider = recommended
        .iter()
        .filter(|one| one.rule.code == Code::HgsProvider);
    let others = minimum.iter().filter(|one| {
        // That there is no key beside it says nothing: nobody saves keys.
        ![Code::HgsProvider, Code::HgsReplicate].contains(&one.rule.code)
    });
    let results = others.chain(provider);
    let findings: Vec<Finding> = results.filter_map(RuleResult::finding).collect();
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
    if let Some(tip) = stored
        .key
        .as_ref()
        .and_then(|key| module_tip(&key.provider))
    {
        found = found.seen(tip);
    }
    for finding in findings {
        found = found.seen(format!("{}: {}", finding.code.as_str(), finding.message));
        if found.status != Status::Pass && finding.severity > Severity::Info {
            found = found.then(finding.help);
        }
    }
    found
}

/// What Microsoft's article suggests for the key, by the name of the provider that has it. It
/// guarantees none of it; which provider is meant is inferred from the name.
fn module_tip(provider: &str) -> Option<&'static str> {
    const NSHIELD: &str = "an nShield module: every node has to reach the security world that has the \
         key, and the service account may need read access by certlm.msc (Microsoft's tip, without \
         guarantee)";
    const TIPS: [(&str, &str); 4] = [
        (
            "safenet",
            "a SafeNet module: give the service account read access to the key by certlm.msc \
             (Microsoft's tip, without guarantee)",
        ),
        ("ncipher", NSHIELD),
        ("nshield", NSHIELD),
        (
            "utimaco",
            "a Utimaco module: the key has to be for encryption, decryption and signing \
             (Microsoft's tip, without guarantee)",
        ),
    ];
    let provider = provider.to_lowercase();
    let mut tips = TIPS.iter();
    tips.find_map(|(name, tip)| provider.contains(name).then_some(*tip))
}

/// Whether the service signed it, and it is not the signer itself.
pub(super) fn is_health_certificate(certificate: &Certificate) -> bool {
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, KeyUsagePurpose};
    use time::OffsetDateTime;

    use super::super::{SavedFile, diagnostics as of_files};
    use super::*;
    use crate::diagnose::Target;
    use crate::diagnose::files::stores::KeyProvider;
    use crate::diagnose::{Observation, Role};

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_800_000_000;

    fn params(name: &str, usages: &[KeyUsagePurpose]) -> CertificateParams {
        let at = |unix| OffsetDateTime::from_unix_timestamp(unix).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = usages.to_vec();
        (params.not_before, params.not_after) = (at(NOW - DAY), at(NOW + DAY));
        params
    }

    fn rsa(bits: rcgen::RsaKeySize) -> KeyPair {
        KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, bits).unwrap()
    }

    fn stored(certificate: Vec<u8>, place: Place, provider: Option<&str>) -> StoredCertificate {
        StoredCertificate {
            place,
            key: provider.map(|provider| KeyProvider {
                container: String::new(),
                provider: provider.to_owned(),
                kind: 0,
            }),
            ..StoredCertificate::bare(Certificate::from_der(&certificate).unwrap())
        }
    }

    /// Both sides of each demand on a signing and on an encryption certificate.
    #[test]
    fn a_certificate_is_judged_by_what_it_is_for() {
        use KeyUsagePurpose::{DataEncipherment, DigitalSignature};
        let key = rsa(rcgen::RsaKeySize::_2048);
        let elliptic = KeyPair::generate().unwrap();
        for (word, key, usage, status, code) in [
            ("Signing", &key, DigitalSignature, Status::Pass, ""),
            (
                "signing",
                &key,
                DataEncipherment,
                Status::Fail,
                "hgs-key-usage",
            ),
            ("Encryption", &key, DataEncipherment, Status::Pass, ""),
            (
                "Encryption",
                &key,
                DigitalSignature,
                Status::Fail,
                "hgs-key-usage",
            ),
            (
                "Signing",
                &elliptic,
                DigitalSignature,
                Status::Fail,
                "hgs-key-algorithm",
            ),
        ] {
            let der = params("x", &[usage])
                .self_signed(key)
                .unwrap()
                .der()
                .to_vec();
            let one = stored(der, Place::Service(word.to_owned()), None);
            let role = role(&one.place).unwrap();
            let found = judge("x", &one, role, Time::from_unix(NOW));
            assert_eq!(found.status, status, "{word} {code}: {found:?}");
            assert!(found.evidence.iter().any(|line| line.starts_with(code)));
            assert_eq!(found.remedy.is_empty(), status == Status::Pass);
        }
    }

    #[test]
    fn what_a_place_says() {
        for (place, expected) in [
            (
                Place::Service("Communications".to_owned()),
                Some(CertificateRole::Communications),
            ),
            (
                Place::AttestationSigner,
                Some(CertificateRole::AttestationSigner),
            ),
            (Place::Service("Other".to_owned()), None),
            (Place::Unknown, None),
        ] {
            assert_eq!(role(&place), expected);
        }
    }

    /// A legacy provider is no good; one of a module brings what its maker is known to need.
    #[test]
    fn who_has_the_key() {
        let key = rsa(rcgen::RsaKeySize::_2048);
        let usages = [KeyUsagePurpose::DigitalSignature];
        let der = params("x", &usages)
            .self_signed(&key)
            .unwrap()
            .der()
            .to_vec();
        for (provider, status, words) in [
            (
                "Microsoft Software Key Storage Provider",
                Status::Pass,
                "x: ",
            ),
            (
                "Microsoft Enhanced Cryptographic Provider v1.0",
                Status::Fail,
                "hgs-provider",
            ),
            (
                "SafeNet Key Storage Provider",
                Status::Pass,
                "a SafeNet module",
            ),
            (
                "nCipher Security World Key Storage Provider",
                Status::Pass,
                "an nShield module",
            ),
            (
                "Utimaco CryptoServer Key Storage Provider",
                Status::Pass,
                "a Utimaco module",
            ),
        ] {
            let one = stored(
                der.clone(),
                Place::Service("Signing".to_owned()),
                Some(provider),
            );
            let found = judge("x", &one, CertificateRole::Signing, Time::from_unix(NOW));
            let said = found.evidence.iter().any(|line| line.starts_with(words));
            assert_eq!(
                (found.status, said),
                (status, true),
                "{provider}: {found:?}"
            );
        }
    }

    fn health() -> SavedFile {
        let signer = KeyPair::generate().unwrap();
        let issuer = Issuer::new(params(ATTESTATION_SIGNER, &[]), signer);
        let key = KeyPair::generate().unwrap();
        SavedFile {
            name: "health.cer".to_owned(),
            bytes: params("hyp01", &[])
                .signed_by(&key, &issuer)
                .unwrap()
                .der()
                .to_vec(),
        }
    }

    /// Before, at both ends of, and after its validity.
    #[test]
    fn a_health_certificate_has_its_time() {
        let target = Target {
            name: "hyp01".to_owned(),
            role: Role::GuardedHost,
            source: "x".to_owned(),
            observations: vec![Observation::File(health())],
        };
        for (at, status) in [
            (NOW - DAY - 1, Status::Fail),
            (NOW - DAY, Status::Pass),
            (NOW + DAY, Status::Pass),
            (NOW + DAY + 1, Status::Warn),
        ] {
            let question = crate::diagnose::Question::new(Time::from_unix(at));
            let (found, _) = of_files(&target, &question);
            let found: Vec<_> = found
                .iter()
                .filter(|one| one.definition == &HEALTH_CERTIFICATE)
                .collect();
            assert_eq!(found.len(), 1, "{at}");
            assert_eq!(found[0].status, status, "{at}");
        }
    }

    /// The signer itself is none.
    #[test]
    fn the_signer_is_no_health_certificate() {
        let key = KeyPair::generate().unwrap();
        let der = params(ATTESTATION_SIGNER, &[])
            .self_signed(&key)
            .unwrap()
            .der()
            .to_vec();
        assert!(!is_health_certificate(
            &Certificate::from_der(&der).unwrap()
        ));
        assert!(is_health_certificate(
            &Certificate::from_der(&health().bytes).unwrap()
        ));
    }
}
