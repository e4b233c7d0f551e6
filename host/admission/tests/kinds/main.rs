//! Each row of the table of kinds, with a manifest and the pods that it makes. The manifests stand beside this file,
//! each followed by its pods: `ROLE COUNT × DEVICES at PATH`. `UPDATE_KINDS=1` records what is found.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test program"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Kinds, Operation, PodView, Request, Review};

const FILES: [&str; 5] = ["kubernetes", "training", "groups", "inference", "queues"];

#[test]
fn every_kind_makes_the_pods_that_are_written_beside_it() {
    let mut seen = BTreeSet::new();
    for name in FILES {
        let (file, text) = read(name);
        let mut found = String::new();
        for manifest in text.split("---\n").step_by(2) {
            let object: Value = serde_saphyr::from_str(manifest).unwrap();
            let review = review(object);
            seen.insert(review.request().gvk.kind_dot_group());
            let separator = if found.is_empty() { "" } else { "---\n" };
            write!(found, "{separator}{manifest}---\n{}", written(&review)).unwrap();
        }
        if std::env::var_os("UPDATE_KINDS").is_some() {
            fs::write(&file, &found).unwrap();
        } else {
            assert_eq!(found, text, "{}", file.display());
        }
    }
    let making = Kinds::builtin()
        .rows()
        .iter()
        .filter(|kind| kind.makes_pods());
    for kind in making {
        let name = kind.kind_dot_group();
        assert!(seen.contains(&name), "{name} has no manifest");
    }
}

/// Everything that policies ask of a pod is answered for each of them, and each place exists in its object.
#[test]
fn every_place_that_is_told_stands_in_the_object() {
    for name in FILES {
        let (_, text) = read(name);
        for manifest in text.split("---\n").step_by(2) {
            let review = review(serde_saphyr::from_str(manifest).unwrap());
            for pod in review.pods() {
                assert!(review.object().pointer(pod.path()).is_some(), "{manifest}");
                for container in pod.containers() {
                    for (name, _) in container.limits() {
                        let name = name.replace('/', "~1");
                        let limit = format!("{}/resources/limits/{name}", container.path());
                        let place = review.place(&limit);
                        let there = review.object().pointer(&place).is_some();
                        assert!(there, "{manifest} {place}");
                    }
                }
            }
        }
    }
}

fn read(name: &str) -> (PathBuf, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds");
    let file = folder.join(name).with_extension("yaml");
    let text = fs::read_to_string(&file).unwrap();
    (file, text)
}

fn review(object: Value) -> Review {
    let text = |field: &str| object[field].as_str().unwrap().to_owned();
    let gvk = GroupVersionKind::new(&text("apiVersion"), &text("kind"));
    let request = Request {
        uid: String::new(),
        operation: Operation::Create,
        gvk,
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
    Review::new(request, Kinds::builtin())
}

fn written(review: &Review) -> String {
    let lines: String = review.pods().map(line).collect();
    match lines.is_empty() {
        true => "pods: []\n".to_owned(),
        false => format!("pods:\n{lines}"),
    }
}

fn line(pod: PodView<'_>) -> String {
    let count = pod
        .count()
        .map_or("?".to_owned(), |count| count.to_string());
    let devices = pod.devices().into_iter();
    let devices: Vec<_> = devices
        .map(|(name, number)| format!("{number} {name}"))
        .collect();
    let devices = if devices.is_empty() {
        "nothing".to_owned()
    } else {
        devices.join(" and ")
    };
    let role = if pod.role().is_empty() {
        String::new()
    } else {
        format!("{} ", pod.role())
    };
    let at = if pod.path().is_empty() {
        "the root"
    } else {
        pod.path()
    };
    format!("- {role}{count} × {devices} at {at}\n")
}
