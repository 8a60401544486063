use super::*;
use crate::ek::Curve;

/// A list of numbers, as ConvertTo-Json writes octets.
fn array(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// The same beyond the depth of an export.
fn words(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("\"{}\"", numbers.join(" "))
}

fn json(key: &str, hash: &str, certificates: &str) -> String {
    format!(
        "{{\"IsPresent\":true,\"PublicKey\":{key},\"PublicKeyHash\":{hash},\
         \"ManufacturerCertificates\":{certificates},\"AdditionalCertificates\":[]}}"
    )
}

fn hash() -> String {
    format!("\"{}\"", key().windows_sha256())
}

fn raw_data(data: &str) -> String {
    format!("{{\"Oid\":{{\"Value\":\"1.2.840.113549.1.1.1\"}},\"RawData\":{data}}}")
}

fn certificate(data: &str) -> String {
    let thumbprint = thumbprint(&cert_der());
    format!(
        "{{\"Extensions\":[{{\"RawData\":[3,2,5,32]}}],\"RawData\":{data},\"Thumbprint\":\"{thumbprint}\"}}"
    )
}

fn assert_info(text: &str) {
    let identifier = read(text);
    assert_eq!(identifier.kind, Kind::EkInfo, "{text}");
    assert_eq!(identifier.name, None);
    assert_eq!(identifier.ekpubs.len(), 1);
    assert_eq!(identifier.ekpubs[0].key, key());
    assert_eq!(identifier.ekpubs[0].encoding, Encoding::Pkcs1);
    assert_eq!(identifier.ekpubs[0].source, "PublicKey");
    assert_eq!(identifier.ekcerts.len(), 1, "{text}");
    assert_eq!(identifier.ekcerts[0].certificate.der(), cert_der());
    assert_eq!(identifier.ekcerts[0].source, "ManufacturerCertificates[1]");
    assert_survives(&identifier);
}

pub(super) fn whole_json() -> String {
    json(
        &raw_data(&array(key().subject_public_key())),
        &hash(),
        &format!("[{}]", certificate(&array(&cert_der()))),
    )
}

#[test]
fn json_in_every_form() {
    let (key, der) = (key(), cert_der());
    let pkcs1 = key.subject_public_key();
    let whole_key = raw_data(&array(pkcs1));
    let whole = format!("[{}]", certificate(&array(&der)));
    let text = json(&whole_key, &hash(), &whole);
    assert_info(&text);
    for (key, hash, certificates) in [
        // No hash: the cmdlet gives one only if it is asked for.
        (&whole_key, "null".to_owned(), &whole),
        (&whole_key, "\"\"".to_owned(), &whole),
        (&whole_key, hash().to_uppercase(), &whole),
        (
            &raw_data(&words(pkcs1)),
            hash(),
            &format!("[{}]", certificate(&words(&der))),
        ),
        (
            &raw_data(&format!("\"{}\"", to_base64(pkcs1))),
            hash(),
            &format!("[{}]", certificate(&format!("\"{}\"", to_base64(&der)))),
        ),
        // Octets in place of the objects.
        (
            &format!("\"{}\"", to_base64(pkcs1)),
            hash(),
            &format!("[\"{}\"]", to_base64(&der)),
        ),
        // A list of one, which PowerShell makes one item.
        (&whole_key, hash(), &certificate(&array(&der))),
        // A list as Windows PowerShell writes some.
        (
            &raw_data(&format!("{{\"value\":{},\"Count\":270}}", array(pkcs1))),
            hash(),
            &format!("{{\"value\":{whole},\"Count\":1}}"),
        ),
    ] {
        assert_info(&json(key, &hash, certificates));
    }
    assert_info(&text.replace(
        "\"AdditionalCertificates\":[]",
        "\"AdditionalCertificates\":\"\"",
    ));
    assert_info(&text.replace(
        "\"AdditionalCertificates\":[]",
        "\"AdditionalCertificates\":null",
    ));
    let utf16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(Identifier::read(&utf16).unwrap().kind, Kind::EkInfo);
}

#[test]
fn what_is_known_of_one_only() {
    let pkcs1 = raw_data(&array(key().subject_public_key()));
    let identifier = read(&json(&pkcs1, &hash(), "[]"));
    assert_eq!((identifier.ekpubs.len(), identifier.ekcerts.len()), (1, 0));
    let whole = format!("[{}]", certificate(&array(&cert_der())));
    let identifier = read(&json("null", "null", &whole));
    assert_eq!((identifier.ekpubs.len(), identifier.ekcerts.len()), (0, 1));
    // What Windows hashes for elliptic curves is not known.
    let ec = EkPub::from_point(Curve::P256, &[1; 32], &[2; 32]).unwrap();
    let ec = raw_data(&array(ec.spki_der()));
    let identifier = read(&json(&ec, "\"00\"", "[]"));
    assert_eq!(identifier.ekpubs.len(), 1);
}

#[test]
fn json_that_is_refused() {
    let der = cert_der();
    let pkcs1 = raw_data(&array(key().subject_public_key()));
    let whole = format!("[{}]", certificate(&array(&der)));
    let good = json(&pkcs1, &hash(), &whole);
    let wrong_hash = format!("\"{}\"", "0".repeat(64));
    let wrong_thumbprint = whole.replace(&thumbprint(&der), &thumbprint(b"other"));
    for (text, code, place) in [
        (
            json(&pkcs1, &wrong_hash, &whole),
            Code::DigestMismatch,
            Some("PublicKeyHash"),
        ),
        (
            json(&pkcs1, "\"00\"", &whole),
            Code::DigestMismatch,
            Some("PublicKeyHash"),
        ),
        (
            json(&pkcs1, &hash(), &wrong_thumbprint),
            Code::DigestMismatch,
            Some("ManufacturerCertificates[1]"),
        ),
        (
            json(
                "\"System.Security.Cryptography.AsnEncodedData\"",
                &hash(),
                &whole,
            ),
            Code::EkpubMalformed,
            Some("PublicKey"),
        ),
        (
            json(&raw_data("[1,2,3]"), &hash(), &whole),
            Code::EkpubMalformed,
            Some("PublicKey"),
        ),
        (
            json(&raw_data("[1,256]"), &hash(), &whole),
            Code::EkpubMalformed,
            Some("PublicKey"),
        ),
        (
            json(&raw_data("[1,-1]"), &hash(), &whole),
            Code::EkpubMalformed,
            Some("PublicKey"),
        ),
        (
            json(&raw_data(&array(&der)), "null", &whole),
            Code::EkpubMalformed,
            Some("PublicKey"),
        ),
        (
            json(
                &raw_data(&array(&key().subject_public_key()[..99])),
                "null",
                &whole,
            ),
            Code::EkpubMalformed,
            None,
        ),
        (
            json(&pkcs1, &hash(), "[\"[Subject] (empty)\"]"),
            Code::EkcertMalformed,
            Some("ManufacturerCertificates[1]"),
        ),
        (
            json(
                &pkcs1,
                &hash(),
                "\"System.Security.Cryptography.X509Certificates.X509Certificate2Collection\"",
            ),
            Code::EkcertMalformed,
            Some("ManufacturerCertificates[1]"),
        ),
        (
            json(
                &pkcs1,
                &hash(),
                &format!("[{}]", certificate(&array(&der[..99]))),
            ),
            Code::EkcertMalformed,
            None,
        ),
        (json("null", "null", "[]"), Code::NoEkpub, None),
        ("{\"IsPresent\":false}".to_owned(), Code::NoEkpub, None),
        // Two keys, of which one reader could take this and another that.
        (
            good.replacen("\"PublicKey\":", "\"publickey\":[],\"PublicKey\":", 1),
            Code::JsonMalformed,
            None,
        ),
        (
            good.replacen("\"RawData\":[", "\"RAWDATA\":[],\"RawData\":[", 1),
            Code::JsonMalformed,
            None,
        ),
        (good[..good.len() - 1].to_owned(), Code::JsonMalformed, None),
        (good.clone() + "{}", Code::JsonMalformed, None),
        // Both forms at once is ours, which has no such members.
        (
            good.replacen('{', "{\"schema\":\"endorse.platform-identifier/1\",", 1),
            Code::JsonMalformed,
            None,
        ),
    ] {
        let error = refused(text.as_bytes());
        assert_eq!(error.code, Some(code), "{error}");
        if place.is_some() {
            assert_eq!(error.location.as_deref(), place, "{error}");
        }
    }
}

pub(super) fn clixml() -> String {
    format!(
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\
         <Obj RefId=\"0\"><TN RefId=\"0\"><T>Microsoft.Tpm.Commands.EndorsementKeyObject</T></TN>\
         <Props><B N=\"IsPresent\">true</B><Obj N=\"PublicKey\" RefId=\"1\"><Props>\
         <BA N=\"RawData\">{}</BA></Props></Obj><S N=\"PublicKeyHash\">{}</S>\
         <Obj N=\"ManufacturerCertificates\" RefId=\"2\"><LST><Obj RefId=\"3\"><ToString>x</ToString>\
         <Props><BA N=\"RawData\">{}</BA></Props><MS><S N=\"Thumbprint\">{}</S></MS></Obj></LST>\
         <Props><I32 N=\"Count\">1</I32></Props></Obj>\
         <Obj N=\"AdditionalCertificates\" RefId=\"4\"><IE /></Obj></Props></Obj></Objs>",
        to_base64(key().subject_public_key()),
        key().windows_sha256(),
        to_base64(&cert_der()),
        thumbprint(&cert_der()),
    )
}

#[test]
fn xml_of_powershell() {
    assert_info(&clixml());
    assert_info(&clixml().replace("LST>", "IE>"));
    assert_info(&clixml().replace(
        "<Obj N=\"AdditionalCertificates\" RefId=\"4\"><IE /></Obj>",
        "<Nil N=\"AdditionalCertificates\" />",
    ));
    let key = to_base64(key().subject_public_key());
    for (from, to, code) in [
        (key.as_str(), "AA*A", Code::XmlMalformed),
        (key.as_str(), "AAAA", Code::EkpubMalformed),
        (
            "<S N=\"PublicKeyHash\">",
            "<S N=\"PublicKeyHash\">0",
            Code::DigestMismatch,
        ),
        (
            "<S N=\"Thumbprint\">",
            "<S N=\"Thumbprint\">0",
            Code::DigestMismatch,
        ),
        ("N=\"IsPresent\"", "N=\"PUBLICKEY\"", Code::XmlMalformed),
        ("</LST>", "</LST><LST/>", Code::XmlMalformed),
        ("</Objs>", "<Obj RefId=\"9\" /></Objs>", Code::XmlMalformed),
        (
            "<BA N=\"RawData\">MII",
            "<S N=\"RawData\">[",
            Code::XmlMalformed,
        ),
        ("2004/04", "2004/05", Code::InputUnrecognised),
    ] {
        let text = clixml().replacen(from, to, 1);
        assert_ne!(text, clixml());
        assert_eq!(refused(text.as_bytes()).code, Some(code), "{from}");
    }
    let other = "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\
         <S>a text</S></Objs>";
    assert_eq!(code(other), Some(Code::InputUnrecognised));
    assert_eq!(
        code(&other.replace("<S>a text</S>", "")),
        Some(Code::InputUnrecognised)
    );
}

/// The printed list has no key in it. It says what it does say.
#[test]
fn the_printed_list() {
    let hash = key().windows_sha256().to_string();
    let thumbprint = thumbprint(&cert_der());
    let list = format!(
        "PS C:\\> Get-TpmEndorsementKeyInfo -Hash sha256\r\n\r\nIsPresent                : True\r\n\
         PublicKey                : System.Security.Cryptography.AsnEncodedData\r\n\
         PublicKeyHash            : {hash}\r\nManufacturerCertificates : {{[Subject]\r\n  CN=x\r\n\r\n\
         [Thumbprint]\r\n  {thumbprint}\r\n}}\r\nAdditionalCertificates   : {{}}\r\n"
    );
    let narrow = list.replace(
        &hash,
        &format!(
            "{}\r\n                           {}",
            &hash[..40],
            &hash[40..]
        ),
    );
    for text in [&list, &narrow] {
        let error = refused(text.as_bytes());
        assert_eq!(error.code, Some(Code::NoEkpub));
        assert!(
            error.message.contains(&format!("PublicKeyHash {hash}")),
            "{error}"
        );
        assert!(
            error.message.contains(&thumbprint.to_lowercase()),
            "{error}"
        );
        assert!(error.help.contains("ToBase64String"), "{}", error.help);
    }
    for text in [
        list.replace("True", "False"),
        "{\"IsPresent\":false,\"PublicKey\":null}".to_owned(),
    ] {
        let absent = refused(text.as_bytes());
        assert_eq!(absent.code, Some(Code::NoEkpub));
        assert!(absent.message.contains("IsPresent is False"), "{absent}");
        assert!(absent.help.contains("Get-Tpm "), "{}", absent.help);
    }
    // Text that is neither hash nor thumbprint is not repeated.
    let odd = refused(
        list.replace(&hash, "\u{1b}[31m")
            .replace(&thumbprint, "x")
            .as_bytes(),
    );
    assert_eq!(odd.code, Some(Code::NoEkpub));
    assert!(
        odd.message.contains("neither names a key nor certificates"),
        "{odd}"
    );
    // PEM in the same text counts.
    let pem = format!(
        "{list}-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        to_base64(&cert_der())
    );
    assert_eq!(read(&pem).kind, Kind::EkCert);
}

/// What the help says to run, as the page on identifiers has it, gives a file like this
/// one.
#[test]
fn the_output_of_the_recommended_command() {
    let help = refused(b"IsPresent : True").help;
    let (_, command) = help.split_once("give ek.pem: ").unwrap();
    let page = include_str!("../../../../docs/identifier.md");
    assert!(page.lines().any(|line| line == command), "{command}");
    let text = format!(
        "-----BEGIN RSA PUBLIC KEY-----\r\n{}\r\n-----END RSA PUBLIC KEY-----\r\n\
         -----BEGIN CERTIFICATE-----\r\n{}\r\n-----END CERTIFICATE-----\r\n",
        to_base64(key().subject_public_key()),
        to_base64(&cert_der())
    );
    let identifier = read(&text);
    assert_eq!(identifier.ekpubs[0].key, key());
    assert_eq!(identifier.ekcerts[0].certificate.der(), cert_der());
    // And the simplest: the octets of the key, or of the certificate, in base64.
    assert_eq!(
        read(&(to_base64(key().subject_public_key()) + "\r\n")).kind,
        Kind::EkPub
    );
    assert_eq!(read(&(to_base64(&cert_der()) + "\r\n")).kind, Kind::EkCert);
}

#[test]
fn limits_hold_for_output() {
    let der = cert_der();
    let certificates = |count: usize| {
        let list: Vec<String> = (0..count)
            .map(|number| {
                let mut other = der.clone();
                let last = other.len() - 1;
                other[last] = u8::try_from(number).unwrap();
                format!("\"{}\"", to_base64(&other))
            })
            .collect();
        json("null", "null", &format!("[{}]", list.join(",")))
    };
    assert_survives(&read(&certificates(MAX_KEYS)));
    assert_eq!(code(&certificates(MAX_KEYS + 1)), Some(Code::InputTooLarge));
    // Fewer of them, with longer signatures, are beyond the limit on octets.
    let signature = Certificate::from_der(&der).unwrap().signature().len();
    let body = &der[4..der.len() - signature - 5];
    let long = |number: u8| {
        let content = [body, &[0x03, 0x82, 0x04, 0x01, 0], &[number; 1024]].concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82], &length[..], &content].concat()
    };
    let text = |count: usize| {
        let count = u8::try_from(count).unwrap();
        let list: Vec<String> = (0..count)
            .map(|number| format!("\"{}\"", to_base64(&long(number))))
            .collect();
        json("null", "null", &format!("[{}]", list.join(",")))
    };
    let fits = MAX_MATERIAL_LEN / long(0).len();
    assert!(fits < MAX_KEYS);
    assert_survives(&read(&text(fits)));
    assert_eq!(code(&text(fits + 1)), Some(Code::InputTooLarge));
    let deep = format!("{{\"IsPresent\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(code(&deep), Some(Code::JsonMalformed));
    // What breaks is still told by its beginning.
    let message = refused(deep.as_bytes()).message;
    assert!(message.contains("Get-TpmEndorsementKeyInfo"), "{message}");
}
