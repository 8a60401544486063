//! What must hold for any input. Shared by the fuzz targets and by the test that
//! replays their corpus.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use std::sync::Arc;

use endorse::der::{Reader, Time, Tlv, subrange, tag};
use endorse::diagnose::Basis;
use endorse::diagnose::certificate::{CertificateRole, Document, Profile, Question, examine};
use endorse::ek::{
    Certificate, EkCertService, EkPub, Lint, MAX_CHAIN_CERTIFICATES, check_key, check_profile,
    order_chain, read_service_reply, split_chain, unwrap_nv,
};
use endorse::finding::Code;
use endorse::identifier::{Identifier, Kind};
use endorse::possession::{
    Answer, Challenge, Credential, Kept, KeptEk, Quote, QuoteSignature, Request, Terms, check,
};
use endorse::trust::package::{MAX_FILES, MAX_UNPACKED_LEN, Package, Roots};
use endorse::trust::{
    Crl, Graph, GraphEntry, GraphRole, Origin, Policy, PolicyInputs, Purpose, Store, Supplied,
    Usage, read_certificates, read_crls,
};
use endorse::verdict::{Outcome, judge};

/// Certificates, requests, PKCS#12 files and templates for a Host Guardian Service: whatever
/// can be read can be judged for every role, and what is inferred rejects nobody.
pub(crate) fn document(data: &[u8]) {
    let Ok(document) = Document::read(data, Some("a pass phrase")) else {
        return;
    };
    assert!(!document.subjects.is_empty());
    let question = Question::new(now()).with_names(["hgs.bastion.test".to_owned()]);
    for subject in &document.subjects {
        for role in CertificateRole::ALL {
            for profile in Profile::ALL {
                for result in examine(&subject.candidate, role, profile, &question) {
                    let finding = result.finding();
                    if result.rule.basis != Basis::Documented {
                        let error = endorse::finding::Severity::Error;
                        assert!(finding.is_none_or(|finding| finding.severity < error));
                    }
                }
            }
        }
    }
}

/// Reading an identifier: what is written from it reads back as the same thing, and
/// nothing is trusted by an empty store. What comes from Windows names no host.
pub(crate) fn identifier(data: &[u8]) {
    let Ok(identifier) = Identifier::read(data) else {
        return;
    };
    for text in [identifier.to_json(), identifier.to_xml()] {
        let again = Identifier::read(text.as_bytes()).expect("what was written can be read");
        assert_same(&identifier, &again);
    }
    if let Kind::CertificateBlob | Kind::RegistryExport | Kind::EkInfo = identifier.kind {
        assert_eq!(identifier.name, None);
        assert!(!identifier.ekcerts.is_empty() || !identifier.ekpubs.is_empty());
    }
    for usage in [Usage::Ek, Usage::Any] {
        let verdict = judge(&identifier, &Store::new(), &Policy::default(), now(), usage);
        assert_eq!(verdict.outcome(), Outcome::Rejected);
        assert!(verdict.errors().next().is_some());
    }
}

/// Reading JSON: writing is stable after one round.
pub(crate) fn json(data: &[u8]) {
    if !data.trim_ascii_start().starts_with(b"{") {
        return;
    }
    let Ok(identifier) = Identifier::read(data) else {
        return;
    };
    let once = identifier.to_json();
    let again = Identifier::read(once.as_bytes()).expect("what was written can be read");
    assert_same(&identifier, &again);
    assert_eq!(again.to_json(), once);
}

/// Recognising an EKpub: its canonical form is the same key, by every identity.
pub(crate) fn ekpub(data: &[u8]) {
    let Ok(Some((key, _))) = EkPub::recognise(data) else {
        return;
    };
    let again = EkPub::from_spki(key.spki_der()).expect("the canonical form can be read");
    assert_eq!(again, key);
    assert_eq!(again.spki_sha256(), key.spki_sha256());
    assert_eq!(again.windows_sha256(), key.windows_sha256());
    assert_eq!(again.tpm_names(), key.tpm_names());
    for service in EkCertService::ALL {
        if let Ok(name) = service.name_of(&key) {
            assert!(
                name.bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || b"-_%".contains(&octet))
            );
        }
    }
    let _ = check_key(&key);
}

/// Reading the reply of a service: what is found in it reads by itself as the same.
pub(crate) fn reply(data: &[u8]) {
    let Ok(certificate) = read_service_reply(data) else {
        return;
    };
    let again = read_service_reply(certificate.der()).expect("a certificate is a reply");
    assert_eq!(again.der(), certificate.der());
}

/// Reading CRLs, and judging by them: they are kept as received and bounded by their
/// octets, and one that the made-up vendor of `testdata/revocation` did not sign neither
/// clears nor revokes its EK, nor takes a revocation back.
pub(crate) fn crl(data: &[u8]) {
    const GENUINE: [&[u8]; 3] = [
        include_bytes!("../../testdata/revocation/signer-revoked.crl"),
        include_bytes!("../../testdata/revocation/crls/indirect.crl"),
        include_bytes!("../../testdata/revocation/rom-revoked.crl"),
    ];
    const REVOKES: &[u8] = include_bytes!("../../testdata/revocation/ek-revoked.crl");
    let Ok(crls) = read_crls(data) else {
        return;
    };
    let chain = read_certificates(include_bytes!("../../testdata/revocation/ek.pem"))
        .expect("the chain can be read");
    let leaf = Arc::new(chain.first().expect("there is a leaf").clone());
    for crl in &crls {
        assert!(crl.der().len() <= data.len());
        assert_eq!(Crl::from_der(crl.der()).as_ref(), Ok(crl));
        // An entry has a number and a date at least.
        assert!(crl.entry_count().saturating_mul(7) <= crl.der().len());
        let _ = (crl.find(&leaf), crl.unusable(), crl.number_in_words());
    }
    for (beside, state) in [(None, "unknown"), (Some(REVOKES), "revoked")] {
        let mut store = Store::new();
        let file = || Origin::File("fuzz".to_owned());
        let read = |bytes: &[u8]| read_certificates(bytes).expect("the store can be read");
        for root in read(include_bytes!("../../testdata/revocation/root.der")) {
            store.add_root(root, file());
        }
        for ca in read(include_bytes!(
            "../../testdata/revocation/intermediates.pem"
        )) {
            store.add_intermediate(ca, file());
        }
        let beside = beside.map(|der| Crl::from_der(der).expect("it can be read"));
        for crl in crls.iter().cloned().chain(beside) {
            if store.add_crl(crl, file()).is_err() {
                return;
            }
        }
        let mut supplied = Supplied::new(chain.iter().cloned().map(Arc::new));
        let at = Time::parse_rfc3339("2026-07-01").expect("it is a time");
        let inputs = PolicyInputs::default();
        let judged = store.verify_with(
            &leaf,
            &Policy::default(),
            at,
            Usage::Ek,
            &inputs,
            &mut supplied,
        );
        let states = match judged {
            Ok(path) => path.revocation().to_vec(),
            Err(failure) => failure.revocation,
        };
        let found = states.first().map(|status| status.state().as_str());
        let is_genuine = crls
            .iter()
            .any(|crl| GENUINE.contains(&crl.der()) || crl.der() == REVOKES);
        assert!(is_genuine || found == Some(state), "{found:?} for {state}");
    }
}

/// Reading a certificate: its parts are parts of the input, kept as received.
pub(crate) fn certificate(data: &[u8]) {
    if let Some(unwrapped) = unwrap_nv(data) {
        assert!(subrange(data, unwrapped.der).is_some());
        if let Ok(certificate) = Certificate::from_der(unwrapped.der) {
            assert_eq!(certificate.der(), unwrapped.der);
        }
    }
    let Ok(certificate) = Certificate::from_der(data) else {
        return;
    };
    assert_eq!(certificate.der(), data);
    for part in [
        certificate.tbs_der(),
        certificate.spki_der(),
        certificate.signature_algorithm_der(),
        certificate.serial(),
        certificate.signature(),
    ] {
        assert!(subrange(certificate.der(), part).is_some());
    }
    for name in [certificate.issuer(), certificate.subject()] {
        assert!(name.key().is_within(name.key()));
        assert_eq!(name.to_string().is_empty(), name.is_empty());
    }
    let _ = check_profile(&certificate);
    let lint = Lint::of(&certificate, &[]);
    assert!(lint.results.len() > 20);
    draw(&certificate);
}

/// A drawing has no control character and no text that is markup, whatever the names are.
fn draw(certificate: &Certificate) {
    let vendor = certificate.issuer().to_string();
    let entry = GraphEntry {
        certificate,
        role: GraphRole::Root,
        vendor: Some(&vendor),
        purpose: Purpose::of(certificate),
    };
    let graph = Graph::of([entry], now());
    assert!(graph.is_ok());
    let Ok(graph) = graph else {
        return;
    };
    let svg = graph.to_svg(&vendor);
    for drawing in [&svg, &graph.to_dot(&vendor)] {
        assert!(drawing.chars().all(|c| c == '\n' || !c.is_control()));
    }
    // What is drawn depends on the certificate, its elements do not.
    assert_eq!(svg.matches("<g>").count(), 1);
    for element in ["<script", "<![", "<!--", "]]>"] {
        assert!(!svg.contains(element));
    }
}

/// Splitting a chain area: the parts follow one another, nothing but padding is between
/// them, and what is no part is padding or told as trouble. Putting those that are
/// certificates in order loses none.
pub(crate) fn chain(data: &[u8]) {
    let area = split_chain(data);
    assert!(area.certificates.len() <= MAX_CHAIN_CERTIFICATES);
    let mut end = 0;
    for part in &area.certificates {
        assert!(data[end..part.offset].iter().all(|o| matches!(o, 0 | 0xff)));
        end = part.offset.saturating_add(part.der.len());
        assert_eq!(&data[part.offset..end], part.der);
    }
    if area.trouble.is_none() {
        assert!(data[end..].iter().all(|o| matches!(o, 0 | 0xff)));
    }
    let certificates: Vec<Certificate> = area
        .certificates
        .iter()
        .filter_map(|part| Certificate::from_der(part.der).ok())
        .collect();
    let mut before: Vec<_> = certificates.iter().map(Certificate::sha256).collect();
    let leaf = certificates.first().cloned();
    let leaves: Vec<&Certificate> = leaf.iter().collect();
    let ordered = order_chain(&leaves, certificates, |certificate| certificate);
    let mut after: Vec<_> = ordered.iter().map(Certificate::sha256).collect();
    before.sort();
    after.sort();
    assert_eq!(before, after);
}

/// Path validation over certificates cut from the input: (kind octet, length in two
/// octets, DER)*. A path that is accepted links names, ends in a root of the store,
/// and judging the same again says the same. What comes beside the end entities takes
/// no path away, and leaves nothing behind.
pub(crate) fn path(data: &[u8]) {
    let mut store = Store::new();
    let mut end_entities = Vec::new();
    let mut beside = Vec::new();
    let mut rest = data;
    while let Some((head, tail)) = rest.split_first_chunk::<3>() {
        let [kind, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((der, tail)) = tail.split_at_checked(length) else {
            break;
        };
        rest = tail;
        let Ok(certificate) = Certificate::from_der(der) else {
            continue;
        };
        match kind % 4 {
            0 => end_entities.push(Arc::new(certificate)),
            1 => store.add_intermediate(certificate, Origin::File("fuzz".into())),
            2 => store.add_root(certificate, Origin::File("fuzz".into())),
            _ => beside.push(Arc::new(certificate)),
        }
    }
    let policy = Policy::default();
    let mut supplied = Supplied::new(beside.clone());
    for end_entity in &end_entities {
        for usage in [Usage::Ek, Usage::Any] {
            let alone = store.verify(end_entity, &policy, now(), usage);
            let result = store.verify_with(
                end_entity,
                &policy,
                now(),
                usage,
                &PolicyInputs::default(),
                &mut supplied,
            );
            if let Ok(path) = &alone {
                let with = result.as_ref().expect("more to choose from is not less");
                assert_eq!(with.certificates(), path.certificates());
            }
            if let Ok(path) = &result {
                let certificates = path.certificates();
                assert_eq!(certificates.first(), Some(end_entity));
                let anchor = certificates.last().expect("a path is never empty");
                assert!(store.roots().any(|(root, _)| root == anchor.as_ref()));
                for pair in certificates.windows(2) {
                    assert_eq!(pair[0].issuer().key(), pair[1].subject().key());
                    assert!(store.contains(&pair[1]) || beside.contains(&pair[1]));
                }
            } else if let Err(failure) = &result {
                assert!(!failure.findings.is_empty());
            }
            let again = store.verify(end_entity, &policy, now(), usage);
            assert_eq!(alone.is_ok(), again.is_ok());
        }
    }
}

/// 2027-01-01: within the validity of the seeds, generated and PKITS alike.
fn now() -> Time {
    Time::from_unix(1_798_761_600)
}

fn assert_same(a: &Identifier, b: &Identifier) {
    assert_eq!(a.name, b.name);
    assert_eq!(a.machine.in_xml(), b.machine.in_xml());
    assert_eq!(a.messages, b.messages);
    let keys = |i: &Identifier| i.ekpubs.iter().map(|e| e.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(a), keys(b));
    let certificates = |i: &Identifier| {
        i.ekcerts
            .iter()
            .map(|e| e.certificate.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(certificates(a), certificates(b));
}

/// The files of a challenge: what is read is written and read as the same, and no answer
/// is right for a challenge whose secret nobody knows.
pub(crate) fn challenge(data: &[u8]) {
    if let Ok(request) = Request::read(data) {
        let again = Request::read(request.to_json().as_bytes()).unwrap();
        assert_eq!(again.ak, request.ak);
        assert_eq!(again.eks, request.eks);
        assert_eq!(again.name, request.name);
    }
    if let Ok(challenge) = Challenge::read(data) {
        let again = Challenge::read(challenge.to_json().as_bytes()).unwrap();
        assert_eq!(again, challenge);
        assert_eq!(again.qualifying_data(), challenge.qualifying_data());
    }
    if let Ok(answer) = Answer::read(data) {
        let again = Answer::read(answer.to_json().as_bytes()).unwrap();
        assert_eq!(again.secrets, answer.secrets);
        assert_eq!(again.quote, answer.quote);
        let terms = Terms {
            id: answer.challenge,
            host: "hyp01".to_owned(),
            nonce: [0; 32],
            expires: Time::from_unix(i64::MAX),
            ak_name: answer.ak.name().unwrap_or_default(),
        };
        let kept = Kept {
            terms,
            eks: vec![KeptEk {
                ek: answer
                    .secrets
                    .first()
                    .map_or(endorse::hash::sha256(b""), |secret| secret.0),
                // Of a secret that nobody has.
                secret_sha256: endorse::hash::Sha256Digest([0; 32]),
            }],
        };
        assert!(check(&kept, &answer, Time::from_unix(0)).is_err());
    }
    if let Ok(quote) = Quote::read(data) {
        assert_eq!(quote.bytes(), data);
        assert!(quote.extra_data.len() < data.len());
    }
    let _ = QuoteSignature::read(data);
    if let Ok(credential) = Credential::from_tpm2_tools(data) {
        assert_eq!(credential.to_tpm2_tools(), data);
    }
}

/// A cabinet: nobody signed it, and that is the only thing that can be waived. What is in
/// it lies below its top, each name once, and is no more than the limits say.
pub(crate) fn cabinet(data: &[u8]) {
    let Ok(package) = Package::read(data) else {
        return;
    };
    let roots = Roots::microsoft().expect("the pinned roots can be read");
    let refusal = package
        .verify(&roots, now())
        .expect_err("nobody but Microsoft signs as Microsoft");
    let absolute = refusal.code.is_none_or(Code::is_absolute);
    let unverified = package.unverified(refusal);
    assert_eq!(unverified.is_err(), absolute);
    let Ok(contents) = unverified.and_then(|unverified| unverified.contents()) else {
        return;
    };
    let taken = contents.certificates().iter().map(|one| one.path.as_str());
    let skipped = contents.skipped().iter().map(|one| one.path.as_str());
    let mut paths: Vec<&str> = taken.collect();
    paths.dedup();
    paths.extend(skipped);
    assert!(paths.len() <= usize::from(MAX_FILES));
    for path in &paths {
        let mut parts = path.split('/');
        assert!(parts.all(|part| !matches!(part, "" | "." | "..")), "{path}");
    }
    paths.sort_unstable();
    assert!(paths.windows(2).all(|pair| pair[0] != pair[1]));
    let sizes = contents
        .certificates()
        .iter()
        .map(|one| one.certificate.der().len());
    assert!(sizes.sum::<usize>() <= MAX_UNPACKED_LEN);
}

/// PKCS#7: the certificates of a bundle are parts of it, as received. As the signature of
/// a package, it is that of the package as it is or of none.
pub(crate) fn pkcs7(data: &[u8]) {
    if data.first() == Some(&tag::SEQUENCE)
        && let Ok(certificates) = read_certificates(data)
    {
        for certificate in &certificates {
            let der = certificate.der();
            assert!(data.windows(der.len()).any(|window| window == der));
        }
    }
    signed_with(data);
}

/// A time stamp: a token on the signature of a package whose signer has run out. It is
/// accepted only with the time stamp that was made for it.
pub(crate) fn timestamp(data: &[u8]) {
    if let Some(signature) = with_token(SIGNATURE, data) {
        signed_with(&signature);
    }
}

/// The package that the signature and the token below `testdata/package/` are of, its
/// publisher's root, and its signature.
const STAMPED: &[u8] = include_bytes!("../../testdata/package/stamped.cab");
const PUBLISHER_ROOT: &[u8] = include_bytes!("../../testdata/package/root.der");
pub(crate) const SIGNATURE: &[u8] = include_bytes!("../../testdata/package/signature.p7s");

/// Puts this signature behind the package; says whether it is accepted. If so, it has a
/// time stamp, and with one bit of the package changed it is not.
pub(crate) fn signed_with(signature: &[u8]) -> bool {
    let padded = |signature: &[u8]| signature.len().next_multiple_of(8);
    let Ok(size) = u32::try_from(padded(signature)) else {
        return false;
    };
    let end = STAMPED.len().saturating_sub(padded(SIGNATURE));
    let mut bytes = STAMPED[..end].to_vec();
    bytes[48..52].copy_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(signature);
    bytes.resize(end.saturating_add(padded(signature)), 0);
    let root = Certificate::from_der(PUBLISHER_ROOT).expect("the root can be read");
    let roots = Roots::new([root], "Example Publisher");
    let verified = |bytes: &[u8]| {
        let package = Package::read(bytes)?;
        Ok(package.verify(&roots, now())?.signature().clone())
    };
    let accepted: Result<_, endorse::finding::Error> = verified(&bytes);
    if let Ok(accepted) = &accepted {
        let stamp = accepted.time_stamp().expect("its signer has run out");
        assert_eq!(stamp.time().to_string(), "2023-06-01T12:00:00Z");
        assert_eq!(accepted.root().der(), PUBLISHER_ROOT);
        bytes[32] ^= 1;
        let altered = verified(&bytes).expect_err("it is of another package");
        assert_eq!(altered.code, Some(Code::PackageDigest));
    }
    accepted.is_ok()
}

/// The signature with this token in the place of its own: signer and unsigned attributes
/// are the last of all that is in it.
pub(crate) fn with_token(signature: &[u8], token: &[u8]) -> Option<Vec<u8>> {
    /// Goes down so many levels, to the last element of each, and puts the token there.
    fn replace_last(element: &[u8], levels: usize, token: &[u8]) -> Option<Vec<u8>> {
        let outer = Reader::new(element).any().ok()?;
        let Some(below) = levels.checked_sub(1) else {
            return wrap(outer.tag, token);
        };
        let mut reader = outer.reader();
        let mut last = reader.any().ok()?;
        while !reader.is_empty() {
            last = reader.any().ok()?;
        }
        let before = outer.content.strip_suffix(last.whole)?;
        let last = replace_last(last.whole, below, token)?;
        wrap(outer.tag, &[before, &last[..]].concat())
    }
    fn wrap(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
        let len = u16::try_from(content.len()).ok()?.to_be_bytes();
        let wrapped = [&[tag, 0x82], &len[..], content].concat();
        Tlv::parse_all(&wrapped, tag).ok()?;
        Some(wrapped)
    }
    // ContentInfo, [0], SignedData, signerInfos, SignerInfo, unsignedAttrs, Attribute, and
    // the SET of its values.
    replace_last(signature, 7, token)
}
