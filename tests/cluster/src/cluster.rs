//! A running cluster.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::authority::Authority;
use crate::control_plane::{Part, Plan};
use crate::controllers::{Controller, Running};
use crate::http::post;
use crate::installation::left_alone;
use crate::process::{Process, end_of};
use crate::wait::until;
use crate::{Installation, Namespace, Objects, binaries, manifests, nodes};

/// How long a part of the control plane may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A control plane with fake nodes, on ports of its own, in a folder of its own. Dropping it ends all.
pub struct Cluster {
    tollgate: OnceCell<Installation>,
    left_alone: Mutex<VecDeque<String>>,
    // Before the parts, so that controllers end before the API server does.
    controllers: Mutex<HashMap<Controller, Arc<OnceCell<Running>>>>,
    parts: Mutex<BTreeMap<Part, Process>>,
    objects: Objects,
    plan: Plan,
    namespaces: AtomicU32,
    folder: TempDir,
}

impl Cluster {
    /// Starts a cluster and waits until pods can be created and scheduled in it.
    ///
    /// # Errors
    /// Where a binary is missing or ends, with the end of its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with further flags of the API server.
    ///
    /// # Errors
    /// Where a binary is missing or ends, with the end of its log.
    pub async fn start_with(flags: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-e2e-").tempdir()?;
        let plan = Plan::new(folder.path(), flags)?;
        let mut parts = BTreeMap::from([
            (Part::Etcd, plan.start(Part::Etcd)?),
            (Part::ApiServer, plan.start(Part::ApiServer)?),
        ]);
        let client = client(&plan.admin()).await?;
        ready(&client, &mut parts).await?;
        for part in Part::ABOVE_API_SERVER {
            parts.insert(part, plan.start(part)?);
        }
        let cluster = Self {
            tollgate: OnceCell::new(),
            left_alone: Mutex::new(left_alone().collect()),
            controllers: Mutex::default(),
            parts: Mutex::new(parts),
            objects: Objects::new(client),
            plan,
            namespaces: AtomicU32::new(0),
            folder,
        };
        nodes::create(&cluster.objects).await?;
        Ok(cluster)
    }

    /// Runs a test in a cluster of its own, with so many replicas of Tollgate in it. Where it fails, it says how all
    /// logs end.
    ///
    /// # Errors
    /// Where nothing can be started, or what the test says.
    pub async fn own(
        replicas: usize,
        test: impl AsyncFnOnce(&Self, &mut Installation) -> Result<()>,
    ) -> Result<()> {
        let cluster = Self::start().await?;
        let outcome = async {
            let mut tollgate = Installation::install(&cluster, replicas, &[]).await?;
            test(&cluster, &mut tollgate).await
        };
        outcome.await.with_context(|| cluster.logs())
    }

    /// Reads and writes objects as the administrator.
    #[must_use]
    pub const fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The API server's address.
    #[must_use]
    pub fn url(&self) -> String {
        self.plan.url()
    }

    /// Where the API server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.plan.address()
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.plan.admin()
    }

    /// Writes a kubeconfig with which one acts as a service account, with that one's rights alone.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn service_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        self.plan.service_account(namespace, name)
    }

    /// The same over another port of loopback, which leads to the API server.
    pub(crate) fn service_account_over(
        &self,
        port: u16,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf> {
        self.plan.service_account_over(port, namespace, name)
    }

    /// The authority that the API server's certificate is from.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.plan.authority()
    }

    /// The folder with logs and everything else of this cluster. It goes with the cluster.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Tollgate in this cluster, for tests that share it: two replicas that stay.
    ///
    /// # Errors
    /// Where it cannot be installed.
    pub async fn tollgate(&self) -> Result<&Installation> {
        let install = || Installation::install(self, 2, &[]);
        self.tollgate.get_or_try_init(install).await
    }

    /// Makes a namespace that is one test's own.
    ///
    /// # Errors
    /// Where its service account does not come.
    pub async fn namespace(&self, prefix: &str) -> Result<Namespace<'_>> {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        self.named_namespace(format!("{prefix}-{number}")).await
    }

    /// Makes a namespace that is one test's own, and that Tollgate leaves alone.
    ///
    /// # Errors
    /// Where its service account does not come, or all such names are taken.
    pub async fn namespace_without_tollgate(&self) -> Result<Namespace<'_>> {
        let name = lock(&self.left_alone).pop_front();
        self.named_namespace(name.context("no name is left")?).await
    }

    async fn named_namespace(&self, name: String) -> Result<Namespace<'_>> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.objects.create("", &object).await?;
        // Until then the API server refuses pods.
        until("a namespace has its service account", async || {
            self.objects
                .get(("v1", "ServiceAccount"), &name, "default")
                .await
        })
        .await?;
        Ok(Namespace::new(self, name))
    }

    /// Applies every document of a YAML text, in a namespace unless a document names one.
    ///
    /// # Errors
    /// Where it is not YAML, or what the API server answers.
    pub async fn apply(&self, namespace: &str, yaml: &str) -> Result<()> {
        for object in manifests::parse(yaml)? {
            self.objects.apply(namespace, &object).await?;
        }
        Ok(())
    }

    /// Installs the manifests that a line of the table of binaries names, without anything that runs.
    ///
    /// # Errors
    /// Where they were not built, or what the API server answers.
    pub async fn install(&self, name: &str) -> Result<()> {
        self.apply("", &binaries::manifests(name)?).await
    }

    /// Starts a controller, with what its module installs, unless it runs.
    ///
    /// # Errors
    /// Where it was not built, cannot be installed, or does not get ready.
    pub async fn controller(&self, controller: Controller) -> Result<()> {
        let cell = Arc::clone(lock(&self.controllers).entry(controller).or_default());
        let running = cell
            .get_or_try_init(|| Running::start(self, controller))
            .await?;
        running.check()
    }

    /// Runs kubectl as the administrator and gives what it printed.
    ///
    /// # Errors
    /// Where it fails, with what it said.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::from(self.plan.call("kubectl"));
        command
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(arguments);
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Asks a part to end and waits until it has.
    ///
    /// # Errors
    /// Where it does not.
    pub fn stop(&self, part: Part) -> Result<()> {
        let process = self.parts().remove(&part);
        process.map_or(Ok(()), |mut process| process.stop(PATIENCE).map(drop))
    }

    /// Asks a part to end, and kills it where it has not within a time.
    pub fn stop_within(&self, part: Part, time: Duration) {
        let process = self.parts().remove(&part);
        // That it had to be killed is no failure here.
        let _ended = process.map(|mut process| process.stop(time));
    }

    /// Kills a part.
    pub fn kill(&self, part: Part) {
        drop(self.parts().remove(&part));
    }

    /// Starts a part that was stopped or killed, with its data of before, and waits until the API server is ready.
    ///
    /// # Errors
    /// Where it does not get ready.
    pub async fn resume(&self, part: Part) -> Result<()> {
        let process = self.plan.start(part)?;
        self.parts().insert(part, process);
        if self.parts().contains_key(&Part::ApiServer) {
            until("the API server is ready again", async || {
                self.check()?;
                is_ready(&self.objects.client()).await
            })
            .await?;
        }
        Ok(())
    }

    /// Makes etcd forget all versions but the newest, as it does every few minutes in a real cluster.
    ///
    /// # Errors
    /// Where etcd refuses.
    pub async fn compact(&self) -> Result<()> {
        let etcd = self.plan.etcd();
        let status = post(etcd, "/v3/maintenance/status", &json!({})).await?;
        let newest = &status["header"]["revision"];
        let wanted = json!({"revision": newest, "physical": true});
        post(etcd, "/v3/kv/compaction", &wanted).await.map(drop)
    }

    /// Fails where a part that should be running has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&self) -> Result<()> {
        self.parts().values_mut().try_for_each(Process::check)
    }

    /// The ends of all logs.
    #[must_use]
    pub fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.folder())
            .into_iter()
            .flatten()
            .flatten();
        let mut logs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        logs.iter()
            .map(|log| format!("--- {}\n{}\n", log.display(), end_of(log)))
            .collect()
    }

    /// Ends everything and deletes the folder.
    pub fn end(&self) {
        lock(&self.controllers).clear();
        // In the order of `Part`. They are not asked to end: none holds anything worth keeping.
        self.parts().clear();
        // The folder may be gone, and otherwise is one of those that the system clears away.
        let _ = std::fs::remove_dir_all(self.folder());
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, Process>> {
        lock(&self.parts)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client with the rights of a kubeconfig.
async fn client(kubeconfig: &Path) -> Result<Client> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let config =
        kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

async fn ready(client: &Client, parts: &mut BTreeMap<Part, Process>) -> Result<()> {
    until("the API server is ready", async || {
        parts.values_mut().try_for_each(Process::check)?;
        is_ready(client).await
    })
    .await
}

async fn is_ready(client: &Client) -> Result<()> {
    let request = http::Request::get("/readyz").body(Vec::new())?;
    client.request_text(request).await.context("/readyz")?;
    Ok(())
}
