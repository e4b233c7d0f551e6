use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, assert_one};

use super::GpuSupply;

/// An object of a kind in the namespace of the test, with a spec.
fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "test", "namespace": "default"}, "spec": spec})
}

fn pool(requirements: Value, more: Value) -> Value {
    let class = json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"});
    let mut spec = json!({
        "limits": {"nvidia.com/gpu": "16"},
        "template": {"spec": {
            "requirements": requirements, "nodeClassRef": class,
            "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
        }},
    });
    for (pointer, value) in more.as_object().unwrap() {
        set(&mut spec, pointer, value.clone());
    }
    object("karpenter.sh/v1", "NodePool", spec)
}

fn set(root: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let at = root.pointer_mut(parent).unwrap();
    at[last] = value;
}

fn gpus() -> Value {
    json!([{"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["p5", "g6e"]}])
}

fn run(object: Value) -> Done {
    Case::object(object).run::<GpuSupply>()
}

#[test]
fn a_pool_of_gpus_is_bounded_and_kept_apart() {
    let in_type = json!([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]}]);
    let by_name = json!([{"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "Exists"}]);
    let category =
        json!([{"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["g"]}]);
    for requirements in [gpus(), in_type, by_name, category] {
        run(pool(requirements.clone(), json!({}))).assert_quiet();
        assert_one(
            &run(pool(
                requirements.clone(),
                json!({"/limits": {"cpu": "1000"}}),
            )),
            "warn pool-without-gpu-limit",
            "/spec/limits",
            &["every pending pod buys another", "nvidia.com/gpu"],
        );
        assert_one(
            &run(pool(requirements, json!({"/template/spec/taints": []}))),
            "warn gpu-pool-without-taint",
            "/spec/template/spec/taints",
            &["pods without GPUs fill them"],
        );
    }
    run(pool(gpus(), json!({"/limits": null, "/replicas": 2}))).assert_quiet();
    for requirements in [
        json!([{"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["m7i", "c7g", "gr"]}]),
        json!([{"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "DoesNotExist"}]),
        json!([{"key": "karpenter.k8s.aws/instance-category", "operator": "NotIn", "values": ["g", "p"]}]),
    ] {
        let plain = json!({"/limits": null, "/template/spec/taints": []});
        run(pool(requirements, plain)).assert_quiet();
    }
}

#[test]
fn a_pool_has_the_fields_of_its_version() {
    let mut old = pool(gpus(), json!({}));
    old["apiVersion"] = "karpenter.sh/v1beta1".into();
    assert_one(
        &run(old),
        "warn removed-karpenter-version",
        "/apiVersion",
        &["v1beta1"],
    );
    let policy = json!({"/disruption": {"consolidationPolicy": "WhenUnderutilized"}});
    assert_one(
        &run(pool(gpus(), policy)),
        "deny karpenter-field-refused",
        "/spec/disruption/consolidationPolicy",
        &["WhenEmptyOrUnderutilized"],
    );
    let class = json!({"/template/spec/nodeClassRef": {"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "name": "a"}});
    assert_one(
        &run(pool(gpus(), class)),
        "deny karpenter-field-refused",
        "/spec/template/spec/nodeClassRef",
        &["`apiVersion`", "group: karpenter.k8s.aws"],
    );
    let expiry = json!({"/disruption": {"consolidationPolicy": "WhenEmpty", "expireAfter": "24h"}});
    assert_one(
        &run(pool(gpus(), expiry)),
        "warn karpenter-field-dropped",
        "/spec/disruption/expireAfter",
        &["spec.template.spec.expireAfter: 24h"],
    );
}

#[test]
fn a_spot_pool_has_several_types() {
    let requirements = |capacity: &[&str], types: &[&str]| {
        json!([
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": capacity},
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types},
        ])
    };
    assert_one(
        &run(pool(requirements(&["spot"], &["p5.48xlarge"]), json!({}))),
        "warn spot-pool-of-one-type",
        "/spec/template/spec/requirements/1",
        &["`p5.48xlarge` alone"],
    );
    for (capacity, types) in [
        (&["spot", "on-demand"][..], &["p5.48xlarge"][..]),
        (&["spot"], &["p5.48xlarge", "p4d.24xlarge"]),
        (&["on-demand"], &["p5.48xlarge"]),
        (&[], &["p5.48xlarge"]),
    ] {
        run(pool(requirements(capacity, types), json!({}))).assert_quiet();
    }
}

#[test]
fn a_node_class_says_which_images_it_has() {
    let class = |spec: Value| object("karpenter.k8s.aws/v1", "EC2NodeClass", spec);
    assert_one(
        &run(class(json!({"role": "a"}))),
        "deny node-class-without-images",
        "/spec/amiSelectorTerms",
        &["refuses it", "al2023@latest"],
    );
    assert_one(
        &run(class(
            json!({"amiSelectorTerms": [{"alias": "al2@latest"}]}),
        )),
        "warn node-class-of-old-images",
        "/spec/amiSelectorTerms/0/alias",
        &["Amazon Linux 2"],
    );
    run(class(
        json!({"amiSelectorTerms": [{"id": "ami-1"}], "amiFamily": "AL2"}),
    ))
    .assert_findings(&["warn node-class-of-old-images"]);
    run(class(
        json!({"amiSelectorTerms": [{"alias": "al2023@v20250101"}]}),
    ))
    .assert_quiet();
}

#[test]
fn a_node_group_tells_number_and_resource_of_its_gpus() {
    let group = |annotations: Value| {
        let mut group = object("cluster.x-k8s.io/v1beta1", "MachineDeployment", json!({}));
        group["metadata"]["annotations"] = annotations;
        group
    };
    let (count, name) = (
        "capacity.cluster-autoscaler.kubernetes.io/gpu-count",
        "capacity.cluster-autoscaler.kubernetes.io/gpu-type",
    );
    assert_one(
        &run(group(json!({count: "8"}))),
        "warn node-group-gpu-untold",
        "/metadata/annotations/capacity.cluster-autoscaler.kubernetes.io~1gpu-count",
        &[name],
    );
    run(group(json!({name: "nvidia.com/gpu"}))).assert_findings(&["warn node-group-gpu-untold"]);
    run(group(json!({count: "8", name: "nvidia.com/gpu"}))).assert_quiet();
    run(group(json!({}))).assert_quiet();
}

#[test]
fn a_quota_counts_requests() {
    let quota = |key: &str| {
        object(
            "v1",
            "ResourceQuota",
            json!({"hard": {key: "8", "pods": "10"}}),
        )
    };
    for key in [
        "nvidia.com/gpu",
        "limits.nvidia.com/gpu",
        "limits.nvidia.com/mig-1g.10gb",
    ] {
        let path = format!("/spec/hard/{}", key.replace('/', "~1"));
        assert_one(
            &run(quota(key)),
            "warn quota-counts-nothing",
            &path,
            &["write `requests.nvidia.com/"],
        );
    }
    for key in [
        "requests.nvidia.com/gpu",
        "cpu",
        "limits.memory",
        "count/jobs.batch",
    ] {
        run(quota(key)).assert_quiet();
    }
}

#[test]
fn the_operator_s_plugin_configuration_reaches_all_nodes() {
    let policy = |config: Value| {
        object(
            "nvidia.com/v1",
            "ClusterPolicy",
            json!({"devicePlugin": {"config": config}}),
        )
    };
    let named = || policy(json!({"name": "plugin"}));
    assert_one(
        &run(named()),
        "warn plugin-config-without-default",
        "/spec/devicePlugin/config",
        &["`plugin` reach no node without a label"],
    );
    run(policy(json!({"name": "plugin", "default": ""})))
        .assert_findings(&["warn plugin-config-without-default"]);
    run(policy(json!({"name": "plugin", "default": "any"}))).assert_quiet();
    run(policy(json!({"name": "", "default": ""}))).assert_quiet();
    run(policy(json!({}))).assert_quiet();
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n", "labels": {"nvidia.com/device-plugin.config": "any"}},
        "status": {"allocatable": {"nvidia.com/gpu": "8"}},
    });
    Case::object(named())
        .state([node])
        .run::<GpuSupply>()
        .assert_quiet();
}

#[test]
fn one_strategy_of_mig_has_layouts_of_one_size() {
    let policy = |strategy: &str, layout: &str| {
        let spec =
            json!({"mig": {"strategy": strategy}, "migManager": {"config": {"default": layout}}});
        object("nvidia.com/v1", "ClusterPolicy", spec)
    };
    assert_one(
        &run(policy("single", "all-balanced")),
        "warn mixed-layout-under-single",
        "/spec/migManager/config/default",
        &["all-balanced", "mig.strategy: mixed"],
    );
    run(policy("mixed", "all-balanced")).assert_quiet();
    run(policy("single", "all-1g.10gb")).assert_quiet();
}

#[test]
fn the_plugin_shares_gpus_in_one_way() {
    let map = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, "data": {"any": text}});
    let slicing = "  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 4\n";
    let mps = "  mps:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 2\n";
    let both = format!("version: v1\nsharing:\n{slicing}{mps}");
    assert_one(
        &run(map(&both)),
        "deny two-ways-of-sharing",
        "/data/any",
        &["does not start"],
    );
    for one in [slicing, mps] {
        run(map(&format!("version: v1\nsharing:\n{one}"))).assert_quiet();
    }
    let few = slicing.replace("replicas: 4", "replicas: 1");
    assert_one(
        &run(map(&format!("sharing:\n{few}"))),
        "deny replicas-of-one",
        "/data/any",
        &["into 1 replicas"],
    );
    let beside =
        "sharing:\n  timeSlicing:\n  resources:\n  - name: nvidia.com/gpu\n    replicas: 4\n";
    assert_one(
        &run(map(beside)),
        "warn sharing-without-resources",
        "/data/any",
        &["nothing is shared"],
    );
    for other in [
        "",
        "a: b",
        "sharing: {timeSlicing: {}}",
        "replicas: 1",
        "sharing:\n  other: 1",
    ] {
        run(map(other)).assert_quiet();
    }
}

#[test]
fn a_monitor_of_dcgm_selects_the_exporter_and_keeps_its_labels() {
    let monitor = |key: &str, value: &str, endpoint: Value| {
        let spec = json!({"selector": {"matchLabels": {key: value}}, "endpoints": [endpoint]});
        object("monitoring.coreos.com/v1", "ServiceMonitor", spec)
    };
    let honest = || json!({"port": "metrics", "honorLabels": true});
    assert_one(
        &run(monitor("app", "dcgm-exporter", honest())),
        "warn dcgm-monitor-selects-nothing",
        "/spec/selector/matchLabels",
        &["no metrics"],
    );
    for (key, value) in [
        ("app", "nvidia-dcgm-exporter"),
        ("app.kubernetes.io/name", "dcgm-exporter"),
    ] {
        run(monitor(key, value, honest())).assert_quiet();
        assert_one(
            &run(monitor(key, value, json!({"port": "metrics"}))),
            "warn dcgm-labels-hidden",
            "/spec/endpoints/0",
            &["honorLabels: true"],
        );
        let relabelled = json!({"port": "metrics", "relabelings": [{"action": "replace"}]});
        run(monitor(key, value, relabelled)).assert_quiet();
    }
    run(monitor("app", "web", json!({"port": "metrics"}))).assert_quiet();
}

#[test]
fn a_claim_takes_what_it_needs_and_no_rights_of_administrators() {
    let request = |fields: Value| {
        let mut request = json!({"deviceClassName": "gpu.nvidia.com"});
        for (key, value) in fields.as_object().unwrap() {
            request[key] = value.clone();
        }
        request
    };
    let claim = |request: Value| {
        object(
            "resource.k8s.io/v1",
            "ResourceClaim",
            json!({"devices": {"requests": [{"name": "gpu", "exactly": request}]}}),
        )
    };
    let template = |request: Value| {
        let spec = json!({"spec": {"devices": {"requests": [{"name": "gpu", "firstAvailable": [request]}]}}});
        object("resource.k8s.io/v1", "ResourceClaimTemplate", spec)
    };
    let all = || request(json!({"allocationMode": "All"}));
    assert_one(
        &run(claim(all())),
        "warn claim-of-all-devices",
        "/spec/devices/requests/0/exactly/allocationMode",
        &["`gpu.nvidia.com`"],
    );
    assert_one(
        &run(template(all())),
        "warn claim-of-all-devices",
        "/spec/spec/devices/requests/0/firstAvailable/0/allocationMode",
        &["`gpu.nvidia.com`"],
    );
    let network = json!({"deviceClassName": "mrdma.google.com", "allocationMode": "All"});
    run(claim(network)).assert_quiet();
    run(claim(request(json!({"count": 2})))).assert_quiet();
    let admin = || claim(request(json!({"adminAccess": true})));
    let path = "/spec/devices/requests/0/exactly/adminAccess";
    let labelled = |labels: &[(&str, &str)]| {
        Case::object(admin())
            .namespace_labels(labels)
            .run::<GpuSupply>()
    };
    assert_one(
        &labelled(&[("team", "ml")]),
        "deny claim-of-administration",
        path,
        &["administrators"],
    );
    assert_one(
        &run(admin()),
        "warn claim-of-administration",
        path,
        &["administrators"],
    );
    labelled(&[("resource.kubernetes.io/admin-access", "true")]).assert_quiet();
}

#[test]
fn objects_that_say_nothing_are_let_be() {
    for (version, kind) in [
        ("cluster.x-k8s.io/v1beta1", "MachineDeployment"),
        ("v1", "ResourceQuota"),
        ("nvidia.com/v1", "ClusterPolicy"),
        ("v1", "ConfigMap"),
        ("monitoring.coreos.com/v1", "ServiceMonitor"),
        ("resource.k8s.io/v1", "ResourceClaim"),
        ("karpenter.sh/v1", "NodePool"),
    ] {
        for spec in [
            json!(null),
            json!({}),
            json!({"hard": 3, "template": "a", "devices": {"requests": [[], null, 1]}}),
        ] {
            run(object(version, kind, spec)).assert_quiet();
        }
    }
}

#[test]
fn a_driver_beside_another_selects_its_nodes() {
    let driver = |name: &str, selector: Value| {
        let mut driver = object(
            "nvidia.com/v1alpha1",
            "NVIDIADriver",
            json!({"nodeSelector": selector}),
        );
        driver["metadata"] = json!({"name": name});
        driver
    };
    let judge = |one: Value, state: Vec<Value>| Case::object(one).state(state).run::<GpuSupply>();
    let some = driver("a", json!({"gpu": "l4"}));
    let all = driver("b", json!(null));
    assert_one(
        &judge(all.clone(), vec![some.clone(), all.clone()]),
        "warn driver-of-all-nodes",
        "/spec/nodeSelector",
        &["`a` is for some of them"],
    );
    judge(some.clone(), vec![all.clone(), some]).assert_quiet();
    judge(all.clone(), vec![all.clone()]).assert_quiet();
    run(all).assert_quiet();
}

#[test]
fn a_class_selects_its_devices() {
    let class = |spec: Value| object("resource.k8s.io/v1", "DeviceClass", spec);
    for spec in [json!(null), json!({}), json!({"selectors": []})] {
        assert_one(
            &run(class(spec)),
            "warn class-of-every-device",
            "/spec/selectors",
            &["every device of every driver"],
        );
    }
    let selectors = json!([{"cel": {"expression": "device.driver == 'gpu.nvidia.com'"}}]);
    run(class(json!({"selectors": selectors}))).assert_quiet();
}

#[test]
fn a_request_for_nodes_is_one_that_somebody_answers() {
    let request = |class: &str| {
        let sets = json!([{"count": 2, "podTemplateRef": {"name": "gang"}}]);
        let spec = json!({"provisioningClassName": class, "podSets": sets});
        object("autoscaling.x-k8s.io/v1", "ProvisioningRequest", spec)
    };
    assert_one(
        &run(request("atomic-scale-up.kubernetes.io")),
        "warn provisioning-class-renamed",
        "/spec/provisioningClassName",
        &["best-effort-atomic-scale-up.autoscaling.x-k8s.io"],
    );
    let current = || request("check-capacity.autoscaling.x-k8s.io");
    run(current()).assert_quiet();
    let template = |name: &str| json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": name, "namespace": "default"}});
    let beside = |name: &str| {
        Case::object(current())
            .state([template(name)])
            .run::<GpuSupply>()
    };
    assert_one(
        &beside("other"),
        "warn provisioning-template-absent",
        "/spec/podSets/0/podTemplateRef/name",
        &["no PodTemplate `gang`"],
    );
    beside("gang").assert_quiet();
}

#[test]
fn the_plugin_has_one_mig_strategy() {
    let policy = |strategy: Value| {
        let config = json!({"name": "plugin", "default": "any"});
        object(
            "nvidia.com/v1",
            "ClusterPolicy",
            json!({"mig": {"strategy": strategy}, "devicePlugin": {"config": config}}),
        )
    };
    let map = |name: &str, strategy: &str| {
        let text = format!("version: v1\nflags:\n  migStrategy: {strategy}\n");
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "gpu-operator"}, "data": {"any": text, "note": "flags: ["}})
    };
    let done = Case::object(policy("single".into()))
        .state([map("plugin", "mixed")])
        .run::<GpuSupply>();
    assert_one(
        &done,
        "warn mig-strategies-differ",
        "/spec/mig/strategy",
        &[
            "`single` here",
            "`mixed` in the config map `plugin`, which is not used",
            "migStrategy: single",
        ],
    );
    for (own, there) in [
        (json!("mixed"), map("plugin", "mixed")),
        (json!("single"), map("other", "mixed")),
        (Value::Null, map("plugin", "mixed")),
    ] {
        Case::object(policy(own))
            .state([there])
            .run::<GpuSupply>()
            .assert_quiet();
    }
    run(policy("single".into())).assert_quiet();
}

#[test]
fn a_cluster_queue_names_flavors_that_there_are() {
    let queue = object(
        "kueue.x-k8s.io/v1beta2",
        "ClusterQueue",
        json!({"resourceGroups": [{"coveredResources": ["nvidia.com/gpu"], "flavors": [{"name": "a100"}, {"name": "h100"}]}]}),
    );
    let flavor = |name: &str| json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": name}, "spec": {}});
    let done = Case::object(queue.clone())
        .state([flavor("a100")])
        .run::<GpuSupply>();
    assert_one(
        &done,
        "warn queue-flavor-absent",
        "/spec/resourceGroups/0/flavors/1/name",
        &["no ResourceFlavor `h100`"],
    );
    Case::object(queue.clone())
        .state([flavor("a100"), flavor("h100")])
        .run::<GpuSupply>()
        .assert_quiet();
    run(queue).assert_quiet();
}
