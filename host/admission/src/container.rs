//! A typed view of a container.

use serde_json::Value;

use tollgate_gpu::{ContainerClass, Quantity};

use crate::slot::ContainerSlot;
use crate::{ContainerId, EnvVar, Mount, PodView, Port, Probe, ResourceClaim, json};

/// A container of the object under review. Getters answer from the object as it is now.
#[derive(Clone, Copy)]
pub struct ContainerView<'a> {
    pub(crate) pod: PodView<'a>,
    pub(crate) index: u32,
    pub(crate) slot: &'a ContainerSlot,
    pub(crate) json: &'a Value,
}

impl<'a> ContainerView<'a> {
    /// Which container this is.
    pub fn id(&self) -> ContainerId {
        ContainerId {
            pod: self.pod.id(),
            index: self.index,
        }
    }

    /// The JSON pointer of the container, below its pod.
    pub fn path(&self) -> String {
        let spec = format!("{}/spec", self.pod.path());
        self.slot.path_below(&spec)
    }

    /// Where it stands in the review.
    pub(crate) fn address(&self) -> String {
        self.slot.path_below(&self.pod.slot.spec)
    }

    /// What it is within its pod.
    pub fn class(&self) -> ContainerClass {
        self.slot.class
    }

    /// The name.
    pub fn name(&self) -> &'a str {
        json::text(self.json, "name").unwrap_or_default()
    }

    /// The image.
    pub fn image(&self) -> Option<&'a str> {
        json::text(self.json, "image")
    }

    /// The image pull policy.
    pub fn image_pull_policy(&self) -> Option<&'a str> {
        json::text(self.json, "imagePullPolicy")
    }

    /// A resource request.
    pub fn request(&self, name: &str) -> Option<String> {
        json::scalar(self.resources("requests")?, name)
    }

    /// A resource limit.
    pub fn limit(&self, name: &str) -> Option<String> {
        json::scalar(self.resources("limits")?, name)
    }

    /// All resource requests.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.json
            .get("resources")
            .map_or_else(Vec::new, |resources| json::pairs(resources, "requests"))
    }

    /// All resource limits.
    pub fn limits(&self) -> Vec<(String, String)> {
        self.json
            .get("resources")
            .map_or_else(Vec::new, |resources| json::pairs(resources, "limits"))
    }

    /// What it asks for of each resource: the limit, else the request. What is no quantity is nothing.
    pub(crate) fn asked(&self) -> Vec<(ContainerClass, String, Quantity)> {
        let mut asked = self.limits();
        for (name, request) in self.requests() {
            if !asked.iter().any(|(there, _)| *there == name) {
                asked.push((name, request));
            }
        }
        let parse = |(name, text): (String, String)| {
            Some((self.class(), name, Quantity::parse(&text).ok()?))
        };
        asked.into_iter().filter_map(parse).collect()
    }

    fn resources(&self, which: &str) -> Option<&'a Value> {
        self.json.get("resources")?.get(which)
    }

    /// The claims on dynamically allocated devices that it uses.
    pub fn resource_claims(&self) -> Vec<ResourceClaim> {
        let claims = self
            .json
            .get("resources")
            .map_or(&[][..], |resources| json::list(resources, "claims"));
        claims.iter().map(ResourceClaim::read).collect()
    }

    /// The environment variable of a name: the last one, which is the one that counts.
    pub fn env(&self, name: &str) -> Option<EnvVar> {
        json::list(self.json, "env")
            .iter()
            .rev()
            .find(|var| json::text(var, "name") == Some(name))
            .map(EnvVar::read)
    }

    /// The environment variables whose names begin with a prefix.
    pub fn env_with_prefix(&self, prefix: &str) -> Vec<EnvVar> {
        let named =
            |var: &&Value| json::text(var, "name").is_some_and(|name| name.starts_with(prefix));
        json::list(self.json, "env")
            .iter()
            .filter(named)
            .map(EnvVar::read)
            .collect()
    }

    /// Whether variables come from config maps or secrets as a whole.
    pub fn has_env_from(&self) -> bool {
        !json::list(self.json, "envFrom").is_empty()
    }

    /// The command.
    pub fn command(&self) -> Vec<String> {
        json::texts(self.json, "command")
    }

    /// The arguments.
    pub fn args(&self) -> Vec<String> {
        json::texts(self.json, "args")
    }

    /// The ports.
    pub fn ports(&self) -> Vec<Port> {
        json::list(self.json, "ports")
            .iter()
            .map(Port::read)
            .collect()
    }

    /// The mounts.
    pub fn mounts(&self) -> Vec<Mount> {
        json::list(self.json, "volumeMounts")
            .iter()
            .map(Mount::read)
            .collect()
    }

    /// A probe: `liveness`, `readiness` or `startup`.
    pub fn probe(&self, name: &str) -> Option<Probe> {
        json::object(self.json, &format!("{name}Probe"))?;
        self.json.get(format!("{name}Probe")).map(Probe::read)
    }

    /// Whether it is privileged.
    pub fn privileged(&self) -> bool {
        self.security()
            .is_some_and(|security| json::flag(security, "privileged"))
    }

    /// The capabilities that it adds.
    pub fn capabilities(&self) -> Vec<String> {
        let capabilities = self
            .security()
            .and_then(|security| security.get("capabilities"));
        capabilities.map_or_else(Vec::new, |capabilities| json::texts(capabilities, "add"))
    }

    /// The user id that it runs as.
    pub fn run_as_user(&self) -> Option<i32> {
        let own = self
            .security()
            .and_then(|security| json::integer(security, "runAsUser"));
        own.or_else(|| json::integer(self.pod.spec()?.get("securityContext")?, "runAsUser"))
    }

    fn security(&self) -> Option<&'a Value> {
        self.json.get("securityContext")
    }
}
