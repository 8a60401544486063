use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ek::{Vendor, is_vendor_id};
use crate::finding::{Error, Severity};
use crate::trust::policy::SeverityText;

/// The longest grace, in days: ten years. Whoever wants more wants `stale = "info"`.
const MAX_GRACE_DAYS: u16 = 3_650;

/// What it weighs if revocation cannot be ruled out. A certificate that is revoked is
/// always rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationRule {
    /// No usable CRL speaks of the certificate.
    pub unknown: Severity,
    /// The newest CRL that does is out of date.
    pub stale: Severity,
    /// For how many days after its nextUpdate a CRL still counts as up to date.
    pub grace_days: u16,
}

/// The rules of a policy: one, and those for single vendors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationRules {
    rule: RevocationRule,
    /// By TCG vendor id.
    vendors: BTreeMap<String, RevocationRule>,
}

/// The table `[revocation]` of a policy file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::trust) struct RevocationTable {
    unknown: Option<SeverityText>,
    stale: Option<SeverityText>,
    grace_days: Option<u16>,
    #[serde(default)]
    vendors: BTreeMap<String, VendorTable>,
}

/// The table `[revocation.vendors.ID]`: what it leaves out is as for all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VendorTable {
    unknown: Option<SeverityText>,
    stale: Option<SeverityText>,
    grace_days: Option<u16>,
}

impl Default for RevocationRule {
    fn default() -> Self {
        Self {
            unknown: Severity::Info,
            stale: Severity::Warning,
            grace_days: 0,
        }
    }
}

impl RevocationRules {
    /// The rule for TPMs of this vendor.
    pub fn rule(&self, vendor: Option<Vendor>) -> RevocationRule {
        vendor
            .and_then(|vendor| self.vendors.get(vendor.id))
            .copied()
            .unwrap_or(self.rule)
    }

    pub(in crate::trust) fn read(table: RevocationTable) -> Result<Self, Error> {
        let rule = RevocationRule::default().with(table.unknown, table.stale, table.grace_days)?;
        let mut vendors = BTreeMap::new();
        for (id, own) in table.vendors {
            // A rule for a vendor that is not there would never hold.
            if !is_vendor_id(&id) {
                return Err(Error::misuse(
                    format!("the policy's revocation.vendors names an unknown vendor: '{id}'"),
                    "write the vendor's id as in the TCG registry, such as IFX, STM or INTC",
                ));
            }
            vendors.insert(id, rule.with(own.unknown, own.stale, own.grace_days)?);
        }
        Ok(Self { rule, vendors })
    }
}

impl RevocationRule {
    fn with(
        self,
        unknown: Option<SeverityText>,
        stale: Option<SeverityText>,
        grace_days: Option<u16>,
    ) -> Result<Self, Error> {
        if grace_days.is_some_and(|days| days > MAX_GRACE_DAYS) {
            return Err(Error::misuse(
                format!("the policy's grace_days is more than {MAX_GRACE_DAYS}"),
                "to accept CRLs however old, set stale = \"info\" or \"warning\"",
            ));
        }
        Ok(Self {
            unknown: unknown.map_or(self.unknown, Severity::from),
            stale: stale.map_or(self.stale, Severity::from),
            grace_days: grace_days.unwrap_or(self.grace_days),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ek::vendor_by_id;
    use crate::trust::Policy;

    #[test]
    fn vendors_take_over_what_they_do_not_say() {
        let policy = Policy::from_toml(
            "[revocation]\nunknown = 'error'\ngrace_days = 7\n\
             [revocation.vendors.STM]\nunknown = 'info'\n\
             [revocation.vendors.IFX]\nstale = 'error'\n",
        )
        .unwrap();
        let rule = |id| {
            let rule = policy.revocation.rule(vendor_by_id(id));
            (rule.unknown, rule.stale, rule.grace_days)
        };
        use Severity::{Error, Info, Warning};
        assert_eq!(rule(0x5354_4d20), (Info, Warning, 7));
        assert_eq!(rule(0x4946_5800), (Error, Error, 7));
        assert_eq!(rule(0x494e_5443), (Error, Warning, 7));
        assert_eq!(rule(0), (Error, Warning, 7));
    }

    #[test]
    fn mistakes_do_not_mean_the_default() {
        for toml in [
            "[revocation]\nunknwon = 'error'",
            "[revocation]\nunknown = 'ignore'",
            "[revocation]\nrevoked = 'warning'",
            "[revocation]\ngrace_days = 3651",
            "[revocation]\ngrace_days = -1",
            "[revocation.vendors.IFFX]\nunknown = 'error'",
            "[revocation.vendors.IFX]\nunknwon = 'error'",
        ] {
            assert!(Policy::from_toml(toml).is_err(), "{toml}");
        }
    }
}
