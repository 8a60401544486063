//! What a Host Guardian Service says over the wire ([MS-HGSA]): its answers about itself, and
//! its error replies.

pub mod service_info;
pub mod signers;
