//! `endorse verify` as a process, with a store of 2,189 CA certificates in as many
//! files, against `openssl verify` with the same certificates in two files. Prints
//! the ratio of the best times of alternating runs.
//!
//! The program is `../target/release/endorse`, or what ENDORSE_BIN names.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use endorse_benches::{Chain, Kind, NOW, many_cas, pem};

const ROUNDS: usize = 15;

fn main() {
    let program = std::env::var_os("ENDORSE_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/endorse"),
        PathBuf::from,
    );
    assert!(
        program.exists(),
        "{} is not there: cargo build --release",
        program.display()
    );
    let folder = std::env::temp_dir().join(format!("endorse-bench-{}", std::process::id()));
    let (roots, intermediates) = (
        folder.join("TrustedTPM_RootCA"),
        folder.join("TrustedTPM_IntermediateCA"),
    );
    for folder in [&roots, &intermediates] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let chain = Chain::new(Kind::Rsa);
    let mut untrusted = pem(&chain.intermediate);
    std::fs::write(roots.join("root.crt"), &chain.root).unwrap();
    std::fs::write(intermediates.join("ca.crt"), &chain.intermediate).unwrap();
    // Most of Microsoft's package is PEM as well.
    for (number, der) in many_cas(2_187).iter().enumerate() {
        std::fs::write(intermediates.join(format!("{number}.cer")), pem(der)).unwrap();
        untrusted.push_str(&pem(der));
    }
    std::fs::write(folder.join("untrusted.pem"), untrusted).unwrap();
    std::fs::write(folder.join("root.pem"), pem(&chain.root)).unwrap();
    std::fs::write(folder.join("ek.pem"), pem(&chain.leaf)).unwrap();

    let mut endorse = Command::new(&program);
    endorse
        .args([
            "verify",
            "--no-embedded-roots",
            "--at",
            "2026-01-01",
            "--store",
        ])
        .arg(&folder)
        .arg(folder.join("ek.pem"));
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "verify",
            "-ignore_critical",
            "-attime",
            &NOW.to_string(),
            "-CAfile",
        ])
        .arg(folder.join("root.pem"))
        .arg("-untrusted")
        .arg(folder.join("untrusted.pem"))
        .arg(folder.join("ek.pem"));
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (command, best) in [&mut endorse, &mut openssl].into_iter().zip(&mut best) {
            let start = Instant::now();
            let status = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            *best = best.min(start.elapsed().as_secs_f64() * 1e3);
            assert!(status.success(), "{command:?}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let [endorse, openssl] = best;
    println!("one EKcert, store of 2,189 CA certificates in files, as a process:");
    println!("  endorse verify {endorse:7.1} ms   (goal for the store: 60 ms)");
    println!("  openssl verify {openssl:7.1} ms");
    println!(
        "  speed of endorse to OpenSSL: {:.1}  (goal: above 1)",
        openssl / endorse
    );
}
