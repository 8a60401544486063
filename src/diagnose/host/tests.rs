use super::*;
use crate::diagnose::{Remedy, Role, Status, diagnose};
use crate::hash::sha256;
use crate::host::{Iommu, KernelTpm, SecureBoot, Swap, Virtualisation};
use crate::registry::PolicyVersion;

/// A host with nothing wrong.
fn good() -> PlatformFacts {
    PlatformFacts {
        tpm: Fact::Known(Some(KernelTpm {
            name: "tpm0".to_owned(),
            major: Some(2),
            resource_manager: true,
        })),
        secure_boot: Fact::Known(SecureBoot::On),
        iommu: Fact::Known(Iommu {
            units: 2,
            groups: 20,
            passthrough: 0,
            in_firmware: true,
        }),
        virtualisation: Fact::Known(Virtualisation {
            extensions: true,
            slat: true,
            kvm: true,
        }),
        hypervisor: None,
        lockdown: Fact::Known("integrity".to_owned()),
        hibernation: Fact::Known(false),
        crash_kernel: Fact::Known(false),
        swaps: Fact::Known(Vec::new()),
    }
}

fn answer() -> TpmAnswer {
    TpmAnswer {
        revision: Some(138),
        in_lockout: Some(false),
        lockout_interval: Some(600),
        keys: 1,
    }
}

fn target(name: &str, seen: HostObservation) -> Target {
    Target {
        name: name.to_owned(),
        role: Role::GuardedHost,
        source: "a test".to_owned(),
        observations: vec![Observation::Host(seen)],
    }
}

fn seen() -> HostObservation {
    HostObservation::new(Time::from_unix(0))
}

/// What is not a pass, by id. Each has a remedy.
fn wrong(found: &[Diagnostic]) -> Vec<(&'static str, Status)> {
    let wrong = found.iter().filter(|one| one.status > Status::Pass);
    wrong
        .map(|one| {
            assert!(!one.remedy.is_empty(), "{one:?}");
            (one.definition.id, one.status)
        })
        .collect()
}

fn of(seen: HostObservation, question: &Question) -> Vec<Diagnostic> {
    diagnostics(&target("h", seen), question)
}

fn question() -> Question {
    Question::new(Time::from_unix(0))
}

fn of_platform(change: impl FnOnce(&mut PlatformFacts)) -> Vec<(&'static str, Status)> {
    let mut platform = good();
    change(&mut platform);
    let mut host = seen();
    host.platform = Some(Box::new(platform));
    wrong(&of(host, &question()))
}

fn of_tpm(tpm: TpmSeen) -> Vec<(&'static str, Status)> {
    let mut host = seen();
    host.tpm = Some(tpm);
    wrong(&of(host, &question()))
}

#[test]
fn nothing_is_said_of_what_was_not_looked_at() {
    assert!(of(seen(), &question()).is_empty());
}

#[test]
fn each_fact_of_the_platform_on_both_sides() {
    use Status::{Fail, Warn};
    fn kernel(facts: &mut PlatformFacts) -> &mut KernelTpm {
        match &mut facts.tpm {
            Fact::Known(Some(tpm)) => tpm,
            other => panic!("{other:?}"),
        }
    }
    fn iommu(facts: &mut PlatformFacts) -> &mut Iommu {
        match &mut facts.iommu {
            Fact::Known(iommu) => iommu,
            other => panic!("{other:?}"),
        }
    }
    fn processor(facts: &mut PlatformFacts) -> &mut Virtualisation {
        match &mut facts.virtualisation {
            Fact::Known(facts) => facts,
            other => panic!("{other:?}"),
        }
    }
    type Change = fn(&mut PlatformFacts);
    let swap = |protected| Swap {
        path: "/dev/sda2".to_owned(),
        protected,
    };
    assert_eq!(of_platform(|_| {}), []);
    let cases: &[(Change, &str, Status)] = &[
        (|facts| facts.tpm = Fact::Known(None), "tpm-present", Fail),
        (|facts| kernel(facts).major = Some(1), "tpm-version", Fail),
        (|facts| kernel(facts).major = None, "tpm-version", Warn),
        (
            |facts| kernel(facts).resource_manager = false,
            "tpm-version",
            Warn,
        ),
        (
            |facts| facts.secure_boot = Fact::Known(SecureBoot::Off),
            "secure-boot",
            Fail,
        ),
        (
            |facts| facts.secure_boot = Fact::Known(SecureBoot::NoUefi),
            "secure-boot",
            Fail,
        ),
        (
            |facts| facts.secure_boot = Fact::Known(SecureBoot::SetupMode),
            "secure-boot",
            Fail,
        ),
        (|facts| iommu(facts).groups = 0, "iommu", Fail),
        (|facts| iommu(facts).passthrough = 1, "iommu", Warn),
        (
            |facts| processor(facts).extensions = false,
            "virtualization",
            Fail,
        ),
        (
            |facts| processor(facts).slat = false,
            "virtualization",
            Fail,
        ),
        (
            |facts| facts.lockdown = Fact::Known("none".to_owned()),
            "kernel-lockdown",
            Warn,
        ),
        (
            |facts| facts.hibernation = Fact::Known(true),
            "hibernation",
            Warn,
        ),
        (
            |facts| facts.crash_kernel = Fact::Known(true),
            "crash-dumps",
            Warn,
        ),
    ];
    for (change, id, status) in cases {
        assert_eq!(of_platform(change), [(*id, *status)]);
    }
    for (protected, expected) in [
        (Some(true), None),
        (Some(false), Some(Warn)),
        (None, Some(Warn)),
    ] {
        let found = of_platform(|facts| facts.swaps = Fact::Known(vec![swap(protected)]));
        let status = found.first().map(|(_, status)| *status);
        assert_eq!(status, expected, "{protected:?}");
    }
    // What does not matter.
    assert_eq!(of_platform(|facts| processor(facts).kvm = false), []);
    assert_eq!(of_platform(|facts| iommu(facts).in_firmware = false), []);
}

#[test]
fn what_could_not_be_found_out_is_a_warning() {
    let why = || "no permission".to_owned();
    let all = of_platform(|facts| {
        *facts = PlatformFacts {
            tpm: Fact::Unknown(why()),
            secure_boot: Fact::Unknown(why()),
            iommu: Fact::Unknown(why()),
            virtualisation: Fact::Unknown(why()),
            hypervisor: None,
            lockdown: Fact::Unknown(why()),
            hibernation: Fact::Unknown(why()),
            crash_kernel: Fact::Unknown(why()),
            swaps: Fact::Unknown(why()),
        };
    });
    let ids: Vec<_> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        ids,
        [
            "tpm-present",
            "secure-boot",
            "iommu",
            "virtualization",
            "kernel-lockdown",
            "hibernation",
            "crash-dumps",
            "swap-encryption"
        ]
    );
    assert!(all.iter().all(|(_, status)| *status == Status::Warn));
}

#[test]
fn how_the_tpm_answered() {
    use Status::{Fail, Warn};
    let answered = |change: fn(&mut TpmAnswer)| {
        let mut answer = answer();
        change(&mut answer);
        of_tpm(TpmSeen::Answered(answer))
    };
    assert_eq!(answered(|_| {}), []);
    assert_eq!(answered(|answer| answer.revision = None), []);
    assert_eq!(answered(|answer| answer.revision = Some(116)), []);
    assert_eq!(
        answered(|answer| answer.revision = Some(115)),
        [("tpm-ready", Warn)]
    );
    assert_eq!(answered(|answer| answer.keys = 0), [("tpm-ready", Fail)]);
    assert_eq!(
        answered(|answer| answer.in_lockout = Some(true)),
        [("tpm-lockout", Fail)]
    );
    assert_eq!(
        answered(|answer| answer.in_lockout = None),
        [("tpm-lockout", Warn)]
    );
    let (message, help) = ("it is broken".to_owned(), "mend it".to_owned());
    let failed = TpmSeen::Failed {
        message: message.clone(),
        help: help.clone(),
    };
    assert_eq!(of_tpm(failed), [("tpm-ready", Fail)]);
    let not_reached = TpmSeen::NotReached { message, help };
    assert_eq!(
        of_tpm(not_reached),
        [("tpm-ready", Warn), ("tpm-lockout", Warn)]
    );
}

/// Files of testdata/cli.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../testdata/cli/", $name)).as_slice())),*]
    };
}

const FILES: &[(&str, &[u8])] = files!(
    "hyp01.xml" "hyp01-utf16.xml" "hyp02.xml" "copy.xml" "new-tpm.xml" "no-ekcert.xml"
    "key-mismatch.xml" "cut.xml"
);

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(own, _)| *own == name).unwrap().1
}

fn with_file(name: &str) -> HostObservation {
    let mut host = seen();
    let bytes = file(name).to_vec();
    host.identifier = Some(Fact::Known(IdentifierFile { bytes }));
    host
}

#[test]
fn an_identifier_and_its_ekcert() {
    use Status::{Fail, Warn};
    let unjudged = [
        ("identifier-trusted", Warn),
        ("attestation-would-authorize", Warn),
    ];
    assert_eq!(wrong(&of(with_file("hyp01.xml"), &question())), unjudged);
    let found = wrong(&of(with_file("no-ekcert.xml"), &question()));
    assert_eq!(found[0], ("identifier-ekcert", Fail));
    let found = of(with_file("key-mismatch.xml"), &question());
    assert_eq!(wrong(&found)[0], ("identifier-ekcert", Fail));
    assert!(found[1].evidence[0].contains("of another key"));
    let found = of(with_file("cut.xml"), &question());
    assert_eq!(wrong(&found), [("identifier-readable", Fail)]);
    let rest: Vec<_> = found[1..].iter().map(|one| one.status).collect();
    assert_eq!(rest, [Status::NotApplicable; 2]);
    let mut host = seen();
    host.identifier = Some(Fact::Unknown("the TPM was not read".to_owned()));
    assert_eq!(
        wrong(&of(host, &question())),
        [("identifier-readable", Warn)]
    );
}

#[test]
fn what_a_service_would_say() {
    use Status::{Fail, Warn};
    let file_sha256 = sha256(file("hyp01.xml"));
    let judged = |is_trusted, lookup| {
        let mut question = question();
        question.judgements = vec![Judgement {
            file_sha256,
            is_trusted,
            errors: match is_trusted {
                true => Vec::new(),
                false => vec![("it is wrong [expired]".to_owned(), "mend it".to_owned())],
            },
            lookup,
        }];
        of(with_file("hyp01.xml"), &question)
    };
    let registered = |is_staged, is_forced, version| Lookup::Registered {
        name: "it's".to_owned(),
        is_staged,
        is_forced,
        version,
        by: "tester on 2027-01-01T00:00:00Z".to_owned(),
        others: Vec::new(),
    };
    let authorize = "attestation-would-authorize";
    let good = judged(true, registered(false, false, PolicyVersion::V2));
    assert_eq!(wrong(&good), []);
    assert_eq!(
        good[3].evidence[1],
        "registered by tester on 2027-01-01T00:00:00Z"
    );
    assert!(good[3].evidence[2].contains("only the TPM identifier"));
    // Of two keys one is registered, and which one the host shows is not known.
    let Lookup::Registered {
        mut others,
        name,
        is_staged,
        is_forced,
        version,
        by,
    } = registered(false, false, PolicyVersion::V2)
    else {
        unreachable!()
    };
    others.push(sha256(b"another key"));
    let lookup = Lookup::Registered {
        others,
        name,
        is_staged,
        is_forced,
        version,
        by,
    };
    let found = judged(true, lookup);
    assert_eq!(wrong(&found), [(authorize, Warn)]);
    let other = sha256(b"another key").to_string();
    assert!(
        found[3].evidence[1].ends_with(&other),
        "{:?}",
        found[3].evidence
    );
    let found = judged(true, Lookup::NotRegistered);
    assert_eq!(wrong(&found), [(authorize, Fail)]);
    assert!(found[3].evidence[0].contains("UnauthorizedHost"));
    let found = judged(true, Lookup::NotAsked("there is none".to_owned()));
    assert_eq!(wrong(&found), [(authorize, Warn)]);
    let found = judged(true, registered(true, false, PolicyVersion::V2));
    assert_eq!(wrong(&found), [(authorize, Fail)]);
    let command = Remedy::Sh(r"endorse register-host --name 'it'\''s' HOST.xml".to_owned());
    assert!(found[3].remedy.contains(&command), "{:?}", found[3].remedy);
    let found = judged(true, registered(false, true, PolicyVersion::V1));
    assert_eq!(wrong(&found), [(authorize, Warn)]);
    let found = judged(false, registered(false, false, PolicyVersion::V2));
    assert_eq!(wrong(&found), [("identifier-trusted", Fail)]);
    assert!(
        found[2]
            .evidence
            .contains(&"it is wrong [expired]".to_owned())
    );
    // The judgement of another file is none of this one.
    let mut question = question();
    question.judgements = vec![Judgement {
        file_sha256: sha256(b"another"),
        is_trusted: true,
        errors: Vec::new(),
        lookup: Lookup::NotRegistered,
    }];
    assert_eq!(wrong(&of(with_file("hyp01.xml"), &question)).len(), 2);
}

#[test]
fn cloned_and_changed_hosts() {
    let compare = |names: &[&str]| {
        let targets: Vec<_> = names
            .iter()
            .map(|name| target(name, with_file(name)))
            .collect();
        let report = diagnose(&targets, &question());
        let fabric = report
            .targets
            .into_iter()
            .find(|one| one.role == Role::Fabric);
        fabric.map(|one| one.sets[0].diagnostics[0].clone())
    };
    assert_eq!(compare(&["hyp01.xml"]), None);
    let status = |names: &[&str]| compare(names).unwrap().status;
    assert_eq!(status(&["hyp01.xml", "hyp02.xml"]), Status::Pass);
    // The same host twice, in another encoding.
    assert_eq!(status(&["hyp01.xml", "hyp01-utf16.xml"]), Status::Pass);
    let clone = compare(&["hyp01.xml", "hyp02.xml", "copy.xml"]).unwrap();
    assert_eq!(clone.definition.id, "identifier-duplicates");
    assert_eq!(clone.status, Status::Fail);
    assert!(clone.evidence[0].starts_with("copy.xml, hyp01.xml have the endorsement key dd3c075e"));
    // One machine under two names; one machine with two TPMs.
    assert_eq!(status(&["hyp02.xml", "new-tpm.xml"]), Status::Fail);
    assert_eq!(status(&["hyp02.xml", "copy.xml"]), Status::Warn);
}

#[test]
fn an_observation_survives_a_bundle() {
    let mut host = with_file("hyp01.xml");
    host.platform = Some(Box::new(good()));
    host.tpm = Some(TpmSeen::Answered(answer()));
    let observation = Observation::Host(host);
    let text = serde_json::to_string(&observation).unwrap();
    assert_eq!(
        serde_json::from_str::<Observation>(&text).unwrap(),
        observation
    );
    // One that knows less, as an older program would write it.
    let text = r#"{"kind":"host","at":5}"#;
    assert_eq!(
        serde_json::from_str::<Observation>(text).unwrap(),
        Observation::Host(HostObservation::new(Time::from_unix(5)))
    );
}

#[test]
fn every_diagnostic_is_listed_once() {
    let mut ids: Vec<_> = DEFINITIONS.iter().map(|one| one.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), DEFINITIONS.len());
}
