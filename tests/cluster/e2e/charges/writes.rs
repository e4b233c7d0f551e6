//! What the API server had to do for it.

use anyhow::Result;
use tollgate_e2e::Cluster;

/// How often it was asked about Budget objects.
pub(crate) struct Writes {
    made: f64,
    conflicts: f64,
    reads: f64,
    /// How long writes took it, in seconds.
    took: f64,
}

impl Writes {
    /// Since it started.
    pub(crate) async fn of(cluster: &Cluster) -> Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let metrics = cluster.objects().client().request_text(request).await?;
        let sum = |name: &str, parts: [&str; 2]| {
            let requests = metrics.lines().filter(|line| {
                line.starts_with(name)
                    && line.contains("resource=\"budgets\"")
                    && parts.iter().all(|part| line.contains(part))
            });
            let counts = requests.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            counts.sum::<f64>()
        };
        let count = |parts| sum("apiserver_request_total{", parts);
        let duration = "apiserver_request_duration_seconds_sum{";
        Ok(Self {
            made: count(["verb=\"PUT\"", "code=\"200\""]),
            conflicts: count(["verb=\"PUT\"", "code=\"409\""]),
            reads: count(["verb=\"GET\"", "code=\"200\""]),
            took: sum(duration, ["verb=\"PUT\"", "subresource=\"status\""]),
        })
    }

    /// Since an earlier time.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            made: self.made - before.made,
            conflicts: self.conflicts - before.conflicts,
            reads: self.reads - before.reads,
            took: self.took - before.took,
        }
    }

    /// How many in a second, and how many charges each wrote, as cells of a table.
    pub(crate) fn told(&self, seconds: f64, charges: usize) -> String {
        let [made, conflicts, reads] =
            [self.made, self.conflicts, self.reads].map(|count| count / seconds);
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let each = charges as f64 / self.made.max(1.0);
        let took = self.took / (self.made + self.conflicts).max(1.0) * 1e3;
        format!("{made:.0} | {conflicts:.0} | {took:.1} | {reads:.0} | {each:.1}")
    }
}
