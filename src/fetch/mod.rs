//! Getting certificates over HTTPS, where somebody asked for it: the only room that
//! connects to anything but a TPM or a registry.
//!
//! A [`Client`] talks only to the hosts that it was made for, follows no redirect, and
//! bounds how long it waits and how much it reads. It reads no environment, keeps no
//! cookies and says nothing about the machine but what is in the URL. What it brings
//! is not trusted for having come over TLS: it is judged like any other input.

mod address;
mod client;
mod ekcert;
mod failure;

pub use client::{Client, DEFAULT_MAX_BODY_LEN, DEFAULT_TIMEOUT, MAX_HEADER_LEN, Settings};
pub use ekcert::{Services, fetch_ekcert};
pub use failure::{Cause, Failure};
