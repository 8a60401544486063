//! The replies of the attestation service, as saved by a proxy or a log: error replies,
//! health certificates, and the reply in the middle of an attestation ([MS-HGSA] v9.0).

mod content;
mod json;

use serde_json::Value;

pub use content::{HealthCertificate, Reason, ReasonOrder, ReplyContent};

use crate::diagnose::Remedy;
use crate::diagnose::attestation::Step;
use crate::finding::{Code, Error};
use crate::identifier::decode_text;

/// The largest reply that is read, in octets. The largest genuine one carries a TPM context
/// or three certificates, both some ten KiB.
pub const MAX_REPLY_LEN: usize = 1024 * 1024;

/// How deep a reply may be nested. Genuine ones have three levels.
pub const MAX_REPLY_DEPTH: usize = 16;

/// What stands behind the name in every `__type`.
const NAMESPACE: &str = "Microsoft.Windows.RemoteAttestation.Core";

/// A reply of the attestation service.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The name in `__type`, without the namespace.
    pub type_name: String,
    /// What it says.
    pub content: ReplyContent,
    /// Whether the host may try again; not every reply has it.
    pub retryable: Option<bool>,
    /// What is not as the specification has it, and what was left open.
    pub notes: Vec<String>,
    /// The members that are not in the specification, as they came.
    pub unknown: Vec<(String, Value)>,
}

impl Reply {
    /// Reads the body of a reply.
    ///
    /// # Errors
    /// `json-malformed` if it is no JSON object, has no `__type`, or a member that is
    /// specified is of another kind; `input-too-large` above a limit.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REPLY_LEN {
            return Err(too_large(format!(
                "the reply has {} octets, and at most {MAX_REPLY_LEN} are read",
                bytes.len()
            )));
        }
        let Some((text, _)) = decode_text(bytes)? else {
            return Err(malformed("the reply is no text"));
        };
        if text.starts_with("HTTP/") {
            return Err(Error {
                help: "save the body alone: what stands after the empty line".to_owned(),
                ..malformed("this is a whole HTTP response, with its head")
            });
        }
        let mut members = json::members(&text)?;
        let mut notes = Vec::new();
        let type_name = type_name(&mut members, &mut notes)?;
        let retryable = match json::take(&mut members, "Retryable") {
            None => None,
            Some(Value::Bool(retryable)) => Some(retryable),
            Some(_) => return Err(malformed("it is neither true nor false").at("/Retryable")),
        };
        let content = content::read(&type_name, &mut members, &mut notes)?;
        if content.is_error() && retryable.is_none() {
            notes.push("an error reply without 'Retryable', which each has".to_owned());
        }
        Ok(Self {
            type_name,
            content,
            retryable,
            notes,
            unknown: members,
        })
    }

    /// What it means for the host.
    pub fn cause(&self) -> &'static str {
        self.content.cause()
    }

    /// What to do.
    pub fn remedy(&self) -> Vec<Remedy> {
        let mut steps: Vec<Step> = self.content.remedy();
        if self.retryable == Some(true) {
            steps.insert(0, Step::Do("the service says that the host may try again"));
        }
        steps
            .into_iter()
            .map(|step| match step {
                Step::Do(text) => Remedy::Do(text.to_owned()),
                Step::PowerShell(line) => Remedy::PowerShell(line.to_owned()),
            })
            .collect()
    }
}

/// Takes `__type`, which has to come first: the service's reader of JSON would not know what
/// the rest is.
fn type_name(members: &mut Vec<(String, Value)>, notes: &mut Vec<String>) -> Result<String, Error> {
    let is_first = members.first().is_some_and(|(name, _)| name == "__type");
    let text = match json::take(members, "__type") {
        Some(Value::String(text)) => text,
        Some(_) => return Err(malformed("it is no text").at("/__type")),
        None => {
            return Err(malformed(
                "there is no '__type', which tells what kind of reply it is",
            ));
        }
    };
    if !is_first {
        notes.push("'__type' does not come first, as it has to".to_owned());
    }
    match text.split_once(":#") {
        Some((name, NAMESPACE)) => Ok(name.to_owned()),
        Some((name, other)) => {
            notes.push(format!("the namespace is '{other}', not '{NAMESPACE}'"));
            Ok(name.to_owned())
        }
        None => {
            notes.push(format!("the type has no namespace ':#{NAMESPACE}'"));
            Ok(text)
        }
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(
        Code::JsonMalformed,
        message,
        "give the body of a reply of the attestation service, as a proxy saved it",
    )
}

fn too_large(message: String) -> Error {
    Error::malformed(
        Code::InputTooLarge,
        message,
        "no genuine reply comes near this limit; check what the file is",
    )
}

#[cfg(test)]
mod tests;
