//! Events, which `kubectl describe` and `kubectl get events` show.

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
pub(crate) const NOTE_MAX: usize = 1024;

/// Writes events for one replica.
#[derive(Clone)]
pub(crate) struct Events {
    client: Client,
    replica: String,
}

/// The object that something has happened to, and what was being done.
struct About {
    regarding: ObjectReference,
    metadata: ObjectMeta,
    action: &'static str,
}

impl Events {
    pub(crate) fn new(client: Client, replica: &str) -> Self {
        Self {
            client,
            replica: replica.to_owned(),
        }
    }

    /// Writes that something has happened to an object of the configuration. An event that cannot be written is logged
    /// and no more.
    pub(crate) async fn write(&self, key: &Key, uid: &str, happening: &Happening) {
        let about = About {
            regarding: ObjectReference {
                api_version: Some(VERSION.to_owned()),
                kind: Some(key.kind.to_owned()),
                name: Some(key.name.clone()),
                uid: Some(uid.to_owned()),
                ..ObjectReference::default()
            },
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", key.name)),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            action: "Configure",
        };
        if let Err(err) = self.create(NAMESPACE, about, happening).await {
            tracing::warn!(%err, object = %key, "an event could not be written");
        }
    }

    /// Writes that something has happened to an object in a namespace, under a name that no other event has: whether it
    /// was not there yet.
    pub(crate) async fn write_once(
        &self,
        name: String,
        regarding: ObjectReference,
        happening: &Happening,
    ) -> kube::Result<bool> {
        let namespace = regarding.namespace.clone().unwrap_or_default();
        let about = About {
            regarding,
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            action: "Create",
        };
        match self.create(&namespace, about, happening).await {
            Ok(()) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(err) => Err(err),
        }
    }

    async fn create(
        &self,
        namespace: &str,
        about: About,
        happening: &Happening,
    ) -> kube::Result<()> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let event = self.event(about, happening, Timestamp::now());
        api.create(&PostParams::default(), &event).await.map(drop)
    }

    fn event(&self, about: About, happening: &Happening, now: Timestamp) -> Event {
        let About {
            regarding,
            metadata,
            action,
        } = about;
        let Happening {
            is_warning,
            reason,
            message,
        } = happening;
        let note = message.get(..message.floor_char_boundary(NOTE_MAX));
        let kind = if *is_warning { "Warning" } else { "Normal" };
        Event {
            metadata,
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
