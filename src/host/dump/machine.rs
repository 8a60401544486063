//! What a machine says about itself, in a dump.

use serde::{Deserialize, Serialize};

use super::super::MachineFacts;
use crate::finding::{Code, Error, Finding};
use crate::identifier::FileMachine;

/// The only schema that is read and written.
const SCHEMA: &str = "endorse.machine/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    machine: FileMachine,
    findings: Vec<FileFinding>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFinding {
    code: String,
    message: String,
    help: String,
}

pub(super) fn write(facts: &MachineFacts) -> String {
    let file = File {
        schema: SCHEMA.to_owned(),
        machine: FileMachine::from(&facts.machine),
        findings: facts
            .findings
            .iter()
            .map(|finding| FileFinding {
                code: finding.code.as_str().to_owned(),
                message: finding.message.clone(),
                help: finding.help.clone(),
            })
            .collect(),
    };
    // Writing to a String fails only for maps with other keys than strings, of which
    // there are none.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// # Errors
/// `json-malformed`.
pub(super) fn read(text: &[u8]) -> Result<MachineFacts, Error> {
    let malformed = |message: String| {
        Error::malformed(
            Code::JsonMalformed,
            message,
            "make the dump again, or leave the file out",
        )
    };
    let file: File = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
    if file.schema != SCHEMA {
        return Err(malformed(format!(
            "its schema is '{}', not '{SCHEMA}'",
            file.schema
        )));
    }
    // Only what reading a machine can find.
    let findings =
        file.findings
            .into_iter()
            .filter_map(|found| match Code::from_text(&found.code) {
                Some(code @ (Code::MachineIncomplete | Code::VirtualMachine)) => {
                    Some(Finding::new(code, found.message, found.help))
                }
                _ => None,
            });
    Ok(MachineFacts {
        machine: file.machine.read()?,
        findings: findings.collect(),
    })
}
