use serde_json::{Value, json};
use tollgate_sdk::test::{Case, Done};

use super::{Placement, assert_one, gpu};

fn bound_by(scheduler: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": scheduler, "namespace": "ml"},
        "spec": {"schedulerName": scheduler, "nodeName": "n", "containers": []},
    })
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ml"}})
}

fn run(name: &str, state: &[Value]) -> Done {
    let pod = gpu().with("/spec/schedulerName", name.into());
    Case::new(pod).state(state.to_vec()).run::<Placement>()
}

#[test]
fn a_scheduler_that_is_not_there_is_refused_where_all_are_known() {
    let done = run("volcanoo", &[bound_by("volcano"), config_map()]);
    let pieces = [
        "no scheduler `volcanoo`",
        "`volcano`",
        "`default-scheduler`",
        "name a scheduler",
    ];
    assert_one(
        &done,
        "deny unknown-scheduler",
        "/spec/schedulerName",
        &pieces,
    );
}

#[test]
fn it_is_warned_of_where_there_may_be_others() {
    let done = run("volcanoo", &[bound_by("volcano")]);
    let pieces = ["has been seen", "`volcano`"];
    assert_one(
        &done,
        "warn unknown-scheduler",
        "/spec/schedulerName",
        &pieces,
    );
}

#[test]
fn a_scheduler_that_is_there_is_let_be_and_any_where_nothing_is_known() {
    run("volcano", &[bound_by("volcano"), config_map()]).assert_quiet();
    run("default-scheduler", &[bound_by("volcano"), config_map()]).assert_quiet();
    run("volcanoo", &[]).assert_quiet();
    run("volcanoo", &[config_map()]).assert_quiet();
}
