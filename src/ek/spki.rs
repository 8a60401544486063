//! SubjectPublicKeyInfo (RFC 5280 4.1.2.7) and RSAPublicKey (RFC 8017 A.1.1).

use ::der::oid::ObjectIdentifier;

use super::public_key::{Curve, EkPub};
use super::wire::HELP;
use crate::der::{Tlv, TlvError, subrange, tag};
use crate::finding::{Code, Error, Fault};

/// rsaEncryption (RFC 8017 appendix C).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-RSAES-OAEP (RFC 8017 appendix C): EKs of the TPM 1.2 era carry it.
const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
/// id-RSASSA-PSS (RFC 8017 appendix C): keys that may only sign, so never an EK.
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// id-ecPublicKey (RFC 5480 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The named curves (RFC 5480 2.1.1.1).
const CURVES: [(ObjectIdentifier, Curve); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

impl EkPub {
    /// Reads a SubjectPublicKeyInfo that fills `der` exactly. The algorithm may be
    /// rsaEncryption, id-RSAES-OAEP with any parameters (old EKs), or
    /// id-ecPublicKey with a named curve and an uncompressed point.
    ///
    /// # Errors
    /// `ekpub-malformed`.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let at = |error: TlvError, rest: &[u8]| broken("SubjectPublicKeyInfo", error, der, rest);
        let spki = Tlv::parse_all(der, tag::SEQUENCE).map_err(|error| at(error, der))?;
        let mut reader = spki.reader();
        let algorithm = reader
            .expect(tag::SEQUENCE)
            .map_err(|error| at(error, spki.content))?;
        let rest = reader.rest();
        let key = reader
            .expect(tag::BIT_STRING)
            .map_err(|error| at(error, rest))?;
        let rest = reader.rest();
        reader.finish().map_err(|error| at(error, rest))?;

        let mut reader = algorithm.reader();
        let oid = reader
            .expect(tag::OID)
            .map_err(|error| at(error, algorithm.content))?;
        let parameters = reader.rest();
        let Some((0, octets)) = key.content.split_first().map(|(unused, o)| (*unused, o)) else {
            return Err(malformed(
                "a SubjectPublicKeyInfo cannot be read: its BIT STRING is not a whole number of octets",
                der,
                key.content,
            ));
        };
        match ObjectIdentifier::from_bytes(oid.content) {
            // Parameters of rsaEncryption should be NULL and those of OAEP name a
            // hash and a label; neither changes which key this is.
            Ok(RSA_ENCRYPTION | RSAES_OAEP) => from_pkcs1_in(octets, der),
            Ok(EC_PUBLIC_KEY) => from_ec_point(parameters, octets, der),
            Ok(RSASSA_PSS) => Err(unsupported(
                "the key is restricted to RSASSA-PSS signatures, so it is no endorsement key, which must decrypt"
                    .to_owned(),
            )),
            Ok(other) => Err(unsupported(format!(
                "a public key with algorithm {other}; endorsement keys are RSA or elliptic-curve keys"
            ))),
            Err(_) => Err(malformed(
                "a SubjectPublicKeyInfo cannot be read: its algorithm is no object identifier",
                der,
                oid.content,
            )),
        }
    }

    /// Reads an RSAPublicKey (RFC 8017 A.1.1) that fills `der` exactly.
    ///
    /// # Errors
    /// `ekpub-malformed`.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, Error> {
        from_pkcs1_in(der, der)
    }
}

/// Whether the algorithm of a SubjectPublicKeyInfo is id-RSAES-OAEP.
pub(super) fn is_oaep(der: &[u8]) -> bool {
    let oid = Tlv::parse_all(der, tag::SEQUENCE)
        .and_then(|spki| spki.reader().expect(tag::SEQUENCE))
        .and_then(|algorithm| algorithm.reader().expect(tag::OID));
    oid.is_ok_and(|oid| oid.content == RSAES_OAEP.as_bytes())
}

/// The canonical SubjectPublicKeyInfo of an RSA key.
pub(super) fn encode_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = element(tag::SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]);
    let algorithm = element(
        tag::SEQUENCE,
        &[
            &element(tag::OID, &[RSA_ENCRYPTION.as_bytes()]),
            &element(NULL, &[]),
        ],
    );
    element(
        tag::SEQUENCE,
        &[&algorithm, &element(tag::BIT_STRING, &[&[0], &key])],
    )
}

/// The canonical SubjectPublicKeyInfo of an elliptic-curve key.
pub(super) fn encode_ec(curve: Curve, x: &[u8], y: &[u8]) -> Vec<u8> {
    let named = CURVES
        .iter()
        .find_map(|(oid, named)| (*named == curve).then_some(oid.as_bytes()))
        .unwrap_or_default();
    let algorithm = element(
        tag::SEQUENCE,
        &[
            &element(tag::OID, &[EC_PUBLIC_KEY.as_bytes()]),
            &element(tag::OID, &[named]),
        ],
    );
    element(
        tag::SEQUENCE,
        &[
            &algorithm,
            &element(tag::BIT_STRING, &[&[0, UNCOMPRESSED], x, y]),
        ],
    )
}

fn from_pkcs1_in(der: &[u8], input: &[u8]) -> Result<EkPub, Error> {
    let at = |error: TlvError, rest: &[u8]| broken("RSAPublicKey", error, input, rest);
    let key = Tlv::parse_all(der, tag::SEQUENCE).map_err(|error| at(error, der))?;
    let mut reader = key.reader();
    let modulus = reader
        .expect(tag::INTEGER)
        .map_err(|error| at(error, key.content))?;
    let rest = reader.rest();
    let exponent = reader
        .expect(tag::INTEGER)
        .map_err(|error| at(error, rest))?;
    let rest = reader.rest();
    reader.finish().map_err(|error| at(error, rest))?;
    for number in [modulus, exponent] {
        if number.content.first().is_none_or(|&first| first >= 0x80) {
            return Err(malformed(
                "an RSAPublicKey cannot be read: a number in it is negative or empty",
                input,
                number.content,
            ));
        }
    }
    EkPub::from_rsa(modulus.content, exponent.content)
}

fn from_ec_point(parameters: &[u8], point: &[u8], input: &[u8]) -> Result<EkPub, Error> {
    let oid = Tlv::parse_all(parameters, tag::OID).map_err(|_| {
        unsupported(
            "the key's curve is not given by name (RFC 5480 2.1.1 asks for a named curve)"
                .to_owned(),
        )
    })?;
    let curve = CURVES
        .iter()
        .find_map(|(known, curve)| (known.as_bytes() == oid.content).then_some(*curve))
        .ok_or_else(|| {
            let name = ObjectIdentifier::from_bytes(oid.content)
                .map_or_else(|_| "unreadable".to_owned(), |oid| oid.to_string());
            unsupported(format!(
                "a key on curve {name}; TPM keys on NIST P-256, P-384 and P-521 are read"
            ))
        })?;
    match point.split_first() {
        Some((&INFINITY, [])) => Err(Error::malformed(
            Code::WeakKeyPoint,
            "the public key is the point at infinity, which is no key: every secret shared with it is \
             known",
            "no TPM makes such a key; take the EKpub from the TPM again",
        )),
        Some((&UNCOMPRESSED, xy)) if xy.len() == curve.field_len().saturating_mul(2) => {
            let (x, y) = xy.split_at(curve.field_len());
            EkPub::from_point(curve, x, y)
        }
        Some((2 | 3, x)) if x.len() == curve.field_len() => Err(unsupported(
            "the point is compressed; only uncompressed points (04 x y) are read".to_owned(),
        )),
        _ => Err(malformed(
            "a SubjectPublicKeyInfo cannot be read: its point has the wrong length or form",
            input,
            point,
        )),
    }
}

/// SEC 1 2.3.3: the first octet of an uncompressed point.
const UNCOMPRESSED: u8 = 4;
/// SEC 1 2.3.3: the only octet of the point at infinity.
const INFINITY: u8 = 0;
const NULL: u8 = 0x05;

/// An INTEGER that is not negative.
fn unsigned(number: &[u8]) -> Vec<u8> {
    match number.first() {
        Some(first) if *first < 0x80 => element(tag::INTEGER, &[number]),
        _ => element(tag::INTEGER, &[&[0], number]),
    }
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let octets = content.len().to_be_bytes();
    let length = super::public_key::strip_zeros(&octets);
    let mut out = vec![tag];
    match length {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            // At most eight octets, so this is a valid long form (X.690 8.1.3.5).
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(&content);
    out
}

fn broken(structure: &str, error: TlvError, input: &[u8], place: &[u8]) -> Error {
    malformed(
        &format!("{structure} cannot be read: {error}"),
        input,
        place,
    )
}

fn malformed(message: &str, input: &[u8], place: &[u8]) -> Error {
    let error = Error::malformed(Code::EkpubMalformed, message, HELP);
    match subrange(input, place) {
        Some(range) => error.at(format!("byte {}", range.start)),
        None => error,
    }
}

fn unsupported(message: String) -> Error {
    Error {
        code: Some(Code::EkpubMalformed),
        ..Error::new(
            Fault::Unsupported,
            message,
            "check that this is the TPM's endorsement key; it is an RSA key, or a point on P-256, \
             P-384 or P-521",
        )
    }
}
