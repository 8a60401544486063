//! Textual encodings (RFC 7468), read tolerantly: lines of any length (one vendor
//! has all of a certificate in 1,233 characters), CRLF, text around the blocks.

use super::classify::{self, Material};
use super::limits::{MAX_KEYS, too_large};
use crate::finding::{Code, Error};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

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
            return Err(
                malformed("a PEM block has no end that matches its beginning", "").at(place),
            );
        };
        rest = after;
        if label.ends_with("PRIVATE KEY") {
            return Err(
                malformed("the file holds a private key; an EKpub is public only", "").at(place),
            );
        }
        if !matches!(
            label,
            "CERTIFICATE" | "X509 CERTIFICATE" | "PUBLIC KEY" | "RSA PUBLIC KEY"
        ) {
            continue;
        }
        let bytes = classify::base64(body).map_err(|why| {
            malformed("a PEM block is not base64: ", &why)
                .for_label(label)
                .at(place.clone())
        })?;
        match classify::bytes(&bytes) {
            Ok(Some(material)) => found.push(material),
            Ok(None) => {
                return Err(
                    malformed("a PEM block does not hold what its label says: ", label)
                        .for_label(label)
                        .at(place),
                );
            }
            Err(error) => return Err(super::gather::within(error, &place)),
        }
    }
    Ok(found)
}

fn malformed(what: &str, detail: &str) -> Error {
    Error::malformed(
        Code::EkpubMalformed,
        format!("{what}{detail}"),
        "export the EK certificate (CERTIFICATE) or the EKpub (PUBLIC KEY) again",
    )
}

trait ForLabel {
    fn for_label(self, label: &str) -> Self;
}

impl ForLabel for Error {
    fn for_label(mut self, label: &str) -> Self {
        if label.ends_with("CERTIFICATE") {
            self.code = Some(Code::EkcertMalformed);
        }
        self
    }
}
