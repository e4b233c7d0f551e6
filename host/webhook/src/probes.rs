//! The second listener: probes and metrics in plain HTTP.
//!
//! It has a thread and a runtime of its own, so that it answers when all other threads are busy judging.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tracing::{debug, warn};

use crate::lifecycle::Stage;
use crate::metrics::Snapshot;
use crate::reviewer::Reviewer;
use crate::server::Shared;

/// How many connections are open at once.
const CONNECTIONS: usize = 128;
/// What is read of a request.
const BUFFER: usize = 16 << 10;
/// How long to wait when no connection can be accepted, for want of files.
const BREATH: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The running listener; it ends when this is dropped.
pub(crate) struct Probes {
    _stop: oneshot::Sender<Infallible>,
}

/// Serves probes and metrics on a thread.
pub(crate) fn start<R: Reviewer>(
    listener: TcpListener,
    shared: Arc<Shared<R>>,
) -> io::Result<Probes> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let serve = async move {
        tokio::select! {
            _ = stopped => {}
            Err(err) = accept(listener, shared) => warn!(%err, "probes and metrics are not served"),
        }
    };
    thread::Builder::new()
        .name("probes".to_owned())
        .spawn(move || runtime.block_on(serve))?;
    Ok(Probes { _stop: stop })
}

async fn accept<R: Reviewer>(
    listener: TcpListener,
    shared: Arc<Shared<R>>,
) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = Arc::clone(&connections).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = serve(stream, Arc::clone(&shared));
                tokio::spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            Err(err) => {
                debug!(%err, "no connection could be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn serve<R: Reviewer>(stream: TcpStream, shared: Arc<Shared<R>>) {
    let header_time = shared.limits.header_time;
    let service = service_fn(move |request| {
        let response = answer(&request, &shared);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(err) = connection.await {
        debug!(%err, "probe's connection broke");
    }
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

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}
