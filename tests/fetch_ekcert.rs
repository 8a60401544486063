//! `get-platform-identifier --fetch-ekcert`, against an emulator that says it is a
//! firmware TPM and a server that plays the vendor.
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

#[path = "support/disguise.rs"]
mod disguise;
#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests may be blunt"
)]
#[path = "support/pki.rs"]
mod pki;
#[path = "support/server.rs"]
mod server;
#[path = "support/swtpm.rs"]
mod swtpm;
#[path = "support/tls.rs"]
mod tls;

use std::process::{Command, Output};

use disguise::Disguise;
use endorse::ek::{EkCertService, EkPub};
use endorse::identifier::Identifier;
use serde_json::Value;
use server::{Server, ok, status};
use swtpm::Swtpm;

const VENDORS: [(EkCertService, [u8; 4]); 2] = [
    (EkCertService::Intel, *b"INTC"),
    (EkCertService::Amd, *b"AMD\0"),
];

fn run(tcti: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(["get-platform-identifier", "--name", "nuc1", "--tcti", tcti])
        .args(args)
        .env("TSS2_LOG", "all+none")
        // A proxy that nobody is at: it is for other machines, and only this name counts.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .env_remove("https_proxy")
        .output()
        .unwrap()
}

fn fetching(tcti: &str, service: EkCertService, server: &Server, more: &[&str]) -> Output {
    let mirror = format!("{}={}", service.as_str(), server.url("/ek"));
    let args = [&["--fetch-ekcert", "--ekcert-service", &mirror], more].concat();
    run(tcti, &args)
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The key of a bare emulator, and a certificate for it.
fn key_of(tpm: &Swtpm) -> (EkPub, Vec<u8>) {
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -f pem -u ek.pem");
    tpm.tool("tpm2_readpublic -c ek.ctx -f der -o ek.spki");
    let spki = std::fs::read(tpm.path("ek.spki")).unwrap();
    (
        EkPub::from_spki(&spki).unwrap(),
        tpm.certificate_for("ek.pem"),
    )
}

#[test]
fn the_certificate_comes_into_the_file() {
    for (service, manufacturer) in VENDORS {
        let tpm = Swtpm::bare();
        let (key, der) = key_of(&tpm);
        let tpm = (Disguise::of(&tpm.tcti(), manufacturer), tpm);
        let tcti = tpm.0.tcti();
        let path = format!("/ek/{}", service.name_of(&key).unwrap());
        let (expected, reply) = (path.clone(), ok(&der));
        let server = Server::new(move |path, stream| {
            let reply = if path == expected {
                reply.clone()
            } else {
                status("404 Not Found")
            };
            stream.write_all(&reply).unwrap();
        });
        let output = fetching(&tcti, service, &server, &["-v"]);
        assert!(output.status.success(), "{output:?}");
        let identifier = Identifier::read(&output.stdout).unwrap();
        assert_eq!(identifier.ekpubs[0].key, key);
        assert_eq!(identifier.ekcerts[0].certificate.der(), der);
        assert_eq!(identifier.messages, [""; 0]);
        let said = said(&output);
        assert!(!said.contains("ekcert-"), "{said}");
        let source = format!("certificate from {}", server.url(&path));
        assert!(said.contains(&source), "{said}");

        let output = fetching(&tcti, service, &server, &["--json"]);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let source = &json["results"][0]["ekcerts"][0]["source"];
        assert_eq!(source, &server.url(&path));
    }
}

/// A mirror with a certificate of the organisation's own authority.
#[test]
fn a_mirror_with_tls() {
    let tpm = Swtpm::bare();
    let (_, der) = key_of(&tpm);
    let tpm = (Disguise::of(&tpm.tcti(), *b"AMD\0"), tpm);
    let tcti = tpm.0.tcti();
    let (root, config) = tls::config(&tls::loopback(), |_| ());
    let reply = ok(&der);
    let server = Server::tls(config, move |_, stream| {
        let _ = stream.write_all(&reply);
    });
    let mirror = format!("amd=https://{}/ek/", server.host());
    let args = ["--fetch-ekcert", "--ekcert-service", &mirror];

    let output = run(&tcti, &args);
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("no protected connection"));
    assert_eq!(server.requests(), [""; 0]);

    let file = tpm.1.path("root.der");
    std::fs::write(&file, root).unwrap();
    let roots = file.display().to_string();
    let output = run(&tcti, &[&args[..], &["--tls-roots", &roots]].concat());
    assert!(output.status.success(), "{output:?}");
    let identifier = Identifier::read(&output.stdout).unwrap();
    assert_eq!(identifier.ekcerts[0].certificate.der(), der);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_vendor_that_has_none() {
    for (service, manufacturer) in VENDORS {
        let tpm = Swtpm::bare();
        let tpm = (Disguise::of(&tpm.tcti(), manufacturer), tpm);
        let server = Server::saying(status("404 Not Found"));
        let output = fetching(&tpm.0.tcti(), service, &server, &[]);
        assert!(output.status.success(), "{output:?}");
        let identifier = Identifier::read(&output.stdout).unwrap();
        assert_eq!(identifier.ekcerts.len(), 0);
        assert_eq!(identifier.messages.len(), 1, "{:?}", identifier.messages);
        let said = said(&output);
        assert!(said.contains("[ekcert-missing]"), "{said}");
        assert!(said.contains("[ekcert-not-fetched]"), "{said}");
        assert!(said.contains(&server.url("/ek/")), "{said}");
        assert_eq!(server.connections(), 1);
    }
}

/// Nobody is asked, and the URL is said for those who want to ask.
#[test]
fn nothing_is_fetched_unless_asked_for() {
    for (service, manufacturer) in VENDORS {
        let tpm = Swtpm::bare();
        let (key, _) = key_of(&tpm);
        let tpm = (Disguise::of(&tpm.tcti(), manufacturer), tpm);
        let output = run(&tpm.0.tcti(), &[]);
        assert!(output.status.success(), "{output:?}");
        let said = said(&output);
        assert!(said.contains(&service.url(&key).unwrap()), "{said}");
        assert!(said.contains("--fetch-ekcert"), "{said}");
        assert!(!said.contains("ekcert-not-fetched"), "{said}");
    }
}

#[test]
fn a_tpm_of_another_vendor() {
    let tpm = Swtpm::bare();
    let server = Server::saying(status("404 Not Found"));
    for service in EkCertService::ALL {
        let output = fetching(&tpm.tcti(), service, &server, &[]);
        assert!(output.status.success(), "{output:?}");
        let said = said(&output);
        assert!(said.contains("no service of IBM is known"), "{said}");
        assert!(said.contains("[ekcert-not-fetched]"), "{said}");
    }
    assert_eq!(server.connections(), 0);
}

/// Other machines are asked through the proxy of the environment, or of the option.
#[test]
fn the_proxy() {
    let tpm = Swtpm::bare();
    let tpm = (Disguise::of(&tpm.tcti(), *b"INTC"), tpm);
    let tcti = tpm.0.tcti();
    let output = run(&tcti, &["--fetch-ekcert"]);
    assert!(output.status.success(), "{output:?}");
    let text = said(&output);
    assert!(text.contains("https://ekop.intel.com/"), "{text}");
    assert!(text.contains("cannot be reached"), "{text}");

    let proxy = Server::saying(status("403 Forbidden"));
    let output = run(&tcti, &["--fetch-ekcert", "--proxy", &proxy.url("")]);
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("the proxy does not connect"));
    assert!(proxy.requests()[0].starts_with("CONNECT ekop.intel.com:443 "));
}

/// Before the TPM is opened: there is none at this TCTI.
#[test]
fn options_that_make_no_sense() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.pem").display().to_string();
    let no_roots = dir.path().join("x.pem");
    std::fs::write(&no_roots, "x").unwrap();
    let no_roots = no_roots.display().to_string();
    for (args, message, help) in [
        (
            ["--ekcert-service", "nuvoton=https://x/"],
            "is not vendor and URL",
            "intel=https://",
        ),
        (
            ["--ekcert-service", "intel"],
            "is not vendor and URL",
            "amd=URL",
        ),
        (["--ekcert-service", "amd="], "'' is no URL", "https://"),
        (
            ["--ekcert-service", "intel=http://mirror.example/"],
            "is not protected",
            "127.0.0.1",
        ),
        (["--proxy", "socks5://x"], "proxy", "http://host:port"),
        (["--tls-roots", &none], "none.pem", ""),
        (["--tls-roots", &no_roots], "x.pem", ""),
    ] {
        let output = run(
            "device:/nowhere",
            &[&["--fetch-ekcert"], &args[..]].concat(),
        );
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(message) || message == "is not vendor and URL",
            "{said}"
        );
        assert!(said.contains(help), "{said}");
        assert!(!said.contains("nowhere"), "{said}");
    }
}
