use proptest::prelude::*;

use super::*;
use crate::diagnose::files::SavedFile;
use crate::diagnose::{Question, Role, Status, diagnose};
use crate::finding::Fault;

fn made_at() -> Time {
    Time::parse_rfc3339("2026-11-20T08:00:00Z").unwrap()
}

fn file(name: &str, bytes: &[u8]) -> Observation {
    Observation::File(SavedFile {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    })
}

fn target(name: &str, observations: Vec<Observation>) -> Target {
    Target {
        name: name.to_owned(),
        role: Role::GuardedHost,
        source: "this machine".to_owned(),
        observations,
    }
}

fn written(targets: Vec<Target>) -> String {
    let bundle = Bundle::new(targets, made_at(), "endorse TEST");
    String::from_utf8(bundle.to_bytes().unwrap()).unwrap()
}

fn sample() -> Vec<Target> {
    vec![
        target(
            "hyp01",
            vec![file("a.inf", b"[Unicode]"), file("b.bin", b"\xff\0\x01")],
        ),
        target("hyp02", vec![file("a.inf", b"[Version]")]),
    ]
}

/// What is missing, and why.
fn missing(bundle: &Bundle) -> Vec<(&str, &str, Cause)> {
    let observations = bundle
        .targets
        .iter()
        .flat_map(|target| &target.observations);
    observations
        .filter_map(|observation| match observation {
            Observation::Missing(one) => Some((&*one.what, &*one.why, one.cause)),
            _ => None,
        })
        .collect()
}

fn any_target() -> impl Strategy<Value = Target> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        "(?s).{0,200}".prop_map(String::into_bytes),
        "\\[Privilege Rights\\]\r\nSeAuditPrivilege = (\\*S-1-5-(19|20),?){0,3}\r\n"
            .prop_map(String::into_bytes),
    ];
    let observation = prop_oneof![
        (".{0,30}", bytes).prop_map(|(name, bytes)| file(&name, &bytes)),
        (".{0,20}", ".{0,20}", 0..3).prop_map(|(what, why, cause)| Observation::Missing(Missing {
            what,
            why,
            cause: [Cause::Secret, Cause::Newer, Cause::Damaged][usize::try_from(cause).unwrap()],
        })),
    ];
    let role = proptest::sample::select(vec![
        Role::HostGuardianService,
        Role::GuardedHost,
        Role::Fabric,
        Role::Unknown,
    ]);
    let observations = proptest::collection::vec(observation, 0..6);
    (".{0,20}", role, ".{0,20}", observations).prop_map(|(name, role, source, observations)| {
        Target {
            name,
            role,
            source,
            observations,
        }
    })
}

proptest! {
    /// What was collected is judged as if it had been seen here.
    #[test]
    fn nothing_is_lost_on_the_way(targets in proptest::collection::vec(any_target(), 0..5)) {
        let bundle = Bundle::new(targets, made_at(), "endorse TEST");
        let again = Bundle::read(&bundle.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(&again, &bundle);
        let question = Question::new(bundle.made_at);
        prop_assert_eq!(
            diagnose(&again.targets, &question),
            diagnose(&bundle.targets, &question)
        );
        // Collecting it once more changes nothing.
        let twice = Bundle::new(again.targets, made_at(), "endorse TEST");
        prop_assert_eq!(twice, bundle);
    }

    /// Whatever comes, it ends, and what is read is written and read again.
    #[test]
    fn any_change_is_survived(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut bytes = written(sample()).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = octet;
        if let Ok(bundle) = Bundle::read(&bytes) {
            bundle.to_bytes().unwrap();
        }
    }
}

#[test]
fn it_says_what_it_holds() {
    let text = written(sample());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "endorse.bundle/1");
    assert_eq!(value["made_at"], "2026-11-20T08:00:00Z");
    assert_eq!(value["made_by"], "endorse TEST");
    assert_eq!(value["left_out"], serde_json::json!([]));
    assert_eq!(
        value["holds"][1],
        serde_json::json!({
            "what": "file",
            "of": "hyp01",
            "name": "b.bin",
            "at": null,
            "size": 3,
            "sha256": sha256(b"\xff\0\x01").to_string(),
        })
    );
    // First, so that who is asked for it can read it.
    assert!(text.find("\"holds\"").unwrap() < text.find("\"targets\"").unwrap());
    assert!(Bundle::is_one(text.as_bytes()));
    assert!(Bundle::is_one(
        b"\xef\xbb\xbf {\r\n\"schema\" : \"endorse.bundle/2\""
    ));
    for other in ["", "{", "{\"schema\":\"endorse.diagnose/1\"", "[Unicode]"] {
        assert!(!Bundle::is_one(other.as_bytes()), "{other}");
    }
}

#[test]
fn every_kind_that_is_written_is_read() {
    // A field that is added later has to have a default, so this stays true.
    let node = serde_json::from_str(
        "{\"at\":1700000000,\"service\":{\"https\":true,\"host\":\"hgs.bastion.test\",\"port\":443}}",
    )
    .unwrap();
    let host = serde_json::from_str("{\"at\":1700000001}").unwrap();
    let key_file = serde_json::from_str(
        "{\"path\":\"/keys/a\",\"account\":{\"name\":\"hgs\",\"uid\":7,\"gids\":[]},\
         \"steps\":[],\"trouble\":null}",
    )
    .unwrap();
    let seen = vec![
        Observation::Node(node),
        Observation::Host(host),
        Observation::KeyFile(key_file),
    ];
    let bundle = Bundle::new(vec![target("x", seen)], made_at(), "endorse TEST");
    assert_eq!(Bundle::read(&bundle.to_bytes().unwrap()).unwrap(), bundle);
    let holds = bundle.holds();
    assert_eq!(holds[0].what, "node");
    assert_eq!(holds[0].at.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(holds[1].what, "host");
    assert_eq!((&*holds[2].what, &*holds[2].name), ("key-file", "/keys/a"));
    for (observation, line) in bundle.targets[0].observations.iter().zip(&holds) {
        let json = serde_json::to_value(observation).unwrap();
        assert_eq!(json["kind"], *line.what);
    }
}

#[test]
fn what_is_damaged_costs_only_itself() {
    let good = written(sample());
    let change = |from: &str, to: &str| {
        assert_eq!(good.matches(from).count(), 1, "{from}");
        Bundle::read(good.replace(from, to).as_bytes()).unwrap()
    };
    // A file's content: W1VuaWNvZGVd is "[Unicode]".
    let changed = change("W1VuaWNvZGVd", "W1VuaWNvZGVe");
    assert_eq!(
        missing(&changed),
        [(
            "a.inf",
            "its content is not the one that was collected: SHA-256 differs",
            Cause::Damaged
        )]
    );
    // The others are there.
    assert_eq!(changed.holds().len(), 2);
    // No base64, so the name is not known, but the list has it.
    let changed = change("W1VuaWNvZGVd", "W1VuaWN!ZGVd");
    let seen = missing(&changed);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0, "observation 1, of the kind 'file'");
    assert_eq!(
        seen[1],
        (
            "file a.inf of hyp01",
            "it is listed, but not there",
            Cause::Damaged
        )
    );
    // A kind of a later version.
    let later = "{\"kind\":\"tpm-log\",\"at\":1},{\"kind\":\"file\",\"name\":\"b.bin\"";
    let (head, tail) = good
        .split_once("\"name\": \"b.bin\",\n          \"bytes\"")
        .unwrap();
    let head = head.trim_end().strip_suffix("\"kind\": \"file\",").unwrap();
    let head = head.trim_end().strip_suffix('{').unwrap();
    let changed = format!("{head}{later},\"bytes\"{tail}");
    let changed = Bundle::read(changed.as_bytes()).unwrap();
    assert_eq!(
        missing(&changed),
        [(
            "observation 2, of the kind 'tpm-log'",
            "this version does not know this kind of observation",
            Cause::Newer
        )]
    );
    assert_eq!(changed.holds().len(), 3);
    // A target that is none.
    let (head, tail) = good.split_once("\"name\": \"hyp02\"").unwrap();
    let changed = format!("{head}\"name\": 7{tail}");
    let changed = Bundle::read(changed.as_bytes()).unwrap();
    assert_eq!(missing(&changed)[0].0, "target 2");
    assert_eq!(changed.targets.len(), 3);
    // A role of a later version.
    let (head, tail) = good.split_once("\"role\": \"guarded-host\"").unwrap();
    let changed = Bundle::read(format!("{head}\"role\": \"witness\"{tail}").as_bytes()).unwrap();
    assert_eq!(missing(&changed)[0].2, Cause::Newer);
    assert_eq!(changed.targets[0].role, Role::Unknown);
    // One that nobody listed.
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    let mut value = value;
    value["holds"].as_array_mut().unwrap().remove(0);
    let changed = Bundle::read(value.to_string().as_bytes()).unwrap();
    assert_eq!(
        missing(&changed),
        [(
            "a.inf",
            "it is not in the list of what the bundle holds",
            Cause::Damaged
        )]
    );
}

/// What is missing is told, with something to do.
#[test]
fn what_is_missing_is_diagnosed() {
    let of = |cause| {
        let one = Observation::Missing(Missing {
            what: "x".to_owned(),
            why: "y".to_owned(),
            cause,
        });
        let report = diagnose(&[target("hyp01", vec![one])], &Question::new(made_at()));
        let set = report.targets[0].sets[0].clone();
        assert_eq!(set.set, crate::diagnose::Set::Base);
        assert_eq!(set.diagnostics.len(), 1);
        let one = &set.diagnostics[0];
        assert_eq!(one.status, Status::Warn);
        assert_eq!(one.evidence, ["x: y"]);
        assert_eq!(one.remedy.len(), 1);
        one.definition.id
    };
    assert_eq!(of(Cause::Secret), "bundle-complete");
    assert_eq!(of(Cause::Newer), "bundle-parts-read");
    assert_eq!(of(Cause::Damaged), "bundle-parts-read");
}

#[test]
fn what_is_no_bundle_is_refused() {
    let good = written(sample());
    let code = |text: &str| {
        let error = Bundle::read(text.as_bytes()).unwrap_err();
        assert!(!error.help.is_empty());
        (error.fault, error.code.unwrap())
    };
    let malformed = (Fault::Malformed, Code::JsonMalformed);
    assert_eq!(code(""), malformed);
    assert_eq!(code(good.split_at(good.len() / 2).0), malformed);
    assert_eq!(
        code(&good.replace("2026-11-20T08:00:00Z", "soon")),
        malformed
    );
    assert_eq!(code(&good.replace("\"made_by\"", "\"made\"")), malformed);
    assert_eq!(
        code(&good.replace("endorse.bundle/1", "endorse.bundle/2")),
        (Fault::Unsupported, Code::InputUnrecognised)
    );
    // Nested deeply, in each place: read or refused, but in time and without a deep stack.
    for place in ["\"holds\": [", "\"targets\": [", "\"observations\": ["] {
        let (head, tail) = good.split_once(place).unwrap();
        let deep = "[".repeat(200_000);
        let text = format!("{head}{place}{deep}{}, {tail}", "]".repeat(200_000));
        match Bundle::read(text.as_bytes()) {
            Ok(bundle) => assert!(!missing(&bundle).is_empty(), "{place}"),
            Err(error) => assert_eq!(error.code, Some(Code::JsonMalformed), "{place}"),
        }
    }
}

/// Both sides of each limit.
#[test]
fn limits() {
    let header = "{\"schema\":\"endorse.bundle/1\",\"made_at\":\"2026-11-20\",\"made_by\":\"x\",\"holds\":[],\"targets\":[";
    let targets = |count: usize, observations: usize| {
        let one = format!(
            "{{\"name\":\"\",\"role\":\"unknown\",\"source\":\"\",\"observations\":[{}]}}",
            vec![
                "{\"kind\":\"missing\",\"what\":\"\",\"why\":\"\",\"cause\":\"newer\"}";
                observations
            ]
            .join(",")
        );
        let text = format!("{header}{}]}}", vec![one; count].join(","));
        Bundle::read(text.as_bytes()).map_err(|error| error.code.unwrap())
    };
    assert_eq!(targets(MAX_TARGETS, 0).unwrap().targets.len(), MAX_TARGETS);
    assert_eq!(
        targets(MAX_TARGETS + 1, 0).unwrap_err(),
        Code::JsonMalformed
    );
    assert!(targets(1, MAX_ITEMS).is_ok());
    assert_eq!(
        targets(2, MAX_ITEMS / 2 + 1).unwrap_err(),
        Code::InputTooLarge
    );
    // A target that is too long by itself is damaged.
    let bundle = targets(1, MAX_ITEMS + 1).unwrap();
    assert_eq!(missing(&bundle)[0].0, "target 1");

    let seen = |len: usize| {
        let head = "{\"kind\":\"host\",\"at\":1,\"later\":\"";
        let text = format!(
            "{header}{{\"name\":\"\",\"role\":\"unknown\",\"source\":\"\",\"observations\":[{head}{}\"}}]}}]}}",
            "x".repeat(len - head.len() - 2)
        );
        Bundle::read(text.as_bytes()).unwrap()
    };
    assert!(missing(&seen(MAX_SEEN_LEN)).is_empty());
    assert_eq!(missing(&seen(MAX_SEEN_LEN + 1)).len(), 1);

    let error = Bundle::read(&vec![b' '; MAX_BUNDLE_LEN + 1]).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge));
    let large = target("x", vec![file("y", &vec![b'z'; MAX_BUNDLE_LEN / 4 * 3])]);
    let error = Bundle::new(vec![large], made_at(), "x")
        .to_bytes()
        .unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
    let many = vec![target("x", Vec::new()); MAX_TARGETS + 1];
    let error = Bundle::new(many, made_at(), "x").to_bytes().unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
}

#[test]
fn a_secret_is_left_out_and_named() {
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let bundle = Bundle::new(
        vec![target(
            "hgs01",
            vec![file("tls.key", key), file("a.inf", b"[Unicode]")],
        )],
        made_at(),
        "endorse TEST",
    );
    let text = String::from_utf8(bundle.to_bytes().unwrap()).unwrap();
    assert!(!text.contains("AAAA"));
    assert!(!text.contains("QUFBQ"), "in base64");
    assert_eq!(
        bundle.left_out(),
        [LeftOut {
            of: "hgs01".to_owned(),
            name: "tls.key".to_owned(),
            why: "it has a private key in PEM".to_owned(),
        }]
    );
    assert_eq!(bundle.holds().len(), 1);
    assert_eq!(Bundle::read(text.as_bytes()).unwrap(), bundle);
}
