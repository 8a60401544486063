//! A TPM that fails at TPM2_ActivateCredential: for what it is taken, and what is done then.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use endorse::ek::{Template, TpmPublic};
use endorse::finding::{Code, Error, Fault};
use endorse::host::{Tpm, TpmDevice as _, answer, ask};
use endorse::possession::{Challenge, NewChallenge};

use crate::challenge::{LATER, left_behind};
use crate::disappears::pair_of_ports;
use crate::swtpm::Swtpm;
use crate::text;

const GET_CAPABILITY: u32 = 0x17a;
const ACTIVATE_CREDENTIAL: u32 = 0x147;

/// What stands in the place of the answer to TPM2_ActivateCredential.
#[derive(Clone, Copy)]
enum Failure {
    /// This response code, and nothing else.
    Once(u32),
    /// TPM_RC_FAILURE, and from then on to all but TPM2_GetCapability, as in failure mode.
    ForGood,
}

/// Stands between the software stack and an emulator; gives its TCTI.
fn failing(tpm: &Swtpm, failure: Failure) -> String {
    let (data, control, port) = pair_of_ports();
    let target: u16 = tpm.tcti().rsplit_once('=').unwrap().1.parse().unwrap();
    thread::spawn(move || commands(&data, target, failure));
    thread::spawn(move || {
        for client in control.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", target + 1)).unwrap();
            thread::spawn(move || {
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                let _ = std::io::copy(&mut &server, &mut &client);
            });
        }
    });
    format!("swtpm:host=127.0.0.1,port={port}")
}

fn commands(listener: &TcpListener, target: u16, failure: Failure) {
    let mut failed = false;
    for client in listener.incoming() {
        let mut client = client.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", target)).unwrap();
        while let Some((code, command)) = message(&mut client) {
            let answer = match failure {
                Failure::Once(rc) if code == ACTIVATE_CREDENTIAL => Some(rc),
                Failure::Once(_) => None,
                Failure::ForGood => {
                    failed |= code == ACTIVATE_CREDENTIAL;
                    (failed && code != GET_CAPABILITY).then_some(0x101)
                }
            };
            let answer = match answer {
                Some(rc) => [&[0x80, 0x01, 0, 0, 0, 10][..], &rc.to_be_bytes()].concat(),
                None => {
                    server.write_all(&command).unwrap();
                    message(&mut server).unwrap().1
                }
            };
            client.write_all(&answer).unwrap();
        }
    }
}

/// A command or response, and its code.
fn message(from: &mut TcpStream) -> Option<(u32, Vec<u8>)> {
    let mut whole = vec![0; 10];
    from.read_exact(&mut whole).ok()?;
    let number = |at: usize| u32::from_be_bytes(whole[at..at + 4].try_into().unwrap());
    let (length, code) = (number(2), number(6));
    whole.resize(usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut whole[10..]).ok()?;
    Some((code, whole))
}

fn open(tcti: &str) -> Tpm {
    Tpm::open(tcti).unwrap()
}

/// A challenge for the key that the template L-2 gives.
fn challenge(tpm: &Swtpm) -> Challenge {
    let mut tpm = open(&tpm.tcti());
    let template = Template::by_label("L-2").unwrap().public_area(None);
    let area = tpm.create_primary(&template.unwrap()).unwrap();
    let key = TpmPublic::from_tpmt(&area).unwrap().key;
    let request = ask(&mut tpm, None).unwrap();
    NewChallenge::new("hyp01", &[key], &request, LATER)
        .unwrap()
        .challenge
}

fn refusal(tpm: &Swtpm, challenge: &Challenge, failure: Failure) -> Error {
    answer(&mut open(&failing(tpm, failure)), challenge).unwrap_err()
}

#[test]
fn what_is_no_fault_of_the_challenge() {
    let tpm = Swtpm::bare();
    let challenge = challenge(&tpm);
    for (failure, said) in [
        (Failure::ForGood, "failure mode"),
        (Failure::Once(0x902), "no room"),
        (Failure::Once(0x921), "lockout"),
        (Failure::Once(0xa8e), "has a password"),
        (Failure::Once(0x9a2), "has a password"),
    ] {
        let error = refusal(&tpm, &challenge, failure);
        assert_eq!(error.fault, Fault::Environment, "{error}");
        assert!(error.message.contains(said), "{error}");
        // In failure mode nothing can be flushed.
        tpm.run("tpm2_flushcontext -t");
        tpm.run("tpm2_flushcontext -l");
    }
    // The TPM goes on after it, so it is this credential that it does not take; and a
    // parameter of the command is no password.
    for rc in [0x101, 0x1ce, 0x1df] {
        let error = refusal(&tpm, &challenge, Failure::Once(rc));
        assert_eq!(error.code, Some(Code::ChallengeSecret), "{error}");
        assert_eq!(left_behind(&tpm), [""; 5]);
    }
}

/// An EK without a policy, and with a password that counts: one attempt, no more.
#[test]
fn a_password_is_not_guessed_twice() {
    let tpm = Swtpm::bare();
    tpm.tool(
        "tpm2_createprimary -C e -G rsa2048:null:aes128cfb -g sha256 -p secret -c ek.ctx \
         -a fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt",
    );
    tpm.tool("tpm2_evictcontrol -C o -c ek.ctx 0x81010001");
    tpm.tool("tpm2_readpublic -c 0x81010001 -f tss -o ek.pub");
    tpm.tool("tpm2_dictionarylockout -s -n 9 -t 7200 -l 7200");
    let guesses = || {
        let output = Command::new("tpm2_getcap")
            .arg("properties-variable")
            .env("TPM2TOOLS_TCTI", tpm.tcti())
            .output()
            .unwrap();
        let said = text(&output.stdout);
        let line = said.lines().find(|line| line.contains("LOCKOUT_COUNTER"));
        line.unwrap().rsplit_once("0x").unwrap().1.to_owned()
    };
    assert_eq!(guesses(), "0");
    let public = TpmPublic::from_tpm2b(&std::fs::read(tpm.path("ek.pub")).unwrap()).unwrap();
    let request = ask(&mut open(&tpm.tcti()), None).unwrap();
    let new = NewChallenge::new("hyp01", std::slice::from_ref(&public.key), &request, LATER);
    // Two credentials for one EK, as for RSA 4096.
    let mut challenge = new.unwrap().challenge;
    challenge.credentials.push(challenge.credentials[0].clone());
    let error = answer(&mut open(&tpm.tcti()), &challenge).unwrap_err();
    assert_eq!(error.fault, Fault::Environment, "{error}");
    assert!(error.message.contains("has a password"), "{error}");
    assert_eq!(guesses(), "1");
}
