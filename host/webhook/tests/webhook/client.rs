//! A client that fails loudly: no retries, no pool.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How to connect.
#[derive(Clone)]
pub(crate) struct Dial {
    pub(crate) config: ClientConfig,
}

/// One connection.
pub(crate) struct Client {
    sender: Sender,
    /// The leaf that the server showed.
    pub(crate) leaf: CertificateDer<'static>,
    /// Ends when the connection does.
    pub(crate) connection: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Dial {
    pub(crate) fn new(roots: RootCertStore) -> Self {
        Self::with_versions(roots, &[&version::TLS13, &version::TLS12])
    }

    pub(crate) fn with_versions(
        roots: RootCertStore,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Self { config }
    }

    pub(crate) fn http2(mut self) -> Self {
        self.config.alpn_protocols = vec![b"h2".to_vec()];
        self
    }

    /// The connection after its handshake, without HTTP.
    pub(crate) async fn tls(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(address.ip());
        TlsConnector::from(Arc::new(self.config.clone()))
            .connect(name, stream)
            .await
    }

    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<Client, Failure> {
        let stream = self.tls(address).await?;
        let session = stream.get_ref().1;
        let leaf = session.peer_certificates().unwrap()[0].clone().into_owned();
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let stream = TokioIo::new(stream);
        let (sender, connection) = if is_http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            (
                Sender::Http2(sender),
                tokio::spawn(async { drop(connection.await) }),
            )
        } else {
            let (sender, connection) = http1::handshake(stream).await?;
            (
                Sender::Http1(sender),
                tokio::spawn(async { drop(connection.await) }),
            )
        };
        Ok(Client {
            sender,
            leaf,
            connection,
        })
    }
}

impl Client {
    /// Whether the server has asked to leave.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Sends a review and reads the answer.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/json");
        self.send(request.uri(path).body(Full::new(body.into()))?)
            .await
    }

    pub(crate) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Reply, Failure> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.map_err(|_| Unseen)?;
                request.headers_mut().insert("host", "127.0.0.1".parse()?);
                sender.try_send_request(request).await.map_err(failure)?
            }
            Sender::Http2(sender) => {
                sender.ready().await.map_err(|_| Unseen)?;
                *request.uri_mut() = format!("https://127.0.0.1{}", request.uri()).parse()?;
                sender.try_send_request(request).await.map_err(failure)?
            }
        };
        let (head, body) = response.into_parts();
        Ok(Reply {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

/// The server had asked to leave, and says that it has not looked at the request: every client may repeat it.
#[derive(Debug)]
pub(crate) struct Unseen;

impl std::fmt::Display for Unseen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the server has not seen the request")
    }
}

impl Error for Unseen {}

fn failure<R>(mut err: TrySendError<R>) -> Failure {
    let is_unsent = err.take_message().is_some();
    let err = err.into_error();
    let cause = err
        .source()
        .and_then(|cause| cause.downcast_ref::<h2::Error>());
    // RFC 9113, 6.8: streams above the last one that a GOAWAY names were not processed.
    let is_beyond = |cause: &h2::Error| {
        cause.is_go_away() && cause.is_remote() && cause.reason() == Some(h2::Reason::NO_ERROR)
    };
    if is_unsent || cause.is_some_and(is_beyond) {
        Unseen.into()
    } else {
        err.into()
    }
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn closes(&self) -> bool {
        self.headers
            .get("connection")
            .is_some_and(|value| value == "close")
    }
}

/// What the plain listener answers. It blocks, so that it also works while all of a runtime's threads are busy.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    plain(address, "GET", path).unwrap()
}

pub(crate) fn plain(address: SocketAddr, method: &str, path: &str) -> io::Result<(u16, String)> {
    let mut stream = StdStream::connect(address)?;
    stream.set_read_timeout(Some(crate::PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, body.to_owned()))
}
