//! How servers are reached: what every command that connects somewhere reads.

use std::path::PathBuf;

#[cfg(feature = "fetch")]
use super::options::variable;
use crate::disk::read_file;
use crate::ek::Certificate;
use crate::finding::Error;
use crate::trust::read_certificates;

/// The largest file of certificate authorities, in octets: what systems ship has
/// 250 KiB.
const MAX_ROOTS_LEN: usize = 1024 * 1024;

/// Variables for the proxy, in the order of their weight, as curl has them.
#[cfg(feature = "fetch")]
const PROXY_VARIABLES: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];

/// The proxy that was named, or else the one of the environment.
#[cfg(feature = "fetch")]
pub(super) fn proxy(named: Option<&str>) -> Result<Option<String>, Error> {
    if let Some(proxy) = named {
        return Ok(Some(proxy.to_owned()).filter(|proxy| !proxy.is_empty()));
    }
    let found = PROXY_VARIABLES.into_iter().find_map(variable);
    found
        .map(|proxy| {
            proxy.into_string().map_err(|_| {
                Error::misuse(
                    "HTTPS_PROXY is not text in UTF-8",
                    "set it to http://host:port, or give a proxy with --proxy",
                )
            })
        })
        .transpose()
}

/// The certificate authorities in these files.
pub(super) fn tls_roots(paths: &[PathBuf]) -> Result<Vec<Certificate>, Error> {
    let mut roots = Vec::new();
    for path in paths {
        let bytes = read_file(path, MAX_ROOTS_LEN)?;
        let certificates = read_certificates(&bytes).map_err(|error| {
            Error::environment(format!("{}: {error}", path.display()), error.help)
        })?;
        roots.extend(certificates);
    }
    Ok(roots)
}
