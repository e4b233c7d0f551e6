//! The second listener: probes and metrics in plain HTTP.
//!
//! It has a thread and a runtime of its own, so that it answers when all other threads are busy judging.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::lifecycle::Stage;
use crate::metrics::Snapshot;
use crate::reviewer::Reviewer;
use crate::server::Shared;
use crate::side::{self, Listening, Side, text};

/// How many connections are open at once.
const CONNECTIONS: usize = 128;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves probes and metrics on a thread.
pub(crate) fn start<R: Reviewer>(
    listener: TcpListener,
    shared: Arc<Shared<R>>,
) -> io::Result<Listening> {
    let side = Side {
        name: "probes",
        connections: CONNECTIONS,
        header_time: shared.limits.header_time,
        tls: None,
    };
    side::start(listener, side, move |request| {
        std::future::ready(answer(&request, &shared))
    })
}

fn answer<R: Reviewer, B>(request: &Request<B>, shared: &Shared<R>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "the method must be `GET`");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "ok"),
        "/readyz" => readiness(shared),
        "/metrics" => metrics(shared),
        _ => text(
            StatusCode::NOT_FOUND,
            "only `/livez`, `/readyz` and `/metrics` are served here",
        ),
    }
}

fn readiness<R: Reviewer>(shared: &Shared<R>) -> Response<Full<Bytes>> {
    match shared.lifecycle.stage() {
        Stage::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting"),
        Stage::Serving if !shared.reviewer.is_ready() => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "no policies are loaded yet",
        ),
        Stage::Serving if !is_trusted(shared) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the certificate does not verify against the published bundle",
        ),
        Stage::Serving => text(StatusCode::OK, "ok"),
        Stage::Draining | Stage::Closing => text(StatusCode::SERVICE_UNAVAILABLE, "shutting down"),
    }
}

/// Whether the API server would take the certificate, as far as is known what it trusts.
fn is_trusted<R>(shared: &Shared<R>) -> bool {
    shared.trust.as_ref().is_none_or(|trust| {
        let trust = trust.borrow();
        shared.served.is_trusted(&trust, SystemTime::now())
    })
}

fn metrics<R: Reviewer>(shared: &Shared<R>) -> Response<Full<Bytes>> {
    let metrics = shared.metrics.encode(&Snapshot {
        occupancy: shared.gate.occupancy(),
        seconds_to_expiry: shared.served.seconds_to_expiry(SystemTime::now()),
        standing: shared.reviewer.standing(),
    });
    let mut response = Response::new(Full::from(metrics));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    response
}
