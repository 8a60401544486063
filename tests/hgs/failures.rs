//! Each failure by itself: exactly the diagnostics that it is about, and no other.

use std::collections::BTreeSet;

use endorse::diagnose::Status::{self, Fail, NotApplicable, Pass, Warn};
use endorse::diagnose::files::SavedFile;
use endorse::diagnose::hgsa::service_info::OperationMode;
use endorse::diagnose::service::{Looking, Outcome};
use endorse::diagnose::{Diagnostic, Observation, Remedy, Report, Role, Target, service};

use crate::certificates::{Authority, bundle, health, numbers, signer, signer_in_seconds};
use crate::standin::{
    self, Fabric, NAME, Node, NtpServer, SHORT, address, diagnostic, expected, judge, question,
    trouble, with_status,
};

const FABRIC: &str = "the fabric";

fn commands(diagnostic: &Diagnostic) -> Vec<&str> {
    let steps = diagnostic.remedy.iter();
    steps
        .filter_map(|step| match step {
            Remedy::PowerShell(line) => Some(line.as_str()),
            _ => None,
        })
        .collect()
}

/// What is wrong after this change at the second node.
#[track_caller]
fn after(change: impl FnOnce(&mut Node), list: &[(&str, &'static str, Status)]) {
    let fabric = Fabric::new();
    fabric.change(1, change);
    assert_eq!(trouble(&fabric.report()), expected(list));
}

/// Nothing is wrong with the good fabric, and every diagnostic passes somewhere.
#[test]
fn a_good_fabric() {
    let fabric = Fabric::new();
    let report = fabric.report();
    assert_eq!(trouble(&report), []);
    assert_eq!(report.targets.len(), 4);

    let authority = Authority::new();
    let tls = || authority.server(&[NAME], |_| {});
    let secure = Fabric::https([tls(), tls(), tls()]);
    let over_tls = secure.report_trusting(&[&authority.der]);
    assert_eq!(trouble(&over_tls), []);

    // The rest needs a resolver, and a reference clock.
    let looking = Looking {
        reference: Some(("127.0.0.1".to_owned(), fabric.port)),
        timeout: SHORT,
        ..Looking::default()
    };
    let url = format!("http://localhost:{}", fabric.port);
    let service = endorse::fetch::HgsService::read(&url).unwrap();
    let by_name = judge(looking.observe(&service), &question());

    // What is about AD mode, and about what hosts saved.
    let in_ad = Fabric::new();
    in_ad.change_all(|node| node.mode = 2);
    let in_ad = with_health(&in_ad, -3600, 3600);

    let passed: BTreeSet<_> = [&report, &over_tls, &by_name, &in_ad]
        .iter()
        .flat_map(|report| with_status(report, &[Pass]))
        .map(|(_, id, _)| id)
        .collect();
    let all: BTreeSet<_> = service::DEFINITIONS.iter().map(|one| one.id).collect();
    let never: Vec<_> = all.difference(&passed).collect();
    assert!(never.is_empty(), "{never:?}");
    assert_eq!(all.len(), service::DEFINITIONS.len());
}

/// The report on a fabric and a host that saved a health certificate, which is valid from and
/// until so many seconds from now.
fn with_health(fabric: &Fabric, from: i64, until: i64) -> Report {
    let mut targets: Vec<_> = fabric.seen().into_iter().map(standin::target).collect();
    targets.push(Target {
        name: "hyp01".to_owned(),
        role: Role::GuardedHost,
        source: "hyp01".to_owned(),
        observations: vec![Observation::File(SavedFile {
            name: "health.cer".to_owned(),
            bytes: health(from, until),
        })],
    });
    endorse::diagnose::diagnose(&targets, &question())
}

/// Health certificates are held against the clock of each node: one that is ahead sees one
/// end that is in force, one that is behind sees none begin.
#[test]
fn health_certificates_by_the_clock_of_each_node() {
    let id = "health-certificate-by-node-clock";
    for (ahead, from, until, status, words) in [
        (0, -3600, 3600, Pass, ""),
        (1000, -3600, 3600, Pass, ""),
        (
            1000,
            -3600,
            500,
            Warn,
            "by the clock of 127.0.0.2 it is not",
        ),
        (
            -1000,
            -500,
            3600,
            Warn,
            "by the clock of 127.0.0.2 it is not",
        ),
        (
            -1000,
            -3600,
            -500,
            Warn,
            "in force by the clock of 127.0.0.2 alone",
        ),
        (0, -3600, -500, Warn, "in force by no clock"),
    ] {
        let fabric = Fabric::new();
        fabric.change(1, |node| node.ahead = ahead);
        let report = with_health(&fabric, from, until);
        let found = diagnostic(&report, "the fabric", id);
        assert_eq!(found.status, status, "{ahead} {from} {until}: {found:?}");
        assert!(found.evidence.join("\n").contains(words), "{found:?}");
    }
}

/// Kerberos counts in AD mode alone, and tolerates five minutes.
#[test]
fn clocks_in_ad_mode() {
    for (mode, ahead, status) in [
        (2, 0, Pass),
        (2, 290, Pass),
        (2, 310, Fail),
        (2, -310, Fail),
        (1, 310, NotApplicable),
        (3, 310, NotApplicable),
    ] {
        let fabric = Fabric::new();
        fabric.change(1, |node| (node.mode, node.ahead) = (mode, ahead));
        let report = fabric.report();
        let found = diagnostic(&report, "127.0.0.2", "ad-mode-clock");
        assert_eq!(found.status, status, "{mode} {ahead}: {found:?}");
    }
}

/// The name of the service goes into the request, the address only into the connection, and
/// nothing about the machine at all.
#[test]
fn what_a_node_is_asked() {
    let fabric = Fabric::new();
    fabric.report();
    for node in 0..3 {
        let requests = fabric.requests(node);
        let first: Vec<_> = requests
            .iter()
            .map(|one| one.lines().next().unwrap())
            .collect();
        assert_eq!(
            first,
            [
                "GET /Attestation/Getinfo HTTP/1.1",
                "GET /Attestation/v2.0/signingCertificates HTTP/1.1",
                "GET /keyprotection/service/metadata/2014-07/metadata.xml HTTP/1.1",
            ]
        );
        for request in &requests {
            let mut rest: Vec<_> = request
                .trim_end()
                .lines()
                .skip(1)
                .map(str::to_lowercase)
                .collect();
            rest.sort();
            assert_eq!(
                rest,
                [
                    "accept: */*".to_owned(),
                    format!("host: {NAME}:{}", fabric.port),
                    "user-agent: endorse".to_owned(),
                ]
            );
        }
    }
}

#[test]
fn a_node_that_is_away() {
    let mut fabric = Fabric::new();
    fabric.stop(1);
    let node = "127.0.0.2";
    let unknown = |id| (node, id, Warn);
    assert_eq!(
        trouble(&fabric.report()),
        expected(&[
            (node, "hgs-node-reachable", Fail),
            unknown("hgs-getinfo-answers"),
            unknown("hgs-operation-mode"),
            unknown("hgs-functional-level"),
            unknown("hgs-signers-answer"),
            unknown("hgs-signer-valid"),
            unknown("key-protection-answers"),
            unknown("hgs-mode-not-deprecated"),
            (FABRIC, "hgs-nodes-same-mode", Warn),
            (FABRIC, "hgs-nodes-same-signer", Warn),
            (FABRIC, "hgs-nodes-same-level", Warn),
        ])
    );
    // Its clock is known by NTP; without that it is not.
    let looking = Looking {
        node_ntp: None,
        ..fabric.looking()
    };
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(diagnostic(&report, node, "hgs-clock").status, Warn);
    assert_eq!(
        diagnostic(&report, FABRIC, "hgs-nodes-same-clock").status,
        Warn
    );
}

#[test]
fn a_node_whose_attestation_service_is_stopped() {
    let reply = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec();
    let node = "127.0.0.2";
    after(
        |one| one.getinfo = Some(reply),
        &[
            (node, "hgs-getinfo-answers", Fail),
            (node, "hgs-operation-mode", Warn),
            (node, "hgs-functional-level", Warn),
            (node, "hgs-mode-not-deprecated", Warn),
            (FABRIC, "hgs-nodes-same-mode", Warn),
            (FABRIC, "hgs-nodes-same-level", Warn),
        ],
    );
}

#[test]
fn getinfo_that_is_odd() {
    let node = "127.0.0.2";
    after(
        |one| one.content_type = "text/plain",
        &[(node, "hgs-getinfo-answers", Warn)],
    );
    for (body, status) in [
        (
            r#"{"OperationMode":1,"FunctionalLevel":1,"SupportedFunctionalLevels":[0,1],"__type":"ServiceInfoReply:#x"}"#,
            Warn,
        ),
        (
            r#"{"__type":"Other:#x","OperationMode":1,"FunctionalLevel":1,"SupportedFunctionalLevels":[0,1]}"#,
            Warn,
        ),
        (
            r#"{"OperationMode":1,"FunctionalLevel":1,"SupportedFunctionalLevels":[0,1]}"#,
            Pass,
        ),
    ] {
        let fabric = Fabric::new();
        fabric.change(1, |one| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
            let reply = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            one.getinfo = Some(reply.into_bytes());
        });
        let report = fabric.report();
        assert_eq!(
            diagnostic(&report, node, "hgs-getinfo-answers").status,
            status,
            "{body}"
        );
        assert!(trouble(&report).len() <= 1);
    }
}

#[test]
fn the_mode_that_is_expected() {
    for (mode, number) in [
        (OperationMode::Tpm, 1),
        (OperationMode::ActiveDirectory, 2),
        (OperationMode::HostKey, 3),
    ] {
        let fabric = Fabric::new();
        fabric.change_all(|node| node.mode = number);
        for wanted in OperationMode::KNOWN {
            let mut asked = question();
            asked.expected_mode = Some(wanted);
            let report = judge(fabric.seen(), &asked);
            for node in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
                let found = diagnostic(&report, node, "hgs-operation-mode");
                let status = if wanted == mode { Pass } else { Fail };
                assert_eq!(found.status, status);
                if wanted != mode {
                    assert_eq!(commands(found), [wanted.command().unwrap()]);
                }
                let deprecated = diagnostic(&report, node, "hgs-mode-not-deprecated");
                let is_ad = mode == OperationMode::ActiveDirectory;
                assert_eq!(deprecated.status, if is_ad { Warn } else { Pass });
            }
            assert_eq!(
                diagnostic(&report, FABRIC, "hgs-nodes-same-mode").status,
                Pass
            );
        }
    }
    // A service that is in no mode is not set up.
    for number in [0, 4] {
        let fabric = Fabric::new();
        fabric.change_all(|node| node.mode = number);
        let node = |name| (name, "hgs-operation-mode", Fail);
        assert_eq!(
            trouble(&fabric.report()),
            expected(&[node("127.0.0.1"), node("127.0.0.2"), node("127.0.0.3")])
        );
    }
}

/// The known problem of a change from TPM to AD mode: one node changed, the others did not.
#[test]
fn one_node_changed_to_ad_mode_and_the_others_did_not() {
    for changed in 0..3 {
        let fabric = Fabric::new();
        fabric.change(changed, |node| node.mode = 2);
        let name = address(changed).to_string();
        let report = fabric.report();
        assert_eq!(
            trouble(&report),
            expected(&[
                (&name, "hgs-mode-not-deprecated", Warn),
                (FABRIC, "hgs-nodes-same-mode", Fail),
            ])
        );
        let others: Vec<String> = (0..3)
            .filter(|node| *node != changed)
            .map(|node| {
                format!(
                    "Set-HgsServer -TrustActiveDirectory  # on the node {}",
                    address(node)
                )
            })
            .collect();
        let found = diagnostic(&report, FABRIC, "hgs-nodes-same-mode");
        assert_eq!(commands(found), others);
        assert!(
            found
                .evidence
                .iter()
                .any(|line| line.starts_with("known problem:"))
        );

        // The same if it is said that AD mode is wanted, and then these nodes are wrong.
        let mut asked = question();
        asked.expected_mode = Some(OperationMode::ActiveDirectory);
        let report = judge(fabric.seen(), &asked);
        assert_eq!(
            commands(diagnostic(&report, FABRIC, "hgs-nodes-same-mode")),
            others
        );
        let wrong = with_status(&report, &[Fail]);
        assert_eq!(wrong.len(), 3);
        assert!(!wrong.contains(&(name.clone(), "hgs-operation-mode", Fail)));

        // If TPM mode is wanted it is another matter: one node is wrong.
        asked.expected_mode = Some(OperationMode::Tpm);
        let report = judge(fabric.seen(), &asked);
        let found = diagnostic(&report, FABRIC, "hgs-nodes-same-mode");
        assert_eq!(
            commands(found),
            [format!("Set-HgsServer -TrustTpm  # on the node {name}")]
        );
        assert!(
            !found
                .evidence
                .iter()
                .any(|line| line.starts_with("known problem:"))
        );
    }
    // Nor is it the known problem between other modes.
    let fabric = Fabric::new();
    fabric.change(0, |node| node.mode = 3);
    let report = fabric.report();
    let found = diagnostic(&report, FABRIC, "hgs-nodes-same-mode");
    assert_eq!((found.status, commands(found).len()), (Fail, 0));
}

#[test]
fn levels() {
    let node = "127.0.0.2";
    after(
        |one| one.level = 7,
        &[
            (node, "hgs-functional-level", Warn),
            (FABRIC, "hgs-nodes-same-level", Warn),
        ],
    );
    after(
        |one| one.supported = vec![0, 1, 2],
        &[(FABRIC, "hgs-nodes-same-level", Warn)],
    );
    after(|one| one.supported = vec![1, 0], &[]);
}

#[test]
fn signers_that_cannot_be_had() {
    let node = "127.0.0.2";
    let with = |status| {
        [
            (node, "hgs-signers-answer", status),
            (node, "hgs-signer-valid", Warn),
            (FABRIC, "hgs-nodes-same-signer", Warn),
        ]
    };
    after(|one| one.signers = Err("404 Not Found"), &with(Warn));
    after(
        |one| one.signers = Err("500 Internal Server Error"),
        &with(Fail),
    );
    after(|one| one.signers = Ok(b"{}".to_vec()), &with(Fail));
    after(|one| one.signers = Ok(numbers(&bundle(&[]))), &with(Fail));
}

#[test]
fn signers_in_every_encoding() {
    use base64::Engine as _;
    let one = signer(-10, 300);
    let der = bundle(std::slice::from_ref(&one));
    let text = base64::engine::general_purpose::STANDARD.encode(&der);
    for body in [
        numbers(&der),
        der.clone(),
        text.clone().into_bytes(),
        format!("\"{text}\"").into_bytes(),
    ] {
        let fabric = Fabric::new();
        fabric.change_all(|node| node.signers = Ok(body.clone()));
        assert_eq!(trouble(&fabric.report()), []);
    }
}

/// A bundle that another program made.
#[test]
fn signers_in_a_bundle_by_openssl() {
    let openssl = |args: &[&str], input: &std::path::Path| {
        let mut command = std::process::Command::new("openssl");
        command.args(args).arg(input).output()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signers.pem");
    let pem = [signer(-10, 300), signer(-500, -200)].map(|der| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    });
    // Lines of any length are read here; openssl wants 64 characters.
    let folded: String = pem
        .concat()
        .lines()
        .flat_map(|line| {
            let pieces = line.as_bytes().chunks(64);
            pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap() + "\n")
        })
        .collect();
    std::fs::write(&path, folded).unwrap();
    let args = ["crl2pkcs7", "-nocrl", "-outform", "DER", "-certfile"];
    let Ok(output) = openssl(&args, &path) else {
        crate::skip::skip(
            "hgs::failures::signers_in_a_bundle_by_openssl",
            "the openssl command is not installed",
        );
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let fabric = Fabric::new();
    fabric.change_all(|node| node.signers = Ok(numbers(&output.stdout)));
    let report = fabric.report();
    assert_eq!(trouble(&report), []);
    let found = diagnostic(&report, "127.0.0.1", "hgs-signers-answer");
    assert_eq!(found.evidence[0], "certificates: 2");
}

#[test]
fn signers_out_of_their_validity() {
    for (from, until) in [(-300, -1), (1, 300)] {
        let fabric = Fabric::new();
        let body = numbers(&bundle(&[signer(from, until)]));
        fabric.change_all(|node| node.signers = Ok(body.clone()));
        let wrong = |name| (name, "hgs-signer-valid", Fail);
        let report = fabric.report();
        assert_eq!(
            trouble(&report),
            expected(&[wrong("127.0.0.1"), wrong("127.0.0.2"), wrong("127.0.0.3")])
        );
        let found = diagnostic(&report, "127.0.0.1", "hgs-signer-valid");
        assert_eq!(
            commands(found).last(),
            Some(
                &r"Start-ScheduledTask -TaskPath \Microsoft\Windows\HGSServer -TaskName AttestationSignerCertRenewalTask"
            )
        );
        // One that was replaced and is still published does no harm.
        let body = numbers(&bundle(&[signer(from, until), signer(-1, 300)]));
        fabric.change_all(|node| node.signers = Ok(body.clone()));
        assert_eq!(trouble(&fabric.report()), []);
    }
}

/// Both sides of both ends, to the second.
#[test]
fn the_first_and_the_last_second_of_a_signer() {
    let fabric = Fabric::new();
    let der = signer(-10, 300);
    let certificate = endorse::ek::Certificate::from_der(&der).unwrap();
    let body = numbers(&bundle(&[der]));
    fabric.change_all(|node| (node.signers, node.sends_date) = (Ok(body.clone()), false));
    let looking = Looking {
        node_ntp: None,
        ..fabric.looking()
    };
    let seen = looking.observe(&fabric.service());
    let (first, last) = (
        certificate.not_before().unix(),
        certificate.not_after().unix(),
    );
    for (at, status) in [
        (first - 1, Fail),
        (first, Pass),
        (last, Pass),
        (last + 1, Fail),
    ] {
        let mut seen = seen.clone();
        for node in &mut seen {
            node.at = at;
        }
        let report = judge(seen, &question());
        assert_eq!(
            diagnostic(&report, "127.0.0.1", "hgs-signer-valid").status,
            status
        );
    }
}

#[test]
fn nodes_with_different_signers() {
    let body = numbers(&bundle(&[signer(-10, 300)]));
    after(
        |one| one.signers = Ok(body),
        &[(FABRIC, "hgs-nodes-same-signer", Warn)],
    );
}

/// Both sides of both limits, forwards and backwards. The clock of the test goes on while it
/// runs, so the sides are some seconds apart.
#[test]
fn clocks_that_are_off() {
    let node = "127.0.0.2";
    for sign in [1, -1] {
        for (seconds, status) in [
            (20, None),
            (45, Some(Warn)),
            (280, Some(Warn)),
            (330, Some(Fail)),
        ] {
            let list: Vec<_> = status.map_or_else(Vec::new, |status| {
                vec![
                    (node, "hgs-clock", status),
                    (FABRIC, "hgs-nodes-same-clock", status),
                ]
            });
            after(|one| one.ahead = sign * seconds, &list);
        }
    }
    // All off in the same way: the nodes agree with each other.
    let fabric = Fabric::new();
    fabric.change_all(|node| node.ahead = 3600);
    let off = |name| (name, "hgs-clock", Fail);
    let report = fabric.report();
    assert_eq!(
        trouble(&report),
        expected(&[off("127.0.0.1"), off("127.0.0.2"), off("127.0.0.3")])
    );
    let found = diagnostic(&report, "127.0.0.1", "hgs-clock");
    assert!(
        found.evidence[0].contains("1 h 0 min 0 s ahead of"),
        "{:?}",
        found.evidence
    );
    assert_eq!(
        commands(found)[..2],
        ["w32tm /query /status", "w32tm /resync"]
    );
}

#[test]
fn a_clock_so_wrong_that_the_signer_is_not_valid_there() {
    let node = "127.0.0.2";
    for days in [-11, 301] {
        after(
            |one| one.ahead = days * 86_400,
            &[
                (node, "hgs-clock", Fail),
                (node, "hgs-signer-valid", Fail),
                (FABRIC, "hgs-nodes-same-clock", Fail),
            ],
        );
    }
}

#[test]
fn a_clock_by_http_alone_and_by_ntp_alone() {
    let node = "127.0.0.2";
    let fabric = Fabric::new();
    fabric.change(1, |one| one.ahead = 400);
    let looking = Looking {
        node_ntp: None,
        ..fabric.looking()
    };
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(diagnostic(&report, node, "hgs-clock").status, Fail);
    fabric.change(1, |one| one.sends_date = false);
    assert_eq!(diagnostic(&fabric.report(), node, "hgs-clock").status, Fail);
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(diagnostic(&report, node, "hgs-clock").status, Warn);
    // They say different times: somebody answers in place of the node.
    after(
        |one| (one.ahead, one.ntp_ahead) = (400, Some(0)),
        &[(node, "hgs-clock", Warn)],
    );
}

/// With a reference, the clock of this machine does not count.
#[test]
fn a_reference_clock() {
    let fabric = Fabric::new();
    let clock = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let clock = NtpServer::new(clock, || 400);
    let looking = Looking {
        reference: Some(("127.0.0.1".to_owned(), clock.address.port())),
        ..fabric.looking()
    };
    let off = |name| (name, "hgs-clock", Fail);
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(
        trouble(&report),
        expected(&[
            (FABRIC, "clock-of-this-machine", Warn),
            off("127.0.0.1"),
            off("127.0.0.2"),
            off("127.0.0.3"),
        ])
    );
    fabric.change_all(|node| node.ahead = 400);
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(
        trouble(&report),
        expected(&[(FABRIC, "clock-of-this-machine", Warn)])
    );
    // A signer that begins in five minutes is valid, for this machine is behind.
    let body = numbers(&bundle(&[signer_in_seconds(300)]));
    fabric.change_all(|node| node.signers = Ok(body.clone()));
    let report = judge(looking.observe(&fabric.service()), &question());
    assert_eq!(
        trouble(&report),
        expected(&[(FABRIC, "clock-of-this-machine", Warn)])
    );
    let body = numbers(&bundle(&[signer(-10, 300)]));
    fabric.change_all(|node| node.signers = Ok(body.clone()));
    let gone = Looking {
        reference: Some(("127.0.0.1".to_owned(), 9)),
        timeout: SHORT,
        ..fabric.looking()
    };
    fabric.change_all(|node| node.ahead = 0);
    let report = judge(gone.observe(&fabric.service()), &question());
    assert_eq!(
        trouble(&report),
        expected(&[(FABRIC, "clock-of-this-machine", Warn)])
    );
}

/// The article's failure of a service account without SeAuditPrivilege.
#[test]
fn key_protection_that_does_not_work() {
    let node = "127.0.0.2";
    let page = "<html><title>Server Error in '/KeyProtection' Application.</title>";
    for (line, page, status) in [
        ("500 Internal Server Error", page, Fail),
        ("500 Internal Server Error", "", Fail),
        ("503 Service Unavailable", "", Fail),
        ("404 Not Found", "", Warn),
        ("302 Found", "", Warn),
    ] {
        let fabric = Fabric::new();
        fabric.change(1, |one| one.metadata = Err((line, page)));
        let report = fabric.report();
        let list = [(node, "key-protection-answers", status)];
        assert_eq!(trouble(&report), expected(&list), "{line}");
        let found = diagnostic(&report, node, "key-protection-answers");
        let names_privilege = format!("{found:?}").contains("SeAuditPrivilege");
        assert_eq!(names_privilege, line.starts_with("500"));
        if line.starts_with("500") {
            let all = format!("{:?}", found.remedy);
            assert!(all.contains("S-1-5-19") && all.contains("S-1-5-20"));
            let quoted = found.evidence[0].contains("Server Error in");
            assert_eq!(quoted, !page.is_empty());
        }
    }
    after(
        |one| one.metadata = Ok(b"{}".to_vec()),
        &[(node, "key-protection-answers", Warn)],
    );
}

#[test]
fn names_and_addresses() {
    let fabric = Fabric::new();
    // A label is too long for any resolver, which is not even asked.
    let nowhere = format!("http://{}.test:{}", "a".repeat(64), fabric.port);
    let service = endorse::fetch::HgsService::read(&nowhere).unwrap();
    let seen = Looking::default().observe(&service);
    assert_eq!((seen.len(), seen[0].address), (1, None));
    let report = judge(seen, &question());
    let name = format!("{}.test", "a".repeat(64));
    assert_eq!(
        trouble(&report),
        expected(&[(&name, "hgs-name-resolves", Fail)])
    );

    // The same with a node that was given by hand: it is looked at.
    let by_hand = Looking {
        nodes: vec![(address(1), None)],
        ..Looking::default()
    };
    let report = judge(by_hand.observe(&service), &question());
    assert_eq!(
        trouble(&report),
        expected(&[
            ("127.0.0.2", "hgs-name-resolves", Fail),
            (FABRIC, "hgs-single-address", Warn),
        ])
    );

    // A node that the name does not lead to, at a port of its own.
    let url = format!("http://localhost:{}", fabric.port + 1);
    let service = endorse::fetch::HgsService::read(&url).unwrap();
    let by_hand = Looking {
        nodes: vec![(address(1), Some(fabric.port))],
        timeout: SHORT,
        ..Looking::default()
    };
    let report = judge(by_hand.observe(&service), &question());
    let node = format!("127.0.0.2:{}", fabric.port);
    assert_eq!(diagnostic(&report, &node, "hgs-name-resolves").status, Warn);
    assert_eq!(
        diagnostic(&report, &node, "hgs-getinfo-answers").status,
        Pass
    );
    assert_eq!(
        diagnostic(&report, "127.0.0.1", "hgs-name-resolves").status,
        Pass
    );
    assert_eq!(
        diagnostic(&report, "127.0.0.1", "hgs-node-reachable").status,
        Fail
    );

    // A service that is named by its address.
    let url = format!("http://127.0.0.1:{}/Attestation", fabric.port);
    let service = endorse::fetch::HgsService::read(&url).unwrap();
    let report = judge(Looking::default().observe(&service), &question());
    assert_eq!(
        diagnostic(&report, "127.0.0.1", "hgs-name-resolves").status,
        NotApplicable
    );
    assert_eq!(
        trouble(&report),
        expected(&[(FABRIC, "hgs-single-address", Warn)])
    );
}

/// Whatever was seen goes through a bundle unchanged, and gives the same report.
#[test]
fn what_was_seen_can_be_kept() {
    let fabric = Fabric::new();
    fabric.change(0, |node| node.mode = 2);
    fabric.change(1, |node| node.ahead = 400);
    fabric.change(2, |node| {
        node.metadata = Err(("500 Internal Server Error", "x"))
    });
    let seen = fabric.seen();
    let text = serde_json::to_string(&seen).unwrap();
    let kept: Vec<endorse::diagnose::service::NodeObservation> =
        serde_json::from_str(&text).unwrap();
    assert_eq!(kept, seen);
    // A signer that has run out since is judged as of then.
    let mut later = question();
    later.at = endorse::der::Time::from_unix(later.at.unix() + 400 * 86_400);
    assert_eq!(judge(kept, &later), judge(seen.clone(), &question()));
    assert!(seen.iter().all(|node| node.exchanges().count() == 3));
    let answered = |outcome: &Outcome| matches!(outcome, Outcome::Answer(_));
    assert!(
        seen.iter()
            .flat_map(|node| node.exchanges())
            .all(|one| answered(&one.outcome))
    );
}
