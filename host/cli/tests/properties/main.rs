//! Properties of reviews of generated pods by the built-in policies.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

#[path = "../support/mod.rs"]
mod support;

mod generate;
mod server_rules;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use tollgate_catalog::Catalog;
use tollgate_pipeline::{Outcome, report};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| support::catalog(""));

/// The same policies, those of the same order turned round. What has another order depends on it: a rename of a
/// resource comes before what reads it.
static BACKWARDS: LazyLock<Catalog> = LazyLock::new(|| {
    let document = |(rank, (name, order)): (usize, &(&str, i32))| {
        let order = order * 100 + i32::try_from(rank).unwrap();
        format!(
            "apiVersion: tollgate.dev/v1alpha1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {{order: {order}}}\n---\n"
        )
    };
    let mut policies = tollgate_builtin::POLICIES;
    policies.sort_unstable();
    support::catalog(
        &policies
            .iter()
            .rev()
            .enumerate()
            .map(document)
            .collect::<String>(),
    )
});

/// The parts of a pod that the built-in policies say that they edit.
const EDITED: [&str; 6] = [
    "tolerations",
    "volumes",
    "volumeMounts",
    "resources",
    "env",
    "securityContext",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn patches_apply_and_touch_only_what_policies_say(pod in generate::pod()) {
        let outcome = support::dry_run(&CATALOG, pod.clone());
        prop_assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
        for op in support::assert_patch_applies(&pod, &outcome) {
            let path = op["path"].as_str().unwrap();
            prop_assert!(path.split('/').any(|part| EDITED.contains(&part)), "{path}");
        }
    }

    #[test]
    fn a_second_run_changes_nothing(pod in generate::pod()) {
        let once = support::dry_run(&CATALOG, pod);
        let twice = support::dry_run(&CATALOG, once.object.clone());
        prop_assert!(twice.patch.is_empty(), "{:?}", twice.patch);
        prop_assert_eq!(twice.object, once.object);
    }

    #[test]
    fn the_order_of_policies_does_not_matter(pod in generate::pod()) {
        let forwards = support::dry_run(&CATALOG, pod.clone());
        let backwards = support::dry_run(&BACKWARDS, pod);
        prop_assert_eq!(&forwards.object, &backwards.object);
        prop_assert_eq!(findings(&forwards), findings(&backwards));
    }

    #[test]
    fn the_api_server_takes_what_is_allowed(pod in generate::pod()) {
        let wrong_before = server_rules::violations(&pod);
        let outcome = support::dry_run(&CATALOG, pod);
        if outcome.verdict.is_allowed() {
            let wrong: Vec<_> = server_rules::violations(&outcome.object);
            prop_assert!(wrong.iter().all(|wrong| wrong_before.contains(wrong)), "{wrong:?}");
        }
    }

    #[test]
    fn the_same_request_gives_the_same_bytes(pod in generate::pod()) {
        let bytes = |pod: &Value| Value::Object(report(&support::dry_run(&CATALOG, pod.clone()))).to_string();
        prop_assert_eq!(bytes(&pod), bytes(&pod));
    }
}

fn findings(outcome: &Outcome) -> BTreeSet<String> {
    outcome
        .findings
        .iter()
        .map(|finding| format!("{} {}", finding.severity.as_str(), finding.line()))
        .collect()
}
