//! Which replica leads: a Lease that one of them holds.
//!
//! No two lead at once, whatever their clocks say. A replica takes another's Lease only after it has itself watched
//! it go without a change for its whole duration, on its own monotonic clock; and it calls itself the leader only
//! for a time that ends earlier than that, counted from before its last renewal was sent. Libraries for this
//! compare the time that is written in the Lease with the local clock, which lets a replica whose clock is ahead
//! take it too early.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use crate::clock::{Clock, written as written_at};
use crate::registration::NAME;

/// How long leadership lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// How long others leave a Lease alone that does not change.
    pub lease: Duration,
    /// How long the holder leads after it began its last renewal; less than the above.
    pub lead: Duration,
    /// How often it is renewed or tried.
    pub retry: Duration,
}

impl Default for Tenure {
    fn default() -> Self {
        Self {
            // After a crash another leads within ten seconds.
            lease: Duration::from_secs(8),
            lead: Duration::from_secs(6),
            retry: Duration::from_secs(1),
        }
    }
}

/// What is written in a Lease, as far as it matters. Times in it are compared for equality only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty for nobody.
    pub holder: String,
    /// When it says that it was renewed.
    pub renewed: Option<MicroTime>,
    /// How long it says that it lasts.
    pub lasts: Duration,
}

/// A replica's view of the election.
#[derive(Clone, Debug)]
pub struct Election {
    identity: String,
    tenure: Tenure,
    seen: Option<(Record, Instant)>,
    leads_until: Option<Instant>,
    clock: Clock,
}

impl Election {
    /// Nothing is seen yet, and nobody leads.
    pub fn new(identity: String, tenure: Tenure) -> Self {
        Self {
            identity,
            tenure,
            seen: None,
            leads_until: None,
            clock: Clock::default(),
        }
    }

    /// The clock of the API server, which whoever leads hears whenever the Lease is renewed.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Takes note of the Lease as it is now, and tells whether to write our name into it.
    pub fn may_take(&mut self, found: Option<Record>, now: Instant) -> bool {
        let Some(found) = found else {
            self.seen = None;
            return true;
        };
        let since = match &self.seen {
            Some((seen, since)) if *seen == found => *since,
            _ => now,
        };
        let ours = found.holder.is_empty() || found.holder == self.identity;
        let lapsed = now.duration_since(since) > found.lasts.max(self.tenure.lease);
        self.seen = Some((found, since));
        ours || lapsed
    }

    /// Takes note that a write with our name, begun at a time, was accepted.
    pub fn taken(&mut self, begun: Instant) {
        self.leads_until = Some(begun + self.tenure.lead);
    }

    /// Takes note that we hold it no more.
    pub fn lost(&mut self) {
        self.leads_until = None;
    }

    /// Until when we lead; nothing where we do not.
    pub fn leads_until(&self, now: Instant) -> Option<Instant> {
        self.leads_until.filter(|until| *until > now)
    }
}

/// Takes part in the election until `shutdown` ends, and then gives the Lease up. `leads` tells whether we lead.
pub async fn take_part(
    client: Client,
    namespace: String,
    mut election: Election,
    leads: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) {
    let leases: Api<Lease> = Api::namespaced(client, &namespace);
    tokio::select! {
        () = shutdown => {}
        () = campaign(&leases, &mut election, &leads) => {}
    }
    if leads.send_replace(false) {
        give_up(&leases, &election).await;
    }
}

/// Never ends.
async fn campaign(leases: &Api<Lease>, election: &mut Election, leads: &watch::Sender<bool>) {
    loop {
        let now = Instant::now();
        // A renewal that hangs must not keep us in office, and an attempt that hangs not out of it.
        let until = election
            .leads_until(now)
            .unwrap_or(now + election.tenure.lead);
        let attempt = attempt(leases, election);
        let outcome = timeout_at(until, attempt).await.unwrap_or(Ok(()));
        if let Err(err) = outcome {
            warn!(%err, "the lease of the leader cannot be read or written");
        }
        announce(election, leads);
        let retry = Instant::now() + election.tenure.retry;
        if let Some(until) = election
            .leads_until(Instant::now())
            .filter(|until| *until < retry)
        {
            tokio::time::sleep_until(until).await;
            announce(election, leads);
        }
        sleep(retry.saturating_duration_since(Instant::now())).await;
    }
}

fn announce(election: &Election, leads: &watch::Sender<bool>) {
    let now_leads = election.leads_until(Instant::now()).is_some();
    leads.send_if_modified(|before| {
        let changes = *before != now_leads;
        *before = now_leads;
        if changes {
            info!(
                leads = now_leads,
                identity = election.identity,
                "leadership changed"
            );
        }
        changes
    });
}

/// Reads the Lease and writes our name into it, if we may.
async fn attempt(leases: &Api<Lease>, election: &mut Election) -> Result<(), kube::Error> {
    let begun = Instant::now();
    let found = leases.get_opt(NAME).await?;
    if !election.may_take(found.as_ref().map(Record::of), Instant::now()) {
        election.lost();
        return Ok(());
    }
    let written = write(leases, found, &election.identity, election.tenure.lease).await;
    match written {
        Ok(lease) => {
            election.taken(begun);
            if let Some(time) = written_at(&lease.metadata) {
                election.clock.tell(time, Instant::now().into_std());
            }
        }
        Err(kube::Error::Api(status)) if status.code == 409 => election.lost(),
        Err(err) => return Err(err),
    }
    Ok(())
}

async fn write(
    leases: &Api<Lease>,
    found: Option<Lease>,
    holder: &str,
    lasts: Duration,
) -> Result<Lease, kube::Error> {
    let now = MicroTime(Timestamp::now());
    let exists = found.is_some();
    let mut lease = found.unwrap_or_else(|| Lease {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    });
    let before = lease.spec.take().unwrap_or_default();
    let changes = before.holder_identity.as_deref() != Some(holder);
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
        renew_time: Some(now.clone()),
        acquire_time: if changes {
            Some(now)
        } else {
            before.acquire_time
        },
        lease_transitions: Some(before.lease_transitions.unwrap_or_default() + i32::from(changes)),
        ..before
    });
    let params = PostParams::default();
    match exists {
        // The resourceVersion that was read goes with it: of two who write, one is told of a conflict.
        true => leases.replace(NAME, &params, &lease).await,
        false => leases.create(&params, &lease).await,
    }
}

/// Leaves the Lease to whoever asks first.
async fn give_up(leases: &Api<Lease>, election: &Election) {
    let given = async {
        let found = leases.get(NAME).await?;
        match Record::of(&found).holder == election.identity {
            true => write(leases, Some(found), "", Duration::from_secs(1))
                .await
                .map(drop),
            false => Ok(()),
        }
    };
    if let Err(err) = given.await {
        warn!(%err, "the lease of the leader could not be given up; it lapses");
    }
}

impl Record {
    fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            renewed: spec.renew_time,
            lasts: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn election(name: &str) -> Election {
        Election::new(name.to_owned(), Tenure::default())
    }

    fn record(holder: &str, renewed: i64) -> Record {
        Record {
            holder: holder.to_owned(),
            renewed: Timestamp::from_second(renewed).ok().map(MicroTime),
            lasts: Tenure::default().lease,
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn takes_what_nobody_holds() {
        let now = Instant::now();
        assert!(election("a").may_take(None, now));
        assert!(election("a").may_take(Some(record("", 0)), now));
        assert!(election("a").may_take(Some(record("a", 0)), now));
    }

    #[test]
    fn takes_anothers_only_after_watching_it_for_its_duration() {
        let (mut election, start) = (election("a"), Instant::now());
        // The time that is written in it is long past, which says nothing: clocks differ.
        assert!(!election.may_take(Some(record("b", 0)), start));
        assert!(!election.may_take(Some(record("b", 0)), start + 8 * SECOND));
        assert!(election.may_take(Some(record("b", 0)), start + 9 * SECOND));
    }

    #[test]
    fn every_change_starts_the_watch_anew() {
        let (mut election, start) = (election("a"), Instant::now());
        assert!(!election.may_take(Some(record("b", 0)), start));
        assert!(!election.may_take(Some(record("b", 1)), start + 7 * SECOND));
        assert!(!election.may_take(Some(record("b", 1)), start + 12 * SECOND));
        assert!(election.may_take(Some(record("b", 1)), start + 16 * SECOND));
    }

    #[test]
    fn leads_for_a_time_that_is_over_before_another_may_take_it() {
        let (mut holder, mut other, start) = (election("a"), election("b"), Instant::now());
        holder.taken(start);
        // The other saw the renewal at the earliest moment: when it was sent.
        assert!(!other.may_take(Some(record("a", 1)), start));
        for second in 0..40 {
            let now = start + second * SECOND;
            let leads = holder.leads_until(now).is_some();
            let taken = other.clone().may_take(Some(record("a", 1)), now);
            assert!(!(leads && taken), "second {second}");
        }
        assert!(holder.leads_until(start + 5 * SECOND).is_some());
        assert!(holder.leads_until(start + 6 * SECOND).is_none());
    }

    #[test]
    fn leads_no_more_when_it_was_lost() {
        let (mut election, now) = (election("a"), Instant::now());
        election.taken(now);
        election.lost();
        assert_eq!(election.leads_until(now), None);
    }
}
