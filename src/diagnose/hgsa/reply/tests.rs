use serde_json::json;

use super::*;
use crate::diagnose::attestation::{Guid, POLICIES};

const ERRORS: &[&str] = &[
    "OperationModeErrorReply",
    "PayloadErrorReply",
    "PolicyEvaluationErrorReply",
    "RtpmErrorReply",
    "TcgLogValidationErrorReply",
    "UnauthorizedErrorReply",
    "UnavailableErrorReply",
    "VirtualSecureModeErrorReply",
    "VsmReportValidationErrorReply",
];

/// 6a460ee1-62ea-416f-ae6c-04e29634506d by hand: octets e10e466a ea62 6f41 ae6c04e29634506d.
const SECURE_BOOT: &str = "4Q5Gaupib0GubATiljRQbQ==";

fn reply(name: &str, rest: &str) -> String {
    format!(r#"{{"__type":"{name}:#Microsoft.Windows.RemoteAttestation.Core"{rest}}}"#)
}

fn read(text: &str) -> Reply {
    Reply::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The members that each kind has beyond those that all have.
fn members_of(name: &str) -> &'static str {
    match name {
        "OperationModeErrorReply" => r#","ExpectedOperationMode":1"#,
        "PolicyEvaluationErrorReply" => {
            r#","Reasons":[{"Result":false,"Reason":"4Q5Gaupib0GubATiljRQbQ=="}]"#
        }
        _ => "",
    }
}

#[test]
fn every_error_reply_has_a_cause_and_a_remedy() {
    let mut causes = Vec::new();
    for name in ERRORS {
        for retryable in [true, false] {
            let rest = format!(r#"{},"Retryable":{retryable}"#, members_of(name));
            let found = read(&reply(name, &rest));
            assert_eq!(found.type_name, *name);
            assert_eq!(found.retryable, Some(retryable));
            assert!(found.content.is_error(), "{name}");
            assert!(found.unknown.is_empty(), "{found:?}");
            assert!(!found.remedy().is_empty(), "{name}");
            let told = found.remedy().iter().any(|step| {
                *step == Remedy::Do("the service says that the host may try again".to_owned())
            });
            assert_eq!(told, retryable, "{name}");
            // The slip of the specification is told, and nothing else.
            let slip = usize::from(name.starts_with('V'));
            assert_eq!(found.notes.len(), slip, "{:?}", found.notes);
            if !causes.contains(&found.cause()) {
                causes.push(found.cause());
            }
        }
    }
    assert_eq!(causes.len(), ERRORS.len());
}

#[test]
fn the_reasons_of_a_failed_evaluation() {
    use base64::Engine as _;
    let encode = |octets: [u8; 16]| base64::engine::general_purpose::STANDARD.encode(octets);
    // .NET's order, from that of the text.
    let dotnet = |guid: Guid| {
        let mut octets = guid.0.to_be_bytes();
        octets[..4].reverse();
        octets[4..6].reverse();
        octets[6..8].reverse();
        encode(octets)
    };
    let one = |reason: &str, result: bool| {
        let rest = json!([{"Result": result, "Reason": reason}]);
        let found = read(&reply(
            "PolicyEvaluationErrorReply",
            &format!(r#","Retryable":false,"Reasons":{rest}"#),
        ));
        let ReplyContent::PolicyEvaluation { reasons } = &found.content else {
            panic!("{found:?}")
        };
        (reasons[0].clone(), found)
    };
    assert_eq!(dotnet(POLICIES[0].reason), SECURE_BOOT);
    for policy in POLICIES {
        let (reason, found) = one(&dotnet(policy.reason), false);
        assert_eq!(reason.policy, Some(policy));
        assert_eq!(reason.order, ReasonOrder::Dotnet);
        assert!(found.notes.is_empty(), "{:?}", found.notes);
        assert_eq!(found.remedy().len(), policy.remedy.len());
        let (reason, found) = one(&encode(policy.reason.0.to_be_bytes()), false);
        assert_eq!(reason.policy, Some(policy));
        assert_eq!(reason.order, ReasonOrder::Text);
        assert!(found.notes[0].contains("order of the text"));
    }
    let (reason, found) = one("AAECAwQFBgcICQoLDA0ODw==", false);
    assert_eq!(
        reason.reason.to_string(),
        "03020100-0504-0706-0809-0a0b0c0d0e0f"
    );
    assert_eq!((reason.order, reason.policy), (ReasonOrder::Unknown, None));
    assert!(found.notes[0].contains("none of those that are published"));
    assert_eq!(found.remedy().len(), 1);
    let (_, found) = one(SECURE_BOOT, true);
    assert!(found.notes[0].contains("every 'Result' is true"));
}

#[test]
fn the_modes() {
    for (mode, words) in [
        (0, "unknown"),
        (1, "TPM"),
        (2, "Active Directory"),
        (3, "host key"),
    ] {
        let rest = format!(r#","ExpectedOperationMode":{mode},"Retryable":true"#);
        let found = read(&reply("OperationModeErrorReply", &rest));
        let expected = ReplyContent::OperationMode {
            expected: Some(mode),
        };
        assert_eq!(found.content, expected);
        assert_eq!(ReplyContent::mode_in_words(mode), words);
    }
    assert!(ReplyContent::mode_in_words(4).contains("does not have"));
    let found = read(&reply("OperationModeErrorReply", r#","Retryable":true"#));
    assert_eq!(
        found.content,
        ReplyContent::OperationMode { expected: None }
    );
    assert!(found.notes[0].contains("ExpectedOperationMode"));
}

#[test]
fn health_certificates_are_read() {
    use base64::Engine as _;
    let der = include_bytes!("../../../../testdata/cli/ek.der");
    let der = base64::engine::general_purpose::STANDARD.encode(der);
    let content = json!([
        {"m_Item1": 1, "m_Item2": der},
        {"m_Item1": 3, "m_Item2": "AAAA", "m_Item3": "more"},
    ]);
    let found = read(&reply(
        "HealthCertificateReply",
        &format!(r#","Content":{content}"#),
    ));
    assert!(!found.content.is_error());
    assert_eq!((found.retryable, found.notes.len()), (None, 0));
    assert!(found.remedy().is_empty());
    let ReplyContent::HealthCertificate { certificates } = &found.content else {
        panic!("{found:?}")
    };
    let first = certificates[0].certificate.as_ref().unwrap();
    assert_eq!(first.not_before().to_string(), "2026-11-23T23:11:38Z");
    assert!(certificates[0].kind_in_words().contains("encryption key"));
    let error = certificates[1].certificate.as_ref().unwrap_err();
    assert_eq!(error.code, Some(Code::EkcertMalformed));
    // What is not specified is kept.
    assert_eq!(
        found.unknown,
        [("/Content/1/m_Item3".to_owned(), json!("more"))]
    );
    let found = read(&reply("HealthCertificateReply", r#","Content":[]"#));
    assert!(found.notes[0].contains("no certificate"));
}

#[test]
fn the_reply_in_the_middle() {
    let length = |rest: &str| {
        let found = read(&reply("TpmReplyContinue", rest));
        assert!(!found.content.is_error());
        match found.content {
            ReplyContent::TpmContinue { context_len } => (context_len, found.notes.len()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(length(r#","RtpmActiveContext":"AAECAw==""#), (Some(4), 0));
    assert_eq!(length(r#","RtpmActiveContext":[1,2,3]"#), (Some(3), 0));
    assert_eq!(length(r#","RtpmActiveContext":"*""#), (None, 1));
    assert_eq!(length(""), (None, 1));
}

#[test]
fn what_is_odd_and_can_be_read_is_noted() {
    let notes = |text: &str| read(text).notes.join("; ");
    let late = r#"{"Retryable":true,"__type":"UnauthorizedErrorReply:#Microsoft.Windows.RemoteAttestation.Core"}"#;
    assert!(notes(late).contains("does not come first"));
    let bare = r#"{"__type":"UnauthorizedErrorReply","Retryable":true}"#;
    assert!(notes(bare).contains("no namespace"));
    let other = r#"{"__type":"UnauthorizedErrorReply:#Else","Retryable":true}"#;
    assert!(notes(other).contains("'Else'"));
    assert!(notes(&reply("UnauthorizedErrorReply", "")).contains("without 'Retryable'"));
    let found = read(&reply("StrangeReply", r#","a":{"b":[1]},"Retryable":true"#));
    assert_eq!(found.content, ReplyContent::Unrecognised);
    assert_eq!(found.unknown, [("a".to_owned(), json!({"b": [1]}))]);
    assert!(found.notes[0].contains("no reply of this type"));
    let none = reply(
        "PolicyEvaluationErrorReply",
        r#","Reasons":[],"Retryable":true"#,
    );
    assert!(notes(&none).contains("no reason is given"));
    // As PowerShell 5.1 saves it.
    let text = reply("UnauthorizedErrorReply", r#","Retryable":true"#);
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(Reply::read(&utf16).unwrap(), read(&text));
}

#[test]
fn what_is_no_reply_is_refused_with_its_place() {
    let policy = |rest: &str| reply("PolicyEvaluationErrorReply", rest);
    let health = |rest: &str| reply("HealthCertificateReply", rest);
    for (text, says) in [
        (String::new(), "no text"),
        ("\u{1}".to_owned(), "no text"),
        (
            "HTTP/1.1 200 OK\r\n\r\n{}".to_owned(),
            "whole HTTP response",
        ),
        ("<html>".to_owned(), "no JSON object"),
        ("[]".to_owned(), "no JSON object"),
        ("{}".to_owned(), "no '__type'"),
        (r#"{"__type":1}"#.to_owned(), "at /__type"),
        (
            reply("PayloadErrorReply", r#","Retryable":"no""#),
            "at /Retryable",
        ),
        (
            reply("PayloadErrorReply", r#","a":1,"a":2"#),
            "'a' stands twice",
        ),
        (
            reply(
                "OperationModeErrorReply",
                r#","ExpectedOperationMode":"TPM""#,
            ),
            "at /ExpectedOperationMode",
        ),
        (policy(""), "'Reasons' is missing"),
        (policy(r#","Reasons":{}"#), "at /Reasons"),
        (policy(r#","Reasons":[1]"#), "at /Reasons/0"),
        (
            policy(r#","Reasons":[{"Reason":"4Q5Gaupib0GubATiljRQbQ=="}]"#),
            "at /Reasons/0/Result",
        ),
        (
            policy(r#","Reasons":[{"Result":false}]"#),
            "at /Reasons/0/Reason",
        ),
        (
            policy(r#","Reasons":[{"Result":false,"Reason":"*"}]"#),
            "at /Reasons/0/Reason",
        ),
        (
            policy(r#","Reasons":[{"Result":false,"Reason":"AAAA"}]"#),
            "at /Reasons/0/Reason",
        ),
        (health(""), "'Content' is missing"),
        (health(r#","Content":[1]"#), "at /Content/0"),
        (
            health(r#","Content":[{"m_Item2":"AAAA"}]"#),
            "at /Content/0/m_Item1",
        ),
        (
            health(r#","Content":[{"m_Item1":-1,"m_Item2":"AAAA"}]"#),
            "at /Content/0/m_Item1",
        ),
        (
            health(r#","Content":[{"m_Item1":1}]"#),
            "at /Content/0/m_Item2",
        ),
        (
            health(r#","Content":[{"m_Item1":1,"m_Item2":"*"}]"#),
            "at /Content/0/m_Item2",
        ),
    ] {
        let error = Reply::read(text.as_bytes()).unwrap_err();
        assert_eq!(error.code, Some(Code::JsonMalformed), "{text}");
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(!error.help.is_empty());
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        reply(
            "UnavailableErrorReply",
            &format!(r#","Retryable":true,"a":{value}"#),
        )
    };
    // The object itself is one level.
    assert!(Reply::read(nested(MAX_REPLY_DEPTH - 1).as_bytes()).is_ok());
    let error = Reply::read(nested(MAX_REPLY_DEPTH).as_bytes()).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge));
    let error = Reply::read(nested(100_000).as_bytes()).unwrap_err();
    assert_eq!(error.code, Some(Code::JsonMalformed));
    let mut text = reply("UnavailableErrorReply", r#","Retryable":true"#).into_bytes();
    text.resize(MAX_REPLY_LEN, b' ');
    assert!(Reply::read(&text).is_ok());
    text.push(b' ');
    let error = Reply::read(&text).unwrap_err();
    assert_eq!(error.code, Some(Code::InputTooLarge));
}

#[test]
fn reasons_without_end_take_no_time_without_end() {
    let one = format!(r#"{{"Result":false,"Reason":"{SECURE_BOOT}"}}"#);
    let many = vec![one; 15_000].join(",");
    let text = reply(
        "PolicyEvaluationErrorReply",
        &format!(r#","Retryable":true,"Reasons":[{many}]"#),
    );
    let found = read(&text);
    // Those of one reason, and that the host may try again.
    assert_eq!(found.remedy().len(), POLICIES[0].remedy.len() + 1);
}
