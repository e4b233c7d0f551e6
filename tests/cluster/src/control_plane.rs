//! The processes of a control plane, with the flags that make them run on loopback without containers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::authority::Authority;
use crate::binaries::binary;
use crate::ports;
use crate::process::{Process, program};

/// The environment variable with the binary of another control plane than the newest, of the table of binaries.
const CONTROL_PLANE: &str = "TOLLGATE_E2E_CONTROL_PLANE";

/// The newest control plane.
const NEWEST: &str = "testcluster";

/// The stages of fake nodes' pods.
const STAGES: &str = include_str!("../stages.yaml");

/// One process of the control plane, in the order in which they are stopped: an API server that has lost
/// etcd lingers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// KWOK, which stands for every node's kubelet.
    Nodes,
    /// kube-scheduler.
    Scheduler,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-apiserver.
    ApiServer,
    /// etcd.
    Etcd,
}

impl Part {
    /// What needs a ready API server to start.
    pub(crate) const ABOVE_API_SERVER: [Self; 3] =
        [Self::ControllerManager, Self::Scheduler, Self::Nodes];

    /// Its name in the multi-call binary, and its log's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nodes => "kwok",
            Self::Scheduler => "kube-scheduler",
            Self::ControllerManager => "kube-controller-manager",
            Self::ApiServer => "kube-apiserver",
            Self::Etcd => "etcd",
        }
    }
}

/// Where everything of one control plane is.
#[derive(Debug)]
pub(crate) struct Plan {
    folder: PathBuf,
    /// The control plane under test.
    binary: PathBuf,
    /// Nodes and kubectl, which are always the newest.
    newest: PathBuf,
    etcd: u16,
    etcd_peers: u16,
    api_server: u16,
    authority: Authority,
    /// Further flags of the API server.
    flags: Vec<String>,
}

impl Plan {
    /// Chooses ports and writes certificates, tokens and the administrator's kubeconfig.
    pub(crate) fn new(folder: &Path, flags: &[&str]) -> Result<Self> {
        let plan = Self {
            folder: folder.to_owned(),
            binary: binary(&std::env::var(CONTROL_PLANE).unwrap_or_else(|_| NEWEST.to_owned()))?,
            newest: binary(NEWEST)?,
            etcd: ports::free()?,
            etcd_peers: ports::free()?,
            api_server: ports::free()?,
            authority: Authority::new(folder)?,
            flags: flags.iter().map(ToString::to_string).collect(),
        };
        let names = [
            "127.0.0.1",
            "10.0.0.1",
            "localhost",
            "kubernetes.default.svc",
        ];
        plan.authority.issue("kube-apiserver", &names)?;
        plan.authority.issue("front-proxy", &[])?;
        plan.authority.signing_key()?;
        plan.write(
            "tokens.csv",
            &format!("{TOKEN},admin,admin,system:masters\n"),
        )?;
        plan.write("stages.yaml", STAGES)?;
        plan.write("kubeconfig", &plan.kubeconfig(&plan.url(), None))?;
        Ok(plan)
    }

    pub(crate) fn url(&self) -> String {
        url(self.api_server)
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.api_server))
    }

    /// Where etcd listens.
    pub(crate) fn etcd(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.etcd))
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The administrator's kubeconfig.
    pub(crate) fn admin(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Writes a kubeconfig with which one acts as a service account, with its rights.
    pub(crate) fn service_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let text = self.kubeconfig(&self.url(), Some((namespace, name)));
        self.write(&format!("kubeconfig.{namespace}.{name}"), &text)
    }

    /// The same over another port of loopback, which leads to the API server.
    pub(crate) fn service_account_over(
        &self,
        port: u16,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf> {
        let text = self.kubeconfig(&url(port), Some((namespace, name)));
        self.write(&format!("kubeconfig.{namespace}.{name}.{port}"), &text)
    }

    fn kubeconfig(&self, url: &str, service_account: Option<(&str, &str)>) -> String {
        let identity = service_account.map_or_else(String::new, |(namespace, name)| {
            format!(
                ", as: \"system:serviceaccount:{namespace}:{name}\", as-groups: \
                 [\"system:serviceaccounts\", \"system:serviceaccounts:{namespace}\", \"system:authenticated\"]"
            )
        });
        let authority = self.authority.certificate();
        let authority = authority.display();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: e2e\n\
             contexts: [{{name: e2e, context: {{cluster: e2e, user: e2e}}}}]\n\
             clusters: [{{name: e2e, cluster: {{server: \"{url}\", certificate-authority: \"{authority}\"}}}}]\n\
             users: [{{name: e2e, user: {{token: {TOKEN}{identity}}}}}]\n"
        )
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Starts one part.
    pub(crate) fn start(&self, part: Part) -> Result<Process> {
        let flags = match part {
            Part::Etcd => self.etcd_flags(),
            Part::ApiServer => [self.api_server_flags(), self.flags.clone()].concat(),
            Part::ControllerManager => self.controller_manager_flags(),
            Part::Scheduler => self.scheduler_flags(),
            Part::Nodes => self.nodes_flags(),
        };
        let mut command = self.call(part.name());
        command.args(flags);
        Process::start(part.name(), command, &self.folder)
    }

    /// The command that runs something of the multi-call binary.
    pub(crate) fn call(&self, name: &str) -> Command {
        let is_apart = ["kwok", "kubectl"].contains(&name);
        let mut command = program(if is_apart { &self.newest } else { &self.binary });
        command.arg(name).current_dir(&self.folder);
        command
    }

    fn etcd_flags(&self) -> Vec<String> {
        let clients = format!("http://127.0.0.1:{}", self.etcd);
        let peers = format!("http://127.0.0.1:{}", self.etcd_peers);
        vec![
            format!("--data-dir={}", self.file("etcd")),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={peers}"),
            format!("--initial-advertise-peer-urls={peers}"),
            format!("--initial-cluster=default={peers}"),
            // The data need not outlive the machine, only the process.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ]
    }

    fn api_server_flags(&self) -> Vec<String> {
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.file(name));
        vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd),
            format!("--secure-port={}", self.api_server),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            file("tls-cert-file", "kube-apiserver.crt"),
            file("tls-private-key-file", "kube-apiserver.key"),
            file("client-ca-file", "ca.crt"),
            file("token-auth-file", "tokens.csv"),
            "--allow-privileged".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            // Endpoints on loopback are refused, and nobody here needs them.
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            file("service-account-key-file", "service-accounts.pub"),
            file("service-account-signing-key-file", "service-accounts.key"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            // What the aggregation of further API servers needs.
            file("requestheader-client-ca-file", "ca.crt"),
            "--requestheader-allowed-names=front-proxy".to_owned(),
            "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
            "--requestheader-group-headers=X-Remote-Group".to_owned(),
            "--requestheader-username-headers=X-Remote-User".to_owned(),
            file("proxy-client-cert-file", "front-proxy.crt"),
            file("proxy-client-key-file", "front-proxy.key"),
        ]
    }

    fn controller_manager_flags(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.file("kubeconfig")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                self.file("service-accounts.key")
            ),
            format!("--root-ca-file={}", self.file("ca.crt")),
            // Policies see a pod's creator as they do in a real cluster.
            "--use-service-account-credentials".to_owned(),
        ]
    }

    fn scheduler_flags(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.file("kubeconfig")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ]
    }

    fn nodes_flags(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.file("kubeconfig")),
            format!("--config={}", self.file("stages.yaml")),
            "--manage-all-nodes=true".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
            "--enable-crds=".to_owned(),
        ]
    }
}

/// The API server's address, or that of what leads to it.
fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// The administrator's token. It opens nothing but a server on loopback that lives for minutes.
const TOKEN: &str = "tollgate-e2e-admin";
