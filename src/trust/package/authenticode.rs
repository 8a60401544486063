//! The Authenticode signature of a cabinet: that Microsoft made it, over this very file.
//! Microsoft's "Windows Authenticode Portable Executable Signature Format" (2008) describes
//! the structures.

use std::sync::Arc;

use super::Package;
use super::error::{Part, Refusal, altered, rejected, trailing};
use super::roots::{Chain, Role, Roots, is_lifetime_signer};
use super::signer::{Signed, digest_algorithm};
use super::timestamp::{self, TimeStamp};
use crate::der::{Time, Tlv, TlvError, tag};
use crate::ek::Certificate;
use crate::finding::{Code, Error};
use crate::hash::{Sha256Digest, hex};
use crate::trust::pkcs7::{SignedData, SignerInfo};
use crate::trust::signature::Hash;

/// The most certificates that may come with a signature or a time stamp: those of a
/// chain. Microsoft's have two.
const MAX_CERTIFICATES: usize = 16;
/// Signing tools pad the signature with zeros to a multiple of this.
const PADDING: usize = 8;

/// SPC_INDIRECT_DATA_OBJID, 1.3.6.1.4.1.311.2.1.4
const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
/// SPC_CAB_DATA_OBJID, 1.3.6.1.4.1.311.2.1.25
const CABINET_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 25];
/// SPC_LINK_OBJID, 1.3.6.1.4.1.311.2.1.28: what Microsoft writes for a cabinet.
const LINK: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 28];

/// A signature of a package that was verified: who signed it, and when. Only
/// [`Package::verify`] makes one.
#[derive(Clone, Debug)]
pub struct PackageSignature {
    chain: Chain,
    time_stamp: Option<TimeStamp>,
    package_sha256: Sha256Digest,
}

impl PackageSignature {
    /// The signer's certificate.
    pub fn signer(&self) -> &Certificate {
        self.chain.signer()
    }

    /// The pinned root that the signer's chain ends in.
    pub fn root(&self) -> &Certificate {
        self.chain.root()
    }

    /// The time stamp; without one, the signer was judged at the time of verification.
    pub fn time_stamp(&self) -> Option<&TimeStamp> {
        self.time_stamp.as_ref()
    }

    /// SHA-256 of the whole file that was verified, signature included.
    pub fn package_sha256(&self) -> Sha256Digest {
        self.package_sha256
    }
}

/// What SpcIndirectDataContent says of the signed file.
struct IndirectData<'a> {
    hash: Hash,
    digest: &'a [u8],
}

pub(super) fn verify(
    package: &Package<'_>,
    roots: &Roots,
    at: Time,
) -> Result<PackageSignature, Error> {
    let bytes = package.signature_bytes().ok_or_else(|| {
        rejected(
            Code::PackageUnsigned,
            "the package has no signature",
            "get the package from where Microsoft publishes it; if you know by other means that this \
             one is genuine, --allow-unsigned takes it as it is",
        )
    })?;
    let of_signature = |refusal: Refusal| refusal.of(Part::Signature);
    let (signed_data, padding) = SignedData::read_first(bytes)
        .map_err(|error| of_signature(Refusal::Wrong(error.to_string())))?;
    if padding.len() >= PADDING || padding.iter().any(|&byte| byte != 0) {
        return Err(trailing(format!(
            "{} bytes follow the signature within the place that it is said to fill",
            padding.len()
        )));
    }
    let content = match signed_data.content {
        Some(content) if signed_data.content_type == INDIRECT_DATA => content,
        _ => {
            return Err(of_signature(Refusal::wrong(
                "it does not sign a file (SpcIndirectDataContent)",
            )));
        }
    };
    let bag = Bag::read(&signed_data).map_err(of_signature)?;
    if !bag.others.is_empty() {
        return Err(of_signature(Refusal::Unsupported(
            "it has certificates that are not X.509".to_owned(),
        )));
    }
    let bag = bag.certificates;
    let signer = the_one_signer(&signed_data, 1).map_err(of_signature)?;
    let signed = Signed::verify(&signer, signed_data.content_type, content.content, &bag)
        .map_err(of_signature)?;

    let stated = IndirectData::read(content).map_err(of_signature)?;
    let actual = package.digest(stated.hash).unwrap_or_default();
    if stated.digest != actual {
        return Err(altered(format!(
            "the package is not the one that was signed: its digest is {}, the signed one {}",
            hex(&actual),
            hex(stated.digest)
        )));
    }

    let time_stamp = timestamp::find(&signer, &bag, roots)?;
    let time = match &time_stamp {
        Some(stamp) if stamp.time() > at => {
            return Err(rejected(
                Code::PackageTimestamp,
                format!(
                    "the time stamp of the package is of {}, which is after the time of judgement, \
                     {at}",
                    stamp.time()
                ),
                "set the clock of this machine, or give a later time",
            ));
        }
        Some(stamp) if !is_lifetime_signer(&signed.certificate) => stamp.time(),
        _ => at,
    };
    let chain = roots
        .chain(&signed.certificate, &bag, Role::Signer, time)
        .map_err(|refusal| match refusal {
            Refusal::Untrusted(why) if time_stamp.is_none() => Refusal::Untrusted(format!(
                "{why} (without a time stamp, the time of judgement counts)"
            )),
            other => other,
        })
        .map_err(of_signature)?;
    // The signature does not cover them, so they must not say anything else.
    let is_used = |certificate: &Arc<Certificate>| {
        let stamps = |stamp: &TimeStamp| stamp.chain().contains(certificate);
        chain.contains(certificate) || time_stamp.as_ref().is_some_and(stamps)
    };
    if let Some(one) = bag.iter().find(|certificate| !is_used(certificate)) {
        return Err(of_signature(needless(one)));
    }
    Ok(PackageSignature {
        chain,
        time_stamp,
        package_sha256: package.sha256(),
    })
}

impl<'a> IndirectData<'a> {
    fn read(content: Tlv<'a>) -> Result<Self, Refusal> {
        let unreadable =
            |error: TlvError| Refusal::Wrong(format!("{error} (SpcIndirectDataContent)"));
        let mut fields = Tlv::parse_all(content.whole, tag::SEQUENCE)
            .map_err(unreadable)?
            .reader();
        let kind = fields
            .expect(tag::SEQUENCE)
            .and_then(|data| data.reader().expect(tag::OID))
            .map_err(unreadable)?
            .content;
        if kind != CABINET_DATA && kind != LINK {
            return Err(Refusal::wrong("it signs a file that is no cabinet"));
        }
        let mut info = fields.expect(tag::SEQUENCE).map_err(unreadable)?.reader();
        fields.finish().map_err(unreadable)?;
        let algorithm = info.expect(tag::SEQUENCE).map_err(unreadable)?;
        let digest = info.expect(tag::OCTET_STRING).map_err(unreadable)?.content;
        info.finish().map_err(unreadable)?;
        let hash = digest_algorithm(algorithm.whole)?;
        Ok(Self { hash, digest })
    }
}

/// The certificates that came with a SignedData.
pub(super) struct Bag<'a> {
    pub(super) certificates: Vec<Arc<Certificate>>,
    /// What is no X.509 certificate.
    pub(super) others: Vec<Tlv<'a>>,
}

impl<'a> Bag<'a> {
    pub(super) fn read(signed_data: &SignedData<'a>) -> Result<Self, Refusal> {
        if signed_data.certificates.len() > MAX_CERTIFICATES {
            return Err(Refusal::Unsupported(format!(
                "it has {} certificates; at most {MAX_CERTIFICATES} are read",
                signed_data.certificates.len()
            )));
        }
        let (certificates, others): (Vec<Tlv<'_>>, Vec<Tlv<'_>>) = signed_data
            .certificates
            .iter()
            .partition(|element| element.tag == tag::SEQUENCE);
        let mut bag = Self {
            certificates: Vec::new(),
            others,
        };
        for element in certificates {
            let certificate = Certificate::from_der(element.whole)
                .map_err(|error| Refusal::Wrong(error.to_string()))?;
            // Some tools put one in twice, which says nothing more.
            if !bag.certificates.iter().any(|known| **known == certificate) {
                bag.certificates.push(Arc::new(certificate));
            }
        }
        Ok(bag)
    }
}

/// A certificate that is neither signed over nor of use.
pub(super) fn needless(certificate: &Certificate) -> Refusal {
    Refusal::Unsupported(format!(
        "the certificate '{}' in it is not needed for its chain",
        certificate.subject()
    ))
}

/// The signer of a SignedData of this version, which has one, and nothing that is neither
/// signed nor used.
pub(super) fn the_one_signer<'a>(
    signed_data: &SignedData<'a>,
    version: u8,
) -> Result<SignerInfo<'a>, Refusal> {
    if signed_data.version != [version] {
        return Err(Refusal::wrong("it is of an unknown version"));
    }
    if signed_data.has_crls {
        return Err(Refusal::wrong("it has CRLs, which nobody signed"));
    }
    let [signer] = signed_data.signers[..] else {
        return Err(Refusal::Wrong(format!(
            "it has {} signers; there has to be one",
            signed_data.signers.len()
        )));
    };
    let signer = SignerInfo::read(signer).map_err(|error| Refusal::Wrong(error.to_string()))?;
    let hash = digest_algorithm(signer.digest_algorithm)?;
    match signed_data.digest_algorithms[..] {
        [one] if digest_algorithm(one)? == hash => Ok(signer),
        _ => Err(Refusal::wrong(
            "its digest algorithms are not those of its signer",
        )),
    }
}
