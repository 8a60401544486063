//! `endorse get-platform-identifier` as a process, against a warm emulator, beside the
//! time that the TPM's own commands take of it. The difference is what the program adds:
//! starting twice, connecting, reading the machine, deciding, writing.
//!
//! The program is `../target/release/endorse`, or what ENDORSE_BIN names; it has to have
//! the feature `tpm`.

#[path = "../../tests/support/swtpm.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod swtpm;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use endorse::host::{EkChoice, Tpm, TpmDevice, TpmFacts, TpmTrouble, read_tpm};
use swtpm::Swtpm;

const ROUNDS: usize = 15;
/// The most that the program may add.
const GOAL_MS: f64 = 300.0;

/// Sums up the time that a TPM takes to answer.
struct Timed {
    tpm: Tpm,
    inside: Duration,
}

impl Timed {
    fn call<T>(&mut self, question: impl FnOnce(&mut Tpm) -> T) -> T {
        let start = Instant::now();
        let answer = question(&mut self.tpm);
        self.inside += start.elapsed();
        answer
    }
}

impl TpmDevice for Timed {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        self.call(Tpm::facts)
    }
    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.call(Tpm::nv_indices)
    }
    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        self.call(|tpm| tpm.nv_read(index))
    }
    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        self.call(Tpm::persistent_handles)
    }
    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
        self.call(|tpm| tpm.read_public(handle))
    }
    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        self.call(|tpm| tpm.create_primary(template))
    }
}

fn main() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for tool in ["swtpm", "swtpm_setup", "tpm2_evictcontrol"] {
        if !std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
            println!(
                "SKIPPED tpm: {tool} is not installed (apt-get install swtpm swtpm-tools tpm2-tools)"
            );
            return;
        }
    }
    let program = std::env::var_os("ENDORSE_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/endorse"),
        PathBuf::from,
    );
    assert!(
        program.exists(),
        "{} is not there: cargo build --release --features tpm",
        program.display()
    );
    let tpm = Swtpm::with_certificates(&[]);
    println!("get-platform-identifier, two EKs with certificates, best of {ROUNDS}:");
    measure(&tpm, &program, "both keys persistent");
    tpm.tool("tpm2_evictcontrol -C o -c 0x81010001");
    measure(&tpm, &program, "RSA key made anew");
}

fn measure(tpm: &Swtpm, program: &Path, case: &str) {
    let mut commands = f64::INFINITY;
    let mut process = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut timed = Timed {
            tpm: Tpm::open(&tpm.tcti()).unwrap(),
            inside: Duration::ZERO,
        };
        let contents = read_tpm(&mut timed, EkChoice::Auto).unwrap();
        assert_eq!(contents.keys.len(), 2);
        commands = commands.min(timed.inside.as_secs_f64() * 1e3);
        drop(timed);

        let start = Instant::now();
        let status = Command::new(program)
            .args(["get-platform-identifier", "--name", "a", "--tcti"])
            .arg(tpm.tcti())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        process = process.min(start.elapsed().as_secs_f64() * 1e3);
        assert!(status.success(), "{status}");
    }
    let added = process - commands;
    println!("  {case}:");
    println!("    the process       {process:7.1} ms");
    println!("    the TPM's answers {commands:7.1} ms");
    println!("    the program adds  {added:7.1} ms   (goal: under {GOAL_MS} ms)");
}
