//! Real controllers: what each needs to run as a process, and how it is installed and started.

mod everyday;
mod full;

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::http::get;
use crate::manifests::{localize, parse};
use crate::objects::text;
use crate::process::{Process, program};
use crate::wait::until;
use crate::{Cluster, binaries, mounted, ports};

/// A controller that can run in a cluster.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Controller {
    /// Kubeflow's training operator: PyTorchJob, TFJob, MPIJob v1, XGBoostJob, JAXJob, PaddleJob.
    TrainingOperator,
    /// Kueue, with its integrations for jobs.
    Kueue,
    /// JobSet.
    JobSet,
    /// LeaderWorkerSet.
    LeaderWorkerSet,
    /// Kubeflow's Trainer: TrainJob. It needs JobSet.
    Trainer,
    /// MPI operator, MPIJob v2beta1. Its resource has the name of the training operator's: give it a cluster of its own.
    MpiOperator,
    /// KubeRay: RayCluster, RayJob, RayService.
    KubeRay,
    /// The last training operator that has MXJob, for that kind alone.
    MxTrainingOperator,
    /// Karpenter, whose nodes are KWOK's. The machines that it may add are in `e2e/full/instance-types.json`.
    Karpenter,
    /// KEDA's operator alone. Without its adapter no metric reaches a HorizontalPodAutoscaler.
    Keda,
    /// The admission controller of the VerticalPodAutoscaler alone. It registers itself a while after it is ready.
    VpaAdmission,
    /// cert-manager's issuers of its own and its injector of authorities.
    CertManager,
    /// KServe's controller, for deployments without Knative. cert-manager makes its certificate.
    KServe,
}

/// What is particular to a controller.
struct Needs {
    /// Its binary and manifests, in the table of binaries.
    binary: &'static str,
    /// Namespace and name of the service account that it acts as.
    service_account: (&'static str, &'static str),
    /// What must run before it.
    after: &'static [Controller],
    /// What is changed of, or added to, what its module installs.
    adjust: fn(&mut Vec<Value>),
    /// How the API server calls it, where it does.
    webhooks: Option<Webhooks>,
    /// The names of the certificate that it is given, where it makes none itself: `ca.crt`, `tls.crt` and `tls.key` in
    /// [`Place::certificates`].
    certified: &'static [&'static str],
    /// Whether it serves `/readyz` on [`Place::health`].
    probed: bool,
    /// Its configuration file, where it reads one.
    configuration: fn(&Place) -> Option<Value>,
    /// Variables of its environment.
    environment: &'static [(&'static str, &'static str)],
    /// Its command line; the configuration file is [`Place::configuration`].
    flags: fn(&Place) -> Vec<String>,
}

impl Controller {
    fn needs(self) -> Needs {
        match self {
            Self::TrainingOperator => everyday::training_operator(),
            Self::Kueue => everyday::kueue(),
            Self::JobSet => everyday::job_set(),
            Self::LeaderWorkerSet => everyday::leader_worker_set(),
            Self::Trainer => everyday::trainer(),
            Self::MpiOperator => everyday::mpi_operator(),
            Self::KubeRay => everyday::kuberay(),
            Self::MxTrainingOperator => full::mx_training_operator(),
            Self::Karpenter => full::karpenter(),
            Self::Keda => full::keda(),
            Self::VpaAdmission => full::vpa_admission(),
            Self::CertManager => full::cert_manager(),
            Self::KServe => full::kserve(),
        }
    }
}

/// What cert-manager makes certificates from.
const CERTIFICATES: [&str; 2] = ["Certificate", "Issuer"];

impl Needs {
    /// Whether cert-manager makes its certificate.
    fn is_certified_by_another(&self) -> bool {
        self.after.contains(&Controller::CertManager)
    }
}

/// A controller's webhooks. It makes their certificate itself, unless cert-manager does, and keeps it in a secret.
struct Webhooks {
    service: &'static str,
    secret: &'static str,
}

/// Ports and files of one running controller.
struct Place {
    webhook: u16,
    metrics: u16,
    health: u16,
    folder: PathBuf,
    kubeconfig: PathBuf,
}

impl Place {
    fn new(cluster: &Cluster, needs: &Needs) -> Result<Self> {
        let folder = cluster.folder().join(needs.binary);
        let (namespace, account) = needs.service_account;
        let place = Self {
            webhook: ports::free()?,
            metrics: ports::free()?,
            health: ports::free()?,
            kubeconfig: cluster.service_account(namespace, account)?,
            folder,
        };
        std::fs::create_dir_all(place.certificates())?;
        if !needs.certified.is_empty() {
            place.certify(cluster, needs)?;
        }
        Ok(place)
    }

    /// Where controllers that are not told otherwise look for their webhooks' certificate, under `TMPDIR`.
    fn certificates(&self) -> PathBuf {
        self.folder.join("k8s-webhook-server/serving-certs")
    }

    fn certify(&self, cluster: &Cluster, needs: &Needs) -> Result<()> {
        let (authority, folder) = (cluster.authority(), self.certificates());
        let pair = authority.issue(needs.binary, needs.certified)?;
        std::fs::copy(authority.certificate(), folder.join("ca.crt"))?;
        std::fs::copy(pair.certificate, folder.join("tls.crt"))?;
        std::fs::copy(pair.key, folder.join("tls.key"))?;
        Ok(())
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration.json")
    }
}

/// A controller that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    process: Mutex<Process>,
}

impl Running {
    pub(crate) async fn start(cluster: &Cluster, controller: Controller) -> Result<Self> {
        let needs = controller.needs();
        for earlier in needs.after {
            Box::pin(cluster.controller(*earlier)).await?;
        }
        let place = Place::new(cluster, &needs)?;
        let installed = install(cluster, &needs, &place).await?;
        if needs.is_certified_by_another() {
            until_certified(cluster, &needs, &place).await?;
        }
        let running = Self {
            process: Mutex::new(launch(cluster, &needs, &place)?),
        };
        running.ready(cluster, &needs, &place, &installed).await?;
        Ok(running)
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .check()
    }

    /// Starts it again, as a kubelet would: some end where their certificate is laid down a moment too late.
    fn revive(&self, cluster: &Cluster, needs: &Needs, place: &Place) -> Result<()> {
        let again = launch(cluster, needs, place)?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = again;
        Ok(())
    }

    async fn ready(
        &self,
        cluster: &Cluster,
        needs: &Needs,
        place: &Place,
        installed: &[Value],
    ) -> Result<()> {
        if needs.webhooks.is_some() {
            until_certified(cluster, needs, place).await?;
            let is_revived = Cell::new(false);
            until("the API server can call the controller", async || {
                if self.check().is_err() && !is_revived.replace(true) {
                    self.revive(cluster, needs, place)?;
                }
                self.check()?;
                trusted(cluster, installed).await?;
                TcpStream::connect((Ipv4Addr::LOCALHOST, place.webhook)).await?;
                Ok(())
            })
            .await?;
        }
        if needs.probed {
            until("the controller is ready", async || {
                self.check()?;
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, place.health));
                get(address, "/readyz").await.map(drop)
            })
            .await?;
        }
        Ok(())
    }
}

/// Waits until the certificate of its webhooks is made, and lays it where the controller reads it.
async fn until_certified(cluster: &Cluster, needs: &Needs, place: &Place) -> Result<()> {
    let Some(webhooks) = &needs.webhooks else {
        return Ok(());
    };
    let secret = (needs.service_account.0, webhooks.secret);
    until("the certificate of the controller is made", async || {
        mounted::copy(cluster.objects(), secret, &place.certificates()).await
    })
    .await
}

/// Applies what the controller's module installs, and waits until its kinds are served.
async fn install(cluster: &Cluster, needs: &Needs, place: &Place) -> Result<Vec<Value>> {
    let service = needs.webhooks.as_ref().map(|webhooks| webhooks.service);
    let mut objects = parse(&binaries::manifests(needs.binary)?)?;
    if !needs.is_certified_by_another() {
        objects.retain(|object| !CERTIFICATES.contains(&text(object, "/kind").unwrap_or_default()));
    }
    (needs.adjust)(&mut objects);
    let objects = localize(objects, service, place.webhook);
    let (namespace, _) = needs.service_account;
    for object in &objects {
        cluster.objects().apply(namespace, object).await?;
    }
    for (version, kind) in objects.iter().filter_map(served) {
        until("a kind is served", async || {
            let kind = (version.as_str(), kind);
            cluster.objects().list(kind, "default", "").await
        })
        .await?;
    }
    Ok(objects)
}

/// What a definition defines: its first served version and its kind.
fn served(object: &Value) -> Option<(String, &str)> {
    if object["kind"] != "CustomResourceDefinition" {
        return None;
    }
    let (group, kind) = (
        text(object, "/spec/group")?,
        text(object, "/spec/names/kind")?,
    );
    let versions = object.pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["served"] == true)?;
    Some((format!("{group}/{}", text(version, "/name")?), kind))
}

fn launch(cluster: &Cluster, needs: &Needs, place: &Place) -> Result<Process> {
    if let Some(configuration) = (needs.configuration)(place) {
        std::fs::write(place.configuration(), configuration.to_string())?;
    }
    if needs.webhooks.is_some() {
        satisfy_rotator()?;
    }
    let mut command: Command = program(&binaries::binary(needs.binary)?);
    command
        .args((needs.flags)(place))
        .current_dir(&place.folder)
        .env("KUBECONFIG", &place.kubeconfig)
        .env("TMPDIR", &place.folder)
        .env("MY_POD_NAMESPACE", needs.service_account.0)
        .env("POD_NAMESPACE", needs.service_account.0)
        .envs(needs.environment.iter().copied());
    Process::start(needs.binary, command, cluster.folder())
}

/// Makes a file that the certificate rotator of several controllers waits for at a path which it cannot be told to
/// change. It asks only whether it exists.
fn satisfy_rotator() -> Result<()> {
    let file = Path::new("/tmp/k8s-webhook-server/serving-certs/tls.crt");
    if !file.exists() {
        let folder = file.parent().context("a file in a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::write(file, "")?;
    }
    Ok(())
}

/// Whether every webhook of the controller names the authority of its certificate.
async fn trusted(cluster: &Cluster, installed: &[Value]) -> Result<()> {
    for object in installed
        .iter()
        .filter(|object| object.get("webhooks").is_some())
    {
        let kind = (
            text(object, "/apiVersion"),
            text(object, "/kind"),
            text(object, "/metadata/name"),
        );
        let (Some(version), Some(kind), Some(name)) = kind else {
            continue;
        };
        let live = cluster.objects().get((version, kind), "", name).await?;
        let webhooks = live["webhooks"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let trusted = |webhook: &Value| {
            webhook["clientConfig"]["caBundle"]
                .as_str()
                .is_some_and(|pem| pem.len() > 100)
        };
        ensure!(
            webhooks.iter().all(trusted),
            "{kind} {name} has no authority yet"
        );
    }
    Ok(())
}
