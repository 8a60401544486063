use std::sync::Arc;
use std::time::Duration;

use super::files::ServiceAccount;
use super::hgsa::service_info::OperationMode;
use super::{
    Definition, Diagnostic, Report, Role, Selection, Set, SetReport, Target, TargetReport, bundle,
    files, host, key_file, service,
};
use crate::der::Time;
use crate::ek::Certificate;

/// Every diagnostic there is, by the module that makes it.
pub const DEFINITIONS: &[&[&Definition]] = &[
    service::DEFINITIONS,
    host::DEFINITIONS,
    files::DEFINITIONS,
    bundle::DEFINITIONS,
    key_file::DEFINITIONS,
];

/// What is asked about the targets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// The time at which this is asked: certificates are judged as of it.
    pub at: Time,
    /// Which sets.
    pub selection: Selection,
    /// The account that runs the Key Protection Service.
    pub service_account: ServiceAccount,
    /// Who is trusted to issue certificates for HTTPS.
    pub tls_roots: Vec<Arc<Certificate>>,
    /// The mode in which every node of a service should be.
    pub expected_mode: Option<OperationMode>,
    /// For how long the nodes were asked before this, until they would all be in that mode.
    pub waited: Option<Duration>,
    /// What a store and a registry say of the identifiers among the observations.
    pub judgements: Vec<host::Judgement>,
}

impl Question {
    /// Everything, as of this time.
    pub fn new(at: Time) -> Self {
        Self {
            at,
            selection: Selection::all(),
            service_account: ServiceAccount::default(),
            tls_roots: Vec::new(),
            expected_mode: None,
            waited: None,
            judgements: Vec::new(),
        }
    }
}

/// Judges what was seen. Diagnostics that need several targets are in a target of their own,
/// with the role [`Role::Fabric`], at the end.
pub fn diagnose(targets: &[Target], question: &Question) -> Report {
    let mut comparable = Vec::new();
    let seen = service::seen(targets, question);
    let of_one = |(target, seen): (&Target, &Vec<service::Seen<'_>>)| {
        let mut found = service::node_diagnostics(seen, question);
        found.extend(host::diagnostics(target, question));
        let (of_files, compared) = files::diagnostics(target, question);
        found.extend(of_files);
        comparable.extend(compared);
        found.extend(bundle::diagnostics(target));
        found.extend(key_file::diagnostics(target));
        in_sets(
            target.name.clone(),
            target.role,
            target.source.clone(),
            found,
            &question.selection,
        )
    };
    let mut reports: Vec<_> = targets.iter().zip(&seen).map(of_one).collect();
    let mut together = service::cluster_diagnostics(&seen, &comparable, question);
    together.extend(host::fabric_diagnostics(targets));
    together.extend(files::fabric_diagnostics(&comparable, question));
    if !together.is_empty() {
        reports.push(in_sets(
            "the fabric".to_owned(),
            Role::Fabric,
            "all targets together".to_owned(),
            together,
            &question.selection,
        ));
    }
    Report { targets: reports }
}

fn in_sets(
    name: String,
    role: Role,
    source: String,
    mut found: Vec<Diagnostic>,
    selection: &Selection,
) -> TargetReport {
    let sets = Set::ALL.iter().filter(|set| selection.holds(**set));
    let sets = sets.filter_map(|set| {
        let (diagnostics, rest) = std::mem::take(&mut found)
            .into_iter()
            .partition::<Vec<_>, _>(|one| one.definition.set == *set);
        found = rest;
        (!diagnostics.is_empty()).then_some(SetReport {
            set: *set,
            diagnostics,
        })
    });
    let sets = sets.collect();
    TargetReport {
        name,
        role,
        source,
        sets,
    }
}
