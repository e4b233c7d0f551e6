//! Events on configuration objects, and on pods that a budget refuses.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tollgate_catalog::document::VERSION;

use crate::ledger::Key;
use crate::status::Happening;

/// What events name as their author.
const CONTROLLER: &str = "tollgate.dev/serve";

/// Where events on objects without a namespace are kept, by custom of Kubernetes.
const NAMESPACE: &str = "default";

/// The longest note that the API server takes, in bytes.
const NOTE_MAX: usize = 1024;

/// Writes events for one replica.
#[derive(Clone)]
pub(crate) struct Events {
    client: Client,
    replica: String,
}

/// Writes events on pods for one replica.
#[derive(Clone)]
pub struct PodEvents(Events);

/// Which pod an event is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl PodEvents {
    /// Nothing is asked of the API server yet.
    pub fn new(client: Client, replica: &str) -> Self {
        Self(Events::new(client, replica))
    }

    /// Writes that a pod is not changed as somebody wants it, since a budget has no room for that.
    pub async fn refused(&self, pod: &PodName, message: &str) {
        let PodName {
            namespace,
            name,
            uid,
        } = pod;
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(name.clone()),
            namespace: Some(namespace.clone()),
            uid: Some(uid.clone()),
            ..ObjectReference::default()
        };
        let happening = Happening {
            is_warning: true,
            reason: "BudgetRefused",
            message: message.to_owned(),
        };
        self.0.create("Charge", regarding, &happening).await;
    }
}

impl Events {
    pub(crate) fn new(client: Client, replica: &str) -> Self {
        Self {
            client,
            replica: replica.to_owned(),
        }
    }

    /// Writes that something has happened to an object. An event that cannot be written is logged and no more.
    pub(crate) async fn write(&self, key: &Key, uid: &str, happening: &Happening) {
        let regarding = ObjectReference {
            api_version: Some(VERSION.to_owned()),
            kind: Some(key.kind.to_owned()),
            name: Some(key.name.clone()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        };
        self.create("Configure", regarding, happening).await;
    }

    async fn create(&self, action: &str, regarding: ObjectReference, happening: &Happening) {
        let name = regarding.name.clone();
        let event = self.event(action, regarding, happening, Timestamp::now());
        let namespace = event.metadata.namespace.as_deref().unwrap_or(NAMESPACE);
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        if let Err(err) = events.create(&PostParams::default(), &event).await {
            tracing::warn!(%err, object = name, "an event could not be written");
        }
    }

    fn event(
        &self,
        action: &str,
        regarding: ObjectReference,
        happening: &Happening,
        now: Timestamp,
    ) -> Event {
        let Happening {
            is_warning,
            reason,
            message,
        } = happening;
        let note = message.get(..message.floor_char_boundary(NOTE_MAX));
        let kind = if *is_warning { "Warning" } else { "Normal" };
        Event {
            metadata: ObjectMeta {
                generate_name: regarding.name.as_ref().map(|name| format!("{name}-")),
                namespace: regarding
                    .namespace
                    .clone()
                    .or_else(|| Some(NAMESPACE.to_owned())),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.replica.clone()),
            action: Some(action.to_owned()),
            reason: Some((*reason).to_owned()),
            regarding: Some(regarding),
            note: note.map(str::to_owned),
            type_: Some(kind.to_owned()),
            ..Event::default()
        }
    }
}
