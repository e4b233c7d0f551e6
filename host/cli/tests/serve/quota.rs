//! A budget of whole GPUs in one namespace lets in what a ResourceQuota of `requests.nvidia.com/gpu` would: the same as in
//! a cluster is shown by `budgets::quota` there, for one long sequence.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::budgets::{config, delete, pod};
use crate::server::Server;

/// What the budget of the configuration has.
const AMOUNT: u64 = 5;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// Pods that ask for GPUs: of each container, and of each init container.
    Create {
        containers: Vec<u64>,
        before: Vec<u64>,
    },
    /// One of those that are live.
    Delete(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let create = (
        prop::collection::vec(0_u64..4, 1..4),
        prop::collection::vec(0_u64..4, 0..3),
    );
    let create = create.prop_map(|(containers, before)| Step::Create { containers, before });
    let delete = any::<prop::sample::Index>().prop_map(Step::Delete);
    prop::collection::vec(prop_oneof![3 => create, 2 => delete], 1..40)
}

/// What a quota counts: all containers together, or the largest that runs before them.
fn requests(containers: &[u64], before: &[u64]) -> u64 {
    let largest = before.iter().copied().max().unwrap_or_default();
    containers.iter().sum::<u64>().max(largest)
}

fn asking(uid: &str, containers: &[u64], before: &[u64]) -> Value {
    let mut pod = pod(uid);
    let container = |kind: &str, (number, gpus): (usize, &u64)| {
        let mut limits = json!({"memory": "8Gi"});
        if *gpus > 0 {
            limits["nvidia.com/gpu"] = gpus.to_string().into();
        }
        json!({"name": format!("{kind}{number}"), "image": "a:1", "resources": {"limits": limits}})
    };
    let all = |kind: &str, gpus: &[u64]| -> Value {
        let numbered = gpus.iter().enumerate();
        numbered.map(|each| container(kind, each)).collect()
    };
    pod["spec"]["containers"] = all("c", containers);
    pod["spec"]["initContainers"] = all("i", before);
    pod
}

#[test]
fn a_budget_of_whole_gpus_admits_and_denies_what_a_resource_quota_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Some(&config(folder.path())));
    let mut runner = TestRunner::new(Config::with_cases(200));
    let number = std::cell::Cell::new(0_u32);
    let compared = runner.run(&steps(), |steps| {
        let mut live = Vec::<(String, u64)>::new();
        for step in steps {
            match step {
                Step::Create { containers, before } => {
                    number.set(number.get() + 1);
                    let uid = number.get().to_string();
                    let wanted = requests(&containers, &before);
                    let used: u64 = live.iter().map(|(_, gpus)| gpus).sum();
                    // A quota refuses what asks for nothing of it never, however full it is.
                    let fits = wanted == 0 || used + wanted <= AMOUNT;
                    let pod = asking(&uid, &containers, &before);
                    let answer = server.ask("validate", &pod);
                    prop_assert_eq!(&answer["allowed"], &Value::from(fits), "{}", answer);
                    if fits {
                        live.push((uid, wanted));
                    } else {
                        let said = answer["status"]["message"].to_string();
                        prop_assert!(said.contains("budget `research`"), "{}", said);
                    }
                }
                Step::Delete(index) if !live.is_empty() => {
                    let (uid, _) = live.remove(index.index(live.len()));
                    delete(&server, &uid);
                }
                Step::Delete(_) => {}
            }
        }
        for (uid, _) in live {
            delete(&server, &uid);
        }
        Ok(())
    });
    compared.unwrap();
    server.stop();
}
