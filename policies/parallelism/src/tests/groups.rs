use serde_json::json;
use tollgate_sdk::test::{Case, PodBuilder, pod};

use super::super::Parallelism;
use super::{alone, owned, run, runs, script, template};

/// A server that is told of sixteen devices and has eight.
fn sixteen() -> PodBuilder {
    pod([runs(
        "8",
        &["vllm", "serve", "m", "--tensor-parallel-size", "16"],
    )])
}

#[test]
fn says_nothing_about_the_pods_of_a_group() {
    for (key, value) in [
        ("leaderworkerset.sigs.k8s.io/name", "m"),
        ("jobset.sigs.k8s.io/jobset-name", "m"),
        ("ray.io/cluster", "m"),
        ("grove.io/podclique", "m"),
        ("rolebasedgroup.workloads.x-k8s.io/name", "m"),
        ("volcano.sh/job-name", "m"),
    ] {
        run(sixteen().label(key, value)).assert_quiet();
    }
    for key in [
        "batch.kubernetes.io/job-completion-index",
        "scheduling.k8s.io/group-name",
    ] {
        run(sixteen().annotation(key, "0")).assert_quiet();
    }
    for (version, kind) in [
        ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),
        ("ray.io/v1", "RayCluster"),
        ("kubeflow.org/v2beta1", "MPIJob"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("example.com/v1", "Group"),
    ] {
        run(owned(sixteen(), version, kind)).assert_quiet();
    }
    run(sixteen().with("/spec/schedulingGroup", json!({"podGroupName": "g"}))).assert_quiet();
}

#[test]
fn says_nothing_about_programs_that_reach_for_other_pods() {
    for line in [
        "ray start --head --port=6379; vllm serve m --tensor-parallel-size 16",
        "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh leader --ray_cluster_size=2; vllm serve m -tp 16",
        "python3 -m sglang.launch_server --tp 16 --dist-init-addr $(LWS_LEADER_ADDRESS):20000 --nnodes 2 --node-rank 0",
        "python3 -m sglang.launch_server --tp 16 --nnodes=2",
        "vllm serve m -tp 16 --nnodes 2 --node-rank 1 --headless",
        "vllm serve m -tp 16 --distributed-executor-backend ray",
        "vllm serve m -dp 16 --data-parallel-size-local 8",
        "mpirun -n 16 --hostfile h trtllm-serve m --tp_size 16",
    ] {
        alone(script("8", line)).assert_quiet();
    }
    for (name, value) in [
        ("RAY_ADDRESS", "head:6379"),
        ("NNODES", "2"),
        ("MASTER_ADDR", "leader"),
    ] {
        let container = runs("8", &["vllm", "serve", "m", "-tp", "16"]).env(name, value);
        alone(container).assert_quiet();
    }
}

#[test]
fn variables_that_name_this_pod_make_no_group() {
    let container = runs("8", &["vllm", "serve", "m", "-tp", "16"])
        .env("MASTER_ADDR", "localhost")
        .env("NNODES", "1");
    alone(container).assert_findings(&["deny parallel-above-devices"]);
}

#[test]
fn warns_where_a_group_could_be() {
    let warned = ["warn parallel-above-pod"];
    run(owned(sixteen(), "apps/v1", "StatefulSet")).assert_findings(&warned);
    run(sixteen().with("/spec/subdomain", json!("servers"))).assert_findings(&warned);
    let job = template("batch/v1", "Job", json!({"parallelism": 2}), sixteen());
    Case::object(job)
        .run::<Parallelism>()
        .assert_findings(&warned);
    let set = template("apps/v1", "StatefulSet", json!({"replicas": 2}), sixteen());
    Case::object(set)
        .run::<Parallelism>()
        .assert_findings(&warned);
    let from_elsewhere = runs("8", &["vllm", "serve", "m", "-tp", "16"])
        .with("/envFrom", json!([{"configMapRef": {"name": "cluster"}}]));
    alone(from_elsewhere).assert_findings(&warned);
}

#[test]
fn a_job_of_one_pod_stands_alone() {
    let job = template("batch/v1", "Job", json!({}), sixteen());
    Case::object(job)
        .run::<Parallelism>()
        .assert_findings(&["deny parallel-above-devices"]);
}

#[test]
fn idle_devices_are_idle_in_a_group_too() {
    let builder = pod([runs("8", &["vllm", "serve", "m", "-tp", "4"])]);
    run(owned(
        builder,
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
    ))
    .assert_findings(&["warn parallel-below-devices"]);
}
