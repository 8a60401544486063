//! Reading: each part by itself, so that one that is damaged costs only itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    Bundle, Cause, Held, MAX_ITEMS, MAX_SEEN_LEN, MAX_TARGETS, Missing, Observation, SCHEMA, Target,
};
use crate::der::Time;
use crate::diagnose::Role;
use crate::diagnose::files::SavedFile;
use crate::finding::{Code, Error, Fault};
use crate::hash::sha256;

/// The most characters of a name from the bundle that a message repeats.
const MAX_NAMED: usize = 100;

#[derive(serde::Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
}

#[derive(serde::Deserialize)]
struct WireBundle<'a> {
    made_at: String,
    made_by: String,
    holds: AtMost<Held, MAX_ITEMS>,
    #[serde(borrow)]
    targets: AtMost<&'a RawValue, MAX_TARGETS>,
}

#[derive(serde::Deserialize)]
struct WireTarget<'a> {
    name: String,
    role: String,
    source: String,
    #[serde(borrow)]
    observations: AtMost<&'a RawValue, MAX_ITEMS>,
}

#[derive(serde::Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// A list that is refused as soon as it has more elements than this.
struct AtMost<T, const LIMIT: usize>(Vec<T>);

pub(super) fn bundle(bytes: &[u8]) -> Result<Bundle, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header: Header<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if header.schema != SCHEMA {
        return Err(Error {
            code: Some(Code::InputUnrecognised),
            ..Error::new(
                Fault::Unsupported,
                format!(
                    "this is a bundle of the form '{}', and this version reads {SCHEMA}",
                    named(&header.schema)
                ),
                "use the version of this program that made it, or a later one",
            )
        });
    }
    let wire: WireBundle<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let made_at = Time::parse_rfc3339(&wire.made_at).map_err(|error| malformed(&error))?;
    let mut reading = Reading {
        holds: Listed::default(),
        left: MAX_ITEMS,
    };
    for line in wire.holds.0 {
        let key = (line.what.clone(), line.of.clone(), line.name.clone());
        reading.holds.entry(key).or_default().push(line);
    }
    let mut targets = Vec::new();
    for (at, raw) in wire.targets.0.into_iter().enumerate() {
        targets.push(reading.target(at, raw)?);
    }
    targets.extend(reading.not_there());
    Ok(Bundle {
        made_at,
        made_by: wire.made_by,
        targets,
    })
}

/// The list of what it holds, by what it is, whose, and its name.
type Listed = BTreeMap<(String, String, String), Vec<Held>>;

/// The list of what it holds is compared on the way.
struct Reading {
    holds: Listed,
    /// How many observations may still come.
    left: usize,
}

impl Reading {
    fn target(&mut self, at: usize, raw: &RawValue) -> Result<Target, Error> {
        let wire: WireTarget<'_> = match serde_json::from_str(raw.get()) {
            Ok(wire) => wire,
            Err(error) => {
                let place = format!("target {}", at.saturating_add(1));
                return Ok(Target {
                    name: place.clone(),
                    role: Role::Unknown,
                    source: "the bundle".to_owned(),
                    observations: vec![damaged(place, &error)],
                });
            }
        };
        let mut observations = Vec::new();
        let role = role(&wire.role).unwrap_or_else(|| {
            observations.push(Observation::Missing(Missing {
                what: format!("the role '{}'", named(&wire.role)),
                why: "this version does not know this role".to_owned(),
                cause: Cause::Newer,
            }));
            Role::Unknown
        });
        for (at, raw) in wire.observations.0.into_iter().enumerate() {
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                Error::malformed(
                    Code::InputTooLarge,
                    format!("the bundle has more than {MAX_ITEMS} observations"),
                    "collect in several bundles",
                )
            })?;
            let place = format!("observation {}", at.saturating_add(1));
            observations.push(self.observation(&wire.name, &wire.source, &place, raw.get()));
        }
        Ok(Target {
            name: wire.name,
            role,
            source: wire.source,
            observations,
        })
    }

    fn observation(&mut self, of: &str, source: &str, place: &str, raw: &str) -> Observation {
        let kind = match serde_json::from_str::<Kind<'_>>(raw) {
            Ok(kind) => kind.kind,
            Err(error) => return damaged(place.to_owned(), &error),
        };
        let place = format!("{place}, of the kind '{}'", named(&kind));
        if kind != "file" && raw.len() > MAX_SEEN_LEN {
            return damaged(place, &format!("it has more than {MAX_SEEN_LEN} bytes"));
        }
        let read = match &*kind {
            // By itself: reading it as one of several kinds would first take all of it apart.
            "file" => serde_json::from_str(raw).map(Observation::File),
            "node" | "host" | "missing" | "key-file" => serde_json::from_str(raw),
            other => {
                self.line(other, of, source, None);
                return Observation::Missing(Missing {
                    what: place,
                    why: "this version does not know this kind of observation".to_owned(),
                    cause: Cause::Newer,
                });
            }
        };
        match read {
            Ok(Observation::File(file)) => self.compared(of, file),
            Ok(observation) => {
                let name = match &observation {
                    Observation::KeyFile(file) => &file.path,
                    _ => source,
                };
                self.line(&kind, of, name, None);
                observation
            }
            Err(error) => damaged(place, &error),
        }
    }

    /// The file, unless it is not the one in the list.
    fn compared(&mut self, of: &str, file: SavedFile) -> Observation {
        let hash = sha256(&file.bytes).to_string();
        match self.line("file", of, &file.name, Some(&hash)) {
            Some(line) if line.sha256.as_ref() == Some(&hash) => Observation::File(file),
            Some(_) => damaged(
                file.name,
                &"its content is not the one that was collected: SHA-256 differs",
            ),
            None => damaged(file.name, &"it is not in the list of what the bundle holds"),
        }
    }

    /// Takes a line from the list; one with this hash, if there is one.
    fn line(&mut self, what: &str, of: &str, name: &str, hash: Option<&str>) -> Option<Held> {
        let key = (what.to_owned(), of.to_owned(), name.to_owned());
        let lines = self.holds.get_mut(&key)?;
        let same = lines.iter().position(|line| line.sha256.as_deref() == hash);
        let at = same.unwrap_or(0);
        (at < lines.len()).then(|| lines.remove(at))
    }

    /// What is in the list and nowhere else.
    fn not_there(self) -> Option<Target> {
        let observations: Vec<_> = self
            .holds
            .into_values()
            .flatten()
            .map(|line| {
                let what = format!("{} {} of {}", line.what, named(&line.name), named(&line.of));
                damaged(what, &"it is listed, but not there")
            })
            .collect();
        (!observations.is_empty()).then(|| Target {
            name: "what the bundle lost".to_owned(),
            role: Role::Unknown,
            source: "the bundle".to_owned(),
            observations,
        })
    }
}

fn role(text: &str) -> Option<Role> {
    [
        Role::HostGuardianService,
        Role::GuardedHost,
        Role::Fabric,
        Role::Unknown,
    ]
    .into_iter()
    .find(|role| role.as_str() == text)
}

fn damaged(what: String, why: &dyn fmt::Display) -> Observation {
    Observation::Missing(Missing {
        what,
        why: why.to_string(),
        cause: Cause::Damaged,
    })
}

fn malformed(why: &dyn fmt::Display) -> Error {
    Error::malformed(
        Code::JsonMalformed,
        format!("the bundle cannot be read: {why}"),
        "copy it again as a file; if it was cut short where it was made, collect again",
    )
}

fn named(text: &str) -> String {
    text.chars().take(MAX_NAMED).collect()
}

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Deserialize<'de> for AtMost<T, LIMIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const LIMIT: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for List<T, LIMIT> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {LIMIT}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    if elements.len() == LIMIT {
                        return Err(A::Error::custom(format!("more than {LIMIT} in a list")));
                    }
                    elements.push(element);
                }
                Ok(elements)
            }
        }
        deserializer
            .deserialize_seq(List::<T, LIMIT>(PhantomData))
            .map(Self)
    }
}
