//! The command line as users and other programs meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A time at which the certificates below testdata/cli are valid.
#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]
#[path = "support/pki.rs"]
mod pki;

const AT: &str = "2027-01-01";

fn endorse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endorse"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("ENDORSE_STORE")
        .env_remove("ENDORSE_REGISTRY")
        .env_remove("SUDO_USER")
        .env("USER", "tester");
    command
}

/// `verify` or `register-host` with the test store and nothing else.
fn judging(command: &str) -> Command {
    let mut endorse = endorse();
    endorse.args([
        command,
        "--no-embedded-roots",
        "--store",
        "testdata/cli/store",
        "--at",
        AT,
    ]);
    endorse
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one document on standard output.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error} in {}", text(&output.stdout)))
}

/// Status, codes and what was said of a single input.
fn verify(path: &Path) -> (i32, Vec<String>, Output) {
    let output = judging("verify").arg("--json").arg(path).output().unwrap();
    let document = json(&output);
    assert_eq!(document["schema"], "endorse.verify/1");
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{document}");
    let codes = results[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect();
    (output.status.code().unwrap(), codes, output)
}

/// Runs the commands in these files and compares; each call has a registry of its own.
fn run_snapshots(files: &str) {
    run_snapshots_in(files, Path::new("testdata/cli/store"));
}

fn run_snapshots_in(files: &str, store: &Path) {
    let directory = tempfile::tempdir().unwrap();
    let registry = directory.path().join("registry.db");
    trycmd::TestCases::new()
        .case(files)
        .env("ENDORSE_REGISTRY", registry.to_str().unwrap())
        .env("ENDORSE_STORE", store.to_str().unwrap())
        .env("SUDO_USER", "")
        .env("USER", "tester")
        .run();
    directory.close().unwrap();
}

#[test]
fn snapshots() {
    run_snapshots("tests/cmd/*.trycmd");
}

/// In a registry of their own.
#[test]
fn snapshots_of_challenges() {
    run_snapshots("tests/cmd/challenge/*.trycmd");
}

/// Each in a store of its own.
#[test]
fn snapshots_of_stores() {
    let directory = tempfile::tempdir().unwrap();
    for session in ["store", "crl"] {
        let files = format!("tests/cmd/{session}/*.trycmd");
        run_snapshots_in(&files, &directory.path().join(session).join("store"));
    }
    directory.close().unwrap();
}

/// In a registry of their own.
#[cfg(feature = "diagnose")]
#[test]
fn snapshots_of_policies() {
    run_snapshots("tests/cmd/policy/*.trycmd");
}

/// In a registry of their own.
#[test]
fn snapshots_of_weak_keys() {
    run_snapshots("tests/cmd/weak/*.trycmd");
}

#[cfg(feature = "diagnose")]
#[test]
fn snapshots_of_certificates() {
    run_snapshots("tests/cmd/certificate/*.trycmd");
}

#[cfg(feature = "diagnose")]
#[test]
fn snapshots_of_diagnostics() {
    run_snapshots("tests/cmd/diagnose/*.trycmd");
}

#[test]
fn the_session_in_the_readme_is_true() {
    run_snapshots("README.md");
}

/// CRLs lie in the store beside the certificates. What is none is passed over there.
#[test]
fn the_crls_of_a_store_are_used() {
    let store = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to = store.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(format!("testdata/revocation/{from}"), to).unwrap();
    };
    copy("root.der", "TrustedTPM_RootCA/root.cer");
    copy("intermediates.pem", "TrustedTPM_IntermediateCA/all.pem");
    for name in ["root", "intermediate", "indirect"] {
        copy(&format!("crls/{name}.crl"), &format!("CRLs/{name}.crl"));
    }
    let verify = || {
        let mut command = endorse();
        command
            .args(["verify", "--no-embedded-roots", "--at", "2026-07-01"])
            .args(["--policy", "testdata/revocation/policy.toml", "--store"])
            .arg(store.path())
            .arg("testdata/revocation/ek.pem");
        command.output().unwrap()
    };
    let output = verify();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "");

    copy("ek-revoked.crl", "CRLs/newer.crl");
    let mut delta = fs::read("testdata/pkits/crls/deltaCRLCA1deltaCRL.crl").unwrap();
    fs::write(store.path().join("CRLs/delta.crl"), &delta).unwrap();
    delta.truncate(100);
    fs::write(store.path().join("CRLs/cut.crl"), &delta).unwrap();
    fs::write(store.path().join("CRLs/readme.txt"), "CRLs").unwrap();
    let output = verify();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("REJECTED [revoked]"));
    let notes = text(&output.stderr);
    assert!(
        notes.contains("delta.crl was skipped: this is a delta CRL"),
        "{notes}"
    );
    assert!(
        notes.contains("cut.crl was skipped: the CRL cannot be read"),
        "{notes}"
    );
    assert!(!notes.contains("readme"), "{notes}");
}

/// What was being written when the program was killed lies beside what was written.
#[test]
fn hidden_files_of_a_directory_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy("testdata/cli/hyp01.xml", dir.path().join("hyp01.xml")).unwrap();
    fs::write(dir.path().join(".hyp02.xml.4711.0"), "<Platform").unwrap();
    let output = judging("verify")
        .arg("-v")
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stderr).contains("is hidden, skipped"));
    // By its name it is read like any other.
    let named = dir.path().join(".hyp02.xml.4711.0");
    let output = judging("verify").arg(named).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn bad_files_have_the_exact_code() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let identifier = fs::read("testdata/cli/hyp01.xml").unwrap();
    let start = text(&identifier).find("<EKCertificate>").unwrap() + "<EKCertificate>".len();
    let cut_ekcert = [
        &identifier[..start + 400],
        b"</EKCertificate></PlatformIdentifiers>",
    ]
    .concat();
    let deep = [b"<a>".repeat(10_000), b"</a>".repeat(10_000)].concat();
    let bomb = b"<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">\
        <!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]><a>&d;</a>";
    let noise: Vec<u8> = (0_u32..4096)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let sparse = directory.path().join("sparse");
    fs::File::create(&sparse).unwrap().set_len(1 << 30).unwrap();
    for (path, status, code) in [
        (at("empty", b""), 3, "input-unrecognised"),
        (at("noise", &noise), 3, "input-unrecognised"),
        (at("bomb.xml", bomb), 3, "xml-doctype"),
        (at("deep.xml", &deep), 3, "input-too-large"),
        (
            at("cut.xml", &identifier[..identifier.len() / 2]),
            3,
            "xml-malformed",
        ),
        (
            at("base64", b"MIIBIjANBgkqhkiG9w0BAQEFAAOC"),
            3,
            "ekpub-malformed",
        ),
        (at("cut-ekcert.xml", &cut_ekcert), 3, "ekcert-malformed"),
        (sparse, 3, "input-too-large"),
        ("/dev/zero".into(), 3, "input-too-large"),
        ("testdata/cli/key-mismatch.xml".into(), 1, "key-mismatch"),
        (
            "testdata/cli/exponent-one.bin".into(),
            1,
            "weak-key-exponent",
        ),
        (
            "testdata/cli/even-modulus.bin".into(),
            1,
            "weak-key-modulus",
        ),
        ("testdata/cli/off-curve.bin".into(), 1, "weak-key-point"),
        ("testdata/cli/forged.xml".into(), 1, "signature-invalid"),
        ("testdata/cli/no-ekcert.xml".into(), 1, "ekcert-missing"),
        ("testdata/cli/aik.der".into(), 1, "eku-missing"),
    ] {
        let (found, codes, output) = verify(&path);
        assert_eq!(found, status, "{}: {codes:?}", path.display());
        assert!(
            codes.iter().any(|found| found == code),
            "{}: {codes:?} instead of {code}",
            path.display()
        );
        if status == 3 {
            let stderr = text(&output.stderr);
            assert!(stderr.starts_with("error: "), "{stderr}");
            assert!(stderr.contains("\nhelp: "), "{stderr}");
        }
    }
    directory.close().unwrap();
}

#[test]
fn every_input_is_reported_and_the_worst_exit_code_wins() {
    let run = |files: &[&str]| {
        let output = judging("verify")
            .arg("--json")
            .args(files)
            .output()
            .unwrap();
        let outcomes: Vec<String> = json(&output)["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["outcome"].as_str().unwrap().to_owned())
            .collect();
        (output.status.code().unwrap(), outcomes.join(" "))
    };
    let good = "testdata/cli/hyp01.xml";
    let rejected = "testdata/cli/no-ekcert.xml";
    let unreadable = "testdata/cli/make.sh";
    let missing = "testdata/cli/missing";
    assert_eq!(run(&[good]), (0, "trusted".into()));
    assert_eq!(run(&[rejected, good]), (1, "rejected trusted".into()));
    assert_eq!(
        run(&[good, unreadable, rejected]),
        (3, "trusted unreadable rejected".into())
    );
    assert_eq!(
        run(&[missing, unreadable, rejected, good]),
        (2, "unreadable unreadable rejected trusted".into())
    );
}

#[test]
fn standard_input_and_directories() {
    let mut child = judging("verify")
        .args(["--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let identifier = fs::read("testdata/cli/hyp01.xml").unwrap();
    child.stdin.take().unwrap().write_all(&identifier).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(json(&output)["results"][0]["input"], "-");
    assert_eq!(json(&output)["results"][0]["outcome"], "trusted");

    let directory = tempfile::tempdir().unwrap();
    for name in ["b.xml", "a.xml"] {
        fs::write(directory.path().join(name), &identifier).unwrap();
    }
    fs::create_dir(directory.path().join("c")).unwrap();
    fs::write(directory.path().join("c/d.xml"), "not reached").unwrap();
    let output = judging("verify")
        .arg("--json")
        .arg(directory.path())
        .output()
        .unwrap();
    let document = json(&output);
    let inputs: Vec<_> = document["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            Path::new(result["input"].as_str().unwrap())
                .file_name()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(inputs, ["a.xml", "b.xml"]);
    assert_eq!(output.status.code(), Some(0));
    directory.close().unwrap();
}

#[cfg(unix)]
#[test]
fn a_pipe_is_a_file_like_any_other() {
    let command = judging("verify");
    let output = Command::new("bash")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "-c",
            "exec \"$0\" \"$@\" --json <(cat testdata/cli/hyp01.xml)",
        ])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .unwrap();
    assert_eq!(json(&output)["results"][0]["outcome"], "trusted");
}

#[test]
fn a_directory_without_files_is_trouble() {
    let directory = tempfile::tempdir().unwrap();
    let (status, codes, output) = verify(directory.path());
    assert_eq!((status, codes.len()), (2, 0));
    assert!(text(&output.stderr).contains("has no files in it"));
    directory.close().unwrap();
}

#[test]
fn json_has_every_field_of_the_contract() {
    let (_, _, output) = verify(Path::new("testdata/cli/hyp01.xml"));
    let result = &json(&output)["results"][0];
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let has = |value: &Value, expected: &[&str]| {
        let keys = keys(value);
        for key in expected {
            assert!(
                keys.iter().any(|found| found == key),
                "no {key} in {keys:?}"
            );
        }
    };
    has(
        result,
        &[
            "input", "outcome", "name", "machine", "ekpubs", "ekcerts", "path", "findings",
            "checks",
        ],
    );
    has(&result["machine"], &["guid", "serial", "macs"]);
    has(
        &result["ekpubs"][0],
        &["algorithm", "spki_sha256", "windows_sha256", "source"],
    );
    has(
        &result["ekcerts"][0],
        &[
            "sha256",
            "thumbprint_sha1",
            "subject",
            "issuer",
            "serial",
            "not_before",
            "not_after",
            "tpm",
            "spki_sha256",
        ],
    );
    has(
        &result["ekcerts"][0]["tpm"],
        &["manufacturer", "vendor", "model", "version"],
    );
    has(&result["path"][0], &["role", "subject", "sha256"]);
    has(&result["checks"][0], &["name", "status", "reason"]);
    assert_eq!(result["name"], "hyp01");
    assert_eq!(result["machine"]["serial"], Value::Null);
    assert_eq!(result["ekpubs"][0]["algorithm"], "rsa2048");
    assert_eq!(
        result["ekpubs"][0]["spki_sha256"],
        result["ekcerts"][0]["spki_sha256"]
    );
    assert_eq!(result["path"].as_array().unwrap().len(), 3);
    assert_eq!(result["path"][0]["role"], "ek");
    assert_eq!(result["path"][2]["role"], "anchor");
    assert_eq!(result["story"], Value::Null);

    let (_, _, output) = verify(Path::new("testdata/cli/no-ekcert.xml"));
    let finding = &json(&output)["results"][0]["findings"][0];
    has(finding, &["code", "severity", "message", "help", "clause"]);
}

/// `verify` of a file whose chain is whole in testdata/cli/store, with this store.
fn with_store(store: &Path) -> Command {
    let mut command = endorse();
    command
        .args(["verify", "--no-embedded-roots", "--at", AT, "--store"])
        .arg(store)
        .arg("testdata/cli/hyp01.xml");
    command
}

#[test]
fn a_store_is_laid_out_as_on_windows_or_as_in_the_package() {
    for (roots, intermediates) in [
        ("TrustedTPM_RootCA", "TrustedTPM_IntermediateCA"),
        ("TrustedTpm_RootCA", "trustedtpm_intermediateca"),
        ("Example/RootCA", "Example/IntermediateCA"),
        ("Example/rootca", "Other/IntermediateCA"),
        ("Example/RootCA", "TrustedTPM_IntermediateCA"),
    ] {
        let store = tempfile::tempdir().unwrap();
        for (folder, file) in [(roots, "root.pem"), (intermediates, "intermediate.der")] {
            fs::create_dir_all(store.path().join(folder)).unwrap();
            fs::copy(
                Path::new("testdata/cli").join(file),
                store.path().join(folder).join(file),
            )
            .unwrap();
        }
        // What else lies there does not matter.
        fs::write(store.path().join("setup.cmd"), "").unwrap();
        fs::create_dir(store.path().join("lost+found")).unwrap();
        let output = with_store(store.path()).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{roots}: {}",
            text(&output.stderr)
        );
        store.close().unwrap();
    }
}

#[test]
fn what_is_no_store_is_trouble() {
    let elsewhere = tempfile::tempdir().unwrap();
    let lone = elsewhere.path().join("lone");
    // One level too high, one too low, the wrong name, and a file in place of a directory.
    for folder in ["package/Example/RootCA", "RootCA", "TrustedTPM_Root/x"] {
        fs::create_dir_all(lone.join(folder)).unwrap();
    }
    fs::write(lone.join("TrustedTPM_RootCA"), "").unwrap();
    for (store, said) in [
        (lone.as_path(), "is no store"),
        (Path::new("testdata/cli/root.pem"), "is no directory"),
        (Path::new("/nonexistent"), "there is no store"),
    ] {
        let output = with_store(store).arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = &json(&output)["error"];
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        assert!(error["help"].as_str().unwrap().contains("TrustedTpm.cab"));
    }
    elsewhere.close().unwrap();
}

#[test]
fn intermediates_do_not_become_roots_by_being_named_with_them() {
    let directory = tempfile::tempdir().unwrap();
    let vendor = directory.path().join("TrustedTPM_RootCA/Example");
    fs::create_dir_all(vendor.join("IntermediateCA")).unwrap();
    fs::copy(
        "testdata/cli/intermediate.der",
        vendor.join("IntermediateCA/x.der"),
    )
    .unwrap();
    for arguments in [
        ["--roots", "testdata/cli/store"],
        ["--roots", vendor.to_str().unwrap()],
        ["--store", directory.path().to_str().unwrap()],
    ] {
        let output = endorse()
            .args(["verify", "--no-embedded-roots", "--at", AT])
            .args(arguments)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("lies among the roots"), "{said}");
    }
    directory.close().unwrap();
}

#[test]
fn the_environment_names_store_and_registry() {
    let directory = tempfile::tempdir().unwrap();
    let registry = directory.path().join("registry.db");
    let run = |args: &[&str], store: &str, registry: &Path| {
        let output = endorse()
            .args(args)
            .env("ENDORSE_STORE", store)
            .env("ENDORSE_REGISTRY", registry)
            .output()
            .unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let register = ["register-host", "--at", AT, "testdata/cli/hyp01.xml"];
    let (code, said) = run(&register, "/nonexistent", &registry);
    assert_eq!(code, 2);
    assert!(
        said.contains("/nonexistent (the store is the one that ENDORSE_STORE names)"),
        "{said}"
    );
    let (code, said) = run(&register, "testdata/cli/store", &registry);
    assert_eq!((code, said.as_str()), (0, ""));
    let (code, said) = run(&["hosts", "list"], "/nonexistent", &registry);
    assert_eq!((code, said.as_str()), (0, ""));
    // A variable that is empty counts as not set, and the options come first.
    let (_, said) = run(&["hosts", "list"], "", Path::new(""));
    assert!(
        !said.contains("empty") && !said.contains("ENDORSE_"),
        "{said}"
    );
    let (code, said) = run(
        &[
            &register[..],
            &["--store", "testdata/cli/store", "--what-if"],
        ]
        .concat(),
        "/nonexistent",
        &registry,
    );
    assert_eq!((code, said.as_str()), (0, ""));
    let (_, said) = run(
        &["verify", "--at", AT, "testdata/cli/hyp01.xml"],
        "",
        Path::new(""),
    );
    assert!(!said.contains("--store <DIR>"), "{said}");
    directory.close().unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = judging("verify")
        .arg("--explain")
        .args(["testdata/cli/hyp01.xml"; 2000])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_trouble() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = judging("verify")
        .arg("testdata/cli/hyp01.xml")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot write to standard output"));
}

/// An identifier that no command would read is not written.
#[test]
fn what_is_written_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("host");
    for format in ["xml", "json"] {
        for (length, code) in [(120_000, 0), (130_000, 2)] {
            let output = endorse()
                .args(["get-platform-identifier", "--format", format])
                .args(["--from-dump", "testdata/cli/dump", "--name"])
                .arg("x".repeat(length))
                .arg("--output")
                .arg(&file)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(code), "{format} {length}");
            assert_eq!(file.exists(), code == 0);
            if code == 0 {
                let inspected = endorse().arg("inspect").arg(&file).output().unwrap();
                assert!(inspected.status.success());
                fs::remove_file(&file).unwrap();
            } else {
                let said = text(&output.stderr);
                assert!(
                    said.contains("131072 bytes") && said.contains("\nhelp: "),
                    "{said}"
                );
            }
        }
    }
}

/// Without it an administrator would look in vain for what is wrong with the directory.
#[test]
fn a_dump_that_says_little() {
    let dir = tempfile::tempdir().unwrap();
    let key = fs::read("testdata/cli/dump/0x81010001.pub").unwrap();
    fs::write(dir.path().join("0x81010001.pub"), key).unwrap();
    let output = endorse()
        .args(["get-platform-identifier", "--name", "hyp01", "--verbose"])
        .arg("--from-dump")
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(
        said.starts_with("note: TPM: says nothing of itself\n"),
        "{said}"
    );
}

#[test]
fn attack_strings_do_not_reach_the_terminal() {
    for args in [
        &["inspect", "testdata/cli/attack.der"][..],
        &["verify", "--explain", "-v", "testdata/cli/attack.der"],
        &["verify", "a\x1b[2J\u{202e}b"],
        &["a\x1b[2J\u{202e}b"],
        &["verify", "--a\x1b[2J\u{202e}b"],
    ] {
        let output = endorse().args(args).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            let stream = text(stream);
            assert!(
                !stream
                    .chars()
                    .any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')),
                "{stream:?}"
            );
        }
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(
            shown.contains("\\u{1b}[") || shown.contains("\\u{202e}"),
            "the attack went missing: {shown}"
        );
    }
    // JSON keeps it exact; the escapes there are those of JSON.
    let (_, _, output) = verify(Path::new("testdata/cli/attack.der"));
    let model = json(&output)["results"][0]["ekcerts"][0]["tpm"]["model"].clone();
    assert!(model.as_str().unwrap().contains("\x1b[31m"), "{model}");
}

#[cfg(unix)]
#[test]
fn called_by_another_name_it_is_that_command() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["register-host", "get-platform-identifier"] {
        let link = directory.path().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_endorse"), &link).unwrap();
        let output = Command::new(&link).arg("--help").output().unwrap();
        let help = text(&output.stdout);
        assert!(help.contains(&format!("Usage: endorse {name}")), "{help}");
    }
    directory.close().unwrap();
}

mod registry {
    use super::*;

    fn register(registry: &Path) -> Command {
        let mut command = judging("register-host");
        command.arg("--json").arg("--registry").arg(registry);
        command
    }

    fn outcome(output: &Output) -> String {
        json(output)["results"][0]["outcome"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_comparison_that_finds_nothing_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        for file in ["testdata/cli/hyp01.xml", "testdata/cli/hyp02.xml"] {
            let output = register(&registry).arg(file).output().unwrap();
            assert_eq!(outcome(&output), "registered");
        }
        let recheck = |manner: &str| {
            let output = endorse()
                .args(["hosts", "recheck", "--batch-gcd", manner, "--at", AT])
                .args(["--no-embedded-roots", "--store", "testdata/cli/store"])
                .arg("--registry")
                .arg(&registry)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            text(&output.stderr)
        };
        let said = "note: no RSA keys of the registered hosts (2) have a prime in common\n";
        assert_eq!(recheck("--json"), said);
        assert_eq!(recheck("--quiet"), "");
    }

    #[test]
    fn of_many_at_once_exactly_one_registers() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        let children: Vec<_> = (0..8)
            .map(|_| {
                register(&registry)
                    .arg("testdata/cli/hyp01.xml")
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut outcomes: Vec<_> = children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
                outcome(&output)
            })
            .collect();
        outcomes.sort();
        assert_eq!(outcomes[0], "registered");
        assert!(
            outcomes[1..].iter().all(|outcome| outcome == "unchanged"),
            "{outcomes:?}"
        );
        directory.close().unwrap();
    }

    #[test]
    fn json_of_a_host_follows_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        let output = register(&registry)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        let document = json(&output);
        assert_eq!(document["schema"], "endorse.register-host/1");
        let result = &document["results"][0];
        assert_eq!(result["outcome"], "registered");
        let host = &result["host"];
        assert_eq!(host["name"], "hyp01");
        assert_eq!(host["trust"], "verified");
        assert_eq!(host["policy_version"], "v2");
        assert_eq!(host["registered_by"], "tester");
        assert_eq!(
            host["ekpub_spki_sha256"],
            result["ekpubs"][0]["spki_sha256"]
        );
        assert!(host["registered_at"].as_str().unwrap().ends_with('Z'));
        directory.close().unwrap();
    }

    #[test]
    fn what_if_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        let output = register(&registry)
            .args(["--what-if", "testdata/cli/hyp01.xml"])
            .output()
            .unwrap();
        assert_eq!(outcome(&output), "registered");
        assert_eq!(json(&output)["results"][0]["what_if"], true);
        assert!(!registry.exists());
        directory.close().unwrap();
    }

    #[test]
    fn one_bad_file_does_not_stop_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        let output = register(&registry)
            .args([
                "testdata/cli/hyp01.xml",
                "testdata/cli/make.sh",
                "testdata/cli/key-mismatch.xml",
                "testdata/cli/hyp02.xml",
            ])
            .output()
            .unwrap();
        let outcomes: Vec<_> = json(&output)["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["outcome"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            outcomes,
            ["registered", "unreadable", "rejected", "registered"]
        );
        assert_eq!(output.status.code(), Some(3));
        directory.close().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_trouble_and_leaves_no_half_host() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        let output = register(&registry)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        assert_eq!(outcome(&output), "registered");
        // A limit on file sizes stands for a disk without room: writes beyond 8 KiB
        // fail. The shell ignores SIGXFSZ, so that they fail with an error instead.
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
        let command = register(&registry);
        let output = Command::new("bash")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .arg("-c")
            .arg(script)
            .arg(command.get_program())
            .args(command.get_args())
            .arg("testdata/cli/hyp02.xml")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("help: "));
        let output = endorse()
            .args(["hosts", "history", "--check", "--json", "--registry"])
            .arg(&registry)
            .output()
            .unwrap();
        assert_eq!(json(&output)["results"][0]["outcome"], "intact");
        assert_eq!(json(&output)["results"][0]["hosts"], 1);
        directory.close().unwrap();
    }

    #[test]
    fn a_registry_of_a_newer_version_or_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        register(&registry)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        // The user_version of an SQLite file is at offset 60 of its header.
        let mut bytes = fs::read(&registry).unwrap();
        bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
        fs::write(&registry, bytes).unwrap();
        let noise = directory.path().join("noise.db");
        fs::write(
            &noise,
            "this is no database, but long enough to be one ".repeat(100),
        )
        .unwrap();
        for registry in [&registry, &noise, &directory.path().join("missing.db")] {
            let output = endorse()
                .args(["hosts", "list", "--registry"])
                .arg(registry)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2));
            let stderr = text(&output.stderr);
            assert!(
                stderr.starts_with("error: ") && stderr.contains("\nhelp: "),
                "{stderr}"
            );
        }
        directory.close().unwrap();
    }

    #[test]
    fn recheck_tells_of_a_host_that_lost_its_trust() {
        let directory = tempfile::tempdir().unwrap();
        let registry = directory.path().join("registry.db");
        register(&registry)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        let recheck = |store: &[&str]| {
            let output = endorse()
                .args([
                    "hosts",
                    "recheck",
                    "--json",
                    "--no-embedded-roots",
                    "--at",
                    AT,
                ])
                .args(store)
                .arg("--registry")
                .arg(&registry)
                .output()
                .unwrap();
            (
                output.status.code().unwrap(),
                json(&output)["results"][0].clone(),
            )
        };
        let (status, result) = recheck(&["--store", "testdata/cli/store"]);
        assert_eq!((status, &result["changed"]), (0, &Value::Bool(false)));
        let (status, result) = recheck(&["--roots", "testdata/cli/other-root.pem"]);
        assert_eq!((status, &result["changed"]), (1, &Value::Bool(true)));
        assert_eq!(result["was"]["trusted"], true);
        assert_eq!(result["now"]["trusted"], false);
        assert_eq!(result["now"]["codes"][0], "issuer-unknown");
        directory.close().unwrap();
    }

    #[test]
    fn what_is_exported_can_be_imported() {
        let directory = tempfile::tempdir().unwrap();
        let first = directory.path().join("first.db");
        let second = directory.path().join("second.db");
        let document = directory.path().join("hosts.json");
        register(&first)
            .args(["testdata/cli/hyp01.xml", "testdata/cli/hyp02.xml"])
            .output()
            .unwrap();
        let run = |args: &[&str], paths: &[&Path]| {
            let output = endorse().args(args).args(paths).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            output
        };
        run(
            &["hosts", "export", "--output"],
            &[&document, Path::new("--registry"), &first],
        );
        let output = run(
            &["hosts", "import", "--json"],
            &[&document, Path::new("--registry"), &second],
        );
        assert_eq!(
            json(&output)["results"][0]["imported"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let output = run(&["hosts", "list", "--json", "--registry"], &[&second]);
        let hosts = json(&output);
        assert_eq!(hosts["results"][0]["name"], "hyp01");
        assert_eq!(hosts["results"][0]["imported"], true);
        directory.close().unwrap();
    }
}

/// A megabyte of nested JSON took a gigabyte where each level copied all below it.
#[cfg(unix)]
#[test]
fn nested_json_takes_memory_once() {
    let leaf = format!(
        "{{\"name\":\"b\",\"children\":[{}\"\"]}}",
        "\"\",".repeat(330_000)
    );
    let file = format!(
        "{{\"schema\":\"endorse.platform-identifier/1\",\"document\":{}{leaf}{}}}",
        "{\"name\":\"a\",\"children\":[".repeat(58),
        "]}".repeat(58)
    );
    assert!(file.len() < 1024 * 1024);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep.json");
    fs::write(&path, file).unwrap();
    let output = Command::new("bash")
        .args(["-c", "ulimit -v 300000; exec \"$0\" inspect \"$1\""])
        .arg(env!("CARGO_BIN_EXE_endorse"))
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stdout).contains("json-malformed"));
}

/// What a certificate without a verified path says of its TPM is not told as if it were
/// so.
#[test]
fn a_forged_ekcert_beside_the_genuine_one_does_not_speak_for_it() {
    use base64::Engine as _;
    let forged = pki::Spec::ek(pki::ec_key(0), pki::dn("Vendor", "CA"), pki::ec_key(1)).der();
    let forged = base64::engine::general_purpose::STANDARD.encode(forged);
    let file = fs::read_to_string("testdata/cli/hyp01.xml").unwrap();
    let file = file.replacen("<EKPub>", &format!("<EKCert>{forged}</EKCert><EKPub>"), 1);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.xml");
    fs::write(&path, file).unwrap();
    let output = judging("verify").arg(&path).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    let head = shown.lines().next().unwrap();
    assert!(head.contains("EXAMPLE 9670"), "{head}");
    let told: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("TEST 1"))
        .collect();
    assert_eq!(told.len(), 1, "{shown}");
    assert!(told[0].contains("no verified path"), "{shown}");
}

/// A path that reached an anchor is a path, whatever was wrong with it there.
#[test]
fn a_path_that_was_refused_at_its_anchor_is_shown() {
    let paths = |at: &str, store: &[&str]| {
        let output = endorse()
            .args(["verify", "--json", "--no-embedded-roots", "--at", at])
            .args(store)
            .arg("testdata/cli/hyp01.xml")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let result = json(&output)["results"][0].clone();
        let length = |field: &str| result[field].as_array().unwrap().len();
        (length("path"), length("partial_path"))
    };
    assert_eq!(
        paths("2020-01-01", &["--store", "testdata/cli/store"]),
        (3, 0)
    );
    let intermediates = ["--intermediates", "testdata/cli/intermediate.der"];
    assert_eq!(paths(AT, &intermediates), (0, 2));
}

/// A file with the keys of two hosts is not authorised because one of them is registered.
#[cfg(feature = "diagnose")]
#[test]
fn a_registered_key_does_not_speak_for_another_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let registry = directory.path().join("registry.db");
    let registered = judging("register-host")
        .args(["testdata/cli/hyp01.xml", "--registry"])
        .arg(&registry)
        .output()
        .unwrap();
    assert!(registered.status.success(), "{registered:?}");
    let read = |name: &str| fs::read_to_string(format!("testdata/cli/{name}")).unwrap();
    let other = read("hyp02.xml");
    let (from, to) = (
        other.find("<EKPub>").unwrap(),
        other.find("</EKPub>").unwrap(),
    );
    let key = format!("{}</EKPub>", &other[from..to]);
    let both = directory.path().join("both.xml");
    for (text, status) in [
        (read("hyp01.xml"), "pass"),
        (
            read("hyp01.xml").replacen("<EKPub>", &format!("{key}<EKPub>"), 1),
            "warn",
        ),
    ] {
        fs::write(&both, text).unwrap();
        let output = judging("diagnose")
            .args(["--json", "--identifier"])
            .arg(&both)
            .arg("--registry")
            .arg(&registry)
            .output()
            .unwrap();
        let sets = json(&output)["results"][0]["sets"].clone();
        let all = sets.as_array().unwrap().iter();
        let mut all = all.flat_map(|set| set["diagnostics"].as_array().unwrap().clone());
        let found = all.find(|one| one["id"] == "attestation-would-authorize");
        assert_eq!(found.unwrap()["status"], status);
    }
}
