//! By what a service is judged, whether it is seen now or was seen by somebody else.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::cli::connection::tls_roots;
use crate::diagnose::hgsa::service_info::OperationMode;
use crate::ek::Certificate;
use crate::finding::Error;

/// Options for judging what was seen of a service.
#[derive(Args, Debug)]
#[command(next_help_heading = "Judging a service")]
pub(super) struct ServiceArgs {
    /// The mode in which every node should be
    #[arg(long, value_name = "MODE")]
    expect_mode: Option<Mode>,
    /// Trust the certificate authorities in this file for HTTPS; may be repeated. A program that
    /// can connect trusts those of browsers as well
    #[arg(long, value_name = "FILE")]
    tls_root: Vec<PathBuf>,
}

/// A mode as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Hosts are attested by their TPM
    Tpm,
    /// Hosts are attested by a group in Active Directory
    Ad,
    /// Hosts are attested by a key of their own
    HostKey,
}

impl From<Mode> for OperationMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Tpm => Self::Tpm,
            Mode::Ad => Self::ActiveDirectory,
            Mode::HostKey => Self::HostKey,
        }
    }
}

impl ServiceArgs {
    /// The mode that is expected.
    pub(super) fn mode(&self) -> Option<OperationMode> {
        self.expect_mode.map(Into::into)
    }

    /// Who is trusted to issue certificates for HTTPS.
    pub(super) fn tls_roots(&self) -> Result<Vec<Arc<Certificate>>, Error> {
        #[allow(
            unused_mut,
            reason = "those of browsers are there with the feature fetch"
        )]
        let mut roots = tls_roots(&self.tls_root)?;
        #[cfg(feature = "fetch")]
        roots.extend(crate::fetch::browser_roots()?);
        Ok(roots.into_iter().map(Arc::new).collect())
    }
}
