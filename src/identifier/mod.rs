//! Platform identifier files: what a host says about itself.
//!
//! Reads Microsoft's XML, our JSON, and bare EKcerts and EKpubs; writes XML and
//! JSON. Reads by content: only the head of a genuine file is publicly known.

mod model;

pub use model::{EkCert, EkPubEntry, Element, Identifier, Kind, Machine, Node};
