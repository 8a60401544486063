//! `endorse diagnose --path` over what was saved: the files of testdata/diagnose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const GMSA: &str = "BASTION\\svc-hgs$";
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1601";

fn endorse(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["diagnose", "--json"])
        .args(args)
        .output()
        .unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Every diagnostic with its target: (target, id, status).
fn results(output: &Output) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for target in document(output)["results"].as_array().unwrap() {
        for set in target["sets"].as_array().unwrap() {
            for one in set["diagnostics"].as_array().unwrap() {
                let status = text(&one["status"]);
                let has_remedy = !one["remedy"].as_array().unwrap().is_empty();
                assert_eq!(
                    has_remedy,
                    ["warn", "fail"].contains(&status.as_str()),
                    "{one}"
                );
                found.push((text(&target["target"]), text(&one["id"]), status));
            }
        }
    }
    found
}

/// The statuses of one diagnostic for a file of testdata/diagnose.
fn statuses(file: &str, id: &str, more: &[&str]) -> Vec<String> {
    let path = format!("testdata/diagnose/{file}");
    let output = endorse(&[&["--path", &path][..], more].concat());
    let results = results(&output);
    let failed = results.iter().any(|(_, _, status)| status == "fail");
    assert_eq!(
        output.status.code(),
        Some(i32::from(failed)),
        "{file}: {results:?}"
    );
    let of_id = results.into_iter().filter(|(_, found, _)| found == id);
    of_id.map(|(_, _, status)| status).collect()
}

fn text_of(file: &str, more: &[&str]) -> String {
    let path = format!("testdata/diagnose/{file}");
    let output = endorse(&[&["--path", &path][..], more].concat());
    document(&output).to_string()
}

#[test]
fn who_may_write_audits() {
    let by_name = ["--gmsa", GMSA];
    let by_both = ["--gmsa", GMSA, "--gmsa", SID];
    for (file, alone, name, both) in [
        ("right", "warn", "warn", "pass"),
        ("by-name", "warn", "pass", "pass"),
        ("german", "warn", "pass", "pass"),
        ("no-line", "warn", "warn", "warn"),
        ("empty", "fail", "fail", "fail"),
        ("gmsa-only", "warn", "fail", "fail"),
        ("defaults-only", "fail", "fail", "fail"),
        ("unknown-language", "warn", "warn", "warn"),
        ("other-kinds", "fail", "fail", "fail"),
    ] {
        let file = format!("policy/{file}.inf");
        for (more, expected) in [(&[][..], alone), (&by_name, name), (&by_both, both)] {
            let found = statuses(&file, "gmsa-audit-privilege", more);
            assert_eq!(found, [expected], "{file} {more:?}");
        }
    }
}

#[test]
fn the_line_to_write_keeps_what_is_there() {
    let text = text_of("policy/other-kinds.inf", &["--gmsa", GMSA, "--gmsa", SID]);
    let line = format!(
        "SeAuditPrivilege = *S-1-5-19,*S-1-5-20,*S-1-5-80-3139157870-2983391045,\
         IIS APPPOOL\\\\KeyProtection,*{SID}"
    );
    assert!(text.contains(&line), "{text}");
    let text = text_of("policy/empty.inf", &[]);
    assert!(
        text.contains("SeAuditPrivilege = *S-1-5-19,*S-1-5-20,<SERVICE ACCOUNT>"),
        "{text}"
    );
    assert!(text.contains("(Get-IISAppPool -Name KeyProtection).ProcessModel.UserName"));
}

#[test]
fn one_log_in_three_forms_says_one_thing() {
    for file in ["attempts.evtx", "attempts.xml", "attempts.clixml"] {
        let file = format!("events/{file}");
        assert_eq!(
            statuses(&file, "attestation-event", &[]),
            ["fail"; 2],
            "{file}"
        );
        assert_eq!(statuses(&file, "event-log-whole", &[]), [""; 0], "{file}");
        let text = text_of(&file, &[]);
        for part in [
            "an EK that is not registered: 2222",
            "Iommu (1533, policy Hgs_IommuEnabled)",
            "BitLocker (1536, policy Hgs_BitLockerEnabled)",
            "activity 0a0b0c0d-0000-4000-8000-000000000002, EK 1111",
            "S-1-5-21-1004336348-1177238915-682003330-1105",
        ] {
            assert!(text.contains(part), "{file}: {part}: {text}");
        }
        // The attempt that passed is none of those.
        assert!(!text.contains("000000000000, EK"), "{file}");
    }
    assert_eq!(
        statuses("events/passed.xml", "attestation-event", &[]),
        ["pass"]
    );
}

#[test]
fn the_audit_warning_in_any_language() {
    for (file, expected) in [
        ("english.xml", "fail"),
        ("german.evtx", "fail"),
        ("words.xml", "warn"),
    ] {
        let file = format!("events/{file}");
        assert_eq!(
            statuses(&file, "gmsa-audit-event", &[]),
            [expected],
            "{file}"
        );
    }
}

#[test]
fn listings_of_key_files() {
    let both = ["--gmsa", GMSA, "--gmsa", SID];
    for (file, expected) in [
        ("icacls-right.txt", "pass"),
        ("icacls-german.txt", "pass"),
        ("icacls-lacking.txt", "fail"),
        ("icacls-denied.txt", "fail"),
        ("icacls-group.txt", "warn"),
        ("icacls-saved.txt", "pass"),
        ("sddl-lacking.txt", "fail"),
        ("get-acl.txt", "pass"),
    ] {
        let file = format!("access/{file}");
        assert_eq!(
            statuses(&file, "key-file-readable", &both),
            [expected],
            "{file}"
        );
    }
    // Without knowing the account, only what certainly lacks it fails.
    assert_eq!(
        statuses("access/icacls-right.txt", "key-file-readable", &[]),
        ["warn"]
    );
    assert_eq!(
        statuses("access/icacls-lacking.txt", "key-file-readable", &[]),
        ["fail"]
    );
}

#[test]
fn what_hosts_and_services_say_of_themselves() {
    for (file, id, expected) in [
        ("client/passed.xml", "attestation-status", "pass"),
        ("client/expired.xml", "attestation-status", "fail"),
        ("client/unauthorized.xml", "attestation-status", "fail"),
        ("client/ad.xml", "attestation-status", "fail"),
        ("client/ad.xml", "hgs-mode-not-deprecated", "warn"),
        ("client/passed.xml", "hgs-mode-not-deprecated", "pass"),
        ("policies/all.xml", "dump-policies-present", "pass"),
        (
            "policies/without-dumps.xml",
            "dump-policies-present",
            "fail",
        ),
        ("messages/untrusted.txt", "ekcert-message", "fail"),
        ("messages/untrusted.clixml", "ekcert-message", "fail"),
        ("messages/missing.txt", "ekcert-message", "fail"),
        ("messages/hgstrace.txt", "hgs-trace-result", "warn"),
    ] {
        assert_eq!(statuses(file, id, &[]), [expected], "{file}");
    }
    // -Force counts under v1 alone, and not for what somebody withdrew the trust in.
    let force = "-PolicyVersion v1 -Force";
    assert!(text_of("messages/untrusted.txt", &[]).contains(force));
    assert!(text_of("messages/missing.txt", &[]).contains(force));
    let text = text_of("messages/revoked.txt", &[]);
    assert!(text.contains("is not trusted, for Revoked"), "{text}");
    assert!(
        text.contains("do not register the host") && !text.contains("-Force"),
        "{text}"
    );
    let text = text_of("messages/untrusted.txt", &[]);
    assert!(
        text.contains("0123456789ABCDEF0123456789ABCDEF01234567"),
        "{text}"
    );
    let text = text_of("policies/without-dumps.xml", &[]);
    assert!(text.contains("on every host first"), "{text}");
}

#[test]
fn stores_of_vendors() {
    let id = "trusted-tpm-stores";
    assert_eq!(statuses("stores/TrustedTPM_RootCA.sst", id, &[]), ["pass"]);
    assert_eq!(
        statuses("stores/TrustedTPM_IntermediateCA.sst", id, &[]),
        ["pass"]
    );
    assert_eq!(statuses("stores/wrong", id, &[]), ["fail", "fail"]);
    let text = text_of("stores/wrong", &[]);
    for part in ["is no CA certificate", "is an intermediate", "is a root"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A folder for each host is a target; a damaged file fails by itself, and the rest is
/// diagnosed.
#[test]
fn merged_folders_of_traces() {
    let output = endorse(&["--path", "testdata/diagnose/traces"]);
    let results = results(&output);
    assert_eq!(output.status.code(), Some(1), "{results:?}");
    for expected in [
        ("hgs01", "trace-readable", "pass"),
        ("hgs01", "dump-policies-present", "fail"),
        ("hyp01", "trace-readable", "pass"),
        ("hyp01", "trace-readable", "fail"),
        ("hyp01", "attestation-status", "fail"),
    ] {
        let has = results.iter().any(|(target, id, status)| {
            (target.as_str(), id.as_str(), status.as_str()) == expected
        });
        assert!(has, "{expected:?} in {results:?}");
    }
    let targets = document(&output)["results"].as_array().unwrap().len();
    assert_eq!(targets, 2);
    let text = text_of("traces/hyp01", &[]);
    for part in ["Damaged.xml", "Hgs_BitLockerEnabled", "Hgs_IommuEnabled"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// What is told by content does not depend on the name.
#[test]
fn a_name_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (file, id) in [
        ("policy/empty.inf", "gmsa-audit-privilege"),
        ("events/attempts.evtx", "attestation-event"),
        ("events/attempts.clixml", "attestation-event"),
        ("access/icacls-lacking.txt", "key-file-readable"),
        ("client/expired.xml", "attestation-status"),
    ] {
        let path = directory.path().join("x");
        fs::copy(Path::new("testdata/diagnose").join(file), &path).unwrap();
        let output = endorse(&["--path", path.to_str().unwrap()]);
        assert!(
            results(&output).iter().any(|(_, found, _)| found == id),
            "{file}"
        );
    }
}

#[test]
fn inputs_that_are_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let noise = directory.path().join("noise");
    fs::write(&noise, b"\x01\x02\x03").unwrap();
    let noise = noise.to_str().unwrap();
    assert_eq!(endorse(&["--path", noise]).status.code(), Some(3));
    assert_eq!(
        endorse(&["--path", "/does/not/exist"]).status.code(),
        Some(2)
    );
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(
        endorse(&["--path", empty.to_str().unwrap()]).status.code(),
        Some(2)
    );
    // Beside another that fails, both are reported and the worst counts.
    let output = endorse(&[
        "--path",
        noise,
        "--path",
        "testdata/diagnose/policy/empty.inf",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        results(&output)
            .iter()
            .any(|(_, id, _)| id == "gmsa-audit-privilege")
    );
}

#[cfg(unix)]
#[test]
fn key_files_on_this_machine() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("a.key");
    fs::write(&key, "secret").unwrap();
    let (uid, gid) = {
        let metadata = fs::metadata(&key).unwrap();
        (metadata.uid(), metadata.gid())
    };
    // An account that is neither the owner nor root, in a group of its own.
    let other = uid.max(1000) + 1;
    let status = |account: &str, directory_mode: u32, mode: u32| {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(directory_mode)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let output = endorse(&["--key-file", key.to_str().unwrap(), "--account", account]);
        let results = results(&output);
        assert_eq!(results.len(), 1, "{results:?}");
        assert_eq!(results[0].1, "key-file-access");
        results[0].2.clone()
    };
    let (member, stranger) = (format!("{other}:{gid}"), format!("{other}:{}", gid + 1000));
    for (account, directory_mode, mode, expected) in [
        (&member, 0o750, 0o640, "pass"),
        (&member, 0o740, 0o640, "fail"),
        (&member, 0o750, 0o600, "fail"),
        (&stranger, 0o711, 0o640, "fail"),
        (&stranger, 0o711, 0o644, "warn"),
    ] {
        assert_eq!(
            status(account, directory_mode, mode),
            expected,
            "{directory_mode:o} {mode:o}"
        );
    }
    let output = endorse(&["--key-file", "/none", "--account", "no-such-account"]);
    assert_eq!(output.status.code(), Some(2));
    let missing = directory.path().join("missing");
    let output = endorse(&[
        "--key-file",
        missing.to_str().unwrap(),
        "--account",
        &member,
    ]);
    assert_eq!(results(&output)[0].2, "warn");
}

/// Each octet of a log is changed in turn, and it is cut at every chunk boundary and in
/// between: it is read or refused, and nothing else.
#[test]
fn damaged_logs_are_read_or_refused() {
    use endorse::diagnose::files::{SavedFile, is_readable};
    use endorse::diagnose::{Observation, Role, Target};
    let whole = fs::read("testdata/diagnose/events/attempts.evtx").unwrap();
    let read = |bytes: Vec<u8>| {
        let file = SavedFile {
            name: "x".to_owned(),
            bytes,
        };
        is_readable(&Target {
            name: "x".to_owned(),
            role: Role::Unknown,
            source: "x".to_owned(),
            observations: vec![Observation::File(file)],
        })
    };
    assert!(read(whole.clone()));
    // The head of the chunk, and the first records.
    for place in (4096..4096 + 128)
        .chain(4096 + 512..4096 + 512 + 1600)
        .step_by(3)
    {
        for value in [0x00, 0x0c, 0x0e, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            read(bytes);
        }
    }
    for length in (0..whole.len()).step_by(509) {
        read(whole[..length].to_vec());
    }
}

/// A log with the digest of an EK beside the platform identifier of its host: the host has a
/// name.
#[test]
fn an_unknown_ek_is_named_by_an_identifier() {
    use endorse::identifier::Identifier;
    let directory = tempfile::tempdir().unwrap();
    let identifier = fs::read("testdata/cli/hyp01.xml").unwrap();
    let key = Identifier::read(&identifier).unwrap().ekpubs[0].key.clone();
    fs::write(directory.path().join("hyp01.xml"), identifier).unwrap();
    let log = fs::read_to_string("testdata/diagnose/events/attempts.xml").unwrap();
    let log = log.replace(&"22".repeat(32), &key.windows_sha256().to_string());
    fs::write(directory.path().join("log.xml"), log).unwrap();
    let output = endorse(&["--path", directory.path().to_str().unwrap()]);
    let text = document(&output).to_string();
    assert!(
        text.contains("hyp01, whose platform identifier is "),
        "{text}"
    );
}

#[test]
fn the_role_is_told_by_the_traces() {
    let output = endorse(&["--path", "testdata/diagnose/traces"]);
    let document = document(&output);
    let roles: Vec<_> = document["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["role"])
        .collect();
    assert_eq!(roles, ["host-guardian-service", "guarded-host"]);
}

/// Eight directories below the one that was named are looked into, and no more.
#[test]
fn how_deep_directories_may_be() {
    let directory = tempfile::tempdir().unwrap();
    for (depth, expected) in [(8, 1), (9, 2)] {
        let top = directory.path().join(depth.to_string());
        let deepest = (0..depth).fold(top.clone(), |path, _| path.join("d"));
        fs::create_dir_all(&deepest).unwrap();
        fs::copy(
            "testdata/diagnose/policy/empty.inf",
            deepest.join("policy.inf"),
        )
        .unwrap();
        let output = endorse(&["--path", top.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(expected), "{depth}");
        assert!(!results(&output).is_empty());
    }
}

/// Links back and forth make billions of ways of a few directories.
#[cfg(unix)]
#[test]
fn how_many_directories_there_may_be() {
    let directory = tempfile::tempdir().unwrap();
    for level in 0..6 {
        let here = directory.path().join(level.to_string());
        fs::create_dir(&here).unwrap();
        for link in 0..40 {
            let below = directory.path().join((level + 1).to_string());
            std::os::unix::fs::symlink(&below, here.join(format!("l{link}"))).unwrap();
        }
    }
    fs::create_dir(directory.path().join("6")).unwrap();
    let output = endorse(&["--path", directory.path().join("0").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("more than 10000 directories"), "{text}");
}

/// The list is an attribute of the file; the file system has to have such.
#[cfg(target_os = "linux")]
#[test]
fn access_control_lists_of_key_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("a.key");
    fs::write(&key, "secret").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let account = 4_242_424u32;
    let status = |rights: u16, mask: u16| {
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let entry = |tag: u16, rights: u16, id: u32| {
            [
                &tag.to_le_bytes()[..],
                &rights.to_le_bytes(),
                &id.to_le_bytes(),
            ]
            .concat()
        };
        let none = u32::MAX;
        let list = [
            2u32.to_le_bytes().to_vec(),
            entry(0x01, 6, none),
            entry(0x02, rights, account),
            entry(0x04, 0, none),
            entry(0x10, mask, none),
            entry(0x20, 0, none),
        ];
        let name = "system.posix_acl_access";
        rustix::fs::setxattr(&key, name, &list.concat(), rustix::fs::XattrFlags::empty())
            .expect("the file system of the temporary directory has access control lists");
        let who = format!("{account}:{account}");
        let output = endorse(&["--key-file", key.to_str().unwrap(), "--account", &who]);
        results(&output)[0].2.clone()
    };
    assert_eq!(status(4, 4), "pass");
    assert_eq!(status(4, 0), "fail");
    assert_eq!(status(0, 7), "fail");
}

/// Certificates in each form in which they are saved, identifiers, and what only looks alike.
#[test]
fn forms_are_told_apart() {
    use endorse::diagnose::files::{Place, SavedFile, certificates, identifiers, is_readable};
    use endorse::diagnose::{Observation, Role, Target};
    use endorse::trust::Pool;
    let target = |name: &str, bytes: Vec<u8>| Target {
        name: "x".to_owned(),
        role: Role::Unknown,
        source: "x".to_owned(),
        observations: vec![Observation::File(SavedFile {
            name: name.to_owned(),
            bytes,
        })],
    };
    let read = |path: &str| fs::read(Path::new("testdata").join(path)).unwrap();
    let pem = [b"subject=CN = a\n".to_vec(), read("cli/root.pem")].concat();
    for (bytes, count) in [
        (read("cli/intermediate.der"), 1),
        (pem, 1),
        (fs::read("fuzz/corpus/pkcs7/bundle.p7b").unwrap(), 1),
        (read("diagnose/stores/TrustedTPM_RootCA.sst"), 1),
    ] {
        assert_eq!(certificates(&target("x", bytes)).len(), count);
    }
    let found = certificates(&target(
        "TrustedTPM_RootCA/a.der",
        read("cli/intermediate.der"),
    ));
    assert_eq!(found[0].1.place, Place::TrustedTpm(Pool::Root));
    for path in [
        "cli/hyp01.xml",
        "cli/hyp01-utf16.xml",
        "windows/ek.blob",
        "windows/ek-info.clixml",
    ] {
        assert_eq!(identifiers(&target("x", read(path))).len(), 1, "{path}");
    }
    // A revocation list is DER, and of no concern.
    assert!(!is_readable(&target(
        "x",
        read("revocation/ek-revoked.crl")
    )));
}

/// What nodes say of themselves: their certificates by the rules, how they were added, and
/// the mode.
#[test]
fn certificates_and_modes_of_nodes() {
    for (file, id, expected) in [
        (
            "agree/hgs01/Certificates.xml",
            "hgs-certificate",
            &["pass"; 3][..],
        ),
        (
            "agree/hgs01/Certificates.xml",
            "hgs-certificates-replicated",
            &["pass"],
        ),
        (
            "agree/hgs01/Certificates.xml",
            "hgs-certificate-primary",
            &["pass"],
        ),
        ("agree/hgs01/Server.xml", "hgs-operation-mode", &["pass"]),
        (
            "agree/hgs01/Server.xml",
            "hgs-mode-not-deprecated",
            &["pass"],
        ),
        (
            "differ/hgs02/Server.xml",
            "hgs-mode-not-deprecated",
            &["warn"],
        ),
        ("no-encryption.xml", "hgs-certificate", &["pass", "fail"]),
        (
            "by-thumbprint.xml",
            "hgs-certificates-replicated",
            &["warn"],
        ),
        ("no-primary.xml", "hgs-certificate-primary", &["warn"]),
        ("legacy", "hgs-certificate", &["pass", "pass", "fail"]),
        ("module", "hgs-certificate", &["pass", "pass", "pass"]),
    ] {
        let mut found = statuses(&format!("nodes/{file}"), id, &[]);
        found.sort_by_key(|status| status == "fail");
        assert_eq!(found, expected, "{file} {id}");
    }
    let text = text_of("nodes/no-encryption.xml", &[]);
    assert!(text.contains("hgs-key-usage: "), "{text}");
    let text = text_of("nodes/by-thumbprint.xml", &[]);
    assert!(text.contains("Encryption: CN=HGS Encryption"), "{text}");
    assert!(
        !text.contains("Signing: CN=HGS Signing,O=Bastion Test (c6f0"),
        "{text}"
    );
    let text = text_of("nodes/legacy", &[]);
    assert!(text.contains("hgs-provider: "), "{text}");
    let text = text_of("nodes/module", &[]);
    assert!(text.contains("an nShield module: "), "{text}");
    // A mode that is not the one that is expected, as with a service that is asked.
    let ad = ["--expect-mode", "ad"];
    assert_eq!(
        statuses("nodes/agree/hgs01/Server.xml", "hgs-operation-mode", &ad),
        ["fail"]
    );
}

/// Who a file is of shows in what only a node or only a host says of itself.
#[test]
fn files_tell_whose_they_are() {
    for (file, role) in [
        ("nodes/agree/hgs01/Server.xml", "host-guardian-service"),
        ("nodes/by-thumbprint.xml", "host-guardian-service"),
        ("client/passed.xml", "guarded-host"),
        ("policy/right.inf", "unknown"),
    ] {
        let path = format!("testdata/diagnose/{file}");
        let document = document(&endorse(&["--path", &path]));
        assert_eq!(document["results"][0]["role"], role, "{file}");
    }
}

/// The nodes of one service by the files of each: the same certificates or not, and the known
/// trouble after a change from TPM to AD mode with its command for the node that is behind.
#[test]
fn nodes_are_compared_by_their_files() {
    for (folder, expected) in [("agree", "pass"), ("differ", "fail")] {
        for id in ["hgs-certificates-same", "hgs-nodes-same-mode"] {
            assert_eq!(
                statuses(&format!("nodes/{folder}"), id, &[]),
                [expected],
                "{folder} {id}"
            );
        }
    }
    let text = text_of("nodes/differ", &[]);
    for part in [
        "known problem: ",
        "Set-HgsServer -TrustActiveDirectory  # on the node hgs01",
        "only hgs01 has CN=HGS Signing",
        "only hgs02 has CN=HGS Signing",
        "one was renewed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("# on the node hgs02"), "{text}");
    // What only one node saved is no difference.
    let directory = tempfile::tempdir().unwrap();
    for (node, from) in [
        ("hgs01", "agree/hgs01/Certificates.xml"),
        ("hgs02", "legacy/Certificates.xml"),
    ] {
        fs::create_dir(directory.path().join(node)).unwrap();
        let from = Path::new("testdata/diagnose/nodes").join(from);
        fs::copy(from, directory.path().join(node).join("x")).unwrap();
    }
    let output = endorse(&["--path", directory.path().to_str().unwrap()]);
    let found = results(&output);
    let same = (
        "the fabric".to_owned(),
        "hgs-certificates-same".to_owned(),
        "pass".to_owned(),
    );
    assert!(found.contains(&same), "{found:?}");
}

/// What was refused in AD mode is told in the set for that mode, and nowhere else.
#[test]
fn attempts_in_ad_mode_have_their_set() {
    for file in ["attempts.evtx", "attempts.xml", "attempts.clixml"] {
        let file = format!("events/{file}");
        assert_eq!(
            statuses(&file, "ad-attestation-event", &[]),
            ["fail"],
            "{file}"
        );
        let path = format!("testdata/diagnose/{file}");
        for (set, count) in [("GuardedFabricADMode", 1), ("GuardedFabricTpmMode", 0)] {
            let found = results(&endorse(&["--path", &path, "--diagnostic", set]));
            let of_set = found
                .iter()
                .filter(|(_, id, _)| id == "ad-attestation-event");
            assert_eq!(of_set.count(), count, "{file} {set}");
        }
    }
    assert_eq!(
        statuses("events/ad-passed.xml", "ad-attestation-event", &[]),
        ["pass"]
    );
    assert_eq!(
        statuses("events/ad-passed.xml", "attestation-event", &[]),
        [""; 0]
    );
    assert_eq!(
        statuses("events/passed.xml", "ad-attestation-event", &[]),
        [""; 0]
    );
}

/// The states of the three policies decide which hosts pass, as their table has it.
#[test]
fn which_policies_about_dumps_are_in_force() {
    for (file, status, fails) in [
        (
            "all",
            "pass",
            "a host with memory dumps plain: fails Hgs_NoDumps and Hgs_DumpEncryption",
        ),
        (
            "encrypted",
            "pass",
            "a host with memory dumps encrypted, unknown key: fails Hgs_DumpEncryptionKey",
        ),
        (
            "open",
            "warn",
            "a host with memory dumps plain: passes these policies",
        ),
    ] {
        let file = format!("policies/{file}.xml");
        assert_eq!(
            statuses(&file, "dump-policies-present", &[]),
            [status],
            "{file}"
        );
        let text = text_of(&file, &[]);
        assert!(text.contains(fails), "{file}: {text}");
    }
}

/// The certificates of the service say what they are for.
#[test]
fn certificates_among_objects_have_a_role() {
    use base64::Engine as _;
    use endorse::diagnose::files::{Place, SavedFile, certificates};
    use endorse::diagnose::{Observation, Role, Target};
    let der = fs::read("testdata/cli/intermediate.der").unwrap();
    let raw = base64::engine::general_purpose::STANDARD.encode(&der);
    let text = format!(
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\
         <Obj RefId=\"0\"><Props><S N=\"CertificateType\">Signing</S><Obj N=\"Certificate\" \
         RefId=\"1\"><Props><BA N=\"RawData\">{raw}</BA></Props></Obj></Props></Obj></Objs>"
    );
    let found = certificates(&Target {
        name: "x".to_owned(),
        role: Role::Unknown,
        source: "x".to_owned(),
        observations: vec![Observation::File(SavedFile {
            name: "x".to_owned(),
            bytes: text.into_bytes(),
        })],
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1.place, Place::Service("Signing".to_owned()));
    assert_eq!(found[0].1.certificate.der(), der);
}

/// What the one diagnostic about reading says of these bytes: status, and what to do.
fn of_bytes(bytes: &[u8]) -> (String, String, Option<i32>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("saved.txt");
    fs::write(&path, bytes).unwrap();
    let output = endorse(&["--path", path.to_str().unwrap()]);
    let document = document(&output);
    let one = &document["results"][0]["sets"][0]["diagnostics"][0];
    assert_eq!(one["id"], "trace-readable", "{document}");
    let said = format!("{} {}", one["evidence"], one["remedy"]);
    let status = one["status"].as_str().unwrap().to_owned();
    (status, said, output.status.code())
}

#[test]
fn a_file_that_nearly_fits_is_told_what_to_do() {
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (bytes, says) in [
        (&b""[..], "it is empty"),
        (b"PK\x03\x04\x14\x00\x00\x00\xff\xfe\xfd", "unpack it"),
        (b"\x1f\x8b\x08\x00\xff\xfe\xfd", "unpack it"),
        (key, "--key-file"),
        (b"Hello, it does not work.", "docs/diagnose.md"),
        // Words of a message that do not belong together are no message.
        (
            b"fetch_ekcert = true\n\n\n\nmissing_docs = \"deny\"",
            "docs/diagnose.md",
        ),
        // Objects of which nothing is known are nothing that passes.
        (b"<a/>", "nothing in it that is known"),
    ] {
        let (status, said, code) = of_bytes(bytes);
        assert_eq!((status.as_str(), code), ("warn", Some(3)), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

/// A list that came in a mail is the list.
#[test]
fn the_marks_of_a_quoting_mail_do_not_count() {
    let list = fs::read_to_string("testdata/diagnose/access/icacls-lacking.txt").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.txt");
    let quoted: Vec<_> = list.lines().map(|line| format!("> {line}\r\n")).collect();
    fs::write(&path, quoted.concat()).unwrap();
    let text = document(&endorse(&["--path", path.to_str().unwrap()])).to_string();
    assert!(text.contains("may not read C:"), "{text}");
}

/// While nobody said which account it is, nothing is to be changed in a list that may be right.
#[test]
fn a_list_that_may_be_right_is_not_mended() {
    let text = text_of("policy/right.inf", &[]);
    assert!(text.contains("--gmsa"), "{text}");
    assert!(!text.contains("secedit"), "{text}");
    assert!(text_of("policy/gmsa-only.inf", &[]).contains("secedit"));
}
