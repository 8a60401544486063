//! An HTTP server on the loopback interface that does what a test tells it, records
//! what it was asked, and is gone when the test is.

#![allow(dead_code, reason = "each test crate uses its part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection, with TLS or without.
pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

type Answer = dyn Fn(&str, &mut dyn Stream) + Send;

pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers each request by its path.
    pub(crate) fn new(answer: impl Fn(&str, &mut dyn Stream) + Send + 'static) -> Self {
        Self::on(any_port(), None, answer)
    }

    /// The same over TLS.
    pub(crate) fn tls(
        config: ServerConfig,
        answer: impl Fn(&str, &mut dyn Stream) + Send + 'static,
    ) -> Self {
        Self::on(any_port(), Some(config), answer)
    }

    /// Answers there, with TLS or without.
    pub(crate) fn on(
        listener: TcpListener,
        tls: Option<ServerConfig>,
        answer: impl Fn(&str, &mut dyn Stream) + Send + 'static,
    ) -> Self {
        Self::start(listener, tls.map(Arc::new), Box::new(answer))
    }

    /// Answers every request with these bytes and hangs up.
    pub(crate) fn saying(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::new(move |_, stream| {
            let _ = stream.write_all(&reply);
        })
    }

    fn start(listener: TcpListener, tls: Option<Arc<ServerConfig>>, answer: Box<Answer>) -> Self {
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
            stop: Arc::default(),
            thread: None,
        };
        let connections = Arc::clone(&server.connections);
        let requests = Arc::clone(&server.requests);
        let stop = Arc::clone(&server.stop);
        server.thread = Some(std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let mut tcp = connection.unwrap();
                let serve = |stream: &mut dyn Stream| {
                    if let Some(request) = read_request(stream) {
                        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                        requests.lock().unwrap().push(request);
                        answer(&path, stream);
                    }
                };
                match &tls {
                    None => serve(&mut tcp),
                    Some(config) => serve_tls(config, tcp, serve),
                }
            }
        }));
        server
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, header and all.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it from waiting for the next.
        let _ = TcpStream::connect(self.host());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn any_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn serve_tls(config: &Arc<ServerConfig>, tcp: TcpStream, serve: impl Fn(&mut dyn Stream)) {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, tcp);
    serve(&mut stream);
    stream.conn.send_close_notify();
    let _ = stream.conn.complete_io(&mut stream.sock);
}

/// Up to the empty line; `None` if the client goes before.
fn read_request(stream: &mut dyn Stream) -> Option<String> {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut octet).ok()? == 0 {
            return None;
        }
        request.push(octet[0]);
    }
    String::from_utf8(request).ok()
}

/// Waits until the client hangs up.
pub(crate) fn wait_for_the_end(stream: &mut dyn Stream) {
    let mut octet = [0];
    while stream.read(&mut octet).is_ok_and(|count| count > 0) {}
}

/// A reply with this body.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let mut reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nSet-Cookie: a=b\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend(body);
    reply
}

/// A reply without a body.
pub(crate) fn status(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}
