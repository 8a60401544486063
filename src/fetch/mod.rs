//! Getting certificates and CRLs from other machines, where somebody asked for it: the only
//! room that connects to anything but a TPM or a registry.
//!
//! There are two clients that fetch, for two kinds of thing. A [`Client`] gets EKcerts: by HTTPS, from
//! the hosts that it was made for, without redirects. A [`Repository`] gets what CAs publish
//! under the URLs in certificates: by http as well, with redirects, from hosts on a list, at
//! addresses that were checked (`docs/decisions/0010`).
//!
//! A third looks at a Host Guardian Service: an [`HgsNode`] is one address of a service that
//! the operator named. It trusts no server; the certificates that it was shown come with each
//! answer, to be judged elsewhere.
//!
//! All bound how long they wait and how much they read, read no environment, keep no cookies
//! and say nothing about the machine but what is in the URL. What they bring is not trusted
//! for how it came: an EKcert is judged like any other input, an issuer or a CRL is used only
//! after it was validated to an anchor that was there before.

mod address;
mod ascent;
mod client;
mod clock;
mod crls;
mod ekcert;
mod explain;
mod failure;
mod hgs;
mod hosts;
mod issuers;
mod location;
mod lookup;
mod recorder;
mod repository;
mod resolver;
mod transport;

pub use ascent::{Basis, Unfit};
pub use client::{Client, DEFAULT_MAX_BODY_LEN, DEFAULT_TIMEOUT, Settings};
pub use clock::{Clock, ask_clock};
pub use crls::{
    CrlPoint, CrlReport, FetchedCrl, MAX_CRLS_IN_REPLY, MAX_FETCHED_CRL_LEN, crl_points, fetch_crl,
    plan_crls, read_known,
};
pub use ekcert::{Services, fetch_ekcert};
pub use failure::{Cause, Failure};
pub use hgs::{HgsAnswer, HgsExchange, HgsNode, HgsService, now_ms};
pub use hosts::{KNOWN_HOSTS, KnownHost};
pub use issuers::{
    FetchedIssuer, IssuerFetcher, IssuerOutcome, IssuerPlan, IssuerReport, MAX_BUNDLE_LEN,
    MAX_CERTIFICATE_LEN, MAX_CERTIFICATES_IN_REPLY, MAX_ISSUERS, MAX_URLS, MAX_URLS_ASKED,
    OfferedRoot, PlannedFetch,
};
pub use lookup::{MAX_ADDRESSES, Named, look_up, probe, refused_address};
pub use repository::{
    DEFAULT_FETCH_TIMEOUT, DEFAULT_MAX_REQUESTS, DEFAULT_RUN_TIMEOUT, MAX_REDIRECTS, Repository,
    RepositorySettings,
};
pub use transport::{MAX_HEADER_LEN, browser_roots};
