//! Whether an account can read the file of a private key on a machine with POSIX access
//! rights. What was seen of the path comes in; the judgement is made from it alone.

use serde::{Deserialize, Serialize};

use super::{Basis, Definition, Diagnostic, Observation, Set, Target, sh_quoted};

/// The diagnostics of this module.
pub const DEFINITIONS: &[&Definition] = &[&KEY_FILE_ACCESS];

/// The account may read the key file, and nobody else of no account.
static KEY_FILE_ACCESS: Definition = Definition {
    id: "key-file-access",
    set: Set::HostGuardianService,
    title: "The account can read the private key's file",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Certificate Permissions; POSIX.1-2017 4.5; acl(5)",
};

/// A key file with what decides about access to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFileObservation {
    /// Its path, as given.
    pub path: String,
    /// Who is to read it.
    pub account: PosixAccount,
    /// The directories on the way, from the root, and the file last.
    pub steps: Vec<Step>,
    /// Why the way could not be followed to its end, if so.
    pub trouble: Option<String>,
}

/// An account, as the machine knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosixAccount {
    /// Its name, or its number as text.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The numbers of its groups.
    pub gids: Vec<u32>,
}

/// A directory on the way to the file, or the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its path.
    pub path: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// The number of its owner.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Its mode; the lowest nine bits count.
    pub mode: u32,
    /// Its access control list, as the attribute `system.posix_acl_access` has it; `None` if
    /// there is none beyond the mode.
    pub acl: Option<Vec<AclEntry>>,
}

/// An entry of a POSIX access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// Whom it is about.
    pub tag: AclTag,
    /// Bits: 4 read, 2 write, 1 execute.
    pub rights: u8,
}

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AclTag {
    /// The owner.
    Owner,
    /// The account with this number.
    User(u32),
    /// The group of the file.
    OwningGroup,
    /// The group with this number.
    Group(u32),
    /// The most that others than the owner and the rest get.
    Mask,
    /// Everybody else.
    Other,
}

const READ: u8 = 4;
const SEARCH: u8 = 1;

/// The number of the account that every access is open to.
const ROOT: u32 = 0;

impl AclEntry {
    /// Reads the attribute `system.posix_acl_access`: version 2, then entries of eight octets
    /// (linux/posix_acl_xattr.h). `None` if it is damaged or of another version.
    pub fn read_list(bytes: &[u8]) -> Option<Vec<Self>> {
        const VERSION: u32 = 2;
        let (version, rest) = bytes.split_first_chunk::<4>()?;
        let (entries, rest) = rest.as_chunks::<8>();
        if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
            return None;
        }
        entries.iter().map(Self::read).collect()
    }

    fn read(bytes: &[u8; 8]) -> Option<Self> {
        let [tag_low, tag_high, rights, 0, a, b, c, d] = *bytes else {
            return None;
        };
        let id = u32::from_le_bytes([a, b, c, d]);
        let tag = match u16::from_le_bytes([tag_low, tag_high]) {
            0x01 => AclTag::Owner,
            0x02 => AclTag::User(id),
            0x04 => AclTag::OwningGroup,
            0x08 => AclTag::Group(id),
            0x10 => AclTag::Mask,
            0x20 => AclTag::Other,
            _ => return None,
        };
        (rights <= 7).then_some(Self { tag, rights })
    }
}

/// Whether each account can read each key file that was looked at.
pub(super) fn diagnostics(target: &Target) -> Vec<Diagnostic> {
    let seen = target.observations.iter().filter_map(|one| match one {
        Observation::KeyFile(seen) => Some(seen),
        _ => None,
    });
    seen.map(judge).collect()
}

fn judge(seen: &KeyFileObservation) -> Diagnostic {
    let definition = &KEY_FILE_ACCESS;
    let KeyFileObservation { path, account, .. } = seen;
    let who = format!("{} (uid {})", account.name, account.uid);
    let mut blocked = Vec::new();
    for step in &seen.steps {
        let (needed, word) = match step.directory {
            true => (SEARCH, "search"),
            false => (READ, "read"),
        };
        let (rights, by) = rights_of(step, account);
        if rights & needed == 0 {
            blocked.push((step, format!("{who} may not {word} {}: {by}", shown(step))));
        }
    }
    if let Some(first) = blocked.first() {
        let mut diagnostic =
            Diagnostic::fail(definition, format!("{who} cannot read {path}")).seen(first.1.clone());
        for (_, why) in blocked.iter().skip(1) {
            diagnostic = diagnostic.seen(why.clone());
        }
        if let Some(trouble) = &seen.trouble {
            diagnostic = diagnostic.seen(trouble.clone());
        }
        diagnostic = diagnostic.then("give the account what it lacks, and no more:");
        for (step, _) in &blocked {
            let rights = if step.directory { "--x" } else { "r--" };
            diagnostic = diagnostic.sh(format!(
                "setfacl -m {}:{rights} -- {}",
                sh_quoted(&format!("u:{}", for_acl(account))),
                sh_quoted(&step.path)
            ));
        }
        return diagnostic;
    }
    if let Some(trouble) = &seen.trouble {
        return Diagnostic::warn(
            definition,
            format!("whether {who} can read {path} is not known"),
        )
        .seen(trouble.clone())
        .then("run this as root, and see that the path is right");
    }
    let Some(file) = seen.steps.last().filter(|step| !step.directory) else {
        return Diagnostic::warn(definition, format!("{path} is not a file"))
            .then("name the file of the private key itself");
    };
    let open = file.mode & u32::from(READ) != 0;
    match open {
        true => Diagnostic::warn(definition, format!("{who} can read {path}"))
            .seen(format!("so can every account of the machine that gets to it: {}", shown(file)))
            .then("leave it to the account and its owner; think of the key as known to others if they could reach it:")
            .sh(format!("chmod o= -- {}", sh_quoted(&file.path))),
        false => Diagnostic::pass(definition, format!("{who} can read {path}"))
            .seen(format!("by {}", rights_of(file, account).1)),
    }
}

/// The account in an entry of setfacl, where a colon or a comma would end its name and begin
/// something else.
fn for_acl(account: &PosixAccount) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match account.name.chars().all(is_name) && !account.name.is_empty() {
        true => account.name.clone(),
        false => account.uid.to_string(),
    }
}

fn shown(step: &Step) -> String {
    let acl = if step.acl.is_some() {
        " with an ACL"
    } else {
        ""
    };
    format!(
        "{} (mode {:04o}, owner {}, group {}{acl})",
        step.path,
        step.mode & 0o7777,
        step.uid,
        step.gid
    )
}

/// What an account may do, and by which rule: the first class that it falls into decides
/// alone (POSIX.1-2017 4.5, acl(5) ACCESS CHECK ALGORITHM).
fn rights_of(step: &Step, account: &PosixAccount) -> (u8, String) {
    let bits =
        |shift: u32| u8::try_from(step.mode.checked_shr(shift).unwrap_or(0) & 7).unwrap_or(0);
    if account.uid == ROOT {
        return (READ | SEARCH, "it is root".to_owned());
    }
    if account.uid == step.uid {
        return (bits(6), "it is the owner".to_owned());
    }
    let in_group = |gid: u32| account.gids.contains(&gid);
    let Some(acl) = &step.acl else {
        return match in_group(step.gid) {
            true => (bits(3), format!("it is in the group {}", step.gid)),
            false => (
                bits(0),
                "it is neither the owner nor in the group".to_owned(),
            ),
        };
    };
    let mask = acl.iter().find(|entry| entry.tag == AclTag::Mask);
    let mask = mask.map_or(7, |entry| entry.rights);
    let masked = |rights: u8| rights & mask;
    if let Some(entry) = acl
        .iter()
        .find(|entry| entry.tag == AclTag::User(account.uid))
    {
        let by = format!("the ACL has an entry for it, and the mask is {mask:o}");
        return (masked(entry.rights), by);
    }
    let groups: Vec<u8> = acl
        .iter()
        .filter(|entry| match entry.tag {
            AclTag::OwningGroup => in_group(step.gid),
            AclTag::Group(gid) => in_group(gid),
            _ => false,
        })
        .map(|entry| masked(entry.rights))
        .collect();
    if !groups.is_empty() {
        // One entry has to allow all that is asked for; here that is a single right.
        let rights = groups.into_iter().fold(0, |all, one| all | one);
        return (
            rights,
            format!("the ACL has entries for its groups, and the mask is {mask:o}"),
        );
    }
    let other = acl.iter().find(|entry| entry.tag == AclTag::Other);
    (
        other.map_or_else(|| bits(0), |entry| entry.rights),
        "the ACL has no entry for it or its groups".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn seen(directory: Step, file: Step) -> KeyFileObservation {
        KeyFileObservation {
            path: "/keys/a".to_owned(),
            account: PosixAccount {
                name: "hgs".to_owned(),
                uid: 100,
                gids: vec![200, 201],
            },
            steps: vec![
                Step {
                    path: "/keys".to_owned(),
                    directory: true,
                    ..directory
                },
                Step {
                    path: "/keys/a".to_owned(),
                    ..file
                },
            ],
            trouble: None,
        }
    }

    fn step(uid: u32, gid: u32, mode: u32) -> Step {
        Step {
            uid,
            gid,
            mode,
            ..Step::default()
        }
    }

    fn acl(mut step: Step, entries: &[(AclTag, u8)]) -> Step {
        let entries = entries
            .iter()
            .map(|&(tag, rights)| AclEntry { tag, rights });
        step.acl = Some(entries.collect());
        step
    }

    #[test]
    fn the_first_class_decides() {
        let open = || step(0, 0, 0o755);
        for (file, expected) in [
            (step(100, 0, 0o400), Status::Pass),
            // The owner's bits count even where the group's say more.
            (step(100, 200, 0o040), Status::Fail),
            (step(0, 200, 0o640), Status::Pass),
            (step(0, 201, 0o640), Status::Pass),
            (step(0, 200, 0o604), Status::Fail),
            (step(0, 0, 0o640), Status::Fail),
            (step(0, 0, 0o644), Status::Warn),
            (step(0, 200, 0o644), Status::Warn),
        ] {
            assert_eq!(
                judge(&seen(open(), file.clone())).status,
                expected,
                "{file:?}"
            );
        }
    }

    #[test]
    fn every_directory_on_the_way_counts() {
        let file = || step(100, 0, 0o400);
        for (directory, expected) in [
            (step(0, 0, 0o711), Status::Pass),
            (step(0, 0, 0o744), Status::Fail),
            (step(0, 200, 0o710), Status::Pass),
            (step(0, 200, 0o701), Status::Fail),
        ] {
            let found = judge(&seen(directory.clone(), file()));
            assert_eq!(found.status, expected, "{directory:?}");
        }
    }

    #[test]
    fn lists_and_their_mask() {
        use AclTag::{Group, Mask, Other, Owner, OwningGroup, User};
        let open = || step(0, 0, 0o711);
        let with = |more: &[(AclTag, u8)], mask: u8| {
            let mut entries = vec![(Owner, 6), (OwningGroup, 0), (Mask, mask), (Other, 0)];
            entries.extend(more);
            judge(&seen(open(), acl(step(0, 0, 0o640), &entries))).status
        };
        assert_eq!(with(&[], 7), Status::Fail);
        assert_eq!(with(&[(User(100), 4)], 4), Status::Pass);
        assert_eq!(with(&[(User(100), 4)], 3), Status::Fail);
        assert_eq!(with(&[(User(101), 4)], 4), Status::Fail);
        // An entry for the account decides even where a group's says more.
        assert_eq!(with(&[(User(100), 0), (Group(200), 4)], 4), Status::Fail);
        assert_eq!(with(&[(Group(200), 0), (Group(201), 4)], 4), Status::Pass);
        assert_eq!(with(&[(Group(201), 4)], 0), Status::Fail);
    }

    /// A bundle may name an account and a path as it likes.
    #[test]
    fn commands_do_what_they_say() {
        let mut hostile = seen(step(0, 0, 0o711), step(0, 0, 0o600));
        for (name, expected) in [
            ("hgs", "u:hgs"),
            ("hgs:rwx,u:evil", "u:100"),
            ("a b", "u:100"),
            ("", "u:100"),
        ] {
            hostile.account.name = name.to_owned();
            hostile.steps[1].path = "-R x".to_owned();
            let found = judge(&hostile);
            let expected = format!("setfacl -m '{expected}':r-- -- '-R x'");
            assert!(
                found
                    .remedy
                    .contains(&super::super::Remedy::Sh(expected.clone())),
                "{:?}: {expected}",
                found.remedy
            );
        }
    }

    #[test]
    fn root_may_and_what_was_not_seen_is_not_known() {
        let mut root = seen(step(0, 0, 0o700), step(5, 5, 0));
        root.account.uid = 0;
        assert_eq!(judge(&root).status, Status::Pass);
        let mut cut = seen(step(0, 0, 0o711), step(100, 0, 0o400));
        cut.trouble = Some("cannot look at /keys/a".to_owned());
        assert_eq!(judge(&cut).status, Status::Warn);
        cut.steps.pop();
        cut.trouble = None;
        assert_eq!(judge(&cut).status, Status::Warn);
    }

    #[test]
    fn the_attribute_is_read() {
        let entry = |tag: u16, rights: u16, id: u32| {
            [
                &tag.to_le_bytes()[..],
                &rights.to_le_bytes(),
                &id.to_le_bytes(),
            ]
            .concat()
        };
        let list = |entries: &[Vec<u8>]| [2u32.to_le_bytes().to_vec(), entries.concat()].concat();
        let good = list(&[entry(1, 6, u32::MAX), entry(2, 4, 100), entry(0x10, 4, 0)]);
        let read = AclEntry::read_list(&good).unwrap();
        assert_eq!(
            read[1],
            AclEntry {
                tag: AclTag::User(100),
                rights: 4
            }
        );
        for end in 0..good.len() {
            let whole = end >= 4 && (end - 4) % 8 == 0;
            assert_eq!(AclEntry::read_list(&good[..end]).is_some(), whole, "{end}");
        }
        for bad in [
            list(&[entry(3, 4, 0)]),
            list(&[entry(2, 8, 0)]),
            vec![1, 0, 0, 0],
        ] {
            assert_eq!(AclEntry::read_list(&bad), None);
        }
    }
}
