//! Why something may be missing, and what to do about it, by who made the TPM.

use crate::ek::{EkPub, TpmFacts};
use crate::finding::{Code, Finding};

pub(super) const HELP_MISMATCH: &str = "the certificate is for a key that this TPM does not have \
     now: its endorsement seed was regenerated (TPM2_ChangeEPS), a firmware update or a change of \
     the board or chip replaced the key, or the certificate was written by somebody else. Ask the \
     manufacturer for a certificate for the present key; the attestation service will not accept \
     this one, not even by force";
pub(super) const HELP_UNREADABLE: &str = "if the TPM is in lockout (tpm2_getcap \
     properties-variable), wait or end it; if the index is read with a password or a policy \
     (tpm2_nvreadpublic), ask whoever set that up. Until then the host can only be registered with \
     'register-host --force --reason TEXT'";
pub(super) const HELP_EMPTY: &str = "the certificate was erased or never written: ask the \
     manufacturer of the machine, or register the host with 'register-host --force --reason TEXT'";

/// How the certificate of a manufacturer's TPMs comes to the host.
enum Delivery {
    /// It is in NV memory when the TPM leaves the factory.
    InNv,
    /// The vendor's server has it, by the digest of the key.
    FromServer,
    /// Seldom there.
    Seldom,
}

impl Delivery {
    fn of(id: &str) -> Option<Self> {
        Some(match id {
            "IFX" | "STM" | "NTC" | "WEC" | "ATML" | "NTZ" | "NSM" | "NSG" => Self::InNv,
            "INTC" | "AMD" => Self::FromServer,
            // swtpm gives IBM's id, as the reference code does.
            "QCOM" | "MSFT" | "GOOG" | "IBM" | "00001014" => Self::Seldom,
            _ => return None,
        })
    }
}

/// That the TPM has no certificate for this key: whether that is usual, and what to do.
pub(in crate::host) fn missing(facts: &TpmFacts, key: &EkPub) -> Finding {
    const BY_FORCE: &str = "register the host with 'register-host --force --reason TEXT'";
    let vendor = facts.vendor();
    let name = vendor.map_or("its manufacturer", |vendor| vendor.name);
    let (why, help) = match vendor.and_then(|vendor| Delivery::of(vendor.id)) {
        Some(Delivery::InNv) => (
            format!("; that is unusual, since {name} ships its TPMs with one"),
            format!(
                "it may have been removed (tpm2_nvundefine, a firmware update, a refurbished \
                 board), or the chip is not what it says: 'tpm2_getcap handles-nv-index' lists what \
                 is left. Ask the manufacturer of the machine to put it back, or {BY_FORCE}"
            ),
        ),
        Some(Delivery::FromServer) => (
            format!("; {name} keeps the certificates of most of its TPMs on a server"),
            format!(
                "run it again with --fetch-ekcert, which asks that server and so tells {name} \
                 which machine asks{}. Otherwise {BY_FORCE}",
                by_hand(facts, key)
            ),
        ),
        Some(Delivery::Seldom) => (
            format!("; TPMs of {name} often have none"),
            format!(
                "with a virtual TPM, see whether the provider vouches for the key in another way \
                 (docs/hosts.md), or {BY_FORCE}"
            ),
        ),
        None if vendor.is_some() => (
            String::new(),
            format!("ask {name} or the manufacturer of the machine for it, or {BY_FORCE}"),
        ),
        None => (
            String::new(),
            format!(
                "some TPMs get their certificate from the vendor only, and virtual TPMs often have \
                 none: ask whoever made the machine, or {BY_FORCE}"
            ),
        ),
    };
    Finding::new(
        Code::EkcertMissing,
        format!(
            "the TPM holds no certificate for its {} endorsement key{why}",
            key.algorithm()
        ),
        help,
    )
}

/// That the TPM keeps certificates, but none that could be used for this key. Why not is
/// said of each by itself.
pub(in crate::host) fn unusable(key: &EkPub) -> Finding {
    Finding::new(
        Code::EkcertMissing,
        format!(
            "no certificate that the TPM keeps could be used for its {} endorsement key",
            key.algorithm()
        ),
        "see to what is said of its NV index, and run this again; or register the host with \
         'register-host --force --reason TEXT'",
    )
}

/// Where to fetch the certificate from another machine, if the rule is known.
fn by_hand(facts: &TpmFacts, key: &EkPub) -> String {
    let url = facts
        .ekcert_service()
        .and_then(|service| service.url(key).ok());
    url.map_or_else(String::new, |url| {
        format!(", or fetch {url} on another machine")
    })
}

/// What to add to the message that a certificate is for another key.
pub(super) fn about_the_seed(facts: &TpmFacts) -> &'static str {
    match facts.generated_eps {
        Some(true) => {
            "; the TPM itself says (tpmGeneratedEPS) that it has made its endorsement seed anew, \
             as TPM2_ChangeEPS does (software TPMs say so from the start)"
        }
        _ => "",
    }
}

/// That the TPM is in lockout, what that means here and for how long.
pub(super) fn lockout(facts: &TpmFacts) -> Finding {
    let until = match facts.lockout_interval {
        Some(seconds) => format!("; one attempt is forgiven every {seconds} seconds"),
        None => String::new(),
    };
    Finding::new(
        Code::TpmLockout,
        format!(
            "the TPM is locked after too many wrong passwords{until}. Certificates and keys that \
             need no password are read as always; what its protection against guessing covers is \
             missing"
        ),
        "wait until it unlocks itself, or unlock it with the lockout password: \
         tpm2_dictionarylockout --clear-lockout. Find out which program gives the wrong password",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::EkCertService;

    fn key() -> EkPub {
        EkPub::from_rsa(&[0xc1; 256], &[1, 0, 1]).unwrap()
    }

    fn by(id: &[u8; 4]) -> (String, String) {
        let facts = TpmFacts {
            manufacturer: Some(u32::from_be_bytes(*id)),
            ..TpmFacts::default()
        };
        let finding = missing(&facts, &key());
        assert_eq!(finding.code, Code::EkcertMissing);
        assert!(finding.message.contains("rsa2048"));
        assert!(finding.help.contains("--force --reason"));
        (finding.message, finding.help)
    }

    #[test]
    fn each_manufacturer_has_its_own_reason() {
        for id in [
            b"IFX\0", b"STM ", b"NTC\0", b"WEC\0", b"ATML", b"NTZ\0", b"NSM ", b"NSG\0",
        ] {
            let (why, help) = by(id);
            assert!(why.contains("unusual"), "{why}");
            assert!(help.contains("removed"), "{help}");
        }
        for (id, service) in [
            (b"INTC", EkCertService::Intel),
            (b"AMD\0", EkCertService::Amd),
        ] {
            let (why, help) = by(id);
            assert!(why.contains("server"), "{why}");
            assert!(help.contains("--fetch-ekcert"), "{help}");
            assert!(help.contains(&service.url(&key()).unwrap()), "{help}");
        }
        for id in [b"QCOM", b"MSFT", b"GOOG", b"IBM\0", &[0, 0, 0x10, 0x14]] {
            let (why, help) = by(id);
            assert!(why.contains("often have none"), "{why}");
            assert!(!help.contains("--fetch-ekcert"), "{help}");
        }
        let (why, help) = by(b"SMSN");
        assert!(why.ends_with("endorsement key"), "{why}");
        assert!(help.contains("Samsung"), "{help}");
        let finding = missing(&TpmFacts::default(), &key());
        assert!(finding.help.contains("some TPMs"), "{finding:?}");
    }

    /// Intel's rule for other exponents is not known, so no URL is made up.
    #[test]
    fn a_key_without_a_rule() {
        let facts = TpmFacts {
            manufacturer: Some(u32::from_be_bytes(*b"INTC")),
            ..TpmFacts::default()
        };
        let key = EkPub::from_rsa(&[0xc1; 256], &[3]).unwrap();
        assert!(!missing(&facts, &key).help.contains("https://"));
    }

    #[test]
    fn how_long_a_lockout_lasts() {
        let mut facts = TpmFacts::default();
        assert!(!lockout(&facts).message.contains("seconds"));
        facts.lockout_interval = Some(7200);
        let finding = lockout(&facts);
        assert!(finding.message.contains("every 7200 seconds"));
        assert!(finding.help.contains("tpm2_dictionarylockout"));
    }

    #[test]
    fn only_a_seed_that_was_made_anew_is_spoken_of() {
        for (generated_eps, said) in [(None, false), (Some(false), false), (Some(true), true)] {
            let facts = TpmFacts {
                generated_eps,
                ..TpmFacts::default()
            };
            assert_eq!(about_the_seed(&facts).contains("tpmGeneratedEPS"), said);
        }
    }
}
