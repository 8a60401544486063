use super::{Certificate, MAX_CERTIFICATE_LEN};
use crate::der::{Reader, tag};
use crate::finding::{Code, Finding};

/// The most of a chain area that is looked at, in octets. Genuine areas hold three
/// or four certificates of about 1 KiB; another reader stops at 16 KiB.
pub const MAX_CHAIN_LEN: usize = 32 * 1024;

/// The most certificates of a chain area that are taken. With those of the keys
/// they stay within what a platform identifier may hold.
pub const MAX_CHAIN_CERTIFICATES: usize = 32;

const HELP: &str = "what stands before that place was read; the chain is only a help in finding \
     the issuers, so put the missing ones into TrustedTPM_IntermediateCA of the store";

/// What a chain area came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainArea<'a> {
    /// The certificates, in the order of the area.
    pub certificates: Vec<ChainPart<'a>>,
    /// Where and why reading stopped before the end: `chain-malformed`.
    pub trouble: Option<Finding>,
}

/// A certificate in a chain area, not yet read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPart<'a> {
    /// Where in the area it starts.
    pub offset: usize,
    /// Its outer SEQUENCE.
    pub der: &'a [u8],
}

/// Splits the EK certificate chain area, the content of the NV indices 0x01C00100 to
/// 0x01C001FF joined (TCG EK Credential Profile, 2.2): certificates one after
/// another without framing, told apart by the length that each states. Octets 00 and
/// FF before, between and after them are padding.
pub fn split_chain(area: &[u8]) -> ChainArea<'_> {
    let mut certificates = Vec::new();
    let mut trouble = None;
    let within = area.get(..MAX_CHAIN_LEN).unwrap_or(area);
    let mut reader = Reader::new(within);
    loop {
        let rest = reader.rest();
        let padding = rest.iter().take_while(|octet| is_padding(**octet)).count();
        let rest = rest.get(padding..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let offset = within.len().saturating_sub(rest.len());
        reader = Reader::new(rest);
        let why = match reader.expect(tag::SEQUENCE) {
            _ if certificates.len() >= MAX_CHAIN_CERTIFICATES => {
                format!("there are more than {MAX_CHAIN_CERTIFICATES} certificates")
            }
            Ok(part) if part.whole.len() > MAX_CERTIFICATE_LEN => "it is too long".to_owned(),
            Ok(part) => {
                certificates.push(ChainPart {
                    offset,
                    der: part.whole,
                });
                continue;
            }
            Err(error) => error.to_string(),
        };
        trouble = Some(malformed(format!(
            "the certificate chain in the TPM breaks at octet {offset}: {why}"
        )));
        break;
    }
    if trouble.is_none() && within.len() < area.len() {
        trouble = Some(malformed(format!(
            "the certificate chain in the TPM has {} octets; {MAX_CHAIN_LEN} are read",
            area.len()
        )));
    }
    ChainArea {
        certificates,
        trouble,
    }
}

/// Puts the certificates of a chain in order by who issued whom: from each of
/// `leaves` upwards, then those that are issuers of none of them. Their position in the
/// TPM says nothing. Of several with the issuer's name the one with the issuer's key
/// identifier comes first; identifiers are a hint only (RFC 5280 4.2.1.1).
pub fn order_chain<T>(
    leaves: &[&Certificate],
    chain: Vec<T>,
    certificate: impl Fn(&T) -> &Certificate,
) -> Vec<T> {
    let mut left: Vec<Option<T>> = chain.into_iter().map(Some).collect();
    let mut ordered: Vec<T> = Vec::with_capacity(left.len());
    let mut take_issuers = |of: &Certificate, ordered: &mut Vec<T>| {
        for hinted in [true, false] {
            for slot in &mut left {
                let issues = |candidate: &T| {
                    let candidate = certificate(candidate);
                    candidate.subject().key() == of.issuer().key()
                        && (!hinted || has_the_key_id(of, candidate))
                };
                if slot.as_ref().is_some_and(issues) {
                    ordered.extend(slot.take());
                }
            }
        }
    };
    for leaf in leaves {
        let mut next = ordered.len();
        take_issuers(leaf, &mut ordered);
        while let Some(current) = ordered.get(next).map(|found| certificate(found).clone()) {
            take_issuers(&current, &mut ordered);
            next = next.saturating_add(1);
        }
    }
    ordered.extend(left.into_iter().flatten());
    ordered
}

/// Whether `issuer` has the key identifier that `certificate` names.
fn has_the_key_id(certificate: &Certificate, issuer: &Certificate) -> bool {
    let named = certificate.extensions().authority_key_id.as_ref();
    let named = named.and_then(|authority| authority.key_id.as_ref());
    named.is_some() && named == issuer.extensions().subject_key_id.as_ref()
}

fn is_padding(octet: u8) -> bool {
    matches!(octet, 0x00 | 0xff)
}

fn malformed(message: String) -> Finding {
    Finding::new(Code::ChainMalformed, message, HELP)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn parts(area: &[u8]) -> (Vec<(usize, Vec<u8>)>, Option<String>) {
        let split = split_chain(area);
        let parts = split.certificates.iter();
        (
            parts.map(|part| (part.offset, part.der.to_vec())).collect(),
            split.trouble.map(|finding| {
                assert_eq!(finding.code, Code::ChainMalformed);
                assert!(!finding.help.is_empty());
                finding.message
            }),
        )
    }

    fn sequence(content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82], &length[..], content].concat()
    }

    #[test]
    fn certificates_one_after_another() {
        let (one, two) = (sequence(&[1; 300]), sequence(&[2; 5]));
        let area = [&one[..], &two, &[0xff; 40]].concat();
        let expected = vec![(0, one.clone()), (one.len(), two.clone())];
        assert_eq!(parts(&area), (expected.clone(), None));
        assert_eq!(parts(&[&one[..], &two].concat()), (expected, None));
        // Each index may be padded by itself.
        let area = [&[0][..], &one, &[0xff, 0], &two, &[0; 7]].concat();
        let expected = vec![(1, one.clone()), (one.len().saturating_add(3), two)];
        assert_eq!(parts(&area), (expected, None));
        for nothing in [&[][..], &[0; 9], &[0xff; 9]] {
            assert_eq!(parts(nothing), (Vec::new(), None));
        }
    }

    #[test]
    fn a_broken_area_gives_what_stands_before() {
        let one = sequence(&[1; 20]);
        for (tail, why) in [
            (&[0x30, 0x82, 1][..], "cut short"),
            (&[0x30, 5, 1, 2, 3, 4], "cut short"),
            (&[0x30, 0x80, 0, 0], "length"),
            (&[0x31, 0], "tag 0x31"),
        ] {
            let (found, trouble) = parts(&[&one[..], tail].concat());
            assert_eq!(found, [(0, one.clone())]);
            let trouble = trouble.unwrap();
            assert!(trouble.contains("at octet 24"), "{trouble}");
            assert!(trouble.contains(why), "{trouble}");
        }
    }

    #[test]
    fn areas_are_bounded() {
        let many = sequence(&[]).repeat(MAX_CHAIN_CERTIFICATES.saturating_add(1));
        let (found, trouble) = parts(&many);
        assert_eq!(found.len(), MAX_CHAIN_CERTIFICATES);
        assert!(trouble.unwrap().contains("more than 32"));
        let (found, trouble) = parts(&vec![0; MAX_CHAIN_LEN + 1]);
        assert_eq!(found, []);
        assert!(trouble.unwrap().contains("32768 are read"));
        assert_eq!(parts(&vec![0; MAX_CHAIN_LEN]).1, None);
    }

    proptest! {
        #[test]
        fn whatever_is_joined_comes_apart(
            contents in vec(vec(any::<u8>(), 0..400), 0..MAX_CHAIN_CERTIFICATES),
            padding in prop_oneof![Just(0x00), Just(0xff)],
            tail in 0usize..100,
        ) {
            let sequences: Vec<Vec<u8>> = contents.iter().map(|c| sequence(c)).collect();
            let area = [sequences.concat(), vec![padding; tail]].concat();
            let (found, trouble) = parts(&area);
            prop_assert_eq!(trouble, None);
            let found: Vec<Vec<u8>> = found.into_iter().map(|(_, der)| der).collect();
            prop_assert_eq!(found, sequences);
        }

        #[test]
        fn parts_of_anything_are_parts_of_it(area in vec(any::<u8>(), 0..600)) {
            let mut end = 0;
            for part in split_chain(&area).certificates {
                prop_assert!(part.offset >= end);
                prop_assert!(area[end..part.offset].iter().all(|octet| is_padding(*octet)));
                end = part.offset.saturating_add(part.der.len());
                prop_assert_eq!(&area[part.offset..end], part.der);
            }
        }
    }
}
