//! Whether the service has the three policies for memory dumps, by a saved list of its
//! policies (`Get-HgsAttestationPolicy`).

use std::collections::BTreeSet;

use super::content::{Content, ReadFile};
use super::object::{objects, texts};
use crate::diagnose::attestation::{
    DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY, DumpAnswer, DumpPolicies, HostDumps, NO_DUMPS,
    PolicyState, judge_dumps,
};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// The policies for memory dumps are there.
pub(super) static DUMP_POLICIES_PRESENT: Definition = Definition {
    id: "dump-policies-present",
    set: Set::HostGuardianService,
    title: "The service has the policies for memory dumps",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Memory dump encryption policies",
};

const POLICIES: [&str; 3] = [NO_DUMPS, DUMP_ENCRYPTION, DUMP_ENCRYPTION_KEY];

/// How many names of default policies make a list of them. There are more than ten; one
/// or two stand in any message about a policy.
const MANY: usize = 4;

/// Whether a text is a list of policies.
pub(super) fn is_list(text: &str) -> bool {
    names(text).len() >= MANY
}

/// One diagnostic for each list.
pub(super) fn diagnostics(files: &[ReadFile<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        let names: BTreeSet<&str> = match &file.content {
            Ok(Content::Text(text)) => names(text),
            Ok(Content::Objects {
                values, log: None, ..
            }) => texts(values).into_iter().flat_map(names).collect(),
            _ => continue,
        };
        if names.len() >= MANY {
            found.push(judge(file, &names));
        }
    }
    found
}

fn judge(file: &ReadFile<'_>, names: &BTreeSet<&str>) -> Diagnostic {
    let definition = &DUMP_POLICIES_PRESENT;
    let has = |policy: &str| names.iter().any(|name| name.eq_ignore_ascii_case(policy));
    let missing: Vec<&str> = POLICIES.into_iter().filter(|policy| !has(policy)).collect();
    let name = file.name;
    if missing.is_empty() {
        let seen = format!("{name}: {} are there", POLICIES.join(", "));
        return in_force(file, seen);
    }
    Diagnostic::fail(definition, format!("{name}: not there: {}", missing.join(", ")))
        .seen("the service most likely lacks the latest cumulative update")
        .then(
            "install the latest cumulative update on every host first: one without it will most \
             likely fail attestation once the policies are active",
        )
        .then("then install it on every node of the service")
        .then("then activate the new policies on a node, by bringing its state back in:")
        .powershell("$password = Read-Host -AsSecureString; Export-HgsServerState -Path C:\\hgs.xml -Password $password; Import-HgsServerState -Path C:\\hgs.xml -Password $password")
        .then("they arrive disabled; see that they are there:")
        .powershell("Get-HgsAttestationPolicy -PolicyType NoDumps, DumpEncryption, DumpEncryptionKey")
}

/// What the three together ask of a host, if the list says which of them are in force.
fn in_force(file: &ReadFile<'_>, seen: String) -> Diagnostic {
    let states = POLICIES.map(|policy| state(file, policy));
    let [Some(no_dumps), Some(encryption), Some(key)] =
        states.map(|state| state.and_then(PolicyState::in_force))
    else {
        return Diagnostic::pass(&DUMP_POLICIES_PRESENT, seen)
            .seen("which of them are in force is not in it");
    };
    let policies = DumpPolicies {
        no_dumps,
        encryption,
        key,
    };
    let found = match no_dumps || encryption {
        true => Diagnostic::pass(&DUMP_POLICIES_PRESENT, seen),
        false => Diagnostic::warn(&DUMP_POLICIES_PRESENT, seen)
            .then("once every host has the update that knows dump encryption, enable one of them:")
            .powershell(format!("Enable-HgsAttestationPolicy -Name {NO_DUMPS}"))
            .then("which host would pass then: endorse attestation-policy dumps"),
    };
    let found = POLICIES
        .iter()
        .zip(states)
        .fold(found, |found, (policy, state)| {
            let state = state.unwrap_or(PolicyState::Unknown);
            found.seen(format!("{policy} is {}", state.as_str()))
        });
    let found = found.seen("that the property State or Enabled tells it is inferred");
    HostDumps::ALL.into_iter().fold(found, |found, host| {
        let verdict = judge_dumps(policies, host);
        let then = match verdict.overall() {
            DumpAnswer::Fail => format!("fails {}", verdict.failed().join(" and ")),
            DumpAnswer::CannotTell => {
                "may pass or fail: what is documented does not tell".to_owned()
            }
            _ => "passes these policies".to_owned(),
        };
        found.seen(format!(
            "a host with memory dumps {}: {then}",
            host.as_str()
        ))
    })
}

/// The state of a policy, by the properties `State` or `Enabled` beside its name.
fn state(file: &ReadFile<'_>, policy: &str) -> Option<PolicyState> {
    let is = |text: &str, value: &str| text.eq_ignore_ascii_case(value);
    let own = objects(file.values())
        .into_iter()
        .find(|object| object.text("Name").is_some_and(|name| is(&name, policy)))?;
    if let Some(state) = own.text("State") {
        let known = [
            PolicyState::Enabled,
            PolicyState::Disabled,
            PolicyState::Locked,
        ];
        return known.into_iter().find(|one| is(&state, one.as_str()));
    }
    match own.text("Enabled")? {
        text if is(&text, "True") => Some(PolicyState::Enabled),
        text if is(&text, "False") => Some(PolicyState::Disabled),
        _ => None,
    }
}

/// The names of default policies in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("Hgs_") && word.len() > 4)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Status;

    const OTHERS: &str = "Hgs_SecureBootEnabled Hgs_FullBoot Hgs_IommuEnabled Hgs_BitLockerEnabled";

    fn status(text: &str) -> Option<Status> {
        let file = ReadFile {
            name: "x",
            bytes: text.as_bytes(),
            content: Ok(Content::Text(text.to_owned())),
        };
        diagnostics(&[file]).first().map(|one| one.status)
    }

    #[test]
    fn each_of_the_three_has_to_be_there() {
        let all = format!("{OTHERS}\n{}", POLICIES.join("\n"));
        assert!(is_list(&all));
        assert_eq!(status(&all), Some(Status::Pass));
        for policy in POLICIES {
            let words: Vec<&str> = all
                .split_whitespace()
                .filter(|word| *word != policy)
                .collect();
            assert_eq!(status(&words.join("\n")), Some(Status::Fail), "{policy}");
        }
        assert_eq!(status("Hgs_FullBoot failed, see Hgs_NoDumps"), None);
    }
}
