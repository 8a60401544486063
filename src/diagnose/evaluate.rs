use super::files::ServiceAccount;
use super::{
    Definition, Diagnostic, Report, Role, Selection, Set, SetReport, Target, TargetReport, files,
    host, key_file, service,
};
use crate::der::Time;

/// Every diagnostic there is, by the module that makes it.
pub const DEFINITIONS: &[&[&Definition]] = &[
    service::DEFINITIONS,
    host::DEFINITIONS,
    files::DEFINITIONS,
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
}

impl Question {
    /// Everything, as of this time.
    pub fn new(at: Time) -> Self {
        Self {
            at,
            selection: Selection::all(),
            service_account: ServiceAccount::default(),
        }
    }
}

/// Judges what was seen. Diagnostics that need several targets are in a target of their own,
/// with the role [`Role::Fabric`], at the end.
pub fn diagnose(targets: &[Target], question: &Question) -> Report {
    let of_one = |target: &Target| {
        let mut found = service::node_diagnostics(target, question);
        found.extend(host::diagnostics(target, question));
        found.extend(files::diagnostics(target, question));
        found.extend(key_file::diagnostics(target));
        in_sets(
            target.name.clone(),
            target.role,
            target.source.clone(),
            found,
            &question.selection,
        )
    };
    let mut reports: Vec<_> = targets.iter().map(of_one).collect();
    let together = service::cluster_diagnostics(targets, question);
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
