//! `tollgate budget`: how budgets stand, by the pods of a snapshot or by the accounts of a cluster.

mod cluster;
mod live;
mod shares;
mod shown;
mod standing;
mod table;
mod utilisation;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use serde_json::json;
use tollgate_budget::{Account, Live, Roll};
use tollgate_catalog::{Catalog, Charged};
use tollgate_cluster::prometheus::{self, Address, Busy};
use tollgate_pipeline::Counted;
use tollgate_webhook as webhook;

pub(crate) use self::cluster::live_pods;
pub(crate) use self::live::LivePods;
pub(crate) use self::shown::{busy, reserved, shown};
use self::standing::Standing;
use self::utilisation::Utilisation;
use crate::args::{BudgetArgs, BudgetFormat, ConfigArgs};
use crate::failure::Failure;
use crate::{diagnostic, input, setup, terminal};

/// Prints how budgets stand.
pub(crate) fn run(args: &BudgetArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let standings = runtime.context("cannot start")?.block_on(async {
        match args.cluster {
            true => of_cluster(args).await,
            false => of_files(args).await,
        }
    })?;
    terminal::print(|out| write(args.output, &standings, out))?;
    Ok(ExitCode::SUCCESS)
}

/// By the pods of a snapshot.
async fn of_files(args: &BudgetArgs) -> Result<Vec<Standing>, Failure> {
    let config = ConfigArgs {
        configs: args.configs.clone(),
        ..ConfigArgs::default()
    };
    let now = SystemTime::now();
    let catalog = setup::catalog(&config).await?;
    catalog.context.store(input::state(&args.states)?);
    terminal::complain(&diagnostic::render_warnings(&catalog.notices(now)));
    let live = count(&catalog, now).await?;
    let budgets = wanted(&catalog, args.name.as_deref())?;
    let mut standings = standings(&catalog, &budgets, Some(&live), now).await?;
    if let Some(address) = args.prometheus.address() {
        measure(&mut standings, &budgets, &live, &ask(&address).await?)?;
    }
    Ok(standings)
}

/// By the accounts of a cluster, which know what is taken and not by whom: that the pods tell.
async fn of_cluster(args: &BudgetArgs) -> Result<Vec<Standing>, Failure> {
    let now = SystemTime::now();
    let cluster = cluster::Budgets::read(args.kubeconfig.as_deref()).await?;
    let catalog = &cluster.catalog;
    let budgets = wanted(catalog, args.name.as_deref())?;
    if budgets.is_empty() {
        return Ok(Vec::new());
    }
    let Some(address) = args.prometheus.address() else {
        let live = cluster.live(now).await.inspect_err(complain_of_shares).ok();
        return standings(catalog, &budgets, live.as_ref(), now).await;
    };
    // Whether it answers is known before all pods are listed.
    let busy = ask(&address).await?;
    let live = cluster.live(now).await?;
    let mut standings = standings(catalog, &budgets, Some(&live), now).await?;
    measure(&mut standings, &budgets, &live, &busy)?;
    Ok(standings)
}

/// Says why it is not shown who takes what: what is taken is true all the same.
fn complain_of_shares(failure: &Failure) {
    let why = failure.lines().join("; ");
    terminal::complain(&format!(
        "who takes what is not shown: {why}\n\
         next: it takes the right to `list` pods, nodes, namespaces and the objects of tollgate.dev\n"
    ));
}

/// Asks a Prometheus how busy devices are.
pub(crate) async fn ask(address: &Address) -> Result<Busy, Failure> {
    webhook::install_crypto();
    let busy = prometheus::busy(address).await;
    Ok(busy.context("it is not known how busy GPUs are")?)
}

/// Shows how busy the devices of budgets are, beside what is held.
fn measure(
    standings: &mut [Standing],
    budgets: &[&Charged],
    live: &LivePods,
    busy: &Busy,
) -> Result<(), Failure> {
    for (standing, charged) in standings.iter_mut().zip(budgets) {
        let measured = Utilisation::of(charged, live, busy);
        standing.utilisation = measured.context("a budget cannot be counted")?;
    }
    Ok(())
}

/// Counts the pods of the snapshot into the accounts of the budgets.
pub(crate) async fn count(catalog: &Catalog, now: SystemTime) -> Result<LivePods, Failure> {
    let snapshot = catalog.context.load();
    let counted = tollgate_pipeline::count(catalog, snapshot.all("Pod"), now).await;
    let counted = counted.context("the pods of `--state` cannot be counted")?;
    let second = tollgate_pipeline::seconds(now);
    for charged in &catalog.budgets {
        let name = &charged.budget.name;
        let live = charged_to(&counted, name);
        let empty = Account::default();
        let change = Roll::default().recount(&empty, &charged.limits, &live, second);
        let account = change
            .with_context(|| format!("the pods of budget `{name}` cannot be counted"))?
            .account;
        let kept = catalog.ledger.put(name, account).await;
        kept.context("the accounts of budgets cannot be kept")?;
    }
    let uids = counted.iter().map(|pod| pod.uid.as_str().into());
    catalog.ledger.count(uids.collect());
    Ok(LivePods {
        counted,
        owners: Some(live::owners(snapshot.all("Pod"))),
    })
}

/// What live pods take of a budget.
fn charged_to(counted: &[Counted], budget: &str) -> BTreeMap<tollgate_budget::Uid, Live> {
    let of_pod = |pod: &Counted| {
        let charges = pod.charges.iter();
        let weighed = charges
            .into_iter()
            .find(|weighed| *weighed.budget.name == *budget)?;
        let live = Live {
            charge: weighed.charge.clone(),
            began: pod.began,
        };
        Some((pod.uid.as_str().into(), live))
    };
    counted.iter().filter_map(of_pod).collect()
}

/// All budgets, or the one of a name.
fn wanted<'c>(catalog: &'c Catalog, name: Option<&str>) -> Result<Vec<&'c Charged>, Failure> {
    let budgets = catalog.budgets.iter();
    let wanted: Vec<_> = budgets
        .filter(|charged| name.is_none_or(|name| *charged.budget.name == *name))
        .collect();
    let Some(name) = name.filter(|_| wanted.is_empty()) else {
        return Ok(wanted);
    };
    let known = catalog.budgets.iter();
    let known: Vec<_> = known.map(|charged| &*charged.budget.name).collect();
    let message = match known.as_slice() {
        [] => format!("no budget is named `{name}`; the configuration has none"),
        _ => format!(
            "no budget is named `{name}`; the configuration has {}",
            known.join(", ")
        ),
    };
    Err(anyhow!(message).into())
}

async fn standings(
    catalog: &Catalog,
    budgets: &[&Charged],
    live: Option<&LivePods>,
    now: SystemTime,
) -> Result<Vec<Standing>, Failure> {
    let snapshot = catalog.context.load();
    let mut standings = Vec::with_capacity(budgets.len());
    for charged in budgets {
        let account = catalog.ledger.account(&charged.budget.name).await;
        let account = account.context("the accounts of budgets cannot be read")?;
        let standing = Standing::of(charged, &account, live, &snapshot, now);
        standings.push(standing.context("a budget cannot be counted")?);
    }
    Ok(standings)
}

fn write(format: BudgetFormat, standings: &[Standing], out: &mut dyn Write) -> io::Result<()> {
    match format {
        BudgetFormat::Table => table::write(standings, out),
        BudgetFormat::Json => {
            let budgets: Vec<_> = standings.iter().map(Standing::json).collect();
            serde_json::to_writer_pretty(&mut *out, &json!({"budgets": budgets}))?;
            writeln!(out)
        }
    }
}
