use std::collections::BTreeSet;

use crate::finding::{Code, Finding, Severity};
use crate::hash::Sha256Digest;

use super::model::{Host, HostEk, PolicyVersion, Waived};
use super::name::HostName;

/// The EK belongs to `owner`.
pub(super) fn duplicate_ek(owner: &Host, ek: &HostEk) -> Finding {
    Finding::new(
        Code::DuplicateEk,
        format!(
            "the EKpub {} belongs to the {} host {}",
            ek.spki_sha256, owner.state, owner.name
        ),
        format!(
            "every TPM has its own EK: virtual machines cloned with their virtual TPM share one, so give the clone a new virtual TPM; if {} is the same machine under another name, remove it first",
            owner.name
        ),
    )
}

/// The name belongs to `own`, which is registered in another way.
pub(super) fn duplicate_name(own: &Host, how: &str, help: &str) -> Finding {
    Finding::new(
        Code::DuplicateName,
        format!("the host {} is registered {how}", own.name),
        help,
    )
}

/// The machine belongs to `other`, which has another EK.
pub(super) fn duplicate_machine(other: &Host, guid: &str) -> Finding {
    Finding::new(
        Code::DuplicateMachine,
        format!(
            "the machine {guid} is also registered as {}, with another EK",
            other.name
        ),
        format!(
            "if it is one machine with two names or with a new TPM, remove {}; some firmware gives several machines one GUID",
            other.name
        ),
    )
}

pub(super) fn other_keys(
    own: &Host,
    ids: &BTreeSet<Sha256Digest>,
    own_ids: &BTreeSet<Sha256Digest>,
) -> Finding {
    let what = match (
        ids.difference(own_ids).next(),
        own_ids.difference(ids).next(),
    ) {
        (Some(_), Some(_)) if ids.is_disjoint(own_ids) => "with another EK",
        (Some(_), Some(_)) => "with partly other EKs",
        (Some(_), None) => "with fewer EKs than this file has",
        (None, _) => "with more EKs than this file has",
    };
    let id = own
        .primary_ek()
        .map_or_else(String::new, |ek| format!(" ({ek})"));
    duplicate_name(
        own,
        &format!("{what}{id}"),
        "if it has a new TPM or mainboard, add --replace; the old registration is kept in the history; else give another --name",
    )
}

pub(super) fn version_conflict(own: &Host, version: PolicyVersion) -> Finding {
    Finding::new(
        Code::PolicyVersionConflict,
        format!(
            "the host {} is registered under policy version {}, not {version}",
            own.name, own.policy_version
        ),
        format!(
            "all of a host's artefacts must be of one version: keep {}, or make its baseline and code integrity policy anew and add --replace",
            own.policy_version
        ),
    )
}

/// Proof that the host called `name` holds its EKs is demanded, and there is none.
pub(super) fn possession_missing(name: &str) -> Finding {
    Finding::new(
        Code::PossessionMissing,
        format!("{name} has not proven that it holds the EKs of this file"),
        "stage it (register-host --stage), challenge it ('endorse challenge --help' has the four \
         steps), then register the file again",
    )
}

pub(super) fn forced(waived: &[Waived]) -> Finding {
    let codes: BTreeSet<&str> = waived.iter().map(|waived| waived.code.as_str()).collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    Finding::new(
        Code::Forced,
        format!("registered by force, waiving {}", codes.join(", ")),
        "nothing proves that this EK is in a genuine TPM; when the vendor's CA certificates are in the store, register the file again without --force",
    )
}

pub(super) fn upgraded(name: &HostName, own: Option<&Host>, version: PolicyVersion) -> Finding {
    let moved = own.is_some_and(|own| own.policy_version != version);
    let mut help = String::new();
    if moved {
        help.push_str("its baseline and code integrity policy must be of this version too");
    } else {
        help.push_str("nothing more is to be done");
    }
    Finding::new(
        Code::Forced,
        format!(
            "{name} was registered by force; it is verified now, under policy version {version}"
        ),
        help,
    )
    .with_severity(Severity::Info)
}
