//! Where pods run and by what: runtime class, device class, node.

use tollgate_sdk::gpu;
use tollgate_sdk::prelude::*;

use crate::GpuIsolation;
use crate::asked::Subject;

pub(crate) const RUNTIME: Rule = Rule::deny(
    "gpu-runtime-class",
    "A pod that asks for no accelerator does not run under a vendor's runtime class: with CDI, GPU operator's default since 25.10, that is what makes the runtime obey the variables of containers and images.",
);
pub(crate) const CLASS: Rule = Rule::deny(
    "device-class",
    "The device class that a pod asks for by an implicit resource name (`deviceclass.resource.kubernetes.io/…`) is one for workloads: others give rights of administration, or devices that are kept for somebody.",
);
pub(crate) const NODE_NAME: Rule = Rule::deny(
    "node-name",
    "A pod with accelerators leaves the choice of the node to the scheduler: `nodeName` skips it, its gates and the extenders that share GPUs, and the kubelet fails the pod with `UnexpectedAdmissionError` where a device is taken.",
);

/// Refuses what goes past the scheduler or the device plugin.
pub(crate) fn report(subject: &Subject<'_>, settings: &GpuIsolation, review: &Review) {
    let asks = subject.asks();
    if !asks && subject.gives_devices {
        report_runtime(subject);
    }
    report_classes(subject, settings);
    if asks
        && let Some(node) = subject.pod.node_name()
        && !is_placed(subject.pod, review)
    {
        report_node(subject, &node);
    }
}

/// Whether a scheduler has placed the pod already: one that is dumped from a cluster, not one to be made, whose status
/// the API server empties.
fn is_placed(pod: &Pod, review: &Review) -> bool {
    pod.path().is_empty() && review.json("/status/startTime").is_some()
}

fn report_runtime(subject: &Subject<'_>) {
    let class = subject.pod.runtime_class().unwrap_or_default();
    RUNTIME
        .finding(
            format!("{}/spec/runtimeClassName", subject.pod.path()),
            format!("the pod runs under the runtime class `{class}` but asks for no accelerator: its images and variables would decide which devices it gets"),
        )
        .actual(class)
        .allowed("a vendor's runtime class beside a request for its devices")
        .fix("take `runtimeClassName` out, or ask for the devices in the limits of a container")
        .report();
}

fn report_classes(subject: &Subject<'_>, settings: &GpuIsolation) {
    for member in &subject.members {
        let strange = member.classes.iter();
        for class in strange.filter(|class| !settings.is_allowed_class(class)) {
            let name = format!("{}{class}", gpu::CLASS_RESOURCE);
            CLASS
                .finding(
                    tollgate_sdk::below(&member.container.path(), &["resources", "limits", &name]),
                    format!("{} asks for the device class `{class}`, which is not among those for workloads", member.title()),
                )
                .actual(class.as_str())
                .allowed(settings.allowed_classes())
                .fix("ask for an allowed class, or have the administrators add this one to the setting `deviceClasses`")
                .report();
        }
    }
}

fn report_node(subject: &Subject<'_>, node: &str) {
    NODE_NAME
        .finding(
            format!("{}/spec/nodeName", subject.pod.path()),
            format!("the pod asks for accelerators and names its node `{node}`: no scheduler checks that they are free there"),
        )
        .actual(node)
        .allowed("no `nodeName`; a node selector or affinity")
        .fix(format!("take `nodeName` out, and select the node by `kubernetes.io/hostname: {node}` if it must be that one"))
        .report();
}

impl GpuIsolation {
    fn allowed_classes(&self) -> String {
        match &self.device_classes {
            Some(classes) => classes.join(", "),
            None => gpu::WORKLOAD_CLASSES.join(", "),
        }
    }
}
