//! The objects of a cluster, page by page, through the same reviews as everything else.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Kind, Operation, Request};
use tollgate_catalog::{Catalog, Configuration};
use tollgate_cluster::entry::Interests;
use tollgate_cluster::inventory::{self, Pages, Served};
use tollgate_cluster::{Client, report};

use super::tally::Tally;
use super::{flavour, print};
use crate::answer::Answer;
use crate::args::{AuditArgs, DisplayArgs};
use crate::connection::with_client;
use crate::failure::Failure;
use crate::input::Content;
use crate::setup::{INSTANCES, Setup};
use crate::{diagnostic, review, terminal};

/// Kinds of documents that an audit has no use for: what exists is charged already, and `tollgate budget` counts it.
const ACCOUNTS: [&str; 2] = ["Budget", "PriceBook"];

/// Kinds that lead requests to pods: of what they lead to it is asked which pods it selects.
const ROUTES: [&str; 4] = [
    "HTTPRoute.gateway.networking.k8s.io",
    "Ingress.networking.k8s.io",
    "InferencePool.inference.networking.k8s.io",
    "InferencePool.inference.networking.x-k8s.io",
];

/// Audits a cluster, and writes or prints the reports.
pub(super) fn run(args: &AuditArgs, display: &DisplayArgs) -> Result<ExitCode, Failure> {
    with_client(args.kubeconfig.as_deref(), async |client| {
        let now = SystemTime::now();
        let flavour = flavour(args.report);
        // Whether reports can be written at all is known before anything is read.
        let existing = match args.print {
            true => None,
            false => Some(
                report::existing(client, flavour)
                    .await
                    .map_err(anyhow::Error::from)?,
            ),
        };
        let catalog = catalog(args, client).await?;
        terminal::complain(&diagnostic::render_warnings(&catalog.notices(now)));
        let mut auditor = Auditor {
            catalog,
            now,
            is_quiet: display.quiet,
            tally: Tally::default(),
        };
        auditor.all(client).await?;
        let Tally { summary, findings } = auditor.tally;
        let Some(existing) = existing else {
            print(findings, flavour)?;
            return Ok(summary.status());
        };
        let written = report::write(client, existing, findings).await;
        let report::Written {
            reports,
            changed,
            removed,
        } = written.map_err(anyhow::Error::from)?;
        terminal::print(|out| {
            writeln!(
                out,
                "{} objects: {} would be let in, {} refused, {} skipped; {reports} reports, {changed} of them changed, {removed} removed",
                summary.documents, summary.allowed, summary.denied, summary.skipped,
            )
        })?;
        Ok(summary.status())
    })
}

/// The policies of `--config`, else those that stand in the cluster, and what is known of the cluster.
async fn catalog(args: &AuditArgs, client: &Client) -> Result<Catalog, Failure> {
    let setup = Setup::new(args.config.clone(), INSTANCES)?;
    let mut documents = inventory::documents(client)
        .await
        .context("the configuration of the cluster cannot be read")?;
    let own_configuration = !args.config.configs.is_empty();
    documents.retain(|document| {
        let kind = document["kind"].as_str().unwrap_or_default();
        kind == "Namespace" || !(own_configuration || ACCOUNTS.contains(&kind))
    });
    let standing = standing(&documents)?;
    let configuration = match own_configuration {
        true => Configuration {
            namespaces: standing.namespaces,
            ..setup.own()?
        },
        false => standing,
    };
    let catalog = setup.catalog_of(configuration).await?;
    let snapshot = match leads_requests(client, &catalog).await? {
        true => inventory::snapshot_with_backends(client).await,
        false => inventory::snapshot(client).await,
    };
    catalog
        .context
        .store(snapshot.context("what is known of the cluster cannot be read")?);
    Ok(catalog)
}

/// Whether there is anything that leads requests to pods, and a policy that judges it: only then all pods are read for it.
async fn leads_requests(client: &Client, catalog: &Catalog) -> Result<bool, Failure> {
    let interests = Interests::of(catalog);
    let kinds = interests.table.rows().iter();
    let kinds = kinds
        .filter(|kind| interests.include(kind) && ROUTES.contains(&kind.kind_dot_group().as_str()));
    for kind in served(client, kinds).await? {
        if kind.has_any(client).await {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Those of the kinds that the API server serves.
async fn served<'k>(
    client: &Client,
    kinds: impl Iterator<Item = &'k Kind>,
) -> Result<Vec<Served>, Failure> {
    let served = inventory::served(client, kinds).await;
    Ok(served.context("the API server does not say which kinds there are")?)
}

/// Reads documents of a cluster as files are read.
pub(crate) fn standing(documents: &[Value]) -> Result<Configuration, Failure> {
    let text: String = documents
        .iter()
        .map(|document| format!("---\n{document}\n"))
        .collect();
    Configuration::parse("cluster", text.as_bytes(), Path::new(".")).map_err(Failure::Diagnostics)
}

struct Auditor {
    catalog: Catalog,
    now: SystemTime,
    is_quiet: bool,
    tally: Tally,
}

impl Auditor {
    /// Everything that a policy in force wants to see.
    async fn all(&mut self, client: &Client) -> Result<(), Failure> {
        let interests = Interests::of(&self.catalog);
        let kinds = interests.table.rows().iter();
        let kinds = kinds.filter(|kind| interests.include(kind));
        for kind in &served(client, kinds).await? {
            self.kind(kind, kind.pages(client)).await?;
        }
        Ok(())
    }

    async fn kind(&mut self, kind: &Served, mut pages: Pages) -> Result<(), Failure> {
        let mut seen = 0;
        loop {
            match pages.next().await {
                Ok(Some(objects)) => {
                    seen += objects.len();
                    self.page(objects).await?;
                    if !self.is_quiet && seen > 0 {
                        terminal::complain(&format!("audit: {} {}\n", kind.name(), seen));
                    }
                }
                Ok(None) => return Ok(()),
                // The others are worth telling; the status says that these are missing.
                Err(err) => {
                    self.tally.summary.unreadable += 1;
                    terminal::complain(&format!(
                        "audit: {} cannot be listed: {err}\n",
                        kind.name()
                    ));
                    return Ok(());
                }
            }
        }
    }

    async fn page(&mut self, objects: Vec<Value>) -> Result<(), Failure> {
        for object in objects.into_iter().filter(|object| !is_over(object)) {
            let source = source(&object);
            let content = Content::Request(Box::new(request(object)));
            let judged = review::judge(&self.catalog, content, self.now).await;
            let judgement = judged.with_context(|| source.clone())?;
            self.tally.take(&Answer { source, judgement });
        }
        Ok(())
    }
}

/// A pod that has ended takes nothing any more.
fn is_over(object: &Value) -> bool {
    let phase = object.pointer("/status/phase").and_then(Value::as_str);
    object["kind"] == "Pod" && matches!(phase, Some("Succeeded" | "Failed"))
}

fn source(object: &Value) -> String {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!(
        "{} {}/{}",
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name")
    )
}

/// The object as if it came today.
fn request(object: Value) -> Request {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let owned = |pointer: &str| text(pointer).map(str::to_owned);
    Request {
        uid: owned("/metadata/uid").unwrap_or_default(),
        operation: Operation::Create,
        gvk: GroupVersionKind::new(
            text("/apiVersion").unwrap_or_default(),
            text("/kind").unwrap_or_default(),
        ),
        subresource: None,
        resource: None,
        namespace: owned("/metadata/namespace"),
        name: owned("/metadata/name"),
        user: String::new(),
        groups: Vec::new(),
        dry_run: true,
        namespace_labels: None,
        object,
        old_object: None,
    }
}
