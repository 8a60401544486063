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

use endorse::diagnose::attestation::{
    COLUMNS, DefaultState, EVENTS, Guid, POLICIES, PolicyInfo, STATUSES, SUB_STATUSES, by_event,
    by_name, by_reason, by_substatus, event, status, sub_status,
};

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
