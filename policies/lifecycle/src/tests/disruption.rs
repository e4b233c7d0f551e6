use serde_json::json;
use tollgate_sdk::test::{PodBuilder, pod};

use super::{assert_one, gpu, owned, run, set};

fn job() -> PodBuilder {
    owned(pod([gpu()]), "batch/v1", "Job").with("/spec/restartPolicy", "Never".into())
}

#[test]
fn warns_about_training_that_karpenter_may_move() {
    let done = run(job().node_selector("karpenter.sh/nodepool", "gpu"));
    assert_one(
        &done,
        "warn training-disruptable",
        "/metadata/annotations",
        &[
            "`main`",
            "karpenter.sh/nodepool",
            "karpenter.sh/do-not-disrupt: \"true\"",
        ],
    );
    let term = json!([{"matchExpressions": [{"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "In", "values": ["h100"]}]}]);
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": term}}});
    run(job().with("/spec/affinity", affinity)).assert_findings(&["warn training-disruptable"]);
}

#[test]
fn whoever_has_decided_does_not_train_or_shows_no_karpenter_is_let_be() {
    let decided = job().node_selector("karpenter.sh/nodepool", "gpu");
    for value in ["true", "false"] {
        run(decided
            .clone()
            .annotation("karpenter.sh/do-not-disrupt", value))
        .assert_quiet();
    }
    let server = pod([gpu().image("vllm/vllm-openai:v0.11.0")]);
    run(server.node_selector("karpenter.sh/nodepool", "gpu")).assert_quiet();
    run(job()).assert_quiet();
    run(job().node_selector("cloud.google.com/gke-accelerator", "nvidia-l4")).assert_quiet();
}

#[test]
fn the_setting_tells_the_autoscalers() {
    let settings = || json!({"keepTraining": ["karpenter", "cluster-autoscaler"]});
    let done = set(job(), settings());
    assert_eq!(
        done.at("/metadata/annotations"),
        json!({"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"})
    );
    assert!(done.rules.iter().all(|rule| rule == "training-kept"));
    let own = job().annotation("karpenter.sh/do-not-disrupt", "false");
    let done = set(own, settings());
    assert_eq!(
        done.at("/metadata/annotations/karpenter.sh~1do-not-disrupt"),
        "false"
    );
    set(pod([gpu()]), settings()).assert_quiet();
}
