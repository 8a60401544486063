//! Textual encodings (RFC 7468), read tolerantly: lines of any length (one vendor
//! has all of a certificate in 1,233 characters), CRLF, text around the blocks.

use super::classify::{self, Material};
use super::gather::within;
use super::limits::{MAX_KEYS, too_large};
use crate::finding::{Code, Error};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// The labels of blocks that are read; what is in them is told by its content.
const LABELS: [&str; 4] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
];

/// Whether there is a block in the text.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The EK material in the blocks of a text. Blocks of other kinds (a CRL, a
/// request) are passed over; a private key is refused.
pub(super) fn materials(text: &str) -> Result<Vec<Material>, Error> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut number = 0usize;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        number = number.saturating_add(1);
        if number > MAX_KEYS {
            return Err(too_large(format!(
                "there are more than {MAX_KEYS} PEM blocks"
            )));
        }
        let place = format!("PEM block {number}");
        let block = after.split_once(DASHES).and_then(|(label, after)| {
            let (body, after) = after.split_once(END)?;
            let (end_label, after) = after.split_once(DASHES)?;
            (label == end_label).then_some((label, body, after))
        });
        let Some((label, body, after)) = block else {
            let label = after.split(DASHES).next().unwrap_or_default();
            let what = "a PEM block has no end that matches its beginning";
            return Err(malformed(label, what).at(place));
        };
        rest = after;
        if label.ends_with("PRIVATE KEY") {
            let what = "the input holds a private key; an EKpub is public only";
            return Err(malformed(label, what).at(place));
        }
        if !LABELS.contains(&label) {
            continue;
        }
        let bytes = classify::base64(body).map_err(|why| {
            malformed(label, &format!("a PEM block is not base64: {why}")).at(place.clone())
        })?;
        match classify::bytes(&bytes).map_err(|error| within(error, &place))? {
            Some(material) => found.push(material),
            None => {
                let what = format!("a PEM block labelled {label} holds something else");
                return Err(malformed(label, &what).at(place));
            }
        }
    }
    Ok(found)
}

fn malformed(label: &str, what: &str) -> Error {
    let code = match label.ends_with("CERTIFICATE") {
        true => Code::EkcertMalformed,
        false => Code::EkpubMalformed,
    };
    Error::malformed(
        code,
        what,
        "export the EK certificate (CERTIFICATE) or the EKpub (PUBLIC KEY) again",
    )
}
