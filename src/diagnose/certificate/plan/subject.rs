use rcgen::DnType;

use crate::finding::Error;

/// The longest value of one attribute, in characters (RFC 5280 appendix A.1, ub-name).
const MAX_VALUE_LEN: usize = 64;

/// The most attributes of a subject.
const MAX_PARTS: usize = 16;

/// One attribute of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPart {
    pub(super) kind: PartKind,
    pub(super) value: String,
}

/// The attributes that a subject is made of here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    CommonName,
    Organization,
    OrganizationalUnit,
    Locality,
    State,
    Country,
}

impl PartKind {
    const ALL: [Self; 6] = [
        Self::CommonName,
        Self::Organization,
        Self::OrganizationalUnit,
        Self::Locality,
        Self::State,
        Self::Country,
    ];

    /// The short name (RFC 4514 3), which openssl and Windows know as well.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "CN",
            Self::Organization => "O",
            Self::OrganizationalUnit => "OU",
            Self::Locality => "L",
            Self::State => "ST",
            Self::Country => "C",
        }
    }

    pub(super) fn dn_type(self) -> DnType {
        match self {
            Self::CommonName => DnType::CommonName,
            Self::Organization => DnType::OrganizationName,
            Self::OrganizationalUnit => DnType::OrganizationalUnitName,
            Self::Locality => DnType::LocalityName,
            Self::State => DnType::StateOrProvinceName,
            Self::Country => DnType::CountryName,
        }
    }
}

impl SubjectPart {
    pub(super) fn common_name(value: &str) -> Self {
        Self {
            kind: PartKind::CommonName,
            value: value.to_owned(),
        }
    }
}

/// Reads a subject: `CN=HGS Signing,O=Contoso\, Ltd.,C=DE`. A backslash takes the meaning
/// from the character after it.
///
/// # Errors
/// [`Fault::Misuse`](crate::finding::Fault::Misuse) if it is none.
pub fn parse_subject(text: &str) -> Result<Vec<SubjectPart>, Error> {
    let bad = |what: String| {
        Error::misuse(
            format!("the subject '{text}' cannot be used: {what}"),
            "write it as in 'CN=HGS Signing,O=Contoso,C=DE', with CN, O, OU, L, ST and C, each once, \
             and a backslash before a comma that belongs to a value",
        )
    };
    let mut parts: Vec<SubjectPart> = Vec::new();
    for (name, value) in split(text).map_err(|what| bad(what.to_owned()))? {
        let mut kinds = PartKind::ALL.into_iter();
        let kind = kinds
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name.trim()))
            .ok_or_else(|| bad(format!("there is no attribute '{}'", name.trim())))?;
        if parts.len() >= MAX_PARTS || parts.iter().any(|part| part.kind == kind) {
            return Err(bad(format!("{} is there twice", kind.as_str())));
        }
        if value.is_empty() || value.chars().count() > MAX_VALUE_LEN {
            return Err(bad(format!(
                "{} has no value, or one of more than {MAX_VALUE_LEN} characters",
                kind.as_str()
            )));
        }
        if value.chars().any(char::is_control) || value.trim() != value {
            return Err(bad(format!(
                "the value of {} has control characters in it, or spaces around it",
                kind.as_str()
            )));
        }
        let is_country = value.len() == 2 && value.chars().all(|c| c.is_ascii_uppercase());
        if kind == PartKind::Country && !is_country {
            return Err(bad("a country is two capital letters".to_owned()));
        }
        parts.push(SubjectPart { kind, value });
    }
    Ok(parts)
}

/// Names and values, split at commas and the first equals sign, without their backslashes.
fn split(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut pairs = Vec::new();
    let mut name = String::new();
    let mut value: Option<String> = None;
    let mut chars = text.chars();
    loop {
        match (chars.next(), &mut value) {
            (Some('\\'), Some(value)) => match chars.next() {
                Some(escaped) => value.push(escaped),
                None => return Err("a backslash stands at its end"),
            },
            (Some(','), Some(_)) => {
                pairs.push((std::mem::take(&mut name), value.take().unwrap_or_default()));
            }
            (None, Some(_)) => {
                pairs.push((name, value.take().unwrap_or_default()));
                return Ok(pairs);
            }
            (Some(c), Some(value)) => value.push(c),
            (Some('='), None) => value = Some(String::new()),
            (Some(c), None) => name.push(c),
            (None, None) => return Err("an attribute has no equals sign"),
        }
    }
}
