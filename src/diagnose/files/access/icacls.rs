//! What `icacls` prints (`path account:(rights)`, further accounts below the first) and what
//! `icacls /save` writes (a path, and SDDL on the line below).

use super::{Entry, Listing, MAX_ENTRIES, MAX_LISTINGS, Part, sddl};

/// Authorities whose names have blanks in them, so that a path with blanks before them can
/// still be told from an account.
const AUTHORITIES: &[&str] = &[
    "NT AUTHORITY\\",
    "NT-AUTORITÄT\\",
    "AUTORITE NT\\",
    "NT SERVICE\\",
    "NT VIRTUAL MACHINE\\",
    "IIS APPPOOL\\",
    "BUILTIN\\",
    "VORDEFINIERT\\",
];

/// Reads what is printed. `None` if the text is something else.
pub(in super::super) fn of_printed(text: &str) -> Option<Vec<Listing>> {
    let mut found: Vec<Listing> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        let goes_on = line.starts_with(' ');
        let Some((head, rights)) = rights_of(line) else {
            // An entry that cannot be read may deny.
            let before = found.last_mut().and_then(|one| one.entries.as_mut());
            if let Some(entries) = before.filter(|_| goes_on) {
                entries.push(Entry::unread(line));
            }
            continue;
        };
        let (path, account) = match goes_on {
            true => (None, head.trim()),
            false => {
                let next = lines.get(index.saturating_add(1));
                let indent = next
                    .map(|next| indent_of(next))
                    .filter(|indent| *indent > 0);
                let (path, account) = first(head, indent)?;
                (Some(path), account)
            }
        };
        if let Some(path) = path {
            if found.len() >= MAX_LISTINGS {
                return None;
            }
            found.push(Listing {
                path: Some(path.to_owned()),
                entries: Some(Vec::new()),
            });
        }
        let entries = found.last_mut()?.entries.as_mut()?;
        if entries.len() >= MAX_ENTRIES {
            return None;
        }
        entries.extend(entry(account, &rights, line));
    }
    (!found.is_empty()).then_some(found)
}

/// Reads what is saved. `None` if the text is something else.
pub(in super::super) fn of_saved(text: &str) -> Option<Vec<Listing>> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut found = Vec::new();
    while let Some(path) = lines.next() {
        let mut listing = sddl::read(lines.next()?)?;
        listing.path = Some(path.trim().to_owned());
        found.push(listing);
        if found.len() > MAX_LISTINGS {
            return None;
        }
    }
    (!found.is_empty()).then_some(found)
}

/// `…:(I)(RX)`: what is before the colon, and what is in the brackets.
fn rights_of(line: &str) -> Option<(&str, Vec<&str>)> {
    let (head, rights) = line.rsplit_once(":(")?;
    let rights = rights.strip_suffix(')')?;
    let rights: Vec<&str> = rights.split(")(").collect();
    let is_right = |right: &&str| {
        !right.is_empty()
            && right
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, ',' | ' '))
    };
    (rights.iter().all(is_right) && !head.trim().is_empty()).then_some((head, rights))
}

fn indent_of(line: &str) -> usize {
    match line.trim().is_empty() {
        true => 0,
        false => line.chars().take_while(|c| *c == ' ').count(),
    }
}

/// Path and account of a first line. The lines below it are indented by the path; if there
/// are none, an account starts after the last blank unless its authority is known.
fn first(head: &str, indent: Option<usize>) -> Option<(&str, &str)> {
    if let Some(indent) = indent
        && let Some((place, _)) = head.char_indices().nth(indent)
        && let Some((path, account)) = head.split_at_checked(place)
        && path.ends_with(' ')
    {
        return Some((path.trim_end(), account));
    }
    let known = AUTHORITIES.iter().find_map(|authority| {
        let place = head.find(&format!(" {authority}"))?;
        head.split_at_checked(place)
    });
    let (path, account) = known.or_else(|| {
        let place = head.rfind(' ')?;
        head.split_at_checked(place)
    })?;
    let (path, account) = (path.trim_end(), account.trim());
    // Without a domain it may be the end of a name with blanks in it, and then whose it is
    // cannot be told.
    match path.contains(' ') && !account.contains('\\') {
        true => Some((path, head)),
        false => Some((path, account)),
    }
}

/// One entry; none if it is for what is below a directory only.
fn entry(account: &str, rights: &[&str], line: &str) -> Option<Entry> {
    let inherits_only = rights.contains(&"IO");
    let denies = rights.contains(&"DENY") || rights.contains(&"N");
    let part = |right: &str| match right {
        "F" | "M" | "RX" | "R" | "GA" | "GR" | "N" => Some(Part::All),
        "RD" | "MA" => Some(Part::Content),
        "RC" | "S" | "REA" | "RA" => Some(Part::Rest),
        "W" | "D" | "DE" | "WDAC" | "WO" | "AS" | "GW" | "GE" | "WD" | "AD" | "WEA" | "X"
        | "DC" | "WA" | "OI" | "CI" | "NP" | "I" | "IO" | "DENY" | "SY" => Some(Part::Nothing),
        _ => None,
    };
    let all = rights
        .iter()
        .flat_map(|group| group.split(','))
        .map(str::trim);
    let mut reads = Some(false);
    for right in all {
        match part(right).and_then(|part| part.decides(!denies)) {
            Some(true) => {
                reads = Some(true);
                break;
            }
            Some(false) => {}
            None => reads = None,
        }
    }
    (!inherits_only).then(|| Entry {
        allows: !denies,
        account: account.to_owned(),
        reads,
        text: line.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "C:\\ProgramData\\Microsoft\\Crypto\\Keys\\ab_cd";

    fn printed(entries: &[&str]) -> String {
        let indent = " ".repeat(KEY.len().saturating_add(1));
        let mut text = format!("{KEY} ");
        text.push_str(&entries.join(&format!("\r\n{indent}")));
        text + "\r\n\r\nSuccessfully processed 1 files; Failed processing 0 files\r\n"
    }

    #[test]
    fn printed_entries() {
        let text = printed(&[
            "NT AUTHORITY\\SYSTEM:(F)",
            "BASTION\\svc-hgs$:(DENY)(R)",
            "X:(I)(OI)(IO)(F)",
        ]);
        let listings = of_printed(&text).unwrap();
        assert_eq!(listings.len(), 1);
        assert_eq!(listings[0].path.as_deref(), Some(KEY));
        let entries = listings[0].entries.as_ref().unwrap();
        let seen: Vec<_> = entries
            .iter()
            .map(|one| (one.account.as_str(), one.allows, one.reads))
            .collect();
        assert_eq!(
            seen,
            [
                ("NT AUTHORITY\\SYSTEM", true, Some(true)),
                ("BASTION\\svc-hgs$", false, Some(true))
            ]
        );
    }

    #[test]
    fn one_entry_with_blanks_before_it() {
        let path = "C:\\Program Files\\a b";
        for account in ["NT AUTHORITY\\SYSTEM", "BASTION\\svc-hgs$"] {
            let listings = of_printed(&format!("{path} {account}:(R)\n")).unwrap();
            assert_eq!(listings[0].path.as_deref(), Some(path));
            assert_eq!(listings[0].entries.as_ref().unwrap()[0].account, account);
        }
    }

    #[test]
    fn the_end_of_a_name_is_no_name() {
        let text = format!("{KEY} BASTION\\not svc-hgs$:(R)\n");
        let listings = of_printed(&text).unwrap();
        let account = &listings[0].entries.as_ref().unwrap()[0].account;
        assert_eq!(account, &format!("{KEY} BASTION\\not svc-hgs$"));
        let listings = of_printed(&format!("{KEY} svc-hgs$:(R)\n")).unwrap();
        assert_eq!(listings[0].entries.as_ref().unwrap()[0].account, "svc-hgs$");
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_kept_as_that() {
        let listings = of_printed(&printed(&["B\\x:(R)", "B\\y:(DENY)(?)"])).unwrap();
        let entries = listings[0].entries.as_ref().unwrap();
        assert_eq!((entries.len(), entries[1].reads), (2, None));
        assert!(!entries[1].allows);
    }

    #[test]
    fn rights() {
        for (text, allows, reads) in [
            ("(F)", true, Some(true)),
            ("(I)(M)", true, Some(true)),
            ("(RX)", true, Some(true)),
            ("(R,W)", true, Some(true)),
            ("(GR)", true, Some(true)),
            ("(RD,X)", true, None),
            ("(RC,S)", true, Some(false)),
            ("(DENY)(RD)", false, Some(true)),
            ("(DENY)(RC)", false, None),
            ("(DENY)(S)", false, None),
            ("(W,Rc)", true, None),
            ("(W)", true, Some(false)),
            ("(N)", false, Some(true)),
            ("(DENY)(W)", false, Some(false)),
        ] {
            let listings = of_printed(&printed(&[&format!("B\\x:{text}")])).unwrap();
            let entry = &listings[0].entries.as_ref().unwrap()[0];
            assert_eq!((entry.allows, entry.reads), (allows, reads), "{text}");
        }
    }

    #[test]
    fn saved_lists() {
        let listings = of_saved("ab_cd\r\nD:PAI(A;;FA;;;SY)\r\nef\r\nD:(A;;FR;;;BA)\r\n").unwrap();
        assert_eq!(listings[1].path.as_deref(), Some("ef"));
        for text in ["", "a\r\n", "a\r\nb\r\n", "D:(A;;FA;;;SY)\r\n"] {
            assert_eq!(of_saved(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "f(x):(y)\n",
            "a: (F)\n",
            "   x:(F)\n",
            ":(F)\n",
            "a b:(é)\n",
        ] {
            let found = of_printed(text);
            assert!(
                found.is_none() || text.starts_with("f(x)"),
                "{text}: {found:?}"
            );
        }
    }
}
