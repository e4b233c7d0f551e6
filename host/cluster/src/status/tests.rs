use k8s_openapi::jiff::Timestamp;

use super::{
    Fault, Happening, Own, Replica, Rule, Status, entry, happenings, left_behind, shared,
    shared_part,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn fault(second: i64, cause: &str) -> Fault {
    Fault {
        time: at(second),
        cause: cause.to_owned(),
        message: format!("{cause} at {second}"),
    }
}

fn in_force(replica: &str, generation: i64) -> Own {
    Own {
        entry: Replica {
            name: replica.to_owned(),
            generation,
            in_force: Some(generation),
            digest: Some("sha256:1".to_owned()),
            ..Replica::default()
        },
        rules: vec![Rule {
            name: "shm-missing".to_owned(),
            action: "repair".to_owned(),
        }],
        runs: true,
    }
}

fn refused(replica: &str, generation: i64, why: &str) -> Own {
    let own = in_force(replica, generation - 1);
    Own {
        entry: Replica {
            generation,
            refused: Some(why.to_owned()),
            ..own.entry
        },
        ..own
    }
}

/// The status after a replica has reported.
fn reported(own: &Own, generation: i64, written: &Status, second: i64) -> Status {
    let written = written.clone().with(entry(own, written, at(second)));
    Status {
        replicas: written.replicas.clone(),
        ..shared(own, generation, &written, at(second))
    }
}

/// A condition's status, reason, message and time.
fn condition(status: &Status, name: &str) -> (String, String, String, i64) {
    let condition = status.condition(name).unwrap();
    (
        condition.status.clone(),
        condition.reason.clone(),
        condition.message.clone(),
        condition.last_transition_time.as_second(),
    )
}

fn row(status: &str, reason: &str, message: &str, second: i64) -> (String, String, String, i64) {
    (
        status.to_owned(),
        reason.to_owned(),
        message.to_owned(),
        second,
    )
}

#[test]
fn a_version_in_force_is_ready_with_its_digest_and_rules() {
    let status = reported(&in_force("a", 1), 1, &Status::default(), 10);
    assert_eq!(
        condition(&status, "Ready"),
        row("True", "InForce", "the newest version is in force", 10)
    );
    assert_eq!(status.observed_generation, 1);
    assert_eq!(status.replicas[0].loaded_at, Some(at(10)));
    assert_eq!(status.rules[0].action, "repair");
}

#[test]
fn nothing_new_is_nothing_to_write() {
    let own = in_force("a", 1);
    let status = reported(&own, 1, &Status::default(), 10);
    assert_eq!(reported(&own, 1, &status, 99), status);
}

#[test]
fn another_replica_comes_to_the_same() {
    let first = reported(&in_force("a", 1), 1, &Status::default(), 10);
    let second = reported(&in_force("b", 1), 1, &first, 20);
    assert_eq!(shared_part(&second), shared_part(&first));
    assert_eq!(second.replicas.len(), 2);
}

#[test]
fn a_refused_version_is_not_ready_and_what_is_in_force_stays_told() {
    let first = reported(&in_force("a", 1), 1, &Status::default(), 10);
    let status = reported(&refused("a", 2, "unknown key"), 2, &first, 20);
    assert_eq!(
        condition(&status, "Ready"),
        row("False", "Refused", "unknown key", 20)
    );
    assert_eq!(status.replicas[0].in_force, Some(1));
    assert_eq!(
        status.replicas[0].loaded_at,
        Some(at(10)),
        "it was not loaded anew"
    );
    let again = reported(&refused("a", 3, "unknown word"), 3, &status, 30);
    assert_eq!(
        condition(&again, "Ready"),
        row("False", "Refused", "unknown word", 20)
    );
}

#[test]
fn what_one_replica_refuses_is_told_with_its_name() {
    let first = reported(&in_force("a", 2), 2, &Status::default(), 10);
    let status = reported(&refused("b", 2, "no such file"), 2, &first, 20);
    assert_eq!(
        condition(&status, "Ready"),
        row("False", "Refused", "on replica b: no such file", 20)
    );
}

#[test]
fn replicas_that_lag_behind_do_not_count() {
    let first = reported(&refused("gone", 1, "bad"), 1, &Status::default(), 10);
    let status = reported(&in_force("a", 2), 2, &first, 20);
    assert_eq!(condition(&status, "Ready").0, "True");
    let own = &status.replicas[1];
    assert_eq!(left_behind(own, &status, at(300)).count(), 0);
    assert_eq!(
        left_behind(own, &status, at(320)).collect::<Vec<_>>(),
        ["gone"]
    );
}

#[test]
fn a_policy_that_is_cut_off_is_not_healthy() {
    let mut own = in_force("a", 1);
    let first = reported(&own, 1, &Status::default(), 10);
    assert_eq!(condition(&first, "Healthy").0, "True");
    own.entry.cut_off = Some(true);
    own.entry.last_fault = Some(fault(19, "trap"));
    let status = reported(&own, 1, &first, 20);
    let message = "cut off for faulting often (the last time: trap) on a; until it is tried again `onFault` decides";
    assert_eq!(
        condition(&status, "Healthy"),
        row("False", "CutOff", message, 20)
    );
    assert_eq!(
        condition(&status, "Ready").0,
        "True",
        "it is in force all the same"
    );
    assert_eq!(status.last_fault, Some(fault(19, "trap")));
}

#[test]
fn faults_of_one_cause_are_written_twice_a_minute() {
    let mut own = in_force("a", 1);
    own.entry.last_fault = Some(fault(10, "trap"));
    let first = reported(&own, 1, &Status::default(), 10);
    own.entry.last_fault = Some(fault(39, "trap"));
    assert_eq!(reported(&own, 1, &first, 39), first);
    own.entry.last_fault = Some(fault(39, "timeout"));
    assert_eq!(
        reported(&own, 1, &first, 39).last_fault,
        Some(fault(39, "timeout"))
    );
    own.entry.last_fault = Some(fault(40, "trap"));
    assert_eq!(
        reported(&own, 1, &first, 40).last_fault,
        Some(fault(40, "trap"))
    );
}

#[test]
fn the_newest_fault_of_all_replicas_is_told() {
    let mut own = in_force("a", 1);
    own.entry.last_fault = Some(fault(50, "trap"));
    let first = reported(&own, 1, &Status::default(), 50);
    let mut other = in_force("b", 1);
    other.entry.last_fault = Some(fault(40, "timeout"));
    let status = reported(&other, 1, &first, 60);
    assert_eq!(status.last_fault, Some(fault(50, "trap")));
}

#[test]
fn what_turns_bad_or_good_again_happens_once() {
    let told = |before: &Status, after: &Status| -> Vec<(bool, &str, String)> {
        happenings(before, after)
            .into_iter()
            .map(
                |Happening {
                     is_warning,
                     reason,
                     message,
                 }| (is_warning, reason, message),
            )
            .collect()
    };
    let none = Status::default();
    let good = reported(&in_force("a", 1), 1, &none, 10);
    let bad = reported(&refused("a", 2, "bad"), 2, &good, 20);
    let worse = reported(&refused("a", 3, "worse"), 3, &bad, 30);
    let restored = reported(&in_force("a", 4), 4, &worse, 40);
    assert_eq!(told(&none, &good), []);
    assert_eq!(told(&good, &bad), [(true, "Refused", "bad".to_owned())]);
    assert_eq!(told(&bad, &bad), []);
    assert_eq!(told(&bad, &worse), [(true, "Refused", "worse".to_owned())]);
    assert_eq!(
        told(&worse, &restored),
        [(
            false,
            "Restored",
            "the newest version is in force".to_owned()
        )]
    );
    let mut own = in_force("a", 4);
    own.entry.cut_off = Some(true);
    let cut_off = reported(&own, 4, &restored, 50);
    assert_eq!(told(&restored, &cut_off)[0].1, "CutOff");
    assert_eq!(told(&cut_off, &restored)[0].1, "BackInUse");
}

#[test]
fn a_status_survives_being_written_and_read() {
    let mut own = in_force("a", 1);
    own.entry.last_fault = Some(fault(10, "trap"));
    let status = reported(&own, 1, &Status::default(), 10);
    let text = serde_json::to_string(&status).unwrap();
    assert!(
        text.contains(r#""lastTransitionTime":"1970-01-01T00:00:10Z""#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status);
}
