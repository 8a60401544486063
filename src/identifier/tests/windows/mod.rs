//! What Windows stores and prints.

mod blob;
mod ek_info;
mod registry;

use super::*;
use crate::hash::{hex, sha1_thumbprint};

/// One property of a certificate blob.
pub(in crate::identifier) fn property(id: u32, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    [
        &id.to_le_bytes()[..],
        &1u32.to_le_bytes(),
        &length.to_le_bytes(),
        value,
    ]
    .concat()
}

/// A blob as Windows writes it: digest, length of the key, certificate.
fn blob(der: &[u8]) -> Vec<u8> {
    [
        property(3, &sha1_thumbprint(der).0),
        property(92, &[0, 8, 0, 0]),
        property(32, der),
    ]
    .concat()
}

/// A file of each kind.
pub(in crate::identifier) fn files() -> Vec<Vec<u8>> {
    let utf16 = format!("\u{feff}{}", registry::whole_file());
    vec![
        blob(&cert_der()),
        registry::whole_file().into_bytes(),
        utf16.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        registry::whole_query().into_bytes(),
        ek_info::whole_json().into_bytes(),
        ek_info::clixml().into_bytes(),
    ]
}

fn thumbprint(der: &[u8]) -> String {
    sha1_thumbprint(der).to_string().to_uppercase()
}

/// Written and read again it is the same.
fn assert_survives(identifier: &Identifier) {
    for text in [identifier.to_json(), identifier.to_xml()] {
        let again = read(&text);
        let keys = |i: &Identifier| i.ekpubs.iter().map(|e| e.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&again), keys(identifier));
        let ders = |i: &Identifier| {
            let certificates = i.ekcerts.iter();
            certificates
                .map(|entry| entry.certificate.der().to_vec())
                .collect::<Vec<_>>()
        };
        assert_eq!(ders(&again), ders(identifier));
    }
}
