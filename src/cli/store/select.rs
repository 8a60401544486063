//! Which certificates of a store are meant.

use clap::{Args, ValueEnum};

use crate::catalogue::{Contents, StoredCertificate};
use crate::finding::Error;
use crate::trust::{Pool, Purpose};

/// The fewest digits by which a certificate is named: enough to tell the 2,000 of a
/// large store apart.
const MIN_DIGITS: usize = 8;

/// Which certificates, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which certificates")]
pub(super) struct SelectArgs {
    /// Those of this vendor, named as its directory in TrustedTpm.cab, in any case; may be repeated
    #[arg(long, value_name = "NAME")]
    vendor: Vec<String>,
    /// Those in this of the two stores
    #[arg(long, value_enum)]
    pool: Option<PoolArg>,
    /// Those that issue certificates for this
    #[arg(long, value_enum)]
    purpose: Option<PurposeArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PoolArg {
    /// TrustedTPM_RootCA
    Root,
    /// TrustedTPM_IntermediateCA
    Intermediate,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PurposeArg {
    /// Endorsement keys
    Ek,
    /// Attestation identity keys only
    Aik,
    /// Not stated
    Unknown,
}

impl From<PoolArg> for Pool {
    fn from(pool: PoolArg) -> Self {
        match pool {
            PoolArg::Root => Self::Root,
            PoolArg::Intermediate => Self::Intermediate,
        }
    }
}

impl SelectArgs {
    pub(super) fn takes(&self, stored: &StoredCertificate) -> bool {
        let purpose = self.purpose.map(|purpose| match purpose {
            PurposeArg::Ek => Purpose::Ek,
            PurposeArg::Aik => Purpose::Aik,
            PurposeArg::Unknown => Purpose::Unknown,
        });
        let pool = self.pool.map(Pool::from);
        self.takes_vendor(stored.vendor.as_deref())
            && pool.is_none_or(|pool| pool == stored.pool)
            && purpose.is_none_or(|purpose| purpose == stored.purpose)
    }

    /// The vendors that are meant, as typed; none for all.
    pub(super) fn vendors(&self) -> &[String] {
        &self.vendor
    }

    fn takes_vendor(&self, vendor: Option<&str>) -> bool {
        self.vendor.is_empty()
            || vendor.is_some_and(|own| {
                let mut wanted = self.vendor.iter();
                wanted.any(|wanted| wanted.eq_ignore_ascii_case(own))
            })
    }
}

/// The certificates that a text names: by the start of the SHA-256 or of the SHA-1
/// thumbprint, as Windows shows it. All are the same certificate.
pub(super) fn by_digest<'c>(
    contents: &'c Contents,
    text: &str,
) -> Result<Vec<&'c StoredCertificate>, Error> {
    let wanted: String = text
        .chars()
        .filter(|c| !matches!(c, ':' | ' '))
        .flat_map(char::to_lowercase)
        .collect();
    if wanted.len() < MIN_DIGITS || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Error::misuse(
            format!("'{text}' does not name a certificate"),
            format!(
                "give the start of its SHA-256 or SHA-1 thumbprint, {MIN_DIGITS} digits or more; \
                 'endorse store list' shows them"
            ),
        ));
    }
    let found: Vec<_> = contents
        .certificates
        .iter()
        .filter(|stored| {
            let certificate = &stored.certificate;
            certificate.sha256().to_string().starts_with(&wanted)
                || certificate
                    .thumbprint_sha1()
                    .to_string()
                    .starts_with(&wanted)
        })
        .collect();
    let Some(first) = found.first() else {
        return Err(Error::misuse(
            format!("no certificate of the store has a digest that begins with {text}"),
            "'endorse store list' shows what is there; the roots embedded in this program are \
             not in the store",
        ));
    };
    if found
        .iter()
        .any(|stored| stored.certificate.sha256() != first.certificate.sha256())
    {
        return Err(Error::misuse(
            format!("several certificates have a digest that begins with {text}"),
            "give more digits",
        ));
    }
    Ok(found)
}
