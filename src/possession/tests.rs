//! The whole exchange with a TPM made of software, and every way in which an answer can
//! be wrong. That real TPMs agree is shown against an emulator in `tests/tpm`.

#![allow(clippy::arithmetic_side_effects, reason = "tests may be blunt")]

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{AES_128, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::kdf::{hmac_algorithm, kdfa, kdfe};
use super::*;
use crate::der::Time;
use crate::ek::{Curve, EkPub, Key, NameAlg, Template, TpmPublic};
use crate::finding::{Code, Finding};
use crate::hash::{Sha256Digest, hex, sha256};

const NOW: Time = Time::from_unix(1_800_000_000);
const EXPIRES: Time = Time::from_unix(1_800_003_600);

/// The coordinates of some point of the curve, one after the other.
pub(super) fn point(curve: Curve) -> Vec<u8> {
    let key = PrivateKey::generate(ecdh(curve)).unwrap();
    key.compute_public_key().unwrap().as_ref()[1..].to_vec()
}

/// A modulus of 2048 bits.
pub(super) fn modulus() -> Vec<u8> {
    match SoftEk::new("L-1").key().key() {
        Key::Rsa { modulus, .. } => modulus.clone(),
        Key::Ec { .. } => panic!(),
    }
}

fn ecdh(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => &agreement::ECDH_P521,
    }
}

enum Private {
    Rsa(OaepPrivateDecryptingKey),
    Ec(PrivateKey),
}

/// An EK with its private part, which no TPM would show.
struct SoftEk {
    public: TpmPublic,
    private: Private,
}

impl SoftEk {
    fn new(label: &str) -> Self {
        let template = Template::by_label(label).unwrap();
        let (key, private) = match template.algorithm {
            crate::ek::Algorithm::Rsa(bits) => {
                let size = match bits {
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    _ => KeySize::Rsa2048,
                };
                let private = PrivateDecryptingKey::generate(size).unwrap();
                let spki: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
                (
                    EkPub::from_spki(spki.as_ref()).unwrap(),
                    Private::Rsa(OaepPrivateDecryptingKey::new(private).unwrap()),
                )
            }
            crate::ek::Algorithm::Ecc(curve) => {
                let private = PrivateKey::generate(ecdh(curve)).unwrap();
                let public = private.compute_public_key().unwrap();
                let (x, y) = public.as_ref()[1..].split_at(curve.field_len());
                (
                    EkPub::from_point(curve, x, y).unwrap(),
                    Private::Ec(private),
                )
            }
        };
        Self {
            public: TpmPublic::from_tpmt(&template.public_area(Some(&key)).unwrap()).unwrap(),
            private,
        }
    }

    fn key(&self) -> &EkPub {
        &self.public.key
    }

    /// TPM2_ActivateCredential (TPM 2.0 Part 1, 24), written from the other side.
    fn activate(
        &self,
        protection: Protection,
        credential: &Credential,
        name: &[u8],
    ) -> Option<Vec<u8>> {
        let hash = protection.name_alg();
        let bits = match hash {
            NameAlg::Sha384 => 384,
            NameAlg::Sha512 => 512,
            _ => 256,
        };
        let encrypted = &credential.encrypted_secret[2..];
        let seed = match &self.private {
            Private::Rsa(key) => {
                let algorithm = match hash {
                    NameAlg::Sha384 => &OAEP_SHA384_MGF1SHA384,
                    NameAlg::Sha512 => &OAEP_SHA512_MGF1SHA512,
                    _ => &OAEP_SHA256_MGF1SHA256,
                };
                let mut out = vec![0; key.min_output_size()];
                key.decrypt(algorithm, encrypted, &mut out, Some(b"IDENTITY\0"))
                    .ok()?
                    .to_vec()
            }
            Private::Ec(key) => {
                let half = encrypted.len() / 2;
                let (x, y) = (&encrypted[2..half], &encrypted[half + 2..]);
                let Key::Ec { x: own_x, .. } = self.key().key() else {
                    panic!()
                };
                let point = [&[4][..], x, y].concat();
                agree(
                    key,
                    UnparsedPublicKey::new(key.algorithm(), point),
                    None,
                    |shared| Ok(kdfe(hash, shared, "IDENTITY", x, own_x, bits)),
                )
                .map_err(|_: Option<()>| ())
                .ok()?
            }
        };
        let algorithm = hmac_algorithm(hash).unwrap();
        let digest_len = usize::from(bits / 8);
        let integrity = &credential.id_object[4..4 + digest_len];
        let mut identity = credential.id_object[4 + digest_len..].to_vec();
        let hmac_key = kdfa(algorithm, &seed, "INTEGRITY", &[], bits);
        let mut expected = hmac::Context::with_key(&hmac::Key::new(algorithm, &hmac_key));
        expected.update(&identity);
        expected.update(name);
        if expected.sign().as_ref() != integrity {
            return None;
        }
        let aes_key = kdfa(algorithm, &seed, "STORAGE", name, protection.aes_bits());
        let cipher = match aes_key.len() {
            16 => &AES_128,
            _ => &AES_256,
        };
        DecryptingKey::cfb128(UnboundCipherKey::new(cipher, &aes_key).ok()?)
            .ok()?
            .decrypt(
                &mut identity,
                DecryptionContext::Iv128(FixedLength::from([0; 16])),
            )
            .ok()?;
        Some(identity[2..].to_vec())
    }
}

/// A TPM without a TPM, for the tests of other rooms, too.
pub(crate) struct SoftTpm {
    eks: Vec<SoftEk>,
    ak: EcdsaKeyPair,
    ak_area: Vec<u8>,
}

impl SoftTpm {
    pub(crate) fn new(labels: &[&str]) -> Self {
        let ak = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let mut ak_area = AK_TEMPLATES[0].public_area.to_vec();
        ak_area.truncate(ak_area.len() - 4);
        for half in ak.public_key().as_ref()[1..].chunks(32) {
            ak_area.extend([0, 32]);
            ak_area.extend(half);
        }
        Self {
            eks: labels.iter().map(|label| SoftEk::new(label)).collect(),
            ak,
            ak_area,
        }
    }

    pub(crate) fn keys(&self) -> Vec<EkPub> {
        self.eks.iter().map(|ek| ek.key().clone()).collect()
    }

    pub(crate) fn request(&self) -> Request {
        Request {
            name: Some("hyp01".to_owned()),
            ak: AttestationKey::new(TpmPublic::from_tpmt(&self.ak_area).unwrap()).unwrap(),
            eks: self.eks.iter().map(|ek| ek.public.clone()).collect(),
        }
    }

    fn challenge(&self) -> NewChallenge {
        NewChallenge::new("hyp01", &self.keys(), &self.request(), EXPIRES).unwrap()
    }

    pub(crate) fn answer(&self, challenge: &Challenge) -> Answer {
        let mut secrets = Vec::new();
        for credential in &challenge.credentials {
            let ek = self
                .eks
                .iter()
                .find(|ek| ek.key().spki_sha256() == credential.ek);
            let secret = ek.and_then(|ek| {
                let name = &challenge.terms.ak_name;
                ek.activate(credential.protection, &credential.credential, name)
            });
            secrets.extend(secret.map(|secret| (credential.ek, secret)));
        }
        let quote = attest(&challenge.qualifying_data().0);
        Answer {
            challenge: challenge.terms.id,
            ak: TpmPublic::from_tpmt(&self.ak_area).unwrap(),
            secrets,
            signature: self.sign(&quote),
            quote,
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.ak.sign(&SystemRandom::new(), message).unwrap();
        let (r, s) = signature.as_ref().split_at(32);
        [&[0, 0x18, 0, 0x0b, 0, 32][..], r, &[0, 32], s].concat()
    }
}

/// A `TPMS_ATTEST` of a quote with this extra data.
fn attest(extra_data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(extra_data.len()).unwrap();
    [
        &[0xff, 0x54, 0x43, 0x47, 0x80, 0x18][..],
        &[0, 2, 0, 0x0b], // qualifiedSigner
        &[0, length],     // extraData
        extra_data,
        &[0; 17],                           // clockInfo
        &[0; 8],                            // firmwareVersion
        &[0, 0, 0, 1, 0, 0x0b, 3, 1, 0, 0], // PCR 0 of the SHA-256 bank
        &[0, 4, 1, 2, 3, 4],                // pcrDigest
    ]
    .concat()
}

fn codes(result: Result<Proof, Vec<Finding>>) -> Vec<Code> {
    match result {
        Ok(proof) => panic!("proven: {proof:?}"),
        Err(findings) => findings.iter().map(|finding| finding.code).collect(),
    }
}

#[test]
fn every_kind_of_ek() {
    for labels in [
        &["L-1"][..],
        &["L-2"],
        &["H-3"],
        &["H-4"],
        &["H-6"],
        &["L-1", "L-2", "H-3"],
    ] {
        let tpm = SoftTpm::new(labels);
        let new = tpm.challenge();
        assert_eq!(new.challenge.qualifying_data(), new.kept.qualifying_data());
        let answer = tpm.answer(&new.challenge);
        let proof = check(&new.kept, &answer, NOW).unwrap();
        let eks: Vec<_> = tpm.keys().iter().map(EkPub::spki_sha256).collect();
        assert_eq!(proof.eks(), eks);
        assert_eq!(proof.ak_name(), tpm.request().ak.name());
        assert_eq!(proof.challenge(), new.kept.terms.id);
        assert_eq!(proof.at(), NOW);
    }
}

/// Implementers differ on the hash of RSA 4096, so both are in the challenge; the TPM
/// recovers the secret from its own.
#[test]
fn rsa_4096_with_either_hash() {
    for label in ["H-7", "H-7 with SHA-512"] {
        let tpm = SoftTpm::new(&[label]);
        let mut request = tpm.request();
        request.eks.clear();
        let new = NewChallenge::new("hyp01", &tpm.keys(), &request, EXPIRES).unwrap();
        assert_eq!(new.challenge.credentials.len(), 2);
        let hash = NameAlg::from_id(tpm.eks[0].public.name_alg).unwrap();
        let mut challenge = new.challenge;
        challenge
            .credentials
            .retain(|credential| credential.protection.name_alg() == hash);
        let answer = tpm.answer(&challenge);
        assert!(check(&new.kept, &answer, NOW).is_ok(), "{label}");
    }
}

#[test]
fn files_give_back_what_was_written() {
    let tpm = SoftTpm::new(&["L-1", "H-3"]);
    let request = Request::read(tpm.request().to_json().as_bytes()).unwrap();
    assert_eq!(request.ak, tpm.request().ak);
    assert_eq!(request.eks, tpm.request().eks);
    let new = tpm.challenge();
    let challenge = Challenge::read(new.challenge.to_json().as_bytes()).unwrap();
    assert_eq!(challenge, new.challenge);
    let answer = Answer::read(tpm.answer(&challenge).to_json().as_bytes()).unwrap();
    check(&new.kept, &answer, NOW).unwrap();
    // The attestation key alone, as tpm2-tools writes it.
    let length = u16::try_from(tpm.ak_area.len()).unwrap().to_be_bytes();
    for file in [tpm.ak_area.clone(), [&length[..], &tpm.ak_area].concat()] {
        assert_eq!(Request::read(&file).unwrap().ak, request.ak);
    }
}

#[test]
fn no_two_challenges_are_alike() {
    let tpm = SoftTpm::new(&["L-2"]);
    let (one, two) = (tpm.challenge(), tpm.challenge());
    assert_ne!(one.challenge.terms.id, two.challenge.terms.id);
    assert_ne!(one.challenge.terms.nonce, two.challenge.terms.nonce);
    assert_ne!(one.kept.eks[0].secret_sha256, two.kept.eks[0].secret_sha256);
    // The answer to one is none to the other.
    let answer = tpm.answer(&one.challenge);
    assert_eq!(
        codes(check(&two.kept, &answer, NOW)),
        [
            Code::ChallengeUnknown,
            Code::ChallengeSecret,
            Code::QuoteMismatch
        ]
    );
    let renamed = Answer {
        challenge: two.challenge.terms.id,
        ..answer
    };
    assert_eq!(
        codes(check(&two.kept, &renamed, NOW)),
        [Code::ChallengeSecret, Code::QuoteMismatch]
    );
}

#[test]
fn the_wrong_host() {
    let (tpm, other) = (SoftTpm::new(&["L-1"]), SoftTpm::new(&["L-1"]));
    let new = tpm.challenge();
    // It cannot recover the secret, and it has another attestation key.
    assert_eq!(
        codes(check(&new.kept, &other.answer(&new.challenge), NOW)),
        [Code::ChallengeSecret, Code::AkMismatch]
    );
    // Another host's attestation key, asked for in its own name: the credential is
    // encrypted to the registered EK all the same.
    let new = NewChallenge::new("hyp01", &tpm.keys(), &other.request(), EXPIRES).unwrap();
    assert_eq!(
        codes(check(&new.kept, &other.answer(&new.challenge), NOW)),
        [Code::ChallengeSecret]
    );
}

#[test]
fn every_ek_counts() {
    let tpm = SoftTpm::new(&["L-1", "L-2"]);
    let new = tpm.challenge();
    // The second EK is somebody else's.
    let mut answer = tpm.answer(&new.challenge);
    answer.secrets.truncate(1);
    assert_eq!(
        codes(check(&new.kept, &answer, NOW)),
        [Code::ChallengeSecret]
    );
    // One secret for both.
    let (first, second) = (tpm.keys()[0].spki_sha256(), tpm.keys()[1].spki_sha256());
    answer.secrets = vec![
        (first, answer.secrets[0].1.clone()),
        (second, answer.secrets[0].1.clone()),
    ];
    assert_eq!(
        codes(check(&new.kept, &answer, NOW)),
        [Code::ChallengeSecret]
    );
    // A wrong one before the right one does not count as right.
    let mut answer = tpm.answer(&new.challenge);
    answer.secrets.insert(0, (first, vec![0; 32]));
    assert_eq!(
        codes(check(&new.kept, &answer, NOW)),
        [Code::ChallengeSecret]
    );
}

#[test]
fn too_late() {
    let tpm = SoftTpm::new(&["L-2"]);
    let new = tpm.challenge();
    let answer = tpm.answer(&new.challenge);
    assert!(check(&new.kept, &answer, EXPIRES).is_ok());
    let late = Time::from_unix(EXPIRES.unix() + 1);
    assert_eq!(
        codes(check(&new.kept, &answer, late)),
        [Code::ChallengeExpired]
    );
}

/// A key in software cannot say that it is fixed to a TPM and still be loaded there, so
/// an honest public area of one is refused, and a lying one has a Name for which no TPM
/// recovers the secret.
#[test]
fn a_software_key_that_pretends() {
    let tpm = SoftTpm::new(&["L-2"]);
    let mut honest = tpm.ak_area.clone();
    honest[4..8].copy_from_slice(&0x0004_0440u32.to_be_bytes());
    let finding = AttestationKey::new(TpmPublic::from_tpmt(&honest).unwrap()).unwrap_err();
    assert_eq!(finding.code, Code::AkUnsuitable);
    let new = tpm.challenge();
    let answer = Answer {
        ak: TpmPublic::from_tpmt(&honest).unwrap(),
        ..tpm.answer(&new.challenge)
    };
    assert_eq!(codes(check(&new.kept, &answer, NOW)), [Code::AkUnsuitable]);
    // The challenge was made for a lying area; the TPM has the honest key loaded, whose
    // Name is another, so that the integrity of the credential does not hold.
    let honest_name = NameAlg::Sha256.name_of(&honest);
    let credential = &new.challenge.credentials[0];
    let recovered =
        tpm.eks[0].activate(credential.protection, &credential.credential, &honest_name);
    assert_eq!(recovered, None);
}

#[test]
fn quotes_that_are_none() {
    let tpm = SoftTpm::new(&["L-2"]);
    let new = tpm.challenge();
    let good = tpm.answer(&new.challenge);
    let quoted = new.challenge.qualifying_data().0;
    let with_quote = |quote: Vec<u8>| Answer {
        signature: tpm.sign(&quote),
        quote,
        ..good.clone()
    };
    // Signed, but no TPM would have signed them with a restricted key.
    let mut no_magic = attest(&quoted);
    no_magic[0] = 0xfe;
    let mut creation = attest(&quoted);
    creation[5] = 0x1a;
    let mut cut = attest(&quoted);
    cut.pop();
    let mut longer = attest(&quoted);
    longer.push(0);
    for quote in [no_magic, creation, cut, longer, Vec::new()] {
        let answer = with_quote(quote);
        assert_eq!(codes(check(&new.kept, &answer, NOW)), [Code::QuoteInvalid]);
    }
    for extra in [&b""[..], &quoted[..31], &[quoted.as_slice(), &[0]].concat()] {
        let answer = with_quote(attest(extra));
        assert_eq!(codes(check(&new.kept, &answer, NOW)), [Code::QuoteMismatch]);
    }
}

/// Every bit of quote and signature counts.
#[test]
fn each_bit_of_quote_and_signature() {
    let tpm = SoftTpm::new(&["L-2"]);
    let new = tpm.challenge();
    let good = tpm.answer(&new.challenge);
    for index in 0..good.quote.len() * 8 {
        let mut answer = good.clone();
        answer.quote[index / 8] ^= 1 << (index % 8);
        assert_eq!(
            codes(check(&new.kept, &answer, NOW)),
            [Code::QuoteInvalid],
            "bit {index} of the quote"
        );
    }
    for index in 0..good.signature.len() * 8 {
        let mut answer = good.clone();
        answer.signature[index / 8] ^= 1 << (index % 8);
        assert_eq!(
            codes(check(&new.kept, &answer, NOW)),
            [Code::QuoteInvalid],
            "bit {index} of the signature"
        );
    }
}

/// A challenge that is changed on its way is refused by the host, or not answered
/// rightly.
#[test]
fn each_field_of_the_challenge() {
    let tpm = SoftTpm::new(&["L-2"]);
    let new = tpm.challenge();
    let text = new.challenge.to_json();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut fields = 0;
    for field in [
        "/schema",
        "/id",
        "/host",
        "/nonce",
        "/expires",
        "/ak_name",
        "/qualifying_data",
        "/credentials/0/ek",
        "/credentials/0/algorithm",
        "/credentials/0/name_alg",
        "/credentials/0/aes_bits",
        "/credentials/0/id_object",
        "/credentials/0/encrypted_secret",
    ] {
        let mut changed = json.clone();
        let value = changed.pointer_mut(field).unwrap();
        *value = match (field, value.as_str()) {
            (_, None) => 256.into(),
            ("/expires", _) => "2100-01-01T00:00:00Z".into(),
            ("/credentials/0/name_alg", _) => "sha384".into(),
            (_, Some(text)) => {
                // The last digit, or letter.
                let (head, last) = text.split_at(text.len() - 1);
                format!("{head}{}", if last == "0" { '1' } else { '0' }).into()
            }
        };
        let bytes = serde_json::to_vec(&changed).unwrap();
        match Challenge::read(&bytes) {
            Err(error) => assert_eq!(error.code, Some(Code::ChallengeMalformed), "{field}"),
            Ok(challenge) => {
                // What the digest does not cover is what the secret depends on.
                assert!(field.starts_with("/credentials/0/"), "{field}");
                let recovered = tpm.eks[0].activate(
                    challenge.credentials[0].protection,
                    &challenge.credentials[0].credential,
                    &challenge.terms.ak_name,
                );
                let expected = new.kept.eks[0].secret_sha256;
                // A hint where to look for the EK, and no more.
                if field == "/credentials/0/algorithm" {
                    assert_eq!(recovered.map(|secret| sha256(&secret)), Some(expected));
                    fields += 1;
                    continue;
                }
                assert_ne!(
                    recovered.map(|secret| sha256(&secret)),
                    Some(expected),
                    "{field}"
                );
            }
        }
        fields += 1;
    }
    // Members that no file has, and ones that are missing.
    let object = json.as_object().unwrap();
    for name in object.keys() {
        let mut without = object.clone();
        without.remove(name);
        let bytes = serde_json::to_vec(&without).unwrap();
        assert!(Challenge::read(&bytes).is_err(), "{name}");
        fields += 1;
    }
    let mut with = object.clone();
    with.insert("more".to_owned(), 1.into());
    assert!(Challenge::read(&serde_json::to_vec(&with).unwrap()).is_err());
    assert_eq!(fields, 21);
}

/// Whatever is changed in a request, the host that is registered is asked for a proof of
/// its own EKs.
#[test]
fn each_field_of_the_request() {
    let tpm = SoftTpm::new(&["L-2"]);
    let json: serde_json::Value = serde_json::from_str(&tpm.request().to_json()).unwrap();
    for (field, code) in [
        ("/schema", Some(Code::ChallengeMalformed)),
        // The last octet of y: a point off the curve.
        ("/ak", Some(Code::AkUnsuitable)),
        ("/name", None),
        ("/eks/0", None),
    ] {
        let mut changed = json.clone();
        let value = changed.pointer_mut(field).unwrap();
        let text = value.as_str().unwrap().to_owned();
        let (head, last) = text.split_at(text.len() - 1);
        *value = format!("{head}{}", if last == "0" { '1' } else { '0' }).into();
        let read = Request::read(&serde_json::to_vec(&changed).unwrap());
        match (read, code) {
            (Err(error), Some(code)) => assert_eq!(error.code, Some(code), "{field}"),
            (Ok(request), None) => {
                let new = NewChallenge::new("hyp01", &tpm.keys(), &request, EXPIRES).unwrap();
                let answer = tpm.answer(&new.challenge);
                assert!(check(&new.kept, &answer, NOW).is_ok(), "{field}");
            }
            (read, _) => panic!("{field}: {read:?}"),
        }
    }
}

/// Each field of the answer, changed by one digit.
#[test]
fn each_field_of_the_answer() {
    let tpm = SoftTpm::new(&["L-2"]);
    let new = tpm.challenge();
    let json: serde_json::Value =
        serde_json::from_str(&tpm.answer(&new.challenge).to_json()).unwrap();
    for (field, expected) in [
        ("/schema", Code::ChallengeMalformed),
        ("/challenge", Code::ChallengeUnknown),
        // The last octet of y: a point off the curve.
        ("/ak", Code::AkUnsuitable),
        ("/secrets/0/ek", Code::ChallengeSecret),
        ("/secrets/0/secret", Code::ChallengeSecret),
        ("/quote", Code::QuoteInvalid),
        ("/signature", Code::QuoteInvalid),
    ] {
        let mut changed = json.clone();
        let value = changed.pointer_mut(field).unwrap();
        let (head, last) = value
            .as_str()
            .unwrap()
            .split_at(value.as_str().unwrap().len() - 1);
        *value = format!("{head}{}", if last == "0" { '1' } else { '0' }).into();
        let code = match Answer::read(&serde_json::to_vec(&changed).unwrap()) {
            Err(error) => error.code.unwrap(),
            Ok(answer) => codes(check(&new.kept, &answer, NOW))[0],
        };
        assert_eq!(code, expected, "{field}");
    }
}

#[test]
fn how_an_ek_is_protected() {
    // The public area of the request counts, if it is of the registered key.
    let tpm = SoftTpm::new(&["H-3"]);
    let key = tpm.keys().remove(0);
    let mut request = tpm.request();
    let area = request.eks[0].tpmt().to_vec();
    // AES-128 in place of AES-256: a template of some TPM's own.
    let at = 2 + 2 + 4 + 2 + 48 + 2;
    let mut special = area;
    special[at..at + 2].copy_from_slice(&128u16.to_be_bytes());
    request.eks = vec![TpmPublic::from_tpmt(&special).unwrap()];
    let new = NewChallenge::new("a", std::slice::from_ref(&key), &request, EXPIRES).unwrap();
    assert_eq!(new.challenge.credentials.len(), 1);
    assert_eq!(new.challenge.credentials[0].protection.aes_bits(), 128);
    // Of another key, nothing.
    request.eks = SoftTpm::new(&["H-3"]).request().eks;
    let new = NewChallenge::new("a", &[key], &request, EXPIRES).unwrap();
    assert_eq!(new.challenge.credentials[0].protection.aes_bits(), 256);
    // RSA 4096 is met with two hashes; one secret serves for both.
    let key = EkPub::from_rsa(&[0xff; 512], &[1, 0, 1]).unwrap();
    let new = NewChallenge::new("a", &[key.clone(), key], &request, EXPIRES).unwrap();
    let hashes: Vec<_> = new
        .challenge
        .credentials
        .iter()
        .map(|credential| credential.protection.name_alg())
        .collect();
    assert_eq!(hashes, [NameAlg::Sha384, NameAlg::Sha512]);
    assert_eq!(new.kept.eks.len(), 1);
    // No template makes such keys.
    let key = EkPub::from_rsa(&[0xff; 640], &[1, 0, 1]).unwrap();
    let error = NewChallenge::new("a", &[key], &request, EXPIRES).unwrap_err();
    assert_eq!(error.fault, Fault::Unsupported);
    assert!(NewChallenge::new("a", &[], &request, EXPIRES).is_err());
}

/// No two things that a challenge is about may be taken for each other.
#[test]
fn the_qualifying_data_tell_everything_apart() {
    let tpm = SoftTpm::new(&["L-2"]);
    let kept = tpm.challenge().kept;
    let mut seen = vec![kept.qualifying_data()];
    let mut add = |change: &dyn Fn(&mut Kept)| {
        let mut changed = kept.clone();
        change(&mut changed);
        let data = changed.qualifying_data();
        assert!(!seen.contains(&data));
        seen.push(data);
    };
    add(&|kept| kept.terms.id.0[0] ^= 1);
    add(&|kept| kept.terms.nonce[31] ^= 1);
    add(&|kept| kept.terms.expires = NOW);
    add(&|kept| kept.terms.host.push('a'));
    add(&|kept| kept.terms.ak_name.push(0));
    add(&|kept| {
        // One octet moved from the Name to the host.
        let first = char::from(kept.terms.ak_name.remove(0));
        kept.terms.host.push(first);
    });
    add(&|kept| kept.eks[0].ek = Sha256Digest([7; 32]));
    add(&|kept| kept.eks.push(kept.eks[0].clone()));
}

#[test]
fn limits_of_files() {
    let tpm = SoftTpm::new(&["L-2"]);
    let mut request = tpm.request();
    request.eks = vec![request.eks[0].clone(); 129];
    assert!(Request::read(request.to_json().as_bytes()).is_err());
    request.name = Some("n".repeat(MAX_FILE_LEN));
    let error = Request::read(request.to_json().as_bytes()).unwrap_err();
    assert_eq!(error.code, Some(Code::ChallengeMalformed));
    let long = format!("{{\"{}\":1}}", "x".repeat(100_000));
    for text in [
        "",
        "{",
        "[]",
        "{}",
        "null",
        "\u{0}",
        "{\"schema\":1}",
        &long,
    ] {
        for error in [
            Request::read(text.as_bytes()).map(|_| ()),
            Challenge::read(text.as_bytes()).map(|_| ()),
            Answer::read(text.as_bytes()).map(|_| ()),
        ] {
            let error = error.unwrap_err();
            assert_eq!(error.message == "it is empty", text.is_empty());
            assert_eq!(error.code, Some(Code::ChallengeMalformed), "{text}");
            assert!(error.message.len() < 300);
            assert!(!error.help.is_empty());
        }
    }
    // A list is no object, though it has the same values.
    let new = tpm.challenge();
    let json: serde_json::Value = serde_json::from_str(&new.challenge.to_json()).unwrap();
    let listed = |object: &serde_json::Value| -> serde_json::Value {
        object.as_object().unwrap().values().cloned().collect()
    };
    let mut inner = json.clone();
    inner["credentials"][0] = listed(&json["credentials"][0]);
    for list in [listed(&json), inner] {
        assert!(Challenge::read(list.to_string().as_bytes()).is_err());
    }
    // What is unsuitable is rejected, not unreadable.
    let mut weak = tpm.ak_area.clone();
    weak[5] = 0x04;
    let text = tpm
        .request()
        .to_json()
        .replace(&hex(&tpm.ak_area), &hex(&weak));
    let error = Request::read(text.as_bytes()).unwrap_err();
    assert_eq!(error.code, Some(Code::AkUnsuitable));
    assert_eq!(error.fault, Fault::Rejected);
}

/// What an emulator and tpm2-tools wrote: `testdata/challenge/make.sh`.
#[test]
fn files_of_an_emulator() {
    macro_rules! file {
        ($name:literal) => {
            &include_bytes!(concat!("../../testdata/challenge/", $name))[..]
        };
    }
    let request = Request::read(file!("request.json")).unwrap();
    let challenge = Challenge::read(file!("challenge.json")).unwrap();
    let answer = Answer::read(file!("answer.json")).unwrap();
    assert_eq!(challenge.terms.ak_name, request.ak.name());
    assert_eq!(answer.challenge, challenge.terms.id);
    let kept = Kept {
        terms: challenge.terms.clone(),
        eks: vec![KeptEk {
            ek: answer.secrets[0].0,
            secret_sha256: sha256(&answer.secrets[0].1),
        }],
    };
    let proof = check(&kept, &answer, challenge.terms.expires).unwrap();
    assert_eq!(proof.eks(), [request.eks[0].key.spki_sha256()]);

    // A key of tpm2_createak for RSASSA, and its quote.
    let ak = Request::read(file!("ak.pub")).unwrap().ak;
    let quote = Quote::read(file!("quote.msg")).unwrap();
    assert_eq!(quote.extra_data, [0x00, 0xff]);
    let signature = QuoteSignature::read(file!("quote.sig")).unwrap();
    quote.verify(&signature, &ak).unwrap();
    assert_eq!(
        quote.verify(&signature, &request.ak).unwrap_err().code,
        Code::QuoteInvalid
    );
    for bit in 0..file!("quote.sig").len() * 8 {
        let mut changed = file!("quote.sig").to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let refused = match QuoteSignature::read(&changed) {
            Ok(signature) => quote.verify(&signature, &ak).is_err(),
            Err(error) => error.code == Some(Code::QuoteInvalid),
        };
        assert!(refused, "bit {bit}");
    }

    let credential = Credential::from_tpm2_tools(file!("theirs.credential")).unwrap();
    assert_eq!(credential.to_tpm2_tools(), file!("theirs.credential"));
    for (key, missing) in [
        (file!("unrestricted.pub"), "restricted"),
        (file!("ek.pub"), "sign"),
    ] {
        let error = Request::read(key).unwrap_err();
        assert_eq!(error.code, Some(Code::AkUnsuitable));
        assert!(error.message.contains(missing), "{error}");
    }
}
