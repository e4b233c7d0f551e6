//! Budgets hold on any number of replicas: what fits is let in, what does not is refused, and the account is what is there.

pub(crate) mod clocks;
pub(crate) mod early;
pub(crate) mod late;
pub(crate) mod quota;
pub(crate) mod scope;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tollgate_e2e::{Cluster, Installation, Namespace, tollgate_says, until};

use crate::pods::wants;

const BUDGET: (&str, &str) = ("tollgate.dev/v1alpha1", "Budget");
const EVENT: (&str, &str) = ("events.k8s.io/v1", "Event");
const POD: (&str, &str) = ("v1", "Pod");
const NAMESPACE: (&str, &str) = ("v1", "Namespace");
const GPU: &str = "nvidia.com/gpu";

/// A GPU in the atoms of an account.
const ATOMS: u128 = 56_000_000;

/// How long the leader keeps a reservation whose pod does not come.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);

/// These tests take turns: each loads the machine.
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs a test, in its turn, in a cluster of its own with three replicas and a namespace with a budget of GPUs.
async fn with_budget(
    amount: u32,
    test: impl AsyncFnOnce(&Namespace<'_>, &mut Installation) -> Result<()>,
) -> Result<()> {
    with_limits(&of_gpus(amount), test).await
}

/// The same with a budget of these limits.
async fn with_limits(
    limits: &Value,
    test: impl AsyncFnOnce(&Namespace<'_>, &mut Installation) -> Result<()>,
) -> Result<()> {
    with_spec(
        |namespace| json!({"scope": {"namespaces": [namespace]}, "limits": limits}),
        test,
    )
    .await
}

/// The same with a budget of GPUs for whatever is in a scope.
async fn with_scope(
    scope: &Value,
    amount: u32,
    test: impl AsyncFnOnce(&Namespace<'_>, &mut Installation) -> Result<()>,
) -> Result<()> {
    with_spec(|_| json!({"scope": scope, "limits": of_gpus(amount)}), test).await
}

fn of_gpus(amount: u32) -> Value {
    json!([{"unit": "gpu", "amount": amount.to_string()}])
}

async fn with_spec(
    spec: impl FnOnce(&str) -> Value,
    test: impl AsyncFnOnce(&Namespace<'_>, &mut Installation) -> Result<()>,
) -> Result<()> {
    let _turn = TURN.lock().await;
    Cluster::own(3, async |cluster, tollgate| {
        let namespace = cluster.namespace("team").await?;
        let mut budget = json!({
            "apiVersion": BUDGET.0, "kind": BUDGET.1, "metadata": {"name": "research"},
            "spec": spec(namespace.name()),
        });
        budget["spec"]["contact"] = "#gpu-platform".into();
        cluster.objects().create("", &budget).await?;
        until("the pods of the budget are counted", async || {
            ensure!(
                account(cluster).await?["term"].as_u64() > Some(0),
                "they are not"
            );
            Ok(())
        })
        .await?;
        test(&namespace, tollgate).await
    })
    .await
}

async fn account(cluster: &Cluster) -> Result<Value> {
    let budget = cluster.objects().get(BUDGET, "", "research").await?;
    Ok(budget["status"]["account"].clone())
}

/// What an account says: GPUs in use, and how many pods have reservations.
fn taken(account: &Value) -> Result<(u128, usize)> {
    let atoms = held(account, "gpu")?;
    ensure!(atoms % ATOMS == 0, "{atoms} atoms are no whole GPUs");
    let reservations = account["reservations"].as_str();
    let lines = reservations.map_or(0, |lines| lines.lines().count());
    Ok((atoms / ATOMS, lines))
}

/// The atoms that live pods hold of a limit, of all slots together.
fn held(account: &Value, limit: &str) -> Result<u128> {
    let held = account["usage"][limit]["held"].as_object();
    let atoms = held.into_iter().flat_map(|slots| slots.values());
    let atoms = atoms.map(|atoms| Ok(atoms.as_str().context("no text")?.parse::<u128>()?));
    atoms.sum()
}

/// Waits until the account says so many GPUs in use and reservations.
async fn until_taken(cluster: &Cluster, expected: (u128, usize)) -> Result<()> {
    let what = format!(
        "{} GPUs are used and {} pods expected",
        expected.0, expected.1
    );
    until(&what, async || {
        let account = account(cluster).await?;
        let taken = taken(&account)?;
        ensure!(taken == expected, "it is {taken:?}: {account}");
        Ok(())
    })
    .await
}

/// What became of pods that were created at the same time.
#[derive(Debug, Default)]
struct Storm {
    admitted: Vec<String>,
    denied: Vec<String>,
    unanswered: Vec<String>,
}

/// Creates so many pods of a GPU at once, while something else goes on.
async fn storm(
    namespace: &Namespace<'_>,
    count: usize,
    goes_on: impl Future<Output = Result<()>>,
) -> Result<Storm> {
    storm_of(namespace, count, |name| wants(name, GPU, "1"), goes_on).await
}

/// Creates so many pods at once, while something else goes on.
async fn storm_of(
    namespace: &Namespace<'_>,
    count: usize,
    pod: impl Fn(&str) -> Value,
    goes_on: impl Future<Output = Result<()>>,
) -> Result<Storm> {
    let client = namespace.cluster().objects().client();
    let pods: Api<Pod> = Api::namespaced(client, namespace.name());
    let mut calls = JoinSet::new();
    for number in 0..count {
        let (pods, name) = (pods.clone(), format!("p{number}"));
        let pod: Pod = serde_json::from_value(pod(&name))?;
        calls.spawn(async move { (name, pods.create(&PostParams::default(), &pod).await) });
    }
    goes_on.await?;
    let mut storm = Storm::default();
    while let Some(call) = calls.join_next().await {
        match call? {
            (name, Ok(_)) => storm.admitted.push(name),
            (_, Err(kube::Error::Api(status))) if status.message.contains("denied the request") => {
                storm.denied.push(status.message);
            }
            (_, Err(err)) => storm.unanswered.push(err.to_string()),
        }
    }
    Ok(storm)
}

/// How often the leaders told something of the budget.
async fn told(tollgate: &Installation, tiding: &str) -> Result<u64> {
    let series =
        format!("tollgate_budget_tidings_total{{budget=\"research\",tiding=\"{tiding}\"}}");
    let mut told = 0;
    for replica in tollgate.running() {
        told += replica.sum(&series).await?;
    }
    Ok(told)
}

async fn calm() -> Result<()> {
    Ok(())
}

/// The live pods of a namespace.
async fn live(namespace: &Namespace<'_>) -> Result<usize> {
    Ok(namespace.pods("").await?.len())
}

fn is_complete(denial: &str) -> Result<()> {
    for part in [
        "the pod needs 1 GPU",
        "budget `research`",
        "of 50 GPUs",
        "wait until other pods of the budget have ended",
        "#gpu-platform",
    ] {
        ensure!(denial.contains(part), "`{part}` is missing: {denial}");
    }
    Ok(())
}

pub(crate) async fn of_many_pods_at_once_exactly_those_that_fit_are_let_in(
    _: &Cluster,
) -> Result<()> {
    with_budget(50, async |namespace, tollgate| {
        let Storm {
            admitted,
            denied,
            unanswered,
        } = storm(namespace, 200, calm()).await?;
        ensure!(
            (admitted.len(), denied.len()) == (50, 150),
            "{} admitted, {} denied, unanswered: {unanswered:?}",
            admitted.len(),
            denied.len()
        );
        denied.iter().try_for_each(|denial| is_complete(denial))?;
        ensure!(
            live(namespace).await? == 50,
            "{} pods",
            live(namespace).await?
        );
        until_taken(namespace.cluster(), (50, 0)).await?;
        is_seen(namespace.cluster(), tollgate).await?;
        // What goes makes room, and for no more than went.
        for name in admitted.iter().take(3) {
            namespace.delete(POD, name).await?;
        }
        until_taken(namespace.cluster(), (47, 0)).await?;
        let again = storm(namespace, 10, calm()).await?;
        ensure!(again.admitted.len() <= 3, "{again:?}");
        Ok(())
    })
    .await
}

/// Whoever looks after the cluster sees a full budget: by a command, in metrics of each replica, by an event.
async fn is_seen(cluster: &Cluster, tollgate: &Installation) -> Result<()> {
    let kubeconfig = cluster.kubeconfig();
    let kubeconfig = kubeconfig.to_str().context("a path that is no text")?;
    let table = tollgate_says(&["budget", "--cluster", "--kubeconfig", kubeconfig])?;
    for part in ["research", "100%", "50 of 50 used", "ask #gpu-platform"] {
        ensure!(table.contains(part), "`{part}` is missing:\n{table}");
    }
    let figures = [("limit", 50), ("used", 50), ("reserved", 0)];
    for replica in tollgate.running() {
        until("the metrics show the budget", async || {
            let metrics = replica.metrics().await?;
            for (what, amount) in figures {
                let figure =
                    format!("tollgate_budget_{what}{{budget=\"research\",limit=\"gpu\"}} {amount}");
                ensure!(metrics.contains(&figure), "`{figure}` is missing");
            }
            Ok(())
        })
        .await?;
    }
    until("an event says that the budget is exhausted", async || {
        let events = cluster.objects().list(EVENT, "default", "").await?;
        let reasons = events
            .iter()
            .filter(|event| event["regarding"]["name"] == "research");
        let mut reasons = reasons.filter_map(|event| event["reason"].as_str());
        ensure!(
            reasons.any(|reason| reason == "BudgetExhausted"),
            "no event: {events:?}"
        );
        Ok(())
    })
    .await
}

pub(crate) async fn a_replica_that_is_killed_lets_nobody_in_beyond_the_budget(
    _: &Cluster,
) -> Result<()> {
    with_budget(50, async |namespace, tollgate| {
        let kill = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            tollgate.kill_oldest()
        };
        let Storm {
            admitted,
            denied,
            unanswered,
        } = storm(namespace, 200, kill).await?;
        ensure!(
            admitted.len() <= 50 && admitted.len() + denied.len() + unanswered.len() == 200,
            "{} admitted, {} denied, {} unanswered",
            admitted.len(),
            denied.len(),
            unanswered.len()
        );
        denied.iter().try_for_each(|denial| is_complete(denial))?;
        // What the killed one reserved for pods that were never stored is free in the end.
        let stored = u128::try_from(live(namespace).await?)?;
        until_taken(namespace.cluster(), (stored, 0)).await?;
        let missing = usize::try_from(50 - stored)?;
        for number in 0..missing {
            let name = format!("more-{number}");
            namespace.create(wants(&name, GPU, "1")).await?;
        }
        let over = namespace.create(wants("over", GPU, "1")).await;
        let said = over.err().context("a 51st pod was let in")?.to_string();
        is_complete(&said)?;
        until_taken(namespace.cluster(), (50, 0)).await
    })
    .await
}

pub(crate) async fn what_fails_later_is_given_back_by_proof_or_time_and_never_early(
    _: &Cluster,
) -> Result<()> {
    with_budget(2, async |namespace, _| {
        let cluster = namespace.cluster();
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
            "spec": {"hard": {"requests.nvidia.com/gpu": "1"}},
        });
        namespace.create(quota).await?;
        namespace
            .until_object(("v1", "ResourceQuota"), "none", |quota| {
                quota["status"]["hard"].is_object()
            })
            .await?;
        namespace.create(wants("first", GPU, "1")).await?;
        until_taken(cluster, (1, 0)).await?;

        // Another pod has its name: that is proof.
        let twice = namespace.create(wants("first", GPU, "1")).await;
        let said = twice.err().context("two of one name")?.to_string();
        ensure!(
            said.contains("already exists") || said.contains("exceeded quota"),
            "{said}"
        );
        let since = Instant::now();
        until_taken(cluster, (1, 0)).await?;
        ensure!(
            since.elapsed() < REQUEST_TIMEOUT / 2,
            "only after {:?}",
            since.elapsed()
        );

        // The quota refuses after us, which nobody can prove: only time gives it back.
        let refused = namespace.create(wants("second", GPU, "1")).await;
        let said = refused.err().context("the quota let it in")?.to_string();
        ensure!(said.contains("exceeded quota"), "{said}");
        let since = Instant::now();
        until_taken(cluster, (1, 1)).await?;
        namespace
            .cluster()
            .objects()
            .delete(("v1", "ResourceQuota"), namespace.name(), "none")
            .await?;
        let early = namespace.create(wants("third", GPU, "1")).await;
        let said = early
            .err()
            .context("a reservation was given back early")?
            .to_string();
        ensure!(said.contains("1 are used and 1 reserved"), "{said}");
        until_taken(cluster, (1, 0)).await?;
        let kept = since.elapsed();
        ensure!(
            kept >= REQUEST_TIMEOUT - Duration::from_secs(2),
            "kept for {kept:?} only"
        );
        namespace.create(wants("third", GPU, "1")).await?;
        until_taken(cluster, (2, 0)).await
    })
    .await
}

pub(crate) async fn what_ends_goes_or_waits_takes_nothing(_: &Cluster) -> Result<()> {
    with_budget(2, async |namespace, _| {
        let cluster = namespace.cluster();
        let objects = cluster.objects();
        objects
            .dry_run(namespace.name(), &wants("tried", GPU, "1"))
            .await?;
        // Gated pods cost nothing, however many there are.
        for number in 0..3 {
            let mut gated = wants(&format!("gated-{number}"), GPU, "1");
            gated["spec"]["schedulingGates"] = json!([{"name": "e2e.tollgate.dev/held"}]);
            namespace.create(gated).await?;
        }
        until_taken(cluster, (0, 0)).await?;
        let ungate = json!({"spec": {"schedulingGates": null}});
        namespace.merge(POD, "gated-0", &ungate).await?;
        namespace.create(wants("plain", GPU, "1")).await?;
        until_taken(cluster, (2, 0)).await?;
        let refused = namespace.merge(POD, "gated-1", &ungate).await;
        let said = refused
            .err()
            .context("an ungate over the budget was let through")?
            .to_string();
        ensure!(said.contains("budget `research`"), "{said}");
        let gated = namespace.get(POD, "gated-1").await?;
        is_told(cluster, &gated).await?;
        // A label changes no budget, and is no reason to charge again.
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        namespace.merge(POD, "plain", &label).await?;
        until_taken(cluster, (2, 0)).await?;
        namespace
            .merge(
                POD,
                "plain",
                &json!({"metadata": {"annotations": {"test/complete": "true"}}}),
            )
            .await?;
        until_taken(cluster, (1, 0)).await?;
        namespace.merge(POD, "gated-1", &ungate).await?;
        until_taken(cluster, (2, 0)).await?;
        objects.delete(NAMESPACE, "", namespace.name()).await?;
        until_taken(cluster, (0, 0)).await
    })
    .await
}

/// Whoever looks at a pod sees why it may not leave its gates.
async fn is_told(cluster: &Cluster, pod: &Value) -> Result<()> {
    let (name, namespace) = (&pod["metadata"]["name"], &pod["metadata"]["namespace"]);
    let namespace = namespace.as_str().context("no namespace")?;
    until("an event says why the pod waits", async || {
        let events = cluster.objects().list(EVENT, namespace, "").await?;
        let ours = events.iter().filter(|event| {
            event["reason"] == "ChangeRefused" && event["regarding"]["name"] == *name
        });
        let [event] = ours.collect::<Vec<_>>()[..] else {
            anyhow::bail!("not one event of it: {events:?}");
        };
        ensure!(
            event["regarding"]["uid"] == pod["metadata"]["uid"],
            "{event}"
        );
        ensure!(
            event["note"].to_string().contains("budget `research`"),
            "{event}"
        );
        Ok(())
    })
    .await
}

pub(crate) async fn pods_that_are_there_count_from_the_first_second_of_a_budget(
    _: &Cluster,
) -> Result<()> {
    with_budget(9, async |namespace, _| {
        let cluster = namespace.cluster();
        for number in 0..3 {
            namespace.create(wants(&format!("p{number}"), GPU, "2")).await?;
        }
        let late = json!({
            "apiVersion": BUDGET.0, "kind": BUDGET.1, "metadata": {"name": "late"},
            "spec": {"scope": {"namespaces": [namespace.name()]}, "limits": [{"unit": "gpu", "amount": "7"}]},
        });
        cluster.objects().create("", &late).await?;
        until("the budget is in force", async || {
            let budget = cluster.objects().get(BUDGET, "", "late").await?;
            let conditions = budget["status"]["conditions"].to_string();
            ensure!(conditions.contains("InForce"), "{conditions}");
            Ok(())
        })
        .await?;
        let refused = namespace.create(wants("over", GPU, "2")).await;
        let said = refused.err().context("pods of before were not counted")?.to_string();
        ensure!(said.contains("budget `late`") && said.contains("6 are used"), "{said}");
        namespace.create(wants("fits", GPU, "1")).await?;
        // In both budgets or in none.
        until_taken(cluster, (7, 0)).await
    })
    .await
}
