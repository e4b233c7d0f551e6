use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use super::Configuration;
use crate::{
    diagnostic::Diagnostic,
    document::{Grant, Isolation, Mode, OnFault, Resolved, RuleAction, Sharing},
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn parse(text: &str) -> Result<Configuration, Vec<String>> {
    let told = |wrong: Vec<Diagnostic>| wrong.iter().map(Diagnostic::to_string).collect();
    Configuration::parse("f", text.as_bytes(), Path::new("")).map_err(told)
}

/// What is wrong with a document, without the name of its file.
fn wrong(text: &str) -> Vec<String> {
    let wrong = parse(text).err().unwrap_or_default();
    wrong
        .into_iter()
        .map(|diagnostic| diagnostic.strip_prefix("f:").unwrap().to_owned())
        .collect()
}

fn policy(spec: &str) -> String {
    format!("apiVersion: tollgate.dev/v1alpha1\nkind: Policy\nmetadata: {{name: a}}\nspec:\n{spec}")
}

/// What is wrong with a policy's spec, which begins in line 5.
fn wrong_spec(spec: &str) -> Vec<String> {
    wrong(&policy(spec))
}

fn profile() -> Configuration {
    Configuration::profile([("shared-memory", 0), ("gpu-tolerations", 0)])
}

fn resolved(text: &str) -> Resolved {
    parse(text).unwrap().over(profile()).resolve().unwrap()
}

#[test]
fn the_profile_alone_is_a_configuration() {
    let resolved = profile().resolve().unwrap();
    let names: Vec<_> = resolved
        .policies
        .iter()
        .map(|policy| policy.name.as_str())
        .collect();
    assert_eq!(names, ["gpu-tolerations", "shared-memory"]);
    let [first, _] = &resolved.policies[..] else {
        panic!()
    };
    assert_eq!(first.module.to_string(), "builtin:gpu-tolerations");
    assert_eq!(
        (first.mode, first.on_fault, first.order),
        (Mode::Enforce, OnFault::Refuse, 0)
    );
    assert_eq!(
        (first.limits.time, first.limits.memory),
        (Duration::from_millis(50), 16 << 20)
    );
    assert_eq!(first.isolation, Isolation::Bundle);
    assert_eq!(first.grants, [Grant::Cluster].into());
    assert!(first.settings.is_empty() && first.rules.is_empty());
    assert_eq!(first.origin.file(), "default profile");
}

#[test]
fn a_folder_is_read_over_the_profile() {
    let house = Configuration::read(&[fixtures().join("house")]).unwrap();
    let Resolved {
        policies,
        site,
        namespaces,
        ..
    } = house.over(profile()).resolve().unwrap();
    let [tolerations, memory, label] = &policies[..] else {
        panic!("{policies:?}")
    };

    assert_eq!(tolerations.module.to_string(), "builtin:gpu-tolerations");
    assert_eq!(
        tolerations.settings["extraKeys"],
        json!([{"key": "sku", "value": "gpu"}])
    );
    assert_eq!(tolerations.rules["untaken-toleration"], RuleAction::Off);
    assert_eq!(memory.mode, Mode::Off);

    assert_eq!(label.name, "team-label");
    let wasm = fixtures().join("house/team-label.wasm");
    assert_eq!(
        label.module.to_string(),
        format!("file:{}#team-label", wasm.display())
    );
    assert_eq!(
        (label.order, label.mode, label.on_fault),
        (10, Mode::Warn, OnFault::Admit)
    );
    assert_eq!(label.matching.namespaces, ["ml", "ml-training"]);
    assert_eq!(
        label.matching.kinds[1].to_string(),
        "PyTorchJob.kubeflow.org"
    );
    assert_eq!(
        label
            .grants
            .iter()
            .map(|grant| grant.as_str())
            .collect::<Vec<_>>(),
        ["cluster", "budget"]
    );
    assert_eq!(
        (label.limits.time, label.limits.memory),
        (Duration::from_millis(100), 32 << 20)
    );
    assert_eq!(label.isolation, Isolation::Policy);
    assert_eq!(label.origin.line(), 19);
    let refused = label
        .origin
        .diagnostic("/spec/settings/label", "no such label");
    assert_eq!(
        refused.to_string(),
        format!(
            "{}:40:21: no such label",
            fixtures().join("house/policies.yaml").display()
        )
    );

    assert_eq!(
        site.platforms()
            .map(|platform| platform.name)
            .collect::<Vec<_>>(),
        ["gpu-operator", "gke"]
    );
    assert_eq!(
        site.models().map(|model| model.id).collect::<Vec<_>>(),
        ["A100-40GB", "H100-80GB"]
    );
    assert_eq!(site.sharing, Some(Sharing::TimeSlicing));
    assert_eq!(namespaces.labels_of("ml").unwrap()["team"], "ml");
    assert!(namespaces.labels_of("web").unwrap().is_empty());
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let folder = fixtures().join("wrong");
    let wrong = Configuration::read(std::slice::from_ref(&folder)).unwrap_err();
    let prefix = format!("{}/", folder.display());
    let told: Vec<_> = wrong
        .iter()
        .map(|diagnostic| diagnostic.to_string().replace(&prefix, ""))
        .collect();
    assert_eq!(
        told,
        [
            "policies.yaml:4:9: `Team Label` is no name of an object",
            "policies.yaml:6:3: unknown key `modul`; did you mean `module`?",
            "policies.yaml:7:10: expected a whole number, found the text `first`",
            "policies.yaml:8:9: unknown word `enforced`; did you mean `enforce`?",
            "policies.yaml:10:11: `1m` is no time",
            "policies.yaml:11:13: `128Mi` is out of range: `1Mi` to `64Mi` are accepted",
            "policies.yaml:13:13: there is no `Deployment` in the core group",
            "policies.yaml:13:25: `pod` is no kind; did you mean `Pod`?",
            "policies.yaml:14:17: a list of at least 1 is needed",
            "policies.yaml:15:3: unknown key `setings`; did you mean `settings`?",
            "policies.yaml:21:10: a key must be text, not a mapping",
            "policies.yaml:27:12: unknown platform `gpu-operater`; did you mean `gpu-operator`?",
            "policies.yaml:28:15: `A100` may be several GPU models",
            "twice.yaml:8:18: the policy `a` is given twice, first in twice.yaml:1",
        ]
    );
    let hint = |index: usize| wrong[index].hint.as_deref();
    assert_eq!(
        hint(3),
        Some("accepted are `enforce`, `warn`, `observe`, `off`")
    );
    assert_eq!(hint(6), Some("write `Deployment.apps`"));
    assert_eq!(
        hint(10),
        Some(
            "it looks like a template: render it first, as in `helm template CHART | tollgate review -`"
        )
    );
    assert_eq!(hint(12), Some("write one of `A100-40GB`, `A100-80GB`"));
    let excerpt = wrong[1].excerpt.as_ref().unwrap();
    assert_eq!(&excerpt.line[excerpt.marked.clone()], "modul");
}

#[test]
fn what_cannot_be_read_is_told_with_the_rest() {
    let paths = [
        fixtures().join("missing.yaml"),
        fixtures().join("wrong/twice.yaml"),
    ];
    let wrong = Configuration::read(&paths).unwrap_err();
    assert_eq!(wrong.len(), 2);
    assert!(
        wrong[0]
            .to_string()
            .ends_with("missing.yaml: cannot be read: No such file or directory (os error 2)")
    );
}

#[test]
fn a_document_changes_only_what_it_gives() {
    let base = policy(
        "  module: builtin:a\n  order: 3\n  limits: {time: 1s, memory: 32Mi}\n  grants: [patch]\n  settings: {x: {deep: 1}, z: 2}\n  rules: {r: deny, s: warn}\n  match: {kinds: [Pod], operations: [CREATE]}\n",
    );
    let top = policy(
        "  mode: observe\n  limits: {time: 2s}\n  grants: [cluster]\n  settings: {x: {other: 1}}\n  rules: {r: off}\n  match: {namespaces: [ml]}\n",
    );
    let merged = parse(&top)
        .unwrap()
        .over(parse(&base).unwrap())
        .resolve()
        .unwrap()
        .policies
        .remove(0);
    assert_eq!(merged.module.to_string(), "builtin:a");
    assert_eq!((merged.order, merged.mode), (3, Mode::Observe));
    assert_eq!(
        (merged.limits.time, merged.limits.memory),
        (Duration::from_secs(2), 32 << 20)
    );
    assert_eq!(
        merged.settings,
        *json!({"x": {"other": 1}, "z": 2}).as_object().unwrap()
    );
    assert_eq!(
        merged.rules.into_iter().collect::<Vec<_>>(),
        [
            ("r".to_owned(), RuleAction::Off),
            ("s".to_owned(), RuleAction::Warn)
        ]
    );
    assert_eq!(
        merged.grants.into_iter().collect::<Vec<_>>(),
        [Grant::Cluster]
    );
    assert_eq!(merged.matching.namespaces, ["ml"]);
    assert!(merged.matching.kinds.is_empty());
}

#[test]
fn another_policy_leaves_the_profile_as_it_is() {
    let resolved = resolved(&policy("  module: builtin:a\n  order: -1\n"));
    let names: Vec<_> = resolved
        .policies
        .iter()
        .map(|policy| policy.name.as_str())
        .collect();
    assert_eq!(names, ["a", "gpu-tolerations", "shared-memory"]);
    assert!(
        resolved
            .policies
            .iter()
            .all(|policy| policy.mode == Mode::Enforce)
    );
}

#[test]
fn a_policy_that_is_not_of_the_profile_needs_a_module() {
    let text = policy("  mode: off\n").replace("name: a", "name: gpu-toleration");
    let wrong = parse(&text).unwrap().over(profile()).resolve().unwrap_err();
    let [wrong] = &wrong[..] else { panic!() };
    assert_eq!(
        wrong.to_string(),
        "f:3:18: `gpu-toleration` is no policy of the profile, and gives no `module`; did you mean `gpu-tolerations`?"
    );
    assert_eq!(
        wrong.hint.as_deref(),
        Some("a policy of your own needs `spec.module`")
    );
}

#[test]
fn off_needs_no_quotes() {
    for off in ["off", "'off'", "\"off\""] {
        let read = resolved(&policy(&format!(
            "  module: builtin:a\n  mode: {off}\n  rules: {{r: {off}}}\n"
        )));
        assert_eq!(
            (read.policies[0].mode, read.policies[0].rules["r"]),
            (Mode::Off, RuleAction::Off)
        );
    }
    assert_eq!(
        wrong_spec("  mode: on\n"),
        ["5:9: expected a word, found `true`"]
    );
}

#[test]
fn wrong_types_say_what_was_expected() {
    for (spec, expected) in [
        (
            "  order: 1.5\n",
            "5:10: expected a whole number, found the number `1.5`",
        ),
        (
            "  settings: [a]\n",
            "5:13: expected a mapping, found a list",
        ),
        (
            "  grants: patch\n",
            "5:11: expected a list, found the text `patch`",
        ),
        (
            "  grants: [patches]\n",
            "5:12: unknown word `patches`; did you mean `patch`?",
        ),
        (
            "  match: {namespaces: [1]}\n",
            "5:24: expected text, found the number `1`",
        ),
        (
            "  match: {operations: [DELETE]}\n",
            "5:24: unknown word `DELETE`",
        ),
        (
            "  match: {namespaceSelector: {matchLabels: {team: yes}}}\n",
            "5:51: expected text, found `true`",
        ),
        (
            "  limits: {time: 50}\n",
            "5:18: expected text, found the number `50`",
        ),
        ("  module: gpu-limits\n", "5:11: `gpu-limits` is no module"),
        ("  rules: {a: refuse}\n", "5:14: unknown word `refuse`"),
        ("  rules: [a]\n", "5:10: expected a mapping, found a list"),
        (
            "  isolation: Bundle\n",
            "5:14: unknown word `Bundle`; did you mean `bundle`?",
        ),
        (
            "  order: 3000000000\n",
            "4:1: invalid value: integer `3000000000`, expected i32",
        ),
    ] {
        assert_eq!(wrong_spec(spec), [expected], "{spec}");
    }
}

#[test]
fn a_key_without_a_value_is_as_if_not_given() {
    let read = resolved(&policy(
        "  module: builtin:a\n  mode:\n  settings: ~\n  limits: {time: }\n  grants: null\n",
    ));
    assert_eq!(read.policies[0].limits.time, Duration::from_millis(50));
}

#[test]
fn selectors_are_checked() {
    assert_eq!(
        wrong_spec(
            "  match:\n    namespaceSelector:\n      matchExpressions:\n      - {key: a, operator: In}\n      - {key: b, operator: Exists, values: [c]}\n    podSelector: {matchExpressions: [{key: c, operator: Has}]}\n"
        ),
        ["10:57: unknown word `Has`"]
    );
    assert_eq!(
        wrong_spec(
            "  match:\n    namespaceSelector:\n      matchExpressions:\n      - {key: a, operator: In}\n      - {key: b, operator: Exists, values: [c]}\n"
        ),
        [
            "8:28: `In` and `NotIn` need `values`",
            "9:28: `Exists` and `DoesNotExist` take no `values`"
        ]
    );
}

#[test]
fn modules_of_registries_come_later() {
    let digest = "a".repeat(64);
    assert_eq!(
        wrong_spec(&format!(
            "  module: oci://registry.example/p@sha256:{digest}#x\n"
        )),
        ["5:11: policies from registries (`oci://`) are not supported by this version yet"]
    );
}

#[test]
fn what_is_missing_is_told_at_what_misses_it() {
    let head = "apiVersion: tollgate.dev/v1alpha1\nkind: Policy\n";
    assert_eq!(
        wrong(head),
        [
            "1:1: the key `metadata` is missing",
            "1:1: the key `spec` is missing"
        ]
    );
    assert_eq!(
        wrong(&format!("{head}metadata: {{}}\nspec: {{}}\n")),
        ["3:1: the key `name` is missing"]
    );
    assert_eq!(
        wrong(&format!(
            "{head}metadata: {{name: a}}\nspec: {{}}\nstatus: {{}}\nsepc: {{}}\n"
        )),
        ["6:1: unknown key `sepc`; did you mean `spec`?"]
    );
    assert_eq!(
        wrong("apiVersion: v1\nkind: Namespace\nmetadata: {labels: {a: 1}}\n"),
        [
            "3:1: the key `name` is missing",
            "3:24: expected text, found the number `1`"
        ]
    );
}

#[test]
fn what_kubectl_shows_can_be_given_back() {
    let text = policy("  module: builtin:a\n").replace(
        "{name: a}",
        "{name: a, uid: x, generation: 2, creationTimestamp: 2026-11-23T00:00:00Z, managedFields: [], annotations: {b: c}}",
    );
    assert!(parse(&format!("{text}status: {{ready: true}}\n")).is_ok());
    let indented = text.replace('\n', "\n  ").trim_end().to_owned();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {indented}\n");
    assert_eq!(parse(&list).unwrap().policies["a"].origin.line(), 4);
    let twice = format!("{list}- {}\n", indented.replace("builtin:a", "bultin:a"));
    assert_eq!(wrong(&twice), ["13:13: `bultin:a` is no module"]);
}

#[test]
fn other_documents_are_told_apart() {
    let document = |version: &str, kind: &str| {
        wrong(&format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n"
        ))
        .remove(0)
    };
    assert_eq!(
        document("tollgate.dev/v1alpha1", "Polcy"),
        "2:7: unknown kind `Polcy`; did you mean `Policy`?"
    );
    assert_eq!(
        document("tollgate.dev/v1", "Policy"),
        "1:13: unknown version `tollgate.dev/v1`; accepted is `tollgate.dev/v1alpha1`"
    );
    assert_eq!(
        document("v1", "ConfigMap"),
        "2:7: `ConfigMap` of `v1` is no configuration of Tollgate"
    );
    assert_eq!(
        wrong("kind: Policy\n"),
        ["1:1: not a document: its `apiVersion` is missing or no text"]
    );
    assert_eq!(
        wrong("[]\n---\nhello\n"),
        [
            "1:1: not a document: it has no `apiVersion` and `kind`",
            "3:1: not a document: it has no `apiVersion` and `kind`",
        ]
    );
}

#[test]
fn there_is_one_site_and_one_of_each_name() {
    let site = "apiVersion: tollgate.dev/v1alpha1\nkind: Site\nmetadata: {name: NAME}\nspec: {}\n";
    assert_eq!(
        wrong(&site.replace("NAME", "mine")),
        ["3:18: the site is named `default`, not `mine`: there is only one"]
    );
    let site = site.replace("NAME", "default");
    assert_eq!(
        wrong(&format!("{site}---\n{site}")),
        ["8:18: the site is given twice, first in f:1"]
    );
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ml}\n";
    assert_eq!(
        wrong(&format!("{namespace}---\n{namespace}")),
        ["7:18: the namespace `ml` is given twice, first in f:1"]
    );
}

#[test]
fn json_is_read_like_yaml() {
    let text = r#"{"apiVersion": "tollgate.dev/v1alpha1", "kind": "Policy",
        "metadata": {"name": "a"}, "spec": {"module": "builtin:a", "mod": "off"}}"#;
    assert_eq!(
        wrong(text),
        ["2:68: unknown key `mod`; did you mean `mode`?"]
    );
}

#[test]
fn settings_are_checked_by_the_schema_of_their_policy() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"label": {"type": "string"}, "most": {"type": "integer"}},
    });
    let read = resolved(&policy(
        "  module: builtin:a\n  settings:\n    lable: team\n    most: many\n",
    ));
    let wrong = read.policies[0].check_settings(&schema);
    let told: Vec<_> = wrong.iter().map(Diagnostic::to_string).collect();
    assert_eq!(
        told,
        [
            "f:7:5: unknown key `lable`; did you mean `label`?",
            "f:8:11: expected a whole number, found the text `many`"
        ]
    );
    let profile = profile().resolve().unwrap();
    assert!(profile.policies[0].check_settings(&schema).is_empty());
}
