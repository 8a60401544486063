//! `check-certificate`: certificates, requests and templates for a Host Guardian Service.

mod json;
mod page;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::console::Console;
use super::exit::Exit;
use super::input::{Input, for_each_input};
use super::options::{now, parse_time};
use super::report::report_unreadable;
use crate::der::Time;
use crate::diagnose::certificate::{
    CandidateKind, CertificateRole, Comparison, Document, Hsm, Node, Profile, Question, RuleResult,
    Subject, compare, examine, renewal_finding,
};
use crate::disk::read_file;
use crate::finding::{Code, Error, Finding, Severity};

const AFTER_HELP: &str = "\
Examples:
  endorse check-certificate --role signing signing.cer
  endorse check-certificate --role encryption --password-file pw.txt enc.pfx
  endorse check-certificate --role tls --service-name hgs.bastion.test tls.cer
  endorse check-certificate --role template template.ldf
  endorse check-certificate --role signing --renews old.cer new.csr
  endorse check-certificate --compare node1/ node2/ node3/

A FILE is a certificate (DER, PEM, PKCS#7), a PFX (PKCS#12), a request for a
certificate (PKCS#10), or an export of a certificate template: by ldifde, by
Export-ADCSTemplate (JSON), or by certutil -dstemplate. A directory stands for
the files in it. docs/hgs-certificates.md has every rule with its source; what
is only inferred is never more than a warning. Nobody's trust is judged.

With --compare each FILE is one node: the certificates that were exported from
it, in a file or a directory. All nodes have to have the same ones.

Exit codes:
  0  everything fits
  1  something does not fit: a rule, a pair of nodes, the key of a renewal
  2  wrong usage, or a file is missing
  3  a file is none of these kinds, is damaged, or its password is wrong
With many inputs the worst in the order 2, 3, 1, 0 wins.";

/// The largest file with a password, in octets.
const MAX_PASSWORD_LEN: usize = 4096;

/// Options of `check-certificate`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CheckCertificate {
    /// Files, directories, or '-' for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the certificate is for
    #[arg(long, required_unless_present = "compare", value_parser = role())]
    role: Option<CertificateRole>,
    /// Whose table of demands counts for signing, encryption and templates [default: recommended;
    /// for --role template: adcs]
    #[arg(long, value_parser = profile())]
    profile: Option<Profile>,
    /// A name under which hosts reach the service; may be repeated
    #[arg(long, value_name = "NAME")]
    service_name: Vec<String>,
    /// The key is in an HSM of this maker: show Microsoft's tip for it
    #[arg(long, value_parser = hsm())]
    hsm: Option<Hsm>,
    /// The certificate that this one renews; the key has to be the same
    #[arg(long, value_name = "OLD", conflicts_with = "compare")]
    renews: Option<PathBuf>,
    /// Take each FILE for one node, and compare their certificates
    #[arg(long)]
    compare: bool,
    /// The password of PFX files, on the first line of this file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Judge as of this time [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    at: Option<Time>,
}

/// Reads a role.
pub(super) fn role() -> impl TypedValueParser<Value = CertificateRole> {
    one_of(&CertificateRole::ALL, CertificateRole::as_str)
}

fn profile() -> impl TypedValueParser<Value = Profile> {
    one_of(&Profile::ALL, Profile::as_str)
}

fn hsm() -> impl TypedValueParser<Value = Hsm> {
    one_of(&Hsm::ALL, Hsm::as_str)
}

/// One of these, by its name.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let names = all.iter().map(|one| name(*one));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(move |text| {
        let found = all.iter().copied().find(|one| name(*one) == text);
        found.ok_or("no such value")
    })
}

/// What is asked of every subject.
struct Asked {
    role: Option<CertificateRole>,
    profile: Profile,
    question: Question,
    renewed: Option<Vec<Subject>>,
}

/// A subject with what came of it.
struct Checked {
    subject: Subject,
    results: Vec<RuleResult>,
    /// What is wrong with it as a renewal; `None` if it is none.
    renewal: Option<Option<Finding>>,
}

impl Checked {
    /// Everything there is to say, in order.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.subject.findings.clone();
        findings.extend(self.results.iter().filter_map(RuleResult::finding));
        findings.extend(self.renewal.clone().flatten());
        findings
    }

    fn is_rejected(&self) -> bool {
        let mut findings = self.findings().into_iter();
        findings.any(|finding| finding.severity == Severity::Error)
    }
}

pub(super) fn run(args: &CheckCertificate, console: &mut Console<'_>) -> Result<Exit, Error> {
    let mut passwords = Passwords::new(args.password_file.as_deref())?;
    let asked = asked(args, &mut passwords)?;
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    let mut nodes = Vec::new();
    for path in &args.files {
        let mut node = Node {
            name: path.display().to_string(),
            certificates: Vec::new(),
        };
        for_each_input(
            std::slice::from_ref(path),
            console,
            |console, input| match check(&input, &asked, &mut passwords) {
                Ok((document, checked)) => {
                    let certificates = checked
                        .iter()
                        .filter_map(|one| one.subject.certificate.clone());
                    node.certificates.extend(certificates);
                    let rejected = checked.iter().any(Checked::is_rejected);
                    if rejected {
                        exit = exit.and(Exit::Rejected);
                    }
                    if console.manner.json {
                        results.push(json::checked(&input.name, &document, &checked, &asked));
                    } else if asked.role.is_some() && (rejected || !console.manner.quiet) {
                        let verbose = console.manner.verbose;
                        let page = page::checked(
                            &input.name,
                            &document,
                            &checked,
                            &asked,
                            verbose,
                            console.color(),
                        );
                        console.print(&page);
                    }
                }
                Err(error) => {
                    exit = exit.and(Exit::from(&error));
                    report_unreadable(console, &input.name, &error);
                    if console.manner.json {
                        results.push(json::unreadable(&input.name, &error));
                    }
                }
            },
        );
        nodes.push(node);
    }
    if args.compare {
        // Nodes of which nothing was read would all be equal.
        for node in nodes.iter().filter(|node| node.certificates.is_empty()) {
            let error = Error::misuse(
                format!("there is no certificate of the node {}", node.name),
                "export the certificates of each node, and name their file or directory",
            );
            exit = exit.and(Exit::from(&error));
            console.error(&error);
        }
        let comparison = compare(&nodes);
        if !comparison.differences.is_empty() {
            exit = exit.and(Exit::Rejected);
        }
        if console.manner.json {
            results.push(json::compared(&nodes, &comparison));
        } else if !comparison.differences.is_empty() || !console.manner.quiet {
            console.print(&page::compared(&nodes, &comparison, console.color()));
        }
    }
    if console.manner.json {
        console.print(&super::json::document("check-certificate", &results));
    }
    Ok(exit)
}

fn asked(args: &CheckCertificate, passwords: &mut Passwords) -> Result<Asked, Error> {
    if args.compare && args.files.len() < 2 {
        return Err(Error::misuse(
            "there is one node, and nothing to compare it with",
            "name a file or a directory for each node",
        ));
    }
    let profile = args.profile.unwrap_or(match args.role {
        Some(CertificateRole::Template) => Profile::Adcs,
        _ => Profile::default(),
    });
    let question = Question::new(args.at.map_or_else(now, Ok)?)
        .with_names(args.service_name.iter().cloned())
        .with_hsm(args.hsm);
    let renewed = match &args.renews {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let bytes = read_file(path, crate::identifier::MAX_INPUT_LEN)?;
            let password = passwords.for_file(&name, &bytes)?;
            let old = Document::read(&bytes, password.as_deref()).map_err(|error| Error {
                message: format!("{name}: {}", error.message),
                ..error
            })?;
            if old.subjects.iter().all(|subject| subject.key.is_none()) {
                return Err(Error::misuse(
                    format!("{name} has no key in it, so nothing can renew it"),
                    "name the certificate that is renewed after --renews",
                ));
            }
            Some(old.subjects)
        }
    };
    Ok(Asked {
        role: args.role,
        profile,
        question,
        renewed,
    })
}

fn check(
    input: &Input,
    asked: &Asked,
    passwords: &mut Passwords,
) -> Result<(Document, Vec<Checked>), Error> {
    let bytes = input.bytes.as_deref().map_err(Clone::clone)?;
    let password = passwords.for_file(&input.name, bytes)?;
    let document = Document::read(bytes, password.as_deref())?;
    if asked.role == Some(CertificateRole::Template)
        && document
            .subjects
            .iter()
            .any(|subject| subject.kind() != CandidateKind::Template)
    {
        return Err(Error::malformed(
            Code::TemplateMalformed,
            "it is no export of a certificate template",
            "name what the certificate is for after --role, or give the export of a template",
        ));
    }
    let check = |subject: Subject| Checked {
        results: match asked.role {
            Some(role) => examine(&subject.candidate, role, asked.profile, &asked.question),
            None => Vec::new(),
        },
        renewal: asked
            .renewed
            .as_ref()
            .filter(|_| subject.key.is_some())
            .map(|old| renewal_finding(&subject, old)),
        subject,
    };
    let checked = document.subjects.iter().cloned().map(check).collect();
    Ok((document, checked))
}

/// Where passwords come from: the file, or whoever sits at the terminal. Never from the
/// command line, which other users can see.
struct Passwords {
    given: Option<String>,
}

impl Passwords {
    fn new(file: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = file else {
            return Ok(Self { given: None });
        };
        let bytes = read_file(path, MAX_PASSWORD_LEN)?;
        let text = match crate::identifier::decode_text(&bytes) {
            Ok(Some((text, _))) => text,
            // An empty password, or one that starts with a letter beyond ASCII.
            _ => String::from_utf8(bytes).map_err(|_| {
                Error::misuse(
                    format!("the password in {} is no text", path.display()),
                    "save it as UTF-8, on a line by itself",
                )
            })?,
        };
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        Ok(Self {
            given: Some(line.to_owned()),
        })
    }

    /// The password for a file, if it takes one and there is one.
    fn for_file(&mut self, name: &str, bytes: &[u8]) -> Result<Option<String>, Error> {
        if !Document::needs_password(bytes) {
            return Ok(None);
        }
        if self.given.is_some() || !std::io::stdin().is_terminal() {
            return Ok(self.given.clone());
        }
        let prompt = format!("Password of {}: ", crate::finding::escape(name));
        let password = rpassword::prompt_password(prompt).map_err(|error| {
            Error::environment(
                format!("the password cannot be read from the terminal: {error}"),
                "give it in a file with --password-file",
            )
        })?;
        Ok(Some(password))
    }
}

/// How many certificates the nodes have that differ in nothing.
fn in_common(nodes: &[Node], comparison: &Comparison) -> Option<usize> {
    let first = nodes.first()?;
    comparison
        .differences
        .is_empty()
        .then_some(first.certificates.len())
}
