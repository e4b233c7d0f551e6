use std::collections::BTreeSet;

use tollgate_admission::Kinds;

use super::*;

fn entry<'a>(entries: &'a [Entry], name: &str) -> &'a Entry {
    entries.iter().find(|entry| entry.name == name).unwrap()
}

fn condition_names(entry: &Entry) -> Vec<&str> {
    entry.conditions.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_kind_that_is_registered_has_one_entry() {
    let entries = validating(Kinds::builtin().rows(), &Interests::everything());
    let registered: Vec<_> = entries
        .iter()
        .filter(|entry| entry.name != "privileged.pods.tollgate.dev")
        .flat_map(|entry| &entry.rules)
        .flat_map(|rule| {
            rule.resources
                .iter()
                .map(|name| (rule.group.clone(), name.clone()))
        })
        .collect();
    let unique: BTreeSet<_> = registered.iter().collect();
    assert_eq!(unique.len(), registered.len(), "{registered:?}");
    for kind in Kinds::builtin().rows() {
        let there = registered.contains(&(kind.group.to_owned(), kind.plural.clone()));
        assert_eq!(there, kind.is_registered(), "{}", kind.kind);
    }
}

#[test]
fn names_are_unique_and_have_three_parts() {
    let entries = validating(Kinds::builtin().rows(), &Interests::everything());
    let names: BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names.len(), entries.len());
    for name in names {
        assert!(
            name.split('.').count() >= 3 && name.ends_with(".tollgate.dev"),
            "{name}"
        );
    }
}

#[test]
fn pods_are_mutated_when_they_are_new_and_an_accelerator_is_named() {
    let entries = mutating(Kinds::builtin().rows(), &Interests::everything());
    let [pods] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert!(!pods.fails);
    assert_eq!(pods.rules, [rule("", &["pods"], &["CREATE"])]);
    assert_eq!(
        condition_names(pods),
        ["not-a-mirror", "names-an-accelerator"]
    );
}

#[test]
fn privileged_pods_are_never_refused_for_want_of_an_answer() {
    let entries = validating(Kinds::builtin().rows(), &Interests::everything());
    assert!(entry(&entries, "pods.tollgate.dev").fails);
    let privileged = entry(&entries, "privileged.pods.tollgate.dev");
    assert!(!privileged.fails);
    assert!(condition_names(privileged).ends_with(&["is-privileged", "names-no-accelerator"]));
}

#[test]
fn resizes_and_ephemeral_containers_are_validated() {
    let entries = validating(Kinds::builtin().rows(), &Interests::everything());
    let rules = &entry(&entries, "pods.tollgate.dev").rules;
    assert!(rules.contains(&rule(
        "",
        &["pods/resize", "pods/ephemeralcontainers"],
        &["UPDATE"]
    )));
}

#[test]
fn only_what_interests_a_policy_is_registered() {
    let jobs = Interests {
        kinds: BTreeSet::from(["Job.batch".to_owned()]),
        ..Interests::everything()
    };
    let entries = validating(Kinds::builtin().rows(), &jobs);
    let resources: Vec<_> = entries
        .iter()
        .flat_map(|entry| &entry.rules)
        .flat_map(|rule| &rule.resources)
        .collect();
    assert_eq!(resources, ["jobs"]);
    assert!(mutating(Kinds::builtin().rows(), &jobs).is_empty());
    let checks = Interests {
        mutates: false,
        ..Interests::everything()
    };
    assert!(mutating(Kinds::builtin().rows(), &checks).is_empty());
}

/// The API server cannot see whether a scaler's target has accelerators.
#[test]
fn scalers_share_the_entry_that_admits_on_failure_and_is_asked_about_every_object() {
    let entries = validating(Kinds::builtin().rows(), &Interests::everything());
    let workloads = entry(&entries, "workloads.tollgate.dev");
    assert!(!workloads.fails);
    assert!(!condition_names(workloads).contains(&"names-an-accelerator"));
    let resources: Vec<_> = workloads
        .rules
        .iter()
        .flat_map(|rule| &rule.resources)
        .collect();
    for there in [
        "horizontalpodautoscalers",
        "nodepools",
        "resourceclaims",
        "trainjobs",
    ] {
        assert!(resources.iter().any(|name| *name == there), "{there}");
    }
    let all = format!("{entries:?}");
    for absent in [
        "servicemonitors",
        "configmaps",
        "clusterpolicies",
        "ec2nodeclasses",
        "resourcequotas",
    ] {
        assert!(!all.contains(absent), "{absent}");
    }
}

#[test]
fn kinds_without_pods_are_registered_only_where_a_policy_names_them() {
    let pods = Interests {
        kinds: BTreeSet::from(["pods".to_owned()]),
        ..Interests::everything()
    };
    let entries = validating(Kinds::builtin().rows(), &pods);
    assert!(!format!("{entries:?}").contains("nodepools"));
}

#[test]
fn who_scales_up_is_asked_about_where_budgets_apply_and_nowhere_else() {
    let named = |names: &[&str]| BudgetScope {
        namespaces: names.iter().map(|name| (*name).to_owned()).collect(),
        ..BudgetScope::default()
    };
    let scaling = |scopes: &[BudgetScope]| {
        let interests = Interests {
            budgeted: Budgeted::of(scopes.iter()),
            ..Interests::everything()
        };
        let entries = validating(Kinds::builtin().rows(), &interests);
        let mut entries = entries.into_iter();
        entries.find(|entry| entry.name == "scale.tollgate.dev")
    };
    assert_eq!(scaling(&[]), None);
    let entry = scaling(&[named(&["ml"]), named(&["ops", "ml"])]).unwrap();
    let namespaces = ["ml", "ops"].map(str::to_owned);
    assert_eq!(entry.namespaces, Some(BTreeSet::from(namespaces)));
    assert!(!entry.fails);
    let everywhere = [named(&["ml"]), BudgetScope::default()];
    assert_eq!(scaling(&everywhere).unwrap().namespaces, None);
    let resources: Vec<_> = entry
        .rules
        .iter()
        .flat_map(|rule| &rule.resources)
        .collect();
    assert_eq!(
        resources,
        [
            "deployments/scale",
            "statefulsets/scale",
            "leaderworkersets/scale"
        ]
    );
}
