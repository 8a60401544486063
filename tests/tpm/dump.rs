//! Dumps say what the TPM said.

use std::fs;
use std::path::Path;

use endorse::finding::Code;
use endorse::host::{Dump, EkChoice, Recorder, Tpm, read_tpm};
use serde_json::Value;

use crate::swtpm::{Swtpm, write};
use crate::{VENDOR, codes, endorse, text, try_read};

/// Runs `get-platform-identifier` with these arguments and gives its JSON.
fn identifier(args: &[&str]) -> Value {
    let command = ["get-platform-identifier", "--name", "hyp01", "--json"];
    let output = endorse(&[&command[..], args].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_dump_gives_the_same_identifier() {
    let tpm = Swtpm::with_certificates(&[]);
    // One key has to be made, a nonce lies about, and one index may not be read.
    tpm.tool("tpm2_evictcontrol -C o -c 0x81010001");
    tpm.write_nv(0x01c0_0003, &[0xa5; 64], VENDOR);
    tpm.write_nv(0x01c0_0012, b"secret", "ppwrite|policyread|platformcreate");
    let directory = shown(&tpm.path("dump"));
    for more in [
        &["--format", "xml"][..],
        &["--format", "json"],
        &["--ek", "ecc-p384"],
        &["--ek", "rsa3072"],
    ] {
        let live = identifier(&[&["--tcti", &tpm.tcti(), "--dump", &directory], more].concat());
        let again = identifier(&[&["--from-dump", &directory], more].concat());
        assert_eq!(live, again, "{more:?}");
        assert!(!live["results"][0]["ekpubs"].as_array().unwrap().is_empty());
    }
    // The TPM is not needed any more, and was not asked.
    tpm.kill();
    identifier(&["--from-dump", &directory]);
}

#[test]
fn files_saved_with_tpm2_tools_give_the_same_identifier() {
    let tpm = Swtpm::with_certificates(&[]);
    let directory = tpm.path("dump");
    let live = identifier(&["--tcti", &tpm.tcti(), "--dump", &shown(&directory)]);
    let by_hand = tpm.path("by-hand");
    fs::create_dir(&by_hand).unwrap();
    tpm.tool("tpm2_nvread 0x1c00002 -o by-hand/0x1c00002.bin");
    tpm.tool("tpm2_nvread 0x1c00016 -o by-hand/0x1c00016.bin");
    tpm.tool("tpm2_readpublic -c 0x81010001 -o by-hand/0x81010001.pub");
    tpm.tool("tpm2_readpublic -c 0x81010016 -f tpmt -o by-hand/0x81010016.pub");
    for what in ["properties-fixed", "properties-variable"] {
        let said = tpm.tool(&format!("tpm2_getcap {what}")).stdout;
        write(&by_hand.join(format!("{what}.txt")), said);
    }
    // tpm2-tools know nothing of the machine.
    fs::copy(directory.join("machine.json"), by_hand.join("machine.json")).unwrap();
    assert_eq!(live, identifier(&["--from-dump", &shown(&by_hand)]));

    // Keys from tpm2_createek, and names that say nothing.
    let unnamed = tpm.path("unnamed");
    fs::create_dir(&unnamed).unwrap();
    tpm.tool("tpm2_createek -G rsa -c ek.ctx -u unnamed/rsa.pub");
    tpm.tool("tpm2_createek -G ecc384 -c ek.ctx -u unnamed/p384.pub");
    fs::copy(by_hand.join("0x1c00002.bin"), unnamed.join("rsa.der")).unwrap();
    fs::copy(by_hand.join("0x1c00016.bin"), unnamed.join("p384.der")).unwrap();
    let found = identifier(&["--from-dump", &shown(&unnamed)]);
    let (live, found) = (&live["results"][0], &found["results"][0]);
    for field in ["ekpubs", "ekcerts"] {
        let digests = |result: &Value| -> Vec<String> {
            let entries = result[field].as_array().unwrap().iter();
            entries
                .map(|entry| {
                    let digest = entry.get("spki_sha256").or(entry.get("sha256"));
                    digest.unwrap().to_string()
                })
                .collect()
        };
        assert_eq!(digests(live), digests(found), "{field}");
    }
    assert_eq!(found["machine"]["host_name"], Value::Null);
    let codes: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"machine-incomplete"), "{codes:?}");
    assert!(!codes.contains(&"ekcert-missing"), "{codes:?}");
}

#[test]
fn a_tpm_without_a_key_is_dumped_all_the_same() {
    let tpm = Swtpm::bare();
    tpm.tool("tpm2_changeauth -c endorsement secret");
    let directory = tpm.path("dump");
    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "a",
        "--tcti",
        &tpm.tcti(),
        "--dump",
        &shown(&directory),
    ]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("shows no endorsement key"));
    // The reason is in it: the same error comes from the dump.
    let live = try_read(&tpm.tcti(), EkChoice::Auto).unwrap_err();
    let again = read_tpm(&mut Dump::open(&directory).unwrap(), EkChoice::Auto).unwrap_err();
    assert_eq!(live, again);
}

#[test]
fn a_directory_of_other_files_is_not_mixed_up() {
    let tpm = Swtpm::bare();
    let directory = tpm.path("mine");
    fs::create_dir(&directory).unwrap();
    write(&directory.join("notes.txt"), "mine");
    let output = endorse(&[
        "get-platform-identifier",
        "--name",
        "a",
        "--tcti",
        &tpm.tcti(),
        "--dump",
        &shown(&directory),
    ]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("of no dump: notes.txt"), "{said}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
}

#[test]
fn a_recording_asks_nothing_of_other_indices() {
    let tpm = Swtpm::bare();
    // An index with a password beside those of EKs: trying none would count as wrong.
    write(&tpm.path("nv"), b"x");
    tpm.tool("tpm2_nvdefine 0x1c07f01 -C o -s 8 -p secret -a authread|authwrite");
    let before = tpm.tool("tpm2_getcap properties-variable").stdout;
    let mut open = Tpm::open(&tpm.tcti()).unwrap();
    let mut recorder = Recorder::new(&mut open);
    let contents = read_tpm(&mut recorder, EkChoice::Auto).unwrap();
    assert_eq!(codes(&contents), [Code::EkcertMissing]);
    let machine = endorse::host::machine(Path::new("/nowhere"));
    recorder.finish(machine).unwrap();
    drop(open);
    let after = tpm.tool("tpm2_getcap properties-variable").stdout;
    let counter = |said: &[u8]| {
        let lines = text(said).lines();
        lines
            .filter(|line| line.contains("LOCKOUT_COUNTER"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(counter(&before), counter(&after));
    assert!(
        counter(&before)[0].ends_with("0x0"),
        "{:?}",
        counter(&before)
    );
}
