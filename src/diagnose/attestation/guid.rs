use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A GUID, as the number that its text gives. Displays in lower case, without braces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub u128);

impl Guid {
    /// The GUID that .NET's `Guid.ToByteArray` writes as these octets: the first three groups
    /// with the lowest octet first, the rest as in the text.
    pub fn from_dotnet(octets: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = octets;
        let [i, j, k, l, m, n, o, p] = rest;
        Self(u128::from_be_bytes([
            d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p,
        ]))
    }

    /// The GUID whose octets stand in the order of its text (RFC 9562).
    pub fn from_text_order(octets: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(octets))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.0.to_be_bytes().iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is no GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoGuid;

impl FromStr for Guid {
    type Err = NoGuid;

    /// Reads `6a460ee1-62ea-416f-ae6c-04e29634506d`, in either case, with or without braces.
    fn from_str(text: &str) -> Result<Self, NoGuid> {
        let text = text
            .strip_prefix('{')
            .map_or(Some(text), |rest| rest.strip_suffix('}'))
            .ok_or(NoGuid)?;
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let digits = groups.concat();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if lengths != [8, 4, 4, 4, 12] || !is_hex {
            return Err(NoGuid);
        }
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| NoGuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "6a460ee1-62ea-416f-ae6c-04e29634506d";

    #[test]
    fn text_both_ways() {
        let guid: Guid = TEXT.parse().unwrap();
        assert_eq!(guid, Guid(0x6a46_0ee1_62ea_416f_ae6c_04e2_9634_506d));
        assert_eq!(guid.to_string(), TEXT);
        assert_eq!(format!("{{{}}}", TEXT.to_uppercase()).parse(), Ok(guid));
        for wrong in [
            "",
            "{6a460ee1-62ea-416f-ae6c-04e29634506d",
            "6a460ee162ea416fae6c04e29634506d",
            "6a460ee1-62ea-416f-ae6c-04e29634506",
            "6a460ee1-62ea-416f-ae6c-04e29634506g",
            "6a460ee1-62ea-416f-ae6c-+4e29634506d",
            "6a460ee1-62ea-416f-ae6c-04e29634506d-",
        ] {
            assert_eq!(wrong.parse::<Guid>(), Err(NoGuid), "{wrong}");
        }
    }

    /// By hand, from the documentation of `Guid.ToByteArray`: the groups 6a460ee1, 62ea and
    /// 416f turned around, ae6c and 04e29634506d as they are.
    #[test]
    fn the_octets_of_dotnet() {
        let octets = [
            0xe1, 0x0e, 0x46, 0x6a, 0xea, 0x62, 0x6f, 0x41, 0xae, 0x6c, 0x04, 0xe2, 0x96, 0x34,
            0x50, 0x6d,
        ];
        assert_eq!(Guid::from_dotnet(octets).to_string(), TEXT);
        assert_ne!(Guid::from_text_order(octets).to_string(), TEXT);
    }
}
