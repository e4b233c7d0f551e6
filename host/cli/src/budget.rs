//! `tollgate budget`: how budgets stand, by the pods of a snapshot or by the accounts of a cluster.

mod cluster;
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
use tollgate_catalog::Catalog;
use tollgate_cluster::prometheus::{self, Address, Busy};
use tollgate_pipeline::Counted;
use tollgate_webhook as webhook;

pub(crate) use self::cluster::live_pods;
pub(crate) use self::shown::{busy, reserved, shown};
use self::standing::Standing;
use self::utilisation::Utilisation;
pub(crate) use self::utilisation::{Known, Owners, owners};
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
    let counted = count(&catalog, now).await?;
    let mut standings = standings(&catalog, Some(&counted), args.name.as_deref(), now).await?;
    if let Some(address) = args.prometheus.address() {
        let snapshot = catalog.context.load();
        let known = Known {
            owners: owners(snapshot.all("Pod")),
            busy: ask(&address).await?,
        };
        measure(&mut standings, &catalog, (&counted, &known))?;
    }
    Ok(standings)
}

/// By the accounts of a cluster, which know what is taken and not by whom. Whom it is idle with only the pods tell.
async fn of_cluster(args: &BudgetArgs) -> Result<Vec<Standing>, Failure> {
    let (now, name) = (SystemTime::now(), args.name.as_deref());
    let budgets = cluster::Budgets::read(args.kubeconfig.as_deref()).await?;
    let Some(address) = args.prometheus.address() else {
        return standings(&budgets.catalog, None, name, now).await;
    };
    // Whether it answers is known before all pods are listed.
    let busy = ask(&address).await?;
    let (counted, owners) = budgets.live(now).await?;
    let catalog = &budgets.catalog;
    let mut standings = standings(catalog, Some(&counted), name, now).await?;
    measure(&mut standings, catalog, (&counted, &Known { owners, busy }))?;
    Ok(standings)
}

/// Asks a Prometheus how busy devices are.
pub(crate) async fn ask(address: &Address) -> Result<Busy, Failure> {
    webhook::install_crypto();
    let busy = prometheus::busy(address).await;
    Ok(busy.context("it is not known how busy GPUs are")?)
}

/// Shows how busy devices are, beside what is held.
fn measure(
    standings: &mut [Standing],
    catalog: &Catalog,
    (counted, known): (&[Counted], &Known),
) -> Result<(), Failure> {
    for standing in standings {
        let mut budgets = catalog.budgets.iter();
        let charged = budgets.find(|charged| *charged.budget.name == *standing.name);
        let measured = charged.map(|charged| Utilisation::of(charged, counted, known));
        let measured = measured.transpose().context("a budget cannot be counted")?;
        standing.utilisation = measured.flatten();
    }
    Ok(())
}

/// Counts the pods of the snapshot into the accounts of the budgets.
pub(crate) async fn count(catalog: &Catalog, now: SystemTime) -> Result<Vec<Counted>, Failure> {
    let snapshot = catalog.context.load();
    let counted = tollgate_pipeline::count(catalog, snapshot.all("Pod"), now).await;
    let counted = counted.context("the pods of `--state` cannot be counted")?;
    let second = tollgate_pipeline::seconds(now);
    for charged in &catalog.budgets {
        let name = &charged.budget.name;
        let live = live(&counted, name);
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
    Ok(counted)
}

/// What live pods take of a budget.
fn live(counted: &[Counted], budget: &str) -> BTreeMap<tollgate_budget::Uid, Live> {
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

async fn standings(
    catalog: &Catalog,
    counted: Option<&[Counted]>,
    name: Option<&str>,
    now: SystemTime,
) -> Result<Vec<Standing>, Failure> {
    let budgets = catalog.budgets.iter();
    let wanted: Vec<_> = budgets
        .filter(|charged| name.is_none_or(|name| *charged.budget.name == *name))
        .collect();
    if let Some(name) = name.filter(|_| wanted.is_empty()) {
        let known = catalog.budgets.iter();
        let known: Vec<_> = known.map(|charged| &*charged.budget.name).collect();
        let message = match known.as_slice() {
            [] => format!("no budget is named `{name}`; the configuration has none"),
            _ => format!(
                "no budget is named `{name}`; the configuration has {}",
                known.join(", ")
            ),
        };
        return Err(anyhow!(message).into());
    }
    let snapshot = catalog.context.load();
    let mut standings = Vec::with_capacity(wanted.len());
    for charged in wanted {
        let account = catalog.ledger.account(&charged.budget.name).await;
        let account = account.context("the accounts of budgets cannot be read")?;
        let standing = Standing::of(charged, &account, counted, &snapshot, now);
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
