//! The time stamp of a signature: a token (RFC 3161), or the older countersignature
//! (PKCS#9, RFC 2985 5.3.6). Both are over the octets of the signature itself.

use std::sync::Arc;

use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::authenticode::{Bag, needless, the_one_signer};
use super::error::{Part, Refusal};
use super::roots::{Chain, Role, Roots};
use super::signer::{Signed, digest_algorithm};
use crate::der::{Reader, Time, Tlv, TlvError, tag};
use crate::ek::{Certificate, Name};
use crate::finding::Error;
use crate::hash::sha1_thumbprint;
use crate::trust::pkcs7::{Attribute, SignedData, SignerInfo, oid};
use crate::trust::signature::{Hash, dotted};

/// SPC_RFC3161_OBJID, 1.3.6.1.4.1.311.3.3.1
const TOKEN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 3, 3, 1];
/// countersignature, 1.2.840.113549.1.9.6
const COUNTERSIGNATURE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6];
/// signingTime, 1.2.840.113549.1.9.5
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
/// id-ct-TSTInfo, 1.2.840.113549.1.9.16.1.4
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
/// id-aa-signingCertificate, 1.2.840.113549.1.9.16.2.12
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
/// id-aa-signingCertificateV2, 1.2.840.113549.1.9.16.2.47
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

/// The tag of v1AttrCert among certificates.
const ATTRIBUTE_CERTIFICATE: u8 = 0xa1;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A verified time stamp: when the signature existed, and who says so.
#[derive(Clone, Debug)]
pub struct TimeStamp {
    time: Time,
    chain: Chain,
}

impl TimeStamp {
    /// The time that the authority states.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The time-stamping authority's certificate.
    pub fn authority(&self) -> &Certificate {
        self.chain.signer()
    }

    /// The time-stamping authority.
    pub fn subject(&self) -> &Name {
        self.chain.signer().subject()
    }

    /// The pinned root that its chain ends in.
    pub fn root(&self) -> &Certificate {
        self.chain.root()
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// The time stamp among the attributes that the signer did not sign. No other may be
/// there: nobody vouches for it.
pub(super) fn find(
    signer: &SignerInfo<'_>,
    bag: &[Arc<Certificate>],
    roots: &Roots,
) -> Result<Option<TimeStamp>, Error> {
    let unsupported = |why: String| Refusal::Unsupported(why).of(Part::Signature);
    let attribute = match &signer.unsigned[..] {
        [] => return Ok(None),
        [attribute] => attribute,
        _ => {
            return Err(unsupported(
                "it has more attributes that nobody signed than a time stamp".to_owned(),
            ));
        }
    };
    let stamp = match attribute.kind {
        TOKEN => token(attribute, signer.signature, roots),
        COUNTERSIGNATURE => countersignature(attribute, signer.signature, bag, roots),
        kind => {
            return Err(unsupported(format!(
                "it has an attribute that nobody signed and that is no time stamp, {}",
                dotted(kind)
            )));
        }
    };
    stamp
        .map(Some)
        .map_err(|refusal| refusal.of(Part::TimeStamp))
}

/// A token of RFC 3161, with its own certificates.
fn token(attribute: &Attribute<'_>, signature: &[u8], roots: &Roots) -> Result<TimeStamp, Refusal> {
    let value = attribute
        .value()
        .map_err(|error| unreadable("its attribute", error))?;
    let token = SignedData::read(value.whole).map_err(|error| Refusal::Wrong(error.to_string()))?;
    let Bag {
        certificates: bag,
        others,
    } = Bag::read(&token)?;
    let signer = the_one_signer(&token, 3)?;
    if !signer.unsigned.is_empty() {
        return Err(Refusal::wrong("it has attributes that nobody signed"));
    }
    let content = match token.content {
        Some(content) if token.content_type == TST_INFO => {
            Tlv::parse_all(content.whole, tag::OCTET_STRING)
                .map_err(|error| unreadable("TSTInfo", error))?
                .content
        }
        _ => return Err(Refusal::wrong("it does not state a time (TSTInfo)")),
    };
    let signed = Signed::verify(&signer, token.content_type, content, &bag)?;
    let named = Named::read(&signed)?;
    if !named.is_authority(&signed.certificate) {
        return Err(Refusal::wrong(
            "it names another certificate than the one that it comes with",
        ));
    }
    if others.iter().any(|&other| !named.contains(other)) {
        return Err(Refusal::wrong("something in it is not what it names"));
    }
    let info = TstInfo::read(content).map_err(|error| unreadable("TSTInfo", error))?;
    let hash = digest_algorithm(info.imprint_algorithm)?;
    if hash.digest(&[signature]).as_deref() != Some(info.imprint) {
        return Err(Refusal::wrong("it is of another signature"));
    }
    let stamp = TimeStamp::new(&signed, &bag, info.time, roots)?;
    match bag.iter().find(|one| !stamp.chain.contains(one)) {
        Some(one) => Err(needless(one)),
        None => Ok(stamp),
    }
}

/// A countersignature, whose certificates are among those of the signature.
fn countersignature(
    attribute: &Attribute<'_>,
    signature: &[u8],
    bag: &[Arc<Certificate>],
    roots: &Roots,
) -> Result<TimeStamp, Refusal> {
    let value = attribute
        .value()
        .map_err(|error| unreadable("its attribute", error))?;
    let signer = SignerInfo::read(value).map_err(|error| Refusal::Wrong(error.to_string()))?;
    if !signer.unsigned.is_empty() {
        return Err(Refusal::wrong("it has attributes that nobody signed"));
    }
    let signed = Signed::verify(&signer, oid::DATA, signature, bag)?;
    let time = signed
        .attribute(SIGNING_TIME)
        .ok_or_else(|| Refusal::wrong("it states no time"))?
        .value()
        .and_then(time)
        .map_err(|error| unreadable("signingTime", error))?;
    TimeStamp::new(&signed, bag, time, roots)
}

impl TimeStamp {
    /// The authority is judged at the time that it states itself: its certificates have
    /// often expired when the stamp is needed.
    fn new(
        signed: &Signed<'_>,
        bag: &[Arc<Certificate>],
        time: Time,
        roots: &Roots,
    ) -> Result<Self, Refusal> {
        let chain = roots.chain(&signed.certificate, bag, Role::TimeStamper, time)?;
        Ok(Self { time, chain })
    }
}

/// What a token states (RFC 3161 2.4.2), as far as it is used here.
struct TstInfo<'a> {
    imprint_algorithm: &'a [u8],
    imprint: &'a [u8],
    time: Time,
}

impl<'a> TstInfo<'a> {
    fn read(content: &'a [u8]) -> Result<Self, TlvError> {
        let mut fields = Tlv::parse_all(content, tag::SEQUENCE)?.reader();
        if fields.expect(tag::INTEGER)?.content != [1] {
            return Err(TlvError::BadTag);
        }
        fields.expect(tag::OID)?;
        let mut imprint = fields.expect(tag::SEQUENCE)?.reader();
        let imprint_algorithm = imprint.expect(tag::SEQUENCE)?.whole;
        let digest = imprint.expect(tag::OCTET_STRING)?.content;
        imprint.finish()?;
        fields.expect(tag::INTEGER)?;
        let time = time(fields.expect(GENERALIZED_TIME)?)?;
        // Accuracy, ordering, nonce and the authority's name change nothing here.
        fields.optional(tag::SEQUENCE)?;
        fields.optional(tag::BOOLEAN)?;
        fields.optional(tag::INTEGER)?;
        fields.optional(0xa0)?;
        if let Some(extensions) = fields.optional(0xa1)? {
            no_critical_extension(extensions.reader())?;
        }
        fields.finish()?;
        Ok(Self {
            imprint_algorithm,
            imprint: digest,
            time,
        })
    }
}

/// No extension of a token is understood here, so none may be critical.
fn no_critical_extension(mut extensions: Reader<'_>) -> Result<(), TlvError> {
    while !extensions.is_empty() {
        let mut fields = extensions.expect(tag::SEQUENCE)?.reader();
        fields.expect(tag::OID)?;
        if let Some(critical) = fields.optional(tag::BOOLEAN)?
            && critical.content != [0]
        {
            return Err(TlvError::TrailingData);
        }
    }
    Ok(())
}

/// What a token names by digest (RFC 3161 2.4.1, RFC 5035, RFC 5816): its authority's
/// certificate first, so that no other with the same key stands in for it. The digest may
/// be SHA-1: it identifies, and the signature over it proves.
struct Named<'a> {
    digests: Vec<(Option<Hash>, &'a [u8])>,
}

impl<'a> Named<'a> {
    fn read(signed: &Signed<'a>) -> Result<Self, Refusal> {
        let (attribute, stated) = signed
            .attribute(SIGNING_CERTIFICATE_V2)
            .map(|attribute| (attribute, Some(Hash::Sha256)))
            .or_else(|| Some((signed.attribute(SIGNING_CERTIFICATE)?, None)))
            .ok_or_else(|| Refusal::wrong("it does not name the certificate of its authority"))?;
        let broken = |error| unreadable("signingCertificate", error);
        let value = attribute.value().map_err(broken)?;
        let mut ids = Tlv::parse_all(value.whole, tag::SEQUENCE)
            .and_then(|value| value.reader().expect(tag::SEQUENCE))
            .map_err(broken)?
            .reader();
        let mut digests = Vec::new();
        while !ids.is_empty() {
            let mut id = ids.expect(tag::SEQUENCE).map_err(broken)?.reader();
            // The older form knows no other algorithm than SHA-1.
            let hash = match id.optional(tag::SEQUENCE).map_err(broken)? {
                Some(algorithm) => Some(digest_algorithm(algorithm.whole)?),
                None => stated,
            };
            let digest = id.expect(tag::OCTET_STRING).map_err(broken)?.content;
            digests.push((hash, digest));
        }
        Ok(Self { digests })
    }

    /// Whether it names the authority's certificate first.
    fn is_authority(&self, certificate: &Certificate) -> bool {
        let first = self.digests.first();
        first.is_some_and(|one| is_digest(one, certificate.der()))
    }

    /// Whether it names this attribute certificate (version 1, RFC 5652 10.2.2).
    /// Microsoft's tokens have one, about the clock, under the implicit tag that it has in
    /// the set of certificates.
    fn contains(&self, element: Tlv<'_>) -> bool {
        if element.tag != ATTRIBUTE_CERTIFICATE {
            return false;
        }
        let mut untagged = element.whole.to_vec();
        if let Some(first) = untagged.first_mut() {
            *first = tag::SEQUENCE;
        }
        self.digests.iter().any(|one| is_digest(one, &untagged))
    }
}

fn is_digest((hash, digest): &(Option<Hash>, &[u8]), data: &[u8]) -> bool {
    match hash {
        Some(hash) => hash.digest(&[data]).as_deref() == Some(*digest),
        None => sha1_thumbprint(data).0 == *digest,
    }
}

/// UTCTime or GeneralizedTime, in UTC; fractions of seconds are cut off.
fn time(tlv: Tlv<'_>) -> Result<Time, TlvError> {
    if !matches!(tlv.tag, UTC_TIME | GENERALIZED_TIME) || tlv.content.last() != Some(&b'Z') {
        return Err(TlvError::BadTag);
    }
    let (_, time) = ASN1Time::from_der(tlv.whole).map_err(|_| TlvError::BadLength)?;
    Ok(Time::from_unix(time.timestamp()))
}

fn unreadable(place: &str, error: TlvError) -> Refusal {
    Refusal::Wrong(format!("{error} ({place})"))
}
