//! Reading DER (and the BER that genuine certificates contain) one element at a
//! time, and the points in time that certificates speak of.
//!
//! The reader borrows; it never copies or allocates. Lengths are checked before
//! they are used.

mod pem;
mod signed;
mod time;
mod tlv;

pub(crate) use pem::BASE64;
pub use pem::{PemBlock, UnendedBlock, decode_base64, is_pem, pem_blocks};
pub(crate) use signed::SignedFrame;
pub use time::Time;
pub use tlv::{Reader, Tlv, TlvError, subrange, tag};
