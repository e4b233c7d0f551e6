use serde_json::{Value, json};
use tollgate_sdk::test::{PodBuilder, pod};

use super::{SPOT, assert_one, gpu, run, saving, set, trainer};

/// On a spot node of AWS.
fn on_spot(builder: PodBuilder) -> PodBuilder {
    builder.node_selector(SPOT.0, SPOT.1)
}

fn with_grace(builder: PodBuilder, seconds: u32) -> PodBuilder {
    builder.with("/spec/terminationGracePeriodSeconds", seconds.into())
}

#[test]
fn warns_about_training_on_spot_that_keeps_nothing() {
    let done = run(with_grace(on_spot(trainer(gpu())), 120));
    assert_one(
        &done,
        "warn spot-without-checkpoint",
        "/spec/nodeSelector/karpenter.sh~1capacity-type",
        &[
            "`main`",
            "karpenter.sh/capacity-type: spot",
            "PersistentVolumeClaim",
        ],
    );
    let tolerant = trainer(gpu())
        .toleration(json!({"key": "cloud.google.com/gke-spot", "operator": "Exists"}));
    assert_one(
        &run(tolerant),
        "warn spot-without-checkpoint",
        "/spec/tolerations/0",
        &["tolerates the taint `cloud.google.com/gke-spot`"],
    );
}

#[test]
fn what_outlives_the_pod_keeps_its_work() {
    let fine = [
        saving(trainer(gpu())),
        trainer(gpu().env("CHECKPOINTS", "s3://bucket/run")),
        trainer(gpu().args(&["train.py", "--output=gs://bucket/run"])),
        trainer(gpu().with("/envFrom", json!([{"configMapRef": {"name": "a"}}]))),
    ];
    for pod in fine {
        run(with_grace(on_spot(pod), 120)).assert_quiet();
    }
}

#[test]
fn what_ends_with_the_node_or_cannot_be_written_keeps_nothing() {
    let mounted = |read_only: bool, source: &str, value: Value| {
        let mount = json!([{"name": "data", "mountPath": "/data", "readOnly": read_only}]);
        let pod = trainer(gpu().with("/volumeMounts", mount)).volume("data", source, value);
        run(with_grace(on_spot(pod), 120))
    };
    for done in [
        mounted(true, "persistentVolumeClaim", json!({"claimName": "a"})),
        mounted(false, "emptyDir", json!({})),
        mounted(false, "hostPath", json!({"path": "/data"})),
    ] {
        done.assert_findings(&["warn spot-without-checkpoint"]);
    }
}

#[test]
fn warns_where_the_cloud_gives_more_time_than_is_used() {
    let done = run(on_spot(saving(trainer(gpu()))));
    assert_one(
        &done,
        "warn spot-grace-period",
        "/spec/terminationGracePeriodSeconds",
        &[
            "30 s of 120 when its spot node ends",
            "gives itself 30",
            "terminationGracePeriodSeconds: 120",
        ],
    );
    run(with_grace(on_spot(saving(trainer(gpu()))), 30))
        .assert_findings(&["warn spot-grace-period"]);
}

#[test]
fn a_hook_an_own_period_or_a_hasty_cloud_is_let_be() {
    run(with_grace(on_spot(saving(trainer(gpu()))), 60)).assert_quiet();
    let hook = gpu().with("/lifecycle/preStop/exec/command", json!(["save"]));
    run(on_spot(saving(trainer(hook)))).assert_quiet();
    let google = saving(trainer(gpu())).node_selector("cloud.google.com/gke-spot", "true");
    run(google).assert_quiet();
    run(trainer(gpu())).assert_quiet();
    run(trainer(gpu()).node_selector(SPOT.0, "on-demand")).assert_quiet();
}

#[test]
fn the_setting_gives_time_within_the_notice() {
    for (wanted, given) in [(90, json!(90)), (600, json!(120))] {
        let done = set(on_spot(pod([gpu()])), json!({"spotGracePeriod": wanted}));
        assert_eq!(done.at("/spec/terminationGracePeriodSeconds"), given);
        assert_eq!(done.rules, ["spot-grace-period-default"]);
        assert!(done.findings.is_empty());
    }
    let settings = || json!({"spotGracePeriod": 90});
    let google = pod([gpu()]).node_selector("cloud.google.com/gke-spot", "true");
    set(google, settings()).assert_quiet();
    set(with_grace(on_spot(pod([gpu()])), 60), settings()).assert_quiet();
    set(pod([gpu()]), settings()).assert_quiet();
}
