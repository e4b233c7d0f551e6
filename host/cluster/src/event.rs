//! Events on configuration objects.

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
    api: Api<Event>,
    replica: String,
}

impl Events {
    pub(crate) fn new(client: Client, replica: &str) -> Self {
        Self {
            api: Api::namespaced(client, NAMESPACE),
            replica: replica.to_owned(),
        }
    }

    /// Writes that something has happened to an object. An event that cannot be written is logged and no more.
    pub(crate) async fn write(&self, key: &Key, uid: &str, happening: &Happening) {
        let event = self.event(key, uid, happening, Timestamp::now());
        if let Err(err) = self.api.create(&PostParams::default(), &event).await {
            tracing::warn!(%err, object = %key, "an event could not be written");
        }
    }

    fn event(&self, key: &Key, uid: &str, happening: &Happening, now: Timestamp) -> Event {
        let Happening {
            is_warning,
            reason,
            message,
        } = happening;
        let note = message.get(..message.floor_char_boundary(NOTE_MAX));
        let kind = if *is_warning { "Warning" } else { "Normal" };
        Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", key.name)),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.replica.clone()),
            action: Some("Configure".to_owned()),
            reason: Some((*reason).to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(VERSION.to_owned()),
                kind: Some(key.kind.to_owned()),
                name: Some(key.name.clone()),
                uid: Some(uid.to_owned()),
                ..ObjectReference::default()
            }),
            note: note.map(str::to_owned),
            type_: Some(kind.to_owned()),
            ..Event::default()
        }
    }
}
