//! From the record of a review to its spans.

use std::time::{Duration, Instant, SystemTime};

use tollgate_pipeline::{Charge, PolicyRun, Verdict};

use super::message::{AnyValue, KeyValue, Span, SpanKind, Status, StatusCode, Value};
use super::record::{End, Record, Reviewed, Subject};
use super::sampler::Numbers;

/// The span is part of a trace that is recorded, and is known to have a parent here or elsewhere.
const SAMPLED: u32 = 0x1;
const IS_REMOTE_KNOWN: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The spans of a review: its own, one for each step, and below a step one for each policy that ran.
pub(super) fn spans(record: &Record, numbers: &Numbers) -> Vec<Span> {
    let Some(subject) = &record.subject else {
        return Vec::new();
    };
    let mut trace = Trace {
        record,
        clocks: subject.begun,
        numbers,
        spans: Vec::new(),
    };
    let review = trace.add(Part {
        attributes: attributes(subject, &record.end),
        failure: failure(&record.end),
        ..Part::new("review", (record.received, record.ended))
    });
    trace.add(Part {
        parent: Some(&review),
        ..Part::new("receive", (record.received, subject.begun.0))
    });
    if let End::Reviewed(reviewed) = &record.end {
        trace.steps(&review, reviewed);
    }
    trace.spans
}

type SpanId = [u8; 8];

/// A trace that is being written.
struct Trace<'a> {
    record: &'a Record,
    /// The same moment by both clocks.
    clocks: (Instant, SystemTime),
    numbers: &'a Numbers,
    spans: Vec<Span>,
}

/// A span as it is thought of here.
struct Part<'a> {
    /// That of the caller, unless one is given.
    parent: Option<&'a SpanId>,
    name: String,
    period: (Instant, Instant),
    attributes: Vec<KeyValue>,
    failure: Option<String>,
}

impl Part<'_> {
    fn new(name: impl Into<String>, period: (Instant, Instant)) -> Self {
        Self {
            parent: None,
            name: name.into(),
            period,
            attributes: Vec::new(),
            failure: None,
        }
    }
}

impl Trace<'_> {
    fn steps(&mut self, review: &SpanId, reviewed: &Reviewed) {
        let course = &reviewed.course;
        self.step(review, Some("before"), &course.before);
        for runs in reviewed.runs.chunk_by(|one, next| one.phase == next.phase) {
            self.step(review, None, runs);
        }
        if let Some(Charge { begun, duration }) = course.charge {
            self.add(Part {
                parent: Some(review),
                ..Part::new("charge", (begun, begun + duration))
            });
        }
    }

    /// A step, named by the phase of its policies if nothing else is given, and a span for each of these below it.
    fn step(&mut self, review: &SpanId, name: Option<&str>, runs: &[PolicyRun]) {
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
            return;
        };
        let period = (first.begun, last.begun + last.duration);
        let step = self.add(Part {
            parent: Some(review),
            ..Part::new(name.unwrap_or(first.phase), period)
        });
        for run in runs {
            self.add(Part {
                parent: Some(&step),
                attributes: policy(run),
                failure: run.fault.map(str::to_owned),
                ..Part::new(
                    format!("policy {}", run.policy),
                    (run.begun, run.begun + run.duration),
                )
            });
        }
    }

    fn add(&mut self, part: Part<'_>) -> SpanId {
        let Part {
            parent,
            name,
            period: (from, until),
            attributes,
            failure,
        } = part;
        let id = self.numbers.next().to_be_bytes();
        let context = self.record.context;
        let (kind, remote) = match parent {
            Some(_) => (SpanKind::Internal, 0),
            None => (
                SpanKind::Server,
                IS_REMOTE * u32::from(context.parent.is_some()),
            ),
        };
        let parent = parent.or(context.parent.as_ref());
        self.spans.push(Span {
            trace_id: context.trace.to_vec(),
            span_id: id.to_vec(),
            parent_span_id: parent.map_or(Vec::new(), |id| id.to_vec()),
            name,
            kind: kind.into(),
            start_time_unix_nano: self.nanoseconds(from),
            end_time_unix_nano: self.nanoseconds(until),
            attributes,
            status: failure.map(|message| Status {
                message,
                code: StatusCode::Error.into(),
            }),
            flags: SAMPLED | IS_REMOTE_KNOWN | remote,
        });
        id
    }

    /// A moment in nanoseconds since 1970.
    fn nanoseconds(&self, moment: Instant) -> u64 {
        let (then, time) = self.clocks;
        let time = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let later = moment.saturating_duration_since(then);
        let earlier = then.saturating_duration_since(moment);
        let since: Duration = (time + later).saturating_sub(earlier);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Why a review gave no verdict of its policies. A denial is one.
fn failure(end: &End) -> Option<String> {
    match end {
        End::GivenUp => Some("given up: its time was up, or its caller went away".to_owned()),
        End::Unavailable(why) => Some(why.clone()),
        End::Reviewed(reviewed) if reviewed.verdict == Verdict::Faulted => {
            Some("a policy faulted, and its `onFault` refuses".to_owned())
        }
        End::Reviewed(_) | End::Skipped => None,
    }
}

/// The names are those of the log.
fn attributes(subject: &Subject, end: &End) -> Vec<KeyValue> {
    let Subject {
        begun: _,
        phase,
        uid,
        kind,
        namespace,
        name,
        operation,
        is_dry_run,
    } = subject;
    let mut attributes = vec![
        text("review.uid", uid),
        text("object.kind", kind),
        text("operation", operation),
        text("phase", phase.as_str()),
        attribute("dry_run", Value::Bool(*is_dry_run)),
    ];
    let optional = [("object.namespace", namespace), ("object.name", name)];
    attributes.extend(
        optional
            .into_iter()
            .filter_map(|(key, value)| Some(text(key, value.as_deref()?))),
    );
    if let End::Reviewed(reviewed) = end {
        attributes.extend([
            text("decision", reviewed.verdict.as_label()),
            count("findings", reviewed.findings),
            count("patch.ops", reviewed.edits),
            count("tries", reviewed.course.tries),
        ]);
    }
    attributes
}

fn policy(run: &PolicyRun) -> Vec<KeyValue> {
    let PolicyRun {
        policy,
        digest,
        phase,
        begun: _,
        duration: _,
        memory_peak,
        fault,
    } = run;
    let mut attributes = vec![
        text("policy.name", policy),
        text("policy.digest", digest),
        text("phase", phase),
        count("memory_peak", *memory_peak),
    ];
    attributes.extend(fault.map(|fault| text("fault", fault)));
    attributes
}

/// An attribute that is a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::String(value.to_owned()))
}

fn count(key: &str, value: usize) -> KeyValue {
    attribute(key, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    }
}
