use tollgate_admission::Kinds;

use super::*;

fn registration() -> Registration {
    Registration {
        endpoint: Endpoint::Service {
            namespace: "tollgate-system".to_owned(),
            name: "tollgate".to_owned(),
            port: 443,
        },
        bundle: Bundle::Published("PEM".to_owned()),
        own_namespace: "tollgate-system".to_owned(),
        exclude_namespaces: vec!["gpu-operator".to_owned(), "kube-system".to_owned()],
        only_namespaces: Vec::new(),
        failure_policy: FailurePolicy::Fail,
        timeout_seconds: 2,
        owner: None,
    }
}

fn webhooks(registration: &Registration) -> (Vec<MutatingWebhook>, Vec<ValidatingWebhook>) {
    let Configurations {
        mutating,
        validating,
    } = registration.configurations(Kinds::builtin().rows(), &Interests::everything());
    (mutating.webhooks.unwrap(), validating.webhooks.unwrap())
}

fn namespaces(registration: &Registration) -> Vec<(String, Vec<String>)> {
    let selector = webhooks(registration).0[0]
        .namespace_selector
        .clone()
        .unwrap();
    let expressions = selector.match_expressions.unwrap();
    expressions
        .into_iter()
        .map(|it| (it.operator, it.values.unwrap()))
        .collect()
}

#[test]
fn only_validation_of_accelerators_refuses_on_failure() {
    let (mutating, validating) = webhooks(&registration());
    let policies = |name: &str| {
        validating
            .iter()
            .find(|it| it.name == name)
            .unwrap()
            .failure_policy
            .clone()
            .unwrap()
    };
    assert_eq!(policies("pods.tollgate.dev"), "Fail");
    assert_eq!(policies("templates.tollgate.dev"), "Fail");
    assert_eq!(policies("privileged.pods.tollgate.dev"), "Ignore");
    assert!(
        mutating
            .iter()
            .all(|it| it.failure_policy.as_deref() == Some("Ignore"))
    );
}

#[test]
fn every_entry_can_be_made_to_admit_on_failure() {
    let ignoring = Registration {
        failure_policy: FailurePolicy::Ignore,
        ..registration()
    };
    let (_, validating) = webhooks(&ignoring);
    assert!(
        validating
            .iter()
            .all(|it| it.failure_policy.as_deref() == Some("Ignore"))
    );
}

#[test]
fn namespaces_that_a_cluster_needs_to_come_up_are_left_alone() {
    let never = [
        "kube-system",
        "kube-node-lease",
        "tollgate-system",
        "gpu-operator",
    ]
    .map(str::to_owned)
    .to_vec();
    assert_eq!(
        namespaces(&registration()),
        [("NotIn".to_owned(), never.clone())]
    );
    let staged = Registration {
        only_namespaces: vec!["pilot".to_owned()],
        ..registration()
    };
    assert_eq!(
        namespaces(&staged),
        [
            ("NotIn".to_owned(), never),
            ("In".to_owned(), vec!["pilot".to_owned()])
        ]
    );
}

#[test]
fn entries_are_registered_as_production_wants() {
    let (mutating, validating) = webhooks(&registration());
    for it in &mutating {
        assert_eq!(it.match_policy.as_deref(), Some("Equivalent"));
        assert_eq!(it.reinvocation_policy.as_deref(), Some("IfNeeded"));
        assert_eq!(it.side_effects, "NoneOnDryRun");
        assert_eq!(it.timeout_seconds, Some(2));
    }
    for it in &validating {
        assert_eq!(it.match_policy.as_deref(), Some("Equivalent"));
        assert_eq!(it.side_effects, "NoneOnDryRun");
        assert_eq!(it.timeout_seconds, Some(2));
    }
    // Neither nodes nor certificate requests can ever be waiting for us.
    let of_mutating = mutating.into_iter().map(|it| (it.failure_policy, it.rules));
    let of_validating = validating
        .into_iter()
        .map(|it| (it.failure_policy, it.rules));
    for (on_failure, rules) in of_mutating.chain(of_validating) {
        let refuses = on_failure.as_deref() != Some("Ignore");
        for rule in rules.into_iter().flatten() {
            let resources = rule.resources.unwrap_or_default();
            assert!(
                !resources.iter().any(|it| it.starts_with('*')),
                "{resources:?}"
            );
            assert!(
                !refuses || rule.scope.as_deref() == Some("Namespaced"),
                "{resources:?}"
            );
        }
    }
}

#[test]
fn calls_go_to_the_service_or_the_address() {
    let (mutating, _) = webhooks(&registration());
    let service = mutating[0].client_config.service.clone().unwrap();
    assert_eq!(
        (service.path.as_deref(), service.port),
        (Some("/mutate"), Some(443))
    );
    assert_eq!(
        registration().endpoint.names(),
        ["tollgate.tollgate-system.svc"]
    );
    let by_url = Registration {
        endpoint: Endpoint::Url("https://127.0.0.1:8443/".to_owned()),
        ..registration()
    };
    let (_, validating) = webhooks(&by_url);
    assert_eq!(
        validating[0].client_config.url.as_deref(),
        Some("https://127.0.0.1:8443/validate")
    );
    assert_eq!(by_url.endpoint.names(), ["127.0.0.1"]);
    assert_eq!(Endpoint::Url("https://[::1]:1".to_owned()).names(), ["::1"]);
}

#[test]
fn the_bundle_is_left_to_whoever_publishes_it() {
    let bundle =
        |registration: &Registration| webhooks(registration).1[0].client_config.ca_bundle.clone();
    assert_eq!(bundle(&registration()), Some(ByteString(b"PEM".to_vec())));
    let injected = Registration {
        bundle: Bundle::Injected("tollgate-system/webhook".to_owned()),
        ..registration()
    };
    assert_eq!(bundle(&injected), None);
    let annotations = injected
        .configurations(Kinds::builtin().rows(), &Interests::everything())
        .validating
        .metadata
        .annotations
        .unwrap();
    assert_eq!(
        annotations["cert-manager.io/inject-ca-from"],
        "tollgate-system/webhook"
    );
}

#[test]
fn namespaces_that_the_site_lets_off_are_not_asked_about() {
    let interests = Interests {
        let_off: ["gpu-operator", "nvidia-gpu-operator", "openshift-*"]
            .map(str::to_owned)
            .into(),
        ..Interests::everything()
    };
    let configurations = registration().configurations(Kinds::builtin().rows(), &interests);
    for webhook in configurations.validating.webhooks.unwrap() {
        let selector = webhook.namespace_selector.unwrap();
        let names = selector.match_expressions.unwrap().remove(0);
        let names = names.values.unwrap();
        let count = |name: &str| names.iter().filter(|it| *it == name).count();
        assert_eq!(count("gpu-operator"), 1, "{names:?}");
        assert_eq!(count("nvidia-gpu-operator"), 1, "{names:?}");
        assert_eq!(count("openshift-*"), 0, "no label has such a value");
        let conditions = webhook.match_conditions.unwrap();
        assert_eq!(
            conditions[0].expression,
            "!has(request.namespace) || !(request.namespace.startsWith('openshift-'))"
        );
    }
}
