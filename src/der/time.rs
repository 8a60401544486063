use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::finding::Error;

/// A point in time: seconds since 1970-01-01T00:00:00Z. Displays as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// From seconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 text, such as `2024-12-01T00:00:00Z`, or a plain date, which
    /// means its first second in UTC.
    ///
    /// # Errors
    /// Text that is neither is a [`Fault::Misuse`](crate::finding::Fault::Misuse).
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        let full = if text.len() == 10 {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        OffsetDateTime::parse(&full, &Rfc3339)
            .map(|time| Self(time.unix_timestamp()))
            .map_err(|_| {
                Error::misuse(
                    format!("'{text}' is not a time"),
                    "write it as in RFC 3339, for example 2026-01-31T12:00:00Z or 2026-01-31",
                )
            })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} s after 1970", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_both_ways() {
        let time = Time::parse_rfc3339("2024-12-01").unwrap();
        assert_eq!(time.unix(), 1_733_011_200);
        assert_eq!(time.to_string(), "2024-12-01T00:00:00Z");
        assert_eq!(
            Time::parse_rfc3339("2024-12-01T01:00:00+01:00").unwrap(),
            time
        );
        assert!(Time::parse_rfc3339("yesterday").is_err());
        assert_eq!(
            Time::from_unix(253_402_300_799).to_string(),
            "9999-12-31T23:59:59Z"
        );
    }
}
