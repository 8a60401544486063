//! A security policy as `secedit /export` writes it: an INF file with sections, of which
//! `[Privilege Rights]` says who holds which privilege. `*` is before a SID.

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
        if let Some(name) = section(line) {
            within = name.eq_ignore_ascii_case("Privilege Rights");
            continue;
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
            .map(|account| account.strip_prefix('*').unwrap_or(account).to_owned())
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

/// The lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(';'))
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
