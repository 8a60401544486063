//! Waiting until every node is in the new mode, with a clock that does not wait.

use std::time::Duration;

use endorse::diagnose::Status::{Fail, Pass};
use endorse::diagnose::hgsa::service_info::OperationMode;
use endorse::diagnose::service::Looking;
use endorse::diagnose::service::wait::{INTERVAL, LONGEST, Pace, Waited, wait_for_mode};

use crate::standin::{Fabric, diagnostic, judge, question};

/// Time passes when somebody sleeps, and when a round is over.
#[derive(Default)]
struct Fake {
    now: Duration,
    a_round_takes: Duration,
    rounds: Vec<(Vec<(String, String)>, usize)>,
}

impl Pace for Fake {
    fn now(&mut self) -> Duration {
        self.now
    }

    fn sleep(&mut self, time: Duration) {
        assert!(!time.is_zero() && time <= INTERVAL);
        self.now += time;
    }

    fn round(&mut self, lagging: &[(String, String)], nodes: usize) {
        self.now += self.a_round_takes;
        self.rounds.push((lagging.to_vec(), nodes));
    }
}

/// Waits for AD mode; after each round the fabric is changed.
fn wait(fabric: &Fabric, limit: Duration, pace: &mut Fake, after: impl Fn(usize)) -> Waited {
    let mut round = 0;
    let ask = || {
        let seen = fabric.looking().observe_mode(&fabric.service());
        round += 1;
        after(round);
        seen
    };
    wait_for_mode(OperationMode::ActiveDirectory, limit, ask, pace)
}

fn lagging(names: &[&str]) -> Vec<(String, String)> {
    let one = |name: &&str| ((*name).to_owned(), "TPM".to_owned());
    names.iter().map(one).collect()
}

#[test]
fn the_nodes_change_one_after_the_other() {
    let fabric = Fabric::new();
    let mut pace = Fake::default();
    let waited = wait(&fabric, LONGEST, &mut pace, |round| {
        if round <= 3 {
            fabric.change(round - 1, |node| node.mode = 2);
        }
    });
    assert_eq!(
        waited,
        Waited {
            agreed: true,
            time: 3 * INTERVAL,
            rounds: 4
        }
    );
    let all: Vec<_> = pace
        .rounds
        .into_iter()
        .map(|(lagging, _)| lagging)
        .collect();
    assert_eq!(
        all,
        [
            lagging(&["127.0.0.1", "127.0.0.2", "127.0.0.3"]),
            lagging(&["127.0.0.2", "127.0.0.3"]),
            lagging(&["127.0.0.3"]),
            lagging(&[]),
        ]
    );
    // A round asks for the mode and for nothing else.
    let requests = fabric.requests(0);
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|one| one.starts_with("GET /Attestation/Getinfo "))
    );
}

#[test]
fn nodes_that_are_there_already_are_not_waited_for() {
    let fabric = Fabric::new();
    fabric.change_all(|node| node.mode = 2);
    let mut pace = Fake::default();
    let waited = wait(&fabric, LONGEST, &mut pace, |_| {});
    assert_eq!(
        (waited.agreed, waited.time, waited.rounds),
        (true, Duration::ZERO, 1)
    );
}

/// The known problem: after ten minutes one node has changed and the others have not.
#[test]
fn it_ends_after_ten_minutes_and_says_what_to_do() {
    let fabric = Fabric::new();
    fabric.change(0, |node| node.mode = 2);
    // Whatever is asked for, it is not more than ten minutes.
    for (limit, time) in [
        (LONGEST, LONGEST),
        (10 * LONGEST, LONGEST),
        (Duration::from_secs(65), Duration::from_secs(65)),
    ] {
        let mut pace = Fake::default();
        let waited = wait(&fabric, limit, &mut pace, |_| {});
        assert_eq!((waited.agreed, waited.time), (false, time));
        assert_eq!(pace.rounds.len(), waited.rounds as usize);
        // One at the beginning, and one at the end, which may be less than an interval on.
        assert_eq!(
            waited.rounds as u64,
            1 + time.as_secs().div_ceil(INTERVAL.as_secs())
        );
    }
    let mut asked = question();
    asked.expected_mode = Some(OperationMode::ActiveDirectory);
    asked.waited = Some(LONGEST);
    let report = judge(fabric.seen(), &asked);
    let found = diagnostic(&report, "the fabric", "hgs-nodes-same-mode");
    assert_eq!(found.status, Fail);
    let all = format!("{found:?}");
    assert!(
        all.contains("after 10 minutes and 0 seconds of waiting"),
        "{all}"
    );
    assert!(
        all.contains("known problem:") && !all.contains("--wait-for-mode"),
        "{all}"
    );
    for (node, status) in [
        ("127.0.0.1", Pass),
        ("127.0.0.2", Fail),
        ("127.0.0.3", Fail),
    ] {
        assert_eq!(
            diagnostic(&report, node, "hgs-operation-mode").status,
            status
        );
    }
}

/// Slow rounds count as well: it does not take longer because nodes do not answer.
#[test]
fn slow_rounds_count() {
    let fabric = Fabric::new();
    let mut pace = Fake {
        a_round_takes: Duration::from_secs(250),
        ..Fake::default()
    };
    let waited = wait(&fabric, LONGEST, &mut pace, |_| {});
    assert_eq!((waited.agreed, waited.rounds), (false, 3));
}

/// One that does not say its mode has not changed.
#[test]
fn a_node_that_does_not_answer_is_waited_for() {
    let mut fabric = Fabric::new();
    fabric.change_all(|node| node.mode = 2);
    fabric.stop(1);
    let mut pace = Fake::default();
    let waited = wait(&fabric, Duration::from_secs(20), &mut pace, |_| {});
    assert_eq!((waited.agreed, waited.rounds), (false, 3));
    let expected = vec![("127.0.0.2".to_owned(), "no answer".to_owned())];
    assert_eq!(pace.rounds[0], (expected, 3));
}

/// No node at all is not all of them, and a name that leads nowhere is not waited for.
#[test]
fn nobody_to_ask() {
    let mut pace = Fake::default();
    let waited = wait_for_mode(OperationMode::Tpm, LONGEST, Vec::new, &mut pace);
    assert_eq!((waited.agreed, waited.rounds), (false, 1));
    let nowhere = format!("http://{}.test", "a".repeat(64));
    let service = endorse::fetch::HgsService::read(&nowhere).unwrap();
    let ask = || Looking::default().observe_mode(&service);
    let waited = wait_for_mode(OperationMode::Tpm, LONGEST, ask, &mut pace);
    assert_eq!((waited.agreed, waited.rounds), (false, 1));
}
