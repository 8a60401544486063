//! What may follow what: names, EKs, versions, staging, replacing, removing.

use super::*;
use crate::finding::{Fault, Severity};
use crate::registry::{Action, Change, Filter, State, Trust};

fn actions(bench: &Bench, name: Option<&str>) -> Vec<Action> {
    let trail = bench.registry.history(name).unwrap();
    trail.iter().map(|entry| entry.entry.action).collect()
}

fn names(bench: &Bench, filter: &Filter) -> Vec<String> {
    let hosts = bench.registry.list(filter).unwrap();
    hosts.into_iter().map(|host| host.name).collect()
}

#[test]
fn the_same_again_is_unchanged_and_writes_nothing() {
    let bench = Bench::new();
    let first = bench
        .add(&trusted("hv1", "a"), &Options::default())
        .host
        .unwrap();
    let before = bench.bytes();
    // The same file, the name in other case, other facts about the machine.
    let mut other_file = trusted("HV1", "a");
    other_file.machine = Machine::default();
    other_file.file = b"another file".to_vec();
    other_file.file_sha256 = sha256(&other_file.file);
    for candidate in [trusted("hv1", "a"), trusted("HV1", "a"), other_file] {
        for options in [
            Options::default(),
            version(PolicyVersion::V2),
            stage(),
            force(),
        ] {
            let registration = bench.register(&candidate, &options);
            assert_eq!(registration.outcome, Outcome::Unchanged);
            assert_eq!(registration.host.unwrap(), first);
        }
    }
    assert_eq!(bench.bytes(), before);
    assert_eq!(actions(&bench, None), [Action::Register]);
}

#[test]
fn a_forced_host_again_by_force_is_unchanged() {
    let bench = Bench::new();
    bench.add(&bare("hv1", "a"), &force());
    assert_eq!(
        bench.register(&bare("hv1", "a"), &force()).outcome,
        Outcome::Unchanged
    );
    // Without force it is judged anew, and refused.
    assert_eq!(
        bench
            .register(&bare("hv1", "a"), &Options::default())
            .outcome,
        Outcome::Rejected
    );
    assert_eq!(names(&bench, &Filter::default()), ["hv1"]);
}

#[test]
fn another_ek_under_the_name_needs_replace() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let registration = bench.register(&trusted("Hv1", "b"), &Options::default());
    assert_eq!(registration.outcome, Outcome::Rejected);
    assert_eq!(codes(&registration), ["duplicate-name"]);
    assert!(registration.findings[0].help.contains("--replace"));
    // Force is no way round it.
    let registration = bench.register(&bare("hv1", "b"), &force());
    assert_eq!(codes(&registration), ["duplicate-name"]);

    let registration = bench.add(&trusted("hv1", "b"), &replace());
    assert_eq!(registration.change, Some(Change::Replaced));
    assert_eq!(bench.registry.show("hv1").unwrap().eks, [ek("b")]);
    assert_eq!(
        actions(&bench, Some("HV1")),
        [Action::Register, Action::Replace]
    );
    let trail = bench.registry.history(None).unwrap();
    assert_eq!(trail[1].entry.supersedes, Some(trail[0].entry.host_id));
    // The old one is kept, and its EK is free for another host.
    let ended = Filter {
        ended: true,
        ..Filter::default()
    };
    let states: Vec<State> = bench
        .registry
        .list(&ended)
        .unwrap()
        .iter()
        .map(|host| host.state)
        .collect();
    assert_eq!(states, [State::Superseded, State::Active]);
    bench.add(&trusted("hv2", "a"), &Options::default());
    // Replacing by what is there already is nothing.
    assert_eq!(
        bench.register(&trusted("hv1", "b"), &replace()).outcome,
        Outcome::Unchanged
    );
    bench.assert_whole();
}

#[test]
fn an_ek_never_goes_to_another_name() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    bench.add(&trusted("hv2", "b"), &Options::default());
    for (candidate, options) in [
        (trusted("hv3", "a"), Options::default()),
        (trusted("hv3", "a"), replace()),
        (trusted("hv2", "a"), replace()),
        (trusted("hv3", "a"), stage()),
        (bare("hv3", "a"), force()),
        (
            bare("hv2", "a"),
            Options {
                replace: true,
                ..force()
            },
        ),
    ] {
        let registration = bench.register(&candidate, &options);
        assert_eq!(registration.outcome, Outcome::Rejected);
        assert_eq!(codes(&registration), ["duplicate-ek"]);
        let finding = &registration.findings[0];
        assert!(finding.message.contains("host hv1"), "{finding:?}");
        assert!(finding.message.contains(&ek("a").spki_sha256.to_string()));
        assert!(finding.help.contains("cloned"), "{finding:?}");
    }
    assert_eq!(names(&bench, &Filter::default()), ["hv1", "hv2"]);
    // Removed, it is free.
    bench
        .registry
        .remove("hv1", Some("scrapped"), at(), WHO, false)
        .unwrap();
    bench.add(&trusted("hv3", "a"), &Options::default());
    bench.assert_whole();
}

#[test]
fn several_eks_are_one_host() {
    let both = |name: &str| Candidate {
        eks: vec![ek("a"), ek("b")],
        ..trusted(name, "a")
    };
    let bench = Bench::new();
    bench.add(&both("hv1"), &Options::default());
    // In the other order it is the same host, and told in part as well.
    let turned = Candidate {
        eks: vec![ek("b"), ek("a")],
        ..both("hv1")
    };
    assert_eq!(
        bench.register(&turned, &Options::default()).outcome,
        Outcome::Unchanged
    );
    assert_eq!(
        bench
            .register(&trusted("hv1", "b"), &Options::default())
            .outcome,
        Outcome::Unchanged
    );
    // Each of them is taken.
    for seed in ["a", "b"] {
        let registration = bench.register(&trusted("hv2", seed), &Options::default());
        assert_eq!(codes(&registration), ["duplicate-ek"]);
    }
    let registration = bench.register(&both("hv2"), &Options::default());
    assert_eq!(codes(&registration), ["duplicate-ek", "duplicate-ek"]);
    // A key that the host did not have must not slip in beside one that it has.
    let more = Candidate {
        eks: vec![ek("a"), ek("b"), ek("c")],
        ..both("hv1")
    };
    let registration = bench.register(&more, &Options::default());
    assert_eq!(codes(&registration), ["duplicate-name"]);
    bench.add(&more, &replace());
    assert_eq!(bench.registry.show("hv1").unwrap().eks.len(), 3);
    bench.assert_whole();
}

#[test]
fn the_other_policy_version_is_a_conflict() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let registration = bench.register(&trusted("hv1", "a"), &version(PolicyVersion::V1));
    assert_eq!(registration.outcome, Outcome::Rejected);
    assert_eq!(codes(&registration), ["policy-version-conflict"]);
    // A verified host is never lowered in passing.
    let registration = bench.register(&untrusted("hv1", "a", &[Code::Expired]), &force());
    assert_eq!(codes(&registration), ["policy-version-conflict"]);
    let moved = Options {
        replace: true,
        ..version(PolicyVersion::V1)
    };
    bench.add(&trusted("hv1", "a"), &moved);
    // Without a version it keeps the one it has.
    assert_eq!(
        bench
            .register(&trusted("hv1", "a"), &Options::default())
            .outcome,
        Outcome::Unchanged
    );
    assert_eq!(
        bench.register(&trusted("hv1", "a"), &replace()).outcome,
        Outcome::Unchanged
    );
    let registration = bench.register(&trusted("hv1", "a"), &version(PolicyVersion::V2));
    assert_eq!(codes(&registration), ["policy-version-conflict"]);
    let registration = bench.register(&untrusted("hv1", "a", &[Code::Expired]), &force());
    assert_eq!(codes(&registration), ["duplicate-name"]);
    assert_eq!(bench.registry.show("hv1").unwrap().trust, Trust::Verified);
    let lowered = Options {
        replace: true,
        ..force()
    };
    bench.add(&untrusted("hv1", "a", &[Code::Expired]), &lowered);
    assert_eq!(bench.registry.show("hv1").unwrap().trust, Trust::Forced);
    bench.assert_whole();
}

#[test]
fn a_forced_host_becomes_verified_when_its_file_is_trusted() {
    for (options, expected) in [
        (Options::default(), PolicyVersion::V2),
        (version(PolicyVersion::V2), PolicyVersion::V2),
        (version(PolicyVersion::V1), PolicyVersion::V1),
    ] {
        let bench = Bench::new();
        bench.add(&untrusted("hv1", "a", &[Code::IssuerUnknown]), &force());
        let registration = bench.add(&trusted("hv1", "a"), &options);
        assert_eq!(registration.change, Some(Change::Upgraded));
        assert_eq!(codes(&registration), ["forced"]);
        assert_eq!(registration.findings[0].severity, Severity::Info);
        let host = registration.host.unwrap();
        assert_eq!(
            (host.trust, host.policy_version),
            (Trust::Verified, expected)
        );
        assert!(host.waived.is_empty());
        assert_eq!(
            actions(&bench, Some("hv1")),
            [Action::Force, Action::Upgrade]
        );
        bench.assert_whole();
    }
}

#[test]
fn an_upgrade_needs_all_eks_of_the_host() {
    let bench = Bench::new();
    let both = Candidate {
        eks: vec![ek("a"), ek("b")],
        ..bare("hv1", "a")
    };
    bench.add(&both, &force());
    let registration = bench.register(&trusted("hv1", "a"), &Options::default());
    assert_eq!(codes(&registration), ["duplicate-name"]);
    assert_eq!(bench.registry.show("hv1").unwrap().trust, Trust::Forced);
}

#[test]
fn staged_hosts_are_kept_but_not_in_force() {
    let bench = Bench::new();
    let registration = bench.register(&trusted("hv1", "a"), &stage());
    assert_eq!(registration.outcome, Outcome::Staged);
    assert_eq!(registration.host.unwrap().state, State::Staged);
    assert_eq!(
        bench.register(&trusted("hv1", "a"), &stage()).outcome,
        Outcome::Unchanged
    );
    // Its name and its EK are reserved.
    assert_eq!(
        codes(&bench.register(&trusted("hv2", "a"), &Options::default())),
        ["duplicate-ek"]
    );
    assert_eq!(
        codes(&bench.register(&trusted("hv1", "b"), &Options::default())),
        ["duplicate-name"]
    );
    let active = Filter {
        state: Some(State::Active),
        ..Filter::default()
    };
    assert!(names(&bench, &active).is_empty());

    let registration = bench.add(&trusted("hv1", "a"), &Options::default());
    assert_eq!(registration.change, Some(Change::Activated));
    assert_eq!(names(&bench, &active), ["hv1"]);
    assert_eq!(actions(&bench, None), [Action::Stage, Action::Activate]);
    bench.assert_whole();
}

#[test]
fn staging_obeys_the_force_table_and_replaces_nothing() {
    let bench = Bench::new();
    assert_eq!(
        bench.register(&bare("hv1", "a"), &stage()).outcome,
        Outcome::Rejected
    );
    let staged = bench.register(
        &bare("hv1", "a"),
        &Options {
            stage: true,
            ..force()
        },
    );
    assert_eq!(staged.outcome, Outcome::Staged);
    assert_eq!(staged.host.unwrap().trust, Trust::Forced);
    // An active forced host is not changed by a staged, trusted file.
    bench.add(&bare("hv1", "a"), &force());
    assert_eq!(
        codes(&bench.register(&trusted("hv1", "a"), &stage())),
        ["duplicate-name"]
    );
    let error = bench
        .registry
        .register(
            &trusted("hv1", "b"),
            &Options {
                replace: true,
                ..stage()
            },
            at(),
            WHO,
        )
        .unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
    bench.assert_whole();
}

#[test]
fn what_if_answers_and_leaves_every_byte() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    bench.add(&bare("hv2", "b"), &force());
    let before = bench.bytes();
    let what_if = |options: Options| Options {
        what_if: true,
        ..options
    };
    for (candidate, options, outcome, change) in [
        (
            trusted("hv3", "c"),
            Options::default(),
            Outcome::Registered,
            Some(Change::New),
        ),
        (
            trusted("hv3", "c"),
            stage(),
            Outcome::Staged,
            Some(Change::New),
        ),
        (
            bare("hv3", "c"),
            force(),
            Outcome::Registered,
            Some(Change::New),
        ),
        (
            trusted("hv1", "c"),
            replace(),
            Outcome::Registered,
            Some(Change::Replaced),
        ),
        (
            trusted("hv2", "b"),
            Options::default(),
            Outcome::Registered,
            Some(Change::Upgraded),
        ),
        (
            trusted("hv1", "a"),
            Options::default(),
            Outcome::Unchanged,
            None,
        ),
        (
            trusted("hv1", "c"),
            Options::default(),
            Outcome::Rejected,
            None,
        ),
        (
            trusted("hv3", "a"),
            Options::default(),
            Outcome::Rejected,
            None,
        ),
    ] {
        let registration = bench.register(&candidate, &what_if(options));
        assert_eq!(
            (registration.outcome, registration.change),
            (outcome, change)
        );
        assert!(registration.what_if);
        assert_eq!(bench.bytes(), before);
    }
    let host = bench.registry.remove("hv1", None, at(), WHO, true).unwrap();
    assert_eq!(host.state, State::Removed);
    assert_eq!(bench.bytes(), before);
    // Only the registry is in its directory.
    assert_eq!(std::fs::read_dir(bench.dir.path()).unwrap().count(), 1);
    // The answers were true: asked in earnest, the same comes.
    assert_eq!(
        bench.register(&trusted("hv1", "c"), &replace()).change,
        Some(Change::Replaced)
    );
}

#[test]
fn what_if_without_a_registry_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let registry = open(&path, Mode::WhatIf);
    let options = Options {
        what_if: true,
        ..Options::default()
    };
    let registration = registry
        .register(&trusted("hv1", "a"), &options, at(), WHO)
        .unwrap();
    assert_eq!(registration.outcome, Outcome::Registered);
    assert!(!path.exists());
}

#[test]
fn what_ifs_on_a_copy_count_for_those_that_follow() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let copy = open(&bench.path(), Mode::WhatIf);
    // The registry may change meanwhile; nothing locks it.
    bench.register(&trusted("hv0", "z"), &Options::default());
    let options = Options {
        what_if: true,
        ..Options::default()
    };
    let ask = |candidate: &Candidate| copy.register(candidate, &options, at(), WHO).unwrap();
    assert_eq!(ask(&trusted("hv1", "a")).outcome, Outcome::Unchanged);
    assert_eq!(ask(&trusted("hv2", "b")).outcome, Outcome::Registered);
    assert_eq!(ask(&trusted("hv2", "b")).outcome, Outcome::Unchanged);
    assert_eq!(codes(&ask(&trusted("hv3", "b"))), ["duplicate-ek"]);
    copy.remove("hv2", None, at(), WHO, true).unwrap();
    assert_eq!(ask(&trusted("hv3", "b")).outcome, Outcome::Registered);
    // What is meant in earnest must not be lost with the copy.
    let error = copy
        .register(&trusted("hv4", "d"), &Options::default(), at(), WHO)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
    assert!(copy.remove("hv1", None, at(), WHO, false).is_err());
    assert!(copy.import("", None, at(), WHO, false).is_err());
    assert!(
        copy.record_recheck(1, &trusted("hv1", "a"), at(), WHO)
            .is_err()
    );
    drop(copy);
    assert_eq!(names(&bench, &Filter::default()), ["hv0", "hv1"]);
    bench.assert_whole();
}

#[test]
fn the_same_machine_with_another_ek_is_a_warning() {
    let with_guid = |name: &str, seed: &str, guid: &str| {
        let mut candidate = trusted(name, seed);
        candidate.machine.guid = Some(guid.to_owned());
        candidate
    };
    let guid = "67F8C025-DE98-47EB-A000-0123456789AB";
    let bench = Bench::new();
    bench.add(&with_guid("hv1", "a", guid), &Options::default());
    for (name, seed, guid) in [
        ("hv2", "b", guid),
        ("hv3", "c", "{67f8c025-de98-47eb-a000-0123456789ab}"),
    ] {
        let registration = bench.add(&with_guid(name, seed, guid), &Options::default());
        assert!(
            codes(&registration)
                .iter()
                .all(|code| *code == "duplicate-machine")
        );
        let finding = &registration.findings[0];
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains("hv1"), "{finding:?}");
    }
    // A replaced mainboard is no second machine.
    let bench = Bench::new();
    bench.add(&with_guid("hv1", "a", guid), &Options::default());
    let registration = bench.add(&with_guid("hv1", "b", guid), &replace());
    assert!(registration.findings.is_empty());
    // Placeholders tell nothing.
    for guid in [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009",
    ] {
        let bench = Bench::new();
        for seed in ["a", "b"] {
            let registration = bench.add(&with_guid(seed, seed, guid), &Options::default());
            assert!(registration.findings.is_empty(), "{guid}");
        }
    }
}

#[test]
fn where_the_name_comes_from() {
    let bench = Bench::new();
    let named = |name: Option<&str>, key: Option<&str>| Options {
        name: name.map(str::to_owned),
        foreign_key: key.map(str::to_owned),
        ..Options::default()
    };
    let host = bench
        .add(&trusted("file", "a"), &Options::default())
        .host
        .unwrap();
    assert_eq!(
        (host.name.as_str(), host.foreign_key.as_deref()),
        ("file", Some("file"))
    );
    let host = bench
        .add(&trusted("file", "b"), &named(Some(" given "), None))
        .host
        .unwrap();
    assert_eq!(
        (host.name.as_str(), host.foreign_key.as_deref()),
        ("given", Some("file"))
    );
    let host = bench
        .add(&trusted("file", "c"), &named(None, Some("key")))
        .host
        .unwrap();
    assert_eq!(
        (host.name.as_str(), host.foreign_key.as_deref()),
        ("key", Some("key"))
    );
    // What is refused anyway is refused without asking for a name.
    let refused = Candidate {
        name: None,
        ..untrusted("x", "d", &[Code::Revoked])
    };
    for options in [Options::default(), force()] {
        let registration = bench.register(&refused, &options);
        assert_eq!(registration.outcome, Outcome::Rejected);
    }
    let nameless = Candidate {
        name: None,
        ..trusted("x", "d")
    };
    let error = bench
        .registry
        .register(&nameless, &Options::default(), at(), WHO)
        .unwrap_err();
    assert!(error.help.contains("--name"));
    let error = bench
        .registry
        .register(&nameless, &named(Some("a\nb"), None), at(), WHO)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
}

#[test]
fn show_list_and_remove() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    bench.add(&bare("hv2", "b"), &force());
    bench.add(&trusted("other", "c"), &Options::default());
    let (spki, windows) = (
        ek("b").spki_sha256.to_string(),
        ek("b").windows_sha256.to_string(),
    );
    for needle in [
        "HV2",
        &spki,
        &spki[..8],
        &spki[..9].to_uppercase(),
        &windows,
        &windows[..8],
    ] {
        assert_eq!(bench.registry.show(needle).unwrap().name, "hv2", "{needle}");
    }
    for needle in ["hv3", &spki[..7], &"0".repeat(65), "zz345678"] {
        assert_eq!(
            bench.registry.show(needle).unwrap_err().fault,
            Fault::Misuse,
            "{needle}"
        );
    }
    let filter = |name: &str| Filter {
        name: Some(name.into()),
        ..Filter::default()
    };
    assert_eq!(names(&bench, &filter("HV")), ["hv1", "hv2"]);
    let forced = Filter {
        trust: Some(Trust::Forced),
        ..Filter::default()
    };
    assert_eq!(names(&bench, &forced), ["hv2"]);
    let v2 = Filter {
        policy_version: Some(PolicyVersion::V2),
        ..Filter::default()
    };
    assert_eq!(names(&bench, &v2), ["hv1", "other"]);
    let by_ek = Filter {
        ek: Some(spki[..8].to_owned()),
        ..Filter::default()
    };
    assert_eq!(names(&bench, &by_ek), ["hv2"]);

    let removed = bench
        .registry
        .remove(&spki[..16], Some("scrapped"), at(), "auditor", false)
        .unwrap();
    assert_eq!(
        (removed.name.as_str(), removed.state),
        ("hv2", State::Removed)
    );
    assert!(bench.registry.show("hv2").is_err());
    assert!(
        bench
            .registry
            .remove("hv2", None, at(), WHO, false)
            .is_err()
    );
    let trail = bench.registry.history(Some("hv2")).unwrap();
    assert_eq!(trail[1].entry.action, Action::Remove);
    assert_eq!(trail[1].entry.reason.as_deref(), Some("scrapped"));
    assert_eq!(trail[1].entry.who, "auditor");
    let gone = Filter {
        state: Some(State::Removed),
        ..Filter::default()
    };
    assert_eq!(names(&bench, &gone), ["hv2"]);
    bench.assert_whole();
}

#[test]
fn rechecks_are_recorded_and_change_neither_trust_nor_state() {
    let bench = Bench::new();
    bench.add(&untrusted("hv1", "a", &[Code::IssuerUnknown]), &force());
    let originals = bench.registry.originals(&Filter::default()).unwrap();
    assert_eq!(originals.len(), 1);
    assert_eq!(originals[0].file, trusted("hv1", "a").file);
    let id = originals[0].host.id;
    let recheck = |candidate: &Candidate| {
        bench
            .registry
            .record_recheck(id, candidate, at(), WHO)
            .unwrap()
    };

    let report = recheck(&untrusted("hv1", "a", &[Code::IssuerUnknown]));
    assert!(!report.trusted && !report.changed && report.before.is_none());
    let report = recheck(&Candidate {
        store: sha256(b"newer"),
        ..trusted("hv1", "a")
    });
    assert!(report.trusted && report.changed && report.before.is_some());
    let report = recheck(&untrusted(
        "hv1",
        "a",
        &[Code::Revoked, Code::Expired, Code::Revoked],
    ));
    assert!(!report.trusted && report.changed);

    let host = bench.registry.show("hv1").unwrap();
    assert_eq!((host.trust, host.state), (Trust::Forced, State::Active));
    assert_eq!(host.recheck.unwrap().codes, ["expired", "revoked"]);
    let trail = bench.registry.history(None).unwrap();
    assert_eq!(trail[2].entry.store, sha256(b"newer").to_string());
    assert_eq!(trail[2].entry.rechecked_trusted, Some(true));
    assert!(
        bench
            .registry
            .record_recheck(id, &trusted("hv1", "b"), at(), WHO)
            .is_err()
    );
    assert!(
        bench
            .registry
            .record_recheck(99, &trusted("hv1", "a"), at(), WHO)
            .is_err()
    );
    bench.assert_whole();
    // Still so when the host ends.
    bench
        .registry
        .remove("hv1", None, at(), WHO, false)
        .unwrap();
    assert!(
        bench
            .registry
            .record_recheck(id, &trusted("hv1", "a"), at(), WHO)
            .is_err()
    );
    bench.assert_whole();
}

/// An imported document may name one EK and hold the file of another.
#[test]
fn a_recheck_of_a_file_for_another_key_is_no_proof() {
    let bench = Bench::new();
    bench.add(&trusted("hv1", "a"), &Options::default());
    let id = bench.registry.show("hv1").unwrap().id;
    let other = Candidate {
        eks: vec![ek("b")],
        ..trusted("hv1", "a")
    };
    let report = bench
        .registry
        .record_recheck(id, &other, at(), WHO)
        .unwrap();
    assert!(!report.trusted && report.changed);
    let host = bench.registry.show("hv1").unwrap();
    assert_eq!(host.recheck.unwrap().codes, ["key-mismatch"]);
    // A file that says more than it did is no trouble.
    let more = Candidate {
        eks: vec![ek("b"), ek("a")],
        ..trusted("hv1", "a")
    };
    let report = bench.registry.record_recheck(id, &more, at(), WHO).unwrap();
    assert!(report.trusted);
    bench.assert_whole();
}

#[test]
fn a_name_that_looks_like_the_ek_of_another_host() {
    let bench = Bench::new();
    bench.add(&bare("hv2", "b"), &force());
    let spki = ek("b").spki_sha256.to_string();
    bench.add(&trusted(&spki[..12], "d"), &Options::default());
    let error = bench.registry.show(&spki[..12]).unwrap_err();
    assert!(error.message.contains("hv2"), "{error}");
    let error = bench.registry.remove(&spki[..12], None, at(), WHO, false);
    assert_eq!(error.unwrap_err().fault, Fault::Misuse);
    assert_eq!(bench.registry.show(&spki[..13]).unwrap().name, "hv2");
    let own = ek("d").spki_sha256.to_string();
    bench.registry.remove(&own, None, at(), WHO, false).unwrap();
    assert_eq!(bench.registry.show(&spki[..12]).unwrap().name, "hv2");
    bench.assert_whole();
}
