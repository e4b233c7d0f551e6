//! Numbers that stand in fields of an object, and groups of the kinds that have them.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done, assert_one, container, pod};

use super::super::Parallelism;
use super::objects::{judge, object, pytorch};
use super::{runs, script};

const SERVER: &str = "vllm serve m --tensor-parallel-size 8 --pipeline-parallel-size 2 --distributed-executor-backend ray";

fn spec(gpus: &str, line: &str) -> Value {
    pod([script(gpus, line)]).build()["spec"].clone()
}

/// The rules that fired, each once.
fn rules(done: &Done) -> Vec<String> {
    let mut rules: Vec<_> = done
        .findings
        .iter()
        .map(|found| format!("{} {}", found.severity.as_str(), found.rule))
        .collect();
    rules.sort();
    rules.dedup();
    rules
}

/// Groups of so many pods with eight GPUs each, of every kind that has a pool of them.
fn pools(size: u32) -> Vec<Value> {
    let server = || spec("8", SERVER);
    let llm = json!({"replicas": 3, "parallelism": {"pipeline": size}, "template": server(), "worker": server()});
    let mut prefill = json!({"template": {"containers": [{"name": "main"}]}});
    prefill["prefill"] = llm.clone();
    let kserve = json!({"predictor": {"minReplicas": 2, "maxReplicas": 2, "workerSpec": {"pipelineParallelSize": size}}});
    let mut kserve = kserve;
    kserve["predictor"]["containers"] = server()["containers"].clone();
    kserve["predictor"]["workerSpec"]["containers"] = server()["containers"].clone();
    let runner = || server()["containers"][0].clone();
    let ome = json!({"engine": {
        "minReplicas": 2, "leader": {"runner": runner()}, "worker": {"size": size - 1, "runner": runner()},
    }});
    let role_set = json!({"roles": [{"name": "a", "replicas": 2, "podGroupSize": size, "template": {"spec": server()}}]});
    let pod_set = json!({"podGroupSize": size, "template": {"spec": server()}});
    vec![
        object("serving.kserve.io/v1alpha1", "LLMInferenceService", llm),
        object("serving.kserve.io/v1alpha1", "LLMInferenceService", prefill),
        object("serving.kserve.io/v1beta1", "InferenceService", kserve),
        object("ome.io/v1beta1", "InferenceService", ome),
        object("orchestration.aibrix.ai/v1alpha1", "RoleSet", role_set),
        object("orchestration.aibrix.ai/v1alpha1", "PodSet", pod_set),
    ]
}

#[test]
fn pools_of_groups_are_counted() {
    for object in pools(2) {
        judge(object).assert_quiet();
    }
    for object in pools(1) {
        let found = rules(&judge(object.clone()));
        assert_eq!(found, ["deny parallel-above-group"], "{object}");
    }
    for object in pools(4) {
        let found = rules(&judge(object.clone()));
        assert_eq!(found, ["warn parallel-below-group"], "{object}");
    }
}

#[test]
fn a_part_of_a_group_that_spreads_over_it_leaves_no_device_idle() {
    let group = |line: &str| {
        let role = json!({"name": "decode", "leaderWorkerPattern": {"size": 2, "template": {"spec": spec("8", line)}}});
        object(
            "workloads.x-k8s.io/v1alpha2",
            "RoleBasedGroup",
            json!({"roles": [role]}),
        )
    };
    let done = judge(group(
        "python3 -m sglang.launch_server --tp 8 --nnodes 2 --node-rank 0 --dist-init-addr a:1",
    ));
    assert_one(
        &done,
        "warn parallel-below-group",
        "/spec/roles/0/leaderWorkerPattern/template/spec/containers/0/resources/limits/nvidia.com~1gpu",
        &["8 of the 16 nvidia.com/gpu", "make the group smaller"],
    );
    for fine in [
        "python3 -m sglang.launch_server --tp 16 --nnodes 2 --node-rank 0 --dist-init-addr a:1",
        // Each pod may serve for itself.
        "python3 -m sglang.launch_server --tp 8",
        "vllm serve m -tp 8 --data-parallel-rank 1",
    ] {
        judge(group(fine)).assert_quiet();
    }
}

#[test]
fn cliques_count_together_with_their_scaling_groups() {
    let set = |workers: u32, groups: Value| {
        let clique = |name: &str, replicas: u32| json!({"name": name, "spec": {"replicas": replicas, "podSpec": spec("8", SERVER)}});
        object(
            "grove.io/v1alpha1",
            "PodCliqueSet",
            json!({"replicas": 2, "template": {"cliques": [clique("leader", 1), clique("worker", workers)], "podCliqueScalingGroups": groups}}),
        )
    };
    let grouped = json!([{"name": "g", "cliqueNames": ["leader", "worker"], "replicas": 3}]);
    judge(set(1, Value::Null)).assert_quiet();
    judge(set(1, grouped)).assert_quiet();
    judge(set(3, Value::Null)).assert_quiet();
    let found = rules(&judge(set(0, Value::Null)));
    assert_eq!(found, ["deny parallel-above-group"]);
}

#[test]
fn an_unknown_number_of_pods_elsewhere_hides_no_group() {
    let mut service = pools(1).remove(2);
    let main = || json!([{"name": "main"}]);
    service["spec"]["canary"] =
        json!([{"predictor": {"containers": main(), "workerSpec": {"containers": main()}}}]);
    let found = rules(&judge(service));
    assert_eq!(found, ["deny parallel-above-group"]);
}

#[test]
fn a_pytorch_job_says_as_many_processes_as_its_pods_have_gpus() {
    let job = |told: &str, gpus: &str, command: &[&str]| {
        pytorch(0, runs(gpus, command), json!({"nprocPerNode": told}))
    };
    let torchrun = ["torchrun", "t.py"];
    let done = judge(job("4", "1", &["python", "train.py"]));
    assert_eq!(rules(&done), ["warn told-unlike-devices"]);
    assert_eq!(done.findings[0].path, "/spec/nprocPerNode");
    assert_eq!(
        done.findings[0].message,
        "`nprocPerNode` comes to 4, container `main` has 1 nvidia.com/gpu: some get none"
    );
    let idle = judge(job("4", "8", &torchrun));
    assert_eq!(rules(&idle), ["warn told-unlike-devices"]);
    assert!(idle.findings[0].message.ends_with("some are idle"));
    for (told, gpus) in [("8", "8"), ("gpu", "8"), ("auto", "8")] {
        judge(job(told, gpus, &torchrun)).assert_quiet();
    }
    // The launcher's own number is compared instead.
    judge(job(
        "4",
        "8",
        &["torchrun", "--nproc-per-node", "8", "t.py"],
    ))
    .assert_quiet();
}

#[test]
fn a_train_job_says_as_many_processes_as_its_nodes_have_gpus() {
    let job = |told: Value| {
        let trainer = json!({"numNodes": 2, "numProcPerNode": told, "resourcesPerNode": {"limits": {"nvidia.com/gpu": "8"}}});
        object(
            "trainer.kubeflow.org/v1alpha1",
            "TrainJob",
            json!({"runtimeRef": {"name": "torch-distributed"}, "trainer": trainer}),
        )
    };
    assert_one(
        &judge(job(json!(16))),
        "warn told-unlike-devices",
        "/spec/trainer/numProcPerNode",
        &[
            "`trainer.numProcPerNode` comes to 16",
            "has 8 nvidia.com/gpu",
        ],
    );
    judge(job(json!(8))).assert_quiet();
    judge(job(json!("gpu"))).assert_quiet();
}

#[test]
fn an_llm_inference_service_spreads_over_the_devices_of_its_pods() {
    let service = |parallelism: Value, gpus: &str| {
        let main = pod([container("main").limit("nvidia.com/gpu", gpus)]).build();
        object(
            "serving.kserve.io/v1alpha1",
            "LLMInferenceService",
            json!({"parallelism": parallelism, "template": main["spec"]}),
        )
    };
    assert_one(
        &judge(service(json!({"tensor": 4}), "2")),
        "warn told-unlike-devices",
        "/spec/parallelism/tensor",
        &["comes to 4", "has 2 nvidia.com/gpu"],
    );
    for (parallelism, gpus) in [
        (json!({"tensor": 4}), "4"),
        (json!({"tensor": 2, "dataLocal": 4, "data": 8}), "8"),
        (json!({"pipeline": 2}), "8"),
        // How many copies each pod has is not told.
        (json!({"tensor": 1, "data": 8}), "8"),
    ] {
        judge(service(parallelism, gpus)).assert_quiet();
    }
    let wrong = judge(service(json!({"tensor": 2, "dataLocal": 4}), "4"));
    assert_eq!(wrong.findings[0].actual.as_deref(), Some("8"));
}

#[test]
fn a_vllm_runtime_spreads_over_its_gpus() {
    let runtime = |config: Value| {
        let resources = json!({"cpu": "8", "memory": "64Gi", "gpu": "2"});
        object(
            "production-stack.vllm.ai/v1alpha1",
            "VLLMRuntime",
            json!({"vllmConfig": config, "deploymentConfig": {"resources": resources}}),
        )
    };
    assert_one(
        &judge(runtime(json!({"tensorParallelSize": 4}))),
        "warn told-unlike-devices",
        "/spec/vllmConfig/tensorParallelSize",
        &["comes to 4", "has 2 nvidia.com/gpu"],
    );
    judge(runtime(json!({"tensorParallelSize": 2}))).assert_quiet();
    judge(runtime(json!({"tensorParallelSize": 0}))).assert_quiet();
    judge(runtime(
        json!({"tensorParallelSize": 1, "extraArgs": ["--data-parallel-size", "2"]}),
    ))
    .assert_quiet();
}

/// Their controllers make copies, and no pod sees another.
#[test]
fn kinds_of_copies_are_groups_of_one() {
    let server = || json!({"spec": spec("1", "vllm serve m -tp 4")});
    for (version, kind, spec) in [
        (
            "serving.knative.dev/v1",
            "Service",
            json!({"template": server()}),
        ),
        ("kubeflow.org/v1", "Notebook", json!({"template": server()})),
        (
            "keda.sh/v1alpha1",
            "ScaledJob",
            json!({"maxReplicaCount": 1, "jobTargetRef": {"template": server()}}),
        ),
    ] {
        let done = Case::object(object(version, kind, spec)).run::<Parallelism>();
        done.assert_findings(&["deny parallel-above-group"]);
    }
}
