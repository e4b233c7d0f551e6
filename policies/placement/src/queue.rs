//! Batch work beside the queue of its namespace, and work of several pods without a scheduler for all of them.

use tollgate_sdk::gpu::{Class, is_batch_kind};
use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;
use tollgate_sdk::{below, takes_accelerators};

pub(crate) const NO_QUEUE: Rule = Rule::warn(
    "no-queue",
    "Batch work with accelerators names a queue where its namespace has one (`kueue.x-k8s.io/queue-name`), or it takes devices that the queue counts as free.",
)
.needs(LOCAL_QUEUE);
pub(crate) const UNKNOWN: Rule = Rule::warn(
    "unknown-queue",
    "The queue that work with accelerators names is there, by Kueue's label `kueue.x-k8s.io/queue-name`, KAI's `kai.scheduler/queue` or Volcano's `queue`: else it waits until somebody makes one of that name.",
)
.needs(LOCAL_QUEUE);
pub(crate) const UNCOVERED: Rule = Rule::warn(
    "queue-without-device",
    "The ClusterQueue behind the queue that work names has a quota, in a flavor, for each accelerator that the work asks for: Kueue never admits what asks for another.",
)
.needs(CLUSTER_QUEUE);
pub(crate) const NO_GANG: Rule = Rule::warn(
    "no-gang",
    "The pods of one job are scheduled together, by a queue, a scheduler for groups or `minAvailable`: else two jobs that get half of their pods each wait for one another for ever.",
);

const LOCAL_QUEUE: &str = "LocalQueue.kueue.x-k8s.io";
const CLUSTER_QUEUE: &str = "ClusterQueue.kueue.x-k8s.io";
const QUEUE_NAME: &str = "kueue.x-k8s.io/queue-name";

/// Where an object names its queue, the kind of that queue, and whether that is in the object's namespace.
static NAMED: [(&str, &str, bool); 4] = [
    (
        "/metadata/labels/kueue.x-k8s.io~1queue-name",
        LOCAL_QUEUE,
        true,
    ),
    (
        "/metadata/labels/kai.scheduler~1queue",
        "Queue.scheduling.run.ai",
        false,
    ),
    (
        "/metadata/annotations/volcano.sh~1queue-name",
        "Queue.scheduling.volcano.sh",
        false,
    ),
    ("/spec/queue", "Queue.scheduling.volcano.sh", false),
];

/// The one kind that has a queue of Volcano in its spec.
const VOLCANO: &str = "Job.batch.volcano.sh";

/// Kinds whose pods wait for one another.
const GANGS: [&str; 9] = [
    "PyTorchJob.kubeflow.org",
    "TFJob.kubeflow.org",
    "MXJob.kubeflow.org",
    "MPIJob.kubeflow.org",
    "XGBoostJob.kubeflow.org",
    "PaddleJob.kubeflow.org",
    "JAXJob.kubeflow.org",
    "ElasticJob.elastic.pytorch.org",
    "JobSet.jobset.x-k8s.io",
];

/// The beginnings of labels and annotations by which queues and schedulers for groups know their work.
const MARKS: [&str; 8] = [
    "kueue.x-k8s.io/",
    "kai.scheduler/",
    "runai/",
    "volcano.sh/",
    "scheduling.k8s.io/group-name",
    "scheduling.x-k8s.io/pod-group",
    "pod-group.scheduling.sigs.k8s.io",
    "yunikorn.apache.org/",
];

/// Fields of an object that tell of a group.
const FIELDS: [&str; 2] = ["/spec/runPolicy/schedulingPolicy", "/spec/schedulingPolicy"];

/// Warns about an object whose pods nobody schedules together, or whom the queue does not see.
pub(crate) fn report(review: &Review) {
    let pods = review.pods();
    let kind = review.kind_dot_group();
    let takers: Vec<_> = pods.iter().filter(|pod| takes_accelerators(pod)).collect();
    let Some(first) = takers.first().filter(|_| is_batch_kind(&kind)) else {
        return;
    };
    if is_marked(review) || takers.iter().any(|pod| is_handled(review, pod)) {
        return;
    }
    let counts = takers.iter().filter_map(|pod| pod.count());
    let count = counts.fold(0, u32::saturating_add);
    if count == 0 {
        return;
    }
    match queues(review) {
        Some(queues) => report_no_queue(&queues),
        None if count > 1 && GANGS.contains(&kind.as_str()) => report_no_gang(first, count),
        None => {}
    }
}

/// The queues of the namespace, where it has any.
fn queues(review: &Review) -> Option<Vec<String>> {
    let known = cluster::names(LOCAL_QUEUE, review.namespace().as_deref())?;
    (!known.values.is_empty()).then_some(known.values)
}

/// Warns about a queue that is not there.
pub(crate) fn report_unknown(review: &Review) {
    let is_volcano = review.kind_dot_group() == VOLCANO;
    for (place, kind, is_namespaced) in &NAMED {
        let Some(name) = review
            .text(place)
            .filter(|_| is_volcano || *place != "/spec/queue")
        else {
            continue;
        };
        let namespace = review.namespace().filter(|_| *is_namespaced);
        let known = cluster::names(kind, namespace.as_deref());
        if let Some(known) = known.filter(|known| known.complete && !known.values.contains(&name)) {
            report_one_unknown(place, &name, &known.values);
        }
    }
}

/// Warns about accelerators that the queue has no quota for. Kueue may be configured to leave quantities of a device out.
pub(crate) fn report_uncovered(review: &Review, pods: &[Pod]) {
    let label = format!("/metadata/labels/{}", QUEUE_NAME.replace('/', "~1"));
    let Some((queue, namespace)) = review.text(&label).zip(review.namespace()) else {
        return;
    };
    let Some(covered) = cluster::queue_resources(&namespace, &queue) else {
        return;
    };
    let mut seen: Vec<String> = Vec::new();
    for container in pods.iter().flat_map(|pod| pod.containers().to_vec()) {
        for device in container.devices().iter() {
            let name = &device.name;
            let is_counted = matches!(device.resource.class, Class::Device | Class::Slice);
            if is_counted && !covered.values.contains(name) && !seen.contains(name) {
                report_one_uncovered(&container, name, &queue, &covered.values);
                seen.push(name.clone());
            }
        }
    }
}

fn report_one_uncovered(container: &Container, device: &str, queue: &str, covered: &[String]) {
    let names: Vec<_> = covered.iter().map(|name| format!("`{name}`")).collect();
    UNCOVERED
        .finding(
            below(&container.path(), &["resources", "limits", device]),
            format!(
                "queue `{queue}` has no quota for the `{device}` of container `{}`",
                container.name()
            ),
        )
        .actual(device)
        .allowed(match names.is_empty() {
            true => "nothing: its ClusterQueue covers no resource".to_owned(),
            false => names.join(", "),
        })
        .fix(format!(
            "name a queue for `{device}`, or have it added to the `coveredResources` and the flavors of the ClusterQueue"
        ))
        .report();
}

fn report_one_unknown(place: &str, name: &str, there: &[String]) {
    let names: Vec<_> = there.iter().map(|name| format!("`{name}`")).collect();
    UNKNOWN
        .finding(
            place,
            format!("there is no queue `{name}`: nothing starts until there is"),
        )
        .actual(name)
        .allowed(match names.is_empty() {
            true => "a queue that is there".to_owned(),
            false => names.join(" or "),
        })
        .fix("name a queue that is there, or have this one made")
        .report();
}

fn is_marked(review: &Review) -> bool {
    let maps = ["/metadata/labels", "/metadata/annotations"];
    let maps = maps.iter().filter_map(|place| review.value(place));
    let marked = |map: Value| {
        map.as_object()
            .is_some_and(|map| map.keys().any(|key| is_mark(key)))
    };
    maps.into_iter().any(marked) || FIELDS.iter().any(|field| review.value(field).is_some())
}

fn is_mark(key: &str) -> bool {
    MARKS.iter().any(|mark| key.starts_with(mark))
}

/// Whether something besides the plain scheduler sees to the pod.
fn is_handled(review: &Review, pod: &Pod) -> bool {
    let is_marked = |pairs: Vec<(String, String)>| pairs.iter().any(|(key, _)| is_mark(key));
    let has = |field: &str| {
        review
            .json(&format!("{}/spec/{field}", pod.path()))
            .is_some()
    };
    let has_own = || {
        pod.scheduler()
            .is_some_and(|name| name != "default-scheduler")
    };
    has_own()
        || is_marked(pod.labels())
        || is_marked(pod.annotations())
        || has("schedulingGroup")
        || has("workloadRef")
        || !pod.scheduling_gates().is_empty()
}

fn report_no_queue(queues: &[String]) {
    let names: Vec<_> = queues.iter().map(|name| format!("`{name}`")).collect();
    let first = queues.first().map_or("", String::as_str);
    NO_QUEUE
        .finding(
            "/metadata/labels",
            "the object names no queue: it takes devices that the queue counts as free",
        )
        .actual(format!("no label `{QUEUE_NAME}`"))
        .allowed(names.join(" or "))
        .fix(format!(
            "add the label `{QUEUE_NAME}: {first}` to the object"
        ))
        .report();
}

fn report_no_gang(pod: &Pod, count: u32) {
    NO_GANG
        .finding(
            pod.path() + "/spec",
            format!("{count} pods wait for one another and are placed one by one: two such jobs block each other"),
        )
        .actual("no queue, no scheduler for groups, no `minAvailable`")
        .allowed("a queue, or a scheduler that places all pods or none")
        .fix(format!("submit it through a queue (the label `{QUEUE_NAME}`), or name a scheduler for groups and set `minAvailable`"))
        .report();
}
