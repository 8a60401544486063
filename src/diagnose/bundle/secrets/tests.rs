use std::process::Command;

use super::*;

fn openssl(args: &[&str]) {
    let output = Command::new("openssl").args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Octets in hex with something between them, and something else after each sixteen.
fn joined(bytes: &[u8], between: &str, after: &str) -> String {
    let lines = bytes.chunks(16).map(|line| {
        let octets: Vec<_> = line
            .iter()
            .map(|octet| format!("{octet:02x}{between}"))
            .collect();
        octets.concat()
    });
    lines.collect::<Vec<_>>().join(after)
}

/// As a file of Windows has it.
fn utf16(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// Every form in which OpenSSL writes keys, beside what it writes without one.
#[test]
fn keys_by_openssl() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let rsa = path("rsa.pem");
    let ec = path("ec.pem");
    openssl(&["genrsa", "-out", &rsa, "2048"]);
    openssl(&[
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        &ec,
    ]);
    let cert = path("cert.pem");
    openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        &rsa,
        "-subj",
        "/CN=hgs.bastion.test",
        "-out",
        &cert,
    ]);
    let password = "pass:sample";
    let made: &[(&str, &[&str])] = &[
        ("rsa.der", &["rsa", "-in", &rsa, "-outform", "DER"]),
        ("rsa1.pem", &["rsa", "-traditional", "-in", &rsa]),
        (
            "rsa1.der",
            &["rsa", "-traditional", "-in", &rsa, "-outform", "DER"],
        ),
        (
            "rsa-aes.pem",
            &[
                "rsa",
                "-traditional",
                "-aes256",
                "-passout",
                password,
                "-in",
                &rsa,
            ],
        ),
        ("ec.der", &["ec", "-in", &ec, "-outform", "DER"]),
        (
            "p8.der",
            &["pkcs8", "-topk8", "-nocrypt", "-in", &ec, "-outform", "DER"],
        ),
        ("p8.pem", &["pkcs8", "-topk8", "-nocrypt", "-in", &ec]),
        (
            "p8-aes.der",
            &[
                "pkcs8", "-topk8", "-passout", password, "-in", &rsa, "-outform", "DER",
            ],
        ),
        (
            "p8-aes.pem",
            &["pkcs8", "-topk8", "-passout", password, "-in", &rsa],
        ),
        (
            "p8-old.der",
            &[
                "pkcs8",
                "-topk8",
                "-v1",
                "PBE-SHA1-3DES",
                "-passout",
                password,
                "-in",
                &rsa,
                "-outform",
                "DER",
            ],
        ),
        (
            "both.pfx",
            &[
                "pkcs12", "-export", "-inkey", &rsa, "-in", &cert, "-passout", password,
            ],
        ),
    ];
    for (name, args) in made {
        let out = path(name);
        let mut args = args.to_vec();
        args.extend(["-out", &out]);
        openssl(&args);
        let bytes = std::fs::read(&out).unwrap();
        assert!(secret_in(&bytes).is_some(), "{name}");
        if name.ends_with("pem") {
            let encoded = STANDARD.encode(&bytes);
            assert_eq!(secret_in(encoded.as_bytes()), Some(PEM), "{name} in base64");
        }
        // In the text of another file, in base64 and hex.
        if !name.ends_with("pem") {
            let encoded = STANDARD.encode(&bytes);
            for text in [
                format!("<Export><Pfx>{encoded}</Pfx></Export>"),
                format!("<x>\r\n  {}\r\n{}</x>", &encoded[..64], &encoded[64..]),
                format!("\"key\": \"{}\"", crate::hash::hex(&bytes)),
                // The registry editor, a dump, and an array of JSON.
                format!("\"k\"=hex:{}", joined(&bytes, ",", "\\\r\n  ")),
                format!("0000  {}", joined(&bytes, " ", "\r\n0010  ")),
                format!("{:?}", &bytes),
            ] {
                assert!(secret_in(text.as_bytes()).is_some(), "{name}: {text}");
                assert!(secret_in(&utf16(&text)).is_some(), "{name} in UTF-16");
            }
        }
    }
    let public: &[(&str, &[&str])] = &[
        ("cert.der", &["x509", "-in", &cert, "-outform", "DER"]),
        (
            "pub.der",
            &["rsa", "-in", &rsa, "-pubout", "-outform", "DER"],
        ),
        (
            "pub1.der",
            &["rsa", "-in", &rsa, "-RSAPublicKey_out", "-outform", "DER"],
        ),
        ("pub.pem", &["ec", "-in", &ec, "-pubout"]),
        (
            "req.der",
            &[
                "req", "-new", "-key", &rsa, "-subj", "/CN=x", "-outform", "DER",
            ],
        ),
        (
            "certs.p7b",
            &["crl2pkcs7", "-nocrl", "-certfile", &cert, "-outform", "DER"],
        ),
    ];
    for (name, args) in public {
        let out = path(name);
        let mut args = args.to_vec();
        args.extend(["-out", &out]);
        openssl(&args);
        let bytes = std::fs::read(&out).unwrap();
        assert_eq!(secret_in(&bytes), None, "{name}");
        assert_eq!(
            secret_in(joined(&bytes, ",", "").as_bytes()),
            None,
            "{name}"
        );
        assert_eq!(secret_in(format!("{bytes:?}").as_bytes()), None, "{name}");
        assert_eq!(
            secret_in(STANDARD.encode(&bytes).as_bytes()),
            None,
            "{name}"
        );
    }
    assert_eq!(secret_in(&std::fs::read(cert).unwrap()), None);
}

#[test]
fn secrets_in_text() {
    for (text, why) in [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", PEM),
        ("-----BEGIN TSS2 PRIVATE KEY-----\nMII", PEM),
        ("PuTTY-User-Key-File-3: ssh-rsa", PEM),
        (
            "<Objs><SS N=\"Password\">01000000d08c9ddf</SS></Objs>",
            SECURE_STRING,
        ),
        (
            "<Obj><SS>76492d1116743f0423413b16050a5345</SS></Obj>",
            SECURE_STRING,
        ),
        (
            "01000000D08C9DDF0115D1118C7A00C04FC297EB01000000",
            PROTECTED,
        ),
        ("AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA", PROTECTED),
        ("<S N=\"Password\">hunter2</S>", PASSWORD),
        (
            "<AdministratorPassword>\n<Value>aHVudGVyMg</Value>",
            PASSWORD,
        ),
        ("<pfx Password=\"hunter2\"/>", PASSWORD),
        ("[Settings]\r\nPassword = hunter2\r\n", PASSWORD),
        ("DomainAdminPwd=hunter2", PASSWORD),
        ("{\"client_secret\": \"hunter2\"}", PASSWORD),
        ("passphrase: correct horse", PASSWORD),
        ("{\"kty\":\"RSA\",\"n\":\"x\",\"d\" : \"y\"}", JWK),
        (r#"{"jwk": "{\"kty\":\"oct\",\"k\":\"x\"}"}"#, JWK),
        (
            "<S>{&quot;kty&quot;:&quot;RSA&quot;,&quot;d&quot;:&quot;y&quot;}</S>",
            JWK,
        ),
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA", PEM),
        (
            "<RSAKeyValue><InverseQ>x</InverseQ></RSAKeyValue>",
            PRIVATE_PART,
        ),
        ("<BA N=\"InverseQ\">eDp5</BA>", PRIVATE_PART),
        ("privateExponent:\n    00:b1:", PRIVATE_PART),
        ("<add key=\"Password\" value=\"hunter2\"/>", PASSWORD),
        ("<Property Name='Pwd' Value='hunter2'>", PASSWORD),
        ("Import-PfxCertificate -Password hunter2", PASSWORD),
        (
            "ConvertTo-SecureString -AsPlainText 'hunter2' -Force",
            PASSWORD,
        ),
        (
            "ConvertTo-SecureString -String \"hunter2\" -AsPlainText",
            PASSWORD,
        ),
        ("$x = ConvertTo-SecureString 'hunter2' -Force", PASSWORD),
        ("Password = 12345678", PASSWORD),
        ("Password = $ecret", PASSWORD),
        ("Password = {hunter2", PASSWORD),
        (
            "\u{1b}[31mPassword: hunter2 is what the terminal had\u{1b}[0m",
            PASSWORD,
        ),
        (
            "P\u{159}ihl\u{e1}\u{161}en\u{ed} \u{107}\u{11b}: Password: hunter2",
            PASSWORD,
        ),
        // RSAPrivateKey in the alphabet for URLs; CryptoAPI; CNG.
        ("MIIEpAIBAAKCAQEA-_xyz", DER),
        (
            "0x308204A40201000282010100C0FFEE00C0FFEE00C0FFEE00C0FFEE00",
            DER,
        ),
        (
            "BwIAAACkAABSU0EyAAgAAAEAAQ",
            "it is a private key of Windows CryptoAPI",
        ),
        (
            "UlNBMgAIAAADAAAAAAEAAIAAAACA",
            "it is a private key of Windows CNG",
        ),
        (
            "H4sIAAAAAAAAA8tIzcnJBwCGphA2",
            "it is an archive, which is not looked into",
        ),
        ("Authorization: Basic eDp5", TOKEN),
        ("curl -H 'Bearer 0123456789abcdef01234'", TOKEN),
        (
            "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            TOKEN,
        ),
        ("https://user:hunter2@hgs.bastion.test/", TOKEN),
        (
            "111111-222222-333333-444444-555555-666666-777777-888888",
            RECOVERY,
        ),
    ] {
        assert_eq!(secret_in(text.as_bytes()), Some(why), "{text}");
        assert_eq!(secret_in(&utf16(text)), Some(why), "{text} in UTF-16");
    }
}

/// Settings about passwords are what a diagnosis is about.
#[test]
fn what_only_looks_like_one() {
    for text in [
        "[System Access]\r\nMinimumPasswordAge = 0\r\nMaximumPasswordAge = 42\r\n\
         MinimumPasswordLength = 7\r\nPasswordComplexity = 1\r\nClearTextPassword = 0\r\n\
         PasswordHistorySize = 24\r\nNewAdministratorName = \"Administrator\"\r\n",
        "MACHINE\\System\\CurrentControlSet\\Services\\Netlogon\\Parameters\\DisablePasswordChange=4,0",
        "MACHINE\\System\\CurrentControlSet\\Control\\Lsa\\LimitBlankPasswordUse=4,1",
        "SeAuditPrivilege = *S-1-5-19,*S-1-5-20,BASTION\\svc-hgs$",
        "Password : ********",
        "PasswordLastSet;BadPwd : 2026-11-24T10:15:00",
        "-Password $password -Force; -Password (Read-Host -AsSecureString)",
        "ConvertTo-SecureString $password -AsPlainText -Force",
        "Password = $env:PW",
        "Password: <ENTER PASSWORD>",
        "<PasswordNeverExpires>false</PasswordNeverExpires><Password></Password><Password/>",
        "<S N=\"Thumbprint\">245D262748012A4FE6CE8BA6C951A4C4AFBC3E5D</S>",
        "the bearer of this token",
        "https://hgs.bastion.test:8443/a@b:c",
        "FE80::1@eth0 https://[::1]:80/",
        "{\"kty\":\"RSA\",\"n\":\"x\",\"e\":\"AQAB\"}",
        "20261124-101500 123456-123456",
    ] {
        assert_eq!(secret_in(text.as_bytes()), None, "{text}");
    }
    // Words prove nothing in an event log, a key does.
    assert_eq!(secret_in(b"ElfFile\0\x01\x02 Password: hunter2"), None);
    assert_eq!(
        secret_in(b"ElfFile\0\x01\x02 -----BEGIN RSA PRIVATE KEY-----"),
        Some(PEM)
    );
}

#[test]
fn whole_files() {
    for start in STARTS {
        assert_eq!(secret_in(&[start.0, b"\0\x01"].concat()), Some(start.1));
    }
    assert_eq!(
        secret_in(&[b"\0\x01x".as_slice(), DPAPI].concat()),
        Some(PROTECTED)
    );
    assert_eq!(secret_in(b""), None);
    assert_eq!(secret_in(b"\x30"), None);
}

/// A key that stands in the middle of something else.
#[test]
fn keys_within() {
    for what in WITHIN
        .iter()
        .chain(&[b"\x30\x82\x04\xa4\x02\x01\x00\x02\x82\x01".as_slice()])
    {
        let bytes = [b"\0\x01\x02store".as_slice(), what, b"\x82\x04"].concat();
        assert_eq!(secret_in(&bytes), Some(DER));
    }
}

/// No text takes more than a few passes.
#[test]
fn hostile_texts_end() {
    for unit in [
        "password",
        "<ss",
        "eyJ",
        "://",
        "-----begin ",
        "bearer ",
        "MI",
        "111111-",
        "\"kty\"\"d\"",
    ] {
        secret_in(unit.repeat(1_000_000 / unit.len()).as_bytes());
    }
}
