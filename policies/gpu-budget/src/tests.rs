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
