//! The commands, with the program itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::crls::CrlSpec;
use super::pki::{self, Spec};
use super::server::status;
use super::vendor::{Vendor, name, with_aia, with_crl};

/// A store with one root, and a place for files.
struct Place(tempfile::TempDir);

impl Place {
    fn new(root: &Spec) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let roots = place.store().join("TrustedTPM_RootCA");
        fs::create_dir_all(&roots).unwrap();
        fs::write(roots.join("root.cer"), root.der()).unwrap();
        place
    }

    fn store(&self) -> std::path::PathBuf {
        self.0.path().join("store")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        run(&self.store(), args)
    }

    /// The results of a run with `--json`.
    #[track_caller]
    fn json(&self, code: i32, args: &[&str]) -> Vec<Value> {
        let output = self.run(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["results"].as_array().unwrap().clone()
    }

    fn stored(&self) -> Vec<Value> {
        self.json(0, &["store", "list"])
    }

    fn files_of(&self, folder: &str) -> usize {
        fs::read_dir(self.store().join(folder)).map_or(0, Iterator::count)
    }
}

fn run(store: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_endorse"))
        .args(args)
        .env("ENDORSE_STORE", store)
        .env("USER", "tester")
        .env_remove("SUDO_USER")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

fn root() -> Spec {
    Spec::ca(name("Root"), pki::ec_key(0), name("Root"), pki::ec_key(0))
}

fn ca() -> Spec {
    Spec::ca(name("CA"), pki::ec_key(1), name("Root"), pki::ec_key(0))
}

fn leaf(urls: &[String]) -> Spec {
    with_aia(Spec::ek(pki::ec_key(7), name("CA"), pki::ec_key(1)), urls)
}

const JUDGED: &[&str] = &["--no-embedded-roots", "--at", pki::AT];

fn fetch_issuers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["store", "fetch-issuers"], JUDGED, more].concat()
}

fn fetch_crls<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["store", "crl", "fetch"], JUDGED, more].concat()
}

#[test]
fn a_missing_issuer_comes_into_the_store() {
    let vendor = Vendor::new();
    let given = ca().der();
    vendor.give("/ca", &given);
    let place = Place::new(&root());
    let url = vendor.url("/ca");
    let ek = place.file("ek.der", &leaf(std::slice::from_ref(&url)).der());
    let verify = [&["verify"], JUDGED, &[&ek]].concat();
    place.json(1, &verify);
    let host = vendor.server().host();

    // Not without the operator's word, and not for show.
    let refused = place.json(1, &fetch_issuers(&[&ek]));
    assert_eq!(refused[0]["outcome"], "incomplete");
    assert_eq!(refused[0]["findings"][0]["code"], "issuer-not-fetched");
    let plan = fetch_issuers(&["--what-if", "--allow-host", &host, &ek]);
    let planned = place.json(0, &plan);
    assert_eq!(planned[0]["outcome"], "would-ask");
    assert_eq!(planned[0]["planned"][0]["asked_as"], url.as_str());
    let planned = place.json(1, &fetch_issuers(&["--what-if", &ek]));
    assert_eq!(planned[0]["outcome"], "nobody-to-ask");
    assert_eq!(vendor.server().connections(), 0);
    assert_eq!(place.stored().len(), 1);

    let args = fetch_issuers(&["--allow-host", &host, "--reason", "TICKET-7", &ek]);
    let fetched = place.json(0, &args);
    assert_eq!(fetched[0]["outcome"], "fetched");
    assert_eq!(fetched[0]["contacted"][0], url.as_str());
    let digest = endorse::hash::sha256(&given).to_string();
    assert_eq!(fetched[0]["issuers"][0]["sha256"], digest.as_str());
    let stored = place.stored();
    let new = stored.iter().find(|one| one["sha256"] == digest.as_str());
    let new = new.unwrap();
    assert_eq!(new["store"], "intermediate");
    assert_eq!(new["source"]["kind"], "url");
    assert_eq!(new["source"]["url"], url.as_str());
    assert_eq!(new["added_by"], "tester");
    assert_eq!(new["reason"], "TICKET-7");
    place.json(0, &verify);
    // There is nothing to do any more.
    let again = place.json(0, &args);
    assert_eq!(again[0]["outcome"], "nothing-missing");
    assert_eq!(vendor.server().connections(), 1);
}

#[test]
fn for_people() {
    let vendor = Vendor::new();
    vendor.give("/ca", &ca().der());
    let place = Place::new(&root());
    let ek = place.file("ek.der", &leaf(&[vendor.url("/ca")]).der());
    let host = vendor.server().host();
    let output = place.run(&fetch_issuers(&["--what-if", "--allow-host", &host, &ek]));
    let text = said(&output);
    assert!(text.contains("WOULD ASK"), "{text}");
    assert!(
        text.contains(&format!("would ask for {}", vendor.url("/ca"))),
        "{text}"
    );
    let output = place.run(&fetch_issuers(&["--allow-host", &host, &ek]));
    let text = said(&output);
    assert!(text.contains("ek.der: FETCHED"), "{text}");
    assert!(text.contains("ADDED 1 certificate"), "{text}");
}

/// A root is shown, and is not in the store afterwards.
#[test]
fn a_root_is_never_added() {
    let vendor = Vendor::new();
    let given = root().der();
    vendor.give("/root", &given);
    let other = Spec::ca(name("Other"), pki::ec_key(3), name("Other"), pki::ec_key(3));
    let place = Place::new(&other);
    let spec = Spec::ek(pki::ec_key(7), name("Root"), pki::ec_key(0));
    let ek = place.file("ek.der", &with_aia(spec, &[vendor.url("/root")]).der());
    let host = vendor.server().host();
    let args = fetch_issuers(&["--allow-host", &host, &ek]);
    let results = place.json(1, &args);
    assert_eq!(results[0]["outcome"], "incomplete");
    assert_eq!(results[0]["roots"][0]["is_issuer"], true);
    let digest = endorse::hash::sha256(&given).to_string();
    assert_eq!(results[0]["roots"][0]["sha256"], digest.as_str());
    assert_eq!(place.stored().len(), 1);
    let text = said(&place.run(&args));
    assert!(
        text.contains("[root-offered]") && text.contains(&digest),
        "{text}"
    );
    assert!(text.contains("endorse store add --root"), "{text}");
}

/// One input that fails does not keep the others from getting theirs.
#[test]
fn many_inputs() {
    let vendor = Vendor::new();
    vendor.give("/ca", &ca().der());
    let place = Place::new(&root());
    let good = place.file("good.der", &leaf(&[vendor.url("/ca")]).der());
    let bad = place.file("bad.der", &leaf(&[vendor.url("/gone")]).der());
    let garbage = place.file("garbage", b"garbage");
    let host = vendor.server().host();
    let args = fetch_issuers(&["--allow-host", &host, &garbage, &bad, &good]);
    let results = place.json(3, &args);
    let outcomes: Vec<_> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["unreadable", "incomplete", "fetched"]);
    // What has failed is not advised again.
    let findings = results[1]["findings"].as_array().unwrap();
    let unknown = findings
        .iter()
        .find(|finding| finding["code"] == "issuer-unknown");
    let help = unknown.unwrap()["help"].as_str().unwrap();
    assert!(
        !help.contains("fetch-issuers") && help.contains("store add"),
        "{help}"
    );
    assert_eq!(place.stored().len(), 2);
}

#[test]
fn a_store_that_cannot_be_written() {
    let vendor = Vendor::new();
    vendor.give("/ca", &ca().der());
    let place = Place::new(&root());
    fs::create_dir(place.store().join(".lock")).unwrap();
    let ek = place.file("ek.der", &leaf(&[vendor.url("/ca")]).der());
    let host = vendor.server().host();
    let output = place.run(&fetch_issuers(&["--allow-host", &host, &ek]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("cannot write"), "{}", said(&output));
    assert_eq!(place.files_of("TrustedTPM_IntermediateCA"), 0);
}

#[test]
fn revocation_lists_come_into_the_store() {
    let vendor = Vendor::new();
    let url = vendor.url("/crl");
    let place = Place::new(&with_crl(root(), std::slice::from_ref(&url)));
    let host = vendor.server().host();
    let allowed = ["--allow-host", host.as_str()];
    let old = CrlSpec::default().der();
    vendor.give("/crl", &old);
    let planned = place.json(0, &fetch_crls(&[&allowed[..], &["--what-if"]].concat()));
    assert_eq!(planned[0]["outcome"], "would-ask");
    assert_eq!(vendor.server().connections(), 0);
    let results = place.json(1, &fetch_crls(&[]));
    assert_eq!(results[0]["findings"][0]["code"], "crl-not-fetched");

    let results = place.json(0, &fetch_crls(&allowed));
    assert_eq!(results[0]["outcome"], "new");
    assert_eq!(results[0]["url"], url.as_str());
    assert_eq!(results[0]["crls"][0]["number"], "05");
    let file = |der: &[u8]| {
        let name = format!("{}.crl", endorse::hash::sha256(der));
        place.store().join("crls").join(name)
    };
    assert_eq!(fs::read(file(&old)).unwrap(), old);
    let results = place.json(0, &fetch_crls(&allowed));
    assert_eq!(results[0]["outcome"], "unchanged");

    let new = CrlSpec {
        this_update: "240201000000Z",
        number: Some(6),
        ..CrlSpec::default()
    }
    .der();
    vendor.give("/crl", &new);
    let results = place.json(0, &fetch_crls(&allowed));
    let replaced = endorse::hash::sha256(&old).to_string();
    assert_eq!(results[0]["crls"][0]["replaces"][0], replaced.as_str());
    assert_eq!(fs::read(file(&new)).unwrap(), new);
    assert_eq!(place.files_of("crls"), 1);

    // One that somebody put there is left to them.
    let by_hand = CrlSpec {
        this_update: "230101000000Z",
        number: Some(1),
        ..CrlSpec::default()
    };
    let by_hand_file = place.store().join("crls/by-hand.crl");
    fs::write(&by_hand_file, by_hand.der()).unwrap();
    let newest = CrlSpec {
        this_update: "240301000000Z",
        number: Some(7),
        ..CrlSpec::default()
    }
    .der();
    vendor.give("/crl", &newest);
    let results = place.json(0, &fetch_crls(&allowed));
    assert_eq!(
        results[0]["crls"][0]["replaces"].as_array().unwrap().len(),
        2
    );
    assert!(by_hand_file.exists() && file(&newest).exists());
    assert!(!file(&new).exists());
    let new = newest;

    // The old one again.
    vendor.give("/crl", &old);
    let results = place.json(1, &fetch_crls(&allowed));
    assert_eq!(results[0]["outcome"], "failed");
    assert_eq!(results[0]["findings"][0]["code"], "crl-refused");
    assert!(file(&new).exists() && !file(&old).exists());
    let text = said(&place.run(&fetch_crls(&allowed)));
    assert!(text.contains("is newer, and is kept"), "{text}");
}

/// An EKcert names a list of its own.
#[test]
fn revocation_lists_of_files() {
    let vendor = Vendor::new();
    let place = Place::new(&root());
    vendor.give("/ek.crl", &CrlSpec::default().der());
    let spec = Spec::ek(pki::ec_key(7), name("Root"), pki::ec_key(0));
    let ek = with_crl(spec, &[vendor.url("/ek.crl"), vendor.url("/gone")]);
    let ek = place.file("ek.der", &ek.der());
    let host = vendor.server().host();
    let results = place.json(1, &fetch_crls(&["--allow-host", &host, &ek]));
    let outcomes: Vec<_> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["new", "failed"]);
    assert_eq!(place.files_of("crls"), 1);
    vendor.reply("/gone", status("500 Internal Server Error"));
}

#[test]
fn wrong_usage() {
    let place = Place::new(&root());
    let ek = place.file("ek.der", &leaf(&[]).der());
    for args in [
        &["--allow-host", "http://x/"][..],
        &["--allow-host", "2130706433"],
        &["--proxy", "socks5://x"],
        &["--timeout", "0"],
        &["--tls-roots", "/nowhere"],
    ] {
        let output = place.run(&fetch_issuers(&[args, &[&ek]].concat()));
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        let output = place.run(&fetch_crls(args));
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
    }
}
