//! Accounts of Windows: names, security identifiers (SIDs), and which may be the same.

/// The account that runs the Key Protection Service, under every name it is known by: a
/// group managed service account (gMSA), as `DOMAIN\name$`, `name$` or a SID. Empty if it
/// is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    names: Vec<String>,
}

/// LOCAL SERVICE.
pub(super) const LOCAL_SERVICE: &str = "S-1-5-19";
/// NETWORK SERVICE.
pub(super) const NETWORK_SERVICE: &str = "S-1-5-20";
/// Everyone.
pub(super) const EVERYONE: &str = "S-1-1-0";
/// Authenticated Users.
pub(super) const AUTHENTICATED_USERS: &str = "S-1-5-11";

/// Names of well-known accounts, in lower case and without their authority, in the
/// languages in which Windows is met most often. Names beyond these are not known.
const NAMES: &[(&str, &[&str])] = &[
    (
        LOCAL_SERVICE,
        &[
            "local service",
            "localservice",
            "lokaler dienst",
            "service local",
            "servicio local",
            "servizio locale",
            "serviço local",
        ],
    ),
    (
        NETWORK_SERVICE,
        &[
            "network service",
            "networkservice",
            "netzwerkdienst",
            "service réseau",
            "servicio de red",
            "servizio di rete",
            "serviço de rede",
        ],
    ),
    ("S-1-5-18", &["system", "système", "localsystem"]),
    (
        "S-1-5-32-544",
        &[
            "administrators",
            "administratoren",
            "administrateurs",
            "administradores",
        ],
    ),
    (EVERYONE, &["everyone", "jeder", "tout le monde", "todos"]),
    (
        AUTHENTICATED_USERS,
        &["authenticated users", "authentifizierte benutzer"],
    ),
    ("S-1-3-4", &["owner rights"]),
    ("S-1-5-32-545", &["users", "benutzer"]),
];

/// Authorities before whose names no domain can stand: what follows is well known, or
/// certainly no account of a domain.
const BUILT_IN: &[&str] = &["nt authority", "builtin", "vordefiniert"];

/// Accounts that are not a gMSA and do not hold one. An administrator it could be made, and
/// should not be.
const OTHERS: &[&str] = &[
    "S-1-3-0",
    "S-1-3-1",
    "S-1-3-4",
    "S-1-5-7",
    "S-1-5-18",
    LOCAL_SERVICE,
    NETWORK_SERVICE,
    "S-1-5-32-544",
    "S-1-5-32-546",
];

/// What SIDs of services, of pools of IIS and of virtual machines start with.
const OTHER_SIDS: &[&str] = &["S-1-5-80-", "S-1-5-82-", "S-1-5-83-"];

/// Authorities whose accounts are neither a gMSA nor hold one.
const OTHER_KINDS: &[&str] = &["nt service", "iis apppool", "nt virtual machine"];

/// How an entry of a list relates to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same account.
    Same,
    /// Certainly another, and no group that could hold it.
    Other,
    /// It cannot be told from here: a group, or the same under another name.
    Unknown,
}

impl ServiceAccount {
    /// An account by these names, all of them for one account.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.trim().to_owned());
        Self {
            names: names.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.names.is_empty()
    }

    /// What it is called in messages.
    pub fn shown(&self) -> String {
        self.names.join(" = ")
    }

    /// The name that was given first.
    pub(super) fn first(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    /// Whether its SID is known.
    pub(super) fn is_known_by_sid(&self) -> bool {
        self.names.iter().any(|name| is_sid(name))
    }

    /// How it is best written into a list of a security policy: the SID if there is one.
    pub(super) fn for_policy(&self) -> Option<String> {
        let sid = self.names.iter().find(|name| is_sid(name));
        sid.map(|sid| format!("*{sid}"))
            .or_else(|| self.names.first().cloned())
    }

    /// How an entry, a name or a SID, relates to it.
    pub(super) fn relation(&self, entry: &str) -> Relation {
        if self.names.iter().any(|name| same_name(name, entry)) {
            return Relation::Same;
        }
        // Any other may be a group that holds it, as Users does.
        let is_other = match well_known(entry) {
            Some(sid) => OTHERS.contains(&sid),
            None => OTHERS.contains(&entry) || is_of_other_kind(entry),
        };
        match is_other {
            true => Relation::Other,
            false => Relation::Unknown,
        }
    }
}

/// Whether this is written as a SID.
pub(super) fn is_sid(text: &str) -> bool {
    let mut parts = text.split('-');
    parts
        .next()
        .is_some_and(|head| head.eq_ignore_ascii_case("S"))
        && parts.next() == Some("1")
        && parts.clone().count() >= 1
        && parts.all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()))
}

/// The SID of a well-known account by its name or SID.
pub(super) fn well_known(entry: &str) -> Option<&'static str> {
    let entry = entry.trim();
    if let Some((sid, _)) = NAMES
        .iter()
        .find(|(sid, _)| entry.eq_ignore_ascii_case(sid))
    {
        return Some(sid);
    }
    let (authority, name) = match entry.rsplit_once('\\') {
        Some((authority, name)) => (Some(authority), name),
        None => (None, entry),
    };
    if authority.is_some_and(|authority| !is_built_in(authority)) {
        return None;
    }
    let mut all = NAMES.iter();
    all.find_map(|(sid, names)| {
        let mut names = names.iter();
        names.any(|one| same_text(one, name)).then_some(*sid)
    })
}

/// Whether it is one of [`BUILT_IN`], or one of the two whose accents a code page may have
/// spoiled. These have a blank in them, or a character beyond ASCII in one place, as the name
/// of a domain that is meant to look like them has not.
fn is_built_in(authority: &str) -> bool {
    let lower = authority.to_lowercase();
    let spoiled = |head: &str, tail: &str| {
        let rest = lower.strip_prefix(head);
        let middle = rest.and_then(|rest| rest.strip_suffix(tail));
        middle.is_some_and(|middle| (1..=2).contains(&middle.chars().count()) && !middle.is_ascii())
    };
    BUILT_IN.iter().any(|one| same_text(one, authority))
        || lower == "autorite nt"
        || spoiled("nt-autorit", "t")
        || spoiled("autorit", " nt")
}

/// Whether two texts differ in case alone. Windows compares in capitals; that small letters
/// are equal too is asked because the capitals of Unicode make `ss` of a sharp s.
fn same_text(one: &str, other: &str) -> bool {
    one == other
        || one.to_lowercase() == other.to_lowercase() && one.to_uppercase() == other.to_uppercase()
}

fn is_of_other_kind(entry: &str) -> bool {
    let entry = entry.trim();
    let by_sid = OTHER_SIDS.iter().any(|start| entry.starts_with(start));
    let by_name = entry
        .split_once('\\')
        .is_some_and(|(authority, _)| is_other_authority(authority));
    by_sid || by_name
}

fn is_other_authority(authority: &str) -> bool {
    OTHER_KINDS.iter().any(|one| same_text(one, authority))
}

/// Whether two names are of one account, as far as both say: a domain that only one of them
/// has does not count, if it is one. Windows does not tell names apart by case.
fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    let with_domain = |(authority, name): (&str, &str), other: &str| {
        same_text(name, other) && !is_built_in(authority) && !is_other_authority(authority)
    };
    match (one.rsplit_once('\\'), other.rsplit_once('\\')) {
        (Some(_), Some(_)) | (None, None) => same_text(one, other),
        (Some(parts), None) => with_domain(parts, other),
        (None, Some(parts)) => with_domain(parts, one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gmsa() -> ServiceAccount {
        ServiceAccount::new(["BASTION\\svc-hgs$".to_owned()])
    }

    #[test]
    fn the_account_is_known_by_its_names() {
        for entry in ["BASTION\\svc-hgs$", "bastion\\SVC-HGS$", "svc-hgs$"] {
            assert_eq!(gmsa().relation(entry), Relation::Same, "{entry}");
        }
        let sid = "S-1-5-21-1-2-3-1601";
        assert_eq!(gmsa().relation(sid), Relation::Unknown);
        let both = ServiceAccount::new(["svc-hgs$".to_owned(), sid.to_owned()]);
        assert_eq!(both.relation(sid), Relation::Same);
        assert_eq!(both.for_policy().unwrap(), format!("*{sid}"));
    }

    /// The Kelvin sign is no k, a long s no s, and a pool of IIS no account of a domain.
    #[test]
    fn what_only_looks_like_it_is_another() {
        let account = ServiceAccount::new(["svc-key$".to_owned()]);
        for entry in [
            "svc-\u{212a}ey$",
            "\u{17f}vc-key$",
            "svc-key",
            "svc-key$$",
            "svc\u{2010}key$",
        ] {
            assert_eq!(account.relation(entry), Relation::Unknown, "{entry}");
        }
        for entry in ["IIS APPPOOL\\svc-key$", "NT SERVICE\\svc-key$"] {
            assert_eq!(account.relation(entry), Relation::Other, "{entry}");
        }
        assert_eq!(account.relation("BUILTIN\\svc-key$"), Relation::Unknown);
        for entry in [
            "AUTORITEX\\LOCAL SERVICE",
            "NT-AUTORITXT\\LOCAL SERVICE",
            "NT AUTHORITY\\networ\u{212a} service",
        ] {
            assert_eq!(well_known(entry), None, "{entry}");
        }
    }

    #[test]
    fn others_are_told_from_those_that_may_be_it() {
        for (entry, relation) in [
            ("S-1-5-18", Relation::Other),
            ("S-1-5-80-1-2-3", Relation::Other),
            ("NT AUTHORITY\\SYSTEM", Relation::Other),
            ("IIS APPPOOL\\KeyProtection", Relation::Other),
            ("BUILTIN\\Administrators", Relation::Other),
            ("BUILTIN\\Users", Relation::Unknown),
            ("Everyone", Relation::Unknown),
            ("S-1-5-11", Relation::Unknown),
            ("S-1-5-6", Relation::Unknown),
            ("BASTION\\HGS Readers", Relation::Unknown),
            ("OTHER\\svc-hgs$", Relation::Unknown),
            ("S-1-5-21-1-2-3-513", Relation::Unknown),
        ] {
            assert_eq!(gmsa().relation(entry), relation, "{entry}");
        }
    }

    #[test]
    fn well_known_accounts_by_name_and_language() {
        for (name, sid) in [
            ("S-1-5-19", LOCAL_SERVICE),
            ("NT AUTHORITY\\LOCAL SERVICE", LOCAL_SERVICE),
            ("Local Service", LOCAL_SERVICE),
            ("NT-AUTORITÄT\\Netzwerkdienst", NETWORK_SERVICE),
            ("NT-AUTORIT\u{fffd}T\\LOKALER DIENST", LOCAL_SERVICE),
            ("AUTORITE NT\\SERVICE RÉSEAU", NETWORK_SERVICE),
            ("BUILTIN\\Administrators", "S-1-5-32-544"),
        ] {
            assert_eq!(well_known(name), Some(sid), "{name}");
        }
        for name in ["BASTION\\LOCAL SERVICE", "LOCAL SERVICES", "S-1-5-190"] {
            assert_eq!(well_known(name), None, "{name}");
        }
        for (text, is) in [
            ("S-1-5", true),
            ("S-1-", false),
            ("S-2-5", false),
            ("x", false),
        ] {
            assert_eq!(is_sid(text), is, "{text}");
        }
    }
}
