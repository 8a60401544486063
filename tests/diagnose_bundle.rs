//! `diagnose collect` and back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests may be blunt"
)]

#[path = "../fuzz/src/bundle.rs"]
mod invariants;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn diagnose(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .current_dir(directory)
        .arg("diagnose")
        .args(args)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A security policy as Windows writes it, without the service account.
const POLICY: &str = "[Unicode]\r\nUnicode=yes\r\n[Version]\r\nsignature=\"$CHICAGO$\"\r\nRevision=1\r\n\
    [Privilege Rights]\r\nSeAuditPrivilege = *S-1-5-19,*S-1-5-20\r\n";

/// A directory with what an administrator may have saved, a key among it.
fn saved() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("policy.inf"), POLICY).unwrap();
    fs::write(directory.path().join("notes.bin"), b"\xff\x00\x01").unwrap();
    let key = "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n";
    fs::write(directory.path().join("tls.key"), key).unwrap();
    directory
}

#[test]
fn what_is_collected_is_diagnosed_as_if_it_were_here() {
    let directory = saved();
    let here = directory.path();
    let files = ["--path", "policy.inf", "--path", "notes.bin"];
    let collected = diagnose(
        here,
        &[&["collect", "--json", "--output", "b.json"], &files[..]].concat(),
    );
    assert_eq!(collected.status.code(), Some(0), "{collected:?}");
    let collected = json(&collected);
    assert_eq!(collected["schema"], "endorse.diagnose-collect/1");
    let made_at = collected["results"][0]["made_at"].as_str().unwrap();
    assert_eq!(
        collected["results"][0]["holds"].as_array().unwrap().len(),
        2
    );

    let direct = diagnose(here, &[&["--json", "--at", made_at], &files[..]].concat());
    // Without --at: the bundle is judged as of when it was made.
    let bundled = diagnose(here, &["--json", "--path", "b.json"]);
    assert_eq!(direct.status.code(), bundled.status.code());
    let (direct, bundled) = (json(&direct), json(&bundled));
    assert_eq!(direct["results"], bundled["results"]);
    assert_eq!(bundled["summary"]["at"], made_at);
    let age = &bundled["summary"]["bundles"][0];
    assert_eq!(age["path"], "b.json");
    assert!(age["made_by"].as_str().unwrap().starts_with("endorse "));
    assert!(age["age_seconds"].as_i64().unwrap() >= 0);
    assert_eq!(direct["summary"]["bundles"], Value::Array(vec![]));

    // A bundle of the bundle is the same.
    let again = diagnose(here, &["collect", "--path", "b.json", "--output", "c.json"]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(
        fs::read(here.join("b.json")).unwrap(),
        fs::read(here.join("c.json")).unwrap()
    );
}

#[test]
fn secrets_stay_where_they_are() {
    let directory = saved();
    let here = directory.path();
    let files = ["--path", "policy.inf", "--path", "tls.key"];
    let output = diagnose(
        here,
        &[&["collect", "--output", "b.json"], &files[..]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stdout);
    assert!(
        said.contains(
            "\n  leaves out 1 thing\n    tls.key of tls.key: it has a private key in PEM\n"
        ),
        "{said}"
    );
    let held = format!(
        "\n  holds 1 thing\n    file of policy.inf, {} bytes\n",
        POLICY.len()
    );
    assert!(said.contains(&held), "{said}");
    let bundle = fs::read_to_string(here.join("b.json")).unwrap();
    for encoded in ["U0VDUkVU", "VTBWRFVrVlU"] {
        assert!(!bundle.contains(encoded));
    }
    // Whoever reads the bundle is told of it.
    let output = diagnose(here, &["--path", "b.json"]);
    let said = text(&output.stdout);
    assert!(
        said.contains("Nothing was left out of the bundle: Warn [bundle-complete]"),
        "{said}"
    );
    assert!(
        said.contains("tls.key: it has a private key in PEM"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = saved();
    let bundle = directory.path().join("b.json");
    fs::write(&bundle, "old").unwrap();
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o666)).unwrap();
    let output = diagnose(
        directory.path(),
        &["collect", "--path", "policy.inf", "--output", "b.json"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mode = fs::metadata(&bundle).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    // Nothing else is left behind.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
}

#[test]
fn what_cannot_be_read_does_not_hinder_the_rest() {
    let directory = saved();
    let here = directory.path();
    fs::write(
        here.join("cut.json"),
        "{\"schema\":\"endorse.bundle/1\",\"made_",
    )
    .unwrap();
    fs::write(here.join("later.json"), "{\"schema\":\"endorse.bundle/2\"}").unwrap();
    let output = diagnose(
        here,
        &["--json", "--path", "cut.json", "--path", "policy.inf"],
    );
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let document = json(&output);
    assert_eq!(document["summary"]["errors"][0]["code"], "json-malformed");
    assert!(text(&output.stderr).contains("error: cut.json: the bundle cannot be read"));
    // It is judged as of now: a file is not from a bundle.
    assert_eq!(document["summary"]["bundles"], Value::Array(vec![]));
    let output = diagnose(here, &["--json", "--path", "later.json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        json(&output)["summary"]["errors"][0]["code"],
        "input-unrecognised"
    );
    let output = diagnose(here, &["--path", "none.inf", "--path", "cut.json"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = [text(&output.stderr), text(&output.stdout)].concat();
    assert!(said.contains("none.inf"), "{said}");
    assert!(said.contains("cut.json"), "{said}");
    // Nothing to look at, and a place that cannot be written.
    assert_eq!(diagnose(here, &[]).status.code(), Some(2));
    let nowhere = ["collect", "--path", "policy.inf", "--output", "none/b.json"];
    assert_eq!(diagnose(here, &nowhere).status.code(), Some(2));
}

/// The page is written whole, and what is asked for is on standard output as well.
#[test]
fn a_page_is_written_beside_the_text() {
    let directory = saved();
    let here = directory.path();
    let output = diagnose(here, &["--path", "policy.inf", "--html", "report.html"]);
    assert!(
        text(&output.stdout).starts_with("Overall Result: "),
        "{output:?}"
    );
    let page = fs::read_to_string(here.join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    let output = diagnose(
        here,
        &["--path", "policy.inf", "--html", "none/report.html"],
    );
    assert_eq!(output.status.code(), Some(2));
}

/// The fuzzer's corpus, and every test vector, through its invariants.
#[test]
fn any_bytes_are_survived() {
    let mut folders = vec!["fuzz/corpus/bundle".into(), "testdata".into()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let folder: std::path::PathBuf = folder;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Names the file if the check panics.
            println!("{}", path.display());
            invariants::bundle(&fs::read(&path).unwrap());
            files += 1;
        }
    }
    assert!(files > 100, "{files}");
    for seed in ["good", "later", "damaged"] {
        let seed = fs::read(format!("fuzz/corpus/bundle/{seed}.json")).unwrap();
        assert!(endorse::diagnose::Bundle::read(&seed).is_ok());
    }
}

/// A platform identifier in a folder is judged like one that was named, here and from a bundle.
#[test]
fn identifiers_are_judged_wherever_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::create_dir(here.join("saved")).unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cli");
    for (from, to) in [
        ("hyp01.xml", "saved/hyp01.xml"),
        ("no-ekcert.xml", "saved/no-ekcert.xml"),
        ("root.pem", "root.pem"),
        ("intermediate.der", "intermediate.der"),
    ] {
        fs::copy(data.join(from), here.join(to)).unwrap();
    }
    let trusted = ["--roots", "root.pem", "--intermediates", "intermediate.der"];
    let collect = ["collect", "--path", "saved", "--output", "b.json"];
    assert_eq!(diagnose(here, &collect).status.code(), Some(0));
    let of_hosts = |document: &Value| -> Vec<Value> {
        let targets = document["results"].as_array().unwrap().iter();
        let hosts = targets.filter(|target| target["role"] == "guarded-host");
        // Only the place differs.
        hosts.map(|target| target["sets"].clone()).collect()
    };
    let named = [
        "--identifier",
        "saved/hyp01.xml",
        "--identifier",
        "saved/no-ekcert.xml",
    ];
    for (judged_by, trust) in [(&[][..], "fail"), (&trusted, "pass")] {
        let ask = |what: &[&str]| diagnose(here, &[&["--json"], what, judged_by].concat());
        let (named, folder) = (ask(&named), ask(&["--path", "saved"]));
        let bundled = ask(&["--path", "b.json"]);
        let codes = [&named, &folder, &bundled].map(|output| output.status.code());
        // The one without an EKcert fails in any case.
        assert_eq!(codes, [Some(1); 3]);
        let (named, folder, bundled) = (json(&named), json(&folder), json(&bundled));
        assert_eq!(of_hosts(&named).len(), 2);
        assert_eq!(of_hosts(&folder), of_hosts(&named));
        assert_eq!(folder["results"], bundled["results"]);
        let first = of_hosts(&folder)[0].to_string();
        let words = format!(
            "\"id\":\"identifier-trusted\",\"title\":\"The endorsement key is vouched for by a trusted vendor\",\"status\":\"{trust}\""
        );
        assert!(first.contains(&words), "{first}");
    }
    // Alone and trusted, the folder ends well, and so does its bundle.
    fs::remove_file(here.join("saved/no-ekcert.xml")).unwrap();
    assert_eq!(diagnose(here, &collect).status.code(), Some(0));
    for path in ["saved", "b.json"] {
        let output = diagnose(here, &[&["--path", path], &trusted[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}
