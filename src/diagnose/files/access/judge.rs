use super::super::account::{AUTHENTICATED_USERS, EVERYONE, Relation, ServiceAccount, well_known};
use super::super::content::{Content, ReadFile};
use super::{Entry, Listing};
use crate::diagnose::{Basis, Definition, Diagnostic, Set, powershell_quoted};

/// The service account may read the private keys.
pub(in crate::diagnose::files) static KEY_FILE_READABLE: Definition = Definition {
    id: "key-file-readable",
    set: Set::HostGuardianService,
    title: "The service account can read the private key",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Certificate Permissions",
};

/// What the listings mean for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// It may read, by this entry or for want of a list.
    Allowed,
    /// It may not.
    Denied,
    /// Only somebody who knows the groups can tell.
    Unknown,
}

/// One diagnostic for each key file that is listed.
pub(in super::super) fn diagnostics(
    files: &[ReadFile<'_>],
    account: &ServiceAccount,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        let (Ok(Content::Access(listings)) | Ok(Content::Objects { listings, .. })) = &file.content
        else {
            continue;
        };
        found.extend(
            listings
                .iter()
                .map(|listing| judge(file.name, listing, account)),
        );
    }
    found
}

fn judge(file: &str, listing: &Listing, account: &ServiceAccount) -> Diagnostic {
    let definition = &KEY_FILE_READABLE;
    let path = listing
        .path
        .as_deref()
        .unwrap_or("a file that the listing does not name");
    let (access, because) = decide(listing, account);
    let who = match account.is_unknown() {
        true => "the service account, which was not told (--gmsa),".to_owned(),
        false => account.shown(),
    };
    let (seen, diagnostic): (String, fn(&'static Definition, String) -> Diagnostic) = match access {
        Access::Allowed => (format!("{file}: {who} may read {path}"), Diagnostic::pass),
        Access::Denied => (
            format!("{file}: {who} may not read {path}"),
            Diagnostic::fail,
        ),
        Access::Unknown => (
            format!("{file}: whether {who} may read {path} cannot be told from here"),
            Diagnostic::warn,
        ),
    };
    let open = open_to_all(listing);
    let diagnostic = match (access, &open) {
        (Access::Allowed, Some(_)) => Diagnostic::warn(definition, seen),
        _ => diagnostic(definition, seen),
    };
    let diagnostic = because.into_iter().fold(diagnostic, Diagnostic::seen);
    if let (Access::Allowed, Some(entry)) = (access, open) {
        return diagnostic
            .seen(format!(
                "every account of the domain may read this private key: {entry}"
            ))
            .then(
                "take the entry out and give read access to the service account alone; think of \
                 the key as known to others",
            );
    }
    match access {
        Access::Allowed => diagnostic,
        _ => remedy(diagnostic, path, account),
    }
}

/// Goes through the entries in their order, as Windows does: the first that concerns the
/// account and the right decides.
fn decide(listing: &Listing, account: &ServiceAccount) -> (Access, Vec<String>) {
    let Some(entries) = &listing.entries else {
        let why = "there is no list of access rights, which lets everybody in".to_owned();
        return (Access::Allowed, vec![why]);
    };
    let mut doubts = Vec::new();
    for entry in entries {
        if entry.reads == Some(false) {
            continue;
        }
        let relation = match is_all(entry) {
            true => Relation::Same,
            false => account.relation(&entry.account),
        };
        match (relation, entry.reads) {
            (Relation::Other, _) => {}
            (Relation::Same, Some(_))
                if doubts.is_empty() || entry.allows == was_allowed(&doubts) =>
            {
                let access = match entry.allows {
                    true => Access::Allowed,
                    false => Access::Denied,
                };
                return (access, vec![format!("by the entry {}", entry.text)]);
            }
            _ => doubts.push(entry),
        }
    }
    if doubts.is_empty() {
        let why =
            "no entry names it or a group that may hold it, taking it that it is no administrator";
        return (Access::Denied, vec![why.to_owned()]);
    }
    let why = doubts
        .iter()
        .map(|entry| format!("it depends on {}: {}", entry.account, entry.text));
    (Access::Unknown, why.collect())
}

/// Whether all entries in doubt allow: then one more that allows changes nothing.
fn was_allowed(doubts: &[&Entry]) -> bool {
    doubts.iter().all(|entry| entry.allows)
}

/// Whether it concerns every account that logs on.
fn is_all(entry: &Entry) -> bool {
    well_known(&entry.account).is_some_and(|sid| [EVERYONE, AUTHENTICATED_USERS].contains(&sid))
}

/// The entry that lets everybody read, if there is one.
fn open_to_all(listing: &Listing) -> Option<String> {
    let Some(entries) = &listing.entries else {
        return Some("there is no list".to_owned());
    };
    let mut entries = entries.iter();
    let open = entries.find(|entry| entry.allows && entry.reads == Some(true) && is_all(entry));
    open.map(|entry| entry.text.clone())
}

fn remedy(diagnostic: Diagnostic, path: &str, account: &ServiceAccount) -> Diagnostic {
    let name = account.first().map(powershell_quoted);
    let name = name
        .unwrap_or_else(|| "(Get-IISAppPool -Name KeyProtection).ProcessModel.UserName".to_owned());
    let diagnostic = diagnostic
        .then(
            "on every node: certlm.msc, Personal, Certificates, the certificate, All Tasks, Manage \
             Private Keys, Add, the service account, Read",
        )
        .then("or with GuardedFabricTools, for the thumbprint of the certificate; it does not work with key storage providers of other vendors:")
        .powershell("Install-Module -Name GuardedFabricTools -Repository PSGallery; Import-Module -Name GuardedFabricTools")
        .powershell("$cert = Get-Item 'Cert:\\LocalMachine\\My\\<THUMBPRINT>'")
        .powershell(format!("$cert.Acl = $cert.Acl | Add-AccessRule ({name}) Read Allow"));
    let diagnostic = match path.contains("\\Crypto\\") {
        true => diagnostic
            .then("or for the file itself:")
            .powershell(format!(
                "icacls {} /grant \"$({name}):(R)\"",
                powershell_quoted(path)
            )),
        false => diagnostic,
    };
    diagnostic.then(
        "a key in a hardware security module has no such file: its vendor says how access is given, \
         often to the machine and not to an account; what is listed here does not count for it",
    )
}

#[cfg(test)]
mod tests {
    use super::super::read_sddl;
    use super::*;

    const SID: &str = "S-1-5-21-1-2-3-1601";

    fn access(entries: &str) -> Access {
        let account = ServiceAccount::new(["BASTION\\svc-hgs$".to_owned(), SID.to_owned()]);
        decide(&read_sddl(&format!("D:{entries}")).unwrap(), &account).0
    }

    #[test]
    fn the_first_entry_that_concerns_it_decides() {
        let same = |kind: &str| format!("({kind};;FR;;;{SID})");
        let group = |kind: &str| format!("({kind};;FR;;;S-1-5-21-1-2-3-1700)");
        let (allow, deny) = (same("A"), same("D"));
        for (entries, expected) in [
            (String::new(), Access::Denied),
            ("NO_ACCESS_CONTROL".to_owned(), Access::Allowed),
            ("(A;;FA;;;SY)(A;;FA;;;BA)".to_owned(), Access::Denied),
            (allow.clone(), Access::Allowed),
            (deny.clone(), Access::Denied),
            (deny.clone() + &allow, Access::Denied),
            (allow.clone() + &deny, Access::Allowed),
            (format!("(A;;FW;;;{SID})"), Access::Denied),
            (format!("(D;;0x116;;;{SID})") + &allow, Access::Allowed),
            // What is opened together with the content.
            (format!("(D;;RC;;;{SID})") + &allow, Access::Unknown),
            (format!("(A;;0x1;;;{SID})"), Access::Unknown),
            (format!("(A;;0x1;;;{SID})") + &allow, Access::Allowed),
            (group("A"), Access::Unknown),
            (group("D") + &allow, Access::Unknown),
            (group("A") + &allow, Access::Allowed),
            (group("D") + &deny, Access::Denied),
            (group("A") + &deny, Access::Unknown),
            ("(A;;FR;;;WD)".to_owned(), Access::Allowed),
            ("(D;;FR;;;AU)".to_owned() + &allow, Access::Denied),
        ] {
            assert_eq!(access(&entries), expected, "{entries}");
        }
    }

    #[test]
    fn a_key_that_all_may_read_is_a_warning() {
        let listing = read_sddl(&format!("D:(A;;FR;;;{SID})(A;;FR;;;WD)")).unwrap();
        let account = ServiceAccount::new([SID.to_owned()]);
        let found = judge("x", &listing, &account);
        assert_eq!(found.status, crate::diagnose::Status::Warn);
        let listing = read_sddl(&format!("D:(A;;FR;;;{SID})")).unwrap();
        assert_eq!(
            judge("x", &listing, &account).status,
            crate::diagnose::Status::Pass
        );
    }
}
