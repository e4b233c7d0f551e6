use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollgate_catalog::{Configuration, Diagnostic, Resolved};

use super::{Key, Ledger, Standing, Version};

/// A ledger over the built-in policy `gpu-limits`, and what its last configuration was.
#[derive(Default)]
struct Bench {
    ledger: Ledger,
    /// Modules that cannot be loaded.
    broken: BTreeSet<String>,
    loads: usize,
}

fn key(name: &str) -> Key {
    Key {
        kind: "Policy",
        name: name.to_owned(),
    }
}

impl Bench {
    fn apply(&mut self, name: &str, generation: i64, spec: Value) -> bool {
        let uid = format!("uid of {name}");
        let version = Version {
            uid,
            generation,
            spec,
        };
        self.ledger.apply(key(name), version)
    }

    /// The policies in force as `name=module order`, in their order.
    fn settle(&mut self) -> Result<Vec<String>, Vec<String>> {
        let Self {
            ledger,
            broken,
            loads,
        } = self;
        let profile = Configuration::profile([("gpu-limits", 0)]);
        let load = async |resolved: Resolved| {
            *loads += 1;
            let broken = |policy: &&tollgate_catalog::document::Policy| {
                broken.contains(&policy.module.to_string())
            };
            let wrong: Vec<Diagnostic> = resolved
                .policies
                .iter()
                .filter(broken)
                .map(|policy| policy.origin.diagnostic("/spec/module", "cannot be read"))
                .collect();
            let names = resolved
                .policies
                .iter()
                .map(|policy| format!("{}={} {}", policy.name, policy.module, policy.order));
            match wrong.is_empty() {
                true => Ok(names.collect()),
                false => Err(wrong),
            }
        };
        let settled = ledger.settle(&profile, load);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let told = |wrong: Vec<Diagnostic>| wrong.iter().map(Diagnostic::to_string).collect();
        runtime.block_on(settled).map_err(told)
    }

    fn standing(&self, name: &str) -> Standing {
        self.ledger.standings().remove(&key(name)).unwrap()
    }
}

fn standing(generation: i64, in_force: Option<i64>, refused: Option<&str>) -> Standing {
    Standing {
        generation,
        in_force,
        refused: refused.map(str::to_owned),
    }
}

#[test]
fn objects_stand_over_the_profile() {
    let mut bench = Bench::default();
    assert_eq!(bench.settle().unwrap(), ["gpu-limits=builtin:gpu-limits 0"]);
    assert!(bench.apply("gpu-limits", 1, json!({"order": 3})));
    assert_eq!(bench.settle().unwrap(), ["gpu-limits=builtin:gpu-limits 3"]);
    assert_eq!(bench.standing("gpu-limits"), standing(1, Some(1), None));
}

#[test]
fn a_version_is_read_once() {
    let mut bench = Bench::default();
    assert!(bench.apply("gpu-limits", 1, json!({"order": 3})));
    assert!(!bench.apply("gpu-limits", 1, json!({"order": 3})));
    assert!(bench.apply("gpu-limits", 2, json!({"order": 4})));
}

#[test]
fn a_bad_version_is_refused_and_the_last_good_one_stays() {
    let mut bench = Bench::default();
    bench.apply("gpu-limits", 1, json!({"order": 3}));
    bench.settle().unwrap();
    bench.apply("gpu-limits", 2, json!({"order": "first"}));
    bench.apply("other", 1, json!({"module": "builtin:gpu-limits"}));
    assert_eq!(
        bench.settle().unwrap(),
        [
            "other=builtin:gpu-limits 0",
            "gpu-limits=builtin:gpu-limits 3"
        ],
        "the other is not touched"
    );
    let why = "/spec/order: expected a whole number, found the text `first`";
    assert_eq!(
        bench.standing("gpu-limits"),
        standing(2, Some(1), Some(why))
    );
    assert_eq!(bench.standing("other"), standing(1, Some(1), None));
}

#[test]
fn a_bad_first_version_leaves_the_profile_in_force() {
    let mut bench = Bench::default();
    bench.apply("gpu-limits", 1, json!({"mdoe": "off"}));
    assert_eq!(bench.settle().unwrap(), ["gpu-limits=builtin:gpu-limits 0"]);
    let standing = bench.standing("gpu-limits");
    assert_eq!(standing.in_force, None);
    let why = standing.refused.unwrap();
    assert!(
        why.starts_with("/spec/mdoe: unknown key `mdoe`; did you mean `mode`?"),
        "{why}"
    );
}

#[test]
fn a_component_that_cannot_be_loaded_is_refused_likewise() {
    let mut bench = Bench::default();
    bench.apply("mine", 1, json!({"module": "file:/a.wasm#a"}));
    bench.settle().unwrap();
    bench.broken.insert("file:/b.wasm#b".to_owned());
    bench.apply("mine", 2, json!({"module": "file:/b.wasm#b"}));
    bench.apply("gpu-limits", 1, json!({"order": -1}));
    assert_eq!(
        bench.settle().unwrap(),
        ["gpu-limits=builtin:gpu-limits -1", "mine=file:/a.wasm#a 0"]
    );
    assert_eq!(
        bench.standing("mine"),
        standing(2, Some(1), Some("/spec/module: cannot be read"))
    );
    assert_eq!(bench.standing("gpu-limits"), standing(1, Some(1), None));
}

#[test]
fn what_was_refused_is_not_loaded_again_until_it_is_tried_again() {
    let mut bench = Bench::default();
    bench.broken.insert("file:/b.wasm#b".to_owned());
    bench.apply("mine", 1, json!({"module": "file:/b.wasm#b"}));
    bench.settle().unwrap();
    bench.loads = 0;
    bench.settle().unwrap();
    assert_eq!(bench.loads, 1, "without `mine`");
    bench.broken.clear();
    assert!(bench.ledger.try_again());
    assert_eq!(bench.settle().unwrap().len(), 2);
    assert!(!bench.ledger.try_again());
}

#[test]
fn where_nothing_tells_whose_fault_it_is_the_new_versions_are_refused() {
    let mut bench = Bench::default();
    bench.apply("gpu-limits", 1, json!({"order": 1}));
    bench.settle().unwrap();
    let profile = Configuration::profile([("gpu-limits", 0)]);
    bench.apply("new", 1, json!({"module": "builtin:gpu-limits"}));
    let load = async |resolved: Resolved| match resolved.policies.len() {
        1 => Ok(()),
        _ => Err(vec![Diagnostic::of_file("default profile", "trapped")]),
    };
    let settled = bench.ledger.settle(&profile, load);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(settled).unwrap();
    assert_eq!(bench.standing("new"), standing(1, None, Some("trapped")));
    assert_eq!(bench.standing("gpu-limits"), standing(1, Some(1), None));
}

#[test]
fn where_nothing_can_be_loaded_nothing_changes() {
    let mut bench = Bench::default();
    bench.apply("mine", 1, json!({"module": "file:/a.wasm#a"}));
    bench.settle().unwrap();
    bench.broken.insert("file:/a.wasm#a".to_owned());
    bench.apply("gpu-limits", 1, json!({"order": 1}));
    assert_eq!(bench.settle().unwrap_err(), ["Policy/mine: cannot be read"]);
    assert_eq!(
        bench.standing("gpu-limits"),
        standing(1, None, Some("/spec/module: cannot be read"))
    );
    bench.broken.clear();
    bench.ledger.try_again();
    bench.settle().unwrap();
    assert_eq!(bench.standing("gpu-limits"), standing(1, Some(1), None));
}

#[test]
fn an_object_of_the_same_name_is_another_object() {
    let mut bench = Bench::default();
    bench.apply("gpu-limits", 1, json!({"order": 3}));
    bench.settle().unwrap();
    let version = Version {
        uid: "another".to_owned(),
        generation: 1,
        spec: json!({"order": "x"}),
    };
    assert!(bench.ledger.apply(key("gpu-limits"), version));
    assert_eq!(bench.settle().unwrap(), ["gpu-limits=builtin:gpu-limits 0"]);
    assert_eq!(bench.standing("gpu-limits").in_force, None);
}

#[test]
fn what_is_deleted_is_no_longer_in_force() {
    let mut bench = Bench::default();
    bench.apply("a", 1, json!({"module": "builtin:gpu-limits"}));
    bench.apply("b", 1, json!({"module": "builtin:gpu-limits"}));
    assert_eq!(bench.settle().unwrap().len(), 3);
    assert!(bench.ledger.delete(&key("a")));
    assert!(!bench.ledger.delete(&key("a")));
    assert!(bench.ledger.keep_only("Policy", &[]));
    assert!(!bench.ledger.keep_only("Policy", &[]));
    assert_eq!(bench.settle().unwrap(), ["gpu-limits=builtin:gpu-limits 0"]);
}

#[test]
fn a_file_must_be_named_by_its_whole_path() {
    let mut bench = Bench::default();
    bench.apply("mine", 1, json!({"module": "file:a.wasm#a"}));
    bench.settle().unwrap();
    let why = bench.standing("mine").refused.unwrap();
    assert!(
        why.starts_with("/spec/module: `a.wasm` counts from no folder in a cluster (mount"),
        "{why}"
    );
}
