//! The profile lint: each rule is broken by one change, and what the levels promise holds
//! against the judgement.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]

#[path = "support/pki.rs"]
mod pki;

use std::collections::BTreeSet;
use std::fs;

use endorse::der::Time;
use endorse::ek::{Certificate, Level, Lint, LintSubject, Outcome, lint_rules, unwrap_nv};
use endorse::identifier::Identifier;
use endorse::trust::{Origin, Policy, Store, Usage};
use endorse::verdict::{self, judge};

use pki::*;

/// The ids of the rules that fail, in order.
fn failed(lint: &Lint) -> Vec<&'static str> {
    let results = lint.results.iter();
    results
        .filter(|result| matches!(result.outcome, Outcome::Fail(_)))
        .map(|result| result.rule.id)
        .collect()
}

fn lint(der: &[u8]) -> Lint {
    Lint::of(&Certificate::from_der(der).unwrap(), &[])
}

fn root() -> Spec {
    Spec::ca(dn("V", "Root"), ec_key(0), dn("V", "Root"), ec_key(0))
}

fn ca() -> Spec {
    Spec::ca(dn("V", "CA"), ec_key(1), dn("V", "Root"), ec_key(0))
}

fn rsa_ek() -> Spec {
    Spec::ek(rsa_key(0), dn("V", "CA"), ec_key(1))
}

fn ec_ek() -> Spec {
    Spec::ek(ec_key(2), dn("V", "CA"), ec_key(1))
}

/// Whether the EKcert is trusted with this CA in the store.
fn is_trusted(ca: &[u8], ek: &[u8]) -> bool {
    let read = |der: &[u8]| Certificate::from_der(der).unwrap();
    let mut store = Store::new();
    store.add_root(read(&root().der()), Origin::File("root".into()));
    store.add_intermediate(read(ca), Origin::File("ca".into()));
    let verdict = judge(
        &Identifier::read(ek).unwrap(),
        &store,
        &Policy::default(),
        Time::parse_rfc3339(AT).unwrap(),
        Usage::Ek,
    );
    verdict.outcome() == verdict::Outcome::Trusted
}

#[derive(Clone, Copy, PartialEq)]
enum Judged {
    /// Trusted exactly if no usable rule fails.
    AsUsable,
    /// Usable, but refused by the policy or because the test cannot sign it.
    Refused,
}
use Judged::{AsUsable, Refused};

fn algorithm(spec: &mut Spec, identifier: &[u8]) {
    spec.inner_algorithm = Some(identifier.to_vec());
    spec.outer_algorithm = Some(identifier.to_vec());
}

fn tpm(manufacturer: &[u8], model: &[u8], version: &[u8]) -> Extension {
    let name = name(&[
        attribute("2.23.133.2.1", UTF8, manufacturer),
        attribute("2.23.133.2.2", UTF8, model),
        attribute("2.23.133.2.3", UTF8, version),
    ]);
    subject_alt_name(true, &[directory(&name)])
}

/// The SubjectPublicKeyInfo of the RSA key with another exponent or algorithm.
fn rsa_spki(algorithm: &str, exponent: &[u8]) -> Vec<u8> {
    let key = endorse::ek::EkPub::from_spki(&rsa_key(0).spki()).unwrap();
    let endorse::ek::Key::Rsa { modulus, .. } = key.key() else {
        panic!("no RSA key");
    };
    let modulus = [&[0], modulus.as_slice()].concat();
    let numbers = sequence(&[tlv(0x02, &modulus), tlv(0x02, exponent)]);
    spki(&[oid(algorithm), tlv(0x05, &[])], &numbers)
}

fn directory_attributes(kind: &str, value: Vec<u8>) -> Extension {
    let attribute = sequence(&[oid(kind), set(&[value])]);
    extension("2.5.29.9", false, sequence(&[attribute]))
}

fn specification(family: &[u8]) -> Extension {
    directory_attributes(
        "2.23.133.2.16",
        sequence(&[tlv(UTF8, family), integer(0), integer(138)]),
    )
}

fn non_critical(spec: &mut Spec, oid: &str) {
    for extension in &mut spec.extensions {
        extension.critical &= extension.oid != oid;
    }
}

fn critical(spec: &mut Spec, oid: &str) {
    for extension in &mut spec.extensions {
        extension.critical |= extension.oid == oid;
    }
}

/// An access description or a distribution point that leads nowhere.
fn info_access(critical: bool) -> Extension {
    let description = sequence(&[oid("1.3.6.1.5.5.7.48.2"), uri("http://pki.example/ca")]);
    extension("1.3.6.1.5.5.7.1.1", critical, sequence(&[description]))
}

fn crl_points(critical: bool) -> Extension {
    let point = sequence(&[tlv(0xa0, &tlv(0xa0, &uri("http://pki.example/crl")))]);
    extension("2.5.29.31", critical, sequence(&[point]))
}

type Change = fn(&mut Spec);

/// Changes to an EKcert with an RSA key, and the rules they break.
const EKCERTS: &[(&[&str], Judged, Change)] = &[
    (&["version", "extensions-version"], AsUsable, |s| {
        s.version = None
    }),
    (&["serial-positive"], AsUsable, |s| s.serial = vec![0]),
    (&["serial-positive"], AsUsable, |s| s.serial = vec![0x81]),
    (&["serial-minimal"], AsUsable, |s| s.serial = vec![0, 0, 3]),
    (&["serial-length"], AsUsable, |s| s.serial = vec![1; 21]),
    (&["signature-algorithms-agree"], AsUsable, |s| {
        s.outer_algorithm = Some(Scheme::Ecdsa(Hash::Sha384).identifier());
    }),
    // MD5.
    (&["signature-algorithm"], AsUsable, |s| {
        algorithm(s, &sequence(&[oid("1.2.840.113549.1.1.4"), tlv(0x05, &[])]));
    }),
    (&["signature-hash"], Refused, |s| {
        algorithm(s, &sequence(&[oid("1.2.840.113549.1.1.5"), tlv(0x05, &[])]));
    }),
    (&["signature-algorithm", "signature-hash"], AsUsable, |s| {
        algorithm(s, &sequence(&[oid("1.2.840.10045.4.1")]));
    }),
    (&["ecdsa-parameters"], AsUsable, |s| {
        algorithm(s, &sequence(&[oid("1.2.840.10045.4.3.2"), tlv(0x05, &[])]));
    }),
    (&["issuer"], AsUsable, |s| s.issuer = empty_name()),
    (&["validity-order"], AsUsable, |s| {
        s.not_after = utc("191231235959Z")
    }),
    (&["validity-form"], AsUsable, |s| {
        s.not_before = tlv(0x18, b"20200101000000Z")
    }),
    (&["validity-no-end"], AsUsable, |s| {
        s.not_after = tlv(0x18, b"99991231235900Z")
    }),
    (&["der-default"], AsUsable, |s| {
        s.replace(extension(
            BASIC_CONSTRAINTS,
            true,
            sequence(&[tlv(1, &[0])]),
        ));
    }),
    (&["der-unused-bits"], AsUsable, |s| {
        s.replace(extension(KEY_USAGE, true, tlv(3, &[0, 0x20])));
    }),
    (&["der-set-order"], AsUsable, |s| {
        let parts = [
            attribute("2.23.133.2.3", UTF8, b"id:00010002"),
            attribute("2.23.133.2.1", UTF8, b"id:49465800"),
            attribute("2.23.133.2.2", UTF8, b"TEST 1"),
        ];
        s.replace(subject_alt_name(
            true,
            &[directory(&sequence(&[set(&parts)]))],
        ));
    }),
    (&["subject-alt-name"], AsUsable, |s| {
        s.remove(SUBJECT_ALT_NAME)
    }),
    (&["subject-alt-name"], AsUsable, |s| {
        s.replace(subject_alt_name(true, &[dns("tpm.example")]));
    }),
    (&["subject-alt-name-critical"], AsUsable, |s| {
        non_critical(s, SUBJECT_ALT_NAME)
    }),
    (&["subject-alt-name-not-critical"], AsUsable, |s| {
        s.subject = dn("V", "a TPM")
    }),
    (&["subject-alt-name-one"], AsUsable, |s| {
        s.replace(subject_alt_name(
            true,
            &[directory(&tpm_name()), dns("tpm.example")],
        ));
    }),
    (
        &["subject-alt-name-one", "subject-alt-name-attributes"],
        AsUsable,
        |s| {
            s.replace(subject_alt_name(
                true,
                &[directory(&tpm_name()), directory(&tpm_name())],
            ));
        },
    ),
    (&["subject-alt-name-attributes"], AsUsable, |s| {
        let more = name(&[
            attribute("2.23.133.2.1", UTF8, b"id:49465800"),
            attribute("2.23.133.2.2", UTF8, b"TEST 1"),
            attribute("2.23.133.2.3", UTF8, b"id:00010002"),
            common_name("more"),
        ]);
        s.replace(subject_alt_name(true, &[directory(&more)]));
    }),
    (&["tpm-manufacturer"], AsUsable, |s| without_attribute(s, 0)),
    (&["tpm-model"], AsUsable, |s| without_attribute(s, 1)),
    (&["tpm-version"], AsUsable, |s| without_attribute(s, 2)),
    (&["tpm-manufacturer-known"], AsUsable, |s| {
        s.replace(tpm(b"id:58585858", b"TEST 1", b"id:00010002"));
    }),
    (&["tpm-manufacturer-registered"], AsUsable, |s| {
        s.replace(tpm(b"id:00001014", b"swtpm", b"id:20191023"));
    }),
    // Raw bytes in the place of the digits.
    (
        &["tpm-manufacturer-known", "tpm-manufacturer-format"],
        AsUsable,
        |s| {
            s.replace(tpm(b"IFX\0", b"TEST 1", b"id:00010002"));
        },
    ),
    (&["tpm-model-format"], AsUsable, |s| {
        s.replace(tpm(b"id:49465800", b"id:00010002", b"id:00010002"));
    }),
    (&["tpm-model-format"], AsUsable, |s| {
        s.replace(tpm(b"id:49465800", b"", b"id:00010002"));
    }),
    (&["tpm-version-format"], AsUsable, |s| {
        s.replace(tpm(b"id:49465800", b"TEST 1", b"id:0755"));
    }),
    (&["tpm-attribute-strings"], AsUsable, |s| {
        let name = name(&[
            attribute("2.23.133.2.1", UTF8, b"id:49465800"),
            attribute("2.23.133.2.2", PRINTABLE, b"TEST 1"),
            attribute("2.23.133.2.3", UTF8, b"id:00010002"),
        ]);
        s.replace(subject_alt_name(true, &[directory(&name)]));
    }),
    (&["directory-attributes-not-critical"], AsUsable, |s| {
        s.replace(specification(b"2.0"));
        critical(s, "2.5.29.9");
    }),
    (&["tpm-specification"], AsUsable, |s| {
        s.replace(directory_attributes("2.23.133.2.18", sequence(&[])));
    }),
    (&["tpm-specification-family"], AsUsable, |s| {
        s.replace(specification(b"id:322E3000"))
    }),
    // Ed25519.
    (&["key-readable"], AsUsable, |s| {
        s.spki = spki(&[oid("1.3.101.112")], &[7; 32])
    }),
    (&["key-sound"], AsUsable, |s| {
        s.spki = fs::read("testdata/cli/even-modulus.bin").unwrap();
    }),
    (&["key-sound", "key-exponent"], AsUsable, |s| {
        s.spki = fs::read("testdata/cli/exponent-one.bin").unwrap();
    }),
    (&["key-algorithm"], AsUsable, |s| {
        s.spki = rsa_spki("1.2.840.113549.1.1.7", &[1, 0, 1])
    }),
    // The policy wants more.
    (&["key-size"], Refused, |s| {
        let old = fs::read("testdata/generated/rsa1024-root.der").unwrap();
        s.spki = Certificate::from_der(&old).unwrap().spki_der().to_vec();
    }),
    (&["key-exponent"], AsUsable, |s| {
        s.spki = rsa_spki("1.2.840.113549.1.1.1", &[3])
    }),
    (&["basic-constraints"], AsUsable, |s| {
        s.remove(BASIC_CONSTRAINTS)
    }),
    (&["basic-constraints-critical"], AsUsable, |s| {
        non_critical(s, BASIC_CONSTRAINTS)
    }),
    (&["no-ca"], AsUsable, |s| {
        s.replace(basic_constraints(true, None))
    }),
    (
        &["subject-alt-name", "basic-constraints", "recognisable"],
        AsUsable,
        |s| {
            s.remove(SUBJECT_ALT_NAME);
            s.remove(BASIC_CONSTRAINTS);
            s.remove(EXTENDED_KEY_USAGE);
        },
    ),
    (&["path-length"], AsUsable, |s| {
        s.replace(basic_constraints(false, Some(0)))
    }),
    (&["key-usage"], AsUsable, |s| s.remove(KEY_USAGE)),
    (&["key-usage-for-key", "key-usage-only"], AsUsable, |s| {
        s.replace(key_usage(&[KEY_AGREEMENT]));
    }),
    (
        &["key-usage-for-key", "key-usage-for-ek", "key-usage-only"],
        AsUsable,
        |s| {
            s.replace(key_usage(&[DIGITAL_SIGNATURE]));
        },
    ),
    (&["key-usage-only"], AsUsable, |s| {
        s.replace(key_usage(&[KEY_ENCIPHERMENT, DIGITAL_SIGNATURE]));
    }),
    (&["key-usage-critical"], AsUsable, |s| {
        non_critical(s, KEY_USAGE)
    }),
    (&["extended-key-usage"], AsUsable, |s| {
        s.replace(extended_key_usage(&[AIK_USAGE]))
    }),
    (&["extended-key-usage-not-critical"], AsUsable, |s| {
        critical(s, EXTENDED_KEY_USAGE)
    }),
    (&["authority-key-id"], AsUsable, |s| {
        s.remove(AUTHORITY_KEY_ID)
    }),
    (&["authority-key-id"], AsUsable, |s| {
        s.replace(extension(AUTHORITY_KEY_ID, false, sequence(&[])));
    }),
    (&["authority-key-id-not-critical"], AsUsable, |s| {
        critical(s, AUTHORITY_KEY_ID)
    }),
    (&["subject-key-id-not-critical"], AsUsable, |s| {
        s.replace(extension(SUBJECT_KEY_ID, true, tlv(4, &[7; 20])));
    }),
    (&["crl-points-not-critical"], AsUsable, |s| {
        s.replace(crl_points(true))
    }),
    (&["info-access-not-critical"], AsUsable, |s| {
        s.replace(info_access(true))
    }),
    (&["extensions-readable"], AsUsable, |s| {
        s.replace(certificate_policies(&["1.2.3.4", "1.2.3.4"]));
    }),
    (&["critical-extensions"], AsUsable, |s| {
        s.replace(extension("1.2.3.4.5", true, tlv(5, &[])));
    }),
];

fn without_attribute(spec: &mut Spec, left_out: usize) {
    let mut attributes = vec![
        attribute("2.23.133.2.1", UTF8, b"id:49465800"),
        attribute("2.23.133.2.2", UTF8, b"TEST 1"),
        attribute("2.23.133.2.3", UTF8, b"id:00010002"),
    ];
    attributes.remove(left_out);
    spec.replace(subject_alt_name(true, &[directory(&name(&attributes))]));
}

/// Changes to an intermediate CA.
const CAS: &[(&[&str], Change)] = &[
    (&["der-boolean"], |s| {
        s.replace(extension(
            BASIC_CONSTRAINTS,
            true,
            sequence(&[tlv(1, &[1])]),
        ));
    }),
    (&["ca-subject"], |s| s.subject = empty_name()),
    (&["ca-basic-constraints"], |s| {
        non_critical(s, BASIC_CONSTRAINTS)
    }),
    (&["ca-key-usage"], |s| s.remove(KEY_USAGE)),
    (&["ca-key-cert-sign"], |s| s.replace(key_usage(&[CRL_SIGN]))),
    (&["ca-crl-sign"], |s| s.replace(key_usage(&[KEY_CERT_SIGN]))),
    (&["key-usage-critical"], |s| non_critical(s, KEY_USAGE)),
    (&["ca-subject-key-id"], |s| s.remove(SUBJECT_KEY_ID)),
    (&["authority-key-id"], |s| s.remove(AUTHORITY_KEY_ID)),
    (&["ca-extended-key-usage"], |s| {
        s.replace(extended_key_usage(&[AIK_USAGE]))
    }),
    (&["critical-extensions"], |s| {
        s.replace(extension("1.2.3.4.5", true, tlv(5, &[])));
    }),
];

#[test]
fn certificates_after_the_profile_pass_every_rule() {
    for (spec, subject) in [
        (rsa_ek(), LintSubject::EkCert),
        (ec_ek(), LintSubject::EkCert),
        (ca(), LintSubject::Ca),
        (root(), LintSubject::Ca),
    ] {
        let lint = lint(&spec.der());
        assert_eq!(lint.subject, subject);
        assert!(failed(&lint).is_empty(), "{:?}", failed(&lint));
        assert!(lint.is_usable());
    }
    // With all that is optional, in the form that is asked for.
    let mut full = rsa_ek();
    full.not_after = tlv(0x18, b"99991231235959Z");
    full.replace(specification(b"2.0"));
    full.replace(crl_points(false));
    full.replace(info_access(false));
    full.replace(subject_key_id(rsa_key(0)));
    let identifier = sequence(&[tlv(UTF8, b"00112233")]);
    let permanent = tlv(
        0xa0,
        &[oid("1.3.6.1.5.5.7.8.3"), tlv(0xa0, &identifier)].concat(),
    );
    full.replace(subject_alt_name(true, &[directory(&tpm_name()), permanent]));
    let lint = lint(&full.der());
    let not_passed: Vec<_> = lint
        .results
        .iter()
        .filter(|result| result.outcome != Outcome::Pass)
        .map(|result| result.rule.id)
        .collect();
    assert_eq!(not_passed, ["subject-alt-name-not-critical"]);
    assert!(is_trusted(&ca().der(), &full.der()));
}

#[test]
fn each_change_to_an_ekcert_breaks_its_rules_and_no_others() {
    let ca = ca().der();
    for (rules, judged, change) in EKCERTS {
        let mut spec = rsa_ek();
        change(&mut spec);
        let der = spec.der();
        let lint = lint(&der);
        assert_eq!(lint.subject, LintSubject::EkCert, "{rules:?}");
        assert_eq!(failed(&lint), *rules);
        // What fails a usable rule is refused; what fails another is not refused for it.
        let trusted = lint.is_usable() && *judged == AsUsable;
        assert_eq!(is_trusted(&ca, &der), trusted, "{rules:?}");
    }
}

#[test]
fn each_change_to_a_ca_breaks_its_rules_and_no_others() {
    let ek = ec_ek().der();
    for (rules, change) in CAS {
        let mut spec = ca();
        change(&mut spec);
        let der = spec.der();
        let lint = lint(&der);
        assert_eq!(lint.subject, LintSubject::Ca, "{rules:?}");
        assert_eq!(failed(&lint), *rules);
        assert_eq!(is_trusted(&der, &ek), lint.is_usable(), "{rules:?}");
    }
}

#[test]
fn what_lies_around_a_certificate_is_told() {
    let bytes = fs::read("testdata/cli/ek-nv.bin").unwrap();
    let unwrapped = unwrap_nv(&bytes).unwrap();
    let certificate = Certificate::from_der(unwrapped.der).unwrap();
    let wrapping: Vec<_> = unwrapped.findings.iter().collect();
    assert_eq!(failed(&Lint::of(&certificate, &wrapping)), ["bare-der"]);
    assert!(failed(&Lint::of(&certificate, &[])).is_empty());
}

#[test]
fn no_rule_is_without_a_certificate_that_breaks_it() {
    let mut broken: BTreeSet<&str> = BTreeSet::from(["bare-der"]);
    broken.extend(EKCERTS.iter().flat_map(|(rules, ..)| *rules));
    broken.extend(CAS.iter().flat_map(|(rules, _)| *rules));
    let rules: BTreeSet<&str> = lint_rules().map(|rule| rule.id).collect();
    assert_eq!(broken, rules);
}

/// The ways in which genuine certificates are known to be odd, on certificates of our
/// own: all are usable and trusted.
#[test]
fn genuine_oddities_are_no_obstacle() {
    let oddities: [(&str, Spec, Change, &[&str]); 7] = [
        (
            "AMD fTPM: key usage of RSA on an EC key, basic constraints not critical and with \
             its default, family in hexadecimal digits",
            ec_ek(),
            |s| {
                s.replace(extension(
                    BASIC_CONSTRAINTS,
                    false,
                    sequence(&[tlv(1, &[0])]),
                ));
                s.replace(key_usage(&[KEY_ENCIPHERMENT]));
                s.replace(specification(b"id:322E3000"));
                s.replace(tpm(b"id:414D4400", b"AMD", b"id:00030001"));
            },
            &[
                "der-default",
                "tpm-specification-family",
                "basic-constraints-critical",
                "key-usage-for-key",
                "key-usage-only",
            ],
        ),
        (
            "Intel PTT: the default of the basic constraints written out",
            rsa_ek(),
            |s| {
                s.replace(extension(
                    BASIC_CONSTRAINTS,
                    true,
                    sequence(&[tlv(1, &[0])]),
                ));
                s.replace(tpm(b"id:494E5443", b"Intel", b"id:00020000"));
            },
            &["der-default"],
        ),
        (
            "Nuvoton: leading octets of the serial number, one RDN out of order",
            rsa_ek(),
            |s| {
                s.serial = vec![0, 0, 0x45, 0x67];
                let parts = [
                    attribute("2.23.133.2.1", UTF8, b"id:4E544300"),
                    attribute("2.23.133.2.2", UTF8, b"NPCT6xx"),
                    attribute("2.23.133.2.3", UTF8, b"id:00000002"),
                ];
                s.replace(subject_alt_name(
                    true,
                    &[directory(&sequence(&[set(&parts)]))],
                ));
            },
            &["serial-minimal", "der-set-order"],
        ),
        (
            "TPM 1.2 of STMicroelectronics and Infineon: RSAES-OAEP, no key usage, critical \
             extended key usage, version of four digits",
            rsa_ek(),
            |s| {
                s.spki = rsa_spki("1.2.840.113549.1.1.7", &[1, 0, 1]);
                s.remove(KEY_USAGE);
                critical(s, EXTENDED_KEY_USAGE);
                s.replace(tpm(b"id:53544D20", b"ST33ZP24", b"id:0313"));
            },
            &[
                "tpm-version-format",
                "key-algorithm",
                "key-usage",
                "extended-key-usage-not-critical",
            ],
        ),
        (
            "Infineon CAs and EKcerts: unused bits of the key usage",
            rsa_ek(),
            |s| s.replace(extension(KEY_USAGE, true, tlv(3, &[0, 0x20]))),
            &["der-unused-bits"],
        ),
        (
            "swtpm: a subject and a critical subjectAltName, an id that is not registered",
            rsa_ek(),
            |s| {
                s.subject = name(&[common_name("unknown")]);
                s.replace(tpm(b"id:00001014", b"swtpm", b"id:20191023"));
            },
            &[
                "subject-alt-name-not-critical",
                "tpm-manufacturer-registered",
            ],
        ),
        (
            "Google Compute Engine: no subjectAltName and no extended key usage",
            rsa_ek(),
            |s| {
                s.subject = name(&[organization("Google Compute Engine"), common_name("1")]);
                s.remove(SUBJECT_ALT_NAME);
                s.remove(EXTENDED_KEY_USAGE);
            },
            &["subject-alt-name"],
        ),
    ];
    for (what, mut spec, change, rules) in oddities {
        change(&mut spec);
        let der = spec.der();
        let lint = lint(&der);
        assert_eq!(failed(&lint), rules, "{what}");
        assert!(lint.is_usable() && is_trusted(&ca().der(), &der), "{what}");
    }
}

/// What a judgement says of the profile comes from the rules, and what it calls an error
/// is a rule of the usable level.
#[test]
fn the_profile_findings_of_a_judgement_are_rules() {
    for rule in lint_rules() {
        if let Some(code) = rule.code() {
            assert_eq!(rule.level, Level::Profile, "{}", rule.id);
            assert!(code.as_str().starts_with("profile-"), "{}", rule.id);
            assert_ne!(rule.subject(), Some(LintSubject::Ca), "{}", rule.id);
        }
    }
}

/// `docs/lint.md` has each rule as the table has it.
#[test]
fn the_page_has_every_rule() {
    let text = fs::read_to_string("docs/lint.md").unwrap();
    let mut expected = String::new();
    for rule in lint_rules() {
        expected.push_str(&format!("### {}\n\n", rule.id));
        let subject = match rule.subject() {
            Some(LintSubject::EkCert) => "EKcerts",
            Some(LintSubject::Ca) => "CAs",
            None => "all",
        };
        expected.push_str(&format!(
            "Level: {} · For: {subject} · Known from: {}",
            rule.level.as_str(),
            rule.certainty.as_str(),
        ));
        if let Some(code) = rule.code() {
            expected.push_str(&format!(" · Finding: [{code}](findings.md#{code})"));
        }
        expected.push_str(&format!("\n\n{} Source: {}.\n\n", rule.demand, rule.source));
    }
    let expected = expected.trim_end();
    let (_, rules) = text.split_once("## Rules\n\n").unwrap();
    if rules.trim_end() != expected {
        println!("{expected}");
    }
    assert_eq!(
        rules.trim_end(),
        expected,
        "the page as it should be is above"
    );
}

#[cfg(feature = "cli")]
#[test]
fn programs_read_every_rule() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(["inspect", "--lint", "--json", "testdata/cli/aik.der"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let lint = &document["results"][0]["ekcerts"][0]["lint"];
    assert_eq!(
        (lint["subject"].as_str(), lint["usable"].as_bool()),
        (Some("ekcert"), Some(false))
    );
    let expected = lint_of_file("testdata/cli/aik.der");
    let rules = lint["rules"].as_array().unwrap();
    assert_eq!(rules.len(), expected.results.len());
    for (rule, expected) in rules.iter().zip(&expected.results) {
        assert_eq!(rule["rule"], expected.rule.id);
        assert_eq!(rule["level"], expected.rule.level.as_str());
        assert_eq!(rule["outcome"], expected.outcome.as_str());
        assert_eq!(rule["certainty"], expected.rule.certainty.as_str());
        assert_eq!(
            rule["message"].is_null(),
            expected.outcome == Outcome::Pass,
            "{rule}"
        );
    }
    let without = std::process::Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(["inspect", "--json", "testdata/cli/aik.der"])
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(0));
    assert!(!String::from_utf8(without.stdout).unwrap().contains("lint"));
}

#[cfg(feature = "cli")]
fn lint_of_file(path: &str) -> Lint {
    lint(&fs::read(path).unwrap())
}
