//! Whether the service account may write security audits. Without the privilege the set-up
//! of the service succeeds, and its Key Protection Service answers nothing but HTTP 500.

use super::account::{
    LOCAL_SERVICE, NETWORK_SERVICE, Relation, ServiceAccount, is_sid, well_known,
};
use super::content::{Content, ReadFile};
use super::inf::{Holders, holders};
use crate::diagnose::commands::{EXPORT_PRIVILEGES, IMPORT_PRIVILEGES};
use crate::diagnose::{Basis, Definition, Diagnostic, Set, powershell_quoted};

/// SeAuditPrivilege names LOCAL SERVICE, NETWORK SERVICE and the gMSA.
pub(super) static GMSA_AUDIT_PRIVILEGE: Definition = Definition {
    id: "gmsa-audit-privilege",
    set: Set::HostGuardianService,
    title: "The service account may generate security audits",
    basis: Basis::Documented,
    source: "Troubleshoot the Host Guardian Service, Group managed service account (gMSA) privileges",
};

const PRIVILEGE: &str = "SeAuditPrivilege";

/// How the name of the account is found on a node.
const FIND_ACCOUNT: &str = "(Get-IISAppPool -Name KeyProtection).ProcessModel.UserName";

/// One diagnostic for each policy among the files.
pub(super) fn diagnostics(files: &[ReadFile<'_>], account: &ServiceAccount) -> Vec<Diagnostic> {
    let policies = files.iter().filter_map(|file| match &file.content {
        Ok(Content::Policy(text)) => Some((file.name, text)),
        _ => None,
    });
    policies
        .map(|(name, text)| judge(name, &holders(text, PRIVILEGE), account))
        .collect()
}

fn judge(name: &str, holders: &Holders, account: &ServiceAccount) -> Diagnostic {
    let definition = &GMSA_AUDIT_PRIVILEGE;
    let accounts = match holders {
        Holders::These(accounts) => accounts,
        Holders::NoLine => {
            let seen = format!(
                "{name}: there is no line {PRIVILEGE}, so nothing says that the service account \
                 holds it; by default LOCAL SERVICE and NETWORK SERVICE hold it alone"
            );
            let seen = Diagnostic::warn(definition, seen).then(
                "see that the export has the area of user rights: secedit /export with /areas \
                 USER_RIGHTS, or without /areas",
            );
            return remedy(seen, &[], account);
        }
        Holders::Contradiction => {
            let seen = format!("{name}: {PRIVILEGE} is there twice, with different accounts");
            return Diagnostic::warn(definition, seen).then(
                "export the policy again and do not edit it; which of the lines counts is not known",
            );
        }
        Holders::Joined => {
            let seen = format!(
                "{name}: a line of [Privilege Rights] ends in a backslash, so it is not known \
                 which lines are one"
            );
            return Diagnostic::warn(definition, seen)
                .then("export the policy again and do not edit it: secedit breaks no lines");
        }
        Holders::TooMany => {
            let seen = format!("{name}: {PRIVILEGE} has more accounts than are read");
            return Diagnostic::warn(definition, seen)
                .then("see that the export is whole and was not edited");
        }
    };
    let has = |sid: &str| accounts.iter().any(|one| well_known(one) == Some(sid));
    let mut missing = Vec::new();
    if !has(LOCAL_SERVICE) {
        missing.push("LOCAL SERVICE (S-1-5-19)");
    }
    if !has(NETWORK_SERVICE) {
        missing.push("NETWORK SERVICE (S-1-5-20)");
    }
    let relations: Vec<Relation> = accounts.iter().map(|one| account.relation(one)).collect();
    let unknown: Vec<&String> = accounts
        .iter()
        .zip(&relations)
        .filter_map(|(one, relation)| (*relation == Relation::Unknown).then_some(one))
        .collect();
    let held = match accounts.is_empty() {
        true => format!("{name}: {PRIVILEGE} is granted to nobody"),
        false => format!("{name}: {PRIVILEGE} is granted to {}", accounts.join(", ")),
    };
    let holds = relations.contains(&Relation::Same);
    if holds && missing.is_empty() {
        return Diagnostic::pass(definition, held);
    }
    // A name in a language that is not known here may be either of the two, but there is
    // no telling.
    let other_names = unknown.iter().any(|one| !is_sid(one));
    let mut certain = !missing.is_empty() && !other_names;
    let mut found = Vec::new();
    match missing.is_empty() {
        true => {}
        false if certain => found.push(format!("missing: {}", missing.join(" and "))),
        false => found.push(format!(
            "not there under a name that is known here: {}",
            missing.join(" and ")
        )),
    }
    if account.is_unknown() {
        found.push("which account is the service account was not told (--gmsa)".to_owned());
        // Whoever it is, it is not among those that certainly are another.
        if unknown.is_empty() {
            certain = true;
            found.push("none of them can be a group managed service account".to_owned());
        }
    } else if !holds && unknown.is_empty() {
        certain = true;
        found.push(format!("missing: the service account {}", account.shown()));
    } else if !holds {
        let unknown: Vec<&str> = unknown.iter().map(|one| one.as_str()).collect();
        found.push(format!(
            "whether the service account {} is, or is in, {} cannot be told from here",
            account.shown(),
            unknown.join(" or ")
        ));
    }
    let mut diagnostic = match certain {
        true => Diagnostic::fail(definition, held),
        false => Diagnostic::warn(definition, held),
    };
    for line in found {
        diagnostic = diagnostic.seen(line);
    }
    // All may be right: until the account is told there is nothing to mend.
    if missing.is_empty() && !certain && account.is_unknown() {
        return find_account(diagnostic);
    }
    remedy(diagnostic, accounts, account)
}

fn find_account(diagnostic: Diagnostic) -> Diagnostic {
    diagnostic
        .then("find the service account on a node, and give it here with --gmsa:")
        .powershell(FIND_ACCOUNT)
}

/// The line as it should be, and how to get it in. The setting replaces the list, so the
/// accounts that are there stay.
fn remedy(diagnostic: Diagnostic, accounts: &[String], account: &ServiceAccount) -> Diagnostic {
    let mut entries: Vec<String> = vec![format!("*{LOCAL_SERVICE}"), format!("*{NETWORK_SERVICE}")];
    for one in accounts {
        let is_default =
            well_known(one).is_some_and(|sid| [LOCAL_SERVICE, NETWORK_SERVICE].contains(&sid));
        if !is_default && account.relation(one) != Relation::Same {
            entries.push(if is_sid(one) {
                format!("*{one}")
            } else {
                one.clone()
            });
        }
    }
    let gmsa = account.for_policy();
    let mut diagnostic = diagnostic;
    if gmsa.is_none() {
        diagnostic = find_account(diagnostic);
    } else if !account.is_known_by_sid() {
        diagnostic = diagnostic
            .then("find the SID of the service account, and give it here with --gmsa as well:")
            .powershell(format!(
                "(New-Object System.Security.Principal.NTAccount {}).Translate([System.Security.Principal.SecurityIdentifier]).Value",
                powershell_quoted(account.first().unwrap_or_default())
            ));
    }
    entries.push(gmsa.unwrap_or_else(|| "<SERVICE ACCOUNT>".to_owned()));
    diagnostic
        .then(
            "on every node: Local Security Policy (SecPol.msc), Local Policies, User Rights \
             Assignment, 'Generate security audits'; or the same setting in a group policy. It \
             replaces the list, so it has to name LOCAL SERVICE and NETWORK SERVICE beside the \
             service account",
        )
        .then("or with SecEdit: export, edit, and bring back user rights alone")
        .powershell(EXPORT_PRIVILEGES)
        .then(format!(
            "make the line in [Privilege Rights] read: {PRIVILEGE} = {}",
            entries.join(",")
        ))
        .powershell(IMPORT_PRIVILEGES)
        .then("then restart IIS, and see that the Key Protection Service answers:")
        .powershell("iisreset; Get-HgsKeyProtectionCertificate")
}
