//! Where it is known how busy GPUs are.

use std::path::PathBuf;

use clap::Args as Group;
use tollgate_cluster::prometheus::Address;

/// A Prometheus that scrapes NVIDIA's DCGM exporter.
#[derive(Clone, Debug, Default, Group)]
pub(crate) struct PrometheusArgs {
    /// Ask this Prometheus, which scrapes NVIDIA's DCGM exporter, how busy the GPUs were in the last hour; it is shown
    /// beside what is held, and decides nothing.
    #[arg(long = "prometheus", value_name = "URL")]
    url: Option<String>,
    /// The file with the bearer token that it wants.
    #[arg(long = "prometheus-token", value_name = "FILE", requires = "url")]
    token: Option<PathBuf>,
    /// The file with the authorities that vouch for it, in PEM [default: those of the system].
    #[arg(long = "prometheus-ca", value_name = "FILE", requires = "url")]
    authority: Option<PathBuf>,
}

impl PrometheusArgs {
    /// Where it is, if one is given.
    pub(crate) fn address(&self) -> Option<Address> {
        let Self {
            url,
            token,
            authority,
        } = self.clone();
        Some(Address {
            url: url?,
            token,
            authority,
        })
    }
}
