//! Builders of pods and containers.

use serde_json::{Value, json};

use super::map;

/// Begins a pod named `test` with containers.
pub fn pod(containers: impl IntoIterator<Item = ContainerBuilder>) -> PodBuilder {
    let containers: Vec<_> = containers
        .into_iter()
        .map(|container| container.0)
        .collect();
    PodBuilder(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "test", "namespace": "default"},
        "spec": {"containers": containers},
    }))
}

/// Begins a container.
pub fn container(name: &str) -> ContainerBuilder {
    ContainerBuilder(json!({"name": name, "image": "registry.example/app:1"}))
}

/// A pod in the making.
#[derive(Clone, Debug)]
pub struct PodBuilder(Value);

impl PodBuilder {
    /// Sets a value at a JSON pointer, making the objects on the way.
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.0, pointer, value);
        self
    }

    /// Adds a volume, given with its name and source.
    pub fn volume(mut self, name: &str, source: &str, value: Value) -> Self {
        push(
            &mut self.0,
            "/spec/volumes",
            map([("name", name.into()), (source, value)]),
        );
        self
    }

    /// Adds a toleration, given as the manifest has it.
    pub fn toleration(mut self, toleration: Value) -> Self {
        push(&mut self.0, "/spec/tolerations", toleration);
        self
    }

    /// Adds an init container; one with restart policy `Always` is a sidecar.
    pub fn init(mut self, container: ContainerBuilder) -> Self {
        push(&mut self.0, "/spec/initContainers", container.0);
        self
    }

    /// Sets a label.
    pub fn label(self, key: &str, value: &str) -> Self {
        self.with(&format!("/metadata/labels/{}", escape(key)), value.into())
    }

    /// Sets an annotation.
    pub fn annotation(self, key: &str, value: &str) -> Self {
        self.with(
            &format!("/metadata/annotations/{}", escape(key)),
            value.into(),
        )
    }

    /// Sets a value of the node selector.
    pub fn node_selector(self, key: &str, value: &str) -> Self {
        self.with(&format!("/spec/nodeSelector/{}", escape(key)), value.into())
    }

    /// The pod as JSON.
    pub fn build(self) -> Value {
        self.0
    }

    /// The pod as the predictor of a KServe InferenceService named `test`, to which its controller adds.
    pub fn predictor(self) -> Value {
        json!({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "test", "namespace": "default"}, "spec": {"predictor": self.0.get("spec")}})
    }

    /// The pod as the template of a Deployment named `test`.
    pub fn deployment(self) -> Value {
        let template = json!({"metadata": self.0.get("metadata"), "spec": self.0.get("spec")});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "test", "namespace": "default"}, "spec": {"template": template}})
    }
}

/// A container in the making.
#[derive(Clone, Debug)]
pub struct ContainerBuilder(Value);

impl ContainerBuilder {
    /// Sets a value at a JSON pointer, making the objects on the way.
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.0, pointer, value);
        self
    }

    /// Sets a resource limit.
    pub fn limit(self, name: &str, quantity: &str) -> Self {
        self.with(
            &format!("/resources/limits/{}", escape(name)),
            quantity.into(),
        )
    }

    /// Sets a resource request.
    pub fn request(self, name: &str, quantity: &str) -> Self {
        self.with(
            &format!("/resources/requests/{}", escape(name)),
            quantity.into(),
        )
    }

    /// Sets the image.
    pub fn image(self, image: &str) -> Self {
        self.with("/image", image.into())
    }

    /// Sets the command.
    pub fn command(self, words: &[&str]) -> Self {
        self.with("/command", json!(words))
    }

    /// Sets the arguments.
    pub fn args(self, words: &[&str]) -> Self {
        self.with("/args", json!(words))
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        push(&mut self.0, "/env", json!({"name": name, "value": value}));
        self
    }

    /// Mounts a volume.
    pub fn mount(mut self, volume: &str, path: &str) -> Self {
        push(
            &mut self.0,
            "/volumeMounts",
            json!({"name": volume, "mountPath": path}),
        );
        self
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn set(root: &mut Value, pointer: &str, value: Value) {
    let mut at = root;
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        if at.is_null() {
            *at = json!({});
        }
        at = match (at, key.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items.get_mut(index).expect("an index of the list"),
            (at, _) => at
                .as_object_mut()
                .expect("an object on the way")
                .entry(key)
                .or_insert(Value::Null),
        };
    }
    *at = value;
}

fn push(root: &mut Value, pointer: &str, item: Value) {
    let mut items = root
        .pointer(pointer)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    items.push(item);
    set(root, pointer, items.into());
}
