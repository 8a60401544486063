//! The findings that a judgement adds to those of reading and of path validation.

use super::judge::{CertificateUnderJudgement, KeyUnderJudgement};
use crate::ek::{Certificate, EkPub};
use crate::finding::{Code, Finding};
use crate::trust::{Usage, VerifiedPath};

pub(super) fn ekcert_missing(ekpub: &KeyUnderJudgement, none_at_all: bool) -> Finding {
    let message = if none_at_all {
        format!(
            "there is no EKcert: nothing proves that the EK of {} is in a genuine TPM",
            ekpub.source
        )
    } else {
        format!(
            "the EKpub of {} has no EKcert, though other keys have",
            ekpub.source
        )
    };
    Finding::new(
        Code::EkcertMissing,
        message,
        "if the file was made without administrator rights, make it again with them: Windows leaves \
         the EKcert out otherwise (run Get-PlatformIdentifier in an elevated PowerShell). If the TPM \
         has no EKcert, register the host with --force and a reason",
    )
}

pub(super) fn key_mismatch(
    ekcert: &CertificateUnderJudgement,
    key: &EkPub,
    ekpub: &KeyUnderJudgement,
    made_its_seed: bool,
) -> Finding {
    let help = if made_its_seed {
        "the TPM says that it made its endorsement seed itself (tpmGeneratedEPS): if it is a chip, \
         its seed was made anew after the EKcert, by an update or TPM2_ChangeEPS, and the EKcert \
         will never fit again; ask its manufacturer for a new one. If not, the file mixes two TPMs"
    } else {
        "the file mixes two TPMs, or the TPM's EK has changed since its certificate was made (cleared \
         endorsement seed, firmware update, board swap): make the file again on the host"
    };
    Finding::new(
        Code::KeyMismatch,
        format!(
            "the EKcert of {} is for another key (SPKI SHA-256 {}) than the EKpub of {} ({})",
            ekcert.source,
            key.spki_sha256(),
            ekpub.source,
            ekpub.key.spki_sha256()
        ),
        help,
    )
    .about(ekcert.certificate.thumbprint_sha1())
}

pub(super) fn ekpub_unlisted(ekcert: &CertificateUnderJudgement, algorithm: &str) -> Finding {
    Finding::new(
        Code::EkpubUnlisted,
        format!(
            "the EKcert of {} is for a key ({algorithm}) that the file does not list as an EKpub; \
             the host is not registered with that key",
            ekcert.source
        ),
        "make the file again with --ek to include that key, if the host is to use it",
    )
}

pub(super) fn certificate_unused(ekcert: &CertificateUnderJudgement) -> Finding {
    Finding::new(
        Code::CertificateUnused,
        format!(
            "'{}' ({}) is a CA certificate that no path needed",
            ekcert.certificate.subject(),
            ekcert.source
        ),
        "it does no harm; if the chain is incomplete, look whether it belongs to another TPM",
    )
}

pub(super) fn ekcert_key_unreadable(certificate: &Certificate) -> Finding {
    // A point that is none says more than that it cannot be read.
    if let Err(error) = certificate.public_key()
        && error.code == Some(Code::WeakKeyPoint)
    {
        return Finding::from(error);
    }
    Finding::new(
        Code::EkcertMalformed,
        "the key in the EKcert is of no kind that a TPM has, or cannot be read",
        "check that this is the TPM's EK certificate",
    )
    .about(certificate.thumbprint_sha1())
}

pub(super) fn anchor_embedded(path: &VerifiedPath, vendor: &str) -> Finding {
    let anchor = path
        .certificates()
        .last()
        .map(|anchor| anchor.subject().to_string());
    Finding::new(
        Code::AnchorEmbedded,
        format!(
            "the chain rests on '{}' ({vendor}), a root embedded in this program",
            anchor.unwrap_or_default()
        ),
        "--no-embedded-roots leaves the choice of roots to the store alone",
    )
}

pub(super) fn nothing_to_judge(usage: Usage) -> Finding {
    match usage {
        Usage::Ek => Finding::new(
            Code::NoEkpub,
            "there is no EKpub and no EKcert in it",
            "make the file again with get-platform-identifier, with administrator rights",
        ),
        Usage::Any => Finding::new(
            Code::EkcertMissing,
            "there is no certificate in it to validate",
            "give a certificate in DER or PEM, or leave out --usage any",
        ),
    }
}
