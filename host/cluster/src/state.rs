//! Keeps what is known of the cluster up to date, while a policy in force may ask for it.
//!
//! Reviews read the snapshot that is there and never wait for the API server. Kinds that a cluster does not serve, or
//! that the role may not read, are left out: rules that need them are quiet. Nobody's readiness waits for any of this.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::api::DynamicObject;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tollgate_catalog::Context;
use tollgate_context::{Builder, Snapshot};

use crate::inventory::typed;
use crate::watch::{Change, follow_while_served};

mod watched;
pub(crate) use watched::{
    BACKENDS, CONFIG_MAP, Extent, KINDS, Served, Watched, is_optional, served,
};

/// How long to wait for further changes before a snapshot is made of one.
const PACE: Duration = Duration::from_millis(200);

/// How often to ask which kinds are served. Tests do not wait so long.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 10_000 });

/// How long to wait before a kind is asked for again that was refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

struct Shared {
    objects: Mutex<Builder>,
    news: Notify,
}

/// Replaces the snapshot of `context` whenever the cluster says something else, for as long as `is_asked`. Else nothing is
/// watched, and nothing known.
pub(crate) async fn follow(
    client: Client,
    context: Context,
    mut is_asked: watch::Receiver<bool>,
) -> Infallible {
    loop {
        // Whoever asks lives as long as this: an end of the channel is the end of all.
        if is_asked.wait_for(|asked| *asked).await.is_err() {
            pending::<()>().await;
        }
        tokio::select! {
            never = follow_all(&client, &context) => match never {},
            _ = is_asked.wait_for(|asked| !*asked) => {}
        }
        context.store(Snapshot::default());
    }
}

async fn follow_all(client: &Client, context: &Context) -> Infallible {
    let shared = Arc::new(Shared {
        objects: Mutex::new(Builder::sparing()),
        news: Notify::new(),
    });
    let (tell_served, is_served) = watch::channel(Served::new());
    let (name_config, config) = watch::channel(None);
    let mut tasks = JoinSet::new();
    tasks.spawn(look(client.clone(), tell_served));
    for watched in &KINDS {
        let (client, shared) = (client.clone(), Arc::clone(&shared));
        tasks.spawn(follow_kind(client, watched, is_served.clone(), shared));
    }
    tasks.spawn(follow_config(client.clone(), config, Arc::clone(&shared)));
    loop {
        shared.news.notified().await;
        let started = Instant::now();
        let snapshot = shared.objects().build();
        let named = snapshot.plugin_config().map(str::to_owned);
        name_config.send_if_modified(|name| std::mem::replace(name, named.clone()) != named);
        context.store(snapshot);
        // However much there is, no more than a tenth of the time is spent on this.
        sleep(PACE.max(started.elapsed() * 9)).await;
    }
}

/// Tells which kinds are served: definitions come and go.
async fn look(client: Client, tell: watch::Sender<Served>) {
    loop {
        match served(&client).await {
            Ok(served) => {
                tell.send_if_modified(|told| std::mem::replace(told, served.clone()) != served);
            }
            Err(err) => tracing::debug!(%err, "the API server does not say which kinds there are"),
        }
        sleep(LOOK).await;
    }
}

/// Follows the objects of a kind whenever one of its versions is served.
async fn follow_kind(
    client: Client,
    watched: &'static Watched,
    mut is_served: watch::Receiver<Served>,
    shared: Arc<Shared>,
) {
    while let Some(version) = until_served(watched, &mut is_served).await {
        let api = watched.api(&client, version);
        let note = |change| shared.note(watched, version, change);
        follow_while_served(watched.kind, &api, &watched.which(""), note).await;
        shared.forget(watched);
        tracing::debug!(
            "{} is not watched: it is not served, or may not be read",
            watched.name()
        );
        // Something that is served anew may be this.
        let _news = timeout(REFUSED_PAUSE, is_served.changed()).await;
    }
}

/// The version in which a kind is served, once it is; nothing when nobody tells any more.
async fn until_served(
    watched: &Watched,
    is_served: &mut watch::Receiver<Served>,
) -> Option<&'static str> {
    let served = is_served.wait_for(|served| watched.version(served).is_some());
    watched.version(&*served.await.ok()?)
}

/// Follows the config map that says how the device plugin shares GPUs, by the name that the operator's policy gives it.
async fn follow_config(
    client: Client,
    mut config: watch::Receiver<Option<String>>,
    shared: Arc<Shared>,
) {
    loop {
        let name = config.borrow_and_update().clone();
        let following = async {
            let Some(name) = name else {
                return pending().await;
            };
            let (api, which) = (CONFIG_MAP.api(&client, "v1"), CONFIG_MAP.which(&name));
            loop {
                let note = |change| shared.note(&CONFIG_MAP, "v1", change);
                follow_while_served("the config map of the device plugin", &api, &which, note)
                    .await;
                tracing::debug!(name, "the config map of the device plugin may not be read");
                sleep(REFUSED_PAUSE).await;
            }
        };
        tokio::select! {
            () = following => {}
            changed = config.changed() => if changed.is_err() { return },
        }
        shared.forget(&CONFIG_MAP);
    }
}

impl Shared {
    fn objects(&self) -> MutexGuard<'_, Builder> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, watched: &Watched, version: &str, change: Change<DynamicObject>) {
        let resource = watched.resource(version);
        let read = |object: DynamicObject| typed(&resource, object);
        match change {
            Change::Listed(all) => {
                let all: Vec<Value> = all.into_iter().map(read).collect();
                self.change(|objects| take_in_all(objects, watched, all));
            }
            Change::Applied(object) => {
                let object = read(object);
                self.change(|objects| objects.insert(object));
            }
            Change::Deleted(object) => {
                let object = read(object);
                self.change(|objects| objects.remove(&object));
            }
        }
    }

    fn forget(&self, watched: &Watched) {
        self.change(|objects| objects.forget(&watched.name()));
    }

    fn change(&self, change: impl FnOnce(&mut Builder)) {
        let mut objects = self.objects();
        let before = objects.changes();
        change(&mut objects);
        let is_news = objects.changes() != before;
        drop(objects);
        if is_news {
            self.news.notify_one();
        }
    }
}

/// Takes in the whole list of what is watched of a kind.
pub(crate) fn take_in_all(objects: &mut Builder, watched: &Watched, all: Vec<Value>) {
    let name = watched.name();
    objects.replace(&name, all);
    match watched.extent {
        Extent::All => objects.complete(&name),
        Extent::Placed => objects.show_schedulers(),
        Extent::Named => {}
    }
}

#[cfg(test)]
mod tests;
