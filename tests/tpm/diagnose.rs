//! `diagnose --host` against a TPM that answers, is locked, has no certificate, or is not
//! there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lockout::lock;
use crate::swtpm::Swtpm;
use crate::{endorse, text};

/// A machine with nothing wrong, as Linux shows it.
const MACHINE: &[(&str, &str)] = &[
    ("proc/cpuinfo", "flags\t\t: fpu svm npt\n"),
    (
        "proc/swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    ),
    ("proc/sys/kernel/hostname", "hyp07\n"),
    ("sys/class/iommu/ivhd0/name", ""),
    ("sys/class/tpm/tpm0/tpm_version_major", "2\n"),
    ("sys/class/tpmrm/tpmrm0/dev", "253:65536\n"),
    (
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        "\x06\0\0\0\x01",
    ),
    ("sys/kernel/iommu_groups/0/type", "DMA\n"),
    ("sys/kernel/kexec_crash_loaded", "0\n"),
    (
        "sys/kernel/security/lockdown",
        "none [integrity] confidentiality\n",
    ),
    ("sys/power/state", "freeze mem\n"),
];

fn machine(root: &Path) {
    for (path, content) in MACHINE {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// The statuses by id, and the exit code.
fn diagnose(tcti: &str, root: &Path, more: &[&str]) -> (BTreeMap<String, String>, i32) {
    let root = root.display().to_string();
    let mut args = vec!["diagnose", "--host", "--json", "--no-embedded-roots"];
    args.extend(["--tcti", tcti, "--system-root", &root]);
    args.extend(more);
    let output = endorse(&args);
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let target = &document["results"][0];
    assert_eq!(target["target"], "hyp07");
    let sets = target["sets"].as_array().unwrap();
    let all = sets
        .iter()
        .flat_map(|set| set["diagnostics"].as_array().unwrap());
    let all = all.map(|one| {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        (text("id"), text("status"))
    });
    (all.collect(), output.status.code().unwrap())
}

fn but<'a>(found: &'a BTreeMap<String, String>, good: &str) -> Vec<(&'a str, &'a str)> {
    let others = found.iter().filter(|(_, status)| *status != good);
    others
        .map(|(id, status)| (id.as_str(), status.as_str()))
        .collect()
}

#[test]
fn a_host_before_and_after_it_is_registered() {
    let tpm = Swtpm::with_certificates(&[]);
    let (tcti, root) = (tpm.tcti(), tpm.path("machine"));
    machine(&root);
    let (registry, file) = (tpm.path("registry.db"), tpm.path("hyp07.xml"));
    let path = |path: &Path| path.display().to_string();
    let (registry, file, roots) = (path(&registry), path(&file), path(&tpm.path("ca")));
    let written = endorse(&[
        "get-platform-identifier",
        "--name",
        "hyp07",
        "--tcti",
        &tcti,
        "-o",
        &file,
    ]);
    assert!(written.status.success(), "{written:?}");
    // Of the CA's directory, the certificates alone.
    let store = tpm.path("store");
    for (folder, certificate) in [
        ("TrustedTPM_RootCA", "swtpm-localca-rootca-cert.pem"),
        ("TrustedTPM_IntermediateCA", "issuercert.pem"),
    ] {
        fs::create_dir_all(store.join(folder)).unwrap();
        fs::copy(
            Path::new(&roots).join(certificate),
            store.join(folder).join(certificate),
        )
        .unwrap();
    }
    let store = path(&store);
    let judging = ["--store", &store, "--registry", &registry];
    // There is no registry yet: that is told, and all the rest as well.
    let (found, exit) = diagnose(&tcti, &root, &judging);
    assert_eq!(
        but(&found, "pass"),
        [("attestation-would-authorize", "warn")]
    );
    assert_eq!((found.len(), exit), (15, 2));

    let other = ["register-host", "--no-embedded-roots", "--at", "2027-01-01"];
    let hyp01 = ["--store", "testdata/cli/store", "testdata/cli/hyp01.xml"];
    let done = endorse(&[&other[..], &hyp01, &["--registry", &registry]].concat());
    assert!(done.status.success(), "{done:?}");
    let (found, exit) = diagnose(&tcti, &root, &judging);
    assert_eq!(
        but(&found, "pass"),
        [("attestation-would-authorize", "fail")]
    );
    assert_eq!(exit, 1);

    let done = endorse(
        &[
            &["register-host", "--no-embedded-roots", &file],
            &judging[..],
        ]
        .concat(),
    );
    assert!(done.status.success(), "{done:?}");
    let (found, exit) = diagnose(&tcti, &root, &judging);
    assert_eq!(but(&found, "pass"), []);
    assert_eq!(exit, 0);

    lock(&tpm);
    let (found, exit) = diagnose(&tcti, &root, &judging);
    assert_eq!(but(&found, "pass"), [("tpm-lockout", "fail")]);
    assert_eq!(exit, 1);
}

#[test]
fn a_tpm_without_a_certificate() {
    let tpm = Swtpm::bare();
    let root = tpm.path("machine");
    machine(&root);
    let (found, exit) = diagnose(&tpm.tcti(), &root, &["--roots", "testdata/cli/root.pem"]);
    assert_eq!(
        but(&found, "pass"),
        [
            ("attestation-would-authorize", "warn"),
            ("identifier-ekcert", "fail"),
            ("identifier-trusted", "fail"),
        ]
    );
    assert_eq!(exit, 1);
}

#[test]
fn a_tpm_of_the_version_before_and_one_that_is_not_there() {
    let tpm = Swtpm::version_1_2();
    let root = tpm.path("machine");
    machine(&root);
    let (found, exit) = diagnose(&tpm.tcti(), &root, &[]);
    assert_eq!(found["tpm-ready"], "fail");
    assert_eq!((found["identifier-readable"].as_str(), exit), ("warn", 1));
    let (found, exit) = diagnose("device:/nowhere/tpm", &root, &[]);
    assert_eq!(
        but(&found, "pass"),
        [
            ("identifier-readable", "warn"),
            ("tpm-lockout", "warn"),
            ("tpm-ready", "warn"),
        ]
    );
    assert_eq!(exit, 0);
}
