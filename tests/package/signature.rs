//! Signatures and time stamps of a made-up publisher: what is accepted, and one thing
//! wrong in each that is refused, with its code and its words.

use endorse::finding::Code;

use super::cabinet::{Packing, attach, digest, without_room};
use super::maker::*;
use super::pki::{
    AT, CRL_SIGN, Curve, EK_USAGE, KEY_CERT_SIGN, Key, Spec, basic_constraints, dn, ec_key,
    extended_key_usage, key_usage, oid, rsa_key, sequence, set, tlv, utc,
};

/// Refused, with this code, in words that have this in them.
#[track_caller]
fn refused(example: &Example, code: Code, words: &str) {
    refused_bytes(&example.bytes(), code, words);
}

#[track_caller]
fn refused_bytes(bytes: &[u8], code: Code, words: &str) {
    match verify(bytes, &roots(), AT) {
        Ok(_) => panic!("accepted; {code} was expected"),
        Err(error) => {
            assert_eq!(error.code, Some(code), "{error}");
            assert!(error.message.contains(words), "{error}");
            assert!(!error.help.is_empty());
        }
    }
}

#[test]
fn accepted() {
    let example = example();
    let signature = example.verify().unwrap();
    assert_eq!(signature.signer().der(), example.signed.certificates[0]);
    assert_eq!(signature.root().der(), root_der());
    assert!(signature.time_stamp().is_none());

    let stamped = example.clone().stamped(|_| {}).verify().unwrap();
    let stamp = stamped.time_stamp().unwrap();
    assert_eq!(stamp.time().to_string(), "2023-06-01T12:00:00Z");
    assert_eq!(stamp.authority().subject().raw(), authority().subject);
    assert_eq!(stamp.root().der(), root_der());

    let countersigned = countersign(example, |_| {}).verify().unwrap();
    let stamp = countersigned.time_stamp().unwrap();
    assert_eq!(stamp.time().to_string(), "2023-06-01T12:00:00Z");
    assert_eq!(stamp.authority().subject().raw(), authority().subject);
}

/// RSA as Microsoft writes it: the signature algorithm is that of the key.
#[test]
fn accepted_with_rsa() {
    let mut spec = signer();
    spec.spki = rsa_key(0).spki();
    let mut example = signed_by(&spec, &code_ca());
    example.signer().key = rsa_key(0);
    for algorithm in [
        algorithm("1.2.840.113549.1.1.1"),
        algorithm("1.2.840.113549.1.1.11"),
    ] {
        example.signer().signature_algorithm = algorithm;
        example.verify().unwrap();
    }
    // The algorithm of another hash than the one that the signer names.
    example.signer().signature_algorithm = algorithm("1.2.840.113549.1.1.12");
    refused(&example, Code::PackageSignature, "differ");
    example.signer().signature_algorithm = algorithm("1.2.840.113549.1.1.5");
    refused(&example, Code::PackageAlgorithm, "SHA-1");
}

#[test]
fn unsigned() {
    let example = example();
    refused_bytes(&example.cabinet, Code::PackageUnsigned, "no signature");
    // No room for one either.
    let plain = without_room(&example.cabinet);
    refused_bytes(&plain, Code::PackageUnsigned, "no signature");
}

#[test]
fn another_file_than_the_one_that_was_signed() {
    let example = example().stamped(|_| {});
    // The signature of another cabinet.
    let mut other = example.clone();
    other.cabinet = cabinet(Packing::Stored).bytes();
    refused(&other, Code::PackageDigest, "not the one that was signed");
    // A file that was exchanged, and everything in the cabinet made right again.
    let mut contents = cabinet(Packing::MsZip);
    let foreign = Spec::ca(
        dn("Foe", "Foe"),
        ec_key(STRANGER),
        dn("Foe", "Foe"),
        ec_key(STRANGER),
    );
    contents.files[1].1 = foreign.der();
    let mut other = example.clone();
    other.cabinet = contents.bytes();
    refused(&other, Code::PackageDigest, "not the one that was signed");
    // A field of the header that is signed: the number of the set.
    let mut bytes = example.bytes();
    bytes[32] ^= 1;
    refused_bytes(&bytes, Code::PackageDigest, "not the one that was signed");
    // One that is not: the number in the set.
    let mut bytes = example.bytes();
    bytes[34] ^= 1;
    refused_bytes(&bytes, Code::PackageMalformed, "iCabinet");
    // A byte of a name.
    let mut bytes = example.bytes();
    let name = bytes.windows(6).position(|at| at == b"RootCA").unwrap();
    bytes[name] ^= 1;
    refused_bytes(&bytes, Code::PackageDigest, "not the one that was signed");
}

#[test]
fn signs_something_else() {
    let mut other = example();
    let digest = digest(&other.cabinet);
    other.resign(indirect_data(PE_IMAGE, "2.16.840.1.101.3.4.2.1", &digest));
    refused(&other, Code::PackageSignature, "no cabinet");
    // Not a file at all.
    let mut other = example();
    other.signed.content_type = DATA;
    let content_type = attribute(CONTENT_TYPE, oid(DATA));
    other.signer().replace(CONTENT_TYPE, content_type);
    refused(&other, Code::PackageSignature, "does not sign a file");
    // The type that the signer signed is another one.
    let mut other = example();
    let content_type = attribute(CONTENT_TYPE, oid(DATA));
    other.signer().replace(CONTENT_TYPE, content_type);
    refused(&other, Code::PackageSignature, "another type of content");
}

#[test]
fn signed_attributes() {
    let mut other = example();
    other.signer().signed = None;
    refused(&other, Code::PackageSignature, "no signed attributes");
    for kind in [CONTENT_TYPE, MESSAGE_DIGEST] {
        let mut other = example();
        other.signer().remove(kind);
        refused(&other, Code::PackageSignature, "lack");
        let mut other = example();
        let value = if kind == CONTENT_TYPE {
            oid(INDIRECT_DATA)
        } else {
            tlv(0x04, &[0; 32])
        };
        let again = attribute(kind, value);
        other.signer().signed.as_mut().unwrap().push(again);
        refused(&other, Code::PackageSignature, "there twice");
    }
    let mut other = example();
    let digest = attribute(MESSAGE_DIGEST, tlv(0x04, &[0; 32]));
    other.signer().replace(MESSAGE_DIGEST, digest);
    refused(&other, Code::PackageSignature, "digest of something else");
    // Two values in one attribute.
    let mut other = example();
    let values = set(&[oid(INDIRECT_DATA), oid(DATA)]);
    let two = sequence(&[oid(CONTENT_TYPE), values]);
    other.signer().replace(CONTENT_TYPE, two);
    refused(&other, Code::PackageSignature, "left over");
}

#[test]
fn the_signature_itself() {
    // A bit of it.
    let mut other = example();
    let mut signature = other.signer().sign();
    *signature.last_mut().unwrap() ^= 1;
    other.signer().signature = Some(signature);
    refused(&other, Code::PackageSignature, "did not make it");
    // Another key.
    let mut other = example();
    other.signer().key = ec_key(STRANGER);
    refused(&other, Code::PackageSignature, "did not make it");
    // Over the attributes with their implicit tag.
    let mut other = example();
    let attributes = other.signer().signed.clone().unwrap().concat();
    let key = ec_key(SIGNER);
    other.signer().signature = Some(key.sign(key.scheme(), &tlv(0xa0, &attributes)));
    refused(&other, Code::PackageSignature, "did not make it");
    // Cut short, in the structure and in the file.
    let example = example();
    let der = example.signed.der();
    let cut = attach(&example.cabinet, &der[..der.len() - 9]);
    refused_bytes(&cut, Code::PackageSignature, "cut short");
    let bytes = example.bytes();
    let cut = &bytes[..bytes.len() - 9];
    refused_bytes(cut, Code::PackageMalformed, "cut short");
}

#[test]
fn weak_digests() {
    let mut other = example();
    other.signer().digest_algorithm = algorithm(SHA1);
    other.signed.digest_algorithms = vec![algorithm(SHA1)];
    refused(&other, Code::PackageAlgorithm, "SHA-1");
    let mut other = example();
    other.signer().digest_algorithm = algorithm("1.2.840.113549.2.5");
    refused(&other, Code::PackageAlgorithm, "MD5");
    // Of the file alone.
    let mut other = example();
    other.resign(indirect_data(CABINET_DATA, SHA1, &[0; 20]));
    refused(&other, Code::PackageAlgorithm, "SHA-1");
    // Of the time stamp.
    let other = example().stamped(|stamp| {
        stamp.imprint_algorithm = SHA1;
        stamp.imprint.truncate(20);
    });
    refused(&other, Code::PackageAlgorithm, "time stamp");
    let other = countersign(example(), |signer| {
        signer.digest_algorithm = algorithm(SHA1)
    });
    refused(&other, Code::PackageAlgorithm, "time stamp");
    // Said to be used, and not used.
    let mut other = example();
    other.signed.digest_algorithms.push(algorithm(SHA1));
    refused(&other, Code::PackageSignature, "digest algorithms");
}

#[test]
fn one_signer() {
    let mut other = example();
    let second = other.signer().clone();
    other.signed.signers.push(second);
    refused(&other, Code::PackageSignature, "2 signers");
    let mut other = example();
    other.signed.signers.clear();
    refused(&other, Code::PackageSignature, "0 signers");
    // A certificate of the same issuer and number, with a key of somebody else.
    let mut other = example();
    let mut double = signer();
    double.spki = ec_key(STRANGER).spki();
    other.signed.certificates.push(double.der());
    refused(&other, Code::PackageSignature, "two certificates");
    let mut other = example();
    other.signer().serial = vec![9];
    refused(&other, Code::PackageSignature, "is not in it");
    let mut other = example();
    other.signed.version = 3;
    refused(&other, Code::PackageSignature, "unknown version");
    let mut other = example();
    other.signer().version = 3;
    refused(&other, Code::PackageSignature, "another value");
}

/// What nobody signed may be there only if it says nothing of its own.
#[test]
fn what_nobody_signed() {
    let mut other = example();
    other.signed.crls = Some(sequence(&[]));
    refused(&other, Code::PackageSignature, "CRLs");
    let mut other = example();
    let nested = attribute(NESTED, other.signed.der());
    other.signer().unsigned.push(nested);
    refused(&other, Code::PackageUnsupported, "1.3.6.1.4.1.311.2.4.1");
    // Two time stamps.
    let other = example().stamped(|_| {}).stamped(|_| {});
    refused(&other, Code::PackageUnsupported, "more attributes");
    // A root of Microsoft's name that somebody made himself.
    let name = dn(
        "Microsoft Corporation",
        "Microsoft Root Certificate Authority 2011",
    );
    let root = Spec::ca(name.clone(), ec_key(STRANGER), name, ec_key(STRANGER));
    let mut other = example();
    other.signed.certificates.push(root.der());
    refused(&other, Code::PackageUnsupported, "not needed for its chain");
    let mut other = example();
    let again = other.signed.certificates[0].clone();
    other.signed.certificates.push(again);
    other.verify().unwrap();
    let other = example().stamped(|stamp| {
        stamp.change = |token| token.certificates.push(root_of_strangers().der());
    });
    refused(&other, Code::PackageUnsupported, "not needed for its chain");
    // An attribute certificate that the token does not name.
    let other = example().stamped(|stamp| {
        stamp.change = |token| token.certificates.push(tlv(0xa1, &[5, 0]));
    });
    refused(&other, Code::PackageTimestamp, "not what it names");
    let mut other = example();
    other.signed.certificates.push(tlv(0xa1, &[5, 0]));
    refused(&other, Code::PackageUnsupported, "not X.509");
    // The root itself is needed.
    let mut other = example();
    other.signed.certificates.push(root_der().to_vec());
    other.verify().unwrap();
}

/// Microsoft's tokens have one.
#[test]
fn an_attribute_certificate_that_the_token_names() {
    let example = example().stamped(|stamp| {
        stamp.change = |token| {
            let authority = token.certificates[0].clone();
            let named = signing_certificate(&[&authority, &tlv(0x30, &[5, 0])]);
            token.signers[0].replace("1.2.840.113549.1.9.16.2.47", named);
            token.certificates.push(tlv(0xa1, &[5, 0]));
        };
    });
    example.verify().unwrap();
}

#[test]
fn the_signers_certificate() {
    let with = |change: &dyn Fn(&mut Spec)| {
        let mut spec = signer();
        change(&mut spec);
        signed_by(&spec, &code_ca())
    };
    let code = Code::PackageSigner;
    // Its purpose.
    let other = with(&|spec| spec.remove("2.5.29.37"));
    refused(&other, code, "does not say that it is for signing code");
    for usage in [TIME_STAMPING, EK_USAGE, "2.5.29.37.0"] {
        let other = with(&|spec| spec.replace(extended_key_usage(&[usage])));
        refused(&other, code, "does not say that it is for signing code");
    }
    let other = with(&|spec| spec.replace(key_usage(&[CRL_SIGN])));
    refused(&other, code, "not for signatures");
    let other = with(&|spec| {
        spec.replace(basic_constraints(true, None));
        spec.replace(key_usage(&[0, KEY_CERT_SIGN]));
    });
    refused(&other, code, "is a CA");
    // Its name: the roots issue to others as well.
    for (organization, common_name) in [
        (PUBLISHER, "Example Drivers"),
        ("Foe", PUBLISHER),
        (PUBLISHER, "example publisher"),
    ] {
        let other = with(&|spec| spec.subject = dn(organization, common_name));
        refused(&other, code, "not the publisher");
    }
    // Its time.
    refused(&signed_by(&expired(), &code_ca()), code, "2024-01-01");
    let other = with(&|spec| spec.not_before = utc("250101000000Z"));
    refused(&other, code, "2025-01-01");
}

#[test]
fn the_signers_chain() {
    // A CA for other purposes.
    let mut ca = code_ca();
    ca.replace(extended_key_usage(&[TIME_STAMPING]));
    let other = signed_by(&signer(), &ca);
    refused(&other, Code::PackageSigner, "other purposes");
    ca.replace(extended_key_usage(&[CODE_SIGNING]));
    signed_by(&signer(), &ca).verify().unwrap();
    // Its CA is no CA.
    let mut ca = code_ca();
    ca.remove("2.5.29.19");
    let other = signed_by(&signer(), &ca);
    refused(&other, Code::PackageSigner, "Example Code CA");
    // Its CA was altered.
    let mut ca = code_ca();
    ca.corrupt_signature = true;
    let other = signed_by(&signer(), &ca);
    refused(&other, Code::PackageSignature, "Example Code CA");
    // A whole hierarchy with the same names, of other keys.
    let mut ca = code_ca();
    ca.signer = ec_key(STRANGER);
    let other = signed_by(&signer(), &ca);
    refused(&other, Code::PackageSignature, "Example Code CA");
    // No issuer.
    let mut other = example();
    other.signed.certificates.pop();
    refused(&other, Code::PackageSigner, "issuer");
    // The same, with its own root.
    let mut other = example();
    let foreign = root_of_strangers();
    let mut spec = signer();
    spec.issuer = foreign.subject.clone();
    spec.signer = ec_key(STRANGER);
    other.signed.certificates = vec![spec.der(), foreign.der()];
    other.signer().issuer = foreign.subject;
    refused(&other, Code::PackageSigner, "not in the root store");
}

/// A root of vendors does not sign packages, and the certificates of a store are no
/// issuers of signers: the verifier is never given them.
#[test]
fn a_vendors_root_does_not_vouch_for_packages() {
    use endorse::trust::package::Roots;
    let microsoft = Roots::microsoft().unwrap();
    let error = verify(&example().bytes(), &microsoft, AT).unwrap_err();
    assert_eq!(error.code, Some(Code::PackageSigner));
}

fn root_of_strangers() -> Spec {
    let name = dn(PUBLISHER, "Other Root");
    let mut spec = Spec::ca(name.clone(), ec_key(STRANGER), name, ec_key(STRANGER));
    spec.serial = vec![4];
    spec
}

#[test]
fn an_expired_signer() {
    let unstamped = signed_by(&expired(), &code_ca());
    refused(&unstamped, Code::PackageSigner, "at 2024-06-01");
    refused(&unstamped, Code::PackageSigner, "without a time stamp");
    // Before it ran out.
    verify(&unstamped.bytes(), &roots(), "2023-12-31").unwrap();
    unstamped.clone().stamped(|_| {}).verify().unwrap();
    countersign(unstamped.clone(), |_| {}).verify().unwrap();
    // A time stamp after it ran out.
    let late = unstamped
        .clone()
        .stamped(|stamp| stamp.time = "20240102000000Z");
    refused(&late, Code::PackageSigner, "at 2024-01-02");
    // One from before there was a certificate.
    let mut spec = signer();
    spec.not_before = utc("230701000000Z");
    let early = signed_by(&spec, &code_ca()).stamped(|_| {});
    refused(&early, Code::PackageSigner, "at 2023-06-01");
    // "Lifetime signing": a time stamp does not help.
    let mut spec = expired();
    spec.replace(extended_key_usage(&[
        CODE_SIGNING,
        "1.3.6.1.4.1.311.10.3.13",
    ]));
    let lifetime = signed_by(&spec, &code_ca()).stamped(|_| {});
    refused(&lifetime, Code::PackageSigner, "at 2024-06-01");
}

#[test]
fn the_time_stamp() {
    let code = Code::PackageTimestamp;
    // Of another signature.
    let other = example().stamped(|stamp| stamp.imprint[0] ^= 1);
    refused(&other, code, "another signature");
    let mut other = example().stamped(|_| {});
    other.signer().signature = None;
    refused(&other, code, "another signature");
    let other = countersign(example(), |signer| {
        let digest = attribute(MESSAGE_DIGEST, tlv(0x04, &[0; 32]));
        signer.replace(MESSAGE_DIGEST, digest);
    });
    refused(&other, code, "digest of something else");
    // Not signed, or by somebody else.
    let other = example().stamped(|stamp| {
        stamp.change = |token| token.signers[0].key = ec_key(STRANGER);
    });
    refused(&other, code, "did not make it");
    let other = countersign(example(), |signer| signer.key = ec_key(STRANGER));
    refused(&other, code, "did not make it");
    // In the future.
    let other = example().stamped(|stamp| stamp.time = "20240601000001Z");
    refused(&other, code, "after the time of judgement");
    example()
        .stamped(|stamp| stamp.time = "20240601000000Z")
        .verify()
        .unwrap();
    // Fractions of seconds are cut off.
    let other = example().stamped(|stamp| stamp.time = "20230601120000.987Z");
    let signature = other.verify().unwrap();
    let time = signature.time_stamp().unwrap().time();
    assert_eq!(time.to_string(), "2023-06-01T12:00:00Z");
    // A time that is none.
    for time in ["20240231000000Z", "20230601120000", "x"] {
        let other = example().stamped(|stamp| stamp.time = time);
        refused(&other, code, "TSTInfo");
    }
    // No time stamp at all, but the signature of something.
    let other = example().stamped(|stamp| stamp.change = |token| token.content_type = DATA);
    refused(&other, code, "does not state a time");
    let other = countersign(example(), |signer| signer.remove(SIGNING_TIME));
    refused(&other, code, "states no time");
    // Named: another certificate, or none.
    let other = example().stamped(|stamp| stamp.named = Some(signer().der()));
    refused(&other, code, "names another certificate");
    let other = example().stamped(|stamp| {
        stamp.change = |token| token.signers[0].remove("1.2.840.113549.1.9.16.2.47");
    });
    refused(&other, code, "does not name the certificate");
    // With something that nobody signed.
    let unsigned = |signer: &mut Signer| {
        signer.unsigned.push(attribute(NESTED, sequence(&[])));
    };
    let other = example().stamped(|stamp| {
        stamp.change = |token| {
            let attribute = attribute(NESTED, sequence(&[]));
            token.signers[0].unsigned.push(attribute);
        };
    });
    refused(&other, code, "nobody signed");
    refused(&countersign(example(), unsigned), code, "nobody signed");
    // Two signers.
    let other = example().stamped(|stamp| {
        stamp.change = |token| {
            let signer = token.signers[0].clone();
            token.signers.push(signer);
        };
    });
    refused(&other, code, "2 signers");
}

#[test]
fn the_time_stamps_authority() {
    let code = Code::PackageSigner;
    let by = |change: fn(&mut Spec)| example().stamped(|stamp| change(&mut stamp.authority));
    refused(&by(|spec| spec.remove("2.5.29.37")), code, "time stamps");
    let other = by(|spec| spec.replace(critical(extended_key_usage(&[CODE_SIGNING]))));
    refused(&other, code, "does not say that it is for time stamps");
    // Not critical, or for something else besides.
    let other = by(|spec| spec.replace(extended_key_usage(&[TIME_STAMPING])));
    refused(&other, code, "for time stamps alone");
    let other = by(|spec| {
        spec.replace(critical(extended_key_usage(&[TIME_STAMPING, CODE_SIGNING])));
    });
    refused(&other, code, "for time stamps alone");
    // Not valid at the time that it states.
    let other = by(|spec| spec.not_after = utc("230101000000Z"));
    refused(&other, code, "at 2023-06-01");
    let other = by(|spec| spec.not_before = utc("230701000000Z"));
    refused(&other, code, "at 2023-06-01");
    // Expired since.
    by(|spec| spec.not_after = utc("230701000000Z"))
        .verify()
        .unwrap();
    // Of another root.
    let other = example().stamped(|stamp| {
        stamp.ca = root_of_strangers();
        stamp.authority.issuer = stamp.ca.subject.clone();
        stamp.authority.signer = ec_key(STRANGER);
        stamp.change = |token| token.signers[0].issuer = root_of_strangers().subject;
    });
    refused(&other, code, "not in the root store");
    // A CA for other purposes.
    let other = example().stamped(|stamp| stamp.ca.replace(extended_key_usage(&[CODE_SIGNING])));
    refused(&other, code, "other purposes");
    // The signer's own certificate does not stamp.
    let mut other = example();
    let signature = other.signer().sign();
    let mut own = Signer::of(&signer(), ec_key(SIGNER), DATA, &signature);
    own.replace(SIGNING_TIME, attribute(SIGNING_TIME, utc("230601120000Z")));
    let own = attribute(COUNTERSIGNATURE, own.der());
    other.signer().unsigned.push(own);
    refused(&other, code, "does not say that it is for time stamps");
}

#[test]
fn bytes_that_belong_to_nothing() {
    let example = example().stamped(|_| {});
    let code = Code::PackageTrailing;
    let mut appended = example.bytes();
    appended.push(0);
    refused_bytes(&appended, code, "follow the end");
    let twice = [example.bytes(), example.bytes()].concat();
    refused_bytes(&twice, code, "follow the end");
    // Within the place of the signature.
    for more in [&[1][..], &[0; 16]] {
        let signature = [&example.signed.der(), more].concat();
        refused_bytes(
            &attach(&example.cabinet, &signature),
            code,
            "follow the signature",
        );
    }
    // Between cabinet and signature.
    let mut gap = example.bytes();
    let end = example.cabinet.len();
    gap.splice(end..end, [0; 8]);
    gap[44..48].copy_from_slice(&(end as u32 + 8).to_le_bytes());
    refused_bytes(&gap, code, "the cabinet ends at");
    // In the reserved area of the header.
    let mut bytes = example.bytes();
    bytes[52] = 1;
    refused_bytes(&bytes, Code::PackageMalformed, "reserved area");
    let mut bytes = example.bytes();
    bytes[4] = 1;
    refused_bytes(&bytes, Code::PackageMalformed, "reserved1");
}

/// What the operator may take in spite of the refusal, and what never.
#[test]
fn what_can_be_taken_without_a_trusted_signature() {
    use endorse::der::Time;
    use endorse::trust::package::{Authenticity, Package};

    let refusal_of = |bytes: &[u8]| {
        let at = Time::parse_rfc3339(AT).unwrap();
        let package = Package::read(bytes).unwrap();
        let refusal = package.verify(&roots(), at).unwrap_err();
        let code = refusal.code.unwrap();
        let taken = package.unverified(refusal).map(|package| {
            let contents = package.contents().unwrap();
            assert_eq!(contents.certificates().len(), 1);
            match contents.authenticity() {
                Authenticity::Unverified(why) => assert_eq!(why.code, Some(code)),
                Authenticity::Signed(_) => panic!("said to be signed"),
            }
        });
        (code, taken.is_ok())
    };
    let example = example();
    let unsigned = refusal_of(&example.cabinet);
    assert_eq!(unsigned, (Code::PackageUnsigned, true));
    let stranger = signed_by(&expired(), &code_ca());
    assert_eq!(refusal_of(&stranger.bytes()), (Code::PackageSigner, true));
    let mut bytes = example.bytes();
    bytes[32] ^= 1;
    assert_eq!(refusal_of(&bytes), (Code::PackageDigest, false));
    let mut forged = example;
    forged.signer().key = ec_key(STRANGER);
    assert_eq!(refusal_of(&forged.bytes()), (Code::PackageSignature, false));
}

/// P-384 with SHA-384, as newer publishers have it.
#[test]
fn accepted_with_sha384() {
    static KEY: std::sync::OnceLock<Key> = std::sync::OnceLock::new();
    let key = KEY.get_or_init(|| Key::ec(Curve::P384));
    let mut spec = signer();
    spec.spki = key.spki();
    let mut example = signed_by(&spec, &code_ca());
    let sha384 = algorithm("2.16.840.1.101.3.4.2.2");
    let content = content_octets(&example.signed.content);
    let digest = attribute(MESSAGE_DIGEST, tlv(0x04, &endorse::hash::sha384(&content)));
    let signer = example.signer();
    signer.key = key;
    signer.signature_algorithm = key.scheme().identifier();
    signer.digest_algorithm = sha384.clone();
    signer.replace(MESSAGE_DIGEST, digest);
    example.signed.digest_algorithms = vec![sha384];
    example.verify().unwrap();
}
