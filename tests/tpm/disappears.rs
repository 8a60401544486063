//! A TPM that stops answering in the middle, wherever that is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use endorse::finding::Fault;
use endorse::host::EkChoice;

use crate::swtpm::Swtpm;
use crate::try_read;

/// Stands between the software stack and an emulator, on a pair of ports as an emulator
/// has them, until `budget` octets of answers have passed.
struct Proxy {
    port: u16,
    passed: Arc<AtomicUsize>,
}

impl Proxy {
    fn before(tpm: &Swtpm, budget: usize) -> Self {
        let (data, control, port) = pair_of_ports();
        let tcti = tpm.tcti();
        let target: u16 = tcti.rsplit_once('=').unwrap().1.parse().unwrap();
        let passed = Arc::new(AtomicUsize::new(0));
        for (listener, target) in [(data, target), (control, target + 1)] {
            let passed = Arc::clone(&passed);
            // One after the other, as the emulator takes them: it turns away who comes
            // while another is still connected.
            thread::spawn(move || {
                for client in listener.incoming() {
                    connect(&client.unwrap(), target, &passed, budget);
                }
            });
        }
        Self { port, passed }
    }

    fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }
}

/// The control channel of an emulator is at the port after that for commands.
pub(super) fn pair_of_ports() -> (TcpListener, TcpListener, u16) {
    loop {
        let data = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = data.local_addr().unwrap().port();
        let next = port.checked_add(1);
        if let Some(Ok(control)) = next.map(|next| TcpListener::bind(("127.0.0.1", next))) {
            return (data, control, port);
        }
    }
}

fn connect(client: &TcpStream, target: u16, passed: &AtomicUsize, budget: usize) {
    // Accepted and dropped: what a program sees whose TPM went away.
    if passed.load(Ordering::SeqCst) >= budget {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
        return;
    };
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let questions = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let (mut from, mut to) = (&server, client);
    // As whole as they come: the software stack takes the first piece of an answer on the
    // control channel for all of it.
    let mut piece = [0; 4096];
    loop {
        let left = budget.saturating_sub(passed.load(Ordering::SeqCst));
        let room = piece.len().min(left);
        match from.read(&mut piece[..room]) {
            Ok(length) if length > 0 && to.write_all(&piece[..length]).is_ok() => {
                passed.fetch_add(length, Ordering::SeqCst);
            }
            _ => break,
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Both);
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = questions.join();
}

#[test]
fn after_any_number_of_octets() {
    let tpm = Swtpm::with_certificates(&[]);
    // The whole conversation, to know how long it is.
    let whole = Proxy::before(&tpm, usize::MAX);
    let contents = try_read(&whole.tcti(), EkChoice::Auto).unwrap();
    assert_eq!(contents.findings, []);
    let length = whole.passed.load(Ordering::SeqCst);
    assert!(length > 2000, "{length}");
    // At the start, at its end, and all through it: within headers and within content.
    let mut places = vec![0, 1, 9, 10, 11, length - 1];
    places.extend((1..24).map(|part| length * part / 24 + part % 3));
    for budget in places {
        let proxy = Proxy::before(&tpm, budget);
        match try_read(&proxy.tcti(), EkChoice::Auto) {
            Err(error) => {
                assert_eq!(error.fault, Fault::Environment, "{budget}: {error}");
                assert!(!error.help.is_empty(), "{budget}");
            }
            // Only what follows the last answer may be missed.
            Ok(contents) => {
                assert!(budget + 64 >= length, "{budget} of {length}: {contents:?}");
                assert_eq!(contents.findings, []);
            }
        }
    }
    // The emulator itself is in order.
    assert_eq!(try_read(&tpm.tcti(), EkChoice::Auto).unwrap().findings, []);
}
