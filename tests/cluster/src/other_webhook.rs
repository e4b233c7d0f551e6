//! A webhook that is not Tollgate's, and that answers late, or changes what it is asked about.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tollgate_webhook::{
    Admission, Call, Decision, Limits, Options, Phase, Refusal, Reviewer, Server, TlsFiles,
};

use crate::{Cluster, until};

/// The label of the objects that it is asked about; its value is the webhook's name.
const LABEL: &str = "e2e.tollgate.dev/other";

/// How long the API server waits for it: the longest that there is.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A webhook of pods, on loopback. Dropping it ends it; its registration goes with the cluster.
#[derive(Debug)]
pub struct OtherWebhook {
    name: &'static str,
    serving: JoinHandle<()>,
}

/// What it answers, and when.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    /// Nothing, for as long as the API server waits, which lets the object pass then.
    Never,
    /// It refuses, after a time.
    Denies {
        /// The time.
        after: Duration,
        /// In these words.
        message: &'static str,
    },
    /// It changes the object by this JSON Patch.
    Patches(&'static str),
}

impl OtherWebhook {
    /// Serves and registers it for one of the two calls, and waits until the API server asks it.
    ///
    /// # Errors
    /// Where it cannot be served or registered.
    pub async fn register(
        cluster: &Cluster,
        name: &'static str,
        phase: Phase,
        answers: Answers,
    ) -> Result<Self> {
        let pair = cluster.authority().issue(name, &["127.0.0.1"])?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options {
            listen: loopback,
            metrics_listen: loopback,
            limits: Limits {
                review_time: TIMEOUT * 2,
                ..Limits::default()
            },
            ..Options::new(TlsFiles {
                certificate: pair.certificate,
                key: pair.key,
            })
        };
        let server = Server::bind(options, Arc::new(answers)).await?;
        let port = server.addresses().listen.port();
        let other = Self {
            name,
            serving: tokio::spawn(server.run(std::future::pending())),
        };
        let registration = other.registration(cluster, phase, port);
        cluster.objects().create("", &registration).await?;
        other.until_asked(cluster).await?;
        Ok(other)
    }

    /// A pod that it is asked about.
    #[must_use]
    pub fn asked_about(&self, mut pod: Value) -> Value {
        pod["metadata"]["labels"][LABEL] = self.name.into();
        pod
    }

    fn registration(&self, cluster: &Cluster, phase: Phase, port: u16) -> Value {
        let (kind, path) = match phase {
            Phase::Mutate => ("MutatingWebhookConfiguration", "mutate"),
            Phase::Validate => ("ValidatingWebhookConfiguration", "validate"),
        };
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": self.name},
            "webhooks": [{
                "name": format!("{}.e2e.tollgate.dev", self.name), "admissionReviewVersions": ["v1"],
                "sideEffects": "None", "failurePolicy": "Ignore", "timeoutSeconds": TIMEOUT.as_secs(),
                "objectSelector": {"matchLabels": {LABEL: self.name}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "clientConfig": {
                    "url": format!("https://127.0.0.1:{port}/{path}"),
                    "caBundle": BASE64.encode(cluster.authority().pem()),
                },
            }],
        })
    }

    /// The API server reads its configurations some time after they were written.
    async fn until_asked(&self, cluster: &Cluster) -> Result<()> {
        let probe = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "annotations": {PROBE: "here"}},
            "spec": {"containers": [{"name": "main", "image": "web:1"}]},
        });
        let probe = self.asked_about(probe);
        until("the API server asks the other webhook", async || {
            let answer = cluster.objects().dry_run("default", &probe).await;
            let said = answer.err().context("a probe passed unseen")?.to_string();
            anyhow::ensure!(said.contains(SEEN), "{said}");
            Ok(())
        })
        .await
    }
}

impl Drop for OtherWebhook {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A pod that only asks whether the webhook is asked.
const PROBE: &str = "e2e.tollgate.dev/probe";

/// The answer to that.
const SEEN: &str = "the probe is seen";

impl Reviewer for Answers {
    async fn admit(&self, call: Call) -> Result<Admission, Refusal> {
        let review: Value = serde_json::from_slice(&call.body)
            .map_err(|err| Refusal::BadRequest(err.to_string()))?;
        let annotations = &review["request"]["object"]["metadata"]["annotations"];
        if annotations.get(PROBE).is_some() {
            return Ok(denial(&review, SEEN));
        }
        match *self {
            Self::Never => std::future::pending().await,
            Self::Denies { after, message } => {
                tokio::time::sleep(after).await;
                Ok(denial(&review, message))
            }
            Self::Patches(patch) => Ok(change(&review, patch)),
        }
    }

    fn is_ready(&self) -> bool {
        true
    }
}

fn denial(review: &Value, message: &str) -> Admission {
    let status = json!({"code": 403, "message": message});
    answer(
        review,
        Decision::Denied,
        &json!({"allowed": false, "status": status}),
    )
}

fn change(review: &Value, patch: &str) -> Admission {
    let patch = BASE64.encode(patch);
    let response = json!({"allowed": true, "patchType": "JSONPatch", "patch": patch});
    answer(review, Decision::Allowed, &response)
}

fn answer(review: &Value, decision: Decision, response: &Value) -> Admission {
    let mut response = response.clone();
    response["uid"] = review["request"]["uid"].clone();
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response,
    });
    Admission {
        body: answer.to_string().into_bytes(),
        decision,
        policies: Vec::new(),
        rules: Vec::new(),
    }
}
