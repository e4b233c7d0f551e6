//! How `serve --register` makes itself known to the API server.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};

/// What the options about it stand under.
const REGISTRATION: &str = "Registration options";

/// How Tollgate is registered with the API server.
#[derive(Clone, Debug, Group)]
pub(crate) struct RegistrationArgs {
    /// Keep Tollgate registered with the API server, and without `--tls-cert` make its certificates: one replica, the
    /// leader, does it for all.
    #[arg(long, requires = "cluster", help_heading = REGISTRATION)]
    pub(crate) register: bool,
    /// The Service by which the API server calls, in the namespace of Tollgate.
    #[arg(long, value_name = "NAME[:PORT]", default_value = "tollgate:443", help_heading = REGISTRATION)]
    pub(crate) webhook_service: String,
    /// The address by which the API server calls instead, such as https://127.0.0.1:8443.
    #[arg(long, value_name = "URL", conflicts_with = "webhook_service", requires = "register", help_heading = REGISTRATION)]
    pub(crate) webhook_url: Option<String>,
    /// How many seconds the API server waits for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=30), help_heading = REGISTRATION)]
    pub(crate) webhook_timeout: u16,
    /// What becomes of pods and templates with accelerators when Tollgate does not answer.
    #[arg(long, value_enum, default_value_t, help_heading = REGISTRATION)]
    pub(crate) fail_policy: FailPolicy,
    /// Look at these namespaces only, for the first steps of a roll-out.
    #[arg(long, value_name = "NAMESPACE,…", value_delimiter = ',', help_heading = REGISTRATION)]
    pub(crate) only_namespaces: Vec<String>,
    /// Leave these namespaces alone, besides kube-system, kube-node-lease and Tollgate's own.
    #[arg(long, value_name = "NAMESPACE,…", value_delimiter = ',', help_heading = REGISTRATION)]
    pub(crate) exclude_namespaces: Vec<String>,
    /// The authorities that vouch for `--tls-cert`, in PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls_cert", "register"], conflicts_with = "cert_manager", help_heading = REGISTRATION)]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The Certificate of cert-manager that `--tls-cert` is from; cert-manager then says who vouches for it.
    #[arg(long, value_name = "NAMESPACE/NAME", requires_all = ["tls_cert", "register"], help_heading = REGISTRATION)]
    pub(crate) cert_manager: Option<String>,
    /// The ClusterRole with which the registration vanishes, where it exists.
    #[arg(long, value_name = "NAME", default_value = "tollgate", help_heading = REGISTRATION)]
    pub(crate) cluster_role: String,
}

/// What failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailPolicy {
    /// They are refused.
    #[default]
    Fail,
    /// They are admitted.
    Ignore,
}
