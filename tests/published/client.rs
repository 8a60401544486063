//! The client: where it goes and where not, and how much it takes.

use std::net::TcpListener;
use std::time::Duration;

use endorse::ek::Certificate;
use endorse::fetch::{Cause, Failure, MAX_REDIRECTS, Repository, RepositorySettings};
use endorse::finding::{Code, Fault};

use super::server::{Server, ok, status, wait_for_the_end};
use super::{repository, settings, tls};

/// For servers that never finish; any other fetch here takes milliseconds.
const SHORT: Duration = Duration::from_millis(300);
/// The largest body in these tests.
const MAX: usize = 4096;

fn get(server: &Server) -> Result<Vec<u8>, Failure> {
    repository(&[server]).get(&server.url("/x"), MAX)
}

/// The cause and the message; the other part of the message is there.
#[track_caller]
fn failure(result: Result<Vec<u8>, Failure>) -> (Cause, String) {
    let failure = result.unwrap_err();
    assert!(!failure.error.help.is_empty());
    (failure.cause, failure.error.message)
}

fn redirect(line: &str, target: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[test]
fn what_is_published_comes() {
    let server = Server::saying(ok(b"certificate"));
    let mut repository = repository(&[&server]);
    // As vendors write URLs: upper-case schemes, spaces.
    let url = server.url("/NTC TPM Root.cer").replace("http:", "HTTP:");
    assert_eq!(repository.get(&url, MAX).unwrap(), b"certificate");
    assert_eq!(
        repository.contacted(),
        [server.url("/NTC%20TPM%20Root.cer")]
    );
    let requests = server.requests();
    let mut lines: Vec<_> = requests[0]
        .trim_end()
        .lines()
        .map(str::to_lowercase)
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept: */*".to_owned(),
            "get /ntc%20tpm%20root.cer http/1.1".to_owned(),
            format!("host: {}", server.host()),
            "user-agent: endorse".to_owned(),
        ]
    );
}

#[test]
fn statuses() {
    for (line, expected) in [
        ("404 Not Found", Cause::NotFound),
        ("403 Forbidden", Cause::Status(403)),
        ("500 Internal Server Error", Cause::Status(500)),
        ("204 No Content", Cause::Status(204)),
        ("300 Multiple Choices", Cause::Redirect),
        ("304 Not Modified", Cause::Redirect),
        // Without a target.
        ("302 Found", Cause::Redirect),
    ] {
        let server = Server::saying(status(line));
        assert_eq!(failure(get(&server)).0, expected, "{line}");
        assert_eq!(server.connections(), 1, "{line}: nothing is tried again");
    }
}

#[test]
fn redirects_to_hosts_on_the_list_are_followed() {
    let there = Server::saying(ok(b"moved"));
    for line in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let server = Server::saying(redirect(line, &there.url("/y")));
        let mut repository = repository(&[&server, &there]);
        assert_eq!(repository.get(&server.url("/x"), MAX).unwrap(), b"moved");
        assert_eq!(repository.contacted(), [server.url("/x"), there.url("/y")]);
    }
}

/// `/0` leads to `/1` and so on, relative, up to `/last`.
fn chain_of_redirects(last: usize) -> Server {
    Server::new(move |path, stream| {
        let at: usize = path.trim_start_matches('/').parse().unwrap();
        let reply = if at == last {
            ok(b"end")
        } else {
            redirect("302 Found", &(at + 1).to_string())
        };
        let _ = stream.write_all(&reply);
    })
}

#[test]
fn few_redirects_are_followed() {
    let server = chain_of_redirects(MAX_REDIRECTS);
    assert_eq!(
        repository(&[&server]).get(&server.url("/0"), MAX).unwrap(),
        b"end"
    );
    let server = chain_of_redirects(MAX_REDIRECTS + 1);
    let (cause, message) = failure(repository(&[&server]).get(&server.url("/0"), MAX));
    assert_eq!(cause, Cause::Redirect);
    assert!(message.ends_with("it is redirect number 4"), "{message}");
    assert_eq!(server.connections(), MAX_REDIRECTS + 1);
}

#[test]
fn loops_of_redirects_end() {
    for (targets, connections) in [(["/x", "/x"], 1), (["/y", "/x"], 2)] {
        let server = Server::new(move |path, stream| {
            let target = if path == "/x" { targets[0] } else { targets[1] };
            let _ = stream.write_all(&redirect("301 Moved Permanently", target));
        });
        let (cause, message) = failure(get(&server));
        assert_eq!(cause, Cause::Redirect);
        assert!(message.ends_with("so this is a loop"), "{message}");
        assert_eq!(server.connections(), connections);
    }
}

/// Each hop is held to the same rules; nobody else is connected to.
#[test]
fn redirects_elsewhere_are_not_followed() {
    let there = Server::saying(ok(b"secret"));
    let port = there.port();
    for (target, why) in [
        (there.url("/y"), "which is not on the list of hosts"),
        (
            format!("//127.0.0.1:{port}/y"),
            "which is not on the list of hosts",
        ),
        (
            format!("http://localhost:{port}/y"),
            "which is not on the list of hosts",
        ),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/y"),
            "which is not on the list of hosts",
        ),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "leads to 169.254.169.254, which is not on the list of hosts",
        ),
        (
            "http://10.0.0.1/".to_owned(),
            "which is not on the list of hosts",
        ),
        (
            format!("http://2130706433:{port}/"),
            "it has a number for a host that is no address",
        ),
        (
            format!("http://x@127.0.0.1:{port}/"),
            "it has a user name in it",
        ),
        (
            "file:///etc/passwd".to_owned(),
            "it is neither http nor https",
        ),
        ("gopher://x/".to_owned(), "it is neither http nor https"),
        ("http://".to_owned(), "it names no host"),
        (format!("/{}", "x".repeat(3000)), "it is too long"),
        ("/é".to_owned(), "it has characters in it that no URL has"),
    ] {
        let server = Server::saying(redirect("302 Found", &target));
        let (cause, message) = failure(get(&server));
        assert_eq!(cause, Cause::Redirect, "{target}");
        assert!(message.ends_with(why), "{target}: {message}");
        assert!(message.len() < 700, "{message}");
        assert_eq!(server.connections(), 1);
    }
    assert_eq!(there.connections(), 0);
}

/// The list says that a vendor is a public host; a redirect to an address inside is not
/// followed even to a host on the list.
#[test]
fn a_redirect_to_a_listed_host_inside() {
    let inside = Server::saying(ok(b"secret"));
    for host in [
        format!("localhost:{}", inside.port()),
        format!("127.0.0.1:{}", inside.port()),
    ] {
        let server = Server::saying(redirect("302 Found", &format!("http://{host}/y")));
        let mut repository = Repository::new(&RepositorySettings {
            hosts: vec![host.clone()],
            ..settings(&[&server])
        })
        .unwrap();
        let (cause, message) = failure(repository.get(&server.url("/x"), MAX));
        if host.starts_with("localhost") {
            assert_eq!(cause, Cause::Inside, "{message}");
        } else {
            assert_eq!(cause, Cause::Redirect, "{message}");
        }
        assert!(message.contains("the machine itself"), "{message}");
    }
    assert_eq!(inside.connections(), 0);
}

#[test]
fn https_is_not_left_for_http() {
    let plain = Server::saying(ok(b"plain"));
    let target = plain.url("/y");
    let (root, config) = tls::config(&tls::loopback(), |_| ());
    let secure = Server::tls(config, move |_, stream| {
        let _ = stream.write_all(&redirect("302 Found", &target));
    });
    let secure_url = format!("https://{}/x", secure.host());
    let with_root = RepositorySettings {
        extra_roots: vec![Certificate::from_der(&root).unwrap()],
        ..settings(&[&secure, &plain])
    };
    let mut repository = Repository::new(&with_root).unwrap();
    let (cause, message) = failure(repository.get(&secure_url, MAX));
    assert_eq!(cause, Cause::Redirect);
    assert!(message.ends_with("it leaves https for http"), "{message}");
    assert_eq!(plain.connections(), 0);
    // The other way round is what vendors do.
    let (root, config) = tls::config(&tls::loopback(), |_| ());
    let secure = Server::tls(config, |_, stream| {
        let _ = stream.write_all(&ok(b"secure"));
    });
    let plain = Server::saying(redirect(
        "301 Moved Permanently",
        &format!("https://{}/y", secure.host()),
    ));
    let with_root = RepositorySettings {
        extra_roots: vec![Certificate::from_der(&root).unwrap()],
        ..settings(&[&secure, &plain])
    };
    let mut repository = Repository::new(&with_root).unwrap();
    assert_eq!(repository.get(&plain.url("/x"), MAX).unwrap(), b"secure");
    // And TLS is checked.
    let mut repository = Repository::new(&settings(&[&secure, &plain])).unwrap();
    assert_eq!(failure(repository.get(&plain.url("/x"), MAX)).0, Cause::Tls);
}

#[test]
fn huge_bodies() {
    let whole = vec![7; MAX];
    assert_eq!(get(&Server::saying(ok(&whole))).unwrap(), whole);
    let one_more = get(&Server::saying(ok(&vec![7; MAX + 1]))).unwrap_err();
    assert_eq!(one_more.cause, Cause::TooLarge);
    assert_eq!(one_more.error.code, Some(Code::InputTooLarge));
    // A length that is stated is not waited for.
    let server = Server::new(|_, stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
        );
        wait_for_the_end(stream);
    });
    assert_eq!(failure(get(&server)).0, Cause::TooLarge);
    // Without one, reading ends at the limit.
    for (head, piece) in [
        ("Connection: close\r\n", "x".repeat(100)),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("64\r\n{}\r\n", "x".repeat(100)),
        ),
    ] {
        let server = Server::new(move |_, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n");
            while stream.write_all(piece.as_bytes()).is_ok() {}
        });
        assert_eq!(failure(get(&server)).0, Cause::TooLarge, "{head}");
    }
}

#[test]
fn garbage_that_is_no_http() {
    for reply in [&b"\x30\x82\x01\x00"[..], b"HTTP/9.9 yes\r\n\r\n", b""] {
        let server = Server::saying(reply);
        assert_eq!(failure(get(&server)).0, Cause::Broken);
    }
    // A body that ends early.
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx");
    assert_eq!(failure(get(&server)).0, Cause::Broken);
}

/// The limit is for the whole fetch: bytes that keep coming do not prolong it. Otherwise
/// the body would come to its end.
#[test]
fn slow_bodies() {
    let server = Server::new(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut repository = Repository::new(&RepositorySettings {
        timeout: SHORT,
        ..settings(&[&server])
    })
    .unwrap();
    assert_eq!(
        failure(repository.get(&server.url("/x"), MAX)).0,
        Cause::TimedOut
    );
}

/// Each hop is slow, none too slow by itself. Otherwise there would be too many of them.
#[test]
fn redirects_share_the_time() {
    let server = Server::new(|path, stream| {
        std::thread::sleep(SHORT * 2 / 3);
        let _ = stream.write_all(&redirect("302 Found", &format!("{path}x")));
    });
    let mut repository = Repository::new(&RepositorySettings {
        timeout: SHORT,
        ..settings(&[&server])
    })
    .unwrap();
    assert_eq!(
        failure(repository.get(&server.url("/x"), MAX)).0,
        Cause::TimedOut
    );
}

#[test]
fn a_run_has_an_end() {
    let server = Server::saying(ok(b"x"));
    let mut repository = Repository::new(&RepositorySettings {
        max_requests: 2,
        ..settings(&[&server])
    })
    .unwrap();
    for _ in 0..2 {
        repository.get(&server.url("/x"), MAX).unwrap();
    }
    let (cause, message) = failure(repository.get(&server.url("/x"), MAX));
    assert_eq!(cause, Cause::Spent);
    assert!(message.contains("too many requests"), "{message}");
    let mut repository = Repository::new(&RepositorySettings {
        run_timeout: Duration::ZERO,
        ..settings(&[&server])
    })
    .unwrap();
    let (cause, message) = failure(repository.get(&server.url("/x"), MAX));
    assert_eq!(cause, Cause::Spent);
    assert!(message.contains("time for all fetches"), "{message}");
    assert_eq!(server.connections(), 2);
}

/// Refused before anything is sent: nobody connects to the listener, which has every
/// address of the machine itself.
#[test]
fn where_nothing_is_asked() {
    let there = Server::saying(ok(b"secret"));
    let port = there.port();
    let known = |hosts: &[String]| RepositorySettings {
        hosts: hosts.to_vec(),
        ..settings(&[])
    };
    let names = |text: &str| known(&[text.to_owned()]);
    for (settings, url, why) in [
        // Not on the list.
        (
            settings(&[]),
            there.url("/x"),
            "which is not on the list of hosts",
        ),
        (
            settings(&[&there]),
            format!("http://localhost:{port}/x"),
            "which is not on the list of hosts",
        ),
        (
            settings(&[&there]),
            format!("http://127.0.0.2:{port}/x"),
            "which is not on the list of hosts",
        ),
        (
            settings(&[&there]),
            format!("http://127.0.0.1:{}/x", port ^ 1),
            "which is not on the list of hosts",
        ),
        (
            settings(&[&there]),
            format!("http://[::ffff:127.0.0.1]:{port}/x"),
            "which is not on the list of hosts",
        ),
        (
            settings(&[&there]),
            format!("http://[::1]:{port}/x"),
            "which is not on the list of hosts",
        ),
        (
            RepositorySettings::default(),
            "http://metadata.internal/x".to_owned(),
            "leads to metadata.internal, which is not on the list of hosts",
        ),
        // A port that nobody named.
        (
            RepositorySettings::default(),
            "http://pki.infineon.com:8080/x".to_owned(),
            "which is not on the list of hosts",
        ),
        // On the list, and by its number inside.
        (
            known(&[there.host()]),
            there.url("/x"),
            "leads to the machine itself",
        ),
        (
            names("169.254.169.254"),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "leads to a link-local address, where clouds keep metadata",
        ),
        (
            names("10.0.0.1"),
            "http://10.0.0.1/".to_owned(),
            "leads to a private address",
        ),
        (
            names("[::ffff:127.0.0.1]"),
            "http://[::ffff:127.0.0.1]/".to_owned(),
            "leads to an IPv4 address written as IPv6",
        ),
        // Numbers that resolvers read as addresses.
        (
            settings(&[&there]),
            format!("http://2130706433:{port}/x"),
            "has a number for a host that is no address",
        ),
        (
            settings(&[&there]),
            format!("http://127.1:{port}/x"),
            "has a number for a host that is no address",
        ),
        (
            settings(&[&there]),
            format!("http://0x7f.1:{port}/x"),
            "has a number for a host that is no address",
        ),
        // What is no place.
        (
            settings(&[&there]),
            format!("http://127.0.0.1:{port}@evil.example/"),
            "has a user name in it",
        ),
        (
            settings(&[&there]),
            there.url("/x\r\nX-Injected: y"),
            "has control characters in it",
        ),
        (
            settings(&[&there]),
            there.url("/ü"),
            "has characters in it that no URL has",
        ),
        (
            settings(&[&there]),
            there.url(&format!("/{}", "x".repeat(3000))),
            "is too long",
        ),
        (
            settings(&[&there]),
            "ldap://ca.example/CN=CA".to_owned(),
            "is neither http nor https",
        ),
        (
            settings(&[&there]),
            format!("http://127.0.0.1:{port}x/"),
            "has a port that is no number",
        ),
    ] {
        let mut repository = Repository::new(&settings).unwrap();
        let planned = repository.check(&url).unwrap_err();
        let result = repository.get(&url, MAX).unwrap_err();
        assert_eq!(planned, result);
        assert_eq!(result.cause, Cause::NotAllowed, "{url}");
        assert_eq!(result.error.fault, Fault::Misuse);
        let expected = format!("{why}, so nothing was asked");
        assert!(result.error.message.ends_with(&expected), "{result}");
        assert_eq!(repository.contacted(), [""; 0]);
    }
    assert_eq!(there.connections(), 0);
    assert!(get(&there).is_ok());
    assert_eq!(there.connections(), 1);
}

/// A name of a vendor's that resolves to the machine itself, as with poisoned DNS.
#[test]
fn a_name_that_leads_inside() {
    let inside = Server::saying(ok(b"secret"));
    let host = format!("localhost:{}", inside.port());
    let url = format!("http://{host}/x");
    let mut repository = Repository::new(&RepositorySettings {
        hosts: vec![host.clone()],
        ..settings(&[])
    })
    .unwrap();
    let (cause, message) = failure(repository.get(&url, MAX));
    assert_eq!(cause, Cause::Inside);
    assert!(message.contains("the machine itself"), "{message}");
    assert_eq!(repository.contacted(), [""; 0]);
    assert_eq!(inside.connections(), 0);
    // The operator may name it.
    let mut repository = Repository::new(&RepositorySettings {
        hosts: Vec::new(),
        named_hosts: vec![host],
        ..RepositorySettings::default()
    })
    .unwrap();
    assert_eq!(repository.get(&url, MAX).unwrap(), b"secret");
}

#[test]
fn nothing_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut repository = Repository::new(&RepositorySettings {
        named_hosts: vec![host.clone()],
        ..settings(&[])
    })
    .unwrap();
    let result = repository.get(&format!("http://{host}/x"), MAX);
    assert_eq!(failure(result).0, Cause::Unreachable);
}

/// A proxy resolves the names; what is inside by its number is refused before it is asked.
#[test]
fn through_a_proxy() {
    let proxy = Server::saying(status("403 Forbidden"));
    let mut repository = Repository::new(&RepositorySettings {
        proxy: Some(proxy.url("")),
        hosts: vec!["pki.infineon.com".to_owned(), "10.0.0.1".to_owned()],
        ..settings(&[])
    })
    .unwrap();
    let (cause, message) = failure(repository.get("http://pki.infineon.com/x", MAX));
    assert_eq!(cause, Cause::Unreachable);
    assert!(message.contains("proxy"), "{message}");
    assert!(
        proxy.requests()[0].starts_with("CONNECT pki.infineon.com:80 "),
        "{:?}",
        proxy.requests()
    );
    let (cause, _) = failure(repository.get("http://10.0.0.1/x", MAX));
    assert_eq!(cause, Cause::NotAllowed);
    assert_eq!(proxy.connections(), 1);
}
