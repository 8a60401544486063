use super::EkPub;
use crate::finding::Finding;

/// What the numbers of a key alone prove against it: `weak-key-exponent`,
/// `weak-key-modulus`, `weak-key-point`, `roca`. Sizes are for the policy.
pub fn check_key(key: &EkPub) -> Vec<Finding> {
    let _ = key;
    todo!()
}
