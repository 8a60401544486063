//! Whether the service has the three policies for memory dumps, by a saved list of its
//! policies (`Get-HgsAttestationPolicy`).

use std::collections::BTreeSet;

use super::content::{Content, ReadFile};
use super::object::{objects, texts};
use crate::diagnose::{Basis, Definition, Diagnostic, Set};

/// The policies for memory dumps are there.
pub static DUMP_POLICIES_PRESENT: Definition = Definition {
    id: "dump-policies-present",
    set: Set::HostGuardianService,
    title: "The service has the policies for memory dumps",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Memory dump encryption policies",
};

const NO_DUMPS: &str = "Hgs_NoDumps";
const ENCRYPTION: &str = "Hgs_DumpEncryption";
const POLICIES: [&str; 3] = [NO_DUMPS, ENCRYPTION, "Hgs_DumpEncryptionKey"];

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
        let disabled = |policy: &str| {
            objects(file.values()).into_iter().any(|object| {
                let is = |name: &str, value: &str| {
                    object
                        .text(name)
                        .is_some_and(|text| text.eq_ignore_ascii_case(value))
                };
                is("Name", policy) && (is("State", "Disabled") || is("Enabled", "False"))
            })
        };
        return match disabled(NO_DUMPS) && disabled(ENCRYPTION) {
            true => Diagnostic::warn(definition, seen)
                .seen(format!("{NO_DUMPS} and {ENCRYPTION} are both disabled: a host may write memory dumps that are not encrypted"))
                .then("once every host has the update that knows dump encryption, enable one of them:")
                .powershell(format!("Enable-HgsAttestationPolicy -Name {NO_DUMPS}")),
            false => Diagnostic::pass(definition, seen),
        };
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
