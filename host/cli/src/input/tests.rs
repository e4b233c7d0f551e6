use clap::Parser;
use tollgate_admission::{Operation, Request};

use super::*;
use crate::args::{Args, Command};

/// Reads a text as `tollgate review` does with these options.
fn items(options: &[&str], text: &str) -> Vec<Item> {
    let args = arguments(options);
    let asker = Asker::new(&args).unwrap();
    let documents = yaml::documents("in", text.as_bytes()).into_iter();
    let objects = documents.flat_map(|document| objects::of(document, text.as_bytes()));
    let mut items = objects.map(|object| asker.ask(object)).collect::<Vec<_>>();
    namespaces::label(&mut items);
    items
}

fn arguments(options: &[&str]) -> InputArgs {
    let line = [&["tollgate", "review", "in"], options].concat();
    match Args::try_parse_from(line).unwrap().command {
        Command::Review(args) => args.input,
        other => panic!("{other:?}"),
    }
}

fn requests(options: &[&str], text: &str) -> Vec<Request> {
    let request = |item: Item| match item.content {
        Content::Request(request) => *request,
        other => panic!("{other:?}"),
    };
    items(options, text).into_iter().map(request).collect()
}

/// In a word: the kind of a request, why something is skipped, what is wrong with it.
fn in_words(text: &str) -> Vec<String> {
    let word = |item: Item| match item.content {
        Content::Request(request) => request.gvk.kind,
        Content::Foreign(why) => why,
        Content::Unreadable(diagnostic) => diagnostic.to_string(),
    };
    items(&[], text).into_iter().map(word).collect()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ml}\n";

#[test]
fn an_object_is_asked_for_by_whoever_the_options_say() {
    let options = [
        "--user",
        "ben",
        "--group",
        "a",
        "--group",
        "b",
        "--operation",
        "update",
    ];
    let [request] = &requests(&options, POD)[..] else {
        panic!()
    };
    assert_eq!(
        (request.user.as_str(), &request.groups[..]),
        ("ben", &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(
        (request.operation, request.dry_run),
        (Operation::Update, true)
    );
    assert_eq!(
        (request.namespace.as_deref(), request.name.as_deref()),
        (Some("ml"), Some("a"))
    );
    assert_eq!(request.gvk.kind_dot_group(), "Pod");
}

#[test]
fn namespaces_are_those_of_objects_then_the_one_given_then_default() {
    let namespaces = |options: &[&str], text| {
        requests(options, text)
            .into_iter()
            .map(|request| request.namespace)
            .collect::<Vec<_>>()
    };
    let text = "{apiVersion: v1, kind: Pod, metadata: {namespace: ml}}\n---\n{apiVersion: v1, kind: Pod}\n---\n{apiVersion: v1, kind: Pod, metadata: {namespace: ''}}";
    let expected = |given: &str| {
        ["ml", given, given]
            .map(|name| Some(name.to_owned()))
            .to_vec()
    };
    assert_eq!(namespaces(&[], text), expected("default"));
    assert_eq!(namespaces(&["-n", "other"], text), expected("other"));
    let cluster_wide = "{apiVersion: v1, kind: Node}\n---\n{apiVersion: nvidia.com/v1, kind: ClusterPolicy, metadata: {namespace: x}}";
    assert_eq!(namespaces(&["-n", "other"], cluster_wide), [None, None]);
    assert_eq!(
        namespaces(&[], "{apiVersion: example.test/v1, kind: Node}"),
        [Some("default".to_owned())]
    );
}

#[test]
fn generated_names_count_by_what_they_begin_with() {
    let [request] = &requests(
        &[],
        "{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}",
    )[..] else {
        panic!()
    };
    assert_eq!(request.name.as_deref(), Some("a-"));
}

#[test]
fn what_goes_is_the_old_object() {
    let [request] = &requests(&["--operation", "delete"], POD)[..] else {
        panic!()
    };
    assert!(request.object.is_null());
    assert_eq!(
        request
            .old_object
            .as_ref()
            .and_then(|old| old.get("kind"))
            .and_then(|kind| kind.as_str()),
        Some("Pod")
    );
}

#[test]
fn what_is_among_the_old_objects_is_updated_and_the_rest_is_new() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, POD.replace("ml", "default") + "spec: {old: true}\n").unwrap();
    let old = file.path().to_str().unwrap();
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b}}\n---\n{apiVersion: apps/v1, kind: Pod, metadata: {name: a}}";
    let asked = |options: &[&str]| {
        requests(options, text)
            .into_iter()
            .map(|request| (request.operation, request.old_object.is_some()))
            .collect::<Vec<_>>()
    };
    use Operation::{Create, Update};
    assert_eq!(
        asked(&["--old", old]),
        [(Update, true), (Create, false), (Create, false)]
    );
    assert_eq!(
        asked(&["--old", old, "--operation", "update"]),
        [(Update, true), (Update, false), (Update, false)]
    );
}

#[test]
fn labels_of_namespaces_in_the_input_are_told() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {namespace: ml}}\n---\n{apiVersion: v1, kind: Pod}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: ml, labels: {team: a}}}";
    let [pod, other, _] = &requests(&[], text)[..] else {
        panic!()
    };
    let labels: Vec<_> = pod
        .namespace_labels
        .iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        labels,
        [("kubernetes.io/metadata.name", "ml"), ("team", "a")]
    );
    assert_eq!(other.namespace_labels, None);
}

#[test]
fn an_admission_review_brings_its_own_request() {
    let review = r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "namespace": "ml", "operation": "UPDATE", "userInfo": {"username": "ann"}, "object": {"a": 1}, "oldObject": {"a": 0}}}"#;
    let [request] = &requests(&["--user", "ben", "--operation", "create"], review)[..] else {
        panic!()
    };
    assert_eq!(
        (
            request.uid.as_str(),
            request.user.as_str(),
            request.operation
        ),
        ("u", "ann", Operation::Update)
    );
    assert_eq!(
        (
            request.gvk.kind_dot_group().as_str(),
            request.namespace.as_deref()
        ),
        ("Deployment.apps", Some("ml"))
    );
    assert!(request.old_object.is_some());
}

#[test]
fn admission_reviews_that_cannot_be_answered_are_unreadable() {
    let review = |rest: &str| {
        format!(r#"{{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"{rest}}}"#)
    };
    let cases = [
        ("", "has no request"),
        (
            r#", "request": {"uid": "", "kind": {"version": "v1", "kind": "Pod"}, "operation": "CREATE"}"#,
            "has no request",
        ),
        (
            r#", "request": {"uid": "u", "kind": {"version": "v1", "kind": "Pod"}, "operation": "APPLY"}"#,
            "`APPLY` is not an operation",
        ),
        (r#", "request": {"uid": "u"}"#, "missing field `kind`"),
        (r#", "request": 5"#, "invalid type"),
    ];
    for (rest, reason) in cases {
        let words = in_words(&review(rest));
        assert!(
            words.len() == 1 && words[0].contains(reason),
            "{words:?} {reason}"
        );
    }
    assert!(
        in_words(&review("").replace("/v1", "/v1beta1"))[0].contains("admission.k8s.io/v1beta1")
    );
}

#[test]
fn lists_are_taken_apart_at_any_depth() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- apiVersion: v1\n  kind: DeploymentList\n  items:\n  - metadata: {}\n  - {apiVersion: v1, kind: Service}\n- 5\n";
    assert_eq!(
        in_words(text),
        [
            "Pod",
            "Deployment",
            "Service",
            "not a Kubernetes object: it is a number"
        ]
    );
    let sources: Vec<_> = items(&[], text)
        .into_iter()
        .map(|item| item.source)
        .collect();
    assert_eq!(sources, ["in:4", "in:8", "in:9", "in:10"]);
}

#[test]
fn a_list_without_items_is_an_object() {
    assert_eq!(
        in_words("{apiVersion: v1, kind: AllowList, spec: {}}"),
        ["AllowList"]
    );
    assert_eq!(
        in_words("{apiVersion: v1, kind: PodList, items: {}}"),
        ["PodList"]
    );
    assert!(in_words("{apiVersion: v1, kind: PodList, items: null}").is_empty());
}

#[test]
fn items_keep_their_lines_in_every_style() {
    let cases = [
        (
            "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n{\"a\": 1},\n\n{\"b\": [\n2]}\n]}",
            [2, 4],
        ),
        (
            "\u{feff}kind: List\napiVersion: v1\nitems:\n\n  - a: 1\n\n  # between\n  -\n    b: 2\nmetadata: {}\n",
            [5, 9],
        ),
        (
            "# before\n---\nkind: List\napiVersion: v1\nitems: [a: 1,\n  b: 2]\n---\nlast: 1\n",
            [5, 6],
        ),
        // An alias stands for something before the list: the list has to do.
        (
            "kind: List\napiVersion: v1\nx: &x {a: 1}\nitems:\n- *x\n- b: 2\n",
            [1, 1],
        ),
    ];
    for (text, lines) in cases {
        let expected = lines.map(|line| format!("in:{line}"));
        let sources: Vec<_> = items(&[], text)
            .into_iter()
            .map(|item| item.source)
            .collect();
        assert_eq!(sources[..2], expected, "{text}");
    }
}

#[test]
fn what_is_no_object_is_skipped_with_the_reason() {
    let cases = [
        ("a: 1", "it has no apiVersion and kind"),
        ("kind: Pod", "it has no apiVersion"),
        ("apiVersion: v2\nname: chart", "it has no kind"),
        ("apiVersion: 1\nkind: []", "it has no apiVersion and kind"),
        ("words", "it is a text"),
        ("- a", "it is a list"),
        ("true", "it is a boolean"),
    ];
    for (text, why) in cases {
        assert_eq!(in_words(text), [format!("not a Kubernetes object: {why}")]);
    }
}

#[test]
fn a_document_that_cannot_be_read_does_not_hide_the_others() {
    let words = in_words(&format!("{POD}---\na: [\n---\n{POD}"));
    assert!(
        matches!(&words[..], [first, broken, last] if first == "Pod" && broken.starts_with("in:") && last == "Pod"),
        "{words:?}"
    );
}
