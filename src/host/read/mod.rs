//! Which certificates and keys of a TPM are its endorsement keys', and what is missing.

mod advice;
mod chain;
mod locate;
mod templates;
#[cfg(test)]
mod tests;

pub(super) use advice::{missing, unusable};
pub use locate::Place;
pub(super) use locate::{every_place, locate};

use super::{EkChoice, KeySource, NvCertificate, TpmContents, TpmDevice, TpmKey, TpmTrouble};
use crate::ek::{Certificate, EkPub, Template, TpmPublic, unwrap_nv};
use crate::finding::{Code, Error, Finding, Severity};

/// The most persistent objects that are looked at; TPMs have room for a dozen or two.
const MAX_PERSISTENT: usize = 256;
/// The certificate of an SM2 key (H-5), which is taken along but not compared with the
/// key: no EKpub of that kind is read here.
const SM2_INDEX: u32 = 0x01c0_001a;

const HELP_NO_SUCH_KEY: &str = "not every TPM has keys of every kind, and a dump only those \
     that were asked for when it was made: leave out --ek, or name another. If the endorsement hierarchy is disabled or has a password (tpm2_getcap \
     properties-variable), clear it in the firmware setup";
const HELP_REFUSED: &str = "the endorsement hierarchy may be disabled or have a password \
     (tpm2_getcap properties-variable); clear it in the firmware setup, or make the key \
     persistent with tpm2_createek; if this is a dump, save the key as well (tpm2_createek -u)";

/// Reads endorsement keys, their certificates and what the TPM says about itself.
/// Nothing in the TPM is changed.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops
/// answering, or shows neither a key nor a certificate.
pub fn read_tpm(tpm: &mut dyn TpmDevice, choice: EkChoice) -> Result<TpmContents, Error> {
    let mut reading = Reading::of(tpm);
    reading.contents.facts = answer(reading.tpm.facts())?.unwrap_or_default();
    reading.lockout();
    reading.indices = answer(reading.tpm.nv_indices())?.unwrap_or_default();
    reading.certificates(choice)?;
    reading.chain()?;
    reading.keys_of_certificates()?;
    let has_a_key = |found: &NvCertificate| found.certificate.key_algorithm().is_some();
    if !reading.contents.certificates.iter().any(has_a_key) {
        reading.key_without_certificate(choice)?;
    }
    Ok(reading.contents)
}

/// A refusal is an answer; only a TPM that is lost is an error.
fn answer<T>(result: Result<T, TpmTrouble>) -> Result<Result<T, String>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(TpmTrouble::Refused(why)) => Ok(Err(why)),
        Err(TpmTrouble::Lost(error)) => Err(error),
    }
}

struct Reading<'a> {
    tpm: &'a mut dyn TpmDevice,
    indices: Vec<u32>,
    persistent: Option<Vec<(u32, TpmPublic)>>,
    contents: TpmContents,
}

/// What the search for a certificate's key came to.
enum Search {
    /// The TPM has it.
    Found(TpmKey),
    /// The TPM has this one in its place.
    Other(TpmKey),
    /// The TPM would not show it.
    Refused(String),
}

impl<'a> Reading<'a> {
    fn of(tpm: &'a mut dyn TpmDevice) -> Self {
        Self {
            tpm,
            indices: Vec::new(),
            persistent: None,
            contents: TpmContents::default(),
        }
    }

    fn find(&mut self, code: Code, message: String, help: &str) {
        self.contents
            .findings
            .push(Finding::new(code, message, help));
    }

    fn lockout(&mut self) {
        if self.contents.facts.in_lockout == Some(true) {
            let finding = advice::lockout(&self.contents.facts);
            self.contents.findings.push(finding);
        }
    }

    fn certificates(&mut self, choice: EkChoice) -> Result<(), Error> {
        let mut wanted: Vec<u32> = Template::ALL
            .iter()
            .filter(|template| choice.takes(template.algorithm))
            .map(|template| template.certificate_index)
            .chain((choice == EkChoice::Auto).then_some(SM2_INDEX))
            .filter(|index| self.indices.contains(index))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for index in wanted {
            self.certificate(index)?;
        }
        Ok(())
    }

    fn certificate(&mut self, index: u32) -> Result<(), Error> {
        let content = match answer(self.tpm.nv_read(index))? {
            Ok(content) => content,
            Err(why) => {
                self.find(
                    Code::EkcertMissing,
                    format!("the TPM does not let NV index {index:#010x} be read: {why}"),
                    advice::HELP_UNREADABLE,
                );
                return Ok(());
            }
        };
        if content.iter().all(|&byte| matches!(byte, 0x00 | 0xff)) {
            self.find(
                Code::EkcertMissing,
                format!("NV index {index:#010x} is there, but nothing is in it"),
                advice::HELP_EMPTY,
            );
            return Ok(());
        }
        let Some(unwrapped) = unwrap_nv(&content) else {
            self.find(
                Code::EkcertMalformed,
                format!(
                    "the {} bytes at NV index {index:#010x} are no certificate",
                    content.len()
                ),
                "ask the manufacturer of the TPM; 'tpm2_nvread' shows the bytes",
            );
            return Ok(());
        };
        match Certificate::from_der(unwrapped.der) {
            Ok(certificate) => {
                self.contents.findings.extend(unwrapped.findings);
                self.contents
                    .certificates
                    .push(NvCertificate { index, certificate });
            }
            Err(error) => {
                let place = match &error.location {
                    Some(place) => format!("NV index {index:#010x}, {place}"),
                    None => format!("NV index {index:#010x}"),
                };
                self.contents.findings.push(error.at(place).into());
            }
        }
        Ok(())
    }

    fn keys_of_certificates(&mut self) -> Result<(), Error> {
        for found in self.contents.certificates.clone() {
            let index = found.index;
            let key = match found.certificate.public_key() {
                Ok(key) => key,
                Err(_) if index == SM2_INDEX => {
                    self.contents.findings.push(
                        Finding::new(
                            Code::AlgorithmUnsupported,
                            format!(
                                "the certificate at NV index {index:#010x} is for an SM2 key; it \
                                 is in the identifier, but its key is of a kind that is not \
                                 compared with it here"
                            ),
                            "nothing to do if the TPM has another key with a certificate",
                        )
                        .with_severity(Severity::Info),
                    );
                    continue;
                }
                Err(error) => {
                    self.contents.findings.push(error.into());
                    continue;
                }
            };
            let known = &self.contents.keys;
            if known.iter().any(|other| other.public.key == key) {
                continue;
            }
            match self.search(index, &key)? {
                Search::Found(key) => self.keep(key),
                Search::Other(other) => {
                    self.find(
                        Code::KeyMismatch,
                        format!(
                            "the certificate at NV index {index:#010x} is for the key {}, but \
                             the TPM's key is {}{}",
                            key.spki_sha256(),
                            other.public.key.spki_sha256(),
                            advice::about_the_seed(&self.contents.facts)
                        ),
                        advice::HELP_MISMATCH,
                    );
                    self.keep(other);
                }
                Search::Refused(why) => self.contents.findings.push(
                    Finding::new(
                        Code::NoEkpub,
                        format!(
                            "the TPM does not show the key for the certificate at NV index \
                             {index:#010x}: {why}"
                        ),
                        HELP_REFUSED,
                    )
                    .with_severity(Severity::Warning),
                ),
            }
        }
        Ok(())
    }

    fn keep(&mut self, key: TpmKey) {
        let known = &mut self.contents.keys;
        if !known.iter().any(|other| other.public.key == key.public.key) {
            known.push(key);
        }
    }

    /// The key of a certificate: among the persistent objects, else made anew, from the
    /// templates for its index or else from others for keys of its kind.
    fn search(&mut self, index: u32, wanted: &EkPub) -> Result<Search, Error> {
        for (handle, public) in self.persistent()? {
            if public.key == *wanted {
                return Ok(Search::Found(TpmKey {
                    public,
                    source: KeySource::Persistent(handle),
                }));
            }
        }
        let mut other = None;
        let mut refusal = "no template is known for it".to_owned();
        for (label, template) in self.templates(index)? {
            match self.make(label, &template)? {
                Ok(key) if key.public.key == *wanted => return Ok(Search::Found(key)),
                // The most special template is the one that counts.
                Ok(key) => other = other.or(Some(key)),
                Err(why) => refusal = why,
            }
        }
        for elsewhere in self.indices_for(EkChoice::Only(wanted.algorithm()))? {
            if elsewhere == index {
                continue;
            }
            for (label, template) in self.templates(elsewhere)? {
                match self.make(label, &template)? {
                    Ok(key) if key.public.key == *wanted => return Ok(Search::Found(key)),
                    _ => {}
                }
            }
        }
        Ok(other.map_or(Search::Refused(refusal), Search::Other))
    }

    /// Every persistent key, read once.
    fn persistent(&mut self) -> Result<Vec<(u32, TpmPublic)>, Error> {
        if let Some(known) = &self.persistent {
            return Ok(known.clone());
        }
        let mut known = Vec::new();
        let handles = answer(self.tpm.persistent_handles())?.unwrap_or_default();
        for handle in handles.into_iter().take(MAX_PERSISTENT) {
            if let Ok(area) = answer(self.tpm.read_public(handle))?
                && let Ok(public) = TpmPublic::from_tpmt(&area)
            {
                known.push((handle, public));
            }
        }
        self.persistent = Some(known.clone());
        Ok(known)
    }

    fn make(&mut self, label: String, template: &[u8]) -> Result<Result<TpmKey, String>, Error> {
        let area = match answer(self.tpm.create_primary(template))? {
            Ok(area) => area,
            Err(why) => return Ok(Err(why)),
        };
        Ok(TpmPublic::from_tpmt(&area)
            .map(|public| TpmKey {
                public,
                source: KeySource::Template(label),
            })
            .map_err(|error| error.to_string()))
    }

    /// The certificate indices of the templates for a choice. Of two templates for one kind
    /// of key (L-1 and H-1) that one comes first whose key the TPM keeps at hand.
    fn indices_for(&mut self, choice: EkChoice) -> Result<Vec<u32>, Error> {
        let persistent = self.persistent()?;
        let kind = |template: &Template| {
            let mut all = Template::ALL.iter();
            all.position(|other| other.algorithm == template.algorithm)
        };
        let is_at_hand = |template: &Template| {
            persistent.iter().any(|(_, public)| {
                template.public_area(Some(&public.key)).as_deref() == Some(public.tpmt())
            })
        };
        let mut templates: Vec<&Template> = Template::ALL
            .iter()
            .filter(|template| choice.takes(template.algorithm))
            .collect();
        templates.sort_by_key(|template| (kind(template), !is_at_hand(template)));
        let mut indices = Vec::new();
        for template in templates {
            if !indices.contains(&template.certificate_index) {
                indices.push(template.certificate_index);
            }
        }
        Ok(indices)
    }

    /// The key of a TPM without certificates. One made from a template is certain to be
    /// the EK; a persistent one only looks like it.
    fn key_without_certificate(&mut self, choice: EkChoice) -> Result<(), Error> {
        let mut refusal = "no template is known for it".to_owned();
        let mut found = None;
        'indices: for index in self.indices_for(choice)? {
            for (label, template) in self.templates(index)? {
                match self.make(label, &template)? {
                    // A template of the TPM's own may be for another kind of key.
                    Ok(key) if choice.takes(key.public.key.algorithm()) => {
                        found = Some(key);
                        break 'indices;
                    }
                    Ok(_) => {}
                    Err(why) => refusal = why,
                }
            }
        }
        if found.is_none() {
            let fits = |public: &TpmPublic| {
                let mut templates = Template::ALL.iter();
                choice.takes(public.key.algorithm())
                    && templates.any(|template| {
                        template.public_area(Some(&public.key)).as_deref() == Some(public.tpmt())
                    })
            };
            found = self
                .persistent()?
                .into_iter()
                .find(|(_, public)| fits(public))
                .map(|(handle, public)| TpmKey {
                    public,
                    source: KeySource::Persistent(handle),
                });
        }
        let Some(key) = found else {
            return Err(match choice {
                EkChoice::Auto => Error::environment(
                    format!("the TPM shows no endorsement key: {refusal}"),
                    HELP_REFUSED,
                ),
                EkChoice::Only(algorithm) => Error::environment(
                    format!("the TPM shows no {algorithm} endorsement key: {refusal}"),
                    HELP_NO_SUCH_KEY,
                ),
            });
        };
        let keeps_some = Template::ALL.iter().any(|template| {
            choice.takes(template.algorithm) && self.indices.contains(&template.certificate_index)
        });
        let finding = match keeps_some {
            true => unusable(&key.public.key),
            false => missing(&self.contents.facts, &key.public.key),
        };
        self.contents.findings.push(finding);
        self.keep(key);
        Ok(())
    }
}
