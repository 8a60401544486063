//! What the names of elements promise where they are not publicly known, and the
//! facts about a machine in their normal form.

use crate::finding::Code;

/// What the name of an element promises.
#[derive(Clone, Copy)]
pub(super) struct Hint {
    pub(super) strength: Strength,
    pub(super) code: Code,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    None,
    Likely,
    Certain,
}

impl Hint {
    pub(super) fn of(local: &str, parent: Option<&str>) -> Self {
        let name = local.to_ascii_lowercase();
        let parent = parent.unwrap_or_default().to_ascii_lowercase();
        let code = if name.contains("cert") || (parent.contains("cert") && !name.contains("pub")) {
            Code::EkcertMalformed
        } else {
            Code::EkpubMalformed
        };
        let speaks = |name: &str| ["ek", "cert", "pub"].iter().any(|part| name.contains(part));
        let strength = if matches!(
            name.as_str(),
            "ek" | "ekpub" | "ekpublic" | "ekpublickey" | "ekcert" | "ekcertificate"
        ) {
            Strength::Certain
        } else if ["hash", "digest", "thumbprint", "name"]
            .iter()
            .any(|part| name.contains(part))
        {
            Strength::None
        } else if speaks(&name) || speaks(&parent) {
            Strength::Likely
        } else {
            Strength::None
        };
        Self { strength, code }
    }
}

/// The names of MAC and serial number elements are not publicly known, so any that
/// speaks of them is taken.
pub(super) fn names_mac(local: &str) -> bool {
    let name = local.to_ascii_lowercase();
    name.replace("machine", "").contains("mac")
}

pub(super) fn names_serial(local: &str) -> bool {
    local.to_ascii_lowercase().contains("serial")
}

/// Whether a text is one long word rather than a sentence.
pub(super) fn looks_like_data(text: &str) -> bool {
    const LONGEST_WORD: usize = 40;
    text.split_whitespace()
        .any(|word| word.len() >= LONGEST_WORD && !word.contains("://"))
}

/// A SMBIOS GUID in upper case without braces.
pub(super) fn normal_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap_or(text);
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    (lengths == [8, 4, 4, 4, 12]
        && groups
            .iter()
            .all(|group| group.bytes().all(|octet| octet.is_ascii_hexdigit())))
    .then(|| text.to_ascii_uppercase())
}

/// A MAC address in upper case with colons.
pub(super) fn normal_mac(text: &str) -> Option<String> {
    let separator = |c: char| matches!(c, ':' | '-' | '.' | ' ');
    let digits: String = text.trim().chars().filter(|c| !separator(*c)).collect();
    if digits.len() != 12 || !digits.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_uppercase();
    let pairs = digits.as_bytes().chunks(2);
    let pairs: Option<Vec<&str>> = pairs.map(|pair| std::str::from_utf8(pair).ok()).collect();
    pairs.map(|pairs| pairs.join(":"))
}
