use std::fmt;
use std::path::PathBuf;

use crate::finding::{Error, Fault};

/// Where a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
}

impl Location {
    /// Reads the value of `--registry`: a path, or `sqlite:` and a path.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] for a database that this build does not have,
    /// [`Fault::Misuse`] for text that names no place.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("postgres:") || lower.starts_with("postgresql:") {
            // Not repeated in the message: such an address often holds a password.
            return Err(Error::new(
                Fault::Unsupported,
                "a PostgreSQL registry is not in this build",
                "give the path of an SQLite file, for example --registry /var/lib/endorse/registry.db",
            ));
        }
        let path = match text.split_once(':') {
            Some((scheme, path)) if scheme.eq_ignore_ascii_case("sqlite") => {
                path.strip_prefix("//").unwrap_or(path)
            }
            Some((scheme, rest))
                if rest.starts_with("//")
                    && scheme.len() > 1
                    && scheme
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '+') =>
            {
                return Err(Error::new(
                    Fault::Unsupported,
                    format!("'{scheme}:' is no kind of registry that is known here"),
                    "give a path, or sqlite: and a path",
                ));
            }
            _ => text,
        };
        if path.is_empty() || path.contains('\0') {
            return Err(Error::misuse(
                "the registry's path is empty or holds a zero byte",
                "give a path, for example --registry /var/lib/endorse/registry.db",
            ));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        Location::parse(text).unwrap().to_string()
    }

    #[test]
    fn paths_and_sqlite_addresses() {
        assert_eq!(path("/var/lib/r.db"), "/var/lib/r.db");
        assert_eq!(path("r.db"), "r.db");
        assert_eq!(path("sqlite:/var/lib/r.db"), "/var/lib/r.db");
        assert_eq!(path("sqlite:///var/lib/r.db"), "/var/lib/r.db");
        assert_eq!(path("SQLite:r.db"), "r.db");
        assert_eq!(path(r"C:\data\r.db"), r"C:\data\r.db");
        assert_eq!(path("odd:name.db"), "odd:name.db");
    }

    #[test]
    fn other_databases_are_refused_without_repeating_secrets() {
        for text in [
            "postgres://user:secret@db/endorse",
            "postgresql://db/endorse",
            "POSTGRES:x",
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.fault, Fault::Unsupported);
            assert!(error.message.contains("not in this build"), "{error}");
            assert!(!error.message.contains("secret"));
        }
        let error = Location::parse("mysql://db/x").unwrap_err();
        assert_eq!(error.fault, Fault::Unsupported);
        for text in ["", "sqlite:", "a\0b"] {
            assert_eq!(Location::parse(text).unwrap_err().fault, Fault::Misuse);
        }
    }
}
