//! Files of which only the content says what they are.

use super::Dump;
use super::files::area_of;
use crate::ek::{Certificate, Encoding, Template, TpmPublic};
use crate::identifier::{Identifier, Kind};

/// The NV indices for chains of certificates (TCG EK Credential Profile, 2.2).
const CHAIN_INDICES: std::ops::Range<u32> = 0x01c0_0100..0x01c0_0200;

impl Dump {
    /// Takes an EKcert in any form, a CA certificate, or the public area of an EK.
    pub(super) fn take_loose(&mut self, name: &str, content: &[u8]) {
        let read = match Identifier::read(content) {
            Ok(read) => read,
            Err(_) => return self.note(name, "is nothing that a TPM gives, passed over"),
        };
        match read.kind {
            Kind::EkCert => {
                for found in &read.ekcerts {
                    self.take_certificate(name, &found.certificate);
                }
            }
            Kind::EkPub => self.take_key(name, content, &read),
            _ => self.note(name, "is a platform identifier, passed over"),
        }
    }

    fn take_certificate(&mut self, name: &str, certificate: &Certificate) {
        let constraints = certificate.extensions().basic_constraints;
        let is_free = |index: &u32| !self.nv.contains_key(index);
        let index = if constraints.is_some_and(|constraints| constraints.ca) {
            CHAIN_INDICES.into_iter().find(is_free)
        } else {
            let algorithm = certificate.key_algorithm();
            Template::ALL
                .iter()
                .filter(|template| Some(template.algorithm) == algorithm)
                .map(|template| template.certificate_index)
                .find(is_free)
        };
        match index {
            Some(index) => {
                self.nv.insert(index, Ok(certificate.der().to_vec()));
                self.note(
                    name,
                    &format!("names no NV index; taken as what was at {index:#010x}"),
                );
            }
            None => self.note(
                name,
                "is a certificate for which a TPM has no place left, passed over",
            ),
        }
    }

    fn take_key(&mut self, name: &str, content: &[u8], read: &Identifier) {
        if !is_area(read) {
            return self.note(
                name,
                "is a key without the TPM's attributes, passed over: save it with -f tss",
            );
        }
        match TpmPublic::from_tpmt(area_of(content)) {
            Ok(key) if is_ek(&key) => self.loose.push(key),
            _ => self.note(name, "is a key made from no template of an EK, passed over"),
        }
    }
}

/// Whether it is a key, but no public area of a TPM.
pub(super) fn is_bare_key(content: &[u8]) -> bool {
    let read = Identifier::read(content);
    read.is_ok_and(|read| read.kind == Kind::EkPub && !is_area(&read))
}

fn is_area(read: &Identifier) -> bool {
    let mut keys = read.ekpubs.iter();
    keys.any(|entry| matches!(entry.encoding, Encoding::Tpm2bPublic | Encoding::TpmtPublic))
}

fn is_ek(key: &TpmPublic) -> bool {
    let mut templates = Template::ALL.iter();
    templates.any(|template| {
        template
            .public_area(None)
            .is_some_and(|area| key.fits(&area))
    })
}
