//! No document with accelerators is passed over: what asks for one lies within a pod that the review lists, or its kind is
//! among those that make none, each with the reason.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tollgate_admission::Kinds;
use tollgate_catalog::yaml;
use tollgate_gpu::{Class, Place, lookup};
use tollgate_pipeline::{Outcome, report};

use super::{manifests, support};

/// Kinds that ask for accelerators and make no pods, and that nobody judges; with the reason.
const NO_WORKLOADS: [(&str, &str); 1] = [(
    "OpenModel.llmaz.io",
    "describes a model; what serves it makes the pods",
)];

/// The least of each that the corpus has, so that a reader that fails to find anything is noticed.
const LEAST: Seen = Seen {
    documents: 400,
    bearing: 200,
    pods: 200,
    refused: 0,
};

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    documents: usize,
    bearing: usize,
    pods: usize,
    refused: usize,
}

#[test]
fn no_document_with_accelerators_is_passed_over() {
    let (catalog, _) = support::load("", ".".as_ref());
    let mut seen = Seen::default();
    let mut refused = BTreeMap::<&str, usize>::new();
    let mut faults = Vec::new();
    for file in manifests() {
        for (place, object) in objects(&file, &mut faults) {
            seen.documents += 1;
            let kind = support::create(object.clone()).gvk.kind_dot_group();
            let devices = devices(&object);
            if devices.is_empty() || is_ours(&kind) {
                continue;
            }
            seen.bearing += 1;
            if let Some((known, _)) = NO_WORKLOADS.iter().find(|(known, _)| *known == kind) {
                *refused.entry(known).or_default() += 1;
                seen.refused += 1;
                continue;
            }
            let outcome = support::dry_run(&catalog, object);
            seen.pods += pods(&outcome).len();
            let is_passed_over = |path: &&String| !is_within(path, &kind, &outcome);
            let silent: Vec<_> = devices.iter().filter(is_passed_over).collect();
            if !silent.is_empty() {
                faults.push(format!("{place}: {kind} says nothing about {silent:?}"));
            }
        }
    }
    println!("{seen:?}");
    for (kind, why) in NO_WORKLOADS {
        let count = refused.get(kind).copied().unwrap_or_default();
        println!("{count:>6}  {kind}: {why}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    if super::index::folder().is_some() {
        let least = &LEAST;
        let is_enough = seen.documents >= least.documents
            && seen.bearing >= least.bearing
            && seen.pods >= least.pods;
        assert!(is_enough, "{seen:?} is less than {least:?}");
        for (kind, _) in NO_WORKLOADS {
            assert!(refused.contains_key(kind), "nothing is of {kind} any more");
        }
    }
}

/// Every TPU workload of the corpus has the chips of its topology, a group whose leader has none among them.
#[test]
fn every_tpu_workload_of_the_corpus_agrees_with_its_topology() {
    const TPU: &str = "google.com/tpu";
    let (catalog, _) = support::load("", ".".as_ref());
    let mut compared = 0;
    let mut wrong = Vec::new();
    let Some(corpus) = super::index::folder() else {
        println!("SKIPPED: there is no corpus beside the checkout");
        return;
    };
    for listed in super::index::read(&corpus) {
        let file = corpus.join(listed.file);
        for (place, object) in objects(&file, &mut wrong) {
            if !object.to_string().contains("gke-tpu-topology") {
                continue;
            }
            let outcome = support::dry_run(&catalog, object);
            let takes = |pod: &Value| pod["devices"].get(TPU).is_some();
            compared += usize::from(pods(&outcome).iter().any(takes));
            let found = outcome.findings.iter();
            let found = found.filter(|found| found.rule == "tpu-topology");
            wrong.extend(found.map(|found| format!("{place}: {}", found.message)));
        }
    }
    println!("{compared} workloads with TPUs and a topology");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 20, "{compared}");
}

/// Documents of a file; what cannot be read is a fault, unless no YAML was meant.
fn objects(file: &Path, faults: &mut Vec<String>) -> Vec<(String, Value)> {
    let name = file.display().to_string();
    let documents = yaml::documents(&name, &std::fs::read(file).unwrap());
    let mut objects = Vec::new();
    for document in documents {
        match document.content {
            Err(diagnostic) => faults.push(format!("{name} cannot be read: {diagnostic:?}")),
            Ok(value) if value["items"].is_array() => {
                let items = value["items"].as_array().into_iter().flatten();
                objects.extend(items.map(|item| (name.clone(), item.clone())));
            }
            Ok(value) if value["kind"].is_string() => objects.push((name.clone(), value)),
            Ok(value) if devices(&value).is_empty() => {}
            Ok(_) => faults.push(format!("{name} asks for devices and has no kind")),
        }
    }
    objects
}

/// Our own configuration, in golden cases.
fn is_ours(kind: &str) -> bool {
    kind.ends_with(".tollgate.dev")
}

/// Whether a place is read: within a pod that is listed, with devices where it is one that is counted, or in an object
/// that is judged for what it scales or supplies.
fn is_within(path: &str, kind: &str, outcome: &Outcome) -> bool {
    let rows = Kinds::builtin().rows().iter();
    let mut others = rows.filter(|row| !row.makes_pods());
    if others.any(|row| row.kind_dot_group() == kind) {
        return true;
    }
    let name = path.rsplit('/').next().unwrap().replace("~1", "/");
    let is_counted = lookup(&name)
        .is_some_and(|resource| matches!(resource.class, Class::Device | Class::Slice));
    // A repair may have given it another device.
    let takes = |pod: &&Value| {
        let devices = pod["devices"].as_object();
        !is_counted || devices.is_some_and(|devices| !devices.is_empty())
    };
    let pods = pods(outcome);
    let mut takers = pods.iter().filter(takes);
    takers.any(|pod| path.starts_with(pod["path"].as_str().unwrap()))
}

fn pods(outcome: &Outcome) -> Vec<Value> {
    let report = report(outcome);
    let pods = report.get("pods").and_then(Value::as_array);
    pods.cloned().unwrap_or_default()
}

/// The places in an object where a device is asked for.
fn devices(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    find("", object, &mut found);
    found
}

fn find(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}/{}", key.replace('/', "~1"));
                if is_amount(value) && Place::Resource.is_sign(key) && is_of_requirements(&path) {
                    found.push(path.clone());
                }
                find(&path, value, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find(&format!("{path}/{index}"), item, found);
            }
        }
        _ => {}
    }
}

/// Whether something is asked for: not where a template still has to be filled in, nor where it is nothing.
fn is_amount(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            text.starts_with(|first: char| first.is_ascii_digit()) && text != "0"
        }
        _ => false,
    }
}

/// Labels, selectors and annotations have keys of the same words.
fn is_of_requirements(path: &str) -> bool {
    let above = path.rsplit('/').nth(1).unwrap_or_default();
    let is_label = [
        "labels",
        "annotations",
        "nodeSelector",
        "matchLabels",
        "nodeLabels",
        "selector",
        "rayStartParams",
    ];
    !is_label.contains(&above)
}
