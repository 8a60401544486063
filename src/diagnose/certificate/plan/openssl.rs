//! The configuration for `openssl req` (config(5ssl), x509v3_config(5ssl)).

use std::fmt::Write as _;
use std::net::IpAddr;

use super::super::purpose_in_words;
use super::super::words::key_usage_in_words;
use super::RequestPlan;
use crate::finding::Error;

pub(super) fn write(plan: &RequestPlan) -> Result<String, Error> {
    let mut text = format!(
        "# A request for the {} certificate of a Host Guardian Service:\n\
         #   openssl req -new -config FILE -keyout KEY -out REQUEST\n\
         # To renew with the same key:\n\
         #   openssl req -new -config FILE -key KEY -out REQUEST\n\
         [req]\n\
         prompt = no\n\
         default_bits = {}\n\
         default_md = sha256\n\
         string_mask = utf8only\n\
         utf8 = yes\n\
         distinguished_name = subject\n\
         req_extensions = extensions\n\
         \n\
         [subject]\n",
        plan.role.as_str(),
        plan.key_bits
    );
    for part in &plan.subject {
        let value = escaped(&part.value)?;
        // Writing to a String does not fail.
        let _ = writeln!(text, "{} = {value}", part.kind.as_str());
    }
    let _ = write!(
        text,
        "\n[extensions]\nkeyUsage = critical, {}\nextendedKeyUsage = {}\n",
        key_usage_in_words(plan.key_usage()),
        purpose_in_words(&plan.purpose())
    );
    if !plan.names.is_empty() {
        text.push_str("subjectAltName = @names\n\n[names]\n");
        for (index, name) in plan.names.iter().enumerate() {
            let kind = match name.parse::<IpAddr>() {
                Ok(_) => "IP",
                Err(_) => "DNS",
            };
            let _ = writeln!(text, "{kind}.{} = {name}", index.saturating_add(1));
        }
    }
    Ok(text)
}

/// A value with a backslash before everything that has a meaning there. It is one line: the
/// subject holds no control characters, and what Unicode takes for a line end openssl does not.
fn escaped(value: &str) -> Result<String, Error> {
    if value.chars().any(char::is_control) {
        return Err(Error::misuse(
            "a value of the subject has control characters in it",
            "leave them out",
        ));
    }
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(
            c,
            '\\' | '$' | '#' | '"' | '\'' | '`' | ';' | '=' | '[' | ']' | ',' | '+' | '@'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Ok(escaped)
}
