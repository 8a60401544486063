//! How the three policies about memory dumps work together.
//!
//! Microsoft documents it in words (Managing the Host Guardian Service). Two things it
//! leaves open, and so does the table: what `Hgs_DumpEncryption` says of a key that the
//! service does not know while `Hgs_DumpEncryptionKey` is disabled, and which reasons a host
//! with plain dumps is given beside `DumpEncryption`.

/// The memory dumps of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostDumps {
    /// It writes none.
    Off,
    /// It may write them, in the clear.
    Plain,
    /// It may write them, encrypted for a key that the service does not know.
    UnknownKey,
    /// It may write them, encrypted for a key that the service knows.
    KnownKey,
}

impl HostDumps {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Off, Self::Plain, Self::UnknownKey, Self::KnownKey];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Plain => "plain",
            Self::UnknownKey => "encrypted, unknown key",
            Self::KnownKey => "encrypted, known key",
        }
    }
}

/// Which of the policies are in force: enabled or locked. One that the service does not have
/// is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DumpPolicies {
    /// `Hgs_NoDumps`.
    pub no_dumps: bool,
    /// `Hgs_DumpEncryption`.
    pub encryption: bool,
    /// `Hgs_DumpEncryptionKey`.
    pub key: bool,
}

impl DumpPolicies {
    /// Every combination, from all in force to none.
    pub const ALL: [Self; 8] = [
        Self::new(true, true, true),
        Self::new(true, true, false),
        Self::new(true, false, true),
        Self::new(true, false, false),
        Self::new(false, true, true),
        Self::new(false, true, false),
        Self::new(false, false, true),
        Self::new(false, false, false),
    ];

    const fn new(no_dumps: bool, encryption: bool, key: bool) -> Self {
        Self {
            no_dumps,
            encryption,
            key,
        }
    }
}

/// What one policy says of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DumpAnswer {
    /// The host passes it.
    Pass,
    /// The host fails it.
    Fail,
    /// It is not in force.
    NotInForce,
    /// It is in force and does not apply.
    NotApplicable,
    /// What is documented does not tell.
    CannotTell,
}

/// What the three policies say of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpVerdict {
    /// `Hgs_NoDumps`.
    pub no_dumps: DumpAnswer,
    /// `Hgs_DumpEncryption`.
    pub encryption: DumpAnswer,
    /// `Hgs_DumpEncryptionKey`.
    pub key: DumpAnswer,
}

/// What the policies say of a host with these memory dumps.
pub fn judge_dumps(policies: DumpPolicies, host: HostDumps) -> DumpVerdict {
    let no_dumps = match (policies.no_dumps, host) {
        (false, _) => DumpAnswer::NotInForce,
        (true, HostDumps::Off) => DumpAnswer::Pass,
        (true, _) => DumpAnswer::Fail,
    };
    let encryption = match (policies.encryption, host) {
        (false, _) => DumpAnswer::NotInForce,
        (true, HostDumps::Off) => DumpAnswer::NotApplicable,
        (true, HostDumps::Plain) => DumpAnswer::Fail,
        (true, HostDumps::KnownKey) => DumpAnswer::Pass,
        // Its words are "a key trusted by HGS"; asking for the key is the other's work.
        (true, HostDumps::UnknownKey) if policies.key => DumpAnswer::Pass,
        (true, HostDumps::UnknownKey) => DumpAnswer::CannotTell,
    };
    let key = match (policies.key, policies.encryption, host) {
        (false, ..) => DumpAnswer::NotInForce,
        (true, false, _) | (true, true, HostDumps::Off | HostDumps::Plain) => {
            DumpAnswer::NotApplicable
        }
        (true, true, HostDumps::UnknownKey) => DumpAnswer::Fail,
        (true, true, HostDumps::KnownKey) => DumpAnswer::Pass,
    };
    DumpVerdict {
        no_dumps,
        encryption,
        key,
    }
}

impl DumpVerdict {
    /// The policies that the host fails.
    pub fn failed(&self) -> Vec<&'static str> {
        self.named()
            .into_iter()
            .filter(|(_, answer)| *answer == DumpAnswer::Fail)
            .map(|(name, _)| name)
            .collect()
    }

    /// Fails, passes, or cannot be told.
    pub fn overall(&self) -> DumpAnswer {
        let answers = self.named().map(|(_, answer)| answer);
        if answers.contains(&DumpAnswer::Fail) {
            DumpAnswer::Fail
        } else if answers.contains(&DumpAnswer::CannotTell) {
            DumpAnswer::CannotTell
        } else {
            DumpAnswer::Pass
        }
    }

    /// The answers with the names of the policies.
    pub fn named(&self) -> [(&'static str, DumpAnswer); 3] {
        [
            (NO_DUMPS, self.no_dumps),
            (DUMP_ENCRYPTION, self.encryption),
            (DUMP_ENCRYPTION_KEY, self.key),
        ]
    }
}

/// The names of the three policies.
pub const NO_DUMPS: &str = "Hgs_NoDumps";
/// See [`NO_DUMPS`].
pub const DUMP_ENCRYPTION: &str = "Hgs_DumpEncryption";
/// See [`NO_DUMPS`].
pub const DUMP_ENCRYPTION_KEY: &str = "Hgs_DumpEncryptionKey";

/// What to do where a service does not have these policies, or its PowerShell not
/// `Add-HgsAttestationDumpPolicy`. Documented (Troubleshoot the Host Guardian Service,
/// Memory dump encryption policies; Patching HGS).
pub const IF_MISSING: &[&str] = &[
    "the service lacks a cumulative update: install it on every host first, then on every node",
    "then activate the policies, on one node: Export-HgsServerState, then Import-HgsServerState \
     of the same file",
    "new policies arrive disabled: Enable-HgsAttestationPolicy -Name 'Hgs_DumpEncryption'; a \
     host without the update is likely to fail from then on",
];
