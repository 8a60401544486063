//! Texts of the article that say by themselves what is wrong, wherever they stand.

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Message {
    /// The service account lacks SeAuditPrivilege: the names of the methods, which are not
    /// translated, or the words where there are only these.
    AuditPrivilege {
        /// Whether the names of methods say so.
        by_name: bool,
    },
    /// An EKcert was not trusted.
    EkcertUntrusted,
    /// There was no EKcert.
    EkcertMissing,
}

/// Names in the stack trace. They are those of code, so they are the same in every language.
const AUDIT_NAMES: &[&str] = &[
    "KpsServer.Common.Diagnostics.Auditing",
    "SecurityLog.RegisterAuditSource",
    "NativeUtility.RegisterAuditSource",
];

/// Words that are translated on a machine in another language.
const AUDIT_WORDS: &[&str] = &[
    "Failed to register the security event source",
    "Server Error in '/KeyProtection' Application",
    "Server Error in /KeyProtection Application",
];

/// Said by many programs; beside a trace of them it means this.
const PRIVILEGE_WORDS: &str = "A required privilege is not held by the client";

/// Every message in a text.
pub(super) fn messages(text: &str) -> Vec<Message> {
    let mut found = Vec::new();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if has(AUDIT_NAMES) {
        found.push(Message::AuditPrivilege { by_name: true });
    } else if has(AUDIT_WORDS) || (text.contains(PRIVILEGE_WORDS) && text.contains("KeyProtection"))
    {
        found.push(Message::AuditPrivilege { by_name: false });
    }
    if untrusted(text) {
        found.push(Message::EkcertUntrusted);
    }
    if missing(text) {
        found.push(Message::EkcertMissing);
    }
    found
}

/// Whether there is any.
pub(super) fn is_known(text: &str) -> bool {
    !messages(text).is_empty()
}

/// `… cannot be trusted because of error UntrustedRoot`: the words that Microsoft's forum and
/// documents quote, and the name of a .NET chain status, which is not translated.
fn untrusted(text: &str) -> bool {
    let says = text.contains("cannot be trusted because of error");
    says || is_said_at_once(text, |part| {
        mentions_ek(part) && CHAIN_STATUSES.iter().any(|status| part.contains(status))
    })
}

/// Whether a few lines that follow each other say it: a message is one or two sentences, which a
/// console may have wrapped. Words that stand anywhere in a file mean nothing together.
fn is_said_at_once(text: &str, says: impl Fn(&str) -> bool) -> bool {
    const LINES: usize = 3;
    let lines: Vec<&str> = text.lines().collect();
    let windows = lines.windows(LINES.min(lines.len()).max(1));
    windows.map(|some| some.join(" ")).any(|part| says(&part))
}

/// There is no EKcert in the file of the host.
fn missing(text: &str) -> bool {
    is_said_at_once(text, says_missing)
}

fn says_missing(text: &str) -> bool {
    let lower = text.to_lowercase();
    let about = lower.contains("endorsement key certificate") || lower.contains("ekcert");
    let lacks = [
        "does not contain",
        "not found",
        "missing",
        "no endorsement key certificate",
    ];
    about && lacks.iter().any(|words| lower.contains(words))
}

fn mentions_ek(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["endorsement", "ekcert", "hgsattestationtpmhost"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Names of `X509ChainStatusFlags` that such an error carries.
const CHAIN_STATUSES: &[&str] = &[
    "UntrustedRoot",
    "PartialChain",
    "NotTimeValid",
    "NotSignatureValid",
    "RevocationStatusUnknown",
    "OfflineRevocation",
    "ExplicitDistrust",
    "Revoked",
];

/// The chain status that a text names.
pub(super) fn chain_status(text: &str) -> Option<&'static str> {
    CHAIN_STATUSES
        .iter()
        .copied()
        .find(|status| text.contains(status))
}

/// The SHA-1 thumbprint in a text: forty hexadecimal digits by themselves.
pub(super) fn thumbprint(text: &str) -> Option<&str> {
    const DIGITS: usize = 40;
    let mut words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.find(|word| word.len() == DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_privilege_by_names_and_by_words() {
        let by_name = vec![Message::AuditPrivilege { by_name: true }];
        let german = "Dem Client fehlt ein erforderliches Recht\n   bei Microsoft.Windows.\
                      KpsServer.Common.Diagnostics.Auditing.NativeUtility.RegisterAuditSource(String)";
        assert_eq!(messages(german), by_name);
        let words = vec![Message::AuditPrivilege { by_name: false }];
        assert_eq!(
            messages("Failed to register the security event source."),
            words
        );
        // Many programs say this.
        assert_eq!(
            messages("A required privilege is not held by the client"),
            []
        );
        assert_eq!(messages("RegisterAuditSourceX of Another.Thing"), []);
    }

    #[test]
    fn errors_about_ekcerts() {
        let text = "Add-HgsAttestationTpmHost : The certificate with thumbprint \
                    0123456789ABCDEF0123456789ABCDEF01234567 cannot be trusted because of error UntrustedRoot";
        assert_eq!(messages(text), [Message::EkcertUntrusted]);
        assert_eq!(chain_status(text), Some("UntrustedRoot"));
        assert_eq!(
            thumbprint(text),
            Some("0123456789ABCDEF0123456789ABCDEF01234567")
        );
        let text = "The platform identifier file does not contain an endorsement key certificate.";
        assert_eq!(messages(text), [Message::EkcertMissing]);
        for text in [
            "UntrustedRoot of a web site",
            "endorsement key certificate: found",
            "",
        ] {
            assert_eq!(messages(text), [], "{text}");
        }
        assert_eq!(thumbprint("01234567"), None);
    }
}
