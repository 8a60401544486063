//! Security descriptors as text (MS-DTYP 2.5.1).

use super::{Entry, Listing, MAX_ENTRIES, Part};

/// GENERIC_ALL and GENERIC_READ; MAXIMUM_ALLOWED is none of them.
const GENERIC: u32 = 0x1000_0000 | 0x8000_0000;

/// FILE_READ_DATA.
const CONTENT: u32 = 0x0000_0001;

/// READ_CONTROL, FILE_READ_ATTRIBUTES and FILE_READ_EA, which GENERIC_READ asks for as well.
const REST: u32 = 0x0002_0000 | 0x0000_0080 | 0x0000_0008;

/// GENERIC_READ asks for it too, but .NET does not write it where it denies.
const SYNCHRONIZE: u32 = 0x0010_0000;

/// Rights by their letters, with the mask that they stand for.
const RIGHTS: &[(&str, u32)] = &[
    ("GA", 0x1000_0000),
    ("GR", 0x8000_0000),
    ("GW", 0x4000_0000),
    ("GX", 0x2000_0000),
    ("FA", 0x001f_01ff),
    ("FR", 0x0012_0089),
    ("FW", 0x0012_0116),
    ("FX", 0x0012_00a0),
    ("KA", 0x000f_003f),
    ("KR", 0x0002_0019),
    ("KW", 0x0002_0006),
    ("KX", 0x0002_0019),
    ("RC", 0x0002_0000),
    ("SD", 0x0001_0000),
    ("WD", 0x0004_0000),
    ("WO", 0x0008_0000),
    ("CC", 0x0000_0001),
    ("DC", 0x0000_0002),
    ("LC", 0x0000_0004),
    ("SW", 0x0000_0008),
    ("RP", 0x0000_0010),
    ("WP", 0x0000_0020),
    ("DT", 0x0000_0040),
    ("LO", 0x0000_0080),
    ("CR", 0x0000_0100),
];

/// Accounts by their letters. Those of a domain have no SID here, so they stay letters.
const ACCOUNTS: &[(&str, &str)] = &[
    ("AN", "S-1-5-7"),
    ("AO", "S-1-5-32-548"),
    ("AU", "S-1-5-11"),
    ("BA", "S-1-5-32-544"),
    ("BG", "S-1-5-32-546"),
    ("BO", "S-1-5-32-551"),
    ("BU", "S-1-5-32-545"),
    ("CG", "S-1-3-1"),
    ("CO", "S-1-3-0"),
    ("CY", "S-1-5-32-569"),
    ("IU", "S-1-5-4"),
    ("LS", "S-1-5-19"),
    ("LU", "S-1-5-32-559"),
    ("MU", "S-1-5-32-558"),
    ("NO", "S-1-5-32-556"),
    ("NS", "S-1-5-20"),
    ("NU", "S-1-5-2"),
    ("OW", "S-1-3-4"),
    ("PO", "S-1-5-32-550"),
    ("PS", "S-1-5-10"),
    ("PU", "S-1-5-32-547"),
    ("RC", "S-1-5-12"),
    ("RD", "S-1-5-32-555"),
    ("SO", "S-1-5-32-549"),
    ("SU", "S-1-5-6"),
    ("SY", "S-1-5-18"),
    ("WD", "S-1-1-0"),
];

/// Whether a text is a security descriptor by itself: on one line, with the letter and the
/// colon of one of its parts first.
pub(in super::super) fn is_sddl(text: &str) -> bool {
    let text = text.trim();
    !text.contains(['\n', '\r'])
        && ["O:", "G:", "D:"].iter().any(|part| text.starts_with(part))
        && read(text).is_some()
}

/// Reads the discretionary list. `None` if it is no security descriptor, or one whose list
/// is damaged.
pub(in super::super) fn read(text: &str) -> Option<Listing> {
    let text = text.trim();
    let Some(list) = discretionary(text) else {
        // Without the part the list is not stored; nothing is known of it.
        return None;
    };
    let (flags, entries) = match list.split_once('(') {
        Some((flags, _)) => (flags, list.get(flags.len()..)?),
        None => (list, ""),
    };
    if flags.contains("NO_ACCESS_CONTROL") {
        return Some(Listing::default());
    }
    if !["P", "AR", "AI"]
        .iter()
        .fold(flags.to_owned(), |rest, flag| rest.replace(flag, ""))
        .is_empty()
    {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let (entry, after) = bracketed(rest)?;
        found.extend(read_entry(entry)?);
        if found.len() > MAX_ENTRIES {
            return None;
        }
        rest = after;
    }
    Some(Listing {
        path: None,
        entries: Some(found),
    })
}

/// What follows `D:`, up to the part that is next.
fn discretionary(text: &str) -> Option<&str> {
    let mut depth = 0u32;
    let mut start = None;
    let mut before = '(';
    let mut before_offset = 0;
    for (offset, c) in text.char_indices() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.checked_sub(1)?,
            ':' if depth == 0 => match (before, start) {
                ('D', None) => start = Some(offset.saturating_add(1)),
                ('S', Some(start)) => return text.get(start..before_offset),
                ('O' | 'G' | 'S', None) => {}
                _ => return None,
            },
            _ => {}
        }
        before = c;
        before_offset = offset;
    }
    if depth != 0 {
        return None;
    }
    text.get(start?..)
}

/// What is between the first bracket and the one that closes it, and what follows. The
/// condition of a conditional entry has brackets of its own.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1u32;
    for (offset, c) in inner.char_indices() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some((inner.get(..offset)?, inner.get(offset.saturating_add(1)..)?));
        }
    }
    None
}

/// `type;flags;rights;object;inherited object;account` and perhaps more. `Some(None)` for an
/// entry that does not concern the file itself.
#[allow(
    clippy::option_option,
    reason = "damaged, and of no concern, are two things"
)]
fn read_entry(text: &str) -> Option<Option<Entry>> {
    let mut parts = text.splitn(7, ';').map(str::trim);
    let kind = parts.next()?;
    let flags = parts.next()?;
    let rights = parts.next()?;
    let _object = parts.next()?;
    let _inherited = parts.next()?;
    let account = parts.next()?;
    let conditional = parts.next().is_some();
    let allows = match kind {
        "A" | "OA" | "XA" => true,
        "D" | "OD" | "XD" => false,
        // Audits, labels and the like.
        _ => return Some(None),
    };
    if account.is_empty() {
        return None;
    }
    let (pairs, rest) = flags.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    // Inherit only: it is for what is below a directory.
    if pairs.contains(b"IO") {
        return Some(None);
    }
    let reads = part_of(mask(rights)?).decides(allows);
    let sid = ACCOUNTS.iter().find(|(letters, _)| *letters == account);
    Some(Some(Entry {
        allows,
        account: sid.map_or(account, |(_, sid)| sid).to_owned(),
        // Whether a condition holds is not known here.
        reads: reads.filter(|reads| !conditional || !reads),
        text: format!("({text})"),
    }))
}

/// Which part of the right to read a mask has.
pub(super) fn part_of(mask: u32) -> Part {
    let has_content = mask & CONTENT != 0;
    match mask & REST {
        _ if mask & GENERIC != 0 => Part::All,
        REST if has_content => Part::All,
        _ if has_content => Part::Content,
        0 if mask & SYNCHRONIZE == 0 => Part::Nothing,
        _ => Part::Rest,
    }
}

fn mask(rights: &str) -> Option<u32> {
    if let Some(hex) = rights.strip_prefix("0x").or(rights.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    if rights.bytes().all(|octet| octet.is_ascii_digit()) && !rights.is_empty() {
        return rights.parse().ok();
    }
    let mut mask = 0;
    let mut rest = rights;
    while !rest.is_empty() {
        let (pair, after) = rest.split_at_checked(2)?;
        let (_, bits) = RIGHTS.iter().find(|(letters, _)| *letters == pair)?;
        mask |= bits;
        rest = after;
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(bool, String, Option<bool>)> {
        let listing = read(text).unwrap();
        let entries = listing.entries.unwrap().into_iter();
        entries
            .map(|one| (one.allows, one.account, one.reads))
            .collect()
    }

    #[test]
    fn rights_that_read() {
        let (yes, no) = (Some(true), Some(false));
        for (rights, allows, denies) in [
            ("FA", yes, yes),
            ("FR", yes, yes),
            ("GR", yes, yes),
            ("GA", yes, yes),
            // The content without all that is opened with it.
            ("KA", None, yes),
            ("KR", None, yes),
            ("CC", None, yes),
            ("0x1", None, yes),
            ("0x80000000", yes, yes),
            ("1179785", yes, yes),
            ("0x20089", yes, yes),
            ("0x20081", None, yes),
            // Something of what is opened with the content.
            ("FW", no, None),
            ("FX", no, None),
            ("RCSD", no, None),
            ("0x80", no, None),
            ("0x100000", no, None),
            ("0x116", no, no),
            ("", no, no),
        ] {
            for (kind, allow, reads) in [("A", true, allows), ("D", false, denies)] {
                let text = format!("D:({kind};;{rights};;;SY)");
                let expected = vec![(allow, "S-1-5-18".to_owned(), reads)];
                assert_eq!(entries(&text), expected, "{kind} {rights}");
            }
        }
    }

    #[test]
    fn the_parts_of_a_descriptor() {
        let text = "O:SYG:S-1-5-21-1-2-3-513D:PAI(D;ID;FR;;;S-1-5-21-1-2-3-9)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)S:AI(AU;SA;FA;;;WD)";
        let found = entries(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (false, "S-1-5-21-1-2-3-9".to_owned(), Some(true)));
        assert_eq!(entries("D:"), []);
        assert_eq!(read("D:NO_ACCESS_CONTROL").unwrap().entries, None);
        let conditional = "D:(XA;;FR;;;WD;(@User.Title==\"a;(b)\"))";
        assert_eq!(entries(conditional), [(true, "S-1-1-0".to_owned(), None)]);
    }

    #[test]
    fn what_is_none() {
        for text in [
            "O:SYG:SY",
            "D:X(A;;FA;;;SY)",
            "D:(A;;FA;;;SY",
            "D:(A;;QQ;;;SY)",
            "D:(A;;FA;;;)",
            "D:(A;;FA)",
            "D:(A;X;FA;;;SY)",
            "D:)(",
            "hello D:(A;;FA;;;SY)x:",
        ] {
            assert_eq!(read(text), None, "{text}");
            assert!(!is_sddl(text), "{text}");
        }
        assert!(is_sddl("  D:PAI(A;;FA;;;SY)\r\n"));
        assert!(!is_sddl("D:\\Keys\\a.txt"));
    }
}
