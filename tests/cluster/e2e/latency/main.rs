//! What the creation of a GPU pod takes at the API server: without anything, with Tollgate and all its policies, and
//! with one in-tree policy that adds a toleration and one that refuses fractions. All in one run, in turn, since times
//! of different runs do not compare.

#![allow(clippy::print_stdout, reason = "it prints figures")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use tollgate_e2e::{Cluster, Namespace, until};

/// How many pods are created for each.
const PODS: usize = 1_000;

/// How many before them do not count.
const WARM: usize = 100;

const IN_TREE: &str = include_str!("in-tree.yaml");

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        a_pod_takes_no_longer_than_with_two_policies_of_the_api_server
    ])
}

/// Who looks at the pods of a namespace.
struct Contender<'a> {
    name: &'static str,
    namespace: Namespace<'a>,
    tolerates: bool,
    times: Vec<Duration>,
}

async fn a_pod_takes_no_longer_than_with_two_policies_of_the_api_server(
    cluster: &Cluster,
) -> Result<()> {
    cluster.tollgate().await?;
    cluster.apply("", IN_TREE).await?;
    let contender = |name, namespace, tolerates| Contender {
        name,
        namespace,
        tolerates,
        times: Vec::with_capacity(PODS),
    };
    let mut contenders = [
        contender(
            "nothing",
            cluster.namespace_without_tollgate().await?,
            false,
        ),
        contender("in-tree", cluster.namespace_without_tollgate().await?, true),
        contender("tollgate", cluster.namespace("latency").await?, true),
    ];
    let [_, in_tree, _] = &contenders;
    let selected = json!({"metadata": {"labels": {"e2e.tollgate.dev/in-tree": "true"}}});
    let objects = cluster.objects();
    objects
        .merge(("v1", "Namespace"), "", in_tree.namespace.name(), &selected)
        .await?;
    for contender in &contenders {
        let what = format!("{} does what it should", contender.name);
        until(&what, async || {
            contender.create(cluster, "probe", true).await
        })
        .await?;
    }
    for number in 0..WARM + PODS {
        for contender in &mut contenders {
            let taken = contender
                .create(cluster, &format!("p{number}"), false)
                .await?;
            if number >= WARM {
                contender.times.push(taken);
            }
        }
    }
    println!("| pod creates, ms | p50 | p90 | p99 |\n|---|---|---|---|");
    for Contender { name, times, .. } in &mut contenders {
        times.sort_unstable();
        let at = |percent: usize| {
            times
                .get(times.len() * percent / 100)
                .map(Duration::as_secs_f64)
        };
        let [p50, p90, p99] = [50, 90, 99].map(|percent| at(percent).unwrap_or_default() * 1e3);
        println!("| {name} | {p50:.2} | {p90:.2} | {p99:.2} |");
    }
    print_parts(cluster).await
}

/// Prints what the API server spent on average on the conditions and on the calls of each entry.
async fn print_parts(cluster: &Cluster) -> Result<()> {
    let request = http::Request::get("/metrics").body(Vec::new())?;
    let metrics = cluster.objects().client().request_text(request).await?;
    println!("\n| of which at the API server, on average, ms | |\n|---|---|");
    for part in ["match_condition_evaluation", "webhook_admission_duration"] {
        let sum = format!("apiserver_admission_{part}_seconds_sum");
        let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
        for line in metrics
            .lines()
            .filter(|line| line.starts_with(&sum) && line.contains("tollgate.dev"))
        {
            let of = line.replacen("_sum{", "_count{", 1);
            let of = of.rsplit_once(' ').map_or("", |(of, _)| of);
            let count = metrics.lines().find(|line| line.starts_with(of));
            let average = value(line)
                .zip(count.and_then(value))
                .map(|(sum, count)| sum / count * 1e3);
            let labels = line.split_once('{').map_or("", |(_, labels)| labels);
            let labels = labels.split('}').next().unwrap_or_default();
            println!("| {part} {labels} | {:.3} |", average.unwrap_or_default());
        }
    }
    Ok(())
}

impl Contender<'_> {
    /// Creates a pod, and fails where it does not come out as it should.
    async fn create(&self, cluster: &Cluster, name: &str, dry_run: bool) -> Result<Duration> {
        let pods: Api<Pod> = Api::namespaced(cluster.objects().client(), self.namespace.name());
        let limits = json!({"nvidia.com/gpu": "1", "cpu": "1", "memory": "8Gi"});
        let pod = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            // Nobody should schedule it: that would take time from what is measured.
            "spec": {
                "schedulerName": "nobody",
                "containers": [{"name": "main", "image": "train:1", "resources": {"limits": limits}}],
            },
        }))?;
        let parameters = PostParams {
            dry_run,
            ..PostParams::default()
        };
        let since = Instant::now();
        let stored = pods.create(&parameters, &pod).await?;
        let taken = since.elapsed();
        let tolerations = stored.spec.and_then(|spec| spec.tolerations);
        let tolerates = tolerations
            .context("no tolerations")?
            .iter()
            .any(|toleration| toleration.key.as_deref() == Some("nvidia.com/gpu"));
        ensure!(
            tolerates == self.tolerates,
            "the pod has a toleration: {tolerates}"
        );
        Ok(taken)
    }
}
