//! Every signature algorithm that is accepted, on every kind of key, with
//! signatures that OpenSSL makes: aws-lc-rs signs with few of the combinations.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::Code;
use endorse::trust::{Origin, Policy, Store, Usage, read_certificates};

use super::error_codes;
use super::skip::skip;

const KEYS: [(&str, &[&str]); 4] = [
    ("rsa", &["-newkey", "rsa:2048"]),
    (
        "p256",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ),
    (
        "p384",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ),
    (
        "p521",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ),
];
const HASHES: [&str; 3] = ["-sha256", "-sha384", "-sha512"];
const PSS: [&str; 4] = [
    "-sigopt",
    "rsa_padding_mode:pss",
    "-sigopt",
    "rsa_pss_saltlen:digest",
];

#[test]
fn every_algorithm_on_every_key() {
    if Command::new("openssl").arg("version").output().is_err() {
        return skip(
            "algorithms::every_algorithm_on_every_key",
            "openssl cannot be run",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    // The system's configuration would add extensions of its own.
    std::fs::write(
        folder.path().join("req.cnf"),
        "[req]\ndistinguished_name=dn\n[dn]\n",
    )
    .unwrap();
    let mut combinations = 0;
    for (name, key) in KEYS {
        make(folder.path(), &format!("{name}-root"), key, None, &[]);
    }
    for (name, _) in KEYS {
        for hash in HASHES {
            let mut ways: Vec<Vec<&str>> = vec![vec![hash]];
            if name == "rsa" {
                ways.push([&[hash], &PSS[..]].concat());
            }
            for way in ways {
                let leaf = make(folder.path(), "leaf", KEYS[1].1, Some(name), &way);
                check(folder.path(), name, &leaf, &way);
                combinations += 1;
            }
        }
    }
    // RSA PKCS #1 and PSS, and ECDSA on three curves, with three hashes each.
    assert_eq!(combinations, 15);
}

/// The signature is accepted by its issuer, and by no other key of that name.
fn check(folder: &Path, issuer: &str, leaf: &Arc<Certificate>, way: &[&str]) {
    for (other, _) in KEYS {
        let mut store = Store::new();
        store.add_root(
            load(folder, &format!("{other}-root")),
            Origin::File("test".into()),
        );
        let result = store.verify(leaf, &Policy::default(), now(), Usage::Any);
        match result {
            Ok(_) => assert_eq!(other, issuer, "{way:?}"),
            Err(failure) => {
                assert_ne!(other, issuer, "{way:?}: {:?}", failure.findings);
                // Later versions of OpenSSL write key identifiers unasked; then the others
                // are no candidates.
                let codes = error_codes(&failure.findings);
                assert!(
                    codes == [Code::SignatureInvalid] || codes == [Code::IssuerUnknown],
                    "{way:?}: {codes:?}"
                );
            }
        }
    }
}

fn make(
    folder: &Path,
    name: &str,
    key: &[&str],
    issuer: Option<&str>,
    way: &[&str],
) -> Arc<Certificate> {
    let mut openssl = Command::new("openssl");
    openssl
        .current_dir(folder)
        .args([
            "req", "-x509", "-config", "req.cnf", "-noenc", "-days", "3650",
        ])
        .args(key);
    openssl.args([
        "-keyout",
        &format!("{name}.key"),
        "-out",
        &format!("{name}.pem"),
    ]);
    match issuer {
        Some(issuer) => openssl
            .args([
                "-subj",
                "/CN=leaf",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args([
                "-CA",
                &format!("{issuer}-root.pem"),
                "-CAkey",
                &format!("{issuer}-root.key"),
            ]),
        None => openssl.args([
            "-subj",
            "/CN=root",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        ]),
    };
    let output = openssl.args(way).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Arc::new(load(folder, name))
}

fn load(folder: &Path, name: &str) -> Certificate {
    let bytes = std::fs::read(folder.join(format!("{name}.pem"))).unwrap();
    read_certificates(&bytes).unwrap().remove(0)
}

/// The certificates are made now, so they are judged a day from now.
fn now() -> Time {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap() + 86_400)
}
