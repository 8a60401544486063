//! The store on disk: what an import does, that it does it whole or not at all, and that a
//! store that was meddled with is not judged against.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    reason = "tests may be blunt"
)]
#![cfg(feature = "cli")]

#[path = "package/cabinet.rs"]
#[allow(dead_code, reason = "of its many uses only one is here")]
mod cabinet;
#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use endorse::catalogue::{Attribution, Directory, Filter, Intake, PackageSignature, Plan, Source};
use endorse::der::Time;
use endorse::hash::sha256;
use endorse::trust::Pool;

use cabinet::{Cabinet, Packing};

const ROOTS: &str = "TrustedTPM_RootCA";
const INTERMEDIATES: &str = "TrustedTPM_IntermediateCA";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn endorse(&self, args: &[&str]) -> Output {
        command(&self.store(), args).output().unwrap()
    }

    /// Runs it, and asserts the exit code; what it said.
    fn run(&self, code: i32, args: &[&str]) -> String {
        let output = self.endorse(args);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    }

    /// Subjects and stores, by the program itself.
    fn list(&self) -> Vec<(String, String)> {
        let said = self.run(0, &["store", "list", "--json", "--quiet"]);
        let document: serde_json::Value = serde_json::from_str(&said).unwrap();
        let mut all: Vec<_> = document["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let text = |key: &str| one[key].as_str().unwrap().to_owned();
                (text("store"), text("sha256"))
            })
            .collect();
        all.sort();
        all
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.store().join(folder)) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn command(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endorse"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("ENDORSE_STORE", store)
        .env("USER", "tester")
        .env_remove("SUDO_USER")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const IMPORT: &[&str] = &["store", "import", "testdata/cli/store", "--with-roots"];

#[test]
fn a_store_is_filled_and_judges() {
    let place = Place::new();
    let judge: &[&str] = &[
        "verify",
        "--no-embedded-roots",
        "--at",
        "2027-01-01",
        "testdata/cli/hyp01.xml",
    ];
    let said = place.run(0, IMPORT);
    assert!(said.contains("IMPORTED 1 root, 1 intermediate"), "{said}");
    place.run(0, judge);
    // Again: nothing is to be done, and no change is recorded.
    let said = place.run(0, IMPORT);
    assert!(said.contains("UNCHANGED"), "{said}");
    let history = place.run(0, &["store", "history"]);
    assert_eq!(history.matches("IMPORT by").count(), 1, "{history}");
    assert!(
        history.contains("from         file testdata/cli/store/TrustedTPM_RootCA/"),
        "{history}"
    );

    let (_, digest) = place.list().pop().unwrap();
    place.run(0, &["store", "remove", &digest, "--reason", "gone"]);
    place.run(1, judge);
    let history = place.run(0, &["store", "history"]);
    assert!(history.contains(&format!("- {digest} root")), "{history}");
    assert!(
        history.contains("by tester") && history.contains("gone"),
        "{history}"
    );
}

/// A package whose signature was waived, then one with the same certificates that is signed.
#[test]
fn a_signed_package_vouches_for_what_an_unsigned_one_brought() {
    let place = Place::new();
    let directory = Directory::at(place.store());
    let attribution = |at| Attribution {
        at: Time::from_unix(at),
        by: "tester".into(),
        action: "import".into(),
        reason: None,
    };
    let import = |at, signature: Option<PackageSignature>| {
        let file = "testdata/cli/root.pem";
        let mut intake = Intake::of_file(file, &fs::read(file).unwrap()).unwrap();
        for candidate in &mut intake.candidates {
            candidate.source = Source::Package {
                name: format!("edition-{at}.cab"),
                sha256: sha256(&[at as u8]),
                edition: None,
                signature: signature.clone(),
            };
        }
        directory
            .change(&attribution(at), |change| {
                let plan = Plan::of(intake.candidates, &Filter::default(), change.contents());
                plan.carry_out(change, false)?;
                Ok((plan.add.len(), plan.unchanged.len(), plan.vouched.len()))
            })
            .unwrap()
    };
    let signature = PackageSignature {
        signer: "CN=Signer".into(),
        signer_sha256: sha256(b"signer"),
        signed_at: None,
    };
    let source = || {
        let contents = directory.read().unwrap();
        let record = contents.certificates[0].record.clone().unwrap();
        match record.source {
            Source::Package { name, .. } => name,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(import(1, None), (1, 0, 0));
    let file = place.files(ROOTS);
    let said = place.run(0, &["store", "check"]);
    assert!(said.contains("[package-not-verified]"), "{said}");
    // Another one that nobody vouches for changes nothing.
    assert_eq!(import(2, None), (0, 1, 0));
    assert_eq!(source(), "edition-1.cab");
    assert_eq!(import(3, Some(signature.clone())), (0, 1, 1));
    assert_eq!(source(), "edition-3.cab");
    // What is vouched for stays so, whatever comes after it.
    assert_eq!(import(4, Some(signature)), (0, 1, 0));
    assert_eq!(import(5, None), (0, 1, 0));
    assert_eq!(source(), "edition-3.cab");

    assert_eq!(place.files(ROOTS), file);
    let said = place.run(0, &["store", "check"]);
    assert!(!said.contains("[package-not-verified]"), "{said}");
    let history = place.run(0, &["store", "history"]);
    assert_eq!(history.matches("IMPORT by").count(), 2, "{history}");
    assert!(
        history.contains("from         package edition-3.cab"),
        "{history}"
    );
    assert!(
        history.contains("0 added, 0 removed, 1 vouched for by a signed package"),
        "{history}"
    );
}

#[test]
fn roots_are_taken_only_where_somebody_vouches_for_them() {
    let place = Place::new();
    for source in ["testdata/cli/store", "testdata/cli/root.pem", "roots"] {
        let said = place.run(0, &["store", "import", source]);
        assert!(said.contains("left out, such as"), "{said}");
        assert!(said.contains("--with-roots"), "{said}");
        assert_eq!(place.files(ROOTS).len(), 0, "{source}");
    }
}

/// As keylime keeps them: one directory of PEM files, roots and intermediates together.
#[test]
fn a_flat_directory_is_sorted_by_what_signed_itself() {
    let place = Place::new();
    let flat = place.folder.path().join("tpm_cert_store");
    fs::create_dir(&flat).unwrap();
    fs::copy("testdata/cli/root.pem", flat.join("EXAMPLE_ROOT.pem")).unwrap();
    fs::copy("testdata/cli/intermediate.der", flat.join("EXAMPLE_CA.pem")).unwrap();
    fs::copy("testdata/cli/ek.der", flat.join("an-ekcert.pem")).unwrap();
    fs::copy("testdata/cli/root.pem", flat.join("the-same-again.pem")).unwrap();
    fs::write(flat.join("README.md"), "what these are").unwrap();
    let flat = flat.to_str().unwrap();
    let said = place.run(0, &["store", "diff", flat]);
    assert!(said.contains("there is no store at"), "{said}");
    assert!(
        said.contains("1 to add, 0 dropped, 0 unchanged, 2 left out"),
        "{said}"
    );
    let said = place.run(0, &["store", "import", "--with-roots", flat]);
    assert!(said.contains("IMPORTED 1 root, 1 intermediate"), "{said}");
    assert!(said.contains("1, no CA certificate"), "{said}");
    assert_eq!(place.files(ROOTS).len(), 1);
    assert_eq!(place.files(INTERMEDIATES).len(), 1);
}

/// A package that nobody has signed, with these files as certificates.
fn package(place: &Place, name: &str, files: &[(&str, &str)]) -> String {
    let contents: Vec<(&str, Vec<u8>)> = files
        .iter()
        .map(|(member, file)| (*member, fs::read(format!("testdata/{file}")).unwrap()))
        .collect();
    let contents: Vec<(&str, &[u8])> = contents
        .iter()
        .map(|(member, content)| (*member, content.as_slice()))
        .collect();
    let path = place.folder.path().join(name);
    fs::write(&path, Cabinet::of(&contents, Packing::MsZip).bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

const ROOT: (&str, &str) = (r"Example\RootCA\root.cer", "cli/root.pem");
const CA: (&str, &str) = (r"Example\IntermediateCA\ca.cer", "cli/intermediate.der");
const OTHER: (&str, &str) = (r"Other\RootCA\root.cer", "cli/other-root.pem");

#[test]
fn a_package_that_nobody_signed_is_taken_only_if_asked_for_and_never_in_silence() {
    let place = Place::new();
    let package = package(&place, "own.cab", &[ROOT, CA]);
    let said = place.run(1, &["store", "import", &package]);
    assert!(said.contains("has no signature"), "{said}");
    // --with-roots is about directories and files.
    place.run(1, &["store", "import", "--with-roots", &package]);
    assert!(!place.store().exists());

    let said = place.run(
        0,
        &["store", "import", "--quiet", "--allow-unsigned", &package],
    );
    assert!(said.starts_with("warning: "), "{said}");
    assert!(said.contains("--allow-unsigned was given"), "{said}");
    let document = place.run(0, &["store", "list", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    for one in document["results"].as_array().unwrap() {
        assert_eq!(one["source"]["kind"], "package");
        assert!(one["source"]["signature"].is_null());
        assert_eq!(one["vendor"], "Example");
    }
    let said = place.run(
        0,
        &[
            "store",
            "check",
            "--at",
            "2027-01-01",
            "--no-embedded-roots",
        ],
    );
    assert!(
        said.contains("warning[package-not-verified]: 2 certificates"),
        "{said}"
    );
    let (_, digest) = place.list().pop().unwrap();
    let said = place.run(0, &["store", "show", &digest]);
    assert!(said.contains("NOT VERIFIED"), "{said}");
}

#[test]
fn a_package_that_was_altered_is_not_taken_whatever_is_asked_for() {
    for (file, code) in [
        ("altered.cab", "the package is not the one that was signed"),
        ("appended.cab", "follow"),
    ] {
        let place = Place::new();
        let file = format!("testdata/package/{file}");
        for args in [
            &["store", "import", "--allow-unsigned", &file][..],
            &["store", "import", &file],
        ] {
            let output = place.endorse(args);
            let said = text(&output.stderr);
            assert!(matches!(output.status.code(), Some(1 | 3)), "{said}");
            assert!(said.contains(code), "{said}");
            assert!(!place.store().exists());
        }
    }
    // Well signed, by somebody who is not Microsoft: for --allow-unsigned alone.
    let place = Place::new();
    let stamped = "testdata/package/stamped.cab";
    let said = place.run(1, &["store", "import", stamped]);
    assert!(said.contains("help: "), "{said}");
    place.run(0, &["store", "import", "--allow-unsigned", stamped]);
    assert_eq!(place.list().len(), 2);
}

#[test]
fn a_mirror_removes_what_the_package_dropped_and_nothing_else() {
    let place = Place::new();
    let first = package(&place, "first.cab", &[ROOT, CA, OTHER]);
    let second = package(&place, "second.cab", &[ROOT]);
    let import = |package: &str, more: &[&str]| {
        let args = [&["store", "import", "--allow-unsigned", package][..], more].concat();
        place.run(0, &args)
    };
    import(&first, &[]);
    // Put there by hand, and by a file: nothing of a package's.
    fs::copy(
        "testdata/weak-keys/good-root.der",
        place.store().join(ROOTS).join("by-hand.cer"),
    )
    .unwrap();
    place.run(
        0,
        &["store", "add", "--root", "testdata/revocation/root.der"],
    );
    assert_eq!(place.list().len(), 5);

    let said = place.run(0, &["store", "diff", "--allow-unsigned", &second]);
    assert_eq!(
        said.matches("\n- ").count() + usize::from(said.starts_with("- ")),
        2,
        "{said}"
    );
    let said = import(&second, &[]);
    assert!(
        said.contains("which the package no longer has; --mirror removes them"),
        "{said}"
    );
    assert_eq!(place.list().len(), 5);
    let said = import(&second, &["--mirror", "--what-if"]);
    assert!(said.contains("what if"), "{said}");
    assert_eq!(place.list().len(), 5);
    // Of the vendors that are imported only.
    import(&second, &["--mirror", "--vendor", "Example"]);
    assert_eq!(place.list().len(), 4);
    import(&second, &["--mirror"]);
    let left = place.list();
    assert_eq!(left.len(), 3);
    let sha256_of = |file: &str| sha256(&der(&format!("testdata/{file}"))).to_string();
    for file in [
        "cli/root.pem",
        "weak-keys/good-root.der",
        "revocation/root.der",
    ] {
        assert!(left.contains(&("root".into(), sha256_of(file))), "{file}");
    }
    let history = place.run(0, &["store", "history"]);
    assert!(
        history.contains(&sha256_of("cli/other-root.pem")),
        "{history}"
    );
}

/// Microsoft's own, where it is at hand.
#[test]
fn microsofts_package_fills_a_store() {
    let cab = std::env::var_os("ENDORSE_TRUSTEDTPM_CAB").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/TrustedTpm.cab"),
        PathBuf::from,
    );
    if !cab.exists() {
        skip::skip(
            "store::microsofts_package_fills_a_store",
            "TrustedTpm.cab is not at hand (ENDORSE_TRUSTEDTPM_CAB names it)",
        );
        return;
    }
    let cab = cab.to_str().unwrap();
    let place = Place::new();
    let said = place.run(0, &["store", "import", cab]);
    assert!(
        said.contains("IMPORTED 47 roots, 319 intermediates"),
        "{said}"
    );
    assert!(said.contains("1822, for another purpose"), "{said}");
    let said = place.run(0, &["store", "import", "--mirror", cab]);
    assert!(said.contains("UNCHANGED"), "{said}");
    let said = place.run(0, &["store", "import", "--purpose", "aik", cab]);
    assert!(said.contains("IMPORTED 1822 intermediates"), "{said}");
    // The root of those is Qualcomm's as well, and was there.
    assert_eq!(place.list().len(), 47 + 319 + 1822);
    let all = Place::new();
    all.run(0, &["store", "import", "--purpose", "all", cab]);
    let said = all.run(0, &["store", "list", "--vendor", "QC", "--pool", "root"]);
    assert_eq!(said.lines().count(), 1 + 2, "{said}");
    let said = place.run(0, &["store", "check", "--at", "2024-12-01", "--quiet"]);
    assert_eq!(said, "");
}

#[test]
fn an_ekcert_is_no_ca() {
    let place = Place::new();
    let said = place.run(2, &["store", "add", "--root", "testdata/cli/ek.der"]);
    assert!(said.contains("does not say that it is a CA"), "{said}");
    let said = place.run(3, &["store", "add", "--root", "testdata/cli/hyp01.xml"]);
    assert!(said.contains("help: "), "{said}");
    assert_eq!(place.files(ROOTS).len(), 0);
}

/// Where a package is named in the place of certificates, the way to use it is told.
#[test]
fn a_package_is_no_file_of_roots() {
    let place = Place::new();
    place.run(0, IMPORT);
    let package = "testdata/package/unsigned.cab";
    for args in [
        &["store", "add", "--root", package][..],
        &["verify", "--roots", package, "testdata/cli/hyp01.xml"],
    ] {
        let output = place.endorse(args);
        let said = text(&output.stderr);
        assert!(said.contains("it is a cabinet"), "{said}");
        assert!(said.contains("endorse store import"), "{said}");
    }
}

/// A directory that is named in the place of another is not taken for one without anything.
#[test]
fn a_directory_without_revocation_lists_is_told() {
    let place = Place::new();
    place.run(0, IMPORT);
    let wrong = "testdata/cli/store/TrustedTPM_RootCA";
    let told = "no file in testdata/cli/store/TrustedTPM_RootCA is a revocation list";
    let judge = &[
        "verify",
        "--no-embedded-roots",
        "--crls",
        wrong,
        "testdata/cli/hyp01.xml",
    ];
    assert!(place.run(0, judge).contains(told));
    let said = place.run(2, &["store", "crl", "import", wrong]);
    assert!(
        said.contains(told) && said.contains("nothing to import"),
        "{said}"
    );
}

/// A store that is gone is not in order.
#[test]
fn a_store_that_is_missing_is_not_checked() {
    let mut command = command(Path::new(""), &["store", "check"]);
    command.env_remove("ENDORSE_STORE");
    if Path::new("/var/lib/endorse/store").exists() {
        command.args(["--store", "/nonexistent"]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: there is no store at"));
}

#[test]
fn a_misspelt_vendor_is_told() {
    let place = Place::new();
    let unpacked = place.folder.path().join("cab");
    for (vendor, file) in [("Example", "root.pem"), ("Other", "other-root.pem")] {
        let folder = unpacked.join(vendor).join("RootCA");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(format!("testdata/cli/{file}"), folder.join("root.cer")).unwrap();
    }
    let unpacked = unpacked.to_str().unwrap();
    let import = ["store", "import", "--with-roots", unpacked];
    let said = place.run(2, &[&import[..], &["--vendor", "Exampel"]].concat());
    assert!(said.contains("there are Example, Other"), "{said}");
    place.run(0, &[&import[..], &["--exclude-vendor", "other"]].concat());
    assert_eq!(place.files(ROOTS).len(), 1);
    place.run(0, &[&import[..], &["--vendor", "OTHER"]].concat());
    let said = place.run(0, &["store", "list", "--vendor", "other"]);
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn what_was_put_there_by_hand_counts() {
    let place = Place::new();
    place.run(0, IMPORT);
    fs::copy(
        "testdata/cli/other-root.pem",
        place.store().join(ROOTS).join("other.pem"),
    )
    .unwrap();
    let said = place.run(0, &["store", "list"]);
    assert!(said.contains("by hand"), "{said}");
    let said = place.run(0, &["store", "check", "--no-embedded-roots"]);
    assert!(said.contains("info[provenance-unknown]"), "{said}");
    let other = sha256(&der("testdata/cli/other-root.pem")).to_string();
    place.run(0, &["store", "remove", &other]);
    assert!(!place.store().join(ROOTS).join("other.pem").exists());
    assert_eq!(place.list().len(), 2);
}

fn der(path: &str) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    endorse::trust::read_certificates(&bytes).unwrap()[0]
        .der()
        .to_vec()
}

#[test]
fn one_of_a_bundle_is_not_removed() {
    let place = Place::new();
    place.run(0, IMPORT);
    let mut bundle = fs::read("testdata/cli/root.pem").unwrap();
    bundle.extend(fs::read("testdata/cli/other-root.pem").unwrap());
    fs::write(place.store().join(ROOTS).join("bundle.pem"), &bundle).unwrap();
    let other = sha256(&der("testdata/cli/other-root.pem")).to_string();
    let said = place.run(2, &["store", "remove", &other]);
    assert!(said.contains("in a file with others"), "{said}");
    assert_eq!(
        fs::read(place.store().join(ROOTS).join("bundle.pem")).unwrap(),
        bundle
    );
}

/// A file that was written before the catalogue listed it is none of the store's.
#[test]
fn what_a_broken_off_change_left_does_not_count() {
    let place = Place::new();
    place.run(0, IMPORT);
    let before = place.list();
    let left = der("testdata/cli/other-root.pem");
    let left_over = place
        .store()
        .join(ROOTS)
        .join(format!("{}.cer", sha256(&left)));
    fs::write(&left_over, &left).unwrap();
    assert_eq!(place.list(), before);
    let said = place.run(0, &["store", "list", "-v"]);
    assert!(
        said.contains("left over from a change that was not finished"),
        "{said}"
    );
    // The next change clears it away.
    place.run(0, &["store", "remove", &before[0].1]);
    assert!(!left_over.exists());
}

/// The very first change may be broken off before there is a catalogue, or anything else.
#[test]
fn a_first_change_may_be_broken_off_anywhere() {
    for left in [&[][..], &[".lock"], &[".lock", ".catalogue.json.4711.0"]] {
        let place = Place::new();
        fs::create_dir(place.store()).unwrap();
        for name in left {
            fs::write(place.store().join(name), "").unwrap();
        }
        place.run(0, &["store", "list"]);
        place.run(0, IMPORT);
        assert_eq!(place.list().len(), 2);
    }
}

#[test]
fn a_file_in_the_place_of_a_store_is_told() {
    let place = Place::new();
    fs::write(place.store(), "").unwrap();
    let said = place.run(2, IMPORT);
    assert!(said.contains("is no directory"), "{said}");
}

/// What lies at the place of a new file, a link among others, is not written through.
#[test]
fn a_link_in_the_way_is_not_followed() {
    let place = Place::new();
    place.run(0, IMPORT);
    let victim = place.folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let left = der("testdata/cli/other-root.pem");
    let way = place
        .store()
        .join(ROOTS)
        .join(format!("{}.cer", sha256(&left)));
    std::os::unix::fs::symlink(&victim, &way).unwrap();
    place.run(
        0,
        &["store", "add", "--root", "testdata/cli/other-root.pem"],
    );
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read(&way).unwrap(), left);
}

type Damage = fn(&Place);

#[test]
fn a_store_that_was_meddled_with_is_not_used() {
    let judge: &[&str] = &["verify", "--at", "2027-01-01", "testdata/cli/hyp01.xml"];
    let damages: [(&str, Damage); 7] = [
        ("is not the certificate that it is named after", |place| {
            let path = &place.files(ROOTS)[0];
            let mut bytes = fs::read(path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("is not the certificate that it is named after", |place| {
            let other = der("testdata/cli/other-root.pem");
            fs::write(&place.files(ROOTS)[0], other).unwrap();
        }),
        ("is not there", |place| {
            fs::remove_file(&place.files(INTERMEDIATES)[0]).unwrap();
        }),
        ("catalogue.json is not there", |place| {
            fs::remove_file(place.store().join("catalogue.json")).unwrap();
        }),
        ("catalogue.json is not there", |place| {
            let path = place.store().join("catalogue.json");
            fs::remove_file(&path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("the catalogue of the store cannot be read", |place| {
            fs::write(place.store().join("catalogue.json"), "{").unwrap();
        }),
        ("it says that it is 'endorse.store/2'", |place| {
            let path = place.store().join("catalogue.json");
            let json = fs::read_to_string(&path).unwrap();
            fs::write(&path, json.replace("endorse.store/1", "endorse.store/2")).unwrap();
        }),
    ];
    for (expected, damage) in damages {
        let place = Place::new();
        place.run(0, IMPORT);
        place.run(0, judge);
        damage(&place);
        for args in [judge, &["store", "list"], &["store", "history"], IMPORT] {
            let said = place.run(2, args);
            assert!(said.contains(expected), "{said}");
            assert!(said.contains("help: "), "{said}");
        }
    }
}

/// Killed at any moment, the store is the old one or the new one. The moments are spread
/// over the whole of a run.
#[test]
fn a_killed_import_leaves_a_whole_store() {
    let place = Place::new();
    place.run(0, IMPORT);
    let old = place.list();
    let import = &["store", "import", "--with-roots", "roots"];
    let mut outcomes = [0, 0];
    for round in 0..40u64 {
        let mut child = command(&place.store(), import)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(round * 1500));
        let _ = child.kill();
        child.wait().unwrap();
        let now = place.list();
        if now == old {
            outcomes[0] += 1;
        } else {
            assert!(now.len() > old.len() + 10, "{}", now.len());
            assert_eq!(
                old.iter().filter(|one| now.contains(one)).count(),
                old.len()
            );
            outcomes[1] += 1;
            let added: Vec<&str> = now
                .iter()
                .filter(|one| !old.contains(one))
                .map(|(_, digest)| digest.as_str())
                .collect();
            place.run(0, &[&["store", "remove"], &added[..]].concat());
            assert_eq!(place.list(), old);
        }
    }
    assert!(outcomes[0] > 0, "no kill came in time: {outcomes:?}");
    // And one that is let be does it all.
    place.run(0, import);
    assert!(place.list().len() > old.len() + 10);
}

#[test]
fn a_full_disk_leaves_the_old_store() {
    let place = Place::new();
    place.run(0, IMPORT);
    let old = place.list();
    // Files may have 512 or 1,024 bytes: too little for the first certificate, or for the
    // catalogue, which comes last.
    for units in ["1", "8"] {
        let script = format!("trap '' XFSZ; ulimit -f {units}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_endorse")])
            .args(["store", "import", "--with-roots", "roots"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("ENDORSE_STORE", place.store())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("cannot write"), "{said}");
        assert!(said.contains("unchanged"), "{said}");
        assert_eq!(place.list(), old);
        // Nothing of it is left.
        assert_eq!(
            place.files(ROOTS).len() + place.files(INTERMEDIATES).len(),
            2
        );
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let place = Place::new();
    fs::write(place.store(), "a file").unwrap();
    let said = place.run(2, IMPORT);
    assert!(
        said.contains("cannot write") || said.contains("is no directory"),
        "{said}"
    );
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    fs::write(place.store().join("letter.txt"), "Dear").unwrap();
    let said = place.run(2, IMPORT);
    assert!(said.contains("is no store"), "{said}");
    assert_eq!(fs::read_dir(place.store()).unwrap().count(), 1);
}

#[test]
fn changes_at_once_are_made_one_after_the_other() {
    let place = Place::new();
    let sources = [
        vec!["store", "import", "--with-roots", "roots"],
        IMPORT.to_vec(),
        vec!["store", "add", "--root", "testdata/cli/other-root.pem"],
        vec!["store", "import", "--with-roots", "roots/infineon"],
    ];
    let children: Vec<_> = sources
        .iter()
        .cycle()
        .take(12)
        .map(|args| {
            command(&place.store(), args)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // A reader never sees half of it.
    for _ in 0..20 {
        let output = place.endorse(&["store", "list"]);
        let said = text(&output.stderr);
        assert!(
            output.status.success() || said.contains("there is no store"),
            "{said}"
        );
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let all = place.list();
    let again = Place::new();
    for args in &sources {
        again.run(0, args);
    }
    assert_eq!(all, again.list());
    assert_eq!(
        place
            .run(0, &["store", "history", "-v"])
            .matches("\n  + ")
            .count(),
        all.len()
    );
}

/// What one machine fetched is carried to another, which believes the signatures alone.
#[test]
fn revocation_lists_travel_in_one_file() {
    const CERTIFICATES: &[&str] = &[
        "store",
        "add",
        "--root",
        "testdata/pkits/certs/TrustAnchorRootCertificate.crt",
        "--intermediate",
        "testdata/pkits/certs/GoodCACert.crt",
    ];
    let import = |file| ["store", "crl", "import", "--at", "2026-01-01", file];
    let from = Place::new();
    from.run(0, CERTIFICATES);
    from.run(0, &import("testdata/pkits/crls/TrustAnchorRootCRL.crl"));
    from.run(0, &import("testdata/pkits/crls/GoodCACRL.crl"));
    let pack = from.folder.path().join("crls.json");
    let pack = pack.to_str().unwrap();
    from.run(0, &["store", "crl", "export", "--output", pack]);
    let printed: serde_json::Value =
        serde_json::from_str(&from.run(0, &["store", "crl", "export"])).unwrap();
    assert_eq!(printed["schema"], "endorse.crls/1");
    assert_eq!(printed["crls"].as_array().unwrap().len(), 2);

    let to = Place::new();
    to.run(0, CERTIFICATES);
    let revoked = [
        "verify",
        "--usage",
        "any",
        "--at",
        "2026-01-01",
        "testdata/pkits/certs/InvalidRevokedEETest3EE.crt",
    ];
    to.run(0, &revoked);
    to.run(0, &import(pack));
    let said = to.run(1, &revoked);
    assert!(said.contains("[revoked]"), "{said}");
    let names = |place: &Place| -> Vec<_> {
        let files = place.files("crls").into_iter();
        files
            .map(|path| path.file_name().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&to), names(&from));

    // A store without the CAs takes none of them, and nor does one of an altered file.
    let nobody = Place::new();
    nobody.run(0, IMPORT);
    let said = nobody.run(1, &import(pack));
    assert_eq!(
        said.matches("its issuer is not in the store").count(),
        2,
        "{said}"
    );
    let mut altered: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(pack).unwrap()).unwrap();
    let der = altered["crls"][0]["der"].as_str().unwrap();
    let mut der = BASE64_STANDARD.decode(der).unwrap();
    let last = der.len() - 1;
    der[last] ^= 1;
    altered["crls"][0]["der"] = BASE64_STANDARD.encode(der).into();
    fs::write(pack, altered.to_string()).unwrap();
    let other = Place::new();
    other.run(0, CERTIFICATES);
    let said = other.run(1, &import(pack));
    assert!(
        said.contains("no key of its issuer in the store made its signature"),
        "{said}"
    );
    assert_eq!(other.files("crls").len(), 1);
}

/// A program that was stopped in the middle of a change holds the lock for ever.
#[test]
fn a_change_does_not_wait_for_ever() {
    let place = Place::new();
    place.run(0, IMPORT);
    let before = place.list();
    let held = fs::File::open(place.store().join(".lock")).unwrap();
    held.lock().unwrap();
    let attribution = Attribution {
        at: Time::from_unix(0),
        by: "tester".into(),
        action: "test".into(),
        reason: None,
    };
    let directory = Directory::at(place.store()).with_patience(Duration::ZERO);
    let add = |directory: &Directory| {
        directory.change(&attribution, |change| {
            Ok(change.add_crl(
                b"a list",
                Source::Url("http://pki.example/crl".into()),
                None,
            ))
        })
    };
    let error = add(&directory).unwrap_err();
    assert!(
        error.message.contains("another program is changing"),
        "{error}"
    );
    assert!(!error.help.is_empty());
    // Who only reads does not wait.
    assert_eq!(place.list(), before);
    drop(held);
    assert!(add(&directory).unwrap());
}

/// Whoever writes last, the newer list stays: each program compares with what is there when
/// it writes, not with what it read before.
#[test]
fn lists_that_are_imported_at_once_leave_the_newest() {
    let place = Place::new();
    let source = Path::new("testdata/revocation");
    let root = source.join("root.der");
    let cas = source.join("intermediates.pem");
    place.run(
        0,
        &[
            "store",
            "add",
            "--root",
            root.to_str().unwrap(),
            "--intermediate",
            cas.to_str().unwrap(),
        ],
    );
    // `indirect.crl` is older than `ek-revoked.crl`, of the same signer of lists.
    let older = "testdata/revocation/crls/indirect.crl";
    let newer = "testdata/revocation/ek-revoked.crl";
    let import = |file| ["store", "crl", "import", "--at", "2026-07-01", file];
    for _ in 0..8 {
        let children: Vec<_> = [older, newer, older, newer]
            .into_iter()
            .map(|file| {
                command(&place.store(), &import(file))
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut child in children {
            // 1: the older came when the newer was there.
            assert!(child.wait().unwrap().code().unwrap() <= 1);
        }
        assert_eq!(place.files("crls").len(), 1);
        let left = fs::read(&place.files("crls")[0]).unwrap();
        assert_eq!(left, fs::read(newer).unwrap());
        let digest = sha256(&left).to_string();
        place.run(0, &["store", "crl", "remove", &digest]);
    }
    // In one run, in the wrong order or the right one.
    for files in [[older, newer], [newer, older]] {
        let output = place.endorse(&[&import(files[0])[..], &files[1..]].concat());
        assert!(output.status.code().unwrap() <= 1);
        let left = fs::read(&place.files("crls")[0]).unwrap();
        assert_eq!(
            (place.files("crls").len(), left),
            (1, fs::read(newer).unwrap())
        );
        let digest = sha256(&fs::read(newer).unwrap()).to_string();
        place.run(0, &["store", "crl", "remove", &digest]);
    }
}

/// What the library is asked for and then not told to do is not done.
#[test]
fn a_change_that_fails_changes_nothing() {
    let place = Place::new();
    place.run(0, IMPORT);
    let before = fs::read(place.store().join("catalogue.json")).unwrap();
    let attribution = Attribution {
        at: Time::from_unix(0),
        by: "tester".into(),
        action: "test".into(),
        reason: None,
    };
    let directory = Directory::at(place.store());
    let contents = directory.read().unwrap();
    let digest = contents.certificates[0].certificate.sha256();
    let pool = contents.certificates[0].pool;
    let result: Result<(), _> = directory.change(&attribution, |change| {
        assert!(change.remove(pool, digest)?);
        change.add_crl(
            b"a list",
            Source::Url("http://pki.example/crl".into()),
            None,
        );
        Err(endorse::finding::Error::misuse("no", "do not"))
    });
    assert_eq!(result.unwrap_err().message, "no");
    assert_eq!(
        fs::read(place.store().join("catalogue.json")).unwrap(),
        before
    );
    assert!(!place.store().join("crls").exists());

    // Out and in again in one change: it stays, with the new provenance.
    directory
        .change(&attribution, |change| {
            let stored = change.contents().certificates[0].clone();
            assert!(change.remove(pool, digest)?);
            assert!(change.add(&endorse::catalogue::Candidate {
                certificate: stored.certificate,
                pool,
                vendor: Some("Example".into()),
                purpose: stored.purpose,
                source: Source::Url("http://pki.example/ca".into()),
                member: None,
            }));
            Ok(())
        })
        .unwrap();
    let contents = directory.read().unwrap();
    assert_eq!(contents.certificates.len(), 2);
    assert!(contents.has(pool, &contents.certificates[0].certificate));
    let vendors: Vec<_> = contents
        .certificates
        .iter()
        .map(|one| one.vendor.as_deref())
        .collect();
    assert!(vendors.contains(&Some("Example")));
    assert!([Pool::Root, Pool::Intermediate].contains(&pool));
}

/// Wherever somebody put it, and whatever happened to the catalogue: a revocation list in the
/// store is heard.
#[test]
fn a_revocation_list_in_the_store_is_heard() {
    let place = Place::new();
    let data = "testdata/revocation";
    let judge: &[&str] = &[
        "verify",
        "--quiet",
        "--no-embedded-roots",
        "--at",
        "2026-07-01",
        "testdata/revocation/ek.pem",
    ];
    place.run(0, &["store", "add", "--root", &format!("{data}/root.der")]);
    let intermediates = place.store().join(INTERMEDIATES);
    fs::create_dir(&intermediates).unwrap();
    fs::copy(
        format!("{data}/intermediates.pem"),
        intermediates.join("all.pem"),
    )
    .unwrap();
    let list = fs::read(format!("{data}/rom-revoked.crl")).unwrap();
    let named = format!("{}.crl", sha256(&list));
    fs::create_dir(place.store().join("crls")).unwrap();
    place.run(0, judge);
    for way in [
        "crls/rom.crl".to_owned(),
        format!("crls/{named}"),
        "crls/on-die/rom.crl".to_owned(),
        "CRLs/rom.crl".to_owned(),
    ] {
        let path = place.store().join(&way);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &list).unwrap();
        place.run(1, judge);
        // Nor does a change take it away.
        let other: &[&str] = &["--root", "testdata/cli/other-root.pem"];
        place.run(0, &[&["store", "add"], other].concat());
        let digest = sha256(&der("testdata/cli/other-root.pem")).to_string();
        place.run(0, &["store", "remove", &digest]);
        place.run(1, judge);
        fs::remove_file(&path).unwrap();
        place.run(0, judge);
    }
    // One that cannot be read does not hide those beside it in a file.
    let pem = |der: &[u8]| {
        let body = BASE64_STANDARD.encode(der);
        format!("-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n")
    };
    let bundle = place.store().join("crls/bundle.pem");
    let texts = [pem(&[0; 3]), pem(&list), pem(&[0; 3])];
    for texts in [&texts[..2], &texts[1..]] {
        fs::write(&bundle, texts.concat()).unwrap();
        place.run(1, judge);
        let folder = place.store().join("crls");
        let empty = place.folder.path().join("empty");
        fs::create_dir_all(&empty).unwrap();
        let empty = empty.to_str().unwrap();
        let roots = format!("{data}/root.der");
        let intermediates = format!("{data}/intermediates.pem");
        let apart: &[&str] = &[
            "--store",
            empty,
            "--roots",
            &roots,
            "--intermediates",
            &intermediates,
        ];
        place.run(0, &[judge, apart].concat());
        place.run(
            1,
            &[judge, apart, &["--crls", folder.to_str().unwrap()]].concat(),
        );
    }
    fs::remove_file(&bundle).unwrap();
    // Half of one is what a broken-off change left.
    let half = place.store().join("crls").join(&named);
    fs::write(&half, &list[..list.len() / 2]).unwrap();
    place.run(0, judge);
    fs::remove_file(&half).unwrap();
    // One that is not where it should be could be the one that revokes.
    std::os::unix::fs::symlink("nowhere", place.store().join("crls/rom.crl")).unwrap();
    let said = place.run(2, judge);
    assert!(
        said.contains("cannot open") && said.contains("rom.crl"),
        "{said}"
    );
    fs::remove_dir_all(place.store().join("crls")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.store().join("crls")).unwrap();
    let said = place.run(2, judge);
    assert!(said.contains("is no directory"), "{said}");
}

/// Whoever wrote the catalogue does not write on the terminal.
#[test]
fn nothing_in_a_catalogue_reaches_the_terminal_as_it_is() {
    let place = Place::new();
    place.run(0, IMPORT);
    let path = place.store().join("catalogue.json");
    let json = fs::read_to_string(&path).unwrap();
    // Every text of the document, except for what has a form of its own.
    let mut document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let evil = "\u{1b}[2J\u{202e}\r\nnote: forged";
    let mut spoil = |pointer: &str, keys: &[&str]| {
        for one in document
            .pointer_mut(pointer)
            .unwrap()
            .as_array_mut()
            .unwrap()
        {
            for key in keys {
                one[key] = evil.into();
            }
        }
    };
    spoil("/sources", &["path"]);
    spoil("/certificates", &["vendor", "member", "added_by", "reason"]);
    spoil("/changes", &["by", "action", "reason"]);
    spoil("/changes/0/added", &["subject"]);
    fs::write(&path, document.to_string()).unwrap();
    let (_, digest) = place.list().pop().unwrap();
    let commands: [&[&str]; 8] = [
        &["store", "history", "-v"],
        &["store", "list", "-v"],
        &["store", "show", &digest],
        &["store", "check", "-v", "--no-embedded-roots"],
        &["store", "graph", "--format", "dot"],
        &["store", "graph", "--format", "svg"],
        &["store", "diff", "testdata/cli/store", "--with-roots"],
        &["store", "remove", &digest],
    ];
    for args in commands {
        let said = place.run(0, args);
        let raw = said
            .chars()
            .find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
        assert_eq!(raw, None, "{args:?}: {said}");
        assert!(!said.contains("\nnote: forged"), "{args:?}: {said}");
    }
}
