//! What stands for traces in a build that has none: types without values, and a word to whoever wants some.

use std::convert::Infallible;
use std::env;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::anyhow;
use tollgate_admission::Request;
use tollgate_pipeline::{Outcome, Phase, Unavailable};
use tollgate_webhook::{Call, Metrics};

use crate::args::ServeArgs;
use crate::failure::Failure;

/// What sets up traces wherever it is read.
const VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// Where reviews would be traced.
pub(super) struct Traces(Infallible);

/// The trace of a review.
pub(super) struct Trace(Infallible);

/// What would send traces.
pub(super) struct Exporter(Infallible);

/// Tells whoever wants traces that there are none. What stands in the environment is often meant for others.
pub(super) async fn open(args: &ServeArgs) -> Result<Option<(Traces, Exporter)>, Failure> {
    if args.traces.endpoint.is_some() || args.traces.sampling.is_some() {
        return Err(anyhow!(
            "this `tollgate` was built without traces; build it with `--features tollgate-cli/otlp`, or leave out \
             `--otlp-endpoint` and `--otlp-sampling`"
        )
        .into());
    }
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(variable) = VARIABLES.into_iter().find(is_set) {
        tracing::warn!(
            variable,
            "this build has no traces: it was made without the feature `otlp`"
        );
    }
    Ok(None)
}

impl Traces {
    pub(super) fn begin(&self, _call: &Call) -> Option<Trace> {
        match self.0 {}
    }
}

impl Trace {
    pub(super) fn knows(
        &mut self,
        _request: &Request,
        _phase: Phase,
        _begun: (Instant, SystemTime),
    ) {
        match self.0 {}
    }

    pub(super) fn ends(&mut self, _result: Result<&Outcome, &Unavailable>) {
        match self.0 {}
    }
}

impl Exporter {
    pub(super) fn start(self, _metrics: Arc<Metrics>) -> Result<Self, Failure> {
        match self.0 {}
    }

    pub(super) async fn finish(self) {
        match self.0 {}
    }
}
