//! What looking at the numbers of an RSA-2048 key costs: all of `check_key`, the ROCA
//! marker among it, against the verification of one signature. A key with a small factor is
//! done when its residues are known, on which the marker rests as well: beyond them it only
//! looks 17 of them up. Best of several rounds.

use std::hint::black_box;
use std::time::Instant;

use endorse::ek::{Certificate, EkPub, check_key};
use endorse_benches::{Chain, Kind};

fn main() {
    const ROUNDS: usize = 50;
    const PER_ROUND: u32 = 200;
    let chain = Chain::new(Kind::Rsa);
    let key: EkPub = Certificate::from_der(&chain.leaf)
        .unwrap()
        .public_key()
        .unwrap();
    assert_eq!(check_key(&key), []);
    let divisible = EkPub::from_rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
    assert_eq!(check_key(&divisible).len(), 1);
    let mut best = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let contenders: [&dyn Fn(); 3] = [
            &|| {
                black_box(check_key(black_box(&key)));
            },
            &|| chain.parse_and_verify_once(),
            &|| {
                black_box(check_key(black_box(&divisible)));
            },
        ];
        for (run, best) in contenders.into_iter().zip(&mut best) {
            let start = Instant::now();
            for _ in 0..PER_ROUND {
                run();
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(PER_ROUND));
        }
    }
    let [check, verify, residues] = best;
    println!("residues and a finding:{residues:8.2} µs (goal for the ROCA marker: 5)");
    println!("check_key, RSA-2048:   {check:8.2} µs");
    println!("parse + one signature: {verify:8.2} µs");
    println!(" ratio: {:.2}", check / verify);
}
