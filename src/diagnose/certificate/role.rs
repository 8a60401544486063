use crate::der::Time;

/// What a certificate is for at a Host Guardian Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateRole {
    /// Signs what the Key Protection Service hands out.
    Signing,
    /// Decrypts the keys of shielded VMs.
    Encryption,
    /// Signs the metadata of the Key Protection Service.
    Communications,
    /// Signs health certificates; the service makes and renews it by itself.
    AttestationSigner,
    /// The HTTPS certificate of the service.
    Tls,
    /// The key that a host attests with in host-key mode.
    HostKey,
    /// A template of Active Directory Certificate Services for signing and encryption
    /// certificates.
    Template,
}

impl CertificateRole {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Signing,
        Self::Encryption,
        Self::Communications,
        Self::AttestationSigner,
        Self::Tls,
        Self::HostKey,
        Self::Template,
    ];

    /// As on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
            Self::Communications => "communications",
            Self::AttestationSigner => "attestation-signer",
            Self::Tls => "tls",
            Self::HostKey => "host-key",
            Self::Template => "template",
        }
    }
}

/// Whose table of demands counts. It matters for the roles that several tables speak of:
/// signing, encryption and template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The tables "Certificate requests" of the article "Troubleshooting the Host Guardian
    /// Service": without it nothing works.
    Minimum,
    /// The table of the article "Obtain certificates for HGS"; what it recommends is a warning.
    #[default]
    Recommended,
    /// The table "Active Directory Certificate Services Templates" of the first article.
    Adcs,
    /// The table of the second article to the letter: what it recommends is only told.
    Microsoft2016,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 4] = [
        Self::Minimum,
        Self::Recommended,
        Self::Adcs,
        Self::Microsoft2016,
    ];

    /// As on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimum => "minimum",
            Self::Recommended => "recommended",
            Self::Adcs => "adcs",
            Self::Microsoft2016 => "microsoft-2016",
        }
    }
}

/// A maker of hardware security modules that Microsoft's article has a tip for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hsm {
    /// SafeNet, once Gemalto's.
    Safenet,
    /// nShield, once nCipher's.
    Nshield,
    /// Utimaco CryptoServer.
    Utimaco,
}

impl Hsm {
    /// Every maker.
    pub const ALL: [Self; 3] = [Self::Safenet, Self::Nshield, Self::Utimaco];

    /// As on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safenet => "safenet",
            Self::Nshield => "nshield",
            Self::Utimaco => "utimaco",
        }
    }

    /// The "Key Usage Property" that the article wants in the file of the request.
    pub fn documented_key_usage(self) -> Option<u8> {
        match self {
            Self::Safenet => Some(0xa0),
            Self::Nshield => None,
            Self::Utimaco => Some(0x13),
        }
    }
}

/// What is asked about a certificate, a request or a template.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The time as of which it is judged.
    pub at: Time,
    /// The names under which hosts reach the service; a TLS certificate has to hold them all.
    pub names: Vec<String>,
    /// Where the key is kept, if in a hardware security module of one of these makers.
    pub hsm: Option<Hsm>,
}

impl Question {
    /// As of this time, with no names and no hardware security module.
    pub fn new(at: Time) -> Self {
        Self {
            at,
            names: Vec::new(),
            hsm: None,
        }
    }

    /// The same with the names under which hosts reach the service.
    pub fn with_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(names);
        self
    }

    /// The same for a key in a hardware security module.
    pub fn with_hsm(mut self, hsm: Option<Hsm>) -> Self {
        self.hsm = hsm;
        self
    }
}
