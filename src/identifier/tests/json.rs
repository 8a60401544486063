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
fn what_only_json_carries() {
    let identifier = with_host_facts();
    let json = identifier.to_json();
    let back = read(&json);
    assert_eq!(back.machine, identifier.machine);
    assert_eq!(back.tpm, identifier.tpm);
    assert_eq!(back.to_json(), json);
    // Beside a document as well: the document cannot contradict it.
    let mut whole = read(&identifier.to_xml());
    assert_eq!(whole.machine, identifier.machine.in_xml());
    assert_eq!(whole.tpm, None);
    whole.machine = identifier.machine.clone();
    whole.tpm.clone_from(&identifier.tpm);
    let back = read(&whole.to_json());
    assert!(back.document.is_some());
    assert_eq!(back.machine, identifier.machine);
    assert_eq!(back.tpm, identifier.tpm);
    // What is longer than can be read again is left out.
    let mut long = identifier;
    long.machine.host_name = Some("x".repeat(254));
    long.machine.hypervisor = Some(String::new());
    long.tpm.as_mut().unwrap().vendor_string = Some("x".repeat(49));
    let back = read(&long.to_json());
    assert_eq!(back.machine.host_name, None);
    assert_eq!(back.machine.hypervisor, None);
    assert_eq!(back.tpm.unwrap().vendor_string, None);
}

#[test]
fn host_facts_in_other_forms_are_refused() {
    let json = with_host_facts().to_json();
    for (from, to, place) in [
        (
            "\"hyp01.example\"",
            &*format!("\"{}\"", "x".repeat(254)),
            "/machine/host_name",
        ),
        ("\"hyp01.example\"", "\"\"", "/machine/host_name"),
        (
            "\"QEMU/KVM\"",
            &*format!("\"{}\"", "x".repeat(65)),
            "/machine/hypervisor",
        ),
        ("\"id:49465800\"", "\"IFX\"", "/tpm/manufacturer"),
        (
            "\"SLB9672\"",
            &*format!("\"{}\"", "x".repeat(49)),
            "/tpm/vendor_string",
        ),
        ("\"SLB9672\"", "\"\"", "/tpm/vendor_string"),
        ("\"16.10.00040200\"", "\"16.10\"", "/tpm/firmware"),
        ("159", "-1", "line"),
        ("159", "4294967296", "line"),
        ("\"generated_eps\": false", "\"generated_eps\": 0", "line"),
        ("\"revision\"", "\"level\"", "line"),
    ] {
        assert!(json.contains(from), "{from}");
        let error = Identifier::read(json.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(error.code, Some(Code::JsonMalformed), "{from}");
        let location = error.location.unwrap();
        assert!(location.starts_with(place), "{from} {to}: {location}");
    }
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

/// Another reader would find no member in a list; the schema has none.
#[test]
fn lists_are_no_objects() {
    use serde_json::{Value, json};
    let written: Value = serde_json::from_str(&with_host_facts().to_json()).unwrap();
    let (key, cert) = (&written["ekpubs"][0], &written["ekcerts"][0]);
    for (place, list) in [
        ("/machine", json!([null, null, [], "vm", null])),
        ("/machine", json!([])),
        ("/tpm", json!(["id:49465800"])),
        ("/tpm", json!([])),
        (
            "/ekpubs/0",
            json!([null, null, "spki", "here", key["spki"]]),
        ),
        ("/ekcerts/0", json!([null, "here", cert["der"]])),
        ("/document", json!(["PlatformIdentifiers", [], []])),
    ] {
        let mut changed = written.clone();
        *changed.pointer_mut(place).unwrap() = list;
        let error = refused(changed.to_string().as_bytes());
        assert_eq!(error.code, Some(Code::JsonMalformed), "{place}");
        assert!(error.message.contains("expected an object"), "{error}");
    }
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
