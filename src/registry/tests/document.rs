//! Export and import.

use serde_json::{Value, json};

use super::*;
use crate::finding::Fault;
use crate::registry::{Action, Filter, Host, State, Trust};

fn three() -> Bench {
    let bench = Bench::new();
    let both = Candidate {
        eks: vec![ek("a"), ek("b")],
        ..trusted("hv1", "a")
    };
    bench.add(&both, &Options::default());
    bench.add(&bare("hv2", "c"), &force());
    bench.register(&trusted("hv3", "d"), &stage());
    bench.add(&trusted("gone", "e"), &Options::default());
    bench
        .registry
        .remove("gone", None, at(), WHO, false)
        .unwrap();
    bench
}

fn hosts(bench: &Bench) -> Vec<Host> {
    let hosts = bench
        .registry
        .list(&Filter {
            ended: true,
            ..Filter::default()
        })
        .unwrap();
    hosts
        .into_iter()
        .map(|host| Host {
            id: 0,
            imported: false,
            ..host
        })
        .collect()
}

fn import(
    bench: &Bench,
    document: &str,
) -> Result<super::super::ImportReport, crate::finding::Error> {
    bench
        .registry
        .import(document, Some("moved"), at(), "importer", false)
}

#[test]
fn a_document_carries_every_current_host() {
    let source = three();
    let document = source.registry.export(at()).unwrap();
    let target = Bench::new();
    let report = import(&target, &document).unwrap();
    assert_eq!(report.imported.len(), 3);
    assert!(report.imported.iter().all(|host| host.imported));
    assert!(report.findings.is_empty());
    let current: Vec<Host> = hosts(&source)
        .into_iter()
        .filter(|host| host.state.is_current())
        .collect();
    assert_eq!(hosts(&target), current);
    let files = |bench: &Bench| -> Vec<Vec<u8>> {
        let originals = bench.registry.originals(&Filter::default()).unwrap();
        originals
            .into_iter()
            .map(|original| original.file)
            .collect()
    };
    assert_eq!(files(&target), files(&source));
    let host = target.registry.show("hv2").unwrap();
    assert_eq!((host.trust, host.imported), (Trust::Forced, true));
    assert_eq!(target.registry.show("hv3").unwrap().state, State::Staged);
    let trail = target.registry.history(None).unwrap();
    assert!(
        trail
            .iter()
            .all(|entry| entry.entry.action == Action::Import)
    );
    assert!(trail.iter().all(|entry| entry.entry.who == "importer"));
    assert_eq!(trail[0].entry.reason.as_deref(), Some("moved"));
    target.assert_whole();

    // Again: nothing to do, nothing written.
    let before = target.bytes();
    let report = import(&target, &document).unwrap();
    assert!(report.imported.is_empty() && report.findings.is_empty());
    assert_eq!(report.unchanged, ["hv1", "hv2", "hv3"]);
    assert_eq!(target.bytes(), before);
    // A staged host that was imported can be activated, a forced one upgraded.
    target.add(&trusted("hv3", "d"), &Options::default());
    target.add(&trusted("hv2", "c"), &Options::default());
    target.assert_whole();
}

#[test]
fn all_or_nothing() {
    let document = three().registry.export(at()).unwrap();
    for (name, seed, code) in [
        ("other", "b", "duplicate-ek"),
        ("HV2", "x", "duplicate-name"),
    ] {
        let target = Bench::new();
        target.add(&trusted(name, seed), &Options::default());
        let before = target.bytes();
        let report = import(&target, &document).unwrap();
        assert!(report.imported.is_empty());
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].code.as_str(), code);
        assert!(
            report.findings[0].message.contains(name),
            "{:?}",
            report.findings
        );
        assert_eq!(target.bytes(), before);
    }
    // Twice in one document.
    let mut value: Value = serde_json::from_str(&document).unwrap();
    let mut twin = value["hosts"][0].clone();
    twin["name"] = json!("twin");
    value["hosts"].as_array_mut().unwrap().push(twin);
    let target = Bench::new();
    let report = import(&target, &value.to_string()).unwrap();
    assert!(report.imported.is_empty());
    assert!(target.registry.list(&Filter::default()).unwrap().is_empty());
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.code == Code::DuplicateEk)
    );
}

#[test]
fn what_if_imports_nothing() {
    let document = three().registry.export(at()).unwrap();
    let target = Bench::new();
    let before = target.bytes();
    let report = target
        .registry
        .import(&document, None, at(), WHO, true)
        .unwrap();
    assert_eq!(report.imported.len(), 3);
    assert!(report.what_if);
    assert_eq!(target.bytes(), before);
}

#[test]
fn a_document_that_does_not_fit_itself_is_refused() {
    let document: Value = serde_json::from_str(&three().registry.export(at()).unwrap()).unwrap();
    assert_eq!(document["hosts"][1]["name"], "hv2");
    let set = |pointer: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let cut = document.to_string();
    let mut more = document.clone();
    more["hosts"][0]["extra"] = json!(1);
    for text in [
        String::new(),
        "[]".to_owned(),
        cut[..cut.len() - 1].to_owned(),
        more.to_string(),
        set("/schema", json!("endorse.registry/2")),
        set("/hosts/0/file", json!("00")),
        set("/hosts/0/file", json!("0")),
        set("/hosts/0/file_sha256", json!("00")),
        set("/hosts/0/ekpubs", json!([])),
        set("/hosts/0/ekpubs/0/spki", json!("3000")),
        set("/hosts/0/ekpubs/0/spki_sha256", json!("00".repeat(32))),
        set("/hosts/0/ekpubs/0/windows_sha256", json!("00".repeat(32))),
        set("/hosts/0/ekpubs/0/algorithm", json!("ecc-p256")),
        set("/hosts/0/ekcerts", json!([])),
        set("/hosts/0/state", json!("removed")),
        set("/hosts/0/state", json!("great")),
        set("/hosts/0/name", json!("a\nb")),
        set("/hosts/0/registered_at", json!("yesterday")),
        set(
            "/hosts/0/waived",
            json!([{"code": "expired", "message": "x"}]),
        ),
        set(
            "/hosts/1/waived",
            json!([{"code": "key-mismatch", "message": "x"}]),
        ),
        set("/hosts/1/policy_version", json!("v2")),
        set("/hosts/1/trust", json!("verified")),
        set("/hosts/1/reason", json!(null)),
        set("/hosts/1/reason", json!("  ")),
        set("/hosts/1/reason", json!("x".repeat(4097))),
    ] {
        let target = Bench::new();
        let error = import(&target, &text).unwrap_err();
        assert_eq!(error.fault, Fault::Malformed, "{error}");
        assert!(target.registry.history(None).unwrap().is_empty());
    }
}
