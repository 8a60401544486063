//! EK certificates that the vendor of a firmware TPM keeps on its server.

use super::TpmFacts;
#[cfg(feature = "fetch")]
use super::{FetchedCertificate, TpmContents};
use crate::ek::{EkCertService, EkPub};
#[cfg(feature = "fetch")]
use crate::fetch::{Client, Services, fetch_ekcert};
use crate::finding::{Code, Finding};

/// What may be done about a certificate that is not in the TPM.
pub(super) const HELP_MISSING: &str = "some TPMs get their certificate from the vendor only \
     (Intel and AMD firmware TPMs; Windows fetches it when it prepares the TPM); virtual TPMs \
     often have none. Run this with the rights to read the TPM's NV memory, or register the host \
     with 'register-host --force --reason TEXT'";

/// That the TPM has no certificate for this key, with the URL at which its vendor may
/// have one, for those who fetch it by hand.
pub(super) fn missing(facts: &TpmFacts, key: &EkPub) -> Finding {
    let service = facts.ekcert_service();
    let url = service.and_then(|service| Some((service.company(), service.url(key).ok()?)));
    let help = match url {
        None => HELP_MISSING.to_owned(),
        Some((company, url)) => format!(
            "{company} may have it: add --fetch-ekcert, which tells {company} which machine asks, \
             or fetch {url} on another machine; or register the host with 'register-host --force \
             --reason TEXT'"
        ),
    };
    Finding::new(
        Code::EkcertMissing,
        format!(
            "the TPM holds no certificate for its {} endorsement key",
            key.algorithm()
        ),
        help,
    )
}

/// Asks the vendor of the TPM for the certificate of each key for which none was found
/// in it. Those that are there and for the right key are added, and the
/// `ekcert-missing` that they cure goes; what else happens is an `ekcert-not-fetched`.
/// If nothing is missing, nobody is asked.
#[cfg(feature = "fetch")]
pub fn fetch_missing(contents: &mut TpmContents, client: &Client, services: &Services) {
    let certified: Vec<EkPub> = contents
        .certificates
        .iter()
        .filter_map(|found| found.certificate.public_key().ok())
        .collect();
    let keys = contents.keys.iter().map(|key| key.public.key.clone());
    let keys: Vec<EkPub> = keys.filter(|key| !certified.contains(key)).collect();
    for key in keys {
        let Some(service) = contents.facts.ekcert_service() else {
            let finding = no_service(&contents.facts, &key);
            contents.findings.push(finding);
            continue;
        };
        let fetched = services.url(service, &key).and_then(|url| {
            fetch_ekcert(client, services, service, &key)
                .map(|certificate| FetchedCertificate { url, certificate })
        });
        match fetched {
            Ok(fetched) => {
                let cured = missing(&contents.facts, &key);
                contents.findings.retain(|finding| *finding != cured);
                contents.fetched.push(fetched);
            }
            Err(error) => {
                let message = format!(
                    "the certificate for the {} endorsement key was not fetched: {error}",
                    key.algorithm()
                );
                contents
                    .findings
                    .push(Finding::new(Code::EkcertNotFetched, message, error.help));
            }
        }
    }
}

#[cfg(feature = "fetch")]
fn no_service(facts: &TpmFacts, key: &EkPub) -> Finding {
    let vendor = match (facts.vendor(), facts.manufacturer) {
        (Some(vendor), _) => vendor.name.to_owned(),
        (None, Some(id)) => format!("the manufacturer {id:08X}"),
        (None, None) => "a manufacturer that the TPM does not name".to_owned(),
    };
    Finding::new(
        Code::EkcertNotFetched,
        format!(
            "no certificate for the {} endorsement key was asked for: no service of {vendor} is \
             known",
            key.algorithm()
        ),
        "nothing was sent. Services are known of Intel and AMD; others put the certificate into \
         the TPM. Ask the manufacturer, or register the host with 'register-host --force \
         --reason TEXT'",
    )
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

    #[test]
    fn the_url_is_said_where_there_is_one() {
        let key = EkPub::from_rsa(&[0xc1; 256], &[1, 0, 1]).unwrap();
        let other = EkPub::from_rsa(&[0xc1; 256], &[3]).unwrap();
        let help = |id, key| {
            let manufacturer = Some(id);
            let facts = TpmFacts {
                manufacturer,
                ..TpmFacts::default()
            };
            let finding = missing(&facts, key);
            assert_eq!(finding.code, Code::EkcertMissing);
            finding.help
        };
        for (id, service) in [
            (0x494e_5443, EkCertService::Intel),
            (0x414d_4400, EkCertService::Amd),
        ] {
            let help = help(id, &key);
            assert!(help.contains(&service.url(&key).unwrap()), "{help}");
            assert!(help.contains("--fetch-ekcert"), "{help}");
        }
        // No service, and no rule for the key.
        assert_eq!(help(0x4946_5800, &key), HELP_MISSING);
        assert_eq!(help(0x494e_5443, &other), HELP_MISSING);
    }
}
