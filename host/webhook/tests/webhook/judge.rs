//! A reviewer that does what the body asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tollgate_webhook::{Admission, Call, Decision, Effect, PolicyRun, Refusal, Reviewer, RuleUse};

pub(crate) struct Judge {
    pub(crate) ready: AtomicBool,
    /// How many calls have come.
    pub(crate) calls: AtomicUsize,
    /// How many calls are with the reviewer now, and were at most.
    pub(crate) inside: AtomicUsize,
    pub(crate) inside_at_most: AtomicUsize,
    /// Lets calls go on that say `hold`.
    pub(crate) release: Semaphore,
    /// Lets threads go on whose calls say `block`.
    pub(crate) unblock: AtomicBool,
}

impl Judge {
    pub(crate) fn new() -> Self {
        Self {
            ready: AtomicBool::new(true),
            calls: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            inside_at_most: AtomicUsize::new(0),
            release: Semaphore::new(0),
            unblock: AtomicBool::new(false),
        }
    }

    pub(crate) fn inside(&self) -> usize {
        self.inside.load(SeqCst)
    }
}

/// One call's presence with the reviewer.
struct Inside<'judge>(&'judge Judge);

impl<'judge> Inside<'judge> {
    fn new(judge: &'judge Judge) -> Self {
        judge.calls.fetch_add(1, SeqCst);
        let now = judge.inside.fetch_add(1, SeqCst) + 1;
        judge.inside_at_most.fetch_max(now, SeqCst);
        Self(judge)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, SeqCst);
    }
}

impl Reviewer for Judge {
    async fn admit(&self, call: Call) -> Result<Admission, Refusal> {
        let _inside = Inside::new(self);
        let mut fault = None;
        match &call.body[..] {
            b"panic" => panic!("as the body asked"),
            b"stuck" => std::future::pending().await,
            b"hold" => self.release.acquire().await.expect("open").forget(),
            b"turn" => tokio::task::yield_now().await,
            b"block" => block(self),
            b"junk" => return Err(Refusal::BadRequest("no uid".to_owned())),
            b"unavailable" => return Err(Refusal::Unavailable("the ledger is away".to_owned())),
            b"fault" => fault = Some("timed_out"),
            _ => {}
        }
        Ok(admission(&call, fault))
    }

    fn is_ready(&self) -> bool {
        self.ready.load(SeqCst)
    }
}

fn block(judge: &Judge) {
    let start = Instant::now();
    while !judge.unblock.load(SeqCst) && start.elapsed() < crate::PATIENCE {
        std::thread::yield_now();
    }
}

fn admission(call: &Call, fault: Option<&'static str>) -> Admission {
    Admission {
        body: [call.phase.as_label().as_bytes(), b":", &call.body].concat(),
        decision: if fault.is_some() {
            Decision::Faulted
        } else {
            Decision::Allowed
        },
        policies: vec![PolicyRun {
            name: Arc::from("echo"),
            phase: call.phase,
            duration: Duration::from_micros(12),
            memory_peak: 4096,
            fault,
        }],
        rules: vec![RuleUse {
            policy: "echo".to_owned(),
            rule: "say-it-again".to_owned(),
            effect: Effect::Warned,
        }],
    }
}
