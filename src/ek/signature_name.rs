use crate::der::{Tlv, tag};

/// The name of a signature algorithm, given its AlgorithmIdentifier, if it is one of
/// RFC 3279, RFC 4055 or RFC 5758. All but ECDSA with SHA-1 can be verified.
pub(crate) fn signature_name(identifier: &[u8]) -> Option<&'static str> {
    let algorithm = Tlv::parse_all(identifier, tag::SEQUENCE).ok()?;
    let oid = algorithm.reader().expect(tag::OID).ok()?.content;
    // pkcs-1, 1.2.840.113549.1.1, and ansi-X9-62 signatures, 1.2.840.10045.4
    if let Some(arcs) = oid.strip_prefix(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01]) {
        return match arcs {
            [5] => Some("sha1WithRSAEncryption"),
            [10] => Some("id-RSASSA-PSS"),
            [11] => Some("sha256WithRSAEncryption"),
            [12] => Some("sha384WithRSAEncryption"),
            [13] => Some("sha512WithRSAEncryption"),
            _ => None,
        };
    }
    match oid.strip_prefix(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04])? {
        [1] => Some("ecdsa-with-SHA1"),
        [3, 2] => Some("ecdsa-with-SHA256"),
        [3, 3] => Some("ecdsa-with-SHA384"),
        [3, 4] => Some("ecdsa-with-SHA512"),
        _ => None,
    }
}

/// Whether a signature algorithm, given its AlgorithmIdentifier, hashes with SHA-1, be it
/// one that can be verified or not.
pub(crate) fn hashes_with_sha1(identifier: &[u8]) -> bool {
    matches!(
        signature_name(identifier),
        Some("sha1WithRSAEncryption" | "ecdsa-with-SHA1")
    )
}
