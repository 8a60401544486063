use ::der::oid::ObjectIdentifier;

use super::name::decode_string;
use super::{GeneralName, Vendor, vendor_by_id};
use crate::der::{Reader, Tlv, TlvError, tag};

/// What an EKcert says of its TPM (TCG EK Credential Profile 3.2.9 and 3.1):
/// the directoryName of its subjectAltName and its subjectDirectoryAttributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TpmAttributes {
    /// tcg-at-tpmManufacturer as written, such as `id:49465800`.
    pub manufacturer: Option<String>,
    /// tcg-at-tpmModel, the vendor's part number.
    pub model: Option<String>,
    /// tcg-at-tpmVersion as written, such as `id:00070055`.
    pub version: Option<String>,
    /// tpmSpecification.
    pub specification: Option<TpmSpecification>,
    /// TPMSecurityAssertions.
    pub security: Option<SecurityAssertions>,
}

/// tpmSpecification (2.23.133.2.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmSpecification {
    /// `2.0` or `1.2`.
    pub family: String,
    /// Level.
    pub level: u64,
    /// Revision times 100.
    pub revision: u64,
}

/// TPMSecurityAssertions (2.23.133.2.18), as far as they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityAssertions {
    /// Whether the firmware can be upgraded in the field.
    pub field_upgradable: bool,
    /// `internal`, `injected`, `internal-revocable` or `injected-revocable`.
    pub ek_generation: Option<&'static str>,
    /// `tpm-manufacturer`, `platform-manufacturer` or `ek-cert-signer`.
    pub ek_generation_location: Option<&'static str>,
    /// The same for the certificate.
    pub ek_certificate_generation_location: Option<&'static str>,
    /// Common Criteria evaluation assurance level, 1 to 7.
    pub cc_assurance_level: Option<u8>,
    /// FIPS 140 level, 1 to 4.
    pub fips_level: Option<u8>,
    /// ISO 9000 certified.
    pub iso9000: bool,
}

impl TpmAttributes {
    /// The registry entry for the manufacturer, if it is known.
    pub fn vendor(&self) -> Option<Vendor> {
        let digits = self.manufacturer.as_deref()?.strip_prefix("id:")?;
        // A sign would be read as well.
        let id = u32::from_str_radix(digits, 16).ok()?;
        vendor_by_id(id).filter(|_| !digits.starts_with('+'))
    }
}

pub(super) const TPM_MANUFACTURER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.1");
pub(super) const TPM_MODEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.2");
pub(super) const TPM_VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.3");
pub(super) const TPM_SPECIFICATION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.23.133.2.16");
const TPM_SECURITY_ASSERTIONS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.18");

/// Takes the TPM's attributes from the directoryNames of a subjectAltName.
pub(super) fn read_alt_names(names: &[GeneralName], tpm: &mut TpmAttributes) {
    for name in names {
        let GeneralName::Directory(name) = name else {
            continue;
        };
        let first = |oid| name.values(oid).into_iter().next();
        tpm.manufacturer = tpm.manufacturer.take().or_else(|| first(TPM_MANUFACTURER));
        tpm.model = tpm.model.take().or_else(|| first(TPM_MODEL));
        tpm.version = tpm.version.take().or_else(|| first(TPM_VERSION));
    }
}

/// Takes tpmSpecification and TPMSecurityAssertions from the value of
/// subjectDirectoryAttributes (RFC 5280 4.2.1.8).
pub(super) fn read_directory_attributes(
    value: &[u8],
    tpm: &mut TpmAttributes,
) -> Result<(), TlvError> {
    let mut list = Tlv::parse_all(value, tag::SEQUENCE)?.reader();
    while !list.is_empty() {
        let mut attribute = list.expect(tag::SEQUENCE)?.reader();
        let oid = attribute.expect(tag::OID)?.content;
        let mut values = attribute.expect(tag::SET)?.reader();
        attribute.finish()?;
        // What is in them is information for people: an attribute that does not
        // parse is left out, and the profile check says that it is missing.
        if oid == TPM_SPECIFICATION.as_bytes() {
            tpm.specification = values.any().ok().and_then(|tlv| specification(tlv).ok());
        } else if oid == TPM_SECURITY_ASSERTIONS.as_bytes() {
            tpm.security = values
                .any()
                .ok()
                .and_then(|tlv| security_assertions(tlv).ok());
        }
    }
    Ok(())
}

fn specification(tlv: Tlv<'_>) -> Result<TpmSpecification, TlvError> {
    let mut fields = sequence(tlv)?;
    let family = decode_string(fields.any()?).ok_or(TlvError::BadLength)?;
    let level = number(fields.expect(tag::INTEGER)?)?;
    let revision = number(fields.expect(tag::INTEGER)?)?;
    fields.finish()?;
    Ok(TpmSpecification {
        family,
        level,
        revision,
    })
}

fn security_assertions(tlv: Tlv<'_>) -> Result<SecurityAssertions, TlvError> {
    const GENERATION: &[&str] = &[
        "internal",
        "injected",
        "internal-revocable",
        "injected-revocable",
    ];
    const LOCATION: &[&str] = &[
        "tpm-manufacturer",
        "platform-manufacturer",
        "ek-cert-signer",
    ];
    let mut fields = sequence(tlv)?;
    fields.optional(tag::INTEGER)?;
    let field_upgradable = truth(fields.optional(tag::BOOLEAN)?);
    let ek_generation = choice(fields.optional(0x80)?, GENERATION);
    let ek_generation_location = choice(fields.optional(0x81)?, LOCATION);
    let ek_certificate_generation_location = choice(fields.optional(0x82)?, LOCATION);
    let cc_assurance_level = match fields.optional(0xa3)? {
        Some(measures) => level_after_version(measures)?,
        None => None,
    };
    let fips_level = match fields.optional(0xa4)? {
        Some(level) => level_after_version(level)?,
        None => None,
    };
    let iso9000 = truth(fields.optional(0x85)?);
    Ok(SecurityAssertions {
        field_upgradable,
        ek_generation,
        ek_generation_location,
        ek_certificate_generation_location,
        cc_assurance_level,
        fips_level,
        iso9000,
    })
}

/// The ENUMERATED that follows the version in CommonCriteriaMeasures and FIPSLevel.
fn level_after_version(tlv: Tlv<'_>) -> Result<Option<u8>, TlvError> {
    let mut fields = tlv.reader();
    fields.expect(tag::IA5_STRING)?;
    Ok(match fields.expect(tag::ENUMERATED)?.content {
        [level] => Some(*level),
        _ => None,
    })
}

fn sequence(tlv: Tlv<'_>) -> Result<Reader<'_>, TlvError> {
    if tlv.tag == tag::SEQUENCE {
        Ok(tlv.reader())
    } else {
        Err(TlvError::UnexpectedTag(tag::SEQUENCE, tlv.tag))
    }
}

fn truth(flag: Option<Tlv<'_>>) -> bool {
    flag.is_some_and(|tlv| tlv.content.iter().any(|&octet| octet != 0))
}

fn choice(value: Option<Tlv<'_>>, texts: &[&'static str]) -> Option<&'static str> {
    match value?.content {
        [index] => texts.get(usize::from(*index)).copied(),
        _ => None,
    }
}

fn number(tlv: Tlv<'_>) -> Result<u64, TlvError> {
    tlv.content.iter().try_fold(0u64, |number, &octet| {
        number
            .checked_mul(256)
            .and_then(|number| number.checked_add(u64::from(octet)))
            .ok_or(TlvError::BadLength)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_is_told_by_its_id() {
        for (text, known) in [
            ("id:49465800", true),
            ("id:+49465800", false),
            ("49465800", false),
        ] {
            let tpm = TpmAttributes {
                manufacturer: Some(text.to_owned()),
                ..TpmAttributes::default()
            };
            assert_eq!(tpm.vendor().is_some(), known, "{text}");
        }
    }

    #[test]
    fn specification_as_swtpm_writes_it() {
        // swtpm 0.7.1 writes family "2.0", level 0, revision 164.
        let value = crate::hash::from_hex("3019301706056781050210310e300c0c03322e30020100020200a4")
            .unwrap();
        let mut tpm = TpmAttributes::default();
        read_directory_attributes(&value, &mut tpm).unwrap();
        assert_eq!(
            tpm.specification,
            Some(TpmSpecification {
                family: "2.0".into(),
                level: 0,
                revision: 164
            })
        );
    }
}
