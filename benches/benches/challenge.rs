//! How many challenges a core makes: what `endorse challenge make` does for a host with
//! one EK, without the registry. Against the asymmetric operations that cannot be
//! avoided, in alternating rounds of one run.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use endorse::der::Time;
use endorse::ek::{Curve, EkPub, TpmPublic};
use endorse::possession::{
    AK_TEMPLATES, AttestationKey, NewChallenge, Protection, Request, make_credential,
};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::rsa::Rsa;

/// What is wished for: challenges a second, on one core.
const GOAL: f64 = 5_000.0;

fn main() {
    let request = request();
    let name = request.ak.name().to_vec();
    for (label, key) in [
        ("RSA-2048", rsa()),
        ("P-256", ec(Nid::X9_62_PRIME256V1, Curve::P256)),
    ] {
        let [protection] = Protection::of_templates(&key)[..] else {
            panic!("one protection is expected");
        };
        let keys = [key.clone()];
        let contenders: [(&str, &dyn Fn()); 3] = [
            ("the asymmetric part alone", &|| asymmetric(&key)),
            ("a credential", &|| {
                let credential = make_credential(&key, protection, &name, &[7; 32]).unwrap();
                black_box(credential);
            }),
            ("a challenge, as a file", &|| {
                let expires = Time::from_unix(2_000_000_000);
                let new = NewChallenge::new("hyp01", &keys, &request, expires).unwrap();
                black_box(new.challenge.to_json());
            }),
        ];
        const ROUNDS: usize = 20;
        const PER_ROUND: u32 = 500;
        let mut best = [f64::INFINITY; 3];
        for _ in 0..ROUNDS {
            for ((_, run), best) in contenders.iter().zip(&mut best) {
                let start = Instant::now();
                for _ in 0..PER_ROUND {
                    black_box(run)();
                }
                *best = best.min(start.elapsed().as_secs_f64() / f64::from(PER_ROUND));
            }
        }
        println!("\n{label}:");
        for ((name, _), time) in contenders.iter().zip(best) {
            println!(
                "  {name:26} {:8.1} µs {:10.0} a second",
                time * 1e6,
                1.0 / time
            );
        }
        println!(
            "  {:.2} of the rate of the asymmetric part alone; {:.1} times the {GOAL:.0} that are wished for",
            best[0] / best[2],
            1.0 / best[2] / GOAL
        );
    }
}

/// The work that no implementation can avoid: reading the key, then encrypting a seed
/// with OAEP, or making an ephemeral key and agreeing on a point.
fn asymmetric(key: &EkPub) {
    match key.key() {
        endorse::ek::Key::Rsa { .. } => {
            let key = PublicEncryptingKey::from_der(key.spki_der()).unwrap();
            let key = OaepPublicEncryptingKey::new(key).unwrap();
            let mut out = vec![0; key.ciphertext_size()];
            let label = Some(&b"IDENTITY\0"[..]);
            key.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut out, label)
                .unwrap();
            black_box(out);
        }
        endorse::ek::Key::Ec { x, y, .. } => {
            let ephemeral = PrivateKey::generate(&agreement::ECDH_P256).unwrap();
            black_box(ephemeral.compute_public_key().unwrap());
            let point = [&[4][..], x, y].concat();
            let peer = UnparsedPublicKey::new(&agreement::ECDH_P256, point);
            let shared = agree(&ephemeral, peer, (), |shared| Ok(shared.to_vec()));
            black_box(shared.unwrap());
        }
    }
}

fn request() -> Request {
    let mut area = AK_TEMPLATES[0].public_area.to_vec();
    area.truncate(area.len() - 4);
    let key = ec(Nid::X9_62_PRIME256V1, Curve::P256);
    let endorse::ek::Key::Ec { x, y, .. } = key.key() else {
        panic!();
    };
    for coordinate in [x, y] {
        area.extend([0, 32]);
        area.extend(coordinate);
    }
    Request {
        name: None,
        ak: AttestationKey::new(TpmPublic::from_tpmt(&area).unwrap()).unwrap(),
        eks: Vec::new(),
    }
}

fn rsa() -> EkPub {
    let key = Rsa::generate(2048).unwrap();
    EkPub::from_rsa(&key.n().to_vec(), &key.e().to_vec()).unwrap()
}

fn ec(nid: Nid, curve: Curve) -> EkPub {
    let group = EcGroup::from_curve_name(nid).unwrap();
    let key = EcKey::generate(&group).unwrap();
    let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    let mut context = BigNumContext::new().unwrap();
    key.public_key()
        .affine_coordinates(&group, &mut x, &mut y, &mut context)
        .unwrap();
    EkPub::from_point(curve, &x.to_vec(), &y.to_vec()).unwrap()
}
