//! What is in a package: certificates by vendor, pool and purpose, and what is no
//! certificate.

use super::members::Members;
use super::purpose::infer;
use super::{Authenticity, Package};
use crate::ek::Certificate;
use crate::finding::Error;
use crate::hash::Sha256Digest;
use crate::trust::{Pool, Purpose, read_certificates};

/// The file that says what changed when, newest first.
const VERSIONS: &str = "version.txt";
/// How much of it is looked at for the date of the edition.
const VERSION_LINES: usize = 5;

/// A certificate of a package.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PackagedCertificate {
    /// The vendor's directory, such as `Infineon`.
    pub vendor: String,
    /// Which store it is meant for.
    pub pool: Pool,
    /// Where it lies in the package, with `/` between the parts.
    pub path: String,
    /// The certificate.
    pub certificate: Certificate,
    /// What it is for, by its own claim or by what it issued.
    pub purpose: Purpose,
}

/// A file of a package that no certificate is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Where it lies in the package.
    pub path: String,
    /// Why it was passed over.
    pub reason: String,
}

/// What is in a package, and what vouches for it. Programs that are in it are neither run
/// nor kept.
#[derive(Debug)]
pub struct Contents {
    authenticity: Authenticity,
    package_sha256: Sha256Digest,
    edition: Option<String>,
    certificates: Vec<PackagedCertificate>,
    skipped: Vec<Skipped>,
}

impl Contents {
    pub(super) fn read(package: &Package<'_>, authenticity: Authenticity) -> Result<Self, Error> {
        let members = Members::read(package.bytes, &package.frame)?;
        let mut contents = Self {
            authenticity,
            package_sha256: package.sha256(),
            edition: None,
            certificates: Vec::new(),
            skipped: Vec::new(),
        };
        for (path, content) in members.files() {
            contents.take(path, content);
        }
        infer(&mut contents.certificates);
        Ok(contents)
    }

    /// What vouches for it.
    pub fn authenticity(&self) -> &Authenticity {
        &self.authenticity
    }

    /// SHA-256 of the package.
    pub fn package_sha256(&self) -> Sha256Digest {
        self.package_sha256
    }

    /// The date of the newest entry of its `version.txt`, as it is written there
    /// (`21-November-2024`).
    pub fn edition(&self) -> Option<&str> {
        self.edition.as_deref()
    }

    /// The certificates, in the order of the package.
    pub fn certificates(&self) -> &[PackagedCertificate] {
        &self.certificates
    }

    /// The files that no certificate is taken from, in the order of the package.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn take(&mut self, path: &str, content: &[u8]) {
        let parts: Vec<&str> = path.split('/').collect();
        let place = match parts[..] {
            [vendor, folder, _] => pool_of(folder).map(|pool| (vendor, pool)),
            _ => None,
        };
        let Some((vendor, pool)) = place else {
            if path.eq_ignore_ascii_case(VERSIONS) {
                self.edition = edition(content);
            }
            return self.skip(path, "not in a vendor's folder RootCA or IntermediateCA");
        };
        match read_certificates(content) {
            Ok(certificates) => {
                self.certificates
                    .extend(
                        certificates
                            .into_iter()
                            .map(|certificate| PackagedCertificate {
                                vendor: vendor.to_owned(),
                                pool,
                                path: path.to_owned(),
                                purpose: Purpose::of(&certificate),
                                certificate,
                            }),
                    );
            }
            Err(error) => self.skip(path, error.to_string()),
        }
    }

    fn skip(&mut self, path: &str, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            path: path.to_owned(),
            reason: reason.into(),
        });
    }
}

/// By the name of a folder in a package.
fn pool_of(folder: &str) -> Option<Pool> {
    if folder.eq_ignore_ascii_case("RootCA") {
        Some(Pool::Root)
    } else if folder.eq_ignore_ascii_case("IntermediateCA") {
        Some(Pool::Intermediate)
    } else {
        None
    }
}

/// The first date of `version.txt`: day, month in letters, year.
fn edition(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    text.lines()
        .take(VERSION_LINES)
        .map(str::trim)
        .find(|line| is_date(line))
        .map(str::to_owned)
}

fn is_date(line: &str) -> bool {
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match line.split('-').collect::<Vec<_>>()[..] {
        [day, month, year] => {
            let letters = month.bytes().all(|byte| byte.is_ascii_alphabetic());
            digits(day, 2) && digits(year, 4) && letters && (3..=9).contains(&month.len())
        }
        _ => false,
    }
}
