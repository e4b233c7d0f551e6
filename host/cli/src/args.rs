//! The command line.

mod dashboard;
mod operators;
mod prometheus;
mod registration;
mod traces;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tracing_subscriber::filter::LevelFilter;

pub(crate) use self::dashboard::DashboardArgs;
pub(crate) use self::operators::{AuditArgs, DoctorArgs, DoctorFormat, ReportKind};
pub(crate) use self::prometheus::PrometheusArgs;
pub(crate) use self::registration::{FailPolicy, RegistrationArgs};
pub(crate) use self::traces::TracesArgs;
#[cfg(feature = "otlp")]
pub(crate) use self::traces::ratio;

/// GPU admission control for Kubernetes: repairs or refuses GPU pods before they are stored.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, max_term_width = 100, disable_help_subcommand = true, styles = Styles::plain())]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) display: DisplayArgs,
}

#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one value of it in a process"
)]
pub(crate) enum Command {
    /// Show what policies would do to manifests, without a cluster.
    Review(ReviewArgs),
    /// Serve the admission webhook.
    Serve(ServeArgs),
    /// Report what policies say of objects that exist, in files or in a cluster.
    Audit(AuditArgs),
    /// Check what commonly goes wrong, and say what to do.
    Doctor(DoctorArgs),
    /// Show how budgets stand: limits, what is used and reserved, by namespace, model and owner.
    Budget(BudgetArgs),
    /// Show policies, budgets and what would be denied on a page, without a cluster.
    Dashboard(DashboardArgs),
    /// List and inspect policies.
    Policy(PolicyArgs),
    /// Let objects in when Tollgate does not answer, until it is undone; works when no replica runs.
    FailOpen(FailOpenArgs),
    /// Remove Tollgate's webhook configurations from a cluster, then its Lease and its Secret.
    Uninstall(UninstallArgs),
    /// Print the custom resource definitions, for `kubectl apply -f -`.
    Crds,
    /// Print the completion script of a shell.
    Completions(CompletionsArgs),
    /// Show in words what a webhook answered to an AdmissionReview.
    #[command(hide = true)]
    Explain(ExplainArgs),
}

impl Command {
    /// How much is logged unless the user asks for more. What commands print tells what happens to documents: their
    /// log is for what is wrong with the program.
    pub(crate) fn log_level(&self) -> LevelFilter {
        match self {
            Self::Serve(_) => LevelFilter::INFO,
            Self::Review(_)
            | Self::Audit(_)
            | Self::Doctor(_)
            | Self::Budget(_)
            | Self::Dashboard(_)
            | Self::Policy(_)
            | Self::FailOpen(_)
            | Self::Uninstall(_)
            | Self::Crds
            | Self::Completions(_)
            | Self::Explain(_) => LevelFilter::ERROR,
        }
    }
}

/// What the options that every command has stand under.
const DISPLAY: &str = "Display options";

/// How results look on a terminal.
#[derive(Debug, Group)]
pub(crate) struct DisplayArgs {
    /// Print without colours, also on a terminal.
    #[arg(long, global = true, help_heading = DISPLAY)]
    pub(crate) no_color: bool,
    /// Print only what is denied, unreadable or faulted.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = DISPLAY)]
    pub(crate) quiet: bool,
    /// Print also which policies ran and what they only observe; twice for the program's own log.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = DISPLAY)]
    pub(crate) verbose: u8,
}

const REVIEW_EXAMPLES: &str = "\
Examples:
  tollgate review pod.yaml                                 what would happen to it
  tollgate review manifests/                               every manifest below a folder
  helm template ./chart | tollgate review -                what a chart renders
  kubectl get pods -o json | tollgate review -q -          what a cluster would refuse today
  tollgate review -o manifest pod.yaml | kubectl apply -f -
  tollgate review --config policies/ -o json pod.yaml      with house rules, for scripts

Exit status:
  0  nothing is denied
  1  something is denied
  2  the usage, the configuration or a document is wrong
  3  a policy faulted
";

#[derive(Debug, Group)]
#[command(after_long_help = REVIEW_EXAMPLES)]
pub(crate) struct ReviewArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// What is reviewed, and as what request.
#[derive(Debug, Group)]
pub(crate) struct InputArgs {
    /// Manifests or AdmissionReviews: files, folders, or `-` for standard input.
    ///
    /// Folders are searched for files that end in .yaml, .yml or .json; what begins with a dot is left out.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// What is done with the objects; an AdmissionReview says so itself [default: update for objects that `--old`
    /// has, else create].
    #[arg(long, value_enum, value_name = "OPERATION")]
    pub(crate) operation: Option<Verb>,
    /// The objects as they were before the update, in one file.
    #[arg(long, value_name = "FILE")]
    pub(crate) old: Option<PathBuf>,
    /// The user who asks.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A group of the user; may be repeated.
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
    /// What is known of the cluster: manifests or the output of `kubectl get -o yaml`, a file or folder; may be
    /// repeated. Of each kind in it, all objects are taken to be there.
    #[arg(long = "state", value_name = "PATH")]
    pub(crate) states: Vec<PathBuf>,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verb {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
}

/// The form of the output of `review`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: a line a document, with the changes and findings below it.
    #[default]
    Text,
    /// One JSON object, for scripts.
    Json,
    /// The same as YAML.
    Yaml,
    /// The changes as JSON Patch: a list for one document, else one object a line with `source` and `patch`.
    Patch,
    /// The documents as they would be stored, for `kubectl apply -f -`.
    Manifest,
}

/// Which policies are in force.
#[derive(Clone, Debug, Default, Group)]
pub(crate) struct ConfigArgs {
    /// Read policies and other configuration from this file or folder; may be repeated.
    #[arg(long = "config", value_name = "PATH")]
    pub(crate) configs: Vec<PathBuf>,
    /// The policies that configuration builds on.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) profile: Profile,
    /// Run only this policy, a configured one by name or a component by file; may be repeated.
    #[arg(long = "policy", value_name = "NAME|FILE.wasm")]
    pub(crate) policies: Vec<String>,
}

/// The policies that configuration builds on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// All built-in policies with their defaults.
    #[default]
    Default,
    /// None.
    None,
}

#[derive(Debug, Group)]
pub(crate) struct ServeArgs {
    /// Where to serve admission calls over TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443")]
    pub(crate) listen: SocketAddr,
    /// Where to serve /livez, /readyz and /metrics over plain HTTP.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9443")]
    pub(crate) metrics_listen: SocketAddr,
    /// Where to show a page to people; on an address that is not loopback only with `--cluster`, over TLS, to those who may
    /// `get` the non-resource URL /dashboard [default: nowhere].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) dashboard_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) prometheus: PrometheusArgs,
    #[command(flatten)]
    pub(crate) traces: TracesArgs,
    /// The certificate chain in PEM, read again when it changes.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        required_unless_present_any = ["self_signed", "register"]
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Keep a self-signed certificate in this folder and use it, for tests and demonstrations.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "tls_key", "register"])]
    pub(crate) self_signed: Option<PathBuf>,
    /// A further host name of the self-signed certificate, such as tollgate.tollgate-system.svc; may be repeated.
    #[arg(
        long = "self-signed-host",
        value_name = "NAME",
        requires = "self_signed"
    )]
    pub(crate) hosts: Vec<String>,
    /// Keep the accounts of budgets in this folder, so that a restart forgets nobody; else they are in memory.
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    pub(crate) data: Option<PathBuf>,
    /// What is known of the cluster, where none is watched: manifests or the output of `kubectl get -o yaml`, a file or
    /// folder; may be repeated. Of each kind in it, all objects are taken to be there.
    #[arg(long = "state", value_name = "PATH", conflicts_with = "cluster")]
    pub(crate) states: Vec<PathBuf>,
    /// How many seconds to go on serving after SIGTERM, so that clients can look elsewhere.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) grace: u64,
    /// How many seconds a review may take, its wait for others included. Whatever it is, the API server has its
    /// answer before it would stop waiting.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=30))]
    pub(crate) review_timeout: u64,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) registration: RegistrationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Whose configuration is served, where it is that of a cluster.
#[derive(Clone, Debug, Group)]
pub(crate) struct ClusterArgs {
    /// Serve the Policy and Site objects of the cluster, and report on them.
    #[arg(long, conflicts_with_all = ["configs", "policies"])]
    pub(crate) cluster: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The name of this replica, which no other one has [default: the host's name].
    #[arg(
        long = "name",
        value_name = "REPLICA",
        env = "POD_NAME",
        hide_env_values = true
    )]
    pub(crate) replica: Option<String>,
    /// The namespace of Tollgate itself, whose pods are let alone [default: that of the pod's service account, else
    /// tollgate-system].
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        hide_env_values = true
    )]
    pub(crate) namespace: Option<String>,
}

const BUDGET_EXAMPLES: &str = "\
Examples:
  kubectl get nodes,pods,namespaces -A -o yaml > state.yaml
  tollgate budget --config budgets.yaml --state state.yaml
  tollgate budget research --config budgets.yaml --state state.yaml -o json
  tollgate budget --cluster
  tollgate budget --cluster --prometheus http://127.0.0.1:9090        and how busy the GPUs are
";

#[derive(Debug, Group)]
#[command(after_long_help = BUDGET_EXAMPLES)]
pub(crate) struct BudgetArgs {
    /// Show this budget alone.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Read budgets and other configuration from this file or folder; may be repeated.
    #[arg(
        long = "config",
        value_name = "PATH",
        required_unless_present = "cluster"
    )]
    pub(crate) configs: Vec<PathBuf>,
    /// Show the budgets of the cluster, by the accounts in their status.
    #[arg(long, conflicts_with_all = ["configs", "states"])]
    pub(crate) cluster: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What is in the cluster: its pods, whose use is counted, and its nodes, which tell their models. The output of
    /// `kubectl get -o yaml`, a file or folder; may be repeated.
    #[arg(long = "state", value_name = "PATH")]
    pub(crate) states: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) prometheus: PrometheusArgs,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: BudgetFormat,
}

/// The form of the output of `budget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BudgetFormat {
    /// For people.
    #[default]
    Table,
    /// One JSON object, for scripts.
    Json,
}

#[derive(Debug, Group)]
#[command(subcommand_required = true)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// List the policies in force, in the order in which they run.
    List {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Show what a policy is for: its rules, its settings, what it may call.
    Inspect {
        /// A configured policy by name, or a component by file.
        #[arg(value_name = "NAME|FILE.wasm")]
        policy: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Compile the built-in policies ahead of time.
    #[command(hide = true)]
    Precompile {
        /// Where to write the artifact.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, Group)]
pub(crate) struct FailOpenArgs {
    /// Refuse again what was refused before when Tollgate does not answer.
    #[arg(long)]
    pub(crate) undo: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct UninstallArgs {
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
    /// Remove the custom resource definitions too, with all policies and exemptions in them.
    #[arg(long)]
    pub(crate) crds: bool,
    /// How to reach the API server [default: KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Group)]
pub(crate) struct ExplainArgs {
    /// The AdmissionReview that was sent.
    #[arg(value_name = "REQUEST.json")]
    pub(crate) request: PathBuf,
    /// The AdmissionReview that came back.
    #[arg(value_name = "RESPONSE.json")]
    pub(crate) response: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_server_needs_one_certificate() {
        let parse = |args: &[&str]| {
            Args::try_parse_from([&["tollgate", "serve"], args].concat()).map_err(|err| err.kind())
        };
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
        assert_eq!(parse(&[]).unwrap_err(), MissingRequiredArgument);
        assert_eq!(
            parse(&["--tls-cert", "a"]).unwrap_err(),
            MissingRequiredArgument
        );
        assert_eq!(
            parse(&["--tls-cert", "a", "--tls-key", "b", "--self-signed", "c"]).unwrap_err(),
            ArgumentConflict
        );
        assert!(parse(&["--tls-cert", "a", "--tls-key", "b"]).is_ok());
        assert!(parse(&["--self-signed", "c"]).is_ok());
        assert!(parse(&["--cluster", "--register"]).is_ok());
        assert_eq!(parse(&["--register"]).unwrap_err(), MissingRequiredArgument);
    }

    #[test]
    fn global_options_stand_anywhere() {
        let args =
            Args::try_parse_from(["tollgate", "review", "-q", "a.yaml", "--no-color"]).unwrap();
        assert!(args.display.quiet && args.display.no_color);
    }
}
