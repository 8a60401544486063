//! What must hold for anything that a server says in the place of a Host Guardian Service.
//! Shared by the fuzz target and by the test that replays its corpus.

use endorse::der::Time;
use endorse::diagnose::hgsa::service_info::ServiceInfo;
use endorse::diagnose::hgsa::signers::{MAX_REPLY_LEN, MAX_SIGNERS, Signers};
use endorse::diagnose::service::{
    Answer, Blob, Exchange, NodeObservation, Outcome, ServiceAddress,
};
use endorse::diagnose::{Observation, Question, Role, Status, Target, diagnose};

const NOW: Time = Time::from_unix(1_792_000_000);

/// An answer: a mode is said and not guessed, and signers are the same however they are
/// written. Each trouble has a remedy, and nothing passes on the word of a server that showed
/// no certificate where it should.
pub(crate) fn reply(data: &[u8]) {
    if ServiceInfo::read(data).is_ok() {
        assert!(data.trim_ascii_start().starts_with(b"{"));
    }
    if let Ok(signers) = Signers::read(data) {
        assert!((1..=MAX_SIGNERS).contains(&signers.certificates.len()));
        assert!(!signers.signing().is_empty());
        for one in &signers.certificates {
            let numbers: Vec<_> = one.der().iter().map(ToString::to_string).collect();
            let text = format!("[{}]", numbers.join(","));
            if text.len() <= MAX_REPLY_LEN {
                let again = Signers::read(text.as_bytes()).expect("what was read can be written");
                assert!(again.certificates.first() == Some(one));
            }
        }
    }
    for https in [false, true] {
        let report = diagnose(&[target(https, data)], &Question::new(NOW));
        let sets = report.targets.iter().flat_map(|target| &target.sets);
        for one in sets.flat_map(|set| &set.diagnostics) {
            let has_trouble = matches!(one.status, Status::Warn | Status::Fail);
            assert_eq!(has_trouble, !one.remedy.is_empty(), "{}", one.definition.id);
            let rests_on_an_answer = matches!(
                one.definition.id,
                "hgs-getinfo-answers" | "hgs-operation-mode" | "hgs-signer-valid" | "hgs-clock"
            );
            let passes = one.status == Status::Pass;
            assert!(
                !(https && rests_on_an_answer && passes),
                "{}",
                one.definition.id
            );
        }
    }
}

/// A node that gives this as every body, every header and every certificate.
fn target(https: bool, data: &[u8]) -> Target {
    let text: String = String::from_utf8_lossy(data).chars().take(200).collect();
    let exchange = Exchange {
        path: "/".to_owned(),
        asked_ms: NOW.unix() * 1000,
        answered_ms: NOW.unix() * 1000 + 10,
        tls_chain: https.then(|| vec![Blob(data.to_vec())]),
        outcome: Outcome::Answer(Answer {
            status: 200,
            content_type: Some(text.clone()),
            date: Some(text),
            location: None,
            body: Blob(data.to_vec()),
            body_trouble: None,
        }),
    };
    let service = ServiceAddress {
        https,
        host: "hgs.bastion.test".to_owned(),
        port: 443,
    };
    let mut node = NodeObservation::new(NOW, service);
    node.address = Some([192, 0, 2, 1].into());
    node.service_info = Some(exchange.clone());
    node.signers = Some(exchange.clone());
    node.key_protection = Some(exchange);
    Target {
        name: node.name(),
        role: Role::HostGuardianService,
        source: node.service.to_string(),
        observations: vec![Observation::Node(node)],
    }
}
