use serde::Serialize;

use crate::cli::json;
use crate::diagnose::{Diagnostic, Remedy, Report, SetReport, TargetReport};

#[derive(Serialize)]
struct JsonTarget<'a> {
    target: &'a str,
    role: &'static str,
    source: &'a str,
    status: &'static str,
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
pub(super) fn document(report: &Report) -> String {
    let targets: Vec<_> = report.targets.iter().map(target).collect();
    json::document("diagnose", &targets)
}

fn target(target: &TargetReport) -> JsonTarget<'_> {
    JsonTarget {
        target: &target.name,
        role: target.role.as_str(),
        source: &target.source,
        status: target.status().as_str(),
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
