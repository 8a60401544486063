//! EK material in PEM.

use super::classify::{self, Material};
use super::gather::within;
use super::limits::{MAX_KEYS, too_large};
use crate::der::{PemBlock, decode_base64, pem_blocks};
use crate::finding::{Code, Error};

/// The labels of blocks that are read; what is in them is told by its content.
const LABELS: [&str; 4] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
];

/// The EK material in the blocks of a text. Blocks of other kinds (a CRL, a
/// request) are passed over; a private key is refused.
pub(super) fn materials(text: &str) -> Result<Vec<Material>, Error> {
    let mut found = Vec::new();
    for (number, block) in (1usize..).zip(pem_blocks(text)) {
        if number > MAX_KEYS {
            return Err(too_large(format!(
                "there are more than {MAX_KEYS} PEM blocks"
            )));
        }
        let place = format!("PEM block {number}");
        let PemBlock { label, body } = block.map_err(|unended| {
            let what = "a PEM block has no end that matches its beginning";
            malformed(unended.label, what).at(place.clone())
        })?;
        if label.ends_with("PRIVATE KEY") {
            let what = "the input holds a private key; an EKpub is public only";
            return Err(malformed(label, what).at(place));
        }
        if !LABELS.contains(&label) {
            continue;
        }
        let bytes = decode_base64(body).map_err(|why| {
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
