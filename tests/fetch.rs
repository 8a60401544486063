//! Fetching certificates, from servers on the loopback interface that behave well and
//! badly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests may be blunt"
)]

#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]
#[path = "support/pki.rs"]
mod pki;
#[path = "support/server.rs"]
mod server;
#[path = "support/tls.rs"]
mod tls;

use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use endorse::ek::{Certificate, EkCertService, EkPub, Template, TpmPublic};
use endorse::fetch::{Cause, Client, Failure, MAX_HEADER_LEN, Services, Settings, fetch_ekcert};
use endorse::finding::{Code, Error, Fault, Severity};
use endorse::host::{
    EkChoice, MachineFacts, TpmContents, TpmDevice, TpmFacts, TpmTrouble, fetch_missing, read_tpm,
    report,
};
use endorse::identifier::Machine;
use server::{Server, ok, status, wait_for_the_end};
use tls::{config, loopback};

/// For servers that never finish; any other fetch here takes milliseconds.
const SHORT: Duration = Duration::from_millis(300);
/// The largest body in these tests.
const MAX: usize = 4096;

fn settings(hosts: &[String]) -> Settings {
    Settings {
        hosts: hosts.to_vec(),
        max_body_len: MAX,
        ..Settings::default()
    }
}

fn client(server: &Server) -> Client {
    Client::new(&settings(&[server.host()])).unwrap()
}

fn get(server: &Server) -> Result<Vec<u8>, Failure> {
    client(server).get(&server.url("/x"))
}

/// The cause; both parts of the message are there, and no fault is the program's.
fn cause(result: Result<Vec<u8>, Failure>) -> Cause {
    let failure = result.unwrap_err();
    assert!(!failure.error.message.is_empty() && !failure.error.help.is_empty());
    failure.cause
}

/// The key of an EK, and a certificate for it by somebody.
fn ek(index: usize) -> (EkPub, Vec<u8>) {
    let key = pki::ec_key(index);
    let spec = pki::Spec::ek(key, pki::dn("Vendor", "EK CA"), pki::ec_key(0));
    (EkPub::from_spki(&key.spki()).unwrap(), spec.der())
}

/// Both services on one server.
fn mirrors(server: &Server) -> Services {
    EkCertService::ALL
        .into_iter()
        .fold(Services::default(), |services, service| {
            services
                .with_mirror(service, &server.url(&format!("/{}", service.as_str())))
                .unwrap()
        })
}

fn fetch(server: &Server, service: EkCertService, key: &EkPub) -> Result<Certificate, Error> {
    let services = mirrors(server);
    let client = Client::new(&settings(&services.hosts())).unwrap();
    fetch_ekcert(&client, &services, service, key)
}

fn intel_reply(der: &[u8]) -> Vec<u8> {
    let text = URL_SAFE.encode(der).replace('=', "%3D");
    ok(format!("{{\"pubhash\":\"x%3D\",\"certificate\":\"{text}\"}}").as_bytes())
}

#[test]
fn both_services() {
    let (key, der) = ek(1);
    let for_intel = intel_reply(&der);
    let for_amd = ok(&der);
    let paths = EkCertService::ALL.map(|service| {
        let name = service.name_of(&key).unwrap();
        format!("/{}/{name}", service.as_str())
    });
    let [intel, amd] = paths.clone();
    assert!(intel.ends_with("%3D"));
    let server = Server::new(move |path, stream| {
        let reply = match path {
            _ if path == intel => for_intel.clone(),
            _ if path == amd => for_amd.clone(),
            _ => status("404 Not Found"),
        };
        stream.write_all(&reply).unwrap();
    });
    for service in EkCertService::ALL {
        let certificate = fetch(&server, service, &key).unwrap();
        assert_eq!(certificate.der(), der);
    }
    // Nothing but the name of the key goes out, not even a cookie that was set.
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for (request, path) in requests.iter().zip(paths) {
        let mut lines: Vec<String> = request.trim_end().lines().map(str::to_lowercase).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "accept: */*".to_owned(),
                format!("get {} http/1.1", path.to_lowercase()),
                format!("host: {}", server.host()),
                "user-agent: endorse".to_owned(),
            ]
        );
    }
}

#[test]
fn a_key_that_the_vendor_does_not_know() {
    let (key, _) = ek(1);
    for line in ["404 Not Found", "410 Gone"] {
        let server = Server::saying(status(line));
        assert_eq!(cause(get(&server)), Cause::NotFound);
        for service in EkCertService::ALL {
            let error = fetch(&server, service, &key).unwrap_err();
            let start = format!("{} has no certificate for this key", service.company());
            assert!(error.message.starts_with(&start), "{error}");
            assert_eq!(error.fault, Fault::Environment);
            assert!(error.help.contains("--force --reason"), "{error:?}");
        }
    }
}

#[test]
fn other_statuses() {
    for (line, code) in [
        ("500 Internal Server Error", 500),
        ("503 Service Unavailable", 503),
        ("403 Forbidden", 403),
        ("401 Unauthorized", 401),
        ("204 No Content", 204),
    ] {
        let server = Server::saying(status(line));
        let failure = get(&server).unwrap_err();
        assert_eq!(failure.cause, Cause::Status(code));
        assert!(failure.error.message.contains(&code.to_string()));
        assert_eq!(server.connections(), 1, "{line}: nothing is tried again");
    }
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Server::saying(ok(b"x"));
    for line in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        for target in [
            elsewhere.url("/x"),
            "/y".to_owned(),
            "/x".to_owned(),
            "file:///etc/passwd".to_owned(),
            String::new(),
        ] {
            let server = Server::saying(format!(
                "HTTP/1.1 {line}\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
            ));
            // Not even to a host that is on the list.
            let hosts = [server.host(), elsewhere.host()];
            let failure = Client::new(&settings(&hosts))
                .unwrap()
                .get(&server.url("/x"))
                .unwrap_err();
            assert_eq!(failure.cause, Cause::Redirect, "{line} {target}");
            assert!(failure.error.message.contains(&target), "{failure}");
            assert_eq!(server.connections(), 1);
        }
    }
    assert_eq!(
        cause(get(&Server::saying(status("304 Not Modified")))),
        Cause::Redirect
    );
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn what_a_server_says_is_cut() {
    let long = "y".repeat(5000);
    let server = Server::saying(format!(
        "HTTP/1.1 302 Found\r\nLocation: /{long}\r\nContent-Length: 0\r\n\r\n"
    ));
    let failure = get(&server).unwrap_err();
    assert!(failure.error.message.len() < 500, "{failure}");
}

#[test]
fn a_body_of_the_limit_and_one_byte_more() {
    let whole = vec![7; MAX];
    assert_eq!(get(&Server::saying(ok(&whole))).unwrap(), whole);
    assert_eq!(get(&Server::saying(ok(b""))).unwrap(), b"");
    let failure = get(&Server::saying(ok(&vec![7; MAX + 1]))).unwrap_err();
    assert_eq!(failure.cause, Cause::TooLarge);
    assert_eq!(failure.error.code, Some(Code::InputTooLarge));
    // The same without a stated length.
    for (length, fits) in [(MAX, true), (MAX + 1, false)] {
        let mut reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        reply.extend(vec![7; length]);
        let result = get(&Server::saying(reply));
        assert_eq!(result.is_ok(), fits, "{length}");
        if !fits {
            assert_eq!(cause(result), Cause::TooLarge);
        }
    }
}

#[test]
fn a_stated_length_is_not_believed_and_not_waited_for() {
    for length in ["1000000000000", "18446744073709551615"] {
        let server = Server::new(move |_, stream| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
            wait_for_the_end(stream);
        });
        assert_eq!(cause(get(&server)), Cause::TooLarge, "{length}");
    }
}

#[test]
fn bodies_without_an_end() {
    for (head, piece) in [
        ("Connection: close\r\n", "x".repeat(100)),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("64\r\n{}\r\n", "x".repeat(100)),
        ),
    ] {
        let server = Server::new(move |_, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n");
            // Until the client has had enough.
            while stream.write_all(piece.as_bytes()).is_ok() {}
        });
        assert_eq!(cause(get(&server)), Cause::TooLarge, "{head}");
    }
}

#[test]
fn headers_without_an_end() {
    for (piece, expected) in [
        ("x".repeat(1000), Cause::TooLarge),
        (format!("X-A: {}\r\n", "x".repeat(990)), Cause::TooLarge),
    ] {
        let server = Server::new(move |_, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nX-A: ");
            while stream.write_all(piece.as_bytes()).is_ok() {}
        });
        let result = get(&server);
        assert_eq!(cause(result), expected);
    }
    let many = "X-A: b\r\n".repeat(MAX_HEADER_LEN / 16);
    let server = Server::saying(format!("HTTP/1.1 200 OK\r\n{many}\r\n"));
    assert_eq!(cause(get(&server)), Cause::Broken);
}

/// What never ends and is never a body either.
#[test]
fn replies_that_go_round_in_circles() {
    // Which limit the interim replies meet first is a matter of how fast they come.
    for (start, piece, expected) in [
        (
            "",
            "HTTP/1.1 100 Continue\r\n\r\n",
            &[Cause::TooLarge, Cause::TimedOut][..],
        ),
        (
            "",
            "HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n",
            &[Cause::TooLarge, Cause::TimedOut][..],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            "x",
            &[Cause::Broken],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0",
            &[Cause::Broken],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "X-A: b\r\n",
            &[Cause::TimedOut],
        ),
    ] {
        let server = Server::new(move |_, stream| {
            let _ = stream.write_all(start.as_bytes());
            while stream.write_all(piece.as_bytes()).is_ok() {}
        });
        let mut settings = settings(&[server.host()]);
        if expected.contains(&Cause::TimedOut) {
            settings.timeout = SHORT;
        }
        let client = Client::new(&settings).unwrap();
        let cause = cause(client.get(&server.url("/x")));
        assert!(expected.contains(&cause), "{start}{piece}: {cause:?}");
    }
}

#[test]
fn servers_that_keep_silent() {
    for start in [
        "",
        "HTTP/1.1 200 OK\r\nX-A: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let server = Server::new(move |_, stream| {
            let _ = stream.write_all(start.as_bytes());
            wait_for_the_end(stream);
        });
        let client = Client::new(&Settings {
            timeout: SHORT,
            ..settings(&[server.host()])
        })
        .unwrap();
        assert_eq!(
            cause(client.get(&server.url("/x"))),
            Cause::TimedOut,
            "{start}"
        );
    }
}

#[test]
fn replies_that_break() {
    for reply in [
        "",
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\nx",
    ] {
        assert_eq!(cause(get(&Server::saying(reply))), Cause::Broken, "{reply}");
    }
}

#[test]
fn replies_that_are_not_the_certificate() {
    let (key, der) = ek(1);
    let (other, other_der) = ek(2);
    for (body, code) in [
        (b"<html>sign in</html>".to_vec(), Code::EkcertMalformed),
        (Vec::new(), Code::EkcertMalformed),
        (b"{\"error\":\"none\"}".to_vec(), Code::EkcertMalformed),
        (der[..der.len() - 1].to_vec(), Code::EkcertMalformed),
        (der[..40].to_vec(), Code::EkcertMalformed),
        (other_der.clone(), Code::KeyMismatch),
    ] {
        let server = Server::saying(ok(&body));
        for service in EkCertService::ALL {
            let error = fetch(&server, service, &key).unwrap_err();
            assert_eq!(error.code, Some(code), "{error}");
            assert!(error.to_string().contains(&server.host()), "{error}");
        }
    }
    let server = Server::saying(intel_reply(&other_der));
    let error = fetch(&server, EkCertService::Intel, &key).unwrap_err();
    assert_eq!(error.code, Some(Code::KeyMismatch));
    assert!(fetch(&server, EkCertService::Intel, &other).is_ok());
}

#[test]
fn nothing_answers() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = format!("127.0.0.1:{port}");
    let client = Client::new(&settings(std::slice::from_ref(&host))).unwrap();
    assert_eq!(
        cause(client.get(&format!("http://{host}/x"))),
        Cause::Unreachable
    );
}

/// Refused before anything is sent: the listener is connected to by nobody.
#[test]
fn only_hosts_on_the_list() {
    let there = Server::saying(ok(b"x"));
    let port = there.port();
    for (hosts, url) in [
        (vec![], there.url("/x")),
        (vec!["127.0.0.1".to_owned()], there.url("/x")),
        (vec![format!("127.0.0.2:{port}")], there.url("/x")),
        (vec![format!("127.0.0.1:{}", port ^ 1)], there.url("/x")),
        (
            vec![format!("localhost:{port}")],
            format!("http://localhost:{port}/x"),
        ),
        (vec![there.host()], format!("http://x@127.0.0.1:{port}/x")),
        (
            vec!["ekop.intel.com".to_owned()],
            format!("https://ekop.intel.com@127.0.0.1:{port}/x"),
        ),
        (vec![there.host()], format!("ftp://127.0.0.1:{port}/x")),
        (
            vec!["192.0.2.1".to_owned(), "192.0.2.1:80".to_owned()],
            "http://192.0.2.1/x".to_owned(),
        ),
    ] {
        let client = Client::new(&settings(&hosts)).unwrap();
        let failure = client.get(&url).unwrap_err();
        assert_eq!(failure.cause, Cause::NotAllowed, "{url}");
        assert_eq!(failure.error.fault, Fault::Misuse);
        assert!(failure.error.message.contains(&url), "{failure}");
    }
    assert_eq!(there.connections(), 0);
    assert!(client(&there).get(&there.url("/x")).is_ok());
    assert_eq!(there.connections(), 1);
}

#[test]
fn a_mirror_takes_the_place_of_the_vendor() {
    let services = Services::default();
    assert_eq!(services.hosts(), ["ekop.intel.com", "ftpm.amd.com"]);
    let services = services
        .with_mirror(EkCertService::Intel, "https://mirror.example:8443/ek")
        .unwrap();
    assert_eq!(services.hosts(), ["mirror.example:8443", "ftpm.amd.com"]);
    let (key, _) = ek(1);
    let url = services.url(EkCertService::Intel, &key).unwrap();
    assert!(url.starts_with("https://mirror.example:8443/ek/"), "{url}");
    for base in [
        "mirror.example",
        "http://mirror.example/",
        "https://u:p@mirror.example/",
        "https://mirror.example/?key=",
        "https://mirror.example/#x",
        "",
    ] {
        let error = Services::default()
            .with_mirror(EkCertService::Amd, base)
            .unwrap_err();
        assert_eq!(error.fault, Fault::Misuse, "{base}");
    }
}

#[test]
fn settings_that_make_no_sense() {
    for hosts in ["https://x", "", "a b"] {
        let error = Client::new(&settings(&[hosts.to_owned()])).unwrap_err();
        assert_eq!(error.fault, Fault::Misuse);
    }
    for proxy in [
        "socks5://user:secret@127.0.0.1",
        "ftp://x",
        "",
        // Not the default port in silence: that may be somebody else's.
        "http://user:secret@127.0.0.1:80x",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:",
        "127.0.0.1:port",
    ] {
        let error = Client::new(&Settings {
            proxy: Some(proxy.to_owned()),
            ..Settings::default()
        })
        .unwrap_err();
        assert_eq!(error.fault, Fault::Misuse, "{proxy}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

/// The most common trouble of a host without a way out: nobody replied, so no reply is
/// spoken of. No resolver is asked for a name with a label of more than 63 octets.
#[test]
fn a_host_that_is_not_found() {
    let host = format!("{}.example", "x".repeat(64));
    let client = Client::new(&settings(std::slice::from_ref(&host))).unwrap();
    let failure = client.get(&format!("https://{host}/x")).unwrap_err();
    assert_eq!(failure.cause, Cause::Unreachable);
    assert!(failure.error.message.contains("not found"), "{failure}");
    assert!(failure.error.help.contains("DNS"), "{failure:?}");
}

/// Everything but the machine itself is asked for through the proxy, by name.
#[test]
fn through_a_proxy() {
    let proxy = Server::saying(status("403 Forbidden"));
    let local = Server::saying(ok(b"x"));
    let client = Client::new(&Settings {
        proxy: Some(proxy.url("")),
        ..settings(&["ekop.intel.com".to_owned(), local.host()])
    })
    .unwrap();
    let failure = client.get("https://ekop.intel.com/x").unwrap_err();
    assert_eq!(failure.cause, Cause::Unreachable);
    assert!(failure.error.message.contains("proxy"), "{failure}");
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].starts_with("CONNECT ekop.intel.com:443 "),
        "{requests:?}"
    );
    assert_eq!(
        cause(client.get("https://evil.example/x")),
        Cause::NotAllowed
    );
    assert!(client.get(&local.url("/x")).is_ok());
    assert_eq!(proxy.connections(), 1);
}

/// An authority, and a server with a certificate from it for these names.
fn tls_server(names: &[Vec<u8>], change: impl Fn(&mut pki::Spec)) -> (Certificate, Server) {
    let (root, config) = config(names, change);
    let server = Server::tls(config, |_, stream| {
        let _ = stream.write_all(&ok(b"over TLS"));
    });
    (Certificate::from_der(&root).unwrap(), server)
}

fn get_tls(server: &Server, extra_roots: Vec<Certificate>) -> Result<Vec<u8>, Failure> {
    Client::new(&Settings {
        extra_roots,
        ..settings(&[server.host()])
    })
    .unwrap()
    .get(&format!("https://{}/x", server.host()))
}

#[test]
fn tls_with_an_extra_root() {
    let (root, server) = tls_server(&loopback(), |_| ());
    assert_eq!(get_tls(&server, vec![root]).unwrap(), b"over TLS");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn tls_that_proves_nothing() {
    let (root, server) = tls_server(&loopback(), |_| ());
    let (_, other_name) = tls_server(
        &[pki::dns("ekop.intel.com"), pki::tlv(0x87, &[127, 0, 0, 2])],
        |_| (),
    );
    let (_, expired) = tls_server(&loopback(), |leaf| {
        leaf.not_after = pki::utc("210101000000Z");
    });
    let (_, forged) = tls_server(&loopback(), |leaf| leaf.corrupt_signature = true);
    for (server, roots, what) in [
        (&server, vec![], "a root that nobody named"),
        (&other_name, vec![root.clone()], "another name"),
        (&expired, vec![root.clone()], "expired"),
        (&forged, vec![root.clone()], "forged"),
    ] {
        let failure = get_tls(server, roots).unwrap_err();
        assert_eq!(failure.cause, Cause::Tls, "{what}: {failure}");
        assert!(failure.error.help.contains("--tls-roots"));
        assert_eq!(server.requests(), [""; 0], "{what}: nothing was asked");
    }
}

#[test]
fn a_server_that_does_not_speak_tls() {
    let server = Server::new(|_, _| ());
    // It waits for the end of a request that is none.
    let client = Client::new(&Settings {
        timeout: SHORT,
        ..settings(&[server.host()])
    })
    .unwrap();
    let url = format!("https://{}/x", server.host());
    assert_eq!(cause(client.get(&url)), Cause::TimedOut);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        wait_for_the_end(&mut stream);
    });
    let client = Client::new(&settings(std::slice::from_ref(&host))).unwrap();
    assert_eq!(cause(client.get(&format!("https://{host}/x"))), Cause::Tls);
    thread.join().unwrap();
}

const INTEL: Option<u32> = Some(0x494e_5443);
const AMD: Option<u32> = Some(0x414d_4400);

/// A TPM of this manufacturer with an RSA-2048 EK, and perhaps a certificate and a chain.
#[derive(Default)]
struct Fake {
    manufacturer: Option<u32>,
    certificate: Option<Vec<u8>>,
    chain: Option<Vec<u8>>,
}

impl TpmDevice for Fake {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        Ok(TpmFacts {
            manufacturer: self.manufacturer,
            ..TpmFacts::default()
        })
    }
    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        let certificate = self.certificate.iter().map(|_| 0x01c0_0002);
        let chain = self.chain.iter().map(|_| 0x01c0_0100);
        Ok(certificate.chain(chain).collect())
    }
    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        let found = match index {
            0x01c0_0002 => &self.certificate,
            _ => &self.chain,
        };
        Ok(found.clone().unwrap())
    }
    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        Ok(Vec::new())
    }
    fn read_public(&mut self, _: u32) -> Result<Vec<u8>, TpmTrouble> {
        Err(TpmTrouble::Refused("nothing is persistent".to_owned()))
    }
    fn create_primary(&mut self, _: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        Ok(area())
    }
}

/// The public area of its EK.
fn area() -> Vec<u8> {
    let template = Template::by_label("L-1").unwrap();
    let mut area = template.public_area(None).unwrap();
    let start = area.len() - 256;
    area[start..].fill(0xc1);
    area
}

/// A certificate for its EK.
fn certificate_of_fake() -> Vec<u8> {
    let key = TpmPublic::from_tpmt(&area()).unwrap().key;
    let mut spec = pki::Spec::ek(pki::ec_key(1), pki::dn("Vendor", "EK CA"), pki::ec_key(0));
    spec.spki = key.spki_der().to_vec();
    spec.der()
}

/// What is known of a TPM after the services on this server were asked.
fn after_fetching(server: &Server, mut tpm: Fake) -> TpmContents {
    let services = mirrors(server);
    let client = Client::new(&settings(&services.hosts())).unwrap();
    let mut contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    fetch_missing(&mut contents, &client, &services);
    contents
}

fn no_machine() -> MachineFacts {
    MachineFacts {
        machine: Machine::default(),
        findings: Vec::new(),
    }
}

fn codes(contents: &TpmContents) -> Vec<Code> {
    contents.findings.iter().map(|found| found.code).collect()
}

#[test]
fn a_firmware_tpm_gets_its_certificate() {
    let der = certificate_of_fake();
    for (manufacturer, path) in [(INTEL, "/intel/"), (AMD, "/amd/")] {
        let server = Server::saying(ok(&der));
        let tpm = Fake {
            manufacturer,
            certificate: None,
            ..Fake::default()
        };
        let contents = after_fetching(&server, tpm);
        assert_eq!(contents.findings, []);
        let report = report("nuc1", no_machine(), contents);
        let [found] = report.identifier.ekcerts.as_slice() else {
            panic!("{report:?}")
        };
        assert_eq!(found.certificate.der(), der);
        assert!(found.source.starts_with(&server.url(path)), "{found:?}");
        assert_eq!(report.identifier.messages, [""; 0]);
    }
}

/// Without an EKcert the order of the chain was not known; with the fetched one it is.
#[test]
fn the_chain_is_put_in_order_again() {
    let (ca, root) = (pki::dn("Vendor", "EK CA"), pki::dn("Vendor", "Root CA"));
    let issuing = pki::Spec::ca(ca, pki::ec_key(0), root.clone(), pki::ec_key(2)).der();
    let root = pki::Spec::ca(root.clone(), pki::ec_key(2), root, pki::ec_key(2)).der();
    let server = Server::saying(ok(&certificate_of_fake()));
    let tpm = Fake {
        manufacturer: INTEL,
        chain: Some([root.clone(), issuing.clone()].concat()),
        ..Fake::default()
    };
    let contents = after_fetching(&server, tpm);
    let order: Vec<_> = contents
        .chain
        .iter()
        .map(|found| found.certificate.der())
        .collect();
    assert_eq!(order, [issuing, root]);
}

#[test]
fn what_fails_is_a_warning() {
    let (_, other) = ek(2);
    for (reply, why) in [
        (status("404 Not Found"), "Intel has no certificate"),
        (status("500 Internal Server Error"), "failed (500"),
        (ok(b"<html>"), "no certificate"),
        (ok(&other), "is for the key"),
    ] {
        let server = Server::saying(reply);
        let tpm = Fake {
            manufacturer: INTEL,
            certificate: None,
            ..Fake::default()
        };
        let contents = after_fetching(&server, tpm);
        assert_eq!(
            codes(&contents),
            [Code::EkcertMissing, Code::EkcertNotFetched]
        );
        let finding = &contents.findings[1];
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains(why), "{finding:?}");
        assert!(!finding.help.is_empty());
        let report = report("nuc1", no_machine(), contents);
        assert_eq!(report.identifier.ekcerts.len(), 0);
        assert_eq!(report.identifier.messages.len(), 1);
    }
}

#[test]
fn other_vendors_are_not_asked() {
    let server = Server::saying(ok(&certificate_of_fake()));
    for (manufacturer, name) in [
        (Some(0x4946_5800), "Infineon"),
        (Some(0x0000_1014), "swtpm"),
        (Some(0x1234_5678), "12345678"),
        (None, "does not name"),
    ] {
        let tpm = Fake {
            manufacturer,
            certificate: None,
            ..Fake::default()
        };
        let contents = after_fetching(&server, tpm);
        assert_eq!(
            codes(&contents),
            [Code::EkcertMissing, Code::EkcertNotFetched]
        );
        let message = &contents.findings[1].message;
        assert!(message.contains(name), "{message}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_tpm_with_its_certificate_is_not_asked_for() {
    let der = certificate_of_fake();
    let server = Server::saying(ok(&der));
    let tpm = Fake {
        manufacturer: INTEL,
        certificate: Some(der),
        ..Fake::default()
    };
    let contents = after_fetching(&server, tpm);
    assert_eq!(codes(&contents), []);
    assert_eq!(contents.fetched.len(), 0);
    assert_eq!(server.connections(), 0);
}

/// The key that is not the one in the TPM's certificate gets its own.
#[test]
fn a_tpm_with_the_certificate_of_another_key() {
    let der = certificate_of_fake();
    let (_, other) = ek(2);
    let server = Server::saying(ok(&der));
    let tpm = Fake {
        manufacturer: AMD,
        certificate: Some(other),
        ..Fake::default()
    };
    let contents = after_fetching(&server, tpm);
    assert_eq!(codes(&contents), [Code::KeyMismatch]);
    assert_eq!(contents.fetched[0].certificate.der(), der);
}
