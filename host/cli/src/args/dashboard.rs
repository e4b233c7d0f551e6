//! The page to look at.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as Group;

use super::{ConfigArgs, PrometheusArgs};

const DASHBOARD_EXAMPLES: &str = "\
Examples:
  kubectl get nodes,namespaces,pods,deployments,jobs -A -o yaml > state.yaml
  tollgate dashboard --config policies/ --state state.yaml            serve the page on http://127.0.0.1:9444
  tollgate dashboard --config policies/ --state state.yaml --once > page.html
";

/// What the page is made of without a server, and where it goes.
#[derive(Debug, Group)]
#[command(after_long_help = DASHBOARD_EXAMPLES)]
pub(crate) struct DashboardArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// What is in the cluster: the output of `kubectl get -o yaml`, a file or folder; may be repeated. Its pods are
    /// counted into budgets, and all of it is reviewed.
    #[arg(long = "state", value_name = "PATH")]
    pub(crate) states: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) prometheus: PrometheusArgs,
    /// Where to serve the page, on this host alone.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9444")]
    pub(crate) listen: SocketAddr,
    /// Print the page once instead of serving it.
    #[arg(long, conflicts_with = "listen")]
    pub(crate) once: bool,
}
