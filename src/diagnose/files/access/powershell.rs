//! What `Get-Acl` gives, through `Format-List` or `Export-Clixml`.

use super::super::object::{Object, Value, objects};
use super::{Entry, Listing, MAX_ENTRIES, MAX_LISTINGS, sddl};

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
                entries: Some(text.lines().filter_map(line).take(MAX_ENTRIES).collect()),
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

/// `account Allow  rights`.
fn line(text: &str) -> Option<Entry> {
    let text = text.trim();
    let (account, allows, rights) = [(" Allow ", true), (" Deny ", false)]
        .into_iter()
        .find_map(|(word, allows)| {
            let (account, rights) = text.rsplit_once(word)?;
            Some((account.trim(), allows, rights.trim()))
        })?;
    Some(Entry {
        allows,
        account: account.to_owned(),
        reads: reads(rights),
        text: text.to_owned(),
    })
}

/// The names of `FileSystemRights` and `CryptoKeyRights`, or a number.
fn reads(rights: &str) -> Option<bool> {
    const READ: &[&str] = &[
        "FullControl",
        "Modify",
        "Read",
        "ReadAndExecute",
        "ReadData",
        "ListDirectory",
        "GenericRead",
        "GenericAll",
    ];
    const OTHER: &[&str] = &[
        "Synchronize",
        "Write",
        "WriteData",
        "AppendData",
        "Delete",
        "ExecuteFile",
        "Traverse",
        "ReadAttributes",
        "ReadExtendedAttributes",
        "ReadPermissions",
        "WriteAttributes",
        "WriteExtendedAttributes",
        "ChangePermissions",
        "TakeOwnership",
        "CreateFiles",
        "CreateDirectories",
        "GenericWrite",
        "GenericExecute",
    ];
    if let Ok(number) = rights.parse::<i64>() {
        // Printed as a signed number of 32 bits.
        let mask = number.rem_euclid(1 << 32);
        return Some(mask & 0x9000_0001 != 0);
    }
    let mut names = rights.split(',').map(str::trim);
    if names.clone().any(|name| READ.contains(&name)) {
        return Some(true);
    }
    names.all(|name| OTHER.contains(&name)).then_some(false)
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
            assert_eq!(reads(rights), expected, "{rights}");
        }
    }
}
