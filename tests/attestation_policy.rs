//! The attestation policies: the table against the published columns, the simulator, the
//! truth table of memory dumps, and error replies.
#![cfg(feature = "diagnose")]
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

#[path = "../fuzz/src/policies.rs"]
mod policies;

use std::collections::HashSet;
use std::process::Command;

use endorse::diagnose::attestation::{
    COLUMNS, DefaultState, DumpAnswer, DumpPolicies, EVENTS, Fate, Guid, HostDumps, HostState,
    Judged, MAX_STATE_LEN, POLICIES, PolicyInfo, PolicyState, PolicyStates, STATUSES, SUB_STATUSES,
    by_event, by_name, by_reason, by_substatus, dump_key, event, judge_dumps, overall, simulate,
    status, sub_status,
};
use endorse::ek::Certificate;
use endorse::finding::{Code, Fault};
use endorse::hash::{from_hex, hex};

/// Name, type, reason, sub-status, events, as they are published.
const PUBLISHED: &str = "\
Hgs_SecureBootEnabled SecureBootEnabled 6a460ee1-62ea-416f-ae6c-04e29634506d SecureBoot 1508
Hgs_UefiDebugDisabled UefiDebugDisabled 20188fda-d40b-460d-b078-2e7898a42ae9 DebugMode 1510
Hgs_SecureBootSettings SecureBootSettings 756dc455-9528-479a-a86a-c646417316c9 SecureBootSettings
Hgs_CiPolicy CiPolicy 81f110ba-53c5-4064-9d64-51029fa24f49 CodeIntegrityPolicy 1513 1538
Hgs_HypervisorEnforcedCiPolicy HypervisorEnforcedCiPolicy 5408bd30-3250-4ac1-a150-c410af756699 HypervisorEnforcedCodeIntegrityPolicy 1537
Hgs_FullBoot FullBoot 75ad09c9-7254-4d00-96f3-3b09d0aaac54 FullBoot
Hgs_VsmIdkPresent VsmIdkPresent 75d595de-12f5-41e9-a61e-469d3205ecca VirtualSecureMode 1534
- - 6c0a6d29-5bcb-4f28-bafb-f71eb60fdae0 VirtualSecureMode 1534
Hgs_IommuEnabled IommuEnabled da0776e5-6570-44b3-9a17-7e95b4fc7779 Iommu 1533
Hgs_BitLockerEnabled BitLockerEnabled 347da547-d266-4939-bf3d-9ec73a90bdbc BitLocker 1536
Hgs_PageFileEncryptionEnabled PagefileEncryptionEnabled 12df0ee9-b38e-4086-90f8-703d9e7cb878 PagefileEncryption 1535
Hgs_NoHibernation NoHibernation a32022c6-dccd-4bf5-be76-3b5ca1542559 HibernationEnabled 1539
Hgs_NoDumps NoDumps 2a796e36-e918-454f-b610-60f086e8d334 DumpsEnabled 1540
Hgs_DumpEncryption DumpEncryption 6f390a71-753c-43aa-a326-74e30aedcd9d DumpEncryption 1541
Hgs_DumpEncryptionKey DumpEncryptionKey 85dac0a4-8ba9-4a7f-a342-211862ce0be8 DumpEncryptionKey 1542
";

#[test]
fn every_name_number_and_guid_finds_its_row() {
    let lines: Vec<&str> = PUBLISHED.lines().collect();
    assert_eq!(lines.len(), POLICIES.len());
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let named = |word: &'static str| (word != "-").then_some(word);
        let reason: Guid = words[2].parse().unwrap();
        let found = by_reason(reason).expect(line);
        assert_eq!(found.name, named(words[0]), "{line}");
        assert_eq!(found.policy_type, named(words[1]), "{line}");
        assert_eq!(found.reason.to_string(), words[2]);
        assert_eq!(found.sub_status, words[3], "{line}");
        let events: Vec<String> = found.events.iter().map(u32::to_string).collect();
        assert_eq!(events, words[4..], "{line}");
        let is_it = |other: &PolicyInfo| other.reason == reason;
        if let Some(name) = found.name {
            assert!(is_it(by_name(&name.to_uppercase()).unwrap()), "{line}");
        }
        let by_status: Vec<_> = by_substatus(&words[3].to_lowercase()).collect();
        assert!(by_status.iter().any(|other| is_it(other)), "{line}");
        for id in found.events {
            assert!(by_event(*id).any(is_it), "{line}");
            assert_eq!(event(*id), None);
        }
        assert!(
            !found.demands.is_empty() && !found.remedy.is_empty(),
            "{line}"
        );
    }
    assert_eq!(by_event(1534).count(), 2);
    assert_eq!(by_substatus("VirtualSecureMode").count(), 2);
    assert_eq!(by_event(1509).count(), 0);
    assert!(by_name("Hgs_Nothing").is_none());
    assert!(by_reason(Guid(0)).is_none());
}

#[test]
fn what_one_guide_calls_by_another_name() {
    assert_eq!(
        by_name("Hgs_DumpsEnabled").unwrap().name,
        Some("Hgs_NoDumps")
    );
}

#[test]
fn what_is_documented_of_the_default_states() {
    for policy in POLICIES {
        let expected = match policy.name {
            Some("Hgs_BitLockerEnabled") => DefaultState::Disabled,
            Some("Hgs_NoDumps" | "Hgs_DumpEncryption" | "Hgs_DumpEncryptionKey") => {
                DefaultState::DisabledAfterUpdate
            }
            _ => DefaultState::Unknown,
        };
        assert_eq!(policy.default_state, expected, "{policy:?}");
    }
    let negative: Vec<_> = POLICIES.iter().filter(|one| one.is_negative).collect();
    let names: Vec<_> = negative.iter().filter_map(|one| one.name).collect();
    assert_eq!(
        names,
        [
            "Hgs_SecureBootSettings",
            "Hgs_CiPolicy",
            "Hgs_DumpEncryptionKey"
        ]
    );
    assert_eq!(COLUMNS.len(), 7);
}

#[test]
fn every_other_event_and_status_is_told() {
    let ids: Vec<u32> = EVENTS.iter().map(|event| event.id).collect();
    assert_eq!(ids, [1203, 1500, 1519, 1523, 1524]);
    for id in ids {
        assert_eq!(by_event(id).count(), 0);
        assert_eq!(event(id).unwrap().is_failure, matches!(id, 1500 | 1524));
    }
    for name in [
        "Unknown",
        "NotConfigured",
        "Passed",
        "Expired",
        "InsecureHostConfiguration",
        "UnauthorizedHost",
        "TransientError",
        "TpmError",
    ] {
        let found = status(&name.to_lowercase()).expect(name);
        assert_eq!(found.remedy.is_empty(), name == "Passed");
    }
    assert_eq!(STATUSES.len(), 8);
    for name in ["NoInformation", "TcgLogVerification"] {
        assert!(!sub_status(name).expect(name).remedy.is_empty());
        assert_eq!(by_substatus(name).count(), 0);
    }
    assert_eq!(SUB_STATUSES.len(), 2);
}

/// What the documents say, in other words than the code: with Hgs_NoDumps a host may write no
/// dumps; with Hgs_DumpEncryption those that it writes are encrypted, and with
/// Hgs_DumpEncryptionKey, which applies with that one alone, for a known key. Whether
/// Hgs_DumpEncryption by itself takes an unknown key is not said.
fn documented(policies: DumpPolicies, host: HostDumps) -> (Vec<&'static str>, DumpAnswer) {
    let writes = host != HostDumps::Off;
    let encrypted = matches!(host, HostDumps::UnknownKey | HostDumps::KnownKey);
    let mut failed = Vec::new();
    if policies.no_dumps && writes {
        failed.push("Hgs_NoDumps");
    }
    if policies.encryption && writes && !encrypted {
        failed.push("Hgs_DumpEncryption");
    }
    if policies.encryption && policies.key && host == HostDumps::UnknownKey {
        failed.push("Hgs_DumpEncryptionKey");
    }
    let is_open = policies.encryption && !policies.key && host == HostDumps::UnknownKey;
    let overall = match (failed.is_empty(), is_open) {
        (false, _) => DumpAnswer::Fail,
        (true, true) => DumpAnswer::CannotTell,
        (true, false) => DumpAnswer::Pass,
    };
    (failed, overall)
}

#[test]
fn the_truth_table_of_memory_dumps_is_whole_and_as_documented() {
    let mut rows = HashSet::new();
    for policies in DumpPolicies::ALL {
        for host in HostDumps::ALL {
            let verdict = judge_dumps(policies, host);
            let (failed, overall) = documented(policies, host);
            assert_eq!(verdict.failed(), failed, "{policies:?} {host:?}");
            assert_eq!(verdict.overall(), overall, "{policies:?} {host:?}");
            let in_force = [policies.no_dumps, policies.encryption, policies.key];
            for (on, (name, answer)) in in_force.into_iter().zip(verdict.named()) {
                assert_eq!(answer == DumpAnswer::NotInForce, !on, "{name}");
            }
            rows.insert((policies, host));
        }
    }
    assert_eq!(rows.len(), 8 * 4);
}

/// A host with nothing wrong, and every policy in force.
fn good_host() -> HostState {
    HostState {
        name: Some("hyp01".to_owned()),
        identifier_registered: Some(true),
        baseline_registered: Some(true),
        ci_policy_registered: Some(true),
        secure_boot: Some(true),
        kernel_debugging: Some(false),
        hypervisor_enforced_ci: Some(true),
        full_boot: Some(true),
        vsm_running: Some(true),
        vsm_identity_key: Some(true),
        iommu_in_use: Some(true),
        bitlocker: Some(true),
        pagefile_encrypted: Some(true),
        hibernation_enabled: Some(false),
        dumps_enabled: Some(false),
        ..HostState::default()
    }
}

fn states(state: PolicyState) -> PolicyStates {
    let mut states = PolicyStates::default();
    for name in POLICIES.iter().filter_map(|policy| policy.name) {
        states.set(name, state);
    }
    states
}

fn with(fate: Fate, judged: &[Judged]) -> Vec<&'static str> {
    let those = judged.iter().filter(|one| one.fate == fate);
    those.map(|one| one.demand.name()).collect()
}

#[test]
fn a_host_with_nothing_wrong_passes_whatever_is_in_force() {
    for state in [
        PolicyState::Enabled,
        PolicyState::Locked,
        PolicyState::Disabled,
        PolicyState::Missing,
        PolicyState::Unknown,
    ] {
        let judged = simulate(&good_host(), &states(state));
        assert_eq!(judged.len(), POLICIES.len() + 3);
        assert_eq!(overall(&judged), Fate::Pass, "{state:?}");
    }
    assert_eq!(
        overall(&simulate(&good_host(), &PolicyStates::default())),
        Fate::Pass
    );
}

/// Each field, turned around, fails what belongs to it and nothing else; unknown, it leaves
/// that open.
#[test]
fn each_policy_is_failed_by_its_own_field() {
    type Field = fn(&mut HostState) -> &mut Option<bool>;
    let cases: &[(Field, &[&str])] = &[
        (
            |host| &mut host.identifier_registered,
            &["(a TPM identifier)"],
        ),
        (
            |host| &mut host.baseline_registered,
            &["(a TPM baseline)", "Hgs_SecureBootSettings"],
        ),
        (
            |host| &mut host.ci_policy_registered,
            &["(a code integrity policy)", "Hgs_CiPolicy"],
        ),
        (|host| &mut host.secure_boot, &["Hgs_SecureBootEnabled"]),
        (
            |host| &mut host.kernel_debugging,
            &["Hgs_UefiDebugDisabled"],
        ),
        (
            |host| &mut host.hypervisor_enforced_ci,
            &["Hgs_HypervisorEnforcedCiPolicy"],
        ),
        (|host| &mut host.full_boot, &["Hgs_FullBoot"]),
        (
            |host| &mut host.vsm_running,
            &["(virtual secure mode runs)"],
        ),
        (|host| &mut host.vsm_identity_key, &["Hgs_VsmIdkPresent"]),
        (|host| &mut host.iommu_in_use, &["Hgs_IommuEnabled"]),
        (|host| &mut host.bitlocker, &["Hgs_BitLockerEnabled"]),
        (
            |host| &mut host.pagefile_encrypted,
            &["Hgs_PageFileEncryptionEnabled"],
        ),
        (|host| &mut host.hibernation_enabled, &["Hgs_NoHibernation"]),
    ];
    let enabled = states(PolicyState::Enabled);
    let unknown = states(PolicyState::Unknown);
    let mut covered = HashSet::new();
    for (field, names) in cases {
        let mut host = good_host();
        let value = field(&mut host);
        *value = value.map(|value| !value);
        let judged = simulate(&host, &enabled);
        assert_eq!(with(Fate::Fail, &judged), *names);
        assert_eq!(overall(&judged), Fate::Fail);
        // Where the state is not known, so is whether it matters.
        let judged = simulate(&host, &unknown);
        let policies: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| name.starts_with("Hgs_"))
            .collect();
        assert_eq!(with(Fate::FailIfInForce, &judged), policies);
        // A field that is missing is no pass.
        *field(&mut host) = None;
        let judged = simulate(&host, &enabled);
        assert_eq!(with(Fate::CannotTell, &judged), *names);
        assert_eq!(overall(&judged), Fate::CannotTell);
        covered.extend(names.iter().copied());
    }
    // The three about dumps have a test of their own.
    assert_eq!(covered.len(), POLICIES.len() - 3 + 3);
}

#[test]
fn what_is_not_in_force_fails_nobody() {
    let host = HostState {
        bitlocker: Some(false),
        dumps_enabled: Some(true),
        dumps_encrypted: Some(false),
        hibernation_enabled: Some(true),
        ..good_host()
    };
    for state in [PolicyState::Disabled, PolicyState::Missing] {
        let judged = simulate(&host, &states(state));
        assert_eq!(overall(&judged), Fate::Pass);
        assert_eq!(with(Fate::NotInForce, &judged).len(), POLICIES.len() - 1);
    }
    // What has to be matched has to be matched, whatever policies are disabled.
    let host = HostState {
        baseline_registered: Some(false),
        ..good_host()
    };
    let judged = simulate(&host, &states(PolicyState::Disabled));
    assert_eq!(with(Fate::Fail, &judged), ["(a TPM baseline)"]);
}

#[test]
fn memory_dumps_in_the_simulator_are_those_of_the_table() {
    for policies in DumpPolicies::ALL {
        for dumps in HostDumps::ALL {
            let mut states = states(PolicyState::Disabled);
            for (name, on) in [
                ("Hgs_NoDumps", policies.no_dumps),
                ("Hgs_DumpEncryption", policies.encryption),
                ("Hgs_DumpEncryptionKey", policies.key),
            ] {
                let state = if on {
                    PolicyState::Locked
                } else {
                    PolicyState::Disabled
                };
                states.set(name, state);
            }
            let host = HostState {
                dumps_enabled: Some(dumps != HostDumps::Off),
                dumps_encrypted: Some(matches!(dumps, HostDumps::UnknownKey | HostDumps::KnownKey)),
                dump_key_registered: Some(dumps == HostDumps::KnownKey),
                ..good_host()
            };
            let judged = simulate(&host, &states);
            let (failed, overall_documented) = documented(policies, dumps);
            assert_eq!(with(Fate::Fail, &judged), failed);
            let expected = match overall_documented {
                DumpAnswer::Pass => Fate::Pass,
                DumpAnswer::Fail => Fate::Fail,
                _ => Fate::CannotTell,
            };
            assert_eq!(overall(&judged), expected, "{policies:?} {dumps:?}");
        }
    }
}

#[test]
fn dumps_of_which_little_is_known() {
    let fate = |host: &HostState, states: &PolicyStates, name: &str| {
        let judged = simulate(host, states);
        let mut found = judged.into_iter().filter(|one| one.demand.name() == name);
        found.next().unwrap().fate
    };
    let enabled = states(PolicyState::Enabled);
    let unknown = HostState::default();
    for name in ["Hgs_NoDumps", "Hgs_DumpEncryption", "Hgs_DumpEncryptionKey"] {
        assert_eq!(fate(&unknown, &enabled, name), Fate::CannotTell);
    }
    // Whether they are encrypted does not matter to Hgs_NoDumps.
    let writes = HostState {
        dumps_enabled: Some(true),
        ..HostState::default()
    };
    assert_eq!(fate(&writes, &enabled, "Hgs_NoDumps"), Fate::Fail);
    assert_eq!(
        fate(&writes, &enabled, "Hgs_DumpEncryption"),
        Fate::CannotTell
    );
    // Without dumps the others do not apply, whatever is said of their encryption.
    let off = HostState {
        dumps_enabled: Some(false),
        dumps_encrypted: Some(false),
        ..HostState::default()
    };
    assert_eq!(fate(&off, &enabled, "Hgs_NoDumps"), Fate::Pass);
    assert_eq!(
        fate(&off, &enabled, "Hgs_DumpEncryption"),
        Fate::NotApplicable
    );
    // An unknown key, and nobody knows whether the key is asked for.
    let other_key = HostState {
        dumps_enabled: Some(true),
        dumps_encrypted: Some(true),
        dump_key_registered: Some(false),
        ..HostState::default()
    };
    let states = states(PolicyState::Unknown);
    assert_eq!(
        fate(&other_key, &states, "Hgs_DumpEncryption"),
        Fate::CannotTell
    );
    assert_eq!(
        fate(&other_key, &states, "Hgs_DumpEncryptionKey"),
        Fate::CannotTell
    );
    assert_eq!(
        fate(&other_key, &enabled, "Hgs_DumpEncryptionKey"),
        Fate::Fail
    );
}

#[test]
fn the_state_of_a_host_in_json() {
    let read = |text: &str| HostState::from_json(text.as_bytes());
    let host = good_host();
    let text = serde_json::to_string(&host).unwrap();
    assert_eq!(read(&text).unwrap(), host);
    assert_eq!(read(&format!("\u{feff}{text}")).unwrap(), host);
    let empty = r#"{"schema":"endorse.host-state/1"}"#;
    assert_eq!(read(empty).unwrap(), HostState::default());
    let null = r#"{"schema":"endorse.host-state/1","secure_boot":null}"#;
    assert_eq!(read(null).unwrap(), HostState::default());
    for (wrong, says) in [
        ("{}", "missing field `schema`"),
        (
            r#"{"schema":"endorse.host-state/2"}"#,
            "not 'endorse.host-state/1'",
        ),
        (r#"{"schema":1}"#, "expected a string"),
        (
            r#"{"schema":"endorse.host-state/1","secureboot":true}"#,
            "unknown field",
        ),
        (
            r#"{"schema":"endorse.host-state/1","secure_boot":"yes"}"#,
            "expected a boolean",
        ),
        (
            r#"{"schema":"endorse.host-state/1","secure_boot":true,"secure_boot":false}"#,
            "duplicate field",
        ),
        ("[", "EOF"),
        ("", "no text"),
    ] {
        let error = read(wrong).unwrap_err();
        assert_eq!(error.code, Some(Code::JsonMalformed), "{wrong}");
        assert!(error.to_string().contains(says), "{wrong}: {error}");
    }
    let blank = " ".repeat(MAX_STATE_LEN - empty.len());
    assert!(read(&format!("{empty}{blank}")).is_ok());
    let error = read(&format!("{empty}{blank} ")).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge));
}

#[test]
fn the_schema_has_every_field_of_a_host() {
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string("docs/host-state.schema.json").unwrap())
            .unwrap();
    let named: HashSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let host = serde_json::to_value(good_host()).unwrap();
    let own: HashSet<&String> = host.as_object().unwrap().keys().collect();
    assert_eq!(named, own);
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn the_states_of_policies_in_json() {
    let read = |policies: &str| {
        let text = format!(r#"{{"schema":"endorse.policy-states/1","policies":{policies}}}"#);
        PolicyStates::from_json(text.as_bytes())
    };
    let states = read(
        r#"{"hgs_nodumps":"disabled","Hgs_FullBoot":"locked","Hgs_BitLockerEnabled":"enabled",
            "Hgs_DumpEncryption":"missing","Hgs_CiPolicy":null}"#,
    )
    .unwrap();
    for (name, state) in [
        ("Hgs_NoDumps", PolicyState::Disabled),
        ("Hgs_FullBoot", PolicyState::Locked),
        ("Hgs_BitLockerEnabled", PolicyState::Enabled),
        ("Hgs_DumpEncryption", PolicyState::Missing),
        ("Hgs_CiPolicy", PolicyState::Unknown),
        ("Hgs_IommuEnabled", PolicyState::Unknown),
    ] {
        assert_eq!(states.of(name), state, "{name}");
    }
    let default = PolicyStates::default();
    assert_eq!(read("{}").unwrap(), default);
    assert_eq!(default.of("Hgs_BitLockerEnabled"), PolicyState::Disabled);
    for (wrong, says) in [
        (
            r#"{"Hgs_Dumps":"disabled"}"#,
            "no default policy 'Hgs_Dumps'",
        ),
        (r#"{"Hgs_NoDumps":"off"}"#, "unknown variant"),
        (
            r#"{"Hgs_NoDumps":"disabled","Hgs_NoDumps":"enabled"}"#,
            "named twice",
        ),
        (
            r#"{"Hgs_NoDumps":"disabled","HGS_NODUMPS":"disabled"}"#,
            "named twice",
        ),
        ("[]", "an object of names"),
    ] {
        let error = read(wrong).unwrap_err();
        assert_eq!(error.code, Some(Code::JsonMalformed), "{wrong}");
        assert!(error.to_string().contains(says), "{wrong}: {error}");
    }
}

/// The rows of the page are those of the code.
#[test]
fn the_page_has_the_tables() {
    let page = std::fs::read_to_string("docs/attestation-policies.md").unwrap();
    let has = |row: String| assert!(page.lines().any(|line| line == row), "{row}");
    for policy in POLICIES {
        let events: Vec<String> = policy.events.iter().map(u32::to_string).collect();
        has(format!(
            "| {}{} | {} | {} | {} | {} | {} |",
            policy.name_or_reason(),
            if policy.is_negative { " (−)" } else { "" },
            policy.policy_type.unwrap_or_default(),
            policy.reason,
            policy.sub_status,
            events.join(", "),
            policy.default_state.as_str()
        ));
    }
    for policies in DumpPolicies::ALL {
        for host in HostDumps::ALL {
            let verdict = judge_dumps(policies, host);
            let on = |on: bool| if on { "on" } else { "off" };
            let outcome = match verdict.overall() {
                DumpAnswer::Fail => "fails",
                DumpAnswer::CannotTell => "cannot tell",
                _ => "passes",
            };
            let fails = match (outcome, host) {
                ("passes", HostDumps::Plain) => "(memory may be saved in the clear)".to_owned(),
                _ => verdict.failed().join(", "),
            };
            has(format!(
                "| {} | {} | {} | {} | {outcome} | {fails} |",
                on(policies.no_dumps),
                on(policies.encryption),
                on(policies.key),
                host.as_str()
            ));
        }
    }
    for file in ["hyp01-state", "policies"] {
        let file = std::fs::read_to_string(format!("testdata/policies/{file}.json")).unwrap();
        assert!(page.contains(&file));
    }
}

/// That a host passed is said with a certificate; one that is none says nothing.
#[test]
fn a_health_certificate_that_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("reply.json");
    let kind = "HealthCertificateReply:#Microsoft.Windows.RemoteAttestation.Core";
    let good = std::fs::read("testdata/hgs-certificates/signing.cer").unwrap();
    let good = endorse::trust::read_certificates(&good).unwrap();
    let good = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, good[0].der());
    for (certificate, code) in [(good.as_str(), 0), ("AAAA", 3), ("?", 3)] {
        let content = format!("[{{\"m_Item1\":1,\"m_Item2\":\"{certificate}\"}}]");
        let text = format!("{{\"__type\":\"{kind}\",\"Content\":{content}}}");
        std::fs::write(&file, text).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_endorse"))
            .args(["attestation-policy", "decode"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{certificate}");
    }
}

/// The blob made by hand from what openssl says of the key, and hashed by sha256sum.
#[test]
fn the_hash_of_a_dump_key_is_that_of_its_blob() {
    let dir = tempfile::tempdir().unwrap();
    let sh = |line: &str| {
        let output = Command::new("bash")
            .args(["-ec", line])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let certificate = |kind: &str| {
        sh(&format!(
            "openssl req -x509 -newkey {kind} -nodes -keyout key.pem -subj /CN=dumps -outform der \
             -out cert.der 2>&1"
        ));
        Certificate::from_der(&std::fs::read(dir.path().join("cert.der")).unwrap()).unwrap()
    };
    let key = dump_key(&certificate("rsa:2048")).unwrap();
    // RSA1, 2048 bits, an exponent of 3 octets, a modulus of 256, no primes.
    let blob = sh(
        "printf 525341310008000003000000000100000000000000000000010001; \
         openssl x509 -inform der -in cert.der -noout -modulus | sed s/Modulus=//",
    );
    assert_eq!(hex(&key.blob), blob.to_lowercase());
    std::fs::write(dir.path().join("blob"), from_hex(&blob).unwrap()).unwrap();
    let digest = sh("sha256sum blob | cut -c1-64");
    assert_eq!(key.hash.to_string(), digest);
    let spki = sh(
        "openssl x509 -inform der -in cert.der -noout -pubkey | openssl pkey -pubin -outform der | \
         sha256sum | cut -c1-64",
    );
    assert_eq!(key.others[0].1.to_string(), spki);
    for other in ["rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-256"] {
        let error = dump_key(&certificate(other)).unwrap_err();
        assert_eq!(error.fault, Fault::Rejected, "{other}");
    }
}

/// A machine with nothing right, through the whole program; in every build, as its TPM is
/// not there.
#[cfg(feature = "cli")]
#[test]
fn a_machine_as_the_program_sees_it() {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in [
        ("proc/cpuinfo", "flags\t\t: fpu hypervisor\n"),
        (
            "proc/swaps",
            "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n",
        ),
        ("proc/sys/kernel/hostname", "old7\n"),
        ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
        ("sys/firmware/acpi/tables/DMAR", "DMAR"),
        ("sys/kernel/iommu_groups/.keep", ""),
        ("sys/kernel/kexec_crash_loaded", "1\n"),
        (
            "sys/kernel/security/lockdown",
            "[none] integrity confidentiality\n",
        ),
        ("sys/power/state", "freeze mem disk\n"),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    std::fs::remove_file(root.path().join("sys/kernel/iommu_groups/.keep")).unwrap();
    let endorse = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_endorse"))
            .args(args)
            .output()
            .unwrap()
    };
    let tree = root.path().to_str().unwrap();
    let output = endorse(&[
        "diagnose",
        "--host",
        "--json",
        "--system-root",
        tree,
        "--tcti",
        "device:/nowhere/tpm",
    ]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let target = &document["results"][0];
    assert_eq!(target["target"], "old7");
    let sets = target["sets"].as_array().unwrap();
    let all = sets
        .iter()
        .flat_map(|set| set["diagnostics"].as_array().unwrap());
    let all: Vec<_> = all
        .map(|one| (one["id"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        all,
        [
            ("kernel-lockdown", "warn"),
            ("hibernation", "warn"),
            ("crash-dumps", "warn"),
            ("swap-encryption", "warn"),
            ("identifier-readable", "warn"),
            ("tpm-present", "fail"),
            ("secure-boot", "fail"),
            ("iommu", "fail"),
            ("virtualization", "fail"),
            ("tpm-ready", "warn"),
            ("tpm-lockout", "warn"),
        ]
    );
    assert_eq!(output.status.code(), Some(1));
    // Where to look says nothing unless there is something to look at.
    assert_eq!(
        endorse(&["diagnose", "--system-root", tree]).status.code(),
        Some(2)
    );
}

/// The fuzzers' corpus, and every small file of the test data, through their invariants.
#[test]
fn the_corpus_of_the_fuzzers() {
    let replay = |folder: &str, check: fn(&[u8])| {
        let entries = std::fs::read_dir(folder).unwrap();
        let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{folder} is empty");
        for file in files.into_iter().filter(|path| path.is_file()) {
            check(&std::fs::read(file).unwrap());
        }
    };
    replay("fuzz/corpus/hgsa_reply", policies::hgsa_reply);
    replay("fuzz/corpus/host_state", policies::host_state);
    for folder in ["testdata/policies", "testdata/cli", "testdata/windows"] {
        replay(folder, policies::hgsa_reply);
        replay(folder, policies::host_state);
    }
}

/// As `Out-File` of PowerShell 5 writes it.
#[test]
fn a_state_in_utf_16_is_read() {
    let text = r#"{"schema": "endorse.host-state/1", "secure_boot": true}"#;
    let utf8 = HostState::from_json(text.as_bytes()).unwrap();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(HostState::from_json(&utf16).unwrap(), utf8);
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    assert_eq!(HostState::from_json(&with_mark).unwrap(), utf8);
    let broken = HostState::from_json(&utf16[..utf16.len() - 1]).unwrap_err();
    assert_eq!(broken.code, Some(Code::EncodingUnknown));
}
