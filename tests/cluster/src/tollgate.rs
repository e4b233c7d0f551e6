//! Replicas of the `tollgate` binary under test, behind a Service, registered with the API server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::controllers::probe;
use crate::process::{Process, program};
use crate::wait::until;
use crate::{Balancer, Cluster, Namespace, Pair, binaries, ports};

/// Where the Service and everything else of Tollgate is.
pub const NAMESPACE: &str = "tollgate-system";

/// The label that puts a namespace under one installation, so that tests of one cluster do not meet.
const LABEL: &str = "e2e.tollgate.dev/installation";

/// How long a replica may take to drain.
const PATIENCE: Duration = Duration::from_secs(60);

/// One installation: replicas behind a balancer, which the API server calls for pods of the namespaces that
/// [`Replicas::namespace`] makes. Dropping it kills the replicas; the registration stays, with its failure policy.
pub struct Replicas<'a> {
    cluster: &'a Cluster,
    name: String,
    balancer: Balancer,
    certificate: Pair,
    arguments: Vec<String>,
    running: Vec<Replica>,
    started: u32,
}

/// One running replica.
#[derive(Debug)]
pub struct Replica {
    process: Process,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl<'a> Replicas<'a> {
    /// Starts replicas with further arguments of `tollgate serve`, waits until they are ready and registers them.
    ///
    /// # Errors
    /// Where one does not get ready, with the end of its log.
    pub async fn install(cluster: &'a Cluster, count: usize, arguments: &[&str]) -> Result<Self> {
        static INSTALLATIONS: AtomicU32 = AtomicU32::new(0);
        let name = format!("tollgate-{}", INSTALLATIONS.fetch_add(1, Ordering::Relaxed));
        let host = format!("{name}.{NAMESPACE}.svc");
        let mut replicas = Self {
            cluster,
            balancer: Balancer::start().await?,
            certificate: cluster
                .authority()
                .issue(&name, &[&host, "localhost", "127.0.0.1"])?,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            running: Vec::new(),
            started: 0,
            name,
        };
        for _ in 0..count {
            replicas.add().await?;
        }
        replicas.register().await?;
        Ok(replicas)
    }

    /// Makes a namespace whose pods the API server shows to these replicas.
    ///
    /// # Errors
    /// What the API server answers.
    pub async fn namespace(&self, prefix: &str) -> Result<Namespace<'a>> {
        self.cluster
            .labelled_namespace(prefix, &json!({LABEL: self.name}))
            .await
    }

    /// Starts one more replica, waits until it is ready, and routes connections to it too.
    ///
    /// # Errors
    /// Where it does not get ready, with the end of its log.
    pub async fn add(&mut self) -> Result<()> {
        let name = format!("{}-{}", self.name, self.started);
        self.started += 1;
        let mut replica = self.start(&name)?;
        until("a replica of tollgate is ready", async || {
            replica.process.check()?;
            probe(replica.metrics.port()).await
        })
        .await?;
        self.running.push(replica);
        self.route();
        Ok(())
    }

    /// Takes the oldest replica out of the routing and stops it, as a rolling restart does.
    ///
    /// # Errors
    /// Where there is none, or it does not end in time.
    pub fn stop_oldest(&mut self) -> Result<()> {
        let mut oldest = self.take_oldest()?;
        self.route();
        oldest.process.stop(PATIENCE)?;
        Ok(())
    }

    /// Kills the oldest replica while connections are still routed to it, as a node that fails does.
    ///
    /// # Errors
    /// Where there is none.
    pub fn kill_oldest(&mut self) -> Result<()> {
        let mut oldest = self.take_oldest()?;
        oldest.process.kill()?;
        self.route();
        Ok(())
    }

    /// The replicas that run, oldest first.
    #[must_use]
    pub fn running(&self) -> &[Replica] {
        &self.running
    }

    fn take_oldest(&mut self) -> Result<Replica> {
        let mut replicas = std::mem::take(&mut self.running).into_iter();
        let oldest = replicas.next().context("no replica runs")?;
        self.running = replicas.collect();
        Ok(oldest)
    }

    fn route(&self) {
        self.balancer
            .route(self.running.iter().map(|replica| replica.address).collect());
    }

    fn start(&self, name: &str) -> Result<Replica> {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (address, metrics) = (loopback(ports::free()?), loopback(ports::free()?));
        let mut command = program(&binaries::tollgate()?);
        command
            .arg("serve")
            .arg(format!("--listen={address}"))
            .arg(format!("--metrics-listen={metrics}"))
            .args(tls(&self.certificate))
            .args(&self.arguments)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("POD_NAME", name);
        Ok(Replica {
            process: Process::start(name, command, self.cluster.folder())?,
            address,
            metrics,
        })
    }

    async fn register(&self) -> Result<()> {
        let objects = self.cluster.objects();
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        objects.apply("", &namespace).await?;
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": self.name},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        });
        objects.apply(NAMESPACE, &service).await?;
        objects
            .apply("", &self.registration("Mutating", "mutate"))
            .await?;
        objects
            .apply("", &self.registration("Validating", "validate"))
            .await?;
        Ok(())
    }

    fn registration(&self, phase: &str, path: &str) -> Value {
        let service = json!({
            "name": self.name, "namespace": NAMESPACE, "path": format!("/{path}"), "port": self.balancer.port(),
        });
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": format!("{phase}WebhookConfiguration"),
            "metadata": {"name": self.name},
            "webhooks": [{
                "name": format!("{path}.tollgate.dev"),
                "clientConfig": {"service": service, "caBundle": BASE64.encode(self.cluster.authority().pem())},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "namespaceSelector": {"matchLabels": {LABEL: self.name}},
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 10,
                "admissionReviewVersions": ["v1"],
            }],
        })
    }
}

impl Replica {
    /// Where it serves the API server.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves probes and metrics.
    #[must_use]
    pub const fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// The file with its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }
}

fn tls(pair: &Pair) -> [String; 2] {
    let flag = |name: &str, path: &PathBuf| format!("--{name}={}", path.display());
    [
        flag("tls-cert", &pair.certificate),
        flag("tls-key", &pair.key),
    ]
}
