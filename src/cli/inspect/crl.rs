//! A CRL, for people and as JSON.

use serde::Serialize;

use super::json::Inspected;
use crate::cli::console::Paint;
use crate::cli::human::{Page, name_in_words};
use crate::cli::input::Input;
use crate::cli::json::JsonCrl;
use crate::hash::hex;
use crate::trust::Crl;
use crate::trust::revocation::IssuingDistributionPoint;

/// A CRL, with what decides whether it is used for a certificate.
#[derive(Serialize)]
pub(super) struct InspectedCrl {
    #[serde(flatten)]
    crl: JsonCrl,
    authority_key_id: Option<String>,
    scope: Vec<&'static str>,
    names_delta: bool,
    unusable: Option<String>,
}

pub(super) fn inspected_crls(input: &Input, crls: &[Crl]) -> Inspected {
    Inspected::of_crls(
        input,
        crls.iter()
            .map(|crl| InspectedCrl {
                crl: crl.into(),
                authority_key_id: key_id(crl),
                scope: crl.scope().map_or(Vec::new(), scope_words),
                names_delta: crl.names_delta(),
                unusable: crl.unusable().map(str::to_owned),
            })
            .collect(),
    )
}

pub(super) fn describe_crls(page: &mut Page, input: &Input, crls: &[Crl], length: usize) {
    page.head(
        &input.name,
        Paint::Strong,
        "certificate revocation list",
        &format!("({length} bytes)"),
    );
    for crl in crls {
        page.field(1, "CRL", &name_in_words(crl.issuer()));
        let until = crl.next_update().map_or_else(
            || "a time it does not state".to_owned(),
            |time| time.to_string(),
        );
        page.field(
            2,
            "of",
            &format!("{}, good until {until}", crl.this_update()),
        );
        page.optional(2, "number", crl.number_in_words().as_deref());
        page.field(2, "entries", &crl.entry_count().to_string());
        page.field(2, "SHA-256", &crl.sha256().to_string());
        page.optional(2, "issuer key", key_id(crl).as_deref());
        if let Some(scope) = crl.scope() {
            page.field(2, "scope", &scope_words(scope).join(", "));
        }
        if crl.names_delta() {
            page.field(2, "delta CRLs", "it names some, which are not read");
        }
        page.optional(2, "unusable", crl.unusable());
    }
}

fn key_id(crl: &Crl) -> Option<String> {
    crl.authority_key_id()?.key_id.as_deref().map(hex)
}

fn scope_words(scope: &IssuingDistributionPoint) -> Vec<&'static str> {
    [
        (scope.name.is_some(), "one distribution point"),
        (scope.only_user_certificates, "end-entity certificates"),
        (scope.only_ca_certificates, "CA certificates"),
        (scope.only_attribute_certificates, "attribute certificates"),
        (scope.reasons.is_some(), "some reasons"),
        (scope.indirect, "other issuers as well"),
    ]
    .into_iter()
    .filter_map(|(is_so, words)| is_so.then_some(words))
    .collect()
}
