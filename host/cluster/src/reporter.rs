//! Writes statuses and events, away from everything that must not wait for the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tollgate_catalog::document::VERSION;

use crate::event::Events;
use crate::ledger::Key;
use crate::status::{self, Own, Status};

/// An object, and what this replica knows of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tracked {
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) resource_version: String,
    /// The status as the API server has it.
    pub(crate) status: Status,
    pub(crate) own: Own,
}

/// All objects that are reported on.
pub(crate) type Board = BTreeMap<Key, Tracked>;

/// How long to leave an object alone after a write, and after one that failed.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How often to look for what was left alone.
const LOOK: Duration = Duration::from_millis(500);

/// How long to try to take this replica's entries away when it leaves.
const FAREWELL: Duration = Duration::from_secs(2);

/// Who writes what all replicas write alike.
const SHARED_MANAGER: &str = "tollgate";

/// Writes what a board says that the API server does not have yet.
pub(crate) struct Reporter {
    client: Client,
    replica: String,
    events: Events,
    board: watch::Receiver<Board>,
    memories: BTreeMap<Key, Memory>,
}

/// What was written last of an object.
struct Memory {
    not_before: Instant,
    /// The version of the board's object that was written upon. As long as the board has no other one, what the API
    /// server answered is newer.
    upon: String,
    answered: Option<(String, Status)>,
}

/// Which object is written upon: another one of the same name is not, nor another version where one is given.
struct On<'a> {
    uid: &'a str,
    version: Option<&'a str>,
}

impl<'a> On<'a> {
    fn any(uid: &'a str) -> Self {
        Self { uid, version: None }
    }
}

impl Reporter {
    pub(crate) fn new(client: Client, replica: &str, board: watch::Receiver<Board>) -> Self {
        Self {
            events: Events::new(client.clone(), replica),
            client,
            replica: replica.to_owned(),
            board,
            memories: BTreeMap::new(),
        }
    }

    /// Writes until nobody keeps the board any more, then takes the entries of this replica away.
    pub(crate) async fn run(mut self) {
        loop {
            let board = self.board.borrow_and_update().clone();
            self.memories.retain(|key, _| board.contains_key(key));
            for (key, tracked) in &board {
                self.report(key, tracked).await;
            }
            if let Ok(Err(_closed)) = timeout(LOOK, self.board.changed()).await {
                break;
            }
        }
        let _left_in_time = timeout(FAREWELL, self.leave()).await;
    }

    async fn report(&mut self, key: &Key, tracked: &Tracked) {
        let now = Instant::now();
        let memory = self.memories.get(key);
        if memory.is_some_and(|memory| memory.not_before > now) {
            return;
        }
        let known = memory
            .filter(|memory| memory.upon == tracked.resource_version)
            .and_then(|memory| memory.answered.clone());
        let known =
            known.unwrap_or_else(|| (tracked.resource_version.clone(), tracked.status.clone()));
        let before = known.clone();
        let (answered, pause) = match self.write(key, tracked, known).await {
            Ok(answered) if answered == before => return,
            Ok(answered) => (Some(answered), PAUSE),
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => {
                tracing::debug!(object = %key, "somebody else has written first");
                (None, PAUSE)
            }
            Err(err) => {
                tracing::warn!(%err, object = %key, "the status could not be written");
                (None, PAUSE_AFTER_FAILURE)
            }
        };
        let memory = Memory {
            not_before: now + pause,
            upon: tracked.resource_version.clone(),
            answered,
        };
        self.memories.insert(key.clone(), memory);
    }

    /// Writes what is new, and returns the object's version and status afterwards.
    async fn write(
        &self,
        key: &Key,
        tracked: &Tracked,
        known: (String, Status),
    ) -> kube::Result<(String, Status)> {
        let Tracked {
            uid,
            generation,
            own,
            ..
        } = tracked;
        let now = now();
        let (mut version, mut written) = known;
        let entry = status::entry(own, &written, now);
        if !written.replicas.contains(&entry) {
            let patch = json!({"replicas": [entry]});
            (version, written) = self
                .apply(key, &self.manager(&self.replica), On::any(uid), patch)
                .await?;
        }
        for name in status::left_behind(&entry, &written.clone(), now) {
            (version, written) = self
                .apply(key, &self.manager(name), On::any(uid), json!({}))
                .await?;
        }
        let shared = status::shared(own, *generation, &written.clone().with(entry), now);
        if shared != status::shared_part(&written) {
            let mut patch = serde_json::to_value(&shared).map_err(kube::Error::SerdeError)?;
            if let Some(fields) = patch.as_object_mut() {
                fields.remove("replicas");
            }
            let before = written;
            let on = On {
                version: Some(&version),
                ..On::any(uid)
            };
            (version, written) = self.apply(key, SHARED_MANAGER, on, patch).await?;
            for happening in status::happenings(&before, &shared) {
                self.events.write(key, uid, &happening).await;
            }
        }
        Ok((version, written))
    }

    async fn apply(
        &self,
        key: &Key,
        manager: &str,
        on: On<'_>,
        status: Value,
    ) -> kube::Result<(String, Status)> {
        let Some(api) = api(&self.client, key.kind) else {
            return Ok(Default::default());
        };
        let On { uid, version } = on;
        let mut metadata = json!({"name": key.name, "uid": uid});
        if let (Some(version), Some(metadata)) = (version, metadata.as_object_mut()) {
            metadata.insert("resourceVersion".to_owned(), version.into());
        }
        let object = json!({"apiVersion": VERSION, "kind": key.kind, "metadata": metadata, "status": status});
        let params = PatchParams::apply(manager).force();
        let answer = api
            .patch_status(&key.name, &params, &Patch::Apply(&object))
            .await?;
        Ok((
            answer.resource_version().unwrap_or_default(),
            status_of(&answer),
        ))
    }

    /// Takes the entries of this replica away.
    async fn leave(&self) {
        let board = self.board.borrow().clone();
        for (key, tracked) in &board {
            let manager = self.manager(&self.replica);
            let left = self
                .apply(key, &manager, On::any(&tracked.uid), json!({}))
                .await;
            if let Err(err) = left {
                tracing::debug!(%err, object = %key, "this replica's entry stays");
            }
        }
    }

    fn manager(&self, replica: &str) -> String {
        let name = format!("{SHARED_MANAGER}-{replica}");
        // The API server takes no longer ones.
        name.get(..name.floor_char_boundary(128))
            .unwrap_or_default()
            .to_owned()
    }
}

/// Returns the API of a kind of configuration; nothing where there is no such kind.
pub(crate) fn api(client: &Client, kind: &str) -> Option<Api<DynamicObject>> {
    let (group, version) = VERSION.split_once('/')?;
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: VERSION.to_owned(),
        kind: kind.to_owned(),
        plural: crate::crd::plural(kind)?.to_owned(),
    };
    Some(Api::all_with(client.clone(), &resource))
}

/// The status that an object has; an empty one where somebody has written what is none.
pub(crate) fn status_of(object: &DynamicObject) -> Status {
    let status = object.data.get("status").cloned().unwrap_or_default();
    serde_json::from_value(status).unwrap_or_default()
}

/// The time in whole seconds, as statuses have it.
fn now() -> Timestamp {
    in_seconds(Timestamp::now())
}

/// A time without what is finer than a second.
pub(crate) fn in_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
