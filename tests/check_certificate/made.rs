//! What `make-request` writes, `check-certificate` accepts: each role in each form.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{data, endorse, openssl};

const ROLES: [&str; 5] = ["signing", "encryption", "communications", "tls", "host-key"];
const NAME: &str = "hgs.bastion.test";

/// The options of a request, and those of the check of it.
fn options(role: &str) -> Vec<&str> {
    match role {
        "tls" => vec!["--role", role, "--service-name", NAME],
        _ => vec!["--role", role, "--subject", "CN=HGS,O=Bastion Test"],
    }
}

fn accepted(file: &str, role: &str, directory: &Path) {
    let mut profiles = vec!["minimum", "recommended", "adcs", "microsoft-2016"];
    if !["signing", "encryption"].contains(&role) {
        profiles.truncate(2);
    }
    for profile in profiles {
        let mut args = vec![
            "check-certificate",
            "--json",
            "--role",
            role,
            "--profile",
            profile,
            file,
        ];
        if role == "tls" {
            args.extend(["--service-name", NAME]);
        }
        let (exit, output, errors) = endorse(&args, directory);
        assert_eq!(exit, 0, "{file} {role} {profile}: {output}{errors}");
        let document: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(document["results"][0]["outcome"], "accepted");
        for finding in document["results"][0]["subjects"][0]["findings"]
            .as_array()
            .unwrap()
        {
            assert_eq!(
                finding["severity"], "info",
                "{file} {role} {profile}: {finding}"
            );
        }
    }
}

#[test]
fn each_role_in_each_form() {
    let directory = tempfile::tempdir().unwrap();
    let key = data("rsa2048.key");
    let key = key.to_str().unwrap();
    for role in ROLES {
        let make = |more: &[&str]| {
            let args = [&["make-request"][..], &options(role), more].concat();
            let (exit, output, errors) = endorse(&args, directory.path());
            assert_eq!(exit, 0, "{role}: {errors}");
            output
        };
        make(&["--key", key, "--output", "a.csr"]);
        accepted("a.csr", role, directory.path());
        let text = fs::read(directory.path().join("a.csr")).unwrap();
        openssl(&["req", "-verify", "-noout"], &text);

        make(&["--format", "openssl", "--output", "b.cnf"]);
        let config = directory.path().join("b.cnf");
        let args = [
            "req",
            "-new",
            "-config",
            config.to_str().unwrap(),
            "-key",
            key,
        ];
        fs::write(directory.path().join("b.csr"), openssl(&args, b"")).unwrap();
        accepted("b.csr", role, directory.path());

        // No certreq is at hand: only our own reader says so.
        make(&["--format", "certreq", "--output", "c.inf"]);
        accepted("c.inf", role, directory.path());
    }
}

#[test]
fn openssl_and_we_ask_for_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let key = data("rsa2048.key");
    let key = key.to_str().unwrap();
    let odd = r"CN=a$HOME #;\= \, \\ 'x' [y] @z ${ENV::PATH},O=Grüße \+ Co";
    let subject = ["make-request", "--role", "signing", "--subject", odd];
    let names = [
        "--service-name",
        NAME,
        "--service-name",
        "192.0.2.1",
        "--service-name",
        "*.b.test",
    ];
    let run = |more: &[&str]| {
        let args = [&subject[..], &names, more].concat();
        let (exit, output, errors) = endorse(&args, directory.path());
        assert_eq!(exit, 0, "{errors}");
        output
    };
    let ours = run(&["--key", key]);
    let config = directory.path().join("x.cnf");
    fs::write(&config, run(&["--format", "openssl"])).unwrap();
    let args = [
        "req",
        "-new",
        "-config",
        config.to_str().unwrap(),
        "-key",
        key,
    ];
    let theirs = openssl(&args, b"");
    let seen = |pem: &[u8]| {
        let text = openssl(&["req", "-noout", "-text", "-nameopt", "utf8"], pem);
        String::from_utf8(text)
            .unwrap()
            .split("Signature Algorithm")
            .next()
            .unwrap()
            .to_owned()
    };
    let mut both = [seen(ours.as_bytes()), seen(&theirs)].map(|text| {
        let mut lines: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
        // The order of extensions is not the same.
        lines.sort();
        lines
    });
    let [a, b] = &mut both;
    assert_eq!(a, b);
    let text = seen(&theirs);
    assert!(
        text.contains("$HOME") && text.contains("${ENV::PATH}") && text.contains("Grüße"),
        "{text}"
    );
}

#[test]
fn a_new_key_is_the_owners_alone_and_never_written_over() {
    let directory = tempfile::tempdir().unwrap();
    for bits in ["2048", "3072"] {
        let file = format!("{bits}.key");
        let new = ["--new-key", &file, "--key-size", bits, "--output", "r.csr"];
        let args = [&["make-request"][..], &options("encryption"), &new].concat();
        assert_eq!(endorse(&args, directory.path()).0, 0);
        let path = directory.path().join(&file);
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let before = fs::read(&path).unwrap();
        let text = openssl(&["pkey", "-noout", "-text"], &before);
        assert!(
            String::from_utf8(text)
                .unwrap()
                .contains(&format!("{bits} bit"))
        );
        accepted("r.csr", "encryption", directory.path());
        let (exit, _, errors) = endorse(&args, directory.path());
        assert_eq!(exit, 2, "{errors}");
        assert!(errors.contains("is there already"), "{errors}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_renewal_keeps_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let old = data("signing.cer");
    let old = old.to_str().unwrap();
    for (key, code) in [("rsa2048.key", 0), ("other2048.key", 1)] {
        let key = data(key);
        let args = [
            &["make-request"][..],
            &options("signing"),
            &["--key", key.to_str().unwrap(), "-o", "r.csr"],
        ]
        .concat();
        assert_eq!(endorse(&args, directory.path()).0, 0);
        let check = [
            "check-certificate",
            "--json",
            "--role",
            "signing",
            "--renews",
            old,
            "r.csr",
        ];
        let (exit, output, _) = endorse(&check, directory.path());
        assert_eq!(exit, code, "{output}");
        let document: serde_json::Value = serde_json::from_str(&output).unwrap();
        let subject = &document["results"][0]["subjects"][0];
        assert_eq!(subject["same_key_as_renewed"], code == 0);
        let codes: Vec<_> = subject["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["code"].as_str().unwrap())
            .collect();
        let expected: &[&str] = if code == 0 { &[] } else { &["hgs-renewed-key"] };
        assert_eq!(codes, expected);
    }
}

/// A file for certreq as somebody else may have written it.
#[test]
fn files_for_certreq_are_read() {
    use endorse::diagnose::certificate::{KeyKind, read_certreq};
    let good = "[Version]\r\nSignature=\"$Windows NT$\"\r\n[newrequest]\r\n\
        Subject = \"CN=hgs.bastion.test, O=Bastion Test\" ; remark\r\nKeyLength = 4096 ; bits\r\n\
        KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE | CERT_DATA_ENCIPHERMENT_KEY_USAGE\"\r\n\
        ProviderName = \"Microsoft RSA SChannel Cryptographic Provider\"\r\n\
        [EnhancedKeyUsageExtension]\r\nOID=1.3.6.1.5.5.7.3.1\r\nOID=1.3.6.1.5.5.7.3.2\r\n\
        [Extensions]\r\n2.5.29.17 = \"{text}dns=a.test&\"\r\n_continue_ = \"dns=b.test&ipaddress=192.0.2.1\"\r\n";
    let candidate = read_certreq(good.as_bytes()).unwrap();
    assert_eq!(candidate.key, KeyKind::Rsa);
    assert_eq!(candidate.rsa_bits, Some(4096));
    assert_eq!(candidate.key_usage, Some(0b1001));
    assert_eq!(candidate.purposes.as_ref().unwrap().len(), 2);
    assert_eq!(candidate.names.dns, ["a.test", "b.test"]);
    assert_eq!(candidate.names.addresses.len(), 1);
    assert_eq!(candidate.names.common, ["hgs.bastion.test"]);
    assert_eq!(
        candidate.providers[0].kind,
        endorse::diagnose::certificate::ProviderKind::Legacy
    );
    for (from, to) in [
        ("4096 ; bits", "many"),
        ("CERT_DIGITAL_SIGNATURE_KEY_USAGE", "SOMETHING"),
        ("OID=1.3.6.1.5.5.7.3.1", "OID=x"),
        ("KeyLength = 4096 ; bits", "KeyLength"),
    ] {
        let error = read_certreq(good.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(
            error.code,
            Some(endorse::finding::Code::CsrMalformed),
            "{to}"
        );
    }
}

#[test]
fn what_cannot_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let key = data("rsa2048.key");
    let key = key.to_str().unwrap();
    for (args, said) in [
        (
            &["--role", "attestation-signer", "--subject", "CN=a"][..],
            "makes and renews it by itself",
        ),
        (
            &["--role", "template", "--subject", "CN=a"],
            "nothing to request",
        ),
        (
            &["--role", "tls", "--subject", "CN=a", "--key", key],
            "none was given",
        ),
        (&["--role", "signing"], "neither a subject nor a name"),
        (
            &["--role", "signing", "--subject", "CN=a"],
            "none was named",
        ),
        (
            &["--role", "signing", "--subject", "CN=a\nb", "--key", key],
            "control characters",
        ),
        (
            &["--role", "signing", "--subject", "CN= a", "--key", key],
            "spaces around it",
        ),
        (
            &["--role", "signing", "--subject", "CN=a,CN=b", "--key", key],
            "twice",
        ),
        (
            &["--role", "signing", "--subject", "X=a", "--key", key],
            "no attribute",
        ),
        (
            &["--role", "signing", "--subject", "a", "--key", key],
            "no equals sign",
        ),
        (
            &["--role", "signing", "--subject", "C=de", "--key", key],
            "two capital letters",
        ),
        (
            &[
                "--role",
                "tls",
                "--service-name",
                "a\nDNS.2=evil",
                "--key",
                key,
            ],
            "neither a DNS name",
        ),
        (
            &[
                "--role",
                "tls",
                "--service-name",
                "a&dns=evil",
                "--format",
                "certreq",
            ],
            "neither a DNS name",
        ),
        (
            &[
                "--role",
                "tls",
                "--service-name",
                "a",
                "--format",
                "openssl",
                "--key",
                key,
            ],
            "no key in it",
        ),
        (
            &[
                "--role",
                "signing",
                "--subject",
                "CN=a\" %b",
                "--format",
                "certreq",
            ],
            "cannot hold safely",
        ),
        (
            &[
                "--role",
                "signing",
                "--subject",
                "CN=ü",
                "--format",
                "certreq",
            ],
            "cannot hold safely",
        ),
        (
            &[
                "--role",
                "signing",
                "--subject",
                "CN=a",
                "--format",
                "certreq",
                "--provider",
                "Microsoft Strong Cryptographic Provider",
            ],
            "legacy provider",
        ),
        (
            &[
                "--role",
                "signing",
                "--subject",
                "CN=a",
                "--key",
                "/dev/null",
            ],
            "cannot be used",
        ),
    ] {
        let args = [&["make-request"][..], args].concat();
        let (exit, output, errors) = endorse(&args, directory.path());
        assert_eq!(exit, 2, "{args:?}: {output}");
        assert!(errors.contains(said), "{args:?}: {errors}");
    }
}

/// A request never takes the place of a key: of its own, by whatever path, or of another.
#[test]
fn a_key_is_never_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let make = |more: &[&str]| {
        let args = [
            &["make-request", "--role", "signing", "--subject", "CN=a"][..],
            more,
        ]
        .concat();
        endorse(&args, here)
    };
    assert_eq!(make(&["--new-key", "old", "-o", "r"]).0, 0);
    let old = fs::read(here.join("old")).unwrap();
    std::os::unix::fs::symlink("old", here.join("link")).unwrap();
    for output in ["old", "./old", "link"] {
        for key in [
            &["--key", "old"][..],
            &["--new-key", "other"],
            &["--format", "certreq"],
        ] {
            let (exit, _, errors) = make(&[key, &["-o", output]].concat());
            assert_eq!(exit, 2, "{output}");
            assert!(errors.contains("written over"), "{errors}");
        }
        assert_eq!(fs::read(here.join("old")).unwrap(), old);
    }
    // Nothing was made that is of no use.
    assert!(!here.join("other").exists());
    for (key, output) in [("new", "new"), ("newer", "./newer")] {
        assert_eq!(make(&["--new-key", key, "-o", output]).0, 2);
        let left = fs::read_to_string(here.join(key)).unwrap_or_default();
        assert!(!left.contains("REQUEST"), "{left}");
    }
    // A request may be written over.
    assert_eq!(make(&["--key", "old", "-o", "r"]).0, 0);
}
