use std::fs;
use std::path::Path;

use super::*;
use crate::ek::vectors::{EKCERT_RSA2048, VECTORS};
use crate::ek::{Algorithm, Template};
use crate::finding::Fault;
use crate::hash::from_hex;
use crate::host::{EkChoice, KeySource, read_tpm, report};

/// A whole dump of one EK with its certificate.
fn whole() -> Dump {
    let area = from_hex(VECTORS[0].tpm2b).unwrap()[2..].to_vec();
    let mut facts = TpmFacts {
        manufacturer: Some(0x4946_5800),
        firmware: Some((1, 2)),
        ..TpmFacts::default()
    };
    facts.set_permanent(0);
    Dump {
        facts: Some(facts),
        nv: [
            (0x01c0_0002, Ok(from_hex(EKCERT_RSA2048).unwrap())),
            (0x01c0_0016, Err("a password is needed".to_owned())),
        ]
        .into(),
        persistent: [(0x8101_0001, Ok(area.clone()))].into(),
        primary: [("L-1".to_owned(), Ok(area))].into(),
        machine: Some(MachineFacts {
            machine: Machine {
                serial: Some("CZ1234".to_owned()),
                hypervisor: Some("QEMU/KVM".to_owned()),
                ..Machine::default()
            },
            findings: vec![Finding::new(Code::MachineIncomplete, "no GUID", "be root")],
        }),
        ..Dump::default()
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn identifier(dump: &mut Dump) -> (String, Vec<Finding>) {
    let contents = read_tpm(dump, EkChoice::Auto).unwrap();
    let machine = dump.machine();
    let report = report("hyp01", machine, contents);
    (report.identifier.to_json(), report.findings)
}

#[test]
fn what_is_saved_reads_the_same() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("dump");
    let mut dump = whole();
    dump.save(&path).unwrap();
    assert_eq!(
        names(&path),
        [
            "machine.json",
            "nv-01c00002.bin",
            "nv-01c00016.refused",
            "persistent-81010001.pub",
            "primary-L-1.pub",
            "properties-fixed.txt",
            "properties-variable.txt",
        ]
    );
    assert_eq!(names(parent.path()), ["dump"]);
    let mut again = Dump::open(&path).unwrap();
    assert_eq!(again.notes(), [""; 0]);
    assert_eq!(again.facts, dump.facts);
    assert_eq!(again.nv, dump.nv);
    assert_eq!(identifier(&mut again), identifier(&mut dump));
    // The refusal is told as the TPM told it.
    let (_, findings) = identifier(&mut again);
    let refused = findings
        .iter()
        .find(|found| found.code == Code::EkcertMissing);
    assert!(refused.unwrap().message.contains("a password is needed"));
}

/// The program was stopped while it put a dump in place of another: the certificate is
/// not where it is looked for, which must not read as a TPM without one.
#[test]
fn a_dump_that_is_not_finished() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("dump");
    let dump = whole();
    dump.save(&path).unwrap();
    let staged = dump.stage(&path.join(super::directory::STAGED)).unwrap();
    fs::remove_file(path.join("nv-01c00002.bin")).unwrap();
    for error in [
        Dump::open(&path).unwrap_err(),
        dump.save(&path).unwrap_err(),
    ] {
        assert_eq!(error.fault, Fault::Misuse, "{error}");
        assert!(error.message.contains("is not finished"), "{error}");
    }
    fs::remove_dir_all(&staged).unwrap();
    Dump::open(&path).unwrap();
}

#[test]
fn an_earlier_dump_is_replaced_and_nothing_else() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("dump");
    let mut dump = whole();
    dump.save(&path).unwrap();
    dump.nv.remove(&0x01c0_0016);
    dump.save(&path).unwrap();
    assert!(!names(&path).contains(&"nv-01c00016.refused".to_owned()));

    for other in ["notes.txt", "0x1c00002.bin"] {
        fs::write(path.join(other), b"mine").unwrap();
        let before = names(&path);
        let error = dump.save(&path).unwrap_err();
        assert_eq!(error.fault, Fault::Misuse, "{error}");
        assert!(error.message.contains(other), "{error}");
        assert_eq!(names(&path), before);
        fs::remove_file(path.join(other)).unwrap();
    }
    // Files with the names of a dump, but not a whole one.
    let part = directory(&[("nv-01c00002.bin", b"mine")]);
    assert_eq!(dump.save(part.path()).unwrap_err().fault, Fault::Misuse);
    assert_eq!(names(part.path()), ["nv-01c00002.bin"]);

    let empty = tempfile::tempdir().unwrap();
    dump.save(empty.path()).unwrap();
    assert_eq!(names(empty.path()).len(), 6);
    let file = directory(&[("file", b"")]);
    let error = dump.save(&file.path().join("file")).unwrap_err();
    assert_eq!(error.fault, Fault::Environment, "{error}");
    let error = dump.save(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(error.fault, Fault::Environment, "{error}");
}

/// A full disk, for one: here a file that cannot be made.
#[test]
fn an_earlier_dump_stays_if_the_new_one_cannot_be_written() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("dump");
    let mut dump = whole();
    dump.save(&path).unwrap();
    let before = names(&path);
    dump.nv.clear();
    dump.primary
        .insert("no/such".to_owned(), Err("refused".to_owned()));
    let error = dump.save(&path).unwrap_err();
    assert_eq!(error.fault, Fault::Environment, "{error}");
    assert!(error.message.contains("cannot write the dump"), "{error}");
    assert!(error.help.contains("unchanged"), "{error:?}");
    assert_eq!(names(&path), before);
    assert_eq!(Dump::open(&path).unwrap().nv, whole().nv);
    // Nor is anything left of it in a directory that was empty or not there.
    for path in [parent.path().join("new"), parent.path().join("empty")] {
        if path.ends_with("empty") {
            fs::create_dir(&path).unwrap();
        }
        dump.save(&path).unwrap_err();
        assert!(!path.exists() || names(&path).is_empty());
    }
    assert_eq!(names(parent.path()), ["dump", "empty"]);
}

#[test]
fn part_of_a_dump_is_told_as_such() {
    let part = directory(&[("nv-01c00002.bin", b"mine")]);
    let error = whole().save(part.path()).unwrap_err();
    assert_eq!(error.fault, Fault::Misuse);
    assert!(error.message.contains("no machine.json"), "{error}");
}

#[test]
fn files_saved_by_hand() {
    let tpm2b = from_hex(VECTORS[0].tpm2b).unwrap();
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    for files in [
        &[
            ("0x1c00002.bin", &certificate[..]),
            ("0x81010001.pub", &tpm2b),
        ][..],
        &[("ek.der", &certificate), ("ek.pub", &tpm2b)],
        &[("1c00002", &certificate), ("ek.tpmt", &tpm2b[2..])],
    ] {
        let directory = directory(files);
        let mut dump = Dump::open(directory.path()).unwrap();
        let contents = read_tpm(&mut dump, EkChoice::Auto).unwrap();
        assert_eq!(contents.certificates[0].index, 0x01c0_0002);
        assert_eq!(contents.certificates[0].certificate.der(), certificate);
        assert_eq!(contents.keys[0].public.tpmt(), &tpm2b[2..]);
        // Nothing is said of a machine, least of all of this one.
        let machine = dump.machine();
        assert_eq!(machine.machine, Machine::default());
        assert_eq!(machine.findings[0].code, Code::MachineIncomplete);
    }
    // Without a certificate the key is found by its template alone.
    let directory = directory(&[("ek.pub", &tpm2b)]);
    let mut dump = Dump::open(directory.path()).unwrap();
    let contents = read_tpm(&mut dump, EkChoice::Auto).unwrap();
    assert_eq!(
        contents.keys[0].source,
        KeySource::Template(VECTORS[0].template.to_owned())
    );
    let choice = EkChoice::Only(Algorithm::Rsa(3072));
    let error = read_tpm(&mut dump, choice).unwrap_err();
    assert!(error.message.contains("the dump has no key"), "{error}");
}

#[test]
fn odd_files_are_passed_over() {
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    // An SRK: user with auth, no policy.
    let mut other = Template::by_label("H-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    other[7] = 0x72;
    let directory = directory(&[
        ("0x1c00002.bin", &certificate),
        ("README", b"what this is"),
        ("srk.pub", &other),
        ("huge.bin", &vec![0; 65_536]),
        ("empty", b""),
        ("hyp01.xml", b"<PlatformIdentifiers/>"),
    ]);
    let path = directory.path();
    fs::create_dir(path.join("0x1c0000a.bin")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path.join("0x1c00012.bin")).unwrap();
    std::os::unix::fs::symlink("0x1c00002.bin", path.join("0x1c00016.bin")).unwrap();
    let dump = Dump::open(path).unwrap();
    assert_eq!(dump.nv.len(), 1);
    assert_eq!(dump.notes().len(), 8, "{:?}", dump.notes());
}

/// Which of the two is of the TPM cannot be known, and its EKcert hangs on it.
#[test]
fn two_files_for_one_thing() {
    let tpm2b = from_hex(VECTORS[0].tpm2b).unwrap();
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    for (one, other) in [
        ("0x1c00002.bin", "nv-01c00002.bin"),
        ("1C00002", "nv-01c00002.refused"),
        ("0x81010001.pub", "ek_81010001"),
        ("primary-L-1", "primary-L-1.pub"),
    ] {
        let same = directory(&[(one, &tpm2b), (other, &tpm2b), ("ek.der", &certificate)]);
        assert_eq!(
            Dump::open(same.path()).is_ok(),
            !other.ends_with("refused"),
            "{other}"
        );
        let differ = directory(&[(one, &certificate), (other, &tpm2b)]);
        let error = Dump::open(differ.path()).unwrap_err();
        assert_eq!(error.fault, Fault::Misuse, "{error}");
        for name in [one, other] {
            assert!(error.message.contains(name), "{error}");
        }
    }
}

/// What they hold may be what everything hangs on.
#[test]
fn files_that_cannot_be_read() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    let directory = directory(&[("0x1c00002.bin", &certificate), ("closed", b"x")]);
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
    fs::write(directory.path().join(odd), b"x").unwrap();
    let dump = Dump::open(directory.path()).unwrap();
    assert!(dump.notes().iter().any(|note| note.starts_with("odd")));
    let closed = directory.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is closed to root.
    if fs::File::open(&closed).is_err() {
        let error = Dump::open(directory.path()).unwrap_err();
        assert_eq!(error.fault, Fault::Environment, "{error}");
        assert!(error.message.contains("closed"), "{error}");
    }
}

/// tpm2_readpublic and tpm2_createek write keys in DER and PEM as well.
#[test]
fn keys_without_attributes_are_told() {
    let area = from_hex(VECTORS[0].tpm2b).unwrap();
    let bare = TpmPublic::from_tpmt(&area[2..]).unwrap().key;
    let bare = bare.spki_der();
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    for name in ["0x81010001.pub", "primary-L-1.pub", "ek.pub"] {
        let with = directory(&[("0x1c00002.bin", &certificate), (name, bare)]);
        let dump = Dump::open(with.path()).unwrap();
        let [note] = dump.notes() else {
            panic!("{:?}", dump.notes())
        };
        assert!(note.starts_with(name) && note.contains("-f tss"), "{note}");
        assert_eq!((dump.persistent.len(), dump.primary.len()), (0, 0));
        // Where there is nothing else, the error says why.
        let error = Dump::open(directory(&[(name, bare)]).path()).unwrap_err();
        assert!(error.message.contains("-f tss"), "{error}");
    }
}

#[test]
fn a_directory_without_a_dump() {
    for files in [&[][..], &[("README", &b"text"[..])]] {
        let error = Dump::open(directory(files).path()).unwrap_err();
        assert_eq!(error.code, Some(Code::InputUnrecognised), "{error}");
        assert!(error.help.contains("tpm2_nvread"), "{error:?}");
    }
    for path in ["/nowhere/at/all", "/dev/null"] {
        let error = Dump::open(Path::new(path)).unwrap_err();
        assert_eq!(error.fault, Fault::Environment, "{error}");
    }
}

#[test]
fn dumps_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..70 {
        let name = directory.path().join(format!("{number}.bin"));
        fs::write(name, vec![0; 65_535]).unwrap();
    }
    let error = Dump::open(directory.path()).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge), "{error}");
    let directory = tempfile::tempdir().unwrap();
    for number in 0..1025 {
        fs::write(directory.path().join(number.to_string()), b"").unwrap();
    }
    let error = Dump::open(directory.path()).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge), "{error}");
}

#[test]
fn a_machine_that_cannot_be_read_is_said() {
    let certificate = from_hex(EKCERT_RSA2048).unwrap();
    for content in [
        "",
        "{}",
        r#"{"schema":"endorse.machine/2","machine":{},"findings":[]}"#,
        r#"{"schema":"endorse.machine/1","machine":{"guid":"x"},"findings":[]}"#,
        r#"{"schema":"endorse.machine/1","machine":{},"findings":[],"more":1}"#,
    ] {
        let directory = directory(&[
            ("machine.json", content.as_bytes()),
            ("0x1c00002.bin", &certificate),
        ]);
        let facts = Dump::open(directory.path()).unwrap().machine();
        assert_eq!(facts.machine, Machine::default(), "{content}");
        let [finding] = facts.findings.as_slice() else {
            panic!("{:?}", facts.findings)
        };
        assert_eq!(finding.code, Code::MachineIncomplete);
        assert!(finding.message.contains("machine.json"), "{finding:?}");
        assert!(!finding.help.is_empty());
    }
    // A code that reading a machine does not find is not believed.
    let content = r#"{"schema":"endorse.machine/1","machine":{"serial":"7"},
        "findings":[{"code":"roca","message":"m","help":"h"}]}"#;
    let facts = machine::read(content.as_bytes()).unwrap();
    assert_eq!(facts.machine.serial.as_deref(), Some("7"));
    assert_eq!(facts.findings, []);
}
