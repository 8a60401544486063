//! What a TPM and its machine answered, kept in a directory, so that it can be read
//! again on a machine without that TPM and without the software for one.

mod directory;
mod files;
mod loose;
mod machine;
mod name;
mod properties;
mod record;
#[cfg(test)]
mod tests;

pub use record::Recorder;

use std::collections::BTreeMap;

use name::template_name;

use super::{MachineFacts, TpmDevice, TpmFacts, TpmTrouble};
use crate::ek::TpmPublic;
use crate::finding::{Code, Finding};
use crate::identifier::Machine;

/// Answers of a TPM and its machine. As a [`TpmDevice`] it gives them again.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    facts: Option<TpmFacts>,
    nv: BTreeMap<u32, Answer>,
    /// `TPMT_PUBLIC` by handle.
    persistent: BTreeMap<u32, Answer>,
    /// `TPMT_PUBLIC` by the name of the template it was made from.
    primary: BTreeMap<String, Answer>,
    /// Public areas of which it is not known where they were.
    loose: Vec<TpmPublic>,
    machine: Option<MachineFacts>,
    notes: Vec<String>,
}

/// What the TPM gave, or why it refused.
type Answer = Result<Vec<u8>, String>;

impl Dump {
    /// What the machine said about itself when the dump was made. Without that there is
    /// a `machine-incomplete` finding, never the facts of the machine this runs on.
    pub fn machine(&self) -> MachineFacts {
        self.machine.clone().unwrap_or_else(|| MachineFacts {
            machine: Machine::default(),
            findings: vec![Finding::new(
                Code::MachineIncomplete,
                "the dump does not say which machine it is of",
                "make it with 'get-platform-identifier --dump DIR' on the host, as root; the EK \
                 identifies the host without",
            )],
        })
    }

    /// What was passed over while reading the directory, and what had to be guessed.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl TpmDevice for Dump {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        Ok(self.facts.clone().unwrap_or_default())
    }

    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        Ok(self.nv.keys().copied().collect())
    }

    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        give(self.nv.get(&index))
    }

    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        Ok(self.persistent.keys().copied().collect())
    }

    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
        give(self.persistent.get(&handle))
    }

    /// The key that was recorded for that very template, else one that can have been
    /// made from it.
    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        let recorded = self.primary.get(&template_name(template));
        if recorded.is_some() {
            return give(recorded);
        }
        let persistent = self.persistent.values().flatten();
        let persistent = persistent.filter_map(|area| TpmPublic::from_tpmt(area).ok());
        let mut keys = self.loose.iter().cloned().chain(persistent);
        keys.find(|key| key.fits(template))
            .map(|key| key.tpmt().to_vec())
            .ok_or_else(|| TpmTrouble::Refused("the dump has no key of that kind".to_owned()))
    }
}

fn give(answer: Option<&Answer>) -> Result<Vec<u8>, TpmTrouble> {
    match answer {
        Some(Ok(content)) => Ok(content.clone()),
        Some(Err(why)) => Err(TpmTrouble::Refused(why.clone())),
        None => Err(TpmTrouble::Refused("it is not in the dump".to_owned())),
    }
}
