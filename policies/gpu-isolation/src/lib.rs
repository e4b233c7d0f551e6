//! `gpu-isolation`: pods reach the accelerators that they were given, and no others.
//!
//! A device plugin gives out what was asked for, and everything else goes past it: the variables that a container
//! runtime obeys, privilege, the node's device files, its namespaces. Such a pod uses the devices of its neighbours, and
//! neither scheduler nor quota sees it. CNCF AI Conformance calls the opposite `secure_accelerator_access`.
//!
//! What the manifest does not show is not judged here: what a config map behind `envFrom` or a persistent volume holds, what a
//! claim asks for. The variable that an image sets by itself is closed by [`void-devices`](visible::VOID).
//! Operators' own namespaces are let off by the host, not by this policy.

use tollgate_sdk::gpu;
use tollgate_sdk::prelude::*;

mod asked;
use asked::Subject;

mod visible;

mod numbered;

mod rights;

mod node;

mod placing;

/// Settings of `gpu-isolation`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuIsolation {
    /// Paths of the node that pods may mount although they lead to devices or to what hands them out, with all below
    /// them, such as `/dev/infiniband`.
    allowed_host_paths: Vec<String>,
    /// The device classes that pods may ask for by an implicit resource name; left out, those by which the vendors'
    /// drivers offer devices to workloads, such as `gpu.nvidia.com`.
    device_classes: Option<Vec<String>>,
    /// Further runtime classes of this cluster that hand out devices by variables.
    runtime_classes: Vec<String>,
    /// Whether containers of pods without accelerators get `NVIDIA_VISIBLE_DEVICES=void` too.
    every_pod: bool,
}

impl Policy for GpuIsolation {
    const INFO: Info = Info::new(
        "gpu-isolation",
        "Refuses pods that reach accelerators past their request, and hides NVIDIA's GPUs from containers that ask for none.",
        &[
            visible::VISIBLE,
            visible::VOID,
            numbered::PICKED,
            numbered::IMPOSSIBLE,
            rights::PRIVILEGED,
            rights::DEBUG,
            rights::RIGHTS,
            node::HOST_DEVICES,
            node::NAMESPACES,
            placing::RUNTIME,
            placing::CLASS,
            placing::NODE_NAME,
        ],
    )
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        let relative = |path: &&String| !path.starts_with('/');
        match self.allowed_host_paths.iter().find(relative) {
            Some(path) => Err(format!(
                "allowedHostPaths: `{path}` must be absolute, such as `/dev/infiniband`"
            )),
            None => Ok(()),
        }
    }

    fn mutate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        // A container on its own asks, or has nothing to hide.
        let is_concerned = |pod: &&Pod| self.every_pod || pod.containers().len() > 1;
        pods.iter()
            .filter(is_concerned)
            .try_for_each(|pod| visible::hide(&Subject::read(pod, self), self.every_pod))
    }

    fn validate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            let subject = Subject::read(pod, self);
            visible::report(&subject);
            numbered::report(&subject);
            rights::report(&subject);
            node::report(&subject, &self.allowed_host_paths);
            placing::report(&subject, self, review);
        }
        Ok(())
    }
}

impl GpuIsolation {
    /// Whether the pod's runtime class hands out devices by variables.
    fn gives_devices(&self, pod: &Pod) -> bool {
        pod.runtime_class().is_some_and(|class| {
            gpu::gives_devices(&class) || self.runtime_classes.contains(&class)
        })
    }

    /// Whether pods may ask for a device class by its implicit name.
    fn is_allowed_class(&self, class: &str) -> bool {
        match &self.device_classes {
            Some(classes) => classes.iter().any(|allowed| allowed == class),
            None => gpu::WORKLOAD_CLASSES.contains(&class),
        }
    }
}

#[cfg(test)]
mod tests;
