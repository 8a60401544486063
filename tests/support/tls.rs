//! What a server with TLS needs, from an authority of its own.

use std::sync::Arc;

use pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::ServerConfig;

use crate::pki;

/// The certificate of an authority in DER, and a server's settings with one from it for
/// these names.
pub(crate) fn config(
    names: &[Vec<u8>],
    change: impl Fn(&mut pki::Spec),
) -> (Vec<u8>, ServerConfig) {
    let authority = pki::dn("Example", "TLS CA");
    let root = pki::Spec::ca(
        authority.clone(),
        pki::ec_key(3),
        authority.clone(),
        pki::ec_key(3),
    );
    let mut leaf = pki::Spec::plain(
        pki::dn("Example", "server"),
        pki::ec_key(4),
        authority,
        pki::ec_key(3),
    );
    leaf.extensions = vec![pki::subject_alt_name(false, names)];
    change(&mut leaf);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(leaf.der())],
            PrivatePkcs8KeyDer::from(pki::ec_key(4).pkcs8()).into(),
        )
        .unwrap();
    (root.der(), config)
}

/// The name of a server that is reached by its number.
pub(crate) fn loopback() -> Vec<Vec<u8>> {
    vec![pki::tlv(0x87, &[127, 0, 0, 1])]
}
