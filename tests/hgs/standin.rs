//! A stand-in for a Host Guardian Service of three nodes. It attests nobody: it says what a
//! service says of itself, as a test tells it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use endorse::der::Time;
use endorse::diagnose::service::{Looking, NodeObservation};
use endorse::diagnose::{Observation, Question, Report, Role, Status, Target, diagnose};
use endorse::ek::Certificate;
use endorse::fetch::HgsService;
use rustls::ServerConfig;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::certificates::{bundle, numbers, signer};
use crate::server::{Server, Stream};

/// The name of the service.
pub(crate) const NAME: &str = "hgs.bastion.test";
/// How many nodes there are.
pub(crate) const NODES: usize = 3;
/// For servers that never finish; any other request here takes milliseconds.
pub(crate) const SHORT: Duration = Duration::from_millis(500);

/// What a node says, each part of which a test may change.
#[derive(Clone)]
pub(crate) struct Node {
    /// 1 TPM, 2 Active Directory, 3 host key.
    pub(crate) mode: u32,
    pub(crate) level: u32,
    pub(crate) supported: Vec<u32>,
    /// The body of `signingCertificates`, or a status line.
    pub(crate) signers: Result<Vec<u8>, &'static str>,
    /// How far its clock is ahead, in seconds.
    pub(crate) ahead: i64,
    /// The same of its NTP server, if that is another.
    pub(crate) ntp_ahead: Option<i64>,
    /// The body of the metadata, or a status line with a body.
    pub(crate) metadata: Result<Vec<u8>, (&'static str, &'static str)>,
    /// Its answer to `Getinfo`, in place of the usual one.
    pub(crate) getinfo: Option<Vec<u8>>,
    pub(crate) content_type: &'static str,
    pub(crate) sends_date: bool,
}

/// The nodes at 127.0.0.1, 127.0.0.2 and 127.0.0.3, all at one port.
pub(crate) struct Fabric {
    pub(crate) port: u16,
    scheme: &'static str,
    nodes: Vec<Arc<Mutex<Node>>>,
    servers: Vec<Option<Server>>,
    /// The same sockets: who takes the place of a node finds the port still held.
    listeners: Vec<Option<TcpListener>>,
    clocks: Vec<NtpServer>,
}

impl Fabric {
    /// Good in every respect, by http.
    pub(crate) fn new() -> Self {
        Self::start(None)
    }

    /// The same by https; each node with settings of its own.
    pub(crate) fn https(tls: [ServerConfig; NODES]) -> Self {
        Self::start(Some(tls.to_vec()))
    }

    fn start(tls: Option<Vec<ServerConfig>>) -> Self {
        let signers = numbers(&bundle(&[signer(-10, 300)]));
        let (listeners, clocks) = ports();
        let port = listeners[0].local_addr().unwrap().port();
        let mut fabric = Self {
            port,
            scheme: if tls.is_some() { "https" } else { "http" },
            nodes: Vec::new(),
            servers: Vec::new(),
            listeners: Vec::new(),
            clocks: Vec::new(),
        };
        for (index, (listener, clock)) in listeners.into_iter().zip(clocks).enumerate() {
            let node = Arc::new(Mutex::new(Node {
                mode: 1,
                level: 1,
                supported: vec![0, 1],
                signers: Ok(signers.clone()),
                ahead: 0,
                ntp_ahead: None,
                metadata: Ok(b"\xef\xbb\xbf<?xml version=\"1.0\"?><EntityDescriptor/>".to_vec()),
                getinfo: None,
                content_type: "application/json; charset=utf-8",
                sends_date: true,
            }));
            let says = Arc::clone(&node);
            let tls = tls.as_ref().map(|tls| tls[index].clone());
            fabric.listeners.push(Some(listener.try_clone().unwrap()));
            let server = Server::on(listener, tls, move |path, stream| {
                let reply = says.lock().unwrap().reply(path);
                let _ = stream.write_all(&reply);
            });
            fabric.servers.push(Some(server));
            let says = Arc::clone(&node);
            fabric.clocks.push(NtpServer::new(clock, move || {
                let node = says.lock().unwrap();
                node.ntp_ahead.unwrap_or(node.ahead)
            }));
            fabric.nodes.push(node);
        }
        fabric
    }

    /// Changes one node.
    pub(crate) fn change(&self, node: usize, change: impl FnOnce(&mut Node)) {
        change(&mut self.nodes[node].lock().unwrap());
    }

    /// Changes every node.
    pub(crate) fn change_all(&self, change: impl Fn(&mut Node)) {
        for node in 0..NODES {
            self.change(node, &change);
        }
    }

    /// Takes one node away.
    pub(crate) fn stop(&mut self, node: usize) {
        self.take_over(node);
    }

    /// Takes one node away, and leaves its place to somebody else.
    pub(crate) fn take_over(&mut self, node: usize) -> TcpListener {
        self.servers[node] = None;
        self.listeners[node].take().unwrap()
    }

    /// Puts a server that behaves badly in the place of a node.
    pub(crate) fn replace(
        &mut self,
        node: usize,
        answer: impl Fn(&str, &mut dyn Stream) + Send + 'static,
    ) {
        let listener = self.take_over(node);
        self.servers[node] = Some(Server::on(listener, None, answer));
    }

    /// The requests that a node got.
    pub(crate) fn requests(&self, node: usize) -> Vec<String> {
        self.servers[node].as_ref().unwrap().requests()
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{NAME}:{}", self.scheme, self.port)
    }

    /// What `--resolve` is given.
    pub(crate) fn resolve(&self) -> String {
        let all: Vec<_> = (0..NODES).map(|node| address(node).to_string()).collect();
        format!("{NAME}={}", all.join(","))
    }

    pub(crate) fn service(&self) -> HgsService {
        HgsService::read(&self.url()).unwrap()
    }

    pub(crate) fn looking(&self) -> Looking {
        Looking {
            resolve: vec![(NAME.to_owned(), (0..NODES).map(address).collect())],
            node_ntp: Some(self.port),
            timeout: Duration::from_secs(20),
            ..Looking::default()
        }
    }

    /// Looks at it as it is.
    pub(crate) fn seen(&self) -> Vec<NodeObservation> {
        self.looking().observe(&self.service())
    }

    /// Looks at it and judges.
    pub(crate) fn report(&self) -> Report {
        judge(self.seen(), &question())
    }

    /// The same with these authorities for HTTPS.
    pub(crate) fn report_trusting(&self, roots: &[&[u8]]) -> Report {
        let mut question = question();
        let roots = roots.iter();
        question.tls_roots = roots
            .map(|der| Arc::new(Certificate::from_der(der).unwrap()))
            .collect();
        judge(self.seen(), &question)
    }
}

impl Node {
    fn reply(&self, path: &str) -> Vec<u8> {
        match path {
            "/Attestation/Getinfo" => match &self.getinfo {
                Some(reply) => reply.clone(),
                None => self.http("200 OK", self.content_type, &self.info()),
            },
            "/Attestation/v2.0/signingCertificates" => match &self.signers {
                Ok(body) => self.http("200 OK", self.content_type, body),
                Err(line) => self.http(line, "text/html", b""),
            },
            "/keyprotection/service/metadata/2014-07/metadata.xml" => match &self.metadata {
                Ok(body) => self.http("200 OK", "text/xml", body),
                Err((line, page)) => self.http(line, "text/html", page.as_bytes()),
            },
            _ => self.http("404 Not Found", "text/html", b""),
        }
    }

    /// The ServiceInfoReply.
    pub(crate) fn info(&self) -> Vec<u8> {
        let supported: Vec<_> = self.supported.iter().map(ToString::to_string).collect();
        format!(
            "{{\"__type\":\"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core\",\
             \"FunctionalLevel\":{},\"OperationMode\":{},\"SupportedFunctionalLevels\":[{}]}}",
            self.level,
            self.mode,
            supported.join(",")
        )
        .into_bytes()
    }

    fn http(&self, line: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        let mut reply = format!(
            "HTTP/1.1 {line}\r\nServer: Microsoft-IIS/10.0\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        if self.sends_date {
            let time = OffsetDateTime::now_utc() + time::Duration::seconds(self.ahead);
            let date = time.format(&Rfc2822).unwrap().replace("+0000", "GMT");
            reply.push_str(&format!("Date: {date}\r\n"));
        }
        reply.push_str("\r\n");
        let mut reply = reply.into_bytes();
        reply.extend(body);
        reply
    }
}

/// The address of a node.
pub(crate) fn address(node: usize) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, u8::try_from(node + 1).unwrap()).into()
}

/// One TCP and one UDP port that is free at all three addresses.
fn ports() -> (Vec<TcpListener>, Vec<UdpSocket>) {
    loop {
        let first = TcpListener::bind((address(0), 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = (1..NODES).map(|node| TcpListener::bind((address(node), port)));
        let clocks = (0..NODES).map(|node| UdpSocket::bind((address(node), port)));
        let (others, clocks): (Result<Vec<_>, _>, Result<Vec<_>, _>) =
            (others.collect(), clocks.collect());
        if let (Ok(others), Ok(clocks)) = (others, clocks) {
            let listeners = std::iter::once(first).chain(others);
            return (listeners.collect(), clocks);
        }
    }
}

/// An NTP server that is ahead by as much as it is told, in seconds.
pub(crate) struct NtpServer {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NtpServer {
    pub(crate) fn new(socket: UdpSocket, ahead: impl Fn() -> i64 + Send + 'static) -> Self {
        let address = socket.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut request = [0; 48];
            loop {
                let (length, client) = socket.recv_from(&mut request).unwrap();
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if length == 48 {
                    let _ = socket.send_to(&ntp_reply(&request, ahead()), client);
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for NtpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it from waiting for the next.
        let waker = UdpSocket::bind("127.0.0.1:0").unwrap();
        let _ = waker.send_to(&[0], self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A packet of version 4 from a server of stratum 1 (RFC 5905 section 7.3).
fn ntp_reply(request: &[u8; 48], ahead: i64) -> [u8; 48] {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(since.as_secs()).unwrap() + 2_208_988_800 + ahead;
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let mut now = [0; 8];
    now[..4].copy_from_slice(&(seconds as u32).to_be_bytes());
    now[4..].copy_from_slice(&(fraction as u32).to_be_bytes());
    let mut reply = [0; 48];
    reply[0] = 0x24;
    reply[1] = 1;
    reply[12..16].copy_from_slice(b"LOCL");
    reply[16..24].copy_from_slice(&now);
    reply[24..32].copy_from_slice(&request[40..48]);
    reply[32..40].copy_from_slice(&now);
    reply[40..48].copy_from_slice(&now);
    reply
}

/// Everything, as of now.
pub(crate) fn question() -> Question {
    Question::new(now())
}

pub(crate) fn now() -> Time {
    Time::from_unix(OffsetDateTime::now_utc().unix_timestamp())
}

pub(crate) fn target(node: NodeObservation) -> Target {
    Target {
        name: node.name(),
        role: Role::HostGuardianService,
        source: node.service.to_string(),
        observations: vec![Observation::Node(node)],
    }
}

pub(crate) fn judge(seen: Vec<NodeObservation>, question: &Question) -> Report {
    let targets: Vec<_> = seen.into_iter().map(target).collect();
    diagnose(&targets, question)
}

/// Every diagnostic of these statuses: the target, the id, the status.
pub(crate) fn with_status(
    report: &Report,
    statuses: &[Status],
) -> Vec<(String, &'static str, Status)> {
    let mut found = Vec::new();
    for target in &report.targets {
        for one in target.sets.iter().flat_map(|set| &set.diagnostics) {
            if statuses.contains(&one.status) {
                found.push((target.name.clone(), one.definition.id, one.status));
            }
            let has_remedy = !one.remedy.is_empty();
            let needs_one = matches!(one.status, Status::Warn | Status::Fail);
            assert_eq!(
                has_remedy, needs_one,
                "{} {:?}",
                one.definition.id, one.status
            );
        }
    }
    found.sort();
    found
}

/// What did not pass, though it applies.
pub(crate) fn trouble(report: &Report) -> Vec<(String, &'static str, Status)> {
    with_status(report, &[Status::Warn, Status::Fail])
}

/// The same as it is written in a test.
pub(crate) fn expected(
    list: &[(&str, &'static str, Status)],
) -> Vec<(String, &'static str, Status)> {
    let mut list: Vec<_> = list
        .iter()
        .map(|(target, id, status)| ((*target).to_owned(), *id, *status))
        .collect();
    list.sort();
    list
}

/// The diagnostic of this id at this target.
pub(crate) fn diagnostic<'r>(
    report: &'r Report,
    target: &str,
    id: &str,
) -> &'r endorse::diagnose::Diagnostic {
    let targets = report.targets.iter().filter(|one| one.name == target);
    targets
        .flat_map(|one| &one.sets)
        .flat_map(|set| &set.diagnostics)
        .find(|one| one.definition.id == id)
        .unwrap()
}
