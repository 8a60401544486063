//! A publisher of packages for tests: writes signatures and time stamps in which every
//! part can be made wrong.

use std::sync::OnceLock;

use endorse::der::Time;
use endorse::ek::Certificate;
use endorse::finding::Error;
use endorse::hash::sha256;
use endorse::trust::package::{Package, PackageSignature, Roots};

use super::cabinet::{Cabinet, Packing, attach, digest};
use super::pki::{
    self, AT, DIGITAL_SIGNATURE, Extension, Key, Spec, basic_constraints, dn, ec_key,
    extended_key_usage, integer, key_usage, oid, sequence, set, tlv, utc,
};

pub const PUBLISHER: &str = "Example Publisher";
pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

pub const INDIRECT_DATA: &str = "1.3.6.1.4.1.311.2.1.4";
pub const CABINET_DATA: &str = "1.3.6.1.4.1.311.2.1.25";
pub const PE_IMAGE: &str = "1.3.6.1.4.1.311.2.1.15";
pub const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
pub const DATA: &str = "1.2.840.113549.1.7.1";

pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
pub const COUNTERSIGNATURE: &str = "1.2.840.113549.1.9.6";
pub const TOKEN: &str = "1.3.6.1.4.1.311.3.3.1";
pub const NESTED: &str = "1.3.6.1.4.1.311.2.4.1";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

pub const SHA1: &str = "1.3.14.3.2.26";
const SHA256: &str = "2.16.840.1.101.3.4.2.1";

/// When the time stamps say that packages were signed, unless a test wants otherwise.
pub const STAMPED: &str = "20230601120000Z";

// The publisher's certificates: a root and below it two CAs, for signers and for time
// stamps. Each has its key by number.
const ROOT: usize = 0;
const CODE_CA: usize = 1;
pub const SIGNER: usize = 2;
const STAMP_CA: usize = 3;
pub const AUTHORITY: usize = 4;
/// A key of somebody else.
pub const STRANGER: usize = 5;
/// A serial number that no certificate has.
pub const STRANGER_SERIAL: &[u8] = &[9];

pub fn root() -> Spec {
    let name = dn(PUBLISHER, "Example Root");
    Spec::ca(name.clone(), ec_key(ROOT), name, ec_key(ROOT))
}

/// Every signature is another one, and there is one root.
pub fn root_der() -> &'static [u8] {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    DER.get_or_init(|| root().der())
}

pub fn code_ca() -> Spec {
    let name = dn(PUBLISHER, "Example Code CA");
    let mut spec = Spec::ca(name, ec_key(CODE_CA), root().subject, ec_key(ROOT));
    spec.serial = vec![2];
    spec
}

pub fn signer() -> Spec {
    let name = dn(PUBLISHER, PUBLISHER);
    let issuer = code_ca().subject;
    let mut spec = Spec::plain(name, ec_key(SIGNER), issuer, ec_key(CODE_CA));
    spec.extensions = leaf(extended_key_usage(&[CODE_SIGNING]));
    spec
}

pub fn stamp_ca() -> Spec {
    let name = dn(PUBLISHER, "Example Time CA");
    let mut spec = Spec::ca(name, ec_key(STAMP_CA), root().subject, ec_key(ROOT));
    spec.serial = vec![3];
    spec
}

pub fn authority() -> Spec {
    let name = dn(PUBLISHER, "Example Time");
    let issuer = stamp_ca().subject;
    let mut spec = Spec::plain(name, ec_key(AUTHORITY), issuer, ec_key(STAMP_CA));
    spec.extensions = leaf(critical(extended_key_usage(&[TIME_STAMPING])));
    spec
}

pub fn critical(extension: Extension) -> Extension {
    Extension {
        critical: true,
        ..extension
    }
}

fn leaf(usage: Extension) -> Vec<Extension> {
    vec![
        basic_constraints(false, None),
        key_usage(&[DIGITAL_SIGNATURE]),
        usage,
    ]
}

pub fn roots() -> Roots {
    let root = Certificate::from_der(root_der()).unwrap();
    Roots::new([root], PUBLISHER)
}

pub fn algorithm(dotted: &str) -> Vec<u8> {
    sequence(&[oid(dotted), tlv(0x05, &[])])
}

pub fn attribute(kind: &str, value: Vec<u8>) -> Vec<u8> {
    sequence(&[oid(kind), set(&[value])])
}

fn octets(content: &[u8]) -> Vec<u8> {
    tlv(0x04, content)
}

/// A SignedData to be written.
#[derive(Clone)]
pub struct SignedData {
    pub version: u8,
    pub digest_algorithms: Vec<Vec<u8>>,
    pub content_type: &'static str,
    /// One element.
    pub content: Vec<u8>,
    pub certificates: Vec<Vec<u8>>,
    pub crls: Option<Vec<u8>>,
    pub signers: Vec<Signer>,
}

/// A SignerInfo to be written.
#[derive(Clone)]
pub struct Signer {
    pub version: u8,
    pub issuer: Vec<u8>,
    pub serial: Vec<u8>,
    pub digest_algorithm: Vec<u8>,
    pub signed: Option<Vec<Vec<u8>>>,
    pub signature_algorithm: Vec<u8>,
    pub key: &'static Key,
    /// Made when it is first needed, and then kept.
    pub signature: Option<Vec<u8>>,
    pub unsigned: Vec<Vec<u8>>,
}

impl SignedData {
    pub fn der(&self) -> Vec<u8> {
        let mut fields = vec![
            integer(self.version),
            set(&self.digest_algorithms),
            sequence(&[oid(self.content_type), tlv(0xa0, &self.content)]),
            tlv(0xa0, &self.certificates.concat()),
        ];
        if let Some(crls) = &self.crls {
            fields.push(tlv(0xa1, crls));
        }
        let signers: Vec<Vec<u8>> = self.signers.iter().map(Signer::der).collect();
        fields.push(set(&signers));
        sequence(&[oid("1.2.840.113549.1.7.2"), tlv(0xa0, &sequence(&fields))])
    }
}

impl Signer {
    /// The signer of this content with the key of this certificate.
    pub fn of(spec: &Spec, key: &'static Key, content_type: &str, content: &[u8]) -> Self {
        Self {
            version: 1,
            issuer: spec.issuer.clone(),
            serial: spec.serial.clone(),
            digest_algorithm: algorithm(SHA256),
            signed: Some(vec![
                attribute(CONTENT_TYPE, oid(content_type)),
                attribute(MESSAGE_DIGEST, octets(&sha256(content).0)),
            ]),
            signature_algorithm: key.scheme().identifier(),
            key,
            signature: None,
            unsigned: Vec::new(),
        }
    }

    /// Signs, and keeps the signature.
    pub fn sign(&mut self) -> Vec<u8> {
        let signature = self.signature();
        self.signature = Some(signature.clone());
        signature
    }

    fn signature(&self) -> Vec<u8> {
        self.signature.clone().unwrap_or_else(|| {
            let message = self.signed.as_ref().map(|signed| set(signed));
            self.key
                .sign(self.key.scheme(), &message.unwrap_or_default())
        })
    }

    pub fn der(&self) -> Vec<u8> {
        let mut fields = vec![
            integer(self.version),
            sequence(&[self.issuer.clone(), tlv(0x02, &self.serial)]),
            self.digest_algorithm.clone(),
        ];
        if let Some(signed) = &self.signed {
            fields.push(tlv(0xa0, &signed.concat()));
        }
        fields.push(self.signature_algorithm.clone());
        fields.push(octets(&self.signature()));
        if !self.unsigned.is_empty() {
            fields.push(tlv(0xa1, &self.unsigned.concat()));
        }
        sequence(&fields)
    }

    /// Puts an attribute in the place of the signed one of its kind, or at the end.
    pub fn replace(&mut self, kind: &str, attribute: Vec<u8>) {
        self.remove(kind);
        self.signed.as_mut().unwrap().push(attribute);
    }

    pub fn remove(&mut self, kind: &str) {
        let start = oid(kind);
        self.signed
            .as_mut()
            .unwrap()
            .retain(|attribute| !attribute[2..].starts_with(&start));
    }
}

/// SpcIndirectDataContent.
pub fn indirect_data(kind: &str, digest_algorithm: &str, digest: &[u8]) -> Vec<u8> {
    sequence(&[
        sequence(&[oid(kind), tlv(0xa2, &[0x80, 0x00])]),
        sequence(&[algorithm(digest_algorithm), octets(digest)]),
    ])
}

/// A signed package.
#[derive(Clone)]
pub struct Example {
    pub cabinet: Vec<u8>,
    pub signed: SignedData,
}

/// A package of one root certificate of a vendor.
pub fn cabinet(packing: Packing) -> Cabinet {
    let vendor = Spec::ca(
        dn("Vendor", "Vendor Root"),
        ec_key(6),
        dn("Vendor", "Vendor Root"),
        ec_key(6),
    );
    Cabinet::of(
        &[
            ("version.txt", b"Updated on:\r\n1-June-2023\r\n" as &[u8]),
            ("Vendor\\RootCA\\root.cer", &vendor.der()),
        ],
        packing,
    )
}

/// It is signed, without a time stamp.
pub fn example() -> Example {
    signed_by(&signer(), &code_ca())
}

pub fn signed_by(signer: &Spec, ca: &Spec) -> Example {
    signed_cabinet(cabinet(Packing::MsZip).bytes(), signer, ca)
}

pub fn signed_cabinet(cabinet: Vec<u8>, signer: &Spec, ca: &Spec) -> Example {
    let content = indirect_data(CABINET_DATA, SHA256, &digest(&cabinet));
    let inner = content_octets(&content);
    Example {
        cabinet,
        signed: SignedData {
            version: 1,
            digest_algorithms: vec![algorithm(SHA256)],
            content_type: INDIRECT_DATA,
            certificates: vec![signer.der(), ca.der()],
            crls: None,
            signers: vec![Signer::of(signer, ec_key(SIGNER), INDIRECT_DATA, &inner)],
            content,
        },
    }
}

impl Example {
    /// Signs another SpcIndirectDataContent.
    pub fn resign(&mut self, content: Vec<u8>) {
        let inner = content_octets(&content);
        let digest = attribute(MESSAGE_DIGEST, octets(&sha256(&inner).0));
        self.signed.content = content;
        self.signer().replace(MESSAGE_DIGEST, digest);
    }

    pub fn signer(&mut self) -> &mut Signer {
        &mut self.signed.signers[0]
    }

    /// With a time stamp on its signature.
    pub fn stamped(mut self, stamp: impl FnOnce(&mut Stamp)) -> Self {
        let signature = self.signer().sign();
        let mut order = Stamp::on(&signature);
        stamp(&mut order);
        let token = attribute(TOKEN, order.der());
        self.signer().unsigned.push(token);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        attach(&self.cabinet, &self.signed.der())
    }

    pub fn verify(&self) -> Result<PackageSignature, Error> {
        verify(&self.bytes(), &roots(), AT)
    }
}

/// The content octets of one element.
pub fn content_octets(element: &[u8]) -> Vec<u8> {
    let tag = element[0];
    endorse::der::Tlv::parse_all(element, tag)
        .unwrap()
        .content
        .to_vec()
}

pub fn verify(bytes: &[u8], roots: &Roots, at: &str) -> Result<PackageSignature, Error> {
    let at = Time::parse_rfc3339(at).unwrap();
    let package = Package::read(bytes)?;
    Ok(package.verify(roots, at)?.signature().clone())
}

/// A token of RFC 3161 to be written.
pub struct Stamp {
    pub time: &'static str,
    pub imprint_algorithm: &'static str,
    pub imprint: Vec<u8>,
    pub authority: Spec,
    pub ca: Spec,
    /// Whether the token names its authority's certificate, and which.
    pub named: Option<Vec<u8>>,
    /// Changes what was made of all that.
    pub change: fn(&mut SignedData),
}

impl Stamp {
    fn on(signature: &[u8]) -> Self {
        Self {
            time: STAMPED,
            imprint_algorithm: SHA256,
            imprint: sha256(signature).0.to_vec(),
            authority: authority(),
            ca: stamp_ca(),
            named: None,
            change: |_| {},
        }
    }

    fn der(&self) -> Vec<u8> {
        let info = sequence(&[
            integer(1),
            oid("1.2.3.4"),
            sequence(&[algorithm(self.imprint_algorithm), octets(&self.imprint)]),
            integer(7),
            tlv(0x18, self.time.as_bytes()),
        ]);
        let authority = self.authority.der();
        let mut signer = Signer::of(&self.authority, ec_key(AUTHORITY), TST_INFO, &info);
        let named = self.named.as_ref().unwrap_or(&authority);
        signer.replace(
            SIGNING_CERTIFICATE_V2,
            signing_certificate(&[named.as_slice()]),
        );
        let mut token = SignedData {
            version: 3,
            digest_algorithms: vec![algorithm(SHA256)],
            content_type: TST_INFO,
            content: octets(&info),
            certificates: vec![authority, self.ca.der()],
            crls: None,
            signers: vec![signer],
        };
        (self.change)(&mut token);
        token.der()
    }
}

/// The attribute that names certificates by their digests.
pub fn signing_certificate(named: &[&[u8]]) -> Vec<u8> {
    let ids: Vec<Vec<u8>> = named
        .iter()
        .map(|der| sequence(&[octets(&sha256(der).0)]))
        .collect();
    attribute(SIGNING_CERTIFICATE_V2, sequence(&[sequence(&ids)]))
}

/// The older kind of time stamp: a countersignature, whose certificates are among those of
/// the signature.
pub fn countersign(mut example: Example, change: impl FnOnce(&mut Signer)) -> Example {
    let signature = example.signer().sign();
    let mut signer = Signer::of(&authority(), ec_key(AUTHORITY), DATA, &signature);
    signer.replace(SIGNING_TIME, attribute(SIGNING_TIME, utc("230601120000Z")));
    change(&mut signer);
    let attribute = attribute(COUNTERSIGNATURE, signer.der());
    example.signer().unsigned.push(attribute);
    let certificates = [authority().der(), stamp_ca().der()];
    example.signed.certificates.extend(certificates);
    example
}

/// A signer whose certificate ran out before the tests judge.
pub fn expired() -> Spec {
    let mut spec = signer();
    spec.not_after = pki::utc("240101000000Z");
    spec
}

/// A package with something of every kind, as the vectors have it.
pub fn full_cabinet() -> Cabinet {
    let ca = |name: &str, issuer: &str, usage: Option<&str>| {
        let mut spec = Spec::ca(
            dn("Example Vendor", name),
            ec_key(6),
            dn("Example Vendor", issuer),
            ec_key(6),
        );
        if let Some(usage) = usage {
            spec.replace(extended_key_usage(&[usage]));
        }
        spec.der()
    };
    let root = ca("Vendor Root", "Vendor Root", None);
    let keys = ca("Vendor EK CA", "Vendor Root", Some(pki::EK_USAGE));
    let attestation = ca("Vendor AIK CA", "Vendor Root", Some(pki::AIK_USAGE));
    Cabinet::of(
        &[
            ("setup.ps1", b"throw 'never run'\r\n" as &[u8]),
            (
                "version.txt",
                b"The certificates were last updated on:\r\n1-June-2023\r\n",
            ),
            ("Example\\RootCA\\root.cer", &root),
            ("Example\\IntermediateCA\\ek.cer", &keys),
            ("Example\\IntermediateCA\\aik.cer", &attestation),
            (
                "Example\\IntermediateCA\\readme.txt",
                b"Not a certificate.\r\n",
            ),
        ],
        Packing::MsZip,
    )
}
