use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::finding::{Error, escape};

/// The longest host name, in characters. DNS names have at most 253 (RFC 1035
/// 2.3.4), inventory names are shorter.
pub const MAX_NAME_CHARS: usize = 255;

/// A host's name: trimmed, not empty, without control and invisible characters.
/// Two that differ only in case are the same, as Windows host names are.
#[derive(Clone, Debug)]
pub struct HostName {
    text: String,
    key: String,
}

impl HostName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) for a name that breaks a rule.
    pub fn new(text: &str) -> Result<Self, Error> {
        let help =
            "give another name; with register-host it is that of the file unless --name gives one";
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::misuse("the host's name is empty", help));
        }
        if text.chars().count() > MAX_NAME_CHARS {
            return Err(Error::misuse(
                format!("the host's name is longer than {MAX_NAME_CHARS} characters"),
                help,
            ));
        }
        // What a terminal would not show could make two names look alike.
        if text
            .chars()
            .any(|c| c != '\\' && escape(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8())
        {
            return Err(Error::misuse(
                format!("the host's name '{text}' has control or invisible characters"),
                help,
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            key: text
                .nfkc()
                .collect::<String>()
                .to_lowercase()
                // Lower case has two sigmas, by the place in the word; it is one letter.
                .replace('ς', "σ")
                .nfkc()
                .collect(),
        })
    }

    /// The name as given, trimmed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form that is compared: NFKC, lower case.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for HostName {}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_compared_without_case() {
        let name = HostName::new("  HV01.Example  ").unwrap();
        assert_eq!(name.as_str(), "HV01.Example");
        assert_eq!(name, HostName::new("hv01.example").unwrap());
        assert_ne!(name, HostName::new("hv02.example").unwrap());
        // Full-width letters and a decomposed umlaut are the same name.
        assert_eq!(
            HostName::new("ＨＶ1").unwrap(),
            HostName::new("hv1").unwrap()
        );
        assert_eq!(
            HostName::new("Mu\u{308}nchen").unwrap(),
            HostName::new("MÜNCHEN").unwrap()
        );
        assert_eq!(
            HostName::new("ΟΔΟΣ").unwrap(),
            HostName::new("οδοσ").unwrap()
        );
        assert_eq!(
            HostName::new("ΟΔΟΣ").unwrap(),
            HostName::new("οδος").unwrap()
        );
        assert_eq!(
            HostName::new(r"DOMAIN\hv1").unwrap().as_str(),
            r"DOMAIN\hv1"
        );
    }

    #[test]
    fn bad_names() {
        assert!(HostName::new(&"x".repeat(255)).is_ok());
        assert!(HostName::new(&"ü".repeat(255)).is_ok());
        for text in [
            "",
            "  ",
            "a\nb",
            "a\0b",
            "a\u{202e}b",
            "a\u{200b}b",
            "ab\u{fe0f}",
            "a\u{34f}b",
            "ab\u{2800}",
            &"x".repeat(256),
        ] {
            assert!(HostName::new(text).is_err(), "{text:?}");
        }
    }
}
