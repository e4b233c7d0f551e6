//! Sends traces, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use prost::Message as _;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant as Moment, sleep_until, timeout};
use tollgate_cluster::collector::Collector;
use tollgate_webhook::{Metrics, TraceFate};

use super::Queue;
use super::message::{
    ExportRequest, ExportResponse, PartialSuccess, Resource, ResourceSpans, Scope, ScopeSpans,
};
use super::record::Record;
use super::sampler::Numbers;
use super::settings::Settings;
use super::spans;
use crate::failure::Failure;

/// The most reviews in a request: some two thousand spans.
const MOST: usize = 128;

/// How long a record waits for others to be sent with it.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the end of the program may wait for what is not sent yet.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often it is told that traces are lost.
const QUIET: Duration = Duration::from_secs(60);

/// What will send traces.
pub(in crate::serve) struct Exporter {
    settings: Settings,
    waiting: mpsc::Receiver<Record>,
    queue: Arc<Queue>,
}

/// What sends traces, until it is finished.
pub(in crate::serve) struct Exporting {
    stop: oneshot::Sender<()>,
    done: oneshot::Receiver<()>,
}

impl Exporter {
    pub(super) fn new(
        settings: Settings,
        waiting: mpsc::Receiver<Record>,
        queue: Arc<Queue>,
    ) -> Self {
        Self {
            settings,
            waiting,
            queue,
        }
    }

    /// Begins to send.
    pub(in crate::serve) fn start(self, metrics: Arc<Metrics>) -> Result<Exporting, Failure> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot send traces")?;
        let (stop, stopped) = oneshot::channel();
        let (ended, done) = oneshot::channel();
        let run = move || {
            runtime.block_on(self.run(metrics, stopped));
            // Nobody may wait for it any more.
            let _ = ended.send(());
        };
        let thread = std::thread::Builder::new().name("traces".to_owned());
        thread.spawn(run).context("cannot send traces")?;
        Ok(Exporting { stop, done })
    }

    async fn run(self, metrics: Arc<Metrics>, stopped: oneshot::Receiver<()>) {
        let Self {
            settings,
            waiting,
            queue,
        } = self;
        let collector = match Collector::at(&settings.address).await {
            Ok(collector) => collector,
            // It was made once before; a file has gone since.
            Err(err) => {
                let err = format!("{:#}", anyhow::Error::from(err));
                return tracing::warn!(err, "reviews are not traced");
            }
        };
        for fate in TraceFate::ALL {
            metrics.traced(fate, 0);
        }
        tracing::info!("sending traces to {}", settings.address.url);
        let mut batches = Batches { waiting, stopped };
        let mut sending = Sending {
            collector,
            resource: settings.resource,
            numbers: Numbers::default(),
            queue,
            metrics,
            complaint: Complaint::default(),
        };
        while let Some(batch) = batches.next().await {
            sending.send(&batch).await;
        }
    }
}

impl Exporting {
    /// Sends what is waiting, as far as that goes in two seconds.
    pub(in crate::serve) async fn finish(self) {
        let Self { stop, done } = self;
        drop(stop);
        if timeout(FAREWELL, done).await.is_err() {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}

/// Records by the hundred.
struct Batches {
    waiting: mpsc::Receiver<Record>,
    stopped: oneshot::Receiver<()>,
}

impl Batches {
    /// What has come in a while, or as much as fits into a request; nothing when it is over.
    async fn next(&mut self) -> Option<Vec<Record>> {
        let mut batch = Vec::new();
        let mut until = None;
        while batch.len() < MOST {
            let room = MOST - batch.len();
            let is_time = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Closed, it gives what is in it, and then nothing.
                _ = &mut self.stopped, if !self.waiting.is_closed() => self.waiting.close(),
                came = self.waiting.recv_many(&mut batch, room) => match came {
                    0 => break,
                    _ => until = until.or(Some(Moment::now() + PAUSE)),
                },
                () = is_time => break,
            }
        }
        (!batch.is_empty()).then_some(batch)
    }
}

struct Sending {
    collector: Collector,
    resource: Vec<(String, String)>,
    numbers: Numbers,
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    complaint: Complaint,
}

impl Sending {
    /// Sends a batch once. What the collector does not take is lost: a trace is not worth the memory of keeping it.
    async fn send(&mut self, batch: &[Record]) {
        let traces = batch.len() as u64;
        let dropped = self.queue.dropped.swap(0, Ordering::Relaxed);
        self.metrics.traced(TraceFate::Dropped, dropped);
        match self.post(batch).await {
            Ok(()) => self.metrics.traced(TraceFate::Sent, traces),
            Err(err) => {
                self.metrics.traced(TraceFate::Failed, traces);
                self.complaint.add(traces, &err);
            }
        }
        if dropped > 0 {
            let err = anyhow!("more reviews were traced at once than can wait to be sent");
            self.complaint.add(dropped, &err);
        }
    }

    async fn post(&self, batch: &[Record]) -> anyhow::Result<()> {
        let answer = self.collector.send(self.request(batch).encode_to_vec());
        // What cannot be read says nothing of what was not taken.
        let answer = ExportResponse::decode(&*answer.await?).unwrap_or_default();
        match answer.partial_success {
            Some(PartialSuccess {
                rejected_spans: spans @ 1..,
                error_message,
            }) => Err(anyhow!(
                "the collector did not take {spans} spans: {error_message}"
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn request(&self, batch: &[Record]) -> ExportRequest {
        let attributes = self.resource.iter();
        let spans = batch
            .iter()
            .flat_map(|record| spans::spans(record, &self.numbers));
        ExportRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: attributes
                        .map(|(key, value)| spans::text(key, value))
                        .collect(),
                }),
                scope_spans: vec![ScopeSpans {
                    scope: Some(Scope {
                        name: "tollgate".to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                    }),
                    spans: spans.collect(),
                }],
            }],
        }
    }
}

/// Tells that traces are lost: at once, and then now and then.
#[derive(Default)]
struct Complaint {
    told: Option<Instant>,
    lost: u64,
}

impl Complaint {
    fn add(&mut self, lost: u64, err: &anyhow::Error) {
        self.lost += lost;
        if self.told.is_none_or(|told| told.elapsed() >= QUIET) {
            tracing::warn!(
                lost = self.lost,
                err = format!("{err:#}"),
                "traces are lost"
            );
            *self = Self {
                told: Some(Instant::now()),
                lost: 0,
            };
        }
    }
}
