use serde::Serialize;

use crate::cli::json::JsonMachine;
use crate::hash::hex;
use crate::registry::{Host, Possession, Recheck, Waived};

/// A registered host.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct JsonHost {
    name: String,
    ekpub_spki_sha256: Option<String>,
    trust: &'static str,
    policy_version: &'static str,
    registered_at: String,
    registered_by: String,
    state: &'static str,
    foreign_key: Option<String>,
    machine: JsonMachine,
    ekpubs: Vec<JsonHostEk>,
    ekcerts: Vec<String>,
    file_sha256: String,
    reason: Option<String>,
    waived: Vec<JsonWaived>,
    store: String,
    policy: String,
    judged_at: String,
    imported: bool,
    ended_at: Option<String>,
    recheck: Option<JsonRecheck>,
    possession: Option<JsonPossession>,
}

/// Proof that the host holds every EK it is registered with.
#[derive(Debug, Serialize)]
struct JsonPossession {
    /// `proven`; a host that has not proven it has `null` instead.
    status: &'static str,
    at: String,
    ak_name: String,
    challenge: String,
}

#[derive(Debug, Serialize)]
struct JsonHostEk {
    algorithm: String,
    spki_sha256: String,
    windows_sha256: String,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonWaived {
    code: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct JsonRecheck {
    at: String,
    trusted: bool,
    codes: Vec<String>,
    store: String,
    policy: String,
}

impl From<&Host> for JsonHost {
    fn from(host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            ekpub_spki_sha256: host.primary_ek().map(|ek| ek.to_string()),
            trust: host.trust.as_str(),
            policy_version: host.policy_version.as_str(),
            registered_at: host.registered_at.to_string(),
            registered_by: host.registered_by.clone(),
            state: host.state.as_str(),
            foreign_key: host.foreign_key.clone(),
            machine: (&host.machine).into(),
            ekpubs: host
                .eks
                .iter()
                .map(|ek| JsonHostEk {
                    algorithm: ek.algorithm.clone(),
                    spki_sha256: ek.spki_sha256.to_string(),
                    windows_sha256: ek.windows_sha256.to_string(),
                })
                .collect(),
            ekcerts: host
                .ekcerts
                .iter()
                .map(|ekcert| ekcert.sha256.to_string())
                .collect(),
            file_sha256: host.file_sha256.to_string(),
            reason: host.reason.clone(),
            waived: host.waived.iter().map(JsonWaived::from).collect(),
            store: host.store.to_string(),
            policy: host.policy.to_string(),
            judged_at: host.judged_at.to_string(),
            imported: host.imported,
            ended_at: host.ended_at.map(|at| at.to_string()),
            recheck: host.recheck.as_ref().map(JsonRecheck::from),
            possession: host.possession.as_ref().map(JsonPossession::from),
        }
    }
}

impl From<&Waived> for JsonWaived {
    fn from(waived: &Waived) -> Self {
        Self {
            code: waived.code.clone(),
            message: waived.message.clone(),
        }
    }
}

impl From<&Possession> for JsonPossession {
    fn from(possession: &Possession) -> Self {
        Self {
            status: "proven",
            at: possession.proven_at.to_string(),
            ak_name: hex(&possession.ak_name),
            challenge: possession.challenge.to_string(),
        }
    }
}

impl From<&Recheck> for JsonRecheck {
    fn from(recheck: &Recheck) -> Self {
        Self {
            at: recheck.at.to_string(),
            trusted: recheck.trusted,
            codes: recheck.codes.clone(),
            store: recheck.store.to_string(),
            policy: recheck.policy.to_string(),
        }
    }
}
