//! What the benches share: a generated PKI like a TPM vendor's, and the ways to
//! verify one EKcert that are compared.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::identifier::Identifier;
use endorse::trust::{Origin, Policy, Store, Usage};
use endorse::verdict::{Outcome, judge};
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::stack::Stack;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509StoreContext};

/// The kinds of key that the whole chain uses.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// RSA-2048 EK and intermediate below an RSA-4096 root.
    Rsa,
    /// P-256 all the way.
    Ec,
}

/// An EKcert with its chain, in every form that the contenders want.
pub struct Chain {
    /// The EKcert.
    pub leaf: Vec<u8>,
    /// The intermediate.
    pub intermediate: Vec<u8>,
    /// The root.
    pub root: Vec<u8>,
    kind: Kind,
    store: Store,
    openssl_store: X509Store,
    openssl_untrusted: Stack<X509>,
    issuer_key: Vec<u8>,
    signer: (X509Name, PKey<Private>),
}

/// 2026-01-01, within the validity of what is generated.
pub const NOW: i64 = 1_767_225_600;

impl Chain {
    /// Generates one.
    pub fn new(kind: Kind) -> Self {
        let (root_key, intermediate_key, leaf_key) = match kind {
            Kind::Rsa => (rsa(4096), rsa(2048), rsa(2048)),
            Kind::Ec => (ec(), ec(), ec()),
        };
        let root_name = name("Example TPM Root CA");
        let intermediate_name = name("Example TPM EK Intermediate CA 1");
        let empty = X509Name::builder().unwrap().build();
        let root = issue(&root_name, &root_key, &root_name, &root_key, true);
        let intermediate = issue(
            &intermediate_name,
            &intermediate_key,
            &root_name,
            &root_key,
            true,
        );
        let leaf = issue(
            &empty,
            &leaf_key,
            &intermediate_name,
            &intermediate_key,
            false,
        );

        let mut store = Store::new();
        let origin = || Origin::File("bench".into());
        let read = |x509: &X509| Certificate::from_der(&x509.to_der().unwrap()).unwrap();
        store.add_root(read(&root), origin());
        store.add_intermediate(read(&intermediate), origin());

        let mut builder = X509StoreBuilder::new().unwrap();
        builder.add_cert(root.clone()).unwrap();
        let mut parameters = openssl::x509::verify::X509VerifyParam::new().unwrap();
        parameters.set_time(NOW);
        // OpenSSL has no rule for the critical SAN of an EKcert without a subject.
        parameters
            .set_flags(X509VerifyFlags::IGNORE_CRITICAL)
            .unwrap();
        builder.set_param(&parameters).unwrap();
        let mut untrusted = Stack::new().unwrap();
        untrusted.push(intermediate.clone()).unwrap();

        let spki = intermediate
            .public_key()
            .unwrap()
            .public_key_to_der()
            .unwrap();
        // The BIT STRING's content is the last element of a SubjectPublicKeyInfo.
        let issuer_key = match kind {
            Kind::Rsa => intermediate
                .public_key()
                .unwrap()
                .rsa()
                .unwrap()
                .public_key_to_der_pkcs1()
                .unwrap(),
            Kind::Ec => spki[spki.len() - 65..].to_vec(),
        };
        Self {
            leaf: leaf.to_der().unwrap(),
            intermediate: intermediate.to_der().unwrap(),
            root: root.to_der().unwrap(),
            kind,
            store,
            openssl_store: builder.build(),
            openssl_untrusted: untrusted,
            issuer_key,
            signer: (intermediate_name, intermediate_key),
        }
    }

    /// As many EKcerts of the intermediate, each of a key of its own.
    pub fn eks(&self, count: usize) -> Vec<Vec<u8>> {
        let (issuer, key) = &self.signer;
        let empty = X509Name::builder().unwrap().build();
        let one = |_| issue(&empty, &ec(), issuer, key, false).to_der().unwrap();
        (0..count).map(one).collect()
    }

    /// A CRL of the intermediate with this many entries, none of them for the EKcert. The
    /// serial numbers have sixteen octets, as those that CAs draw at random.
    pub fn crl(&self, entries: u32) -> Vec<u8> {
        let date = tlv(0x17, b"251231000000Z");
        // reasonCode keyCompromise
        let reason = b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01";
        let mut list = Vec::new();
        for number in 0..entries {
            let mut serial = endorse::hash::sha256(&number.to_be_bytes()).0[..16].to_vec();
            serial[0] = serial[0] & 0x7f | 0x40;
            let entry = [&tlv(0x02, &serial)[..], &date, reason].concat();
            list.extend(tlv(0x30, &entry));
        }
        let (name, key) = &self.signer;
        let algorithm: &[u8] = match self.kind {
            Kind::Rsa => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00",
            Kind::Ec => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
        };
        let signed = [
            b"\x02\x01\x01",
            algorithm,
            &name.to_der().unwrap(),
            &tlv(0x17, b"251231000000Z"),
            &tlv(0x17, b"270101000000Z"),
            &tlv(0x30, &list),
            // cRLNumber 1
            b"\xa0\x0e\x30\x0c\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x01",
        ]
        .concat();
        let signed = tlv(0x30, &signed);
        let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
        let signature = signer.sign_oneshot_to_vec(&signed).unwrap();
        let signature = tlv(0x03, &[&[0], &signature[..]].concat());
        tlv(0x30, &[&signed, algorithm, &signature].concat())
    }

    /// The work that no verifier can avoid: parse the EKcert with x509-parser, and
    /// verify its signature with aws-lc-rs.
    pub fn parse_and_verify_once(&self) {
        let (_, leaf) = x509_parser::parse_x509_certificate(&self.leaf).unwrap();
        let (tbs, signature) = (leaf.tbs_certificate.as_ref(), &leaf.signature_value.data);
        match self.kind {
            Kind::Rsa => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.issuer_key)
                .verify(tbs, signature)
                .unwrap(),
            Kind::Ec => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.issuer_key)
                .verify(tbs, signature)
                .unwrap(),
        }
    }

    /// Parse the EKcert and verify its path.
    pub fn endorse_path(&self) {
        let leaf = Arc::new(Certificate::from_der(&self.leaf).unwrap());
        self.store
            .verify(&leaf, &Policy::default(), Time::from_unix(NOW), Usage::Ek)
            .expect("the chain is good");
    }

    /// Read the EKcert as an input of unknown kind, and judge it: every check.
    pub fn endorse_judge(&self) {
        let identifier = Identifier::read(&self.leaf).unwrap();
        let at = Time::from_unix(NOW);
        let verdict = judge(&identifier, &self.store, &Policy::default(), at, Usage::Ek);
        assert_eq!(
            verdict.outcome(),
            Outcome::Trusted,
            "{:?}",
            verdict.findings()
        );
    }

    /// Parse the EKcert and verify its path with OpenSSL's `X509_verify_cert`.
    pub fn openssl(&self) {
        let leaf = X509::from_der(&self.leaf).unwrap();
        let mut context = X509StoreContext::new().unwrap();
        let trusted = context
            .init(
                &self.openssl_store,
                &leaf,
                &self.openssl_untrusted,
                |context| context.verify_cert(),
            )
            .unwrap();
        assert!(trusted);
    }
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        _ => {
            out.push(0x84);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

/// CA certificates of as many names, all with one key.
pub fn many_cas(count: usize) -> Vec<Vec<u8>> {
    let (key, root) = (rsa(2048), name("Example Other Root CA"));
    (0..count)
        .map(|number| {
            let subject = name(&format!("Example Other CA {number}"));
            issue(&subject, &key, &root, &key, true).to_der().unwrap()
        })
        .collect()
}

/// A certificate in PEM.
pub fn pem(der: &[u8]) -> String {
    String::from_utf8(X509::from_der(der).unwrap().to_pem().unwrap()).unwrap()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn ec() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(common_name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_text("C", "DE").unwrap();
    builder
        .append_entry_by_text("O", "Example Semiconductors")
        .unwrap();
    builder.append_entry_by_text("CN", common_name).unwrap();
    builder.build()
}

fn issue(
    subject: &X509Name,
    key: &PKey<Private>,
    issuer: &X509Name,
    issuer_key: &PKey<Private>,
    ca: bool,
) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(0x1234_5678)
        .unwrap()
        .to_asn1_integer()
        .unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(NOW - 86_400).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix(NOW + 86_400).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    if ca {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        let usage = KeyUsage::new()
            .critical()
            .key_cert_sign()
            .crl_sign()
            .build()
            .unwrap();
        builder.append_extension(usage).unwrap();
    } else {
        builder
            .append_extension(BasicConstraints::new().critical().build().unwrap())
            .unwrap();
        let mut usage = KeyUsage::new();
        match key.id() {
            openssl::pkey::Id::RSA => usage.critical().key_encipherment(),
            _ => usage.critical().key_agreement(),
        };
        builder.append_extension(usage.build().unwrap()).unwrap();
        builder
            .append_extension(extension("2.5.29.17", true, TPM_NAME))
            .unwrap();
        builder
            .append_extension(extension("2.5.29.37", false, EK_CERTIFICATE))
            .unwrap();
    }
    builder.sign(issuer_key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn extension(oid: &str, critical: bool, value: &[u8]) -> X509Extension {
    let oid = Asn1Object::from_str(oid).unwrap();
    let value = Asn1OctetString::new_from_bytes(value).unwrap();
    X509Extension::new_from_der(&oid, critical, &value).unwrap()
}

/// ExtendedKeyUsage with tcg-kp-EKCertificate.
const EK_CERTIFICATE: &[u8] = b"\x30\x07\x06\x05\x67\x81\x05\x08\x01";

/// GeneralNames with a directoryName: manufacturer IFX, model and version.
const TPM_NAME: &[u8] = b"\x30\x49\xa4\x47\x30\x45\
\x31\x16\x30\x14\x06\x05\x67\x81\x05\x02\x01\x0c\x0b\x69\x64\x3a\x34\x39\x34\x36\x35\x38\x30\x30\
\x31\x13\x30\x11\x06\x05\x67\x81\x05\x02\x02\x0c\x08\x53\x4c\x42\x20\x39\x36\x37\x32\
\x31\x16\x30\x14\x06\x05\x67\x81\x05\x02\x03\x0c\x0b\x69\x64\x3a\x30\x30\x30\x46\x31\x35\x31\x37";
