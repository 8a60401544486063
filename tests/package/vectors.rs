//! The packages below `testdata/package/`, which fuzzers and other tests start from.

use std::path::{Path, PathBuf};

use endorse::finding::Code;
use endorse::trust::Purpose;
use endorse::trust::package::{Package, Roots};

use super::maker::{
    PUBLISHER, code_ca, content_octets, countersign, expired, full_cabinet, root_der,
    signed_cabinet, verify,
};
use super::pki::AT;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/package")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// Writes them anew, with other keys: `cargo test --test package -- --ignored
/// write_vectors`, then `testdata/update-sums.sh` and `fuzz/make-seeds.sh`.
#[test]
#[ignore = "writes testdata/package"]
fn write_vectors() {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder().join(name), bytes).unwrap();
    let cabinet = full_cabinet().bytes();
    write("root.der", root_der());
    write("unsigned.cab", &cabinet);
    let example = signed_cabinet(cabinet, &expired(), &code_ca());
    write("expired.cab", &example.bytes());
    write(
        "countersigned.cab",
        &countersign(example.clone(), |_| {}).bytes(),
    );
    let mut stamped = example.stamped(|_| {});
    write("stamped.cab", &stamped.bytes());
    write("signature.p7s", &stamped.signed.der());
    // The value in the attribute's SET.
    let attribute = content_octets(&stamped.signer().unsigned[0]);
    let mut fields = endorse::der::Reader::new(&attribute);
    fields.any().unwrap();
    write("token.der", fields.any().unwrap().content);
    let mut altered = stamped.bytes();
    altered[32] ^= 1;
    write("altered.cab", &altered);
    write("appended.cab", &[&stamped.bytes()[..], b"\0"].concat());
}

#[test]
fn what_they_are() {
    let root = endorse::ek::Certificate::from_der(&read("root.der")).unwrap();
    let roots = Roots::new([root], PUBLISHER);
    let code = |name: &str| {
        verify(&read(name), &roots, AT)
            .err()
            .map(|e| e.code.unwrap())
    };
    assert_eq!(code("stamped.cab"), None);
    assert_eq!(code("countersigned.cab"), None);
    assert_eq!(code("unsigned.cab"), Some(Code::PackageUnsigned));
    assert_eq!(code("expired.cab"), Some(Code::PackageSigner));
    assert_eq!(code("altered.cab"), Some(Code::PackageDigest));
    assert_eq!(code("appended.cab"), Some(Code::PackageTrailing));
    // To Microsoft's roots they are a stranger's.
    let microsoft = Roots::microsoft().unwrap();
    let error = verify(&read("stamped.cab"), &microsoft, AT).unwrap_err();
    assert_eq!(error.code, Some(Code::PackageSigner));

    let bytes = read("stamped.cab");
    let at = endorse::der::Time::parse_rfc3339(AT).unwrap();
    let package = Package::read(&bytes).unwrap().verify(&roots, at).unwrap();
    let contents = package.contents().unwrap();
    let purposes: Vec<_> = contents
        .certificates()
        .iter()
        .map(|one| one.purpose)
        .collect();
    assert_eq!(purposes, [Purpose::Ek, Purpose::Ek, Purpose::Aik]);
    assert_eq!(contents.skipped().len(), 3);
}
