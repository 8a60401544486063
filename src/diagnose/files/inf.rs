//! A security policy as `secedit /export` writes it: an INF file with sections, of which
//! `[Privilege Rights]` says who holds which privilege. `*` is before a SID.

use super::account::is_sid;

/// The most accounts that are read of one privilege. A list that an administrator looks
/// after has a handful.
const MAX_ACCOUNTS: usize = 1_000;

/// What is known of the holders of a privilege by one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holders {
    /// The file has no line for it.
    NoLine,
    /// These, each a name or a SID; perhaps none.
    These(Vec<String>),
    /// More than one line, and they differ.
    Contradiction,
    /// A line of the section ends in a backslash. Readers of INF files that join it with the
    /// next see other lines than readers that do not.
    Joined,
    /// More than [`MAX_ACCOUNTS`].
    TooMany,
}

/// Whether a text is a security policy: the first line that is neither empty nor a comment
/// is a section of which such files have only a few.
pub(super) fn is_policy(text: &str) -> bool {
    const SECTIONS: &[&str] = &[
        "unicode",
        "version",
        "system access",
        "event audit",
        "registry values",
        "privilege rights",
        "group membership",
        "profile description",
        "service general setting",
        "registry keys",
        "file security",
    ];
    let mut sections = text.lines().filter_map(section);
    let first = lines(text).next().and_then(section);
    first.is_some_and(|name| SECTIONS.contains(&name.to_lowercase().as_str()))
        && sections.any(|name| {
            ["privilege rights", "system access", "event audit"]
                .contains(&name.to_lowercase().as_str())
        })
}

/// Who holds a privilege.
pub(super) fn holders(text: &str, privilege: &str) -> Holders {
    let mut within = false;
    let mut found: Option<Vec<String>> = None;
    for line in lines(text) {
        // Also one that is not closed ends the section before it.
        if line.starts_with('[') {
            within =
                section(line).is_some_and(|name| name.eq_ignore_ascii_case("Privilege Rights"));
            continue;
        }
        if within && line.ends_with('\\') {
            return Holders::Joined;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| within) else {
            continue;
        };
        if !key.trim().eq_ignore_ascii_case(privilege) {
            continue;
        }
        let accounts: Vec<String> = value
            .split(',')
            .map(|account| account.trim().trim_matches('"').trim())
            .map(|account| without_star(account).to_owned())
            .filter(|account| !account.is_empty())
            .take(MAX_ACCOUNTS.saturating_add(1))
            .collect();
        if accounts.len() > MAX_ACCOUNTS {
            return Holders::TooMany;
        }
        if found.as_ref().is_some_and(|before| *before != accounts) {
            return Holders::Contradiction;
        }
        found = Some(accounts);
    }
    found.map_or(Holders::NoLine, Holders::These)
}

/// A SID without the star before it. Before anything else a star means nothing that is known,
/// and stays.
fn without_star(account: &str) -> &str {
    let sid = account.strip_prefix('*').map(str::trim);
    sid.filter(|sid| is_sid(sid)).unwrap_or(account)
}

/// The lines that say something, without remarks.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(|line| without_remark(line).trim());
    lines.filter(|line| !line.is_empty())
}

/// What is before the first semicolon that is not in quotation marks.
fn without_remark(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

fn section(line: &str) -> Option<&str> {
    line.trim()
        .strip_prefix('[')?
        .strip_suffix(']')
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIT: &str = "SeAuditPrivilege";

    fn policy(lines: &str) -> String {
        format!(
            "[Unicode]\r\nUnicode=yes\r\n[Privilege Rights]\r\n{lines}[Version]\r\nRevision=1\r\n"
        )
    }

    fn these(accounts: &[&str]) -> Holders {
        Holders::These(accounts.iter().map(|&account| account.to_owned()).collect())
    }

    #[test]
    fn a_policy_is_told_by_its_sections() {
        assert!(is_policy(&policy("")));
        assert!(is_policy("; made by hand\n[privilege rights]\n"));
        for text in [
            "",
            "[Privilege]\n",
            "[Version]\nx=1\n",
            "x\n[Privilege Rights]\n",
        ] {
            assert!(!is_policy(text), "{text}");
        }
    }

    #[test]
    fn who_holds_it() {
        for (line, expected) in [
            ("", Holders::NoLine),
            ("SeAuditPrivilege =\r\n", these(&[])),
            (
                "SeAuditPrivilege = *S-1-5-19,*S-1-5-20\r\n",
                these(&["S-1-5-19", "S-1-5-20"]),
            ),
            (
                "seauditprivilege=NT AUTHORITY\\LOCAL SERVICE , \"B\\x$\",\r\n",
                these(&["NT AUTHORITY\\LOCAL SERVICE", "B\\x$"]),
            ),
            (
                "SeAuditPrivilege = a\r\nSeAuditPrivilege = b\r\n",
                Holders::Contradiction,
            ),
            ("; SeAuditPrivilege = a\r\n", Holders::NoLine),
            ("SeAuditPrivilege = a ; ,b\r\n", these(&["a"])),
            ("SeAuditPrivilege = a,\"b;c\" ;d\r\n", these(&["a", "b;c"])),
            (
                "SeAuditPrivilege = *a,* S-1-5-19\r\n",
                these(&["*a", "S-1-5-19"]),
            ),
            // Another section, and one that is no longer this one.
            ("[Other] ; x\r\nSeAuditPrivilege = a\r\n", Holders::NoLine),
            ("[Other\r\nSeAuditPrivilege = a\r\n", Holders::NoLine),
            ("SeX = b,\\\r\nSeAuditPrivilege = a\r\n", Holders::Joined),
            ("SeAuditPrivilege = a,\\ ; x\r\nb\r\n", Holders::Joined),
            ("SeAuditPrivilegeX = a\r\n", Holders::NoLine),
        ] {
            assert_eq!(holders(&policy(line), AUDIT), expected, "{line}");
        }
        // In another section it says nothing.
        let text = "[System Access]\nSeAuditPrivilege = a\n[Privilege Rights]\n";
        assert_eq!(holders(text, AUDIT), Holders::NoLine);
    }

    #[test]
    fn a_list_is_bounded() {
        let list = |count: usize| policy(&format!("{AUDIT} = {}\r\n", vec!["a"; count].join(",")));
        assert_eq!(
            holders(&list(MAX_ACCOUNTS), AUDIT),
            these(&["a"; MAX_ACCOUNTS])
        );
        assert_eq!(holders(&list(MAX_ACCOUNTS + 1), AUDIT), Holders::TooMany);
    }
}
