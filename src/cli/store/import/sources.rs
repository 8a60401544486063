use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::catalogue::{Candidate, Filter, Intake, MAX_CERTIFICATES_LEN, PurposeFilter, Source};
use crate::cli::console::Console;
use crate::cli::input::read_input;
use crate::cli::options::{now, tell};
use crate::finding::Error;
use crate::trust::package::{self, MAX_PACKAGE_LEN, Package, Roots};

/// What is imported, as typed.
#[derive(Args, Debug)]
pub(super) struct SourceArgs {
    /// Packages, directories, files of certificates, or '-' for standard input
    #[arg(value_name = "SOURCE", required = true)]
    pub(super) sources: Vec<PathBuf>,
    /// Only the certificates of this vendor, named as its directory in the source, in any case; may be
    /// repeated
    #[arg(long, value_name = "NAME", help_heading = "Which certificates")]
    vendor: Vec<String>,
    /// Not those of this vendor; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Which certificates")]
    exclude_vendor: Vec<String>,
    /// Only the certificates that are for this
    #[arg(long, value_enum, default_value_t = PurposeArg::Ek, help_heading = "Which certificates")]
    purpose: PurposeArg,
    /// Take roots from a directory or a file, for which no signature vouches
    #[arg(long, help_heading = "What is believed")]
    with_roots: bool,
    /// Take a package that has no signature, or one of somebody else than Microsoft. Anybody may have
    /// made it; the catalogue says so of each of its certificates. One that was altered after it was
    /// signed is refused all the same
    #[arg(long, help_heading = "What is believed")]
    allow_unsigned: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PurposeArg {
    /// To judge endorsement keys: all but those for attestation identity keys alone
    Ek,
    /// Those for attestation identity keys alone
    Aik,
    /// All
    All,
}

impl SourceArgs {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            vendors: self.vendor.clone(),
            without_vendors: self.exclude_vendor.clone(),
            purpose: match self.purpose {
                PurposeArg::Ek => PurposeFilter::Ek,
                PurposeArg::Aik => PurposeFilter::Aik,
                PurposeArg::All => PurposeFilter::All,
            },
            with_roots: self.with_roots,
        }
    }

    pub(super) fn read(&self, console: &mut Console<'_>) -> Result<Vec<Candidate>, Error> {
        let mut all = Intake::default();
        for path in &self.sources {
            let intake = self.read_one(path, console)?;
            tell(&intake.notes, console);
            if intake.candidates.is_empty() {
                return Err(Error::environment(
                    format!("there is no certificate in {}", path.display()),
                    "name TrustedTpm.cab, a directory with certificates or a file of them",
                ));
            }
            all.candidates.extend(intake.candidates);
        }
        self.check_vendors(&all)?;
        Ok(all.candidates)
    }

    fn read_one(&self, path: &Path, console: &mut Console<'_>) -> Result<Intake, Error> {
        if path.is_dir() {
            return Intake::of_directory(path);
        }
        let bytes = read_input(path, console, MAX_CERTIFICATES_LEN.max(MAX_PACKAGE_LEN))?;
        let name = path.display().to_string();
        if bytes.starts_with(package::MAGIC) {
            let contents = self.open_package(&name, &bytes, console)?;
            return Ok(Intake::of_package(&name, &contents));
        }
        Intake::of_file(&name, &bytes).map_err(|error| Error {
            message: format!("{name}: {}", error.message),
            ..error
        })
    }

    /// Verifies the signature of a package and unpacks it.
    fn open_package(
        &self,
        name: &str,
        bytes: &[u8],
        console: &mut Console<'_>,
    ) -> Result<package::Contents, Error> {
        let place = |error: Error| Error {
            message: format!("{name}: {}", error.message),
            ..error
        };
        let package = Package::read(bytes).map_err(place)?;
        let refusal = match package.verify(&Roots::microsoft()?, now()?) {
            Ok(signed) => return signed.contents().map_err(place),
            Err(refusal) if !self.allow_unsigned => return Err(place(refusal)),
            Err(refusal) => refusal,
        };
        let unverified = package.unverified(refusal).map_err(place)?;
        console.warn(&format!(
            "{name}: {}. It is read all the same because --allow-unsigned was given: anybody may \
             have made it, and once they are imported its roots are trusted like all others. The \
             catalogue says so of each of its certificates",
            unverified.refusal()
        ));
        unverified.contents().map_err(place)
    }

    /// A vendor that the sources do not have is a spelling mistake.
    fn check_vendors(&self, intake: &Intake) -> Result<(), Error> {
        let there = intake.vendors();
        let mut named = self.vendor.iter().chain(&self.exclude_vendor);
        let missing = named.find(|name| !there.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let Some(missing) = missing else {
            return Ok(());
        };
        let there: Vec<&str> = there.into_iter().collect();
        Err(Error::misuse(
            format!("there is no vendor '{missing}' in the source"),
            match there.is_empty() {
                true => "it does not say whose its certificates are; leave out --vendor and \
                         --exclude-vendor"
                    .to_owned(),
                false => format!("there are {}", there.join(", ")),
            },
        ))
    }
}

/// The packages that candidates come from, each once.
pub(super) fn packages_of(candidates: &[Candidate]) -> Vec<Source> {
    let mut packages: Vec<Source> = Vec::new();
    for candidate in candidates {
        let source = &candidate.source;
        if matches!(source, Source::Package { .. }) && !packages.contains(source) {
            packages.push(source.clone());
        }
    }
    packages
}
