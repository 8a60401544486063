//! The command, with the program itself.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::certificates::Authority;
use crate::server::wait_for_the_end;
use crate::standin::{Fabric, NAME};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .arg("diagnose")
        .args(args)
        // Nobody is there: what counts is what hosts reach, without a proxy.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs with the options that find the stand-in, and returns what did not pass.
#[track_caller]
fn diagnose(fabric: &Fabric, code: i32, more: &[&str]) -> BTreeSet<(String, String)> {
    let (url, resolve) = (fabric.url(), fabric.resolve());
    let args = ["--hgs", &url, "--resolve", &resolve, "--json"];
    let output = run(&[&args, more].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said, "", "only the document");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeSet::new();
    for target in document["results"].as_array().unwrap() {
        for set in target["sets"].as_array().unwrap() {
            for one in set["diagnostics"].as_array().unwrap() {
                if ["warn", "fail"].contains(&one["status"].as_str().unwrap()) {
                    let place = target["target"].as_str().unwrap().to_owned();
                    found.insert((place, one["id"].as_str().unwrap().to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn a_good_fabric_and_one_that_is_not() {
    let fabric = Fabric::new();
    assert!(diagnose(&fabric, 0, &[]).is_empty());
    assert!(diagnose(&fabric, 0, &["--expect-mode", "tpm"]).is_empty());
    assert_eq!(diagnose(&fabric, 1, &["--expect-mode", "ad"]).len(), 3);
    fabric.change(2, |node| {
        node.metadata = Err(("500 Internal Server Error", ""))
    });
    let found = diagnose(&fabric, 1, &[]);
    let node = format!("{NAME} at 127.0.0.3");
    assert_eq!(found, [(node, "key-protection-answers".to_owned())].into());
}

#[test]
fn for_people() {
    let fabric = Fabric::new();
    fabric.change(0, |node| node.mode = 2);
    let (url, resolve) = (fabric.url(), fabric.resolve());
    let output = run(&["--hgs", &url, "--resolve", &resolve]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    for line in [
        "Set-HgsServer -TrustActiveDirectory  # on the node 127.0.0.2",
        "Set-HgsServer -TrustActiveDirectory  # on the node 127.0.0.3",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("# on the node 127.0.0.1"), "{said}");
}

/// The set is chosen as for everything else.
#[test]
fn a_set_alone() {
    let fabric = Fabric::new();
    fabric.change_all(|node| (node.ahead, node.mode) = (400, 2));
    assert_eq!(diagnose(&fabric, 1, &[]).len(), 9);
    let found = diagnose(&fabric, 1, &["--diagnostic", "GuardedFabricADMode"]);
    let ids: Vec<_> = found.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids, ["ad-mode-clock"; 3]);
    assert!(diagnose(&fabric, 0, &["--diagnostic", "Networking"]).is_empty());
    let found = diagnose(&fabric, 0, &["--diagnostic", "BestPractices"]);
    assert!(found.iter().all(|(_, id)| id == "hgs-mode-not-deprecated"));
}

#[test]
fn roots_from_a_file() {
    let authority = Authority::new();
    let tls = || authority.server(&[NAME], |_| {});
    let fabric = Fabric::https([tls(), tls(), tls()]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    fs::write(&path, &authority.pem).unwrap();
    let path = path.display().to_string();
    assert!(diagnose(&fabric, 0, &["--tls-root", &path]).is_empty());
    let without = diagnose(&fabric, 1, &[]);
    assert!(without.iter().any(|(_, id)| id == "hgs-https-chain"));
}

#[test]
fn clocks() {
    let fabric = Fabric::new();
    let port = format!("--node-ntp={}", fabric.port);
    let reference = format!("127.0.0.1:{}", fabric.port);
    assert!(diagnose(&fabric, 0, &[&port, "--ntp", &reference]).is_empty());
    fabric.change(1, |node| node.ahead = 400);
    let found = diagnose(&fabric, 1, &[&port, "--ntp", &reference]);
    let ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["hgs-clock", "hgs-nodes-same-clock"]);
}

/// A server that behaves badly is a check that failed, not trouble of this program.
#[test]
fn a_hostile_server() {
    let mut fabric = Fabric::new();
    fabric.replace(1, |_, stream| wait_for_the_end(stream));
    let found = diagnose(&fabric, 1, &["--timeout", "1"]);
    let node = format!("{NAME} at 127.0.0.2");
    assert!(found.contains(&(node, "hgs-getinfo-answers".to_owned())));
    // Nor is a name that leads nowhere.
    let nowhere = format!("http://{}.test", "a".repeat(64));
    let output = run(&["--hgs", &nowhere, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("hgs-name-resolves"));
}

/// What was collected from a service is judged as the service itself: the same diagnostics
/// end alike, and the program ends alike.
#[test]
fn a_bundle_of_a_service_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("b.json").display().to_string();
    let fabric = Fabric::new();
    let looking = [fabric.url(), fabric.resolve()];
    let looking = ["--hgs", &looking[0], "--resolve", &looking[1]];
    let statuses = |output: &Output| {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut found = Vec::new();
        for target in document["results"].as_array().unwrap() {
            for set in target["sets"].as_array().unwrap() {
                for one in set["diagnostics"].as_array().unwrap() {
                    let part = |value: &Value| value.as_str().unwrap().to_owned();
                    found.push(
                        [&target["target"], &set["set"], &one["id"], &one["status"]].map(part),
                    );
                }
            }
        }
        found
    };
    let compare = |code: i32, more: &[&str]| {
        let direct = run(&[&["--json"], &looking[..], more].concat());
        let collected = run(&[&["collect", "--output", &bundle], &looking[..]].concat());
        assert_eq!(
            collected.status.code(),
            Some(0),
            "{}",
            text(&collected.stderr)
        );
        let bundled = run(&[&["--json", "--path", &bundle], more].concat());
        assert_eq!(direct.status.code(), Some(code));
        assert_eq!(bundled.status.code(), Some(code));
        assert_eq!(statuses(&bundled), statuses(&direct));
        assert!(statuses(&direct).len() > 30);
    };
    compare(0, &[]);
    compare(1, &["--expect-mode", "ad"]);
    fabric.change(2, |node| {
        node.metadata = Err(("500 Internal Server Error", ""))
    });
    compare(1, &[]);
    fabric.change(0, |node| (node.mode, node.ahead) = (2, 400));
    compare(1, &["--diagnostic", "GuardedFabric"]);
}

/// Those that are there already are not waited for, and the line about it is for people.
#[test]
fn waiting_for_a_mode() {
    let fabric = Fabric::new();
    let (url, resolve) = (fabric.url(), fabric.resolve());
    let args = [
        "--hgs",
        &url,
        "--resolve",
        &resolve,
        "--wait-for-mode",
        "tpm",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stderr),
        "note: after 0 s, 3 of 3 nodes are in the mode TPM\n"
    );
    for quiet in ["--quiet", "--json"] {
        let output = run(&[&args[..], &[quiet]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn what_is_no_option() {
    let url = "http://127.0.0.1:1";
    for args in [
        &["--hgs", "hgs.bastion.test"][..],
        &["--hgs", "ftp://hgs.bastion.test"],
        &["--hgs", "http://hgs.bastion.test/KeyProtection"],
        &["--node", "127.0.0.1"],
        &["--hgs", url, "--node", "hgs1.bastion.test"],
        &["--hgs", url, "--node", "127.0.0.1:0"],
        &["--hgs", url, "--node", "127.0.0.1:x"],
        &[
            "--hgs",
            url,
            "--hgs",
            "http://127.0.0.2:1",
            "--node",
            "127.0.0.3",
        ],
        &["--hgs", url, "--resolve", "hgs.bastion.test"],
        &["--hgs", url, "--resolve", "hgs.bastion.test="],
        &["--hgs", url, "--resolve", "=127.0.0.1"],
        &["--hgs", url, "--ntp", "a b"],
        &["--hgs", url, "--node-ntp=0x"],
        &["--hgs", url, "--timeout", "0"],
        &["--hgs", url, "--expect-mode", "none"],
        &[
            "--hgs",
            url,
            "--expect-mode",
            "tpm",
            "--wait-for-mode",
            "tpm",
        ],
        &["--wait-for-mode", "tpm"],
        &["--hgs", url, "--wait-limit", "5"],
        &["--hgs", url, "--wait-for-mode", "tpm", "--wait-limit", "11"],
        &["--hgs", url, "--tls-root", "/nonexistent/root.pem"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
    let many = ["127.0.0.1"; 65].join(",");
    let resolve = format!("hgs.bastion.test={many}");
    assert_eq!(
        run(&["--hgs", url, "--resolve", &resolve]).status.code(),
        Some(2)
    );
    let nodes = [["--node", "127.0.0.2"]; 65].concat();
    let args = [&["--hgs", url][..], &nodes].concat();
    assert_eq!(run(&args).status.code(), Some(2));
    let nine = [["--hgs", url]; 9].concat();
    assert_eq!(run(&nine).status.code(), Some(2));
}
