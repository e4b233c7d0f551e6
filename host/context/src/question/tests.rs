use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, PodId, Request, Review};
use tollgate_gpu::Sharing;

use super::{Answer, Question};
use crate::{Builder, Known, Snapshot, Unit};

fn built(objects: &[Value], is_complete: bool) -> Snapshot {
    let mut builder = Builder::default();
    objects
        .iter()
        .cloned()
        .for_each(|object| builder.insert(object));
    if is_complete {
        builder.complete_all();
    }
    builder.build()
}

fn review(selector: &Value) -> Review {
    Review::new(
        Request {
            uid: String::new(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new("v1", "Pod"),
            subresource: None,
            resource: None,
            namespace: None,
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object: json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"nodeSelector": selector, "containers": []}}),
            old_object: None,
        },
        Kinds::builtin(),
    )
}

fn node(name: &str, labels: &Value, gpus: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": {"nvidia.com/gpu": gpus}},
    })
}

fn pool(requirements: &Value) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "p"},
        "spec": {"template": {"spec": {"requirements": requirements}}},
    })
}

fn known(values: &[&str], is_complete: bool) -> Answer {
    Answer::Known(Known {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        is_complete,
    })
}

const POD: Option<PodId> = Some(PodId(0));

#[test]
fn the_values_of_a_label_are_all_only_where_no_pool_could_bring_others() {
    let node = node("n", &json!({"tier": "a"}), 0);
    let choice = json!([{"key": "tier", "operator": "In", "values": ["c", "b"]}]);
    let open = json!([{"key": "tier", "operator": "NotIn", "values": ["b"]}]);
    let ask = |objects: &[Value]| {
        let question = Question::NodeLabel {
            key: "tier".to_owned(),
            pod: None,
        };
        built(objects, true).answer(&question, &review(&json!({})))
    };
    assert_eq!(ask(&[]), Answer::Unknown);
    assert_eq!(ask(std::slice::from_ref(&node)), known(&["a"], true));
    assert_eq!(
        ask(&[node.clone(), pool(&choice)]),
        known(&["a", "b", "c"], true)
    );
    assert_eq!(ask(&[node, pool(&open)]), known(&["a"], false));
}

#[test]
fn amounts_come_largest_first_and_open_pools_may_have_more() {
    let nodes = [
        node("a", &json!({}), 4),
        node("b", &json!({}), 8),
        node("c", &json!({}), 4),
    ];
    let question = Question::Amounts {
        resource: "nvidia.com/gpu".to_owned(),
    };
    let ask = |objects: &[Value]| built(objects, true).answer(&question, &review(&json!({})));
    assert_eq!(ask(&nodes), known(&["8", "4"], true));
    assert_eq!(
        ask(&[&nodes[..], &[pool(&json!([]))]].concat()),
        known(&["8", "4"], false)
    );
}

#[test]
fn models_and_units_are_those_of_the_nodes_that_the_pod_selects() {
    let product = "nvidia.com/gpu.product";
    let whole = node(
        "a",
        &json!({product: "NVIDIA-H100-80GB-HBM3", "tier": "a"}),
        8,
    );
    let shared = node(
        "b",
        &json!({product: "NVIDIA-L4-SHARED", "nvidia.com/gpu.replicas": "4", "tier": "b"}),
        4,
    );
    let nodes = [whole, shared, node("cpu", &json!({"tier": "c"}), 0)];
    let snapshot = built(&nodes, true);
    let ask = |question: Question, selector: Value| snapshot.answer(&question, &review(&selector));
    let of_b = json!({"tier": "b"});
    assert_eq!(
        ask(Question::GpuModels { pod: None }, json!({})),
        known(&["H100-80GB", "L4"], true)
    );
    assert_eq!(
        ask(Question::GpuModels { pod: POD }, of_b.clone()),
        known(&["L4"], true)
    );
    let slices = Unit::Shared {
        sharing: Sharing::TimeSlicing,
        replicas: Some(4),
    };
    let units = |selector: Value| ask(Question::GpuUnits { pod: PodId(0) }, selector);
    assert_eq!(units(of_b), Answer::Units(vec![slices]));
    assert_eq!(units(json!({})), Answer::Units(vec![Unit::Whole, slices]));
    assert_eq!(units(json!({"tier": "c"})), Answer::Unknown);
    let some = built(&nodes, false).answer(
        &Question::GpuUnits { pod: PodId(0) },
        &review(&json!({"tier": "b"})),
    );
    assert_eq!(some, Answer::Unknown, "not all nodes are known");
}

#[test]
fn models_are_never_all_where_a_pool_could_bring_others() {
    let machines = |types: &[&str]| json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}]);
    let node = node("a", &json!({"nvidia.com/gpu.product": "NVIDIA-L4"}), 1);
    let ask = |requirements: &Value| {
        let known = built(&[node.clone(), pool(requirements)], true);
        known.answer(&Question::GpuModels { pod: None }, &review(&json!({})))
    };
    assert_eq!(ask(&machines(&["g5.xlarge"])), known(&["A10G", "L4"], true));
    assert_eq!(
        ask(&machines(&["g5.xlarge", "new.type"])),
        known(&["L4"], false)
    );
    assert_eq!(ask(&json!([])), known(&["L4"], false));
}

#[test]
fn all_devices_of_the_nodes_are_counted_where_no_pool_brings_more() {
    let nodes = [
        node("a", &json!({"tier": "a"}), 4),
        node("b", &json!({}), 8),
    ];
    let question = Question::Total {
        resource: "nvidia.com/gpu".to_owned(),
        pod: PodId(0),
    };
    let ask = |snapshot: Snapshot, selector: Value| snapshot.answer(&question, &review(&selector));
    assert_eq!(ask(built(&nodes, true), json!({})), Answer::Number(12));
    assert_eq!(
        ask(built(&nodes, true), json!({"tier": "a"})),
        Answer::Number(4)
    );
    assert_eq!(ask(built(&nodes, false), json!({})), Answer::Unknown);
    let open = [&nodes[..], &[pool(&json!([]))]].concat();
    assert_eq!(ask(built(&open, true), json!({})), Answer::Unknown);
}
