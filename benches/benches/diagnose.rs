//! Diagnosing: one node of a service against the two signatures of its chain, a bundle of a
//! thousand hosts against reading it, an event log of 20 MiB against the crate that reads it;
//! and whether four times as much takes four times as long. Prints ratios, the best of several
//! alternating rounds of one run.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use endorse::der::Time;
use endorse::diagnose::bundle::Bundle;
use endorse::diagnose::files::SavedFile;
use endorse::diagnose::host::{HostObservation, IdentifierFile};
use endorse::diagnose::service::{
    Answer, Blob, Exchange, NodeObservation, Outcome, Resolution, ServiceAddress,
};
use endorse::diagnose::{Observation, Question, Role, Target, diagnose};
use endorse::ek::Certificate;
use endorse::host::Fact;
use endorse_benches::{Chain, Kind, NOW};

const ROUNDS: usize = 7;

/// How many hosts a large fabric has, and a quarter of it.
const MANY: usize = 1_000;
const FEW: usize = MANY / 4;

/// The size of most logs of Windows.
const LOG_LEN: usize = 20 * 1024 * 1024;

const INFO: &[u8] = br#"{"__type":"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core","FunctionalLevel":1,"OperationMode":1,"SupportedFunctionalLevels":[0,1]}"#;

/// The best time of each, in seconds.
fn best<const N: usize>(contenders: [&dyn Fn(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (run, best) in contenders.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(run)();
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    best
}

fn report(what: &str, seconds: f64, measure: &str, by: f64) {
    println!(
        "{what:44} {:9.2} ms, {:6.2} times {measure}",
        seconds * 1e3,
        seconds / by
    );
}

fn target(name: String, observations: Vec<Observation>) -> Target {
    Target {
        source: name.clone(),
        name,
        role: Role::Unknown,
        observations,
    }
}

fn exchange(path: &str, body: &[u8], chain: &Chain) -> Exchange {
    Exchange {
        path: path.to_owned(),
        asked_ms: NOW * 1000,
        answered_ms: NOW * 1000 + 20,
        tls_chain: Some(vec![
            Blob(chain.leaf.clone()),
            Blob(chain.intermediate.clone()),
        ]),
        outcome: Outcome::Answer(Answer {
            status: 200,
            content_type: None,
            date: None,
            location: None,
            body: Blob(body.to_vec()),
            body_trouble: None,
        }),
    }
}

/// A service with as many nodes as a failover cluster may have, or more.
fn nodes(count: usize, chain: &Chain) -> Vec<Target> {
    let service = ServiceAddress {
        https: true,
        host: "hgs.bastion.test".to_owned(),
        port: 443,
    };
    let one = |number: usize| {
        let mut node = NodeObservation::new(Time::from_unix(NOW), service.clone());
        let [.., high, low] = number.to_be_bytes();
        let address = IpAddr::from([127, 1, high, low]);
        node.address = Some(address);
        node.resolution = Resolution {
            addresses: vec![address],
            ..Resolution::default()
        };
        node.service_info = Some(exchange("/Attestation/Getinfo", INFO, chain));
        target(address.to_string(), vec![Observation::Node(node)])
    };
    (0..count).map(one).collect()
}

/// Hosts with an identifier, a policy and a trace each.
fn hosts(eks: &[Vec<u8>]) -> Vec<Target> {
    let read = |path: &str| std::fs::read(format!("../testdata/diagnose/{path}")).unwrap();
    let files = [
        ("policy.inf", read("policy/right.inf")),
        ("client.xml", read("client/unauthorized.xml")),
    ];
    let one = |(number, ek): (usize, &Vec<u8>)| {
        let name = format!("hyp{number:04}");
        let mut seen = HostObservation::new(Time::from_unix(NOW));
        seen.identifier = Some(Fact::Known(IdentifierFile { bytes: ek.clone() }));
        let mut all = vec![Observation::Host(seen)];
        all.extend(files.iter().map(|(file, bytes)| {
            Observation::File(SavedFile {
                name: format!("{name}/{file}"),
                bytes: bytes.clone(),
            })
        }));
        target(name, all)
    };
    eks.iter().enumerate().map(one).collect()
}

/// The log of the test data, its chunk again and again.
fn log() -> Vec<u8> {
    const HEAD: usize = 4096;
    let small = std::fs::read("../testdata/diagnose/events/attempts.evtx").unwrap();
    let (head, chunk) = small.split_at(HEAD);
    let mut log = head.to_vec();
    while log.len() < LOG_LEN {
        log.extend_from_slice(chunk);
    }
    log
}

fn main() {
    let chain = Chain::new(Kind::Rsa);
    let mut question = Question::new(Time::from_unix(NOW));
    let root = Certificate::from_der(&chain.root).unwrap();
    question.tls_roots = vec![root.into()];
    let run = |targets: &[Target]| {
        black_box(diagnose(targets, &question));
    };

    let one = nodes(1, &chain);
    let (few_nodes, many_nodes) = (nodes(FEW, &chain), nodes(MANY, &chain));
    let [signatures, node, few, many] = best([
        &|| {
            for _ in 0..2 {
                chain.parse_and_verify_once();
            }
        },
        &|| run(&one),
        &|| run(&few_nodes),
        &|| run(&many_nodes),
    ]);
    report("one node", node, "its two signatures", signatures);
    report(&format!("{FEW} nodes"), few, "one", node);
    report(
        &format!("{MANY} nodes"),
        many,
        &format!("{FEW} (linear: 4)"),
        few,
    );

    let eks = Chain::new(Kind::Ec).eks(MANY);
    let (few_hosts, many_hosts) = (hosts(&eks[..FEW]), hosts(&eks));
    let at = Time::from_unix(NOW);
    let bundle = Bundle::new(many_hosts.clone(), at, "bench")
        .to_bytes()
        .unwrap();
    let [read, few, many] = best([
        &|| {
            black_box(Bundle::read(&bundle).unwrap());
        },
        &|| run(&few_hosts),
        &|| run(&many_hosts),
    ]);
    println!("\na bundle of {} KiB", bundle.len() / 1024);
    report(&format!("{MANY} hosts"), many, "reading the bundle", read);
    report(
        &format!("{MANY} hosts"),
        many,
        &format!("{FEW} (linear: 4)"),
        few,
    );

    let log = log();
    let saved = |bytes: &[u8]| {
        let file = SavedFile {
            name: "x.evtx".to_owned(),
            bytes: bytes.to_vec(),
        };
        [target("hgs01".to_owned(), vec![Observation::File(file)])]
    };
    let whole = saved(&log);
    let quarter = saved(&log[..4096 + (log.len() - 4096) / 65536 / 4 * 65536]);
    let [crate_alone, few, many] = best([
        &|| {
            let mut parser = evtx::EvtxParser::from_buffer(log.clone()).unwrap();
            let read = parser.records().filter(Result::is_ok).count();
            assert!(read > 1_000, "{read}");
        },
        &|| run(&quarter),
        &|| run(&whole),
    ]);
    println!("\nan event log of {} MiB", log.len() / 1024 / 1024);
    report(
        "diagnosed",
        many,
        "the crate evtx alone, which lists its records",
        crate_alone,
    );
    report("diagnosed", many, "a quarter of it (linear: 4)", few);
}
