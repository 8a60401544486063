//! The state of each certificate of a path, after RFC 5280 6.3.3.
//!
//! The algorithm there goes through the distribution points of a certificate and stops
//! at the first answer. Here all CRLs at hand are heard, so that no order of files
//! decides: what any of them lists counts, what they leave out counts only where their
//! scopes cover it.

use std::sync::Arc;

use super::scope::covers;
use super::status::described;
use super::{CertificateStatus, Crl, Listing, Reason, RevocationRule, RevocationState};
use crate::der::Time;
use crate::ek::{Certificate, DistributionPoint, Name, ReasonFlags};
use crate::hash::Sha256Digest;
use crate::trust::failure::subject_or_serial;
use crate::trust::supplied::Work;
use crate::trust::{Policy, Store, signature};

/// How many reasons are given why CRLs do not count.
const MAX_REASONS_TOLD: usize = 3;

/// Looks up the certificates of one path.
pub(in crate::trust) struct Checker<'c> {
    pub(super) store: &'c Store,
    pub(super) policy: &'c Policy,
    pub(super) at: Time,
    pub(super) rule: RevocationRule,
    pub(super) work: &'c mut Work,
    /// The certificates whose state is being looked for: this one, and those for whose
    /// CRLs a signer is being looked for. None of them can vouch for its own CRL.
    pub(super) under_way: Vec<Sha256Digest>,
    /// The budget of signatures was spent, so that something may have been missed.
    pub(super) exhausted: bool,
}

/// A CRL whose signature is verified, and what it says.
struct Heard {
    crl: Arc<Crl>,
    listing: Option<Listing>,
    /// For which reasons its silence counts, or why it does not.
    silence: Result<ReasonFlags, String>,
}

/// A CRL that does not count.
pub(super) struct Unheard {
    pub(super) why: String,
    /// It should count, so that somebody should look at it.
    pub(super) is_odd: bool,
}

impl Unheard {
    pub(super) fn plain(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_odd: false,
        }
    }

    pub(super) fn odd(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_odd: true,
        }
    }
}

impl<'c> Checker<'c> {
    pub(in crate::trust) fn new(
        store: &'c Store,
        policy: &'c Policy,
        at: Time,
        rule: RevocationRule,
        work: &'c mut Work,
        under_way: Vec<Sha256Digest>,
    ) -> Self {
        Self {
            store,
            policy,
            at,
            rule,
            work,
            under_way,
            exhausted: false,
        }
    }

    /// The state of each certificate of `path`, end entity first. The last, the anchor, is
    /// trusted because the operator says so: nothing is asked of it, but it is heard if
    /// it revokes itself.
    pub(in crate::trust) fn check_path(
        &mut self,
        path: &[Arc<Certificate>],
    ) -> Vec<CertificateStatus> {
        let mut states = Vec::with_capacity(path.len());
        let mut rest = path;
        while let Some((certificate, above)) = rest.split_first() {
            if above.is_empty() {
                states.extend(self.anchor(certificate));
            } else {
                states.push(self.status(certificate, above));
            }
            rest = above;
        }
        states
    }

    /// Whether the budget of signatures was spent.
    pub(in crate::trust) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    fn anchor(&mut self, anchor: &Arc<Certificate>) -> Option<CertificateStatus> {
        if !anchor.is_self_issued() {
            return None;
        }
        let status = self.status(anchor, std::slice::from_ref(anchor));
        matches!(status.state, RevocationState::Revoked(_)).then_some(status)
    }

    /// The state of one certificate; `above` are those after it in its path.
    fn status(
        &mut self,
        certificate: &Arc<Certificate>,
        above: &[Arc<Certificate>],
    ) -> CertificateStatus {
        let mut heard = Vec::new();
        let mut unheard: Vec<(Arc<Crl>, Unheard)> = Vec::new();
        self.under_way.push(certificate.sha256());
        for (index, crl) in self.candidates(certificate, above) {
            match self.hear(index, &crl, certificate, above) {
                Ok(one) => heard.push(one),
                Err(why) => unheard.push((crl, why)),
            }
        }
        self.under_way.pop();

        let (state, crl) = match revocation(&heard) {
            Some((listing, crl)) => (RevocationState::Revoked(listing), Some(crl)),
            None => self.silence(&heard, &unheard),
        };
        let weak = heard.into_iter().filter_map(|one| match one.silence {
            Err(why) if why == SHA1 => Some((one.crl, why)),
            _ => None,
        });
        let odd = unheard
            .into_iter()
            .filter(|(_, unheard)| unheard.is_odd)
            .map(|(crl, unheard)| (crl, unheard.why));
        CertificateStatus {
            certificate: Arc::clone(certificate),
            state,
            crl,
            unusable: weak.chain(odd).collect(),
        }
    }

    /// The CRLs that may speak of a certificate: those of its issuer, and those of the
    /// issuers that it names. Those that name another key than the issuer's come last:
    /// 445 names in Microsoft's package are shared by several CAs.
    fn candidates(
        &self,
        certificate: &Certificate,
        above: &[Arc<Certificate>],
    ) -> Vec<(usize, Arc<Crl>)> {
        let points = &certificate.extensions().distribution_points;
        let named = points.iter().flat_map(|point| &point.crl_issuers).flatten();
        let mut issuers: Vec<&Name> = vec![certificate.issuer()];
        for name in named {
            if issuers.iter().all(|known| known.key() != name.key()) {
                issuers.push(name);
            }
        }
        let mut candidates: Vec<(usize, Arc<Crl>)> = issuers
            .into_iter()
            .flat_map(|issuer| self.store.crls_of(issuer))
            .map(|(index, crl)| (index, Arc::clone(crl)))
            .collect();
        candidates.sort_by_key(|(_, crl)| {
            above
                .first()
                .is_some_and(|issuer| names_key_of(crl, issuer) == Some(false))
        });
        candidates
    }

    fn hear(
        &mut self,
        index: usize,
        crl: &Arc<Crl>,
        certificate: &Certificate,
        above: &[Arc<Certificate>],
    ) -> Result<Heard, Unheard> {
        if crl.this_update() > self.at {
            return Err(Unheard::plain(format!(
                "it is of {}, after {}",
                crl.this_update(),
                self.at
            )));
        }
        let listing = crl.find(certificate);
        // One that must not be used is no proof of what it says, but worth a look.
        let name_listing = |mut unheard: Unheard| {
            if unheard.is_odd && listing.is_some() {
                let name = subject_or_serial(certificate);
                unheard.why.push_str(&format!(". It lists '{name}'"));
            }
            unheard
        };
        if let Err(unheard) = self.check_signer(index, crl, certificate, above) {
            // It may be the one that revokes, so it is not passed over.
            self.exhausted |= unheard.why == TOO_MANY && listing.is_some();
            return Err(name_listing(unheard));
        }
        if let Some(why) = crl.unusable() {
            return Err(name_listing(Unheard::odd(why)));
        }
        let silence = if has_refused_sha1(crl, self.policy) {
            Err(SHA1.to_owned())
        } else {
            coverage(crl, certificate).map_err(str::to_owned)
        };
        Ok(Heard {
            crl: Arc::clone(crl),
            listing,
            silence,
        })
    }

    /// The state of a certificate that no CRL lists.
    fn silence(
        &self,
        heard: &[Heard],
        unheard: &[(Arc<Crl>, Unheard)],
    ) -> (RevocationState, Option<Arc<Crl>>) {
        let mut fresh = ReasonFlags::default();
        let mut all = ReasonFlags::default();
        let mut newest: Option<&Heard> = None;
        let mut oldest_end: Option<Option<Time>> = None;
        let covering = heard
            .iter()
            .filter(|one| !heard.iter().any(|other| other.supersedes(one)));
        for one in covering {
            let Ok(reasons) = one.silence else { continue };
            all = all.or(reasons);
            if self.is_fresh(&one.crl) {
                fresh = fresh.or(reasons);
            } else {
                let end = one.crl.next_update();
                oldest_end = Some(oldest_end.map_or(end, |known| known.min(end)));
            }
            if newest.is_none_or(|newest| one.crl.this_update() > newest.crl.this_update()) {
                newest = Some(one);
            }
        }
        let crl = newest.map(|one| Arc::clone(&one.crl));
        if fresh.is_all() {
            (RevocationState::Good, crl)
        } else if all.is_all() {
            (RevocationState::Stale(oldest_end.flatten()), crl)
        } else {
            (RevocationState::Unknown(why(all, heard, unheard)), None)
        }
    }

    fn is_fresh(&self, crl: &Crl) -> bool {
        let grace = i64::from(self.rule.grace_days).saturating_mul(86_400);
        crl.next_update()
            .is_some_and(|end| end.unix().saturating_add(grace) >= self.at.unix())
    }
}

/// The budget of signatures is spent.
pub(super) const TOO_MANY: &str = "too many CRLs have the name of its issuer";

const SHA1: &str =
    "it is signed with SHA-1, which the policy does not accept; only what it lists counts";

impl Heard {
    /// Whether this one takes the place of an older one (RFC 5280 5.2.3): of the same
    /// issuer and scope, not older by date or number and newer by one of them. Where the
    /// two contradict each other neither takes the other's place.
    fn supersedes(&self, older: &Self) -> bool {
        let (own, other) = (&self.crl, &older.crl);
        let number = match (own.number(), other.number()) {
            (Some(own), Some(other)) => (own.len(), own).cmp(&(other.len(), other)),
            _ => std::cmp::Ordering::Equal,
        };
        let date = own.this_update().cmp(&other.this_update());
        own.issuer().key() == other.issuer().key()
            && own.scope() == other.scope()
            && self.silence.is_ok()
            && date.is_ge()
            && number.is_ge()
            && (date.is_gt() || number.is_gt())
    }

    fn revokes_for_good(&self) -> bool {
        self.listing
            .is_some_and(|listing| listing.reason.is_for_good())
    }

    fn holds(&self) -> bool {
        self.listing
            .is_some_and(|listing| listing.reason == Reason::CertificateHold)
    }
}

/// A revocation for good stays, whatever newer CRLs leave out (RFC 5280 3.3 and 5.3.1: only
/// a hold is ever taken back), and a hold stays until a newer CRL takes the place of the
/// one that lists it. So no CRL can be added that makes a revocation unsaid.
fn revocation(heard: &[Heard]) -> Option<(Listing, Arc<Crl>)> {
    let newest = |wanted: &dyn Fn(&Heard) -> bool| {
        heard
            .iter()
            .filter(|one| wanted(one))
            .max_by_key(|one| one.crl.this_update())
            .and_then(|one| Some((one.listing?, Arc::clone(&one.crl))))
    };
    newest(&Heard::revokes_for_good).or_else(|| {
        newest(&|one: &Heard| one.holds() && !heard.iter().any(|other| other.supersedes(one)))
    })
}

/// For which reasons the silence of a CRL counts, taken for each distribution point of
/// the certificate and, as RFC 5280 6.3.3 has it, for one that is the issuer itself.
fn coverage(crl: &Crl, certificate: &Certificate) -> Result<ReasonFlags, &'static str> {
    let issuer_itself = DistributionPoint::default();
    let points = &certificate.extensions().distribution_points;
    let mut reasons = ReasonFlags::default();
    let mut why = None;
    for point in points.iter().chain([&issuer_itself]) {
        match covers(crl, certificate, point) {
            Ok(more) => reasons = reasons.or(more),
            Err(text) => why = why.or(Some(text)),
        }
    }
    match why {
        Some(why) if reasons == ReasonFlags::default() => Err(why),
        _ => Ok(reasons),
    }
}

/// Whether a CRL is signed with SHA-1, and so that the policy does not accept it: then it
/// does not prove that something is *not* listed.
pub(super) fn has_refused_sha1(crl: &Crl, policy: &Policy) -> bool {
    signature::is_sha1(crl.signature_algorithm_der()) && !policy.sha1.accepts(crl.this_update())
}

/// Whether a CRL names the key of `signer` as the one that signed it; `None` if either
/// says nothing.
pub(super) fn names_key_of(crl: &Crl, signer: &Certificate) -> Option<bool> {
    let named = crl.authority_key_id()?.key_id.as_ref()?;
    let own = signer.extensions().subject_key_id.as_ref()?;
    Some(named == own)
}

/// Why nothing is known.
fn why(covered: ReasonFlags, heard: &[Heard], unheard: &[(Arc<Crl>, Unheard)]) -> String {
    let reasons: Vec<String> = heard
        .iter()
        .filter_map(|one| Some((&one.crl, one.silence.as_ref().err()?)))
        .chain(unheard.iter().map(|(crl, unheard)| (crl, &unheard.why)))
        .map(|(crl, why)| format!("{}: {why}", described(crl)))
        .collect();
    let told = reasons
        .iter()
        .take(MAX_REASONS_TOLD)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    let more = reasons.len().saturating_sub(MAX_REASONS_TOLD);
    let more = match more {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    if covered != ReasonFlags::default() {
        let rest = match told.is_empty() {
            true => String::new(),
            false => format!(" ({told}{more})"),
        };
        return format!("the CRLs speak of some reasons for a revocation only{rest}");
    }
    match told.is_empty() {
        true => "there is no CRL of its issuer".to_owned(),
        false => format!("{told}{more}"),
    }
}
