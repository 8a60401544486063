//! A server of a vendor's, and certificates that name it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use endorse::ek::Certificate;

use super::pki::{self, Spec};
use super::server::{Server, ok, status};

const AUTHORITY_INFO: &str = "1.3.6.1.5.5.7.1.1";
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
const CRL_POINTS: &str = "2.5.29.31";

/// A server that gives what a test puts under a path, and 404 for the rest.
pub(crate) struct Vendor {
    server: Server,
    pages: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Vendor {
    pub(crate) fn new() -> Self {
        let pages: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
        let given = Arc::clone(&pages);
        let server = Server::new(move |path, stream| {
            let reply = given.lock().unwrap().get(path).cloned();
            let _ = stream.write_all(&reply.unwrap_or_else(|| status("404 Not Found")));
        });
        Self { server, pages }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn give(&self, path: &str, body: &[u8]) {
        self.reply(path, ok(body));
    }

    pub(crate) fn reply(&self, path: &str, reply: Vec<u8>) {
        self.pages.lock().unwrap().insert(path.to_owned(), reply);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.server.url(path)
    }
}

/// The certificate with authorityInfoAccess: these URLs of issuers.
pub(crate) fn with_aia(mut spec: Spec, urls: &[String]) -> Spec {
    let descriptions: Vec<_> = urls
        .iter()
        .map(|url| pki::sequence(&[pki::oid(CA_ISSUERS), pki::uri(url)]))
        .collect();
    spec.replace(pki::extension(
        AUTHORITY_INFO,
        false,
        pki::sequence(&descriptions),
    ));
    spec
}

/// The certificate with CRL distribution points: one with each of these URLs.
pub(crate) fn with_crl(mut spec: Spec, urls: &[String]) -> Spec {
    let points: Vec<_> = urls
        .iter()
        .map(|url| pki::sequence(&[pki::tlv(0xa0, &pki::tlv(0xa0, &pki::uri(url)))]))
        .collect();
    spec.replace(pki::extension(CRL_POINTS, false, pki::sequence(&points)));
    spec
}

/// A name of the vendor's.
pub(crate) fn name(cn: &str) -> Vec<u8> {
    pki::dn("Vendor", cn)
}

pub(crate) fn read(spec: &Spec) -> Arc<Certificate> {
    Arc::new(Certificate::from_der(&spec.der()).unwrap())
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}
