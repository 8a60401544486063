use super::{Reading, answer};
use crate::ek::{Template, TpmPublic};
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::host::{TpmContents, TpmDevice};

/// Where in a TPM a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a persistent handle.
    Persistent(u32),
    /// It comes out of this template, a `TPMT_PUBLIC`.
    Template(Vec<u8>),
}

/// Looks for the EK with this SPKI SHA-256, of this kind (`rsa2048`, `ecc-p256`, …): among
/// the persistent objects, then by the templates for keys of the kind.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops answering.
pub(in crate::host) fn locate(
    tpm: &mut dyn TpmDevice,
    ek: Sha256Digest,
    algorithm: &str,
) -> Result<Option<(Place, TpmPublic)>, Error> {
    let mut reading = Reading {
        tpm,
        indices: Vec::new(),
        persistent: None,
        contents: TpmContents::default(),
    };
    for (handle, public) in reading.persistent()? {
        if public.key.spki_sha256() == ek {
            return Ok(Some((Place::Persistent(handle), public)));
        }
    }
    reading.indices = answer(reading.tpm.nv_indices())?.unwrap_or_default();
    let mut indices: Vec<u32> = Template::ALL
        .iter()
        .filter(|template| template.algorithm.to_string() == algorithm)
        .map(|template| template.certificate_index)
        .collect();
    indices.dedup();
    for index in indices {
        for (label, template) in reading.templates(index)? {
            if let Ok(key) = reading.make(label, &template)?
                && key.public.key.spki_sha256() == ek
            {
                return Ok(Some((Place::Template(template), key.public)));
            }
        }
    }
    Ok(None)
}
