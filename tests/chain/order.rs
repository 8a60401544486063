//! The chain that a TPM keeps, put in order by who issued whom.

use endorse::ek::{Certificate, order_chain};

use super::cases::{EK, INTERMEDIATE, OTHER, OTHER2, ROOT, intermediate_name, root_name};
use super::pki::*;

fn read(spec: &Spec) -> Certificate {
    Certificate::from_der(&spec.der()).unwrap()
}

fn ca(subject: Vec<u8>, key: usize, issuer: Vec<u8>, signer: usize) -> Certificate {
    let mut spec = Spec::ca(subject, ec_key(key), issuer, ec_key(signer));
    spec.replace(subject_key_id(ec_key(key)));
    spec.replace(authority_key_id(ec_key(signer)));
    read(&spec)
}

fn ordered(leaves: &[&Certificate], chain: &[&Certificate]) -> Vec<Certificate> {
    let chain = chain.iter().copied().cloned().collect();
    order_chain(leaves, chain, |certificate: &Certificate| certificate)
}

#[test]
fn by_issuer_whatever_the_position() {
    let root = ca(root_name(), ROOT, root_name(), ROOT);
    let intermediate = ca(intermediate_name(), INTERMEDIATE, root_name(), ROOT);
    let unrelated = ca(dn("Other", "CA"), OTHER, dn("Other", "CA"), OTHER);
    let leaf = read(&Spec::ek(
        ec_key(EK),
        intermediate_name(),
        ec_key(INTERMEDIATE),
    ));
    let expected = [intermediate.clone(), root.clone(), unrelated.clone()];
    for chain in [
        [&root, &intermediate, &unrelated],
        [&root, &unrelated, &intermediate],
        [&intermediate, &root, &unrelated],
        [&intermediate, &unrelated, &root],
        [&unrelated, &root, &intermediate],
        [&unrelated, &intermediate, &root],
    ] {
        assert_eq!(ordered(&[&leaf], &chain), expected);
    }
    // Without an EKcert nothing is above it.
    let as_it_was = [unrelated, root, intermediate];
    let chain: Vec<&Certificate> = as_it_was.iter().collect();
    assert_eq!(ordered(&[], &chain), as_it_was);
}

#[test]
fn of_two_with_the_name_the_one_with_the_key_comes_first() {
    let right = ca(intermediate_name(), INTERMEDIATE, root_name(), ROOT);
    let wrong = ca(intermediate_name(), OTHER, root_name(), OTHER2);
    let mut leaf = Spec::ek(ec_key(EK), intermediate_name(), ec_key(INTERMEDIATE));
    leaf.replace(authority_key_id(ec_key(INTERMEDIATE)));
    let leaf = read(&leaf);
    let expected = [right.clone(), wrong.clone()];
    assert_eq!(ordered(&[&leaf], &[&wrong, &right]), expected);
    assert_eq!(ordered(&[&leaf], &[&right, &wrong]), expected);
}

#[test]
fn two_that_issued_each_other_end() {
    let (one, two) = (dn("Loop", "One"), dn("Loop", "Two"));
    let first = ca(one.clone(), OTHER, two.clone(), OTHER2);
    let second = ca(two, OTHER2, one.clone(), OTHER);
    let leaf = read(&Spec::ek(ec_key(EK), one, ec_key(OTHER)));
    let expected = [first.clone(), second.clone()];
    assert_eq!(ordered(&[&leaf, &leaf], &[&second, &first]), expected);
}
