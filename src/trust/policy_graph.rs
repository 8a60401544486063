//! Certificate policies (RFC 5280 6.1, as updated by RFC 9618).
//!
//! RFC 5280's valid_policy_tree grows exponentially with hostile mappings; the
//! graph of RFC 9618 has at most one node a policy and level.

use std::collections::{BTreeMap, BTreeSet};

use ::der::oid::ObjectIdentifier;

use crate::ek::{Certificate, PolicyMapping};

/// anyPolicy (RFC 5280 4.2.1.4).
const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// The policy inputs of RFC 5280 6.1.1 (c) to (g). The default accepts any policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyInputs {
    /// user-initial-policy-set; `None` is anyPolicy.
    pub initial_policy_set: Option<Vec<ObjectIdentifier>>,
    /// initial-explicit-policy.
    pub explicit_policy: bool,
    /// initial-policy-mapping-inhibit.
    pub inhibit_policy_mapping: bool,
    /// initial-any-policy-inhibit.
    pub inhibit_any_policy: bool,
}

/// The state of policy processing along a path.
#[derive(Debug)]
pub(super) struct PolicyState {
    /// One level a certificate, from the root of the graph. Empty when the graph is NULL.
    levels: Vec<BTreeMap<ObjectIdentifier, Node>>,
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any_policy: u32,
}

/// A node of the graph; its valid_policy is its key in the level.
#[derive(Debug, Default)]
struct Node {
    expected: BTreeSet<ObjectIdentifier>,
    parents: BTreeSet<ObjectIdentifier>,
}

/// Why policies refuse a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolicyFailure {
    /// An explicit policy is required and none is left.
    NoValidPolicy,
    /// anyPolicy is mapped, which RFC 5280 6.1.4 (a) forbids.
    MapsAnyPolicy,
}

impl PolicyState {
    /// The state before the first of `path_len` certificates (RFC 5280 6.1.2).
    pub(super) fn new(inputs: &PolicyInputs, path_len: usize) -> Self {
        let after_path = u32::try_from(path_len)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let unless = |now: bool| if now { 0 } else { after_path };
        let root = Node {
            expected: BTreeSet::from([ANY_POLICY]),
            parents: BTreeSet::new(),
        };
        Self {
            levels: vec![BTreeMap::from([(ANY_POLICY, root)])],
            explicit_policy: unless(inputs.explicit_policy),
            policy_mapping: unless(inputs.inhibit_policy_mapping),
            inhibit_any_policy: unless(inputs.inhibit_any_policy),
        }
    }

    /// RFC 5280 6.1.3 (d) to (f) for one certificate.
    pub(super) fn process(
        &mut self,
        certificate: &Certificate,
        is_last: bool,
    ) -> Result<(), PolicyFailure> {
        match &certificate.extensions().policies {
            None => self.levels.clear(),
            Some(policies) => {
                let any_allowed =
                    self.inhibit_any_policy > 0 || (!is_last && certificate.is_self_issued());
                self.add_level(policies, any_allowed);
            }
        }
        if self.explicit_policy == 0 && self.levels.is_empty() {
            return Err(PolicyFailure::NoValidPolicy);
        }
        Ok(())
    }

    /// RFC 5280 6.1.4 (a), (b) and (h) to (j), for a certificate that is not the last.
    pub(super) fn prepare_next(&mut self, certificate: &Certificate) -> Result<(), PolicyFailure> {
        let extensions = certificate.extensions();
        self.map(&extensions.policy_mappings)?;
        if !certificate.is_self_issued() {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any_policy = self.inhibit_any_policy.saturating_sub(1);
        }
        if let Some(constraints) = extensions.policy_constraints {
            if let Some(skip) = constraints.require_explicit_policy {
                self.explicit_policy = self.explicit_policy.min(skip);
            }
            if let Some(skip) = constraints.inhibit_policy_mapping {
                self.policy_mapping = self.policy_mapping.min(skip);
            }
        }
        if let Some(skip) = extensions.inhibit_any_policy {
            self.inhibit_any_policy = self.inhibit_any_policy.min(skip);
        }
        Ok(())
    }

    /// RFC 5280 6.1.5 (a), (b) and (g), after the last certificate.
    pub(super) fn wrap_up(
        mut self,
        certificate: &Certificate,
        inputs: &PolicyInputs,
    ) -> Result<(), PolicyFailure> {
        // 6.1.5 (a) decrements unless the counter is zero; (b) sets it to zero if
        // the last certificate says so.
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if let Some(constraints) = certificate.extensions().policy_constraints
            && constraints.require_explicit_policy == Some(0)
        {
            self.explicit_policy = 0;
        }
        if self.explicit_policy > 0 || self.satisfies(inputs) {
            Ok(())
        } else {
            Err(PolicyFailure::NoValidPolicy)
        }
    }

    /// RFC 5280 6.1.3 (d).
    fn add_level(&mut self, policies: &[ObjectIdentifier], any_allowed: bool) {
        let Some(previous) = self.levels.last() else {
            return;
        };
        let expecting = |policy: &ObjectIdentifier| -> BTreeSet<ObjectIdentifier> {
            previous
                .iter()
                .filter(|(_, node)| node.expected.contains(policy))
                .map(|(&valid_policy, _)| valid_policy)
                .collect()
        };
        let mut level = BTreeMap::new();
        for policy in policies.iter().filter(|policy| **policy != ANY_POLICY) {
            let mut parents = expecting(policy);
            if parents.is_empty() && previous.contains_key(&ANY_POLICY) {
                parents.insert(ANY_POLICY);
            }
            if !parents.is_empty() {
                level.insert(
                    *policy,
                    Node {
                        expected: BTreeSet::from([*policy]),
                        parents,
                    },
                );
            }
        }
        if any_allowed && policies.contains(&ANY_POLICY) {
            let all_expected: BTreeSet<ObjectIdentifier> = previous
                .values()
                .flat_map(|node| node.expected.iter().copied())
                .collect();
            for policy in all_expected {
                let parents = expecting(&policy);
                level.entry(policy).or_insert_with(|| Node {
                    expected: BTreeSet::from([policy]),
                    parents,
                });
            }
        }
        self.levels.push(level);
        self.prune();
    }

    /// RFC 5280 6.1.4 (a) and (b).
    fn map(&mut self, mappings: &[PolicyMapping]) -> Result<(), PolicyFailure> {
        if mappings
            .iter()
            .any(|m| m.issuer_domain == ANY_POLICY || m.subject_domain == ANY_POLICY)
        {
            return Err(PolicyFailure::MapsAnyPolicy);
        }
        let mut targets: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>> = BTreeMap::new();
        for mapping in mappings {
            targets
                .entry(mapping.issuer_domain)
                .or_default()
                .insert(mapping.subject_domain);
        }
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        for (policy, expected) in targets {
            if self.policy_mapping == 0 {
                level.remove(&policy);
            } else if let Some(node) = level.get_mut(&policy) {
                node.expected = expected;
            } else if level.contains_key(&ANY_POLICY) {
                let parents = BTreeSet::from([ANY_POLICY]);
                level.insert(policy, Node { expected, parents });
            }
        }
        if self.policy_mapping == 0 && !mappings.is_empty() {
            self.prune();
        }
        Ok(())
    }

    /// Deletes nodes without children, level by level upwards. An empty level makes
    /// the graph NULL.
    fn prune(&mut self) {
        let mut needed: Option<BTreeSet<ObjectIdentifier>> = None;
        for level in self.levels.iter_mut().rev() {
            if let Some(needed) = &needed {
                level.retain(|policy, _| needed.contains(policy));
            }
            if level.is_empty() {
                self.levels.clear();
                return;
            }
            needed = Some(
                level
                    .values()
                    .flat_map(|node| node.parents.iter().copied())
                    .collect(),
            );
        }
    }

    /// Whether the intersection with the user-initial-policy-set has a policy.
    fn satisfies(&self, inputs: &PolicyInputs) -> bool {
        let Some(last) = self.levels.last() else {
            return false;
        };
        let Some(wanted) = &inputs.initial_policy_set else {
            return true;
        };
        if wanted.contains(&ANY_POLICY) || last.contains_key(&ANY_POLICY) {
            return true;
        }
        // The authority-constrained policies: those that hang on anyPolicy. Every
        // node that is left leads to the last level.
        self.levels
            .iter()
            .flatten()
            .any(|(policy, node)| node.parents.contains(&ANY_POLICY) && wanted.contains(policy))
    }
}
