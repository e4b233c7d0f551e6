//! Reviews of new pods, so many at a time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join_all, try_join};
use kube::{Client, Config};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tollgate_e2e::Installation;

use crate::team::Team;

/// How often the reservations of one of the budgets are emptied, in turn.
const EMPTIED_EVERY: Duration = Duration::from_millis(50);

/// The pods so far: no uid comes twice.
static PODS: AtomicU64 = AtomicU64::new(0);

/// Who asks for what.
pub(crate) struct Load<'a> {
    /// Reviews go to each in turn.
    pub(crate) replicas: Vec<Client>,
    /// And are of the pods of each in turn.
    pub(crate) teams: &'a [Team<'a>],
    /// How many are under way at the same time.
    pub(crate) together: usize,
}

/// What became of the reviews.
#[derive(Default)]
pub(crate) struct Measured {
    /// The pods that were let in.
    pub(crate) charged: Vec<String>,
    /// How long those took.
    times: Vec<Duration>,
    /// Why others were not, and how many.
    failed: BTreeMap<String, usize>,
}

/// A client for each replica. That the API server trusts them is shown elsewhere.
pub(crate) fn replicas(tollgate: &Installation) -> Result<Vec<Client>> {
    let replicas = tollgate.running().iter();
    replicas.map(|replica| client(replica.address())).collect()
}

fn client(address: SocketAddr) -> Result<Client> {
    let mut config = Config::new(format!("https://{address}/").parse()?);
    config.accept_invalid_certs = true;
    Ok(Client::try_from(config)?)
}

impl Load<'_> {
    /// Charges for some time, while the reservations are emptied.
    pub(crate) async fn during(&self, lasts: Duration) -> Result<Measured> {
        let until = Instant::now() + lasts;
        let charging = async { Ok(self.charge(|_| Instant::now() < until).await) };
        let (measured, ()) = try_join(charging, self.empty(until)).await?;
        Ok(measured)
    }

    /// Charges so many.
    pub(crate) async fn exactly(&self, count: usize) -> Result<Measured> {
        ensure!(
            count.is_multiple_of(self.together),
            "{count} are not shared equally"
        );
        let each = count / self.together;
        Ok(self.charge(|done| done < each).await)
    }

    async fn charge(&self, goes_on: impl Fn(usize) -> bool) -> Measured {
        let chargers = (0..self.together).map(async |_| {
            let mut measured = Measured::default();
            let mut done = 0;
            while goes_on(done) {
                self.charge_one(&mut measured).await;
                done += 1;
            }
            measured
        });
        let all = join_all(chargers).await;
        all.into_iter().fold(Measured::default(), Measured::and)
    }

    async fn charge_one(&self, measured: &mut Measured) {
        let number = PODS.fetch_add(1, Ordering::Relaxed);
        let uid = format!("00000000-0000-4000-8000-{number:012x}");
        let since = Instant::now();
        match self.ask(number, &uid).await {
            Ok(()) => {
                measured.times.push(since.elapsed());
                measured.charged.push(uid);
            }
            Err(err) => *measured.failed.entry(format!("{err:#}")).or_default() += 1,
        }
    }

    async fn ask(&self, number: u64, uid: &str) -> Result<()> {
        let replica = in_turn(&self.replicas, number).context("no replica")?;
        // The other way round, so that every replica gets pods of every team.
        let team = in_turn(self.teams, number / u64::try_from(self.replicas.len())?);
        let review = team.context("no team")?.review(uid);
        let request = http::Request::post("/validate?timeout=10s")
            .header("content-type", "application/json")
            .body(review)?;
        let answer = replica.request_text(request).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let response = answer.get("response").context("no response")?;
        let is_allowed = response.get("allowed").and_then(Value::as_bool);
        ensure!(is_allowed == Some(true), "denied: {response}");
        Ok(())
    }

    async fn empty(&self, until: Instant) -> Result<()> {
        let mut tick = interval(EMPTIED_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for team in self.teams.iter().cycle() {
            tokio::select! {
                _ = tick.tick() => team.empty().await?,
                () = sleep_until(until.into()) => break,
            }
        }
        Ok(())
    }
}

fn in_turn<T>(all: &[T], number: u64) -> Option<&T> {
    let count = u64::try_from(all.len()).ok()?;
    all.get(usize::try_from(number.checked_rem(count)?).ok()?)
}

impl Measured {
    fn and(mut self, other: Self) -> Self {
        self.charged.extend(other.charged);
        self.times.extend(other.times);
        for (why, count) in other.failed {
            *self.failed.entry(why).or_default() += count;
        }
        self
    }

    /// How many charges a second, and how long they took, as cells of a table.
    pub(crate) fn told(&self, seconds: f64) -> String {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |thousandth: usize| {
            let time = times.get((times.len() * thousandth / 1_000).min(times.len() - 1));
            time.map_or(0.0, Duration::as_secs_f64) * 1e3
        };
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = times.len() as f64 / seconds;
        let [p50, p99, longest] = [500, 990, 1_000].map(at);
        format!("{rate:.0} | {p50:.1} | {p99:.1} | {longest:.0}")
    }

    /// What failed, and how often.
    pub(crate) fn failures(&self) -> String {
        if self.failed.is_empty() {
            return "0".to_owned();
        }
        let failed = self.failed.iter();
        let told = failed.map(|(why, count)| format!("{count} × {why:.300}"));
        told.collect::<Vec<_>>().join("; ")
    }
}
