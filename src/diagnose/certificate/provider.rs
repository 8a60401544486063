/// What was said of the provider that keeps a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderHint {
    /// The name, or what stands for one.
    pub name: String,
    /// Where it was said: an attribute of a request, of a bag, of a template.
    pub source: &'static str,
    /// Of which sort it is.
    pub kind: ProviderKind,
}

/// The two sorts of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// A key storage provider of CNG, which HGS asks for.
    KeyStorage,
    /// A cryptographic service provider of CryptoAPI, which HGS cannot use.
    Legacy,
    /// Its name does not tell.
    Unknown,
}

impl ProviderKind {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyStorage => "key-storage",
            Self::Legacy => "legacy",
            Self::Unknown => "unknown",
        }
    }

    /// By the name of a provider. Microsoft's key storage providers have names that end in
    /// "Key Storage Provider", but for the one that keeps keys in the TPM; its legacy ones
    /// are all called "… Cryptographic Provider …". Makers of HSMs follow that, as far as
    /// is known.
    pub fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.contains("key storage provider") || name == "microsoft platform crypto provider" {
            Self::KeyStorage
        } else if name.contains("cryptographic provider") {
            Self::Legacy
        } else {
            Self::Unknown
        }
    }
}

impl ProviderHint {
    /// By the name of the provider.
    pub fn named(name: impl Into<String>, source: &'static str) -> Self {
        let name = name.into();
        Self {
            kind: ProviderKind::of(&name),
            name,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_sort() {
        for (name, kind) in [
            (
                "Microsoft Software Key Storage Provider",
                ProviderKind::KeyStorage,
            ),
            (
                "microsoft platform crypto provider",
                ProviderKind::KeyStorage,
            ),
            ("SafeNet Key Storage Provider", ProviderKind::KeyStorage),
            (
                "nCipher Security World Key Storage Provider",
                ProviderKind::KeyStorage,
            ),
            (
                "Microsoft RSA SChannel Cryptographic Provider",
                ProviderKind::Legacy,
            ),
            (
                "Microsoft Enhanced Cryptographic Provider v1.0",
                ProviderKind::Legacy,
            ),
            ("Some Vault", ProviderKind::Unknown),
            ("", ProviderKind::Unknown),
        ] {
            assert_eq!(ProviderKind::of(name), kind, "{name}");
        }
    }
}
