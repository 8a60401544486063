//! Key usages and purposes in words, and in the two ways in which Windows counts them.

use ::der::oid::ObjectIdentifier;

use crate::ek::KeyUsage;

/// id-kp-serverAuth (RFC 5280 4.2.1.12).
pub const SERVER_AUTHENTICATION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// id-kp-clientAuth (RFC 5280 4.2.1.12).
pub const CLIENT_AUTHENTICATION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// anyExtendedKeyUsage (RFC 5280 4.2.1.12).
pub(in crate::diagnose) const ANY_PURPOSE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// What a key may be used for by the flags of a CNG key (`NCRYPT_ALLOW_…` of ncrypt.h).
const CNG_USAGES: [(u8, &str); 3] = [(1, "decrypt"), (2, "sign"), (4, "key agreement")];

/// The names of these bits of key usage: `digitalSignature, dataEncipherment`.
pub fn key_usage_in_words(bits: u16) -> String {
    let names = KeyUsage::names(bits);
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// The first octet of the BIT STRING of key usage, as certutil, certreq and templates have
/// it: `0xa0` is digitalSignature and keyEncipherment.
pub fn key_usage_octet(bits: u16) -> u8 {
    bits.to_le_bytes()[0].reverse_bits()
}

/// The bits of key usage that these octets of a BIT STRING stand for.
pub(super) fn key_usage_of_octets(first: u8, second: u8) -> u16 {
    u16::from_le_bytes([first.reverse_bits(), second.reverse_bits()])
}

/// What a CNG key may be used for by this key usage property.
pub fn cng_usage_in_words(octet: u8) -> String {
    let mut words: Vec<String> = CNG_USAGES
        .iter()
        .filter(|(bit, _)| octet & bit != 0)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let rest = CNG_USAGES.iter().fold(octet, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        words.push(format!("{rest:#04x} (no documented flag)"));
    }
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(", "),
    }
}

/// A purpose by name where it is one that matters here, else in digits.
pub fn purpose_in_words(purpose: &ObjectIdentifier) -> String {
    match *purpose {
        SERVER_AUTHENTICATION => "serverAuth".to_owned(),
        CLIENT_AUTHENTICATION => "clientAuth".to_owned(),
        ANY_PURPOSE => "anyExtendedKeyUsage".to_owned(),
        other => other.to_string(),
    }
}

/// Purposes, one after the other.
pub fn purposes_in_words(purposes: &[ObjectIdentifier]) -> String {
    match purposes {
        [] => "none".to_owned(),
        some => some
            .iter()
            .map(purpose_in_words)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// digitalSignature and dataEncipherment.
pub(super) const BOTH: u16 = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::DATA_ENCIPHERMENT;
/// What the table for templates asks for: the octet 0xb0.
pub(super) const ADCS: u16 = BOTH | KeyUsage::KEY_ENCIPHERMENT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_those_of_windows() {
        assert_eq!(key_usage_octet(BOTH), 0x90);
        assert_eq!(key_usage_octet(ADCS), 0xb0);
        assert_eq!(
            key_usage_in_words(key_usage_of_octets(0xa0, 0)),
            "digitalSignature, keyEncipherment"
        );
        assert_eq!(
            key_usage_in_words(key_usage_of_octets(0x13, 0)),
            "dataEncipherment, cRLSign, encipherOnly"
        );
        assert_eq!(
            key_usage_in_words(key_usage_of_octets(0, 0x80)),
            "decipherOnly"
        );
        assert_eq!(key_usage_in_words(0), "none");
    }

    #[test]
    fn the_other_reading_is_that_of_cng() {
        assert_eq!(
            cng_usage_in_words(0x13),
            "decrypt, sign, 0x10 (no documented flag)"
        );
        assert_eq!(cng_usage_in_words(0xa0), "0xa0 (no documented flag)");
        assert_eq!(cng_usage_in_words(3), "decrypt, sign");
        assert_eq!(cng_usage_in_words(0), "nothing");
    }
}
