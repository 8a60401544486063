//! What `Get-Acl` gives, through `Format-List` or `Export-Clixml`.

use super::super::object::{Object, Value, objects};
use super::{Entry, Listing, MAX_ENTRIES, MAX_LISTINGS, Part, sddl};

/// The listings among these objects.
pub(in super::super) fn of_objects(values: &[Value]) -> Vec<Listing> {
    let found = objects(values).into_iter().filter_map(of_object);
    found.take(MAX_LISTINGS).collect()
}

fn of_object(object: &Object) -> Option<Listing> {
    // A long value is broken into lines.
    let sddl = object
        .text("Sddl")
        .map(|text| text.replace(['\n', '\r'], ""));
    let mut listing = match sddl.and_then(|text| sddl::read(&text)) {
        Some(listing) => listing,
        None => {
            object.member("Owner")?;
            let text = object
                .text("AccessToString")
                .or_else(|| object.text("Access"))?;
            Listing {
                path: None,
                entries: Some(lines(&text).take(MAX_ENTRIES).map(line).collect()),
            }
        }
    };
    listing.path = object.text("Path").map(|path| {
        let path = path
            .split_once("::")
            .map_or(path.as_str(), |(_, path)| path);
        path.to_owned()
    });
    Some(listing)
}

/// The words between an account and its rights.
const WORDS: [(&str, bool); 2] = [(" Allow ", true), (" Deny ", false)];

/// The lines of a value, with those that only go on at the end of the one before.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let mut whole: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let goes_on = !WORDS.iter().any(|(word, _)| line.contains(word));
        match whole.last_mut().filter(|_| goes_on) {
            Some(before) => {
                before.push(' ');
                before.push_str(line);
            }
            None => whole.push(line.to_owned()),
        }
    }
    whole.into_iter()
}

/// `account Allow  rights`.
fn line(text: String) -> Entry {
    let parts = WORDS.into_iter().find_map(|(word, allows)| {
        let (account, rights) = text.rsplit_once(word)?;
        Some((account.trim().to_owned(), allows, reads(rights, allows)))
    });
    let Some((account, allows, reads)) = parts else {
        return Entry::unread(&text);
    };
    Entry {
        allows,
        account,
        reads,
        text,
    }
}

/// The names of `FileSystemRights` and `CryptoKeyRights`, or a number.
fn reads(rights: &str, allows: bool) -> Option<bool> {
    let rights = rights.trim();
    if let Ok(number) = rights.parse::<i64>() {
        // Printed as a signed number of 32 bits.
        let mask = u32::try_from(number.rem_euclid(1 << 32)).ok()?;
        return sddl::part_of(mask).decides(allows);
    }
    let mut found = Some(false);
    for name in rights.split(',') {
        match part(name.trim()).and_then(|part| part.decides(allows)) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => found = None,
        }
    }
    found
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "FullControl" | "Modify" | "Read" | "ReadAndExecute" | "GenericRead" | "GenericAll" => {
            Part::All
        }
        "ReadData" | "ListDirectory" => Part::Content,
        "Synchronize" | "ReadAttributes" | "ReadExtendedAttributes" | "ReadPermissions" => {
            Part::Rest
        }
        "Write"
        | "WriteData"
        | "AppendData"
        | "Delete"
        | "ExecuteFile"
        | "Traverse"
        | "WriteAttributes"
        | "WriteExtendedAttributes"
        | "ChangePermissions"
        | "TakeOwnership"
        | "CreateFiles"
        | "CreateDirectories"
        | "GenericWrite"
        | "GenericExecute" => Part::Nothing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::object::of_list;
    use super::*;

    const LIST: &str = "\r\n\r\nPath   : Microsoft.PowerShell.Core\\FileSystem::C:\\Keys\\ab_cd\r\n\
        Owner  : NT AUTHORITY\\SYSTEM\r\nAccess : NT AUTHORITY\\SYSTEM Allow  FullControl\r\n\
        \x20        BASTION\\svc-hgs$ Allow  Read, Synchronize\r\n";

    #[test]
    fn a_printed_list_by_its_sddl_or_its_lines() {
        let listings = of_objects(&of_list(LIST).unwrap());
        assert_eq!(listings[0].path.as_deref(), Some("C:\\Keys\\ab_cd"));
        let entries = listings[0].entries.as_ref().unwrap();
        assert_eq!(entries[1].account, "BASTION\\svc-hgs$");
        assert_eq!(entries[1].reads, Some(true));
        let with = format!("{LIST}Sddl   : O:SYD:PAI(A;;F\r\n         A;;;SY)\r\n");
        let listings = of_objects(&of_list(&with).unwrap());
        assert_eq!(listings[0].entries.as_ref().unwrap().len(), 1);
    }

    #[test]
    fn rights_by_name_and_number() {
        for (rights, expected) in [
            ("Read", Some(true)),
            ("Write, ReadAndExecute", Some(true)),
            ("-2147483648", Some(true)),
            ("268435456", Some(true)),
            ("1073741824", Some(false)),
            ("Write, Synchronize", Some(false)),
            ("Lesen", None),
        ] {
            assert_eq!(reads(rights, true), expected, "{rights}");
        }
        for (rights, expected) in [
            ("ReadData", Some(true)),
            ("Write, ReadPermissions", None),
            ("Write", Some(false)),
            ("131072", None),
        ] {
            assert_eq!(reads(rights, false), expected, "{rights}");
        }
        assert_eq!(reads("ReadData, Synchronize", true), None);
    }

    /// Nothing of a list is passed over: what is left out could deny.
    #[test]
    fn a_line_that_goes_on_or_cannot_be_read() {
        let text = "B\\x Deny  Write,\n  Read\nB\\x Allow  FullControl";
        let found: Vec<_> = lines(text).map(line).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].allows, found[0].reads), (false, Some(true)));
        let found: Vec<_> = lines("B\\x Verweigern  Lesen\nB\\x Allow  Read")
            .map(line)
            .collect();
        assert_eq!((found[0].allows, found[0].reads), (false, None));
    }
}
