//! Platform identifier files: what a host says about itself.
//!
//! Reads Microsoft's XML, our JSON, bare EKcerts and EKpubs, and what Windows stores
//! and prints about an EK; writes XML and JSON. Reads by content: only the head of a genuine file is publicly known.
//! `docs/identifier.md` says which part of the XML is documented by Microsoft,
//! which was observed, and which is ours.

mod classify;
mod facts;
mod gather;
mod hint;
mod json;
mod limits;
mod model;
mod object;
mod pem;
#[cfg(test)]
mod properties;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod wellformed;
mod windows;
mod write;
mod xml;

pub(crate) use facts::FileMachine;
#[cfg(feature = "diagnose")]
pub(crate) use gather::{namespace, own_text};
#[cfg(feature = "diagnose")]
pub(crate) use limits::XmlLimits;
pub use limits::{
    MAX_DEPTH, MAX_DOCUMENT_LEN, MAX_HOST_NAME_LEN, MAX_HYPERVISOR_LEN, MAX_INPUT_LEN, MAX_KEYS,
    MAX_MATERIAL_LEN, MAX_NAME_LEN, MAX_NODES,
};
pub use model::{EkCert, EkPubEntry, Element, Identifier, Kind, Machine, Node};
pub(crate) use object::list;
#[cfg(feature = "diagnose")]
pub(crate) use text::decode as decode_text;
#[cfg(feature = "diagnose")]
pub(crate) use windows::{attribute, elements, is_clixml, property_head};
pub use write::{NAMES, NAMESPACE, Provenance, XmlName};
#[cfg(feature = "diagnose")]
pub(crate) use xml::{local_name, parse_within};
