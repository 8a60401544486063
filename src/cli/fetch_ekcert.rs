//! The options for fetching certificates that the vendor of a TPM keeps.

use std::path::PathBuf;

use clap::Args;

/// What may be fetched and how, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Certificates that the vendor keeps")]
#[cfg_attr(
    not(feature = "fetch"),
    allow(dead_code, reason = "read where there is something to fetch with")
)]
pub(super) struct FetchArgs {
    /// Ask the vendor's server for a certificate that the TPM does not hold (Intel and AMD only). Off
    /// unless asked for: the request tells the vendor which machine asks
    #[arg(long)]
    fetch_ekcert: bool,
    /// Ask a mirror in the place of a vendor's server, which is then not connected to: intel=URL or
    /// amd=URL; may be repeated
    #[arg(long, value_name = "VENDOR=URL", requires = "fetch_ekcert")]
    ekcert_service: Vec<String>,
    /// Connect through this HTTP proxy; '' is none [default: $HTTPS_PROXY]
    #[arg(long, value_name = "URL", requires = "fetch_ekcert")]
    proxy: Option<String>,
    /// Accept servers with certificates of these authorities as well: a certificate file; may be
    /// repeated
    #[arg(long, value_name = "FILE", requires = "fetch_ekcert")]
    tls_roots: Vec<PathBuf>,
}

#[cfg(feature = "fetch")]
mod with_fetch {
    use super::super::connection::{proxy, tls_roots};
    use super::FetchArgs;
    use crate::ek::EkCertService;
    use crate::fetch::{Client, Services, Settings};
    use crate::finding::Error;
    use crate::host::{TpmContents, fetch_missing};

    /// What is needed to ask for certificates.
    #[derive(Debug)]
    pub(in super::super) struct Fetcher {
        client: Client,
        services: Services,
    }

    impl FetchArgs {
        /// What was asked for, or nothing.
        pub(in super::super) fn resolve(&self) -> Result<Option<Fetcher>, Error> {
            if !self.fetch_ekcert {
                return Ok(None);
            }
            let mut services = Services::default();
            for mirror in &self.ekcert_service {
                let (service, base) = read_mirror(mirror)?;
                services = services.with_mirror(service, base)?;
            }
            let client = Client::new(&Settings {
                hosts: services.hosts(),
                extra_roots: tls_roots(&self.tls_roots)?,
                proxy: proxy(self.proxy.as_deref())?,
                ..Settings::default()
            })?;
            Ok(Some(Fetcher { client, services }))
        }
    }

    impl Fetcher {
        /// Adds the certificates that are to be had.
        pub(in super::super) fn fetch(&self, contents: &mut TpmContents) {
            fetch_missing(contents, &self.client, &self.services);
        }
    }

    fn read_mirror(text: &str) -> Result<(EkCertService, &str), Error> {
        text.split_once('=')
            .and_then(|(vendor, base)| {
                let mut known = EkCertService::ALL.into_iter();
                let service = known.find(|service| service.as_str() == vendor)?;
                Some((service, base))
            })
            .ok_or_else(|| {
                Error::misuse(
                    format!("'{text}' is not vendor and URL of a mirror"),
                    "write --ekcert-service intel=https://mirror.example/ekcertservice/ or \
                     --ekcert-service amd=URL",
                )
            })
    }
}

#[cfg(not(feature = "fetch"))]
mod without_fetch {
    use std::convert::Infallible;

    use super::FetchArgs;
    use crate::finding::Error;
    use crate::host::TpmContents;

    /// There is none in this build.
    #[derive(Debug)]
    pub(in super::super) struct Fetcher(Infallible);

    impl FetchArgs {
        /// Nothing, or says that this build cannot.
        pub(in super::super) fn resolve(&self) -> Result<Option<Fetcher>, Error> {
            if !self.fetch_ekcert {
                return Ok(None);
            }
            Err(Error::environment(
                "this build of endorse connects to no server, so --fetch-ekcert cannot be used",
                "build it with the feature 'fetch': cargo install --locked --path . --features \
                 tpm,fetch; or leave the option out: the URL of the certificate is then said, for \
                 fetching it by hand",
            ))
        }
    }

    impl Fetcher {
        pub(in super::super) fn fetch(&self, _: &mut TpmContents) {
            match self.0 {}
        }
    }
}
