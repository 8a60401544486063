//! Listings of the access rights of key files on Windows: what `icacls` prints and saves,
//! what `Get-Acl` gives, and SDDL by itself.

mod icacls;
mod judge;
mod powershell;
mod sddl;

pub(super) use icacls::{of_printed, of_saved};
pub(super) use judge::KEY_FILE_READABLE;
pub(super) use judge::diagnostics;
pub(super) use powershell::of_objects;
pub(super) use sddl::{is_sddl, read as read_sddl};

/// The most entries that are read of one listing; an access control list of Windows has at
/// most 64 KiB.
const MAX_ENTRIES: usize = 4_096;

/// The most listings that are read of one file.
const MAX_LISTINGS: usize = 4_096;

/// Who may do what with one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// What it is about, where the listing says.
    pub(super) path: Option<String>,
    /// Its entries in their order, which is the order in which Windows looks at them. `None`
    /// if there is no list at all, which lets everybody in.
    pub(super) entries: Option<Vec<Entry>>,
}

/// One entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Whether it allows; it denies otherwise.
    pub(super) allows: bool,
    /// A name or a SID.
    pub(super) account: String,
    /// Whether the right to read is among its rights: `None` if it cannot be told.
    pub(super) reads: Option<bool>,
    /// As it was written.
    pub(super) text: String,
}

impl Entry {
    /// One that cannot be read: whom it is about is not known, and it may deny.
    fn unread(text: &str) -> Self {
        Self {
            allows: false,
            account: text.trim().to_owned(),
            reads: None,
            text: text.trim().to_owned(),
        }
    }
}

/// Which part of the right to read an entry is about. Reading takes more than the content:
/// with attributes and access rights it is one request, which one refusal refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it.
    All,
    /// The content, and not all of the rest.
    Content,
    /// Something of the rest.
    Rest,
    /// Nothing of it.
    Nothing,
}

impl Part {
    /// Whether an entry with this part of the right lets in, or keeps out; `None` if that
    /// depends on other entries, or on how the file is opened.
    fn decides(self, allows: bool) -> Option<bool> {
        match (self, allows) {
            (Self::All, _) | (Self::Content, false) => Some(true),
            (Self::Content, true) | (Self::Rest, false) => None,
            (Self::Rest, true) | (Self::Nothing, _) => Some(false),
        }
    }
}
