use super::ekcert_service::{HELP_MISSING, missing};
use super::{EkChoice, KeySource, NvCertificate, TpmContents, TpmDevice, TpmKey, TpmTrouble};
use crate::ek::{Certificate, EkPub, Template, TpmPublic, unwrap_nv};
use crate::finding::{Code, Error, Finding};

/// The most persistent objects that are looked at; TPMs have room for a dozen or two.
const MAX_PERSISTENT: usize = 256;
/// H-5, the certificate of an SM2 key, which is not read here.
const SM2_INDEX: u32 = 0x01c0_001a;

const HELP_MISMATCH: &str = "the certificate is for a key that this TPM does not have now: its \
     endorsement seed was regenerated (TPM2_ChangeEPS), a firmware update or a change of the \
     board or chip replaced the key, or the certificate was written by somebody else. Ask the \
     manufacturer for a certificate for the present key; the attestation service will not \
     accept this one, not even by force";
const HELP_NO_SUCH_KEY: &str = "not every TPM has keys of every kind: leave out --ek, or name \
     another. If the endorsement hierarchy is disabled or has a password (tpm2_getcap \
     properties-variable), clear it in the firmware setup";
const HELP_REFUSED: &str = "the endorsement hierarchy may be disabled or have a password \
     (tpm2_getcap properties-variable); clear it in the firmware setup, or make the key \
     persistent with tpm2_createek";

/// Reads endorsement keys, their certificates and what the TPM says about itself.
/// Nothing in the TPM is changed.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops
/// answering, or shows neither a key nor a certificate.
pub fn read_tpm(tpm: &mut dyn TpmDevice, choice: EkChoice) -> Result<TpmContents, Error> {
    let mut reading = Reading {
        tpm,
        indices: Vec::new(),
        persistent: None,
        contents: TpmContents::default(),
    };
    reading.contents.facts = answer(reading.tpm.facts())?.unwrap_or_default();
    reading.indices = answer(reading.tpm.nv_indices())?.unwrap_or_default();
    reading.certificates(choice)?;
    reading.keys_of_certificates()?;
    if reading.contents.certificates.is_empty() {
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

impl Reading<'_> {
    fn find(&mut self, code: Code, message: String, help: &str) {
        self.contents
            .findings
            .push(Finding::new(code, message, help));
    }

    fn certificates(&mut self, choice: EkChoice) -> Result<(), Error> {
        let mut wanted: Vec<u32> = Template::ALL
            .iter()
            .filter(|template| match choice {
                EkChoice::Auto => true,
                EkChoice::Only(algorithm) => template.algorithm == algorithm,
            })
            .map(|template| template.certificate_index)
            .filter(|index| self.indices.contains(index))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for index in wanted {
            self.certificate(index)?;
        }
        if choice == EkChoice::Auto && self.indices.contains(&SM2_INDEX) {
            self.contents.findings.push(Finding::new(
                Code::AlgorithmUnsupported,
                format!("the certificate at NV index {SM2_INDEX:#010x} is for an SM2 key, and left out"),
                "nothing to do if the TPM has another key with a certificate",
            ).with_severity(crate::finding::Severity::Info));
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
                    HELP_MISSING,
                );
                return Ok(());
            }
        };
        if content.iter().all(|&byte| matches!(byte, 0x00 | 0xff)) {
            self.find(
                Code::EkcertMissing,
                format!("NV index {index:#010x} is there, but nothing is in it"),
                HELP_MISSING,
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
                             the TPM's key is {}",
                            key.spki_sha256(),
                            other.public.key.spki_sha256()
                        ),
                        HELP_MISMATCH,
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
                    .with_severity(crate::finding::Severity::Warning),
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

    /// The key of a certificate: among the persistent objects, else made anew.
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
                Ok(key) => other = Some(key),
                Err(why) => refusal = why,
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

    /// The templates from which the key of the certificate at `index` may have been
    /// made, the most special first: the one that the TPM keeps beside the
    /// certificate, the default one with the nonce that it keeps there, the default
    /// one (EK Credential Profile, 2.2.2 and appendix B).
    fn templates(&mut self, index: u32) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let low = Template::ALL
            .iter()
            .any(|template| template.certificate_index == index && template.is_low());
        let stored = index.saturating_add(if low { 2 } else { 1 });
        let nonce = index.saturating_add(1);
        let mut templates = Vec::new();
        if let Some(template) = self.defined(stored)? {
            templates.push((format!("at NV index {stored:#010x}"), template));
        }
        let nonce = if low {
            self.defined(nonce)?.map(|bytes| (nonce, bytes))
        } else {
            None
        };
        for template in Template::ALL
            .iter()
            .filter(|template| template.certificate_index == index)
        {
            let Some(area) = template.public_area(None) else {
                continue;
            };
            if let Some((at, nonce)) = &nonce
                && let Some(area) = with_nonce(template, &area, nonce)
            {
                templates.push((
                    format!("{} with the nonce at NV index {at:#010x}", template.label),
                    area,
                ));
            }
            templates.push((template.label.to_owned(), area));
        }
        Ok(templates)
    }

    /// The content of an index if it is defined and can be read.
    fn defined(&mut self, index: u32) -> Result<Option<Vec<u8>>, Error> {
        if !self.indices.contains(&index) {
            return Ok(None);
        }
        Ok(answer(self.tpm.nv_read(index))?.ok())
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

    /// The key of a TPM without certificates. One made from the template is certain
    /// to be the EK; a persistent one only looks like it.
    fn key_without_certificate(&mut self, choice: EkChoice) -> Result<(), Error> {
        let templates: Vec<&Template> = Template::ALL
            .iter()
            .filter(|template| match choice {
                EkChoice::Auto => true,
                EkChoice::Only(algorithm) => template.algorithm == algorithm,
            })
            .collect();
        let mut refusal = "no template is known for it".to_owned();
        let mut found = None;
        for template in &templates {
            let Some(area) = template.public_area(None) else {
                continue;
            };
            match self.make(template.label.to_owned(), &area)? {
                Ok(key) => {
                    found = Some(key);
                    break;
                }
                Err(why) => refusal = why,
            }
        }
        if found.is_none() {
            let fits = |public: &TpmPublic| {
                templates.iter().any(|template| {
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
        let finding = missing(&self.contents.facts, &key.public.key);
        self.contents.findings.push(finding);
        self.keep(key);
        Ok(())
    }
}

/// The template with the nonce at the start of its `unique` field, which is the
/// modulus, or the x coordinate, of zeros.
fn with_nonce(template: &Template, area: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
    use crate::ek::Algorithm;
    // After x come the length of y and y itself.
    let (field, after) = match template.algorithm {
        Algorithm::Rsa(bits) => (bits.div_ceil(8), 0),
        Algorithm::Ecc(curve) => (curve.field_len(), curve.field_len().checked_add(2)?),
    };
    if nonce.len() > field {
        return None;
    }
    let start = area.len().checked_sub(field.checked_add(after)?)?;
    let mut area = area.to_vec();
    let end = start.checked_add(nonce.len())?;
    area.get_mut(start..end)?.copy_from_slice(nonce);
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::Algorithm;
    use crate::finding::Fault;
    use crate::host::TpmFacts;

    /// A TPM that makes one RSA-2048 key and has what is put into it.
    #[derive(Default)]
    struct Fake {
        nv: Vec<(u32, Result<Vec<u8>, TpmTrouble>)>,
        persistent: Vec<(u32, Vec<u8>)>,
        refuses: bool,
        lost: bool,
    }

    fn area() -> Vec<u8> {
        let mut area = Template::by_label("L-1")
            .unwrap()
            .public_area(None)
            .unwrap();
        let start = area.len().checked_sub(256).unwrap();
        area[start..].fill(0xc1);
        area
    }

    impl TpmDevice for Fake {
        fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
            Ok(TpmFacts::default())
        }
        fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
            Ok(self.nv.iter().map(|(index, _)| *index).collect())
        }
        fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
            let found = self.nv.iter().find(|(at, _)| *at == index);
            found.unwrap().1.clone()
        }
        fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
            Ok(self.persistent.iter().map(|(handle, _)| *handle).collect())
        }
        fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
            let found = self.persistent.iter().find(|(at, _)| *at == handle);
            Ok(found.unwrap().1.clone())
        }
        fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
            if self.lost {
                return Err(TpmTrouble::Lost(Error::environment("gone", "come back")));
            }
            let known = Template::by_label("L-1").unwrap().public_area(None);
            if self.refuses || known.as_deref() != Some(template) {
                return Err(TpmTrouble::Refused("hierarchy disabled".to_owned()));
            }
            Ok(area())
        }
    }

    fn codes(contents: &TpmContents) -> Vec<Code> {
        contents.findings.iter().map(|f| f.code).collect()
    }

    #[test]
    fn without_a_certificate_the_key_comes_from_the_template() {
        for choice in [EkChoice::Auto, EkChoice::Only(Algorithm::Rsa(2048))] {
            let contents = read_tpm(&mut Fake::default(), choice).unwrap();
            assert_eq!(codes(&contents), [Code::EkcertMissing]);
            let [key] = contents.keys.as_slice() else {
                panic!()
            };
            assert_eq!(key.source, KeySource::Template("L-1".to_owned()));
            assert_eq!(key.public.tpmt(), area());
        }
    }

    #[test]
    fn a_disabled_hierarchy_leaves_the_persistent_key() {
        let mut tpm = Fake {
            refuses: true,
            persistent: vec![(0x8100_0001, vec![0; 7]), (0x8101_0001, area())],
            ..Fake::default()
        };
        let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
        assert_eq!(codes(&contents), [Code::EkcertMissing]);
        assert_eq!(contents.keys[0].source, KeySource::Persistent(0x8101_0001));

        tpm.persistent.clear();
        let error = read_tpm(&mut tpm, EkChoice::Auto).unwrap_err();
        assert_eq!(error.fault, Fault::Environment);
        assert!(error.message.contains("hierarchy disabled"), "{error}");
    }

    #[test]
    fn a_key_that_is_not_the_template_s_is_no_ek() {
        let mut other = area();
        other[7] = 0x72; // userWithAuth, noDA
        let mut tpm = Fake {
            refuses: true,
            persistent: vec![(0x8101_0001, other)],
            ..Fake::default()
        };
        assert!(read_tpm(&mut tpm, EkChoice::Auto).is_err());
    }

    #[test]
    fn a_kind_of_key_that_the_tpm_does_not_have() {
        let choice = EkChoice::Only(Algorithm::Rsa(4096));
        let error = read_tpm(&mut Fake::default(), choice).unwrap_err();
        assert!(error.message.contains("rsa4096"), "{error}");
    }

    #[test]
    fn what_is_no_certificate_is_said() {
        let refused = Err(TpmTrouble::Refused("locked".to_owned()));
        let cut = Ok(vec![0x30, 0x03, 0x02, 0x01, 0x00]);
        for (content, code) in [
            (refused, Code::EkcertMissing),
            (Ok(vec![0xff; 64]), Code::EkcertMissing),
            (Ok(b"no certificate".to_vec()), Code::EkcertMalformed),
            (cut, Code::EkcertMalformed),
        ] {
            let mut tpm = Fake {
                nv: vec![(0x01c0_0002, content)],
                ..Fake::default()
            };
            let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
            assert_eq!(codes(&contents), [code, Code::EkcertMissing]);
            assert!(contents.findings[0].message.contains("0x01c00002"));
            assert_eq!(contents.keys.len(), 1);
        }
    }

    #[test]
    fn a_lost_tpm_is_an_error() {
        let mut tpm = Fake {
            lost: true,
            ..Fake::default()
        };
        let error = read_tpm(&mut tpm, EkChoice::Auto).unwrap_err();
        assert_eq!(error.message, "gone");
        let mut tpm = Fake {
            nv: vec![(
                0x01c0_0002,
                Err(TpmTrouble::Lost(Error::environment("gone", "come back"))),
            )],
            ..Fake::default()
        };
        assert!(read_tpm(&mut tpm, EkChoice::Auto).is_err());
    }

    #[test]
    fn the_nonce_goes_into_the_unique_field() {
        for (label, start, length) in [("L-1", 314 - 256, 256), ("L-2", 122 - 66, 32)] {
            let template = Template::by_label(label).unwrap();
            let area = template.public_area(None).unwrap();
            let made = with_nonce(template, &area, &[7; 3]).unwrap();
            assert_eq!(made.len(), area.len());
            assert_eq!(&made[..start], &area[..start]);
            assert_eq!(&made[start..start + 4], [7, 7, 7, 0]);
            assert_eq!(with_nonce(template, &area, &vec![7; length + 1]), None);
        }
    }
}
