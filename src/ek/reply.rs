use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::{Certificate, unwrap_nv};
use crate::der::{decode_base64, is_pem, pem_blocks};
use crate::finding::{Code, Error};
use crate::hash::from_hex;

/// The largest reply of a service that is read, in bytes. Genuine ones have 2 KiB or
/// less, and Intel's base64 adds a third.
pub const MAX_SERVICE_REPLY_LEN: usize = 64 * 1024;

/// Padded or not, since padding that was %-escaped may have been lost on the way.
const URL_SAFE_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const HELP_REPLY: &str = "the server answered with something else than a certificate, such as a \
     page of a proxy: fetch the URL by hand (curl -fO URL) and look at it";

/// Reads what a service, or a mirror of one, answers: Intel's JSON, in which
/// `certificate` is base64url and sometimes %-escaped as well; or the certificate in
/// DER, as AMD sends it, in PEM, or wrapped as in NV memory.
///
/// What the JSON says of the key (`pubhash`) is not looked at: whether the
/// certificate is for the key that was asked for shows in the certificate.
///
/// # Errors
/// `input-too-large` above [`MAX_SERVICE_REPLY_LEN`]; `ekcert-malformed` for
/// everything that is no certificate.
pub fn read_service_reply(reply: &[u8]) -> Result<Certificate, Error> {
    if reply.len() > MAX_SERVICE_REPLY_LEN {
        return Err(Error::malformed(
            Code::InputTooLarge,
            format!("the reply has more than {MAX_SERVICE_REPLY_LEN} bytes"),
            HELP_REPLY,
        ));
    }
    if reply.trim_ascii_start().starts_with(b"{") {
        return from_certificate_bytes(&certificate_in_json(reply)?);
    }
    match std::str::from_utf8(reply) {
        Ok(text) if is_pem(text) => from_certificate_bytes(&certificate_in_pem(text)?),
        _ => from_certificate_bytes(reply),
    }
}

/// Intel's reply.
#[derive(Deserialize)]
struct Reply {
    certificate: String,
}

fn certificate_in_json(reply: &[u8]) -> Result<Vec<u8>, Error> {
    let reply: Reply = serde_json::from_slice(reply)
        .map_err(|error| malformed(format!("the reply is JSON without a certificate: {error}")))?;
    let text = unescape(&reply.certificate)
        .ok_or_else(|| malformed("a %-escape in the reply has no two hexadecimal digits"))?;
    // Other services of the kind use the standard alphabet.
    let text: Vec<u8> = text
        .into_iter()
        .map(|octet| match octet {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        })
        .collect();
    URL_SAFE_BASE64.decode(text).map_err(|error| {
        malformed(format!(
            "the certificate in the reply is no base64: {error}"
        ))
    })
}

fn certificate_in_pem(text: &str) -> Result<Vec<u8>, Error> {
    let mut blocks = pem_blocks(text).map(|block| {
        block.map_err(|block| malformed(format!("the PEM block '{}' does not end", block.label)))
    });
    let first = blocks
        .next()
        .transpose()?
        .filter(|block| block.label == "CERTIFICATE")
        .ok_or_else(|| malformed("the reply is PEM, but no certificate"))?;
    decode_base64(first.body)
        .map_err(|error| malformed(format!("the PEM block is no base64: {error}")))
}

fn from_certificate_bytes(bytes: &[u8]) -> Result<Certificate, Error> {
    let unwrapped = unwrap_nv(bytes).ok_or_else(|| {
        malformed(format!(
            "the {} bytes of the reply are no certificate",
            bytes.len()
        ))
    })?;
    Certificate::from_der(unwrapped.der).map_err(|error| Error {
        help: HELP_REPLY.to_owned(),
        ..error
    })
}

/// %-escapes undone (RFC 3986 section 2.1); `None` if one is broken.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'%' {
            out.push(octet);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        out.extend(from_hex(digits)?);
        rest = after;
    }
    Some(out)
}

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(Code::EkcertMalformed, message, HELP_REPLY)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn certificate() -> Vec<u8> {
        include_bytes!("../../testdata/cli/ek.der").to_vec()
    }

    #[test]
    fn replies_in_every_form() {
        let der = certificate();
        let base64url = URL_SAFE.encode(&der);
        let standard = STANDARD.encode(&der);
        let json = |text: &str| format!("{{\"pubhash\":\"x%3D\",\"certificate\":\"{text}\"}}");
        let escaped: String = base64url
            .bytes()
            .map(|octet| format!("%{octet:02x}"))
            .collect();
        let length = u16::try_from(der.len()).unwrap().to_be_bytes();
        let mut padded = der.clone();
        padded.extend([0xff; 9]);
        for reply in [
            json(&base64url).into_bytes(),
            json(&base64url.replace('=', "%3D")).into_bytes(),
            json(base64url.trim_end_matches('=')).into_bytes(),
            json(&escaped).into_bytes(),
            json(&standard).into_bytes(),
            format!("\r\n {}\n", json(&base64url)).into_bytes(),
            format!("-----BEGIN CERTIFICATE-----\n{standard}\n-----END CERTIFICATE-----\n")
                .into_bytes(),
            der.clone(),
            [&[0x10, 1, 0][..], &length, &der].concat(),
            padded,
        ] {
            let certificate = read_service_reply(&reply).unwrap();
            assert_eq!(certificate.der(), der);
        }
    }

    #[test]
    fn replies_that_are_no_certificate() {
        let der = certificate();
        let json = |text: &str| format!("{{\"certificate\":\"{text}\"}}").into_bytes();
        for reply in [
            Vec::new(),
            b"<html>sign in</html>".to_vec(),
            b"{".to_vec(),
            b"{}".to_vec(),
            b"{\"certificate\":7}".to_vec(),
            json(""),
            json("%"),
            json("%3"),
            json("%zz"),
            json("%+1"),
            json("?"),
            json("AAAA"),
            json(&URL_SAFE.encode(&der[..der.len() - 1])),
            der[..der.len() - 1].to_vec(),
            [&der[..], b"more"].concat(),
            b"-----BEGIN CERTIFICATE-----\nAAAA".to_vec(),
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_vec(),
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".to_vec(),
            b"-----BEGIN ".to_vec(),
        ] {
            let error = read_service_reply(&reply).unwrap_err();
            assert_eq!(
                error.code,
                Some(Code::EkcertMalformed),
                "{}",
                String::from_utf8_lossy(&reply)
            );
            assert_eq!(error.help, HELP_REPLY);
        }
        let error = read_service_reply(&vec![b' '; MAX_SERVICE_REPLY_LEN + 1]).unwrap_err();
        assert_eq!(error.code, Some(Code::InputTooLarge));
    }
}
