use serde_json::json;
use tollgate_sdk::test::{Case, container, pod};

use super::super::SharedMemory;
use super::{gpus, job, owned, run, run_with, size_of, two};

#[test]
fn gives_several_gpus_a_volume_in_memory() {
    let done = run(two());
    done.assert_patch(json!([
        {"op": "add", "path": "/spec/volumes", "value": [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]},
        {"op": "add", "path": "/spec/containers/0/volumeMounts", "value": [{"name": "dshm", "mountPath": "/dev/shm"}]},
    ]));
    assert_eq!(done.rules, ["shm-missing", "shm-missing"]);
    done.assert_findings(&[]);
}

#[test]
fn knows_which_devices_work_together() {
    for name in ["amd.com/gpu", "habana.ai/gaudi", "aws.amazon.com/neuron"] {
        assert_eq!(
            run(pod([container("main").limit(name, "2")])).rules.len(),
            2,
            "{name}"
        );
    }
    for name in [
        "google.com/tpu",
        "nvidia.com/mig-1g.10gb",
        "nvidia.com/gpu.shared",
        "rdma/hca",
        "cpu",
    ] {
        run(pod([container("main").limit(name, "4")])).assert_quiet();
    }
}

#[test]
fn says_nothing_about_one_gpu_that_serves() {
    for words in [&["vllm", "serve", "m"][..], &["python", "app.py"], &[]] {
        run(pod([gpus("main", "1").command(words)])).assert_quiet();
    }
    run(pod([gpus("main", "0")])).assert_quiet();
    run(owned(pod([gpus("main", "1")]), "batch/v1", "Job")).assert_quiet();
}

#[test]
fn a_setting_includes_one_gpu_that_serves() {
    let done = run_with(json!({"singleDevice": true}), pod([gpus("main", "1")]));
    assert_eq!(size_of(&done), "2Gi");
    run_with(
        json!({"singleDevice": true}),
        pod([container("main").limit("google.com/tpu", "1")]),
    )
    .assert_quiet();
}

#[test]
fn gives_one_gpu_that_trains_a_volume() {
    let launched = gpus("main", "1").command(&["bash", "-c", "cd /work && torchrun train.py"]);
    assert_eq!(size_of(&run(pod([launched]))), "8Gi");
}

#[test]
fn gives_the_pods_of_a_group_a_volume() {
    let one = || pod([gpus("main", "1")]);
    let marked = [
        owned(one(), "batch/v1", "Job").annotation("batch.kubernetes.io/job-completion-index", "0"),
        owned(one(), "kubeflow.org/v1", "MPIJob")
            .label("training.kubeflow.org/replica-type", "worker"),
        owned(one(), "apps/v1", "StatefulSet").annotation("leaderworkerset.sigs.k8s.io/size", "2"),
        pod([gpus("main", "1").env("WORLD_SIZE", "2")]),
        pod([gpus("main", "1").env("PET_NNODES", "1:4")]),
    ];
    for builder in marked {
        assert_eq!(size_of(&run(builder.clone())), "8Gi", "{builder:?}");
    }
    let alone = [
        owned(one(), "apps/v1", "StatefulSet").annotation("leaderworkerset.sigs.k8s.io/size", "1"),
        pod([gpus("main", "1").env("WORLD_SIZE", "1")]),
    ];
    for builder in alone {
        run(builder).assert_quiet();
    }
}

#[test]
fn shows_for_a_job_what_its_pods_will_get() {
    let one = || pod([gpus("main", "1")]);
    let done = Case::object(job(one(), "Indexed")).run::<SharedMemory>();
    assert_eq!(
        done.at("/spec/template/spec/volumes/0/emptyDir/sizeLimit"),
        "8Gi"
    );
    Case::object(job(one(), "NonIndexed"))
        .run::<SharedMemory>()
        .assert_quiet();
    let mut replicas = one().deployment();
    replicas["spec"]["replicas"] = json!(3);
    Case::object(replicas).run::<SharedMemory>().assert_quiet();
}

#[test]
fn repairs_templates_at_their_place() {
    let done = Case::object(two().deployment()).run::<SharedMemory>();
    let paths: Vec<_> = done
        .patch
        .iter()
        .map(|op| op["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "/spec/template/spec/volumes",
            "/spec/template/spec/containers/0/volumeMounts"
        ]
    );
}

#[test]
fn shares_one_volume_among_the_containers_that_need_it() {
    let containers = [
        gpus("a", "2"),
        container("proxy"),
        gpus("b", "4"),
        gpus("c", "1"),
    ];
    let done = run(pod(containers));
    assert_eq!(size_of(&done), "12Gi");
    let mount = json!([{"name": "dshm", "mountPath": "/dev/shm"}]);
    let mounts =
        [0, 1, 2, 3].map(|index| done.at(&format!("/spec/containers/{index}/volumeMounts")));
    assert_eq!(mounts, [mount.clone(), json!(null), mount, json!(null)]);
}

#[test]
fn serves_the_container_that_has_none_beside_one_that_has() {
    let has = gpus("a", "2").mount("shm", "/dev/shm");
    let volume = json!({"medium": "Memory", "sizeLimit": "1Gi"});
    let done = run(pod([has, gpus("b", "2")]).volume("shm", "emptyDir", volume));
    assert_eq!(done.at("/spec/volumes/1/name"), "dshm");
    assert_eq!(done.at("/spec/containers/1/volumeMounts/0/name"), "dshm");
    assert_eq!(done.patch.len(), 2);
}

#[test]
fn serves_sidecars_but_not_init_containers() {
    let sidecar = gpus("side", "2").with("/restartPolicy", "Always".into());
    let done = run(pod([container("main")]).init(sidecar));
    assert_eq!(
        done.at("/spec/initContainers/0/volumeMounts/0/mountPath"),
        "/dev/shm"
    );
    run(pod([container("main")]).init(gpus("warm", "2"))).assert_quiet();
    let debug =
        json!([{"name": "debug", "image": "i", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]);
    run(pod([container("main")]).with("/spec/ephemeralContainers", debug)).assert_quiet();
}

/// The runtime of an InferenceService may bring one.
#[test]
fn gives_nothing_to_pods_that_others_add_to() {
    Case::object(two().predictor())
        .run::<SharedMemory>()
        .assert_quiet();
    assert!(!run(two()).patch.is_empty());
}
