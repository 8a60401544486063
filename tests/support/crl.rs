//! CRLs for tests, in which every field can be made wrong.

use super::pki::*;

/// A CRL to be signed.
#[derive(Clone)]
pub struct CrlSpec {
    pub issuer: Vec<u8>,
    /// Whole elements.
    pub this_update: Vec<u8>,
    pub next_update: Option<Vec<u8>>,
    pub entries: Vec<Entry>,
    pub extensions: Vec<Extension>,
    pub signer: &'static Key,
    /// Turns over one bit of the last entry's serial number after signing.
    pub corrupt_signed: bool,
}

#[derive(Clone)]
pub struct Entry {
    /// Content octets.
    pub serial: Vec<u8>,
    pub date: Vec<u8>,
    pub extensions: Vec<Extension>,
}

pub const CRL_NUMBER: &str = "2.5.29.20";
pub const ISSUING_POINT: &str = "2.5.29.28";

/// Before AT, and after it.
pub const THIS_UPDATE: &str = "240501000000Z";
pub const NEXT_UPDATE: &str = "240701000000Z";

pub const KEY_COMPROMISE: u8 = 1;
pub const HOLD: u8 = 6;
pub const REMOVE: u8 = 8;

impl CrlSpec {
    /// An empty CRL.
    pub fn new(issuer: Vec<u8>, signer: &'static Key) -> Self {
        Self {
            issuer,
            this_update: utc(THIS_UPDATE),
            next_update: Some(utc(NEXT_UPDATE)),
            entries: Vec::new(),
            extensions: vec![authority_key_id(signer), number(1)],
            signer,
            corrupt_signed: false,
        }
    }

    pub fn replace(&mut self, extension: Extension) {
        self.remove(extension.oid);
        self.extensions.push(extension);
    }

    pub fn remove(&mut self, oid: &str) {
        self.extensions.retain(|other| other.oid != oid);
    }

    pub fn der(&self) -> Vec<u8> {
        let entries: Vec<Vec<u8>> = self.entries.iter().map(Entry::der).collect();
        self.with_entries(&entries.concat())
    }

    /// The same with these entries, which are many.
    pub fn with_entries(&self, entries: &[u8]) -> Vec<u8> {
        let algorithm = self.signer.scheme().identifier();
        let mut fields = vec![
            integer(1),
            algorithm.clone(),
            self.issuer.clone(),
            self.this_update.clone(),
        ];
        fields.extend(self.next_update.clone());
        if !entries.is_empty() {
            fields.push(tlv(0x30, entries));
        }
        if !self.extensions.is_empty() {
            let list: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            fields.push(tlv(0xa0, &sequence(&list)));
        }
        let mut signed = sequence(&fields);
        let signature = self.signer.sign(self.signer.scheme(), &signed);
        if self.corrupt_signed {
            let serial = &self.entries.last().unwrap().serial;
            let at = signed
                .windows(serial.len())
                .rposition(|window| window == serial)
                .unwrap();
            signed[at] ^= 0x10;
        }
        sequence(&[
            signed,
            algorithm,
            tlv(0x03, &[&[0][..], &signature].concat()),
        ])
    }
}

impl Entry {
    pub fn new(serial: &[u8], reason: Option<u8>) -> Self {
        Self {
            serial: serial.to_vec(),
            date: utc("240415000000Z"),
            extensions: reason
                .map(|reason| extension("2.5.29.21", false, tlv(0x0a, &[reason])))
                .into_iter()
                .collect(),
        }
    }

    /// The same about a certificate of this issuer.
    pub fn of(mut self, issuer: &[u8]) -> Self {
        self.extensions
            .push(extension("2.5.29.29", true, sequence(&[directory(issuer)])));
        self
    }

    pub fn der(&self) -> Vec<u8> {
        let mut fields = vec![tlv(0x02, &self.serial), self.date.clone()];
        if !self.extensions.is_empty() {
            let list: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            fields.push(sequence(&list));
        }
        sequence(&fields)
    }
}

pub fn number(number: u8) -> Extension {
    extension(CRL_NUMBER, false, integer(number))
}

/// issuingDistributionPoint with these parts, in the order of their tags.
pub fn issuing_point(parts: &[Vec<u8>]) -> Extension {
    extension(ISSUING_POINT, true, sequence(parts))
}

/// Its flags: 1 only user certificates, 2 only CAs', 4 indirect, 5 only attribute
/// certificates.
pub fn flag(number: u8) -> Vec<u8> {
    tlv(0x80 | number, &[0xff])
}

/// The full name of a distribution point.
pub fn point_name(names: &[Vec<u8>]) -> Vec<u8> {
    tlv(0xa0, &tlv(0xa0, &names.concat()))
}

/// Reasons, in the part with this tag, by their bits.
pub fn reasons(tag: u8, numbers: &[u8]) -> Vec<u8> {
    let mut element = bits(numbers);
    element[0] = tag;
    element
}

/// cRLDistributionPoints of one point with these parts, in the order of their tags.
pub fn distribution_point(parts: &[Vec<u8>]) -> Extension {
    extension("2.5.29.31", false, sequence(&[sequence(parts)]))
}

/// cRLIssuer of a distribution point.
pub fn crl_issuer(name: &[u8]) -> Vec<u8> {
    tlv(0xa2, &directory(name))
}
