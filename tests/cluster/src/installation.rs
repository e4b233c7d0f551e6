//! Tollgate as its users install it: replicas of the binary under test behind a Service, which register themselves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::http::get;
use crate::process::{Memory, Process, program};
use crate::wait::until;
use crate::{Balancer, Cluster, Objects, WallClock, binaries, ports};

/// The namespace of Tollgate, as `deploy/chart/files/rbac.yaml` makes it.
pub const NAMESPACE: &str = "tollgate-system";

/// The rights of its replicas.
const RIGHTS: &str = include_str!("../../../deploy/chart/files/rbac.yaml");

/// How long a replica may take to drain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Namespaces that no installation looks at, for what is to be shown without Tollgate.
pub(crate) fn left_alone() -> impl Iterator<Item = String> {
    (0..64).map(|number| format!("without-tollgate-{number}"))
}

/// The one installation of a cluster. Dropping it kills the replicas; what they registered stays.
pub struct Installation {
    folder: PathBuf,
    kubeconfig: PathBuf,
    balancer: Balancer,
    uplink: Balancer,
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
    page: SocketAddr,
}

impl Installation {
    /// Installs what a cluster must have, starts replicas with further arguments of `tollgate serve`, and waits until
    /// the API server asks them.
    ///
    /// # Errors
    /// Where one does not get ready, with the end of its log.
    pub async fn install(cluster: &Cluster, count: usize, arguments: &[&str]) -> Result<Self> {
        prepare(cluster).await?;
        Self::start(cluster, count, arguments).await
    }

    /// The same where somebody else has installed what a cluster must have; the Service is made to lead to loopback.
    ///
    /// # Errors
    /// Where one does not get ready, with the end of its log.
    pub async fn start(cluster: &Cluster, count: usize, arguments: &[&str]) -> Result<Self> {
        lead_to_loopback(cluster).await?;
        let uplink = Balancer::start().await?;
        uplink.route(vec![cluster.address()]);
        let mut installation = Self {
            folder: cluster.folder().to_owned(),
            kubeconfig: cluster.service_account_over(uplink.port(), NAMESPACE, "tollgate")?,
            balancer: Balancer::start().await?,
            uplink,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            running: Vec::new(),
            started: 0,
        };
        for _ in 0..count {
            installation.launch(&[])?;
        }
        installation.route();
        installation.until_ready().await?;
        until_asked(cluster.objects()).await?;
        Ok(installation)
    }

    /// Starts one more replica, waits until it is ready, and routes connections to it too.
    ///
    /// # Errors
    /// Where it does not get ready, with the end of its log.
    pub async fn add(&mut self) -> Result<()> {
        self.add_in(&[]).await
    }

    /// The same for a replica that lives by another clock.
    ///
    /// # Errors
    /// Where it does not get ready, with the end of its log.
    pub async fn add_by(&mut self, clock: &WallClock) -> Result<()> {
        self.add_in(&clock.environment()).await
    }

    async fn add_in(&mut self, environment: &[(&str, &Path)]) -> Result<()> {
        self.launch(environment)?;
        self.until_ready().await?;
        self.route();
        Ok(())
    }

    /// Takes the oldest replica out of the routing and stops it, as a rolling restart does.
    ///
    /// # Errors
    /// Where there is none, or it does not end in time.
    pub async fn stop_oldest(&mut self) -> Result<()> {
        let mut oldest = self.take_oldest()?;
        self.route();
        // It drains meanwhile, and whoever creates pods goes on.
        let stopped = tokio::task::spawn_blocking(move || oldest.process.stop(PATIENCE));
        let status = stopped.await??;
        ensure!(status.success(), "a replica ended with {status}");
        Ok(())
    }

    /// Kills the oldest replica while connections are still routed to it, as a node that fails does.
    ///
    /// # Errors
    /// Where there is none.
    pub fn kill_oldest(&mut self) -> Result<()> {
        self.kill(0)
    }

    /// Kills the replica of a name, such as the leader.
    ///
    /// # Errors
    /// Where none has that name.
    pub fn kill_named(&mut self, name: &str) -> Result<()> {
        let mut replicas = self.running.iter();
        let position = replicas.position(|replica| replica.process.name() == name);
        self.kill(position.with_context(|| format!("no replica is named {name}"))?)
    }

    /// Kills every replica.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn kill_all(&mut self) -> Result<()> {
        while !self.running.is_empty() {
            self.kill_oldest()?;
        }
        Ok(())
    }

    /// What leads from the replicas to the API server, for whoever wants to disturb it.
    #[must_use]
    pub const fn uplink(&self) -> &Balancer {
        &self.uplink
    }

    /// The replicas that run, oldest first.
    #[must_use]
    pub fn running(&self) -> &[Replica] {
        &self.running
    }

    /// How many calls all running replicas have had, judged or turned away.
    ///
    /// # Errors
    /// Where a replica does not answer.
    pub async fn calls(&self) -> Result<u64> {
        let mut calls = 0;
        for replica in &self.running {
            calls += replica.sum("tollgate_reviews_total{").await?;
            calls += replica.sum("tollgate_rejections_total{").await?;
        }
        Ok(calls)
    }

    fn kill(&mut self, position: usize) -> Result<()> {
        ensure!(position < self.running.len(), "no replica runs");
        self.running.remove(position).process.kill()?;
        self.route();
        Ok(())
    }

    fn take_oldest(&mut self) -> Result<Replica> {
        ensure!(!self.running.is_empty(), "no replica runs");
        Ok(self.running.remove(0))
    }

    fn route(&self) {
        self.balancer
            .route(self.running.iter().map(|replica| replica.address).collect());
    }

    fn launch(&mut self, environment: &[(&str, &Path)]) -> Result<()> {
        let name = format!("tollgate-{}", self.started);
        self.started += 1;
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (address, metrics) = (loopback(ports::free()?), loopback(ports::free()?));
        let page = loopback(ports::free()?);
        let mut command = program(&binaries::tollgate()?);
        command
            .args(["serve", "--cluster", "--register", "--grace=1"])
            .arg(format!("--listen={address}"))
            .arg(format!("--metrics-listen={metrics}"))
            .arg(format!("--dashboard-listen={page}"))
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            .arg(format!("--namespace={NAMESPACE}"))
            .arg(format!("--name={name}"))
            .arg(format!(
                "--webhook-service=tollgate:{}",
                self.balancer.port()
            ))
            // A busy machine is no reason to fail.
            .args(["--webhook-timeout=10", "--review-timeout=10"])
            .arg(format!(
                "--exclude-namespaces={}",
                left_alone().collect::<Vec<_>>().join(",")
            ))
            .args(&self.arguments)
            .envs(environment.iter().copied());
        self.running.push(Replica {
            process: Process::start(&name, command, &self.folder)?,
            address,
            metrics,
            page,
        });
        Ok(())
    }

    async fn until_ready(&mut self) -> Result<()> {
        for replica in &mut self.running {
            until("a replica of tollgate is ready", async || {
                replica.process.check()?;
                get(replica.metrics, "/readyz").await.map(drop)
            })
            .await?;
        }
        Ok(())
    }
}

impl Replica {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Where it serves the API server.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// How much memory it has.
    ///
    /// # Errors
    /// Where it runs no more.
    pub fn memory(&self) -> Result<Memory> {
        self.process.memory()
    }

    /// All its metrics, as text.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        get(self.metrics, "/metrics").await
    }

    /// Its page to look at, as HTML.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn page(&self) -> Result<String> {
        get(self.page, "/").await
    }

    /// The sum of all metrics whose line begins so.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn sum(&self, beginning: &str) -> Result<u64> {
        let metrics = self.metrics().await?;
        let lines = metrics.lines().filter(|line| line.starts_with(beginning));
        lines
            .map(|line| {
                let value = line.rsplit(' ').next().unwrap_or_default();
                value.parse::<u64>().with_context(|| format!("`{line}`"))
            })
            .sum()
    }
}

/// Installs the custom resources and the rights.
async fn prepare(cluster: &Cluster) -> Result<()> {
    let crds = binaries::tollgate_says(&["crds"])?;
    cluster.apply("", &crds).await?;
    cluster.apply("", RIGHTS).await?;
    until("the custom resources are served", async || {
        for kind in ["Policy", "Exemption", "Site"] {
            let kind = ("tollgate.dev/v1alpha1", kind);
            cluster.objects().list(kind, "", "").await?;
        }
        Ok(())
    })
    .await
}

/// Makes a Service whose name leads to loopback, or makes the one that is there lead there.
async fn lead_to_loopback(cluster: &Cluster) -> Result<()> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "tollgate"},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    });
    cluster.objects().apply(NAMESPACE, &service).await?;
    Ok(())
}

/// Waits until a pod that wants a GPU comes back with a toleration, which shows that the API server trusts what is
/// served and has read both configurations.
async fn until_asked(objects: &Objects) -> Result<()> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
        "spec": {"containers": [
            {"name": "main", "image": "train:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}},
        ]},
    });
    until("the API server asks tollgate about pods", async || {
        let stored = objects.dry_run("default", &pod).await?;
        let tolerations = stored["spec"]["tolerations"].to_string();
        ensure!(
            tolerations.contains("nvidia.com/gpu"),
            "the pod has {tolerations}"
        );
        Ok(())
    })
    .await
}
