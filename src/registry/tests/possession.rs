//! Challenges: made for registered hosts, answered once, and what a proof is good for.

use super::*;
use crate::finding::Fault;
use crate::possession::tests::SoftTpm;
use crate::possession::{Answer, Challenge};
use crate::registry::{Action, AnswerReport, Filter, State, Trust};

/// The host `name` with the EKs of a TPM.
fn with_tpm(name: &str, tpm: &SoftTpm) -> Candidate {
    let eks = tpm.keys().into_iter().map(|key| HostEk {
        algorithm: key.algorithm().to_string(),
        spki_der: key.spki_der().to_vec(),
        spki_sha256: key.spki_sha256(),
        windows_sha256: key.windows_sha256(),
    });
    Candidate {
        eks: eks.collect(),
        ..trusted(name, name)
    }
}

fn require() -> Options {
    Options {
        require_possession: true,
        ..Options::default()
    }
}

fn later(seconds: i64) -> Time {
    Time::from_unix(at().unix() + seconds)
}

impl Bench {
    fn challenge(&self, tpm: &SoftTpm, host: &str) -> Challenge {
        self.registry
            .challenge(&tpm.request(), Some(host), 3600, at(), WHO)
            .unwrap()
    }

    fn answer(&self, answer: &Answer) -> AnswerReport {
        self.registry.answer(answer, later(60), WHO).unwrap()
    }

    fn prove(&self, tpm: &SoftTpm, host: &str) {
        let report = self.answer(&tpm.answer(&self.challenge(tpm, host)));
        assert!(report.is_proven(), "{report:?}");
    }
}

fn refusals(report: &AnswerReport) -> Vec<Code> {
    report.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn stage_prove_activate() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-1", "L-2"]);
    let candidate = with_tpm("hv1", &tpm);
    // Without a proof it is refused, with the remedy.
    let refused = bench.register(&candidate, &require());
    assert_eq!(refused.outcome, Outcome::Rejected);
    assert_eq!(codes(&refused), ["possession-missing"]);
    assert!(refused.findings[0].help.contains("--stage"));

    bench.register(&candidate, &stage());
    assert_eq!(
        bench.register(&candidate, &require()).outcome,
        Outcome::Rejected
    );
    bench.prove(&tpm, "hv1");
    let staged = bench.registry.show("hv1").unwrap();
    assert_eq!(staged.state, State::Staged);
    let proof = staged.possession.unwrap();
    assert_eq!(proof.proven_at, later(60));
    assert_eq!(proof.ak_name, tpm.request().ak.name());

    let active = bench.add(&candidate, &require()).host.unwrap();
    assert_eq!(active.possession, Some(proof));
    assert_eq!(bench.registry.show("hv1").unwrap(), active);
    assert_eq!(
        bench.register(&candidate, &require()).outcome,
        Outcome::Unchanged
    );
    bench.assert_whole();
    let actions: Vec<_> = bench
        .registry
        .history(Some("hv1"))
        .unwrap()
        .iter()
        .map(|entry| entry.entry.action)
        .collect();
    assert_eq!(
        actions,
        [
            Action::Stage,
            Action::Challenge,
            Action::Prove,
            Action::Activate
        ]
    );
}

#[test]
fn a_policy_demands_it_as_well() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-2"]);
    let candidate = Candidate {
        requires_possession: true,
        ..with_tpm("hv1", &tpm)
    };
    assert_eq!(
        codes(&bench.register(&candidate, &Options::default())),
        ["possession-missing"]
    );
    // Force waives what is missing of the EKcert, not this.
    let forced = Candidate {
        requires_possession: true,
        eks: candidate.eks.clone(),
        ..bare("hv1", "hv1")
    };
    assert_eq!(
        codes(&bench.register(&forced, &force())),
        ["possession-missing"]
    );
    bench.register(
        &forced,
        &Options {
            stage: true,
            ..force()
        },
    );
    bench.prove(&tpm, "hv1");
    let host = bench.add(&forced, &force()).host.unwrap();
    assert_eq!(host.trust, Trust::Forced);
    assert!(host.possession.is_some());

    // A recheck under such a policy wants it, too.
    bench.add(&trusted("hv2", "b"), &Options::default());
    let other = bench.registry.show("hv2").unwrap();
    let again = Candidate {
        requires_possession: true,
        ..trusted("hv2", "b")
    };
    let report = bench
        .registry
        .record_recheck(other.id, &again, at(), WHO)
        .unwrap();
    assert!(!report.trusted);
    assert_eq!(
        report.host.recheck.unwrap().codes,
        ["possession-missing".to_owned()]
    );
    bench.assert_whole();
}

#[test]
fn an_answer_counts_once() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-2"]);
    bench.add(&with_tpm("hv1", &tpm), &Options::default());
    let challenge = bench.challenge(&tpm, "hv1");
    let answer = tpm.answer(&challenge);
    assert!(bench.answer(&answer).is_proven());
    let again = bench.answer(&answer);
    assert_eq!(refusals(&again), [Code::ChallengeUsed]);
    // Also after the time, and in another session.
    let reopened = open(&bench.path(), Mode::ReadWrite);
    let report = reopened.answer(&answer, later(1_000_000), WHO).unwrap();
    assert_eq!(refusals(&report), [Code::ChallengeUsed]);
    // After ninety days more it is forgotten, which refuses as well.
    let long_after = later(91 * 24 * 3600);
    reopened
        .challenge(&tpm.request(), Some("hv1"), 3600, long_after, WHO)
        .unwrap();
    let report = reopened.answer(&answer, long_after, WHO).unwrap();
    assert_eq!(refusals(&report), [Code::ChallengeUnknown]);
    bench.assert_whole();
}

#[test]
fn a_wrong_answer_uses_nothing_up() {
    let bench = Bench::new();
    let (tpm, other) = (SoftTpm::new(&["L-1"]), SoftTpm::new(&["L-1"]));
    bench.add(&with_tpm("hv1", &tpm), &Options::default());
    let challenge = bench.challenge(&tpm, "hv1");
    let before = bench.bytes();
    assert_eq!(
        refusals(&bench.answer(&other.answer(&challenge))),
        [Code::ChallengeSecret, Code::AkMismatch]
    );
    let late = bench
        .registry
        .answer(&tpm.answer(&challenge), later(3601), WHO)
        .unwrap();
    assert_eq!(refusals(&late), [Code::ChallengeExpired]);
    assert_eq!(bench.bytes(), before);
    assert!(bench.answer(&tpm.answer(&challenge)).is_proven());
}

#[test]
fn another_registry_or_another_host() {
    let (bench, elsewhere) = (Bench::new(), Bench::new());
    let (tpm, other) = (SoftTpm::new(&["L-2"]), SoftTpm::new(&["L-2"]));
    for bench in [&bench, &elsewhere] {
        bench.add(&with_tpm("hv1", &tpm), &Options::default());
    }
    let answer = tpm.answer(&bench.challenge(&tpm, "hv1"));
    assert_eq!(
        refusals(&elsewhere.answer(&answer)),
        [Code::ChallengeUnknown]
    );
    // Registered with another TPM meanwhile: the old TPM proves nothing for it.
    bench.add(&with_tpm("hv1", &other), &replace());
    assert_eq!(refusals(&bench.answer(&answer)), [Code::ChallengeUnknown]);
    assert_eq!(bench.registry.show("hv1").unwrap().possession, None);
    // Removed.
    let answer = other.answer(&bench.challenge(&other, "hv1"));
    bench
        .registry
        .remove("hv1", None, at(), WHO, false)
        .unwrap();
    assert_eq!(refusals(&bench.answer(&answer)), [Code::ChallengeUnknown]);
    bench.assert_whole();
}

#[test]
fn a_proof_goes_with_the_keys() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-1", "L-2"]);
    let both = with_tpm("hv1", &tpm);
    bench.add(&both, &Options::default());
    bench.prove(&tpm, "hv1");
    // One of the two keys: proven as well.
    let mut one = both.clone();
    one.eks.truncate(1);
    assert!(
        bench
            .add(&one, &replace())
            .host
            .unwrap()
            .possession
            .is_some()
    );
    // A key more, which was not challenged with this registration.
    let wider = Options {
        require_possession: true,
        ..replace()
    };
    assert_eq!(
        codes(&bench.register(&both, &wider)),
        ["possession-missing"]
    );
    let host = bench.add(&both, &replace()).host.unwrap();
    assert_eq!(host.possession, None);
    // Under another name nothing is carried over.
    bench
        .registry
        .remove("hv1", None, at(), WHO, false)
        .unwrap();
    let renamed = Candidate {
        name: Some("hv2".to_owned()),
        ..both
    };
    assert_eq!(
        bench
            .add(&renamed, &Options::default())
            .host
            .unwrap()
            .possession,
        None
    );
    bench.assert_whole();
}

#[test]
fn a_challenge_needs_a_host_and_a_time() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-2"]);
    let mut request = tpm.request();
    let challenge = |request: &crate::possession::Request, host, valid_for| {
        bench
            .registry
            .challenge(request, host, valid_for, at(), WHO)
            .map(|challenge| challenge.terms.host)
    };
    // The request says hyp01, which is not registered.
    let misuse = |result: Result<String, crate::finding::Error>| {
        assert_eq!(result.unwrap_err().fault, Fault::Misuse);
    };
    misuse(challenge(&request, None, 60));
    bench.add(&with_tpm("hyp01", &tpm), &Options::default());
    assert_eq!(challenge(&request, None, 60).unwrap(), "hyp01");
    let ek = tpm.keys()[0].spki_sha256().to_string();
    assert_eq!(challenge(&request, Some(&ek[..12]), 60).unwrap(), "hyp01");
    request.name = None;
    misuse(challenge(&request, None, 60));
    for valid_for in [0, -1, 7 * 24 * 3600 + 1, i64::MAX] {
        misuse(challenge(&request, Some("hyp01"), valid_for));
    }
    let reader = open(&bench.path(), Mode::WhatIf);
    assert!(
        reader
            .challenge(&request, Some("hyp01"), 60, at(), WHO)
            .is_err()
    );
    bench.assert_whole();
}

#[test]
fn who_has_proven_can_be_listed() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-2"]);
    bench.add(&with_tpm("hv1", &tpm), &Options::default());
    bench.add(&trusted("hv2", "b"), &Options::default());
    bench.prove(&tpm, "hv1");
    for (proven, expected) in [
        (Some(true), &["hv1"][..]),
        (Some(false), &["hv2"]),
        (None, &["hv1", "hv2"]),
    ] {
        let filter = Filter {
            proven,
            ..Filter::default()
        };
        let names: Vec<_> = bench
            .registry
            .list(&filter)
            .unwrap()
            .into_iter()
            .map(|host| host.name)
            .collect();
        assert_eq!(names, expected);
    }
    // A document does not carry it: the host proves it to the other registry.
    let document = bench.registry.export(at()).unwrap();
    let other = Bench::new();
    other
        .registry
        .import(&document, None, at(), WHO, false)
        .unwrap();
    assert_eq!(other.registry.show("hv1").unwrap().possession, None);
}

#[test]
fn what_was_proven_cannot_be_made_up() {
    let bench = Bench::new();
    let tpm = SoftTpm::new(&["L-2"]);
    bench.add(&with_tpm("hv1", &tpm), &Options::default());
    bench.add(&trusted("hv2", "b"), &Options::default());
    bench.prove(&tpm, "hv1");
    bench.assert_whole();
    let change = |sql: &str| {
        let connection = rusqlite::Connection::open(bench.path()).unwrap();
        connection.execute_batch(sql)
    };
    // The triggers forbid some of it.
    for sql in [
        "UPDATE challenge SET used_at = NULL",
        "UPDATE challenge SET nonce = zeroblob(32)",
        "DELETE FROM possession",
    ] {
        assert!(change(sql).is_err(), "{sql}");
    }
    bench.assert_whole();
    // The trail tells the rest.
    change("INSERT INTO possession SELECT 2, proven_at, ak_name, challenge FROM possession")
        .unwrap();
    let report = bench.registry.check(None).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert_eq!(report.problems[0].host.as_deref(), Some("hv2"));
    assert!(report.problems[0].message.contains("proof of possession"));
    change("UPDATE possession SET proven_at = proven_at + 1 WHERE host_id = 1").unwrap();
    assert_eq!(bench.registry.check(None).unwrap().problems.len(), 2);
}

/// What was put into the database and taken out again, with the program itself having
/// written it into the trail meanwhile.
#[test]
fn what_was_made_up_stays_so() {
    let change = |bench: &Bench, sql: &str| {
        let connection = rusqlite::Connection::open(bench.path()).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    let found = |bench: &Bench, action| {
        let problems = bench.registry.check(None).unwrap().problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.contains("nothing before it gave"));
        let entry = &bench.registry.history(None).unwrap()[problems[0].seq.unwrap() as usize - 1];
        assert_eq!(entry.entry.action, action);
    };
    let tpm = SoftTpm::new(&["L-2"]);

    // A proof that a registration in its place has inherited.
    let bench = Bench::new();
    let candidate = with_tpm("hv1", &tpm);
    bench.register(&candidate, &stage());
    change(
        &bench,
        "INSERT INTO possession VALUES (1, 0, x'00', zeroblob(16))",
    );
    assert_eq!(
        bench.add(&candidate, &require()).outcome,
        Outcome::Registered
    );
    change(
        &bench,
        "DROP TRIGGER possession_kept; DELETE FROM possession WHERE host_id = 1;
         CREATE TRIGGER possession_kept BEFORE DELETE ON possession
BEGIN SELECT RAISE(ABORT, 'a proof is never deleted'); END;",
    );
    found(&bench, Action::Activate);

    // A challenge of somebody's own, with secrets that he knows.
    let (bench, elsewhere) = (Bench::new(), Bench::new());
    for bench in [&bench, &elsewhere] {
        bench.add(&candidate, &Options::default());
    }
    let answer = tpm.answer(&elsewhere.challenge(&tpm, "hv1"));
    change(
        &bench,
        &format!(
            "ATTACH '{}' AS other; INSERT INTO challenge SELECT * FROM other.challenge",
            elsewhere.path().display()
        ),
    );
    assert!(bench.answer(&answer).is_proven());
    found(&bench, Action::Prove);

    // One that was answered, made new.
    let bench = Bench::new();
    bench.add(&candidate, &Options::default());
    let answer = tpm.answer(&bench.challenge(&tpm, "hv1"));
    assert!(bench.answer(&answer).is_proven());
    change(
        &bench,
        "CREATE TEMP TABLE again AS SELECT * FROM challenge; DELETE FROM challenge;
         UPDATE again SET used_at = NULL; INSERT INTO challenge SELECT * FROM again",
    );
    assert!(bench.answer(&answer).is_proven());
    found(&bench, Action::Prove);
}

#[test]
fn what_is_kept_of_a_challenge_stays_as_it_was() {
    let tpm = SoftTpm::new(&["L-2"]);
    for (sql, said) in [
        // A secret that somebody knows.
        (
            "UPDATE challenge SET eks = replace(eks, substr(eks, 71, 64), hex(zeroblob(32)))",
            "not what the trail says",
        ),
        (
            "UPDATE challenge SET expires_at = expires_at + 1",
            "not what the trail says",
        ),
        (
            "UPDATE challenge SET used_at = 1",
            "was not answered when the trail says",
        ),
    ] {
        let bench = Bench::new();
        bench.add(&with_tpm("hv1", &tpm), &Options::default());
        bench.challenge(&tpm, "hv1");
        bench.assert_whole();
        let connection = rusqlite::Connection::open(bench.path()).unwrap();
        let trigger: String = connection
            .query_row(
                "SELECT sql FROM sqlite_master WHERE name = 'challenge_fixed'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        connection
            .execute_batch(&format!("DROP TRIGGER challenge_fixed; {sql}; {trigger};"))
            .unwrap();
        let problems = bench.registry.check(None).unwrap().problems;
        assert_eq!(problems.len(), 1, "{sql}: {problems:?}");
        assert!(problems[0].message.contains(said), "{problems:?}");
        assert_eq!(problems[0].host.as_deref(), Some("hv1"));
    }
}
