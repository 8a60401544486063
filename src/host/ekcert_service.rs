//! EK certificates that the vendor of a firmware TPM keeps on its server.

use super::read::{missing, unusable};
use super::{FetchedCertificate, TpmContents};
use crate::ek::{Certificate, EkPub, TpmFacts, order_chain};
use crate::fetch::{Client, Services, fetch_ekcert};
use crate::finding::{Code, Finding};

/// Asks the vendor of the TPM for the certificate of each key for which none was found
/// in it. Those that are there and for the right key are added, and the
/// `ekcert-missing` that they cure goes; what else happens is an `ekcert-not-fetched`.
/// If nothing is missing, nobody is asked.
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
                let cured = [missing(&contents.facts, &key), unusable(&key)];
                contents.findings.retain(|finding| !cured.contains(finding));
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
    // The chain goes from the EKcerts upwards, of which there may be more now.
    let in_nv = contents.certificates.iter().map(|found| &found.certificate);
    let fetched = contents.fetched.iter().map(|found| &found.certificate);
    let leaves: Vec<&Certificate> = in_nv.chain(fetched).collect();
    let chain = std::mem::take(&mut contents.chain);
    contents.chain = order_chain(&leaves, chain, |found| &found.certificate);
}

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
