use crate::der::{Reader, tag};
use crate::finding::{Code, Finding};

/// A certificate taken out of what surrounds it in a TPM's NV memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped<'a> {
    /// The DER certificate, cut at the length it states.
    pub der: &'a [u8],
    /// What surrounded it: header, OCTET STRING, padding.
    pub findings: Vec<Finding>,
}

/// TCG_PCCLIENT_STORED_CERT (`10 01`) and the type "full certificate" (`00`), then
/// a 16-bit length (TCG PC Client Specific Implementation, 7.3.2).
const STORED_CERT: [u8; 3] = [0x10, 0x01, 0x00];
/// TCG_PCCLIENT_FULL_CERT: an inner tag, which the length counts.
const FULL_CERT: [u8; 2] = [0x10, 0x02];
/// What genuine TPMs fill the rest of an NV index with: STMicroelectronics FF,
/// Nuvoton 11, others 00.
const PADDING: [u8; 3] = [0x00, 0xff, 0x11];

/// Takes an X.509 certificate out of the forms it has in NV memory: the TCG
/// header `10 01 00 len` with or without the inner tag `10 02` (TCG PC Client
/// section 7.3.2), an OCTET STRING around it, and padding of 00, FF or 11 after
/// it. `None` if there is no DER SEQUENCE that fits in `bytes`, or if what follows
/// it is not padding. After the length that a TCG header states anything may
/// follow (an Infineon TPM 1.2 has 300 more octets there); the finding says so.
pub fn unwrap_nv(bytes: &[u8]) -> Option<Unwrapped<'_>> {
    let mut findings = Vec::new();
    let mut note = |message: String| {
        findings.push(Finding::new(Code::ProfileWrapping, message, ""));
    };
    let mut body = bytes;
    if let Some(after_tag) = bytes.strip_prefix(&STORED_CERT) {
        let (length, rest) = after_tag.split_first_chunk::<2>()?;
        let (stored, after) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        body = match stored.strip_prefix(&FULL_CERT) {
            Some(inner) => {
                note("the certificate has the TCG PC Client header of 7 octets".to_owned());
                inner
            }
            None => {
                note("the certificate has the TCG PC Client header of 5 octets".to_owned());
                stored
            }
        };
        if !after.is_empty() {
            note(format!(
                "{} octets follow the length that the TCG PC Client header states",
                after.len()
            ));
        }
    }
    let mut reader = Reader::new(body);
    let mut outer = reader.any().ok()?;
    if outer.tag == tag::OCTET_STRING && outer.content.first() == Some(&tag::SEQUENCE) {
        note("the certificate is wrapped in an OCTET STRING".to_owned());
        let mut inner = outer.reader();
        outer = inner.any().ok()?;
        note_padding(inner.rest(), &mut note)?;
    }
    note_padding(reader.rest(), &mut note)?;
    (outer.tag == tag::SEQUENCE).then_some(Unwrapped {
        der: outer.whole,
        findings,
    })
}

/// Notes padding of one repeated octet; `None` if it is anything else.
fn note_padding(rest: &[u8], note: &mut impl FnMut(String)) -> Option<()> {
    let Some(&first) = rest.first() else {
        return Some(());
    };
    if !PADDING.contains(&first) || rest.iter().any(|&octet| octet != first) {
        return None;
    }
    note(format!(
        "the certificate is followed by {} octets of padding with {first:02x}",
        rest.len()
    ));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERT: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];

    fn unwrapped(parts: &[&[u8]]) -> Option<(Vec<u8>, usize)> {
        let bytes = parts.concat();
        unwrap_nv(&bytes).map(|unwrapped| {
            assert!(
                unwrapped
                    .findings
                    .iter()
                    .all(|finding| finding.code == Code::ProfileWrapping)
            );
            (unwrapped.der.to_vec(), unwrapped.findings.len())
        })
    }

    fn cert_with(findings: usize) -> Option<(Vec<u8>, usize)> {
        Some((CERT.to_vec(), findings))
    }

    #[test]
    fn bare() {
        assert_eq!(unwrapped(&[CERT]), cert_with(0));
        assert_eq!(unwrapped(&[&CERT[..4]]), None);
        assert_eq!(unwrapped(&[]), None);
        assert_eq!(unwrapped(&[&[0x31, 0]]), None);
    }

    #[test]
    fn padding() {
        for octet in [0x00, 0xff, 0x11] {
            assert_eq!(unwrapped(&[CERT, &[octet; 192]]), cert_with(1));
        }
        assert_eq!(unwrapped(&[CERT, &[0x22]]), None);
        assert_eq!(unwrapped(&[CERT, &[0x00, 0xff]]), None);
        assert_eq!(unwrapped(&[CERT, CERT]), None);
    }

    #[test]
    fn header_of_five_and_of_seven() {
        assert_eq!(unwrapped(&[&[0x10, 1, 0, 0, 5], CERT]), cert_with(1));
        assert_eq!(
            unwrapped(&[&[0x10, 1, 0, 0, 7, 0x10, 2], CERT]),
            cert_with(1)
        );
        // The length counts: what follows it may be anything, and is reported.
        assert_eq!(
            unwrapped(&[&[0x10, 1, 0, 0, 7, 0x10, 2], CERT, &[1, 2, 3]]),
            cert_with(2)
        );
        // What is inside it may be padding only.
        assert_eq!(
            unwrapped(&[&[0x10, 1, 0, 0, 7], CERT, &[0xff, 0xff]]),
            cert_with(2)
        );
        assert_eq!(unwrapped(&[&[0x10, 1, 0, 0, 7], CERT, &[1, 2]]), None);
        assert_eq!(unwrapped(&[&[0x10, 1, 0, 0, 6], CERT]), None);
        assert_eq!(unwrapped(&[&[0x10, 1, 0, 0, 4], CERT]), None);
        assert_eq!(unwrapped(&[&[0x10, 1, 0, 0]]), None);
    }

    #[test]
    fn octet_string() {
        assert_eq!(unwrapped(&[&[0x04, 5], CERT]), cert_with(1));
        assert_eq!(unwrapped(&[&[0x04, 5], CERT, &[0; 9]]), cert_with(2));
        assert_eq!(unwrapped(&[&[0x04, 3, 0x31, 1, 0]]), None);
        assert_eq!(
            unwrapped(&[&[0x10, 1, 0, 0, 7, 0x04, 5], CERT]),
            cert_with(2)
        );
    }
}
