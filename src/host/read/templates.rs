use super::{Reading, answer};
use crate::ek::{Algorithm, Template};
use crate::finding::Error;

impl Reading<'_> {
    /// The templates from which the key of the certificate at `index` may have been
    /// made, the most special first: the one that the TPM keeps beside the
    /// certificate, with and without the nonce that it keeps there, the default one
    /// with that nonce, the default one (EK Credential Profile, 2.2.2 and appendix B).
    pub(super) fn templates(&mut self, index: u32) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let low = Template::ALL
            .iter()
            .any(|template| template.certificate_index == index && template.is_low());
        let stored = index.saturating_add(if low { 2 } else { 1 });
        let nonce = index.saturating_add(1);
        let mut templates = Vec::new();
        let nonce = if low {
            self.defined(nonce)?.map(|bytes| (nonce, bytes))
        } else {
            None
        };
        if let Some(template) = self.defined(stored)? {
            if let Some((at, nonce)) = &nonce
                && let Some(area) = stored_with_nonce(index, &template, nonce)
            {
                templates.push((
                    format!("at NV index {stored:#010x} with the nonce at NV index {at:#010x}"),
                    area,
                ));
            }
            templates.push((format!("at NV index {stored:#010x}"), template));
        }
        for template in Template::ALL
            .iter()
            .filter(|template| template.certificate_index == index)
        {
            let Some(area) = template.public_area(None) else {
                continue;
            };
            if let Some((at, nonce)) = &nonce
                && let Some(area) = with_nonce(template, &area, nonce)
            {
                templates.push((
                    format!("{} with the nonce at NV index {at:#010x}", template.label),
                    area,
                ));
            }
            templates.push((template.label.to_owned(), area));
        }
        Ok(templates)
    }

    /// The content of an index if it is defined and can be read.
    fn defined(&mut self, index: u32) -> Result<Option<Vec<u8>>, Error> {
        if !self.indices.contains(&index) {
            return Ok(None);
        }
        Ok(answer(self.tpm.nv_read(index))?.ok())
    }
}

/// A template that the TPM keeps, with its nonce: only where it is laid out as the
/// default one is, with a `unique` field of full length.
fn stored_with_nonce(index: u32, stored: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
    let mut defaults = Template::ALL.iter();
    let default = defaults.find(|template| template.certificate_index == index)?;
    let same_length = default.public_area(None)?.len() == stored.len();
    same_length
        .then(|| with_nonce(default, stored, nonce))
        .flatten()
}

/// The template with the nonce at the start of its `unique` field, which is the
/// modulus, or the x coordinate, of zeros.
fn with_nonce(template: &Template, area: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
    // After x come the length of y and y itself.
    let (field, after) = match template.algorithm {
        Algorithm::Rsa(bits) => (bits.div_ceil(8), 0),
        Algorithm::Ecc(curve) => (curve.field_len(), curve.field_len().checked_add(2)?),
    };
    if nonce.len() > field {
        return None;
    }
    let start = area.len().checked_sub(field.checked_add(after)?)?;
    let mut area = area.to_vec();
    let end = start.checked_add(nonce.len())?;
    area.get_mut(start..end)?.copy_from_slice(nonce);
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_goes_into_the_unique_field() {
        for (label, start, length) in [("L-1", 314 - 256, 256), ("L-2", 122 - 66, 32)] {
            let template = Template::by_label(label).unwrap();
            let area = template.public_area(None).unwrap();
            let made = with_nonce(template, &area, &[7; 3]).unwrap();
            assert_eq!(made.len(), area.len());
            assert_eq!(&made[..start], &area[..start]);
            assert_eq!(&made[start..start + 4], [7, 7, 7, 0]);
            assert_eq!(with_nonce(template, &area, &vec![7; length + 1]), None);
            let index = template.certificate_index;
            assert_eq!(stored_with_nonce(index, &area, &[7; 3]), Some(made));
            assert_eq!(stored_with_nonce(index, &area[1..], &[7; 3]), None);
        }
    }
}
