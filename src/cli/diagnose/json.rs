//! `endorse.diagnose/1`, which `docs/diagnose.md` describes.

use serde::Serialize;

use super::{OpenedBundle, Run};
use crate::cli::json::{self, JsonError};
use crate::diagnose::{Counts, Diagnostic, Remedy, SetReport, TargetReport};

#[derive(Serialize)]
struct JsonSummary<'a> {
    status: &'static str,
    at: String,
    counts: JsonCounts,
    bundles: Vec<JsonBundle<'a>>,
    errors: Vec<JsonError>,
}

#[derive(Serialize)]
struct JsonCounts {
    fail: usize,
    warn: usize,
    pass: usize,
    not_applicable: usize,
}

#[derive(Serialize)]
struct JsonBundle<'a> {
    path: &'a str,
    made_at: String,
    made_by: &'a str,
    age_seconds: i64,
}

#[derive(Serialize)]
struct JsonTarget<'a> {
    target: &'a str,
    role: &'static str,
    source: &'a str,
    status: &'static str,
    counts: JsonCounts,
    sets: Vec<JsonSet<'a>>,
}

#[derive(Serialize)]
struct JsonSet<'a> {
    set: &'static str,
    status: &'static str,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    id: &'static str,
    title: &'static str,
    status: &'static str,
    basis: &'static str,
    source: &'static str,
    evidence: &'a [String],
    remedy: Vec<JsonRemedy<'a>>,
}

#[derive(Serialize)]
struct JsonRemedy<'a> {
    kind: &'static str,
    text: &'a str,
}

/// The document of a run.
pub(super) fn document(run: &Run<'_>) -> String {
    let targets: Vec<_> = run.report.targets.iter().map(target).collect();
    let summary = JsonSummary {
        status: run.report.status().as_str(),
        at: run.at.to_string(),
        counts: run.report.counts().into(),
        bundles: run.bundles.iter().map(|one| bundle(one, run)).collect(),
        errors: run.errors.iter().map(JsonError::from).collect(),
    };
    json::document_with("diagnose", summary, &targets)
}

impl From<Counts> for JsonCounts {
    fn from(counts: Counts) -> Self {
        Self {
            fail: counts.fail,
            warn: counts.warn,
            pass: counts.pass,
            not_applicable: counts.not_applicable,
        }
    }
}

fn bundle<'a>(bundle: &'a OpenedBundle, run: &Run<'_>) -> JsonBundle<'a> {
    JsonBundle {
        path: &bundle.path,
        made_at: bundle.made_at.to_string(),
        made_by: &bundle.made_by,
        age_seconds: run.now.unix().saturating_sub(bundle.made_at.unix()),
    }
}

fn target(target: &TargetReport) -> JsonTarget<'_> {
    JsonTarget {
        target: &target.name,
        role: target.role.as_str(),
        source: &target.source,
        status: target.status().as_str(),
        counts: target.counts().into(),
        sets: target.sets.iter().map(set).collect(),
    }
}

fn set(set: &SetReport) -> JsonSet<'_> {
    JsonSet {
        set: set.set.as_str(),
        status: set.status().as_str(),
        diagnostics: set.diagnostics.iter().map(diagnostic).collect(),
    }
}

fn diagnostic(one: &Diagnostic) -> JsonDiagnostic<'_> {
    JsonDiagnostic {
        id: one.definition.id,
        title: one.definition.title,
        status: one.status.as_str(),
        basis: one.definition.basis.as_str(),
        source: one.definition.source,
        evidence: &one.evidence,
        remedy: one.remedy.iter().map(remedy).collect(),
    }
}

fn remedy(step: &Remedy) -> JsonRemedy<'_> {
    let (kind, text) = match step {
        Remedy::Do(text) => ("do", text),
        Remedy::PowerShell(text) => ("powershell", text),
        Remedy::Sh(text) => ("sh", text),
    };
    JsonRemedy { kind, text }
}
