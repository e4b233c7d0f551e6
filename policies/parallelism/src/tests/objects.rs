//! Workload objects: groups, and what operators are told.

use serde_json::{Value, json};
use tollgate_sdk::test::{Case, ContainerBuilder, Done, PodBuilder, assert_one, container, pod};

use super::super::Parallelism;
use super::{runs, script};

pub(super) fn object(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "test", "namespace": "default"}, "spec": spec})
}

pub(super) fn template(builder: PodBuilder) -> Value {
    let pod = builder.build();
    json!({"metadata": {}, "spec": pod["spec"]})
}

pub(super) fn judge(object: Value) -> Done {
    Case::object(object).run::<Parallelism>()
}

/// A server that spreads over sixteen devices of a group and has eight.
fn sixteen() -> ContainerBuilder {
    script(
        "8",
        "ray start --head; vllm serve m --tensor-parallel-size 8 --pipeline-parallel-size 2 --distributed-executor-backend ray",
    )
}

fn leader_worker_set(size: u32, replicas: u32, leader: ContainerBuilder) -> Value {
    let spec = json!({"replicas": replicas, "leaderWorkerTemplate": {
        "size": size,
        "leaderTemplate": template(pod([leader])),
        "workerTemplate": template(pod([script("8", "ray start --block")])),
    }});
    object("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", spec)
}

#[test]
fn a_group_has_the_devices_that_its_server_spreads_over() {
    judge(leader_worker_set(2, 3, sixteen())).assert_quiet();
    assert_one(
        &judge(leader_worker_set(4, 1, sixteen())),
        "warn parallel-below-group",
        "/spec/leaderWorkerTemplate/leaderTemplate/spec/containers/0/resources/limits/nvidia.com~1gpu",
        &["over 16 of the 32 nvidia.com/gpu of its group"],
    );
    let done = judge(leader_worker_set(1, 2, sixteen()));
    assert_one(
        &done,
        "deny parallel-above-group",
        "/spec/leaderWorkerTemplate/leaderTemplate/spec/containers/0/resources/limits/nvidia.com~1gpu",
        &["more than the 8 nvidia.com/gpu of the only pod of its group"],
    );
    // How many there are is not known.
    judge(leader_worker_set(1, 0, sixteen())).assert_quiet();
    let elsewhere = script("8", "vllm serve m -tp 8 -dp 4 --data-parallel-external-lb");
    judge(leader_worker_set(1, 1, elsewhere)).assert_quiet();
}

#[test]
fn the_groups_of_every_kind_are_counted() {
    let server = |gpus: &str| {
        template(pod([script(
            gpus,
            "python3 -m sglang.launch_server --tp 16 --nnodes 2 --node-rank 0 --dist-init-addr a:1",
        )]))
    };
    let roles = |size: u32| {
        let role = json!({"name": "decode", "replicas": 3, "leaderWorkerPattern": {"size": size, "template": server("8")}});
        object(
            "workloads.x-k8s.io/v1alpha2",
            "RoleBasedGroup",
            json!({"roles": [role]}),
        )
    };
    let storm = |size: u32| {
        let role =
            json!({"name": "decode", "replicas": 3, "podGroupSize": size, "template": server("8")});
        let spec = json!({"replicas": 2, "template": {"spec": {"roles": [role]}}});
        object("orchestration.aibrix.ai/v1alpha1", "StormService", spec)
    };
    let serving = |workers: u32| {
        let role = json!({"name": "decode", "replicas": 2, "workerReplicas": workers - 1, "entryTemplate": server("8"), "workerTemplate": server("8")});
        object(
            "workload.serving.volcano.sh/v1alpha1",
            "ModelServing",
            json!({"replicas": 2, "template": {"roles": [role]}}),
        )
    };
    let graph = |nodes: u32| {
        let service = json!({"replicas": 2, "multinode": {"nodeCount": nodes}, "resources": {"limits": {"gpu": "8"}}, "extraPodSpec": {"mainContainer": {"image": "a", "command": ["python3", "-m", "dynamo.vllm"], "args": ["--tensor-parallel-size", "16"]}}});
        object(
            "nvidia.com/v1alpha1",
            "DynamoGraphDeployment",
            json!({"services": {"Decode": service}}),
        )
    };
    for make in [&roles as &dyn Fn(u32) -> Value, &storm, &serving, &graph] {
        let of_two = make(2);
        let kind = of_two["kind"].clone();
        assert_eq!(judge(of_two).findings, Vec::new(), "{kind}");
        let rules = |done: Done| -> Vec<_> {
            let denied = done
                .findings
                .into_iter()
                .filter(|found| found.rule == "parallel-above-group");
            denied.map(|found| found.path).collect()
        };
        assert!(!rules(judge(make(1))).is_empty(), "{kind}");
    }
}

pub(super) fn pytorch(workers: u32, master: ContainerBuilder, spec: Value) -> Value {
    let worker = template(pod([master.clone()]));
    let mut spec = spec;
    spec["pytorchReplicaSpecs"] = json!({
        "Master": {"replicas": 1, "template": template(pod([master]))},
        "Worker": {"replicas": workers, "template": worker},
    });
    object("kubeflow.org/v1", "PyTorchJob", spec)
}

#[test]
fn a_launcher_waits_for_as_many_pods_as_there_are() {
    let torchrun = |nodes: &str| {
        runs(
            "8",
            &[
                "torchrun",
                "--nnodes",
                nodes,
                "--nproc-per-node",
                "8",
                "t.py",
            ],
        )
    };
    judge(pytorch(3, torchrun("4"), json!({}))).assert_quiet();
    let done = judge(pytorch(3, torchrun("2"), json!({})));
    done.assert_findings(&["warn nodes-unlike-pods", "warn nodes-unlike-pods"]);
    assert_eq!(
        done.findings[0].path,
        "/spec/pytorchReplicaSpecs/Master/template/spec/containers/0"
    );
    assert_eq!(
        done.findings[0].message,
        "container `main` waits for 2 pods (`--nnodes`), and its object makes 4"
    );
    for unclear in ["1:4", "$NNODES"] {
        judge(pytorch(3, torchrun(unclear), json!({}))).assert_quiet();
    }
    let job = |mode: Value| {
        let mut job = object(
            "batch/v1",
            "Job",
            json!({"parallelism": 4, "completions": 4}),
        );
        job["spec"]["completionMode"] = mode;
        job["spec"]["template"] = template(pod([torchrun("2")]));
        job
    };
    judge(job("Indexed".into())).assert_findings(&["warn nodes-unlike-pods"]);
    judge(job(Value::Null)).assert_quiet();
}

#[test]
fn a_pytorch_job_starts_a_process_for_each_gpu() {
    let plain = || runs("8", &["python3", "train.py"]);
    let done = judge(pytorch(0, plain(), json!({})));
    let at = "/spec/pytorchReplicaSpecs/Master/template/spec/containers/0";
    assert_eq!(done.findings[0].path, at);
    assert!(
        done.findings
            .iter()
            .all(|found| found.rule == "one-process-for-several-gpus"),
        "{done:#?}"
    );
    for told in [
        json!({"nprocPerNode": "8"}),
        json!({"elasticPolicy": {"nProcPerNode": 8}}),
    ] {
        judge(pytorch(1, plain(), told)).assert_quiet();
    }
    judge(pytorch(1, runs("1", &["python3", "train.py"]), json!({}))).assert_quiet();
    judge(pytorch(1, runs("8", &["torchrun", "t.py"]), json!({}))).assert_quiet();
    judge(pytorch(1, runs("8", &["/run.sh"]), json!({}))).assert_quiet();
}

#[test]
fn an_mpi_job_has_a_slot_for_each_gpu() {
    let job = |slots: Value, gpus: &str| {
        let mut spec = json!({"mpiReplicaSpecs": {
            "Launcher": {"replicas": 1, "template": template(pod([container("l").command(&["mpirun", "-np", "16"])]))},
            "Worker": {"replicas": 2, "template": template(pod([runs(gpus, &["/usr/sbin/sshd"])]))},
        }});
        spec["slotsPerWorker"] = slots;
        object("kubeflow.org/v2beta1", "MPIJob", spec)
    };
    judge(job(json!(8), "8")).assert_quiet();
    judge(job(Value::Null, "8")).assert_quiet();
    assert_one(
        &judge(job(json!(4), "8")),
        "warn slots-unlike-gpus",
        "/spec/slotsPerWorker",
        &["the rest are idle", "slotsPerWorker: 8"],
    );
    assert_one(
        &judge(job(json!(8), "4")),
        "warn slots-unlike-gpus",
        "/spec/slotsPerWorker",
        &["several ranks share one"],
    );
}

#[test]
fn a_train_job_on_devices_that_nobody_counts_says_how_many_processes() {
    let job = |resource: &str, processes: Value, runtime: &str| {
        let mut trainer = json!({"numNodes": 2, "resourcesPerNode": {"limits": {resource: "4"}}});
        trainer["numProcPerNode"] = processes;
        object(
            "trainer.kubeflow.org/v1alpha1",
            "TrainJob",
            json!({"runtimeRef": {"name": runtime}, "trainer": trainer}),
        )
    };
    for resource in [
        "nvidia.com/mig-1g.10gb",
        "habana.ai/gaudi",
        "google.com/tpu",
        "aws.amazon.com/neuron",
    ] {
        let path = format!(
            "/spec/trainer/resourcesPerNode/limits/{}",
            resource.replace('/', "~1")
        );
        for untold in [Value::Null, json!("auto")] {
            let done = judge(job(resource, untold, "torch-distributed"));
            assert_one(
                &done,
                "deny processes-untold",
                &path,
                &["a process is started for each CPU", "numProcPerNode"],
            );
        }
        judge(job(resource, json!(4), "torch-distributed")).assert_quiet();
    }
    judge(job("google.com/tpu", Value::Null, "jax")).assert_findings(&["warn processes-untold"]);
    judge(job("nvidia.com/gpu", Value::Null, "torch-distributed")).assert_quiet();
}

#[test]
fn ray_is_told_of_the_gpus_that_it_has() {
    let cluster = |resource: &str, start: Value| {
        let worker = template(pod([container("ray").limit(resource, "4")]));
        let head = template(pod([container("head")]));
        let group =
            json!({"groupName": "gpu", "replicas": 1, "rayStartParams": start, "template": worker});
        object(
            "ray.io/v1",
            "RayCluster",
            json!({"headGroupSpec": {"rayStartParams": {"num-gpus": "0"}, "template": head}, "workerGroupSpecs": [group]}),
        )
    };
    let told = "/spec/workerGroupSpecs/0/rayStartParams/num-gpus";
    let done = judge(cluster("nvidia.com/gpu", json!({"num-gpus": "8"})));
    assert_one(
        &done,
        "warn ray-gpus-unlike-limit",
        told,
        &["told of 8 GPUs", "4 nvidia.com/gpu"],
    );
    for right in [
        json!({}),
        json!({"num-gpus": "4"}),
        json!({"num-gpus": "0"}),
        json!({"num-gpus": "$N"}),
    ] {
        judge(cluster("nvidia.com/gpu", right)).assert_quiet();
    }
    for unseen in [
        "nvidia.com/gpu.shared",
        "nvidia.com/mig-1g.10gb.me",
        "nvidia.com/mig-1g.10gb.shared",
    ] {
        let done = judge(cluster(unseen, json!({})));
        assert_one(
            &done,
            "warn ray-gpus-unseen",
            "/spec/workerGroupSpecs/0/rayStartParams",
            &["Ray sees no GPU"],
        );
        judge(cluster(unseen, json!({"num-gpus": "4"}))).assert_quiet();
    }
    for seen in ["nvidia.com/mig-1g.10gb", "amd.com/gpu", "google.com/tpu"] {
        judge(cluster(seen, json!({}))).assert_quiet();
    }
}

const TOPOLOGY: &str = "cloud.google.com/gke-tpu-topology";

fn tpus(count: &str, topology: &str) -> PodBuilder {
    pod([container("main").limit("google.com/tpu", count)]).node_selector(TOPOLOGY, topology)
}

#[test]
fn a_slice_has_the_chips_of_its_topology() {
    let set = |parallelism: u32| {
        let job = json!({"spec": {"parallelism": parallelism, "completions": parallelism, "template": template(tpus("4", "4x4"))}});
        object(
            "jobset.x-k8s.io/v1alpha2",
            "JobSet",
            json!({"replicatedJobs": [{"name": "slice", "replicas": 3, "template": job}]}),
        )
    };
    judge(set(4)).assert_quiet();
    let path = "/spec/replicatedJobs/0/template/spec/template/spec/nodeSelector/cloud.google.com~1gke-tpu-topology";
    assert_one(
        &judge(set(2)),
        "deny tpu-topology",
        path,
        &["16 chips", "2 pods", "make 4 such pods"],
    );
    let group = |hosts: u32| {
        let workers = json!({"groupName": "tpu", "replicas": 2, "numOfHosts": hosts, "rayStartParams": {}, "template": template(tpus("4", "2x4"))});
        object(
            "ray.io/v1",
            "RayCluster",
            json!({"headGroupSpec": {"rayStartParams": {}, "template": template(pod([container("h")]))}, "workerGroupSpecs": [workers]}),
        )
    };
    judge(group(2)).assert_quiet();
    judge(group(1)).assert_findings(&["deny tpu-topology"]);
    judge(tpus("4", "2x2").deployment()).assert_quiet();
    judge(tpus("4", "2x4").deployment()).assert_findings(&["deny tpu-topology"]);
}

#[test]
fn a_leader_without_chips_is_no_host_of_the_slice() {
    let set = |size: u32| {
        let spec = json!({"replicas": 1, "leaderWorkerTemplate": {
            "size": size, "leaderTemplate": template(pod([container("leader")])), "workerTemplate": template(tpus("4", "4x4")),
        }});
        object("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", spec)
    };
    judge(set(5)).assert_quiet();
    judge(set(4)).assert_findings(&["deny tpu-topology"]);
}

#[test]
fn the_other_pods_of_a_slice_may_not_be_seen() {
    judge(tpus("4", "4x4").build()).assert_quiet();
    judge(tpus("8", "2x2").build()).assert_findings(&["deny tpu-topology"]);
    judge(tpus("4", "<topology>").build()).assert_quiet();
    let two = pod([
        container("a").limit("google.com/tpu", "2"),
        container("b").limit("google.com/tpu", "2"),
    ]);
    judge(two.node_selector(TOPOLOGY, "2x2x1").build()).assert_quiet();
}

#[test]
fn what_a_controller_may_still_say_is_not_missing() {
    let server = || pod([runs("2", &["vllm", "serve", "m"])]);
    judge(server().build()).assert_findings(&["warn parallel-below-devices"]);
    judge(server().predictor()).assert_quiet();
}
