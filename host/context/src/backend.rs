//! What Services and InferencePools select: the pods that are known, and those that workloads would make.

use serde_json::Value;
use tollgate_admission::PodView;

use crate::kinds::kinds;
use crate::question::Workload;
use crate::snapshot::Snapshot;
use crate::workload::review;

/// Where the labels stand by which an object selects pods: as Services have them, as pools do of both versions.
const SELECTORS: [&str; 2] = ["/spec/selector/matchLabels", "/spec/selector"];

/// The domain of the labels that people set by convention. Any other domain's are a controller's, which pods get when
/// they are made.
const CONVENTIONAL: &str = "app.kubernetes.io/";

type Labels = Vec<(String, String)>;

/// How many of the known pods an object selects; `None` where the object is not known, where it selects by what
/// controllers set, and where nothing with accelerators is known in the namespace.
pub(crate) fn selected(snapshot: &Snapshot, object: &Workload) -> Option<u64> {
    let Workload {
        kind,
        namespace,
        name,
    } = object;
    let wanted = labels(snapshot.object(kind, Some(namespace), name)?)?;
    let mut selected = 0_u64;
    let mut has_accelerators = false;
    for makers in kinds() {
        for maker in snapshot.objects(makers, Some(namespace)) {
            let review = review(maker.clone());
            for pod in review.pods() {
                has_accelerators |= !pod.devices().is_empty();
                selected = selected.saturating_add(u64::from(is_selected(&pod, &wanted)));
            }
        }
    }
    has_accelerators.then_some(selected)
}

/// The labels by which an object selects, where all of them are its author's to set.
fn labels(object: &Value) -> Option<Labels> {
    let mut found = SELECTORS.iter().filter_map(|place| object.pointer(place));
    let pairs = found.next()?.as_object()?.iter();
    let labels: Option<Labels> = pairs
        .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    labels.filter(|labels| !labels.is_empty() && labels.iter().all(|(key, _)| is_authors(key)))
}

/// Whether a label is its author's to set.
pub(crate) fn is_authors(key: &str) -> bool {
    !key.contains('/') || key.starts_with(CONVENTIONAL)
}

fn is_selected(pod: &PodView<'_>, wanted: &Labels) -> bool {
    let own = pod.labels();
    wanted.iter().all(|label| own.contains(label))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::selected;
    use crate::Builder;
    use crate::question::Workload;

    fn deployment(app: &str, gpus: u32) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app, "namespace": "ml"},
            "spec": {"template": {"metadata": {"labels": {"app": app, "tier": "a"}}, "spec": {
                "containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": gpus}}}],
            }}},
        })
    }

    fn service(selector: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "ml"}, "spec": {"selector": selector}})
    }

    fn ask(kind: &str, objects: &[Value]) -> Option<u64> {
        let mut builder = Builder::default();
        objects
            .iter()
            .cloned()
            .for_each(|object| builder.insert(object));
        let object = Workload {
            kind: kind.to_owned(),
            namespace: "ml".to_owned(),
            name: "s".to_owned(),
        };
        selected(&builder.build(), &object)
    }

    #[test]
    fn a_service_selects_pods_that_have_all_its_labels() {
        let there = [deployment("vllm", 1), deployment("web", 0)];
        let of = |selector: Value| ask("Service", &[&there[..], &[service(&selector)]].concat());
        assert_eq!(of(json!({"app": "vllm"})), Some(1));
        assert_eq!(of(json!({"tier": "a"})), Some(2));
        assert_eq!(of(json!({"app": "vllm", "tier": "b"})), Some(0));
    }

    #[test]
    fn what_cannot_be_known_is_not_counted() {
        let there = deployment("vllm", 1);
        let of = |selector: Value| ask("Service", &[there.clone(), service(&selector)]);
        assert_eq!(of(json!({})), None, "it selects nothing by itself");
        assert_eq!(
            of(json!({"leaderworkerset.sigs.k8s.io/name": "vllm"})),
            None,
            "a controller sets it"
        );
        assert_eq!(ask("Service", &[there]), None, "the service is not known");
        let without = [deployment("web", 0), service(&json!({"app": "vllm"}))];
        assert_eq!(ask("Service", &without), None, "nothing takes accelerators");
    }

    #[test]
    fn pools_select_in_the_words_of_both_versions() {
        for (version, selector) in [
            (
                "inference.networking.k8s.io/v1",
                json!({"matchLabels": {"app": "vllm"}}),
            ),
            (
                "inference.networking.x-k8s.io/v1alpha2",
                json!({"app": "vllm"}),
            ),
        ] {
            let pool = json!({"apiVersion": version, "kind": "InferencePool", "metadata": {"name": "s", "namespace": "ml"}, "spec": {"selector": selector}});
            let group = version.split('/').next().unwrap();
            let found = ask(
                &format!("InferencePool.{group}"),
                &[deployment("vllm", 1), pool],
            );
            assert_eq!(found, Some(1), "{version}");
        }
    }
}
