use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tollgate_budget::{Charge, Event, Uid};

use super::Attendance;
use crate::bookkeeper::{Unweighable, Weighing, Weight};
use crate::watched_pod::WatchedPod;

/// Weighs a pod by its label `budget`, and counts how often it was asked.
fn weighed<'s>(asked: &'s AtomicUsize, pod: &Value) -> Weighing<'s> {
    asked.fetch_add(1, Ordering::Relaxed);
    let budget = pod["metadata"]["labels"]["budget"]
        .as_str()
        .map(str::to_owned);
    let running = pod["status"]["phase"] == "Running";
    Box::pin(async move {
        if budget.as_deref() == Some("unknown") {
            return Err(Unweighable("the namespace is not known".to_owned()));
        }
        let charges = budget.filter(|_| running).into_iter();
        Ok(Weight {
            began: 7,
            charges: charges.map(|name| (name.into(), Charge::new())).collect(),
        })
    })
}

fn pod(uid: &str, budget: Option<&str>, phase: &str) -> WatchedPod {
    let pod = json!({
        "metadata": {"name": "a", "namespace": "ml", "uid": uid, "labels": {"budget": budget}},
        "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
        "status": {"phase": phase},
    });
    serde_json::from_value(pod).unwrap()
}

fn told(seen: super::Seen) -> Vec<String> {
    let told = seen.into_iter().map(|(budget, event)| match event {
        Event::Seen(uid, live) => format!("{budget}: {uid} since {}", live.began),
        Event::Ended(uid, at) => format!("{budget}: {uid} ended at {at}"),
        Event::NeverComes(uid) => format!("{budget}: {uid} never comes"),
    });
    told.collect()
}

#[tokio::test]
async fn a_pod_is_told_when_it_takes_something_else_and_weighed_when_it_may() {
    let (mut all, asked) = (Attendance::default(), AtomicUsize::new(0));
    let weigh = |pod: Value| weighed(&asked, &pod);
    let running = pod("1", Some("x"), "Running");
    assert_eq!(
        told(all.apply(running.clone(), &weigh, 8).await),
        ["x: 1 since 7"]
    );
    assert!(all.apply(running, &weigh, 9).await.is_empty());
    assert_eq!(asked.load(Ordering::Relaxed), 1, "nothing has changed");
    let moved = pod("1", Some("y"), "Running");
    assert_eq!(
        told(all.apply(moved, &weigh, 10).await),
        ["x: 1 ended at 10", "y: 1 since 7"]
    );
    let ended = pod("1", Some("y"), "Succeeded");
    assert_eq!(
        told(all.apply(ended.clone(), &weigh, 11).await),
        ["y: 1 ended at 11"]
    );
    assert!(all.remove(&ended, 12).is_empty(), "it has ended before");
}

#[tokio::test]
async fn a_pod_that_goes_ends_once() {
    let (mut all, asked) = (Attendance::default(), AtomicUsize::new(0));
    let weigh = |pod: Value| weighed(&asked, &pod);
    let running = pod("1", Some("x"), "Running");
    all.apply(running.clone(), &weigh, 8).await;
    assert_eq!(told(all.remove(&running, 9)), ["x: 1 ended at 9"]);
    assert!(all.remove(&running, 10).is_empty());
}

#[tokio::test]
async fn what_cannot_be_weighed_is_tried_again_until_it_goes() {
    let (mut all, asked) = (Attendance::default(), AtomicUsize::new(0));
    let weigh = |pod: Value| weighed(&asked, &pod);
    let unknown = pod("1", Some("unknown"), "Running");
    assert!(all.apply(unknown.clone(), &weigh, 8).await.is_empty());
    all.retry(&weigh, 9).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    all.remove(&unknown, 10);
    all.retry(&weigh, 11).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn another_pod_of_the_name_displaces_one_that_is_expected() {
    let (mut all, asked) = (Attendance::default(), AtomicUsize::new(0));
    let weigh = |pod: Value| weighed(&asked, &pod);
    all.apply(pod("1", Some("x"), "Running"), &weigh, 8).await;
    let (one, two): (Uid, Uid) = ("1".into(), "2".into());
    let waiting = BTreeMap::from([(("ml", "a"), vec![&one, &two])]);
    assert_eq!(all.displaced(&waiting), [two.clone()].into());
    let elsewhere = BTreeMap::from([(("other", "a"), vec![&two])]);
    assert!(all.displaced(&elsewhere).is_empty());
}
