use super::words::{
    assertions, authority_key_id, encoding_words, key_algorithm, kind_words, signature_algorithm,
    texts, usage_words,
};
use crate::cli::console::Paint;
use crate::cli::human::{Page, name_in_words, tpm_facts_in_words, tpm_in_words};
use crate::cli::input::Input;
use crate::cli::json;
use crate::ek::{Certificate, KeyUsage, Lint};
use crate::hash::hex;
use crate::identifier::Identifier;

/// `lints` are those of the certificates in order, and whether to tell of rules that pass.
pub(super) fn describe(
    page: &mut Page,
    input: &Input,
    identifier: &Identifier,
    length: usize,
    lints: Option<(&[Lint], bool)>,
) {
    page.head(
        &input.name,
        Paint::Strong,
        kind_words(identifier.kind),
        &format!("({length} bytes)"),
    );
    page.optional(1, "name", identifier.name.as_deref());
    page.machine(1, &identifier.machine);
    page.optional(1, "host name", identifier.machine.host_name.as_deref());
    page.optional(1, "hypervisor", identifier.machine.hypervisor.as_deref());
    let tpm = identifier.tpm.as_ref().map(tpm_facts_in_words);
    page.optional(1, "TPM", tpm.filter(|words| !words.is_empty()).as_deref());
    for entry in &identifier.ekpubs {
        page.field(
            1,
            "EKpub",
            &format!(
                "{}, as {}, from {}",
                entry.key.algorithm(),
                encoding_words(entry.encoding),
                entry.source
            ),
        );
        page.line(
            2,
            &format!("SPKI SHA-256           {}", entry.key.spki_sha256()),
        );
        page.line(
            2,
            &format!("Windows PublicKeyHash  {}", entry.key.windows_sha256()),
        );
        for name in entry.key.tpm_names() {
            page.line(
                2,
                &format!("TPM name if from {:<5} {}", name.template, hex(&name.name)),
            );
        }
    }
    for (index, entry) in identifier.ekcerts.iter().enumerate() {
        page.field(1, "EKcert", &format!("from {}", entry.source));
        describe_certificate(page, &entry.certificate);
        if let Some((lints, all)) = lints
            && let Some(lint) = lints.get(index)
        {
            super::lint::describe(page, lint, all);
        }
    }
    if lints.is_some_and(|(lints, _)| lints.is_empty()) {
        page.field(1, "lint", "there is no certificate in it");
    }
    for message in &identifier.messages {
        page.field(1, "from host", message);
    }
    for finding in &identifier.findings {
        page.finding(1, finding);
    }
}

fn describe_certificate(page: &mut Page, certificate: &Certificate) {
    let extensions = certificate.extensions();
    page.field(2, "subject", &name_in_words(certificate.subject()));
    page.field(2, "issuer", &name_in_words(certificate.issuer()));
    page.field(2, "serial", &hex(certificate.serial()));
    page.field(
        2,
        "valid",
        &format!(
            "{} to {}",
            certificate.not_before(),
            certificate.not_after()
        ),
    );
    page.field(2, "SHA-256", &certificate.sha256().to_string());
    page.field(2, "SHA-1", &certificate.thumbprint_sha1().to_string());
    page.field(
        2,
        "key",
        &format!(
            "{}, SPKI SHA-256 {}",
            key_algorithm(certificate)
                .as_deref()
                .unwrap_or("of no kind that TPMs use"),
            json::key_sha256(certificate)
        ),
    );
    page.optional(
        2,
        "signed with",
        signature_algorithm(certificate).as_deref(),
    );
    page.optional(2, "TPM", tpm_in_words(certificate).as_deref());
    if let Some(specification) = &extensions.tpm.specification {
        page.field(
            2,
            "TPM spec",
            &format!(
                "family {}, level {}, revision {}",
                specification.family, specification.level, specification.revision
            ),
        );
    }
    if let Some(security) = &extensions.tpm.security {
        page.field(2, "assertions", &assertions(security));
    }
    if let Some(constraints) = &extensions.basic_constraints {
        let ca = match (constraints.ca, constraints.path_len) {
            (false, _) => "no".to_owned(),
            (true, None) => "yes".to_owned(),
            (true, Some(length)) => format!("yes, path length {length}"),
        };
        page.field(2, "CA", &ca);
    }
    if let Some(usage) = extensions.key_usage {
        page.field(2, "key usage", &KeyUsage::names(usage.bits).join(", "));
    }
    if let Some(usages) = &extensions.extended_key_usage {
        let usages: Vec<_> = usages
            .iter()
            .map(|oid| usage_words(&oid.to_string()))
            .collect();
        page.field(2, "ext. usage", &usages.join(", "));
    }
    if let Some(policies) = &extensions.policies {
        page.field(2, "policies", &texts(policies).join(", "));
    }
    page.optional(
        2,
        "key id",
        extensions.subject_key_id.as_deref().map(hex).as_deref(),
    );
    page.optional(2, "issuer key", authority_key_id(extensions).as_deref());
    for url in &extensions.ca_issuer_urls {
        page.field(2, "issuer at", url);
    }
    for url in &extensions.crl_urls {
        page.field(2, "CRL at", url);
    }
    for oid in &extensions.unknown_critical {
        page.field(2, "critical", &format!("{oid} (not understood)"));
    }
    for text in &extensions.faulty {
        page.field(2, "faulty", text);
    }
    for finding in certificate.findings() {
        page.finding(2, &finding);
    }
}
