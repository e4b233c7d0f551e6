//! The chart's option that cert-manager makes the certificate and publishes who vouches for it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{
    Cluster, Controller, Installation, Kind, MountedSecret, NAMESPACE, helm, until,
};

use crate::pods::wants;
use crate::stream::while_creating;

const SECRET: Kind<'static> = ("v1", "Secret");
const CERTIFICATE: Kind<'static> = ("cert-manager.io/v1", "Certificate");
const VALIDATING: Kind<'static> = (
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
);

/// The Secret that the chart's Certificate is kept in.
const MADE: &str = "tollgate-certificate";

/// Pods a second.
const RATE: u32 = 50;

/// How long new certificates are looked at while pods are created.
const AFTER: Duration = Duration::from_secs(5);

/// An authority of the cluster's own, as installations have that are cut off from the world.
const ISSUERS: &str = r#"
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: first}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: authority, namespace: cert-manager}
spec:
  isCA: true
  commonName: internal
  secretName: authority
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {kind: ClusterIssuer, name: first}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: internal}
spec: {ca: {secretName: authority}}
"#;

pub(crate) async fn no_call_fails_while_it_renews_the_certificate(_: &Cluster) -> Result<()> {
    let cluster = Cluster::start().await?;
    renewed(&cluster).await.with_context(|| cluster.logs())
}

async fn renewed(cluster: &Cluster) -> Result<()> {
    cluster.controller(Controller::CertManager).await?;
    cluster.apply("", ISSUERS).await?;
    install(cluster).await?;
    let mounted = MountedSecret::follow(cluster, (NAMESPACE, MADE), folder(cluster)).await?;
    let file = |name: &str| mounted.folder().join(name).display().to_string();
    let arguments = [
        format!("--tls-cert={}", file("tls.crt")),
        format!("--tls-key={}", file("tls.key")),
        format!("--cert-manager={NAMESPACE}/tollgate"),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let _tollgate = Installation::start(cluster, 2, &arguments).await?;
    let namespace = cluster.namespace("renewed").await?;
    let pod = wants("one", "nvidia.com/gpu", "1");
    let (renewals, outcome) =
        while_creating(cluster, namespace.name(), pod, RATE, renew_twice(cluster)).await?;
    ensure!(renewals == 2, "it was renewed {renewals} times");
    let first = outcome.failed.first();
    ensure!(
        first.is_none(),
        "{} calls failed, first: {first:?}",
        outcome.failed.len()
    );
    let untolerated = outcome.stored.iter().filter(|pod| !tolerates(pod)).count();
    ensure!(untolerated == 0, "{untolerated} pods were not repaired");
    ensure!(
        outcome.stored.len() > 100,
        "only {} pods were created",
        outcome.stored.len()
    );
    Ok(())
}

fn tolerates(pod: &k8s_openapi::api::core::v1::Pod) -> bool {
    let tolerations = pod
        .spec
        .iter()
        .flat_map(|spec| spec.tolerations.iter().flatten());
    tolerations
        .filter_map(|it| it.key.as_deref())
        .any(|key| key == "nvidia.com/gpu")
}

fn folder(cluster: &Cluster) -> PathBuf {
    cluster.folder().join("tls")
}

async fn install(cluster: &Cluster) -> Result<()> {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/chart");
    let values = [
        "image.repository=registry.example/tollgate",
        "certificates.source=cert-manager",
        "certificates.issuer.name=internal",
    ];
    let values = values.join(",");
    helm(
        cluster,
        &[
            "install",
            "tollgate",
            chart,
            "--create-namespace",
            "--set",
            &values,
        ],
    )
    .await?;
    until("the certificate is ready", async || {
        let certificate = cluster
            .objects()
            .get(CERTIFICATE, NAMESPACE, "tollgate")
            .await?;
        let status = certificate["status"].to_string();
        ensure!(
            status.contains(r#""type":"Ready""#) && status.contains(r#""status":"True""#),
            "{status}"
        );
        Ok(())
    })
    .await
}

/// Asks for a new certificate twice, and lets it be served for a while.
async fn renew_twice(cluster: &Cluster) -> Result<usize> {
    let mut renewals = 0;
    for _ in 0..2 {
        let before = leaf(cluster).await?;
        renew(cluster).await?;
        until("there is another certificate", async || {
            ensure!(leaf(cluster).await? != before, "it is the one before");
            Ok(())
        })
        .await?;
        renewals += 1;
        tokio::time::sleep(AFTER).await;
    }
    let published = cluster.objects().get(VALIDATING, "", "tollgate").await?;
    let bundle = &published["webhooks"][0]["clientConfig"]["caBundle"];
    let secret = cluster.objects().get(SECRET, NAMESPACE, MADE).await?;
    ensure!(*bundle == secret["data"]["ca.crt"], "published is {bundle}");
    Ok(renewals)
}

/// Does what cert-manager's own command line does for `renew`.
async fn renew(cluster: &Cluster) -> Result<()> {
    let objects = cluster.objects();
    let certificate = objects.get(CERTIFICATE, NAMESPACE, "tollgate").await?;
    let mut conditions = certificate["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions.push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
        "message": "the test wants another", "observedGeneration": certificate["metadata"]["generation"],
    }));
    let patch = json!({"status": {"conditions": conditions}});
    objects
        .merge_status(CERTIFICATE, NAMESPACE, "tollgate", &patch)
        .await?;
    Ok(())
}

async fn leaf(cluster: &Cluster) -> Result<Value> {
    let secret = cluster.objects().get(SECRET, NAMESPACE, MADE).await?;
    Ok(secret["data"]["tls.crt"].clone())
}
