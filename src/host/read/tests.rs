use super::*;
use crate::ek::Algorithm;
use crate::ek::vectors::{EKCERT_P384, EKCERT_RSA2048};
use crate::finding::Fault;
use crate::hash::from_hex;
use crate::host::TpmFacts;

/// A TPM that makes one RSA-2048 key and has what is put into it.
#[derive(Default)]
struct Fake {
    nv: Vec<(u32, Result<Vec<u8>, TpmTrouble>)>,
    persistent: Vec<(u32, Vec<u8>)>,
    facts: TpmFacts,
    refuses: bool,
    lost: bool,
}

fn area() -> Vec<u8> {
    let mut area = Template::by_label("L-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    let start = area.len().checked_sub(256).unwrap();
    area[start..].fill(0xc1);
    area
}

impl TpmDevice for Fake {
    fn facts(&mut self) -> Result<TpmFacts, TpmTrouble> {
        Ok(self.facts.clone())
    }
    fn nv_indices(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        Ok(self.nv.iter().map(|(index, _)| *index).collect())
    }
    fn nv_read(&mut self, index: u32) -> Result<Vec<u8>, TpmTrouble> {
        let found = self.nv.iter().find(|(at, _)| *at == index);
        found.unwrap().1.clone()
    }
    fn persistent_handles(&mut self) -> Result<Vec<u32>, TpmTrouble> {
        Ok(self.persistent.iter().map(|(handle, _)| *handle).collect())
    }
    fn read_public(&mut self, handle: u32) -> Result<Vec<u8>, TpmTrouble> {
        let found = self.persistent.iter().find(|(at, _)| *at == handle);
        Ok(found.unwrap().1.clone())
    }
    fn create_primary(&mut self, template: &[u8]) -> Result<Vec<u8>, TpmTrouble> {
        if self.lost {
            return Err(TpmTrouble::Lost(Error::environment("gone", "come back")));
        }
        let known = Template::by_label("L-1").unwrap().public_area(None);
        if self.refuses || known.as_deref() != Some(template) {
            return Err(TpmTrouble::Refused("hierarchy disabled".to_owned()));
        }
        Ok(area())
    }
}

fn codes(contents: &TpmContents) -> Vec<Code> {
    contents.findings.iter().map(|f| f.code).collect()
}

#[test]
fn without_a_certificate_the_key_comes_from_the_template() {
    for choice in [EkChoice::Auto, EkChoice::Only(Algorithm::Rsa(2048))] {
        let contents = read_tpm(&mut Fake::default(), choice).unwrap();
        assert_eq!(codes(&contents), [Code::EkcertMissing]);
        let [key] = contents.keys.as_slice() else {
            panic!()
        };
        assert_eq!(key.source, KeySource::Template("L-1".to_owned()));
        assert_eq!(key.public.tpmt(), area());
    }
}

#[test]
fn a_disabled_hierarchy_leaves_the_persistent_key() {
    let mut tpm = Fake {
        refuses: true,
        persistent: vec![(0x8100_0001, vec![0; 7]), (0x8101_0001, area())],
        ..Fake::default()
    };
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(codes(&contents), [Code::EkcertMissing]);
    assert_eq!(contents.keys[0].source, KeySource::Persistent(0x8101_0001));

    tpm.persistent.clear();
    let error = read_tpm(&mut tpm, EkChoice::Auto).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("hierarchy disabled"), "{error}");
}

#[test]
fn a_key_that_is_not_the_template_s_is_no_ek() {
    let mut other = area();
    other[7] = 0x72; // userWithAuth, noDA
    let mut tpm = Fake {
        refuses: true,
        persistent: vec![(0x8101_0001, other)],
        ..Fake::default()
    };
    assert!(read_tpm(&mut tpm, EkChoice::Auto).is_err());
}

#[test]
fn a_kind_of_key_that_the_tpm_does_not_have() {
    let choice = EkChoice::Only(Algorithm::Rsa(4096));
    let error = read_tpm(&mut Fake::default(), choice).unwrap_err();
    assert!(error.message.contains("rsa4096"), "{error}");
}

#[test]
fn what_is_no_certificate_is_said() {
    let refused = Err(TpmTrouble::Refused("locked".to_owned()));
    let cut = Ok(vec![0x30, 0x03, 0x02, 0x01, 0x00]);
    for (content, code) in [
        (refused, Code::EkcertMissing),
        (Ok(vec![0xff; 64]), Code::EkcertMissing),
        (Ok(b"no certificate".to_vec()), Code::EkcertMalformed),
        (cut, Code::EkcertMalformed),
    ] {
        let mut tpm = Fake {
            nv: vec![(0x01c0_0002, content)],
            ..Fake::default()
        };
        let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
        assert_eq!(codes(&contents), [code, Code::EkcertMissing]);
        assert!(contents.findings[0].message.contains("0x01c00002"));
        assert_eq!(contents.keys.len(), 1);
    }
}

#[test]
fn a_lost_tpm_is_an_error() {
    let mut tpm = Fake {
        lost: true,
        ..Fake::default()
    };
    let error = read_tpm(&mut tpm, EkChoice::Auto).unwrap_err();
    assert_eq!(error.message, "gone");
    let mut tpm = Fake {
        nv: vec![(
            0x01c0_0002,
            Err(TpmTrouble::Lost(Error::environment("gone", "come back"))),
        )],
        ..Fake::default()
    };
    assert!(read_tpm(&mut tpm, EkChoice::Auto).is_err());
}

/// The DER of a certificate whose key is on a curve that is not read here.
fn of_unknown_curve() -> Vec<u8> {
    let der = from_hex(EKCERT_P384).unwrap();
    let curve = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
    let at = der.windows(7).position(|octets| octets == curve).unwrap();
    let mut der = der;
    der[at..][6] = 0x7f;
    der
}

#[test]
fn the_certificate_of_an_sm2_key_is_taken_along() {
    let mut tpm = Fake {
        nv: vec![(0x01c0_001a, Ok(of_unknown_curve()))],
        ..Fake::default()
    };
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(contents.certificates[0].index, 0x01c0_001a);
    assert_eq!(
        codes(&contents),
        [Code::AlgorithmUnsupported, Code::EkcertMissing]
    );
    assert_eq!(contents.findings[0].severity, Severity::Info);
    // It is no certificate for the key that stands beside it.
    assert_eq!(contents.keys.len(), 1);

    let choice = EkChoice::Only(Algorithm::Rsa(2048));
    let contents = read_tpm(&mut tpm, choice).unwrap();
    assert_eq!(contents.certificates.len(), 0);
}

#[test]
fn the_chain_area_is_joined_and_split() {
    let one = from_hex(EKCERT_P384).unwrap();
    let two = from_hex(EKCERT_RSA2048).unwrap();
    let area = [&one[..], &two, &[0xff; 9]].concat();
    // The second begins in the second index and ends in the third.
    let (first, rest) = area.split_at(one.len().saturating_sub(10));
    let (second, third) = rest.split_at(100);
    let index = |number: u32, content: &[u8]| (0x01c0_0100 | number, Ok(content.to_vec()));
    let mut tpm = Fake {
        nv: vec![index(0, first), index(1, second), index(2, third)],
        ..Fake::default()
    };
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    let found = |contents: &TpmContents| -> Vec<(u32, usize, Vec<u8>)> {
        let found = contents.chain.iter();
        found
            .map(|found| (found.index, found.number, found.certificate.der().to_vec()))
            .collect()
    };
    assert_eq!(
        found(&contents),
        [(0x01c0_0100, 1, one.clone()), (0x01c0_0101, 1, two.clone())]
    );
    assert_eq!(codes(&contents), [Code::EkcertMissing]);

    // Reading stops at the first gap.
    tpm.nv[2].0 = 0x01c0_0103;
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(found(&contents), [(0x01c0_0100, 1, one.clone())]);
    assert_eq!(
        codes(&contents),
        [Code::ChainMalformed, Code::EkcertMissing]
    );

    // Twice the same, one that is no certificate, and one that is found as an EKcert.
    let area = [&one[..], &one, &[0x30, 1, 0], &two].concat();
    tpm.nv = vec![index(0, &area), (0x01c0_0002, Ok(two))];
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(found(&contents), [(0x01c0_0100, 1, one)]);
    assert!(codes(&contents).contains(&Code::ChainMalformed));
    assert_eq!(contents.certificates.len(), 1);
}

#[test]
fn a_chain_that_may_not_be_read_is_no_error() {
    let refused = Err(TpmTrouble::Refused("locked".to_owned()));
    let mut tpm = Fake {
        nv: vec![(0x01c0_0100, refused)],
        ..Fake::default()
    };
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(
        codes(&contents),
        [Code::ChainMalformed, Code::EkcertMissing]
    );
    assert!(contents.findings[0].message.contains("locked"));
    assert_eq!(contents.keys.len(), 1);
}

#[test]
fn a_lockout_is_told_first() {
    let mut tpm = Fake {
        facts: TpmFacts {
            in_lockout: Some(true),
            ..TpmFacts::default()
        },
        ..Fake::default()
    };
    let contents = read_tpm(&mut tpm, EkChoice::Auto).unwrap();
    assert_eq!(codes(&contents), [Code::TpmLockout, Code::EkcertMissing]);
    assert_eq!(contents.findings[0].severity, Severity::Warning);
}
