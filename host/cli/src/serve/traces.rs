//! Traces of reviews, for a collector: a span for each review, with its steps and the policies that ran.
//!
//! A review that is traced hands in a record of what it came to, and waits for nobody. Spans are made of records, and sent,
//! on a thread of their own.

mod exporter;
mod message;
mod record;
mod sampler;
mod settings;
mod spans;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tollgate_admission::Request;
use tollgate_cluster::collector::Collector;
use tollgate_pipeline::{Outcome, Phase, Unavailable};
use tollgate_webhook::Call;

pub(super) use self::exporter::Exporter;
use self::record::{End, Record, Subject};
use self::sampler::Sampler;
use self::settings::Settings;
use crate::args::ServeArgs;
use crate::failure::Failure;

/// How many records may wait to be sent.
const WAITING: usize = 1024;

/// Where reviews are traced.
pub(super) struct Traces {
    sampler: Sampler,
    queue: Arc<Queue>,
}

/// Where records are handed in.
struct Queue {
    records: mpsc::Sender<Record>,
    /// How many found no room since somebody looked.
    dropped: AtomicU64,
}

/// The trace of a review. It is handed in when it is dropped, so that one that is given up is traced as well.
pub(super) struct Trace {
    queue: Arc<Queue>,
    record: Option<Record>,
}

/// Makes ready to trace, if somebody wants traces. An option that cannot be used is an error; a variable of the environment
/// that cannot be used is told of, and keeps nobody from serving.
pub(super) async fn open(args: &ServeArgs) -> Result<Option<(Traces, Exporter)>, Failure> {
    let variable = |name: &str| env::var(name).ok();
    let is_asked = args.traces.endpoint.is_some() || args.traces.sampling.is_some();
    match usable(args, variable).await {
        Err(err) if !is_asked => {
            tracing::warn!(err = format!("{err:#}"), "reviews are not traced");
            Ok(None)
        }
        settings => Ok(settings?.map(opened)),
    }
}

/// The settings, if somebody wants traces, with an address that can be used.
async fn usable(
    args: &ServeArgs,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<Settings>> {
    let replica = args.cluster.replica.as_deref();
    let Some(settings) = Settings::of(&args.traces, replica, variable)? else {
        return Ok(None);
    };
    Collector::at(&settings.address)
        .await
        .context("reviews cannot be traced")?;
    Ok(Some(settings))
}

fn opened(settings: Settings) -> (Traces, Exporter) {
    let (records, waiting) = mpsc::channel(WAITING);
    let queue = Arc::new(Queue {
        records,
        dropped: AtomicU64::new(0),
    });
    let traces = Traces {
        sampler: Sampler::new(settings.ratio),
        queue: Arc::clone(&queue),
    };
    (traces, Exporter::new(settings, waiting, queue))
}

impl Traces {
    /// Begins the trace of a call, if it is one of those that are traced.
    pub(super) fn begin(&self, call: &Call) -> Option<Trace> {
        let context = self.sampler.context(call.caller)?;
        Some(Trace {
            queue: Arc::clone(&self.queue),
            record: Some(Record::new(context, call.received)),
        })
    }
}

impl Trace {
    /// Notes what is reviewed, and when that began, by both clocks. Until then there is nothing to tell.
    pub(super) fn knows(&mut self, request: &Request, phase: Phase, begun: (Instant, SystemTime)) {
        if let Some(record) = &mut self.record {
            record.subject = Some(Subject::of(request, phase, begun));
        }
    }

    /// Notes what the review came to.
    pub(super) fn ends(&mut self, result: Result<&Outcome, &Unavailable>) {
        if let Some(record) = &mut self.record {
            record.end = End::of(result);
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Some(record) = self.record.take()
            && record.is_told()
        {
            self.queue.hand_in(record.ended(Instant::now()));
        }
    }
}

impl Queue {
    /// Never waits.
    fn hand_in(&self, record: Record) {
        if self.records.try_send(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::Value;
    use tollgate_admission::{GroupVersionKind, Operation};
    use tollgate_webhook as webhook;

    use super::*;

    fn traces(room: usize) -> (Traces, mpsc::Receiver<Record>) {
        let (records, waiting) = mpsc::channel(room);
        let queue = Queue {
            records,
            dropped: AtomicU64::new(0),
        };
        let traces = Traces {
            sampler: Sampler::new(1.0),
            queue: Arc::new(queue),
        };
        (traces, waiting)
    }

    fn begun(traces: &Traces) -> Trace {
        let now = Instant::now();
        let call = Call {
            phase: webhook::Phase::Validate,
            body: Bytes::new(),
            received: now,
            deadline: now,
            caller: None,
        };
        traces.begin(&call).unwrap()
    }

    fn known(traces: &Traces) -> Trace {
        let request = Request {
            uid: "u".repeat(1_000),
            operation: Operation::Create,
            gvk: GroupVersionKind::new("v1", "Pod"),
            subresource: None,
            resource: None,
            namespace: None,
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object: Value::Null,
            old_object: None,
        };
        let mut trace = begun(traces);
        trace.knows(
            &request,
            Phase::Validate,
            (Instant::now(), SystemTime::now()),
        );
        trace
    }

    #[test]
    fn what_finds_no_room_is_lost_and_counted() {
        let (traces, _waiting) = traces(3);
        for _ in 0..5 {
            drop(known(&traces));
        }
        assert_eq!(traces.queue.dropped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_review_that_is_given_up_is_told_once_it_is_known_what_it_is_about() {
        let (traces, mut waiting) = traces(3);
        drop(begun(&traces));
        drop(known(&traces));
        let record = waiting.try_recv().unwrap();
        assert!(matches!(record.end, End::GivenUp));
        assert_eq!(record.subject.unwrap().uid.len(), 256, "long texts are cut");
        assert!(waiting.try_recv().is_err());
    }
}
