//! Listeners beside the one for calls, each with a thread and a runtime of its own: they answer when all other threads are
//! busy judging, and take no more than a thread from those.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// What is read of a request.
const BUFFER: usize = 16 << 10;
/// How long to wait when no connection can be accepted, for want of files.
const BREATH: Duration = Duration::from_millis(100);

/// What a listener allows.
#[derive(Clone)]
pub(crate) struct Side {
    /// The name of its thread.
    pub(crate) name: &'static str,
    /// How many connections are open at once.
    pub(crate) connections: usize,
    /// How long a handshake and the head of a request may take.
    pub(crate) header_time: Duration,
    /// How it speaks TLS, unless it is plain.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// The running listener; it ends when this is dropped.
pub(crate) struct Listening {
    _stop: oneshot::Sender<Infallible>,
}

/// Serves on a thread.
pub(crate) fn start<A, F>(listener: TcpListener, side: Side, answer: A) -> io::Result<Listening>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let name = side.name;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let serve = async move {
        tokio::select! {
            _ = stopped => {}
            Err(err) = accept(listener, side, answer) => warn!(%err, listener = name, "nothing is served"),
        }
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(serve))?;
    Ok(Listening { _stop: stop })
}

/// An answer of a few words.
pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

async fn accept<A, F>(listener: TcpListener, side: Side, answer: A) -> io::Result<Infallible>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(side.connections));
    loop {
        let permit = Arc::clone(&connections).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = connect(stream, side.clone(), answer.clone());
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

async fn connect<A, F>(stream: TcpStream, side: Side, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Sync,
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    let Some(tls) = &side.tls else {
        return serve(TokioIo::new(stream), side.header_time, answer).await;
    };
    match timeout(side.header_time, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(TokioIo::new(stream), side.header_time, answer).await,
        Ok(Err(err)) => debug!(%err, listener = side.name, "TLS handshake failed"),
        Err(_) => debug!(listener = side.name, "TLS handshake took too long"),
    }
}

async fn serve<S, A, F>(stream: S, header_time: Duration, answer: A)
where
    S: Read + Write + Unpin,
    A: Fn(Request<Incoming>) -> F + Sync,
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    let service = service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(BUFFER)
        .serve_connection(stream, service);
    if let Err(err) = connection.await {
        debug!(%err, "a connection broke");
    }
}
