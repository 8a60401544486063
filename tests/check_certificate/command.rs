//! The command itself: nodes, passwords, exit codes.

use std::fs;
use std::path::Path;

use super::{data, endorse};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(args: &[&str]) -> (i32, serde_json::Value) {
    let directory = data("");
    let args = [
        &["check-certificate", "--json", "--at", "2030-01-01"][..],
        args,
    ]
    .concat();
    let (exit, output, _) = endorse(&args, &directory);
    (exit, serde_json::from_str(&output).unwrap())
}

#[test]
fn nodes_are_compared_each_with_each() {
    let (exit, document) = run(&["--compare", "node1", "node2"]);
    assert_eq!(exit, 0);
    assert_eq!(document["schema"], "endorse.check-certificate/1");
    let results = document["results"].as_array().unwrap();
    let comparison = results.last().unwrap();
    assert_eq!(comparison["outcome"], "equal");
    assert_eq!(
        comparison["nodes"][0]["certificates"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let (exit, document) = run(&["--compare", "node1", "node2", "node3"]);
    assert_eq!(exit, 1);
    let comparison = document["results"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(comparison["outcome"], "different");
    let differences = comparison["differences"].as_array().unwrap();
    let pairs: Vec<_> = differences
        .iter()
        .map(|one| {
            (
                one["left"].as_str().unwrap(),
                one["right"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(pairs, [("node1", "node3"), ("node2", "node3")]);
    for one in differences {
        // The signing certificate of the third was renewed with its key.
        assert_eq!(one["only_left"].as_array().unwrap().len(), 1);
        assert_eq!(one["only_right"].as_array().unwrap().len(), 1);
        assert_eq!(one["renewed_keys"].as_array().unwrap().len(), 1);
        assert_eq!(one["findings"][0]["code"], "hgs-pair-differs");
    }
    let (exit, document) = run(&["--compare", "signing.cer", "encryption.cer"]);
    assert_eq!(exit, 1);
    let comparison = document["results"].as_array().unwrap().last().unwrap();
    assert_eq!(
        comparison["differences"][0]["renewed_keys"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    // Nodes without certificates are equal in nothing.
    assert_eq!(run(&["--compare", "signing.csr", "signing.csr"]).0, 2);
    // With a role the rules are held as well.
    assert_eq!(
        run(&[
            "--compare",
            "--role",
            "signing",
            "signing.cer",
            "signing.cer"
        ])
        .0,
        0
    );
    assert_eq!(
        run(&["--compare", "--role", "signing", "web.cer", "web.cer"]).0,
        1
    );
}

#[test]
fn renewals() {
    let same = |new: &str, old: &str| {
        let (exit, document) = run(&["--role", "signing", "--renews", old, new]);
        let proved = document["results"][0]["subjects"][0]["same_key_as_renewed"].clone();
        (exit, proved)
    };
    assert_eq!(same("renewed.cer", "signing.cer"), (0, true.into()));
    assert_eq!(same("encryption.cer", "signing.cer"), (1, false.into()));
    assert_eq!(same("signing.csr", "signing.cer"), (0, true.into()));
    let (exit, _, errors) = endorse(
        &[
            "check-certificate",
            "--role",
            "signing",
            "--renews",
            "../hgs-templates/template.ldf",
            "signing.cer",
        ],
        &data(""),
    );
    assert_eq!(exit, 2, "{errors}");
    assert!(errors.contains("has no key in it"));
}

#[test]
fn passwords_come_from_a_file() {
    let pfx = ["--role", "encryption", "pbes2.pfx"];
    let (exit, document) = run(&pfx);
    assert_eq!(exit, 3);
    assert_eq!(
        document["results"][0]["findings"][0]["code"],
        "pfx-password"
    );
    let (exit, document) = run(&[&pfx[..], &["--password-file", "password.txt"]].concat());
    assert_eq!(exit, 0, "{document}");
    assert_eq!(document["results"][0]["kind"], "pfx");
    assert_eq!(
        document["results"][0]["subjects"][0]["with_private_key"],
        true
    );
    let directory = tempfile::tempdir().unwrap();
    for (content, exit) in [
        (&b"a pass phrase"[..], 0),
        (b"a pass phrase\r\n", 0),
        (b"\xef\xbb\xbfa pass phrase\r\n", 0),
        (b"a pass phrase \n", 3),
        (b"\n", 3),
        (b"", 3),
        (b"\xff\xff\xff", 2),
    ] {
        let file = directory.path().join("password");
        fs::write(&file, content).unwrap();
        let code = endorse(
            &[
                &["check-certificate"],
                &pfx[..],
                &["--password-file", file.to_str().unwrap()],
            ]
            .concat(),
            &data(""),
        );
        assert_eq!(code.0, exit, "{content:x?} {}", code.2);
    }
    // Nothing that was typed as a password is in what the program writes.
    let (_, output, errors) = endorse(
        &[
            "check-certificate",
            "-v",
            "--role",
            "encryption",
            "--password-file",
            "password.txt",
            "pbes2.pfx",
        ],
        &data(""),
    );
    assert!(!output.contains("phrase") && !errors.contains("phrase"));
}

#[test]
fn the_worst_of_many_is_the_exit_code() {
    let signing = ["--role", "signing"];
    let exit = |files: &[&str]| run(&[&signing[..], files].concat()).0;
    assert_eq!(exit(&["signing.cer"]), 0);
    assert_eq!(exit(&["signing.cer", "web.cer"]), 1);
    assert_eq!(exit(&["web.cer", "make.sh"]), 3);
    assert_eq!(exit(&["web.cer", "make.sh", "missing"]), 2);
    let (_, document) = run(&[&signing[..], &["web.cer", "make.sh", "missing"]].concat());
    let outcomes: Vec<_> = document["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["rejected", "unreadable", "unreadable"]);
    // A role for templates is for templates.
    assert_eq!(run(&["--role", "template", "signing.cer"]).0, 3);
    assert_eq!(
        run(&[
            "--role",
            "template",
            "../hgs-templates/template.ldf",
            "../hgs-templates/template.json",
            "../hgs-templates/template.txt"
        ])
        .0,
        0
    );
    assert_eq!(
        run(&["--role", "signing", "../hgs-templates/template.ldf"]).0,
        0
    );
}

/// What the certificate says of its own names cannot drive a terminal.
#[test]
fn text_from_the_input_is_escaped() {
    let certificate = super::certify("rsa2048.key", "/CN=a\u{1b}[2Jb/O=x", "", "-sha256");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.cer"), certificate.der()).unwrap();
    let (exit, output, _) = endorse(
        &["check-certificate", "--role", "tls", "a.cer"],
        directory.path(),
    );
    assert_eq!(exit, 0, "{output}");
    assert!(
        output.chars().all(|c| c == '\n' || !c.is_control()),
        "{output:?}"
    );
    assert!(top().join("docs/hgs-certificates.md").exists());
}
