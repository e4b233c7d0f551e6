//! How many charges a second budgets take in the status of their objects, and how long each takes: one hot budget and
//! twenty, one replica and three.
//!
//! Reviews go straight to `/validate` of the replicas, over TLS, as the API server sends them there. Their pods are never
//! created: that would measure how fast an API server stores pods. What the leader would do with pods that come, this
//! does in its place: it empties the reservations, by a write that competes with the others.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "it prints figures, and reads JSON values, where indexing reads null for what is absent"
)]

mod count;
mod load;
mod team;
mod writes;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tollgate_e2e::{Cluster, Installation};

use self::load::{Load, Measured, replicas};
use self::team::Team;
use self::writes::Writes;

/// How many budgets there are where there are many.
const MANY: usize = 20;

/// How many reviews are under way at the same time.
const TOGETHER: usize = 50;

/// How many budgets a load is of, and how many of its reviews are under way at the same time.
const LOADS: [(usize, usize); 4] = [(1, 10), (1, 25), (1, TOGETHER), (MANY, TOGETHER)];

/// How long each load lasts, and for how long before it does not count.
const LASTS: Duration = Duration::from_secs(10);
const WARM: Duration = Duration::from_secs(2);

/// How many charges are held against the account one by one.
const HELD_AGAINST: usize = 1_000;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        every_charge_that_is_answered_is_in_the_account_and_figures_are_told,
        count::pods_that_are_there_are_counted_and_figures_are_told,
    ])
}

async fn every_charge_that_is_answered_is_in_the_account_and_figures_are_told(
    cluster: &Cluster,
) -> Result<()> {
    let mut tollgate = Installation::install(cluster, 1, &[]).await?;
    let mut teams = Vec::new();
    for _ in 0..MANY {
        teams.push(Team::create(cluster).await?);
    }
    let [hot, ..] = teams.as_slice() else {
        return Ok(());
    };
    println!("{HEAD}");
    for count in [1, 3] {
        while tollgate.running().len() < count {
            tollgate.add().await?;
        }
        is_exact(&tollgate, hot).await?;
        for (budgets, together) in LOADS {
            let load = Load {
                replicas: replicas(&tollgate)?,
                teams: teams.get(..budgets).unwrap_or(&teams),
                together,
            };
            let row = measure(cluster, &load).await?;
            println!("| {count} | {budgets} | {together} | {row} |");
        }
    }
    Ok(())
}

const HEAD: &str = "| replicas | budgets | reviews at a time | charges /s | p50 ms | p99 ms | longest ms | writes /s | conflicts /s | a write ms | reads /s | charges a write | failed |\n\
                    |---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Charges many pods at once, and finds each that was let in among the reservations, and no other.
async fn is_exact(tollgate: &Installation, team: &Team<'_>) -> Result<()> {
    team.empty().await?;
    let load = Load {
        replicas: replicas(tollgate)?,
        teams: std::slice::from_ref(team),
        together: TOGETHER,
    };
    let Measured { mut charged, .. } = load.exactly(HELD_AGAINST).await?;
    let mut kept = team.reservations().await?;
    charged.sort_unstable();
    kept.sort_unstable();
    ensure!(
        charged.len() == HELD_AGAINST && charged == kept,
        "{} charges were answered, {} are in the account",
        charged.len(),
        kept.len()
    );
    Ok(())
}

/// Charges pods for some time, and gives the figures as cells of a table.
async fn measure(cluster: &Cluster, load: &Load<'_>) -> Result<String> {
    load.during(WARM).await?;
    let before = Writes::of(cluster).await?;
    let since = Instant::now();
    let measured = load.during(LASTS).await?;
    let seconds = since.elapsed().as_secs_f64();
    let writes = Writes::of(cluster).await?.since(&before);
    Ok(format!(
        "{} | {} | {}",
        measured.told(seconds),
        writes.told(seconds, measured.charged.len()),
        measured.failures()
    ))
}
