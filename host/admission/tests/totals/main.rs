//! The devices of a pod are the most that it holds at any moment of its life, and its overhead: what the API calls its
//! effective request.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test program"
)]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};

/// Two devices, and what counts none.
const NAMES: [&str; 3] = ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "cpu"];

type Amounts = [u64; 3];

/// A container: what it asks for, and whether it restarts where it is an init container.
type Container = (Amounts, bool);

fn amounts() -> impl Strategy<Value = Amounts> {
    [0_u64..9, 0_u64..9, 0_u64..9]
}

fn resources(amounts: &Amounts) -> Value {
    let pairs = NAMES.iter().zip(amounts);
    pairs
        .map(|(name, amount)| ((*name).to_owned(), json!(amount.to_string())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn container(index: usize, (amounts, restarts): &Container) -> Value {
    let mut container =
        json!({"name": format!("c{index}"), "resources": {"limits": resources(amounts)}});
    if *restarts {
        container["restartPolicy"] = "Always".into();
    }
    container
}

fn pod(inits: &[Container], apps: &[Amounts], overhead: &Amounts) -> Value {
    let list = |containers: &[Container]| -> Vec<_> {
        let numbered = containers.iter().enumerate();
        numbered.map(|(index, one)| container(index, one)).collect()
    };
    let apps: Vec<_> = apps.iter().map(|amounts| (*amounts, false)).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"initContainers": list(inits), "containers": list(&apps), "overhead": resources(overhead)},
    })
}

/// Starts one container after the other, and keeps the most that was held at once.
fn most_held(inits: &[Container], apps: &[Amounts], overhead: &Amounts, resource: usize) -> u64 {
    let (mut staying, mut most) = (overhead[resource], 0);
    for (amounts, restarts) in inits {
        let with_it = staying + amounts[resource];
        most = most.max(with_it);
        if *restarts {
            staying = with_it;
        }
    }
    let running: u64 = apps.iter().map(|amounts| amounts[resource]).sum();
    most.max(staying + running)
}

fn devices(object: Value) -> BTreeMap<String, u64> {
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new("v1", "Pod"),
        subresource: None,
        resource: None,
        namespace: None,
        name: None,
        user: String::new(),
        groups: Vec::new(),
        dry_run: false,
        namespace_labels: None,
        object,
        old_object: None,
    };
    let review = Review::new(request, Kinds::builtin());
    let pod = review.pods().next().unwrap();
    pod.devices().into_iter().collect()
}

proptest! {
    #[test]
    fn devices_are_the_effective_request(
        inits in vec((amounts(), any::<bool>()), 0..5),
        apps in vec(amounts(), 1..4),
        overhead in amounts(),
    ) {
        let found = devices(pod(&inits, &apps, &overhead));
        for (resource, name) in NAMES.iter().enumerate() {
            let expected = match *name {
                "cpu" => 0,
                _ => most_held(&inits, &apps, &overhead, resource),
            };
            prop_assert_eq!(found.get(*name).copied().unwrap_or(0), expected, "{}", name);
        }
    }
}
