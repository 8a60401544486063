//! Why a path could not be built, in the words of a finding.

use super::revocation::MAX_CRL_SIGNATURES;
use super::signature::SignatureError;
use crate::ek::Certificate;
use crate::finding::{Code, Finding};
use crate::hash::hex;

/// How much a failure tells; the greatest is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The issuer is not in the stores.
    UnknownIssuer,
    /// The chain ends in a self-signed certificate that is no anchor.
    UntrustedAnchor,
    /// An issuer was found, and whether it signed cannot be told here. An input must not
    /// hide a wrong signature behind one like that.
    UnknownSignature,
    /// An issuer was found, and did not sign.
    BadSignature,
    /// A whole path was found and refused; the more, the fewer errors it has.
    Refused(usize),
}

/// Whether the issuer's key identifier is the one that `certificate` names; `None`
/// if either has none.
pub(super) fn key_ids_match(certificate: &Certificate, issuer: &Certificate) -> Option<bool> {
    let named = certificate
        .extensions()
        .authority_key_id
        .as_ref()?
        .key_id
        .as_ref()?;
    let own = issuer.extensions().subject_key_id.as_ref()?;
    Some(named == own)
}

/// Where path building came to an end: no candidate issued the certificate.
pub(super) enum DeadEnd<'c> {
    /// It is self-signed, and no anchor.
    SelfSigned,
    /// Its issuer is there, and did not sign it.
    Refused(&'c Certificate, &'c SignatureError),
    /// Its issuer is not there, though others of that name may be.
    Unknown(&'c [(&'c Certificate, SignatureError)]),
}

impl<'c> DeadEnd<'c> {
    pub(super) fn new(
        certificate: &Certificate,
        self_signed: bool,
        refused: &'c [(&'c Certificate, SignatureError)],
    ) -> Self {
        if self_signed {
            return Self::SelfSigned;
        }
        // A candidate with another key identifier than the one named is somebody else
        // of the same name; any other was the issuer, and its key does not fit.
        let issuer = refused
            .iter()
            .find(|(candidate, _)| key_ids_match(certificate, candidate) != Some(false));
        match issuer {
            Some((issuer, error)) => Self::Refused(issuer, error),
            None => Self::Unknown(refused),
        }
    }

    pub(super) fn rank(&self) -> Rank {
        match self {
            Self::SelfSigned => Rank::UntrustedAnchor,
            Self::Refused(_, SignatureError::Unsupported(_)) => Rank::UnknownSignature,
            Self::Refused(_, SignatureError::Invalid) => Rank::BadSignature,
            Self::Unknown(_) => Rank::UnknownIssuer,
        }
    }

    pub(super) fn finding(&self, certificate: &Certificate) -> Finding {
        match self {
            Self::SelfSigned => anchor_untrusted(certificate),
            Self::Refused(issuer, error) => signature_refused(certificate, issuer, error),
            Self::Unknown(same_name) => issuer_unknown(certificate, same_name),
        }
    }
}

/// The path needed certificates that came with the input.
pub(super) fn from_input(certificates: &[&Certificate]) -> Finding {
    let named: Vec<String> = certificates
        .iter()
        .map(|ca| format!("'{}' (SHA-256 {})", ca.subject(), ca.sha256()))
        .collect();
    Finding::new(
        Code::IntermediateFromInput,
        format!(
            "the path leads over certificates that came with the input itself: {}",
            named.join(", ")
        ),
        "trust comes from the anchor alone, so this is for information; a Host Guardian Service does \
         not look for issuers in the file, nor does a policy that makes this an error: for those, put \
         the certificates into TrustedTPM_IntermediateCA",
    )
}

/// The limit of work was passed.
pub(super) fn budget() -> Finding {
    Finding::new(
        Code::BudgetExhausted,
        "path building was given up: too many certificates with the same names",
        "look for copies and cross-certificates in the stores and in the input, and remove those not \
         needed",
    )
}

/// The limit of work on CRLs was passed.
pub(super) fn crl_budget() -> Finding {
    Finding::new(
        Code::BudgetExhausted,
        format!(
            "the search for revocations was given up: more than {MAX_CRL_SIGNATURES} signatures of CRLs \
             would have to be verified"
        ),
        "remove CRLs that newer ones replace, and those of CAs that are not needed",
    )
}

fn anchor_untrusted(root: &Certificate) -> Finding {
    Finding::new(
        Code::AnchorUntrusted,
        format!(
            "the chain ends in the self-signed certificate '{}' (SHA-256 {}), which is not in the root store",
            root.subject(),
            root.sha256()
        ),
        "if you know it to be the vendor's root (compare the SHA-256 with the vendor's), add it: \
         endorse store add --root ROOT (to try it first: verify --roots ROOT)",
    )
    .about(root.thumbprint_sha1())
}

fn signature_refused(
    certificate: &Certificate,
    issuer: &Certificate,
    error: &SignatureError,
) -> Finding {
    let (code, help) = match error {
        SignatureError::Invalid => (
            Code::SignatureInvalid,
            "the certificate is altered or forged, or its issuer has another key by the same name: \
             do not trust it; read it from the TPM again and compare",
        ),
        SignatureError::Unsupported(_) => (
            Code::AlgorithmUnsupported,
            "have the certificate checked with another tool, or register with --force and a reason",
        ),
    };
    Finding::new(
        code,
        format!(
            "the signature on '{}' by '{}' (SHA-256 {}) is not accepted: {error}",
            subject_or_serial(certificate),
            issuer.subject(),
            issuer.sha256()
        ),
        help,
    )
    .about(certificate.thumbprint_sha1())
}

fn issuer_unknown(
    certificate: &Certificate,
    same_name: &[(&Certificate, SignatureError)],
) -> Finding {
    let extensions = certificate.extensions();
    let mut message = format!(
        "the issuer of '{}' is not in the stores: '{}'",
        subject_or_serial(certificate),
        certificate.issuer()
    );
    match extensions
        .authority_key_id
        .as_ref()
        .and_then(|id| id.key_id.as_ref())
    {
        Some(key_id) => message.push_str(&format!(", key identifier {}", hex(key_id))),
        None => message.push_str(", key identifier not stated"),
    }
    for (other, _) in same_name {
        let key_id = extensions_key_id(other);
        message.push_str(&format!(
            "; a certificate of that name is there, but with another key: SHA-256 {}, key identifier {key_id}",
            other.sha256()
        ));
    }
    let url = extensions
        .ca_issuer_urls
        .iter()
        .find_map(|url| shell_safe_url(url));
    let help = match (url, extensions.ca_issuer_urls.first()) {
        // Judging never fetches; the command that does checks what comes against the roots.
        (Some(url), _) => format!(
            "endorse store fetch-issuers FILE (in a build with the feature fetch) gets it from the \
             vendor, checks it and puts it into the store. By hand: curl --output issuer.crt '{url}' (the certificate's own claim), compare \
             its fingerprint with the vendor's, and endorse store add --intermediate issuer.crt"
        ),
        (None, Some(url)) => format!(
            "get the issuer's certificate (the certificate names {url}), compare its fingerprint with \
             the vendor's, and add it: endorse store add --intermediate ISSUER (to try it first: \
             verify --intermediates ISSUER)"
        ),
        (None, None) => "the certificate names no URL (AIA): get the issuer's certificate from the \
             vendor of the TPM, and add it: endorse store add --intermediate ISSUER, or --root if it \
             is a root (to try it first: verify --intermediates ISSUER, or --roots)"
            .to_owned(),
    };
    Finding::new(Code::IssuerUnknown, message, help).about(certificate.thumbprint_sha1())
}

fn extensions_key_id(certificate: &Certificate) -> String {
    match &certificate.extensions().subject_key_id {
        Some(key_id) => hex(key_id),
        None => "none".to_owned(),
    }
}

/// The subject, or for the many EKcerts without one the serial number.
pub(super) fn subject_or_serial(certificate: &Certificate) -> String {
    if certificate.subject().is_empty() {
        format!("serial {}", hex(certificate.serial()))
    } else {
        certificate.subject().to_string()
    }
}

/// A URL that can stand between single quotes in a shell command: it comes from a
/// certificate that nobody vouches for. Spaces, which Nuvoton writes, are escaped.
fn shell_safe_url(url: &str) -> Option<String> {
    let url = url.replace(' ', "%20");
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))?;
    // No '@' either: what stands before it looks like the host, and is not.
    let safe = |c: char| c.is_ascii_alphanumeric() || "/.:-_~%?&=+,()".contains(c);
    (!rest.is_empty() && rest.chars().all(safe)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_cannot_leave_their_quotes() {
        assert_eq!(
            shell_safe_url("http://www.nuvoton.com/NTC TPM.cer").as_deref(),
            Some("http://www.nuvoton.com/NTC%20TPM.cer")
        );
        for url in [
            "http://x/';rm -rf /;'",
            "http://x/$(id)",
            "http://www.infineon.com@x/",
            "file:///etc/passwd",
            "http://x/\n",
            "http://",
        ] {
            assert_eq!(shell_safe_url(url), None, "{url}");
        }
    }

    #[test]
    fn more_useful_failures_rank_higher() {
        assert!(Rank::Refused(0) > Rank::BadSignature);
        assert!(Rank::BadSignature > Rank::UnknownSignature);
        assert!(Rank::UnknownSignature > Rank::UntrustedAnchor);
        assert!(Rank::UntrustedAnchor > Rank::UnknownIssuer);
    }
}
