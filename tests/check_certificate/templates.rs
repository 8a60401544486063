//! Exports of certificate templates: each form, and each attribute wrong in turn.

use endorse::diagnose::certificate::{
    Candidate, CertificateRole, Profile, RuleResult, TemplateForm, examine, read_templates,
};
use endorse::finding::{Code, Severity};

use super::{at, bytes, grave};

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;

fn judged(candidate: &Candidate, profile: Profile) -> Vec<(Code, Severity)> {
    let results = examine(candidate, CertificateRole::Template, profile, &at());
    let findings: Vec<_> = results.iter().filter_map(RuleResult::finding).collect();
    grave(&findings)
}

fn adcs(bytes: &[u8]) -> Vec<(Code, Severity)> {
    let (_, templates) = read_templates(bytes).unwrap();
    assert_eq!(templates.len(), 1);
    judged(&templates[0], Profile::Adcs)
}

#[test]
fn each_form_says_the_same() {
    let read = |name: &str| read_templates(&bytes(name)).unwrap();
    let (form, ldif) = read("../hgs-templates/template.ldf");
    assert_eq!((form, ldif.len()), (TemplateForm::Ldif, 1));
    for (name, expected) in [
        ("../hgs-templates/template.json", TemplateForm::Json),
        ("../hgs-templates/template.txt", TemplateForm::Certutil),
    ] {
        let (form, templates) = read(name);
        assert_eq!((form, templates.len()), (expected, 1));
        assert_eq!(
            format!("{:?}", templates[0]),
            format!("{:?}", ldif[0]),
            "{name}"
        );
    }
    for profile in Profile::ALL {
        assert_eq!(judged(&ldif[0], profile), [], "{profile:?}");
    }
    let facts = ldif[0].template.as_ref().unwrap();
    assert_eq!(facts.name, "HGS keys");
    assert_eq!(facts.cng_usage, Some(16_777_215));
    // As PowerShell 5 redirects it.
    let text = String::from_utf8(bytes("../hgs-templates/template.json")).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(adcs(&utf16), []);
}

#[test]
fn each_attribute_wrong_in_turn() {
    let good = String::from_utf8(bytes("../hgs-templates/template.ldf")).unwrap();
    for (from, to, expected) in [
        (
            "Minimal-Key-Size: 2048",
            "Minimal-Key-Size: 2047",
            vec![(Code::HgsKeySize, ERROR)],
        ),
        (
            "msPKI-Minimal-Key-Size: 2048\n",
            "",
            vec![(Code::HgsKeySize, ERROR)],
        ),
        ("Minimal-Key-Size: 2048", "Minimal-Key-Size: 4096", vec![]),
        // 0xa0 and 0x90 in place of 0xb0.
        (
            "pKIKeyUsage:: sAA=",
            "pKIKeyUsage:: oAA=",
            vec![(Code::HgsKeyUsage, ERROR)],
        ),
        (
            "pKIKeyUsage:: sAA=",
            "pKIKeyUsage:: kAA=",
            vec![(Code::HgsKeyUsage, ERROR)],
        ),
        ("pKIKeyUsage:: sAA=\n", "", vec![(Code::HgsKeyUsage, ERROR)]),
        (
            "Schema-Version: 4",
            "Schema-Version: 2",
            vec![(Code::HgsProvider, ERROR)],
        ),
        ("Schema-Version: 4", "Schema-Version: 3", vec![]),
        // CT_FLAG_USE_LEGACY_PROVIDER.
        (
            "Private-Key-Flag: 101056656",
            "Private-Key-Flag: 101056912",
            vec![(Code::HgsProvider, ERROR)],
        ),
        // Without CT_FLAG_REQUIRE_SAME_KEY_RENEWAL.
        (
            "Private-Key-Flag: 101056656",
            "Private-Key-Flag: 101056528",
            vec![(Code::HgsRenewedKey, WARNING)],
        ),
        // With a sign, as some tools write it, and with the same bits.
        (
            "Private-Key-Flag: 101056656",
            "Private-Key-Flag: -2147483504",
            vec![],
        ),
        (
            "Microsoft Software Key Storage Provider",
            "Microsoft RSA SChannel Cryptographic Provider",
            vec![(Code::HgsProvider, ERROR)],
        ),
        (
            "PZPWSTR`RSA`",
            "PZPWSTR`ECDSA_P256`",
            vec![(Code::HgsKeyAlgorithm, ERROR)],
        ),
        (
            "PZPWSTR`SHA256`",
            "PZPWSTR`SHA1`",
            vec![(Code::HgsSignatureAlgorithm, WARNING)],
        ),
        // Signing alone.
        (
            "DWORD`16777215`",
            "DWORD`2`",
            vec![(Code::HgsTemplate, ERROR)],
        ),
        ("DWORD`16777215`", "DWORD`3`", vec![]),
    ] {
        assert!(good.contains("Minimal"));
        // Lines of LDIF are folded, so it is unfolded first.
        let unfolded = good.replace("\n ", "");
        assert!(unfolded.contains(from), "{from}");
        let changed = unfolded.replace(from, to);
        assert_eq!(adcs(changed.as_bytes()), expected, "{to}");
    }
    // A purpose is for the other tables.
    let changed = good.replace("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    assert_eq!(adcs(changed.as_bytes()), []);
    let (_, templates) = read_templates(changed.as_bytes()).unwrap();
    assert_eq!(
        judged(&templates[0], Profile::Recommended),
        [(Code::HgsEku, ERROR)]
    );
    assert_eq!(judged(&templates[0], Profile::Minimum), []);
}

#[test]
fn the_template_for_web_servers_does_not_do() {
    let found = adcs(&bytes("../hgs-templates/webserver.ldf"));
    assert_eq!(
        found,
        [
            (Code::HgsKeySize, ERROR),
            (Code::HgsProvider, ERROR),
            (Code::HgsKeyUsage, ERROR),
            (Code::HgsRenewedKey, WARNING),
        ]
    );
    // AT_SIGNATURE.
    let text = String::from_utf8(bytes("../hgs-templates/webserver.ldf")).unwrap();
    let signature = text.replace("DefaultKeySpec: 1", "DefaultKeySpec: 2");
    assert!(adcs(signature.as_bytes()).contains(&(Code::HgsTemplate, ERROR)));
}

#[test]
fn several_templates_and_other_objects() {
    let both = [
        bytes("../hgs-templates/template.ldf"),
        b"\n".to_vec(),
        bytes("../hgs-templates/webserver.ldf"),
    ]
    .concat();
    assert_eq!(read_templates(&both).unwrap().1.len(), 2);
    let list = format!(
        "[\n{0},\n{0}\n]",
        String::from_utf8(bytes("../hgs-templates/template.json")).unwrap()
    );
    assert_eq!(read_templates(list.as_bytes()).unwrap().1.len(), 2);
    let both = [
        bytes("../hgs-templates/template.txt"),
        bytes("../hgs-templates/template.txt"),
    ]
    .concat();
    assert_eq!(read_templates(&both).unwrap().1.len(), 2);
    let wrapped = String::from_utf8(bytes("../hgs-templates/template.json")).unwrap();
    let wrapped = wrapped.replace(
        "[\n                        176,\n                        0\n                    ]",
        "{\"value\": [176, 0], \"Count\": 2}",
    );
    assert!(wrapped.contains("Count"));
    assert_eq!(adcs(wrapped.as_bytes()), []);
}

#[test]
fn what_is_no_export() {
    for text in [
        "dn: CN=a\nobjectClass: user\nmsPKI-Minimal-Key-Size: 2048\n",
        "dn: CN=a\nno colon\n",
        "dn: CN=a\nobjectClass: pKICertificateTemplate\npKIKeyUsage:: ?\n",
        "dn: CN=a\nobjectClass: pKICertificateTemplate\npKIKeyUsage:< file:///etc/passwd\n",
        "dn: CN=a\nobjectClass: pKICertificateTemplate\nmsPKI-Minimal-Key-Size: many\n",
        "dn: CN=a\nobjectClass: pKICertificateTemplate\npKIExtendedKeyUsage: x\n",
        "{\"a\": 1}",
        "{",
        "[1]",
        "[a]\n  pKIKeyUsage = \"zz\"\n",
    ] {
        let error = read_templates(text.as_bytes()).unwrap_err();
        assert_eq!(error.code, Some(Code::TemplateMalformed), "{text}");
    }
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(
        read_templates(deep.as_bytes()).unwrap_err().code,
        Some(Code::TemplateMalformed)
    );
    let many = "dn: a\n\n".repeat(513);
    assert_eq!(
        read_templates(many.as_bytes()).unwrap_err().code,
        Some(Code::TemplateMalformed)
    );
    let long = format!("dn: a\n{}", "x: y\n".repeat(2049));
    assert_eq!(
        read_templates(long.as_bytes()).unwrap_err().code,
        Some(Code::TemplateMalformed)
    );
}
