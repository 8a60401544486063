//! Rules about subject, subjectAltName and what they say of the TPM.

use ::der::oid::ObjectIdentifier;

use super::rule::{Certainty, Linted, Outcome, Rule};
use crate::der::{Tlv, tag};
use crate::ek::attributes::{TPM_MANUFACTURER, TPM_MODEL, TPM_VERSION};
use crate::ek::{GeneralName, Name};
use crate::finding::Code;

use Certainty::{Implementers, Inferred, Text};

/// id-ce-subjectDirectoryAttributes.
const DIRECTORY_ATTRIBUTES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.9");
/// id-on-permanentIdentifier (RFC 4043).
const PERMANENT_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.3");

const NO_DIRECTORY_NAME: &str = "it has no directoryName";

pub(super) const RULES: &[Rule] = &[
    Rule::profile(
        "subject-alt-name",
        Implementers,
        "TCG EK Credential Profile 3.2.9 as google/go-attestation enforces it",
        "The subjectAltName has a directoryName, which names the TPM.",
        |linted| {
            Outcome::unless(
                directory_names(linted).next().is_none(),
                "the EKcert's subjectAltName names no TPM (it has no directoryName)",
            )
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileSan),
    Rule::profile(
        "subject-alt-name-critical",
        Text,
        "RFC 5280 4.2.1.6",
        "With an empty subject the subjectAltName is critical.",
        |linted| {
            if directory_names(linted).next().is_none() {
                Outcome::NotApplicable(NO_DIRECTORY_NAME)
            } else if !linted.certificate.subject().is_empty() {
                Outcome::NotApplicable("it has a subject")
            } else {
                Outcome::unless(
                    !linted.extensions().subject_alt_name_critical,
                    "the EKcert has an empty subject, but its subjectAltName is not critical",
                )
            }
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileSan),
    Rule::profile(
        "subject-alt-name-not-critical",
        Text,
        "RFC 5280 4.2.1.6 (should)",
        "With a subject the subjectAltName is not critical.",
        |linted| {
            if linted.certificate.subject().is_empty() {
                Outcome::NotApplicable("its subject is empty")
            } else {
                Outcome::unless(
                    linted.extensions().subject_alt_name_critical,
                    "the EKcert has a subject, and its subjectAltName is critical all the same",
                )
            }
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "subject-alt-name-one",
        Implementers,
        "TCG EK Credential Profile 3.2.9 as google/go-attestation enforces it",
        "The subjectAltName is one directoryName, and at most a permanentIdentifier beside it.",
        one_directory_name,
    )
    .of_ekcerts(),
    Rule::profile(
        "subject-alt-name-attributes",
        Implementers,
        "TCG EK Credential Profile 3.2.9 as google/go-attestation enforces it",
        "The directoryName has tpmManufacturer, tpmModel and tpmVersion once each, and nothing else.",
        only_tpm_attributes,
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-manufacturer",
        Implementers,
        "TCG EK Credential Profile 3.1.2 and 3.2.9 as google/go-attestation enforces it",
        "The EKcert states the TPM's manufacturer.",
        |linted| stated(linted, "tpmManufacturer", linted.extensions().tpm.manufacturer.as_deref()),
    )
    .of_ekcerts()
    .found_as(Code::ProfileTpmAttributes),
    Rule::profile(
        "tpm-model",
        Implementers,
        "TCG EK Credential Profile 3.1.2 and 3.2.9 as google/go-attestation enforces it",
        "The EKcert states the TPM's model.",
        |linted| stated(linted, "tpmModel", linted.extensions().tpm.model.as_deref()),
    )
    .of_ekcerts()
    .found_as(Code::ProfileTpmAttributes),
    Rule::profile(
        "tpm-version",
        Implementers,
        "TCG EK Credential Profile 3.1.2 and 3.2.9 as google/go-attestation enforces it",
        "The EKcert states the version of the TPM's firmware.",
        |linted| stated(linted, "tpmVersion", linted.extensions().tpm.version.as_deref()),
    )
    .of_ekcerts()
    .found_as(Code::ProfileTpmAttributes),
    Rule::profile(
        "tpm-manufacturer-known",
        Implementers,
        "TCG TPM Vendor ID Registry 1.07 revision 0.02, as programs list it",
        "The manufacturer's id is one that is known here, be it a simulator's.",
        |linted| {
            let tpm = &linted.extensions().tpm;
            match &tpm.manufacturer {
                None => Outcome::NotApplicable("it states no manufacturer"),
                Some(_) => Outcome::unless(
                    tpm.vendor().is_none(),
                    "the EKcert's tpmManufacturer is not in the TCG vendor id registry",
                ),
            }
        },
    )
    .of_ekcerts()
    .found_as(Code::ProfileTpmAttributes),
    Rule::profile(
        "tpm-manufacturer-registered",
        Implementers,
        "TCG TPM Vendor ID Registry 1.07 revision 0.02, as programs list it",
        "The manufacturer's id is that of a company, not of a simulator or a test.",
        |linted| match linted.extensions().tpm.vendor() {
            None => Outcome::NotApplicable("it states no manufacturer that is known"),
            Some(vendor) => Outcome::fail_with((!vendor.registered).then(|| {
                format!("the manufacturer's id {} is {}", vendor.id, vendor.name)
            })),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-manufacturer-format",
        Implementers,
        "TCG EK Credential Profile 3.1.2 as loicsikidi/go-tpm-kit enforces it",
        "The manufacturer is written as id: and eight hexadecimal digits.",
        |linted| id_format("tpmManufacturer", linted.extensions().tpm.manufacturer.as_deref()),
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-model-format",
        Implementers,
        "the example of the profile that swtpm's maintainers quote",
        "The model is a part number, not empty and without id: in front.",
        |linted| match linted.extensions().tpm.model.as_deref() {
            None => Outcome::NotApplicable("it states no model"),
            Some("") => Outcome::Fail("the model is empty".to_owned()),
            Some(model) => Outcome::fail_with(
                model
                    .starts_with("id:")
                    .then(|| format!("tpmModel is '{model}', an id where a part number belongs")),
            ),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-version-format",
        Implementers,
        "TCG EK Credential Profile 3.1.2 as loicsikidi/go-tpm-kit enforces it",
        "The version is written as id: and eight hexadecimal digits.",
        |linted| id_format("tpmVersion", linted.extensions().tpm.version.as_deref()),
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-attribute-strings",
        Implementers,
        "TCG EK Credential Profile 3.1.2 as loicsikidi/go-tpm-kit enforces it",
        "The TPM's attributes are UTF8Strings.",
        |linted| {
            let mut forms = directory_names(linted).flat_map(Name::attribute_forms);
            Outcome::unless(
                forms.any(|form| is_tpm_attribute(form.oid) && form.value_tag != tag::UTF8_STRING),
                "a TPM attribute is no UTF8String",
            )
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "directory-attributes-not-critical",
        Text,
        "RFC 5280 4.2.1.8",
        "The subjectDirectoryAttributes are not critical.",
        |linted| super::usage::not_critical(linted, DIRECTORY_ATTRIBUTES),
    ),
    Rule::profile(
        "tpm-specification",
        Implementers,
        "TCG EK Credential Profile 3.1 as google/go-attestation enforces it",
        "The subjectDirectoryAttributes, if there are any, have a tpmSpecification of family, level and revision.",
        |linted| match linted.extensions().criticality(DIRECTORY_ATTRIBUTES) {
            None => Outcome::NotApplicable("it has no subjectDirectoryAttributes"),
            Some(_) => Outcome::unless(
                linted.extensions().tpm.specification.is_none(),
                "the subjectDirectoryAttributes have no tpmSpecification that can be read",
            ),
        },
    )
    .of_ekcerts(),
    Rule::profile(
        "tpm-specification-family",
        Inferred,
        "the two families of TPM specifications; AMD writes id:322E3000",
        "The family of the tpmSpecification is 2.0 or 1.2.",
        |linted| match &linted.extensions().tpm.specification {
            None => Outcome::NotApplicable("it has no tpmSpecification"),
            Some(specification) => {
                let known = matches!(specification.family.as_str(), "1.2" | "2.0");
                Outcome::fail_with(
                    (!known).then(|| format!("the family is '{}'", specification.family)),
                )
            }
        },
    )
    .of_ekcerts(),
];

fn directory_names<'a>(linted: &'a Linted<'_>) -> impl Iterator<Item = &'a Name> {
    let names = linted.extensions().subject_alt_names.iter();
    names.filter_map(GeneralName::directory)
}

fn is_tpm_attribute(oid: &[u8]) -> bool {
    [TPM_MANUFACTURER, TPM_MODEL, TPM_VERSION]
        .iter()
        .any(|attribute| attribute.as_bytes() == oid)
}

fn one_directory_name(linted: &Linted<'_>) -> Outcome {
    match directory_names(linted).count() {
        0 => return Outcome::NotApplicable(NO_DIRECTORY_NAME),
        1 => {}
        several => return Outcome::Fail(format!("it has {several} directoryNames")),
    }
    let others = linted.extensions().subject_alt_names.iter();
    let other = others.filter(|name| match name {
        GeneralName::Directory(_) => false,
        GeneralName::Other(_, whole) => !is_permanent_identifier(whole),
        _ => true,
    });
    Outcome::unless(
        other.count() > 0,
        "the subjectAltName has other names beside the TPM's",
    )
}

/// otherName is [0] { type-id, value } (RFC 5280 4.2.1.6).
fn is_permanent_identifier(other_name: &[u8]) -> bool {
    let kind = Tlv::parse_all(other_name, 0xa0).and_then(|name| name.reader().expect(tag::OID));
    kind.is_ok_and(|kind| kind.content == PERMANENT_IDENTIFIER.as_bytes())
}

fn only_tpm_attributes(linted: &Linted<'_>) -> Outcome {
    let forms: Vec<_> = directory_names(linted)
        .flat_map(Name::attribute_forms)
        .collect();
    if forms.is_empty() {
        return Outcome::NotApplicable("it has no directoryName, or an empty one");
    }
    if forms.iter().any(|form| !is_tpm_attribute(form.oid)) {
        return Outcome::Fail("the directoryName has attributes that are none of a TPM".to_owned());
    }
    let twice = forms
        .iter()
        .any(|form| forms.iter().filter(|other| other.oid == form.oid).count() > 1);
    Outcome::unless(
        twice,
        "the directoryName has a TPM attribute more than once",
    )
}

fn stated(linted: &Linted<'_>, name: &str, value: Option<&str>) -> Outcome {
    if directory_names(linted).next().is_none() {
        Outcome::NotApplicable(NO_DIRECTORY_NAME)
    } else {
        Outcome::fail_with(
            value
                .is_none()
                .then(|| format!("the EKcert does not state {name}")),
        )
    }
}

fn id_format(name: &str, value: Option<&str>) -> Outcome {
    let Some(value) = value else {
        return Outcome::NotApplicable("it does not state it");
    };
    let good = value.strip_prefix("id:").is_some_and(|digits| {
        digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    Outcome::fail_with((!good).then(|| format!("{name} is '{value}'")))
}
