//! A store of certificates as Windows serializes it (`.sst`): a head, then elements, the
//! properties of a certificate before the certificate. Each has the layout of the registry's
//! blobs ([MS-GPEF] 2.2.1.1.1.1, 2.2.1.2).

use super::limits::{MAX_CERTIFICATES, too_large};
use super::stores::{KeyProvider, StoredCertificate};
use crate::ek::Certificate;
use crate::finding::{Code, Error};
use crate::identifier::property_head;

/// Version 0, and `CERT`.
const HEAD: &[u8] = &[0, 0, 0, 0, b'C', b'E', b'R', b'T'];

/// CERT_KEY_PROV_INFO_PROP_ID.
const KEY_PROVIDER: u32 = 2;
/// CERT_FRIENDLY_NAME_PROP_ID.
const FRIENDLY_NAME: u32 = 11;
/// CERT_CERT_PROP_ID: the certificate itself. Lists of what is revoked and trusted follow
/// with the two next numbers.
const CERTIFICATE: u32 = 32;
const CRL: u32 = 33;
const CTL: u32 = 34;

/// The longest property that is read as text, in octets. A file name of Windows has less.
const MAX_TEXT: usize = 4_096;

/// Whether these are a serialized store.
pub(super) fn is_store(bytes: &[u8]) -> bool {
    bytes.starts_with(HEAD)
}

/// The certificates of a store.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<StoredCertificate>, Error> {
    let mut rest = bytes.get(HEAD.len()..).unwrap_or_default();
    let mut found: Vec<StoredCertificate> = Vec::new();
    let mut key = None;
    let mut friendly_name = None;
    loop {
        let offset = bytes.len().saturating_sub(rest.len());
        let Some((id, _, length, after)) = property_head(rest) else {
            return Err(malformed("the store ends before its last element", offset));
        };
        // The last element is all zeros.
        if id == 0 {
            return match after.is_empty() && length == 0 {
                true => Ok(found),
                false => Err(malformed("something follows the last element", offset)),
            };
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((value, next)) = after.split_at_checked(length) else {
            return Err(malformed("an element is longer than what follows", offset));
        };
        match id {
            KEY_PROVIDER => {
                key = Some(provider(value).ok_or_else(|| {
                    malformed(
                        "a property that names the provider of a key is damaged",
                        offset,
                    )
                })?)
            }
            FRIENDLY_NAME => friendly_name = text(value),
            CERTIFICATE => {
                if found.len() >= MAX_CERTIFICATES {
                    return Err(too_large(format!(
                        "there are more than {MAX_CERTIFICATES} certificates"
                    )));
                }
                let certificate = Certificate::from_der(value)
                    .map_err(|error| error.at(format!("element at byte {offset}")))?;
                found.push(StoredCertificate {
                    key: key.take(),
                    friendly_name: friendly_name.take(),
                    ..StoredCertificate::bare(certificate)
                });
            }
            CRL | CTL => {
                key = None;
                friendly_name = None;
            }
            _ => {}
        }
        rest = next;
    }
}

/// A CRYPT_KEY_PROV_INFO: seven numbers, of which the first two say where the names stand,
/// and the names ([MS-GPEF] 2.2.1.2.1).
fn provider(bytes: &[u8]) -> Option<KeyProvider> {
    let number = |index: usize| {
        let at = index.checked_mul(4)?;
        let octets = bytes.get(at..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*octets)).ok()
    };
    let name = |offset: usize| text(bytes.get(offset..)?);
    Some(KeyProvider {
        container: name(number(0)?)?,
        provider: name(number(1)?)?,
        kind: u32::try_from(number(2)?).ok()?,
    })
}

/// UTF-16, little-endian, up to the first zero.
fn text(bytes: &[u8]) -> Option<String> {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    let units: Vec<u16> = units.take(MAX_TEXT).take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units).ok()
}

fn malformed(what: &str, offset: usize) -> Error {
    Error::malformed(
        Code::EkcertMalformed,
        what,
        "export the store again: Get-ChildItem Cert:\\LocalMachine\\<STORE> | Export-Certificate -Type SST",
    )
    .at(format!("byte {offset}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &[u8] = include_bytes!("../../../testdata/revocation/root.der");

    fn element(id: u32, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap();
        let head = [id, 1, length].map(u32::to_le_bytes).concat();
        [head, value.to_vec()].concat()
    }

    fn utf16(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().chain([0]);
        units.flat_map(u16::to_le_bytes).collect()
    }

    fn store(elements: &[Vec<u8>]) -> Vec<u8> {
        [HEAD.to_vec(), elements.concat(), vec![0; 12]].concat()
    }

    fn info() -> Vec<u8> {
        let container = utf16("{key}");
        let second = u32::try_from(container.len()).unwrap().saturating_add(28);
        let numbers = [28, second, 0, 0x20, 0, 0, 0]
            .map(u32::to_le_bytes)
            .concat();
        [numbers, container, utf16("A Provider")].concat()
    }

    #[test]
    fn certificates_with_their_properties() {
        let bytes = store(&[
            element(KEY_PROVIDER, &info()),
            element(FRIENDLY_NAME, &utf16("HGS signing")),
            element(CERTIFICATE, ROOT),
            element(CERTIFICATE, ROOT),
        ]);
        assert!(is_store(&bytes));
        let found = read(&bytes).unwrap();
        let key = found[0].key.as_ref().unwrap();
        assert_eq!(
            (key.container.as_str(), key.provider.as_str(), key.kind),
            ("{key}", "A Provider", 0)
        );
        assert_eq!(found[0].friendly_name.as_deref(), Some("HGS signing"));
        // Properties are those of the certificate that follows.
        assert_eq!((&found[1].key, &found[1].friendly_name), (&None, &None));
        assert_eq!(found[1].certificate.der(), ROOT);
        assert_eq!(read(&store(&[])).unwrap().len(), 0);
    }

    #[test]
    fn damage_is_told() {
        let whole = store(&[element(KEY_PROVIDER, &info()), element(CERTIFICATE, ROOT)]);
        for end in HEAD.len()..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        assert!(read(&[whole.clone(), vec![0]].concat()).is_err());
        for bad in [
            element(KEY_PROVIDER, &info()[..27]),
            element(CERTIFICATE, &ROOT[1..]),
        ] {
            assert!(read(&store(&[bad])).is_err());
        }
        let mut huge = whole;
        huge[16..20].fill(0xff);
        assert!(read(&huge).is_err());
    }
}
