//! Cases of the policy, run natively on accounts of their own.

use std::sync::Arc;

use serde_json::json;
use tollgate_sdk::gpu::{Amount, Model, Price, Unit};
use tollgate_sdk::test::ledger::{
    Account, Draw, Limit, PriorityShare, Reading, Reservation, Window,
};
use tollgate_sdk::test::{Case, Done, PodBuilder, container, pod};

use crate::GpuBudget;

fn limit(unit: Unit, amount: &str) -> Limit {
    Limit {
        unit,
        model: None,
        window: unit.adds_up().then(|| Window::rolling(86_400).unwrap()),
        amount: Amount::parse(amount, unit).unwrap(),
        soft: None,
        share: None,
    }
}

fn gpus(amount: &str) -> Limit {
    limit(Unit::Gpu, amount)
}

fn budget(limits: &[Limit]) -> Reading {
    Reading {
        name: "research".into(),
        limits: limits.into(),
        account: Arc::default(),
        warns: false,
        contact: None,
        currency: None,
        prices: Vec::new(),
    }
}

/// The budget with so much of its first limit reserved.
fn taken(budget: Reading, amount: &str) -> Reading {
    let first = &budget.limits[0];
    let held = Draw::Held(Amount::parse(amount, first.unit).unwrap());
    let reservation = Reservation {
        charge: [(first.key(), held)].into(),
        at: 0,
        pod: ("ml".into(), "other".into()),
        attempt: "other".into(),
    };
    let account = Account {
        reservations: [("other".into(), reservation)].into(),
        ..Account::default()
    };
    Reading {
        account: Arc::new(account),
        ..budget
    }
}

fn asking(name: &str, count: &str) -> PodBuilder {
    pod([container("main").limit(name, count)])
}

fn run(pod: PodBuilder, budget: Reading) -> Done {
    Case::new(pod).budget(budget).run::<GpuBudget>()
}

fn charged(done: &Done, unit: Unit) -> String {
    let draws = done.charges.iter().flat_map(|one| one.charge.values());
    let told = draws.map(|draw| draw.told().unwrap().0.text(unit));
    told.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_pod_without_a_budget_is_let_alone() {
    let done = Case::new(asking("nvidia.com/gpu", "8")).run::<GpuBudget>();
    done.assert_quiet();
    assert!(done.charges.is_empty());
}

#[test]
fn a_pod_that_fits_is_charged_in_silence() {
    let done = run(asking("nvidia.com/gpu", "2"), budget(&[gpus("2")]));
    done.assert_quiet();
    assert_eq!(charged(&done, Unit::Gpu), "2");
}

#[test]
fn a_pod_that_takes_no_accelerator_is_not_charged() {
    let done = run(asking("cpu", "2"), budget(&[gpus("0")]));
    done.assert_quiet();
    assert!(done.charges.is_empty());
}

#[test]
fn a_denial_says_what_is_taken_and_what_would_fit() {
    let budget = Reading {
        contact: Some("#gpus".to_owned()),
        ..taken(budget(&[gpus("4")]), "2.5")
    };
    let done = run(asking("nvidia.com/gpu", "3"), budget);
    done.assert_findings(&["deny over-budget"]);
    let found = &done.findings[0];
    assert_eq!(
        found.message,
        "the pod needs 3 GPUs, which budget `research` does not have: of 4 GPUs, 0 are used and 2.5 reserved for pods that are still to come"
    );
    assert_eq!(found.path, "/spec/containers/0/resources");
    assert_eq!(found.actual.as_deref(), Some("3 GPUs"));
    assert_eq!(found.allowed.as_deref(), Some("at most 1.5 GPUs"));
    assert_eq!(
        found.fix.as_deref(),
        Some("ask for `nvidia.com/gpu: 1`; for more, ask #gpus")
    );
}

#[test]
fn where_no_whole_device_fits_a_slice_is_proposed_that_every_model_has() {
    let half = taken(budget(&[gpus("1")]), "0.5");
    let done = Case::new(asking("nvidia.com/gpu", "1"))
        .gpu_models(&["H100-80GB", "A100-80GB"])
        .budget(half.clone())
        .run::<GpuBudget>();
    assert_eq!(
        done.findings[0].fix.as_deref(),
        Some("ask for one `nvidia.com/mig-3g.40gb`, if that is enough")
    );
    let done = Case::new(asking("nvidia.com/gpu", "1"))
        .gpu_models(&["H100-80GB", "L4"])
        .budget(half)
        .run::<GpuBudget>();
    assert_eq!(
        done.findings[0].fix.as_deref(),
        Some("wait until other pods of the budget have ended")
    );
}

#[test]
fn a_budget_that_only_warns_charges_all_the_same() {
    let warning = Reading {
        warns: true,
        ..budget(&[gpus("1")])
    };
    let done = run(asking("nvidia.com/gpu", "2"), warning);
    done.assert_findings(&["warn over-budget"]);
    assert_eq!(charged(&done, Unit::Gpu), "2");
}

#[test]
fn beyond_the_soft_limit_there_is_a_warning() {
    let soft = Limit {
        soft: Amount::parse("3", Unit::Gpu).ok(),
        ..gpus("4")
    };
    let at = |taken_before| {
        run(
            asking("nvidia.com/gpu", "1"),
            taken(budget(std::slice::from_ref(&soft)), taken_before),
        )
    };
    at("2").assert_quiet();
    at("2.5").assert_findings(&["warn over-soft-limit"]);
}

#[test]
fn the_share_of_higher_priorities_is_told() {
    let shared = Limit {
        share: Some(PriorityShare {
            amount: Amount::parse("2", Unit::Gpu).unwrap(),
            above: 100,
        }),
        ..gpus("3")
    };
    let done = run(asking("nvidia.com/gpu", "2"), budget(&[shared]));
    let message = &done.findings[0].message;
    let told = "of the 1 GPU that pods of this priority may use (3 in all, the rest for priorities above 100)";
    assert!(message.contains(told), "{message}");
}

#[test]
fn a_deadline_is_charged_ahead_and_a_shorter_one_is_proposed() {
    let hours = limit(Unit::GpuHours, "2");
    let deadline = |seconds: u32| {
        let mut pod = asking("nvidia.com/gpu", "2").build();
        pod["spec"]["activeDeadlineSeconds"] = seconds.into();
        let budget = budget(std::slice::from_ref(&hours));
        Case::object(pod).budget(budget).run::<GpuBudget>()
    };
    let fitting = deadline(3_600);
    fitting.assert_quiet();
    assert_eq!(charged(&fitting, Unit::GpuHours), "2");
    let long = deadline(7_200);
    long.assert_findings(&["deny over-budget"]);
    assert_eq!(
        long.findings[0].fix.as_deref(),
        Some("set `activeDeadlineSeconds` to at most 3600")
    );
}

#[test]
fn without_a_deadline_a_pod_is_charged_as_it_runs_while_anything_is_left() {
    let hours = budget(&[limit(Unit::GpuHours, "1")]);
    let done = run(asking("nvidia.com/gpu", "2"), hours);
    done.assert_quiet();
    assert_eq!(charged(&done, Unit::GpuHours), "2");
    let none = budget(&[limit(Unit::GpuHours, "0")]);
    let done = run(asking("nvidia.com/gpu", "2"), none);
    done.assert_findings(&["deny over-budget"]);
    let message = &done.findings[0].message;
    assert!(
        message.starts_with("budget `research` is used up: of 0 GPU-hours"),
        "{message}"
    );
}

#[test]
fn money_is_counted_by_the_price_of_the_model_and_the_dearest_where_none_is_known() {
    let priced = || Reading {
        currency: Some("USD".to_owned()),
        prices: [("H100-80GB", "6.88"), ("L4", "0.8")]
            .map(|(model, price)| Price {
                model: Model::parse(model).ok(),
                node_label: None,
                capacity: None,
                per_hour: Amount::decimal(price).unwrap(),
            })
            .into(),
        ..budget(&[limit(Unit::Money, "100")])
    };
    let of = |models: &[&str]| {
        let case = Case::new(asking("nvidia.com/gpu", "2")).gpu_models(models);
        case.budget(priced()).run::<GpuBudget>()
    };
    let known = of(&["L4"]);
    known.assert_quiet();
    assert_eq!(charged(&known, Unit::Money), "1.6");
    let unknown = of(&["T4"]);
    unknown.assert_findings(&["warn unknown-price"]);
    assert_eq!(charged(&unknown, Unit::Money), "13.76");
}

#[test]
fn a_part_by_annotation_costs_that_part() {
    let part = asking("cpu", "1").annotation("gpu-fraction", "0.5");
    let done = run(part, budget(&[gpus("1")]));
    assert_eq!(charged(&done, Unit::Gpu), "0.5");
}

#[test]
fn what_is_too_large_to_be_counted_is_refused() {
    let huge = asking("nvidia.com/gpu", "9223372036854775807");
    let done = run(huge, budget(&[limit(Unit::GpuMemory, "1")]));
    done.assert_findings(&["deny over-budget"]);
}

fn job(parallelism: u32, gpus: &str) -> serde_json::Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "sweep", "namespace": "ml"},
        "spec": {"parallelism": parallelism, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": gpus}}}],
        }}},
    })
}

#[test]
fn a_workload_that_can_never_fit_is_refused_and_one_that_does_not_now_is_told() {
    let case = |parallelism, budget| {
        Case::object(job(parallelism, "1"))
            .budget(budget)
            .run::<GpuBudget>()
    };
    let never = case(5, budget(&[gpus("4")]));
    never.assert_findings(&["deny never-fits"]);
    assert_eq!(
        never.findings[0].fix.as_deref(),
        Some("make at most 4 such pods at a time")
    );
    let busy = case(4, taken(budget(&[gpus("4")]), "1"));
    busy.assert_findings(&["warn not-now"]);
    case(4, budget(&[gpus("4")])).assert_quiet();
}

#[test]
fn a_suspended_job_is_let_alone() {
    let mut suspended = job(50, "8");
    suspended["spec"]["suspend"] = true.into();
    Case::object(suspended)
        .budget(budget(&[gpus("4")]))
        .run::<GpuBudget>()
        .assert_quiet();
}

#[test]
fn a_workload_that_grows_needs_room_for_what_is_new_alone() {
    let case = |before, after, budget| {
        Case::object(job(after, "1"))
            .updating(job(before, "1"))
            .budget(budget)
            .run::<GpuBudget>()
    };
    let half = || taken(budget(&[gpus("8")]), "4");
    case(4, 4, half()).assert_quiet();
    case(4, 8, half()).assert_quiet();
    let busy = case(4, 8, taken(budget(&[gpus("8")]), "5"));
    busy.assert_findings(&["warn not-now"]);
    assert_eq!(
        busy.findings[0].allowed.as_deref(),
        Some("at most 7 GPUs"),
        "three are left, and four are its own"
    );
    case(4, 9, half()).assert_findings(&["deny never-fits"]);
    case(12, 10, half()).assert_findings(&["warn never-fits"]);
}

#[test]
fn pods_that_take_other_devices_than_before_are_new() {
    let case = |change: &dyn Fn(&mut serde_json::Value)| {
        let before = job(4, "1");
        let mut after = before.clone();
        change(&mut after["spec"]["template"]);
        Case::object(after)
            .updating(before)
            .budget(taken(budget(&[gpus("8")]), "8"))
            .run::<GpuBudget>()
    };
    let devices = |count: &str| {
        let count = count.to_owned();
        move |template: &mut serde_json::Value| {
            template["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] =
                count.clone().into();
        }
    };
    case(&devices("2")).assert_findings(&["warn not-now"]);
    case(&devices("3")).assert_findings(&["deny never-fits"]);
    case(&|template| {
        template["spec"]["nodeSelector"] = json!({"nvidia.com/gpu.product": "NVIDIA-L4"})
    })
    .assert_findings(&["warn not-now"]);
    case(&|template| template["spec"]["containers"][0]["image"] = "app:2".into()).assert_quiet();
}

fn deployment(replicas: u32) -> serde_json::Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "vllm", "namespace": "ml"},
        "spec": {"replicas": replicas, "template": {
            "metadata": {"labels": {"app": "vllm"}},
            "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
        }},
    })
}

fn scaler(kind: (&str, &str), target: &str, maximum: (&str, Option<u32>)) -> Case {
    let mut object = json!({
        "apiVersion": kind.0, "kind": kind.1,
        "metadata": {"name": "vllm", "namespace": "ml"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}},
    });
    object["spec"][maximum.0] = json!(maximum.1);
    Case::object(object).state([deployment(2)])
}

const HORIZONTAL: (&str, &str) = ("autoscaling/v2", "HorizontalPodAutoscaler");
const KEDA: (&str, &str) = ("keda.sh/v1alpha1", "ScaledObject");

#[test]
fn an_autoscaler_is_held_against_the_budget_by_its_maximum() {
    let case = |maximum, budget| {
        scaler(HORIZONTAL, "vllm", ("maxReplicas", Some(maximum)))
            .budget(budget)
            .run::<GpuBudget>()
    };
    let never = case(9, budget(&[gpus("16")]));
    never.assert_findings(&["deny never-fits"]);
    assert_eq!(never.findings[0].path, "/spec/maxReplicas");
    assert_eq!(
        never.findings[0].message,
        "the pods that it may scale to need 18 GPUs together, more than budget `research` has when it is empty: 16 GPUs"
    );
    assert_eq!(
        never.findings[0].fix.as_deref(),
        Some("make at most 8 such pods at a time")
    );
    case(8, taken(budget(&[gpus("16")]), "4")).assert_quiet();
    case(8, taken(budget(&[gpus("16")]), "5")).assert_findings(&["warn not-now"]);
}

#[test]
fn keda_scales_to_a_hundred_unless_told_otherwise() {
    let run = |maximum| {
        scaler(KEDA, "vllm", ("maxReplicaCount", maximum))
            .budget(budget(&[gpus("100")]))
            .run::<GpuBudget>()
    };
    run(None).assert_findings(&["deny never-fits"]);
    run(Some(50)).assert_quiet();
}

#[test]
fn nothing_is_said_of_an_autoscaler_whose_target_is_unknown() {
    scaler(HORIZONTAL, "other", ("maxReplicas", Some(1_000)))
        .budget(budget(&[gpus("1")]))
        .run::<GpuBudget>()
        .assert_quiet();
}

#[test]
fn who_scales_up_beyond_the_whole_budget_is_refused() {
    let scale = |replicas| {
        json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": "vllm", "namespace": "ml"}, "spec": {"replicas": replicas},
        })
    };
    let case = |before, after, budget| {
        Case::object(scale(after))
            .updating(scale(before))
            .scale_of(("apps", "deployments"))
            .state([deployment(before)])
            .budget(budget)
            .run::<GpuBudget>()
    };
    let never = case(2, 9, budget(&[gpus("16")]));
    never.assert_findings(&["deny never-fits"]);
    assert_eq!(never.findings[0].path, "/spec/replicas");
    case(2, 8, taken(budget(&[gpus("16")]), "4")).assert_quiet();
    case(2, 8, taken(budget(&[gpus("16")]), "6")).assert_findings(&["warn not-now"]);
    case(12, 9, budget(&[gpus("16")])).assert_findings(&["warn never-fits"]);
}

#[test]
fn a_claim_costs_as_many_devices_as_it_asks_for() {
    let template = |requests: serde_json::Value| {
        json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
            "metadata": {"name": "gpus", "namespace": "ml"},
            "spec": {"spec": {"devices": {"requests": requests}}},
        })
    };
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "train", "namespace": "ml"},
        "spec": {
            "resourceClaims": [{"name": "gpus", "resourceClaimTemplateName": "gpus"}],
            "containers": [{"name": "main", "resources": {"claims": [{"name": "gpus"}]}}],
        },
    });
    let gpu = |fields: serde_json::Value| {
        let mut request = fields;
        request["deviceClassName"] = "gpu.nvidia.com".into();
        request
    };
    let cases = [
        (json!([{"exactly": gpu(json!({}))}]), "1"),
        (json!([{"exactly": gpu(json!({"count": 4}))}]), "4"),
        (json!([gpu(json!({"count": 2}))]), "2"),
        (
            json!([{"exactly": gpu(json!({"count": 4}))}, {"exactly": gpu(json!({}))}]),
            "5",
        ),
        (
            json!([{"firstAvailable": [gpu(json!({"count": 2})), gpu(json!({"count": 3}))]}]),
            "3",
        ),
        (
            json!([{"exactly": gpu(json!({"allocationMode": "All"}))}]),
            "16",
        ),
    ];
    for (requests, expected) in cases {
        let done = Case::object(pod.clone())
            .state([template(requests.clone())])
            .budget(budget(&[gpus("16")]))
            .run::<GpuBudget>();
        done.assert_quiet();
        assert_eq!(charged(&done, Unit::Gpu), expected, "{requests}");
    }
    let unknown = Case::object(pod)
        .budget(budget(&[gpus("16")]))
        .run::<GpuBudget>();
    assert_eq!(charged(&unknown, Unit::Gpu), "1");
}
