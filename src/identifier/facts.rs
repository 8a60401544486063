//! What a file of our JSON form says of machine and TPM. A dump says it of the machine
//! in the same form.

use serde::{Deserialize, Serialize};

use super::hint::{normal_guid, normal_mac};
use super::json::malformed;
use super::limits::{MAX_HOST_NAME_LEN, MAX_HYPERVISOR_LEN};
use super::model::Machine;
use super::wellformed::clean;
use crate::ek::{MAX_VENDOR_STRING_LEN, TpmFacts};
use crate::finding::Error;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileMachine {
    #[serde(default)]
    guid: Option<String>,
    #[serde(default)]
    serial: Option<String>,
    #[serde(default)]
    macs: Vec<String>,
    #[serde(default)]
    host_name: Option<String>,
    #[serde(default)]
    hypervisor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTpm {
    #[serde(default)]
    manufacturer: Option<String>,
    #[serde(default)]
    vendor_string: Option<String>,
    #[serde(default)]
    firmware: Option<String>,
    #[serde(default)]
    revision: Option<u32>,
    #[serde(default)]
    generated_eps: Option<bool>,
}

impl FileMachine {
    /// The machine, if every fact is in its normal form.
    pub(crate) fn read(&self) -> Result<Machine, Error> {
        if let Some(guid) = &self.guid
            && normal_guid(guid).as_ref() != Some(guid)
        {
            return Err(
                malformed("the GUID is not one in upper case without braces").at("/machine/guid"),
            );
        }
        for (index, mac) in self.macs.iter().enumerate() {
            if normal_mac(mac).as_ref() != Some(mac) {
                return Err(
                    malformed("the MAC address is not one in upper case with colons")
                        .at(format!("/machine/macs/{index}")),
                );
            }
        }
        within(&self.host_name, MAX_HOST_NAME_LEN, "/machine/host_name")?;
        within(&self.hypervisor, MAX_HYPERVISOR_LEN, "/machine/hypervisor")?;
        Ok(Machine {
            guid: self.guid.clone(),
            serial: self.serial.clone(),
            macs: self.macs.clone(),
            host_name: self.host_name.clone(),
            hypervisor: self.hypervisor.clone(),
        })
    }
}

impl FileTpm {
    /// What the TPM says about itself, if every fact is in its normal form.
    pub(super) fn read(&self) -> Result<TpmFacts, Error> {
        within(
            &self.vendor_string,
            MAX_VENDOR_STRING_LEN,
            "/tpm/vendor_string",
        )?;
        Ok(TpmFacts {
            manufacturer: parsed(
                &self.manufacturer,
                TpmFacts::parse_manufacturer,
                "the manufacturer is not of the form id:49465800",
                "/tpm/manufacturer",
            )?,
            vendor_string: self.vendor_string.clone(),
            firmware: parsed(
                &self.firmware,
                TpmFacts::parse_firmware,
                "the firmware version is not of the form 7.85.00011234",
                "/tpm/firmware",
            )?,
            revision: self.revision,
            generated_eps: self.generated_eps,
            ..TpmFacts::default()
        })
    }
}

impl From<&Machine> for FileMachine {
    fn from(machine: &Machine) -> Self {
        Self {
            guid: machine.guid.clone(),
            serial: machine.serial.as_deref().and_then(clean),
            macs: machine.macs.clone(),
            host_name: bounded(machine.host_name.as_ref(), MAX_HOST_NAME_LEN),
            hypervisor: bounded(machine.hypervisor.as_ref(), MAX_HYPERVISOR_LEN),
        }
    }
}

impl From<&TpmFacts> for FileTpm {
    fn from(facts: &TpmFacts) -> Self {
        Self {
            manufacturer: facts.manufacturer_in_words(),
            vendor_string: bounded(facts.vendor_string.as_ref(), MAX_VENDOR_STRING_LEN),
            firmware: facts.firmware_in_words(),
            revision: facts.revision,
            generated_eps: facts.generated_eps,
        }
    }
}

/// A text that can be read again; a longer one is left out.
fn bounded(text: Option<&String>, limit: usize) -> Option<String> {
    text.filter(|text| is_within(text, limit)).cloned()
}

fn within(text: &Option<String>, limit: usize, place: &str) -> Result<(), Error> {
    match text {
        Some(text) if !is_within(text, limit) => {
            Err(malformed(format!("the text is empty, or longer than {limit} bytes")).at(place))
        }
        _ => Ok(()),
    }
}

fn is_within(text: &str, limit: usize) -> bool {
    !text.is_empty() && text.len() <= limit
}

fn parsed<T>(
    text: &Option<String>,
    parse: fn(&str) -> Option<T>,
    message: &str,
    place: &str,
) -> Result<Option<T>, Error> {
    let Some(text) = text else {
        return Ok(None);
    };
    parse(text)
        .map(Some)
        .ok_or_else(|| malformed(message).at(place))
}
