//! EKcerts with what comes beside them, genuine and not.

use endorse::finding::Code;
use endorse::trust::Store;

use super::cases::{self, EK, INTERMEDIATE, OTHER, OTHER2, Pki, ROOT};
use super::negative::store;
use super::pki::*;

/// An EKcert, what came with it, and what must become of it.
pub struct Input {
    pub name: &'static str,
    pub store: Store,
    pub leaf: Vec<u8>,
    pub beside: Vec<Vec<u8>>,
    pub errors: &'static [Code],
    /// Whether OpenSSL accepts it. Where that differs, the name says why.
    pub openssl: bool,
}

/// The root alone, and root and intermediate.
pub fn stores() -> [(Store, Vec<u8>); 2] {
    let mut pki = Pki::valid();
    let full = store(&pki);
    let root = pki.roots[0].der();
    pki.intermediates.clear();
    [(store(&pki), root.clone()), (full, root)]
}

/// A CA of an attacker, who has no genuine key but may copy names and identifiers.
pub fn fake(subject: Vec<u8>, issuer: Vec<u8>, signer: &'static Key, claims: [&Key; 2]) -> Spec {
    let mut ca = Spec::ca(subject, ec_key(OTHER), issuer, signer);
    ca.replace(subject_key_id(claims[0]));
    ca.replace(authority_key_id(claims[1]));
    ca
}

/// An EKcert that the fake issued, which names this key as its issuer's.
fn issued_by_fake(issuer: Vec<u8>, claims: &Key) -> Vec<u8> {
    let mut leaf = Spec::ek(ec_key(EK), issuer, ec_key(OTHER));
    leaf.replace(authority_key_id(claims));
    leaf.der()
}

/// What comes beside an EKcert, genuine and not.
pub fn inputs() -> Vec<Input> {
    let root = ec_key(ROOT);
    let intermediate = ec_key(INTERMEDIATE);
    let attacker = ec_key(OTHER);
    let [root_name, intermediate_name] = [cases::root_name(), cases::intermediate_name()];
    let evil = || dn("Evil", "Root");
    let mut inputs = Vec::new();
    let mut add = |name, leaf: Vec<u8>, beside: Vec<Vec<u8>>, errors: &'static [Code], openssl| {
        for (store, _) in stores() {
            let (leaf, beside) = (leaf.clone(), beside.clone());
            inputs.push(Input {
                name,
                store,
                leaf,
                beside,
                errors,
                openssl,
            });
        }
    };
    let genuine = Pki::valid();
    let ca = || genuine.intermediates[0].der();
    let leaf = || genuine.leaf.der();

    // Trusted.
    add("the genuine intermediate", leaf(), vec![ca()], &[], true);
    add(
        "the genuine intermediate beside strangers",
        leaf(),
        vec![
            fake(evil(), evil(), attacker, [attacker, attacker]).der(),
            fake(evil(), evil(), ec_key(OTHER2), [attacker, attacker]).der(),
            ca(),
        ],
        &[],
        true,
    );
    add(
        "the genuine intermediate after a fake that names itself like it",
        leaf(),
        vec![
            fake(
                intermediate_name.clone(),
                evil(),
                attacker,
                [attacker, attacker],
            )
            .der(),
            ca(),
        ],
        &[],
        true,
    );

    // Authority of one's own.
    add(
        "a self-signed CA",
        issued_by_fake(evil(), attacker),
        vec![fake(evil(), evil(), attacker, [attacker, attacker]).der()],
        &[Code::AnchorUntrusted],
        false,
    );
    let below = || dn("Evil", "Issuing CA");
    let issuing = Spec::ca(below(), ec_key(OTHER2), evil(), attacker);
    add(
        "a root and an intermediate",
        Spec::ek(ec_key(EK), below(), ec_key(OTHER2)).der(),
        vec![
            issuing.der(),
            fake(evil(), evil(), attacker, [attacker, attacker]).der(),
        ],
        &[Code::AnchorUntrusted],
        false,
    );
    // All that the store says against it is that its root did not sign.
    add(
        "a root and an intermediate with the names and key identifiers of the genuine ones",
        issued_by_fake(intermediate_name.clone(), attacker),
        vec![
            fake(
                intermediate_name.clone(),
                root_name.clone(),
                ec_key(OTHER2),
                [attacker, root],
            )
            .der(),
            {
                let mut fake_root = Spec::ca(
                    root_name.clone(),
                    ec_key(OTHER2),
                    root_name.clone(),
                    ec_key(OTHER2),
                );
                fake_root.replace(subject_key_id(root));
                fake_root.der()
            },
        ],
        &[Code::AnchorUntrusted, Code::SignatureInvalid],
        false,
    );
    add(
        "a self-signed CA with the name of the root",
        issued_by_fake(root_name.clone(), attacker),
        vec![
            fake(
                root_name.clone(),
                root_name.clone(),
                attacker,
                [attacker, attacker],
            )
            .der(),
        ],
        &[Code::AnchorUntrusted],
        false,
    );
    add(
        "a self-signed CA with name and key identifier of the root",
        issued_by_fake(root_name.clone(), root),
        vec![fake(root_name.clone(), root_name.clone(), attacker, [root, root]).der()],
        // What the store says of the EKcert alone is not hidden: --force may not waive it.
        &[Code::SignatureInvalid],
        false,
    );
    add(
        "a CA with the name of the root that says the root issued it",
        issued_by_fake(root_name.clone(), attacker),
        vec![
            fake(
                root_name.clone(),
                root_name.clone(),
                ec_key(OTHER2),
                [attacker, root],
            )
            .der(),
        ],
        &[Code::SignatureInvalid],
        false,
    );
    // What cannot be verified may be waived, what is wrong may not.
    let mut unknown = fake(
        root_name.clone(),
        root_name.clone(),
        ec_key(OTHER2),
        [root, root],
    );
    let ed25519 = sequence(&[oid("1.3.101.112")]);
    unknown.inner_algorithm = Some(ed25519.clone());
    unknown.outer_algorithm = Some(ed25519);
    add(
        "a CA with the name of the root, signed in a way that is not verified here",
        issued_by_fake(root_name.clone(), root),
        vec![unknown.der()],
        &[Code::SignatureInvalid],
        false,
    );
    add(
        "a CA with the name of the intermediate that says the root issued it",
        issued_by_fake(intermediate_name.clone(), attacker),
        vec![
            fake(
                intermediate_name.clone(),
                root_name.clone(),
                ec_key(OTHER2),
                [attacker, root],
            )
            .der(),
        ],
        &[Code::SignatureInvalid],
        false,
    );
    add(
        "a CA with the name of the intermediate, of an issuer that is not there",
        issued_by_fake(intermediate_name.clone(), attacker),
        vec![
            fake(
                intermediate_name.clone(),
                dn("Nobody", "CA"),
                ec_key(OTHER2),
                [attacker, attacker],
            )
            .der(),
        ],
        &[Code::IssuerUnknown],
        false,
    );
    // The root's own name and key, so that its signature on what is below verifies, but
    // with other extensions and no signature of its own.
    let mut other_edition = Spec::ca(root_name.clone(), root, root_name.clone(), root);
    other_edition.serial = vec![0x77];
    other_edition.corrupt_signature = true;
    let mut too_long = Spec::ca(
        dn("Vendor", "Sub CA"),
        attacker,
        intermediate_name.clone(),
        intermediate,
    );
    too_long.remove(AUTHORITY_KEY_ID);
    let mut short = Pki::valid();
    short
        .intermediate()
        .replace(basic_constraints(true, Some(0)));
    let mut unlimited = short.intermediates[0].clone();
    unlimited.replace(basic_constraints(true, None));
    unlimited.corrupt_signature = true;
    add(
        "an edition of the intermediate without its path length, unsigned",
        Spec::ek(ec_key(EK), dn("Vendor", "Sub CA"), attacker).der(),
        vec![
            unlimited.der(),
            too_long.der(),
            short.intermediates[0].der(),
            other_edition.der(),
        ],
        // The store with the intermediate of every length would make it right.
        &[Code::SignatureInvalid, Code::PathTooLong],
        false,
    );

    // Certificates that are no CA's.
    let mut ek = Spec::ek(attacker, intermediate_name.clone(), intermediate);
    ek.subject = dn("Vendor", "EK 1");
    add(
        "a genuine EKcert as issuer",
        issued_by_fake(dn("Vendor", "EK 1"), attacker),
        vec![ek.der(), ca()],
        &[Code::IssuerUnknown],
        false,
    );
    ek.remove(KEY_USAGE);
    ek.remove(EXTENDED_KEY_USAGE);
    ek.remove(BASIC_CONSTRAINTS);
    add(
        "a genuine certificate that does not say what it is, as issuer",
        issued_by_fake(dn("Vendor", "EK 1"), attacker),
        vec![ek.der(), ca()],
        &[Code::IssuerUnknown],
        false,
    );
    // Loops.
    let (a, b) = (dn("Loop", "A"), dn("Loop", "B"));
    add(
        "two CAs that certify each other",
        Spec::ek(ec_key(EK), a.clone(), attacker).der(),
        vec![
            Spec::ca(a.clone(), attacker, b.clone(), ec_key(OTHER2)).der(),
            Spec::ca(b, ec_key(OTHER2), a, attacker).der(),
        ],
        &[Code::IssuerUnknown],
        false,
    );
    let mut mesh = Pki::valid();
    mesh.mesh();
    mesh.intermediates.pop();
    add(
        "a mesh that leads nowhere",
        mesh.leaf.der(),
        mesh.intermediates.iter().map(Spec::der).collect(),
        &[Code::IssuerUnknown],
        false,
    );
    // One of these has the intermediate in the store, where the path is not too long.
    inputs.retain(|input| {
        !input.name.contains("without its path length") || input.store.intermediates().count() == 0
    });
    // No anchor at all.
    let [(_, root), _] = stores();
    inputs.push(Input {
        name: "the genuine root, which the store lacks",
        store: Store::new(),
        leaf: leaf(),
        beside: vec![ca(), root],
        errors: &[Code::AnchorUntrusted],
        openssl: false,
    });
    inputs
}
