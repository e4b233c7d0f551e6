//! Policies by the component that they share, and what is told where one is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate_engine::{Action, EntryError, EntrySpec, LoadError, PolicyInfo};

use crate::Diagnostic;
use crate::document::{Grant, Isolation, Limits, Mode, Module, Policy, RuleAction, Site};

/// Policies that share the instances of a component.
pub(super) struct Group {
    pub(super) component: Component,
    pub(super) limits: Limits,
    pub(super) isolation: Isolation,
    pub(super) policies: Vec<Policy>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Component {
    Builtin,
    File(PathBuf),
}

/// Puts together the policies that share instances: those of one component with the same limits, unless they ask
/// for an instance of their own.
pub(super) fn group(policies: Vec<Policy>) -> Result<Vec<Group>, Vec<Diagnostic>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut errors = Vec::new();
    for policy in policies
        .into_iter()
        .filter(|policy| policy.mode != Mode::Off)
    {
        let component = match &policy.module {
            Module::Builtin { .. } => Component::Builtin,
            Module::File { path, .. } => Component::File(path.clone()),
            Module::Oci { .. } => {
                errors.push(policy.origin.diagnostic(
                    "/spec/module",
                    "policies from registries are not supported by this version yet",
                ));
                continue;
            }
        };
        let (limits, isolation) = (policy.limits, policy.isolation);
        let shares = |group: &&mut Group| {
            isolation == Isolation::Bundle
                && group.isolation == Isolation::Bundle
                && group.component == component
                && group.limits == limits
        };
        match groups.iter_mut().find(shares) {
            Some(group) => group.policies.push(policy),
            None => groups.push(Group {
                component,
                limits,
                isolation,
                policies: vec![policy],
            }),
        }
    }
    if errors.is_empty() {
        Ok(groups)
    } else {
        Err(errors)
    }
}

/// Components larger than this are not read: the biggest language runtimes make 20 MB.
const COMPONENT_MAX: u64 = 128 << 20;

pub(super) fn read_component(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path)
        .map_err(|err| format!("cannot read `{}`: {err}", path.display()))?
        .len();
    if size > COMPONENT_MAX {
        return Err(format!(
            "`{}` has {size} bytes, more than {COMPONENT_MAX}",
            path.display()
        ));
    }
    fs::read(path).map_err(|err| format!("cannot read `{}`: {err}", path.display()))
}

pub(super) fn entry_spec(policy: &Policy) -> EntrySpec {
    let action = |action: &RuleAction| match action {
        RuleAction::Deny => Action::Deny,
        RuleAction::Warn => Action::Warn,
        RuleAction::Repair => Action::Repair,
        RuleAction::Off => Action::Off,
    };
    EntrySpec {
        name: policy.name.clone(),
        policy: policy.module.policy().to_owned(),
        settings: serde_json::Value::Object(policy.settings.clone()).to_string(),
        rules: policy
            .rules
            .iter()
            .map(|(rule, does)| (rule.clone(), action(does)))
            .collect(),
        patch: policy.grants.contains(&Grant::Patch),
        cluster: policy.grants.contains(&Grant::Cluster),
        budget: policy.grants.contains(&Grant::Budget),
    }
}

pub(super) fn engine_limits(limits: Limits) -> tollgate_engine::Limits {
    let Limits { time, memory } = limits;
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    tollgate_engine::Limits {
        time,
        memory,
        ..tollgate_engine::Limits::default()
    }
}

pub(super) fn engine_site(site: &Site) -> tollgate_engine::Site {
    tollgate_engine::Site {
        gpu_models: site.gpu_models.iter().map(ToString::to_string).collect(),
        mig_strategy: site
            .mig_strategy
            .map(|strategy| strategy.as_str().to_owned()),
        sharing: site.sharing.map(|sharing| sharing.as_str().to_owned()),
    }
}

/// What is wrong with the policies of a group, at their places.
pub(super) fn refused(group: &Group, err: LoadError) -> Vec<Diagnostic> {
    let LoadError::Entries { errors, policies } = err else {
        return vec![at_module(group, &full_message(&err))];
    };
    let at = |error: EntryError| {
        let policy = group.policies.get(error.entry)?;
        let exact = match error.field {
            "settings" => settings_errors(policy, &policies),
            _ => Vec::new(),
        };
        let message = format!("policy `{}`: {}", policy.name, error.message);
        let place = format!("/spec/{}", error.field);
        Some(match exact.is_empty() {
            true => vec![policy.origin.diagnostic(&place, message)],
            false => exact,
        })
    };
    errors.into_iter().filter_map(at).flatten().collect()
}

/// What the schema of a policy's settings says is wrong with them, each at its place: more than the policy's own
/// error tells, which is the first one only.
fn settings_errors(policy: &Policy, policies: &[PolicyInfo]) -> Vec<Diagnostic> {
    let info = policies
        .iter()
        .find(|info| info.name == policy.module.policy());
    let schema = info.and_then(|info| serde_json::from_str(&info.settings_schema).ok());
    schema.map_or_else(Vec::new, |schema| policy.check_settings(&schema))
}

pub(super) fn at_module(group: &Group, message: &str) -> Diagnostic {
    match group.policies.first() {
        Some(policy) => policy.origin.diagnostic(
            "/spec/module",
            format!("policy `{}`: {message}", policy.name),
        ),
        None => Diagnostic::of_file("configuration", message),
    }
}

/// An error with its causes in one line.
pub(super) fn full_message(err: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(err.source(), |err| err.source());
    causes.fold(err.to_string(), |text, cause| format!("{text}: {cause}"))
}
