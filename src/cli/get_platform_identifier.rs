use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::Exit;
use super::fetch_ekcert::FetchArgs;
use crate::finding::Error;

const AFTER_HELP: &str = "\
Examples:
  endorse get-platform-identifier --name hyp01 --output hyp01.xml
  endorse get-platform-identifier --name hyp01 --format json | jq .
  endorse get-platform-identifier --name vm7 --tcti swtpm:port=2321
  endorse get-platform-identifier --name nuc1 --fetch-ekcert -o nuc1.xml
  endorse get-platform-identifier --name hyp01 --dump hyp01.dump > hyp01.xml
  endorse get-platform-identifier --name hyp01 --from-dump hyp01.dump

Run it on the host itself, as root: the serial number and GUID of the machine
are shown to nobody else. For the TPM alone the group tss is enough. Nothing in
the TPM is changed. The file it writes goes to 'endorse register-host'.

--from-dump needs no TPM, and works in every build: with what --dump wrote, or
with files saved by tpm2_nvread -o, tpm2_readpublic -o, tpm2_createek -u and
tpm2_getcap, under names such as 0x1c00002.bin and 0x81010001.pub. Of the
machine it says only what the dump says.

Exit codes:
  0  the platform identifier was written
  2  wrong usage, no TPM, or it cannot be opened
  3  the directory of --from-dump holds nothing of a TPM";

/// Options of `get-platform-identifier`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct GetPlatformIdentifier {
    /// Name to give the host, usually its host name (the ForeignKey of the file)
    #[arg(long, value_name = "HOST")]
    pub(super) name: String,
    /// How to reach the TPM, as the TCG software stack writes it
    #[arg(long, value_name = "TCTI", default_value = crate::host::DEFAULT_TCTI)]
    pub(super) tcti: String,
    /// Form of the file
    #[arg(long, value_enum, default_value_t = Format::Xml)]
    pub(super) format: Format,
    /// File to write; without it the identifier goes to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Which endorsement key; 'auto' takes every one that has a certificate
    #[arg(long, value_enum, default_value_t = Ek::Auto)]
    pub(super) ek: Ek,
    /// Directory to save all that was read in, new or empty
    #[arg(long, value_name = "DIR")]
    pub(super) dump: Option<PathBuf>,
    /// Directory to read in place of a TPM and its machine
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dump", "tcti"])]
    pub(super) from_dump: Option<PathBuf>,
    #[command(flatten)]
    pub(super) fetch: FetchArgs,
}

/// The forms of a platform identifier file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Microsoft's XML
    Xml,
    /// The JSON form of this program
    Json,
}

/// The endorsement keys of the TCG's default templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Ek {
    /// Every one that has a certificate; if none has, RSA 2048, or P-256 on a TPM without RSA
    Auto,
    /// RSA 2048
    Rsa2048,
    /// NIST P-256
    EccP256,
    /// NIST P-384
    EccP384,
    /// NIST P-521
    EccP521,
    /// RSA 3072
    Rsa3072,
    /// RSA 4096
    Rsa4096,
}

/// Reads the TPM and the machine, or a dump of them, and writes a platform identifier.
pub(super) fn run(args: &GetPlatformIdentifier, console: &mut Console<'_>) -> Result<Exit, Error> {
    command::run(args, console)
}

/// Where the answers come from.
mod source {
    use std::path::Path;

    use super::super::console::Console;
    use super::GetPlatformIdentifier;
    use crate::finding::Error;
    use crate::host::{Dump, EkChoice, MachineFacts, TpmContents, read_tpm};

    /// Reads a dump.
    pub(super) fn dump(
        directory: &Path,
        choice: EkChoice,
        console: &mut Console<'_>,
    ) -> Result<(TpmContents, MachineFacts), Error> {
        let mut dump = Dump::open(directory)?;
        for note in dump.notes() {
            console.detail(note);
        }
        Ok((read_tpm(&mut dump, choice)?, dump.machine()))
    }

    /// Reads the TPM and the machine, and saves what they answered if that is asked for.
    /// A TPM that shows no key is dumped all the same: that is when a dump is wanted.
    #[cfg(feature = "tpm")]
    pub(super) fn live(
        args: &GetPlatformIdentifier,
        choice: EkChoice,
        console: &mut Console<'_>,
    ) -> Result<(TpmContents, MachineFacts), Error> {
        use super::super::software_stack::silence;
        use crate::host::{Recorder, SYSTEM_ROOT, Tpm, machine};
        silence();
        let mut tpm = Tpm::open(&args.tcti)?;
        let Some(directory) = &args.dump else {
            let contents = read_tpm(&mut tpm, choice)?;
            return Ok((contents, machine(Path::new(SYSTEM_ROOT))));
        };
        let mut recorder = Recorder::new(&mut tpm);
        let contents = read_tpm(&mut recorder, choice);
        let machine = machine(Path::new(SYSTEM_ROOT));
        match recorder.finish(machine.clone()) {
            Ok(dump) => dump.save(directory)?,
            Err(error) => return Err(contents.err().unwrap_or(error)),
        }
        console.note(&format!("saved what was read in {}", directory.display()));
        Ok((contents?, machine))
    }

    /// Says that this build cannot.
    #[cfg(not(feature = "tpm"))]
    pub(super) fn live(
        args: &GetPlatformIdentifier,
        _: EkChoice,
        _: &mut Console<'_>,
    ) -> Result<(TpmContents, MachineFacts), Error> {
        Err(Error::environment(
            format!(
                "this build of endorse cannot read a TPM, so there is no identifier of {}",
                args.name
            ),
            "build it with the feature 'tpm': cargo install --locked --path . --features tpm (needs libtss2: \
             apt-get install libtss2-dev pkg-config); or save the TPM's answers on the host with \
             tpm2-tools and name their directory with --from-dump",
        ))
    }
}

mod command {
    use std::path::Path;

    use serde::Serialize;

    use super::super::console::{Console, Paint};
    use super::super::exit::Exit;
    use super::super::human::tpm_facts_in_words;
    use super::super::input::to_file;
    use super::super::json::{
        self, JsonEkCert, JsonEkPub, JsonFinding, JsonHostMachine, JsonTpmFacts,
    };
    use super::{Ek, Format, GetPlatformIdentifier, source};
    use crate::disk::save;
    use crate::ek::{Algorithm, Curve};
    use crate::finding::{Error, Finding, Severity, escape};
    use crate::host::{EkChoice, HostReport, report};
    use crate::identifier::Identifier;

    #[derive(Serialize)]
    struct Written {
        outcome: &'static str,
        output: Option<String>,
        name: Option<String>,
        machine: JsonHostMachine,
        ekpubs: Vec<JsonEkPub>,
        ekcerts: Vec<JsonEkCert>,
        tpm: JsonTpmFacts,
        findings: Vec<JsonFinding>,
        /// The file itself, where it was not written to one.
        identifier: Option<String>,
    }

    pub(super) fn run(
        args: &GetPlatformIdentifier,
        console: &mut Console<'_>,
    ) -> Result<Exit, Error> {
        if args.name.trim().is_empty() {
            return Err(Error::misuse(
                "the name of the host is empty",
                "give the name that the host is to be registered under: --name hyp01",
            ));
        }
        let fetcher = args.fetch.resolve()?;
        let choice = choice(args.ek);
        let (mut contents, machine) = match &args.from_dump {
            Some(directory) => source::dump(directory, choice, console)?,
            None => source::live(args, choice, console)?,
        };
        // It may take as long as the limits allow; nobody needs the TPM meanwhile.
        if let Some(fetcher) = fetcher {
            fetcher.fetch(&mut contents);
        }
        let report = report(&args.name, machine, contents);
        let text = match args.format {
            Format::Xml => report.identifier.to_xml(),
            Format::Json => report.identifier.to_json(),
        };
        readable(&text)?;
        let file = to_file(args.output.as_ref());
        if let Some(path) = file {
            save(path, text.as_bytes())?;
        }
        if console.manner.json {
            let identifier = file.is_none().then_some(text);
            let output = file.map(|path| path.display().to_string());
            console.print(&json::document(
                "get-platform-identifier",
                &[written(&report, output, identifier)],
            ));
            return Ok(Exit::Done);
        }
        if file.is_none() {
            console.print(&text);
        }
        describe(&report, file, console);
        Ok(Exit::Done)
    }

    /// Whoever registers the host has to be able to read what is written.
    fn readable(text: &str) -> Result<(), Error> {
        Identifier::read(text.as_bytes()).map_err(|error| {
            Error::environment(
                format!("what was read makes no platform identifier that can be read: {error}"),
                "take one kind of key with its certificate, such as --ek rsa2048; 'tpm2_nvread' shows \
                 what is at the indices",
            )
        })?;
        Ok(())
    }

    fn choice(ek: Ek) -> EkChoice {
        EkChoice::Only(match ek {
            Ek::Auto => return EkChoice::Auto,
            Ek::Rsa2048 => Algorithm::Rsa(2048),
            Ek::EccP256 => Algorithm::Ecc(Curve::P256),
            Ek::EccP384 => Algorithm::Ecc(Curve::P384),
            Ek::EccP521 => Algorithm::Ecc(Curve::P521),
            Ek::Rsa3072 => Algorithm::Rsa(3072),
            Ek::Rsa4096 => Algorithm::Rsa(4096),
        })
    }

    /// What was read and what was missing, to standard error: standard output may
    /// be the file.
    fn describe(report: &HostReport, output: Option<&Path>, console: &mut Console<'_>) {
        console.detail(&format!("TPM: {}", tpm_facts_in_words(&report.facts)));
        for key in &report.identifier.ekpubs {
            let algorithm = key.key.algorithm();
            console.detail(&format!("{algorithm} key from {}", key.source));
        }
        for certificate in &report.identifier.ekcerts {
            console.detail(&format!("certificate from {}", certificate.source));
        }
        for finding in &report.findings {
            if finding.severity > Severity::Info {
                warn(finding, console);
            } else {
                console.detail(&format!("{} [{}]", finding.message, finding.code));
            }
        }
        if let Some(path) = output {
            console.note(&format!("wrote {}", path.display()));
        }
    }

    fn warn(finding: &Finding, console: &mut Console<'_>) {
        if console.manner.quiet {
            return;
        }
        let word = Paint::Careful.on(console.error_color(), "warning:");
        console.complain(&format!(
            "{word} {} [{}]\nhelp: {}\n",
            escape(&finding.message),
            finding.code,
            escape(&finding.help)
        ));
    }

    fn written(report: &HostReport, output: Option<String>, identifier: Option<String>) -> Written {
        let read = &report.identifier;
        Written {
            outcome: "written",
            output,
            name: read.name.clone(),
            machine: JsonHostMachine::from(&read.machine),
            ekpubs: read
                .ekpubs
                .iter()
                .map(|entry| JsonEkPub::new(&entry.key, &entry.source))
                .collect(),
            ekcerts: read
                .ekcerts
                .iter()
                .map(|entry| JsonEkCert::new(&entry.certificate, &entry.source))
                .collect(),
            tpm: JsonTpmFacts::from(&report.facts),
            findings: report.findings.iter().map(JsonFinding::from).collect(),
            identifier,
        }
    }
}
