use std::time::{Duration, Instant};

use tollgate_engine::{Fault, Limits, LoadError, Phase};

use super::component::component;
use super::guest::{ENGINE, entry, load, review};

/// Runs `bad`, which must fault, and then `good`, which must work in the same session.
async fn fault_of(body: &str) -> Fault {
    fault_within(Limits::default(), body).await
}

async fn fault_within(limits: Limits, body: &str) -> Fault {
    let (artifact, bundle) = load(&component(body), limits).await.unwrap();
    assert!(artifact.configured, "a snapshot was made");
    let mut session = bundle.session();
    let untouched = review().object().clone();
    let ran = session.call(Phase::Mutate, 0, review()).await;
    assert_eq!(
        *ran.review.object(),
        untouched,
        "the edits of a fault are gone"
    );
    assert!(ran.review.applied().is_empty());
    assert!(ran.findings.is_empty(), "the findings of a fault are gone");
    let neighbour = session.call(Phase::Mutate, 1, ran.review).await;
    assert_eq!(neighbour.fault, None, "the neighbour goes on");
    assert_eq!(
        neighbour.review.pods().next().unwrap().label("good"),
        Some("yes")
    );
    ran.fault.expect("a fault")
}

macro_rules! guest {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/hostile/", $name, ".wat"))
    };
}

#[tokio::test]
async fn ends_an_endless_loop_at_its_limit() {
    let started = Instant::now();
    assert_eq!(
        fault_of(guest!("endless-loop")).await,
        Fault::TimedOut {
            limit: Duration::from_millis(50)
        }
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn ends_growth_of_memory_at_its_limit() {
    let fault = fault_of(guest!("memory-growth")).await;
    assert!(
        matches!(fault, Fault::OutOfMemory { limit, wanted } if limit == 16 << 20 && wanted > limit),
        "{fault:?}"
    );
}

#[tokio::test]
async fn ends_deep_recursion() {
    assert_eq!(
        fault_of(guest!("deep-recursion")).await,
        Fault::StackOverflow
    );
}

#[tokio::test]
async fn names_a_trap_and_what_was_said_before() {
    let expected = Fault::Trapped {
        cause: "wasm trap: wasm `unreachable` instruction executed".to_owned(),
        said: Some("bad".to_owned()),
    };
    assert_eq!(fault_of(guest!("trap")).await, expected);
}

#[tokio::test]
async fn takes_an_error_for_a_bad_answer_and_drops_the_edits() {
    assert_eq!(
        fault_of(guest!("error-answer")).await,
        Fault::BadAnswer {
            reason: "bad".to_owned()
        }
    );
}

#[tokio::test]
async fn refuses_answers_that_are_none() {
    for (guest, text) in [
        (guest!("nonsense-answer"), "discriminant"),
        (guest!("text-not-utf8"), "utf-8"),
    ] {
        let fault = fault_of(guest).await;
        assert!(
            matches!(&fault, Fault::Trapped { cause, .. } if cause.contains(text)),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn refuses_a_rule_that_is_not_listed() {
    let expected = "it used the rule `bad`, which it does not list";
    assert_eq!(
        fault_of(guest!("unlisted-rule")).await,
        Fault::BadAnswer {
            reason: expected.to_owned()
        }
    );
}

#[tokio::test]
async fn bounds_logs_and_texts() {
    assert_eq!(
        fault_of(guest!("log-flood")).await,
        Fault::TimedOut {
            limit: Duration::from_millis(50)
        }
    );
    let fault = fault_of(guest!("huge-text")).await;
    assert!(
        matches!(&fault, Fault::Trapped { cause, .. } if cause.contains("too much data")),
        "{fault:?}"
    );
}

#[tokio::test]
async fn bounds_edits_and_findings() {
    assert_eq!(
        fault_of(guest!("edit-flood")).await,
        Fault::TooMany {
            what: "edits",
            limit: 256
        }
    );
    assert_eq!(
        fault_of(guest!("finding-flood")).await,
        Fault::TooMany {
            what: "findings",
            limit: 100
        }
    );
}

#[tokio::test]
async fn bounds_handles() {
    let limits = Limits {
        handles: 100,
        time: Duration::from_secs(5),
        ..Limits::default()
    };
    let fault = fault_within(limits, guest!("handle-flood")).await;
    assert!(
        matches!(&fault, Fault::Trapped { cause, .. } if cause.contains("handle")),
        "{fault:?}"
    );
}

#[tokio::test]
async fn refuses_a_component_that_wants_a_clock() {
    let wasm = wat::parse_str(guest!("foreign-import")).unwrap();
    let error = ENGINE
        .prepare(&wasm, &[entry("bad")], Limits::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, LoadError::ForeignImport { import } if import == "wasi:clocks/monotonic-clock@0.2.12")
    );
    assert!(
        error.to_string().contains("wasm32-unknown-unknown"),
        "{error}"
    );
}

#[tokio::test]
async fn refuses_what_is_no_component() {
    for bytes in [&b""[..], b"not wasm", b"\0asm\x01\0\0\0\xff"] {
        let error = ENGINE
            .prepare(bytes, &[], Limits::default())
            .await
            .unwrap_err();
        assert!(matches!(error, LoadError::Invalid(_)), "{error:?}");
    }
    let error = ENGINE
        .prepare(b"\0asm\x01\0\0\0", &[], Limits::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, LoadError::Contract(_)),
        "a module that knows nothing of the contract: {error:?}"
    );
}

#[tokio::test]
async fn names_policies_and_rules_that_do_not_exist() {
    let wasm = component(guest!("trap"));
    let mut wrong = entry("bad");
    wrong.rules = vec![("ruel".to_owned(), tollgate_engine::Action::Deny)];
    let error = ENGINE
        .prepare(&wasm, &[entry("worse"), wrong], Limits::default())
        .await
        .unwrap_err();
    let LoadError::Entries { errors, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        errors[0].message,
        "the component has no policy `worse`; it has `bad`, `good`"
    );
    assert_eq!(
        (errors[1].entry, errors[1].message.as_str()),
        (1, "policy `bad` has no rule `ruel`; it has `rule`")
    );
}
