//! Servers that behave badly in the place of a node: bounded, reported, and of no consequence
//! for what is said of the other nodes.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use endorse::diagnose::Status::{Fail, Pass};
use endorse::diagnose::hgsa::{service_info, signers};
use endorse::diagnose::service::{Looking, NodeObservation, Outcome};

use crate::certificates::{Authority, bundle, numbers, signer};
use crate::server::{Stream, wait_for_the_end};
use crate::standin::{
    Fabric, NAME, SHORT, address, diagnostic, expected, judge, question, trouble, with_status,
};

const NODE: &str = "127.0.0.2";

/// Looks at the fabric with little patience for the node that behaves badly, and all the time
/// of the world for the others.
fn seen(fabric: &Fabric) -> Vec<NodeObservation> {
    let look = |nodes: &[usize], timeout| {
        let addresses = nodes.iter().map(|node| address(*node)).collect();
        let looking = Looking {
            resolve: vec![(NAME.to_owned(), addresses)],
            timeout,
            ..fabric.looking()
        };
        looking.observe(&fabric.service())
    };
    let mut seen = look(&[0, 2], fabric.looking().timeout);
    seen.splice(1..1, look(&[1], SHORT));
    seen
}

/// A reply without a stated length.
fn head(lines: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{lines}\r\n")
}

/// A server that behaves like that is found out, and nothing that it says passes.
#[track_caller]
fn is_found_out(name: &str, answer: impl Fn(&str, &mut dyn Stream) + Send + 'static) -> Fabric {
    let mut fabric = Fabric::new();
    fabric.replace(1, answer);
    let seen = seen(&fabric);
    for exchange in seen.iter().flat_map(NodeObservation::exchanges) {
        if let Outcome::Answer(answer) = &exchange.outcome {
            assert!(answer.body.0.len() <= signers::MAX_REPLY_LEN, "{name}");
        }
    }
    let report = judge(seen, &question());
    let passed = with_status(&report, &[Pass]);
    for id in [
        "hgs-getinfo-answers",
        "hgs-operation-mode",
        "hgs-signers-answer",
        "hgs-signer-valid",
    ] {
        assert!(
            !passed.contains(&(NODE.to_owned(), id, Pass)),
            "{name}: {id}"
        );
        for other in ["127.0.0.1", "127.0.0.3"] {
            assert!(
                passed.contains(&(other.to_owned(), id, Pass)),
                "{name}: {id}"
            );
        }
    }
    for id in ["hgs-getinfo-answers", "hgs-signers-answer"] {
        assert_eq!(diagnostic(&report, NODE, id).status, Fail, "{name}: {id}");
    }
    fabric
}

#[test]
fn endless() {
    is_found_out("body", |_, stream| {
        let _ = stream.write_all(head("Connection: close\r\n").as_bytes());
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    is_found_out("body in pieces", |_, stream| {
        let _ = stream.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes());
        while stream.write_all(b"5\r\n     \r\n").is_ok() {}
    });
    is_found_out("header", |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
            .is_ok()
        {}
    });
    is_found_out("one line", |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(&[b'y'; 4096]).is_ok() {}
    });
    is_found_out("stated length", |_, stream| {
        let _ = stream.write_all(head("Content-Length: 18446744073709551615\r\n").as_bytes());
        wait_for_the_end(stream);
    });
}

#[test]
fn slow() {
    let drip = |start: String| {
        move |_: &str, stream: &mut dyn Stream| {
            let _ = stream.write_all(start.as_bytes());
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    };
    is_found_out("header", drip("HTTP/1.1 200 OK\r\nX:".to_owned()));
    is_found_out("body", drip(head("Connection: close\r\n")));
    is_found_out("silence", |_, stream| wait_for_the_end(stream));
}

#[test]
fn not_what_was_asked_for() {
    let saying = |text: &'static [u8]| {
        move |_: &str, stream: &mut dyn Stream| {
            let _ = stream.write_all(text);
        }
    };
    is_found_out("nothing", saying(b""));
    is_found_out("another protocol", saying(b"220 mail.example ESMTP\r\n"));
    is_found_out("no octet of text", saying(&[0, 255, 254, 13, 10, 13, 10]));
    is_found_out("half a header", saying(b"HTTP/1.1 200"));
    is_found_out(
        "half a body",
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"OperationMode\":1}"),
    );
    is_found_out(
        "a page",
        saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"),
    );
    is_found_out("no content", saying(b"HTTP/1.1 204 No Content\r\n\r\n"));
    is_found_out(
        "who asks",
        saying(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"),
    );
}

/// Not followed, not even to itself: each path is asked for once.
#[test]
fn redirects() {
    for target in [
        "/Attestation/Getinfo",
        "http://127.0.0.3/",
        "http://[::1",
        "\x1b[2J",
    ] {
        let fabric = is_found_out("redirect", move |_, stream| {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\n");
            let _ = stream.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes());
        });
        assert_eq!(fabric.requests(1).len(), 3, "{target}");
    }
}

#[test]
fn deep_json() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "")] {
        let count = service_info::MAX_REPLY_LEN / open.len() / 2;
        let body = format!("{}{}", open.repeat(count), close.repeat(count));
        is_found_out("deep", move |_, stream| {
            let head = head(&format!("Content-Length: {}\r\n", body.len()));
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        });
    }
}

/// What is compressed is not unpacked: it is taken for what it is, some octets.
#[test]
fn compressed() {
    // 64 MiB of spaces in 64 KiB (RFC 1952).
    let spaces = miniz_oxide::deflate::compress_to_vec(&vec![b' '; 64 * 1024 * 1024], 1);
    let head_of_gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut body = [&head_of_gzip[..], &spaces].concat();
    body.truncate(service_info::MAX_REPLY_LEN);
    for encoding in ["gzip", "deflate", "br"] {
        let mut fabric = Fabric::new();
        let sent = body.clone();
        fabric.replace(1, move |_, stream| {
            let length = sent.len();
            let head = head(&format!(
                "Content-Encoding: {encoding}\r\nContent-Length: {length}\r\n"
            ));
            let _ = stream.write_all(&[head.as_bytes(), &sent].concat());
        });
        let seen = seen(&fabric);
        let answers: Vec<_> = seen[1]
            .exchanges()
            .map(|one| one.answer().unwrap())
            .collect();
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(|answer| answer.body.0 == body));
        let report = judge(seen, &question());
        assert_eq!(
            diagnostic(&report, NODE, "hgs-getinfo-answers").status,
            Fail
        );
        // Nor was it asked for.
        let requests = fabric.requests(1).concat().to_lowercase();
        assert!(!requests.contains("accept-encoding"));
    }
}

/// Both sides of the limits on the signers.
#[test]
fn huge_lists_of_certificates() {
    let one = signer(-10, 300);
    for (count, passes) in [
        (signers::MAX_SIGNERS, true),
        (signers::MAX_SIGNERS + 1, false),
    ] {
        let fabric = Fabric::new();
        let body = numbers(&bundle(&vec![one.clone(); count]));
        assert!(body.len() <= signers::MAX_REPLY_LEN);
        fabric.change_all(|node| node.signers = Ok(body.clone()));
        let failed = with_status(&fabric.report(), &[Fail]);
        let answers = failed
            .iter()
            .filter(|(_, id, _)| *id == "hgs-signers-answer");
        assert_eq!(answers.count(), if passes { 0 } else { 3 });
    }
    for (length, fits) in [
        (signers::MAX_REPLY_LEN, true),
        (signers::MAX_REPLY_LEN + 1, false),
    ] {
        let fabric = Fabric::new();
        fabric.change(1, |node| node.signers = Ok(vec![b'x'; length]));
        let seen = fabric.seen();
        let answer = seen[1].signers.as_ref().unwrap().answer().unwrap();
        assert_eq!(answer.body_trouble.is_none(), fits);
        assert_eq!(answer.body.0.len(), if fits { length } else { 0 });
        let report = judge(seen, &question());
        assert_eq!(diagnostic(&report, NODE, "hgs-signers-answer").status, Fail);
    }
}

/// Dates that say nothing, or far too much.
#[test]
fn dates() {
    for date in [
        "",
        "never",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let mut fabric = Fabric::new();
        fabric.replace(1, move |_, stream| {
            let body =
                r#"{"OperationMode":1,"FunctionalLevel":1,"SupportedFunctionalLevels":[0,1]}"#;
            let head = head(&format!(
                "Date: {date}\r\nContent-Length: {}\r\n",
                body.len()
            ));
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        });
        let looking = Looking {
            node_ntp: None,
            ..fabric.looking()
        };
        let report = judge(looking.observe(&fabric.service()), &question());
        assert_ne!(
            diagnostic(&report, NODE, "hgs-clock").status,
            Pass,
            "{date}"
        );
        assert_eq!(diagnostic(&report, NODE, "hgs-operation-mode").status, Pass);
    }
}

/// Clocks that answer with what no client may use, and with anything at all.
#[test]
fn what_is_no_time() {
    let fabric = Fabric::new();
    // Some numbers without a pattern (Knuth's linear congruential generator).
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut replies: Vec<Vec<u8>> = vec![Vec::new(), vec![0x24], vec![0; 48], vec![0xff; 48]];
    for length in [47, 48, 48, 48, 48, 49, 1000] {
        replies.push((0..length).map(|_| random()).collect());
    }
    for first in [0x24, 0xe4, 0x23, 0x1c] {
        for stratum in [0, 1, 15, 16, 255] {
            let mut reply: Vec<u8> = (0..48).map(|_| random()).collect();
            (reply[0], reply[1]) = (first, stratum);
            replies.push(reply);
        }
    }
    for (at, reply) in replies.into_iter().enumerate() {
        // With the time of the request given back, and without.
        for given_back in [false, true] {
            let socket = UdpSocket::bind((address(1), 0)).unwrap();
            let port = socket.local_addr().unwrap().port();
            let mut reply = reply.clone();
            let thread = std::thread::spawn(move || {
                let mut request = [0; 48];
                let (_, client) = socket.recv_from(&mut request).unwrap();
                if given_back && reply.len() >= 48 {
                    reply[24..32].copy_from_slice(&request[40..48]);
                }
                let _ = socket.send_to(&reply, client);
            });
            let looking = Looking {
                resolve: vec![(NAME.to_owned(), vec![address(1)])],
                node_ntp: Some(port),
                ..fabric.looking()
            };
            let seen = looking.observe(&fabric.service());
            thread.join().unwrap();
            // Whatever it says, the node was looked at to the end.
            assert_eq!(seen[0].exchanges().count(), 3, "{at}");
            assert!(seen[0].ntp.is_some());
            let report = judge(seen, &question());
            let found = diagnostic(&report, NODE, "hgs-clock");
            if !given_back {
                assert_eq!(found.status, Pass, "{at}");
                assert!(
                    found.evidence[1].starts_with("by HTTP alone: "),
                    "{found:?}"
                );
            }
        }
    }
}

/// Connections with which something is done before anybody asks.
struct Raw {
    stop: Arc<AtomicBool>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Raw {
    fn new(listener: TcpListener, act: impl Fn(TcpStream) + Send + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                act(connection.unwrap());
            }
        });
        Self {
            stop,
            address,
            thread: Some(thread),
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn what_is_no_tls() {
    let authority = Authority::new();
    type Act = fn(TcpStream);
    let acts: [(&str, Act); 6] = [
        ("hangs up", drop),
        ("http", |mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }),
        ("garbage", |mut stream| {
            let _ = stream.write_all(&[0xa5; 64]);
        }),
        ("an alert", |mut stream| {
            let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]);
        }),
        ("a record without an end", |mut stream| {
            let _ = stream.write_all(&[22, 3, 3, 0x40, 0]);
            wait_for_the_end(&mut stream);
        }),
        ("a slow record", |mut stream| {
            let _ = stream.write_all(&[22, 3, 3, 0x40, 0]);
            while stream.write_all(&[0]).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }),
    ];
    for (name, act) in acts {
        let tls = || authority.server(&[NAME], |_| {});
        let mut fabric = Fabric::https([tls(), tls(), tls()]);
        let _raw = Raw::new(fabric.take_over(1), act);
        let mut asked = question();
        let root = endorse::ek::Certificate::from_der(&authority.der).unwrap();
        asked.tls_roots = vec![Arc::new(root)];
        let report = judge(seen(&fabric), &asked);
        assert_eq!(
            diagnostic(&report, NODE, "hgs-getinfo-answers").status,
            Fail,
            "{name}"
        );
        let wrong: Vec<_> = with_status(&report, &[Pass])
            .into_iter()
            .filter(|(node, ..)| node == NODE)
            .map(|(_, id, _)| id)
            .collect();
        assert_eq!(wrong, ["hgs-node-reachable"], "{name}");
        let by_others = trouble(&report);
        assert!(
            by_others
                .iter()
                .all(|(node, ..)| !["127.0.0.1", "127.0.0.3"].contains(&node.as_str()))
        );
    }
}

/// A chain with more certificates than are kept, and one with more than TLS takes.
#[test]
fn long_chains() {
    let authority = Authority::new();
    for (more, is_whole) in [(15, true), (16, true), (60, true), (400, false)] {
        let tls = || authority.server(&[NAME], |_| {});
        let long = authority.server_with_chain(&[NAME], more);
        let fabric = Fabric::https([tls(), long, tls()]);
        let seen = fabric.seen();
        for exchange in seen[1].exchanges() {
            assert_eq!(exchange.answer().is_some(), is_whole, "{more}");
            if let Some(chain) = &exchange.tls_chain {
                assert_eq!(chain.len(), (more + 1).min(16));
            }
        }
        let mut asked = question();
        let root = endorse::ek::Certificate::from_der(&authority.der).unwrap();
        asked.tls_roots = vec![Arc::new(root)];
        let trouble = trouble(&judge(seen, &asked));
        assert_eq!(trouble == expected(&[]), is_whole);
    }
}
