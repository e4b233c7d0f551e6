//! What the API server asks about. Nobody listens where it asks, and failure refuses: so what is refused was asked
//! about, and what is admitted was not.

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tollgate_admission::Kinds;
use tollgate_cluster::entry::Interests;
use tollgate_cluster::registration::{
    Bundle, Configurations, Endpoint, FailurePolicy, Registration,
};
use tollgate_e2e::{Cluster, Namespace, until};
use tollgate_gpu::{Pattern, Place, SIGNS};

use crate::TURN;

/// Nobody listens at port 1.
fn unanswered(cluster: &Cluster, namespace: &Namespace<'_>) -> Configurations {
    let registration = Registration {
        endpoint: Endpoint::Url("https://127.0.0.1:1".to_owned()),
        bundle: Bundle::Published(cluster.authority().pem().to_owned()),
        own_namespace: "tollgate-system".to_owned(),
        exclude_namespaces: Vec::new(),
        only_namespaces: vec![namespace.name().to_owned()],
        failure_policy: FailurePolicy::Fail,
        timeout_seconds: 1,
        owner: None,
    };
    registration.configurations(Kinds::builtin().rows(), &Interests::everything())
}

/// Registers Tollgate for one namespace, and waits until the API server acts upon it.
async fn register(cluster: &Cluster, namespace: &Namespace<'_>) -> Result<()> {
    let Configurations {
        mutating,
        validating,
    } = unanswered(cluster, namespace);
    let client = cluster.objects().client();
    let params = PatchParams::apply("tollgate").force();
    let mutatings: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let validatings: Api<ValidatingWebhookConfiguration> = Api::all(client);
    mutatings
        .patch("tollgate", &params, &Patch::Apply(&mutating))
        .await?;
    validatings
        .patch("tollgate", &params, &Patch::Apply(&validating))
        .await?;
    until("the registration is in force", async || {
        match namespace.create(gpu_pod()).await {
            Err(err)
                if format!("{err:?}").contains("failed calling webhook \"pods.tollgate.dev\"") =>
            {
                Ok(())
            }
            Err(err) => Err(err),
            Ok(pod) => {
                namespace
                    .delete(
                        ("v1", "Pod"),
                        pod["metadata"]["name"].as_str().unwrap_or_default(),
                    )
                    .await?;
                bail!("a GPU pod is admitted")
            }
        }
    })
    .await
}

async fn unregister(cluster: &Cluster) -> Result<()> {
    tollgate_cluster::removal::uninstall(
        &cluster.objects().client(),
        "tollgate-system",
        tollgate_cluster::removal::CustomResources::Keep,
    )
    .await?;
    Ok(())
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": spec})
}

fn gpu_pod() -> Value {
    pod_with(json!({"resources": {"limits": {"nvidia.com/gpu": "1"}}}))
}

/// A pod whose one container has these fields.
fn pod_with(mut fields: Value) -> Value {
    fields["name"] = "main".into();
    fields["image"] = "app:1".into();
    pod(json!({"containers": [fields]}))
}

async fn is_admitted(namespace: &Namespace<'_>, object: Value) -> Result<bool> {
    match namespace.create(object).await {
        Ok(_) => Ok(true),
        Err(err) if format!("{err:?}").contains("failed calling webhook") => Ok(false),
        Err(err) => Err(err),
    }
}

pub(crate) async fn pods_that_name_no_accelerator_cause_no_call(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace = cluster.namespace("plain").await?;
    register(cluster, &namespace).await?;
    for spec in [
        json!({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}}),
        json!({"env": [{"name": "NVIDIA_API_KEY", "value": "secret"}, {"name": "CUDA_VERSION", "value": "12"}]}),
        // Privileged pods have an entry that admits when nobody answers.
        json!({"securityContext": {"privileged": true}}),
    ] {
        let admitted = is_admitted(&namespace, pod_with(spec.clone())).await?;
        ensure!(admitted, "{spec} was asked about");
    }
    let daemon = pod(json!({
        "containers": [{"name": "main", "image": "app:1"}],
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
    }));
    ensure!(
        is_admitted(&namespace, daemon).await?,
        "a daemon was asked about"
    );
    unregister(cluster).await
}

pub(crate) async fn a_pod_at_its_size_limit_costs_no_more_than_a_condition_may(
    cluster: &Cluster,
) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace = cluster.namespace("large").await?;
    register(cluster, &namespace).await?;
    let variables = |count: usize, length: usize| -> Vec<Value> {
        let name = |index| format!("{}{index:06}", "V".repeat(length));
        (0..count)
            .map(|index| json!({"name": name(index)}))
            .collect()
    };
    let containers = |count: usize| -> Vec<Value> {
        let container = |index| json!({"name": format!("c{index}"), "image": "app:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}});
        (0..count).map(container).collect()
    };
    let large = [
        (
            "2,000 long names",
            pod_with(json!({"env": variables(2_000, 120)})),
        ),
        (
            "10,000 names",
            pod_with(json!({"env": variables(10_000, 60)})),
        ),
        (
            "a megabyte of short names",
            pod_with(json!({"env": variables(30_000, 2)})),
        ),
        (
            "1,000 containers",
            pod(json!({"containers": containers(1_000)})),
        ),
    ];
    let mut refused = Vec::new();
    for (what, pod) in large {
        let bytes = pod.to_string().len();
        if let Err(err) = namespace.create(pod).await {
            refused.push(format!("{what} ({bytes} bytes): {err:?}"));
        }
    }
    unregister(cluster).await?;
    ensure!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

/// A text that fits the pattern and that the API takes at the place.
fn example(place: Place, pattern: Pattern) -> Option<String> {
    let text = pattern.text();
    let whole = match (place, pattern) {
        (Place::Resource, Pattern::Starts(text)) => format!("{text}x1").replace("..", "."),
        (Place::Resource, Pattern::Ends(text)) => format!("example.com{text}"),
        (Place::Resource, Pattern::Has(text)) if text.ends_with('/') => format!("{text}x"),
        (Place::Resource, Pattern::Has(text)) => format!("example.com/{text}x"),
        (Place::Toleration | Place::Annotation, Pattern::Starts(text)) if text.ends_with('.') => {
            format!("{text}ai/x")
        }
        (Place::Toleration | Place::Annotation, Pattern::Starts(_)) => format!("{text}x"),
        (Place::Toleration, Pattern::Has(_)) => format!("{text}x"),
        (Place::HostPath, Pattern::Has(text)) => format!("/opt{text}x"),
        (Place::HostPath, Pattern::Ends(text)) => format!("/opt{text}"),
        (Place::MountPath, _) => format!("/var/run/{text}/0"),
        (Place::Variable, Pattern::Ends(text)) => format!("X{text}"),
        (_, _) => text.to_owned(),
    };
    // A container can ask for names with a domain only; others the API server refuses before it asks anybody.
    (place != Place::Resource || whole.contains('/')).then_some(whole)
}

fn pod_that_says(place: Place, text: &str) -> Value {
    let plain = json!([{"name": "main", "image": "app:1"}]);
    let volume = |path: &str| json!([{"name": "v", "hostPath": {"path": path}}]);
    match place {
        Place::Resource => pod_with(json!({"resources": {"limits": {text: "1"}}})),
        Place::Variable => pod_with(json!({"env": [{"name": text}]})),
        Place::MountPath => pod(json!({
            "containers": [{"name": "main", "image": "app:1", "volumeMounts": [{"name": "v", "mountPath": text}]}],
            "volumes": volume("/opt"),
        })),
        Place::RuntimeClass => pod(json!({"containers": plain, "runtimeClassName": text})),
        Place::HostPath => pod(json!({"containers": plain, "volumes": volume(text)})),
        Place::Toleration => {
            pod(json!({"containers": plain, "tolerations": [{"key": text, "operator": "Exists"}]}))
        }
        Place::Annotation => {
            let mut pod = pod(json!({"containers": plain}));
            pod["metadata"]["annotations"] = json!({text: "1"});
            pod
        }
    }
}

pub(crate) async fn every_sign_causes_a_call(cluster: &Cluster) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace = cluster.namespace("signs").await?;
    // A runtime class must exist before a pod may name it.
    for name in ["nvidia", "habana", "ascend", "amd"] {
        let class = json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name});
        cluster.objects().apply("", &class).await?;
    }
    register(cluster, &namespace).await?;
    let (mut asked, mut unasked) = (0, Vec::new());
    for sign in SIGNS {
        let Some(text) = example(sign.place, sign.pattern) else {
            continue;
        };
        let pod = pod_that_says(sign.place, &text);
        let admitted = is_admitted(&namespace, pod)
            .await
            .with_context(|| format!("{sign:?}: {text}"))?;
        asked += 1;
        if admitted {
            unasked.push(text);
        }
    }
    unregister(cluster).await?;
    ensure!(
        unasked.is_empty() && asked > 80,
        "of {asked} these were not asked about: {unasked:?}"
    );
    Ok(())
}

pub(crate) async fn templates_are_asked_about_and_what_their_controllers_make_is_not(
    cluster: &Cluster,
) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace = cluster.namespace("templates").await?;
    register(cluster, &namespace).await?;
    let workload = |api: &str, kind: &str, limit: &str| {
        let mut template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "main", "image": "app:1", "resources": {"limits": {limit: "1"}}}]}});
        let mut object =
            json!({"apiVersion": api, "kind": kind, "metadata": {"generateName": "w-"}});
        match kind {
            "PodTemplate" => object["template"] = template,
            "CronJob" | "Job" => {
                template["spec"]["restartPolicy"] = "Never".into();
                object["spec"] = match kind {
                    "Job" => json!({"template": template}),
                    _ => {
                        json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}})
                    }
                };
            }
            "ReplicationController" => {
                object["spec"] = json!({"replicas": 0, "template": template})
            }
            "DaemonSet" => {
                object["spec"] =
                    json!({"selector": {"matchLabels": {"app": "a"}}, "template": template})
            }
            _ => {
                object["spec"] = json!({"replicas": 0, "selector": {"matchLabels": {"app": "a"}}, "template": template})
            }
        }
        object
    };
    for (api, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "ReplicationController"),
        ("v1", "PodTemplate"),
    ] {
        ensure!(
            is_admitted(&namespace, workload(api, kind, "cpu")).await?,
            "a {kind} without accelerators was asked about"
        );
        ensure!(
            !is_admitted(&namespace, workload(api, kind, "nvidia.com/gpu")).await?,
            "a {kind} with a GPU was not asked about"
        );
    }
    let mut made = workload("apps/v1", "ReplicaSet", "nvidia.com/gpu");
    made["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "7a3bd2f7-9a0e-4c8b-8f8c-6d4b5b0a1c11", "controller": true}]);
    ensure!(
        is_admitted(&namespace, made).await?,
        "what a Deployment makes was asked about"
    );
    unregister(cluster).await
}

pub(crate) async fn updates_that_change_nothing_of_a_pod_cause_no_call(
    cluster: &Cluster,
) -> Result<()> {
    let _turn = TURN.lock().await;
    let namespace = cluster.namespace("updates").await?;
    let mut pod = gpu_pod();
    pod["metadata"] = json!({"name": "held", "finalizers": ["e2e.tollgate.dev/held"]});
    namespace.create(pod).await?;
    register(cluster, &namespace).await?;
    let merge = async |patch: Value| {
        cluster
            .objects()
            .merge(("v1", "Pod"), namespace.name(), "held", &patch)
            .await
    };
    let refused = merge(json!({"metadata": {"labels": {"a": "b"}}})).await;
    ensure!(
        format!("{refused:?}").contains("failed calling webhook"),
        "{refused:?}"
    );
    merge(json!({"metadata": {"finalizers": ["e2e.tollgate.dev/held", "e2e.tollgate.dev/other"]}}))
        .await?;
    let pods: Api<k8s_openapi::api::core::v1::Pod> =
        Api::namespaced(cluster.objects().client(), namespace.name());
    pods.delete("held", &DeleteParams::default().grace_period(0))
        .await?;
    // It is going now, so that not even its labels are asked about.
    merge(json!({"metadata": {"finalizers": [], "labels": {"a": "b"}}})).await?;
    unregister(cluster).await
}
