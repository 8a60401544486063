use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::{EkPub, Key, TpmFacts, vendor_by_id};
use crate::finding::{Error, Fault};
use crate::hash::{hex, sha256};

/// What AMD hashes before the numbers of a key. The vectors say no more of them.
const AMD_RSA: [u8; 4] = [0, 0, 0x22, 0x22];
const AMD_ECC: [u8; 4] = [0, 0, 0x44, 0x44];
/// How much of the hash AMD uses.
const AMD_NAME_LEN: usize = 16;

/// A vendor of firmware TPMs that keeps EK certificates on a server, where each is
/// named by a hash of its key. The rules are those of tpm2-tools and go-attestation;
/// neither vendor documents its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EkCertService {
    /// Intel, for its Platform Trust Technology.
    Intel,
    /// AMD, for its fTPM.
    Amd,
}

impl EkCertService {
    /// Every service that is known here.
    pub const ALL: [Self; 2] = [Self::Intel, Self::Amd];

    /// The service for TPMs with this manufacturer id, as in `TPM2_PT_MANUFACTURER`.
    pub fn of_manufacturer(id: u32) -> Option<Self> {
        match vendor_by_id(id)?.id {
            "INTC" => Some(Self::Intel),
            "AMD" => Some(Self::Amd),
            _ => None,
        }
    }

    /// `intel` or `amd`, as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intel => "intel",
            Self::Amd => "amd",
        }
    }

    /// The company.
    pub fn company(self) -> &'static str {
        match self {
            Self::Intel => "Intel",
            Self::Amd => "AMD",
        }
    }

    /// Where the vendor has its certificates.
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Intel => "https://ekop.intel.com/ekcertservice/",
            Self::Amd => "https://ftpm.amd.com/pki/aia/",
        }
    }

    /// The URL of the certificate for this key.
    ///
    /// # Errors
    /// See [`name_of`](Self::name_of).
    pub fn url(self, key: &EkPub) -> Result<String, Error> {
        self.url_below(self.base_url(), key)
    }

    /// The URL of the certificate for this key on a mirror.
    ///
    /// # Errors
    /// See [`name_of`](Self::name_of).
    pub fn url_below(self, base: &str, key: &EkPub) -> Result<String, Error> {
        let name = self.name_of(key)?;
        Ok(format!("{}/{name}", base.trim_end_matches('/')))
    }

    /// The last part of the URL. Numbers are hashed in their full width: without
    /// leading zeros of a coordinate it would be the name of no key at all.
    ///
    /// Intel: base64url of SHA-256(n ‖ 01 00 01) or SHA-256(x ‖ y), with its padding,
    /// whose `=` must be `%3D`: the server refuses it otherwise.
    ///
    /// AMD: the first 16 octets of SHA-256(00 00 22 22 ‖ e ‖ n), e having 32 bits, or
    /// SHA-256(00 00 44 44 ‖ x ‖ y), in hex. Upper case, as AMD itself has it in its
    /// URLs for CA certificates; clients that ask in lower case are known as well.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] for an RSA key of which no rule is known: the hash of
    /// Intel has the exponent 65537 in every published rule, and how it would have
    /// another is not known; that of AMD has no room for one of more than 32 bits.
    pub fn name_of(self, key: &EkPub) -> Result<String, Error> {
        let parts: [&[u8]; 3] = match (self, key.key()) {
            (Self::Intel, Key::Rsa { modulus, exponent }) => {
                if exponent.as_slice() != [1, 0, 1] {
                    return Err(self.no_rule("with another exponent than 65537"));
                }
                [modulus, exponent, &[]]
            }
            (Self::Intel, Key::Ec { x, y, .. }) => [x, y, &[]],
            (Self::Amd, Key::Rsa { modulus, exponent }) => {
                let Some(zeros) = 4_usize.checked_sub(exponent.len()) else {
                    return Err(self.no_rule("with an exponent of more than 32 bits"));
                };
                let mut wide = vec![0; zeros];
                wide.extend_from_slice(exponent);
                let hashed = [&AMD_RSA, wide.as_slice(), modulus].concat();
                return Ok(amd_name(&hashed));
            }
            (Self::Amd, Key::Ec { x, y, .. }) => [&AMD_ECC, x, y],
        };
        let hashed = parts.concat();
        Ok(match self {
            Self::Intel => URL_SAFE.encode(sha256(&hashed).0).replace('=', "%3D"),
            Self::Amd => amd_name(&hashed),
        })
    }

    fn no_rule(self, which: &str) -> Error {
        Error::new(
            Fault::Unsupported,
            format!(
                "under what name {} has the certificate for an RSA key {which} is not known",
                self.company()
            ),
            "ask the vendor for the certificate, or register the host with \
             'register-host --force --reason TEXT'",
        )
    }
}

fn amd_name(hashed: &[u8]) -> String {
    let digest = sha256(hashed).0;
    hex(digest.get(..AMD_NAME_LEN).unwrap_or_default()).to_uppercase()
}

impl TpmFacts {
    /// The service where the manufacturer keeps certificates, if one is known.
    pub fn ekcert_service(&self) -> Option<EkCertService> {
        self.manufacturer.and_then(EkCertService::of_manufacturer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::Curve;
    use crate::hash::from_hex;

    /// The RSA key of an Intel platform in tpm2-tools'
    /// test/integration/tests/getekcertificate.sh; its URL is there, and in
    /// go-attestation's attest/endorsement_test.go.
    const INTEL_RSA: &str = "c320e2f244a8601aacf3e01d26c665249935562de1da197e9e7f076c469613cf\
        b653e98ec2c386fc1d133f2c8c6cc338b732f0b208bd838a877a3e5bbc3e1d4084e835c7c8906a1c05b4d2d3\
        0fdbebc1dbad950fa6b165bd4b6a864603146164c0c4f59d489011ef1f928deea6e90061f3d375e564627315\
        1ef622252098be1a4ab01dc0a12227c609fdaceb115af408d4693a6f49919774695b0c12bc18a1ff7120a733\
        7b2fb5f1951d8bb7f094d5b554c11c9523b30729fe64787d0a13b9e630488dab4dfd86634a5270ec72fcc5a4\
        4dc679a8f32938dd8197e29dae839f5b4ca0f5de27c9522c23c54e1c2ce57859525118bd4470b18180eef78a\
        e4267bcd";
    /// The P-256 key of an Intel platform in the same script; its URL is in the tests
    /// of go-tpm-kit.
    const INTEL_ECC: [&str; 2] = [
        "6d8e7630ee5d11e566e80299bfb9e43cec8c44f70bc8ad81b50f690a3deb7498",
        "21a536c8fef7482313d7f4517f11c9f2b4cd424cbc8fe9094b89566851fe0853",
    ];
    /// The RSA key of an AMD platform in go-attestation's attest/endorsement_test.go,
    /// with its URL.
    const AMD_RSA_KEY: &str = "a3c203dcc44b6505a0ab65882b5a937b61d0c736608835a7e93cf0eae40ea172\
        358b23bda7121a8a5471965d8d78ad654553ff74428257e986c2fef94fecb6326ce9161518fcee51b441bc4e\
        2a1c0f0e9690744027d03d87538c3febc3de63c294da00f7fb2c077ebfd1272656d611d204642fe7199004fa\
        aaba3bc73e1e44a2edf0a7d7e8e1bf63d9027c9b0a0c2b586dce0e6af1d27f5d5581b04bb719bb8d2544fa99\
        cefb1fe89baab00028d96d4e2aaeae0f51b0310f54bd749d9c67329a612b0203cc0c221a34ba661ade31af7a\
        9b6e9d70dc13df77065b141a32cd6d70b8696544b60a3dcaef7c80aaa1606144c7b32d9393583af5a836f714\
        05ed8bd9";

    fn bytes(digits: &str) -> Vec<u8> {
        from_hex(digits).unwrap()
    }

    fn rsa(modulus: &str, exponent: &[u8]) -> EkPub {
        EkPub::from_rsa(&bytes(modulus), exponent).unwrap()
    }

    fn ecc(curve: Curve, [x, y]: [&str; 2]) -> EkPub {
        EkPub::from_point(curve, &bytes(x), &bytes(y)).unwrap()
    }

    #[test]
    fn published_urls() {
        for (service, key, url) in [
            (
                EkCertService::Intel,
                rsa(INTEL_RSA, &[1, 0, 1]),
                "https://ekop.intel.com/ekcertservice/WVEG2rRwkQ7m3RpXlUphgo6Y2HLxl18h6ZZkkOAdnBE%3D",
            ),
            (
                EkCertService::Intel,
                ecc(Curve::P256, INTEL_ECC),
                "https://ekop.intel.com/ekcertservice/eXT1X6I9wqIMOXll9LoXf0adQelkeaBccmoYU8Kth8o%3D",
            ),
            (
                EkCertService::Amd,
                rsa(AMD_RSA_KEY, &[1, 0, 1]),
                "https://ftpm.amd.com/pki/aia/D027B3CE6A9B6B56846D2B9935884A88",
            ),
        ] {
            assert_eq!(service.url(&key).unwrap(), url);
        }
    }

    /// AMD publishes no vector for elliptic curves. Computed apart from this program:
    /// `{ printf 00004444; printf X; printf Y; } | xxd -r -p | openssl dgst -sha256`,
    /// the first 32 digits; likewise the one with another exponent.
    #[test]
    fn amd_by_construction() {
        let name = |key| EkCertService::Amd.name_of(&key).unwrap();
        assert_eq!(
            name(ecc(Curve::P256, INTEL_ECC)),
            "6071F9533247ADEDADA054A4AD8A25D7"
        );
        assert_eq!(
            name(rsa(AMD_RSA_KEY, &[3])),
            "FC68335109602C858F213888CFF39B4C"
        );
    }

    #[test]
    fn leading_zeros_of_coordinates_are_hashed() {
        let short = ["01", "02"];
        let wide = [
            "0000000000000000000000000000000000000000000000000000000000000001",
            "0000000000000000000000000000000000000000000000000000000000000002",
        ];
        for service in EkCertService::ALL {
            let name = service.name_of(&ecc(Curve::P256, short)).unwrap();
            assert_eq!(name, service.name_of(&ecc(Curve::P256, wide)).unwrap());
            assert_ne!(name, service.name_of(&ecc(Curve::P384, short)).unwrap());
        }
        // Computed with OpenSSL, as above.
        assert_eq!(
            EkCertService::Intel
                .name_of(&ecc(Curve::P256, short))
                .unwrap(),
            "1rqTKfiTLBIZKzeEn3chBNIASPdkNKMpBRLZ2BTkEW8%3D"
        );
        assert_eq!(
            EkCertService::Amd
                .name_of(&ecc(Curve::P256, short))
                .unwrap(),
            "6C582E6A7B39190BA03534FA24E427CE"
        );
    }

    #[test]
    fn exponents_without_a_rule() {
        for (service, exponent) in [
            (EkCertService::Intel, &[3][..]),
            (EkCertService::Intel, &[1, 0, 0, 1]),
            (EkCertService::Amd, &[1, 0, 0, 0, 1]),
        ] {
            let error = service.url(&rsa(AMD_RSA_KEY, exponent)).unwrap_err();
            assert_eq!(error.fault, Fault::Unsupported);
            assert!(error.message.contains(service.company()), "{error}");
        }
        assert!(
            EkCertService::Amd
                .url(&rsa(AMD_RSA_KEY, &[0xff; 4]))
                .is_ok()
        );
    }

    #[test]
    fn manufacturers() {
        for (id, service) in [
            (0x494e_5443, Some(EkCertService::Intel)),
            (0x414d_4400, Some(EkCertService::Amd)),
            (0x414d_4420, Some(EkCertService::Amd)),
            (0x4946_5800, None),
            (0x0000_1014, None),
            (0, None),
        ] {
            assert_eq!(EkCertService::of_manufacturer(id), service, "{id:08x}");
        }
    }

    #[test]
    fn a_mirror() {
        let key = rsa(AMD_RSA_KEY, &[1, 0, 1]);
        for base in ["https://mirror.example/ek", "https://mirror.example/ek/"] {
            assert_eq!(
                EkCertService::Amd.url_below(base, &key).unwrap(),
                "https://mirror.example/ek/D027B3CE6A9B6B56846D2B9935884A88"
            );
        }
    }
}
