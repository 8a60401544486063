//! What Get-TpmEndorsementKeyInfo prints where nothing is done with its output: a list
//! of members in which key and certificates are only described. It holds nothing that
//! can be judged, so it is explained.

use super::super::limits::MAX_KEYS;
use super::ek_info::nothing;
use crate::finding::Error;

/// Why a text that is such a list is no input; `None` if it is none.
pub(in crate::identifier) fn explain(text: &str) -> Option<Error> {
    let value = |name| text.lines().find_map(|line| member(line, name));
    let present = match (value("IsPresent"), value("PublicKeyHash")) {
        (None, None) => return None,
        (Some("True"), _) => Some(true),
        (Some("False"), _) => Some(false),
        _ => None,
    };
    let mut said = Vec::new();
    if let Some(hash) = public_key_hash(text) {
        said.push(format!("PublicKeyHash {hash}"));
    }
    let thumbprints = thumbprints(text);
    if !thumbprints.is_empty() {
        said.push(format!(
            "certificates with thumbprint {}",
            thumbprints.join(", ")
        ));
    }
    let said = match said.is_empty() {
        true => "neither names a key nor certificates".to_owned(),
        false => format!("only names what there is: {}", said.join("; ")),
    };
    let what = format!("this text holds no key and no certificate, it {said}");
    Some(nothing(present, &what))
}

/// The value of a member, if the line has this one.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(name)?;
    Some(rest.trim_start().strip_prefix(':')?.trim())
}

/// 64 digits; a narrow window breaks them, and goes on below their start.
fn public_key_hash(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let first = lines.find_map(|line| member(line, "PublicKeyHash"))?;
    let more = lines.take_while(|line| line.starts_with(' ') && !line.contains(':'));
    let hash: String = std::iter::once(first).chain(more).map(str::trim).collect();
    digits(&hash, 64)
}

/// 40 digits on the line after `[Thumbprint]`, for every certificate.
fn thumbprints(text: &str) -> Vec<String> {
    let lines = || text.lines().map(str::trim);
    let pairs = lines().zip(lines().skip(1));
    pairs
        .filter(|(head, _)| *head == "[Thumbprint]")
        .filter_map(|(_, line)| digits(line, 40))
        .take(MAX_KEYS)
        .collect()
}

fn digits(text: &str, count: usize) -> Option<String> {
    let hex = text.len() == count && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    hex.then(|| text.to_ascii_lowercase())
}
