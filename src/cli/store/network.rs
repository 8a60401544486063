//! The options for getting from the network what the URLs in certificates lead to.

use std::path::PathBuf;

use clap::Args;

/// Whom to ask and how, as typed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Network")]
#[cfg_attr(
    not(feature = "fetch"),
    allow(dead_code, reason = "read where there is something to fetch with")
)]
pub(super) struct NetworkArgs {
    /// Show what would be asked for, and connect to nobody
    #[arg(long)]
    pub(super) what_if: bool,
    /// Ask this host as well: HOST, for the ports of http and https, or HOST:PORT; may be repeated. It
    /// may be inside your network; the vendors' known hosts must be at public addresses
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_host: Vec<String>,
    /// Connect through this HTTP proxy; '' is none [default: $HTTPS_PROXY]
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Accept servers with certificates of these authorities as well: a certificate file; may be
    /// repeated
    #[arg(long, value_name = "FILE")]
    tls_roots: Vec<PathBuf>,
    /// How long one fetch may take in all
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[cfg(feature = "fetch")]
mod with_fetch {
    use std::time::Duration;

    use serde::Serialize;

    use super::NetworkArgs;
    use crate::cli::connection::{proxy, tls_roots};
    use crate::cli::human::Page;
    use crate::fetch::{PlannedFetch, Repository, RepositorySettings};
    use crate::finding::Error;

    impl NetworkArgs {
        /// A client that is to ask. Nothing is connected to yet.
        pub(in super::super) fn repository(&self) -> Result<Repository, Error> {
            Repository::new(&RepositorySettings {
                named_hosts: self.allow_host.clone(),
                timeout: Duration::from_secs(self.timeout),
                extra_roots: tls_roots(&self.tls_roots)?,
                proxy: proxy(self.proxy.as_deref())?,
                ..RepositorySettings::default()
            })
        }
    }

    /// A URL that would be asked for, or why not.
    #[derive(Debug, Serialize)]
    pub(in super::super) struct JsonPlanned {
        url: String,
        asked_as: Option<String>,
        refused: Option<String>,
    }

    impl From<&PlannedFetch> for JsonPlanned {
        fn from(planned: &PlannedFetch) -> Self {
            Self {
                url: planned.url.clone(),
                asked_as: planned.decision.as_ref().ok().cloned(),
                refused: planned.decision.as_ref().err().map(Error::to_string),
            }
        }
    }

    pub(in super::super) fn planned_line(page: &mut Page, planned: &PlannedFetch) {
        match &planned.decision {
            Ok(url) => page.line(1, &format!("would ask for {url}")),
            Err(error) => {
                page.line(1, &format!("would not ask: {error}"));
                page.line(2, &format!("help: {}", error.help));
            }
        }
    }
}

#[cfg(feature = "fetch")]
pub(super) use with_fetch::{JsonPlanned, planned_line};

/// What a build without the network says.
#[cfg(not(feature = "fetch"))]
pub(super) fn absent(command: &str) -> crate::finding::Error {
    crate::finding::Error::environment(
        format!("this build of endorse connects to no server, so '{command}' cannot be used"),
        "build it with the feature 'fetch': cargo install --locked --path . --features fetch; or \
         fetch the URLs by hand, which 'endorse verify' and 'endorse inspect' show, and add the \
         files with 'endorse store add --intermediate' and 'endorse store crl import'",
    )
}
