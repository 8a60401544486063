//! What a Host Guardian Service says over the wire ([MS-HGSA]): its answers about itself, and
//! its error replies.

mod reply;
pub mod service_info;
pub mod signers;

pub use reply::{
    HealthCertificate, MAX_REPLY_DEPTH, MAX_REPLY_LEN, Reason, ReasonOrder, Reply, ReplyContent,
};
