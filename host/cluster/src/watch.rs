//! Follows the objects of a resource: a full list first, then every change, for as long as the process lives.
//!
//! Written on the client's list and watch, since the client's own runtime would have the engine's compiler built
//! with other features; see docs/decisions/0008.

use std::convert::Infallible;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::api::{Resource, WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::pages::{Pages, Which};

/// How long one watch lasts, in seconds: the API server then ends it with a word. Whoever hears none is cut off by the
/// client, whose patience is a little longer.
pub(crate) const WATCH_SECONDS: u32 = 25;

/// How long to wait before all is listed anew; twice as long each further time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Short, so that all is right again within ten seconds of the end of a long outage.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// What became of the objects.
#[derive(Clone, Debug)]
pub(crate) enum Change<K> {
    /// These are all.
    Listed(Vec<K>),
    /// This one is new or has changed.
    Applied(K),
    /// This one is gone.
    Deleted(K),
}

/// Why a watch ended.
enum Ended {
    /// In peace; it goes on from this version.
    At(String),
    /// The API server no longer knows the version: all has to be listed anew.
    Expired,
}

/// Tells every change of the objects that `api` reaches. `what` is what the log calls them.
pub(crate) async fn follow<K>(
    what: &str,
    api: Api<K>,
    mut tell: impl FnMut(Change<K>),
) -> Infallible
where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    loop {
        follow_until(what, &api, &Which::All, &mut tell, |_| false).await;
    }
}

/// Tells every change of the object of this name.
pub(crate) async fn follow_one<K>(
    what: &str,
    name: &str,
    api: Api<K>,
    mut tell: impl FnMut(Change<K>),
) -> Infallible
where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    loop {
        follow_until(what, &api, &Which::named(name), &mut tell, |_| false).await;
    }
}

/// Tells every change of these objects until the cluster does not serve them, or the role may not read them.
pub(crate) async fn follow_while_served<K>(
    what: &str,
    api: &Api<K>,
    which: &Which,
    mut tell: impl FnMut(Change<K>),
) where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    follow_until(what, api, which, &mut tell, is_unserved).await;
}

/// Whether a cluster does not serve a resource, or the role may not read it.
pub(crate) fn is_unserved(err: &kube::Error) -> bool {
    matches!(err, kube::Error::Api(status) if matches!(status.code, 403 | 404))
}

/// Tells every change until an error ends it; after any other it begins anew.
async fn follow_until<K>(
    what: &str,
    api: &Api<K>,
    which: &Which,
    tell: &mut impl FnMut(Change<K>),
    ends: fn(&kube::Error) -> bool,
) where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let failure = match Pages::new(api.clone(), which).all_at_a_version().await {
            Ok((objects, version)) => {
                tell(Change::Listed(objects));
                let failure = watch(api, which, version, tell).await.err();
                if failure.is_none() {
                    tracing::info!("{what}: a version is no longer known; all is listed anew");
                }
                failure
            }
            Err(err) => Some(err),
        };
        if failure.as_ref().is_some_and(ends) {
            return;
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        if let Some(err) = failure {
            tracing::warn!(%err, retry_ms = pause.as_millis(), "cannot watch {what}{}", advice(&err));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What to do about it, where that is known.
fn advice(err: &kube::Error) -> &'static str {
    match err {
        kube::Error::Api(status) if status.code == 404 => {
            "; their definitions are missing: `tollgate crds | kubectl apply -f -`"
        }
        kube::Error::Api(status) if status.code == 403 => "; the role of Tollgate lacks rights",
        _ => "",
    }
}

/// Watches until the version that it began with is no longer known, or something fails.
async fn watch<K>(
    api: &Api<K>,
    which: &Which,
    mut version: String,
    tell: &mut impl FnMut(Change<K>),
) -> kube::Result<()>
where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    loop {
        match watch_once(api, which, version, tell).await? {
            Ended::At(newer) => version = newer,
            Ended::Expired => return Ok(()),
        }
    }
}

async fn watch_once<K>(
    api: &Api<K>,
    which: &Which,
    mut version: String,
    tell: &mut impl FnMut(Change<K>),
) -> kube::Result<Ended>
where
    K: Clone + Debug + DeserializeOwned + Resource,
{
    let mut params = WatchParams::default().timeout(WATCH_SECONDS);
    params.field_selector = which.selector();
    let mut events = pin!(api.watch(&params, &version).await?);
    while let Some(event) = events.next().await {
        match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                version = object.resource_version().unwrap_or(version);
                tell(Change::Applied(object));
            }
            WatchEvent::Deleted(object) => {
                version = object.resource_version().unwrap_or(version);
                tell(Change::Deleted(object));
            }
            WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) if status.code == 410 => return Ok(Ended::Expired),
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(Ended::At(version))
}
