//! Rules about the key, its provider, and the frame it comes in.

use super::super::rule::{Asked, Outcome, Rule};
use super::super::{CandidateKind, CertificateRole, KeyKind, Profile, ProviderKind};
use super::{EVERY, HOST_KEY, OTHERS, TABLES, TLS, source};
use crate::diagnose::Basis;
use crate::finding::{Code, Severity};

/// The least length of an RSA key in bits, in every table.
const MIN_RSA_BITS: usize = 2048;

const ANOTHER_KEY: &str = "make a new key, RSA with 2048 bits or more, and request the \
                           certificate anew: endorse make-request writes such a request; in a \
                           template, set RSA and a minimum key size of 2048";
const ANOTHER_PROVIDER: &str = "request the certificate with a key storage provider: in the file \
     for certreq, ProviderName = \"Microsoft Software Key Storage Provider\", or that of the HSM; \
     in the template, the category \"Key Storage Provider\"";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "rsa",
        code: Code::HgsKeyAlgorithm,
        severity: Severity::Error,
        roles: TABLES,
        profiles: EVERY,
        told_in: &[],
        demand: "The key is an RSA key.",
        basis: Basis::Documented,
        source: source::REQUESTS,
        help: ANOTHER_KEY,
        check: rsa,
    },
    Rule {
        id: "rsa-size",
        code: Code::HgsKeySize,
        severity: Severity::Error,
        roles: TABLES,
        profiles: EVERY,
        told_in: &[],
        demand: "The RSA key has 2048 bits or more.",
        basis: Basis::Documented,
        source: source::REQUESTS,
        help: ANOTHER_KEY,
        check: rsa_size,
    },
    Rule {
        id: "host-key-rsa",
        code: Code::HgsKeyAlgorithm,
        severity: Severity::Error,
        roles: HOST_KEY,
        profiles: EVERY,
        told_in: &[],
        demand: "The host key is an RSA key.",
        basis: Basis::Documented,
        source: source::HOST_KEY,
        help: ANOTHER_KEY,
        check: rsa,
    },
    Rule {
        id: "host-key-size",
        code: Code::HgsKeySize,
        severity: Severity::Error,
        roles: HOST_KEY,
        profiles: EVERY,
        told_in: &[],
        demand: "The host key has 2048 bits or more.",
        basis: Basis::Documented,
        source: source::HOST_KEY,
        help: ANOTHER_KEY,
        check: rsa_size,
    },
    Rule {
        id: "other-rsa",
        code: Code::HgsKeyAlgorithm,
        severity: Severity::Warning,
        roles: OTHERS,
        profiles: EVERY,
        told_in: &[],
        demand: "The key is an RSA key, as those of the other roles.",
        basis: Basis::Inferred,
        source: "inferred from the rules for the signing certificate",
        help: "no document says what this certificate needs; see that the service works with it",
        check: rsa,
    },
    Rule {
        id: "other-rsa-size",
        code: Code::HgsKeySize,
        severity: Severity::Warning,
        roles: OTHERS,
        profiles: EVERY,
        told_in: &[],
        demand: "The RSA key has 2048 bits or more, as those of the other roles.",
        basis: Basis::Inferred,
        source: "inferred from the rules for the signing certificate",
        help: "no document says what this certificate needs; see that the service works with it",
        check: rsa_size,
    },
    Rule {
        id: "tls-key",
        code: Code::HgsKeyAlgorithm,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "The key is an RSA key, or a point on P-256, P-384 or P-521.",
        basis: Basis::Documented,
        source: "RFC 8446 4.2.3, RFC 8422 5.1",
        help: "no TLS library uses such a key; request the certificate with another",
        check: |asked| match &asked.candidate.key {
            KeyKind::Rsa | KeyKind::Elliptic(_) => Outcome::Pass,
            KeyKind::Other(what) => Outcome::Fail(not_usable(what)),
        },
    },
    Rule {
        id: "tls-rsa-size",
        code: Code::HgsKeySize,
        severity: Severity::Error,
        roles: TLS,
        profiles: EVERY,
        told_in: &[],
        demand: "An RSA key has 2048 bits or more.",
        basis: Basis::Documented,
        source: "CA/Browser Forum Baseline Requirements 6.1.5; RFC 9325 4.5",
        help: ANOTHER_KEY,
        check: rsa_size,
    },
    Rule {
        id: "key-strength",
        code: Code::HgsWeakKey,
        severity: Severity::Error,
        roles: &CertificateRole::ALL,
        profiles: EVERY,
        told_in: &[],
        demand: "Nothing in the numbers of the key shows how to compute the private key.",
        basis: Basis::Documented,
        source: "CVE-2017-15361 (ROCA); arithmetic (docs/weak-keys.md)",
        help: "do not use the key: make a new one, with another program or device",
        check: |asked| match asked.candidate.weaknesses.first() {
            None if matches!(asked.candidate.kind, CandidateKind::Template) => {
                Outcome::NotApplicable("a template has no key")
            }
            None => Outcome::Pass,
            Some(weakness) => Outcome::Fail(weakness.message.clone()),
        },
    },
    Rule {
        id: "key-storage-provider",
        code: Code::HgsProvider,
        severity: Severity::Error,
        roles: TABLES,
        profiles: &[Profile::Recommended, Profile::Adcs, Profile::Microsoft2016],
        told_in: &[],
        demand: "The key is with a key storage provider, not with a legacy cryptographic service \
                 provider.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: ANOTHER_PROVIDER,
        check: provider,
    },
    Rule {
        id: "signature-hash",
        code: Code::HgsSignatureAlgorithm,
        severity: Severity::Warning,
        roles: &[
            CertificateRole::Signing,
            CertificateRole::Encryption,
            CertificateRole::Communications,
            CertificateRole::AttestationSigner,
            CertificateRole::Tls,
            CertificateRole::Template,
        ],
        profiles: EVERY,
        told_in: &[Profile::Microsoft2016],
        demand: "The signature is made with SHA-256 or better.",
        basis: Basis::Documented,
        source: source::OBTAIN,
        help: "have the CA sign with SHA-256; the service does not check the signature of its \
               signing and encryption certificates, TLS clients do",
        check: signature,
    },
    Rule {
        id: "extensions",
        code: Code::HgsVersion,
        // What the other rules say rests on them, and of two key usages programs take one or
        // the other.
        severity: Severity::Error,
        roles: &CertificateRole::ALL,
        profiles: EVERY,
        told_in: &[],
        demand: "Every extension can be read, and none is there twice.",
        basis: Basis::Documented,
        source: "RFC 5280 4.2",
        help: "have it issued anew by a CA that follows RFC 5280",
        check: |asked| match asked.candidate.faulty.first() {
            Some(faulty) => Outcome::Fail(format!("an extension cannot be relied on: {faulty}")),
            None if asked.candidate.kind == CandidateKind::Template => {
                Outcome::NotApplicable("a template has no extensions to be read")
            }
            None => Outcome::Pass,
        },
    },
    Rule {
        id: "x509-v3",
        code: Code::HgsVersion,
        severity: Severity::Warning,
        roles: &CertificateRole::ALL,
        profiles: EVERY,
        told_in: &[],
        demand: "The certificate is of version 3.",
        basis: Basis::Documented,
        source: "RFC 5280 4.1.2.1",
        help: "have it issued anew by a CA that follows RFC 5280",
        check: |asked| {
            let candidate = asked.candidate;
            match candidate.version {
                None if candidate.kind == CandidateKind::Certificate => Outcome::Pass,
                None => Outcome::NotApplicable("only a certificate has a version"),
                Some(version) => Outcome::if_else(version == 3, || {
                    format!("it is of version {version}, which has no extensions")
                }),
            }
        },
    },
];

fn rsa(asked: &Asked<'_>) -> Outcome {
    match &asked.candidate.key {
        KeyKind::Rsa => Outcome::Pass,
        KeyKind::Elliptic(curve) => Outcome::Fail(format!("the key is no RSA key but {curve}")),
        KeyKind::Other(what) => Outcome::Fail(not_usable(what)),
    }
}

fn not_usable(what: &str) -> String {
    format!("the key is no RSA key that can be read: {what}")
}

fn rsa_size(asked: &Asked<'_>) -> Outcome {
    let template = asked.candidate.kind == CandidateKind::Template;
    match asked.candidate.rsa_bits {
        Some(bits) => Outcome::if_else(bits >= MIN_RSA_BITS, || match template {
            true => format!("it allows keys of {bits} bits; {MIN_RSA_BITS} is the least"),
            false => format!("the RSA key has {bits} bits; {MIN_RSA_BITS} is the least"),
        }),
        None if template => Outcome::Fail("it does not say how long a key has to be".to_owned()),
        None if asked.candidate.key == KeyKind::Rsa => {
            Outcome::Tell("it does not say how long the key will be".to_owned())
        }
        None => Outcome::NotApplicable("it is no RSA key"),
    }
}

/// A template may list several providers, and any of them may be taken.
fn provider(asked: &Asked<'_>) -> Outcome {
    let hints = &asked.candidate.providers;
    if let Some(legacy) = hints.iter().find(|hint| hint.kind == ProviderKind::Legacy) {
        return Outcome::Fail(format!(
            "the provider is a legacy one: {} ({})",
            legacy.name, legacy.source
        ));
    }
    if let Some(unknown) = hints.iter().find(|hint| hint.kind == ProviderKind::Unknown) {
        return Outcome::Tell(format!(
            "whether the provider is a key storage provider does not show in its name: {} ({})",
            unknown.name, unknown.source
        ));
    }
    match hints.is_empty() {
        true => Outcome::NotApplicable("the file does not say which provider keeps the key"),
        false => Outcome::Pass,
    }
}

fn signature(asked: &Asked<'_>) -> Outcome {
    let candidate = asked.candidate;
    if let Some(hash) = candidate
        .template
        .as_ref()
        .and_then(|facts| facts.hash.as_deref())
    {
        let sound = ["SHA256", "SHA384", "SHA512"];
        return Outcome::if_else(
            sound.iter().any(|known| hash.eq_ignore_ascii_case(known)),
            || format!("requests are signed with {hash}"),
        );
    }
    match &candidate.signature {
        None => Outcome::NotApplicable("it has no signature"),
        Some(signature) => Outcome::if_else(signature.is_sound, || {
            format!("it is signed with {}", signature.name)
        }),
    }
}
