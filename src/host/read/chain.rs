use super::super::ChainCertificate;
use super::{Reading, answer};
use crate::ek::{Certificate, MAX_CHAIN_LEN, order_chain, split_chain};
use crate::finding::{Code, Error, Finding};

/// The chain area: its first NV index, and the first after it (TCG EK Credential
/// Profile, 2.2).
const FIRST_INDEX: u32 = 0x01c0_0100;
const END_INDEX: u32 = 0x01c0_0200;

const HELP: &str = "the chain is only a help in finding the issuers: put those that are missing \
     into TrustedTPM_IntermediateCA of the store";

/// The content of consecutive indices.
#[derive(Default)]
struct Joined {
    octets: Vec<u8>,
    /// The indices, and where in `octets` each starts.
    starts: Vec<(u32, usize)>,
}

impl Reading<'_> {
    /// Reads the certificates that the TPM keeps of the issuers of its EKcerts. Whatever
    /// is wrong with them is a finding: the EKcerts are worth as much without.
    pub(super) fn chain(&mut self) -> Result<(), Error> {
        let area = self.chain_area()?;
        let split = split_chain(&area.octets);
        let mut chain: Vec<ChainCertificate> = Vec::new();
        let mut previous = None;
        let mut number: usize = 0;
        for part in split.certificates {
            // The last of the indices that start at or before it.
            let index = area
                .starts
                .iter()
                .rev()
                .find(|(_, start)| *start <= part.offset)
                .map_or(FIRST_INDEX, |(index, _)| *index);
            number = match previous {
                Some(previous) if previous == index => number.saturating_add(1),
                _ => 1,
            };
            previous = Some(index);
            match Certificate::from_der(part.der) {
                Ok(certificate) => {
                    let known = self.contents.certificates.iter();
                    let known = known.map(|found| &found.certificate);
                    let known = known.chain(chain.iter().map(|found| &found.certificate));
                    if !known.into_iter().any(|other| *other == certificate) {
                        chain.push(ChainCertificate {
                            index,
                            number,
                            certificate,
                        });
                    }
                }
                Err(error) => self.malformed(format!(
                    "certificate {number} at NV index {index:#010x} is passed over: {error}"
                )),
            }
        }
        self.contents.findings.extend(split.trouble);
        let leaves: Vec<&Certificate> = self
            .contents
            .certificates
            .iter()
            .map(|found| &found.certificate)
            .collect();
        self.contents.chain = order_chain(&leaves, chain, |found| &found.certificate);
        Ok(())
    }

    /// The indices of the area up to the first that is not defined.
    fn chain_area(&mut self) -> Result<Joined, Error> {
        let mut area = Joined::default();
        for index in FIRST_INDEX..END_INDEX {
            if !self.indices.contains(&index) || area.octets.len() > MAX_CHAIN_LEN {
                break;
            }
            match answer(self.tpm.nv_read(index))? {
                Ok(content) => {
                    area.starts.push((index, area.octets.len()));
                    area.octets.extend_from_slice(&content);
                }
                Err(why) => {
                    self.malformed(format!(
                        "the certificate chain ends before NV index {index:#010x}, which the \
                         TPM does not let be read: {why}"
                    ));
                    break;
                }
            }
        }
        Ok(area)
    }

    fn malformed(&mut self, message: String) {
        self.contents
            .findings
            .push(Finding::new(Code::ChainMalformed, message, HELP));
    }
}
