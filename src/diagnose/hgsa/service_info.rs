//! What a service says of itself: the ServiceInfoReply of [MS-HGSA].

use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::finding::{Code, Error};

/// Where a service tells it, on every node ([MS-HGSA]: the one path without a version).
pub const PATH: &str = "/Attestation/Getinfo";

/// The longest reply that is read, in octets. A genuine one has some 150.
pub const MAX_REPLY_LEN: usize = 64 * 1024;

/// The most functional levels that are read; there are two so far.
const MAX_LEVELS: usize = 64;

/// The longest `__type` that is kept, in characters.
const MAX_TYPE_LEN: usize = 200;

/// By what a service attests hosts ([MS-HGSA] OperationMode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub enum OperationMode {
    /// 0: it does not know, or is not set up.
    Unknown,
    /// 1: by TPM.
    Tpm,
    /// 2: by Active Directory group.
    ActiveDirectory,
    /// 3: by host key.
    HostKey,
    /// A number that has no meaning in the specification.
    Other(u32),
}

/// What a service says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInfo {
    /// By what it attests.
    pub mode: OperationMode,
    /// The level at which it works.
    pub functional_level: Option<u32>,
    /// The levels at which it could work.
    pub supported_functional_levels: Vec<u32>,
    /// What it says of its own type, such as
    /// `ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core`.
    pub reply_type: Option<String>,
    /// Whether the type comes first, which it must ([MS-HGSA]).
    pub type_is_first: bool,
}

impl ServiceInfo {
    /// Reads the body of the reply. Fields that are not known are passed over.
    ///
    /// # Errors
    /// What is wrong with it: too long, no JSON object, or no operation mode in it.
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let refused = |code, what: String| {
            Error::malformed(
                code,
                what,
                "see who answers under this URL: a Host Guardian Service says its OperationMode there",
            )
        };
        if body.len() > MAX_REPLY_LEN {
            return Err(refused(
                Code::InputTooLarge,
                format!("the reply has more than {MAX_REPLY_LEN} bytes"),
            ));
        }
        let reply: Reply = serde_json::from_slice(body).map_err(|error| {
            refused(
                Code::JsonMalformed,
                format!("the reply is no ServiceInfoReply: {error}"),
            )
        })?;
        Ok(reply.0)
    }
}

/// Read by hand, since the order counts and nothing is kept that is not known.
struct Reply(ServiceInfo);

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReplyVisitor).map(Reply)
    }
}

struct ReplyVisitor;

impl<'de> Visitor<'de> for ReplyVisitor {
    type Value = ServiceInfo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an OperationMode")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ServiceInfo, A::Error> {
        let mut mode = None;
        let mut level = None;
        let mut levels = None;
        let mut reply_type: Option<String> = None;
        let mut type_is_first = false;
        let mut is_first = true;
        let twice = |name| A::Error::custom(format_args!("{name} is there twice"));
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "OperationMode" => {
                    if mode.replace(map.next_value::<OperationMode>()?).is_some() {
                        return Err(twice("OperationMode"));
                    }
                }
                "FunctionalLevel" => {
                    if level.replace(map.next_value::<u32>()?).is_some() {
                        return Err(twice("FunctionalLevel"));
                    }
                }
                "SupportedFunctionalLevels" => {
                    if levels.replace(map.next_value::<Levels>()?.0).is_some() {
                        return Err(twice("SupportedFunctionalLevels"));
                    }
                }
                "__type" => {
                    let text: String = map.next_value()?;
                    reply_type = Some(text.chars().take(MAX_TYPE_LEN).collect());
                    type_is_first = is_first;
                }
                _ => {
                    // Passed over without recursion, however deep it is.
                    map.next_value::<IgnoredAny>()?;
                }
            }
            is_first = false;
        }
        Ok(ServiceInfo {
            mode: mode.ok_or_else(|| A::Error::missing_field("OperationMode"))?,
            functional_level: level,
            supported_functional_levels: levels.unwrap_or_default(),
            reply_type,
            type_is_first,
        })
    }
}

struct Levels(Vec<u32>);

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LevelsVisitor).map(Levels)
    }
}

struct LevelsVisitor;

impl<'de> Visitor<'de> for LevelsVisitor {
    type Value = Vec<u32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of functional levels")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u32>, A::Error> {
        let mut levels = Vec::new();
        while let Some(level) = seq.next_element()? {
            if levels.len() >= MAX_LEVELS {
                return Err(A::Error::custom("there are too many functional levels"));
            }
            levels.push(level);
        }
        Ok(levels)
    }
}

impl OperationMode {
    /// The modes that a service can be put into.
    pub const KNOWN: [Self; 3] = [Self::Tpm, Self::ActiveDirectory, Self::HostKey];

    /// The mode, as `--expect-mode` has it; `None` for a number without a meaning.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Tpm => Some("tpm"),
            Self::ActiveDirectory => Some("ad"),
            Self::HostKey => Some("host-key"),
            Self::Unknown | Self::Other(_) => None,
        }
    }

    /// The command that puts a node into this mode. That for host keys is missing in the help
    /// of `Set-HgsServer` but used in Microsoft's guides.
    pub fn command(self) -> Option<&'static str> {
        match self {
            Self::Tpm => Some("Set-HgsServer -TrustTpm"),
            Self::ActiveDirectory => Some("Set-HgsServer -TrustActiveDirectory"),
            Self::HostKey => Some("Set-HgsServer -TrustHostKey"),
            Self::Unknown | Self::Other(_) => None,
        }
    }
}

impl From<u32> for OperationMode {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::Tpm,
            2 => Self::ActiveDirectory,
            3 => Self::HostKey,
            other => Self::Other(other),
        }
    }
}

impl From<OperationMode> for u32 {
    fn from(mode: OperationMode) -> Self {
        match mode {
            OperationMode::Unknown => 0,
            OperationMode::Tpm => 1,
            OperationMode::ActiveDirectory => 2,
            OperationMode::HostKey => 3,
            OperationMode::Other(other) => other,
        }
    }
}

impl fmt::Display for OperationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown (0)"),
            Self::Tpm => f.write_str("TPM"),
            Self::ActiveDirectory => f.write_str("Active Directory"),
            Self::HostKey => f.write_str("host key"),
            Self::Other(number) => write!(f, "{number}, which has no meaning"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENUINE: &str = r#"{"__type":"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core",
        "FunctionalLevel":1,"OperationMode":2,"SupportedFunctionalLevels":[0,1]}"#;

    fn read(text: &str) -> Result<ServiceInfo, Error> {
        ServiceInfo::read(text.as_bytes())
    }

    #[test]
    fn a_reply() {
        let info = read(GENUINE).unwrap();
        assert_eq!(info.mode, OperationMode::ActiveDirectory);
        assert_eq!(info.functional_level, Some(1));
        assert_eq!(info.supported_functional_levels, [0, 1]);
        assert!(info.type_is_first);
        assert!(info.reply_type.unwrap().starts_with("ServiceInfoReply:#"));
    }

    #[test]
    fn what_is_tolerated() {
        let info = read(r#"{"OperationMode":1,"New":{"a":[1,{}]},"__type":"x"}"#).unwrap();
        assert_eq!((info.mode, info.type_is_first), (OperationMode::Tpm, false));
        assert_eq!(info.functional_level, None);
        assert_eq!(
            read(r#"{"OperationMode":9}"#).unwrap().mode,
            OperationMode::Other(9)
        );
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            r#"{"OperationMode":"1"}"#,
            r#"{"OperationMode":-1}"#,
            r#"{"OperationMode":4294967296}"#,
            r#"{"OperationMode":1,"OperationMode":2}"#,
            r#"{"OperationMode":1,"FunctionalLevel":"x"}"#,
            r#"{"OperationMode":1} x"#,
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code, Some(Code::JsonMalformed), "{text}");
        }
    }

    #[test]
    fn both_sides_of_each_limit() {
        let levels = |count: usize| {
            let list = vec!["1"; count].join(",");
            read(&format!(
                r#"{{"OperationMode":1,"SupportedFunctionalLevels":[{list}]}}"#
            ))
        };
        assert_eq!(
            levels(MAX_LEVELS)
                .unwrap()
                .supported_functional_levels
                .len(),
            MAX_LEVELS
        );
        assert!(levels(MAX_LEVELS + 1).is_err());
        let padded = |length: usize| {
            let mut text = r#"{"OperationMode":1}"#.to_owned();
            text.push_str(&" ".repeat(length - text.len()));
            read(&text)
        };
        assert!(padded(MAX_REPLY_LEN).is_ok());
        let error = padded(MAX_REPLY_LEN + 1).unwrap_err();
        assert_eq!(error.code, Some(Code::InputTooLarge));
    }

    /// However deep, it costs no stack.
    #[test]
    fn deep_json() {
        let depth = MAX_REPLY_LEN / 2 - 100;
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let info = read(&format!(r#"{{"OperationMode":1,"x":{deep}}}"#)).unwrap();
        assert_eq!(info.mode, OperationMode::Tpm);
        for text in [
            deep.clone(),
            "[".repeat(MAX_REPLY_LEN),
            r#"{"a":"#.repeat(MAX_REPLY_LEN / 5),
            format!(r#"{{"OperationMode":{deep}}}"#),
            format!(r#"{{"OperationMode":1,"__type":{deep}}}"#),
        ] {
            assert_eq!(read(&text).unwrap_err().code, Some(Code::JsonMalformed));
        }
    }
}
