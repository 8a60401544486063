//! A certificate authority for tests: writes certificates in which every field can
//! be made wrong. Nothing here is used outside tests.

#![allow(dead_code, reason = "each test crate uses its part")]

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as algorithms, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use der::oid::ObjectIdentifier;

pub const UTF8: u8 = 0x0c;
pub const PRINTABLE: u8 = 0x13;
pub const TELETEX: u8 = 0x14;
pub const BMP: u8 = 0x1e;

/// Bits of keyUsage as RFC 5280 4.2.1.3 numbers them.
pub const KEY_ENCIPHERMENT: u8 = 2;
pub const KEY_AGREEMENT: u8 = 4;
pub const KEY_CERT_SIGN: u8 = 5;
pub const CRL_SIGN: u8 = 6;
pub const DIGITAL_SIGNATURE: u8 = 0;

// Writing DER.

/// One element.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length @ 0x80..=0xff => out.extend([0x81, length as u8]),
        length @ 0x100..=0xffff => out.extend([0x82, (length >> 8) as u8, length as u8]),
        length => {
            out.push(0x84);
            out.extend((length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

pub fn oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, ObjectIdentifier::new_unwrap(dotted).as_bytes())
}

/// A small INTEGER that is not negative.
pub fn integer(number: u8) -> Vec<u8> {
    if number < 0x80 {
        tlv(0x02, &[number])
    } else {
        tlv(0x02, &[0, number])
    }
}

/// A BIT STRING with these numbered bits, as DER has it.
pub fn bits(numbers: &[u8]) -> Vec<u8> {
    let mut octets = [0u8; 2];
    for &number in numbers {
        octets[usize::from(number / 8)] |= 0x80 >> (number % 8);
    }
    let used = if octets[1] == 0 { 1 } else { 2 };
    let unused = octets[used - 1].trailing_zeros().min(7) as u8;
    let mut content = vec![unused];
    content.extend_from_slice(&octets[..used]);
    tlv(0x03, &content)
}

/// UTCTime, such as `200101000000Z`.
pub fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

// Names.

/// One attribute of a name.
pub fn attribute(kind: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(kind), tlv(tag, value)])
}

/// A name of single-valued RDNs.
pub fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = attributes
        .iter()
        .map(|attribute| set(std::slice::from_ref(attribute)))
        .collect();
    sequence(&rdns)
}

pub fn country(value: &str) -> Vec<u8> {
    attribute("2.5.4.6", PRINTABLE, value.as_bytes())
}

pub fn organization(value: &str) -> Vec<u8> {
    attribute("2.5.4.10", UTF8, value.as_bytes())
}

pub fn common_name(value: &str) -> Vec<u8> {
    attribute("2.5.4.3", UTF8, value.as_bytes())
}

/// `C=DE, O=<organization>, CN=<cn>`
pub fn dn(org: &str, cn: &str) -> Vec<u8> {
    name(&[country("DE"), organization(org), common_name(cn)])
}

pub fn empty_name() -> Vec<u8> {
    sequence(&[])
}

// Keys.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// How a certificate is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Ecdsa(Hash),
    Pkcs1(Hash),
    Pss(Hash),
}

/// A key pair.
pub struct Key {
    secret: Secret,
    spki: Vec<u8>,
}

enum Secret {
    /// The curve and the key in PKCS #8.
    Ec(Curve, Vec<u8>),
    Rsa(Box<RsaKeyPair>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Key {
    pub fn ec(curve: Curve) -> Self {
        let (algorithm, oid_of_curve) = match curve {
            Curve::P256 => (
                &algorithms::ECDSA_P256_SHA256_ASN1_SIGNING,
                "1.2.840.10045.3.1.7",
            ),
            Curve::P384 => (&algorithms::ECDSA_P384_SHA384_ASN1_SIGNING, "1.3.132.0.34"),
            Curve::P521 => (&algorithms::ECDSA_P521_SHA512_ASN1_SIGNING, "1.3.132.0.35"),
        };
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
        let spki = spki(
            &[oid("1.2.840.10045.2.1"), oid(oid_of_curve)],
            pair.public_key().as_ref(),
        );
        Self {
            secret: Secret::Ec(curve, pkcs8.as_ref().to_vec()),
            spki,
        }
    }

    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki = spki(
            &[oid("1.2.840.113549.1.1.1"), tlv(0x05, &[])],
            pair.public_key().as_ref(),
        );
        Self {
            secret: Secret::Rsa(Box::new(pair)),
            spki,
        }
    }

    /// The SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        self.spki.clone()
    }

    /// The private key in PKCS #8, of an elliptic-curve key.
    pub fn pkcs8(&self) -> Vec<u8> {
        match &self.secret {
            Secret::Ec(_, pkcs8) => pkcs8.clone(),
            Secret::Rsa(_) => panic!("RSA keys are not kept in PKCS #8"),
        }
    }

    /// A key identifier: the first 20 octets of the SPKI's SHA-256.
    pub fn id(&self) -> Vec<u8> {
        endorse::hash::sha256(&self.spki).0[..20].to_vec()
    }

    /// The scheme this key signs with unless a test wants another.
    pub fn scheme(&self) -> Scheme {
        match self.secret {
            Secret::Ec(Curve::P256, _) => Scheme::Ecdsa(Hash::Sha256),
            Secret::Ec(Curve::P384, _) => Scheme::Ecdsa(Hash::Sha384),
            Secret::Ec(Curve::P521, _) => Scheme::Ecdsa(Hash::Sha512),
            Secret::Rsa(_) => Scheme::Pkcs1(Hash::Sha256),
        }
    }

    /// The signature on a message.
    pub fn sign(&self, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match (&self.secret, scheme) {
            (Secret::Ec(curve, pkcs8), Scheme::Ecdsa(hash)) => {
                let algorithm = match (curve, hash) {
                    (Curve::P256, Hash::Sha256) => &algorithms::ECDSA_P256_SHA256_ASN1_SIGNING,
                    (Curve::P384, Hash::Sha384) => &algorithms::ECDSA_P384_SHA384_ASN1_SIGNING,
                    (Curve::P521, Hash::Sha256) => &algorithms::ECDSA_P521_SHA256_ASN1_SIGNING,
                    (Curve::P521, Hash::Sha384) => &algorithms::ECDSA_P521_SHA384_ASN1_SIGNING,
                    (Curve::P521, Hash::Sha512) => &algorithms::ECDSA_P521_SHA512_ASN1_SIGNING,
                    other => panic!("the library does not sign with {other:?}"),
                };
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap();
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            (Secret::Rsa(pair), Scheme::Pkcs1(_) | Scheme::Pss(_)) => {
                let padding: &dyn algorithms::RsaEncoding = match scheme {
                    Scheme::Pkcs1(Hash::Sha256) => &algorithms::RSA_PKCS1_SHA256,
                    Scheme::Pkcs1(Hash::Sha384) => &algorithms::RSA_PKCS1_SHA384,
                    Scheme::Pkcs1(Hash::Sha512) => &algorithms::RSA_PKCS1_SHA512,
                    Scheme::Pss(Hash::Sha256) => &algorithms::RSA_PSS_SHA256,
                    Scheme::Pss(Hash::Sha384) => &algorithms::RSA_PSS_SHA384,
                    Scheme::Pss(Hash::Sha512) => &algorithms::RSA_PSS_SHA512,
                    Scheme::Ecdsa(_) => unreachable!(),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            (_, scheme) => panic!("this key does not sign with {scheme:?}"),
        }
    }
}

/// A SubjectPublicKeyInfo.
pub fn spki(algorithm: &[Vec<u8>], key: &[u8]) -> Vec<u8> {
    sequence(&[sequence(algorithm), tlv(0x03, &[&[0], key].concat())])
}

/// RSA keys take long to make: one a purpose for the whole process.
pub fn rsa_key(index: usize) -> &'static Key {
    static KEYS: [OnceLock<Key>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[index].get_or_init(Key::rsa)
}

/// P-256 keys, by number, the same for the whole process.
pub fn ec_key(index: usize) -> &'static Key {
    static KEYS: [OnceLock<Key>; 8] = [const { OnceLock::new() }; 8];
    KEYS[index].get_or_init(|| Key::ec(Curve::P256))
}

impl Scheme {
    /// The AlgorithmIdentifier (RFC 5758, RFC 4055).
    pub fn identifier(self) -> Vec<u8> {
        let sha2 = |hash| match hash {
            Hash::Sha256 => (1u8, 32u8),
            Hash::Sha384 => (2, 48),
            Hash::Sha512 => (3, 64),
        };
        match self {
            Self::Ecdsa(hash) => {
                sequence(&[oid(&format!("1.2.840.10045.4.3.{}", sha2(hash).0 + 1))])
            }
            Self::Pkcs1(hash) => sequence(&[
                oid(&format!("1.2.840.113549.1.1.{}", sha2(hash).0 + 10)),
                tlv(0x05, &[]),
            ]),
            Self::Pss(hash) => {
                let (arc, length) = sha2(hash);
                let digest =
                    sequence(&[oid(&format!("2.16.840.1.101.3.4.2.{arc}")), tlv(0x05, &[])]);
                let mask = sequence(&[oid("1.2.840.113549.1.1.8"), digest.clone()]);
                sequence(&[
                    oid("1.2.840.113549.1.1.10"),
                    sequence(&[
                        tlv(0xa0, &digest),
                        tlv(0xa1, &mask),
                        tlv(0xa2, &integer(length)),
                    ]),
                ])
            }
        }
    }
}

// Extensions.

/// An extension: dotted OID, criticality, the value inside the OCTET STRING.
#[derive(Clone, Debug)]
pub struct Extension {
    pub oid: &'static str,
    pub critical: bool,
    pub value: Vec<u8>,
}

pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const CERTIFICATE_POLICIES: &str = "2.5.29.32";
pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";

/// tcg-kp-EKCertificate and tcg-kp-AIKCertificate.
pub const EK_USAGE: &str = "2.23.133.8.1";
pub const AIK_USAGE: &str = "2.23.133.8.3";

pub fn extension(oid: &'static str, critical: bool, value: Vec<u8>) -> Extension {
    Extension {
        oid,
        critical,
        value,
    }
}

pub fn basic_constraints(ca: bool, path_len: Option<u8>) -> Extension {
    let mut parts = Vec::new();
    if ca {
        parts.push(tlv(0x01, &[0xff]));
    }
    parts.extend(path_len.map(integer));
    extension(BASIC_CONSTRAINTS, true, sequence(&parts))
}

pub fn key_usage(numbers: &[u8]) -> Extension {
    extension(KEY_USAGE, true, bits(numbers))
}

pub fn extended_key_usage(usages: &[&str]) -> Extension {
    let usages: Vec<Vec<u8>> = usages.iter().map(|usage| oid(usage)).collect();
    extension(EXTENDED_KEY_USAGE, false, sequence(&usages))
}

pub fn subject_key_id(key: &Key) -> Extension {
    extension(SUBJECT_KEY_ID, false, tlv(0x04, &key.id()))
}

pub fn authority_key_id(key: &Key) -> Extension {
    extension(AUTHORITY_KEY_ID, false, sequence(&[tlv(0x80, &key.id())]))
}

/// General names, by form.
pub fn directory(name: &[u8]) -> Vec<u8> {
    tlv(0xa4, name)
}

pub fn dns(host: &str) -> Vec<u8> {
    tlv(0x82, host.as_bytes())
}

pub fn email(address: &str) -> Vec<u8> {
    tlv(0x81, address.as_bytes())
}

pub fn uri(uri: &str) -> Vec<u8> {
    tlv(0x86, uri.as_bytes())
}

pub fn subject_alt_name(critical: bool, names: &[Vec<u8>]) -> Extension {
    extension(SUBJECT_ALT_NAME, critical, sequence(names))
}

/// The TPM's attributes, one RDN each.
pub fn tpm_name() -> Vec<u8> {
    name(&[
        attribute("2.23.133.2.1", UTF8, b"id:49465800"),
        attribute("2.23.133.2.2", UTF8, b"TEST 1"),
        attribute("2.23.133.2.3", UTF8, b"id:00010002"),
    ])
}

/// Name constraints of these general names.
pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let list = |tag, bases: &[Vec<u8>]| {
        let subtrees: Vec<Vec<u8>> = bases
            .iter()
            .map(|base| sequence(std::slice::from_ref(base)))
            .collect();
        if subtrees.is_empty() {
            Vec::new()
        } else {
            tlv(tag, &subtrees.concat())
        }
    };
    extension(
        NAME_CONSTRAINTS,
        true,
        sequence(&[list(0xa0, permitted), list(0xa1, excluded)]),
    )
}

pub fn certificate_policies(policies: &[&str]) -> Extension {
    let policies: Vec<Vec<u8>> = policies
        .iter()
        .map(|policy| sequence(&[oid(policy)]))
        .collect();
    extension(CERTIFICATE_POLICIES, false, sequence(&policies))
}

pub fn require_explicit_policy(skip: u8) -> Extension {
    extension(POLICY_CONSTRAINTS, true, sequence(&[tlv(0x80, &[skip])]))
}

// Certificates.

/// A certificate to be signed. Every field can be replaced.
#[derive(Clone)]
pub struct Spec {
    /// The INTEGER of the version, or none for version 1.
    pub version: Option<u8>,
    /// Content octets.
    pub serial: Vec<u8>,
    pub scheme: Scheme,
    /// AlgorithmIdentifiers in place of the scheme's.
    pub inner_algorithm: Option<Vec<u8>>,
    pub outer_algorithm: Option<Vec<u8>>,
    pub issuer: Vec<u8>,
    /// Whole elements.
    pub not_before: Vec<u8>,
    pub not_after: Vec<u8>,
    pub subject: Vec<u8>,
    pub spki: Vec<u8>,
    pub extensions: Vec<Extension>,
    pub signer: &'static Key,
    /// Turns over one bit of the signature, of the signed part.
    pub corrupt_signature: bool,
    pub corrupt_signed: bool,
    /// Octets after the end.
    pub trailing: Vec<u8>,
}

/// When certificates are valid unless a test wants otherwise.
pub const NOT_BEFORE: &str = "200101000000Z";
pub const NOT_AFTER: &str = "400101000000Z";
/// The time at which tests judge.
pub const AT: &str = "2024-06-01";
/// An hour after AT; two hours before.
pub const LATER: &str = "240601010000Z";
pub const EARLIER: &str = "240531220000Z";

impl Spec {
    /// A version 3 certificate without extensions.
    pub fn plain(subject: Vec<u8>, key: &Key, issuer: Vec<u8>, signer: &'static Key) -> Self {
        Self {
            version: Some(2),
            serial: vec![0x01, 0x23, 0x45],
            scheme: signer.scheme(),
            inner_algorithm: None,
            outer_algorithm: None,
            issuer,
            not_before: utc(NOT_BEFORE),
            not_after: utc(NOT_AFTER),
            subject,
            spki: key.spki(),
            extensions: Vec::new(),
            signer,
            corrupt_signature: false,
            corrupt_signed: false,
            trailing: Vec::new(),
        }
    }

    /// A CA certificate.
    pub fn ca(subject: Vec<u8>, key: &Key, issuer: Vec<u8>, signer: &'static Key) -> Self {
        let mut spec = Self::plain(subject, key, issuer, signer);
        spec.extensions = vec![
            basic_constraints(true, None),
            key_usage(&[KEY_CERT_SIGN, CRL_SIGN]),
            subject_key_id(key),
            authority_key_id(signer),
        ];
        spec
    }

    /// An EK certificate after the TCG profile, with an empty subject.
    pub fn ek(key: &Key, issuer: Vec<u8>, signer: &'static Key) -> Self {
        let usage = match key.secret {
            Secret::Rsa(_) => KEY_ENCIPHERMENT,
            Secret::Ec(..) => KEY_AGREEMENT,
        };
        let mut spec = Self::plain(empty_name(), key, issuer, signer);
        spec.extensions = vec![
            subject_alt_name(true, &[directory(&tpm_name())]),
            basic_constraints(false, None),
            key_usage(&[usage]),
            extended_key_usage(&[EK_USAGE]),
            authority_key_id(signer),
        ];
        spec
    }

    /// Puts an extension in the place of the one with its OID, or at the end.
    pub fn replace(&mut self, extension: Extension) {
        match self.position(extension.oid) {
            Some(at) => self.extensions[at] = extension,
            None => self.extensions.push(extension),
        }
    }

    pub fn remove(&mut self, oid: &str) {
        self.extensions.retain(|extension| extension.oid != oid);
    }

    fn position(&self, oid: &str) -> Option<usize> {
        self.extensions.iter().position(|other| other.oid == oid)
    }

    /// The signed certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = self.scheme.identifier();
        let inner = self.inner_algorithm.clone().unwrap_or(algorithm.clone());
        let outer = self.outer_algorithm.clone().unwrap_or(algorithm);
        let mut fields = Vec::new();
        if let Some(version) = self.version {
            fields.push(tlv(0xa0, &integer(version)));
        }
        fields.extend([
            tlv(0x02, &self.serial),
            inner,
            self.issuer.clone(),
            sequence(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.spki.clone(),
        ]);
        if !self.extensions.is_empty() {
            let list: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            fields.push(tlv(0xa3, &sequence(&list)));
        }
        let mut signed = sequence(&fields);
        let mut signature = self.signer.sign(self.scheme, &signed);
        if self.corrupt_signature {
            // Not in the DER of an ECDSA signature, but in the number s.
            *signature.last_mut().unwrap() ^= 1;
        }
        if self.corrupt_signed {
            // The last octet of the serial number.
            let at = signed
                .windows(self.serial.len())
                .position(|window| window == self.serial)
                .unwrap();
            signed[at + self.serial.len() - 1] ^= 1;
        }
        let mut out = sequence(&[signed, outer, tlv(0x03, &[&[0][..], &signature].concat())]);
        out.extend_from_slice(&self.trailing);
        out
    }
}

impl Extension {
    pub fn der(&self) -> Vec<u8> {
        let mut parts = vec![oid(self.oid)];
        if self.critical {
            parts.push(tlv(0x01, &[0xff]));
        }
        parts.push(tlv(0x04, &self.value));
        sequence(&parts)
    }
}
