use super::crl::Crl;
use crate::der::{Tlv, TlvError, tag};
use crate::ek::{
    Certificate, DistributionPoint, DistributionPointName, ReasonFlags, point_name, reason_flags,
};

/// What a CRL speaks of (issuingDistributionPoint, RFC 5280 5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint {
    /// The point that it is for; certificates name it among theirs.
    pub name: Option<DistributionPointName>,
    /// Only certificates that are no CA's.
    pub only_user_certificates: bool,
    /// Only certificates of CAs.
    pub only_ca_certificates: bool,
    /// Only attribute certificates, so none that is looked for here.
    pub only_attribute_certificates: bool,
    /// Only revocations for these reasons.
    pub reasons: Option<ReasonFlags>,
    /// Certificates of other issuers as well.
    pub indirect: bool,
    /// The octets of the extension: CRLs in which they are equal replace each other.
    pub(super) raw: Vec<u8>,
}

impl IssuingDistributionPoint {
    pub(super) fn read(value: &[u8]) -> Result<Self, TlvError> {
        let mut fields = Tlv::parse_all(value, tag::SEQUENCE)?.reader();
        let name = fields.optional(0xa0)?.map(point_name).transpose()?;
        let only_user_certificates = flag(fields.optional(0x81)?)?;
        let only_ca_certificates = flag(fields.optional(0x82)?)?;
        let reasons = fields.optional(0x83)?.map(reason_flags).transpose()?;
        let indirect = flag(fields.optional(0x84)?)?;
        let only_attribute_certificates = flag(fields.optional(0x85)?)?;
        fields.finish()?;
        Ok(Self {
            name,
            only_user_certificates,
            only_ca_certificates,
            only_attribute_certificates,
            reasons,
            indirect,
            raw: value.to_vec(),
        })
    }

    /// RFC 5280 6.3.3 (b)(2)(ii) to (iv).
    fn covers_kind(&self, certificate: &Certificate) -> Result<(), &'static str> {
        if self.only_attribute_certificates {
            Err("it is about attribute certificates only")
        } else if self.only_user_certificates && certificate.is_ca() {
            Err("it is not about certificates of CAs")
        } else if self.only_ca_certificates && !certificate.is_ca() {
            Err("it is about certificates of CAs only")
        } else {
            Ok(())
        }
    }
}

/// For which reasons the silence of `crl` about `certificate` says something, if the CRL
/// is taken for this distribution point of the certificate (RFC 5280 6.3.3 (b) to (d)).
pub(super) fn covers(
    crl: &Crl,
    certificate: &Certificate,
    point: &DistributionPoint,
) -> Result<ReasonFlags, &'static str> {
    let by_certificate_issuer = crl.issuer().key() == certificate.issuer().key();
    match &point.crl_issuers {
        // (b)(1)
        Some(issuers) => {
            if !issuers.iter().any(|name| name.key() == crl.issuer().key()) {
                return Err("the certificate names another issuer of its CRL");
            }
            if !crl.is_indirect() {
                return Err("the certificate names it as an indirect CRL, and it is none");
            }
        }
        None if !by_certificate_issuer => return Err("it is of another issuer"),
        None => {}
    }
    let point_reasons = point.reasons.unwrap_or(ReasonFlags::ALL);
    let Some(scope) = crl.scope() else {
        return Ok(point_reasons);
    };
    if let Some(name) = &scope.name {
        names_match(name, crl, certificate, point)?;
    }
    scope.covers_kind(certificate)?;
    Ok(point_reasons.and(scope.reasons.unwrap_or(ReasonFlags::ALL)))
}

/// RFC 5280 6.3.3 (b)(2)(i).
fn names_match(
    name: &DistributionPointName,
    crl: &Crl,
    certificate: &Certificate,
    point: &DistributionPoint,
) -> Result<(), &'static str> {
    let matches = match (&point.name, &point.crl_issuers) {
        (Some(own), Some(issuers)) => {
            // RFC 5280 4.2.1.13: a relative name is below the only cRLIssuer.
            let base = issuers.first().unwrap_or(certificate.issuer());
            own.matches(base, name, crl.issuer())
        }
        (Some(own), None) => own.matches(certificate.issuer(), name, crl.issuer()),
        (None, Some(issuers)) => issuers
            .iter()
            .any(|issuer| name.is_directory(crl.issuer(), issuer)),
        (None, None) => name.is_directory(crl.issuer(), certificate.issuer()),
    };
    if matches {
        Ok(())
    } else {
        Err("it is for another distribution point than the certificate's")
    }
}

/// An implicitly tagged BOOLEAN, FALSE if absent.
fn flag(tlv: Option<Tlv<'_>>) -> Result<bool, TlvError> {
    match tlv.map(|tlv| tlv.content) {
        None | Some([0]) => Ok(false),
        Some([_]) => Ok(true),
        Some(_) => Err(TlvError::BadLength),
    }
}
