//! Parts of a pod by value, as the contract's records of the same names have them.

use serde_json::{Map, Value};

use crate::json;

/// A toleration of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toleration {
    /// The taint key; `None` with `Exists` tolerates every taint.
    pub key: Option<String>,
    /// `Exists`, `Equal` or a newer operator.
    pub operator: String,
    /// The value that `Equal` compares with.
    pub value: Option<String>,
    /// The effect; `None` matches every one.
    pub effect: Option<String>,
    /// How long a `NoExecute` taint is tolerated, in seconds.
    pub seconds: Option<i32>,
}

impl Toleration {
    pub(crate) fn read(value: &Value) -> Self {
        let text = |field| {
            json::text(value, field)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Self {
            key: text("key"),
            operator: text("operator").unwrap_or_else(|| "Equal".to_owned()),
            value: text("value"),
            effect: text("effect"),
            seconds: json::integer(value, "tolerationSeconds"),
        }
    }

    pub(crate) fn write(&self) -> Value {
        let mut map = Map::new();
        let mut put = |field: &str, text: &Option<String>| {
            if let Some(text) = text {
                map.insert(field.to_owned(), text.as_str().into());
            }
        };
        put("key", &self.key);
        put("operator", &Some(self.operator.clone()));
        put("value", &self.value);
        put("effect", &self.effect);
        if let Some(seconds) = self.seconds {
            map.insert("tolerationSeconds".to_owned(), seconds.into());
        }
        Value::Object(map)
    }
}

/// One expression of the node affinity over a node label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTerm {
    /// The index of the term that holds it; terms are alternatives.
    pub term: u32,
    /// The label key.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    pub operator: String,
    /// The values.
    pub values: Vec<String>,
    /// Whether the scheduler must honour it.
    pub required: bool,
}

/// The source of a volume as far as edits care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// An `emptyDir`.
    EmptyDir,
    /// A `hostPath`.
    HostPath,
    /// Anything else.
    Other,
}

/// A volume of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// The name.
    pub name: String,
    /// The name of the source's field.
    pub source: String,
    /// The medium of an `emptyDir`.
    pub medium: Option<String>,
    /// The size limit of an `emptyDir`.
    pub size_limit: Option<String>,
    /// The path of a `hostPath`.
    pub host_path: Option<String>,
    /// The claim of a `persistentVolumeClaim`.
    pub claim: Option<String>,
}

impl Volume {
    pub(crate) fn read(value: &Value) -> Self {
        let source = value
            .as_object()
            .into_iter()
            .flatten()
            .find(|(field, source)| *field != "name" && !source.is_null());
        let of = |kind: &str, field| {
            let (found, source) = source?;
            (found == kind)
                .then(|| json::scalar(source, field))
                .flatten()
                .filter(|text| !text.is_empty())
        };
        Self {
            name: json::text(value, "name").unwrap_or_default().to_owned(),
            // A volume without a source is an emptyDir by the API's default.
            source: source.map_or("emptyDir", |(field, _)| field).to_owned(),
            medium: of("emptyDir", "medium"),
            size_limit: of("emptyDir", "sizeLimit"),
            host_path: of("hostPath", "path"),
            claim: of("persistentVolumeClaim", "claimName"),
        }
    }

    /// The source as far as edits care.
    pub fn kind(&self) -> VolumeSource {
        match self.source.as_str() {
            "emptyDir" => VolumeSource::EmptyDir,
            "hostPath" => VolumeSource::HostPath,
            _ => VolumeSource::Other,
        }
    }
}

/// A mount of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// The volume's name.
    pub name: String,
    /// The path in the container.
    pub mount_path: String,
    /// The path in the volume.
    pub sub_path: Option<String>,
    /// Whether it is read-only.
    pub read_only: bool,
}

impl Mount {
    pub(crate) fn read(value: &Value) -> Self {
        let text = |field| json::text(value, field).map(str::to_owned);
        Self {
            name: text("name").unwrap_or_default(),
            mount_path: text("mountPath").unwrap_or_default(),
            sub_path: text("subPath").or_else(|| text("subPathExpr")),
            read_only: json::flag(value, "readOnly"),
        }
    }
}

/// An environment variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvVar {
    /// The name.
    pub name: String,
    /// The literal value.
    pub value: Option<String>,
    /// The field of `valueFrom` that it comes from.
    pub value_from: Option<String>,
}

impl EnvVar {
    pub(crate) fn read(value: &Value) -> Self {
        let value_from = json::object(value, "valueFrom")
            .and_then(|from| from.keys().next())
            .cloned();
        Self {
            name: json::text(value, "name").unwrap_or_default().to_owned(),
            // A variable with neither is the empty string.
            value: json::scalar(value, "value").or_else(|| value_from.is_none().then(String::new)),
            value_from,
        }
    }
}

/// A port of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The port's name.
    pub name: Option<String>,
    /// The number.
    pub number: u32,
    /// The protocol.
    pub protocol: String,
}

impl Port {
    pub(crate) fn read(value: &Value) -> Self {
        Self {
            name: json::text(value, "name").map(str::to_owned),
            number: json::integer(value, "containerPort").unwrap_or_default(),
            protocol: json::text(value, "protocol").unwrap_or("TCP").to_owned(),
        }
    }
}

/// A probe, with the API's defaults where the manifest gives no number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// `httpGet`, `exec`, `tcpSocket` or `grpc`.
    pub handler: String,
    /// The path of an `httpGet`.
    pub path: Option<String>,
    /// The port, by number or name.
    pub port: Option<String>,
    /// Seconds before the first probe.
    pub initial_delay: u32,
    /// Seconds between probes.
    pub period: u32,
    /// Seconds until a probe times out.
    pub timeout: u32,
    /// Failures in a row that count as failed.
    pub failures: u32,
}

/// The handlers that a probe can have.
const HANDLERS: [&str; 4] = ["httpGet", "exec", "tcpSocket", "grpc"];

impl Probe {
    pub(crate) fn read(value: &Value) -> Self {
        let handler = HANDLERS
            .into_iter()
            .find(|handler| value.get(handler).is_some_and(|found| !found.is_null()));
        let of = |field| {
            value
                .get(handler?)
                .and_then(|found| json::scalar(found, field))
        };
        let seconds = |field, default| {
            json::integer(value, field)
                .filter(|n| *n > 0)
                .unwrap_or(default)
        };
        Self {
            handler: handler.unwrap_or_default().to_owned(),
            path: of("path"),
            port: of("port"),
            initial_delay: seconds("initialDelaySeconds", 0),
            period: seconds("periodSeconds", 10),
            timeout: seconds("timeoutSeconds", 1),
            failures: seconds("failureThreshold", 3),
        }
    }

    pub(crate) fn write(&self) -> Value {
        let port = self.port.as_deref().map(|port| {
            port.parse::<u16>()
                .map_or_else(|_| Value::from(port), Value::from)
        });
        let mut target = Map::new();
        if let Some(path) = &self.path {
            target.insert("path".to_owned(), path.as_str().into());
        }
        if let Some(port) = port {
            target.insert("port".to_owned(), port);
        }
        serde_json::json!({
            self.handler.as_str(): target,
            "initialDelaySeconds": self.initial_delay,
            "periodSeconds": self.period,
            "timeoutSeconds": self.timeout,
            "failureThreshold": self.failures,
        })
    }
}

/// A claim on dynamically allocated devices, of a pod or of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceClaim {
    /// The name by which containers refer to it.
    pub name: String,
    /// The name of the ResourceClaim.
    pub claim: Option<String>,
    /// The name of the ResourceClaimTemplate.
    pub template: Option<String>,
    /// The request within the claim.
    pub request: Option<String>,
}

impl ResourceClaim {
    pub(crate) fn read(value: &Value) -> Self {
        let text = |field| json::text(value, field).map(str::to_owned);
        Self {
            name: text("name").unwrap_or_default(),
            claim: text("resourceClaimName"),
            template: text("resourceClaimTemplateName"),
            request: text("request"),
        }
    }
}
