use std::path::Path;

use super::*;
use crate::document::Configuration;

fn read(spec: &str) -> Result<Kind, Vec<String>> {
    let text = format!(
        "apiVersion: tollgate.dev/v1alpha1\nkind: WorkloadKind\nmetadata: {{name: own}}\nspec: {spec}\n"
    );
    let told = |wrong: Vec<crate::Diagnostic>| -> Vec<String> {
        let told = wrong.into_iter();
        told.map(|one| format!("{}:{} {}", one.line, one.column, one.message))
            .collect()
    };
    let configuration =
        Configuration::parse("kind.yaml", text.as_bytes(), Path::new("")).map_err(told)?;
    let resolved = configuration.resolve().map_err(told)?;
    let kind = resolved.kinds.find("batch.example.com", "TrainingRun");
    Ok(kind.expect("the kind is in the table").clone())
}

#[test]
fn a_document_adds_a_row_to_the_table() {
    let kind = read(
        "{group: batch.example.com, kind: TrainingRun, webhook: fail, pods: [{path: /spec/roles/*/template, \
         role: main, replicas: '/spec/roles/*/replicas or 1'}]}",
    );
    let kind = kind.unwrap();
    assert_eq!(kind.plural, "trainingruns");
    assert_eq!(kind.treatment, Treatment::Fail);
    let [pods] = kind.pods.as_slice() else {
        panic!("{kind:?}")
    };
    assert_eq!(pods.path, "/spec/roles/*/template");
    assert_eq!(
        pods.count,
        Count::parse("/spec/roles/*/replicas or 1").unwrap()
    );
}

#[test]
fn what_is_not_given_is_as_written_in_the_schema() {
    let kind = read(
        "{group: batch.example.com, kind: TrainingRun, plural: runs, pods: [{path: /spec/pod, holds: spec, \
         metadata: /spec}]}",
    );
    let kind = kind.unwrap();
    assert_eq!(
        (kind.plural.as_str(), kind.treatment),
        ("runs", Treatment::Ignore)
    );
    assert_eq!(
        kind.pods,
        [PodPath {
            path: "/spec/pod".to_owned(),
            holds: admission::Holds::Spec {
                metadata: Some("/spec".to_owned())
            },
            role: String::new(),
            count: Count::UNKNOWN,
            is_whole: true,
        }]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let wrong = |spec: &str| read(spec).unwrap_err().join("; ");
    for (spec, told) in [
        (
            "{group: batch.example.com, kind: TrainingRun, pods: []}",
            "a list of at least 1 is needed",
        ),
        (
            "{group: apps, kind: Deployment, pods: [{path: /spec/template}]}",
            "4:27 `Deployment` is a kind of Kubernetes itself, which is known",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, pods: [{path: spec}]}",
            "`spec` is no JSON pointer",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, pods: [{path: /spec/a, replica: 1}]}",
            "did you mean `replicas`?",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, pods: [{path: /spec/a, replicas: 2 *}]}",
            "`2 *` is no number of pods: the end is no number, JSON pointer, `min(`, `div(`, `if(`, `item(` or `unknown` at character 4",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, pods: [{path: /spec/a, replicas: /spec/*/n}]}",
            "it has a pointer with 1 `*`, and `path` has 0",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, pods: [{path: /spec/a, metadata: /spec}]}",
            "only a bare `spec` has its labels and annotations elsewhere",
        ),
        (
            "{group: batch.example.com, kind: TrainingRun, webhook: fail, pods: [{path: /spec/a, holds: spec}]}",
            "the API server cannot tell which of these objects have accelerators",
        ),
    ] {
        let found = wrong(spec);
        assert!(found.contains(told), "{spec}: {found}");
    }
}

#[test]
fn a_kind_has_one_document() {
    let document = |name: &str| {
        format!(
            "---\napiVersion: tollgate.dev/v1alpha1\nkind: WorkloadKind\nmetadata: {{name: {name}}}\n\
             spec: {{group: example.com, kind: Run, pods: [{{path: /spec/template}}]}}\n"
        )
    };
    let text = document("a") + &document("b");
    let configuration = Configuration::parse("kind.yaml", text.as_bytes(), Path::new("")).unwrap();
    let wrong = configuration.resolve().unwrap_err();
    assert_eq!(
        wrong[0].message,
        "`Run.example.com` is described by `a` already"
    );
}
