//! Every pod of the real manifests through the built-in policies: no fault, edits that apply, a quiet second pass,
//! unknown fields untouched. The manifests of the golden cases are always there; the corpus is read where it lies
//! beside the checkout, or where `TOLLGATE_CORPUS` says, and the test says which.

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

mod index;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod understood;
mod verdicts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tollgate_catalog::document::list_files;
use tollgate_catalog::{Catalog, yaml};
use tollgate_pipeline::{Outcome, Verdict, report};

/// What no policy knows, put where policies edit.
fn unknown() -> Value {
    json!({"z": [1, 2.50, "é", null, {"b": 1, "a": 18_446_744_073_709_551_615_u64}]})
}

#[test]
fn real_manifests_are_repaired_without_harm() {
    let (catalog, _) = support::load("", ".".as_ref());
    let (mut backwards, orders) = support::load("", ".".as_ref());
    support::turn_round(&mut backwards, &orders);
    let mut counts = BTreeMap::<String, usize>::new();
    let mut pods = 0;
    for file in manifests() {
        for pod in pods_of(&file) {
            pods += 1;
            let outcome = support::dry_run(&catalog, pod.clone());
            check(&file, &pod, &outcome);
            let again = support::dry_run(&catalog, outcome.object.clone());
            assert!(
                again.patch.is_empty(),
                "{}: a second pass changes {:?}",
                file.display(),
                again.patch
            );
            let turned = support::dry_run(&backwards, pod.clone());
            assert_eq!(
                support::essence(&turned),
                support::essence(&outcome),
                "{}: the order of policies matters",
                file.display()
            );
            let repeated = support::dry_run(&catalog, pod);
            assert_eq!(
                text(&repeated),
                text(&outcome),
                "{}: another run says otherwise",
                file.display()
            );
            count(&outcome, &mut counts);
        }
    }
    println!("{pods} pods; pods by rule:");
    counts
        .iter()
        .for_each(|(rule, count)| println!("{count:>6}  {rule}"));
    assert!(pods >= 10);
}

/// Whole objects, of every kind, as they stand in their files.
#[test]
fn real_objects_are_judged_without_fault() {
    let (catalog, _) = support::load("", ".".as_ref());
    let mut counts = BTreeMap::<String, usize>::new();
    let mut reviewed = 0;
    for file in manifests() {
        for object in objects_of(&file) {
            let outcome = support::dry_run(&catalog, object);
            let file = file.display();
            assert!(outcome.faults.is_empty(), "{file}: {:?}", outcome.faults);
            for finding in &outcome.findings {
                assert!(finding.fix.is_some(), "{file}: {finding:?}");
                assert!(finding.message.len() < 400, "{file}: {finding:?}");
            }
            reviewed += usize::from(!matches!(outcome.verdict, Verdict::Skipped(_)));
            count(&outcome, &mut counts);
        }
    }
    println!("{reviewed} objects; objects by rule:");
    counts
        .iter()
        .for_each(|(rule, count)| println!("{count:>6}  {rule}"));
    assert!(reviewed >= 10);
}

/// What each rule says on the corpus is written down, and every denial has been read.
#[test]
fn what_is_said_of_the_corpus_is_written_down() {
    let Some(corpus) = index::folder() else {
        println!("SKIPPED: there is no corpus beside the checkout");
        return;
    };
    let (catalog, _) = support::load("", ".".as_ref());
    let mut tally = table::Tally::default();
    for listed in index::read(&corpus) {
        let objects = objects_of(&corpus.join(&listed.file));
        // The documents of a file are applied together.
        let mut beside = tollgate_context::Builder::default();
        objects
            .iter()
            .cloned()
            .for_each(|object| beside.insert(object));
        catalog.context.store(beside.build());
        for object in objects {
            let outcome = support::dry_run(&catalog, object);
            tally.add(&listed.file, &outcome);
        }
        tally.files.push(listed);
    }
    tally.assert_verdicts();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/corpus.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, tally.document()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let is_current = written == tally.document();
    assert!(
        is_current,
        "docs/corpus.md is stale; `UPDATE_DOCS=1` writes it"
    );
}

fn objects_of(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).unwrap();
    let documents = yaml::documents(&file.display().to_string(), &bytes);
    let objects = documents
        .into_iter()
        .filter_map(|document| document.content.ok());
    objects
        .filter(|object| object["kind"].is_string())
        .collect()
}

/// Everything that the answer says, in its order.
fn text(outcome: &Outcome) -> String {
    Value::Object(report(outcome)).to_string()
}

/// The golden cases as they are configured: their own objects, not pods that are taken out of them.
#[test]
fn cases_do_not_depend_on_the_order_of_policies_nor_on_the_run() {
    let mut cases = 0;
    let (plain, orders) = support::load("", ".".as_ref());
    let (mut plain_backwards, _) = support::load("", ".".as_ref());
    support::turn_round(&mut plain_backwards, &orders);
    for folder in case_folders() {
        let read = |name: &str| fs::read_to_string(folder.join(name));
        let object: Value = serde_saphyr::from_str(&read("review.yaml").unwrap()).unwrap();
        match read("policies.yaml") {
            Err(_) => assert_settled(&folder, &object, &plain, &plain_backwards),
            // Hostile guests are no independent policies.
            Ok(policies) if policies.contains("file:") => continue,
            Ok(policies) => {
                let (mut catalog, orders) = support::load(&policies, &folder);
                let first = settled(&folder, &object, &catalog);
                support::turn_round(&mut catalog, &orders);
                let second = settled(&folder, &object, &catalog);
                let same = support::essence(&first) == support::essence(&second);
                assert!(same, "{}: the order of policies matters", folder.display());
            }
        }
        cases += 1;
    }
    assert!(cases >= 10, "only {cases} cases");
}

fn assert_settled(folder: &Path, object: &Value, forwards: &Catalog, backwards: &Catalog) {
    let [first, second] = [forwards, backwards].map(|catalog| settled(folder, object, catalog));
    assert_eq!(
        support::essence(&first),
        support::essence(&second),
        "{}: the order of policies matters",
        folder.display()
    );
}

/// The outcome, which is the same on every run, and is quiet on its own result.
fn settled(folder: &Path, object: &Value, catalog: &Catalog) -> Outcome {
    let outcome = support::dry_run(catalog, object.clone());
    let repeated = support::dry_run(catalog, object.clone());
    assert_eq!(text(&outcome), text(&repeated), "{}", folder.display());
    let again = support::dry_run(catalog, outcome.object.clone());
    assert!(
        again.patch.is_empty(),
        "{}: a second pass changes {:?}",
        folder.display(),
        again.patch
    );
    outcome
}

fn case_folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let reviews = list_files(&[root], &mut Vec::new()).into_iter();
    let reviews = reviews.filter(|file| file.file_name().is_some_and(|name| name == "review.yaml"));
    reviews
        .map(|file| file.parent().unwrap().to_owned())
        .collect()
}

fn check(file: &Path, pod: &Value, outcome: &Outcome) {
    assert!(
        outcome.faults.is_empty(),
        "{}: {:?}",
        file.display(),
        outcome.faults
    );
    support::assert_patch_applies(pod, outcome);
    for pointer in [
        "/x-unknown",
        "/metadata/x-unknown",
        "/spec/x-unknown",
        "/spec/containers/0/x-unknown",
    ] {
        assert_eq!(
            outcome.object.pointer(pointer),
            Some(&unknown()),
            "{} {pointer}",
            file.display()
        );
        let text = |value: &Value| value.pointer(pointer).unwrap().to_string();
        assert_eq!(text(&outcome.object), text(pod), "byte for byte");
    }
    // A message without a fix leaves its reader alone.
    for finding in &outcome.findings {
        assert!(
            !finding.message.is_empty() && finding.message.len() < 400,
            "{finding:?}"
        );
    }
}

fn count(outcome: &Outcome, counts: &mut BTreeMap<String, usize>) {
    let edits = outcome
        .patch
        .iter()
        .map(|applied| format!("repair {}/{}", applied.policy, applied.rule));
    let findings = outcome.findings.iter().map(|found| {
        format!(
            "{} {}/{}",
            found.severity.as_str(),
            found.policy,
            found.rule
        )
    });
    let rules: std::collections::BTreeSet<_> = edits.chain(findings).collect();
    rules
        .into_iter()
        .for_each(|rule| *counts.entry(rule).or_default() += 1);
}

/// What stands beside the object of a golden case.
const BESIDE: [&str; 3] = ["response.yaml", "policies.yaml", "state.yaml"];

fn manifests() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let cases = list_files(&[cases], &mut Vec::new());
    let is_beside = |file: &PathBuf| {
        let name = file.file_name();
        name.is_some_and(|name| BESIDE.iter().any(|beside| name == *beside))
    };
    let mut files: Vec<_> = cases.into_iter().filter(|file| !is_beside(file)).collect();
    match index::folder() {
        Some(corpus) => {
            println!("the corpus is there");
            let listed = index::read(&corpus);
            files.extend(listed.iter().map(|listed| corpus.join(&listed.file)));
        }
        None => println!(
            "SKIPPED: there is no corpus beside the checkout; the golden cases alone are read"
        ),
    }
    files
}

/// Every pod spec of a file's documents, wherever it stands, posed as a Pod.
fn pods_of(file: &Path) -> Vec<Value> {
    let bytes = fs::read(file).unwrap();
    let documents = yaml::documents(&file.display().to_string(), &bytes);
    let mut pods = Vec::new();
    documents
        .into_iter()
        .filter_map(|document| document.content.ok())
        .for_each(|value| find_pods(&value, &mut pods));
    pods
}

fn find_pods(value: &Value, pods: &mut Vec<Value>) {
    match value {
        Value::Object(map) => {
            let containers = map.get("containers").and_then(Value::as_array);
            if containers.is_some_and(|list| {
                list.first()
                    .is_some_and(|first| first.get("name").is_some() && first.is_object())
            }) {
                pods.push(pose(value));
            }
            map.values().for_each(|value| find_pods(value, pods));
        }
        Value::Array(items) => items.iter().for_each(|value| find_pods(value, pods)),
        _ => {}
    }
}

fn pose(spec: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "x-unknown": unknown(),
        "metadata": {"name": "posed", "namespace": "ml", "x-unknown": unknown()}, "spec": spec,
    });
    pod["spec"]["x-unknown"] = unknown();
    pod["spec"]["containers"][0]["x-unknown"] = unknown();
    pod
}
