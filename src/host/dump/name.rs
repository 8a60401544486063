//! The names of the files in a dump.

use crate::ek::Template;
use crate::hash::{hex, sha256};

/// NV indices for endorsement keys, and those after them (TCG EK Credential Profile,
/// 2.2).
const EK_INDICES: std::ops::Range<u32> = 0x01c0_0000..0x01c1_0000;
/// Persistent handles (TPM 2.0 Part 2, 7.2).
const PERSISTENT: std::ops::Range<u32> = 0x8100_0000..0x8200_0000;

pub(super) const PROPERTIES_FIXED: &str = "properties-fixed.txt";
pub(super) const PROPERTIES_VARIABLE: &str = "properties-variable.txt";
pub(super) const MACHINE: &str = "machine.json";

/// How many hex digits of a digest name a template that is none of the TCG's.
const DIGEST_DIGITS: usize = 16;

/// What the name of a file says of its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileName {
    Nv(u32),
    Persistent(u32),
    /// A key made from the template of this name.
    Primary(String),
    Machine,
    /// Nothing.
    Other,
}

/// The name for the key made from a template: the template's label, or the start of
/// its SHA-256.
pub(super) fn template_name(template: &[u8]) -> String {
    let mut known = Template::ALL.iter();
    match known.find(|known| known.public_area(None).as_deref() == Some(template)) {
        Some(known) => slug(known.label),
        None => {
            let mut digits = hex(&sha256(template).0);
            digits.truncate(DIGEST_DIGITS);
            digits
        }
    }
}

impl FileName {
    /// Reads the name of a file, and whether it holds the reason of a refusal. An NV
    /// index or handle may be anywhere in it, in hex: `nv-01c00002.bin`,
    /// `0x1c00002.bin`, `host7_0x81010001.pub`.
    pub(super) fn read(name: &str) -> (Self, bool) {
        let (stem, refused) = match name.strip_suffix(".refused") {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        if name == MACHINE {
            return (Self::Machine, false);
        }
        let made_from = stem.strip_prefix("primary-");
        let made_from = made_from.map(|rest| rest.strip_suffix(".pub").unwrap_or(rest));
        if let Some(template) = made_from.filter(|template| is_template_name(template)) {
            return (Self::Primary(template.to_owned()), refused);
        }
        let words = stem.split(|c: char| !c.is_ascii_alphanumeric());
        let mut numbers = words.filter_map(|word| {
            let lower = word.to_ascii_lowercase();
            let digits = lower.strip_prefix("0x").unwrap_or(&lower);
            let number = u32::from_str_radix(digits, 16).ok();
            number.filter(|_| matches!(digits.len(), 7 | 8))
        });
        let found = numbers.find_map(|number| {
            if EK_INDICES.contains(&number) {
                Some(Self::Nv(number))
            } else if PERSISTENT.contains(&number) {
                Some(Self::Persistent(number))
            } else {
                None
            }
        });
        (found.unwrap_or(Self::Other), refused)
    }

    /// The name that a dump gives the file.
    pub(super) fn write(&self, refused: bool) -> String {
        let (stem, extension) = match self {
            Self::Nv(index) => (format!("nv-{index:08x}"), "bin"),
            Self::Persistent(handle) => (format!("persistent-{handle:08x}"), "pub"),
            Self::Primary(template) => (format!("primary-{template}"), "pub"),
            Self::Machine => return MACHINE.to_owned(),
            Self::Other => ("other".to_owned(), "bin"),
        };
        format!("{stem}.{}", if refused { "refused" } else { extension })
    }

    /// Whether a dump gives a file exactly this name.
    pub(super) fn is_of_dump(name: &str) -> bool {
        if matches!(name, PROPERTIES_FIXED | PROPERTIES_VARIABLE) {
            return true;
        }
        let (read, refused) = Self::read(name);
        read != Self::Other && read.write(refused) == name
    }
}

fn is_template_name(name: &str) -> bool {
    let is_digest = name.len() == DIGEST_DIGITS && name.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest || Template::ALL.iter().any(|known| slug(known.label) == name)
}

fn slug(label: &str) -> String {
    label.replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            FileName::Nv(0x01c0_0002),
            FileName::Persistent(0x8101_0001),
            FileName::Primary("L-1".to_owned()),
            FileName::Primary("H-7-with-SHA-512".to_owned()),
            FileName::Primary(template_name(b"another")),
        ] {
            for refused in [false, true] {
                let text = name.write(refused);
                assert_eq!(FileName::read(&text), (name.clone(), refused), "{text}");
                assert!(FileName::is_of_dump(&text), "{text}");
            }
        }
        let text = FileName::Machine.write(false);
        assert_eq!(FileName::read(&text), (FileName::Machine, false));
        assert!(FileName::is_of_dump(&text));
    }

    #[test]
    fn names_that_people_give() {
        for (text, name) in [
            ("0x1c00002.bin", FileName::Nv(0x01c0_0002)),
            ("01c00002", FileName::Nv(0x01c0_0002)),
            ("nv_0x01C00016.der", FileName::Nv(0x01c0_0016)),
            ("host7-0x81010001.pub", FileName::Persistent(0x8101_0001)),
            ("ek.pub", FileName::Other),
            ("primary-mine.pub", FileName::Other),
            ("0x00c00002.bin", FileName::Other),
            ("12345678.bin", FileName::Other),
            ("001c00002.bin", FileName::Other),
        ] {
            assert_eq!(FileName::read(text), (name, false), "{text}");
            assert!(!FileName::is_of_dump(text), "{text}");
        }
    }

    #[test]
    fn templates_have_names_of_their_own() {
        let mut names: Vec<String> = Template::ALL
            .iter()
            .map(|template| template_name(&template.public_area(None).unwrap()))
            .collect();
        names.push(template_name(b"one"));
        names.push(template_name(b"two"));
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.iter().all(|name| is_template_name(name)));
    }
}
