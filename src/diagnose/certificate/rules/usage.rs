//! Rules about what the key may be used for.

use ::der::oid::ObjectIdentifier;

use super::super::rule::{Asked, Outcome, Rule};
use super::super::words::key_usage_of_octets;
use super::super::words::{ADCS, ANY_PURPOSE, BOTH};
use super::super::{
    CLIENT_AUTHENTICATION, Candidate, CertificateRole, Hsm, Profile, SERVER_AUTHENTICATION,
    cng_usage_in_words, key_usage_in_words, key_usage_octet, purposes_in_words,
};
use super::{EVERY, HOST_KEY, OBTAIN, OTHERS, PAIR, TABLES, TEMPLATE, TLS, source};
use crate::diagnose::Basis;
use crate::ek::KeyUsage;
use crate::finding::{Code, Severity};

const ANOTHER_USAGE: &str = "have it issued with the key usage that is asked for; a renewal has \
     to keep the key, or shielded VMs do not start";
const ANOTHER_PURPOSE: &str = "have it issued with that purpose in the extended key usage; a \
     renewal has to keep the key, or shielded VMs do not start";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "signing-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: &[CertificateRole::Signing],
        profiles: &[Profile::Minimum],
        told_in: &[],
        demand: "The key usage has digitalSignature.",
        basis: Basis::Documented,
        source: source::REQUESTS,
        help: ANOTHER_USAGE,
        check: usage,
    },
    Rule {
        id: "encryption-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: &[CertificateRole::Encryption],
        profiles: &[Profile::Minimum],
        told_in: &[],
        demand: "The key usage has dataEncipherment.",
        basis: Basis::Documented,
        source: source::REQUESTS,
        help: ANOTHER_USAGE,
        check: usage,
    },
    Rule {
        id: "template-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: TEMPLATE,
        profiles: &[Profile::Minimum],
        told_in: &[],
        demand: "The key usage has digitalSignature and dataEncipherment, since it may be for either.",
        basis: Basis::Documented,
        source: source::REQUESTS,
        help: ANOTHER_USAGE,
        check: usage,
    },
    Rule {
        id: "both-usages",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: TABLES,
        profiles: OBTAIN,
        told_in: &[],
        demand: "The key usage has digitalSignature and dataEncipherment.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: ANOTHER_USAGE,
        check: usage,
    },
    Rule {
        id: "adcs-usages",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: TABLES,
        profiles: &[Profile::Adcs],
        told_in: &[],
        demand: "The key usage has digitalSignature, keyEncipherment and dataEncipherment.",
        basis: Basis::Documented,
        source: source::ADCS,
        help: "set the purpose \"Signature and encryption\" in the template and tick \"Allow \
               encryption of user data\"; a renewal has to keep the key",
        check: usage,
    },
    Rule {
        id: "host-key-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: HOST_KEY,
        profiles: EVERY,
        told_in: &[],
        demand: "The key usage has digitalSignature.",
        basis: Basis::Documented,
        source: source::HOST_KEY,
        help: "make the host key anew; Set-HgsClientHostKey makes one that fits",
        check: usage,
    },
    Rule {
        id: "other-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Warning,
        roles: OTHERS,
        profiles: EVERY,
        told_in: &[],
        demand: "The key usage, if there is one, has digitalSignature, since the key signs.",
        basis: Basis::Inferred,
        source: "inferred from what the key is used for; RFC 5280 4.2.1.3",
        help: "no document says what this certificate needs; see that the service works with it",
        check: |asked| match asked.candidate.key_usage {
            None => Outcome::NotApplicable("it has no key usage, so every use is allowed"),
            Some(_) => usage(asked),
        },
    },
    Rule {
        id: "tls-usage",
        code: Code::HgsKeyUsage,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "The key usage, if there is one, has digitalSignature or keyEncipherment.",
        basis: Basis::Documented,
        source: "RFC 5280 4.2.1.3, RFC 5246 7.4.2, RFC 8446 4.4.2.2",
        help: "have the certificate issued for a TLS server",
        check: |asked| match asked.candidate.key_usage {
            None => Outcome::NotApplicable("it has no key usage, so every use is allowed"),
            Some(bits) => Outcome::if_else(
                bits & (KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT) != 0,
                || format!("the key usage is {}", in_both_forms(bits)),
            ),
        },
    },
    Rule {
        id: "server-authentication",
        code: Code::HgsEku,
        severity: Severity::Error,
        roles: TABLES,
        profiles: OBTAIN,
        told_in: &[],
        demand: "The extended key usage has serverAuth.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: ANOTHER_PURPOSE,
        check: |asked| purpose(asked.candidate, SERVER_AUTHENTICATION),
    },
    Rule {
        id: "client-authentication",
        code: Code::HgsEku,
        severity: Severity::Error,
        roles: HOST_KEY,
        profiles: EVERY,
        told_in: &[],
        demand: "The extended key usage has clientAuth.",
        basis: Basis::Documented,
        source: source::HOST_KEY,
        help: "make the host key anew; Set-HgsClientHostKey makes one that fits",
        check: |asked| purpose(asked.candidate, CLIENT_AUTHENTICATION),
    },
    Rule {
        id: "tls-server-authentication",
        code: Code::HgsEku,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "The extended key usage, if there is one, has serverAuth.",
        basis: Basis::Documented,
        source: "RFC 5280 4.2.1.12",
        help: "have the certificate issued for a TLS server",
        check: |asked| match &asked.candidate.purposes {
            None => {
                Outcome::NotApplicable("it has no extended key usage, so every purpose is allowed")
            }
            Some(purposes) if purposes.contains(&ANY_PURPOSE) => Outcome::Pass,
            Some(_) => purpose(asked.candidate, SERVER_AUTHENTICATION),
        },
    },
    Rule {
        id: "hsm-key-usage",
        code: Code::HgsHsmKeyUsage,
        severity: Severity::Warning,
        roles: TABLES,
        profiles: EVERY,
        told_in: &[],
        demand: "The key usage is not that of Microsoft's tip for the HSM where that lacks what \
                 the rules ask for.",
        basis: Basis::Inferred,
        source: source::HSM,
        help: "Microsoft does not vouch for its tips: ask the maker of the HSM. If the value is \
               the property of the key in CNG, the key usage of the certificate can be as the \
               rules have it",
        check: hsm,
    },
];

/// What the key usage has to have, by role and profile.
fn demanded(role: CertificateRole, profile: Profile) -> u16 {
    match (role, profile) {
        (
            CertificateRole::Signing | CertificateRole::Encryption | CertificateRole::Template,
            Profile::Adcs,
        ) => ADCS,
        (CertificateRole::Signing, Profile::Minimum) => KeyUsage::DIGITAL_SIGNATURE,
        (CertificateRole::Encryption, Profile::Minimum) => KeyUsage::DATA_ENCIPHERMENT,
        (CertificateRole::Signing | CertificateRole::Encryption | CertificateRole::Template, _) => {
            BOTH
        }
        (
            CertificateRole::Communications
            | CertificateRole::AttestationSigner
            | CertificateRole::HostKey
            | CertificateRole::Tls,
            _,
        ) => KeyUsage::DIGITAL_SIGNATURE,
    }
}

fn usage(asked: &Asked<'_>) -> Outcome {
    let wanted = demanded(asked.role, asked.profile);
    let Some(bits) = asked.candidate.key_usage else {
        return Outcome::Fail(format!(
            "it states no key usage; {} is asked for",
            in_both_forms(wanted)
        ));
    };
    if bits & wanted == wanted {
        return Outcome::Pass;
    }
    if PAIR.contains(&asked.role) || TEMPLATE.contains(&asked.role) {
        let tip = asked.question.hsm.and_then(Hsm::documented_key_usage);
        if tip == Some(key_usage_octet(bits)) {
            return Outcome::NotApplicable(
                "the key usage is that of Microsoft's tip for the HSM: see hgs-hsm-key-usage",
            );
        }
    }
    Outcome::Fail(format!(
        "the key usage is {} and lacks {}",
        in_both_forms(bits),
        key_usage_in_words(wanted & !bits)
    ))
}

/// `digitalSignature, keyEncipherment (0xa0)`.
fn in_both_forms(bits: u16) -> String {
    format!(
        "{} ({:#04x})",
        key_usage_in_words(bits),
        key_usage_octet(bits)
    )
}

fn purpose(candidate: &Candidate, wanted: ObjectIdentifier) -> Outcome {
    let wanted_in_words = purposes_in_words(&[wanted]);
    match &candidate.purposes {
        None => Outcome::Fail(format!(
            "it states no extended key usage; {wanted_in_words} is asked for"
        )),
        Some(purposes) => Outcome::if_else(purposes.contains(&wanted), || {
            format!(
                "the extended key usage is {} and lacks {wanted_in_words}",
                purposes_in_words(purposes)
            )
        }),
    }
}

fn hsm(asked: &Asked<'_>) -> Outcome {
    let Some(hsm) = asked.question.hsm else {
        return Outcome::NotApplicable("the key is not said to be in an HSM (--hsm)");
    };
    let Some(tip) = hsm.documented_key_usage() else {
        return Outcome::NotApplicable("Microsoft's tip for this HSM is not about key usage");
    };
    let bits = key_usage_of_octets(tip, 0);
    let wanted = demanded(asked.role, asked.profile);
    let lacking = wanted & !bits;
    let text = format!(
        "Microsoft's tip for {} wants {tip:#04x} as the \"Key Usage Property\". Read as key usage \
         of X.509 that is {}{}; read as key usage property of CNG, {}",
        hsm.as_str(),
        key_usage_in_words(bits),
        match lacking {
            0 => String::new(),
            some => format!(", without {}", key_usage_in_words(some)),
        },
        cng_usage_in_words(tip),
    );
    let follows = asked.candidate.key_usage.map(key_usage_octet) == Some(tip);
    match follows && lacking != 0 {
        true => Outcome::Fail(format!("{text}. The certificate has it, against the rule")),
        false => Outcome::Tell(text),
    }
}
