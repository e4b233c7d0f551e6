//! The commands of those who operate a cluster: `doctor` and `audit`.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};

use super::ConfigArgs;

const DOCTOR_EXAMPLES: &str = "\
Examples:
  tollgate doctor --cluster                                an installation, with your kubeconfig
  tollgate doctor --config policies/                       configuration before it is installed
  tollgate doctor --config policies/ --tls-cert tls.crt --tls-key tls.key

Exit status:
  0  nothing fails
  1  something fails
  2  the usage is wrong
";

#[derive(Debug, Group)]
#[command(after_long_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The certificate chain that will be served, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Look at the installation in a cluster. Nothing is changed there.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The namespace that Tollgate runs in.
    #[arg(
        short,
        long,
        value_name = "NAMESPACE",
        default_value = "tollgate-system",
        env = "POD_NAMESPACE",
        hide_env_values = true
    )]
    pub(crate) namespace: String,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DoctorFormat,
}

/// The form of the output of `doctor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people: a line a check, and below it what to do.
    #[default]
    Text,
    /// One JSON object, for scripts.
    Json,
}

const AUDIT_EXAMPLES: &str = "\
Examples:
  tollgate audit --cluster                                 write reports about all that exists
  tollgate audit --cluster --print > reports.yaml          only print them
  tollgate audit --cluster --config new/                   by policies that are not installed yet
  tollgate audit manifests/ --report openreports

Exit status:
  0  nothing would be refused
  1  something would be refused
  2  the usage, the configuration or an object is wrong, or could not be read
  3  a policy faulted
";

#[derive(Debug, Group)]
#[command(after_long_help = AUDIT_EXAMPLES)]
pub(crate) struct AuditArgs {
    /// Manifests: files, folders, or `-` for standard input. The reports are printed.
    #[arg(
        value_name = "PATH",
        required_unless_present = "cluster",
        conflicts_with = "cluster"
    )]
    pub(crate) paths: Vec<PathBuf>,
    /// What is known of the cluster, as for `review`; may be repeated.
    #[arg(long = "state", value_name = "PATH", conflicts_with = "cluster")]
    pub(crate) states: Vec<PathBuf>,
    /// Audit the objects of a cluster, by the policies that stand there unless `--config` gives others, and write the
    /// reports into it.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The kind of the reports.
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub(crate) report: ReportKind,
    /// Print the reports as YAML, and write nothing into the cluster.
    #[arg(long, requires = "cluster")]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// The kind of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportKind {
    /// PolicyReport of wgpolicyk8s.io/v1alpha2.
    #[default]
    #[value(name = "wgpolicy")]
    WgPolicy,
    /// Report of openreports.io/v1alpha1.
    #[value(name = "openreports")]
    OpenReports,
}
