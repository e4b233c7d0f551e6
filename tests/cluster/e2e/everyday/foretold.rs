//! What `tollgate review` foretells is what the API server stores, and nothing else changes: on real manifests and on
//! the golden cases.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tollgate_admission::{GroupVersionKind, Kinds, Operation, Request, Review};
use tollgate_e2e::{Cluster, Namespace, documents, tollgate_says};

/// What became of pods.
#[derive(Debug, Default)]
struct Tally {
    /// As foretold, unchanged.
    unchanged: usize,
    /// As foretold, repaired.
    repaired: usize,
    /// Refused in our words.
    denied: Vec<String>,
    /// Refused by the API server itself, with Tollgate and without it.
    refused: Vec<String>,
}

/// A namespace that Tollgate looks at, and one that it leaves alone.
struct Place<'a> {
    cluster: &'a Cluster,
    with: Namespace<'a>,
    without: Namespace<'a>,
}

pub(crate) async fn real_pods_become_what_review_foretells(cluster: &Cluster) -> Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        say("the corpus is not there: no real manifest was tried");
        return Ok(());
    }
    let mut pods = Vec::new();
    for file in files(&corpus, "yaml")? {
        // Templates of charts do not parse, and are nothing to apply.
        let Ok(objects) = documents(&std::fs::read_to_string(&file)?) else {
            continue;
        };
        pods.extend(objects.into_iter().flat_map(gpu_pods));
    }
    ensure!(
        pods.len() > 50,
        "only {} pods with accelerators were found",
        pods.len()
    );
    let tally = Place::new(cluster).await?.all(&pods).await?;
    say(&format!("real manifests: {tally:#?}"));
    Ok(())
}

pub(crate) async fn golden_pods_become_what_review_foretells(cluster: &Cluster) -> Result<()> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let mut pods = Vec::new();
    for file in files(&cases, "review.yaml")? {
        // Those with a configuration or a state of their own are about other policies or another cluster.
        let has_own = |folder: &std::path::Path| {
            ["policies.yaml", "state.yaml"]
                .iter()
                .any(|name| folder.join(name).exists())
        };
        let alone = file.parent().is_some_and(|folder| !has_own(folder));
        if alone {
            pods.extend(
                documents(&std::fs::read_to_string(&file)?)?
                    .into_iter()
                    .flat_map(gpu_pods),
            );
        }
    }
    ensure!(
        pods.len() > 20,
        "only {} pods with accelerators were found",
        pods.len()
    );
    let tally = Place::new(cluster).await?.all(&pods).await?;
    ensure!(tally.repaired > 5 && tally.denied.len() > 5, "{tally:#?}");
    say(&format!("golden cases: {tally:#?}"));
    Ok(())
}

impl<'a> Place<'a> {
    async fn new(cluster: &'a Cluster) -> Result<Self> {
        cluster.tollgate().await?;
        Ok(Self {
            cluster,
            with: cluster.namespace("foretold").await?,
            without: cluster.namespace_without_tollgate().await?,
        })
    }

    async fn all(&self, pods: &[Value]) -> Result<Tally> {
        let mut tally = Tally::default();
        for (number, pod) in pods.iter().enumerate() {
            let mut pod = pod.clone();
            pod["metadata"]["name"] = json!(format!("p{number}"));
            let outcome = self.one(&pod, &mut tally).await;
            outcome.with_context(|| format!("pod {number}: {pod}"))?;
        }
        Ok(tally)
    }

    async fn one(&self, pod: &Value, tally: &mut Tally) -> Result<()> {
        let objects = self.cluster.objects();
        let with = objects.dry_run(self.with.name(), pod).await;
        let without = objects.dry_run(self.without.name(), pod).await;
        let (with, without) = match (with, without) {
            (Err(said), _) if said.to_string().contains(".tollgate.dev") => {
                tally.denied.push(said.to_string());
                return Ok(());
            }
            (Err(_), Err(said)) => {
                tally.refused.push(said.to_string());
                return Ok(());
            }
            (Err(said), Ok(_)) => bail!("the API server takes it without Tollgate alone: {said}"),
            // What the API server refuses by itself, and a repair makes right.
            (Ok(_), Err(_)) => {
                tally.repaired += 1;
                return Ok(());
            }
            (Ok(with), Ok(without)) => (comparable(&with)?, comparable(&without)?),
        };
        let foretold = objects
            .dry_run(self.without.name(), &self.review(&without)?)
            .await?;
        let foretold = comparable(&foretold)?;
        ensure!(with == foretold, "stored is {with}\nforetold is {foretold}");
        match with == without {
            true => tally.unchanged += 1,
            false => tally.repaired += 1,
        }
        Ok(())
    }

    /// The pod as `tollgate review` says that it will be stored.
    fn review(&self, pod: &Value) -> Result<Value> {
        let file = self.with.name();
        let file = self.cluster.folder().join(format!("{file}.json"));
        std::fs::write(&file, pod.to_string())?;
        let file = file.display().to_string();
        let reviewed =
            tollgate_says(&["review", "--output=manifest", "--namespace=foretold", &file])?;
        documents(&reviewed)?
            .into_iter()
            .next()
            .context("nothing came back")
    }
}

/// A stored object without what is new each time that it is stored.
pub(crate) fn comparable(stored: &Value) -> Result<Value> {
    let mut object = stored.clone();
    let metadata = object["metadata"].as_object_mut().context("no metadata")?;
    metadata.retain(|key, _| ["name", "labels", "annotations"].contains(&key.as_str()));
    let mut text = object.to_string();
    // The volume of the service account's token has a name by chance.
    const TOKEN: &str = "kube-api-access-";
    let mut from = 0;
    while let Some(found) = text[from..].find(TOKEN) {
        let chance = from + found + TOKEN.len();
        text.replace_range(chance..chance + 5, "00000");
        from = chance;
    }
    Ok(serde_json::from_str(&text)?)
}

/// The pods that an object would make and that have to do with accelerators, as pods of their own.
pub(crate) fn gpu_pods(object: Value) -> Vec<Value> {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let review = Review::new(
        Request {
            uid: String::new(),
            operation: Operation::Create,
            gvk: GroupVersionKind::new(&text("apiVersion"), &text("kind")),
            subresource: None,
            resource: None,
            namespace: None,
            name: None,
            user: String::new(),
            groups: Vec::new(),
            dry_run: false,
            namespace_labels: None,
            object: object.clone(),
            old_object: None,
        },
        Kinds::builtin(),
    );
    let concerned = review.pods().filter(|pod| pod.names_accelerator());
    concerned
        .filter_map(|pod| object.pointer(pod.path()).map(alone))
        .collect()
}

/// A pod out of a template, without what its own cluster has and this one has not.
fn alone(template: &Value) -> Value {
    let mut spec = template["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        for key in [
            "serviceAccount",
            "serviceAccountName",
            "priorityClassName",
            "runtimeClassName",
            "nodeName",
        ] {
            fields.remove(key);
        }
    }
    let of = |key: &str| template["metadata"][key].clone();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"labels": of("labels"), "annotations": of("annotations")},
        "spec": spec,
    })
}

/// Every file below a folder whose name ends so, in order.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, end)?);
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[allow(
    clippy::print_stderr,
    reason = "figures for whoever reads the test's output"
)]
fn say(text: &str) {
    eprintln!("{text}");
}
