//! Rules about the fields of a certificate, names and extensions apart, and about DER.

use super::rule::{Certainty, Linted, Outcome, Rule};
use crate::der::{Time, Tlv, tag};
use crate::ek::certificate::Quirk;
use crate::ek::{hashes_with_sha1, signature_name};
use crate::finding::Code;
use crate::hash::hex;

use Certainty::{Implementers, Inferred, Text};

pub(super) const RULES: &[Rule] = &[
    Rule::profile(
        "bare-der",
        Implementers,
        "TCG PC Client Specific Implementation 7.3.2, as programs that read NV memory have it",
        "The certificate stands by itself in its file, without the header and the padding of NV memory.",
        |linted| match linted.wrapping.first() {
            Some(finding) => Outcome::Fail(finding.message.clone()),
            None => Outcome::Pass,
        },
    ),
    Rule::profile(
        "version",
        Text,
        "RFC 5280 4.1.2.1",
        "The version is 3.",
        |linted| {
            Outcome::unless(
                linted.certificate.version() != 3,
                "the certificate is not X.509 version 3",
            )
        },
    )
    .found_as(Code::ProfileVersion),
    Rule::profile(
        "extensions-version",
        Text,
        "RFC 5280 4.1.2.9",
        "Only a version 3 certificate has extensions.",
        |linted| quirk(linted, Quirk::ExtensionsBeforeV3),
    ),
    Rule::profile(
        "serial-positive",
        Text,
        "RFC 5280 4.1.2.2",
        "The serial number is positive.",
        |linted| quirk(linted, Quirk::SerialNotPositive),
    ),
    Rule::profile(
        "serial-minimal",
        Text,
        "ITU-T X.690 8.3.2",
        "The serial number has no needless leading octets.",
        |linted| quirk(linted, Quirk::SerialNotMinimal),
    ),
    Rule::profile(
        "serial-length",
        Text,
        "RFC 5280 4.1.2.2",
        "The serial number has at most 20 octets.",
        |linted| {
            let length = linted.certificate.serial().len();
            Outcome::fail_with(
                (length > 20).then(|| format!("the serial number has {length} octets")),
            )
        },
    ),
    Rule::usable(
        "signature-algorithms-agree",
        Text,
        "RFC 5280 4.1.1.2",
        "The signed and the outer algorithm identifier of the signature are the same.",
        |linted| {
            Outcome::unless(
                !linted.certificate.signature_algorithms_agree(),
                "the algorithm that is signed is another than the one outside",
            )
        },
    ),
    Rule::usable(
        "signature-algorithm",
        Inferred,
        "the algorithms of RFC 4055 and RFC 5758 that are verified here",
        "The signature is RSA (PKCS #1 v1.5 or PSS) or ECDSA, with a hash of the SHA-1 or SHA-2 family as those RFCs name it.",
        signature_algorithm,
    ),
    Rule::profile(
        "signature-hash",
        Inferred,
        "no list of the profile's was found; SHA-1 collides since 2017",
        "The signature does not use SHA-1.",
        |linted| {
            Outcome::unless(
                hashes_with_sha1(linted.certificate.signature_algorithm_der()),
                "the certificate is signed with SHA-1; the policy says whether that is accepted",
            )
        },
    ),
    Rule::profile(
        "ecdsa-parameters",
        Text,
        "RFC 5758 3.2",
        "An ECDSA algorithm identifier has no parameters.",
        |linted| quirk(linted, Quirk::EcdsaParameters),
    ),
    Rule::usable(
        "issuer",
        Text,
        "RFC 5280 4.1.2.4",
        "The issuer's name is not empty.",
        |linted| {
            Outcome::unless(
                linted.certificate.issuer().is_empty(),
                "the issuer's name is empty, so no issuer can be found",
            )
        },
    ),
    Rule::usable(
        "validity-order",
        Inferred,
        "RFC 5280 4.1.2.5",
        "The validity does not end before it begins.",
        |linted| {
            let (from, to) = (
                linted.certificate.not_before(),
                linted.certificate.not_after(),
            );
            Outcome::fail_with(
                (to < from).then(|| format!("valid until {to}, before it begins, {from}")),
            )
        },
    ),
    Rule::profile(
        "validity-form",
        Text,
        "RFC 5280 4.1.2.5",
        "Times through 2049 are UTCTime, later ones GeneralizedTime, both to the second and with Z.",
        validity_form,
    ),
    Rule::profile(
        "validity-no-end",
        Text,
        "RFC 5280 4.1.2.5",
        "A certificate without an end to its validity says 9999-12-31T23:59:59Z.",
        |linted| {
            let to = linted.certificate.not_after();
            if to < YEAR_9999 {
                Outcome::NotApplicable("its validity has an end")
            } else {
                Outcome::fail_with((to != LAST_SECOND).then(|| format!("it says {to}")))
            }
        },
    ),
    Rule::profile(
        "der-default",
        Text,
        "ITU-T X.690 11.5",
        "A value that is the default is left out.",
        |linted| quirk(linted, Quirk::ExplicitDefault),
    ),
    Rule::profile(
        "der-boolean",
        Text,
        "ITU-T X.690 11.1",
        "TRUE is written as FF.",
        |linted| quirk(linted, Quirk::Boolean),
    ),
    Rule::profile(
        "der-unused-bits",
        Text,
        "ITU-T X.690 11.2.2",
        "The key usage has no trailing zero bits and says how many bits are unused.",
        |linted| quirk(linted, Quirk::UnusedBits),
    ),
    Rule::profile(
        "der-set-order",
        Text,
        "ITU-T X.690 11.6",
        "The attributes of a multi-valued RDN are in the order of their encodings.",
        |linted| quirk(linted, Quirk::SetOrder),
    ),
];

/// 2050-01-01T00:00:00Z, 9999-01-01T00:00:00Z, 9999-12-31T23:59:59Z.
const YEAR_2050: Time = Time::from_unix(2_524_608_000);
const YEAR_9999: Time = Time::from_unix(253_370_764_800);
const LAST_SECOND: Time = Time::from_unix(253_402_300_799);

fn quirk(linted: &Linted<'_>, quirk: Quirk) -> Outcome {
    Outcome::fail_with(linted.certificate.quirk(quirk))
}

fn signature_algorithm(linted: &Linted<'_>) -> Outcome {
    match signature_name(linted.certificate.signature_algorithm_der()) {
        // Not verified here: no CA of the vendors' signs with it.
        Some("ecdsa-with-SHA1") => Outcome::Fail("ECDSA with SHA-1 is not verified".to_owned()),
        Some(_) => Outcome::Pass,
        None => Outcome::Fail(format!(
            "a signature algorithm that is not verified here ({})",
            hex(linted.certificate.signature_algorithm_der())
        )),
    }
}

fn validity_form(linted: &Linted<'_>) -> Outcome {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let certificate = linted.certificate;
    let Some((from, to)) = validity(certificate.tbs_der()) else {
        return Outcome::Fail("the validity is not two times".to_owned());
    };
    for (name, field, time) in [
        ("notBefore", from, certificate.not_before()),
        ("notAfter", to, certificate.not_after()),
    ] {
        let ends_with_z = field.content.last() == Some(&b'Z');
        let what = match (field.tag, field.content.len()) {
            (UTC_TIME, 13) | (GENERALIZED_TIME, 15) if !ends_with_z => "does not end with Z",
            (UTC_TIME, 13) => continue,
            (GENERALIZED_TIME, 15) if time >= YEAR_2050 => continue,
            (GENERALIZED_TIME, 15) => "is a GeneralizedTime before 2050",
            _ => "is not written to the second",
        };
        return Outcome::Fail(format!("{name} {what}"));
    }
    Outcome::Pass
}

/// The two times as they stand. The certificate was read, so there are two.
fn validity(tbs: &[u8]) -> Option<(Tlv<'_>, Tlv<'_>)> {
    let mut fields = Tlv::parse_all(tbs, tag::SEQUENCE).ok()?.reader();
    fields.optional(0xa0).ok()?;
    for _serial_signature_issuer in 0..3 {
        fields.any().ok()?;
    }
    let mut times = fields.expect(tag::SEQUENCE).ok()?.reader();
    Some((times.any().ok()?, times.any().ok()?))
}
