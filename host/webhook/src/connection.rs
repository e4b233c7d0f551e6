//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::activity::{Activity, Noted, Patience, Silence};
use crate::endpoint;
use crate::lifecycle::Stage;
use crate::options::Limits;
use crate::reviewer::Reviewer;
use crate::server::Shared;
use crate::tls::HTTP2;

type Answer = Response<Full<Bytes>>;

/// How long a client has to send what it was about to send when it is asked to leave.
const LAST_CALL: Duration = Duration::from_secs(1);
/// How much hyper may buffer of a connection: heads must fit, bodies pass through.
const BUFFER: usize = 64 << 10;
/// How often an HTTP/2 client must show that it is there.
const PING: Duration = Duration::from_secs(20);

/// Serves one connection.
pub(crate) async fn serve<R: Reviewer>(stream: TcpStream, shared: Arc<Shared<R>>) {
    let Some(stream) = handshake(stream, &shared).await else {
        return;
    };
    let activity = Arc::new(Activity::new());
    if stream.get_ref().1.alpn_protocol() == Some(HTTP2) {
        serve_http2(stream, shared, activity).await;
    } else {
        serve_http1(stream, shared, activity).await;
    }
}

async fn handshake<R>(stream: TcpStream, shared: &Shared<R>) -> Option<TlsStream<TcpStream>> {
    // A connection that has gone already fails in the handshake.
    let _ = stream.set_nodelay(true);
    match timeout(shared.limits.handshake_time, shared.tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(err)) => {
            debug!(%err, "TLS handshake failed");
            None
        }
        Err(_) => {
            debug!("TLS handshake took too long");
            None
        }
    }
}

async fn serve_http1<R: Reviewer>(
    stream: TlsStream<TcpStream>,
    shared: Arc<Shared<R>>,
    activity: Arc<Activity>,
) {
    let noted = Noted {
        stream,
        activity: Arc::clone(&activity),
    };
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .serve_connection(
            TokioIo::new(noted),
            service(Arc::clone(&shared), Arc::clone(&activity)),
        );
    let leave = shared.lifecycle.reached(Stage::Closing);
    drive(connection, &activity, patience(&shared.limits), leave).await;
}

async fn serve_http2<R: Reviewer>(
    stream: TlsStream<TcpStream>,
    shared: Arc<Shared<R>>,
    activity: Arc<Activity>,
) {
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .serve_connection(
            TokioIo::new(stream),
            service(Arc::clone(&shared), Arc::clone(&activity)),
        );
    let leave = async {
        shared.lifecycle.reached(Stage::Draining).await;
        // A client that has just come has a call to make; to send it away first would fail that.
        tokio::select! {
            () = activity.used() => {}
            () = shared.lifecycle.reached(Stage::Closing) => {}
        }
    };
    drive(connection, &activity, patience(&shared.limits), leave).await;
}

/// What answers the requests of a connection.
fn service<R: Reviewer>(
    shared: Arc<Shared<R>>,
    activity: Arc<Activity>,
) -> impl Service<
    Request<Incoming>,
    Response = Answer,
    Error = Infallible,
    Future = impl Future<Output = Result<Answer, Infallible>> + Send,
> {
    service_fn(move |request| {
        let shared = Arc::clone(&shared);
        let in_flight = activity.request();
        async move {
            let answer = endpoint::answer(&shared, request).await;
            drop(in_flight);
            Ok(answer)
        }
    })
}

/// Lets a connection run until it ends, is asked to leave, or has been silent for too long.
async fn drive<C>(
    connection: C,
    activity: &Activity,
    patience: Patience,
    leave: impl Future<Output = ()>,
) where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        result = connection.as_mut() => return ended(result),
        () = leave => {}
        silence = activity.expired(patience) => {
            debug!(?silence, "closing a connection");
            if silence == Silence::Head {
                return;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    activity.last_call();
    let patience = Patience {
        head: LAST_CALL,
        idle: LAST_CALL,
    };
    tokio::select! {
        biased;
        result = connection => ended(result),
        _ = activity.expired(patience) => {}
    }
}

fn patience(limits: &Limits) -> Patience {
    Patience {
        head: limits.header_time,
        idle: limits.idle_time,
    }
}

fn ended(result: Result<(), hyper::Error>) {
    if let Err(err) = result {
        debug!(%err, "connection broke");
    }
}
