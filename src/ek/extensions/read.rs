//! Reading the extensions of a certificate.
//!
//! Values are read with this crate's own reader rather than x509-parser's: its
//! optional parts swallow errors (a permitted subtree that does not parse counts
//! as absent), and it ignores what follows the last known field. A constraint that
//! is misread must refuse the certificate, not vanish.

use ::der::oid::ObjectIdentifier;

use super::{
    AuthorityKeyIdentifier, BasicConstraints, Extensions, GeneralName, GeneralSubtree, KeyUsage,
    NameConstraints, PolicyConstraints, PolicyMapping, distribution,
};
use crate::der::{Reader, Tlv, TlvError, tag};
use crate::ek::Name;
use crate::ek::attributes;
use crate::ek::certificate::Quirk;

/// The most extensions that are read from one certificate. Genuine ones have at
/// most a dozen.
const MAX_EXTENSIONS: usize = 64;

/// What a reader of an extension's value says.
type Parsed<T> = Result<T, TlvError>;

/// Reads `Extensions` (RFC 5280 4.1): the content of the outer SEQUENCE.
pub(in crate::ek) fn read(mut list: Reader<'_>, quirks: &mut Vec<Quirk>) -> Parsed<Extensions> {
    let mut extensions = Extensions::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let oid = fields.expect(tag::OID)?.content;
        let critical = match fields.optional(tag::BOOLEAN)? {
            Some(flag) => boolean(flag, quirks)?,
            None => false,
        };
        let value = fields.expect(tag::OCTET_STRING)?.content;
        fields.finish()?;
        if seen.len() >= MAX_EXTENSIONS {
            extensions
                .faulty
                .push(format!("more than {MAX_EXTENSIONS} extensions"));
            break;
        }
        if seen.contains(&oid) {
            extensions
                .faulty
                .push(format!("{} is there twice", dotted(oid)));
            continue;
        }
        seen.push(oid);
        extensions
            .present
            .extend(ObjectIdentifier::from_bytes(oid).map(|oid| (oid, critical)));
        if let Err(error) = extensions.take(oid, critical, value, quirks) {
            extensions.faulty.push(format!("{} ({error})", dotted(oid)));
        }
    }
    Ok(extensions)
}

fn dotted(oid: &[u8]) -> String {
    match ObjectIdentifier::from_bytes(oid) {
        Ok(oid) => oid.to_string(),
        Err(_) => format!("an OID that is not one ({})", crate::hash::hex(oid)),
    }
}

impl Extensions {
    fn take(
        &mut self,
        oid: &[u8],
        critical: bool,
        value: &[u8],
        quirks: &mut Vec<Quirk>,
    ) -> Parsed<()> {
        match oid {
            // id-ce, 2.5.29
            [0x55, 0x1d, 9] => attributes::read_directory_attributes(value, &mut self.tpm)?,
            [0x55, 0x1d, 14] => {
                self.subject_key_id =
                    Some(Tlv::parse_all(value, tag::OCTET_STRING)?.content.to_vec());
            }
            [0x55, 0x1d, 15] => self.key_usage = Some(key_usage(value, critical, quirks)?),
            [0x55, 0x1d, 17] => {
                let names = sequence(value)?;
                self.subject_alt_names = general_names(names)?;
                self.subject_alt_name_critical = critical;
                attributes::read_alt_names(&self.subject_alt_names, &mut self.tpm);
            }
            // issuerAltName says nothing that is used here.
            [0x55, 0x1d, 18] => drop(general_names(sequence(value)?)?),
            [0x55, 0x1d, 19] => {
                self.basic_constraints = Some(basic_constraints(value, critical, quirks)?);
            }
            [0x55, 0x1d, 30] => self.name_constraints = Some(name_constraints(value)?),
            [0x55, 0x1d, 31] => {
                (self.distribution_points, self.crl_urls) = distribution::read(value)?;
            }
            [0x55, 0x1d, 32] => self.policies = Some(policies(value)?),
            [0x55, 0x1d, 33] => self.policy_mappings = policy_mappings(value)?,
            [0x55, 0x1d, 35] => self.authority_key_id = Some(authority_key_id(value)?),
            [0x55, 0x1d, 36] => self.policy_constraints = Some(policy_constraints(value)?),
            [0x55, 0x1d, 37] => {
                self.extended_key_usage = Some(oids(sequence(value)?)?);
                self.extended_key_usage_critical = critical;
            }
            [0x55, 0x1d, 54] => {
                self.inhibit_any_policy =
                    Some(skip_certs(Tlv::parse_all(value, tag::INTEGER)?.content)?);
            }
            // id-pe-authorityInfoAccess, 1.3.6.1.5.5.7.1.1
            [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01] => {
                self.ca_issuer_urls = ca_issuer_urls(value)?;
            }
            _ if critical => match ObjectIdentifier::from_bytes(oid) {
                Ok(oid) => self.unknown_critical.push(oid),
                Err(_) => return Err(TlvError::BadTag),
            },
            _ => {}
        }
        Ok(())
    }
}

/// BOOLEAN; DER leaves out the default FALSE and writes TRUE as FF. Intel's
/// EKcerts write FALSE.
fn boolean(tlv: Tlv<'_>, quirks: &mut Vec<Quirk>) -> Parsed<bool> {
    match tlv.content {
        [0xff] => Ok(true),
        [0] => {
            quirks.push(Quirk::ExplicitDefault);
            Ok(false)
        }
        [_] => {
            quirks.push(Quirk::Boolean);
            Ok(true)
        }
        _ => Err(TlvError::BadLength),
    }
}

pub(super) fn sequence(value: &[u8]) -> Parsed<Reader<'_>> {
    Ok(Tlv::parse_all(value, tag::SEQUENCE)?.reader())
}

/// An INTEGER that counts certificates. One too large to matter is capped.
fn skip_certs(content: &[u8]) -> Parsed<u32> {
    match content {
        [] => Err(TlvError::BadLength),
        [first, ..] if first & 0x80 != 0 => Err(TlvError::BadLength),
        _ => Ok(content.iter().fold(0u32, |number, &octet| {
            number.saturating_mul(256).saturating_add(u32::from(octet))
        })),
    }
}

fn basic_constraints(
    value: &[u8],
    critical: bool,
    quirks: &mut Vec<Quirk>,
) -> Parsed<BasicConstraints> {
    let mut fields = sequence(value)?;
    let ca = match fields.optional(tag::BOOLEAN)? {
        Some(flag) => boolean(flag, quirks)?,
        None => false,
    };
    let path_len = match fields.optional(tag::INTEGER)? {
        Some(number) => Some(skip_certs(number.content)?),
        None => None,
    };
    fields.finish()?;
    Ok(BasicConstraints {
        ca,
        path_len,
        critical,
    })
}

/// KeyUsage is a named BIT STRING: DER wants no trailing zero bits, and the count of
/// unused bits to say so. Infineon's says none are unused.
fn key_usage(value: &[u8], critical: bool, quirks: &mut Vec<Quirk>) -> Parsed<KeyUsage> {
    let content = Tlv::parse_all(value, tag::BIT_STRING)?.content;
    let (&unused, octets) = content.split_first().ok_or(TlvError::Truncated)?;
    if unused > 7 || octets.len() > 2 {
        return Err(TlvError::BadLength);
    }
    let mut bits = 0u16;
    for (&octet, shift) in octets.iter().zip([0u32, 8]) {
        bits |= u16::from(octet.reverse_bits()) << shift;
    }
    if let Some(last) = octets.last()
        && u32::from(unused) != last.trailing_zeros()
    {
        quirks.push(Quirk::UnusedBits);
    }
    Ok(KeyUsage { bits, critical })
}

fn oids(mut list: Reader<'_>) -> Parsed<Vec<ObjectIdentifier>> {
    let mut oids = Vec::new();
    while !list.is_empty() {
        oids.push(oid(&mut list)?);
    }
    if oids.is_empty() {
        Err(TlvError::Truncated)
    } else {
        Ok(oids)
    }
}

fn oid(reader: &mut Reader<'_>) -> Parsed<ObjectIdentifier> {
    let content = reader.expect(tag::OID)?.content;
    ObjectIdentifier::from_bytes(content).map_err(|_| TlvError::BadTag)
}

fn policies(value: &[u8]) -> Parsed<Vec<ObjectIdentifier>> {
    let mut list = sequence(value)?;
    let mut policies = Vec::new();
    while !list.is_empty() {
        let mut information = list.expect(tag::SEQUENCE)?.reader();
        let policy = oid(&mut information)?;
        // Qualifiers (a CPS URI, a notice) do not bear on validity.
        information.optional(tag::SEQUENCE)?;
        information.finish()?;
        // RFC 5280 4.2.1.4: a policy must not appear more than once.
        if policies.contains(&policy) {
            return Err(TlvError::TrailingData);
        }
        policies.push(policy);
    }
    if policies.is_empty() {
        Err(TlvError::Truncated)
    } else {
        Ok(policies)
    }
}

fn policy_mappings(value: &[u8]) -> Parsed<Vec<PolicyMapping>> {
    let mut list = sequence(value)?;
    let mut mappings = Vec::new();
    while !list.is_empty() {
        let mut pair = list.expect(tag::SEQUENCE)?.reader();
        let issuer_domain = oid(&mut pair)?;
        let subject_domain = oid(&mut pair)?;
        pair.finish()?;
        mappings.push(PolicyMapping {
            issuer_domain,
            subject_domain,
        });
    }
    if mappings.is_empty() {
        Err(TlvError::Truncated)
    } else {
        Ok(mappings)
    }
}

fn policy_constraints(value: &[u8]) -> Parsed<PolicyConstraints> {
    let mut fields = sequence(value)?;
    let mut number = |context_tag| match fields.optional(context_tag)? {
        Some(tlv) => skip_certs(tlv.content).map(Some),
        None => Ok(None),
    };
    let require_explicit_policy = number(0x80)?;
    let inhibit_policy_mapping = number(0x81)?;
    fields.finish()?;
    Ok(PolicyConstraints {
        require_explicit_policy,
        inhibit_policy_mapping,
    })
}

pub(crate) fn authority_key_id(value: &[u8]) -> Parsed<AuthorityKeyIdentifier> {
    let mut fields = sequence(value)?;
    let key_id = fields.optional(0x80)?.map(|tlv| tlv.content.to_vec());
    fields.optional(0xa1)?;
    let serial = fields.optional(0x82)?.map(|tlv| tlv.content.to_vec());
    fields.finish()?;
    Ok(AuthorityKeyIdentifier { key_id, serial })
}

fn name_constraints(value: &[u8]) -> Parsed<NameConstraints> {
    let mut fields = sequence(value)?;
    let mut subtrees = |context_tag| match fields.optional(context_tag)? {
        Some(list) => general_subtrees(list.reader()),
        None => Ok(Vec::new()),
    };
    let permitted = subtrees(0xa0)?;
    let excluded = subtrees(0xa1)?;
    fields.finish()?;
    Ok(NameConstraints {
        permitted,
        excluded,
    })
}

fn general_subtrees(mut list: Reader<'_>) -> Parsed<Vec<GeneralSubtree>> {
    let mut subtrees = Vec::new();
    while !list.is_empty() {
        let mut fields = list.expect(tag::SEQUENCE)?.reader();
        let base = general_name(fields.any()?)?;
        // RFC 5280 4.2.1.10: minimum must be zero, maximum absent. An explicit
        // zero is only a default written out.
        if let Some(minimum) = fields.optional(0x80)?
            && minimum.content != [0]
        {
            return Err(TlvError::TrailingData);
        }
        fields.finish()?;
        subtrees.push(GeneralSubtree { base });
    }
    if subtrees.is_empty() {
        Err(TlvError::Truncated)
    } else {
        Ok(subtrees)
    }
}

fn general_names(mut list: Reader<'_>) -> Parsed<Vec<GeneralName>> {
    let mut names = Vec::new();
    while !list.is_empty() {
        names.push(general_name(list.any()?)?);
    }
    Ok(names)
}

pub(super) fn general_name(tlv: Tlv<'_>) -> Parsed<GeneralName> {
    let text = || {
        std::str::from_utf8(tlv.content)
            .map(str::to_owned)
            .map_err(|_| TlvError::BadLength)
    };
    Ok(match tlv.tag {
        0x81 => GeneralName::Email(text()?),
        0x82 => GeneralName::Dns(text()?),
        0x86 => GeneralName::Uri(text()?),
        // directoryName is a CHOICE, so its tag is explicit.
        0xa4 => GeneralName::Directory(Name::from_der(tlv.content)?),
        0x87 => GeneralName::Ip(tlv.content.to_vec()),
        0xa0 | 0xa3 | 0xa5 | 0x88 => GeneralName::Other(tlv.tag & 0x1f, tlv.whole.to_vec()),
        other => return Err(TlvError::UnexpectedTag(0xa4, other)),
    })
}

fn ca_issuer_urls(value: &[u8]) -> Parsed<Vec<String>> {
    // id-ad-caIssuers, 1.3.6.1.5.5.7.48.2
    const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let mut list = sequence(value)?;
    let mut urls = Vec::new();
    while !list.is_empty() {
        let mut description = list.expect(tag::SEQUENCE)?.reader();
        let method = description.expect(tag::OID)?.content;
        let location = description.any()?;
        description.finish()?;
        if method == CA_ISSUERS {
            urls.extend(url(location));
        }
    }
    Ok(urls)
}

pub(super) fn url(name: Tlv<'_>) -> Option<String> {
    (name.tag == 0x86).then(|| String::from_utf8_lossy(name.content).into_owned())
}
