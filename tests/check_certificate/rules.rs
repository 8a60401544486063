//! Every rule, on both sides of its limit.

use endorse::der::Time;
use endorse::diagnose::certificate::{
    Candidate, CertificateRole, Hsm, Outcome, Profile, Question, all_rules, check, examine,
};
use endorse::ek::Certificate;
use endorse::finding::{Code, Severity};

use super::{GOOD, certify, grave, judged};
use CertificateRole::{
    AttestationSigner, Communications, Encryption, HostKey, Signing, Template, Tls,
};
use Profile::{Adcs, Microsoft2016, Minimum, Recommended};

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;

#[test]
fn a_good_certificate_fits_in_every_profile() {
    let good = certify("rsa2048.key", "/CN=HGS", GOOD, "-sha256");
    for profile in Profile::ALL {
        for role in [Signing, Encryption, Communications] {
            assert_eq!(judged(&good, role, profile), [], "{role:?} {profile:?}");
        }
    }
    let signer = certify(
        "rsa2048.key",
        "/CN=Microsoft Remote Attestation Service",
        "keyUsage=digitalSignature",
        "-sha256",
    );
    assert_eq!(judged(&signer, AttestationSigner, Recommended), []);
    let host = certify(
        "rsa2048.key",
        "/CN=Host Key",
        "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth",
        "-sha256",
    );
    assert_eq!(judged(&host, HostKey, Recommended), []);
}

#[test]
fn the_key_is_rsa_and_has_2048_bits() {
    let short = certify("rsa2047.key", "/CN=HGS", GOOD, "-sha256");
    let curve = certify("p256.key", "/CN=HGS", GOOD, "-sha256");
    for (role, severity) in [
        (Signing, ERROR),
        (Encryption, ERROR),
        (Communications, WARNING),
        (AttestationSigner, WARNING),
    ] {
        let name = match role {
            AttestationSigner => vec![(Code::HgsName, WARNING)],
            _ => vec![],
        };
        for profile in Profile::ALL {
            let expected = [vec![(Code::HgsKeySize, severity)], name.clone()].concat();
            assert_eq!(judged(&short, role, profile), expected, "{role:?}");
            let expected = [vec![(Code::HgsKeyAlgorithm, severity)], name.clone()].concat();
            assert_eq!(judged(&curve, role, profile), expected, "{role:?}");
        }
    }
    let client = "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth";
    let host = |key| {
        judged(
            &certify(key, "/CN=H", client, "-sha256"),
            HostKey,
            Recommended,
        )
    };
    assert_eq!(host("rsa2048.key"), []);
    assert_eq!(host("rsa2047.key"), [(Code::HgsKeySize, ERROR)]);
    assert_eq!(host("p256.key"), [(Code::HgsKeyAlgorithm, ERROR)]);
    // TLS takes a curve.
    let san = "subjectAltName=DNS:hgs.bastion.test";
    let tls = |key| judged(&certify(key, "/CN=H", san, "-sha256"), Tls, Recommended);
    assert_eq!(tls("rsa2048.key"), []);
    assert_eq!(tls("p256.key"), []);
    assert_eq!(tls("rsa2047.key"), [(Code::HgsKeySize, ERROR)]);
}

/// A CA's, but the rule is about the key.
#[test]
fn a_weak_key_is_weak_whatever_it_is_for() {
    for file in ["roca-root.der", "close-ca.der"] {
        let path = format!("{}/testdata/weak-keys/{file}", env!("CARGO_MANIFEST_DIR"));
        let weak = Certificate::from_der(&std::fs::read(path).unwrap()).unwrap();
        for role in CertificateRole::ALL {
            let found = judged(&weak, role, Minimum);
            assert!(
                found.contains(&(Code::HgsWeakKey, ERROR)),
                "{file} {role:?}"
            );
        }
    }
    let good = format!(
        "{}/testdata/weak-keys/good-root.der",
        env!("CARGO_MANIFEST_DIR")
    );
    let good = Certificate::from_der(&std::fs::read(good).unwrap()).unwrap();
    let found = judged(&good, Signing, Minimum);
    assert!(
        found.iter().all(|(code, _)| *code != Code::HgsWeakKey),
        "{found:?}"
    );
}

/// Each combination of the four bits that matter, against what the tables ask for.
#[test]
fn key_usage_by_role_and_profile() {
    const NAMES: [&str; 4] = [
        "digitalSignature",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
    ];
    const DS: usize = 1;
    const KE: usize = 2;
    const DE: usize = 4;
    for bits in 0..16usize {
        let names: Vec<_> = (0..4)
            .filter(|bit| bits >> bit & 1 == 1)
            .map(|bit| NAMES[bit])
            .collect();
        let usage = match names.is_empty() {
            true => String::new(),
            false => format!("keyUsage={}\n", names.join(",")),
        };
        let extensions =
            format!("{usage}extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:h");
        let certificate = certify("rsa2048.key", "/CN=HGS", &extensions, "-sha256");
        let lacks = |role, profile| {
            let found = judged(&certificate, role, profile);
            found.iter().any(|(code, _)| *code == Code::HgsKeyUsage)
        };
        for (role, profile, wanted) in [
            (Signing, Minimum, DS),
            (Encryption, Minimum, DE),
            (Signing, Recommended, DS | DE),
            (Encryption, Recommended, DS | DE),
            (Signing, Microsoft2016, DS | DE),
            (Encryption, Microsoft2016, DS | DE),
            (Signing, Adcs, DS | KE | DE),
            (Encryption, Adcs, DS | KE | DE),
            (HostKey, Recommended, DS),
        ] {
            assert_eq!(
                lacks(role, profile),
                bits & wanted != wanted,
                "{role:?} {profile:?} {bits:x}"
            );
        }
        // Without any key usage a TLS key may do everything.
        assert_eq!(
            lacks(Tls, Recommended),
            bits != 0 && bits & (DS | KE) == 0,
            "{bits:x}"
        );
        assert_eq!(
            lacks(Communications, Recommended),
            bits != 0 && bits & DS == 0,
            "{bits:x}"
        );
    }
}

#[test]
fn purposes_by_role_and_profile() {
    for (purposes, server, client) in [
        ("", false, false),
        ("extendedKeyUsage=serverAuth", true, false),
        ("extendedKeyUsage=clientAuth", false, true),
        ("extendedKeyUsage=codeSigning", false, false),
        ("extendedKeyUsage=anyExtendedKeyUsage", false, false),
        ("extendedKeyUsage=clientAuth,serverAuth", true, true),
    ] {
        let usage =
            "keyUsage=digitalSignature,keyEncipherment,dataEncipherment\nsubjectAltName=DNS:h";
        let extensions = format!("{usage}\n{purposes}");
        let certificate = certify("rsa2048.key", "/CN=HGS", &extensions, "-sha256");
        let of = |fits: bool| match fits {
            true => vec![],
            false => vec![(Code::HgsEku, ERROR)],
        };
        for role in [Signing, Encryption] {
            assert_eq!(
                judged(&certificate, role, Recommended),
                of(server),
                "{purposes}"
            );
            assert_eq!(
                judged(&certificate, role, Microsoft2016),
                of(server),
                "{purposes}"
            );
            // The other tables do not speak of purposes.
            assert_eq!(judged(&certificate, role, Minimum), [], "{purposes}");
            assert_eq!(judged(&certificate, role, Adcs), [], "{purposes}");
        }
        assert_eq!(
            judged(&certificate, HostKey, Recommended),
            of(client),
            "{purposes}"
        );
        let any = purposes.is_empty() || purposes.contains("any");
        assert_eq!(
            judged(&certificate, Tls, Recommended),
            of(server || any),
            "{purposes}"
        );
    }
}

#[test]
fn dates_matter_where_they_do() {
    let good = certify(
        "rsa2048.key",
        "/CN=Microsoft Remote Attestation Service",
        &format!("{GOOD}\nsubjectAltName=DNS:h"),
        "-sha256",
    );
    let (first, last) = (good.not_before().unix(), good.not_after().unix());
    for (at, out_of_time) in [
        (first - 1, true),
        (first, false),
        (last, false),
        (last + 1, true),
    ] {
        let question = Question::new(Time::from_unix(at));
        let severity = |role| {
            let findings = check(&good, role, Recommended, &question);
            let mut of_dates = findings
                .iter()
                .filter(|finding| finding.code == Code::HgsValidity);
            of_dates.next().map(|finding| finding.severity)
        };
        let told = |severity| out_of_time.then_some(severity);
        assert_eq!(severity(Tls), told(ERROR), "{at}");
        assert_eq!(severity(AttestationSigner), told(ERROR), "{at}");
        assert_eq!(severity(Communications), told(WARNING), "{at}");
        assert_eq!(severity(Signing), told(Severity::Info), "{at}");
        assert_eq!(severity(Encryption), told(Severity::Info), "{at}");
        assert_eq!(severity(HostKey), told(Severity::Info), "{at}");
    }
}

#[test]
fn the_names_of_a_tls_certificate() {
    let with =
        |extensions: &str| certify("rsa2048.key", "/CN=hgs.bastion.test", extensions, "-sha256");
    let both = with("subjectAltName=DNS:hgs.bastion.test,DNS:*.nodes.bastion.test,IP:192.0.2.1");
    let other = with("subjectAltName=DNS:other.bastion.test");
    let none = with("");
    let asked = |certificate, names: &[&str]| {
        let question = super::at().with_names(names.iter().map(|name| (*name).to_owned()));
        let question = Question::new(Time::from_unix(i64::MAX)).with_names(question.names);
        let mut found = grave(&check(certificate, Tls, Recommended, &question));
        found.retain(|(code, _)| *code == Code::HgsName);
        found
    };
    let missing = [(Code::HgsName, ERROR)];
    let no_alternative = (Code::HgsName, WARNING);
    assert_eq!(
        asked(
            &both,
            &[
                "hgs.bastion.test",
                "HGS.BASTION.TEST",
                "a.nodes.bastion.test",
                "192.0.2.1"
            ]
        ),
        []
    );
    assert_eq!(asked(&both, &[]), []);
    assert_eq!(asked(&both, &["hgs.bastion.tes"]), missing);
    assert_eq!(asked(&both, &["192.0.2.2"]), missing);
    assert_eq!(
        asked(&both, &["hgs.bastion.test", "a.b.nodes.bastion.test"]),
        missing
    );
    // A subject beside a subject alternative name does not count.
    assert_eq!(asked(&other, &["hgs.bastion.test"]), missing);
    assert_eq!(asked(&other, &["other.bastion.test"]), []);
    let findings = check(
        &other,
        Tls,
        Recommended,
        &super::at().with_names(["hgs.bastion.test".to_owned()]),
    );
    assert!(findings.iter().any(|finding| {
        finding
            .message
            .contains("the subject has it, and is ignored")
    }));
    // Without any, the subject does.
    assert_eq!(asked(&none, &["hgs.bastion.test"]), [no_alternative]);
    assert_eq!(
        asked(&none, &["other.bastion.test"]),
        [(Code::HgsName, ERROR), no_alternative]
    );
}

#[test]
fn names_of_the_other_roles() {
    let nameless = certify("rsa2048.key", "/", GOOD, "-sha256");
    assert_eq!(
        judged(&nameless, Signing, Recommended),
        [(Code::HgsName, WARNING)]
    );
    assert_eq!(judged(&nameless, Signing, Microsoft2016), []);
    assert_eq!(judged(&nameless, Signing, Minimum), []);
    // The name of the service need not be in it.
    let found = |name: &str, service: &str| {
        let certificate = certify("rsa2048.key", name, GOOD, "-sha256");
        let question = super::at().with_names([service.to_owned()]);
        let results = examine(
            &Candidate::from(&certificate),
            Signing,
            Recommended,
            &question,
        );
        results
            .into_iter()
            .find(|result| result.rule.id == "service-name")
            .unwrap()
            .outcome
    };
    assert_eq!(
        found("/CN=hgs.bastion.test", "hgs.bastion.test"),
        Outcome::Pass
    );
    assert!(matches!(
        found("/CN=other", "hgs.bastion.test"),
        Outcome::Tell(_)
    ));
    let signer = |name| certify("rsa2048.key", name, "keyUsage=digitalSignature", "-sha256");
    let right = signer("/CN=Microsoft Remote Attestation Service");
    assert_eq!(judged(&right, AttestationSigner, Recommended), []);
    let wrong = signer("/CN=Microsoft Remote Attestation Servic");
    assert_eq!(
        judged(&wrong, AttestationSigner, Recommended),
        [(Code::HgsName, WARNING)]
    );
}

#[test]
fn the_signature_is_sha256_or_better() {
    let judged = |hash, role, profile| {
        let extensions = format!("{GOOD}\nsubjectAltName=DNS:h");
        judged(
            &certify("rsa2048.key", "/CN=HGS", &extensions, hash),
            role,
            profile,
        )
    };
    let warned = [(Code::HgsSignatureAlgorithm, WARNING)];
    for role in [Signing, Encryption, Communications, Tls] {
        assert_eq!(judged("-sha1", role, Recommended), warned, "{role:?}");
        assert_eq!(judged("-sha1", role, Minimum), warned, "{role:?}");
        assert_eq!(judged("-sha1", role, Microsoft2016), [], "{role:?}");
        for hash in ["-sha256", "-sha384", "-sha512"] {
            assert_eq!(judged(hash, role, Recommended), [], "{role:?}");
        }
        // RFC 5280 knows it, nobody verifies it.
        assert_eq!(judged("-sha224", role, Recommended), warned, "{role:?}");
    }
}

#[test]
fn version_1_has_no_extensions() {
    let old = certify("rsa2048.key", "/CN=HGS", "", "-sha256");
    assert_eq!(old.version(), 1);
    let found = judged(&old, Signing, Minimum);
    assert_eq!(
        found,
        [(Code::HgsVersion, WARNING), (Code::HgsKeyUsage, ERROR)]
    );
}

/// Of two key usages one program takes the first, another the last: neither is accepted.
#[test]
fn an_extension_that_is_there_twice() {
    let with = |place: &str| {
        let usage = "keyUsage=digitalSignature,keyEncipherment,dataEncipherment";
        // An extension of the same length, whose number is changed afterwards.
        let other = "2.5.29.99=DER:03020106";
        let extensions = match place {
            "after" => format!("{usage}\n{other}"),
            _ => format!("{other}\n{usage}"),
        };
        let made = certify("rsa2048.key", "/CN=HGS", &extensions, "-sha256");
        assert_eq!(judged(&made, Signing, Minimum), []);
        let mut der = made.der().to_vec();
        let at = der
            .windows(3)
            .position(|one| one == [0x55, 0x1d, 99])
            .unwrap();
        der[at + 2] = 15;
        endorse::ek::Certificate::from_der(&der).unwrap()
    };
    let twice = (Code::HgsVersion, ERROR);
    assert_eq!(judged(&with("after"), Signing, Minimum), [twice]);
    assert_eq!(
        judged(&with("before"), Signing, Minimum),
        [twice, (Code::HgsKeyUsage, ERROR)]
    );
}

#[test]
fn the_tip_for_an_hsm_is_shown_and_never_fails() {
    let of = |usage: &str, hsm, role, profile| {
        let extensions = format!("{usage}\nextendedKeyUsage=serverAuth");
        let certificate = certify("rsa2048.key", "/CN=HGS", &extensions, "-sha256");
        let question = Question::new(certificate.not_before()).with_hsm(Some(hsm));
        let findings = check(&certificate, role, profile, &question);
        let tip = findings
            .iter()
            .find(|finding| finding.code == Code::HgsHsmKeyUsage);
        let tip = tip.map(|finding| (finding.severity, finding.message.clone()));
        (grave(&findings), tip)
    };
    let safenet = "keyUsage=digitalSignature,keyEncipherment";
    let utimaco = "keyUsage=dataEncipherment,cRLSign,encipherOnly";
    for (usage, hsm) in [(safenet, Hsm::Safenet), (utimaco, Hsm::Utimaco)] {
        let (grave, tip) = of(usage, hsm, Signing, Recommended);
        assert_eq!(grave, [(Code::HgsHsmKeyUsage, WARNING)]);
        let text = tip.unwrap().1;
        assert!(text.contains("Read as key usage of X.509"), "{text}");
        assert!(text.contains("read as key usage property of CNG"), "{text}");
    }
    // The tip of one maker does not excuse another's.
    let (grave, tip) = of(utimaco, Hsm::Safenet, Signing, Recommended);
    assert_eq!(grave, [(Code::HgsKeyUsage, ERROR)]);
    assert_eq!(tip.unwrap().0, Severity::Info);
    // Where the tip is in keeping with the rule there is nothing to warn of.
    let (grave, tip) = of(safenet, Hsm::Safenet, Signing, Minimum);
    assert_eq!(grave, []);
    assert_eq!(tip.unwrap().0, Severity::Info);
    let (grave, tip) = of(utimaco, Hsm::Nshield, Signing, Recommended);
    assert_eq!(grave, [(Code::HgsKeyUsage, ERROR)]);
    assert_eq!(tip, None);
}

#[test]
fn what_is_inferred_is_never_more_than_a_warning() {
    use endorse::diagnose::Basis;
    let mut seen = std::collections::HashSet::new();
    for rule in all_rules() {
        assert!(seen.insert(rule.id), "{} is there twice", rule.id);
        if rule.basis != Basis::Documented {
            assert!(rule.severity < ERROR, "{}", rule.id);
        }
        assert!(!rule.roles.is_empty() && !rule.profiles.is_empty() && !rule.help.is_empty());
    }
    assert_eq!(seen.len(), 42);
}

/// A rule that no certificate of a role is held against would say nothing.
#[test]
fn every_role_has_rules_and_every_rule_an_outcome() {
    let good = certify("rsa2048.key", "/CN=HGS", GOOD, "-sha256");
    let candidate = Candidate::from(&good);
    let question = Question::new(good.not_before());
    for (role, fewest) in [
        (Signing, 9),
        (Encryption, 9),
        (Communications, 6),
        (AttestationSigner, 6),
        (Tls, 9),
        (HostKey, 6),
        (Template, 6),
    ] {
        let results = examine(&candidate, role, Recommended, &question);
        assert!(results.len() >= fewest, "{role:?}: {}", results.len());
        for result in results {
            let expected = matches!(result.outcome, Outcome::Fail(_) | Outcome::Tell(_));
            assert_eq!(result.finding().is_some(), expected, "{}", result.rule.id);
        }
    }
}

#[test]
fn the_page_has_every_rule() {
    let page = std::fs::read_to_string("docs/hgs-certificates.md").unwrap();
    for rule in all_rules() {
        let row = format!(
            "| `{}` | {} | {} |",
            rule.id,
            rule.code,
            rule.basis.as_str()
        );
        let line = page.lines().find(|line| line.starts_with(&row));
        let line = line.unwrap_or_else(|| panic!("there is no row that starts {row}"));
        assert!(line.contains(rule.source), "{line}");
        assert!(line.contains(rule.demand), "{line}");
    }
}
