//! The JSON form.

use super::*;
use crate::ek::vectors::EKCERT_P384;

#[test]
fn written_and_read_back() {
    let identifier = from_host();
    let xml = identifier.to_xml();
    let back = read(&xml);
    assert_eq!(back.name, identifier.name);
    assert_eq!(back.machine, identifier.machine);
    assert_eq!(back.messages, identifier.messages);
    assert_eq!(back.ekpubs[0].key, identifier.ekpubs[0].key);
    assert_eq!(
        back.ekcerts[0].certificate,
        identifier.ekcerts[0].certificate
    );
    assert_eq!(back.to_xml(), xml);
    // By way of JSON nothing is lost either.
    let json = back.to_json();
    assert_eq!(read(&json).to_xml(), xml);
    assert_eq!(read(&json).to_json(), json);
    // Without a document, JSON keeps where things came from.
    let json = identifier.to_json();
    let back = read(&json);
    assert_eq!((back.kind, back.document.as_ref()), (Kind::Json, None));
    assert_eq!(back.ekpubs[0].source, "template L-1");
    assert_eq!(back.ekpubs[0].encoding, Encoding::TpmtPublic);
    assert_eq!(back.to_json(), json);
    assert_eq!(back.to_xml(), xml);
}

#[test]
fn json_that_lies() {
    let json = read(&whole()).to_json();
    let other = from_hex(EKCERT_P384).unwrap();
    let other_key = Certificate::from_der(&other).unwrap().public_key().unwrap();
    let spki = crate::hash::hex(key().spki_der());
    let digest = key().spki_sha256().to_string();
    for (from, to, place) in [
        ("\"name\": \"hyp01\"", "\"name\": \"hyp02\"", "/name"),
        ("\"guid\": \"67F8", "\"guid\": \"67F9", "/machine"),
        ("\"guid\": \"67F8C", "\"guid\": \"67f8c", "/machine/guid"),
        ("\"macs\": []", "\"macs\": [\"x\"]", "/machine/macs/0"),
        (
            "\"macs\": []",
            "\"macs\": [\"00:15:5D:01:02:0A\"]",
            "/machine",
        ),
        ("\"messages\": []", "\"messages\": [\"x\"]", "/messages"),
        ("\"bcrypt-rsa\"", "\"spki\"", "/ekpubs"),
        ("\"bcrypt-rsa\"", "\"other\"", "/ekpubs/0/encoding"),
        ("\"rsa2048\"", "\"rsa4096\"", "/ekpubs/0"),
        (&digest, &"00".repeat(32), "/ekpubs/0"),
        (&spki, &crate::hash::hex(other_key.spki_der()), "/ekpubs/0"),
        (&spki, "zz", "/ekpubs/0/spki"),
        (&spki, "00", "/ekpubs/0/spki"),
        (&spki, &spki[..100], "/ekpubs/0/spki, byte 0"),
        (EKCERT_RSA2048, EKCERT_P384, "/ekcerts/0"),
        (
            EKCERT_RSA2048,
            &format!("{EKCERT_RSA2048}00"),
            "/ekcerts/0/der",
        ),
        (
            "endorse.platform-identifier/1",
            "endorse.platform-identifier/2",
            "/schema",
        ),
        ("\"children\": []", "\"children\": [\"\"]", "/document"),
        ("\"name\": \"EKPub\"", "\"name\": \"EK Pub\"", "/document"),
        (
            "\"name\": \"ForeignKey\"",
            "\"name\": \"Foreignkey\"",
            "/name",
        ),
    ] {
        assert!(json.contains(from), "{from}");
        let error = refused(json.replace(from, to).as_bytes());
        let location = error.location.unwrap_or_default();
        assert_eq!(location, place, "{}", error.message);
        assert!(
            matches!(error.code, Some(Code::JsonMalformed | Code::EkpubMalformed)),
            "{from}"
        );
    }
    // An EKcert in the document only, or in the JSON only.
    let no_digests = json
        .replace(
            &format!("\"sha256\": \"{}\",", crate::hash::sha256(&cert_der())),
            "",
        )
        .replace(EKCERT_RSA2048, EKCERT_P384);
    assert_eq!(
        refused(no_digests.as_bytes()).location.as_deref(),
        Some("/ekcerts")
    );
    for (from, to) in [
        ("\"machine\":", "\"machina\":"),
        ("\"schema\":", "\"name\": \"x\", \"schema\":"),
        ("\"guid\":", "\"more\": 1, \"guid\":"),
        ("\"children\": []", "\"children\": [1]"),
        ("\"children\": []", "\"children\": [null]"),
        ("\"children\": []", "\"children\": [[]]"),
        ("\"children\": []", "\"children\": [{}]"),
        ("\"children\": []", "\"children\": null"),
        ("\"children\": []", "\"children\": [{\"children\": []}]"),
        ("\"children\": []", "\"children\": [{\"more\": \"x\"}]"),
        ("\"children\": []", "\"children\": [{\"name\": null}]"),
        (
            "\"children\": []",
            "\"children\": [{\"name\": \"a\", \"comment\": null}]",
        ),
        (
            "\"children\": []",
            "\"children\": [{\"name\": \"a\", \"comment\": \"b\"}]",
        ),
        (
            "\"children\": []",
            "\"children\": [{\"comment\": \"a\", \"instruction\": \"b\"}]",
        ),
        (
            "\"children\": []",
            "\"children\": [{\"comment\": \"a\", \"comment\": \"b\"}]",
        ),
        (
            "\"children\": []",
            "\"children\": [{\"name\": \"a\", \"name\": \"b\"}]",
        ),
    ] {
        let error = refused(json.replacen(from, to, 1).as_bytes());
        assert_eq!(error.code, Some(Code::JsonMalformed));
        assert!(error.location.unwrap().starts_with("line "));
    }
    // Other programs may put things in `extensions`.
    let extended = json.replacen("\"name\":", "\"extensions\": {\"x\": [1]}, \"name\":", 1);
    assert_whole(&read(&extended));
}

/// The schema names exactly the members that are written, and `extensions`.
#[test]
fn the_schema_agrees() {
    use serde_json::Value;
    fn compare(schema: &Value, value: &Value, place: &str, root: &Value) {
        let schema = match schema.get("$ref").and_then(Value::as_str) {
            Some("#/$defs/element") => &root["$defs"]["element"],
            _ => schema,
        };
        if let (Some(members), Some(properties)) =
            (value.as_object(), schema["properties"].as_object())
        {
            assert_eq!(schema["additionalProperties"], false, "{place}");
            for (name, member) in members {
                let schema = properties.get(name);
                let schema = schema.unwrap_or_else(|| panic!("{place}/{name}"));
                compare(schema, member, &format!("{place}/{name}"), root);
            }
            for name in properties.keys().filter(|name| *name != "extensions") {
                assert!(members.contains_key(name), "{place}/{name} is not written");
            }
        }
        if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
            for item in items {
                compare(schema, item, &format!("{place}/-"), root);
            }
        }
    }
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/identifier.schema.json")).unwrap();
    let written: Value = serde_json::from_str(&from_host().to_json()).unwrap();
    compare(&schema, &written, "", &schema);
    let written: Value = serde_json::from_str(&read(&whole()).to_json()).unwrap();
    compare(
        &schema["$defs"]["element"],
        &written["document"],
        "/document",
        &schema,
    );
    assert_eq!(schema["properties"]["schema"]["const"], written["schema"]);
}
