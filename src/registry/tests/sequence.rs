//! Whatever is done in whatever order, the registry keeps what it promises.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::hash::Sha256Digest;
use crate::registry::{Filter, Host, Trust};

#[derive(Clone, Debug)]
struct Step {
    name: usize,
    eks: BTreeSet<usize>,
    kind: Kind,
    options: Options,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Trusted,
    Untrusted,
    Lie,
    Remove,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(Kind::Trusted),
        3 => Just(Kind::Untrusted),
        1 => Just(Kind::Lie),
        1 => Just(Kind::Remove),
    ];
    let version = prop_oneof![
        2 => Just(None),
        1 => Just(Some(PolicyVersion::V1)),
        1 => Just(Some(PolicyVersion::V2)),
    ];
    let options = (any::<bool>(), version, any::<bool>(), any::<bool>()).prop_map(
        |(forced, policy_version, stage, replace)| Options {
            force: forced,
            reason: forced.then(|| "because".into()),
            policy_version,
            stage: stage && !replace,
            replace,
            ..Options::default()
        },
    );
    let step = (
        0..3_usize,
        proptest::collection::btree_set(0..4_usize, 1..3),
        kind,
        options,
    )
        .prop_map(|(name, eks, kind, options)| Step {
            name,
            eks,
            kind,
            options,
        });
    proptest::collection::vec(step, 1..25)
}

fn candidate(step: &Step) -> Candidate {
    // The same name in another case now and then.
    let name = ["hv0", "HV1", "hv2"][step.name];
    let name = if step.eks.len() == 1 {
        name.to_lowercase()
    } else {
        name.to_owned()
    };
    let mut candidate = match step.kind {
        Kind::Trusted => trusted(&name, "x"),
        Kind::Untrusted => untrusted(&name, "x", &[Code::IssuerUnknown]),
        Kind::Lie | Kind::Remove => untrusted(&name, "x", &[Code::Expired, Code::KeyMismatch]),
    };
    candidate.eks = step.eks.iter().map(|seed| ek(&seed.to_string())).collect();
    candidate
}

fn ids(host: &Host) -> BTreeSet<Sha256Digest> {
    host.eks.iter().map(|ek| ek.spki_sha256).collect()
}

fn promises(bench: &Bench, shown: &BTreeSet<(String, BTreeSet<Sha256Digest>)>) {
    let hosts = bench.registry.list(&Filter::default()).unwrap();
    let names: BTreeSet<String> = hosts.iter().map(|host| host.name.to_lowercase()).collect();
    assert_eq!(names.len(), hosts.len(), "a name is there twice");
    let all: Vec<Sha256Digest> = hosts.iter().flat_map(ids).collect();
    let unique: BTreeSet<&Sha256Digest> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "an EK is there twice");
    for host in &hosts {
        match host.trust {
            Trust::Verified => {
                let key = (host.name.to_lowercase(), ids(host));
                assert!(
                    shown.contains(&key),
                    "verified without a trusted file: {host:?}"
                );
                assert!(host.waived.is_empty());
            }
            Trust::Forced => {
                assert_eq!(host.policy_version, PolicyVersion::V1);
                assert_eq!(host.reason.as_deref(), Some("because"));
                assert!(
                    host.waived
                        .iter()
                        .all(|waived| waived.code == "issuer-unknown")
                );
                assert!(!host.waived.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn promises_hold_after_every_step(steps in steps()) {
        let bench = Bench::new();
        let mut shown = BTreeSet::new();
        let mut changes = 0;
        for step in steps {
            let candidate = candidate(&step);
            let name = candidate.name.clone().unwrap();
            let before = bench.bytes();
            let changed = if step.kind == Kind::Remove {
                bench.registry.remove(&name, None, at(), WHO, false).is_ok()
            } else {
                if step.kind == Kind::Trusted {
                    let eks = candidate.eks.iter().map(|ek| ek.spki_sha256).collect();
                    shown.insert((name.to_lowercase(), eks));
                }
                let what_if = Options { what_if: true, ..step.options.clone() };
                let copy = open(&bench.path(), Mode::WhatIf);
                let told = copy.register(&candidate, &what_if, at(), WHO).unwrap();
                let done = bench.register(&candidate, &step.options);
                prop_assert_eq!(&told, &Registration { what_if: true, ..done.clone() });
                if step.kind == Kind::Lie {
                    prop_assert_eq!(done.outcome, Outcome::Rejected);
                }
                if done.outcome == Outcome::Rejected {
                    prop_assert_eq!(&done.host, &None);
                } else {
                    // Asked again, there is nothing left to do.
                    let again = bench.register(&candidate, &step.options);
                    prop_assert_eq!(again.outcome, Outcome::Unchanged);
                    prop_assert_eq!(again.host, done.host);
                }
                done.change.is_some()
            };
            changes += i64::from(changed);
            prop_assert_eq!(changed, bench.bytes() != before);
            promises(&bench, &shown);
        }
        let report = bench.registry.check(None).unwrap();
        prop_assert!(report.is_ok(), "{:?}", report.problems);
        prop_assert_eq!(report.entries, changes);
    }
}
