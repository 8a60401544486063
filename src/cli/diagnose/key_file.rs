//! Looks at key files on this machine: who owns them and the directories on the way, their
//! modes and their access control lists.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::diagnose::key_file::{AclEntry, KeyFileObservation, PosixAccount, Step};
use crate::diagnose::{Observation, Role, Target};
use crate::disk::read_file;
use crate::finding::Error;

/// The largest file of accounts or groups that is read, in octets.
const MAX_ACCOUNTS_LEN: usize = 16 * 1024 * 1024;

/// The attribute with the access control list, and the most octets of it that are read: a
/// thousand entries and more. The kernel allows 64 KiB.
const ACL_ATTRIBUTE: &str = "system.posix_acl_access";
const MAX_ACL_LEN: usize = 64 * 1024;

/// A target for this machine, with what was seen of the key files.
///
/// # Errors
/// An account that is not known here.
pub(super) fn look(paths: &[PathBuf], account: &str) -> Result<Target, Error> {
    let account = account_named(account)?;
    let seen = paths
        .iter()
        .map(|path| Observation::KeyFile(look_at(path, &account)));
    Ok(Target {
        name: "this machine".to_owned(),
        role: Role::HostGuardianService,
        source: "key files on this machine".to_owned(),
        observations: seen.collect(),
    })
}

/// The account by the files of accounts and groups, or as `UID:GID[,GID…]`.
fn account_named(text: &str) -> Result<PosixAccount, Error> {
    if let Some(account) = numbers(text) {
        return Ok(account);
    }
    let read = |path: &str| {
        let bytes = read_file(Path::new(path), MAX_ACCOUNTS_LEN)?;
        Ok::<String, Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let accounts = read("/etc/passwd")?;
    let groups = read("/etc/group")?;
    account_in(text, &accounts, &groups).ok_or_else(|| {
        Error::environment(
            format!("there is no account {text} in /etc/passwd"),
            "if it comes from a directory service, give it by its numbers, as id prints them: \
             --account UID:GID,GID",
        )
    })
}

fn numbers(text: &str) -> Option<PosixAccount> {
    let (uid, gids) = text.split_once(':')?;
    let gids = gids.split(',').map(|gid| gid.trim().parse().ok());
    Some(PosixAccount {
        name: uid.trim().to_owned(),
        uid: uid.trim().parse().ok()?,
        gids: gids.collect::<Option<_>>()?,
    })
}

fn account_in(name: &str, accounts: &str, groups: &str) -> Option<PosixAccount> {
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let mut gids = vec![gid];
    for line in groups.lines() {
        let mut fields = line.split(':').skip(2);
        let gid = fields.next().and_then(|gid| gid.parse::<u32>().ok());
        let members = fields.next().unwrap_or_default();
        let is_member = members.split(',').any(|member| member.trim() == name);
        gids.extend(gid.filter(|_| is_member));
    }
    Some(PosixAccount {
        name: name.to_owned(),
        uid,
        gids,
    })
}

fn look_at(path: &Path, account: &PosixAccount) -> KeyFileObservation {
    let mut seen = KeyFileObservation {
        path: path.display().to_string(),
        account: account.clone(),
        steps: Vec::new(),
        trouble: None,
    };
    if let Err(why) = steps_of(path, &mut seen.steps) {
        seen.trouble = Some(why);
    }
    seen
}

/// Every directory on the way to the file, and the file. Where links are on the way, the
/// directories that the path names and those that it leads to all have to be searched.
fn steps_of(path: &Path, steps: &mut Vec<Step>) -> Result<(), String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    let mut done = BTreeSet::new();
    let parents = |path: &Path| {
        let mut parents: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_owned).collect();
        parents.reverse();
        parents
    };
    for directory in parents(&absolute) {
        if done.insert(directory.clone()) {
            steps.push(step(&directory)?);
        }
    }
    let real = fs::canonicalize(&absolute)
        .map_err(|error| format!("cannot follow {}: {error}", absolute.display()))?;
    for directory in parents(&real) {
        if done.insert(directory.clone()) {
            steps.push(step(&directory)?);
        }
    }
    steps.push(step(&real)?);
    Ok(())
}

fn step(path: &Path) -> Result<Step, String> {
    let metadata: Metadata = fs::metadata(path)
        .map_err(|error| format!("cannot look at {}: {error}", path.display()))?;
    Ok(Step {
        path: path.display().to_string(),
        directory: metadata.is_dir(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode() & 0o7777,
        acl: acl_of(path)?,
    })
}

/// The access control list, if there is one beyond the mode.
fn acl_of(path: &Path) -> Result<Option<Vec<AclEntry>>, String> {
    use rustix::io::Errno;
    let mut buffer = vec![0; MAX_ACL_LEN];
    let length = match rustix::fs::getxattr(path, ACL_ATTRIBUTE, &mut buffer[..]) {
        Ok(length) => length,
        // None there, or a file system without them.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
        Err(error) => {
            return Err(format!(
                "cannot read the ACL of {}: {error}",
                path.display()
            ));
        }
    };
    buffer.truncate(length);
    let list = AclEntry::read_list(&buffer);
    list.map(Some).ok_or_else(|| {
        format!(
            "the ACL of {} is of a kind that is not known here",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_by_name_and_by_number() {
        let accounts = "root:x:0:0::/root:/bin/sh\nhgs:x:100:200::/:/bin/false\n";
        let groups = "root:x:0:\nkeys:x:300:other,hgs\nhgsx:x:301:hgsx\n";
        let found = account_in("hgs", accounts, groups).unwrap();
        assert_eq!((found.uid, found.gids), (100, vec![200, 300]));
        assert_eq!(account_in("hg", accounts, groups), None);
        let found = numbers("100:200,300").unwrap();
        assert_eq!((found.uid, found.gids), (100, vec![200, 300]));
        assert_eq!(numbers("100:x"), None);
        assert_eq!(numbers("hgs"), None);
    }
}
