//! Challenges, answered by an emulator; tpm2-tools on either side as the judge.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use endorse::der::Time;
use endorse::ek::{EkPub, Template, TpmPublic};
use endorse::finding::{Code, Fault};
use endorse::host::{Tpm, TpmDevice as _, answer, ask, recover};
use endorse::possession::{
    AttestationKey, Challenge, Credential, NewChallenge, Protection, Request, check,
    make_credential,
};

use crate::swtpm::{Swtpm, write};
use crate::{endorse, text};

const NOW: Time = Time::from_unix(1_800_000_000);
pub(crate) const LATER: Time = Time::from_unix(1_800_003_600);

fn open(tpm: &Swtpm) -> Tpm {
    Tpm::open(&tpm.tcti()).unwrap()
}

/// The EK that a template gives.
fn ek(tpm: &mut Tpm, label: &str) -> TpmPublic {
    let template = Template::by_label(label).unwrap();
    let area = tpm
        .create_primary(&template.public_area(None).unwrap())
        .unwrap();
    TpmPublic::from_tpmt(&area).unwrap()
}

fn challenge_for(keys: &[EkPub], request: &Request) -> NewChallenge {
    NewChallenge::new("hyp01", keys, request, LATER).unwrap()
}

/// What is in the TPM but should not be, and what should stay as it is.
pub(crate) fn left_behind(tpm: &Swtpm) -> [String; 5] {
    [
        "handles-transient",
        "handles-loaded-session",
        "handles-saved-session",
        "handles-persistent",
        "handles-nv-index",
    ]
    .map(|what| {
        let output = Command::new("tpm2_getcap")
            .arg(what)
            .env("TPM2TOOLS_TCTI", tpm.tcti())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout).to_owned()
    })
}

#[test]
fn every_kind_of_ek_that_the_emulator_has() {
    let swtpm = Swtpm::bare();
    let before = left_behind(&swtpm);
    assert_eq!(before, [""; 5]);
    let mut tpm = open(&swtpm);
    let request = ask(&mut tpm, Some("hyp01")).unwrap();
    // All but H-7: libtpms makes no keys of 4096 bits.
    for label in ["L-1", "L-2", "H-1", "H-2", "H-3", "H-4", "H-6"] {
        let ek = ek(&mut tpm, label);
        let new = challenge_for(std::slice::from_ref(&ek.key), &request);
        assert_eq!(new.challenge.credentials.len(), 1, "{label}");
        let answer = answer(&mut tpm, &new.challenge).unwrap();
        let proof = check(&new.kept, &answer, NOW).unwrap();
        assert_eq!(proof.eks(), [ek.key.spki_sha256()], "{label}");
        assert_eq!(left_behind(&swtpm), before, "{label}");
    }
}

#[test]
fn persistent_keys_and_all_keys_at_once() {
    let swtpm = Swtpm::with_certificates(&[]);
    let before = left_behind(&swtpm);
    let mut tpm = open(&swtpm);
    let request = ask(&mut tpm, None).unwrap();
    let keys: Vec<EkPub> = request.eks.iter().map(|ek| ek.key.clone()).collect();
    assert_eq!(keys.len(), 2);
    let new = challenge_for(&keys, &request);
    let answer = answer(&mut tpm, &new.challenge).unwrap();
    assert_eq!(check(&new.kept, &answer, NOW).unwrap().eks().len(), 2);
    drop(tpm);
    assert_eq!(left_behind(&swtpm), before);
}

/// The key was made with a nonce that is in NV: it is found by its template again.
#[test]
fn a_key_made_with_a_nonce() {
    let swtpm = Swtpm::bare();
    swtpm.write_nv(0x01c0_0003, &[0xa5; 64], crate::VENDOR);
    let mut tpm = open(&swtpm);
    let mut area = Template::by_label("L-1")
        .unwrap()
        .public_area(None)
        .unwrap();
    let start = area.len() - 256;
    area[start..start + 64].fill(0xa5);
    let made = TpmPublic::from_tpmt(&tpm.create_primary(&area).unwrap()).unwrap();
    assert_ne!(made.key, ek(&mut tpm, "L-1").key);
    let request = ask(&mut tpm, None).unwrap();
    let new = challenge_for(&[made.key], &request);
    let answer = answer(&mut tpm, &new.challenge).unwrap();
    check(&new.kept, &answer, NOW).unwrap();
}

#[test]
fn another_tpm_cannot_answer() {
    let (right, wrong) = (Swtpm::bare(), Swtpm::bare());
    let (mut right, mut wrong) = (open(&right), open(&wrong));
    let key = ek(&mut right, "L-1").key;
    let request = ask(&mut right, None).unwrap();
    let new = challenge_for(std::slice::from_ref(&key), &request);
    let error = answer(&mut wrong, &new.challenge).unwrap_err();
    assert_eq!(error.code, Some(Code::AkMismatch));
    assert_eq!(error.fault, Fault::Rejected);
    // It asks in its own name, with the key of the other.
    let request = ask(&mut wrong, None).unwrap();
    let new = challenge_for(&[key], &request);
    let error = answer(&mut wrong, &new.challenge).unwrap_err();
    assert_eq!(error.code, Some(Code::ChallengeSecret));
    assert!(error.message.contains("does not have"), "{error}");
    // It says that the credential is for its own key.
    let own = ek(&mut wrong, "L-1").key.spki_sha256();
    let mut challenge = new.challenge;
    challenge.credentials[0].ek = own;
    let error = answer(&mut wrong, &challenge).unwrap_err();
    assert_eq!(error.code, Some(Code::ChallengeSecret));
    assert!(error.message.contains("does not recover"), "{error}");
}

/// One bit of either part of a credential, and the TPM refuses it.
#[test]
fn a_credential_that_was_changed() {
    let swtpm = Swtpm::bare();
    let mut tpm = open(&swtpm);
    let request = ask(&mut tpm, None).unwrap();
    for label in ["L-1", "L-2", "H-3"] {
        let new = challenge_for(&[ek(&mut tpm, label).key], &request);
        for part in 0..4 {
            let mut challenge = new.challenge.clone();
            let credential = &mut challenge.credentials[0].credential;
            match part {
                0 => *credential.id_object.last_mut().unwrap() ^= 1,
                1 => credential.id_object[4] ^= 1,
                2 => *credential.encrypted_secret.last_mut().unwrap() ^= 1,
                _ => credential.encrypted_secret.truncate(10),
            }
            let error = answer(&mut tpm, &challenge).unwrap_err();
            assert_eq!(error.code, Some(Code::ChallengeSecret), "{label} {part}");
        }
    }
    assert_eq!(left_behind(&swtpm), [""; 5]);
}

#[test]
fn a_seed_that_changed_after_asking() {
    let swtpm = Swtpm::bare();
    let mut tpm = open(&swtpm);
    let key = ek(&mut tpm, "L-2").key;
    let request = ask(&mut tpm, None).unwrap();
    let new = challenge_for(&[key], &request);
    drop(tpm);
    swtpm.tool("tpm2_changeeps");
    let error = answer(&mut open(&swtpm), &new.challenge).unwrap_err();
    assert_eq!(error.code, Some(Code::AkMismatch));
    assert!(error.help.contains("ask anew"), "{error:?}");
}

#[test]
fn a_tpm_that_is_locked_out() {
    let swtpm = Swtpm::bare();
    let mut tpm = open(&swtpm);
    let (low, high) = (ek(&mut tpm, "L-1").key, ek(&mut tpm, "H-3").key);
    drop(tpm);
    // Every failure counts, and none is allowed.
    swtpm.tool("tpm2_dictionarylockout -s -n 1 -t 1000 -l 1000");
    swtpm.tool("tpm2_createprimary -C o -c primary.ctx -p right");
    swtpm.tool("tpm2_create -C primary.ctx -P right -p secret -u key.pub -r key.priv");
    swtpm.tool("tpm2_load -C primary.ctx -P right -u key.pub -r key.priv -c key.ctx");
    let guess = swtpm.run("tpm2_unseal -c key.ctx -p wrong");
    assert!(!guess.status.success());
    swtpm.run("tpm2_sign -c key.ctx -p wrong -g sha256 -o sig ek.ctx");
    swtpm.run("tpm2_flushcontext -t");
    let state = swtpm.tool("tpm2_getcap properties-variable").stdout;
    assert!(
        text(&state).contains("inLockout:                 1"),
        "{}",
        text(&state)
    );

    let mut tpm = open(&swtpm);
    let request = ask(&mut tpm, None).unwrap();
    // Under the policy no password is needed, so that the lockout does not matter.
    for key in [low, high] {
        let new = challenge_for(&[key], &request);
        let answer = answer(&mut tpm, &new.challenge).unwrap();
        check(&new.kept, &answer, NOW).unwrap();
    }
}

#[test]
fn an_endorsement_hierarchy_with_a_password() {
    let swtpm = Swtpm::bare();
    // The EK itself can be read, since it is persistent.
    swtpm.tool("tpm2_createek -G rsa -c 0x81010001 -u ek.pub");
    let mut tpm = open(&swtpm);
    let key = ek(&mut tpm, "L-1").key;
    let request = ask(&mut tpm, None).unwrap();
    let new = challenge_for(&[key], &request);
    drop(tpm);
    swtpm.tool("tpm2_changeauth -c endorsement secret");
    let mut tpm = open(&swtpm);
    // It is not taken for another TPM, nor its seed for a new one.
    for error in [
        ask(&mut tpm, None).unwrap_err(),
        answer(&mut tpm, &new.challenge).unwrap_err(),
        recover(&mut tpm, &new.challenge.credentials[0].credential).unwrap_err(),
    ] {
        assert_eq!(error.fault, Fault::Environment, "{error}");
        assert!(
            error.message.contains("makes no attestation key"),
            "{error}"
        );
        assert!(error.help.contains("password"), "{error:?}");
    }
}

#[test]
fn a_tpm_that_goes_away() {
    let swtpm = Swtpm::bare();
    let mut tpm = open(&swtpm);
    let key = ek(&mut tpm, "L-2").key;
    let request = ask(&mut tpm, None).unwrap();
    let new = challenge_for(&[key], &request);
    swtpm.kill();
    let error = answer(&mut tpm, &new.challenge).unwrap_err();
    assert_eq!(error.fault, Fault::Environment);
    assert!(error.message.contains("stopped answering"), "{error}");
}

/// tpm2_activatecredential recovers what is made here.
#[test]
fn tpm2_tools_activate_ours() {
    let swtpm = Swtpm::bare();
    for (algorithm, policy) in [
        ("rsa", true),
        ("ecc", true),
        ("ecc384", false),
        ("ecc521", false),
        ("rsa3072", false),
    ] {
        swtpm.tool(&format!("tpm2_createek -G {algorithm} -c ek.ctx -u ek.pub"));
        swtpm.tool(
            "tpm2_createak -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pub -n ak.name",
        );
        let public = TpmPublic::from_tpm2b(&fs::read(swtpm.path("ek.pub")).unwrap()).unwrap();
        let name = fs::read(swtpm.path("ak.name")).unwrap();
        // The same key under the same Name as ours.
        let request = Request::read(&fs::read(swtpm.path("ak.pub")).unwrap()).unwrap();
        assert_eq!(request.ak.name(), name);
        let credential = make_credential(
            &public.key,
            Protection::of(&public).unwrap(),
            &name,
            b"thirty-two octets of a secret...",
        )
        .unwrap();
        write(&swtpm.path("ours"), credential.to_tpm2_tools());
        let auth = if policy {
            swtpm.tool("tpm2_startauthsession --policy-session -S session");
            swtpm.tool("tpm2_policysecret -S session -c e");
            "-P session:session"
        } else {
            ""
        };
        swtpm.tool(&format!(
            "tpm2_activatecredential -c ak.ctx -C ek.ctx -i ours -o secret {auth}"
        ));
        assert_eq!(
            fs::read(swtpm.path("secret")).unwrap(),
            b"thirty-two octets of a secret...",
            "{algorithm}"
        );
        if policy {
            swtpm.run("tpm2_flushcontext session");
        }
    }
}

/// What tpm2_makecredential makes is recovered here.
#[test]
fn ours_recovers_what_tpm2_tools_made() {
    let swtpm = Swtpm::bare();
    let mut tpm = open(&swtpm);
    let request = ask(&mut tpm, None).unwrap();
    drop(tpm);
    let name = request.ak.name().iter().map(|octet| format!("{octet:02x}"));
    let name: String = name.collect();
    write(&swtpm.path("secret"), b"thirty-two octets of a secret...");
    for algorithm in ["rsa", "ecc", "ecc384", "ecc521", "rsa3072"] {
        swtpm.tool(&format!("tpm2_createek -G {algorithm} -c ek.ctx -u ek.pub"));
        swtpm.tool(&format!(
            "tpm2_makecredential -T none -u ek.pub -s secret -n {name} -o theirs"
        ));
        let theirs = fs::read(swtpm.path("theirs")).unwrap();
        let theirs = Credential::from_tpm2_tools(&theirs).unwrap();
        assert_eq!(
            recover(&mut open(&swtpm), &theirs).unwrap(),
            b"thirty-two octets of a secret...",
            "{algorithm}"
        );
    }
    // For another Name, nothing.
    let other = format!(
        "{}{}",
        &name[..66],
        if name.ends_with("00") { "01" } else { "00" }
    );
    swtpm.tool(&format!(
        "tpm2_makecredential -T none -u ek.pub -s secret -n {other} -o theirs"
    ));
    let theirs = Credential::from_tpm2_tools(&fs::read(swtpm.path("theirs")).unwrap()).unwrap();
    let error = recover(&mut open(&swtpm), &theirs).unwrap_err();
    assert_eq!(error.code, Some(Code::ChallengeSecret));
}

/// Keys that a TPM really makes, but that prove nothing.
#[test]
fn keys_that_prove_nothing() {
    let swtpm = Swtpm::bare();
    for (attributes, missing) in [
        (
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign",
            "restricted",
        ),
        (
            "sensitivedataorigin|userwithauth|restricted|sign",
            "fixedTPM",
        ),
        (
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt",
            "sign",
        ),
    ] {
        let algorithm = if missing == "sign" {
            "ecc:aes128cfb"
        } else {
            "ecc:ecdsa-sha256:null"
        };
        swtpm.tool(&format!(
            "tpm2_createprimary -C e -G {algorithm} -g sha256 -a {attributes} -c key.ctx"
        ));
        swtpm.tool("tpm2_readpublic -c key.ctx -f tss -o key.pub");
        let error = Request::read(&fs::read(swtpm.path("key.pub")).unwrap()).unwrap_err();
        assert_eq!(error.code, Some(Code::AkUnsuitable), "{missing}");
        assert!(error.message.contains(missing), "{error}");
    }
    // A key in software, loaded into the TPM: it will not have it as fixed to itself.
    swtpm.openssl("ecparam -name prime256v1 -genkey -noout -out soft.pem");
    swtpm.tool("tpm2_loadexternal -C n -G ecc -r soft.pem -c soft.ctx");
    swtpm.tool("tpm2_readpublic -c soft.ctx -f tss -o soft.pub");
    let public = TpmPublic::from_tpm2b(&fs::read(swtpm.path("soft.pub")).unwrap()).unwrap();
    let finding = AttestationKey::new(public).unwrap_err();
    assert_eq!(finding.code, Code::AkUnsuitable);
    assert!(finding.message.contains("fixedTPM"), "{finding:?}");
    let loaded = swtpm.run(
        "tpm2_loadexternal -C n -G ecc -r soft.pem -c soft.ctx \
         -a fixedtpm|fixedparent|userwithauth|restricted|sign",
    );
    assert!(!loaded.status.success(), "the TPM took it: {loaded:?}");
}

/// The public area of another TPM's key is loaded with any attributes; but nothing is
/// recovered for it, with a password or with a policy that it brings along. So one
/// attestation key does not join the EKs of two TPMs.
#[test]
fn the_key_of_another_tpm() {
    let (swtpm, other) = (Swtpm::bare(), Swtpm::bare());
    swtpm.tool("tpm2_createek -G rsa -c ek.ctx -u ek.pub");
    let public = TpmPublic::from_tpm2b(&fs::read(swtpm.path("ek.pub")).unwrap()).unwrap();
    other.tool("tpm2_startauthsession -S policy");
    other.tool("tpm2_policycommandcode -S policy -L digest TPM2_CC_ActivateCredential");
    other.run("tpm2_flushcontext policy");
    for (attributes, session) in [
        ("userwithauth", ""),
        (
            "userwithauth|adminwithpolicy -L digest",
            "-p session:policy",
        ),
    ] {
        other.tool(&format!(
            "tpm2_createprimary -C e -G ecc:ecdsa-sha256:null -g sha256 -c ak.ctx \
             -a fixedtpm|fixedparent|sensitivedataorigin|restricted|sign|{attributes}"
        ));
        other.tool("tpm2_readpublic -c ak.ctx -f tss -o ak.pub");
        let area = fs::read(other.path("ak.pub")).unwrap();
        let ak = Request::read(&area).unwrap().ak;
        let protection = Protection::of(&public).unwrap();
        let credential = make_credential(&public.key, protection, ak.name(), b"secret").unwrap();
        write(&swtpm.path("ak.pub"), area);
        write(&swtpm.path("credential"), credential.to_tpm2_tools());
        swtpm.tool("tpm2_loadexternal -C n -u ak.pub -c ak.ctx");
        swtpm.tool("tpm2_startauthsession --policy-session -S session");
        swtpm.tool("tpm2_policysecret -S session -c e");
        swtpm.tool("tpm2_startauthsession --policy-session -S policy");
        swtpm.tool("tpm2_policycommandcode -S policy TPM2_CC_ActivateCredential");
        let output = swtpm.run(&format!(
            "tpm2_activatecredential -c ak.ctx -C ek.ctx -i credential -o secret \
             -P session:session {session}"
        ));
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains("0x12F"), "{output:?}");
        for what in ["session", "policy", "-t"] {
            swtpm.run(&format!("tpm2_flushcontext {what}"));
        }
    }
}

/// A registry and a TPM, by the command line.
struct Fleet {
    tpm: Swtpm,
}

impl Fleet {
    /// With the host hyp01 staged by force, since its EKs have no certificate.
    fn staged() -> Self {
        let fleet = Self { tpm: Swtpm::bare() };
        let identifier = fleet.at("hyp01.xml");
        fleet.done(&[
            "get-platform-identifier",
            "--name",
            "hyp01",
            "--tcti",
            &fleet.tpm.tcti(),
            "--output",
            &identifier,
        ]);
        fleet.done(&[
            "register-host",
            "--stage",
            "--force",
            "--reason",
            "test",
            &identifier,
        ]);
        fleet
    }

    fn at(&self, name: &str) -> String {
        self.tpm.path(name).display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        let registry = self.at("registry.db");
        let needs = !matches!(args, ["get-platform-identifier" | "challenge", ..])
            || matches!(args, ["challenge", "make" | "check", ..]);
        let mut args = args.to_vec();
        if needs {
            args.extend(["--registry", &registry]);
        }
        endorse(&args)
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        text(&output.stdout).to_owned()
    }

    fn refused(&self, args: &[&str], code: i32, said: &str) {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(all.contains(said), "{args:?}: {all}");
        assert!(all.contains("help: "), "{args:?}: {all}");
    }

    fn ask(&self) -> String {
        let ask = self.at("ask");
        let tcti = self.tpm.tcti();
        self.done(&[
            "challenge",
            "ask",
            "--name",
            "hyp01",
            "--tcti",
            &tcti,
            "-o",
            &ask,
        ]);
        ask
    }

    fn make(&self, ask: &str, more: &[&str]) -> String {
        let challenge = self.at("challenge");
        self.done(&[&["challenge", "make", ask, "-o", &challenge], more].concat());
        challenge
    }

    fn answer(&self, challenge: &str) -> String {
        let answer = self.at("answer");
        let tcti = self.tpm.tcti();
        self.done(&[
            "challenge",
            "answer",
            challenge,
            "--tcti",
            &tcti,
            "-o",
            &answer,
        ]);
        answer
    }
}

#[test]
fn the_four_steps() {
    let fleet = Fleet::staged();
    let identifier = fleet.at("hyp01.xml");
    let register = [
        "register-host",
        "--require-possession",
        "--force",
        "--reason",
        "test",
        &identifier,
    ];
    fleet.refused(&register, 1, "[possession-missing]");
    let ask = fleet.ask();
    let answer = fleet.answer(&fleet.make(&ask, &[]));
    let said = fleet.done(&["challenge", "check", &answer]);
    assert!(
        said.contains("PROVEN hyp01 holds its endorsement keys"),
        "{said}"
    );
    fleet.refused(&["challenge", "check", &answer], 1, "[challenge-used]");
    fleet.done(&register);
    let host = fleet.done(&["hosts", "show", "hyp01", "--json"]);
    let host: serde_json::Value = serde_json::from_str(&host).unwrap();
    let host = &host["results"][0];
    assert_eq!(host["state"], "active");
    assert_eq!(host["possession"]["status"], "proven");
    assert_eq!(host["possession"]["ak_name"].as_str().unwrap().len(), 68);
    for (possession, count) in [("proven", 1), ("unproven", 0)] {
        let list = fleet.done(&["hosts", "list", "--json", "--possession", possession]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        assert_eq!(list["results"].as_array().unwrap().len(), count);
    }
    fleet.done(&["hosts", "history", "--check"]);
}

#[test]
fn through_pipes_and_as_json() {
    let fleet = Fleet::staged();
    let tcti = fleet.tpm.tcti();
    let parse = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let asked = parse(&fleet.done(&["challenge", "ask", "--tcti", &tcti, "--json"]));
    assert_eq!(asked["schema"], "endorse.challenge-ask/1");
    let ask = fleet.at("ask");
    write(
        Path::new(&ask),
        asked["results"][0]["document"].as_str().unwrap(),
    );
    fleet.refused(&["challenge", "make", &ask], 2, "which host");
    let made = parse(&fleet.done(&["challenge", "make", "--host", "HYP01", &ask, "--json"]));
    assert_eq!(made["schema"], "endorse.challenge-make/1");
    assert_eq!(made["results"][0]["host"], "hyp01");
    let challenge = fleet.at("challenge");
    write(
        Path::new(&challenge),
        made["results"][0]["document"].as_str().unwrap(),
    );
    let answered =
        parse(&fleet.done(&["challenge", "answer", &challenge, "--tcti", &tcti, "--json"]));
    assert_eq!(answered["schema"], "endorse.challenge-answer/1");
    let answer = fleet.at("answer");
    write(
        Path::new(&answer),
        answered["results"][0]["document"].as_str().unwrap(),
    );
    let checked = parse(&fleet.done(&["challenge", "check", &answer, "--json"]));
    assert_eq!(checked["schema"], "endorse.challenge-check/1");
    assert_eq!(checked["results"][0]["outcome"], "proven");
    assert_eq!(checked["results"][0]["host"]["name"], "hyp01");
    // Without --json and --output, or with '-', the file itself is the output.
    for more in [&[][..], &["-o", "-"]] {
        let text = fleet.done(&[&["challenge", "ask", "--tcti", &tcti], more].concat());
        assert!(Request::read(text.as_bytes()).is_ok());
    }
}

#[test]
fn what_is_refused() {
    let fleet = Fleet::staged();
    let tcti = fleet.tpm.tcti();
    let ask = fleet.ask();
    let challenge = fleet.make(&ask, &["--valid-for", "1s"]);
    let answer = fleet.answer(&challenge);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    fleet.refused(&["challenge", "check", &answer], 1, "[challenge-expired]");

    // A file in place of another.
    fleet.refused(&["challenge", "check", &ask], 3, "[challenge-malformed]");
    fleet.refused(&["challenge", "make", &answer], 3, "[challenge-malformed]");
    fleet.refused(
        &["challenge", "answer", &answer, "--tcti", &tcti],
        3,
        "not a challenge",
    );

    // A host name that was changed on the way.
    let changed = fleet.at("changed");
    let file = fs::read_to_string(&challenge).unwrap();
    write(Path::new(&changed), file.replace("hyp01", "hyp02"));
    fleet.refused(
        &["challenge", "answer", &changed, "--tcti", &tcti],
        3,
        "was changed",
    );

    // Another TPM.
    let other = Swtpm::bare();
    fleet.refused(
        &["challenge", "answer", &challenge, "--tcti", &other.tcti()],
        1,
        "this TPM does not make",
    );
    // A host that is not registered, and a request that comes to nothing leaves no trace.
    fleet.refused(
        &["challenge", "make", "--host", "hyp09", &ask],
        2,
        "no registered host",
    );
    fleet.done(&["hosts", "history", "--check"]);
}

/// Without a resource manager the emulator has room for three objects, and each answer
/// needs two at once. Who finds no room is told so; nothing stays in the TPM.
#[test]
fn two_answer_at_once() {
    let fleet = Fleet::staged();
    let ask = fleet.ask();
    let challenge = fleet.make(&ask, &[]);
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_endorse"))
            .args([
                "challenge",
                "answer",
                &challenge,
                "--tcti",
                &fleet.tpm.tcti(),
            ])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let challenge = Challenge::read(&fs::read(&challenge).unwrap()).unwrap();
    let mut answered = 0;
    for output in both {
        if output.status.success() {
            let answer = endorse::possession::Answer::read(&output.stdout).unwrap();
            assert_eq!(answer.challenge, challenge.terms.id);
            answered += 1;
        } else {
            let said = text(&output.stderr);
            assert!(said.contains("has no room"), "{said}");
            assert!(said.contains("device:/dev/tpmrm0"), "{said}");
        }
    }
    assert!(answered > 0);
    assert_eq!(left_behind(&fleet.tpm), [""; 5]);
}

/// The host has tpm2-tools only.
#[test]
fn tpm2_tools_in_place_of_us_on_the_host() {
    let fleet = Fleet::staged();
    let tpm = &fleet.tpm;
    for (algorithm, scheme) in [("ecc", "ecdsa"), ("rsa", "rsassa")] {
        tpm.tool("tpm2_createek -G rsa -c ek.ctx -u ek.pub");
        tpm.tool(&format!(
            "tpm2_createak -C ek.ctx -c ak.ctx -G {algorithm} -g sha256 -s {scheme} -u ak.pub"
        ));
        let (ak, dir) = (fleet.at("ak.pub"), fleet.at(algorithm));
        fleet.done(&[
            "challenge",
            "make",
            "--host",
            "hyp01",
            &ak,
            "--tpm2-tools",
            &dir,
        ]);
        // A second challenge beside the first could be taken for it.
        fleet.refused(
            &[
                "challenge",
                "make",
                "--host",
                "hyp01",
                &ak,
                "--tpm2-tools",
                &dir,
            ],
            2,
            "from another challenge",
        );
        tpm.tool("tpm2_startauthsession --policy-session -S session");
        tpm.tool("tpm2_policysecret -S session -c e");
        tpm.tool(&format!(
            "tpm2_activatecredential -c ak.ctx -C ek.ctx -i {algorithm}/1-rsa2048.credential \
             -o secret -P session:session"
        ));
        let quoted = fs::read_to_string(tpm.path(algorithm).join("qualifying-data")).unwrap();
        tpm.tool(&format!(
            "tpm2_quote -c ak.ctx -g sha256 -l sha256:0,7 -q {quoted} -m quote.msg -s quote.sig"
        ));
        let at = |name: &str| fleet.at(name);
        let challenge = fleet.at(&format!("{algorithm}/challenge.json"));
        let said = fleet.done(&[
            "challenge",
            "check",
            "--challenge",
            &challenge,
            "--ak",
            &ak,
            "--secret",
            &at("secret"),
            "--quote",
            &at("quote.msg"),
            "--signature",
            &at("quote.sig"),
        ]);
        assert!(said.contains("PROVEN hyp01"), "{said}");
        tpm.run("tpm2_flushcontext session");
    }
}
