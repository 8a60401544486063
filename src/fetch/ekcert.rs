use super::address::Address;
use super::{Cause, Client, Failure};
use crate::ek::{Certificate, EkCertService, EkPub, read_service_reply};
use crate::finding::{Code, Error};

/// Where the services are: the vendors' own, or mirrors of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    bases: Vec<(EkCertService, String)>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            bases: EkCertService::ALL
                .into_iter()
                .map(|service| (service, service.base_url().to_owned()))
                .collect(),
        }
    }
}

impl Services {
    /// The same with a mirror in the place of one vendor's server, which is then not
    /// asked any more.
    ///
    /// # Errors
    /// [`Fault::Misuse`](crate::finding::Fault::Misuse) if it is no URL that a
    /// [`Client`] uses, or has a query or fragment, to which no name can be added.
    pub fn with_mirror(mut self, service: EkCertService, base: &str) -> Result<Self, Error> {
        let misuse = |why: &str| {
            Error::misuse(
                format!("'{base}' {why}"),
                "give the URL to which the name of the certificate is added, such as \
                 https://mirror.example/ekcertservice/; plain http is for 127.0.0.1 and [::1] only",
            )
        };
        Address::of_url(base).map_err(misuse)?;
        if base.contains(['?', '#']) {
            return Err(misuse("has more than a path"));
        }
        for (known, url) in &mut self.bases {
            if *known == service {
                base.clone_into(url);
            }
        }
        Ok(self)
    }

    /// The hosts of the services, for the list of those that a client may talk to.
    pub fn hosts(&self) -> Vec<String> {
        self.bases
            .iter()
            .filter_map(|(_, base)| Address::of_url(base).ok())
            .map(|address| address.to_string())
            .collect()
    }

    /// Where the certificate for this key is to be had.
    ///
    /// # Errors
    /// See [`EkCertService::name_of`].
    pub fn url(&self, service: EkCertService, key: &EkPub) -> Result<String, Error> {
        let base = self
            .bases
            .iter()
            .find(|(known, _)| *known == service)
            .map_or(service.base_url(), |(_, base)| base.as_str());
        service.url_below(base, key)
    }
}

/// Asks a vendor's service for the certificate for this key. The request tells the
/// vendor the key, which is the TPM's for life, and the address of who asks.
///
/// That the certificate is for this key is checked; who issued it is for the verdict.
///
/// # Errors
/// Those of [`Services::url`]; the [`Failure`] of the client; those of
/// [`read_service_reply`]; `key-mismatch` if the certificate is for another key.
pub fn fetch_ekcert(
    client: &Client,
    services: &Services,
    service: EkCertService,
    key: &EkPub,
) -> Result<Certificate, Error> {
    let url = services.url(service, key)?;
    let reply = client
        .get(&url)
        .map_err(|failure| about_key(failure, service, &url))?;
    let certificate = read_service_reply(&reply).map_err(|error| place(error, &url))?;
    let certified = certificate
        .public_key()
        .map_err(|error| place(error, &url))?;
    if certified != *key {
        return Err(Error::malformed(
            Code::KeyMismatch,
            format!(
                "the certificate from {url} is for the key {}, not for {}",
                certified.spki_sha256(),
                key.spki_sha256()
            ),
            "the certificate is left out; tell who runs the server",
        ));
    }
    Ok(certificate)
}

fn place(error: Error, url: &str) -> Error {
    let location = match &error.location {
        Some(inner) => format!("{url}, {inner}"),
        None => url.to_owned(),
    };
    error.at(location)
}

/// That there is nothing at a URL says something about the key here.
fn about_key(failure: Failure, service: EkCertService, url: &str) -> Error {
    if failure.cause != Cause::NotFound {
        return failure.error;
    }
    let company = service.company();
    Error::environment(
        format!("{company} has no certificate for this key: there is nothing at {url}"),
        format!(
            "{company} certifies keys of its own firmware TPMs, as they left the factory: a key \
             that was made anew (TPM2_ChangeEPS, some firmware updates) or one of an old \
             platform may not be among them. Ask the maker of the machine, or register it with \
             'register-host --force --reason TEXT'"
        ),
    )
}
