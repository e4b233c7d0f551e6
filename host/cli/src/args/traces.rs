//! Where traces of reviews are sent.

use clap::Args as Group;

/// A collector that speaks the OpenTelemetry protocol over HTTP.
#[derive(Clone, Debug, Default, Group)]
pub(crate) struct TracesArgs {
    /// Send traces of reviews to the collector at this URL, as protobuf over HTTP, below /v1/traces; needs a build with the
    /// feature `otlp` [default: OTEL_EXPORTER_OTLP_ENDPOINT, else none are made].
    #[arg(long = "otlp-endpoint", value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The fraction of reviews that are traced, from 0 to 1, where the API server does not say whether it traces the call
    /// [default: OTEL_TRACES_SAMPLER_ARG, else 1].
    #[arg(long = "otlp-sampling", value_name = "RATIO", value_parser = ratio)]
    pub(crate) sampling: Option<f64>,
}

/// Reads a fraction.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.trim().parse::<f64>().ok();
    ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
