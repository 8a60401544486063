use super::{Reading, answer};
use crate::ek::{Template, TpmPublic};
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::host::TpmDevice;

/// Where in a TPM a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a persistent handle.
    Persistent(u32),
    /// It comes out of this template, a `TPMT_PUBLIC`.
    Template(Vec<u8>),
}

/// Looks for the EK with this SPKI SHA-256: among the persistent objects, then by every
/// template, first those for the kind of key that `hint` names (`rsa2048`, `ecc-p256`, …),
/// since making a key takes some TPMs seconds.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops answering.
pub(in crate::host) fn locate(
    tpm: &mut dyn TpmDevice,
    ek: Sha256Digest,
    hint: &str,
) -> Result<Option<(Place, TpmPublic)>, Error> {
    let mut reading = Reading::of(tpm);
    for (handle, public) in reading.persistent()? {
        if public.key.spki_sha256() == ek {
            return Ok(Some((Place::Persistent(handle), public)));
        }
    }
    reading.indices = answer(reading.tpm.nv_indices())?.unwrap_or_default();
    let mut templates: Vec<&Template> = Template::ALL.iter().collect();
    templates.sort_by_key(|template| template.algorithm.to_string() != hint);
    let mut indices: Vec<u32> = templates
        .iter()
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

/// Where EKs of the TPM may be: its persistent objects, then every template.
///
/// # Errors
/// [`Fault::Environment`](crate::finding::Fault::Environment) if the TPM stops answering.
pub(in crate::host) fn every_place(tpm: &mut dyn TpmDevice) -> Result<Vec<Place>, Error> {
    let mut reading = Reading::of(tpm);
    let persistent = reading.persistent()?.into_iter();
    let mut places: Vec<Place> = persistent
        .map(|(handle, _)| Place::Persistent(handle))
        .collect();
    reading.indices = answer(reading.tpm.nv_indices())?.unwrap_or_default();
    for template in Template::ALL {
        for (_, area) in reading.templates(template.certificate_index)? {
            let place = Place::Template(area);
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    Ok(places)
}
