//! A TPM emulator that says it is of another manufacturer: what goes to the emulator
//! goes unchanged, and in what comes back `TPM2_PT_MANUFACTURER` has another value.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// `TPM2_PT_MANUFACTURER` and swtpm's id, as they lie in a `TPMS_TAGGED_PROPERTY`.
const SWTPM: [u8; 8] = *b"\x00\x00\x01\x05IBM\x00";
/// Tag, size and response code.
const HEADER_LEN: usize = 10;

pub(crate) struct Disguise {
    port: u16,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Disguise {
    /// Puts an emulator, by the port in its TCTI, behind this manufacturer.
    pub(crate) fn of(tcti: &str, manufacturer: [u8; 4]) -> Self {
        let behind: u16 = tcti.rsplit_once('=').unwrap().1.parse().unwrap();
        let [data, control] = two_ports();
        let stop = Arc::new(AtomicBool::new(false));
        let port = data.local_addr().unwrap().port();
        let threads = [(data, behind, true), (control, behind + 1, false)]
            .into_iter()
            .map(|(listener, behind, is_data)| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || {
                    for connection in listener.incoming() {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let change = is_data.then_some(manufacturer);
                        forward(connection.unwrap(), behind, change);
                    }
                })
            })
            .collect();
        Self {
            port,
            stop,
            threads,
        }
    }

    pub(crate) fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }
}

impl Drop for Disguise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for port in [self.port, self.port + 1] {
            let _ = TcpStream::connect(("127.0.0.1", port));
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The control channel is at the port after that of the data.
fn two_ports() -> [TcpListener; 2] {
    loop {
        let data = TcpListener::bind("127.0.0.1:0").unwrap();
        let next = data.local_addr().unwrap().port().checked_add(1);
        if let Some(next) = next
            && let Ok(control) = TcpListener::bind(("127.0.0.1", next))
        {
            return [data, control];
        }
    }
}

/// Both ways, until either side hangs up.
fn forward(client: TcpStream, behind: u16, change: Option<[u8; 4]>) {
    let server = TcpStream::connect(("127.0.0.1", behind)).unwrap();
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (server, client);
    std::thread::spawn(move || {
        match change {
            None => {
                let _ = io::copy(&mut from_server, &mut to_client);
            }
            Some(manufacturer) => {
                while let Ok(response) = response(&mut from_server) {
                    let response = disguised(response, manufacturer);
                    if to_client.write_all(&response).is_err() {
                        break;
                    }
                }
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
}

/// One whole response of a TPM.
fn response(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut response = vec![0; HEADER_LEN];
    stream.read_exact(&mut response)?;
    let size = u32::from_be_bytes(response[2..6].try_into().unwrap()) as usize;
    response.resize(size, 0);
    stream.read_exact(&mut response[HEADER_LEN..])?;
    Ok(response)
}

fn disguised(mut response: Vec<u8>, manufacturer: [u8; 4]) -> Vec<u8> {
    let found = response.windows(SWTPM.len()).position(|at| at == SWTPM);
    if let Some(start) = found {
        response[start + 4..start + 8].copy_from_slice(&manufacturer);
    }
    response
}
