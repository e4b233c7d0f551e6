//! A collector of traces, by the OpenTelemetry protocol over HTTP. What is sent is not looked at.
//!
//! It is spoken to with the client that asks the API server: what it needs of HTTP and TLS is there.

use std::path::PathBuf;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use tracing::instrument::WithSubscriber as _;

use crate::outside::{self, Outside, OutsideError};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const LONGEST: usize = 64 << 10;

/// Where a collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The URL that traces are posted to.
    pub url: String,
    /// What it wants in the head of each request, such as a key.
    pub headers: Vec<(String, String)>,
    /// The file with the authorities that vouch for it, in PEM; else those of the system.
    pub authority: Option<PathBuf>,
}

/// Why a collector has not taken traces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// The URL is none.
    #[error(
        "`{0}` is no URL of a collector; expected `http://HOST:PORT` or `https://HOST:PORT`, and a path if it has one"
    )]
    Url(String),
    /// A header is none. Its value may be a key, and is not told.
    #[error("`{0}` cannot be a header of a request")]
    Header(String),
    /// A file cannot be used.
    #[error("cannot connect to the collector at `{url}`")]
    Files {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// It does not answer.
    #[error("the collector at `{url}` does not answer")]
    Away {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It does not want what it was sent.
    #[error("the collector at `{url}` answered {status}")]
    Refused {
        /// Where it is.
        url: String,
        /// What it answered.
        status: StatusCode,
    },
}

/// A collector that can be sent to.
pub struct Collector {
    client: Client,
    url: String,
    path: PathAndQuery,
    headers: HeaderMap,
}

impl Collector {
    /// Makes ready to send. The collector is not asked yet.
    ///
    /// # Errors
    ///
    /// When the address cannot be used.
    pub async fn at(address: &Address) -> Result<Self, CollectorError> {
        let Address {
            url,
            headers,
            authority,
        } = address;
        let (server, path) = parted(url).ok_or_else(|| CollectorError::Url(url.clone()))?;
        let headers = headers.iter().map(header).collect::<Result<_, _>>()?;
        let it = Outside {
            server: &server,
            token: None,
            authority: authority.as_deref(),
            patience: PATIENCE,
        };
        let client = outside::client(it).await.map_err(|err| match err {
            OutsideError::Server => CollectorError::Url(url.clone()),
            OutsideError::Files(source) => CollectorError::Files {
                url: url.clone(),
                source,
            },
            OutsideError::Client(source) => away(url, source),
        })?;
        Ok(Self {
            client,
            url: url.clone(),
            path,
            headers,
        })
    }

    /// Sends an encoded request to export traces, and gives the encoded answer.
    ///
    /// # Errors
    ///
    /// When the collector does not take it, or does not answer in ten seconds, in which the client asks one that is busy (429,
    /// 503, 504) again.
    pub async fn send(&self, traces: Vec<u8>) -> Result<Vec<u8>, CollectorError> {
        let mut request = http::Request::post(Uri::from(self.path.clone()))
            .body(kube::client::Body::from(traces))
            .map_err(|err| away(&self.url, err))?;
        *request.headers_mut() = self.headers.clone();
        let form = HeaderValue::from_static("application/x-protobuf");
        request.headers_mut().insert(CONTENT_TYPE, form);
        let asked = async {
            let (head, body) = self.client.send(request).await?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((head.status, body))
        };
        // The client logs each failure as an error. Whoever sends tells, and not each time.
        let asked = asked.with_subscriber(tracing::Dispatch::none());
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        let (status, body) = answered
            .map_err(|err| away(&self.url, err))?
            .map_err(|source| away(&self.url, source))?;
        match status.is_success() {
            true => Ok(body.to_vec()),
            false => Err(CollectorError::Refused {
                url: self.url.clone(),
                status,
            }),
        }
    }
}

fn away(url: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CollectorError {
    CollectorError::Away {
        url: url.to_owned(),
        source: source.into(),
    }
}

/// The server of a URL, and the path on it.
fn parted(url: &str) -> Option<(String, PathAndQuery)> {
    let uri = url.parse::<Uri>().ok()?;
    let scheme = uri
        .scheme_str()
        .filter(|it| ["http", "https"].contains(it))?;
    let server = format!("{scheme}://{}", uri.authority()?);
    Some((server, uri.path_and_query()?.clone()))
}

fn header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), CollectorError> {
    let unusable = || CollectorError::Header(name.clone());
    let mut value = HeaderValue::try_from(value).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok((HeaderName::try_from(name).map_err(|_| unusable())?, value))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn address(url: String) -> Address {
        Address {
            url,
            headers: vec![("api-key".to_owned(), "secret".to_owned())],
            authority: None,
        }
    }

    /// What a collector that answers so is sent, and what whoever sends is told.
    async fn exchange(answer: &str) -> (String, Result<Vec<u8>, CollectorError>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tenant/v1/traces", listener.local_addr().unwrap());
        let collector = Collector::at(&address(url)).await.unwrap();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        };
        let (told, asked) = tokio::join!(collector.send(b"spans".to_vec()), answering);
        (asked, told)
    }

    #[tokio::test]
    async fn posts_what_it_is_given_and_gives_the_answer() {
        let (asked, told) = exchange("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        assert_eq!(told.unwrap(), b"ok");
        assert!(
            asked.starts_with("post /tenant/v1/traces http/1.1"),
            "{asked}"
        );
        for line in ["content-type: application/x-protobuf", "api-key: secret"] {
            assert!(asked.contains(&format!("\r\n{line}\r\n")), "{asked}");
        }
    }

    #[tokio::test]
    async fn tells_who_refuses_from_who_is_away() {
        let (_, told) = exchange("HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n").await;
        assert!(matches!(told, Err(CollectorError::Refused { status, .. }) if status == 400));
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", nobody.local_addr().unwrap());
        drop(nobody);
        let collector = Collector::at(&address(url)).await.unwrap();
        let told = collector.send(Vec::new()).await;
        assert!(matches!(told, Err(CollectorError::Away { .. })));
    }

    #[tokio::test]
    async fn refuses_addresses_that_cannot_be_used() {
        for url in ["collector:4318", "ftp://collector/v1/traces", "/v1/traces"] {
            let told = Collector::at(&address(url.to_owned())).await;
            assert!(matches!(told, Err(CollectorError::Url(_))), "{url}");
        }
        let address = Address {
            headers: vec![("api key".to_owned(), "secret".to_owned())],
            ..address("http://collector:4318/v1/traces".to_owned())
        };
        let told = Collector::at(&address).await.err().unwrap().to_string();
        assert_eq!(told, "`api key` cannot be a header of a request");
    }
}
