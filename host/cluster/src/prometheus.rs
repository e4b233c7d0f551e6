//! How busy the GPUs of pods are, as a Prometheus that scrapes NVIDIA's DCGM exporter knows it. It is shown to people, and
//! never enters a verdict.
//!
//! It is asked with the client that asks the API server: what it needs of HTTP and TLS is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use crate::outside::{self, Outside, OutsideError};

/// The time over which a mean is taken, as PromQL and people have it.
pub const WINDOW: &str = "1h";

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer: a hundred thousand pods.
const LONGEST: usize = 32 << 20;

/// How much of an answer that is none is told.
const EXCERPT: usize = 200;

/// Where a Prometheus is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its URL, with the path that its API stands below.
    pub url: String,
    /// The file with the bearer token that it wants.
    pub token: Option<PathBuf>,
    /// The file with the authorities that vouch for it, in PEM.
    pub authority: Option<PathBuf>,
}

/// Why nothing is known of how busy GPUs are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrometheusError {
    /// The URL is none.
    #[error(
        "`{0}` is no URL of a Prometheus; expected `http://HOST:PORT` or `https://HOST:PORT`, and a path if it has one"
    )]
    Url(String),
    /// Whoever listens would read the token.
    #[error("a token would be sent to `{0}` in clear; use `https`")]
    TokenInClear(String),
    /// The token cannot be read.
    #[error("cannot read the token in `{path}`")]
    Token {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be used.
    #[error("cannot connect to the Prometheus at `{url}`")]
    Files {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// It does not answer.
    #[error("the Prometheus at `{url}` does not answer")]
    Away {
        /// Where it is.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It answers with something else.
    #[error("the Prometheus at `{url}` answered {answer}")]
    Answer {
        /// Where it is.
        url: String,
        /// What it answered.
        answer: String,
    },
}

/// A pod by its namespace and its name.
pub type PodName = (String, String);

/// How busy the devices of pods are in the mean, in thousandths.
pub type Busy = BTreeMap<PodName, u32>;

/// Asks how busy the devices of pods have been.
///
/// # Errors
///
/// When the address cannot be used, or what is there does not answer as a Prometheus does.
pub async fn busy(address: &Address) -> Result<Busy, PrometheusError> {
    let url = &address.url;
    let client = client(address).await?;
    let away = |source| PrometheusError::Away {
        url: url.clone(),
        source,
    };
    let request = http::Request::get(path()).body(kube::client::Body::empty());
    let request = request.map_err(|err| away(err.into()))?;
    let asked = async {
        let (head, body) = client.send(request).await?.into_parts();
        let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
        Ok((head.status, body))
    };
    let answered = tokio::time::timeout(PATIENCE, asked).await;
    let (status, body) = answered
        .map_err(|err| away(err.into()))?
        .map_err(|source: Box<dyn std::error::Error + Send + Sync>| away(source))?;
    match serde_json::from_slice(&body) {
        Ok(Answer { data }) if status.is_success() => Ok(pods(data.result)),
        Ok(_) | Err(_) => Err(PrometheusError::Answer {
            url: url.clone(),
            answer: format!("{status}: {}", excerpt(&body)),
        }),
    }
}

async fn client(address: &Address) -> Result<Client, PrometheusError> {
    let Address {
        url,
        token,
        authority,
    } = address;
    let is_url = |uri: &http::Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    };
    let parsed = url.parse::<http::Uri>().ok().filter(is_url);
    let parsed = parsed.ok_or_else(|| PrometheusError::Url(url.clone()))?;
    let is_near = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if token.is_some() && parsed.scheme_str() == Some("http") && !is_near {
        return Err(PrometheusError::TokenInClear(url.clone()));
    }
    let token = token.as_deref().map(read).transpose()?;
    let it = Outside {
        server: url,
        token,
        authority: authority.as_deref(),
        patience: PATIENCE,
    };
    outside::client(it).await.map_err(|err| match err {
        OutsideError::Server => PrometheusError::Url(url.clone()),
        OutsideError::Files(source) => PrometheusError::Files {
            url: url.clone(),
            source,
        },
        OutsideError::Client(source) => PrometheusError::Away {
            url: url.clone(),
            source: source.into(),
        },
    })
}

/// The token in a file, which people end with a line break.
fn read(path: &Path) -> Result<String, PrometheusError> {
    let token = std::fs::read_to_string(path).map_err(|source| PrometheusError::Token {
        path: path.display().to_string(),
        source,
    })?;
    Ok(token.trim().to_owned())
}

/// Where a pod's labels are kept depends on whether the exporter's are honoured. Slices of a GPU have only the second metric.
fn path() -> String {
    let labels = "namespace,pod,exported_namespace,exported_pod";
    let query = format!(
        "avg by ({labels}) (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE[{WINDOW}])) \
         or avg by ({labels}) (avg_over_time(DCGM_FI_DEV_GPU_UTIL[{WINDOW}]) / 100)"
    );
    let mut path = String::from("/api/v1/query?query=");
    for byte in query.bytes() {
        match byte.is_ascii_alphanumeric() || byte == b'_' {
            true => path.push(char::from(byte)),
            false => path += &format!("%{byte:02X}"),
        }
    }
    path
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    metric: Labels,
    value: (Value, String),
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Labels {
    namespace: String,
    pod: String,
    exported_namespace: String,
    exported_pod: String,
}

fn pods(samples: Vec<Sample>) -> Busy {
    let samples = samples.into_iter();
    samples
        .filter_map(|Sample { metric, value }| Some((metric.pod()?, permille(&value.1)?)))
        .collect()
}

impl Labels {
    /// The pod that has the device: where a label of the exporter was renamed, the plain one is the exporter's own pod.
    fn pod(self) -> Option<PodName> {
        let name = match self.exported_pod.is_empty() {
            true => (self.namespace, self.pod),
            false => (self.exported_namespace, self.exported_pod),
        };
        (!name.1.is_empty()).then_some(name)
    }
}

/// Thousandths of a fraction; nothing of what is none, which is how the exporter says that it does not know.
fn permille(fraction: &str) -> Option<u32> {
    let fraction: f64 = fraction.parse().ok()?;
    let is_one = (0.0..=1.01).contains(&fraction);
    let text = is_one.then(|| format!("{:.0}", fraction.min(1.0) * 1_000.0))?;
    text.parse().ok()
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("nothing");
    let end = first.floor_char_boundary(EXCERPT);
    first.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn told(answer: Value) -> Busy {
        let Answer { data } = serde_json::from_value(answer).unwrap();
        pods(data.result)
    }

    fn sample(labels: Value, value: &str) -> Value {
        json!({"metric": labels, "value": [1_764_196_000.0, value]})
    }

    #[test]
    fn a_pod_is_the_one_that_has_the_device_and_not_the_exporters() {
        let exporters = json!({
            "namespace": "gpu-operator", "pod": "dcgm-x", "exported_namespace": "ml", "exported_pod": "a",
        });
        let honoured = json!({"namespace": "ml", "pod": "b"});
        let idle = json!({"exported_pod": ""});
        let answer = json!({"status": "success", "data": {"resultType": "vector", "result": [
            sample(exporters, "0.125"), sample(honoured, "1.004"), sample(idle, "0"),
        ]}});
        let ml = |name: &str| ("ml".to_owned(), name.to_owned());
        assert_eq!(told(answer), Busy::from([(ml("a"), 125), (ml("b"), 1_000)]));
    }

    #[test]
    fn what_the_exporter_does_not_know_counts_as_nothing_known() {
        for blank in ["NaN", "+Inf", "-1", "92233720368547757.94", "many", "1.02"] {
            assert_eq!(permille(blank), None, "{blank}");
        }
        assert_eq!((permille("0"), permille("0.9996")), (Some(0), Some(1_000)));
    }

    #[tokio::test]
    async fn addresses_that_cannot_be_used_are_told_from_those_that_do_not_answer() {
        let ask = async |url: &str, token: Option<&str>| {
            let address = Address {
                url: url.to_owned(),
                token: token.map(PathBuf::from),
                authority: None,
            };
            busy(&address).await.map_err(|err| err.to_string())
        };
        let said = ask("prometheus:9090", None).await.unwrap_err();
        assert!(said.starts_with("`prometheus:9090` is no URL"), "{said}");
        let said = ask("http://prometheus.example:9090", Some("token"))
            .await
            .unwrap_err();
        assert!(said.contains("in clear"), "{said}");
    }

    #[tokio::test]
    async fn a_token_is_sent_without_the_line_break_that_its_file_ends_with() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base/", listener.local_addr().unwrap());
        let file = std::env::temp_dir().join(format!("tollgate-token-{}", std::process::id()));
        std::fs::write(&file, "secret\n").unwrap();
        let address = Address {
            url,
            token: Some(file.clone()),
            authority: None,
        };
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let body = r#"{"data": {"result": []}}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        };
        let (known, asked) = tokio::join!(busy(&address), answering);
        std::fs::remove_file(file).unwrap();
        assert_eq!(known.unwrap(), Busy::new());
        assert!(
            asked.starts_with("get /base/api/v1/query?query=avg%20by"),
            "{asked}"
        );
        assert!(
            asked.contains("\r\nauthorization: bearer secret\r\n"),
            "{asked}"
        );
    }
}
